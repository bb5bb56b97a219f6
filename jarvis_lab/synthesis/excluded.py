"""Rows that an export left out: where each stands, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from jarvis_lab.readers.jsonl import BadLine, BadLines
from jarvis_lab.records_lake import ScoredRun

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BAD_LINE",
    "FIREWALL",
    "NOT_INSTRUCTABLE",
    "UNREADABLE",
    "BadLineRows",
    "ExcludedRow",
    "excluded_row",
    "excluded_table",
    "not_instructable_row",
]

FIREWALL = "firewall: "
NOT_INSTRUCTABLE = "not instructable: "
BAD_LINE = "bad line: "
UNREADABLE = "unreadable"


class ExcludedRow(msgspec.Struct, gc=False, frozen=True):
    """A row that was left out; ``line`` 0 means the whole file."""

    line: int
    run_id: str | None
    category: str | None
    reason: str
    detail: str


class BadLineRows:
    """Turns bad lines into excluded rows."""

    def __init__(self, rows: list[ExcludedRow], kind: str) -> None:
        self._rows, self._kind = rows, kind
        self.lines = BadLines(self._add)

    def _add(self, bad: BadLine) -> None:
        reason = BAD_LINE + self._kind
        self._rows.append(ExcludedRow(bad.line, None, None, reason, bad.reason))


def excluded_row(line: int, run: ScoredRun, reason: str, detail: str = "") -> ExcludedRow:
    """Give the excluded row of a scored run."""
    category = run.category
    return ExcludedRow(
        line, run.evidence_run_id, sys.intern(category) if category else None, reason, detail
    )


def not_instructable_row(line: int, run: ScoredRun, why: str, detail: str) -> ExcludedRow:
    """Give the excluded row of a run whose evidence makes no sample, for the reason ``why``."""
    return excluded_row(line, run, NOT_INSTRUCTABLE + why, detail)


def excluded_table(rows: Iterable[tuple[str, ExcludedRow]]) -> pd.DataFrame:
    """One row per line (or file) left out; see ``SftExport.excluded``."""
    import pandas as pd

    found = list(rows)
    return pd.DataFrame(
        {
            "file": pd.array([file for file, _ in found], dtype="str"),
            "line": pd.array([row.line or None for _, row in found], dtype="Int64"),
            "run_id": pd.array([row.run_id for _, row in found], dtype="str"),
            "category": pd.array([row.category for _, row in found], dtype="str"),
            "reason": pd.array([row.reason for _, row in found], dtype="str"),
            "detail": pd.array([row.detail for _, row in found], dtype="str"),
        }
    )
