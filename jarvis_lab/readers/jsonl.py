"""JSON Lines: one line at a time, bad lines counted and placed, nothing silently dropped."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from jarvis_lab.readers.packed import open_bytes

__all__ = ["BadLine", "BadLineError", "BadLineWarning", "BadLines", "OnBadLines", "decode_lines"]

T = TypeVar("T")
_SHOWN = 3
_INVALID_BYTE = re.compile("[\udc80-\udcff]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


@dataclass(frozen=True)
class BadLine:
    """A line that could not be read: where it stands and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


OnBadLines = Literal["warn", "error", "skip"] | Callable[[BadLine], object]


class BadLineError(ValueError):
    """A line could not be read and ``on_bad_lines="error"``."""


class BadLineWarning(UserWarning):
    """Lines could not be read; the text has their count and the first places."""


class BadLines:
    """What to do with bad lines, and the count of those met.

    Parameters
    ----------
    on_bad_lines
        ``"error"`` raises :class:`BadLineError` at the first one; ``"warn"`` gives one
        :class:`BadLineWarning` from :meth:`close`; ``"skip"`` is silent; a callable receives
        each :class:`BadLine`.

    Attributes
    ----------
    count : int
        Bad lines met.
    replaced_in : list of str
        The file of each line whose invalid UTF-8 (or lone surrogate escape) was read as U+FFFD.
        Such lines are kept.
    """

    def __init__(self, on_bad_lines: OnBadLines = "warn") -> None:
        if not callable(on_bad_lines) and on_bad_lines not in ("warn", "error", "skip"):
            raise ValueError(
                f"on_bad_lines={on_bad_lines!r} is not 'warn', 'error', 'skip' or a callable."
            )
        self._policy = on_bad_lines
        self._first: list[BadLine] = []
        self.count = 0
        self.replaced_in: list[str] = []

    def add(self, file: str, line: int, reason: str) -> None:
        """Report one bad line."""
        bad = BadLine(file, line, reason)
        if self._policy == "error":
            raise BadLineError(f"{bad}. Pass on_bad_lines='warn' to read the other lines.")
        self.count += 1
        if callable(self._policy):
            self._policy(bad)
        elif len(self._first) < _SHOWN:
            self._first.append(bad)

    @property
    def replaced(self) -> int:
        """How many lines were read with U+FFFD in the place of what is no text."""
        return len(self.replaced_in)

    def add_replaced(self, file: str) -> None:
        """Report one line whose invalid UTF-8 was read as U+FFFD."""
        self.replaced_in.append(file)

    def close(self, *, stacklevel: int = 3) -> None:
        """Warn once, if there is something to say and the policy is to warn."""
        if self._policy != "warn":
            return
        if self.count:
            places = "; ".join(map(str, self._first))
            more = f"; and {self.count - _SHOWN} more" if self.count > _SHOWN else ""
            warnings.warn(
                f"{self.count} bad line{'s' * (self.count > 1)} left out: {places}{more}. "
                "Pass on_bad_lines=bad.append, with bad = [], to collect them.",
                BadLineWarning,
                stacklevel=stacklevel,
            )
        if self.replaced_in:
            count, files = len(self.replaced_in), list(dict.fromkeys(self.replaced_in))
            warnings.warn(
                f"{count} line{'s' * (count > 1)} with invalid UTF-8 read with "
                f"U+FFFD in its place: {', '.join(files[:_SHOWN])}.",
                BadLineWarning,
                stacklevel=stacklevel,
            )


def iter_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    r"""Give (line number from 1, stripped line) for each line that is not blank.

    Lines end at ``\n`` only: U+2028 and U+0085 inside a JSON string are text.
    """
    with open_bytes(path) as handle:
        for number, line in enumerate(handle, start=1):
            stripped = line.strip()
            if stripped:
                yield number, stripped


def decode_lines(
    path: str | Path, decoder: msgspec.json.Decoder[T], bad_lines: BadLines
) -> Iterator[tuple[int, T]]:
    """Give (line number, record) for each readable line, reporting the others to ``bad_lines``."""
    file = str(path)
    for number, line in iter_lines(path):
        found = decode_line(line, decoder, bad_lines, file=file, number=number)
        if found is not None:
            yield number, found[0]


def decode_line(
    line: bytes,
    decoder: msgspec.json.Decoder[T],
    bad_lines: BadLines,
    *,
    file: str,
    number: int,
) -> tuple[T] | None:
    """Give the record of one line, in a tuple of one, or None if the line was reported as bad."""
    try:
        return (decoder.decode(line),)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        repaired = _repair(line)
        if repaired is None:
            bad_lines.add(file, number, _reason(error, line))
            return None
    try:
        record = decoder.decode(repaired)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as again:
        bad_lines.add(file, number, _reason(again, line))
        return None
    bad_lines.add_replaced(file)
    return (record,)


def _repair(line: bytes) -> bytes | None:
    """Put U+FFFD for each invalid byte and each lone surrogate escape; None if there is none.

    One for each byte, as in Go; Python's own ``errors="replace"`` puts one for several.
    """
    text = line.decode("utf-8", errors="surrogateescape")
    whole = _INVALID_BYTE.sub("\ufffd", text)
    repaired = _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], whole)
    return None if repaired == text else repaired.encode("utf-8")


def _reason(error: Exception, line: bytes) -> str:
    if line.startswith(codecs.BOM_UTF8):
        return "begins with a byte order mark; save the file as UTF-8 without one"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error) or type(error).__name__
