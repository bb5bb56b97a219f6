"""Sums per class and model, added up in stored order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from jarvis_lab import _checks

__all__ = [
    "CLASS_HINT",
    "FLOATS",
    "INTEGERS",
    "NEVER",
    "REWARD_COLUMNS",
    "REWARD_HINT",
    "Block",
    "Fields",
    "Sums",
    "sum_names",
]

INTEGERS = (
    *("n", "n_outcome", "successes", "n_feedback", "n_both", "both_successes"),
    *("n_latency", "n_tokens", "n_cost", "invalid_feedback", "invalid_latency"),
)
FLOATS = (
    *("feedback_sum", "feedback_sum_squares", "both_feedback_sum", "both_feedback_sum_squares"),
    *("both_success_feedback_sum", "latency_sum_seconds", "tokens_sum", "cost_sum_usd"),
)
#: Where a reward is counted too.
REWARD_COLUMNS = ("n_reward", "reward_sum", "reward_sum_squares", "invalid_reward")
#: The ``last`` of a cell without a time, or without rows.
NEVER = np.iinfo(np.int64).min
#: What to do about a column that is not there.
REWARD_HINT = "Name the column that holds the reward: reward='...'."
CLASS_HINT = "Give by= 'regex', 'keyword' or one of these columns."

Key = tuple[int, str, str]


def sum_names(*, reward: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of counts and of sums."""
    if not reward:
        return INTEGERS, FLOATS
    return (
        (*INTEGERS, "n_reward", "invalid_reward"),
        (*FLOATS, "reward_sum", "reward_sum_squares"),
    )


class Block(NamedTuple):
    """The sums of one block of a file: one row per (scheme, class, model).

    ``last`` has the time and the row of the newest trace; ``lacking`` are the columns asked for
    that the block does not have, with those that it has.
    """

    file: str
    keys: list[Key]
    integers: Any
    floats: Any
    last: Any
    rows: int
    held: tuple[str, ...] = ()
    lacking: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Fields:
    """The columns asked for that no block of a file had so far.

    A file without a header, such as JSON Lines, may name a field first in its last block.

    Parameters
    ----------
    reward
        Which of them is the reward.
    """

    def __init__(self, reward: str | None) -> None:
        self._reward = reward
        self._held: set[tuple[str, str]] = set()
        self._lacking: dict[tuple[str, str], Sequence[str]] = {}

    def add(self, block: Block) -> None:
        """Take note of one block."""
        self._held.update((block.file, name) for name in block.held)
        for name, have in block.lacking:
            self._lacking.setdefault((block.file, name), have)

    def check(self) -> None:
        """Raise for the first file that has a column in none of its blocks."""
        for (file, name), have in self._lacking.items():
            if (file, name) not in self._held:
                hint = REWARD_HINT if name == self._reward else CLASS_HINT
                _checks.column(name, have, where=file, hint=hint)


class Sums:
    """The counts so far: one row per (scheme, class, model), added in the order given.

    Parameters
    ----------
    reward
        Whether there are the sums of a reward too.
    """

    def __init__(self, *, reward: bool = False) -> None:
        self._names = sum_names(reward=reward)
        self._places: dict[Key, int] = {}
        self._integers = np.zeros((0, len(self._names[0])), np.int64)
        self._floats = np.zeros((0, len(self._names[1])))
        self._last = np.zeros((0, 2), np.int64)
        self._rows = 0

    def add(
        self,
        keys: Iterable[Key],
        integers: Any,
        floats: Any,
        last: Any,
        rows: int,
    ) -> None:
        """Add one block's sums; each key stands in it once."""
        places = [self._places.setdefault(key, len(self._places)) for key in keys]
        missing = len(self._places) - len(self._last)
        if missing:
            wide, real = (len(names) for names in self._names)
            self._integers = np.vstack([self._integers, np.zeros((missing, wide), np.int64)])
            self._floats = np.vstack([self._floats, np.zeros((missing, real))])
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
        for names, values in zip(self._names, (self._integers, self._floats), strict=True):
            for place, name in enumerate(names):
                frame[name] = values[order, place]
        seen = self._last[order, 0]
        stamps = pd.Series(np.where(seen == NEVER, 0, seen).astype("datetime64[us]"))
        frame["last_seen"] = stamps.dt.tz_localize("UTC").where(seen != NEVER)
        frame["last_row"] = self._last[order, 1]
        own = [name for name in REWARD_COLUMNS if name in frame]
        return frame[[name for name in frame if name not in own] + own]
