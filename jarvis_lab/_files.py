"""The only code that writes: atomic replace, fsync append, canonical JSON, sha256."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from jarvis_lab._checks import plural

__all__ = [
    "TEMPORARY_SUFFIX",
    "Meter",
    "append_durably",
    "append_line",
    "atomic_group",
    "atomic_writer",
    "canonical_json",
    "check_free",
    "make_folder",
    "publish_once",
    "sha256_bytes",
    "sha256_file",
    "sync_folder",
    "write_at",
    "write_bytes",
    "write_errors",
]

TEMPORARY_SUFFIX = ".tmp"
_BLOCK = 1 << 20


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a hidden temporary file that takes the name ``path`` when the block ends well.

    The bytes are on disk before the name changes hands, and so is the name afterwards. If the
    block raises (Ctrl-C included) the temporary file is removed and an older ``path`` stays as
    it was. Killed outright, the process leaves at most a file named ``.*.tmp``.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    with atomic_group([path]) as handles:
        yield handles[0]


@contextlib.contextmanager
def atomic_group(paths: Sequence[str | os.PathLike[str]]) -> Iterator[list[BinaryIO]]:
    """Open one hidden temporary file per path; all take their names when the block ends well.

    Every byte of every file is on disk before the first name changes hands; the names then
    change one right after the other, in the order given. Otherwise as :func:`atomic_writer`.
    ``handle.name`` is the path of the temporary file, which can be read back.

    Raises
    ------
    FileNotFoundError
        If a folder does not exist.
    FileExistsError
        If the name is a device's or a pipe's, which a file must not replace.
    """
    targets = [Path(path) for path in paths]
    for target in targets:
        check_free(target)
    token = f"{secrets.token_hex(6)}{TEMPORARY_SUFFIX}"
    waiting = {target.with_name(f".{target.name}.{token}"): target for target in targets}
    try:
        with contextlib.ExitStack() as stack:
            handles: list[BinaryIO] = []
            for temporary in waiting:
                handle = stack.enter_context(open(temporary, "xb", buffering=_BLOCK))
                handles.append(handle)
            yield handles
            for handle in handles:
                handle.flush()
                os.fsync(handle.fileno())
        _rename(waiting)
    except BaseException:
        for temporary in waiting:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        raise
    for folder in {target.parent for target in targets}:
        sync_folder(folder)


@contextlib.contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Let the system's errors say that nothing was exported, and name ``target``."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(
            error.errno,
            f"The export could not be written ({error.strerror}); nothing was exported and an "
            "older export is unchanged",
            str(target),
        ) from error


def check_free(target: Path) -> None:
    """Raise if no file can take the name ``target``, whatever it is to hold.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    FileExistsError
        If the name is a device's or a pipe's, which a file must not replace.
    """
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"Cannot write {target}: the folder {target.parent} does not exist. Create it first."
        )
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise FileExistsError(
            f"Cannot write {target}: it is a device or a pipe, not a file. Give another path."
        )


def _rename(names: dict[Path, Path]) -> None:
    """Let files that are whole take their names; Ctrl-C in between does not part them."""
    try:
        for temporary, target in names.items():
            os.replace(temporary, target)
    except KeyboardInterrupt:
        waiting = [temporary for temporary in names if temporary.exists()]
        if len(waiting) < len(names):
            for temporary in waiting:
                os.replace(temporary, names[temporary])
        raise


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with atomic_writer(path) as handle:
        handle.write(data)


def write_at(path: str | os.PathLike[str], offset: int, blocks: Iterable[bytes]) -> None:
    """Write ``blocks``, one after the other, into a temporary file that others write to as well.

    The file must exist. Bytes before ``offset`` that nobody has written yet are left for others.
    """
    with open(path, "r+b", buffering=0) as handle:
        handle.seek(offset)
        for block in blocks:
            left = memoryview(block)
            while left:
                left = left[handle.write(left) :]


def append_durably(descriptor: int, data: bytes) -> None:
    """Append ``data`` with one write and wait until it is on disk.

    Raises
    ------
    OSError
        If the write was short or failed; the file may then end in torn bytes, so the caller
        must not append to it again.
    """
    written = os.write(descriptor, data)
    if written != len(data):
        were = plural(written, "was", "were")
        raise OSError(f"Only {written} of {len(data)} bytes {were} written: is the disk full?")
    os.fsync(descriptor)


def append_line(path: str | os.PathLike[str], line: bytes, *, size: int) -> None:
    """Append ``line`` to the file of exactly ``size`` bytes and wait until it is on disk.

    With ``size`` 0 the file is created, and must not exist. It is opened for each line, so that
    a file that was moved, replaced or cut meanwhile is noticed instead of written to.

    Raises
    ------
    OSError
        If the file is not as it was left, or the write was short or failed. The file may then
        end in torn bytes, so the caller must not append to it again.
    """
    flags = os.O_WRONLY | os.O_APPEND | _BINARY | (0 if size else os.O_CREAT | os.O_EXCL)
    descriptor = os.open(path, flags, 0o666)
    try:
        found = os.fstat(descriptor).st_size
        if found != size:
            size_found = f"{found} {plural(found, 'byte')}"
            were = plural(size, "was", "were")
            raise OSError(f"{path} has {size_found} where {size} {were} written.")
        append_durably(descriptor, line)
    finally:
        os.close(descriptor)
    if not size:
        sync_folder(Path(path).parent)


def publish_once(path: str | os.PathLike[str], data: bytes) -> bool:
    """Write ``data`` to ``path``, whole or not at all; False if the name is taken.

    Of several processes that publish the same name at the same time one returns True.
    """
    target = Path(path)
    staged = target.with_name(f".{target.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    write_bytes(staged, data)
    try:
        os.link(staged, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if target.exists():
            return False
        os.replace(staged, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)
    sync_folder(target.parent)
    return True


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Create ``folder`` and what is missing above it, and make the new names durable."""
    path = Path(folder)
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make the names in ``folder`` durable (no-op where folders cannot be opened or synced)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


class Meter:
    """Measures the bytes of a file as they pass by: their number, lines and sha256."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._ends = 0
        self._last = b"\n"
        self.bytes = 0

    def update(self, block: bytes | memoryview, ends: int | None = None) -> None:
        """Take the next bytes; ``ends`` is their number of line ends, if known."""
        if block:
            self._digest.update(block)
            self.bytes += len(block)
            self._ends += bytes(block).count(b"\n") if ends is None else ends
            self._last = bytes(block[-1:])

    def add_ends(self, ends: int) -> None:
        """Count line ends that :meth:`update` was told not to."""
        self._ends += ends

    @property
    def lines(self) -> int:
        """Lines so far, a last one without its end included."""
        return self._ends + (self._last != b"\n")

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the bytes so far."""
        return self._digest.hexdigest()


def canonical_json(value: Any) -> bytes:
    """Encode ``value`` as compact UTF-8 JSON with sorted keys, the same bytes everywhere."""
    return msgspec.json.encode(value, order="sorted")


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of the file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


#: What some network file systems answer to a folder's fsync.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_BINARY: int = getattr(os, "O_BINARY", 0)
