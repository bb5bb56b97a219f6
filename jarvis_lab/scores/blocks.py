"""One block of traces → its counts and sums, and adding them up in stored order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.classes import MISSING_CLASS, SCHEMES, By, Texts, classify_array, scheme_name
from jarvis_lab.readers.casts import class_labels

__all__ = ["FLOATS", "INTEGERS", "NEVER", "Fields", "Sums", "count_block", "terms"]

INTEGERS = (
    *("n", "n_outcome", "successes", "n_feedback", "n_both", "both_successes"),
    *("n_latency", "n_tokens", "n_cost", "invalid_feedback", "invalid_latency"),
)
FLOATS = (
    *("feedback_sum", "feedback_sum_squares", "both_feedback_sum", "both_feedback_sum_squares"),
    *("both_success_feedback_sum", "latency_sum_seconds", "tokens_sum", "cost_sum_usd"),
)
#: The ``last`` of a cell without a time, or without rows.
NEVER = np.iinfo(np.int64).min
_HINT = "Give by= 'regex', 'keyword' or one of these columns."


@dataclass(frozen=True)
class Fields:
    """The columns of each file, for messages, and the blocks that hold none of a class column.

    A file without a header, such as JSON Lines, may name a field first in its last block.
    """

    available: Mapping[str, Sequence[str]] = field(default_factory=dict)
    found: set[tuple[str, str]] = field(default_factory=set)
    lacking: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise for the first file that has a class column in none of its blocks."""
        for (file, name), have in self.lacking.items():
            if (file, name) not in self.found:
                _checks.column(name, have, where=file, hint=_HINT)


class Sums:
    """The counts so far: one row per (scheme, class, model), added in the order given."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, str, str], int] = {}
        self._integers = np.zeros((0, len(INTEGERS)), np.int64)
        self._floats = np.zeros((0, len(FLOATS)))
        self._last = np.zeros((0, 2), np.int64)
        self._rows = 0

    def add(
        self,
        keys: Iterable[tuple[int, str, str]],
        integers: Any,
        floats: Any,
        last: Any,
        rows: int,
    ) -> None:
        """Add one block's sums; each key stands in it once."""
        places = [self._places.setdefault(key, len(self._places)) for key in keys]
        missing = len(self._places) - len(self._last)
        if missing:
            self._integers = np.vstack([self._integers, np.zeros((missing, len(INTEGERS)), int)])
            self._floats = np.vstack([self._floats, np.zeros((missing, len(FLOATS)))])
            self._last = np.vstack([self._last, np.full((missing, 2), NEVER)])
        self._integers[places] += integers
        self._floats[places] += floats
        seen, row = last[:, 0], last[:, 1] + self._rows
        mine = self._last[places]
        newer = (seen > mine[:, 0]) | ((seen == mine[:, 0]) & (row > mine[:, 1]))
        self._last[places] = np.where(newer[:, None], np.column_stack([seen, row]), mine)
        self._rows += rows

    def frame(self, schemes: Sequence[str]) -> pd.DataFrame:
        """The table, sorted by scheme (in the order given), class and model."""
        keys = list(self._places)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        text = {
            "scheme": [schemes[keys[i][0]] for i in order],
            "query_class": [keys[i][1] for i in order],
            "model": [keys[i][2] for i in order],
        }
        frame = pd.DataFrame({name: pd.Series(v, dtype="str") for name, v in text.items()})
        for names, values in ((INTEGERS, self._integers), (FLOATS, self._floats)):
            for place, name in enumerate(names):
                frame[name] = values[order, place]
        seen = self._last[order, 0]
        stamps = pd.Series(np.where(seen == NEVER, 0, seen).astype("datetime64[us]"))
        frame["last_seen"] = stamps.dt.tz_localize("UTC").where(seen != NEVER)
        frame["last_row"] = self._last[order, 1]
        return frame


Block = tuple[list[tuple[int, str, str]], Any, Any, Any, int]


def count_block(table: pa.Table, file: str, *, schemes: Sequence[By], fields: Fields) -> Block:
    """Counts of one block of traces of ``file`` under all schemes."""
    rows = table.num_rows
    if not rows:
        nothing = np.zeros((0, len(INTEGERS)), np.int64), np.zeros((0, len(FLOATS)))
        return [], *nothing, np.zeros((0, 2), np.int64), 0
    hint = "Every trace needs a model; rename the column that holds it."
    have = fields.available.get(file, table.column_names)
    models, model_names = _codes(_column("model", table, have, file, hint), "")
    counted, summed = terms(table)
    seen = _numbers(table, "started_at", missing=NEVER)
    texts = [Texts(c) for c in table["query"].chunks] if "query" in table.column_names else []
    parts = []
    for place, scheme in enumerate(schemes):
        classes, class_names = _codes(_classes(table, texts, file, scheme, fields), MISSING_CLASS)
        cell = classes * len(model_names) + models
        cells = len(class_names) * len(model_names)
        integers = np.column_stack([np.bincount(cell[mask], minlength=cells) for mask in counted])
        floats = np.column_stack(
            [np.bincount(cell[mask], values, minlength=cells) for mask, values in summed]
        )
        last = np.full((cells, 2), NEVER, np.int64)
        np.maximum.at(last[:, 0], cell, seen)
        newest = np.flatnonzero(seen == last[cell, 0])
        np.maximum.at(last[:, 1], cell[newest], newest)
        used = np.flatnonzero(integers[:, 0])
        keys = [
            (place, class_names[c], model_names[m])
            for c, m in zip(*np.divmod(used, len(model_names)), strict=True)
        ]
        parts.append((keys, integers[used], floats[used], last[used]))
    keys = [key for part in parts for key in part[0]]
    integers, floats, last = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    return keys, integers, floats, last, rows


def terms(table: pa.Table) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The masks to count and the (mask, values) to sum, in the order of the columns."""
    rows = table.num_rows
    if "outcome" in table.column_names:
        outcome = table["outcome"]
        has_outcome = pc.is_valid(outcome).to_numpy()
        success = pc.fill_null(pc.equal(outcome, "success"), False).to_numpy()
    else:
        has_outcome = success = np.zeros(rows, bool)
    feedback, latency = _numbers(table, "feedback"), _numbers(table, "total_latency_seconds")
    tokens, cost = _numbers(table, "total_tokens"), _numbers(table, "cost_usd")
    with np.errstate(invalid="ignore"):
        has_feedback = (feedback >= 0) & (feedback <= 1)
        has_latency = (latency >= 0) & (latency < np.inf)
    both, good = has_outcome & has_feedback, success & has_feedback
    has_tokens, has_cost = np.isfinite(tokens), np.isfinite(cost)
    counted = [np.ones(rows, bool), has_outcome, success, has_feedback, both, good, has_latency]
    counted += [has_tokens, has_cost]
    counted += [~np.isnan(feedback) & ~has_feedback, ~np.isnan(latency) & ~has_latency]
    squares = feedback * feedback
    summed = [(has_feedback, feedback), (has_feedback, squares), (both, feedback)]
    summed += [(both, squares), (good, feedback), (has_latency, latency)]
    summed += [(has_tokens, tokens), (has_cost, cost)]
    return counted, [(mask, values[mask]) for mask, values in summed]


def _numbers(table: pa.Table, name: str, *, missing: float = np.nan) -> Any:
    if name not in table.column_names:
        return np.full(table.num_rows, missing)
    column = table[name]
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).fill_null(missing).to_numpy()
    return column.cast(pa.float64()).to_numpy()


def _codes(column: pa.ChunkedArray, missing: str) -> tuple[Any, list[str]]:
    """Whole-number codes of a text column, and the texts that they stand for."""
    filled = column.fill_null(missing) if column.null_count else column
    encoded = filled.dictionary_encode().unify_dictionaries()
    texts = encoded.chunk(0).dictionary.to_pylist()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
    return codes.astype(np.int64), texts


def _classes(
    table: pa.Table, texts: list[Texts], file: str, by: By, fields: Fields
) -> pa.ChunkedArray:
    have = fields.available.get(file, table.column_names)
    if isinstance(by, str) and by not in SCHEMES:
        if by in table.column_names:
            fields.found.add((file, by))
        elif file not in fields.available:
            fields.lacking.setdefault((file, by), have)
            return pa.chunked_array([pa.nulls(table.num_rows, pa.large_string())])
        return class_labels(_column(by, table, have, file, _HINT))
    hint = f"Classes by {scheme_name(by)!r} need it; give by= a column that has the classes."
    _column("query", table, have, file, hint)
    return pa.chunked_array([classify_array(chunk, by=by) for chunk in texts])


def _column(
    name: str, table: pa.Table, have: Sequence[str], file: str, hint: str
) -> pa.ChunkedArray:
    if name not in table.column_names:
        _checks.column(name, [other for other in have if other != name], where=file, hint=hint)
    return table[name]
