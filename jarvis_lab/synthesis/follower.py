"""A second pair of eyes on a file that grows: reads it back while others work."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from jarvis_lab._files import Meter

__all__ = ["Follower"]

_BLOCK = 1 << 22
_SYNC_BYTES = 1 << 25


class Follower:
    """Measures a file as it grows, in a thread of its own, and has its bytes go to the disk.

    Hashing and waiting for a disk need no Python, so the thread that makes rows goes on. What is
    measured is what was read back. The writer still syncs the whole file before it takes its
    name; by then little is left to wait for.

    Parameters
    ----------
    path
        The file that grows.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._end = path, 0
        self._handle = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by __exit__
        self._room = memoryview(bytearray(_BLOCK))
        self._meter = Meter()
        self._unsynced = 0
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._handle.close()

    def follow(self, lines: int, size: int) -> None:
        """Take the next ``lines`` whole lines, of ``size`` bytes in all, which stand there now."""
        self._end += size
        self._waiting.append(self._thread.submit(self._read, lines, self._end))

    def measured(self) -> Meter:
        """Wait until everything is read, and give what was measured."""
        for future in self._waiting:
            future.result()
        found = os.path.getsize(self._path)
        if found != self._end:
            raise OSError(f"{self._path} has {found} bytes where {self._end} were written.")
        return self._meter

    def _read(self, lines: int, end: int) -> None:
        self._meter.add_ends(lines)
        while self._meter.bytes != end:
            count = self._handle.readinto(self._room[: max(0, end - self._meter.bytes)])
            if not count:
                raise OSError(
                    f"{self._path} ends at byte {self._meter.bytes}, where rows were written."
                )
            self._meter.update(self._room[:count], 0)
            self._unsynced += count
            if self._unsynced >= _SYNC_BYTES:
                os.fsync(self._handle.fileno())
                self._unsynced = 0
