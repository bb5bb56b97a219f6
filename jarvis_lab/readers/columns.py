"""One shape for every source: Arrow columns of declared kinds, whatever the file held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab.readers.casts import cast, outcome_of_correct, whole_keys
from jarvis_lab.records import METADATA_FACTS

__all__ = [
    "Wanted",
    "canonical",
    "facts_of",
    "keys",
]


class Wanted:
    """Which columns a reader is asked for.

    Parameters
    ----------
    kinds
        The table's declared columns and their kinds.
    names
        Column names; None for the default (all but ``optional``); "all" for all.
    optional
        Columns that come only when asked for.
    """

    def __init__(
        self,
        kinds: Mapping[str, str],
        names: str | Iterable[str] | None,
        *,
        optional: Sequence[str] = (),
    ) -> None:
        if isinstance(names, str) and names != "all":
            raise TypeError(f"columns must be a list of names or 'all', not {names!r}.")
        self.kinds = dict(kinds)
        self.explicit = None if names is None or names == "all" else tuple(dict.fromkeys(names))
        for name in self.explicit or ():
            _checks.text("columns", name)
        self._left_out = frozenset(optional) if names is None else frozenset()
        self.everything = names == "all"
        #: The columns of each file read so far, for messages.
        self.available: dict[str, list[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name not in self._left_out if self.explicit is None else name in self.explicit

    def with_column(self, name: str) -> Wanted:
        """The same columns and one more, to sort or filter by."""
        if name in self:
            return self
        return Wanted(self.kinds, (*(self.explicit or ()), name))

    def declared(self) -> list[str]:
        """The declared columns that are wanted, in the table's order."""
        return [name for name in self.kinds if name in self]

    def others(self, available: Iterable[str]) -> list[str]:
        """The wanted columns among ``available`` that are not declared and are no fact."""
        known = {*self.kinds, *METADATA_FACTS}
        return [name for name in available if name not in known and name in self]

    def stored(self, available: Iterable[str], file: str) -> list[str]:
        """The columns of ``file`` that the wanted ones are made from, in their stored order."""
        have = self.available[file] = list(available)
        needed = {*self.declared(), *self.facts(), *self.others(have)}
        if set(self.facts()) - set(have):
            needed.add("metadata")
        if "outcome" in self and "outcome" not in have:
            needed.add("correct")
        # Rows count even where none of their columns is wanted.
        return [name for name in have if name in needed] or have[:1]

    def facts(self) -> list[str]:
        """The wanted facts of a trace's metadata."""
        if "messages" not in self.kinds:  # steps have none
            return []
        return [name for name in METADATA_FACTS if name in self]


def canonical(table: pa.Table, wanted: Wanted, *, where: str) -> pa.Table:
    """Cast the wanted columns of ``table`` to their kinds and add the facts of its metadata.

    A table that has ``correct`` and no ``outcome`` reads it as success or failure.
    """
    names = list(table.column_names)
    columns: dict[str, pa.ChunkedArray] = {}
    for name in wanted.declared():
        if name in names:
            columns[name] = cast(table[name], wanted.kinds[name], f"{name!r} of {where}")
        elif name == "outcome" and "correct" in names:
            columns[name] = outcome_of_correct(table["correct"], where)
    facts = wanted.facts()
    for name in facts:
        if name in names:
            kind = METADATA_FACTS[name]
            column = table[name]
            columns[name] = (
                whole_keys(column) if kind == "key" else cast(column, kind, f"{name!r} of {where}")
            )
    absent = [name for name in facts if name not in columns]
    if absent and "metadata" in names:
        columns |= facts_of(table["metadata"].to_pylist(), absent)
    for name in wanted.others(names):
        columns[name] = table[name]
    if not columns:
        name, kind = next(iter(wanted.kinds.items()))
        columns[name] = cast(pa.chunked_array([pa.nulls(table.num_rows)]), kind, name)
    return pa.table(columns)


def facts_of(metadata: Sequence[object], names: Sequence[str]) -> dict[str, pa.Array]:
    """The named facts of each trace's metadata (JSON text or mapping), where any trace has them."""
    facts = msgspec.defstruct("Facts", [(name, Any, None) for name in names], gc=False)
    decode = msgspec.json.Decoder(facts).decode
    try:
        rows = [decode(entry) for entry in metadata]  # type: ignore[arg-type]
    except (msgspec.MsgspecError, TypeError, RecursionError):
        rows = [_facts(entry, decode, facts) for entry in metadata]
    columns = {}
    for name in names:
        values = [getattr(row, name) for row in rows]
        column = keys(values) if METADATA_FACTS[name] == "key" else _reals(values)
        if column.null_count < len(column):
            columns[name] = column
    return columns


def keys(values: Sequence[Any]) -> pa.Array:
    """Query ids as whole numbers if all of them are, else as text."""
    if all(value is None or (type(value) is int and abs(value) < 2**63) for value in values):
        return pa.array(values, pa.int64())
    texts = [
        value
        if value is None or isinstance(value, str)
        else msgspec.json.encode(value).decode("utf-8")
        for value in values
    ]
    return pa.array(texts, pa.large_string())


def _facts(entry: object, decode: Callable[[Any], Any], facts: Callable[..., Any]) -> Any:
    """The facts of one trace; none if its metadata is missing or no JSON object."""
    if isinstance(entry, Mapping):
        return facts(**{name: entry.get(name) for name in facts.__struct_fields__})  # type: ignore[attr-defined]
    try:
        return decode(entry)
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return facts()


def _reals(values: Sequence[Any]) -> pa.Array:
    """Numbers, and nothing where a value is none."""
    if not set(map(type, values)) <= {float, type(None)}:
        values = [_real(value) for value in values]
    return pa.array(values, pa.float64(), from_pandas=True)


def _real(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)
