"""What a source is made of, and running one function over all its stored blocks in order."""

from __future__ import annotations

import contextlib
import itertools
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd
import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab._tasks import Cluster, Handle, Tasks, Threads, ahead
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.frames import (
    FramePiece,
    frame_of_traces,
    listed_steps,
    listed_traces,
    lister,
)
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.late_bar import LateBar
from jarvis_lab.readers.locations import NoLogError, is_location, located, log_kind
from jarvis_lab.readers.reading import Found, Piece, Reading, Span, read_piece, reported
from jarvis_lab.readers.trace_files import CsvPiece, ParquetPiece
from jarvis_lab.readers.trace_jsonl import JsonlPiece
from jarvis_lab.readers.trace_store import (
    NoTraceStoreError,
    StoreChangedError,
    TraceStoreFile,
)
from jarvis_lab.records import STEP_COLUMNS, TRACE_COLUMNS, StepRecord, TraceRecord

__all__ = ["STEPS", "TRACES", "Job", "TableOf"]

R = TypeVar("R")
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


@dataclass(eq=False)
class _File:
    """The pieces of a file or a frame; a store is held open until all of them were read."""

    pieces: Sequence[Piece]
    span: Span
    here: bool = False  # this process alone can read it
    store: Path | None = None
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


class Job(Generic[R]):
    """One function to run over all the stored blocks of a source.

    Parameters
    ----------
    work
        Called with each block, an Arrow table of the wanted columns, and the name of its file,
        perhaps on several threads or machines at a time; it must not depend on the order, nor
        remember anything.
    of, wanted, span
        The table to read, its columns and rows.
    bad_lines
        Told of the lines that could not be read, in stored order.
    workers
        Threads; None for one per processor, at most 8.
    client
        A ``distributed.Client``: the workers of its cluster read the files.
    alone
        Whether ``work`` stands only one thread of a process at a time.
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
        client: object = None,
        alone: bool = False,
        progress: bool = True,
    ) -> None:
        self._reading = Reading(work, wanted, of.time, alone)
        self._of, self._span, self._bad_lines = of, span, bad_lines
        self._threads = Threads(1 if alone else workers or min(os.cpu_count() or 1, 8))
        self._cluster = None if client is None else Cluster(client, f"read-{of.name}")
        self._progress = progress

    def run(self, source: object) -> Generator[R]:
        """Give the result of each block in stored order, whatever the number of workers.

        Pieces of several files are read at a time, and few results are kept. A store that changes
        while it is read is read again.
        """
        opened: dict[_File, None] = {}
        with contextlib.ExitStack() as stack:
            stack.callback(_let_go, opened)
            stack.enter_context(self._threads)
            if self._cluster is not None:
                stack.enter_context(self._cluster)
            files, count = self._files(source)
            bar = LateBar(count, f"reading {self._of.name}", shown=self._progress)
            stack.enter_context(bar)
            pairs = ahead(self._submitted(files, opened, bar), self._ahead)
            for file, own in itertools.groupby(pairs, key=lambda pair: pair[0]):
                for found in self._found(file, (handle for _, handle in own), bar):
                    yield from reported(found, self._bad_lines)
                opened.pop(file, None)

    def _ahead(self) -> int:
        return self._threads.ahead if self._cluster is None else self._cluster.ahead

    def _submitted(
        self, files: Iterable[_File], opened: dict[_File, None], bar: LateBar
    ) -> Iterator[tuple[_File, Handle[Found[R]]]]:
        """Start on the pieces of one file after the other."""
        for file in files:
            opened[file] = None
            for handle in self._handles(file):
                yield file, handle
            if not file.pieces:
                with file.held:
                    bar.update(1)

    def _handles(self, file: _File) -> Iterator[Handle[Found[R]]]:
        tasks: Tasks = self._threads
        reading: Any = self._reading
        if self._cluster is not None and not file.here:
            tasks = self._cluster
            reading = self._cluster.keep(reading) if reading.alone else reading
        elif file.here and len(file.pieces) == 1:
            tasks = Threads(1)  # no thread for a small frame
        for piece in file.pieces:
            yield tasks.submit(piece.file, read_piece, reading, piece, file.span)

    def _found(
        self, file: _File, handles: Iterable[Handle[Found[R]]], bar: LateBar
    ) -> Iterator[Found[R]]:
        """What came of a file's pieces; a store's only if it stood still meanwhile."""

        def results() -> Iterator[Found[R]]:
            for handle in handles:
                yield handle.result()
                bar.update(1 / len(file.pieces))

        if file.store is None:
            yield from results()
            return
        try:
            with file.held:
                kept = list(results())
        except StoreChangedError:
            kept = self._again(file.store)
        yield from kept

    def _again(self, path: Path) -> list[Found[R]]:
        """Read a store that changed while it was read."""
        for _ in range(_ATTEMPTS - 2):
            with contextlib.suppress(StoreChangedError):
                return self._once(path)
        return self._once(path)

    def _once(self, path: Path) -> list[Found[R]]:
        file = self._store(path, shared=True)
        with file.held:
            handles = ahead(self._handles(file), self._ahead)
            return [handle.result() for handle in handles]

    def _files(self, source: object) -> tuple[Iterable[_File], int]:
        """The source's files in stored order, each opened when it is asked for, and how many."""
        if is_location(source):
            paths = located(source, absolute=self._cluster is not None)
            return self._opened(paths), len(paths)
        if isinstance(source, pd.DataFrame):
            return [_File(FramePiece.of_frame(source), self._span, here=True)], 1
        listing = None if hasattr(source, "__dask_graph__") else lister(source)
        if listing is None and hasattr(source, "__dask_graph__"):
            raise TypeError(
                "A Dask collection cannot be read trace by trace: give score_counts() a dask "
                "DataFrame, or compute() first what fits in memory."
            )
        if listing is None:
            raise TypeError(
                f"Cannot read traces from {type(source).__name__}: give a path, a glob, a "
                "DataFrame, or an object with list_traces()."
            )
        return [_File(_listed(listing, self._of, self._span), self._span, here=True)], 1

    def _opened(self, paths: Iterable[tuple[Path, bool]]) -> Iterator[_File]:
        for path, searched in paths:
            try:
                yield self._file(path)
            except (NoLogError, NoTraceStoreError) as error:
                if not searched:
                    raise
                level = _checks.caller_level()
                warnings.warn(f"Left out: {error}", UserWarning, stacklevel=level)

    def _file(self, path: Path) -> _File:
        kind, name = log_kind(path), str(path)
        if kind == "parquet":
            return _File(ParquetPiece.of_file(name), self._span)
        if kind == "csv":
            return _File([CsvPiece(name)], self._span)
        if kind == "jsonl":
            return _File([JsonlPiece(name, self._of.record)], self._span)
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(StoreChangedError):
                return self._store(path)
        return self._store(path, shared=True)

    def _store(self, path: Path, *, shared: bool = False) -> _File:
        of, span = self._of, self._span
        with contextlib.ExitStack() as held:
            store = held.enter_context(TraceStoreFile.open(path, of.name, of.kinds, shared=shared))
            if span.limit is not None and of.time in store.kinds:
                oldest = store.oldest_of_newest(of.time, span.limit, span.since, span.until)
                span = Span(span.since if oldest is None else oldest, span.until)
            pieces = store.pieces(of.time, span.since, span.until)
            held = held.pop_all()
        return _File(pieces, span, not store.fixed, path, held)


def _let_go(opened: Iterable[_File]) -> None:
    """Close the stores that nobody will read to their end."""
    for file in opened:
        with contextlib.suppress(Exception):
            file.held.close()


def _listed(listing: Callable[..., Any], of: TableOf, span: Span) -> Sequence[Piece]:
    if of is STEPS:  # the bounds are those of the steps, not of their traces
        return FramePiece.of_frame(listed_steps(listed_traces(listing)), "the listed traces")
    traces = listed_traces(listing, since=span.since, until=span.until, limit=span.limit)
    return FramePiece.of_frame(frame_of_traces(traces), "the listed traces")
