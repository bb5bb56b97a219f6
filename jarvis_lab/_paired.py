"""Policies compared on the same queries: bootstrap over queries and McNemar's test. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["bootstrap_means", "mcnemar_p", "percentile_interval"]

Floats = NDArray[np.float64]
_AT_ONCE = 4_000_000


def bootstrap_means(values: Any, *, draws: int, seed: int) -> Floats:
    """Means of the columns of ``values`` over resampled rows, one row per draw.

    Parameters
    ----------
    values : array of float, query × quantity
        All quantities of a query stay together.
    draws : int
        Number of resamplings.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of float, draw × quantity

    Notes
    -----
    Rows that are equal are drawn together, as a multinomial count: the same distribution as
    drawing rows one by one, and with outcomes of 0 and 1 far less work.

    References
    ----------
    Efron, B. and Tibshirani, R. J. (1993), An Introduction to the Bootstrap.

    Examples
    --------
    >>> bootstrap_means([[1.0], [1.0]], draws=3, seed=0).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    _checks.whole("draws", draws, least=1)
    _checks.whole("seed", seed)
    rows = np.asarray(values, dtype=np.float64)
    patterns, times = np.unique(rows, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    size, step = len(rows), max(_AT_ONCE // len(patterns), 1)
    means = [
        rng.multinomial(size, times / size, size=min(step, draws - start)) @ patterns / size
        for start in range(0, draws, step)
    ]
    return np.concatenate(means)


def percentile_interval(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    """The ends between which the middle ``level`` of the draws lies, per column."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value of McNemar's test.

    Parameters
    ----------
    only_a, only_b : int
        Queries that only the one, and only the other, got right.

    Returns
    -------
    float
        min(1, 2·P(X ≤ min(a, b))) with X ~ Binomial(a + b, ½); 1 without any such query.

    References
    ----------
    McNemar, Q. (1947), Psychometrika 12, 153-157.

    Examples
    --------
    >>> mcnemar_p(1, 9)
    0.021484375
    """
    n, least = only_a + only_b, min(only_a, only_b)
    term = total = 1
    for k in range(1, least + 1):
        term = term * (n - k + 1) // k
        total += term
    return min(1.0, float(2 * total / 2**n))
