"""The rows of one part of an export, made while its evidence passes by."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

import msgspec
import numpy as np

from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
from jarvis_lab.synthesis.excluded import NOT_INSTRUCTABLE
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


class _Stems(dict[str | None, str]):
    """Source class of each source file that was asked for."""

    def __missing__(self, source: str | None) -> str:
        stem = self[source] = source_class(source)
        return stem


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
        self._stems = _Stems()
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

    def take(self, records: Sequence[EvidenceRecord]) -> None:
        """Make the rows of the runs that ``records`` are evidence of."""
        runs, indexes, base = self._candidates.runs, self._candidates.indexes, self._base
        lines, kind_of, kinds = self._lines, self._kind_of, self._kinds
        any_role, recorded_at, stems = self._any_role, self._recorded_at, self._stems
        escape_html = self._escape_html
        for place, record in self._places(records):
            why = why_not_instructable(record, any_role)
            if why:
                role = record.model_role or "none"
                self._why[place] = (why, role if why == OTHER_ROLE else "")
                lines[place], kind_of[place] = None, _NO_KIND
                continue
            run, proof = runs[place], record.provenance
            stem = stems[proof.source_file if proof is not None else None]
            sample = make_sample(run, record, stem, recorded_at, f"{base}:{indexes[place]}")
            lines[place] = _escaped(_ENCODE([sample])) if escape_html else _ENCODE([sample])
            length = len(sample.response).bit_length()
            kind = (stem, record.model_name or "", run.category or "", length)
            kind_of[place] = kinds.setdefault(kind, len(kinds))

    def lines(self) -> list[bytes]:
        """Give the encoded lines in the order of the candidates."""
        return list(filter(None, self._lines))

    def report(self, part: Part) -> None:
        """Add what became of the candidates to ``part``."""
        passed, left_out = self._candidates, part.excluded
        kinds = np.array(self._kind_of, np.int64)
        made = kinds != _NO_KIND
        for place in np.flatnonzero(~made).tolist():
            why, detail = self._why.get(place, _UNMADE)
            line, run = passed.lines[place], passed.runs[place]
            left_out.add(line, run.evidence_run_id, run.category, NOT_INSTRUCTABLE + why, detail)
        counts = np.bincount(kinds[made], minlength=len(self._kinds)).tolist()
        part.balance.update(
            {kind: count for kind, count in zip(self._kinds, counts, strict=True) if count}
        )
        part.exported = int(made.sum())
        used = np.zeros(part.records, np.bool_)
        used[np.array(passed.indexes, np.int64)[made]] = True
        part.id_base = self._base
        part.id_bits = int.from_bytes(np.packbits(used, bitorder="little").tobytes(), "little")

    def _places(self, records: Sequence[EvidenceRecord]) -> Iterable[tuple[int, EvidenceRecord]]:
        """Give (place of a candidate, record) for each candidate that a record is evidence of."""
        first_of = self._first.get
        pairs = [
            (first, record)
            for record in records
            if (first := first_of(record.run_id or "")) is not None
        ]
        if not self._others:
            return pairs
        return [
            (place, record)
            for first, record in pairs
            for place in (first, *self._others.get(first, ()))
        ]


def _escaped(line: bytes) -> bytes:
    for plain, escaped in _ESCAPES.items():
        line = line.replace(plain, escaped)
    return line
