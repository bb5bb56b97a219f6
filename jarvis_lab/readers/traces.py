"""Trace logs → DataFrames."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.readers.casts import ARROW_KINDS, as_text
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.jsonl import BadLines, OnBadLines
from jarvis_lab.readers.locations import is_location
from jarvis_lab.readers.reading import Span
from jarvis_lab.readers.sources import STEPS, TRACES, Job, TableOf
from jarvis_lab.records import METADATA_FACTS

__all__ = ["read_steps", "read_traces", "read_traces_without"]


def read_traces(
    source: object,
    *,
    since: object = None,
    until: object = None,
    limit: int | None = None,
    columns: Iterable[str] | str | None = None,
    on_bad_lines: OnBadLines = "warn",
) -> pd.DataFrame:
    """One row per trace: a query, the model that answered it, and how that went.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame or object with ``list_traces()``
        A SQLite trace store of OpenJarvis (known by its header, not its name; it may be in use),
        JSONL, Parquet or CSV (JSONL and CSV also as .gz and .zst), a folder or a glob of these;
        a frame; or OpenJarvis' own TraceStore or TraceAnalyzer.
    since, until : number, str or datetime, optional
        First and last ``started_at``, both inclusive: epoch seconds, ISO text or a datetime;
        UTC where no zone is given. Traces without a time are left out when one is set.
    limit : int, optional
        Keep only the newest so many.
    columns : list of str, or "all", optional
        Columns to read. By default all but ``metadata`` and ``messages``, which are large. A
        field of a JSONL line that is not listed below comes only when it is named here.
    on_bad_lines : {"warn", "error", "skip"} or callable
        What to do with a line that cannot be read; a callable receives each :class:`BadLine`.

    Returns
    -------
    DataFrame
        Oldest first, with the columns that the source has:

        - ``id`` (Int64), ``trace_id`` (str): the store's own ids.
        - ``query``, ``agent``, ``model``, ``engine``, ``result`` (str).
        - ``outcome`` (str): "success", another word, or missing. A table with ``correct`` (true or
          false) and no outcome gives "success" and "failure".
        - ``feedback`` (float64): in [0, 1]; NaN without any.
        - ``started_at``, ``ended_at`` (datetime64[us, UTC]): stored as epoch seconds or, but for a
          SQLite store, as ISO text with date and time (UTC where no zone is given).
        - ``total_tokens`` (Int64), ``total_latency_seconds`` (float64).
        - ``cost_usd``, ``propensity`` (float64), ``query_id`` (Int64, or str): from ``metadata``,
          where any trace has them.
        - ``metadata``, ``messages`` (str): JSON, when asked for.
        - any other column of a store, frame, Parquet or CSV file as it stands there.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or the folder holds no log.
    ValueError
        If a file is no trace log, is damaged, or a column holds what it cannot.
    BadLineError
        On the first bad line, with ``on_bad_lines="error"``.

    Notes
    -----
    A store is opened read-only and no file appears beside it. While a ``-wal`` file stands beside
    it, it is read with SQLite's own locks; else as an immutable file, and again if it changed.

    Examples
    --------
    >>> log = pd.DataFrame(
    ...     {"query": ["2 + 2?", "3 + 3?"], "model": ["a", "b"], "correct": [True, False],
    ...      "started_at": [1767225600, 1767139200]}
    ... )
    >>> read_traces(log)[["model", "outcome", "started_at"]]
      model  outcome                started_at
    0     b  failure 2025-12-31 00:00:00+00:00
    1     a  success 2026-01-01 00:00:00+00:00
    """
    return _read(TRACES, source, since, until, limit, columns, on_bad_lines)


def read_traces_without(source: object, left_out: Sequence[str]) -> pd.DataFrame:
    """One row per trace, as :func:`read_traces`, with all columns but ``left_out``.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame or object with ``list_traces()``
        As for :func:`read_traces`.
    left_out : list of str
        Columns that are not to be read, large ones for example.

    Returns
    -------
    DataFrame
        As :func:`read_traces` gives.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["2 + 2?"], "model": ["a"], "result": ["4"]})
    >>> read_traces_without(log, ["result"]).columns.tolist()
    ['query', 'model']
    """
    of = dataclasses.replace(TRACES, optional=tuple(left_out))
    return _read(of, source, None, None, None, None, "warn")


def read_steps(
    source: object,
    *,
    since: object = None,
    until: object = None,
    limit: int | None = None,
    columns: Iterable[str] | str | None = None,
    on_bad_lines: OnBadLines = "warn",
) -> pd.DataFrame:
    """One row per step of a trace: what the agent did, when, and for how long.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame or object with ``list_traces()``
        As for :func:`read_traces`; JSONL, Parquet and CSV files hold one step a line or row.
    since, until : number, str or datetime, optional
        First and last ``timestamp``, both inclusive.
    limit : int, optional
        Keep only the newest so many steps.
    columns : list of str, or "all", optional
        Columns to read. By default all but ``metadata``.
    on_bad_lines : {"warn", "error", "skip"} or callable
        What to do with a line that cannot be read.

    Returns
    -------
    DataFrame
        Oldest first, with the columns that the source has:

        - ``id`` (Int64), ``trace_id`` (str), ``step_index`` (Int64): which step of which trace.
        - ``step_type`` (str): route, retrieve, generate, tool_call or respond.
        - ``timestamp`` (datetime64[us, UTC]), ``duration_seconds`` (float64).
        - ``input``, ``output`` (str): JSON.
        - ``metadata`` (str): JSON, when asked for.

    Raises
    ------
    FileNotFoundError, ValueError, BadLineError
        As for :func:`read_traces`.

    Examples
    --------
    >>> steps = pd.DataFrame({"trace_id": ["t1"], "step_index": [0], "duration_seconds": [2]})
    >>> read_steps(steps)
      trace_id  step_index  duration_seconds
    0       t1           0               2.0
    """
    return _read(STEPS, source, since, until, limit, columns, on_bad_lines)


def _read(
    of: TableOf,
    source: object,
    since: object,
    until: object,
    limit: int | None,
    columns: Iterable[str] | str | None,
    on_bad_lines: OnBadLines,
) -> pd.DataFrame:
    span = Span.of(since, until, None if limit is None else _checks.whole("limit", limit, least=1))
    wanted = Wanted(of.kinds, columns, optional=of.optional)
    reading = wanted.with_column(of.time)
    bad_lines = BadLines(on_bad_lines)
    job = Job(_itself, of=of, wanted=reading, span=span, bad_lines=bad_lines)
    with contextlib.closing(job.run(source)) as blocks:
        table = _joined([block for block in blocks if block.num_columns], reading)
    bad_lines.close(stacklevel=4)
    table = _newest(_oldest_first(table, of.time), span.limit)
    return _frame(table, wanted, source, reading.available)


def _itself(block: pa.Table, file: str) -> pa.Table:
    del file
    return block


def _joined(blocks: list[pa.Table], wanted: Wanted) -> pa.Table:
    """One table of all blocks, with the declared types even where there are no rows."""
    if not blocks:
        return pa.table({name: _nothing(wanted.kinds[name]) for name in wanted.declared()})
    blocks = [block for block in blocks if block.num_rows] or blocks[:1]
    types: dict[str, set[pa.DataType]] = {}
    for block in blocks:
        for field in block.schema:
            types.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, of_column in types.items() if len(of_column) > 1}
    if mixed:
        textual = {name for name in mixed if not all(map(_is_number, types[name]))}
        blocks = [_unified(block, mixed, textual) for block in blocks]
    return pa.concat_tables(blocks, promote_options="permissive")


def _is_number(found: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_null(found)
    )


def _unified(block: pa.Table, mixed: set[str], textual: set[str]) -> pa.Table:
    """The columns whose type differs between blocks, as numbers if all are, else as text."""
    for name in mixed & set(block.column_names):
        column = block[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if name in textual and not pa.types.is_null(column.type):
            column = as_text(column)
        block = block.set_column(block.column_names.index(name), name, column)
    return block


def _nothing(kind: str) -> pa.Array:
    return pa.array([], ARROW_KINDS[kind])


def _oldest_first(table: pa.Table, time: str) -> pa.Table:
    if time not in table.column_names or not table.num_rows:
        return table
    moments = table[time].cast(pa.int64()).fill_null(-(2**63)).combine_chunks()
    if pc.all(pc.less_equal(moments[:-1], moments[1:])).as_py() is not False:
        return table
    order = pc.sort_indices(pa.table({"t": moments}), sort_keys=[("t", "ascending")])
    return table.take(order)


def _newest(table: pa.Table, limit: int | None) -> pa.Table:
    return table if limit is None else table.slice(max(table.num_rows - limit, 0))


def _frame(
    table: pa.Table, wanted: Wanted, source: object, available: dict[str, list[str]]
) -> pd.DataFrame:
    names = list(table.column_names)
    for name in wanted.explicit or ():
        if name not in names and name not in wanted.kinds and name not in METADATA_FACTS:
            have = dict.fromkeys([*itertools.chain(*available.values()), *names])
            hint = "Ask for columns that the source has."
            _checks.column(name, have, where=_named(source), hint=hint)
    order = [name for name in wanted.explicit or names if name in wanted]
    frame: pd.DataFrame = table.to_pandas(
        types_mapper={pa.int64(): pd.Int64Dtype()}.get, strings_to_categorical=False
    )
    for name in order:
        if name not in frame:
            kind = wanted.kinds.get(name) or METADATA_FACTS[name]
            frame[name] = pd.Series(dtype=_MISSING[kind], index=frame.index)
    return frame[order].reset_index(drop=True)


_MISSING: dict[str, Any] = {
    "text": "str",
    "json": "str",
    "key": "str",
    "real": "float64",
    "whole": "Int64",
    "time": "datetime64[us, UTC]",
}


def _named(source: object) -> str:
    return str(source) if is_location(source) else f"the {type(source).__name__}"
