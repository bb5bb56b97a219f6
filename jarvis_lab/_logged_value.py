"""What a table would have earned on logged traffic, with an interval. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab._cells import Cells
from jarvis_lab._student import student_quantile

__all__ = [
    "LEAST_COVERED",
    "LEAST_EFFECTIVE",
    "Difference",
    "Valuation",
    "cell_spread",
    "difference_of_policies",
    "value_of_policy",
]

Floats = NDArray[np.float64]
#: Below these, no value is shown.
LEAST_COVERED, LEAST_EFFECTIVE = 0.90, 30.0
_PRIOR_OF_SPREAD = 10.0
_K_RANGE = (1.0, 10.0)


@dataclass(frozen=True)
class Valuation:
    """Value of a policy, or bounds where the log cannot tell.

    Attributes
    ----------
    refused : str
        Why there is no value; empty if there is one.
    value, low, high : float
        NaN if refused.
    n_effective, covered : float
        n* and the share of the policy's traffic in cells with rewards.
    bound_low, bound_high : float
        The value with the uncovered cells at 0 and at 1, less and plus the sampling error of the
        covered ones.
    k, dof, n_equivalent : float
        Weight of the prior, degrees of freedom and n_e, the number of rewards 0 and 1 that would
        give an interval as wide.
    """

    refused: str
    value: float
    low: float
    high: float
    n_effective: float
    covered: float
    bound_low: float
    bound_high: float
    k: float = float("nan")
    dof: float = float("nan")
    n_equivalent: float = float("nan")


@dataclass(frozen=True)
class Difference:
    """Value of one policy less that of another; NaN if refused."""

    refused: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class _Parts:
    """What both a value and a difference are made of."""

    weight: Floats
    filled: Floats  # ȳ, the prior mean in empty cells
    shrunk: Floats  # p̃
    spread: Floats  # φp̃(1-p̃)/m
    freedom: Floats  # max(n + k - 1, 1)
    mu: float
    k: float
    n_effective: float
    covered: float


def value_of_policy(
    cells: Cells,
    policy: Any,
    *,
    level: float = 0.95,
    least_covered: float = LEAST_COVERED,
    least_effective: float = LEAST_EFFECTIVE,
) -> Valuation:
    """The post-stratified value of a policy and its interval.

    Parameters
    ----------
    cells : Cells
        The log.
    policy : array of float, class × model
        Probability of each model in each class; rows sum to 1.
    level : float
        Confidence level.
    least_covered, least_effective : float
        Refuse below these.

    Returns
    -------
    Valuation

    Notes
    -----
    See :func:`jarvis_lab.evaluation.logged.logged_value`.
    """
    pi = np.asarray(policy, dtype=np.float64)
    if not cells.class_n.sum() > 0:
        return _refusal("no rewards", 0.0, 0.0, (0.0, 1.0))
    part = _parts(cells, pi)
    bounds = _bounds(cells, part, level)
    refused = _why(part, least_covered, least_effective)
    if refused:
        return _refusal(refused, part.n_effective, part.covered, bounds)
    value = float((part.weight * part.filled).sum())
    v = part.weight**2 * part.spread
    in_class = (pi * part.shrunk).sum(1) - part.mu
    tau = float(v.sum() + (cells.shares * in_class**2).sum() / cells.size)
    dof = max(2.0, tau**2 / max(float((v**2 / part.freedom).sum()), 1e-300))
    t = student_quantile(level, dof)
    m = (part.n_effective * value + 0.5) / (part.n_effective + 1)
    n_equivalent = m * (1 - m) / tau
    low, high = _wilson(value, n_equivalent, t)
    return Valuation(
        *("", value, low, high, part.n_effective, part.covered, *bounds),
        *(part.k, dof, n_equivalent),
    )


def difference_of_policies(
    cells: Cells,
    policy: Any,
    reference: Any,
    *,
    level: float = 0.95,
    least_covered: float = LEAST_COVERED,
    least_effective: float = LEAST_EFFECTIVE,
) -> Difference:
    """Value of ``policy`` less that of ``reference``; only where they differ counts.

    Notes
    -----
    D = Σ s_c(ȳ_ct - ȳ_cb) over the classes where the tables differ, ± t√τ with τ the sum of both
    sides' v_j and of (1/N)Σ s_c(δ_c - D)², δ_c the difference of the shrunken means in class c.
    """
    new, old = np.asarray(policy, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    nan = float("nan")
    if not cells.class_n.sum() > 0:
        return Difference("no rewards", nan, nan, nan)
    if not np.any(new != old):
        return Difference("", 0.0, 0.0, 0.0)
    a, b = _parts(cells, new), _parts(cells, old)
    for name, part in (("policy", a), ("reference", b)):
        refused = _why(part, least_covered, least_effective)
        if refused:
            return Difference(f"{name}: {refused}", nan, nan, nan)
    weight = a.weight - b.weight
    side = weight > 0
    filled, shrunk, spread, freedom = (
        np.where(side, getattr(a, name), getattr(b, name))
        for name in ("filled", "shrunk", "spread", "freedom")
    )
    value = float((weight * filled).sum())
    v = weight**2 * spread
    in_class = ((new - old) * shrunk).sum(1)
    apart = (cells.shares * (in_class - (cells.shares * in_class).sum()) ** 2).sum()
    tau = float(v.sum() + apart / cells.size)
    dof = max(2.0, tau**2 / max(float((v**2 / freedom).sum()), 1e-300))
    margin = student_quantile(level, dof) * np.sqrt(tau)
    return Difference("", value, max(value - margin, -1.0), min(value + margin, 1.0))


def cell_spread(cells: Cells, policy: Any) -> tuple[Floats, Floats]:
    """Shrunken mean p̃ of each cell and the standard deviation √(φp̃(1-p̃)) of its rewards."""
    part = _parts(cells, np.asarray(policy, dtype=np.float64))
    return part.shrunk, np.sqrt(part.spread * np.maximum(cells.n, 1))


def _parts(cells: Cells, pi: Floats) -> _Parts:
    weight = cells.shares[:, None] * pi
    used, seen = weight > 0, cells.n > 0
    m = np.maximum(cells.n, 1)
    n_star = 1 / float((weight**2 / m).sum())
    covered = float(weight[seen].sum())
    overall = (cells.class_total.sum() + 0.5) / (cells.class_n.sum() + 1)
    of_class = (cells.class_total + 2 * overall) / (cells.class_n + 2)
    among = max(covered, 1e-300)
    known = float((weight * cells.mean)[seen].sum()) / among if covered > 0 else 0.5
    mu = (n_star * known + 0.5) / (n_star + 1)
    typical = float((weight * of_class[:, None])[seen].sum()) / among if covered > 0 else mu
    prior = _expit(_logit(of_class) + _logit(mu) - _logit(typical))[:, None] + 0 * weight
    filled = np.where(seen, cells.mean, prior)
    phi = 1.0 if cells.binary else _phi(cells, used & (cells.n >= 2), mu)
    k = _prior_weight(cells, prior, np.where(used & (cells.n >= 2), weight, 0), phi)
    shrunk = np.where(seen, (cells.n * cells.mean + k * prior) / (cells.n + k), prior)
    spread = phi * shrunk * (1 - shrunk) / m
    freedom = np.maximum(cells.n + k - 1, 1)
    return _Parts(weight, filled, shrunk, spread, freedom, mu, k, n_star, covered)


def _phi(cells: Cells, often: NDArray[np.bool_], mu: float) -> float:
    n, mean, variance = cells.n[often], cells.mean[often], cells.variance[often]
    prior = _PRIOR_OF_SPREAD * mu * (1 - mu)
    most = ((n - 1) * (mean * (1 - mean) + variance / n)).sum() + prior
    return float(min(1.0, (((n - 1) * variance).sum() + prior) / most))


def _prior_weight(cells: Cells, prior: Floats, weight: Floats, phi: float) -> float:
    total = float(weight.sum())
    if not total > 0:
        return _K_RANGE[1]
    apart = (cells.mean - prior) ** 2 - cells.variance / np.maximum(cells.n, 1)
    between = max(float((weight * apart).sum()) / total, 1e-6)
    within = float((weight * prior * (1 - prior)).sum()) / total
    return float(np.clip(phi * within / between - 1, *_K_RANGE))


def _why(part: _Parts, least_covered: float, least_effective: float) -> str:
    if part.covered < least_covered:
        return f"the log has rewards for {part.covered:.0%} of this policy's traffic only"
    if part.n_effective < least_effective:
        return f"the log tells as much as {part.n_effective:.1f} traces would"
    return ""


def _refusal(why: str, n_star: float, covered: float, bounds: tuple[float, float]) -> Valuation:
    nan = float("nan")
    return Valuation(why, nan, nan, nan, n_star, covered, *bounds)


def _bounds(cells: Cells, part: _Parts, level: float) -> tuple[float, float]:
    seen = (cells.n > 0) & (part.weight > 0)
    if not seen.any():
        return 0.0, 1.0
    share = part.weight[seen] / part.covered
    n = 1 / float((share**2 / np.maximum(cells.n[seen], 1)).sum())
    mean = float((share * cells.mean[seen]).sum())
    low, high = _wilson(mean, n, student_quantile(level, float("inf")))
    return part.covered * low, min(part.covered * high + 1 - part.covered, 1.0)


def _wilson(value: float, n: float, t: float) -> tuple[float, float]:
    half = t * np.sqrt(max(value * (1 - value), 0) / n + t * t / (4 * n * n))
    middle, scale = value + t * t / (2 * n), 1 + t * t / n
    low, high = float((middle - half) / scale), float((middle + half) / scale)
    # Rounding must not put the value outside its interval.
    return min(max(low, 0.0), value), max(min(high, 1.0), value)


def _logit(p: Any) -> Any:
    return np.log(p) - np.log1p(-p)


def _expit(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))
