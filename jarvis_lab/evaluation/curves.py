"""Quality against how often the strong model is called, and against what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._curves import Queries, first_share, gap_area
from jarvis_lab._paired import percentile_interval
from jarvis_lab.evaluation.estimate import CurveEstimate
from jarvis_lab.evaluation.model_pair import ModelPair

__all__ = ["CurveEstimate", "apgr", "cpt", "routing_curve"]

Floats = NDArray[np.float64]


def routing_curve(
    traces: object,
    scores: str | Sequence[float] | Floats,
    *,
    weak: str,
    strong: str,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    cost: str | None = None,
    points: int = 101,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per strong-call share: the quality when the queries with the highest scores go up.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Complete data of (at least) the two models: every query has each exactly once.
    scores : column name, or array of float
        How much each query asks for the strong model; an array has one entry per query, in order
        of first appearance in the traces (oldest first).
    weak, strong : str
        The two models.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.
    cost : str, optional
        Number column (money, seconds, tokens) to average at each share.
    points : int
        Shares from 0 to 1, at equal distances.
    level : float
        Confidence level.
    draws : int
        Resamplings of the bootstrap over queries.
    seed : int
        Its seed.

    Returns
    -------
    DataFrame
        - ``strong_share`` (float64, in [0, 1]): share of queries that the strong model gets.
        - ``quality``, ``low``, ``high`` (float64, in [0, 1]): mean reward and its pointwise
          bootstrap interval.
        - ``random_quality`` (float64): that of sending as many queries up at random.
        - ``n`` (int64): queries.
        - ``cost``, ``cost_low``, ``cost_high`` (float64), with ``cost`` only: mean of the column
          per query, in its own unit, and its pointwise bootstrap interval.

    Raises
    ------
    ValueError
        If the data of the two models are not complete, the scores do not fit or are missing, or
        a cost is missing.

    Notes
    -----
    Queries with equal scores go up together; between such groups the curve is a straight line,
    the mean over all orders of the group.

    References
    ----------
    Ong, I. et al. (2024), RouteLLM: Learning to Route LLMs with Preference Data, arXiv 2406.18665.

    Examples
    --------
    >>> log = pd.DataFrame({"query": list("xxyy"), "model": ["w", "s"] * 2,
    ...                     "correct": [True, True, False, True], "hard": [0.1, 0.1, 0.9, 0.9]})
    >>> routing_curve(log, "hard", weak="w", strong="s", points=3)[["strong_share", "quality"]]
       strong_share  quality
    0           0.0      0.5
    1           0.5      1.0
    2           1.0      1.0
    """
    pair = ModelPair.read(traces, scores, weak, strong, query_id, reward, cost)
    grid = np.linspace(0, 1, _checks.whole("points", points, least=2))
    _checks.fraction("level", level)
    queries = Queries(pair.scores, pair.weak, pair.strong)
    quality, low, high = _on_grid(queries, grid, level, draws, seed)
    columns = {"strong_share": grid, "quality": quality, "low": low, "high": high}
    columns["random_quality"] = quality[0] + grid * (quality[-1] - quality[0])
    curve = pd.DataFrame(columns).assign(n=queries.n)
    if pair.weak_cost is not None and pair.strong_cost is not None:
        spending = Queries(pair.scores, pair.weak_cost, pair.strong_cost)
        ends = _on_grid(spending, grid, level, draws, seed)
        curve["cost"], curve["cost_low"], curve["cost_high"] = ends
    return curve


def apgr(
    traces: object,
    scores: str | Sequence[float] | Floats,
    *,
    weak: str,
    strong: str,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    cost: str | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> CurveEstimate:
    """Average performance gap recovered: ½ for a random router, more for a better one.

    Parameters
    ----------
    traces, scores, weak, strong, query_id, reward, level, draws, seed
        As for :func:`routing_curve`.
    cost : str, optional
        Number column (money, seconds, tokens). With it, the curve runs over the share of what the
        strong model costs more, instead of over the share of its calls.

    Returns
    -------
    CurveEstimate
        NaN if the strong model is no better than the weak one, or costs no more.

    Raises
    ------
    ValueError
        As for :func:`routing_curve`.

    Notes
    -----
    APGR = (area - weak)/(strong - weak), the area below the routing curve by trapezoids. It can
    be above 1 or below 0 where routing beats the strong model or does worse than the weak one.

    References
    ----------
    Ong, I. et al. (2024), RouteLLM: Learning to Route LLMs with Preference Data, arXiv 2406.18665.

    Examples
    --------
    >>> log = pd.DataFrame({"query": list("xxyy"), "model": ["w", "s"] * 2,
    ...                     "correct": [True, True, False, True], "hard": [0.1, 0.1, 0.9, 0.9]})
    >>> apgr(log, "hard", weak="w", strong="s").value
    0.75
    """
    pair = ModelPair.read(traces, scores, weak, strong, query_id, reward, cost)
    return _estimate(pair.queries(), gap_area, level, draws, seed)


def cpt(
    traces: object,
    scores: str | Sequence[float] | Floats,
    part: float,
    *,
    weak: str,
    strong: str,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    cost: str | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> CurveEstimate:
    """Call-performance threshold: the smallest strong-call share that reaches part of the gap.

    Parameters
    ----------
    traces, scores, weak, strong, query_id, reward, level, draws, seed
        As for :func:`routing_curve`.
    cost : str, optional
        Number column (money, seconds, tokens). With it, the curve runs over the share of what the
        strong model costs more, instead of over the share of its calls.
    part : float
        Part of the gap between weak and strong, from 0 to 1: 0.5 for CPT(50 %).

    Returns
    -------
    CurveEstimate
        A share in [0, 1]; NaN if the strong model is no better than the weak one, or costs no more.

    Raises
    ------
    ValueError
        As for :func:`routing_curve`.

    Notes
    -----
    The curve may fall again, so the share is where it first reaches the quality
    weak + part·(strong - weak): where its monotone envelope does.

    References
    ----------
    Ong, I. et al. (2024), RouteLLM: Learning to Route LLMs with Preference Data, arXiv 2406.18665.

    Examples
    --------
    >>> log = pd.DataFrame({"query": list("xxyy"), "model": ["w", "s"] * 2,
    ...                     "correct": [True, True, False, True], "hard": [0.1, 0.1, 0.9, 0.9]})
    >>> cpt(log, "hard", 0.5, weak="w", strong="s").value
    0.25
    """
    aim = _checks.fraction("part", part, ends=True)
    pair = ModelPair.read(traces, scores, weak, strong, query_id, reward, cost)
    return _estimate(pair.queries(), lambda x, y: first_share(x, y, aim), level, draws, seed)


def _estimate(
    queries: Queries,
    figure: Callable[[Floats, Floats], Floats],
    level: float,
    draws: int,
    seed: int,
) -> CurveEstimate:
    _checks.fraction("level", level)
    share, quality = queries.curve()
    value = float(figure(share[None, :], quality[None, :])[0])
    drawn = np.concatenate([figure(x, y) for x, y in queries.resampled(draws=draws, seed=seed)])
    low, high, note = float("nan"), float("nan"), ""
    less = "no better or no dearer" if queries.priced else "no better"
    if np.isnan(value):
        note = f"the strong model is {less} than the weak one"
    elif np.isnan(drawn).any():
        note = f"in {np.isnan(drawn).sum()} of {len(drawn)} draws the strong model is {less}"
    else:
        ends = percentile_interval(drawn[:, None], level)
        low, high = float(ends[0][0]), float(ends[1][0])
    return CurveEstimate(value, low, high, level, queries.n, note)


def _on_grid(
    queries: Queries, grid: Floats, level: float, draws: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Height of the curve over the shares of the grid, and its pointwise interval."""
    drawn = [
        np.interp(grid, x, y)
        for xs, ys in queries.resampled(draws=draws, seed=seed)
        for x, y in zip(xs, ys, strict=True)
    ]
    low, high = percentile_interval(np.array(drawn), level)
    return np.interp(grid, *queries.curve()), low, high
