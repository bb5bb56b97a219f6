"""Complete data: what every model earned on every query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.routing.rewards import trace_rewards

__all__ = ["CompleteOutcomes", "complete_outcomes", "query_codes", "why_incomplete"]


@dataclass(frozen=True)
class CompleteOutcomes:
    """Rewards of every model on every query.

    Attributes
    ----------
    queries : DataFrame
        One row per query, in order of first appearance: the columns of its first trace.
    models : list of str
        Sorted by name.
    rewards : ndarray of float, query × model
        In [0, 1].
    """

    queries: pd.DataFrame = field(repr=False)
    models: list[str]
    rewards: NDArray[np.float64] = field(repr=False)

    def of(self, chosen: Any, *, policy: str = "The policy") -> NDArray[np.float64]:
        """Reward of the chosen model of each query; ValueError if a model is not in the data."""
        names = pd.Series(np.asarray(chosen, dtype=object))
        places = pd.Index(self.models).get_indexer(pd.Index(names))
        if (places < 0).any():
            unknown = sorted({str(name) for name in names[places < 0]})
            lost = int((places < 0).sum())
            raise ValueError(
                f"{policy} names {_checks.names(unknown)} for {lost} "
                f"{_checks.plural(lost, 'query', 'queries')}, "
                f"but these data have outcomes of {_checks.names(self.models)} only."
            )
        earned: NDArray[np.float64] = self.rewards[np.arange(len(places)), places]
        return earned


def query_codes(
    traces: pd.DataFrame, *, query_id: str | Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Number of the query of each trace, counted from 0 in order of first appearance.

    Parameters
    ----------
    traces : DataFrame
        The traces.
    query_id : str or list of str, optional
        Columns that tell queries apart. Without them: ``query_id`` where there is such a column,
        else the text in ``query``.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    ValueError
        If there is no such column, or a key is missing in some row.

    Examples
    --------
    >>> query_codes(pd.DataFrame({"query": ["b", "a", "b"]})).tolist()
    [0, 1, 0]
    """
    if query_id is None:
        query_id = "query_id" if "query_id" in traces else "query"
    if not isinstance(query_id, (str, Iterable)):
        raise TypeError(f"query_id must name a column, or several, not {query_id!r}.")
    keys = [query_id] if isinstance(query_id, str) else list(query_id)
    if not keys:
        raise ValueError("query_id is empty: name the column, or columns, that tell queries apart.")
    codes = np.zeros(len(traces), dtype=np.int64)
    for name in keys:
        hint = "Name the column that tells queries apart: query_id='...'."
        _checks.column(name, traces.columns, where="The log", hint=hint)
        column = traces[name].fillna("") if name == "query" else traces[name]
        try:
            here, found = pd.factorize(column, use_na_sentinel=True)
        except TypeError as error:
            raise TypeError(
                f"{name!r} holds what cannot be compared ({error}): an id must be text or a number."
            ) from None
        if (here < 0).any():
            lost = int((here < 0).sum())
            raise ValueError(
                f"{lost} {_checks.plural(lost, 'trace has', 'traces have')} no {name!r}, so it is "
                "not known which query was answered. Drop such traces, fill the column, or name "
                "others that tell queries apart."
            )
        codes = pd.factorize(codes * max(len(found), 1) + here)[0].astype(np.int64)
    return codes


def why_incomplete(
    traces: pd.DataFrame,
    *,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
) -> str:
    """Why the data are not complete; empty if every query has every model exactly once.

    Parameters
    ----------
    traces : DataFrame
        The traces.
    query_id : str or list of str, optional
        As for :func:`query_codes`.
    reward : str, optional
        As for :func:`trace_rewards`.

    Returns
    -------
    str

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["q", "q", "r"], "model": list("aba"),
    ...                     "outcome": ["success"] * 3})
    >>> why_incomplete(log)
    '1 of 2 queries lacks a model'
    """
    if not len(traces):
        return "no traces"
    _checks.column("model", traces.columns, where="The log", hint="Every trace needs a model.")
    if (traces["model"].fillna("") == "").any():
        unnamed = int((traces["model"].fillna("") == "").sum())
        return f"{unnamed} {_checks.plural(unnamed, 'trace names', 'traces name')} no model"
    codes = query_codes(traces, query_id=query_id)
    models, names = pd.factorize(traces["model"])
    pairs, times = np.unique(codes * len(names) + models, return_counts=True)
    of_query = np.bincount(pairs // len(names))
    if (of_query < len(names)).any():
        lacking = int((of_query < len(names)).sum())
        queries = _checks.plural(len(of_query), "query", "queries")
        lack = _checks.plural(lacking, "lacks", "lack")
        return f"{lacking} of {len(of_query)} {queries} {lack} a model"
    if (times > 1).any():
        often = len(np.unique(pairs[times > 1] // len(names)))
        queries = _checks.plural(len(of_query), "query", "queries")
        have = _checks.plural(often, "has", "have")
        return f"{often} of {len(of_query)} {queries} {have} a model more than once"
    missing = int(trace_rewards(traces, reward=reward).isna().sum())
    are = _checks.plural(missing, "reward is", "rewards are")
    return f"{missing} {are} missing" if missing else ""


def complete_outcomes(
    traces: pd.DataFrame,
    *,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
) -> CompleteOutcomes:
    """Rewards of every model on every query.

    Parameters
    ----------
    traces : DataFrame
        Complete data: every query has every model exactly once, with a reward.
    query_id : str or list of str, optional
        As for :func:`query_codes`.
    reward : str, optional
        As for :func:`trace_rewards`.

    Returns
    -------
    CompleteOutcomes

    Raises
    ------
    ValueError
        If the data are not complete; the text says why.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["q", "q"], "model": ["b", "a"],
    ...                     "outcome": ["success", "failure"]})
    >>> complete_outcomes(log).rewards.tolist()
    [[0.0, 1.0]]
    """
    why = why_incomplete(traces, query_id=query_id, reward=reward)
    if why:
        raise ValueError(
            f"These data are not complete: {why}. Complete data have every model exactly once for "
            "every query; query_id= says what a query is."
        )
    codes = query_codes(traces, query_id=query_id)
    places, names = pd.factorize(traces["model"], sort=True)
    rewards = np.empty((codes.max() + 1, len(names)))
    rewards[codes, places] = trace_rewards(traces, reward=reward).to_numpy()
    first = np.unique(codes, return_index=True)[1]
    queries = traces.iloc[first].reset_index(drop=True)
    return CompleteOutcomes(queries, [str(name) for name in names], rewards)
