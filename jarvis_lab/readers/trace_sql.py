"""The SQL that reads a trace store's columns by kind, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab.readers.columns import ARROW_KINDS, Wanted, keys, warn_lost
from jarvis_lab.records import METADATA_FACTS

__all__ = ["SEEDS", "affinity", "between", "cleaned", "quoted", "selected"]

#: A value of each kind, for a first row from which the driver takes the columns' types.
SEEDS = {"text": "''", "json": "''", "key": "''", "real": "0.5", "time": "0.5", "whole": "1"}
# What SQL gives for a value that is not of its column's kind, so that Python can count it.
_NOT_REAL, _NOT_WHOLE = float("-inf"), -(2**63)


def affinity(declared: str) -> str:
    """The kind of a column by SQLite's rules for its declared type."""
    upper = declared.upper()
    if "INT" in upper:
        return "whole"
    if any(part in upper for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL")):
        return "real"
    return "text"


def selected(kinds: Mapping[str, str], wanted: Wanted) -> dict[str, tuple[str, str]]:
    """Column name → (SQL term, kind) for what the piece must read."""
    names = [name for name in wanted.declared() if name in kinds]
    if "outcome" in wanted and "outcome" not in kinds and "correct" in kinds:
        names.append("correct")
    names += [name for name in wanted.others(kinds) if name not in names]
    facts = wanted.facts()
    selected = {name: (_term(name, kinds[name]), kinds[name]) for name in names}
    for name in facts:
        kind = METADATA_FACTS[name]
        if name in kinds:
            selected[name] = (_term(name, kinds[name]), kinds[name])
        elif "metadata" in kinds:
            selected[name] = (_fact_term(name, kind), kind)
    return selected


def _term(name: str, kind: str) -> str:
    column = quoted(name)
    if kind in ("text", "json"):
        return f"CAST({column} AS TEXT)"
    good, bad = ("REAL", "-9e999") if kind in ("real", "time") else ("INTEGER", str(_NOT_WHOLE))
    return (
        f"CASE typeof({column}) WHEN 'null' THEN NULL WHEN 'text' THEN {bad} "
        f"WHEN 'blob' THEN {bad} ELSE CAST({column} AS {good}) END"
    )


def _fact_term(name: str, kind: str) -> str:
    path = f"'$.{name}'"
    value = (
        f"metadata -> {path}"
        if kind == "key"
        else f"CASE WHEN json_type(metadata, {path}) IN ('real', 'integer') "
        f"THEN CAST(metadata ->> {path} AS REAL) END"
    )
    return (
        f"CASE WHEN typeof(metadata) = 'text' AND instr(metadata, '\"{name}\"') > 0 "
        f"THEN CASE WHEN json_valid(metadata) THEN {value} END END"
    )


def between(time: str, since: float | None, until: float | None) -> str:
    """Rows near the span; the exact bounds, in microseconds, are held by the caller."""
    terms = ["1"]
    if since is not None:
        terms.append(f"{time} >= {since - 1e-4!r}")
    if until is not None:
        terms.append(f"{time} <= {until + 1e-4!r}")
    return " AND ".join(terms)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def cleaned(column: pa.ChunkedArray, kind: str, where: str) -> pa.ChunkedArray:
    """Mask what was not of the column's kind, and repair text that is no UTF-8."""
    if kind == "key":
        texts = ["null" if text is None else text for text in column.to_pylist()]
        return pa.chunked_array([keys(msgspec.json.decode("[" + ",".join(texts) + "]"))])
    if kind in ("text", "json"):
        return _valid_text(column, where)
    bad = pc.equal(column, _NOT_WHOLE if kind == "whole" else _NOT_REAL)
    lost = pc.sum(bad).as_py() or 0
    if lost:
        warn_lost(lost, where, "not numbers")
        column = pc.if_else(bad, pa.scalar(None, column.type), column)
    return column


def _valid_text(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        values = [
            None if value is None else value.decode("utf-8", errors="replace")
            for value in column.cast(pa.binary()).to_pylist()
        ]
        warn_lost(
            sum(value is not None and "\ufffd" in value for value in values),
            where,
            "not UTF-8",
            result="read with U+FFFD in its place",
        )
        return pa.chunked_array([pa.array(values, ARROW_KINDS["text"])])
    return column
