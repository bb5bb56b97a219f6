"""What a hygiene step works on and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis._html import card, table
from jarvis_lab.synthesis.messages import read_prompt
from jarvis_lab.synthesis.normal import normal_form

__all__ = [
    "TEXT_COLUMNS",
    "Drops",
    "HygieneStep",
    "make_step",
    "row_keys",
    "row_names",
    "row_pieces",
]

#: The columns of a correction that hold its text.
TEXT_COLUMNS = ("prompt_messages", "target")
#: Position of a dropped row -> (reason, name of what it matched, similarity).
Drops = Mapping[int, tuple[str, str, float]]

_HINT = "Pass columns= the columns that hold the text, and id= the one that names a row."


@dataclass(frozen=True, eq=False, repr=False)
class HygieneStep:
    """What one step kept and dropped.

    Attributes
    ----------
    name
        The step.
    kept : pandas.DataFrame
        The rows kept: the columns of the input, in its order, fresh index.
    dropped : pandas.DataFrame
        The rows dropped, in the order of the input:

        - the id column (as in the input)
        - reason (str): one fixed phrase per cause
        - matched_id (str): the row, or the evaluation query, that it matched
        - similarity (float64, 0 to 1): of the two; 1 where they are equal, missing where the
          step measures none
        - the other columns of the input
    comparisons
        Pairs whose similarity was computed; 0 where a step needs none.
    incomplete
        Rows kept for which the cap on shared shingles may have hidden a match.
    """

    name: str
    kept: pd.DataFrame
    dropped: pd.DataFrame
    comparisons: int = 0
    incomplete: int = 0

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.kept):,} kept, {len(self.dropped):,} dropped>"

    def _repr_html_(self) -> str:
        facts = [("rows kept", len(self.kept)), ("rows dropped", len(self.dropped))]
        if self.comparisons:
            facts += [("pairs compared", self.comparisons), ("may hide a match", self.incomplete)]
        shown = self.dropped.iloc[:, :4]
        return card(self.name, facts, [table(shown, caption="dropped")] if len(shown) else [])


def row_pieces(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """The texts of each row: (role or empty, text)."""
    values = [rows[name].tolist() for name in columns]
    for row in zip(*values, strict=True):
        yield [piece for value in row for piece in _texts(value)]


def _texts(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [("", value)]
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [(turn.role, turn.text) for turn in read_prompt(value).turns]
    return [("", str(value))]


def row_keys(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """What makes two rows the same one: role and normal form of each text, by column."""
    values = [rows[name].tolist() for name in columns]
    for row in zip(*values, strict=True):
        yield tuple(
            tuple((role, normal_form(text)) for role, text in _texts(value)) for value in row
        )


def row_names(rows: pd.DataFrame, columns: Sequence[str], id: str) -> list[str]:
    """The name of each row, once the columns are known to be there."""
    _checks.frame("rows", rows, hint="Give correction_rows(queue), or a frame of your own.")
    if isinstance(columns, str):
        raise TypeError(f"columns must be a list of names, not a text. Pass [{columns!r}].")
    for name in (*columns, id):
        _checks.column(name, rows.columns, where="rows", hint=_HINT)
    return [str(name) for name in rows[id].tolist()]


def make_step(
    name: str, rows: pd.DataFrame, drops: Drops, id: str, comparisons: int = 0, incomplete: int = 0
) -> HygieneStep:
    """Divide the rows into kept and dropped."""
    positions = sorted(drops)
    gone = np.zeros(len(rows), dtype=bool)
    gone[positions] = True
    dropped = rows.loc[gone].reset_index(drop=True)
    dropped = dropped.drop(columns=["reason", "matched_id", "similarity"], errors="ignore")
    first = dropped.pop(id)
    dropped.insert(0, id, first)
    for place, (column, kind) in enumerate(
        (("reason", "str"), ("matched_id", "str"), ("similarity", "float64"))
    ):
        values = [drops[position][place] for position in positions]
        dropped.insert(place + 1, column, pd.Series(values, dtype=kind))
    kept = rows.loc[~gone].reset_index(drop=True)
    return HygieneStep(name, kept, dropped, comparisons, incomplete)
