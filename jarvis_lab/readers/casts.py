"""Values as files hold them → Arrow columns of declared kinds, with what is lost counted."""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks

__all__ = [
    "ARROW_KINDS",
    "BLOCK_ROWS",
    "EARLIEST_SECOND",
    "LATEST_SECOND",
    "ValueWarning",
    "arrow_array",
    "as_text",
    "cast",
    "class_labels",
    "epoch_seconds",
    "json_text",
    "lost_values",
    "outcome_of_correct",
    "valid_text",
    "warn_lost",
    "whole_keys",
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
_SURROGATE = re.compile("[\ud800-\udfff]")
_thread = threading.local()
# The years 1 and 9999.
EARLIEST_SECOND, LATEST_SECOND = -62_135_596_800.0, 253_402_300_799.0


class ValueWarning(UserWarning):
    """Values that cannot be what their column holds were read as missing; the text counts them."""


def arrow_array(values: Any, where: str) -> pa.Array:
    """Python or pandas values as an Arrow array, or an error that names the column."""
    try:
        array = pa.array(values, from_pandas=True)
    except UnicodeEncodeError:
        return _without_surrogates(values, where)
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
        texts = [None if _is_missing(v) else str(v) for v in values]
        return arrow_array(texts, where)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _without_surrogates(values: Any, where: str) -> pa.Array:
    lost = sum(isinstance(v, str) and bool(_SURROGATE.search(v)) for v in values)
    warn_lost(lost, where, "not Unicode text", result="read with U+FFFD in its place")
    texts = [_SURROGATE.sub("\ufffd", v) if isinstance(v, str) else v for v in values]
    return arrow_array(texts, where)


def whole_keys(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Keys as they are, but whole numbers where pandas made floats of them beside missing ones."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return column
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64(), safe=False)
    return column


def class_labels(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The names of the query classes that a column holds, whatever its type."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column if pa.types.is_string(column.type) else column.cast(pa.large_string())


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of any type as text; lists and mappings as JSON."""
    if pa.types.is_nested(column.type):
        texts = [None if v is None else json_text(v) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.large_string())])
    return column.cast(pa.large_string())


def epoch_seconds(name: str, moment: object) -> float | None:
    """Epoch seconds of a moment given as such, as ISO text or as a datetime (naive means UTC)."""
    if moment is None or moment is pd.NaT:
        return None
    if isinstance(moment, (int, float, np.number)) and not isinstance(moment, bool):
        if not EARLIEST_SECOND < moment < LATEST_SECOND:
            raise ValueError(
                f"{name}={moment!r} is no moment in epoch seconds (milliseconds, perhaps?)."
            )
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


def cast(column: pa.ChunkedArray, kind: str, where: str) -> pa.ChunkedArray:
    """One column in its kind. A type that cannot be one is an error; a value is counted."""
    target, found = ARROW_KINDS[kind], column.type
    if found == target:
        return column
    if pa.types.is_dictionary(found):
        return cast(column.cast(found.value_type), kind, where)
    if column.null_count == len(column):  # nothing in it can be of the wrong type
        return pa.chunked_array([pa.nulls(len(column), target)])
    if pa.types.is_nested(found) and kind != "json":
        raise ValueError(f"Column {where} holds {found}, but must hold {target}.")
    if kind == "time":
        return _times(column, where)
    textual = pa.types.is_string(found) or pa.types.is_large_string(found)
    if kind in ("text", "json"):
        if textual or (kind == "text" and "outcome" not in where and _is_number(found)):
            return column.cast(target)
        if kind == "json":
            texts = [None if v is None else json_text(v) for v in column.to_pylist()]
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
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"Column {where} must hold {target}: {error}") from None


def _is_number(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found) or pa.types.is_floating(found))


def json_text(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode("utf-8")


def _numbers(column: pa.ChunkedArray, target: pa.DataType, where: str) -> pa.ChunkedArray:
    """Numbers from text; what is none is counted as lost."""
    try:
        return column.cast(target)
    except pa.ArrowInvalid:
        pass
    numbers = pd.to_numeric(pd.Series(column.to_pylist(), dtype="object"), errors="coerce")
    values = np.array(numbers, dtype="float64")
    if target == pa.int64():
        with np.errstate(invalid="ignore"):
            values[~((np.floor(values) == values) & (np.abs(values) < 2**63))] = np.nan
    array = pa.array(values, from_pandas=True)
    warn_lost(array.null_count - column.null_count, where, "not numbers")
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
    lost = ~missing & ~((values > EARLIEST_SECOND) & (values < LATEST_SECOND))
    warn_lost(int(lost.sum()), where, "not epoch seconds (milliseconds, perhaps?)")
    values[missing | lost] = 0.0
    micro = np.round(values * 1e6).astype("int64")
    return pa.chunked_array([pa.array(micro, mask=missing | lost).cast(ARROW_KINDS["time"])])


def outcome_of_correct(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    found = column.type
    if not (pa.types.is_boolean(found) or _is_number(found)):
        raise ValueError(f"Column 'correct' of {where} holds {found}, but must be true or false.")
    values = column.cast(pa.float64()) if _is_number(found) else column.cast(pa.int8())
    strange = pc.sum(pc.invert(pc.is_in(values, pa.array([0, 1], values.type)))).as_py() or 0
    strange -= column.null_count
    if strange > 0:
        raise ValueError(
            f"Column 'correct' of {where} has {strange} "
            f"{_checks.plural(strange, 'value that is', 'values that are')} neither 0 nor 1. "
            "A graded reward goes in a column of its own."
        )
    return pc.if_else(pc.equal(values, 1), "success", "failure").cast(ARROW_KINDS["text"])


def warn_lost(count: int, where: str, what: str, *, result: str = "read as missing") -> None:
    """Warn that ``count`` values of a column could not be read as they stand."""
    if not count:
        return
    text = f"{count} value{'s' * (count > 1)} of {where}: {what}; {result}."
    texts: list[str] | None = getattr(_thread, "texts", None)
    if texts is None:
        warnings.warn(text, ValueWarning, stacklevel=2)
    else:
        texts.append(text)


@contextlib.contextmanager
def lost_values() -> Iterator[list[str]]:
    """Collect what :func:`warn_lost` says in this thread, for the caller's own to say it."""
    outer = getattr(_thread, "texts", None)
    texts: list[str] = []
    _thread.texts = texts
    try:
        yield texts
    finally:
        _thread.texts = outer


def valid_text(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """The column with U+FFFD for what is no UTF-8, which is counted."""
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
