"""The SQL that reads a trace store's columns by kind, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab.readers.casts import (
    EARLIEST_SECOND,
    LATEST_SECOND,
    valid_text,
    warn_lost,
)
from jarvis_lab.readers.columns import Wanted

__all__ = ["SEEDS", "affinity", "between", "cleaned", "moment", "quoted", "selected"]

#: A value of each kind, for a first row from which the driver takes the columns' types.
SEEDS = {"text": "''", "json": "''", "word": "''", "real": "0.5", "time": "0.5", "whole": "1"}
# What SQL gives for a value that is not of its column's kind, so that Python can count it.
_NOT_REAL, _NOT_WHOLE, _NOT_TEXT = float("-inf"), -(2**63), "\x01not text\x01"


def affinity(declared: str) -> str:
    """The kind of a column by SQLite's rules for its declared type."""
    upper = declared.upper()
    if "INT" in upper:
        return "whole"
    if any(part in upper for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL")):
        return "real"
    return "text"


def selected(kinds: Mapping[str, str], wanted: Wanted, file: str) -> dict[str, tuple[str, str]]:
    """Column name → (SQL term, kind) for what the piece must read."""
    chosen = {name: kinds[name] for name in wanted.stored(kinds, file)}
    if "outcome" in chosen:
        chosen["outcome"] = "word"
    return {name: (_term(name, kind), kind) for name, kind in chosen.items()}


def _term(name: str, kind: str) -> str:
    column = quoted(name)
    if kind == "word":
        return (
            f"CASE WHEN typeof({column}) IN ('text', 'null') THEN {column} ELSE '{_NOT_TEXT}' END"
        )
    if kind in ("text", "json"):
        return f"CAST({column} AS TEXT)"
    good, bad = ("REAL", "-9e999") if kind in ("real", "time") else ("INTEGER", str(_NOT_WHOLE))
    return (
        f"CASE typeof({column}) WHEN 'null' THEN NULL WHEN 'text' THEN {bad} "
        f"WHEN 'blob' THEN {bad} ELSE CAST({column} AS {good}) END"
    )


def between(time: str, since: float | None, until: float | None) -> str:
    """Rows near the span; the exact bounds, in microseconds, are held by the caller."""
    terms = ["1"]
    if since is not None:
        terms.append(f"{time} >= {since - 1e-4!r}")
    if until is not None:
        terms.append(f"{time} <= {until + 1e-4!r}")
    return " AND ".join(terms)


def moment(time: str) -> str:
    """The time of a row in epoch seconds, NULL where it is none."""
    return (
        f"CASE WHEN typeof({time}) IN ('real', 'integer') AND {time} > {EARLIEST_SECOND!r} "
        f"AND {time} < {LATEST_SECOND!r} THEN {time} END"
    )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def cleaned(column: pa.ChunkedArray, kind: str, where: str) -> pa.ChunkedArray:
    """Mask what was not of the column's kind, and repair text that is no UTF-8."""
    if kind == "word":
        column, kind = _words(column, where), "text"
    if kind in ("text", "json"):
        return valid_text(column, where)
    bad = pc.equal(column, _NOT_WHOLE if kind == "whole" else _NOT_REAL)
    lost = pc.sum(bad).as_py() or 0
    if lost:
        warn_lost(lost, where, "not numbers")
        column = pc.if_else(bad, pa.scalar(None, column.type), column)
    return column


def _words(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    bad = pc.equal(column, _NOT_TEXT)
    lost = pc.sum(bad).as_py() or 0
    warn_lost(lost, where, "not text ('success', another word)")
    return pc.if_else(bad, pa.scalar(None, column.type), column) if lost else column
