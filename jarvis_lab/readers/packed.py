"""Files as bytes, unpacked; a packed file that is cut off or damaged is an error that names it."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["DamagedFileError", "open_bytes"]

_BLOCK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class DamagedFileError(ValueError):
    """A file that cannot be read to its end."""


@contextlib.contextmanager
def open_bytes(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacking gzip and zstandard as recognised by their first bytes.

    Raises
    ------
    DamagedFileError
        If the packed file ends too early or holds what is not packed.
    """
    with open(path, "rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        try:
            if magic[:2] == _GZIP:
                with gzip.open(raw, "rb") as handle:
                    yield handle  # type: ignore[misc]
            elif magic == _ZSTD:
                with io.BufferedReader(_ZstdFrames(raw), _BLOCK) as handle:
                    yield handle
            else:
                yield raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DamagedFileError(
                f"{path} cannot be unpacked to its end: {error}. It is damaged or was cut off; "
                "copy it again, or unpack what is left of it and read that."
            ) from error


class _ZstdFrames(io.RawIOBase):
    """The frames of a zstandard file, one after the other.

    The library's own reader takes the end of the file for the end of the frame.
    """

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._raw = raw
        self._frame: Any = None
        self._packed = b""
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            self._packed = self._packed or self._raw.read(_BLOCK >> 4)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the last frame has no end")
                return 0
            self._left = memoryview(self._unpacked())
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _unpacked(self) -> bytes:
        import zstandard

        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            data: bytes = self._frame.decompress(self._packed)
        except zstandard.ZstdError as error:
            raise EOFError(str(error)) from error
        self._packed = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame = None
        return data
