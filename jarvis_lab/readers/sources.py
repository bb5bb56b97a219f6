"""What a source is made of, and running one function over all its stored blocks in order."""

from __future__ import annotations

import collections
import glob
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

from jarvis_lab.readers.columns import ARROW_KINDS, Wanted, epoch_seconds
from jarvis_lab.readers.frames import (
    FramePiece,
    frame_of_traces,
    listed_steps,
    listed_traces,
    lister,
)
from jarvis_lab.readers.jsonl import BadLine, BadLines, open_bytes
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
_SUFFIXES = (".jsonl", ".ndjson", ".parquet", ".csv", ".db", ".sqlite", ".sqlite3")
_PACKED = (".gz", ".zst")
_SQLITE, _PARQUET = b"SQLite format 3\x00", b"PAR1"
_WHAT = "a SQLite trace store, .jsonl, .parquet or .csv (.gz and .zst too)"


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

    def cut(self, table: pa.Table, time: str) -> pa.Table:
        """The rows inside the span; those without a time are outside of any bound."""
        if not table.num_rows or (self.since is None and self.until is None):
            return table
        if time not in table.column_names:
            raise ValueError(f"since and until need a column {time!r}, which this source lacks.")
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
        Called with each block, an Arrow table of the wanted columns, perhaps on several threads
        at a time; it must not depend on the order.
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
        work: Callable[[pa.Table], R],
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
        try:
            return self._attempt(path, shared=False)
        except StoreChangedError:
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
            results = [self._work(span.cut(block, self._of.time)) for block in blocks]
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
        return
    if isinstance(source, (str, os.PathLike)):
        paths, found = _expand(Path(source))
    elif isinstance(source, (list, tuple)) and all(
        isinstance(item, (str, os.PathLike)) for item in source
    ):
        expanded = [_expand(Path(item)) for item in source]
        paths = [path for some, _ in expanded for path in some]
        found = any(by_search for _, by_search in expanded)
    else:
        listing = lister(source)
        if listing is None:
            raise TypeError(
                f"Cannot read traces from {type(source).__name__}: give a path, a glob, a "
                "DataFrame, or an object with list_traces()."
            )
        traces = listed_traces(listing, since=span.since, until=span.until, limit=span.limit)
        frame = frame_of_traces(traces) if of is TRACES else listed_steps(traces)
        yield FramePiece.of_frame(frame, "the listed traces")
        return
    for path in paths:
        yield _file_group(path, of, found=found)


def _expand(path: Path) -> tuple[list[Path], bool]:
    """The files that a path, a folder or a glob stands for, and whether they were searched."""
    if path.is_file():
        return [path], False
    if path.is_dir():
        files = [
            Path(folder, name)
            for folder, folders, names in os.walk(path)
            if folders.sort() is None
            for name in sorted(names)
            if not name.startswith((".", "_")) and _is_log(Path(folder, name))
        ]
        if not files:
            raise FileNotFoundError(f"The folder {path} holds no traces: no {_WHAT}.")
        return files, True
    matches = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(str(path)) else []
    if not matches:
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Give {_WHAT}, or a folder or glob of these."
        )
    return [file for match in matches for file in _expand(Path(match))[0]], True


def _is_log(path: Path) -> bool:
    suffix = _suffix(path)
    if suffix in _SUFFIXES:
        return True
    return not suffix.endswith(("-wal", "-shm", "-journal")) and _magic(path)[:16] == _SQLITE


def _suffix(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return name.suffix.lower()


def _magic(path: Path) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(16)


def _file_group(path: Path, of: TableOf, *, found: bool) -> _Store | Sequence[Piece]:
    try:
        magic, suffix = _magic(path), _suffix(path)
    except OSError as error:
        raise OSError(f"{path} cannot be opened: {error.strerror or error}.") from error
    if magic == _SQLITE:
        return _Store(path, found)
    if magic[:4] == _PARQUET:
        return ParquetPiece.of_file(str(path))
    if suffix == ".csv":
        return [CsvPiece(str(path))]
    if suffix in (".jsonl", ".ndjson") or (magic and _begins_with_object(path)):
        return [JsonlPiece(str(path), of.record)]
    state = "is empty" if not magic else "is none of the kinds of log that can be read"
    raise ValueError(f"{path} {state}. Give {_WHAT}.")


def _begins_with_object(path: Path) -> bool:
    with open_bytes(path) as handle:
        return handle.read(1 << 12).lstrip()[:1] == b"{"
