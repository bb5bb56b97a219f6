"""Quality against cost: which models are worth their price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._curves import frontier_hull, hull_height, on_frontier
from jarvis_lab._paired import bootstrap_means, percentile_interval
from jarvis_lab.evaluation.costs import query_costs
from jarvis_lab.evaluation.estimate import CurveEstimate
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.outcomes import CompleteOutcomes, complete_outcomes

__all__ = ["aiq", "pareto_frontier"]

Floats = NDArray[np.float64]


def pareto_frontier(
    traces: object,
    *,
    cost: str = "cost_usd",
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per model: what it costs, what it earns, and whether another beats it at both.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Complete data: every query has every model (or strategy) exactly once.
    cost : str
        Number column: money, seconds, tokens.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.
    level : float
        Confidence level.
    draws : int
        Resamplings of the bootstrap over queries.
    seed : int
        Its seed.

    Returns
    -------
    DataFrame
        The cheapest first:

        - ``model`` (str).
        - ``cost``, ``cost_low``, ``cost_high`` (float64): mean of the column per query, in its
          own unit, with a bootstrap interval.
        - ``quality``, ``quality_low``, ``quality_high`` (float64, in [0, 1]): mean reward.
        - ``on_frontier`` (bool): no other model is at most as dear and at least as good, and one
          of them truly.
        - ``frontier_share`` (float64, in [0, 1]): share of the resampled data in which it is.
        - ``on_hull`` (bool): a corner of the convex hull, so not beaten by a mix of two others.
        - ``n`` (int64): queries.

    Raises
    ------
    ValueError
        If the data are not complete, or a cost is missing.

    Examples
    --------
    >>> log = pd.DataFrame({"query": list("xxxyyy"), "model": list("abc") * 2,
    ...                     "correct": [True, True, True, False, True, False],
    ...                     "cost_usd": [1, 2, 3, 1, 2, 3]})
    >>> pareto_frontier(log)[["model", "cost", "quality", "on_frontier"]]
      model  cost  quality  on_frontier
    0     a   1.0      0.5         True
    1     b   2.0      1.0         True
    2     c   3.0      0.5        False
    """
    found, costs = _costed(traces, cost, query_id, reward)
    models = len(found.models)
    both = np.hstack([costs, found.rewards])
    means, drawn = both.mean(0), bootstrap_means(both, draws=draws, seed=seed)
    low, high = percentile_interval(drawn, _checks.fraction("level", level))
    often = np.mean([on_frontier(row[:models], row[models:]) for row in drawn], axis=0)
    corners = set(zip(*frontier_hull(means[:models], means[models:]), strict=True))
    frontier = on_frontier(means[:models], means[models:])
    table = pd.DataFrame({"model": pd.Series(found.models, dtype="str")})
    for name, part in (("cost", slice(None, models)), ("quality", slice(models, None))):
        table[name] = means[part]
        table[f"{name}_low"], table[f"{name}_high"] = low[part], high[part]
    table["on_frontier"], table["frontier_share"] = frontier, often
    points = zip(table["cost"], table["quality"], strict=True)
    table["on_hull"] = [bool(f) and p in corners for f, p in zip(frontier, points, strict=True)]
    table["n"] = len(found.rewards)
    return table.sort_values(["cost", "model"]).reset_index(drop=True)


def aiq(
    traces: object,
    *,
    cost: str = "cost_usd",
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> CurveEstimate:
    """Average improvement in quality: mean height of the hull of (cost, quality).

    Parameters
    ----------
    traces, cost, query_id, reward, level, draws, seed
        As for :func:`pareto_frontier`; the models may be the settings of one router.

    Returns
    -------
    CurveEstimate
        In [0, 1].

    Raises
    ------
    ValueError
        As for :func:`pareto_frontier`.

    Notes
    -----
    The area below the non-decreasing convex hull of the points over [c_min, c_max], divided by
    c_max - c_min (not by c_max); of a single cost, the best quality.

    References
    ----------
    Hu, Q. J. et al. (2024), RouterBench: A Benchmark for Multi-LLM Routing System,
    arXiv 2403.12031.

    Examples
    --------
    >>> log = pd.DataFrame({"query": list("xxyy"), "model": list("abab"),
    ...                     "correct": [True, True, False, True], "cost_usd": [1, 2, 1, 2]})
    >>> aiq(log).value
    0.75
    """
    found, costs = _costed(traces, cost, query_id, reward)
    models = len(found.models)
    both = np.hstack([costs, found.rewards])
    drawn = bootstrap_means(both, draws=draws, seed=seed)
    heights = np.array([[hull_height(row[:models], row[models:])] for row in drawn])
    low, high = percentile_interval(heights, _checks.fraction("level", level))
    means = both.mean(0)
    value = hull_height(means[:models], means[models:])
    note = "" if np.ptp(means[:models]) > 0 else "all models cost the same: the best quality"
    return CurveEstimate(value, float(low[0]), float(high[0]), level, len(both), note)


def _costed(
    traces: object, cost: str, query_id: str | Sequence[str] | None, reward: str | None
) -> tuple[CompleteOutcomes, Floats]:
    frame = read_traces(traces)
    found = complete_outcomes(frame, query_id=query_id, reward=reward)
    return found, query_costs(frame, found, cost, query_id=query_id)
