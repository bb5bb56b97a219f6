"""Quality against strong-call share and against cost. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = [
    "Queries",
    "first_share",
    "frontier_hull",
    "gap_area",
    "hull_height",
    "on_frontier",
]

Floats = NDArray[np.float64]
_AT_ONCE = 4_000_000


class Queries:
    """Queries in the order in which a router sends them to the strong model.

    Parameters
    ----------
    score : array of float
        How much each query asks for the strong model; the highest go first. Equal scores go
        together: between them the curve is a straight line, the mean over all orders.
    weak, strong : array of float
        Reward of either model on each query.
    extra_cost : array of float, optional
        What the strong model costs more on each query. With it, the share is that of the extra
        cost instead of that of the queries; NaN where the strong model costs no more in all.
    """

    def __init__(self, score: Any, weak: Any, strong: Any, extra_cost: Any = None) -> None:
        first = -np.asarray(score, dtype=np.float64)
        each = np.ones(len(first)) if extra_cost is None else extra_cost
        patterns, self._times = np.unique(
            np.column_stack([first, weak, strong, each]), axis=0, return_counts=True
        )
        self.n, self.priced = len(first), extra_cost is not None
        self._weak, self._gain = patterns[:, 1], patterns[:, 2] - patterns[:, 1]
        self._cost = patterns[:, 3]
        self._ends = np.flatnonzero(np.diff(patterns[:, 0], append=np.inf))

    def curve(self) -> tuple[Floats, Floats]:
        """Share and quality at the ends of the groups of equal scores, from 0 to 1."""
        share, quality = self._curves(self._times[None, :].astype(np.float64))
        return share[0], quality[0]

    def resampled(self, *, draws: int, seed: int) -> list[tuple[Floats, Floats]]:
        """Curves of resampled queries, in blocks of draws × points."""
        _checks.whole("draws", draws, least=1)
        _checks.whole("seed", seed)
        rng, step = np.random.default_rng(seed), max(_AT_ONCE // len(self._times), 1)
        sizes = [min(step, draws - start) for start in range(0, draws, step)]
        return [
            self._curves(rng.multinomial(self.n, self._times / self.n, size=size).astype(float))
            for size in sizes
        ]

    def _curves(self, weights: Floats) -> tuple[Floats, Floats]:
        start = np.zeros((len(weights), 1))
        spent = np.cumsum(weights * self._cost, axis=1)[:, self._ends]
        share = spent / np.where(spent[:, -1:] > 0, spent[:, -1:], np.nan)
        gain = np.cumsum(weights * self._gain, axis=1)[:, self._ends] / self.n
        weak = (weights @ self._weak)[:, None] / self.n
        return np.hstack([start, share]), weak + np.hstack([start, gain])


def gap_area(share: Floats, quality: Floats) -> Floats:
    """APGR of each curve (row); NaN where the strong model is no better."""
    area = (np.diff(share, axis=1) * (quality[:, 1:] + quality[:, :-1]) / 2).sum(1)
    weak, gap = quality[:, 0], quality[:, -1] - quality[:, 0]
    return np.where(gap > 0, (area - weak) / np.where(gap > 0, gap, 1), np.nan)


def first_share(share: Floats, quality: Floats, part: float) -> Floats:
    """Smallest share of each curve that reaches ``part`` of the gap; NaN without a gap."""
    gap = quality[:, -1] - quality[:, 0]
    target = quality[:, 0] + part * gap
    reached = quality >= target[:, None] - 1e-12
    place = np.argmax(reached, axis=1)
    row, before = np.arange(len(share)), np.maximum(place - 1, 0)
    low, high = quality[row, before], quality[row, place]
    rise = np.where(high > low, high - low, 1)
    within = np.clip((target - low) / rise, 0, 1)
    x = share[row, before] + within * (share[row, place] - share[row, before])
    return np.where((gap > 0) & ~np.isnan(x), np.where(place == 0, 0.0, x), np.nan)


def frontier_hull(cost: Any, quality: Any) -> tuple[Floats, Floats]:
    """Corners of the non-decreasing convex hull of the points, by cost, up to the highest cost.

    >>> x, y = frontier_hull([1, 2, 3, 4], [0.5, 0.5, 0.9, 0.7])
    >>> x.tolist(), y.tolist()
    ([1.0, 3.0, 4.0], [0.5, 0.9, 0.9])
    """
    c, q = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    order = np.lexsort((q, c))
    c, q = c[order], np.maximum.accumulate(q[order])
    last = np.append(c[1:] != c[:-1], True)  # of equal costs, the best
    corners: list[tuple[float, float]] = []
    for point in zip(c[last].tolist(), q[last].tolist(), strict=True):
        while len(corners) > 1 and _below(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    x, y = np.array(corners).T
    return x, y


def hull_height(cost: Any, quality: Any) -> float:
    """AIQ: mean height of the hull over the range of costs (of one cost, the best quality)."""
    x, y = frontier_hull(cost, quality)
    width = x[-1] - x[0]
    return float(np.trapezoid(y, x) / width) if width > 0 else float(y[-1])


def on_frontier(cost: Floats, quality: Floats) -> NDArray[np.bool_]:
    """Which points no other beats: at most their cost, at least their quality, one of them truly.

    >>> on_frontier(np.array([1.0, 2.0, 2.0]), np.array([0.5, 0.9, 0.8])).tolist()
    [True, True, False]
    """
    cheaper, better = cost[:, None] <= cost, quality[:, None] >= quality
    truly = (cost[:, None] < cost) | (quality[:, None] > quality)
    return np.asarray(~(cheaper & better & truly).any(0))


def _below(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])
