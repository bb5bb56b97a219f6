"""OpenJarvis' SQLite trace store, read without writing, locking or creating anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab.readers.casts import BLOCK_ROWS
from jarvis_lab.readers.columns import Wanted, canonical
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.sqlite_file import (
    DamagedStoreError,
    StoreChangedError,
    fetched,
    opened,
    query,
)
from jarvis_lab.readers.trace_sql import (
    SEEDS,
    affinity,
    between,
    cleaned,
    moment,
    quoted,
    selected,
)

__all__ = [
    "DamagedStoreError",
    "NoTraceStoreError",
    "StoreChangedError",
    "StorePiece",
    "TraceStoreFile",
]

# A row takes at least so many bytes of a file: more ranges of row ids than the file can fill
# mean that the ids are far apart.
_LEAST_ROW_BYTES = 16


class NoTraceStoreError(ValueError):
    """A SQLite file without the table asked for."""


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
    row_id : str or None
        SQL name of the row id; None for a view or a table without one.
    """

    path: Path
    uri: str
    table: str
    kinds: dict[str, str]
    row_id: str | None

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, path: Path, table: str, declared: dict[str, str], *, shared: bool = False
    ) -> Iterator[TraceStoreFile]:
        """Open the store; on leaving, raise StoreChangedError if it changed under our feet.

        ``shared`` says that it has done so before.
        """
        with opened(path, shared=shared) as uri:
            kinds, row_id = _kinds(path, uri, table, declared)
            yield cls(path, uri, table, kinds, row_id)

    @property
    def fixed(self) -> bool:
        """Whether other machines that see the file may read it: nobody writes to it meanwhile."""
        return "immutable" in self.uri

    def pieces(
        self, time: str, since: float | None = None, until: float | None = None
    ) -> list[StorePiece]:
        """The table in ranges of at most 65,536 row ids, in the order of the row ids.

        ``since`` and ``until`` (epoch seconds) let SQLite skip rows that lie outside of them.
        """
        where = between(time, since, until) if time in self.kinds else "1"
        row = self.row_id
        if row is None:
            return [StorePiece(self, where)]
        ((first, last),) = self._query(f"SELECT min({row}), max({row}) FROM {self.table}")
        ranges = []
        most = self.path.stat().st_size // (_LEAST_ROW_BYTES * BLOCK_ROWS) + 8
        sparse = first is not None and (last - first) // BLOCK_ROWS > most
        while first is not None and first <= last:
            end = min(first + BLOCK_ROWS - 1, last)
            if sparse:
                end = self._query(
                    f"SELECT max({row}) FROM (SELECT {row} FROM {self.table}"
                    f" WHERE {row} >= {first} ORDER BY {row} LIMIT {BLOCK_ROWS})"
                )[0][0]
            ranges.append(StorePiece(self, f"{row} BETWEEN {first} AND {end} AND {where}"))
            ((first,),) = self._query(f"SELECT min({row}) FROM {self.table} WHERE {row} > {end}")
        return ranges

    def oldest_of_newest(
        self, time: str, count: int, since: float | None, until: float | None
    ) -> float | None:
        """Epoch seconds of the oldest of the ``count`` newest rows.

        None if there is none, or if one of them has no time.
        """
        ((oldest, timed, rows),) = self._query(
            f"SELECT CAST(min(t) AS REAL), count(t), count(*) FROM (SELECT {moment(time)} AS t"
            f" FROM {self.table} WHERE {between(time, since, until)} ORDER BY t DESC LIMIT {count})"
        )
        return oldest if timed == rows else None

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        return query(self.path, self.uri, statement)


@dataclass(frozen=True)
class StorePiece:
    """The rows of one table of a store for which ``where``, a term of SQL, is true."""

    store: TraceStoreFile
    where: str

    @property
    def file(self) -> str:
        """The store's path."""
        return str(self.store.path)

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """The piece as tables of the wanted columns, of at most 65,536 rows."""
        del bad_lines
        terms = selected(self.store.kinds, wanted, self.file)
        if not terms:
            terms = {"id": ("1", "whole")}
        seeds = ", ".join(f"{SEEDS[kind]} AS {quoted(n)}" for n, (_, kind) in terms.items())
        listed = ", ".join(term for term, _ in terms.values())
        # A first row of known types: the driver takes a column's type from the first rows, and
        # would take a feedback that is NULL there for whole numbers.
        table = fetched(
            self.store.path,
            self.store.uri,
            f"SELECT {seeds} UNION ALL SELECT {listed} FROM {self.store.table} WHERE {self.where}",
        ).slice(1)
        columns = {
            name: cleaned(table[name], kind, f"{name!r} of {self.file}")
            for name, (_, kind) in terms.items()
        }
        table = pa.table(columns)
        for start in range(0, max(table.num_rows, 1), BLOCK_ROWS):
            yield canonical(table.slice(start, BLOCK_ROWS), wanted, where=self.file)


def _kinds(
    path: Path, uri: str, table: str, declared: dict[str, str]
) -> tuple[dict[str, str], str | None]:
    """The table's columns with their kinds, and what SQL calls its row id."""
    rows = query(path, uri, f"SELECT name, type FROM pragma_table_info('{table}')")
    if not rows:
        tables = query(path, uri, "SELECT name FROM sqlite_master WHERE type = 'table'")
        raise NoTraceStoreError(
            f"{path} is a SQLite file but no OpenJarvis trace store: it has no table {table!r}, "
            f"only {_checks.names(name for (name,) in tables)}. The store is usually named "
            "traces.db."
        )
    kinds = {name: declared.get(name) or affinity(kind) for name, kind in rows}
    ((type_of, without),) = query(
        path,
        uri,
        f"SELECT type, wr FROM pragma_table_list WHERE name = '{table}' COLLATE NOCASE"
        " AND schema = 'main'",
    )
    taken = {name.lower() for name in kinds}
    free = [name for name in ("rowid", "_rowid_", "oid") if name not in taken]
    return kinds, free[0] if free and type_of == "table" and not without else None
