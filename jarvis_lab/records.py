"""On-disk records as msgspec Structs, and the columns of each table, declared once.

JSON ``null`` means absent and any field may be missing, so every field has a default; only a
wrong JSON type in a listed field makes a line bad. Unknown fields are ignored.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import msgspec

__all__ = [
    "METADATA_FACTS",
    "STEP_COLUMNS",
    "TRACE_COLUMNS",
    "Candidate",
    "Message",
    "ReviewEvent",
    "StepRecord",
    "TraceRecord",
]

#: name -> kind ("id", "text", "real", "whole", "time", "json") of each column of a trace store.
TRACE_COLUMNS: dict[str, str] = {
    "id": "whole",
    "trace_id": "text",
    "query": "text",
    "agent": "text",
    "model": "text",
    "engine": "text",
    "result": "text",
    "outcome": "text",
    "feedback": "real",
    "started_at": "time",
    "ended_at": "time",
    "total_tokens": "whole",
    "total_latency_seconds": "real",
    "metadata": "json",
    "messages": "json",
}

STEP_COLUMNS: dict[str, str] = {
    "id": "whole",
    "trace_id": "text",
    "step_index": "whole",
    "step_type": "text",
    "timestamp": "time",
    "duration_seconds": "real",
    "input": "json",
    "output": "json",
    "metadata": "json",
}

#: Facts of a trace that live in its metadata and come out as columns: name -> kind.
METADATA_FACTS: dict[str, str] = {"cost_usd": "real", "propensity": "real", "query_id": "key"}


_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
#: Epoch seconds, or ISO text with date and time as other tools write it.
Moment = float | datetime.datetime


class TraceRecord(msgspec.Struct):
    """One line of a trace log in JSONL."""

    id: _Int64 | None = None
    trace_id: str | None = None
    query: str | None = None
    agent: str | None = None
    model: str | None = None
    engine: str | None = None
    result: str | None = None
    outcome: str | None = None
    feedback: float | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    total_tokens: _Int64 | None = None
    total_latency_seconds: float | None = None
    metadata: dict[str, Any] | str | None = None
    messages: list[Any] | str | None = None


class StepRecord(msgspec.Struct):
    """One line of a step log in JSONL."""

    id: _Int64 | None = None
    trace_id: str | None = None
    step_index: _Int64 | None = None
    step_type: str | None = None
    timestamp: Moment | None = None
    duration_seconds: float | None = None
    input: Any = None
    output: Any = None
    metadata: Any = None


class Message(msgspec.Struct, omit_defaults=True):
    """One turn of a prompt; ``content`` is what the log holds, text or a list of parts."""

    role: str | None = None
    content: Any = None


class Candidate(msgspec.Struct, omit_defaults=True):
    """One line of ``sft_candidates.jsonl``: a model's answer that waits for review.

    Decisions are bound to the SHA-256 of this record's encoding, so fields keep their order and
    new ones go to the end.
    """

    id: str | None = None
    source: str | None = None
    benchmark_run_id: str | None = None
    timestamp: str | None = None
    status: str | None = None
    prompt_messages: list[Message] | None = None
    model_response: str | None = None
    corrected_response: str | None = None
    quality_score: Any = None
    failure_reason: str | None = None
    task_id: str | None = None
    task_type: str | None = None
    task_name: str | None = None
    model_id: str | None = None
    model_name: str | None = None
    node_id: str | None = None
    gpu_id: Any = None
    tokens_per_sec: Any = None
    failure_category: str | None = None


class ReviewEvent(msgspec.Struct, omit_defaults=True, kw_only=True, frozen=True, gc=False):
    """One line of a review journal: a decision, a skip, a note, a draft or an undo."""

    v: int
    event_id: str
    item_id: str
    item_sha256: str
    reviewer: str
    seq: int
    at: str
    action: str
    text: str | None = None
    category: str | None = None
    note: str | None = None
    undoes: str | None = None
