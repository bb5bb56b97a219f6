"""Quality against cost, with the frontier of what is worth its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from jarvis_lab import _checks
from jarvis_lab._curves import on_frontier
from jarvis_lab.plots import _canvas
from jarvis_lab.plots._placing import place_names
from jarvis_lab.plots._table import shown_names
from jarvis_lab.plots._values import ValueRow, level_words, numbers, read_values

__all__ = ["plot_quality_cost"]

_HINT = (
    "Make the table with pareto_frontier(), or with complete_values() and the cost column in "
    "also=[...]."
)
_SIZE = 8.0
#: what a point is -> colour, marker, filled
_LOOKS: dict[str, tuple[str, str, bool]] = {
    "frontier": (_canvas.PALETTE[0], "o", True),
    "dominated": ("#999999", "o", True),
    "flattered": (_canvas.PALETTE[1], "s", False),
    "unattainable": ("#808080", "D", False),
}
_MEANING = {
    "frontier": "on the frontier: nothing is cheaper and as good",
    "dominated": "something else is no dearer and at least as good",
    "flattered": "not cross-fitted: flatters itself",
    "unattainable": "not attainable",
}


@dataclass(frozen=True)
class _Points:
    """What is drawn (one entry per point), and what is not, in words."""

    names: list[str]
    cost: np.ndarray
    cost_low: np.ndarray
    cost_high: np.ndarray
    quality: np.ndarray
    low: np.ndarray
    high: np.ndarray
    looks: list[str]
    left_out: list[str]


def plot_quality_cost(
    values: pd.DataFrame,
    *,
    cost: str | None = None,
    level: float | None = None,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw quality against cost, with intervals, the frontier and names.

    Parameters
    ----------
    values
        The table of :func:`jarvis_lab.pareto_frontier`, one row per model, or that of
        :func:`jarvis_lab.complete_values` with the column of cost named in ``also``, one row per
        policy.
    cost
        The column of cost: money, seconds, tokens. Without it, ``"cost"`` for a table of
        ``pareto_frontier`` and ``"cost_usd"`` for one of values.
    level
        Level of the intervals, for the label; without it, ``values.attrs["level"]``, and no level
        in the label if there is none.
    log
        Whether the cost axis is logarithmic, for costs of several orders of magnitude.
    ax
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        One point per row, those on the frontier joined by steps: at each cost, the best that
        money buys. Dominated ones are grey. A policy not cross-fitted is a hollow square and one
        that is not attainable a hollow diamond; neither takes part in the frontier. Names stand
        where they cover nothing, those of the frontier first. Below the plot stands what is not
        drawn, refused policies above all, and how many points have no name for want of room. An
        empty table gives an Axes with a sentence.

    Raises
    ------
    TypeError
        If ``values`` is not a DataFrame.
    ValueError
        If a column is missing or holds no numbers, or ``log`` is asked for with a cost of 0.

    Notes
    -----
    Which rows are on the frontier is read from ``on_frontier``; where the table has no such
    column, it is found among the rows drawn. Neither axis begins at 0.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.DataFrame({"policy": ["small", "large"], "value": [0.6, 0.8],
    ...                        "low": [0.5, 0.7], "high": [0.7, 0.9], "n": [90, 90],
    ...                        "status": "ok", "cost_usd": [0.001, 0.03]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_quality_cost(values, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'mean cost_usd per query'
    """
    _checks.frame("values", values, hint=_HINT)
    if not len(values):
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "Nothing to draw: no rows.")
    points = _read(values, cost)
    note = f"Not shown: {'; '.join(points.left_out)}." if points.left_out else ""
    if not points.names:
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), note)
    if log and not (points.cost > 0).all():
        raise ValueError("log=True needs costs above 0; draw without it.")
    ax = ax or _canvas.new_axes(7.6, 4.9)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    _draw(ax, points)
    ax.set_xlabel(f"mean {_cost_column(values, cost)} per query", fontsize=9.5, **_canvas.PLAIN)
    interval = level_words(values, level)
    ax.set_ylabel(f"mean reward, with its {interval}", fontsize=9.5)
    below = _dress(ax, points, note)
    unnamed = _place(ax, points)
    if unnamed:
        below.remove()
        _canvas.line_below(ax, f"{_unnamed(points, unnamed)} {note}")
    return ax


def _cost_column(values: pd.DataFrame, cost: str | None) -> str:
    of_models = "policy" not in values and ("model" in values or "quality" in values)
    return cost or ("cost" if of_models else "cost_usd")


def _read(values: pd.DataFrame, cost: str | None) -> _Points:
    column = _cost_column(values, cost)
    _checks.column(column, values.columns, where="values", hint=_HINT)
    table, name = values, "policy"
    if "quality" in values and "policy" not in values:
        kept = {"quality": "value", "quality_low": "low", "quality_high": "high"}
        for end in kept:
            _checks.column(end, values.columns, where="values", hint=_HINT)
        table, name = values.rename(columns=kept), "model"
    rows = read_values(table, "value", name=name, hint=_HINT)
    money = numbers(values, column, where="values")
    ends = [
        numbers(values, end, where="values") if end in values else np.full(len(rows), math.nan)
        for end in (f"{column}_low", f"{column}_high")
    ]
    shown = [place for place, row in enumerate(rows) if _lack(row, money[place], column) == ""]
    clean = shown_names([row.name for row in rows], least=30)
    left_out = [
        f"{clean[place]} ({_lack(row, money[place], column)})"
        for place, row in enumerate(rows)
        if place not in shown
    ]
    looks = _looks(values, [rows[place] for place in shown], money[shown], shown)
    worth = np.array([(row.value, row.low, row.high) for row in rows])[shown].reshape(-1, 3)
    return _Points(
        [clean[place] for place in shown],
        money[shown],
        ends[0][shown],
        ends[1][shown],
        worth[:, 0],
        worth[:, 1],
        worth[:, 2],
        looks,
        left_out,
    )


def _lack(row: ValueRow, money: float, column: str) -> str:
    """Why a row cannot be drawn; empty if it can."""
    if row.kind == "refused":
        return "refused" if row.words.startswith("refused") else "no value"
    return f"no {column}" if math.isnan(money) else ""


def _looks(
    values: pd.DataFrame, rows: list[ValueRow], money: np.ndarray, shown: list[int]
) -> list[str]:
    """What each point drawn is."""
    if "on_frontier" in values:
        flags = [bool(values["on_frontier"].iloc[place]) for place in shown]
    else:
        fair = np.array([row.kind == "ok" for row in rows], dtype=bool)
        flags = [False] * len(rows)
        worth = np.array([row.value for row in rows])
        if fair.any():
            best = on_frontier(money[fair], worth[fair])
            for place, is_best in zip(np.flatnonzero(fair), best, strict=True):
                flags[place] = bool(is_best)
    return [
        row.kind if row.kind != "ok" else "frontier" if flag else "dominated"
        for row, flag in zip(rows, flags, strict=True)
    ]


def _draw(ax: Axes, points: _Points) -> None:
    """Intervals, markers and the steps of the frontier."""
    for look, (colour, marker, filled) in _LOOKS.items():
        own = np.array([one == look for one in points.looks])
        if not own.any():
            continue
        x, y = points.cost[own], points.quality[own]
        style: dict[str, Any] = {"colors": colour, "linewidth": 1.2, "zorder": 2}
        style["alpha"] = 0.8 if look == "frontier" else 0.45
        ax.vlines(x, points.low[own], points.high[own], **style)
        ax.hlines(y, points.cost_low[own], points.cost_high[own], **style)
        face = colour if filled else ax.get_facecolor()
        size = 7 if look == "frontier" else 5.5
        over = 5 if look == "frontier" else 4
        ax.plot(x, y, ls="none", marker=marker, color=colour, mfc=face, ms=size, zorder=over)
    steps = _steps(points)
    ax.plot(steps[:, 0], steps[:, 1], color=_canvas.PALETTE[0], lw=1.3, ls=(0, (5, 2)), zorder=3)


def _steps(points: _Points) -> np.ndarray:
    """Corners of the frontier: level until the next better point is affordable."""
    own = np.array([one == "frontier" for one in points.looks])
    found = sorted(set(zip(points.cost[own], points.quality[own], strict=True)))
    corners: list[tuple[float, float]] = []
    for x, y in found:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return np.array(corners, dtype=float).reshape(-1, 2)


def _dress(ax: Axes, points: _Points, note: str) -> Annotation:
    """Axes, legend and the line below; gives that line."""
    ax.margins(0.08, 0.14)
    ax.grid(color=mpl.rcParams["text.color"], alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    handles = []
    names = []
    for look, (colour, marker, filled) in _LOOKS.items():
        if look in points.looks:
            line = (0, (5, 2)) if look == "frontier" else "none"
            face = colour if filled else ax.get_facecolor()
            handles.append(Line2D([], [], color=colour, marker=marker, mfc=face, ms=5.5, ls=line))
            names.append(_MEANING[look])
    _canvas.legend_above(ax, handles, names)
    return _canvas.line_below(ax, note)


def _unnamed(points: _Points, places: list[int]) -> str:
    """Which points have no name; by name, if they are on the frontier."""
    best = [points.names[place] for place in places if points.looks[place] == "frontier"]
    have = _checks.plural(len(places), "has", "have")
    text = f"{len(places)} of {len(points.names)} points {have} no name here for want of room"
    return f"{text}, on the frontier {', '.join(best)}." if best else f"{text}."


def _place(ax: Axes, points: _Points) -> list[int]:
    """Write the names; gives the points without room for theirs."""
    _canvas.settle(ax)
    at = np.column_stack([points.cost, points.quality])
    first = [place for place, look in enumerate(points.looks) if look == "frontier"]
    rest = [place for place in range(len(at)) if place not in first]
    for group in (first, rest):
        group.sort(key=lambda place: -points.quality[place])
    lines = [_steps(points)]
    for x, low, high in zip(points.cost, points.low, points.high, strict=True):
        if not math.isnan(low + high):
            lines.append(np.array([[x, low], [x, high]]))
    order = first + rest
    return place_names(ax, at, points.names, order=order, size=_SIZE, lines=lines, bold=first)
