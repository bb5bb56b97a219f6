"""Reading one piece of a source, here or elsewhere: a pure function of what is stored."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.readers.casts import ARROW_KINDS, ValueWarning, epoch_seconds, lost_values
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.jsonl import BadLine, BadLines

__all__ = ["Found", "Piece", "Reading", "Span", "read_piece", "reported"]

R = TypeVar("R")
_alone = threading.Lock()


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


class Found(NamedTuple, Generic[R]):
    """What came of a piece: a result for each block, and what there is to report."""

    results: list[R]
    bad_lines: list[BadLine]
    replaced_in: list[str]
    lost_values: list[str]


@dataclass(frozen=True)
class Reading(Generic[R]):
    """How to read a piece, and what to do with each of its blocks.

    Attributes
    ----------
    work
        Called with each block, an Arrow table of the wanted columns, and the name of its file.
    wanted
        The columns.
    time
        The column that a span is about.
    alone
        Whether one thread of a process at a time may be at work.
    """

    work: Callable[[pa.Table, str], R]
    wanted: Wanted
    time: str
    alone: bool = False

    def __call__(self, piece: Piece, span: Span, stop: threading.Event | None = None) -> Found[R]:
        """Read the piece to its end, or until ``stop`` is set."""
        found: list[BadLine] = []
        bad_lines = BadLines(found.append)
        results: list[R] = []
        with lost_values() as lost:
            for block in piece.blocks(self.wanted, bad_lines):
                if stop is not None and stop.is_set():
                    break
                results.append(self._result(span.cut(block, self.time, piece.file), piece.file))
        return Found(results, found, bad_lines.replaced_in, lost)

    def _result(self, block: pa.Table, file: str) -> R:
        if not self.alone:
            return self.work(block, file)
        with _alone:
            return self.work(block, file)


def read_piece(
    reading: Reading[R], piece: Piece, span: Span, stop: threading.Event | None = None
) -> Found[R]:
    """Read the piece as ``reading`` says; what a worker of a cluster is given to do."""
    return reading(piece, span, stop)


def reported(found: Found[R], bad_lines: BadLines) -> list[R]:
    """The results of a piece, once what there is to report was reported."""
    for bad in found.bad_lines:
        bad_lines.add(bad.file, bad.line, bad.reason)
    for name in found.replaced_in:
        bad_lines.add_replaced(name)
    for text in found.lost_values:
        warnings.warn(text, ValueWarning, stacklevel=_checks.caller_level())
    return found.results
