"""A copy of the queue in the original's two files, for the tools that expect them."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from jarvis_lab._files import atomic_group
from jarvis_lab.review.candidates import APPROVED_FILE, CANDIDATES_FILE, Entry, plain_record
from jarvis_lab.review.fold import ItemState
from jarvis_lab.review.ledger import is_export_ready

__all__ = ["SnapshotResult", "write_snapshot"]


@dataclass(frozen=True, repr=False)
class SnapshotResult:
    """How many records each file of a snapshot has."""

    candidates: int
    approved: int
    folder: Path

    def __repr__(self) -> str:
        return (
            f"SnapshotResult(candidates={self.candidates}, approved={self.approved}, "
            f"folder={str(self.folder)!r})"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


def write_snapshot(
    queue_folder: Path,
    folder: str | os.PathLike[str],
    rows: Iterable[tuple[Entry, ItemState]],
) -> SnapshotResult:
    """Write ``sft_candidates.jsonl`` and ``sft_approved.jsonl``, each whole or not at all."""
    target = Path(folder).expanduser()
    _refuse_own(queue_folder, target)
    target.mkdir(parents=True, exist_ok=True)
    candidates = approved = 0
    with atomic_group([target / APPROVED_FILE, target / CANDIDATES_FILE]) as (ready, every):
        for entry, state in rows:
            record = _record(entry, state)
            line = msgspec.json.encode(record) + b"\n"
            every.write(line)
            candidates += 1
            if record["status"] == "approved" and is_export_ready(state, entry):
                ready.write(line)
                approved += 1
    return SnapshotResult(candidates, approved, target)


def _record(entry: Entry, state: ItemState) -> dict[str, Any]:
    """The record as it came, unknown fields included, with the decision written over it."""
    record = plain_record(entry.line)
    decision = None if state.conflict or state.stale else state.decision
    usable = decision is not None or state.decision is None
    record["status"] = state.status if usable else "needs_review"
    text = decision.text if decision and decision.action == "correct" else None
    if decision is not None and decision.action == "approve":
        text = record.get("model_response")
    if text is not None or "corrected_response" in record:
        record["corrected_response"] = text
    if decision is not None and decision.category is not None:
        record["failure_category"] = decision.category
    elif entry.base is not None and "failure_category" in record:
        record["failure_category"] = None
    return record


def _refuse_own(queue_folder: Path, target: Path) -> None:
    own = queue_folder.resolve()
    place = target.resolve()
    for parent in (place, *place.parents):
        same = parent == own
        if not same and parent.exists() and own.exists():
            same = parent.samefile(own)
        if same:
            raise ValueError(
                f"{target} is the queue's own folder {queue_folder}, or inside it. A snapshot "
                "there would be read as candidates; write it to another folder."
            )
