"""Weighted estimators that stand beside the post-stratified value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab._cell_estimates import TORN
from jarvis_lab._student import student_quantile
from jarvis_lab._weighted_value import WeightedValue, doubly_robust_value, snips_value
from jarvis_lab.classes import By
from jarvis_lab.evaluation.strata import (
    StratifiedLog,
    stratified,
    used_propensities,
    weight_note,
)
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["WeightedScores", "weighted_difference", "weighted_on", "weighted_values"]

Floats = NDArray[np.float64]
_PRIOR = 10.0
_FEWEST = 30.0


def weighted_values(
    traces: object,
    policy: RouterPolicy,
    *,
    by: By | None = None,
    reward: str | None = None,
    propensity: str | None = "propensity",
    query_id: str | Sequence[str] | None = None,
    level: float = 0.95,
    folds: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per estimator: SNIPS and doubly robust, from recorded propensities.

    Parameters
    ----------
    traces, policy, by, reward, propensity, query_id, level, folds, seed
        As for :func:`logged_value`; here the propensities must be recorded.

    Returns
    -------
    DataFrame
        - ``method`` (str): "snips" or "dr".
        - ``value``, ``low``, ``high`` (float64, in [0, 1]): NaN if refused.
        - ``n`` (int64): traces with a reward and a model.
        - ``n_effective`` (float64): (Σw)²/Σw² of the weights w = π(m|c)/p.
        - ``max_weight`` (float64): the largest of them.
        - ``status`` (str): "ok", or "refused: " and why.
        - ``note`` (str): weights too unequal for so few traces; else empty.

    Raises
    ------
    ValueError
        As for :func:`logged_value`, and if no propensities are recorded.

    Notes
    -----
    SNIPS = Σwr/Σw. Doubly robust = mean of Σ_m π(m|c)q_cm + w(r - q), with
    q_cm = (n_cm·ȳ_cm + 10·ȳ_c)/(n_cm + 10). A policy that uses a model with no chance in the log
    cannot be valued: refused if cells with rewards cover less than 90 % of its traffic, or if
    n_effective is below 30.

    References
    ----------
    Swaminathan, A. and Joachims, T. (2015), The self-normalized estimator for counterfactual
    learning, NeurIPS 28.
    Dudík, M., Langford, J. and Li, L. (2011), Doubly robust policy evaluation and learning, ICML.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": "q", "model": ["a"] * 80 + ["b"] * 20,
    ...                     "correct": [True] * 60 + [False] * 20 + [True] * 20,
    ...                     "propensity": [0.8] * 80 + [0.2] * 20})
    >>> weighted_values(log, AlwaysPolicy("a"))[["method", "value", "n_effective", "status"]]
      method  value  n_effective status
    0  snips   0.75         80.0     ok
    1     dr   0.75         80.0     ok
    """
    log = stratified(
        traces,
        [policy],
        by=by,
        reward=reward,
        propensity=propensity,
        query_id=query_id,
        folds=folds,
        seed=seed,
    )
    if log.propensities is None and log.places.shape[1]:
        raise ValueError(
            "The log records no propensities, so there is nothing to weight by: use "
            "logged_value(), which estimates them by the models' shares in each class."
        )
    rows = []
    for method, (scores, why) in weighted_on(log, level=level).items():
        value = scores.value
        shown = [float("nan")] * 3 if why else [value.value, value.low, value.high]
        row = {"method": method, **dict(zip(("value", "low", "high"), shown, strict=True))}
        row |= {"n": len(log.rewards), "n_effective": value.n_effective}
        row["max_weight"] = scores.max_weight
        rows.append(row | {"status": why or "ok", "note": weight_note(log)})
    kinds = dict.fromkeys(("method", "status", "note"), "str")
    return pd.DataFrame(rows).astype({**kinds, "n": "int64"})


@dataclass(frozen=True)
class WeightedScores:
    """A weighted value, and what each trace adds to it (their mean is the value)."""

    value: WeightedValue
    max_weight: float
    terms: Floats
    torn: Floats


def weighted_on(
    log: StratifiedLog, *, place: int = 0, level: float = 0.95
) -> dict[str, tuple[WeightedScores, str]]:
    """SNIPS and doubly robust value of a policy of a log in strata, and why one is refused."""
    pi, rewards = log.policies[place], log.rewards
    weights = pi[tuple(log.places)] / used_propensities(log)
    of_class = log.cells.class_total / np.maximum(log.cells.class_n, 1)
    n = log.cells.n
    q = (n * log.cells.mean + _PRIOR * of_class[:, None]) / (n + _PRIOR)
    expected, predicted = (pi * q).sum(1)[log.places[0]], q[tuple(log.places)]
    covered = float((log.cells.shares[:, None] * pi)[n > 0].sum())
    wide = {"torn": log.torn[place][log.places[0]], "level": level}
    snips = snips_value(weights, rewards, **wide)
    robust = doubly_robust_value(weights, rewards, predicted, expected, **wide)
    largest = float(weights.max()) if weights.any() else float("nan")
    mean = float(weights.mean()) if weights.any() else 1.0
    terms = {
        "snips": (snips, snips.value + weights * (rewards - snips.value) / mean),
        "dr": (robust, expected + weights * (rewards - predicted)),
    }
    return {
        method: (WeightedScores(value, largest, each, wide["torn"]), _why(value, covered))
        for method, (value, each) in terms.items()
    }


def weighted_difference(
    a: WeightedScores, b: WeightedScores, *, level: float = 0.95
) -> tuple[float, float, float]:
    """Value of ``a`` less that of ``b``, on the same traces, with its interval.

    Notes
    -----
    D ± t·√(Var(ψ_a - ψ_b)/N), ψ what each trace adds: for SNIPS V + w(r - V)/mean(w), else
    e + w(r - q). Traces on which the copies of a cross-fitted policy disagree count 1 + 2/π times
    in the variance.
    """
    apart = a.terms - b.terms
    value = float(a.value.value - b.value.value)
    if not apart.any():
        return 0.0, 0.0, 0.0
    dof = max(min(a.value.n_effective, b.value.n_effective) - 1, 2.0)
    wider = 1 + TORN * np.maximum(a.torn, b.torn)
    scatter = float((wider * (apart - apart.mean()) ** 2).sum()) / max(len(apart) - 1, 1)
    margin = student_quantile(level, dof) * (scatter / len(apart)) ** 0.5
    return value, max(value - margin, -1.0), min(value + margin, 1.0)


def _why(value: WeightedValue, covered: float) -> str:
    if covered < 0.9:
        return f"refused: the log has rewards for {covered:.0%} of this policy's traffic only"
    if value.n_effective < _FEWEST:
        return f"refused: the weighted traces are worth {value.n_effective:.1f} equal ones"
    return ""
