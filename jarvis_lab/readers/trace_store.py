"""OpenJarvis' SQLite trace store, read without writing, locking or creating anything."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab.readers.columns import BLOCK_ROWS, Wanted, canonical
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.trace_sql import SEEDS, affinity, between, cleaned, quoted, selected

__all__ = [
    "DamagedStoreError",
    "NoTraceStoreError",
    "StoreChangedError",
    "StorePiece",
    "TraceStoreFile",
]

_BATCH_ROWS = 8_192


class DamagedStoreError(ValueError):
    """A SQLite file that cannot be read to its end."""


class NoTraceStoreError(ValueError):
    """A SQLite file without the table asked for."""


class StoreChangedError(RuntimeError):
    """The file changed while it was read as if it could not."""


@dataclass(frozen=True)
class TraceStoreFile:
    """A trace store opened for reading: where to connect, and the columns of one table.

    Attributes
    ----------
    path : Path
        The file as the caller named it, for messages.
    uri : str
        SQLite URI to connect to, read-only.
    table : str
        ``traces`` or ``trace_steps``.
    kinds : dict
        Column name → kind, in the table's order.
    """

    path: Path
    uri: str
    table: str
    kinds: dict[str, str]

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, path: Path, table: str, declared: dict[str, str], *, shared: bool = False
    ) -> Iterator[TraceStoreFile]:
        """Open the store; on leaving, raise StoreChangedError if it changed under our feet.

        While no write-ahead log stands beside the file it is opened as immutable, so that not
        even a lock is taken. With ``shared`` (for a file that keeps changing) SQLite's own read
        locks are used instead.
        """
        with contextlib.ExitStack() as stack:
            if _pending(path, "-wal"):
                uri = _uri_beside_log(path, stack)
            elif shared:
                uri = _uri(path, "mode=ro")
            else:
                uri = _uri(path, "mode=ro&immutable=1")
                before = _stamp(path)
            try:
                kinds = _kinds(path, uri, table, declared)
                yield cls(path, uri, table, kinds)
            except DamagedStoreError as error:
                if "immutable" in uri and _stamp(path) != before:
                    raise StoreChangedError(f"{path} changed while it was read.") from error
                raise
            if "immutable" in uri and _stamp(path) != before:
                raise StoreChangedError(f"{path} changed while it was read.")

    def pieces(
        self, time: str, since: float | None = None, until: float | None = None
    ) -> list[StorePiece]:
        """The table in ranges of at most 65,536 row ids, in the order of the row ids.

        ``since`` and ``until`` (epoch seconds) let SQLite skip rows that lie outside of them.
        """
        where = between(time, since, until)
        with contextlib.closing(sqlite3.connect(self.uri, uri=True)) as connection:
            ranges = []
            with damage_named(self.path):
                first, last = connection.execute(
                    f"SELECT min(rowid), max(rowid) FROM {self.table}"
                ).fetchone()
                while first is not None and first <= last:
                    end = min(first + BLOCK_ROWS - 1, last)
                    ranges.append(StorePiece(self, first, end, where))
                    (first,) = connection.execute(
                        f"SELECT min(rowid) FROM {self.table} WHERE rowid > ?", (end,)
                    ).fetchone()
        return ranges

    def oldest_of_newest(
        self, time: str, count: int, since: float | None, until: float | None
    ) -> float | None:
        """Epoch seconds of the oldest of the ``count`` newest rows, or None without any."""
        with (
            damage_named(self.path),
            contextlib.closing(sqlite3.connect(self.uri, uri=True)) as connection,
        ):
            (oldest,) = connection.execute(
                f"SELECT min(t) FROM (SELECT {time} AS t FROM {self.table}"
                f" WHERE {between(time, since, until)} ORDER BY {time} DESC LIMIT {count})"
            ).fetchone()
            return oldest if isinstance(oldest, float) else None


@dataclass(frozen=True)
class StorePiece:
    """The rows of one table of a store whose row ids lie from ``first`` to ``last``."""

    store: TraceStoreFile
    first: int
    last: int
    where: str = "1"

    @property
    def file(self) -> str:
        """The store's path."""
        return str(self.store.path)

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """The piece as one table of the wanted columns."""
        del bad_lines
        terms = selected(self.store.kinds, wanted)
        if not terms:
            terms = {"id": ("1", "whole")}
        seeds = ", ".join(f"{SEEDS[kind]} AS {quoted(n)}" for n, (_, kind) in terms.items())
        listed = ", ".join(term for term, _ in terms.values())
        # A first row of known types: the driver takes a column's type from the first rows, and
        # would take a feedback that is NULL there for whole numbers.
        table = self._fetch(
            f"SELECT {seeds} UNION ALL SELECT {listed} FROM {self.store.table} "
            f"WHERE rowid BETWEEN {self.first} AND {self.last} AND {self.where}"
        ).slice(1)
        columns = {
            name: cleaned(table[name], kind, f"{name!r} of {self.file}")
            for name, (_, kind) in terms.items()
        }
        columns = {
            name: column
            for name, column in columns.items()
            if name in self.store.kinds or column.null_count < len(column)
        }
        yield canonical(pa.table(columns), wanted, where=self.file)

    def _fetch(self, statement: str) -> pa.Table:
        from adbc_driver_sqlite import dbapi

        with (
            damage_named(self.store.path),
            dbapi.connect(self.store.uri) as connection,
            connection.cursor() as cursor,
        ):
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
            cursor.execute(statement)
            return cursor.fetch_arrow_table()


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn the drivers' errors about a damaged file into one that names it."""
    from adbc_driver_manager import Error

    try:
        yield
    except (sqlite3.DatabaseError, Error, OSError, pa.ArrowInvalid) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DamagedStoreError(
            f"{path} cannot be read as a trace store: {error}. If the file is damaged or was cut "
            "off, copy it again, or recover what is left with the sqlite3 shell's .recover."
        ) from error


def _pending(path: Path, suffix: str) -> bool:
    try:
        return os.stat(f"{path}{suffix}").st_size > 0
    except FileNotFoundError:
        return False


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{options}"


def _uri_beside_log(path: Path, stack: contextlib.ExitStack) -> str:
    """Where to read a store with a write-ahead log: in place if its index stands there too.

    Without the index SQLite would create it beside the store, so the log of a process that died
    is read from a copy in a temporary folder.
    """
    if os.path.exists(f"{path}-shm"):
        in_place = _uri(path, "mode=ro&readonly_shm=1")
        try:
            with contextlib.closing(sqlite3.connect(in_place, uri=True)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return in_place
        except sqlite3.OperationalError:
            pass  # nobody has the index open, and it is not fit to be read as it is
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jarvis-lab-"))
    copy = Path(folder, "store.db")
    shutil.copyfile(path, copy)
    shutil.copyfile(f"{path}-wal", f"{copy}-wal")
    return _uri(copy, "mode=rw")


def _stamp(path: Path) -> tuple[object, ...]:
    stat = os.stat(path)
    with open(path, "rb") as handle:
        header = handle.read(100)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, header, _pending(path, "-wal")


def _kinds(path: Path, uri: str, table: str, declared: dict[str, str]) -> dict[str, str]:
    with (
        damage_named(path),
        contextlib.closing(sqlite3.connect(uri, uri=True)) as connection,
    ):
        rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
    if not rows:
        raise NoTraceStoreError(
            f"{path} is a SQLite file but no OpenJarvis trace store: it has no table {table!r}, "
            f"only {_checks.names(tables)}. The store is usually named traces.db."
        )
    return {name: declared.get(name) or affinity(kind) for _, name, kind, *_ in rows}
