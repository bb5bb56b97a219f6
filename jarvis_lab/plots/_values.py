"""What the plots of policies read from a table of values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.plots._words import joined

__all__ = ["ValueRow", "level_words", "numbers", "read_values", "shared_notes"]

Kind = Literal["ok", "refused", "flattered", "unattainable"]
_NO_DIFFERENCE = "no difference:"
_HINT = "Make the table with compare_policies() or complete_values()."


@dataclass(frozen=True)
class ValueRow:
    """One policy: a number with its interval and n, or bounds, and what is to be said of it."""

    name: str
    value: float
    low: float
    high: float
    bound_low: float
    bound_high: float
    n: int
    kind: Kind
    words: str


def read_values(
    values: pd.DataFrame, value: str, *, name: str = "policy", hint: str = _HINT
) -> list[ValueRow]:
    """Check a table of values and take the rows out of it, in its order."""
    _checks.frame("values", values, hint=hint)
    low, high = ("low", "high") if value == "value" else (f"{value}_low", f"{value}_high")
    if not len(values):
        return []
    for column in (name, value, low, high, "n"):
        _checks.column(column, values.columns, where="values", hint=hint)
    ends = [numbers(values, column, where="values") for column in (value, low, high)]
    bounds = [
        numbers(values, column, where="values")
        if column in values and value == "value"
        else np.full(len(values), math.nan)
        for column in ("bound_low", "bound_high")
    ]
    counts = numbers(values, "n", where="values")
    status, note = (_texts(values, column) for column in ("status", "note"))
    shared = shared_notes(values)
    rows = []
    for place, label in enumerate(values[name]):
        shown, least, most = (float(column[place]) for column in ends)
        bound_low, bound_high = (float(column[place]) for column in bounds)
        kind = _kind(status[place], note[place], shown)
        n = 0 if math.isnan(counts[place]) else int(counts[place])
        words = _said(kind, status[place], note[place], shared, value)
        known = (shown, least, most, bound_low, bound_high)
        rows.append(ValueRow(str(label), *known, n, kind, words))
    return rows


def numbers(table: pd.DataFrame, column: str, *, where: str) -> np.ndarray:
    """A column as floats; what is missing or infinite as NaN."""
    try:
        found = pd.to_numeric(table[column]).to_numpy(dtype=float, na_value=math.nan)
    except (TypeError, ValueError):
        raise ValueError(f"{where}[{column!r}] must hold numbers, not text.") from None
    return np.where(np.isfinite(found), found, math.nan)


def level_words(table: pd.DataFrame, level: float | None) -> str:
    """What the interval is called: with its level, where that is known."""
    known: Any = table.attrs.get("level") if level is None else level
    return "interval" if known is None else f"{100 * _checks.fraction('level', known):g} % interval"


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    if column not in table:
        return [""] * len(table)
    return ["" if pd.isna(text) else str(text).strip() for text in table[column]]


def _kind(status: str, note: str, value: float) -> Kind:
    if status.startswith("refused") or math.isnan(value):
        return "refused"
    if "not cross-fitted" in status:
        return "flattered"
    return "unattainable" if "not attainable" in note else "ok"


def shared_notes(values: pd.DataFrame) -> list[str]:
    """What the notes of all rows say, if there are two rows or more."""
    notes = [_parts(note) for note in _texts(values, "note")]
    return [part for part in notes[0] if all(part in n for n in notes)] if len(notes) > 1 else []


def _parts(note: str) -> list[str]:
    return [part.strip() for part in note.split(";") if part.strip()]


def _said(kind: Kind, status: str, note: str, shared: list[str], value: str) -> str:
    """Status and notes in words, none of them twice, and none that all rows share."""
    first = "" if status == "ok" else status
    if kind == "refused" and not first and not note:
        first = "no value is given"
    # The note of a log's value says of "not cross-fitted" what it means, and the status only that.
    hidden = [*shared, *([_NO_DIFFERENCE] if value == "value" else [])]
    parts = [part for part in _parts(note) if not part.startswith(tuple(hidden))]
    if first and any(part.startswith(first) for part in parts):
        first = ""
    return joined([first, *parts])
