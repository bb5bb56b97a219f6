"""Values of a policy from recorded propensities: SNIPS and doubly robust. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab._cell_estimates import TORN
from jarvis_lab._student import student_quantiles

__all__ = [
    "WeightedValue",
    "doubly_robust_value",
    "doubly_robust_values",
    "snips_value",
    "snips_values",
]

Floats = NDArray[np.float64]
_PRIOR = 10.0


@dataclass(frozen=True)
class WeightedValue:
    """A value, its interval, and how many equally weighted traces it is worth."""

    value: float
    low: float
    high: float
    n_effective: float


def snips_value(
    weights: Any, rewards: Any, *, torn: Any = 0.0, level: float = 0.95
) -> WeightedValue:
    """Self-normalised inverse propensity score.

    Parameters
    ----------
    weights : array of float
        π(m|c)/p of each trace; 0 where the policy would not use its model.
    rewards : array of float
        In [0, 1].
    torn : array of float
        1 for a trace on which the halves of a policy that was cross-fitted in two disagree; see
        :func:`jarvis_lab._cell_estimates.cell_estimates`.
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
    found = snips_values(weights, rewards, torn=torn, level=level)
    return WeightedValue(*(float(number) for number in found))


def snips_values(
    weights: Any, rewards: Any, *, counts: Any = 1.0, torn: Any = 0.0, level: float = 0.95
) -> tuple[Floats, Floats, Floats, Floats]:
    """The attributes of :func:`snips_value` for many logs, of which the traces are the last axis.

    ``counts`` is how many traces each weight and reward stands for.
    """
    w, r, c = (np.asarray(x, dtype=np.float64) for x in (weights, rewards, counts))
    total, n = _effective(w, c)
    value = (c * w * r).sum(-1) / total
    wider = 1 + TORN * np.asarray(torn, dtype=np.float64)
    variance = (wider * c * w * w * (r - value[..., None]) ** 2).sum(-1) / total**2
    return _with_interval(value, variance, n, level)


def doubly_robust_value(
    weights: Any,
    rewards: Any,
    predicted: Any,
    expected: Any,
    *,
    torn: Any = 0.0,
    level: float = 0.95,
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
    torn : array of float
        As for :func:`snips_value`.
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
    found = doubly_robust_values(weights, rewards, predicted, expected, torn=torn, level=level)
    return WeightedValue(*(float(number) for number in found))


def doubly_robust_values(
    weights: Any,
    rewards: Any,
    predicted: Any,
    expected: Any,
    *,
    counts: Any = 1.0,
    torn: Any = 0.0,
    level: float = 0.95,
) -> tuple[Floats, Floats, Floats, Floats]:
    """The attributes of :func:`doubly_robust_value` for many logs; as :func:`snips_values`."""
    w, r, c = (np.asarray(x, dtype=np.float64) for x in (weights, rewards, counts))
    _, n = _effective(w, c)
    terms = np.asarray(expected) + w * (r - np.asarray(predicted))
    c = np.broadcast_to(c, terms.shape)
    size = np.maximum(c.sum(-1), 1)
    mean = (c * terms).sum(-1) / size
    wider = 1 + TORN * np.asarray(torn, dtype=np.float64)
    scatter = (wider * c * (terms - mean[..., None]) ** 2).sum(-1)
    variance = np.where(size > 1, scatter / np.maximum(size - 1, 1) / size, 0.25)
    return _with_interval(np.clip(mean, 0, 1), variance, n, level)


def _effective(w: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Sum of the weights, NaN without any, and (Σw)²/Σw², 0 without any."""
    total, square = np.asarray((c * w).sum(-1)), np.asarray((c * w * w).sum(-1))
    n = np.where(total > 0, total**2 / np.where(square > 0, square, 1), 0.0)
    return np.where(total > 0, total, np.nan), n


def _with_interval(
    value: Floats, variance: Floats, n: Floats, level: float
) -> tuple[Floats, Floats, Floats, Floats]:
    value = np.where(n > 0, value, np.nan)
    m = (n * value + 0.5) / (n + 1)
    prior = _PRIOR * m * (1 - m)
    phi = (n * n * variance + prior) / (n * value * (1 - value) + prior)
    n_equivalent = np.where(n > 0, n, 1) / phi
    t = student_quantiles(level, np.maximum(n - 1, 2.0))
    half = t * np.sqrt(value * (1 - value) / n_equivalent + t * t / (4 * n_equivalent**2))
    middle, scale = value + t * t / (2 * n_equivalent), 1 + t * t / n_equivalent
    # Rounding must not put the value outside its interval.
    low = np.minimum(np.maximum((middle - half) / scale, 0.0), value)
    high = np.maximum(np.minimum((middle + half) / scale, 1.0), value)
    return value, low, high, n
