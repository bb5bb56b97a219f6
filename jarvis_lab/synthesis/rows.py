"""The rows of one part of an export, made while its evidence passes by."""

from __future__ import annotations

from collections.abc import Iterable, Set
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

__all__ = ["Candidate", "PartRows"]

#: A run that the firewall let through: its place among the records, its line, and itself.
Candidate = tuple[int, int, ScoredRun]
#: What a row is counted under: source class, model, category, bits of its length.
Kind = tuple[str, str, str, int]

#: Why a candidate has no row: the reason, and its detail.
Why = tuple[str, str]

_UNMADE: Why = (NO_EVIDENCE, "")
_ENCODE = msgspec.json.Encoder().encode
_ROWS_A_WRITE = 256
_ESCAPES = {
    b"&": b"\\u0026",
    b"<": b"\\u003c",
    b">": b"\\u003e",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


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

    def __init__(self, settings: Settings, base: str, candidates: list[Candidate]) -> None:
        self._base, self._candidates = base, candidates
        self._any_role, self._recorded_at = settings.include_partial, settings.recorded_at
        self._escape_html = settings.escape_html
        self._stems: dict[str | None, str] = {None: ""}
        self._first: dict[str, int] = {}
        self._others: dict[int, list[int]] = {}
        for place, (_, _, run) in enumerate(candidates):
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
        count = len(self._candidates)
        self._lines: list[bytes | None] = [None] * count
        self._made: list[Kind | Why] = [_UNMADE] * count

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
        lines = [line for line in self._lines if line is not None]
        for start in range(0, len(lines), _ROWS_A_WRITE):
            block = b"\n".join([*lines[start : start + _ROWS_A_WRITE], b""])
            if self._escape_html:
                for plain, escaped in _ESCAPES.items():
                    block = block.replace(plain, escaped)
            sink.write(block)

    def report(self, part: Part) -> None:
        """Add what became of the candidates to ``part``."""
        used = bytearray(part.records)
        for candidate, made in zip(self._candidates, self._made, strict=True):
            if len(made) == 2:
                part.excluded.append(not_instructable_row(candidate[1], candidate[2], *made))
            else:
                used[candidate[0]] = 1
        kinds = [made for made in self._made if len(made) == 4]
        part.exported = len(kinds)
        part.balance.update(kinds)
        part.id_base = self._base
        bits = np.packbits(np.frombuffer(used, np.uint8), bitorder="little")
        part.id_bits = int.from_bytes(bits.tobytes(), "little")

    def _make(self, place: int, record: EvidenceRecord) -> None:
        why = why_not_instructable(record, self._any_role)
        if why:
            role = record.model_role or "none"
            self._made[place] = (why, role if why == OTHER_ROLE else "")
            self._lines[place] = None
            return
        index, _, run = self._candidates[place]
        source = record.provenance.source_file if record.provenance is not None else None
        stem = self._stems.get(source)
        if stem is None:
            stem = self._stems[source] = source_class(source)
        sample = make_sample(run, record, stem, self._recorded_at, f"{self._base}:{index}")
        self._lines[place] = _ENCODE(sample)
        length = len(sample.response).bit_length()
        self._made[place] = (stem, record.model_name or "", run.category or "", length)
