"""What an export of reviewed rows did: files, counts, and every row left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis._html import bar, card, table

__all__ = ["CorrectionsExport"]


@dataclass(frozen=True, eq=False, repr=False)
class CorrectionsExport:
    """Result of ``export_corrections`` and ``export_preferences``.

    Attributes
    ----------
    kind
        ``"corrections"`` or ``"preferences"``.
    format
        The training format.
    rows_read, rows_exported
        Candidates in the queue; rows written (with ``dry_run``: that would be).
    approved_as_is
        Rows among them whose target is the model's own answer.
    files : dict of str to Path
        Split -> data file (``"all"`` without a split); empty if nothing was written.
    older_kept
        Nothing was left to write, and these files of an earlier export are still there.
    dry_run
        Whether nothing was to be written.
    """

    kind: str
    format: str
    rows_read: int
    rows_exported: int
    approved_as_is: int
    files: Mapping[str, Path]
    older_kept: tuple[Path, ...]
    dry_run: bool
    _rows: pd.DataFrame
    _excluded: pd.DataFrame

    @property
    def approved_but_left_out(self) -> int:
        """Rows left out although their status is approved: a filter on status passes them."""
        return int((self._excluded["status"] == "approved").sum())

    def excluded(self) -> pd.DataFrame:
        """Every row left out, and why.

        Returns
        -------
        pandas.DataFrame
            In candidate order:

            - id (str): empty if the candidate has none
            - row (int64): position in the queue, from 0
            - status (str): as in the queue
            - reason (str): a fixed phrase, to be counted
            - detail (str): the cause in full
            - matched_id (str): the candidate or evaluation query it matched; missing if none
            - task_type, model_name (str): missing where the queue has none
        """
        return self._excluded.copy()

    def rows(self) -> pd.DataFrame:
        """Every row written.

        Returns
        -------
        pandas.DataFrame
            In the order of the files:

            - id (str)
            - split (str), line (int64): the file and its line, from 1
            - task_type, model_name, failure_category (str): missing where the queue has none
            - approved_as_is (bool)
            - prompt_characters, target_characters (int64)
        """
        return self._rows.copy()

    def balance(self) -> pd.DataFrame:
        """One row per task type, model, failure category and length: how many rows have it.

        Returns
        -------
        pandas.DataFrame
            by (str): ``task type``, ``model``, ``category`` or ``length``; value (str): empty
            where the queue has none, for a length the span of the target's characters; rows
            (int64). Within each ``by`` they add up to ``rows_exported``; most first, lengths in
            order. For ``plot_export_balance``.
        """
        columns = {"task type": "task_type", "model": "model_name", "category": "failure_category"}
        counted = [
            (by, value, count)
            for by, name in columns.items()
            for value, count in sorted(
                Counter(self._rows[name].fillna("")).items(), key=lambda item: (-item[1], item[0])
            )
        ]
        lengths = Counter(int(length).bit_length() for length in self._rows["target_characters"])
        counted += [("length", _span(bits), lengths[bits]) for bits in sorted(lengths)]
        frame = pd.DataFrame(counted, columns=["by", "value", "rows"])
        return frame.astype({"by": "str", "value": "str", "rows": "int64"})

    def reasons(self) -> pd.DataFrame:
        """Count the rows left out by reason.

        Returns
        -------
        pandas.DataFrame
            reason (str), rows (int64), of which approved (int64): status says approved; most
            frequent first.
        """
        frame = self._excluded
        groups = frame.assign(approved=frame["status"] == "approved").groupby("reason", sort=True)
        counts = groups.agg(rows=("id", "size"), approved=("approved", "sum")).reset_index()
        return counts.sort_values("rows", ascending=False, kind="stable", ignore_index=True)

    def __repr__(self) -> str:
        verb = "would be written" if self.dry_run else "written"
        kept = "; nothing to write, the older export stays" if self.older_kept else ""
        return (
            f"<{self.kind} export: {self.format}, {self.rows_exported:,} of {self.rows_read:,} "
            f"{_checks.plural(self.rows_read, 'candidate')} {verb}, "
            f"{len(self._excluded):,} left out{kept}>"
        )

    def _repr_html_(self) -> str:
        verb = "Would be written" if self.dry_run else "Written"
        facts: list[tuple[str, object]] = [
            ("Format", self.format),
            ("Candidates read", self.rows_read),
            (verb, self.rows_exported),
            ("of which approved as is", self.approved_as_is),
            ("Left out", len(self._excluded)),
            ("of which status says approved", self.approved_but_left_out),
        ]
        facts += [(f"File ({split})", path.name) for split, path in self.files.items()]
        facts += [("Nothing to write; older file stays", path.name) for path in self.older_kept]
        waiting = int((self._excluded["status"] == "needs_review").sum())
        parts = [
            bar(
                {
                    verb.lower(): self.rows_exported,
                    "left out": len(self._excluded) - waiting,
                    "waiting for review": waiting,
                }
            )
        ]
        if len(self._rows):
            counts = self._rows.groupby(["split", "task_type"], dropna=False, sort=True).size()
            parts.append(table(counts.reset_index(name="rows"), caption="Written, by task type"))
        if len(self._excluded):
            parts.append(table(self.reasons(), caption="Left out, see excluded()"))
        return card(f"Export of {self.kind}", facts, parts)


def _span(bits: int) -> str:
    """The lengths of so many binary digits: 1, 2–3, 4–7, …"""
    low, high = 1 << (bits - 1), (1 << bits) - 1
    return str(low) if low == high else f"{low}–{high}"
