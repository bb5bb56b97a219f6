"""What a source is made of, and running one function over all its stored blocks in order."""

from __future__ import annotations

import collections
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm.auto import tqdm

from jarvis_lab import _checks
from jarvis_lab.readers.casts import ARROW_KINDS, epoch_seconds
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.frames import (
    FramePiece,
    frame_of_traces,
    listed_steps,
    listed_traces,
    lister,
)
from jarvis_lab.readers.jsonl import BadLine, BadLines
from jarvis_lab.readers.locations import NoLogError, is_location, located, log_kind
from jarvis_lab.readers.trace_files import CsvPiece, ParquetPiece
from jarvis_lab.readers.trace_jsonl import JsonlPiece
from jarvis_lab.readers.trace_store import (
    NoTraceStoreError,
    StoreChangedError,
    TraceStoreFile,
)
from jarvis_lab.records import STEP_COLUMNS, TRACE_COLUMNS, StepRecord, TraceRecord

__all__ = ["STEPS", "TRACES", "Job", "Span", "TableOf"]

R = TypeVar("R")
T = TypeVar("T")
_ATTEMPTS = 4


@dataclass(frozen=True)
class TableOf:
    """One of the two tables of a trace log."""

    name: str
    kinds: dict[str, str]
    time: str
    record: type[TraceRecord] | type[StepRecord]
    optional: tuple[str, ...]


TRACES = TableOf("traces", TRACE_COLUMNS, "started_at", TraceRecord, ("metadata", "messages"))
STEPS = TableOf("trace_steps", STEP_COLUMNS, "timestamp", StepRecord, ("metadata",))


@dataclass(frozen=True)
class Span:
    """Rows from ``since`` to ``until`` (epoch seconds, both inclusive), the newest ``limit``."""

    since: float | None = None
    until: float | None = None
    limit: int | None = None

    @classmethod
    def of(cls, since: object, until: object, limit: int | None = None) -> Span:
        """Build a span from moments as a user gives them."""
        return cls(epoch_seconds("since", since), epoch_seconds("until", until), limit)

    def cut(self, table: pa.Table, time: str, where: str) -> pa.Table:
        """The rows inside the span; those without a time are outside of any bound."""
        if not table.num_rows or (self.since is None and self.until is None):
            return table
        if time not in table.column_names:
            hint = "since, until and limit need it."
            _checks.column(time, table.column_names, where=where, hint=hint)
        for bound, keep in ((self.since, pc.greater_equal), (self.until, pc.less_equal)):
            if bound is not None:
                moment = pa.scalar(round(bound * 1e6), pa.int64()).cast(ARROW_KINDS["time"])
                table = table.filter(keep(table[time], moment))
        return table


class Piece(Protocol):
    """A part of a source that is read, and summed, on its own."""

    @property
    def file(self) -> str:
        """Where it stands, for messages."""

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """Its rows as tables of at most 65,536 rows, in stored order."""


class Job(Generic[R]):
    """One function to run over all the stored blocks of a source.

    Parameters
    ----------
    work
        Called with each block, an Arrow table of the wanted columns, and the name of its file,
        perhaps on several threads at a time; it must not depend on the order.
    of, wanted, span
        The table to read, its columns and rows.
    bad_lines
        Told of the lines that could not be read.
    workers
        Threads; None for one per processor, at most 8.
    progress
        Whether to show a progress bar when the work takes over two seconds.
    """

    def __init__(
        self,
        work: Callable[[pa.Table, str], R],
        *,
        of: TableOf,
        wanted: Wanted,
        span: Span,
        bad_lines: BadLines,
        workers: int | None = None,
        progress: bool = True,
    ) -> None:
        self._work, self._of, self._wanted, self._span = work, of, wanted, span
        self._bad_lines = bad_lines
        self._workers = workers or min(os.cpu_count() or 1, 8)
        self._progress = progress

    def run(self, source: object) -> Iterator[R]:
        """Give the result of each block in stored order, whatever the number of threads.

        A store that changes while it is read is read again.
        """
        for group in _groups(source, self._of, self._span):
            if isinstance(group, _Store):
                try:
                    yield from self._store(group.path)
                except NoTraceStoreError as error:
                    if not group.found:
                        raise
                    warnings.warn(f"Left out: {error}", UserWarning, stacklevel=4)
            else:
                yield from self._pieces(group, self._span)

    def _store(self, path: Path) -> list[R]:
        """All results of one store, which are kept only if it stood still meanwhile."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._attempt(path, shared=attempt > 0)
            except StoreChangedError:
                continue
        return self._attempt(path, shared=True)

    def _attempt(self, path: Path, *, shared: bool) -> list[R]:
        of, span = self._of, self._span
        with TraceStoreFile.open(path, of.name, of.kinds, shared=shared) as store:
            if span.limit is not None and of.time in store.kinds:
                oldest = store.oldest_of_newest(of.time, span.limit, span.since, span.until)
                span = Span(span.since if oldest is None else oldest, span.until)
            pieces = store.pieces(of.time, span.since, span.until)
            return list(self._pieces(pieces, span))

    def _pieces(self, pieces: Sequence[Piece], span: Span) -> Iterator[R]:
        def task(piece: Piece) -> tuple[list[R], list[BadLine], list[str]]:
            found: list[BadLine] = []
            own = BadLines(found.append)
            blocks = piece.blocks(self._wanted, own)
            results = [
                self._work(span.cut(block, self._of.time, piece.file), piece.file)
                for block in blocks
            ]
            return results, found, own.replaced_in

        bar = tqdm(
            _in_order(task, pieces, self._workers),
            total=len(pieces),
            desc=f"reading {self._of.name}",
            delay=2,
            disable=not self._progress,
            leave=False,
        )
        for results, found, replaced_in in bar:
            for bad in found:
                self._bad_lines.add(bad.file, bad.line, bad.reason)
            for file in replaced_in:
                self._bad_lines.add_replaced(file)
            yield from results


def _in_order(task: Callable[[Any], T], pieces: Sequence[Any], workers: int) -> Iterator[T]:
    """The task's results in the order of the pieces, with few of them in memory at a time."""
    if workers == 1 or len(pieces) == 1:
        yield from map(task, pieces)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="jarvis-lab") as pool:
        waiting: collections.deque[Future[T]] = collections.deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(task, piece))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(frozen=True)
class _Store:
    path: Path
    found: bool  # in a folder or by a pattern, rather than named


def _groups(source: object, of: TableOf, span: Span) -> Iterator[_Store | Sequence[Piece]]:
    """The source's stores one by one, and what else it holds as pieces, in stored order."""
    if isinstance(source, pd.DataFrame):
        yield FramePiece.of_frame(source)
    elif is_location(source):
        for path, found in located(source):
            try:
                yield _file_group(path, of, found=found)
            except NoLogError as error:
                if not found:
                    raise
                warnings.warn(f"Left out: {error}", UserWarning, stacklevel=5)
    else:
        listing = lister(source)
        if listing is None:
            raise TypeError(
                f"Cannot read traces from {type(source).__name__}: give a path, a glob, a "
                "DataFrame, or an object with list_traces()."
            )
        yield _listed(listing, of, span)


def _listed(listing: Callable[..., Any], of: TableOf, span: Span) -> Sequence[Piece]:
    if of is STEPS:  # the bounds are those of the steps, not of their traces
        return FramePiece.of_frame(listed_steps(listed_traces(listing)), "the listed traces")
    traces = listed_traces(listing, since=span.since, until=span.until, limit=span.limit)
    return FramePiece.of_frame(frame_of_traces(traces), "the listed traces")


def _file_group(path: Path, of: TableOf, *, found: bool) -> _Store | Sequence[Piece]:
    kind = log_kind(path)
    if kind == "sqlite":
        return _Store(path, found)
    if kind == "parquet":
        return ParquetPiece.of_file(str(path))
    if kind == "csv":
        return [CsvPiece(str(path))]
    return [JsonlPiece(str(path), of.record)]
