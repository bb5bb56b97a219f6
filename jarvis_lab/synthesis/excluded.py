"""Rows that an export left out: where each stands, and why."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jarvis_lab.readers.jsonl import BadLine, BadLines

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BAD_LINE",
    "FIREWALL",
    "NOT_INSTRUCTABLE",
    "UNREADABLE",
    "BadLineRows",
    "ExcludedRows",
    "excluded_table",
]

FIREWALL = "firewall: "
NOT_INSTRUCTABLE = "not instructable: "
BAD_LINE = "bad line: "
UNREADABLE = "unreadable"


@dataclass
class ExcludedRows:
    """Rows that were left out, column by column; a line of 0 means the whole file.

    There may be as many as a file has lines, and they travel between processes: columns are
    filled, counted and sent without a look at each row.
    """

    lines: array[int] = field(default_factory=lambda: array("q"))
    run_ids: list[str | None] = field(default_factory=list)
    categories: list[str | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.reasons)

    @classmethod
    def whole_file(cls, problem: str) -> ExcludedRows:
        """Give the one row of a file or folder that cannot be read."""
        rows = cls()
        rows.add(0, None, None, UNREADABLE, problem)
        return rows

    def add(
        self, line: int, run_id: str | None, category: str | None, reason: str, detail: str = ""
    ) -> None:
        """Add a row."""
        self.lines.append(line)
        self.run_ids.append(run_id)
        self.categories.append(sys.intern(category) if category else category)
        self.reasons.append(reason)
        self.details.append(detail)


class BadLineRows:
    """Turns bad lines into excluded rows."""

    def __init__(self, rows: ExcludedRows, kind: str) -> None:
        self._rows, self._kind = rows, kind
        self.lines = BadLines(self._add)

    def _add(self, bad: BadLine) -> None:
        self._rows.add(bad.line, None, None, BAD_LINE + self._kind, bad.reason)


def excluded_table(files: Iterable[tuple[str, ExcludedRows]]) -> pd.DataFrame:
    """One row per line (or file) left out, by line within each file; see ``SftExport.excluded``."""
    import pandas as pd

    names = ("lines", "run_ids", "categories", "reasons", "details")
    columns: dict[str, list[Any]] = {name: [] for name in ("files", *names)}
    for file, rows in files:
        order = np.argsort(np.array(rows.lines, np.int64), kind="stable").tolist()
        columns["files"] += [file] * len(rows)
        for name in names:
            column = getattr(rows, name)
            columns[name] += [column[place] for place in order]
    return pd.DataFrame(
        {
            "file": pd.array(columns["files"], dtype="str"),
            "line": pd.array([line or None for line in columns["lines"]], dtype="Int64"),
            "run_id": pd.array(columns["run_ids"], dtype="str"),
            "category": pd.array(columns["categories"], dtype="str"),
            "reason": pd.array(columns["reasons"], dtype="str"),
            "detail": pd.array(columns["details"], dtype="str"),
        }
    )
