"""Counts per query class and model: the sums from which every score is made.

The table is small whatever the size of the log, adds up, and holds all that scores, intervals
and routing tables need, so that a frame in memory, a stream from disk and a cluster give the
same answer by the same code.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.classes import MISSING_CLASS, SCHEMES, By, classify_array, scheme_name
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.jsonl import BadLines, OnBadLines
from jarvis_lab.readers.sources import TRACES, Job, Span

__all__ = ["COUNT_COLUMNS", "is_counts", "merge_counts", "score_counts"]

_INTEGERS = (
    *("n", "n_outcome", "successes", "n_feedback", "n_both", "both_successes"),
    *("n_latency", "n_tokens", "n_cost", "invalid_feedback", "invalid_latency"),
)
_FLOATS = (
    *("feedback_sum", "feedback_sum_squares", "both_feedback_sum", "both_feedback_sum_squares"),
    *("both_success_feedback_sum", "latency_sum_seconds", "tokens_sum", "cost_sum_usd"),
)
#: The columns of a table of counts, after ``scheme`` (where there are several) and the keys.
COUNT_COLUMNS = (*_INTEGERS, *_FLOATS, "last_seen", "last_row")
_READ = (
    *("query", "model", "outcome", "feedback", "started_at"),
    *("total_tokens", "total_latency_seconds", "cost_usd"),
)
_NEVER = np.iinfo(np.int64).min


def score_counts(
    source: object,
    *,
    by: By | Sequence[By] = "regex",
    since: object = None,
    until: object = None,
    on_bad_lines: OnBadLines = "warn",
    workers: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """One row per query class and model: the counts and sums of its traces.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame or object with ``list_traces()``
        What :func:`read_traces` takes. A path is streamed: memory does not grow with the log.
    by : {"regex", "keyword"}, column name, object with ``predict``, or several of these
        What the classes are. With several (a tuple or list), all are counted in one read and
        a column ``scheme`` tells them apart.
    since, until : number, str or datetime, optional
        First and last ``started_at``, both inclusive.
    on_bad_lines : {"warn", "error", "skip"} or callable
        What to do with a line that cannot be read.
    workers : int, optional
        Threads; one per processor by default. The result is the same, bit for bit.
    progress : bool
        Whether to show a progress bar if the work takes over two seconds.

    Returns
    -------
    DataFrame
        Sorted by class and model:

        - ``scheme`` (str): only with several ``by``; its name, its column's or its type's.
        - ``query_class``, ``model`` (str): an empty model is one that the log does not name.
        - ``n`` (int64): traces; ``n_outcome``: those with an outcome; ``successes``: those whose
          outcome is "success"; ``n_feedback``: those with a feedback in [0, 1].
        - ``n_both``, ``both_successes`` (int64): traces with outcome and feedback.
        - ``n_latency``, ``n_tokens``, ``n_cost`` (int64): traces that have one.
        - ``invalid_feedback``, ``invalid_latency`` (int64): values left out because they are
          outside [0, 1], or negative or infinite.
        - ``feedback_sum``, ``feedback_sum_squares`` (float64), and of the traces with both:
          ``both_feedback_sum``, ``both_feedback_sum_squares``, ``both_success_feedback_sum``.
        - ``latency_sum_seconds``, ``tokens_sum``, ``cost_sum_usd`` (float64).
        - ``last_seen`` (datetime64[us, UTC]): the newest trace; NaT if none has a time.
        - ``last_row`` (int64): its place among the rows read, to break ties in ``last_seen``.

    Raises
    ------
    FileNotFoundError, ValueError, BadLineError
        As for :func:`read_traces`, and if the source has no ``model``, or no column ``by``.

    Notes
    -----
    Sums are made per stored row group (Parquet), and 65,536 rows otherwise, and added in stored
    order, so that the same files give the same bits on any number of threads.

    Examples
    --------
    >>> log = pd.DataFrame(
    ...     {"query": ["import os", "import re", "hi"], "model": ["a", "a", "b"],
    ...      "outcome": ["success", "failure", None], "feedback": [1.0, None, 0.5]}
    ... )
    >>> score_counts(log)[["query_class", "model", "n", "n_outcome", "successes", "feedback_sum"]]
      query_class model  n  n_outcome  successes  feedback_sum
    0        code     a  2          2          1           1.0
    1       short     b  1          0          0           0.5
    """
    schemes = tuple(by) if isinstance(by, (tuple, list)) else (by,)
    if not schemes:
        raise ValueError("by is empty: name at least one scheme or column.")
    columns = [scheme for scheme in schemes if isinstance(scheme, str) and scheme not in SCHEMES]
    names = [name for name in _READ if name != "query" or len(columns) < len(schemes)]
    lines = BadLines(on_bad_lines)
    job = Job(
        functools.partial(_count_block, schemes=schemes),
        of=TRACES,
        wanted=Wanted(TRACES.kinds, [*names, *columns]),
        span=Span.of(since, until),
        bad_lines=lines,
        # A model of the user's own may not stand several threads.
        workers=workers if all(isinstance(scheme, str) for scheme in schemes) else 1,
        progress=progress,
    )
    sums = _Sums()
    for block in job.run(source):
        sums.add(*block)
    lines.close()
    frame = sums.frame([scheme_name(scheme) for scheme in schemes])
    return frame if isinstance(by, (tuple, list)) else frame.drop(columns="scheme")


def merge_counts(*counts: pd.DataFrame) -> pd.DataFrame:
    """One row per query class and model: the sums of several tables of counts.

    Parameters
    ----------
    *counts : DataFrame
        Tables of :func:`score_counts`, of the same schemes, the one with the oldest traces first
        (their order decides ties between traces without a time, and nothing else but the last
        bits of the sums).

    Returns
    -------
    DataFrame
        As :func:`score_counts` gives.

    Raises
    ------
    ValueError
        If there is none, one of them is no table of counts, or only some have schemes.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"], "model": ["a"], "outcome": ["success"]})
    >>> merge_counts(score_counts(log), score_counts(log))[["query_class", "model", "n"]]
      query_class model  n
    0        code     a  2
    """
    for table in counts:
        if not is_counts(table):
            raise ValueError("merge_counts takes tables of score_counts().")
    if not counts or len({"scheme" in table for table in counts}) > 1:
        raise ValueError(
            "merge_counts takes at least one table, and either all or none with a column 'scheme'."
        )
    several = "scheme" in counts[0]
    schemes = list(dict.fromkeys(s for t in counts for s in t["scheme"])) if several else [""]
    sums = _Sums()
    for table in counts:
        places = table["scheme"].map(schemes.index) if several else [0] * len(table)
        keys = list(zip(places, table["query_class"], table["model"], strict=True))
        seen = np.where(table["last_seen"].isna(), _NEVER, table["last_seen"].astype("int64"))
        last = np.column_stack([seen, table["last_row"]]).astype(np.int64)
        rows = int(table["n"].sum()) // max(len(set(places)), 1)
        integers, floats = table[list(_INTEGERS)].to_numpy(), table[list(_FLOATS)].to_numpy()
        sums.add(keys, integers.astype(np.int64), floats.astype(np.float64), last, rows)
    frame = sums.frame(schemes)
    return frame if several else frame.drop(columns="scheme")


def is_counts(table: object) -> bool:
    """Whether ``table`` is one of :func:`score_counts`."""
    return isinstance(table, pd.DataFrame) and {
        "query_class",
        "model",
        *COUNT_COLUMNS,
    } <= set(table.columns)


class _Sums:
    """The counts so far: one row per (scheme, class, model), added in the order given."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, str, str], int] = {}
        self._integers = np.zeros((0, len(_INTEGERS)), np.int64)
        self._floats = np.zeros((0, len(_FLOATS)))
        self._last = np.zeros((0, 2), np.int64)
        self._rows = 0

    def add(
        self,
        keys: Iterable[tuple[int, str, str]],
        integers: Any,
        floats: Any,
        last: Any,
        rows: int,
    ) -> None:
        """Add one block's sums; each key stands in it once."""
        places = [self._places.setdefault(key, len(self._places)) for key in keys]
        missing = len(self._places) - len(self._last)
        if missing:
            self._integers = np.vstack([self._integers, np.zeros((missing, len(_INTEGERS)), int)])
            self._floats = np.vstack([self._floats, np.zeros((missing, len(_FLOATS)))])
            self._last = np.vstack([self._last, np.full((missing, 2), _NEVER)])
        self._integers[places] += integers
        self._floats[places] += floats
        seen, row = last[:, 0], last[:, 1] + self._rows
        mine = self._last[places]
        newer = (seen > mine[:, 0]) | ((seen == mine[:, 0]) & (row > mine[:, 1]))
        self._last[places] = np.where(newer[:, None], np.column_stack([seen, row]), mine)
        self._rows += rows

    def frame(self, schemes: Sequence[str]) -> pd.DataFrame:
        """The table, sorted by scheme (in the order given), class and model."""
        keys = list(self._places)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        text = {
            "scheme": [schemes[keys[i][0]] for i in order],
            "query_class": [keys[i][1] for i in order],
            "model": [keys[i][2] for i in order],
        }
        frame = pd.DataFrame({name: pd.Series(v, dtype="str") for name, v in text.items()})
        for names, values in ((_INTEGERS, self._integers), (_FLOATS, self._floats)):
            for place, name in enumerate(names):
                frame[name] = values[order, place]
        seen = self._last[order, 0]
        stamps = pd.Series(np.where(seen == _NEVER, 0, seen).astype("datetime64[us]"))
        frame["last_seen"] = stamps.dt.tz_localize("UTC").where(seen != _NEVER)
        frame["last_row"] = self._last[order, 1]
        return frame


Block = tuple[list[tuple[int, str, str]], Any, Any, Any, int]


def _count_block(table: pa.Table, *, schemes: Sequence[By]) -> Block:
    """Counts of one block of traces under all schemes."""
    rows = table.num_rows
    if not rows:
        return [], np.zeros((0, len(_INTEGERS)), int), np.zeros((0, len(_FLOATS))), np.zeros((0, 2), int), 0
    hint = "Every trace needs a model; rename the column that holds it."
    _checks.column("model", table.column_names, where="This source", hint=hint)
    models, model_names = _codes(table["model"], "")
    terms, weights = _terms(table)
    seen = _numbers(table, "started_at", missing=_NEVER)
    parts = []
    for place, scheme in enumerate(schemes):
        classes, class_names = _codes(_classes(table, scheme), MISSING_CLASS)
        cell = classes * len(model_names) + models
        cells = len(class_names) * len(model_names)
        integers = np.column_stack([np.bincount(cell[mask], minlength=cells) for mask in terms])
        floats = np.column_stack(
            [np.bincount(cell[mask], values, minlength=cells) for mask, values in weights]
        )
        last = np.full((cells, 2), _NEVER, np.int64)
        np.maximum.at(last[:, 0], cell, seen)
        newest = np.flatnonzero(seen == last[cell, 0])
        np.maximum.at(last[:, 1], cell[newest], newest)
        used = np.flatnonzero(integers[:, 0])
        keys = [
            (place, class_names[c], model_names[m])
            for c, m in zip(*np.divmod(used, len(model_names)), strict=True)
        ]
        parts.append((keys, integers[used], floats[used], last[used]))
    keys = [key for part in parts for key in part[0]]
    return keys, *(np.concatenate([part[i] for part in parts]) for i in (1, 2, 3)), rows  # type: ignore[return-value]


def _terms(table: pa.Table) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The masks to count and the (mask, values) to sum, in the order of the columns."""
    rows = table.num_rows
    if "outcome" in table.column_names:
        outcome = table["outcome"]
        has_outcome = pc.is_valid(outcome).to_numpy()
        success = pc.fill_null(pc.equal(outcome, "success"), False).to_numpy()
    else:
        has_outcome = success = np.zeros(rows, bool)
    feedback, latency = _numbers(table, "feedback"), _numbers(table, "total_latency_seconds")
    tokens, cost = _numbers(table, "total_tokens"), _numbers(table, "cost_usd")
    with np.errstate(invalid="ignore"):
        has_feedback = (feedback >= 0) & (feedback <= 1)
        has_latency = (latency >= 0) & (latency < np.inf)
    both, good = has_outcome & has_feedback, success & has_feedback
    has_tokens, has_cost = np.isfinite(tokens), np.isfinite(cost)
    counted = [np.ones(rows, bool), has_outcome, success, has_feedback, both, good, has_latency]
    counted += [has_tokens, has_cost]
    counted += [~np.isnan(feedback) & ~has_feedback, ~np.isnan(latency) & ~has_latency]
    squares = feedback * feedback
    summed = [(has_feedback, feedback), (has_feedback, squares), (both, feedback)]
    summed += [(both, squares), (good, feedback), (has_latency, latency)]
    summed += [(has_tokens, tokens), (has_cost, cost)]
    return counted, [(mask, values[mask]) for mask, values in summed]


def _numbers(table: pa.Table, name: str, *, missing: float = np.nan) -> Any:
    if name not in table.column_names:
        return np.full(table.num_rows, missing)
    column = table[name]
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).fill_null(missing).to_numpy()
    return column.cast(pa.float64()).to_numpy()


def _codes(column: pa.ChunkedArray, missing: str) -> tuple[Any, list[str]]:
    """Whole-number codes of a text column, and the texts that they stand for."""
    encoded = column.dictionary_encode().unify_dictionaries()
    texts = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
    codes = np.concatenate(
        [chunk.indices.fill_null(len(texts)).to_numpy() for chunk in encoded.chunks]
    )
    return codes.astype(np.int64), [*texts, missing]


def _classes(table: pa.Table, by: By) -> pa.ChunkedArray:
    if isinstance(by, str) and by not in SCHEMES:
        hint = "Give by= 'regex', 'keyword' or one of these columns."
        column = table[_checks.column(by, table.column_names, where="This source", hint=hint)]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return column if pa.types.is_string(column.type) else column.cast(pa.large_string())
    hint = f"Classes by {scheme_name(by)!r} need it; give by= a column that has the classes."
    _checks.column("query", table.column_names, where="This source", hint=hint)
    chunks = [classify_array(chunk, by=by) for chunk in table["query"].chunks]
    return pa.chunked_array(chunks)
