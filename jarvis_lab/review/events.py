"""Reading the journals of a folder, and again only what was added since."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from jarvis_lab import _checks
from jarvis_lab.readers.jsonl import BadLine
from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.errors import JournalError
from jarvis_lab.review.fold import ACTIONS

__all__ = ["Batch", "JournalReader"]

_DECODER = msgspec.json.Decoder(ReviewEvent)
_KNOWN = frozenset(ACTIONS)
_AT_LENGTH = len("2026-01-01T00:00:00.000000Z")
_TRIES = 3
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


@dataclass(frozen=True)
class _Tail:
    """How far a journal was read: bytes and lines taken, its size then, and a bad last line."""

    offset: int = 0
    lines: int = 0
    size: int = 0
    bad: BadLine | None = None


@dataclass
class Batch:
    """Events found by one poll; with ``reset`` they are all there are, else those added."""

    reset: bool = False
    events: list[ReviewEvent] = field(default_factory=list)


class JournalReader:
    """Follows the ``*.jsonl`` files of one folder, each by its size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tails: dict[str, _Tail] = {}

    def poll(self) -> Batch:
        """Read what was added since the last poll.

        A last line that cannot be read (torn by a crash or a full disk) is left out and stands
        in :meth:`bad_lines`. A file that became shorter or vanished, or whose bad last line is
        no longer the last, makes everything be read again.

        Raises
        ------
        JournalError
            If a line that is not the last cannot be read, or was written by a newer version.
        """
        sizes = self._sizes()
        batch = Batch(reset=self._rewound(sizes))
        tails = {} if batch.reset else dict(self._tails)
        for name in sizes.keys() | tails.keys():
            if name not in sizes:
                del tails[name]
            elif name not in tails or tails[name].size != sizes[name]:
                with contextlib.suppress(FileNotFoundError):  # moved away since the look
                    tails[name] = self._read(name, tails.get(name, _Tail()), batch.events)
        self._tails = tails
        return batch

    def wrote(self, name: str, *, before: int, after: int) -> None:
        """Skip a line that this process has just appended and applied itself."""
        tail = self._tails.get(name, _Tail())
        if tail.offset == tail.size == before and tail.bad is None:
            self._tails[name] = _Tail(after, tail.lines + 1, after)

    def bad_lines(self) -> list[BadLine]:
        """Last lines that could not be read, in order of file name."""
        return [tail.bad for _, tail in sorted(self._tails.items()) if tail.bad]

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as found:
            for entry in found:
                if not entry.name.endswith(".jsonl") or entry.name.startswith("."):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode):
                        sizes[entry.name] = status.st_size
        return sizes

    def _rewound(self, sizes: dict[str, int]) -> bool:
        for name, tail in self._tails.items():
            size = sizes.get(name, 0)
            if size < tail.offset or (tail.bad and size < tail.size):
                return True
        return False

    def _read(self, name: str, tail: _Tail, events: list[ReviewEvent]) -> _Tail:
        """Take complete lines; try again if the last one is still being written."""
        for _ in range(_TRIES):
            tail = self._read_once(name, tail, events)
            if tail.offset == tail.size:
                break
        return tail

    def _read_once(self, name: str, tail: _Tail, events: list[ReviewEvent]) -> _Tail:
        path = self.folder / name
        offset, number, position = tail.offset, tail.lines, tail.offset
        bad: BadLine | None = None
        with open(path, "rb") as handle:
            handle.seek(offset)
            for line in handle:
                position += len(line)
                if not line.strip():
                    number += 1
                    offset = offset if bad else position
                    continue
                if bad is not None:
                    raise JournalError(
                        f"{bad}. Only the last line of a journal can be torn by a crash, so this "
                        "file was changed by something else. Restore it from a copy, or move it "
                        f"out of {self.folder} to go on without its events."
                    )
                number += 1
                event, reason = _decode(line, str(path), number)
                if event is None:
                    bad = BadLine(str(path), number, reason)
                    continue
                events.append(event)
                offset = position
        taken = number if bad is None else bad.line - 1
        return _Tail(offset, taken, position, bad)


def _decode(line: bytes, file: str, number: int) -> tuple[ReviewEvent | None, str]:
    """The event of a line, or None and why not."""
    if not line.endswith(b"\n"):
        return None, f"unfinished line of {len(line)} {_checks.plural(len(line), 'byte')}"
    try:
        event = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return None, str(error) or type(error).__name__
    if event.v != 1:
        raise JournalError(
            f"{file}, line {number}: an event of version {event.v}; this release reads version 1. "
            "Upgrade jarvis_lab to read the folder."
        )
    if event.action not in _KNOWN:
        return None, f"unknown action {event.action!r}"
    if not (event.event_id and event.item_id and event.reviewer):
        return None, "an event without id, item or reviewer"
    try:
        moment = datetime.fromisoformat(event.at)
        if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            return None, f"at={event.at!r} is out of range"
        if len(event.at) == _AT_LENGTH and event.at[10] == "T" and event.at[-1] == "Z":
            return event, ""
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None, f"at={event.at!r} is not a time"
    at = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return msgspec.structs.replace(event, at=at), ""
