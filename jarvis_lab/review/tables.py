"""Candidates and their state as rows: one item, a page, or all of them."""

from __future__ import annotations

import html
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
import pandas as pd

from jarvis_lab.records import Candidate, Message, ReviewEvent
from jarvis_lab.review.candidates import Entry, number
from jarvis_lab.review.fold import DECISIONS, ItemState, in_force

__all__ = [
    "EVENT_COLUMNS",
    "ITEM_COLUMNS",
    "ReviewItem",
    "event_frame",
    "item_frame",
    "review_item",
]

#: column -> dtype of one row per candidate.
ITEM_COLUMNS: dict[str, str] = {
    "id": "str",
    "source": "str",
    "benchmark_run_id": "str",
    "timestamp": "str",
    "status": "str",
    "prompt_messages": "object",
    "model_response": "str",
    "corrected_response": "str",
    "quality_score": "float64",
    "failure_reason": "str",
    "task_id": "str",
    "task_type": "str",
    "task_name": "str",
    "model_id": "str",
    "model_name": "str",
    "node_id": "str",
    "gpu_id": "str",
    "tokens_per_sec": "float64",
    "failure_category": "str",
    "action": "str",
    "target": "str",
    "reviewer": "str",
    "decided_at": "datetime64[us, UTC]",
    "note": "str",
    "conflict": "bool",
    "stale": "bool",
    "source_file": "str",
    "source_line": "int64",
}

#: column -> dtype of one row per event.
EVENT_COLUMNS: dict[str, str] = {
    "id": "str",
    "event_id": "str",
    "at": "datetime64[us, UTC]",
    "reviewer": "str",
    "action": "str",
    "text": "str",
    "failure_category": "str",
    "note": "str",
    "undoes": "str",
    "in_force": "bool",
    "stale": "bool",
}

_AS_TEXT = ("source", "benchmark_run_id", "timestamp", "failure_reason", "task_id", "task_type")
_MORE_TEXT = ("task_name", "model_id", "model_name", "node_id", "model_response")


@dataclass(frozen=True, repr=False)
class ReviewItem:
    """A candidate and what was decided about it: a row of ``to_frame()``, and two more.

    Attributes
    ----------
    id, source, benchmark_run_id, timestamp, model_response, failure_reason, task_id, task_type, \
task_name, model_id, model_name, node_id, gpu_id : str or None
        As in the candidate.
    prompt_messages : list of dict
        ``role`` (text or None) and ``content`` (as logged: text, a list of parts, or None).
    quality_score, tokens_per_sec : float
        NaN where missing or not a number.
    status : str
        needs_review, approved, discarded or model_rejected, by the newest decision in force.
    action : str or None
        That decision: approve, correct, discard or flag.
    corrected_response : str or None
        The correction, if the action is correct.
    target : str or None
        The text to train on: the correction, or the model's own answer if it was approved.
    failure_category, reviewer, decided_at, note : str or None (decided_at: datetime)
        Of that decision; a later note replaces its note. ``reviewer`` and ``decided_at`` are
        None for a decision that came with the original's files.
    conflict : bool
        Two reviewers' decisions in force disagree.
    stale : bool
        The candidate changed after the decision.
    source_file, source_line
        File in the review folder and line where the candidate stands.
    draft : str or None
        What this reviewer typed last and did not submit, or submitted and undid.
    skipped : bool
        This reviewer has skipped the item.
    """

    id: str
    source: str | None
    benchmark_run_id: str | None
    timestamp: str | None
    status: str
    prompt_messages: list[dict[str, Any]]
    model_response: str | None
    corrected_response: str | None
    quality_score: float
    failure_reason: str | None
    task_id: str | None
    task_type: str | None
    task_name: str | None
    model_id: str | None
    model_name: str | None
    node_id: str | None
    gpu_id: str | None
    tokens_per_sec: float
    failure_category: str | None
    action: str | None
    target: str | None
    reviewer: str | None
    decided_at: datetime | None
    note: str | None
    conflict: bool
    stale: bool
    source_file: str
    source_line: int
    draft: str | None = None
    skipped: bool = False

    def __repr__(self) -> str:
        marks = "".join(f", {mark}" for mark in ("conflict", "stale") if getattr(self, mark))
        return f"ReviewItem({self.id!r}, {self.status}{marks}, model {self.model_name or '?'})"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


def _row(entry: Entry, state: ItemState) -> dict[str, Any]:
    candidate = entry.candidate()
    row: dict[str, Any] = {name: getattr(candidate, name) for name in (*_AS_TEXT, *_MORE_TEXT)}
    decision = state.decision
    corrected = decision.text if decision and decision.action == "correct" else None
    approved = decision is not None and decision.action == "approve"
    row |= {
        "id": entry.id,
        "status": state.status,
        "prompt_messages": _messages(candidate.prompt_messages),
        "corrected_response": corrected,
        "quality_score": entry.quality,
        "gpu_id": _text(candidate.gpu_id),
        "tokens_per_sec": number(candidate.tokens_per_sec),
        "failure_category": decision.category if decision else _own_category(candidate, entry),
        "action": decision.action if decision else None,
        "target": candidate.model_response if approved else corrected,
        "reviewer": decision.reviewer or None if decision else None,
        "decided_at": _time(decision),
        "note": state.note,
        "conflict": state.conflict,
        "stale": state.stale,
        "source_file": entry.file,
        "source_line": entry.number,
    }
    return row


def review_item(
    entry: Entry, state: ItemState, events: Sequence[ReviewEvent], reviewer: str
) -> ReviewItem:
    """One candidate as a value."""
    row = _row(entry, state)
    row["draft"] = draft_of(events, reviewer)
    row["skipped"] = reviewer in state.skipped_by
    return ReviewItem(**{item.name: row[item.name] for item in fields(ReviewItem)})


def item_frame(rows: Iterable[tuple[Entry, ItemState]]) -> pd.DataFrame:
    """One row per candidate, with the columns of :data:`ITEM_COLUMNS`."""
    listed = [_row(entry, state) for entry, state in rows]
    return _frame(listed, ITEM_COLUMNS)


def event_frame(
    histories: Iterable[tuple[str, Sequence[ReviewEvent]]],
    alive: Container[str],
    sha256: Mapping[str, str],
) -> pd.DataFrame:
    """One row per event, with the columns of :data:`EVENT_COLUMNS`."""
    rows: list[dict[str, Any]] = []
    for item_id, events in histories:
        for event in events:
            row = msgspec.structs.asdict(event)
            row |= {
                "id": item_id,
                "at": _time(event),
                "reviewer": event.reviewer or None,
                "failure_category": event.category,
                "in_force": event.event_id in alive,
                "stale": event.item_sha256 != sha256[item_id],
            }
            rows.append(row)
    return _frame(rows, EVENT_COLUMNS)


def draft_of(events: Sequence[ReviewEvent], reviewer: str) -> str | None:
    """What ``reviewer`` typed last and did not submit, or submitted and undid."""
    alive = in_force(events)
    for event in reversed(events):
        if event.reviewer != reviewer:
            continue
        if event.action in DECISIONS and event.event_id in alive:
            return None
        if event.action in ("draft", "correct"):
            return event.text or None
    return None


def _frame(rows: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=dtype)
            for name, dtype in columns.items()
        }
    )


def _messages(messages: list[Message] | None) -> list[dict[str, Any]]:
    return [{"role": turn.role, "content": turn.content} for turn in messages or ()]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _own_category(candidate: Candidate, entry: Entry) -> str | None:
    """The category in the record, unless it belonged to a decision that was undone."""
    return candidate.failure_category if entry.base is None else None


def _time(event: ReviewEvent | None) -> datetime | None:
    return datetime.fromisoformat(event.at) if event and event.at else None
