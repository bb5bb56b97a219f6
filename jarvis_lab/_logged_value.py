"""What a table would have earned on logged traffic, with an interval. numpy only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab._cell_estimates import CELLS, TINY, CellEstimates, cell_estimates
from jarvis_lab._cells import Cells
from jarvis_lab._student import student_quantile, student_quantiles

__all__ = [
    "LEAST_COVERED",
    "LEAST_EFFECTIVE",
    "Difference",
    "Valuation",
    "cell_spread",
    "difference_of_policies",
    "differences_of_policies",
    "value_of_policy",
    "values_of_policy",
]

Floats = NDArray[np.float64]
#: Below these, no value is shown.
LEAST_COVERED, LEAST_EFFECTIVE = 0.90, 30.0


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


def value_of_policy(
    cells: Cells,
    policy: Any,
    *,
    torn: Any = 0.0,
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
    torn : array of float, class
        Share of each class in which the halves of a policy that was cross-fitted in two choose
        different models; see :func:`jarvis_lab._cell_estimates.cell_estimates`.
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
    found = values_of_policy(
        *(cells, policy),
        torn=torn,
        level=level,
        least_covered=least_covered,
        least_effective=least_effective,
    )
    one = {name: float(number) for name, number in found.items()}
    return Valuation(_why(cells, one, least_covered, least_effective), **one)


def values_of_policy(
    cells: Cells,
    policy: Any,
    *,
    torn: Any = 0.0,
    level: float = 0.95,
    least_covered: float = LEAST_COVERED,
    least_effective: float = LEAST_EFFECTIVE,
) -> dict[str, Floats]:
    """What :func:`value_of_policy` finds, for each log of many; the policy may differ by log.

    Returns
    -------
    dict of str to ndarray
        The attributes of :class:`Valuation` but ``refused``, by name.
    """
    pi = np.asarray(policy, dtype=np.float64)
    part = cell_estimates(cells, pi, torn)
    shown = _shown(cells, part, least_covered, least_effective)
    value = (part.weight * part.filled).sum(CELLS)
    v = part.weight**2 * part.spread
    in_class = (pi * part.shrunk).sum(-1) - part.mu[..., None]
    tau = v.sum(CELLS) + (cells.shares * in_class**2).sum(-1) / np.maximum(cells.size, 1)
    dof = _freedom(tau, v, part.freedom)
    m = (part.n_effective * value + 0.5) / (part.n_effective + 1)
    n_equivalent = m * (1 - m) / np.maximum(tau, TINY)
    low, high = _wilson(value, n_equivalent, student_quantiles(level, np.where(shown, dof, np.nan)))
    bound_low, bound_high = _bounds(cells, part, level)
    hidden = {"value": value, "low": low, "high": high}
    hidden |= {"k": part.k, "dof": dof, "n_equivalent": n_equivalent}
    found = {name: np.where(shown, number, np.nan) for name, number in hidden.items()}
    found |= {"n_effective": part.n_effective, "covered": part.covered}
    return found | {"bound_low": bound_low, "bound_high": bound_high}


def difference_of_policies(
    cells: Cells,
    policy: Any,
    reference: Any,
    *,
    torn: tuple[Any, Any] = (0.0, 0.0),
    level: float = 0.95,
    least_covered: float = LEAST_COVERED,
    least_effective: float = LEAST_EFFECTIVE,
) -> Difference:
    """Value of ``policy`` less that of ``reference``; only where they differ counts.

    Notes
    -----
    D = Σ s_c(ȳ_ct - ȳ_cb) over the classes where the tables differ, ± t√τ with τ the sum of both
    sides' v_j and of (1/N)Σ s_c(δ_c - D)², δ_c the difference of the shrunken means in class c.
    ``torn`` is that of the policy and of the reference; see :func:`value_of_policy`.
    """
    limits = {"least_covered": least_covered, "least_effective": least_effective}
    found = differences_of_policies(cells, policy, reference, torn=torn, level=level, **limits)
    refused = ""
    if np.isnan(found["value"]):
        sides = (("policy: ", policy), ("reference: ", reference))
        whys = {name: value_of_policy(cells, pi, **limits).refused for name, pi in sides}
        refused = next(name + why for name, why in whys.items() if why)
        refused = refused if cells.class_n.sum() > 0 else "no rewards"
    return Difference(refused, *(float(found[name]) for name in ("value", "low", "high")))


def differences_of_policies(
    cells: Cells,
    policy: Any,
    reference: Any,
    *,
    torn: tuple[Any, Any] = (0.0, 0.0),
    level: float = 0.95,
    least_covered: float = LEAST_COVERED,
    least_effective: float = LEAST_EFFECTIVE,
) -> dict[str, Floats]:
    """What :func:`difference_of_policies` finds, for each log of many; NaN where refused."""
    new, old = np.asarray(policy, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    a, b = cell_estimates(cells, new, torn[0]), cell_estimates(cells, old, torn[1])
    limits = (least_covered, least_effective)
    same = np.all(new == old, CELLS) & (cells.class_n.sum(-1) > 0)
    shown = (_shown(cells, a, *limits) & _shown(cells, b, *limits)) | same
    weight = a.weight - b.weight
    filled, shrunk, spread, freedom = (
        np.where(weight > 0, getattr(a, name), getattr(b, name))
        for name in ("filled", "shrunk", "spread", "freedom")
    )
    value = (weight * filled).sum(CELLS)
    v = weight**2 * spread
    in_class = ((new - old) * shrunk).sum(-1)
    apart = in_class - (cells.shares * in_class).sum(-1, keepdims=True)
    tau = v.sum(CELLS) + (cells.shares * apart**2).sum(-1) / np.maximum(cells.size, 1)
    dof = np.where(shown, _freedom(tau, v, freedom), np.nan)
    margin = student_quantiles(level, dof) * np.sqrt(tau)
    low, high = np.maximum(value - margin, -1.0), np.minimum(value + margin, 1.0)
    found = {"value": value, "low": low, "high": high}
    return {name: np.where(shown, number, np.nan) for name, number in found.items()}


def cell_spread(cells: Cells, policy: Any) -> tuple[Floats, Floats]:
    """Shrunken mean p̃ of each cell and the standard deviation √(φp̃(1-p̃)) of its rewards."""
    part = cell_estimates(cells, np.asarray(policy, dtype=np.float64))
    return part.shrunk, np.sqrt(part.spread * np.maximum(cells.n, 1))


def _shown(
    cells: Cells, part: CellEstimates, least_covered: float, least_effective: float
) -> NDArray[np.bool_]:
    enough = (part.covered >= least_covered) & (part.n_effective >= least_effective)
    return np.asarray(enough & (cells.class_n.sum(-1) > 0))


def _why(
    cells: Cells, found: dict[str, float], least_covered: float, least_effective: float
) -> str:
    if not cells.class_n.sum() > 0:
        return "no rewards"
    if found["covered"] < least_covered:
        return f"the log has rewards for {found['covered']:.0%} of this policy's traffic only"
    if found["n_effective"] < least_effective:
        worth = math.floor(10 * found["n_effective"]) / 10  # 29.98 is not yet 30
        return (
            f"the log tells as much as {worth:.1f} traces would, and {least_effective:g} are needed"
        )
    return ""


def _bounds(cells: Cells, part: CellEstimates, level: float) -> tuple[Floats, Floats]:
    covered = part.covered
    share = np.where(cells.n > 0, part.weight, 0) / np.maximum(covered, TINY)[..., None, None]
    n = 1 / np.where(covered > 0, (share**2 / np.maximum(cells.n, 1)).sum(CELLS), 1.0)
    mean = (share * cells.mean).sum(CELLS)
    low, high = _wilson(mean, n, np.asarray(student_quantile(level, float("inf"))))
    return (
        np.where(covered > 0, covered * low, 0.0),
        np.where(covered > 0, np.minimum(covered * high + 1 - covered, 1.0), 1.0),
    )


def _freedom(tau: Floats, v: Floats, freedom: Floats) -> Floats:
    found: Floats = np.maximum(2.0, tau**2 / np.maximum((v**2 / freedom).sum(CELLS), TINY))
    return found


def _wilson(value: Floats, n: Floats, t: Floats) -> tuple[Floats, Floats]:
    half = t * np.sqrt(np.maximum(value * (1 - value), 0) / n + t * t / (4 * n * n))
    middle, scale = value + t * t / (2 * n), 1 + t * t / n
    # Rounding must not put the value outside its interval.
    low = np.minimum(np.maximum((middle - half) / scale, 0.0), value)
    return low, np.maximum(np.minimum((middle + half) / scale, 1.0), value)
