"""A learned policy's choices for queries that it did not learn from."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.evaluation.routes import models_routed

__all__ = ["can_be_fitted", "choices_by_fold", "cross_fitted_choices", "fitted_copy", "query_folds"]

Names = NDArray[np.object_]


def can_be_fitted(policy: Any) -> bool:
    """Whether the policy has ``fit`` and has not been fitted yet."""
    return callable(getattr(policy, "fit", None)) and not getattr(policy, "fitted", False)


def query_folds(n_queries: int, *, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each query, drawn from the seed; sizes differ by at most one.

    >>> sorted(query_folds(5, folds=2, seed=0).tolist())
    [0, 0, 0, 1, 1]
    """
    _checks.whole("folds", folds, least=2)
    _checks.whole("seed", seed)
    return np.random.default_rng(seed).permutation(np.arange(n_queries) % folds)


def choices_by_fold(
    policy: Any, traces: pd.DataFrame, fold: NDArray[np.int64]
) -> tuple[Names, NDArray[np.bool_]]:
    """Model for each trace by a copy of the policy that was fitted on the other folds.

    Parameters
    ----------
    policy : RouterPolicy with ``fit``
        It is copied, and stays as it is.
    traces : DataFrame
        The traces.
    fold : array of int
        Fold of each trace.

    Returns
    -------
    tuple of ndarray
        The models, and whether the copies of the folds disagree on the trace.
    """
    chosen = np.full(len(traces), "", dtype=object)
    torn, first = np.zeros(len(traces), dtype=bool), None
    for held in np.unique(fold):
        copied = _fitted(policy, traces, fold != held)
        routed = models_routed(copied, traces).to_numpy(dtype=object)
        chosen[fold == held] = routed[fold == held]
        first = routed if first is None else first
        torn |= routed != first
    return chosen, torn


def cross_fitted_choices(
    policy: Any,
    traces: pd.DataFrame,
    codes: NDArray[np.int64],
    queries: pd.DataFrame,
    *,
    folds: int = 5,
    seed: int = 0,
) -> Names:
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
    chosen = np.full(len(queries), "", dtype=object)
    for held in np.unique(fold):
        copied = _fitted(policy, traces, fold[codes] != held)
        chosen[fold == held] = models_routed(copied, queries[fold == held]).to_numpy(dtype=object)
    return chosen


def fitted_copy(policy: Any, traces: pd.DataFrame) -> Any:
    """A copy of the policy, fitted on the traces; the policy stays as it is."""
    copied = copy.deepcopy(policy)
    try:
        fitted = copied.fit(traces)
    except Exception as error:
        kind = type(policy).__name__
        on = f"{len(traces)} {_checks.plural(len(traces), 'trace')}"
        error.add_note(f"Policy {kind} raised this while it was fitted on {on}.")
        raise
    return copied if fitted is None else fitted


def _fitted(policy: Any, traces: pd.DataFrame, learned: NDArray[np.bool_]) -> Any:
    """A copy of the policy, fitted on some of the traces."""
    return fitted_copy(policy, traces[learned].reset_index(drop=True))
