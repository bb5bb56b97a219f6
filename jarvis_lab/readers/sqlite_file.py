"""A SQLite file that may be in use: where to connect so that nothing is written or created."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

__all__ = ["DamagedStoreError", "StoreChangedError", "fetched", "opened", "query"]

_BATCH_ROWS = 8_192
_LOGS = ("-wal", "-journal")
_ROLLBACK_JOURNAL = 1  # in the header's byte 18; 2 is a write-ahead log
_WAIT_MS = 5_000


class DamagedStoreError(ValueError):
    """A SQLite file that cannot be read to its end."""


class StoreChangedError(RuntimeError):
    """The file changed while it was read as if it could not."""


@contextlib.contextmanager
def opened(path: Path, *, shared: bool = False) -> Iterator[str]:
    """Give the URI to connect to; on leaving, raise StoreChangedError if the file changed.

    While no write-ahead log or journal stands beside the file it is opened as immutable, so that
    not even a lock is taken. With ``shared``, for a file that changed before, SQLite's own read
    locks are used where that creates no file.
    """
    with contextlib.ExitStack() as stack:
        before = _stamp(path)
        logs = [suffix for suffix in _LOGS if _pending(path, suffix)]
        if logs:
            uri = _beside_log(path, logs[0], stack)
        elif shared and before[-1][18] == _ROLLBACK_JOURNAL:
            uri = _uri(path, "mode=ro")
        else:
            uri = _uri(path, "mode=ro&immutable=1")
        fixed = "immutable" in uri
        try:
            yield uri
        except DamagedStoreError as error:
            if fixed and _stamp(path) != before:
                raise StoreChangedError(_changed(path)) from error
            raise
        if fixed and _stamp(path) != before:
            raise StoreChangedError(_changed(path))


def fetched(path: Path, uri: str, statement: str) -> pa.Table:
    """What the statement gives, as Arrow columns."""
    with _damage_named(path), _connection(uri) as connection, connection.cursor() as cursor:
        return _fetched(cursor, statement)


def query(path: Path, uri: str, statement: str) -> list[tuple[Any, ...]]:
    """The few rows that the statement gives."""
    rows = fetched(path, uri, statement).to_pydict().values()
    return list(zip(*rows, strict=True))


def _fetched(cursor: Any, statement: str) -> pa.Table:
    cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
    cursor.execute(statement)
    return cursor.fetch_arrow_table()


@contextlib.contextmanager
def _connection(uri: str) -> Iterator[Any]:
    from adbc_driver_sqlite import dbapi

    with dbapi.connect(uri) as connection:
        if "immutable" not in uri:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
                cursor.fetchall()
        yield connection


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn the driver's errors about a damaged file into one that names it."""
    from adbc_driver_manager import Error

    try:
        yield
    except FileNotFoundError:
        raise
    except (Error, OSError, pa.ArrowInvalid) as error:
        if "database is locked" in str(error):
            raise StoreChangedError(_changed(path)) from error
        raise DamagedStoreError(
            f"{path} cannot be read as a trace store: {error}. If the file is damaged or was cut "
            "off, copy it again, or recover what is left with the sqlite3 shell's .recover."
        ) from error


def _beside_log(path: Path, log: str, stack: contextlib.ExitStack) -> str:
    """Where to read a file with a log: in place if a living process can take care of it.

    Without the log's index SQLite would create it beside the file, and what a dead process left
    half done it would undo there, so such a file is read from a copy in a temporary folder.
    """
    from adbc_driver_manager import Error

    if log == "-journal" or os.path.exists(f"{path}-shm"):
        uri = _uri(path, "mode=ro&readonly_shm=1")
        guard = contextlib.ExitStack()
        try:
            connection = guard.enter_context(_connection(uri))
            with connection.cursor() as cursor:
                _fetched(cursor, "SELECT count(*) FROM sqlite_master")
        except (Error, OSError):
            guard.close()  # nobody has the file open, and it is not fit to be read as it is
        else:
            # Held to the end, so that the other process, when it closes, leaves its log in place;
            # else the next connection would create an empty one.
            stack.push(guard)
            return uri
    before = _stamp(path), _stamp(Path(f"{path}{log}"))
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jarvis-lab-"))
    copy = Path(folder, "store.db")
    shutil.copyfile(path, copy)
    shutil.copyfile(f"{path}{log}", f"{copy}{log}")
    if (_stamp(path), _stamp(Path(f"{path}{log}"))) != before:
        raise StoreChangedError(_changed(path))
    return _uri(copy, "mode=rw")


def _pending(path: Path, suffix: str) -> int:
    try:
        return os.stat(f"{path}{suffix}").st_size
    except FileNotFoundError:
        return 0


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{options}"


def _changed(path: Path) -> str:
    return f"{path} kept changing while it was read. Copy it and read the copy."


def _stamp(path: Path) -> tuple[Any, ...]:
    """What changes when another process writes; the header of the file stands last."""
    stat = os.stat(path)
    with open(path, "rb") as handle:
        header = handle.read(100).ljust(100, b"\0")
    logs = tuple(_pending(path, suffix) for suffix in _LOGS)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, logs, header
