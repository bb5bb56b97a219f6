"""A learned policy's choices for queries that it did not learn from."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["can_be_fitted", "choices_by_fold", "cross_fitted_choices", "query_folds"]


def can_be_fitted(policy: Any) -> bool:
    """Whether the policy has ``fit`` and has not been fitted yet."""
    return callable(getattr(policy, "fit", None)) and not getattr(policy, "fitted", False)


def query_folds(n_queries: int, *, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each query, drawn from the seed; sizes differ by at most one.

    >>> sorted(query_folds(5, folds=2, seed=0).tolist())
    [0, 0, 0, 1, 1]
    """
    _checks.whole("folds", folds, least=2)
    return np.random.default_rng(seed).permutation(np.arange(n_queries) % folds)


def choices_by_fold(
    policy: Any,
    traces: pd.DataFrame,
    fold: NDArray[np.int64],
    queries: pd.DataFrame,
    query_fold: NDArray[np.int64] | None = None,
) -> NDArray[np.object_]:
    """Model for each query by a copy of the policy fitted on the traces of the other folds.

    Parameters
    ----------
    policy : RouterPolicy with ``fit``
        It is copied, and stays as it is.
    traces : DataFrame
        The traces.
    fold : array of int
        Fold of each trace.
    queries : DataFrame
        What to route.
    query_fold : array of int, optional
        Fold of each row of ``queries``; the traces' own without it.

    Returns
    -------
    ndarray of str
    """
    held_in = fold if query_fold is None else query_fold
    chosen = np.full(len(queries), "", dtype=object)
    for held in np.unique(held_in):
        fitted = copy.deepcopy(policy).fit(traces[fold != held].reset_index(drop=True))
        chosen[held_in == held] = fitted.route(queries[held_in == held]).to_numpy(dtype=object)
    return chosen


def cross_fitted_choices(
    policy: Any,
    traces: pd.DataFrame,
    codes: NDArray[np.int64],
    queries: pd.DataFrame,
    *,
    folds: int = 5,
    seed: int = 0,
) -> NDArray[np.object_]:
    """Model for each query by a copy of the policy fitted on the other folds' traces.

    Parameters
    ----------
    policy : RouterPolicy with ``fit``
        It is copied, and stays as it is.
    traces : DataFrame
        The traces.
    codes : array of int
        Row in ``queries`` of each trace's query.
    queries : DataFrame
        One row per query.
    folds : int
        Number of folds, at least 2.
    seed : int
        Seed of the folds.

    Returns
    -------
    ndarray of str

    Examples
    --------
    >>> from jarvis_lab.routing import BestSinglePolicy
    >>> log = pd.DataFrame({"query": list("xxyy"), "model": list("abab"),
    ...                     "outcome": ["success", "failure", "failure", "success"]})
    >>> queries = pd.DataFrame({"query": ["x", "y"]})
    >>> cross_fitted_choices(
    ...     BestSinglePolicy(), log, np.array([0, 0, 1, 1]), queries, folds=2).tolist()
    ['b', 'a']
    """
    fold = query_folds(len(queries), folds=min(folds, max(len(queries), 2)), seed=seed)
    return choices_by_fold(policy, traces, fold[codes], queries, fold)
