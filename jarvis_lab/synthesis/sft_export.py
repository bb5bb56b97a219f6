"""What became of every record of a lake in an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lab import _checks
from jarvis_lab.readers.lake_files import LakeFile
from jarvis_lab.synthesis.excluded import (
    BAD_LINE,
    FIREWALL,
    ExcludedRows,
    excluded_table,
)
from jarvis_lab.synthesis.part import Part

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SftExport", "export_of"]

_MISSING = "(missing)"


@dataclass(frozen=True, repr=False)
class SftExport:
    """The result of :func:`export_sft`.

    Attributes
    ----------
    scored_files_read : int
        Files of scored runs, those that could not be read included.
    records_read : int
        Readable records in them. Each was exported, quarantined or not instructable.
    records_exported : int
        Samples written (or that would be, in a dry run).
    records_quarantined : int
        Records the firewall kept out.
    bad_lines : int
        Lines of scored runs and evidence that are no record.
    replaced_lines : int
        Lines whose invalid UTF-8 was read as U+FFFD; they count as records.
    duplicate_ids : int
        Samples whose id an earlier sample has; 0 with ``unique_ids``.
    output_path : Path
        Where the export is, or would be.
    written : bool
        Whether it was written.
    note : str
        Why not; empty if it was.
    reasons : dict
        Rows of :meth:`excluded` by reason.
    categories : dict
        Records read by category.
    models, source_classes : dict
        Samples exported by model and by source class.
    """

    scored_files_read: int
    records_read: int
    records_exported: int
    records_quarantined: int
    bad_lines: int
    replaced_lines: int
    duplicate_ids: int
    output_path: Path
    written: bool
    note: str
    reasons: dict[str, int]
    categories: dict[str, int]
    models: dict[str, int]
    source_classes: dict[str, int]
    _excluded: Sequence[tuple[str, ExcludedRows]] = field(compare=False)
    _balance: Mapping[tuple[str, str, str, int], int] = field(compare=False)

    @property
    def records_not_instructable(self) -> int:
        """Records that passed the firewall and make no sample."""
        return self.records_read - self.records_exported - self.records_quarantined

    @property
    def quarantine_summary(self) -> str:
        """The two counts of records left out, ``firewall=N, not-instructable=M``."""
        return (
            f"firewall={self.records_quarantined}, not-instructable={self.records_not_instructable}"
        )

    def counts(self) -> dict[str, int]:
        """Give the whole numbers of the result by name."""
        return {
            "scored_files_read": self.scored_files_read,
            "records_read": self.records_read,
            "records_exported": self.records_exported,
            "records_quarantined": self.records_quarantined,
            "records_not_instructable": self.records_not_instructable,
            "bad_lines": self.bad_lines,
            "replaced_lines": self.replaced_lines,
            "duplicate_ids": self.duplicate_ids,
        }

    def excluded(self) -> pd.DataFrame:
        """One row per record, line or file left out, in the order of reading.

        Returns
        -------
        DataFrame
            file : str
                Path below the root, with forward slashes.
            line : Int64
                From 1; missing where the whole file or folder was left out.
            run_id : str
                The scored run's; missing if it has none or the line could not be read.
            category : str
                As it stands in the record; missing likewise.
            reason : str
                ``firewall: …``, ``not instructable: …``, ``bad line: …`` or ``unreadable``.
            detail : str
                The model role, what is wrong with the line or the file; else empty.
        """
        return excluded_table(self._excluded)

    def balance(self) -> pd.DataFrame:
        """One row per source class, model, category and length: how many samples have it.

        Returns
        -------
        DataFrame
            by : str
                ``source class``, ``model``, ``category`` or ``length``.
            value : str
                The class, the model (empty if unnamed), the category, or the span of the
                response's length in characters.
            rows : int64
                Samples exported. Within each ``by`` they add up to ``records_exported``;
                most first, lengths in order.
        """
        import pandas as pd

        names = ("source class", "model", "category")
        rows = [
            (name, value, count)
            for place, name in enumerate(names)
            for value, count in _sums(self._balance, place).items()
        ]
        lengths = sorted(_sums_of_length(self._balance).items())
        rows += [("length", _span(bits), count) for bits, count in lengths]
        frame = pd.DataFrame(rows, columns=["by", "value", "rows"])
        return frame.astype({"by": "str", "value": "str", "rows": "int64"})

    def __repr__(self) -> str:
        where = f"in {self.output_path.name}" if self.written else f"nothing written: {self.note}"
        records = _checks.plural(self.records_read, "record")
        read = f"{self.records_read} {records}"
        return f"SftExport({self.records_exported} of {read} exported, {where})"

    def _repr_html_(self) -> str:
        from jarvis_lab.synthesis.sft_export_html import as_html

        return as_html(self)


def export_of(
    parts: Sequence[Part],
    refused: Sequence[LakeFile],
    output_path: Path,
    *,
    written: bool,
    dry_run: bool,
) -> SftExport:
    """Add up the parts of an export."""
    excluded = list(_excluded(parts, refused))
    reasons: Counter[str] = Counter()
    for _, rows in excluded:
        reasons.update(rows.reasons)
    categories: Counter[str] = Counter()
    balance: Counter[tuple[str, str, str, int]] = Counter()
    for part in parts:
        categories.update({name or _MISSING: count for name, count in part.categories.items()})
        balance.update(part.balance)
    exported = sum(part.exported for part in parts)
    return SftExport(
        scored_files_read=len(parts),
        records_read=sum(part.records for part in parts),
        records_exported=exported,
        records_quarantined=_starting(reasons, FIREWALL),
        bad_lines=_starting(reasons, BAD_LINE),
        replaced_lines=sum(part.replaced for part in parts),
        duplicate_ids=_duplicates(parts),
        output_path=output_path,
        written=written,
        note="" if written else _note(parts, refused, exported, output_path, dry_run=dry_run),
        reasons=dict(sorted(reasons.items())),
        categories=_sorted(categories),
        models=_sums(balance, 1),
        source_classes=_sums(balance, 0),
        _excluded=excluded,
        _balance=balance,
    )


def _excluded(
    parts: Sequence[Part], refused: Sequence[LakeFile]
) -> Iterator[tuple[str, ExcludedRows]]:
    for entry in refused:
        yield entry.name, ExcludedRows.whole_file(entry.problem)
    for part in parts:
        yield part.name, part.excluded
        if part.evidence_excluded:
            yield part.evidence_name, part.evidence_excluded


def _note(
    parts: Sequence[Part],
    refused: Sequence[LakeFile],
    exported: int,
    output_path: Path,
    *,
    dry_run: bool,
) -> str:
    if dry_run:
        return "dry run"
    if not parts:
        why = "the lake has no scored runs"
        if refused:
            why = f"{refused[0].name} was not read ({refused[0].problem})"
    else:
        why = "no record passed" if not exported else "interrupted"
    return f"{why}; the older export {output_path} stays" if output_path.exists() else why


def _duplicates(parts: Sequence[Part]) -> int:
    seen: dict[str, int] = {}
    count = 0
    for part in parts:
        before = seen.get(part.id_base, 0)
        count += (before & part.id_bits).bit_count()
        seen[part.id_base] = before | part.id_bits
    return count


def _starting(counts: Mapping[str, int], prefix: str) -> int:
    return sum(count for name, count in counts.items() if name.startswith(prefix))


def _sums(balance: Mapping[tuple[str, str, str, int], int], place: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for key, count in balance.items():
        sums[str(key[place])] += count
    return _sorted(sums)


def _sums_of_length(balance: Mapping[tuple[str, str, str, int], int]) -> dict[int, int]:
    sums: Counter[int] = Counter()
    for key, count in balance.items():
        sums[key[3]] += count
    return sums


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _span(bits: int) -> str:
    low, high = 1 << (bits - 1) if bits else 0, (1 << bits) - 1
    return str(low) if low == high else f"{low}–{high}"
