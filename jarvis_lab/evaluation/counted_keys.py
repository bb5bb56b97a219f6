"""What the traces of a log are counted by: their classes in each scheme, and when they began."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.classes import MISSING_CLASS, SCHEMES, By, Texts, classify_array, scheme_name
from jarvis_lab.readers import read_traces
from jarvis_lab.readers.casts import BLOCK_ROWS, arrow_array, class_labels
from jarvis_lab.readers.traces import read_traces_without
from jarvis_lab.records import METADATA_FACTS

__all__ = [
    "MOST_CLASSES",
    "STEPS",
    "Coded",
    "TimeSteps",
    "class_columns",
    "coded",
    "compacted",
    "counted_traces",
    "offered_columns",
    "scheme_codes",
    "time_steps",
]

Codes = NDArray[np.int64]
#: Steps into which the time range of a log is cut.
STEPS = 50
#: Distinct values up to which a text column is offered as classes.
MOST_CLASSES = 30
_PROBE = 2_000
#: Classes above which a column is taken for ids.
_TOO_MANY = 1_000
_DENSE = 1 << 22
#: Texts that are no classes: ids, what was asked and answered, and what is known only afterwards.
_NO_CLASSES = frozenset(
    (
        *("id", "trace_id", "query_id", "query", "result", "metadata", "messages", "model"),
        *("engine", "outcome", "started_at", "ended_at", "correct"),
    )
)


_NEEDED = (
    *("query", "model", "outcome", "feedback", "started_at", "query_id", "propensity"),
    *("total_tokens", "total_latency_seconds", "cost_usd"),
)
_LARGE = ("id", "trace_id", "result", "ended_at", "metadata", "messages")


@dataclass(frozen=True)
class Coded:
    """One label per trace, as its place among the labels."""

    place: Codes = field(repr=False)
    labels: list[str]


@dataclass(frozen=True)
class TimeSteps:
    """When each trace began.

    Attributes
    ----------
    place : ndarray of int
        Step of each trace; ``STEPS`` for one without a time, 0 for all without ``edges``.
    edges : DatetimeIndex or None
        The ``STEPS`` + 1 edges of the steps; None if fewer than two different times are known.
    untimed : int
        Traces without a time.
    """

    place: Codes = field(repr=False)
    edges: pd.DatetimeIndex | None
    untimed: int


def counted_traces(
    traces: object, *, named: Sequence[str] = (), everything: bool = False
) -> pd.DataFrame:
    """The columns of a log that can count: all but ids, answers and other large text.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        The log, as :func:`read_traces` takes it.
    named : sequence of str
        Columns that must be there.
    everything : bool
        Whether policies of the user's own are to see all columns that :func:`read_traces` gives.

    Returns
    -------
    DataFrame
        One row per trace, oldest first.
    """
    if isinstance(traces, pd.DataFrame):
        made = {"outcome": "correct", **dict.fromkeys(METADATA_FACTS, "metadata")}
        wanted = [n for n in _NEEDED if n in traces or made.get(n) in traces]
        wanted += list(traces.columns) if everything else offered_columns(traces)
    elif not named:
        return read_traces_without(traces, () if everything else _LARGE)
    else:  # a line of JSON gives a field of its own only if it is named
        wanted = [*_NEEDED, "agent"]
    if "metadata" not in named:
        wanted = [name for name in wanted if name not in ("metadata", "messages")]
    frame = read_traces(traces, columns=dict.fromkeys([*wanted, *named]))
    absent = [n for n in ("query", *METADATA_FACTS) if n in frame and frame[n].isna().all()]
    return frame.drop(columns=[n for n in absent if not _holds(traces, n)])


def _holds(traces: object, name: str) -> bool:
    return isinstance(traces, pd.DataFrame) and name in traces


def coded(values: Any, *, missing: str, where: str) -> Coded:
    """Labels as codes, in order of first appearance; a missing one is called ``missing``."""
    column = class_labels(pa.chunked_array([arrow_array(values, where)]))
    return _encoded(column.fill_null(missing))


def scheme_codes(frame: pd.DataFrame, schemes: Sequence[By]) -> dict[str, Coded]:
    """Class of each trace in each scheme, by the scheme's name.

    Raises
    ------
    ValueError
        If the log has no such column, it holds ids, or two schemes have one name.
    """
    names = [scheme_name(by) for by in schemes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"by has {_checks.names(twice)} twice; each scheme needs its own name.")
    columns = [by for by in schemes if isinstance(by, str) and by not in SCHEMES]
    of_text = [by for by in schemes if by not in columns]
    found = dict(zip(map(scheme_name, of_text), _of_queries(frame, of_text), strict=True))
    for name in columns:
        hint = "by= takes 'regex', 'keyword' or one of these columns."
        _checks.column(name, frame.columns, where="The log", hint=hint)
        found[name] = coded(frame[name], missing=MISSING_CLASS, where=f"{name!r} of the log")
    for name, key in found.items():
        if len(key.labels) > _TOO_MANY:
            raise ValueError(
                f"{name!r} has {len(key.labels):,} classes, more than {_TOO_MANY:,}: a routing "
                "table has one row per class. Name a column of kinds of queries."
            )
    return {name: found[name] for name in names}


def _of_queries(frame: pd.DataFrame, schemes: list[By]) -> list[Coded]:
    """Class of each query in each scheme, a block of queries at a time on several threads."""
    if not schemes:
        return []
    hint = "The classes 'regex' and 'keyword' need it."
    _checks.column("query", frame.columns, where="The log", hint=hint)
    array = pa.array(frame["query"], pa.large_string(), from_pandas=True)
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    blocks = [
        chunk.slice(start, BLOCK_ROWS)
        for chunk in chunks
        for start in range(0, len(chunk), BLOCK_ROWS)
    ]

    def classified(block: pa.Array) -> list[pa.DictionaryArray]:
        texts = Texts(block)
        return [classify_array(texts, by=by) for by in schemes]

    # A model of the user's own may not stand several threads.
    ours = all(isinstance(by, str) for by in schemes)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8) if ours else 1) as pool:
        found = list(pool.map(classified, blocks))
    kind = pa.dictionary(pa.int32(), pa.string())
    return [
        _encoded(pa.chunked_array([labels[place] for labels in found], kind))
        for place in range(len(schemes))
    ]


def class_columns(frame: pd.DataFrame, models: Coded) -> list[str]:
    """Text columns with 2 to ``MOST_CLASSES`` values that could be classes of queries.

    A column whose value the model decides, such as its vendor, is none.
    """
    found = []
    for name in offered_columns(frame):
        values = coded(frame[name], missing=MISSING_CLASS, where=f"{name!r} of the log")
        if not 2 <= len(values.labels) <= MOST_CLASSES:
            continue
        pairs = np.unique(models.place * len(values.labels) + values.place)
        if len(pairs) > len(models.labels):
            found.append(name)
    return found


def offered_columns(frame: pd.DataFrame) -> list[str]:
    """Text columns that seem to have few values, by the first rows, and are no ids or answers."""
    if not frame.columns.is_unique:  # reading says so
        return []
    return [
        name
        for name in frame.columns
        if isinstance(name, str) and name not in _NO_CLASSES and _could_be_classes(frame[name])
    ]


def time_steps(frame: pd.DataFrame) -> TimeSteps:
    """The traces in ``STEPS`` steps of equal length between the first and the last."""
    nothing = TimeSteps(np.zeros(len(frame), np.int64), None, len(frame))
    if "started_at" not in frame:
        return nothing
    stamps = pd.to_datetime(frame["started_at"], utc=True).dt.as_unit("us")
    known = stamps.notna().to_numpy(dtype=bool)
    if not known.any():
        return nothing
    moments = stamps.to_numpy(dtype="datetime64[us]").astype(np.int64)
    first, last = int(moments[known].min()), int(moments[known].max())
    untimed = int((~known).sum())
    if first == last:
        return TimeSteps(nothing.place, None, untimed)
    share = np.clip((moments - first) / (last - first), 0, 1)
    step = np.minimum((share * STEPS).astype(np.int64), STEPS - 1)
    place = np.where(known, step, STEPS)
    edges = first + np.rint(np.arange(STEPS + 1) / STEPS * (last - first)).astype(np.int64)
    index = pd.DatetimeIndex(edges.astype("datetime64[us]"), tz="UTC")
    return TimeSteps(place, index, untimed)


def compacted(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """The codes, which are below ``size``, counted from 0 without gaps, and what each stands for.

    >>> compacted(np.array([7, 3, 7]), 9)
    (array([1, 0, 1]), array([3, 7]))
    """
    if size <= _DENSE:
        used = np.flatnonzero(np.bincount(codes, minlength=size))
        places = np.zeros(size, np.int64)
        places[used] = np.arange(len(used))
        return places[codes], used
    found, inverse = np.unique(codes, return_inverse=True)
    return inverse.astype(np.int64), found.astype(np.int64)


def _encoded(column: pa.ChunkedArray) -> Coded:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return Coded(np.zeros(0, np.int64), [])
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks]).astype(np.int64)
    place, used = compacted(codes, len(chunks[0].dictionary))
    labels = chunks[0].dictionary.to_pylist()
    return Coded(place, [str(labels[code]) for code in used])


def _is_text(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return bool(pd.api.types.is_string_dtype(kind.categories.dtype))
    return isinstance(kind, pd.StringDtype)


def _could_be_classes(column: pd.Series[Any]) -> bool:
    some = column.iloc[:_PROBE]
    if not _is_text(column) and pd.api.types.infer_dtype(some, skipna=True) != "string":
        return False
    return bool(some.nunique(dropna=False) <= MOST_CLASSES)
