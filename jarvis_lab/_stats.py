"""Intervals for means of outcomes and rewards. numpy only."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["bounded_mean_interval", "normal_quantile", "wilson_interval"]

Floats = NDArray[np.float64]
_PRIOR_OBSERVATIONS = 10.0
_LEAST_PHI = 1e-6  # below it the squares of n/φ could overflow


def normal_quantile(level: float) -> float:
    """The z with ``level`` of a standard normal inside ±z.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + _checks.fraction("level", level) / 2)


def wilson_interval(successes: Any, n: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval for a proportion; NaN where ``n`` is 0.

    Parameters
    ----------
    successes, n : array of float
        Counts; ``n`` may be a fraction (an effective number).
    level : float
        Confidence level.

    Returns
    -------
    tuple of ndarray
        Lower and upper ends, in [0, 1].

    References
    ----------
    Wilson, E. B. (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> low, high = wilson_interval([8], [10])
    >>> low.round(4).item(), high.round(4).item()
    (0.4902, 0.9433)
    """
    count = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(successes, dtype=np.float64) / count
    return _wilson(share, count, normal_quantile(level))


def bounded_mean_interval(
    n: Any, total: Any, total_squares: Any, level: float = 0.95, *, overall: float
) -> tuple[Floats, Floats]:
    """Interval for the mean of values in [0, 1]; Wilson's own where all values are 0 or 1.

    Parameters
    ----------
    n, total, total_squares : array of float
        Number, sum and sum of squares of the values of each cell.
    level : float
        Confidence level.
    overall : float
        Mean over all cells, towards which the spread of a small cell is drawn.

    Returns
    -------
    tuple of ndarray
        Lower and upper ends, in [0, 1]; NaN where ``n`` is 0.

    Notes
    -----
    Wilson's interval with n/φ in place of n, where φ compares the variance S² (divisor n - 1)
    with that of outcomes 0 and 1 of the same mean m:
    φ = min(1, [(n-1)S² + 10 μ(1-μ)] / [(n-1)(m(1-m) + S²/n) + 10 μ(1-μ)]), μ the overall mean.

    Examples
    --------
    >>> low, high = bounded_mean_interval([10], [8], [8], overall=0.8)
    >>> low.round(4).item(), high.round(4).item()
    (0.4902, 0.9433)
    """
    count = np.asarray(n, dtype=np.float64)
    sums = np.asarray(total, dtype=np.float64)
    prior = _PRIOR_OBSERVATIONS * overall * (1.0 - overall)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.clip(sums / count, 0.0, 1.0)
        scatter = np.maximum(np.asarray(total_squares, dtype=np.float64) - sums * mean, 0.0)
        most = (count - 1) * mean * (1 - mean) + scatter / count
        phi = np.minimum((scatter + prior) / (most + prior), 1.0)
    phi = np.where(np.isfinite(phi) & (phi > 0), np.maximum(phi, _LEAST_PHI), 1.0)
    return _wilson(mean, count / phi, normal_quantile(level))


def _wilson(share: Floats, count: Floats, z: float) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
        middle = share + z * z / (2 * count)
        scale = 1 + z * z / count
        low, high = (middle - spread) / scale, (middle + spread) / scale
    # Rounding must not move an end off the boundary that it touches.
    low = np.where(share <= 0.0, 0.0, np.clip(low, 0.0, 1.0))
    high = np.where(share >= 1.0, 1.0, np.clip(high, 0.0, 1.0))
    return np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan)
