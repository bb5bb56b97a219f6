"""Values of a policy from recorded propensities: SNIPS and doubly robust. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab._student import student_quantile

__all__ = ["WeightedValue", "doubly_robust_value", "snips_value"]

Floats = NDArray[np.float64]
_PRIOR = 10.0


@dataclass(frozen=True)
class WeightedValue:
    """A value, its interval, and how many equally weighted traces it is worth."""

    value: float
    low: float
    high: float
    n_effective: float


_NOTHING = WeightedValue(float("nan"), float("nan"), float("nan"), 0.0)


def snips_value(weights: Any, rewards: Any, *, level: float = 0.95) -> WeightedValue:
    """Self-normalised inverse propensity score.

    Parameters
    ----------
    weights : array of float
        π(m|c)/p of each trace; 0 where the policy would not use its model.
    rewards : array of float
        In [0, 1].
    level : float
        Confidence level.

    Returns
    -------
    WeightedValue
        NaN if all weights are 0.

    Notes
    -----
    V = Σwr/Σw, its variance Σw²(r-V)²/(Σw)² (linearised), n_effective = (Σw)²/Σw². The interval
    is Wilson's for n_effective/φ rewards, φ the ratio of the variance to V(1-V)/n_effective,
    drawn to 1 by 10 traces so that a few equal rewards do not give certainty.

    References
    ----------
    Swaminathan, A. and Joachims, T. (2015), The self-normalized estimator for counterfactual
    learning, NeurIPS 28.

    Examples
    --------
    >>> snips_value([2, 2, 0, 1], [1, 0, 1, 1]).value
    0.6
    """
    w, r = np.asarray(weights, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    if not w.sum() > 0:
        return _NOTHING
    value = float((w * r).sum() / w.sum())
    n = float(w.sum() ** 2 / (w * w).sum())
    return _with_interval(value, float((w * w * (r - value) ** 2).sum() / w.sum() ** 2), n, level)


def doubly_robust_value(
    weights: Any, rewards: Any, predicted: Any, expected: Any, *, level: float = 0.95
) -> WeightedValue:
    """Doubly robust value: a model of the rewards, corrected by weighted residuals.

    Parameters
    ----------
    weights, rewards : array of float
        As for :func:`snips_value`.
    predicted : array of float
        Predicted reward of each trace's own model.
    expected : array of float
        Σ_m π(m|c)·(predicted reward of m) of each trace.
    level : float
        Confidence level.

    Returns
    -------
    WeightedValue
        NaN without traces.

    Notes
    -----
    V = mean of e + w(r - q), e the expected and q the predicted reward, its variance that of the
    terms by their number; the interval as for :func:`snips_value`, around V cut to [0, 1].

    References
    ----------
    Dudík, M., Langford, J. and Li, L. (2011), Doubly robust policy evaluation and learning, ICML.

    Examples
    --------
    >>> doubly_robust_value([2, 0], [1, 0], [0.5, 0.5], [0.5, 0.5]).value
    1.0
    """
    w, r = np.asarray(weights, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    if not w.sum() > 0:
        return _NOTHING
    terms = np.asarray(expected) + w * (r - np.asarray(predicted))
    value = float(np.clip(terms.mean(), 0, 1))
    n = float(w.sum() ** 2 / (w * w).sum())
    variance = float(terms.var(ddof=1) / len(terms)) if len(terms) > 1 else 0.25
    return _with_interval(value, variance, n, level)


def _with_interval(value: float, variance: float, n: float, level: float) -> WeightedValue:
    m = (n * value + 0.5) / (n + 1)
    prior = _PRIOR * m * (1 - m)
    phi = (n * n * variance + prior) / (n * value * (1 - value) + prior)
    n_equivalent = n / phi
    t = student_quantile(level, max(n - 1, 2.0))
    half = t * np.sqrt(value * (1 - value) / n_equivalent + t * t / (4 * n_equivalent**2))
    middle, scale = value + t * t / (2 * n_equivalent), 1 + t * t / n_equivalent
    # Rounding must not put the value outside its interval.
    low, high = max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
    return WeightedValue(value, min(float(low), value), max(float(high), value), n)
