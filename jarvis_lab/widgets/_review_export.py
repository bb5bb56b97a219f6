"""What the Export button writes unless it is told otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path

from jarvis_lab._files import write_bytes
from jarvis_lab.review.queue import ReviewQueue

__all__ = ["export_review"]


def export_review(queue: ReviewQueue) -> str:
    """Write what may be trained on and the whole table to ``exports`` in the queue's folder.

    ``corrections.jsonl`` is what `export_corrections` makes of the queue, firewall included;
    ``review.jsonl`` is ``queue.to_frame()``, one line per candidate.

    Parameters
    ----------
    queue
        The queue; it is only read.

    Returns
    -------
    str
        How many rows were written and where.
    """
    folder = Path(queue.folder) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    frame = queue.to_frame()
    text = frame.to_json(orient="records", lines=True, date_format="iso", force_ascii=False)
    write_bytes(folder / "review.jsonl", text.encode("utf-8", "replace"))
    corrections = importlib.import_module("jarvis_lab.synthesis.corrections")
    result = corrections.export_corrections(queue, folder / "corrections.jsonl")
    rows = f"{result.rows_exported:,} rows to train on (corrections.jsonl)"
    if not result.files:
        rows = "nothing to train on yet"
    return f"{rows}, and all {len(frame):,} candidates (review.jsonl), in {folder}"
