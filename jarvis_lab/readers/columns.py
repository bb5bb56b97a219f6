"""One shape for every source: Arrow columns of declared kinds, whatever the file held."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.records import METADATA_FACTS

__all__ = [
    "ARROW_KINDS",
    "BLOCK_ROWS",
    "ValueWarning",
    "Wanted",
    "arrow_array",
    "canonical",
    "epoch_seconds",
    "facts_of",
    "keys",
    "warn_lost",
]

ARROW_KINDS: dict[str, pa.DataType] = {
    "text": pa.large_string(),
    "real": pa.float64(),
    "whole": pa.int64(),
    "time": pa.timestamp("us", "UTC"),
    "json": pa.large_string(),
}
#: Rows that are read, and summed, at a time.
BLOCK_ROWS = 65_536
_LATEST_SECOND = 253_402_300_799.0  # the end of the year 9999


class ValueWarning(UserWarning):
    """Values that cannot be what their column holds were read as missing; the text counts them."""


class Wanted:
    """Which columns a reader is asked for.

    Parameters
    ----------
    kinds
        The table's declared columns and their kinds.
    names
        Column names; None for the default (all but ``optional``); "all" for all.
    optional
        Columns that come only when asked for.
    """

    def __init__(
        self,
        kinds: Mapping[str, str],
        names: str | Iterable[str] | None,
        *,
        optional: Sequence[str] = (),
    ) -> None:
        if isinstance(names, str) and names != "all":
            raise TypeError(f"columns must be a list of names or 'all', not {names!r}.")
        self.kinds = dict(kinds)
        self.explicit = None if names is None or names == "all" else tuple(dict.fromkeys(names))
        for name in self.explicit or ():
            _checks.text("columns", name)
        self._left_out = frozenset(optional) if names is None else frozenset()
        self.everything = names == "all"

    def __contains__(self, name: str) -> bool:
        return name not in self._left_out if self.explicit is None else name in self.explicit

    def with_column(self, name: str) -> Wanted:
        """The same columns and one more, to sort or filter by."""
        if name in self:
            return self
        return Wanted(self.kinds, (*(self.explicit or ()), name))

    def declared(self) -> list[str]:
        """The declared columns that are wanted, in the table's order."""
        return [name for name in self.kinds if name in self]

    def others(self, available: Iterable[str]) -> list[str]:
        """The wanted columns among ``available`` that are not declared and are no fact."""
        known = {*self.kinds, *METADATA_FACTS}
        return [name for name in available if name not in known and name in self]

    def stored(self, available: Iterable[str]) -> list[str]:
        """The stored columns that the wanted ones are made from, in their stored order."""
        have = list(available)
        needed = {*self.declared(), *self.facts(), *self.others(have)}
        if self.facts():
            needed.add("metadata")
        if "outcome" in self and "outcome" not in have:
            needed.add("correct")
        return [name for name in have if name in needed]

    def facts(self) -> list[str]:
        """The wanted facts of a trace's metadata."""
        if "messages" not in self.kinds:  # steps have none
            return []
        return [name for name in METADATA_FACTS if name in self]


def canonical(table: pa.Table, wanted: Wanted, *, where: str) -> pa.Table:
    """Cast the wanted columns of ``table`` to their kinds and add the facts of its metadata.

    A table that has ``correct`` and no ``outcome`` reads it as success or failure.
    """
    names = list(table.column_names)
    columns: dict[str, pa.ChunkedArray] = {}
    for name in wanted.declared():
        if name in names:
            columns[name] = _cast(table[name], wanted.kinds[name], f"{name!r} of {where}")
        elif name == "outcome" and "correct" in names:
            columns[name] = _outcome_of_correct(table["correct"], where)
    facts = wanted.facts()
    for name in facts:
        if name in names:
            kind = METADATA_FACTS[name]
            column = table[name]
            columns[name] = column if kind == "key" else _cast(column, kind, f"{name!r} of {where}")
    absent = [name for name in facts if name not in columns]
    if absent and "metadata" in names:
        columns |= facts_of(table["metadata"].to_pylist(), absent)
    for name in wanted.others(names):
        columns[name] = table[name]
    if not columns:
        return table.select([])
    return pa.table(columns)


def facts_of(metadata: Iterable[object], names: Sequence[str]) -> dict[str, pa.Array]:
    """The named facts of each trace's metadata (JSON text or mapping), where any trace has them."""
    values: dict[str, list[Any]] = {name: [] for name in names}
    for entry in metadata:
        facts = _mapping(entry)
        for name in names:
            values[name].append(_fact(facts.get(name), METADATA_FACTS[name]))
    return {
        name: keys(column) if METADATA_FACTS[name] == "key" else pa.array(column, pa.float64())
        for name, column in values.items()
        if any(value is not None for value in column)
    }


def keys(values: Sequence[Any]) -> pa.Array:
    """Query ids as whole numbers if all of them are, else as text."""
    if all(value is None or (type(value) is int and abs(value) < 2**63) for value in values):
        return pa.array(values, pa.int64())
    texts = [
        value
        if value is None or isinstance(value, str)
        else msgspec.json.encode(value).decode("utf-8")
        for value in values
    ]
    return pa.array(texts, pa.large_string())


def arrow_array(values: Any, where: str) -> pa.Array:
    """Python or pandas values as an Arrow array, or an error that names the column."""
    try:
        array = pa.array(values, from_pandas=True)
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        OverflowError,
    ) as error:
        kinds = sorted({type(v).__name__ for v in values if v is not None and v is not pd.NA})
        if "outcome" in where or len(kinds) < 2:
            raise ValueError(
                f"Column {where} mixes {_checks.names(kinds)}: {error}. "
                "An outcome must be text ('success', another word) or missing."
                if "outcome" in where
                else f"Column {where} cannot be read: {error}."
            ) from None
        texts = [None if v is None or v is pd.NA or v != v else str(v) for v in values]
        return pa.array(texts, pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def epoch_seconds(name: str, moment: object) -> float | None:
    """Epoch seconds of a moment given as such, as ISO text or as a datetime (naive means UTC)."""
    if moment is None or moment is pd.NaT:
        return None
    if isinstance(moment, (int, float, np.number)) and not isinstance(moment, bool):
        if not np.isfinite(moment):
            raise ValueError(f"{name}={moment!r} is not a moment.")
        return float(moment)
    try:
        stamp = pd.Timestamp(moment)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name}={moment!r} is no moment: give epoch seconds, ISO text such as "
            f"'2026-01-31T12:00:00Z' or a datetime. ({error})"
        ) from None
    if stamp.tzinfo is None:
        stamp = stamp.tz_localize("UTC")
    return stamp.timestamp()


def _mapping(entry: object) -> Mapping[str, Any]:
    if isinstance(entry, str):
        try:
            entry = msgspec.json.decode(entry)
        except (msgspec.DecodeError, RecursionError):
            return {}
    return entry if isinstance(entry, Mapping) else {}


def _fact(value: Any, kind: str) -> Any:
    if kind == "key":
        return value
    return float(value) if isinstance(value, (int, float)) and value == value else None


def _cast(column: pa.ChunkedArray, kind: str, where: str) -> pa.ChunkedArray:
    """One column in its kind. A type that cannot be one is an error; a value is counted."""
    target, found = ARROW_KINDS[kind], column.type
    if found == target:
        return column
    if pa.types.is_dictionary(found):
        return _cast(column.cast(found.value_type), kind, where)
    if pa.types.is_null(found):
        return column.cast(target)
    if kind == "time":
        return _times(column, where)
    textual = pa.types.is_string(found) or pa.types.is_large_string(found)
    if kind in ("text", "json"):
        if textual or (kind == "text" and "outcome" not in where and _is_number(found)):
            return column.cast(target)
        if kind == "json":
            texts = [None if v is None else _json_text(v) for v in column.to_pylist()]
            return pa.chunked_array([pa.array(texts, target)])
        raise ValueError(
            f"Column {where} holds {found}, but must be text"
            + (
                ": 'success', another word, or missing. Name a column of true and false 'correct'."
                if "outcome" in where
                else "."
            )
        )
    if textual:
        return _numbers(column, target, where)
    try:
        return column.cast(target, safe=kind == "whole")
    except pa.ArrowInvalid as error:
        raise ValueError(f"Column {where} must hold {target}: {error}") from None


def _is_number(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found) or pa.types.is_floating(found))


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode("utf-8")


def _numbers(column: pa.ChunkedArray, target: pa.DataType, where: str) -> pa.ChunkedArray:
    numbers = pd.to_numeric(pd.Series(column.to_pylist(), dtype="object"), errors="coerce")
    array = pa.array(numbers.to_numpy(dtype="float64"), from_pandas=True)
    warn_lost(pc.sum(array.is_null()).as_py() - column.null_count, where, "not numbers")
    return pa.chunked_array([array.cast(target)])


def _times(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    found, target = column.type, ARROW_KINDS["time"]
    if pa.types.is_timestamp(found):
        micro = column.cast(pa.timestamp("us", found.tz), safe=False)
        return micro.cast(target) if found.tz else pc.assume_timezone(micro, "UTC")
    if _is_number(found):
        return _from_epoch(column.cast(pa.float64()), where)
    texts = pd.Series(column.to_pylist(), dtype="object")
    numbers = pd.to_numeric(texts, errors="coerce")
    if bool((numbers.notna() == texts.notna()).all()):
        values = pa.array(numbers.to_numpy(dtype="float64"), from_pandas=True)
        return _from_epoch(pa.chunked_array([values]), where)
    stamps = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    warn_lost(int(stamps.isna().sum()) - column.null_count, where, "not times")
    return pa.chunked_array([pa.array(stamps.dt.as_unit("us"), target)])


def _from_epoch(seconds: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Epoch seconds, rounded to microseconds; what is not between the years 1 and 9999 is lost."""
    values = np.array(seconds.to_numpy(), dtype="float64")
    missing = np.isnan(values)
    lost = ~missing & ~((values > -62_135_596_800.0) & (values < _LATEST_SECOND))
    warn_lost(int(lost.sum()), where, "not epoch seconds (milliseconds, perhaps?)")
    values[missing | lost] = 0.0
    micro = np.round(values * 1e6).astype("int64")
    return pa.chunked_array([pa.array(micro, mask=missing | lost).cast(ARROW_KINDS["time"])])


def _outcome_of_correct(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    found = column.type
    if not (pa.types.is_boolean(found) or _is_number(found)):
        raise ValueError(f"Column 'correct' of {where} holds {found}, but must be true or false.")
    values = column.cast(pa.float64()) if _is_number(found) else column.cast(pa.int8())
    strange = pc.sum(pc.invert(pc.is_in(values, pa.array([0, 1], values.type)))).as_py() or 0
    if strange - column.null_count > 0:
        raise ValueError(
            f"Column 'correct' of {where} has {strange - column.null_count} values that are "
            "neither 0 nor 1. A graded reward goes in a column of its own."
        )
    return pc.if_else(pc.equal(values, 1), "success", "failure").cast(ARROW_KINDS["text"])


def warn_lost(count: int, where: str, what: str, *, result: str = "read as missing") -> None:
    """Warn that ``count`` values of a column could not be read as they stand."""
    if count:
        warnings.warn(
            f"{count} value{'s' * (count > 1)} of {where}: {what}; {result}.",
            ValueWarning,
            stacklevel=2,
        )
