"""Quantiles of Student's t with any number of degrees of freedom."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["student_quantile", "student_quantiles"]

_TINY = 1e-300


def student_quantile(level: float, dof: float) -> float:
    """The t with ``level`` of Student's distribution inside ±t.

    Parameters
    ----------
    level : float
        Between 0 and 1.
    dof : float
        Degrees of freedom, at least 1, not necessarily whole; may be infinite.

    Returns
    -------
    float

    Notes
    -----
    P(|T| > t) = I_x(ν/2, 1/2) with x = ν/(ν + t²), the regularised incomplete beta function by
    its power series or its continued fraction, inverted by Newton's method from the normal
    quantile and two terms in 1/ν, which are enough beyond a million degrees of freedom. P is
    convex in t and these terms fall short of the root, so that the steps climb to it.

    Examples
    --------
    >>> round(student_quantile(0.95, 10), 4), round(student_quantile(0.95, 66.5), 4)
    (2.2281, 1.9963)
    """
    outside = 1 - _checks.fraction("level", level)
    if not dof >= 1:
        raise ValueError(f"dof={dof!r} must be at least 1.")
    nu = float(dof)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    t = z + (z**3 + z) / (4 * nu) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu) / nu
    if nu > 1e6:
        return t
    log_front = -math.log(nu) / 2 + _log_beta_ratio(nu / 2, 0.5)
    while True:
        density = 2 * math.exp(log_front - (nu + 1) / 2 * math.log1p(t * t / nu))
        step = (_outside(t, nu) - outside) / density
        t += step
        if abs(step) <= 1e-8 * t:  # the next step would be of its square
            return t


def student_quantiles(level: float, dof: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quantile for each of many degrees of freedom; NaN where they are.

    >>> student_quantiles(0.95, np.array([10, np.nan])).round(4).tolist()
    [2.2281, nan]
    """
    t = [nu if nu != nu else student_quantile(level, nu) for nu in np.ravel(dof).tolist()]
    return np.reshape(np.array(t, dtype=np.float64), np.shape(dof))


def _outside(t: float, nu: float) -> float:
    """P(|T| > t)."""
    square = t * t
    y = square / (nu + square)
    if square < 16 and y < 0.5:
        return 1 - _inside(nu / 2, y)
    return _incomplete_beta(nu / 2, 0.5, nu / (nu + square), y)


def _inside(a: float, y: float) -> float:
    """I_y(1/2, a) by its power series, whose terms are all positive."""
    term = total = 2 * math.exp(_log_beta_ratio(a, 0.5) + 0.5 * math.log(y) + a * math.log1p(-y))
    n = 0
    while term > 1e-17 * total:
        term *= y * (a + 0.5 + n) / (1.5 + n)
        total += term
        n += 1
    return total


def _incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b), with y = 1 - x given so that neither end loses digits."""
    if x <= 0.0 or y <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    of_x = math.log(x) if x < 0.5 else math.log1p(-y)
    front = math.exp(_log_beta_ratio(a, b) + a * of_x + b * math.log(y))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, y) / b


def _log_beta_ratio(a: float, b: float) -> float:
    """Logarithm of Γ(a + b)/(Γ(a)Γ(b)); by a series where lgamma would lose digits."""
    a, b = max(a, b), min(a, b)  # b is 1/2 wherever a is large
    if a < 50:
        return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    series = -1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5) + 17 / (14336 * a**7)
    return 0.5 * math.log(a) + series - math.lgamma(b)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = 1 + term / c
            c = c if abs(c) > _TINY else _TINY
            step = c * d
            value *= step
        if abs(step - 1) < 1e-15:
            break
    return value
