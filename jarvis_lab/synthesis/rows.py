"""The rows of one part of an export, made while its evidence passes by."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
import numpy as np

from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
from jarvis_lab.synthesis.excluded import not_instructable_row
from jarvis_lab.synthesis.part import Part, Settings
from jarvis_lab.synthesis.sft import (
    NO_EVIDENCE,
    OTHER_ROLE,
    make_sample,
    source_class,
    why_not_instructable,
)

__all__ = ["Candidates", "PartRows"]

#: What a row is counted under: source class, model, category, bits of its length.
Kind = tuple[str, str, str, int]

#: Why a candidate has no row: the reason, and its detail.
Why = tuple[str, str]

_UNMADE: Why = (NO_EVIDENCE, "")
_NO_KIND = -1
_ENCODE = msgspec.json.Encoder().encode_lines
_BYTES_A_WRITE = 1 << 20
_ESCAPES = {
    b"&": b"\\u0026",
    b"<": b"\\u003c",
    b">": b"\\u003e",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


def _whole_numbers() -> array[int]:
    return array("q")


@dataclass
class Candidates:
    """The runs that the firewall let through, in the order of their lines.

    Beside each run, its place among the readable records and its line.
    """

    runs: list[ScoredRun] = field(default_factory=list)
    indexes: array[int] = field(default_factory=_whole_numbers)
    lines: array[int] = field(default_factory=_whole_numbers)


class PartRows:
    """The rows of a part, one per candidate, each an encoded line or the reason for none.

    Evidence stands in an order of its own and the last of a run wins, so a row may be made more
    than once. What is kept is the row, never the evidence.

    Parameters
    ----------
    settings
        Of the export.
    base
        What every id begins with.
    candidates
        The runs to make rows of, in order.
    """

    def __init__(self, settings: Settings, base: str, candidates: Candidates) -> None:
        self._base, self._candidates = base, candidates
        self._any_role, self._recorded_at = settings.include_partial, settings.recorded_at
        self._escape_html = settings.escape_html
        self._stems: dict[str | None, str] = {None: ""}
        self._kinds: dict[Kind, int] = {}
        self._first: dict[str, int] = {}
        self._others: dict[int, list[int]] = {}
        for place, run in enumerate(candidates.runs):
            first = self._first.setdefault(run.evidence_run_id or "", place)
            if first != place:
                self._others.setdefault(first, []).append(place)
        self.forget()

    @property
    def run_ids(self) -> Set[str]:
        """Run ids of the candidates."""
        return self._first.keys()

    def forget(self) -> None:
        """Unmake every row."""
        count = len(self._candidates.runs)
        self._lines: list[bytes | None] = [None] * count
        self._kind_of = array("q", [_NO_KIND]) * count
        self._why: dict[int, Why] = {}

    def take(self, records: Iterable[EvidenceRecord]) -> None:
        """Make the rows of the runs that ``records`` are evidence of."""
        place_of, others, make = self._first.get, self._others, self._make
        for record in records:
            place = place_of(record.run_id or "")
            if place is not None:
                make(place, record)
                if others:
                    for other in others.get(place, ()):
                        make(other, record)

    def write(self, sink: BinaryIO) -> None:
        """Write the lines in the order of the candidates."""
        lines = list(filter(None, self._lines))
        step = 1 + _BYTES_A_WRITE * len(lines) // (1 + sum(map(len, lines)))
        for start in range(0, len(lines), step):
            block = b"".join(lines[start : start + step])
            if self._escape_html:
                for plain, escaped in _ESCAPES.items():
                    block = block.replace(plain, escaped)
            sink.write(block)

    def report(self, part: Part) -> None:
        """Add what became of the candidates to ``part``."""
        runs, lines = self._candidates.runs, self._candidates.lines
        kinds = np.array(self._kind_of, np.int64)
        made = kinds != _NO_KIND
        for place in np.flatnonzero(~made).tolist():
            why = self._why.get(place, _UNMADE)
            part.excluded.append(not_instructable_row(lines[place], runs[place], *why))
        counts = np.bincount(kinds[made], minlength=len(self._kinds)).tolist()
        part.balance.update(
            {kind: count for kind, count in zip(self._kinds, counts, strict=True) if count}
        )
        part.exported = int(made.sum())
        used = np.zeros(part.records, np.bool_)
        used[np.array(self._candidates.indexes, np.int64)[made]] = True
        part.id_base = self._base
        part.id_bits = int.from_bytes(np.packbits(used, bitorder="little").tobytes(), "little")

    def _make(self, place: int, record: EvidenceRecord) -> None:
        why = why_not_instructable(record, self._any_role)
        if why:
            role = record.model_role or "none"
            self._why[place] = (why, role if why == OTHER_ROLE else "")
            self._lines[place], self._kind_of[place] = None, _NO_KIND
            return
        run, index = self._candidates.runs[place], self._candidates.indexes[place]
        source = record.provenance.source_file if record.provenance is not None else None
        stem = self._stems.get(source)
        if stem is None:
            stem = self._stems[source] = source_class(source)
        sample = make_sample(run, record, stem, self._recorded_at, f"{self._base}:{index}")
        self._lines[place] = _ENCODE([sample])
        length = len(sample.response).bit_length()
        kind = (stem, record.model_name or "", run.category or "", length)
        self._kind_of[place] = self._kinds.setdefault(kind, len(self._kinds))
