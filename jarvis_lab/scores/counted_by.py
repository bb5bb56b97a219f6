"""What a table of counts was counted by: its classes and its reward, kept in ``attrs``.

pandas keeps ``attrs`` when a table is copied, filtered, pickled or stored as Parquet, and loses
them in CSV. What a table does not tell is not held against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import pandas as pd

from jarvis_lab import _checks

__all__ = ["check_by", "check_reward", "check_schemes", "tell", "told", "told_by_all"]

Fact = Literal["by", "reward"]
_KINDS: dict[Fact, str] = {"by": "classes", "reward": "rewards"}


def tell(counts: pd.DataFrame, *, by: str | None, reward: str | None) -> pd.DataFrame:
    """Write into the table itself what it was counted by, and give it back.

    Parameters
    ----------
    counts : DataFrame
        A fresh table of counts.
    by : str or None
        Name of the classes; not kept where a column ``scheme`` has them.
    reward : str or None
        Name of the reward, if one was counted.
    """
    facts = {"by": None if "scheme" in counts else by, "reward": reward}
    counts.attrs = {name: value for name, value in facts.items() if value is not None}
    return counts


def told(counts: pd.DataFrame, fact: Fact) -> str | None:
    """What the table tells of its classes or its reward; None if it tells nothing."""
    there = "scheme" not in counts if fact == "by" else "n_reward" in counts
    value = counts.attrs.get(fact)
    return value if there and isinstance(value, str) else None


def told_by_all(tables: Sequence[pd.DataFrame], fact: Fact) -> str | None:
    """What those of the tables tell that tell anything.

    Raises
    ------
    ValueError
        If two of them tell different things.
    """
    first: tuple[int, str] | None = None
    for place, table in enumerate(tables, 1):
        value = told(table, fact)
        if value is None:
            continue
        if first is None:
            first = place, value
        elif value != first[1]:
            raise ValueError(
                f"These counts are of different {_KINDS[fact]}: table {first[0]} was counted with "
                f"{fact}={first[1]!r}, table {place} with {fact}={value!r}. Their sums do not add "
                f"up: count all of them with the same {fact}=. If both are one thing under two "
                f"names, say so before: counts.attrs[{fact!r}] = {first[1]!r}."
            )
    return None if first is None else first[1]


def check_schemes(tables: Iterable[pd.DataFrame]) -> None:
    """ValueError if two tables that have a column ``scheme`` and rows have other schemes."""
    known = [sorted(set(table["scheme"])) for table in tables if len(table)]
    for place, schemes in enumerate(known):
        if schemes != known[0]:
            raise ValueError(
                f"These counts are of different schemes: one table has {_checks.names(known[0])}, "
                f"another {_checks.names(known[place])}. A scheme that some of them lack would "
                "count a part of the traces only: count all of them with the same by=, or merge "
                "the rows of one scheme."
            )


def check_reward(counts: pd.DataFrame, reward: str) -> None:
    """ValueError if the table tells of another reward than ``reward``."""
    known = told(counts, "reward")
    if known not in (None, reward):
        raise ValueError(
            f"These counts have the sums of the reward {known!r}, not of {reward!r}: count the "
            f"traces with score_counts(..., reward={reward!r})."
        )


def check_by(counts: pd.DataFrame, by: str) -> None:
    """ValueError if the table tells of other classes than ``by``."""
    known = told(counts, "by")
    if known not in (None, by):
        raise ValueError(
            f"These counts have the classes of {known!r}, not of {by!r}: count the traces with "
            f"score_counts(..., by={by!r}), or give the traces themselves."
        )
