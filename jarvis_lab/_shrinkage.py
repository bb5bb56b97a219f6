"""Shrunken means per class and model, and the routing table they support. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["LowerBoundTable", "best_single", "lower_bound_table", "model_means", "one_sided_z"]

Floats = NDArray[np.float64]
#: Standard errors below its mean at which a model is judged as the base.
_CAUTION = 1.5
_LEAST_VARIANCE = 0.01
_LEAST_SPREAD = 1e-4
_PRIOR_TRACES = 2.0
_K_RANGE = (1.0, 200.0)


@dataclass(frozen=True)
class LowerBoundTable:
    """A routing table with all that it rests on; arrays are class × model.

    Attributes
    ----------
    base : int
        Place of the model that every class is held against.
    k : float
        Traces that a model's own mean counts for in each class.
    p, se : ndarray of float
        Shrunken mean reward of each cell and its standard error.
    gain, gain_low : ndarray of float
        Shrunken mean less the base's, and its one-sided lower bound; 0 for the base itself.
    table : ndarray of int
        Place of the chosen model of each class.
    """

    base: int
    k: float
    p: Floats
    se: Floats
    gain: Floats
    gain_low: Floats
    table: NDArray[np.int64]


def one_sided_z(confidence: float) -> float:
    """The z below which a standard normal lies with probability ``confidence``.

    >>> round(one_sided_z(0.84), 4)
    0.9945
    """
    if not 0.5 <= _checks.fraction("confidence", confidence) < 1:
        raise ValueError(
            f"confidence={confidence!r} is one-sided and must be at least 0.5 (go by the estimate "
            "alone) and below 1 (never switch); 0.84 is one standard error."
        )
    return NormalDist().inv_cdf(confidence)


def model_means(n: Any, s: Any) -> tuple[Floats, Floats]:
    """Each model's mean over all classes, drawn by two traces to the overall mean, and its error.

    Parameters
    ----------
    n, s : array of float, class × model
        Numbers of rewards and their sums; at least one reward in all.

    Returns
    -------
    tuple of ndarray
        g_m = (s_·m + 2g)/(n_·m + 2) with g = Σs/Σn, and
        se_m = √(max(g_m(1-g_m), .01)/(n_·m + 2)).

    Examples
    --------
    >>> mean, error = model_means([[6, 0]], [[3, 0]])
    >>> mean.tolist(), error.round(4).tolist()
    ([0.5, 0.5], [0.1768, 0.3536])
    """
    count, total = _cells(n, s)
    of_model = count.sum(0) + _PRIOR_TRACES
    mean = (total.sum(0) + _PRIOR_TRACES * total.sum() / count.sum()) / of_model
    return mean, np.sqrt(np.maximum(mean * (1 - mean), _LEAST_VARIANCE) / of_model)


def best_single(n: Any, s: Any) -> int:
    """Place of the model whose mean is highest after 1.5 standard errors are taken off.

    >>> best_single([[1, 100]], [[1, 90]])
    1
    """
    mean, error = model_means(n, s)
    return int(np.argmax(mean - _CAUTION * error))


def lower_bound_table(
    n: Any, s: Any, *, confidence: float = 0.84, base: int | None = None
) -> LowerBoundTable:
    """The table that leaves the base model only where the counts support it.

    Parameters
    ----------
    n, s : array of float, class × model
        Numbers of rewards and their sums, each reward in [0, 1]; at least one reward in all.
    confidence : float
        One-sided confidence that a switch is a gain, at least 0.5.
    base : int, optional
        Place of the model to hold the others against; :func:`best_single` without one.

    Returns
    -------
    LowerBoundTable
        Ties keep the base, and else go to the first model.

    Raises
    ------
    ValueError
        If the shapes differ, there is no reward at all, or sums are impossible.

    Notes
    -----
    With g_m and se_m of :func:`model_means` and ȳ = s/n,

    - τ² = max(1e-4, Σ n[(ȳ_cm - g_m)² - g_m(1-g_m)/n] / Σ n) over cells with n ≥ 2;
    - k = clip(mean_m[g_m(1-g_m)]/τ² - 1, 1, 200);
    - p_cm = (s + k·g_m)/(n + k);
    - se_cm² = max(p(1-p), .01)/(n + k) + (k/(n + k))²·se_m²;
    - class c goes to the model with the largest p_cm - p_cb - z·√(se_cm² + se_cb²), which is 0
      for the base b.

    References
    ----------
    Morris, C. N. (1983), Parametric empirical Bayes inference, Journal of the American
    Statistical Association 78, 47-55 (the shrinkage).

    Examples
    --------
    >>> result = lower_bound_table([[20, 10], [8, 25], [5, 32]], [[18, 7], [3, 19], [5, 30]])
    >>> result.base, round(result.k, 3), result.table.tolist()
    (1, 8.556, [1, 1, 1])
    """
    count, total = _cells(n, s)
    z = one_sided_z(confidence)
    mean, error = model_means(count, total)
    k = _prior_weight(count, total, mean)
    p = (total + k * mean) / (count + k)
    variance = np.maximum(p * (1 - p), _LEAST_VARIANCE) / (count + k)
    variance = variance + (k / (count + k)) ** 2 * error**2
    b = best_single(count, total) if base is None else base
    gain = p - p[:, [b]]
    gain_low = gain - z * np.sqrt(variance + variance[:, [b]])
    gain_low[:, b] = 0.0
    table = np.argmax(gain_low, axis=1)
    table = np.where(gain_low[np.arange(len(table)), table] > 0, table, b)
    return LowerBoundTable(b, k, p, np.sqrt(variance), gain, gain_low, table)


def _prior_weight(count: Floats, total: Floats, mean: Floats) -> float:
    seen = count >= 2
    least = np.where(seen, count, 1.0)
    excess = (total / least - mean) ** 2 - mean * (1 - mean) / least
    weight = count[seen].sum()
    spread = float((count * excess)[seen].sum() / weight) if weight else 0.0
    k = float(np.mean(mean * (1 - mean))) / max(spread, _LEAST_SPREAD) - 1
    return float(np.clip(k, *_K_RANGE))


def _cells(n: Any, s: Any) -> tuple[Floats, Floats]:
    count, total = np.asarray(n, dtype=np.float64), np.asarray(s, dtype=np.float64)
    if count.ndim != 2 or count.shape != total.shape:
        raise ValueError(
            f"n and s must be two tables of class × model, not {count.shape} and {total.shape}."
        )
    if not count.sum() > 0:
        raise ValueError("There is no reward in any cell, so nothing can be learned.")
    if not bool(((total >= 0) & (total <= count + 1e-9)).all()):
        raise ValueError("Each sum of rewards must lie between 0 and its n: rewards are in [0, 1].")
    return count, total
