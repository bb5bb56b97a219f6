"""One block of traces → its counts and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks
from jarvis_lab.classes import MISSING_CLASS, SCHEMES, By, Texts, classify_array, scheme_name
from jarvis_lab.readers.casts import class_labels
from jarvis_lab.scores.sums import CLASS_HINT, NEVER, REWARD_HINT, Block, sum_names

__all__ = ["Counting", "trace_terms"]

_REWARDS = (
    *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating),
    *(pa.types.is_decimal, pa.types.is_null),
)


@dataclass(frozen=True)
class Counting:
    """What to count: the schemes, and perhaps a reward of the traces' own.

    Called with a block of traces and its file's name. ``available`` has the columns of the files
    whose header tells them, for messages.
    """

    schemes: tuple[By, ...]
    reward: str | None
    available: Mapping[str, Sequence[str]]

    def __call__(self, table: pa.Table, file: str) -> Block:
        """Counts of one block of traces."""
        return _Counter(self, table, file).block()


class _Counter:
    """One block on its way to sums."""

    def __init__(self, how: Counting, table: pa.Table, file: str) -> None:
        self._how, self._table, self._file = how, table, file
        self._header = how.available.get(file)
        self._have = self._header or table.column_names
        self._held: dict[str, None] = {}
        self._lacking: dict[str, tuple[str, ...]] = {}

    def block(self) -> Block:
        """The sums of each scheme, one after the other."""
        table, width = self._table, [len(n) for n in sum_names(reward=bool(self._how.reward))]
        if not table.num_rows:
            nothing = np.zeros((0, width[0]), np.int64), np.zeros((0, width[1]))
            return Block(self._file, [], *nothing, np.zeros((0, 2), np.int64), 0)
        hint = "Every trace needs a model; rename the column that holds it."
        models, model_names = _codes(self._column("model", hint), "")
        terms, weights = trace_terms(table)
        if self._how.reward:
            reward, valid, invalid = self._reward(self._how.reward)
            terms += [valid, invalid]
            weights += [(valid, reward[valid]), (valid, reward[valid] ** 2)]
        seen = _numbers(table, "started_at", missing=NEVER)
        texts = [Texts(c) for c in table["query"].chunks] if "query" in table.column_names else []
        parts = []
        for place, scheme in enumerate(self._how.schemes):
            classes, class_names = _codes(self._classes(texts, scheme), MISSING_CLASS)
            cell = classes * len(model_names) + models
            used, *sums = _cells(cell, len(class_names) * len(model_names), terms, weights, seen)
            keys = [
                (place, class_names[c], model_names[m])
                for c, m in zip(*np.divmod(used, len(model_names)), strict=True)
            ]
            parts.append((keys, *sums))
        keys = [key for part in parts for key in part[0]]
        integers, floats, last = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
        noted = tuple(self._held), tuple(self._lacking.items())
        return Block(self._file, keys, integers, floats, last, table.num_rows, *noted)

    def _classes(self, texts: list[Texts], by: By) -> pa.ChunkedArray:
        if isinstance(by, str) and by not in SCHEMES:
            column = self._asked_for(by, CLASS_HINT)
            if column is None:
                return pa.chunked_array([pa.nulls(self._table.num_rows, pa.large_string())])
            return class_labels(column)
        hint = f"Classes by {scheme_name(by)!r} need it; give by= a column that has the classes."
        self._column("query", hint)
        return pa.chunked_array([classify_array(chunk, by=by) for chunk in texts])

    def _reward(self, name: str) -> tuple[Any, Any, Any]:
        """The reward of each row, whether it is one, and whether it is out of its range."""
        column = self._asked_for(name, REWARD_HINT)
        if column is None:
            column = pa.chunked_array([pa.nulls(self._table.num_rows, pa.float64())])
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if name == "outcome":
            column = pc.equal(column, "success")
        if not any(is_kind(column.type) for is_kind in _REWARDS):
            raise ValueError(
                f"Reward {name!r} of {self._file} holds {column.type}, but must hold true and "
                "false, or numbers in [0, 1]."
            )
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        reward = column.cast(pa.float64()).to_numpy()
        with np.errstate(invalid="ignore"):
            valid = (reward >= 0) & (reward <= 1)
        return reward, valid, ~valid & ~np.isnan(reward)

    def _asked_for(self, name: str, hint: str) -> pa.ChunkedArray | None:
        """A column of the caller's choice; None if only other blocks of the file may have it."""
        if name not in self._table.column_names and self._header is None:
            self._lacking[name] = tuple(self._have)
            return None
        self._held[name] = None
        return self._column(name, hint)

    def _column(self, name: str, hint: str) -> pa.ChunkedArray:
        if name not in self._table.column_names:
            have = [other for other in self._have if other != name]
            _checks.column(name, have, where=self._file, hint=hint)
        return self._table[name]


def _cells(
    cell: Any, cells: int, terms: list[Any], weights: list[tuple[Any, Any]], seen: Any
) -> tuple[Any, Any, Any, Any]:
    """The cells that have rows, with their counts, their sums and their newest row."""
    integers = np.column_stack([np.bincount(cell[mask], minlength=cells) for mask in terms])
    floats = np.column_stack(
        [np.bincount(cell[mask], values, minlength=cells) for mask, values in weights]
    )
    last = np.full((cells, 2), NEVER, np.int64)
    np.maximum.at(last[:, 0], cell, seen)
    newest = np.flatnonzero(seen == last[cell, 0])
    np.maximum.at(last[:, 1], cell[newest], newest)
    used = np.flatnonzero(integers[:, 0])
    return used, integers[used], floats[used], last[used]


def trace_terms(table: pa.Table) -> tuple[list[Any], list[tuple[Any, Any]]]:
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
