"""What to log next, so that a policy's value is known well enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._cells import Cells
from jarvis_lab._logged_value import LEAST_EFFECTIVE, Valuation, cell_spread, value_of_policy
from jarvis_lab.classes import By
from jarvis_lab.evaluation.strata import stratified
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["PLAN_COLUMNS", "exploration_plan", "extra_traces", "with_traces"]

Floats = NDArray[np.float64]
#: The columns of :func:`exploration_plan`.
PLAN_COLUMNS = ("query_class", "model", "share", "n", "mean", "samples", "note")
_STEPS, _INNER = 30, 18
_FEW = 5


def exploration_plan(
    traces: object,
    policy: RouterPolicy,
    *,
    width: float,
    level: float = 0.95,
    by: By | None = None,
    reward: str | None = None,
    propensity: str | None = "propensity",
    query_id: str | Sequence[str] | None = None,
    folds: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per query class and model to sample: how many more traces, for a width to aim at.

    Parameters
    ----------
    traces, policy, level, by, reward, propensity, query_id, folds, seed
        As for :func:`logged_value`.
    width : float
        Width of the interval to aim at, high less low, between 0 and 1.

    Returns
    -------
    DataFrame
        The most samples first; empty if the interval is as narrow already:

        - ``query_class``, ``model`` (str).
        - ``share`` (float64, in [0, 1]): of the policy's traffic.
        - ``n`` (float64): rewards that the log has there (effective, if weighted).
        - ``mean`` (float64, in [0, 1]): their mean; NaN without any.
        - ``samples`` (int64): traces with a reward to add.
        - ``note`` (str): "no rewards yet", or fewer than 5.

    Raises
    ------
    ValueError
        If ``width`` is not between 0 and 1; if the log has no traces, or the policy names no
        model for some of them; and as for :func:`logged_value`.

    Notes
    -----
    The smallest total for which the interval of :func:`logged_value` is expected to be as narrow,
    and is not refused: cell j, with share ω_j, n_j rewards and σ_j = √(φp̃_j(1-p̃_j)), gets
    max(n_j, ω_j·√(λ²σ_j² + κ²)) in all (Neyman's allocation on top of what is there), λ and κ the
    smallest with which the width and n* ≥ 30 are met; every cell gets a trace. Rewards to come are
    taken to be as the shrunken means say, so the width that comes out differs a little. Send
    queries of the class to the model as they come in, and log the rest of the traffic too: the
    shares of the classes are taken from the log.

    References
    ----------
    Neyman, J. (1934), On the two different aspects of the representative method, Journal of the
    Royal Statistical Society 97, 558-625.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": ["import os"] * 90 + ["hi"] * 60, "model": list("ab") * 75,
    ...                     "correct": [True, True, False, False] * 37 + [True, False]})
    >>> log = log[(log["query"] != "hi") | (log["model"] != "a")]
    >>> exploration_plan(log, AlwaysPolicy("a"), width=0.15)[
    ...     ["query_class", "model", "n", "mean", "samples"]].round(2)
      query_class model     n  mean  samples
    0        code     a  45.0  0.51       82
    1       short     a   0.0   NaN       43
    """
    _checks.fraction("width", width)
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
    if not len(log.strata):
        raise ValueError("The log has no traces, so it does not tell what there is to sample.")
    pi = log.policies[0]
    weight = log.cells.shares[:, None] * pi
    nameless = float(weight[:, [not name for name in log.models]].sum())
    if nameless > 0:
        raise ValueError(
            f"The policy names no model for {nameless:.0%} of the traffic, so nothing can be "
            "sampled there: give it a default model."
        )
    extra = extra_traces(log.cells, pi, width=width, torn=log.torn[0], level=level)
    rows, columns = np.nonzero(extra > 0)
    n = log.cells.n[rows, columns]
    table = pd.DataFrame(
        {
            "query_class": [log.strata[row] for row in rows],
            "model": [log.models[column] for column in columns],
            "share": weight[rows, columns],
            "n": n,
            "mean": np.where(n > 0, log.cells.mean[rows, columns], np.nan),
            "samples": extra[rows, columns],
            "note": [_note(float(have)) for have in n],
        },
        columns=list(PLAN_COLUMNS),
    )
    kinds = dict.fromkeys(("query_class", "model", "note"), "str")
    table = table.astype({**kinds, "samples": "int64"})
    order = ["samples", "query_class", "model"]
    return table.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def extra_traces(
    cells: Cells, policy: Floats, *, width: float, torn: Any = 0.0, level: float = 0.95
) -> Floats:
    """Traces to add to each cell, class × model, so that the interval is expected to be as narrow.

    Parameters
    ----------
    cells : Cells
        The log.
    policy : ndarray of float, class × model
        Probability of each model in each class.
    width : float
        Width of the interval.
    torn : array of float, class
        As for :func:`jarvis_lab._logged_value.value_of_policy`.
    level : float
        Confidence level.

    Returns
    -------
    ndarray of float
        Whole numbers; all 0 if the interval is as narrow already and is not refused.
    """
    now = value_of_policy(cells, policy, torn=torn, level=level)
    if not now.refused and now.high - now.low <= width:
        return np.zeros(cells.n.shape)
    weight = cells.shares[:, None] * policy
    mean, sigma = cell_spread(cells, policy)

    def extra(neyman: float, even: float) -> Floats:
        wanted = weight * np.hypot(neyman * sigma, even) - cells.n
        least = np.where((weight > 0) & (cells.n == 0), 1.0, 0.0)
        return np.ceil(np.maximum(wanted, least))

    def after(neyman: float, even: float) -> Valuation:
        sampled = with_traces(cells, extra(neyman, even), mean, sigma)
        limits = {"least_covered": 0.0, "least_effective": 0.0}
        return value_of_policy(sampled, policy, torn=torn, level=level, **limits)

    def narrow(neyman: float, even: float) -> bool:
        found = after(neyman, even)
        return found.high - found.low <= width

    def enough(neyman: float, even: float) -> bool:
        return after(neyman, even).n_effective >= LEAST_EFFECTIVE

    neyman = _smallest(lambda x: narrow(x, 0.0))
    if enough(neyman, 0.0):
        return extra(neyman, 0.0)
    even = _smallest(lambda x: enough(0.0, x))
    if narrow(0.0, even):
        return extra(0.0, even)

    def beside(x: float) -> float:
        return _smallest(lambda y: narrow(y, x), steps=_INNER)

    even = _smallest(lambda x: enough(beside(x), x), steps=_INNER, most=even)
    return extra(beside(even), even)


def with_traces(cells: Cells, extra: Floats, mean: Floats, sigma: Floats) -> Cells:
    """The log with more traces in each cell, whose rewards have these means and deviations."""
    n = cells.n + extra
    known = np.where(cells.n > 0, cells.mean, 0.0)
    scatter = np.maximum(cells.n - 1, 0) * cells.variance + extra * sigma**2
    return replace(
        cells,
        n=n,
        mean=np.where(n > 0, (cells.n * known + extra * mean) / np.maximum(n, 1e-300), 0.0),
        variance=np.where(n > 1, scatter / np.maximum(n - 1, 1), 0.0),
        class_n=cells.class_n + extra.sum(1),
        class_total=cells.class_total + (extra * mean).sum(1),
        size=cells.size + float(extra.sum()),
    )


def _smallest(
    holds: Callable[[float], bool], *, steps: int = _STEPS, most: float | None = None
) -> float:
    """The smallest number above 0 for which a condition holds that holds from there on."""
    high = 1.0 if most is None else most
    while most is None and not holds(high) and high < 1e15:
        high *= 4
    low = 0.0 if most is not None or high == 1.0 else high / 4
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _note(n: float) -> str:
    if n == 0:
        return "no rewards yet"
    return f"fewer than {_FEW} rewards yet" if n < _FEW else ""
