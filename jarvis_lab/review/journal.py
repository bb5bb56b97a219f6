"""The journal: one file per reviewer session, only ever appended to."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from jarvis_lab._files import append_line, make_folder, sync_folder
from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.errors import NotSavedError
from jarvis_lab.review.fold import WITHDRAWN

__all__ = ["REVIEWS", "JournalWriter", "file_name", "login_name"]

REVIEWS = "reviews"
_LONGEST = 40
_STEP = timedelta(microseconds=1)
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def login_name() -> str:
    """Name of the logged-in user, or "reviewer" where the system knows none."""
    try:
        return getpass.getuser().strip() or "reviewer"
    except (OSError, KeyError, ImportError):
        return "reviewer"


def file_name(text: str, *, otherwise: str) -> str:
    """``text`` as part of a file name: plain ASCII, short, never a path."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:_LONGEST].strip("-._") or otherwise


class JournalWriter:
    """Writes the events of one session; each call returns after its bytes are on disk.

    The file appears with the first event. After a write that failed, and in a process forked
    from this one, the next event opens a new file, so nothing is glued to torn bytes and no two
    processes share a file.
    """

    def __init__(self, folder: Path, reviewer: str) -> None:
        self.folder = folder
        self.reviewer = reviewer
        self.path: Path | None = None
        self.size = self.before = 0
        self.lines = 0
        self.unconfirmed: list[ReviewEvent] = []
        self._token = ""
        self._pid = os.getpid()
        self._last = datetime.min.replace(tzinfo=UTC)

    def append(self, item_id: str, item_sha256: str, action: str, **rest: Any) -> ReviewEvent:
        """Write one event and return it.

        Parameters
        ----------
        item_id, item_sha256, action
            The item, its content's hash, and what was done.
        **rest
            ``text``, ``category``, ``note``, ``undoes``; and ``after``, a time the event must
            follow (the item's newest event, whatever this machine's clock says).

        Raises
        ------
        NotSavedError
            If the disk refused it. The event has not happened.
        """
        after = _moment(rest.pop("after", None))
        self._withdraw()
        try:
            return self._write(item_id, item_sha256, action, after, rest)
        except OSError:
            with contextlib.suppress(OSError):
                self._withdraw()
            raise

    def _withdraw(self) -> None:
        """Take back events that may be whole on disk although their write failed."""
        if os.getpid() != self._pid:
            self.unconfirmed.clear()
        while self.unconfirmed:
            lost = self.unconfirmed[0]
            rest = {"undoes": lost.event_id, "note": WITHDRAWN}
            self._write(lost.item_id, lost.item_sha256, "undo", _moment(lost.at), rest)
            self.unconfirmed.pop(0)

    def _write(
        self, item_id: str, item_sha256: str, action: str, after: datetime, rest: dict[str, Any]
    ) -> ReviewEvent:
        path = self._file()
        moment = max(datetime.now(UTC), self._last + _STEP, after + _STEP)
        event = ReviewEvent(
            v=1,
            event_id=f"{self._token}-{self.lines + 1}",
            item_id=item_id,
            item_sha256=item_sha256,
            reviewer=self.reviewer,
            seq=self.lines + 1,
            at=moment.strftime(_FORMAT),
            **rest,
            action=action,
        )
        self._save(path, event)
        self._last = moment
        return event

    def _save(self, path: Path, event: ReviewEvent) -> None:
        line = msgspec.json.encode(event) + b"\n"
        try:
            append_line(path, line, size=self.size)
        except BaseException as error:
            self._give_up(path, event, len(line))
            if isinstance(error, OSError):
                raise NotSavedError(
                    error.errno or 0,
                    f"Not saved: {error.strerror or error}. Nothing has changed; free some space "
                    f"or restore access to {self.folder}, then save again",
                    str(path),
                ) from error
            raise
        self.path, self.before = path, self.size
        self.size += len(line)
        self.lines += 1

    def _give_up(self, path: Path, event: ReviewEvent, length: int) -> None:
        """Leave the file for good; remember the event if its line may be there in full."""
        self.path = None
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            return
        except OSError:
            found = self.size + length
        if found >= self.size + length:
            if event.note != WITHDRAWN:
                self.unconfirmed.append(event)
        elif not found:
            with contextlib.suppress(OSError):
                path.unlink()

    def _file(self) -> Path:
        if self.path is not None and os.getpid() == self._pid and self._as_left(self.path):
            return self.path
        self._pid = os.getpid()
        self._token = secrets.token_hex(8)
        self.size = self.lines = 0
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        slug = file_name(self.reviewer, otherwise="reviewer")
        try:
            make_folder(self.folder)
            sync_folder(self.folder.parent)  # another process may have made it a moment ago
        except OSError as error:
            raise NotSavedError(
                error.errno or 0,
                f"Not saved: {error.strerror or error}. Nothing has changed",
                self.folder,
            ) from error
        return self.folder / f"{slug}-{started}-{self._pid}-{self._token}.jsonl"

    def _as_left(self, path: Path) -> bool:
        """Whether the file is as this writer left it; a checkout or a sync tool may differ."""
        try:
            return path.stat().st_size == self.size
        except OSError:
            return False


def _moment(at: str | None) -> datetime:
    if not at:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.strptime(at, _FORMAT).replace(tzinfo=UTC)
