"""What the Export button writes unless it is told otherwise."""

from __future__ import annotations

from pathlib import Path

from jarvis_lab._files import write_bytes
from jarvis_lab.review.queue import ReviewQueue

__all__ = ["write_table"]


def write_table(queue: ReviewQueue) -> str:
    """Write ``queue.to_frame()`` to ``exports/review.jsonl`` in the queue's folder.

    Parameters
    ----------
    queue
        The queue; it is only read.

    Returns
    -------
    str
        How many rows were written, how many of them are ready for training, and where.
    """
    frame = queue.to_frame()
    path = Path(queue.folder) / "exports" / "review.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = frame.to_json(orient="records", lines=True, date_format="iso", force_ascii=False)
    write_bytes(path, text.encode("utf-8", "replace"))
    ready = int(queue.stats()["export_ready"])
    return f"{len(frame):,} rows, {ready:,} of them ready for training, in {path}"
