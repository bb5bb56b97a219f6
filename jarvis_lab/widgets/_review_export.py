"""What the Export button writes unless it is told otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path

from jarvis_lab._checks import plural
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
    n = result.rows_exported
    rows = f"{n:,} {plural(n, 'row')} to train on (corrections.jsonl)"
    if not result.files:
        rows = "nothing to train on yet"
    items = plural(len(frame), "the only candidate", f"all {len(frame):,} candidates")
    return f"{rows}, and {items} (review.jsonl), in {folder}"
