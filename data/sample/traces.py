"""traces.db: a trace store in OpenJarvis' schema, filled from the known truth."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from .draw import Draw
from .queries import WRITERS
from .texts import ANSWERS
from .truth import (
    FEEDBACK_DEVIATION,
    FEEDBACK_MEAN,
    FEEDBACK_NULL_FIRST,
    FEEDBACK_PRESENT,
    KINDS,
    MODELS,
    OUTCOME_MISSING,
    PROPENSITIES,
    Kind,
    Model,
)

TRACES = 5_000
START = 1_772_409_600.0  # 2026-03-02 00:00 UTC, a Monday
DAYS = 42
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 10, 12, 14, 13, 11, 9, 7, 6, 5, 4, 3, 2)

SCHEMA = """
CREATE TABLE traces (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id             TEXT    NOT NULL UNIQUE,
    query                TEXT    NOT NULL DEFAULT '',
    agent                TEXT    NOT NULL DEFAULT '',
    model                TEXT    NOT NULL DEFAULT '',
    engine               TEXT    NOT NULL DEFAULT '',
    result               TEXT    NOT NULL DEFAULT '',
    outcome              TEXT,
    feedback             REAL,
    started_at           REAL    NOT NULL DEFAULT 0.0,
    ended_at             REAL    NOT NULL DEFAULT 0.0,
    total_tokens         INTEGER NOT NULL DEFAULT 0,
    total_latency_seconds REAL   NOT NULL DEFAULT 0.0,
    metadata             TEXT    NOT NULL DEFAULT '{}',
    messages             TEXT    NOT NULL DEFAULT '[]'
);
CREATE TABLE trace_steps (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id         TEXT    NOT NULL,
    step_index       INTEGER NOT NULL,
    step_type        TEXT    NOT NULL,
    timestamp        REAL    NOT NULL DEFAULT 0.0,
    duration_seconds REAL    NOT NULL DEFAULT 0.0,
    input            TEXT    NOT NULL DEFAULT '{}',
    output           TEXT    NOT NULL DEFAULT '{}',
    metadata         TEXT    NOT NULL DEFAULT '{}',
    FOREIGN KEY (trace_id) REFERENCES traces(trace_id)
);
"""
Row = tuple[Any, ...]


def make_traces(seed: int, count: int = TRACES) -> tuple[list[Row], list[Row]]:
    """Rows of the two tables, oldest first, without their ids."""
    draw = Draw(seed, 1)
    days, hours = range(DAYS), range(24)
    week = [1.0 if day % 7 < 5 else 0.4 for day in days]
    starts = sorted(
        round(
            START
            + 86_400 * draw.weighted(days, week)
            + 3_600 * draw.weighted(hours, _HOURS)
            + 3_600 * draw.unit(),
            3,
        )
        for _ in range(count)
    )
    query_ids: dict[str, str] = {}
    traces, steps = [], []
    for index, started in enumerate(starts):
        kind = draw.weighted(KINDS, [kind.share for kind in KINDS])
        query = WRITERS[kind.name](draw)
        query_id = query_ids.setdefault(query, f"q{len(query_ids):05d}")
        trace, own = _trace(draw, index, started, kind, query, query_id)
        traces.append(trace)
        steps.extend(own)
    return traces, steps


def _trace(
    draw: Draw, index: int, started: float, kind: Kind, query: str, query_id: str
) -> tuple[Row, list[Row]]:
    propensities = PROPENSITIES[kind.regex]
    chosen = draw.weighted(range(len(MODELS)), propensities)
    model = MODELS[chosen]
    success = draw.chance(kind.success[chosen])
    outcome = None if draw.chance(OUTCOME_MISSING) else "success" if success else "failure"
    feedback = _feedback(draw, success)
    if index < FEEDBACK_NULL_FIRST:
        feedback = None
    tokens, latency = _work(draw, kind, model, query)
    trace_id = f"{index:04x}{draw.key(8)}"
    steps = _steps(draw, trace_id, started, latency, tokens, kind)
    metadata = {
        "generated": True,
        "kind": kind.name,
        "query_id": query_id,
        "propensity": propensities[chosen],
        "cost_usd": round(tokens * model.usd_per_1000_tokens / 1000, 8),
    }
    trace = (
        trace_id,
        query,
        "orchestrator" if len(steps) > 2 else "simple",
        model.name,
        model.engine,
        f"[generated] {draw.pick(ANSWERS)}",
        outcome,
        feedback,
        started,
        round(started + latency, 3),
        tokens,
        latency,
        _json(metadata),
        "[]",
    )
    return trace, steps


def _feedback(draw: Draw, success: bool) -> float | None:
    value = draw.normal(FEEDBACK_MEAN[success], FEEDBACK_DEVIATION)
    present = draw.chance(FEEDBACK_PRESENT)
    return min(1.0, max(0.0, round(value * 20) / 20)) if present else None


def _work(draw: Draw, kind: Kind, model: Model, query: str) -> tuple[int, float]:
    """Tokens in and out, and seconds."""
    written = max(8, round(draw.normal(1.0, 0.25) * kind.tokens * model.verbosity))
    seconds = model.first_token_seconds + written / model.tokens_per_second
    return len(query) // 4 + written, round(seconds * max(0.6, draw.normal(1.0, 0.12)), 3)


def _steps(
    draw: Draw, trace_id: str, started: float, latency: float, tokens: int, kind: Kind
) -> list[Row]:
    """Route, perhaps look something up, generate, perhaps respond; together ``latency``."""
    types = ["route", "generate"]
    if kind.regex == "long":
        types.insert(1, "retrieve")
    elif kind.name in ("calculation", "code_fix") and draw.chance(0.5):
        types.insert(1, "tool_call")
    if draw.chance(0.3):
        types.append("respond")
    parts = {"route": 0.01, "retrieve": 0.08, "tool_call": 0.10, "respond": 0.02}
    parts["generate"] = 1.0 - sum(parts[step] for step in types if step != "generate")
    rows, at = [], started
    for number, step in enumerate(types):
        seconds = round(latency * parts[step], 4)
        output = _json({"tokens": tokens}) if step == "generate" else "{}"
        rows.append((trace_id, number, step, round(at, 3), seconds, "{}", output, "{}"))
        at += seconds
    return rows


def write_traces(path: Path, seed: int) -> None:
    """Write the store, the same bytes each time, with a rollback journal (not WAL)."""
    path.unlink(missing_ok=True)
    traces, steps = make_traces(seed)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.executescript(SCHEMA)
        with connection:
            connection.executemany(f"INSERT INTO traces VALUES (NULL{', ?' * 14})", traces)
            connection.executemany(f"INSERT INTO trace_steps VALUES (NULL{', ?' * 8})", steps)
        connection.execute("VACUUM")
    finally:
        connection.close()
    with path.open("r+b") as handle:  # the version of the SQLite that wrote: not our business
        handle.seek(96)
        handle.write((3_040_000).to_bytes(4, "big"))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
