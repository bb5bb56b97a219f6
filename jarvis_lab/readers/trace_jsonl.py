"""Traces and steps in JSON Lines."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from jarvis_lab.readers.casts import ARROW_KINDS, BLOCK_ROWS, arrow_array
from jarvis_lab.readers.columns import Wanted, canonical, facts_of
from jarvis_lab.readers.jsonl import BadLines, decode_lines
from jarvis_lab.records import METADATA_FACTS, StepRecord, TraceRecord

__all__ = ["JsonlPiece"]


@dataclass(frozen=True)
class JsonlPiece:
    """A JSONL file of traces or steps, plain or packed."""

    file: str
    record: type[TraceRecord] | type[StepRecord]

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """Tables of at most 65,536 lines. Fields that no record declares come when asked for."""
        loose = [*METADATA_FACTS, "correct"]
        loose += [name for name in wanted.explicit or () if name not in (*wanted.kinds, *loose)]
        # Any field of a line may be wanted: keep them all beside the record that checks them.
        line = dict[str, Any] if wanted.everything else _with_loose_fields(self.record, loose)
        times = [name for name, kind in wanted.kinds.items() if kind == "time"]
        rows: list[Any] = []
        for number, row in decode_lines(self.file, msgspec.json.Decoder(line), bad_lines):
            if isinstance(row, dict):
                try:
                    checked = msgspec.convert(row, self.record)
                except msgspec.ValidationError as error:
                    bad_lines.add(self.file, number, str(error))
                    continue
                row |= {name: getattr(checked, name) for name in times if name in row}
            rows.append(row)
            if len(rows) == BLOCK_ROWS:
                yield self._table(rows, wanted, loose)
                rows = []
        yield self._table(rows, wanted, loose)

    def _table(self, rows: list[Any], wanted: Wanted, loose: list[str]) -> pa.Table:
        fields = _columns(rows, [*wanted.kinds, *loose], everything=wanted.everything)
        columns: dict[str, Any] = {}
        for name, values in fields.items():
            kind = wanted.kinds.get(name)
            if name in METADATA_FACTS and name in wanted:
                # A fact stands in the metadata, or beside it.
                pairs = zip(values, fields.get("metadata", values), strict=True)
                entries = (({name: own} if own is not None else other) for own, other in pairs)
                columns |= facts_of(list(entries), [name])
            elif kind == "json" and name in wanted:
                texts = [v if v is None or isinstance(v, str) else _json(v) for v in values]
                columns[name] = pa.array(texts, ARROW_KINDS[kind])
            elif kind == "time" and name in wanted:
                columns[name] = pa.array([_seconds(value) for value in values], pa.float64())
            elif kind is not None and name in wanted:
                columns[name] = pa.array(values, ARROW_KINDS[kind])
            elif (name in wanted or name == "correct") and any(v is not None for v in values):
                columns[name] = arrow_array(values, f"{name!r} of {self.file}")
        if "correct" in columns and columns.get("outcome", pa.nulls(0)).null_count == len(rows):
            columns.pop("outcome", None)
        if not columns:
            columns = {next(iter(wanted.kinds)): pa.nulls(len(rows))}
        return canonical(pa.table(columns), wanted, where=self.file)


def _with_loose_fields(record: type[msgspec.Struct], loose: list[str]) -> type[msgspec.Struct]:
    """The record with further fields of any type, by names that need not be identifiers."""
    fields = [
        (f"loose_{place}", Any, msgspec.field(default=None, name=name))
        for place, name in enumerate(loose)
    ]
    return msgspec.defstruct("Line", fields, bases=(record,), gc=False)


def _columns(rows: list[Any], names: list[str], *, everything: bool) -> dict[str, list[Any]]:
    if everything:
        found = dict.fromkeys([*names, *(name for row in rows for name in row)])
        return {name: [row.get(name) for row in rows] for name in found}
    attributes = {name: name for name in names if not rows or hasattr(rows[0], name)}
    loose = [name for name in names if name not in attributes]
    attributes |= {name: f"loose_{place}" for place, name in enumerate(loose)}
    return {
        name: [getattr(row, attribute) for row in rows] for name, attribute in attributes.items()
    }


def _seconds(moment: float | datetime.datetime | None) -> float | None:
    """Epoch seconds; a moment without a zone is UTC's."""
    if not isinstance(moment, datetime.datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode("utf-8")
