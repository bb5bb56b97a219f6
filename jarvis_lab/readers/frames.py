"""Traces in memory: DataFrames, and objects that list them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab.readers.casts import BLOCK_ROWS, arrow_array, json_text
from jarvis_lab.readers.columns import Wanted, canonical
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.records import METADATA_FACTS, STEP_COLUMNS, TRACE_COLUMNS

__all__ = ["FramePiece", "listed_steps", "listed_traces", "lister"]


@dataclass(frozen=True)
class FramePiece:
    """Rows ``start`` to ``stop`` of a DataFrame."""

    frame: pd.DataFrame = field(repr=False)
    start: int
    stop: int
    file: str = "the DataFrame"

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """One table of at most 65,536 rows."""
        del bad_lines
        rows = self.frame.iloc[self.start : self.stop]
        places = {str(name): place for place, name in enumerate(rows.columns)}
        columns = {}
        for name in wanted.stored(places, self.file):
            values: Any = rows.iloc[:, places[name]]
            if wanted.kinds.get(name) == "json" and values.dtype == object:
                values = [_as_json(value) for value in values]
            columns[name] = arrow_array(values, f"{name!r} of {self.file}")
        yield canonical(pa.table(columns), wanted, where=self.file)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, file: str = "the DataFrame") -> list[FramePiece]:
        """The frame in blocks of 65,536 rows (one empty block for an empty frame)."""
        names = pd.Index([str(name) for name in frame.columns])
        if not names.is_unique:
            twice = names[names.duplicated()].unique()
            raise ValueError(f"{file} has two columns of the name {_checks.names(twice)}.")
        starts = range(0, max(len(frame), 1), BLOCK_ROWS)
        return [cls(frame, start, start + BLOCK_ROWS, file) for start in starts]


def _as_json(value: Any) -> Any:
    """Lists and mappings as JSON text, one by one, so that no key of another row appears."""
    if value is None or isinstance(value, str) or value is pd.NA or value != value:
        return None if value is pd.NA or value != value else value
    return json_text(value)


def lister(source: object) -> Callable[..., Any] | None:
    """The ``list_traces`` of the object, or of its ``_store`` (OpenJarvis' TraceAnalyzer)."""
    for owner in (source, getattr(source, "_store", None)):
        listing = getattr(owner, "list_traces", None)
        if callable(listing):
            return listing  # type: ignore[no-any-return]
    return None


def listed_traces(
    listing: Callable[..., Any],
    *,
    since: float | None = None,
    until: float | None = None,
    limit: int | None = None,
) -> list[Any]:
    """What ``list_traces`` gives, oldest first, with the bounds its signature takes."""
    inside = _takes(listing, "since") or since is None, _takes(listing, "until") or until is None
    if not all(inside):
        limit = None  # it counts the traces inside the bounds, which are held here
    bounds = {"since": since, "until": until, "limit": sys.maxsize if limit is None else limit}
    traces = listing(**{name: bound for name, bound in bounds.items() if _takes(listing, name)})
    return list(traces)[::-1]


def _takes(listing: Callable[..., Any], name: str) -> bool:
    """Whether the callable's signature takes the keyword ``name``."""
    try:
        parameters = inspect.signature(listing).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def frame_of_traces(traces: list[Any]) -> pd.DataFrame:
    """One row per trace object (or mapping), with the columns that any of them has."""
    return _frame(traces, [*TRACE_COLUMNS, *METADATA_FACTS, "correct"])


def listed_steps(traces: list[Any]) -> pd.DataFrame:
    """One row per step of the trace objects, with the trace's id and the step's place."""
    rows = []
    for trace in traces:
        for place, step in enumerate(_field(trace, "steps") or []):
            row = {name: _field(step, name) for name in STEP_COLUMNS}
            row["trace_id"] = _field(trace, "trace_id")
            row["step_index"] = place if row["step_index"] is None else row["step_index"]
            row["step_type"] = getattr(row["step_type"], "value", row["step_type"])
            rows.append(row)
    return pd.DataFrame(rows, columns=list(STEP_COLUMNS), dtype="object")


def _frame(items: list[Any], names: list[str]) -> pd.DataFrame:
    columns = {name: [_field(item, name) for item in items] for name in names}
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="object")
            for name, values in columns.items()
            if any(value is not None for value in values)
        },
        index=range(len(items)),
    )


def _field(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
