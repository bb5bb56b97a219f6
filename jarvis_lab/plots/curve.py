"""Quality against how often the strong model is called, or against what that costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from jarvis_lab import _checks
from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import shown_names
from jarvis_lab.plots._values import level_words, numbers

__all__ = ["plot_routing_curve"]

_HINT = "Make the table with routing_curve()."
_DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
_FEW = 5
_MOST = len(_canvas.PALETTE) * len(_DASHES)


@dataclass(frozen=True)
class _Curve:
    """Columns as arrays; those that the table lacks are None."""

    x: np.ndarray
    quality: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    random: np.ndarray | None
    envelope: np.ndarray | None
    n: float


def plot_routing_curve(
    curve: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    x: str = "strong_share",
    level: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what routing more queries to the strong model buys, with its bootstrap band.

    Parameters
    ----------
    curve
        The table of :func:`jarvis_lab.routing_curve`, or a mapping of name to such tables, which
        should be of the same two models on the same queries.
    x
        The column to draw quality against: ``"strong_share"``, or one of money or time where the
        table has it.
    level
        Level of the band, for the label; without it, ``attrs["level"]`` of the first table, and no
        level in the label if there is none.
    ax
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        One line per curve, told apart by colour and dashes, with a band from ``low`` to ``high``
        where the table has them, and a thin line at ``envelope``, where it has it: the best
        quality at this x or below. The dotted line is random routing, from the weak model alone
        to the strong one alone. An empty table or mapping gives an Axes with a sentence.

    Raises
    ------
    TypeError
        If a table is not a DataFrame.
    ValueError
        If a column is missing or holds no numbers, or there are more than 32 curves.

    Notes
    -----
    Nothing is computed. The quality axis does not begin at 0.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"strong_share": [0, 0.5, 1], "quality": [0.6, 0.75, 0.8],
    ...                       "random_quality": [0.6, 0.7, 0.8], "n": 100})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_routing_curve(curve, ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['routing', 'random routing']
    """
    many = isinstance(curve, Mapping) and not isinstance(curve, pd.DataFrame)
    tables: dict[str, Any] = {str(k): v for k, v in curve.items()} if many else {"routing": curve}
    if len(tables) > _MOST:
        raise ValueError(f"{len(tables)} curves cannot be told apart: draw at most {_MOST}.")
    found = {name: _read(table, x, name if many else "") for name, table in tables.items()}
    curves = {name: one for name, one in found.items() if len(one.x)}
    if not curves:
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No curve: the table has no rows.")
    ax = ax or _canvas.new_axes(7.4, 4.4)
    handles = [_draw(ax, one, place) for place, one in enumerate(curves.values())]
    names = shown_names(list(curves), least=30)
    if len({one.n for one in curves.values()}) > 1:
        pairs = zip(names, curves.values(), strict=True)
        names = [f"{name} (n = {_count(one.n)})" for name, one in pairs]
    handles += _guides(ax, list(curves.values()))
    names += [str(handle.get_label()) for handle in handles[len(names) :]]
    interval = level_words(next(iter(tables.values())), level)
    _dress(ax, list(curves.values()), x, interval)
    empty = [str(number) for number in range(len(names))]
    legend = ax.legend(handles, empty, fontsize=8, **_place(len(names)))
    _canvas.relabel(list(legend.get_texts()), names)
    return ax


def _place(names: int) -> dict[str, Any]:
    """Of the legend: below the curves, which rise, where it has room; else beside the plot."""
    if names <= _FEW:
        return {"loc": "lower right", "frameon": True, "framealpha": 0.8, "edgecolor": "none"}
    beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    return beside | {"frameon": False, "ncols": 1 if names <= 12 else 2}


def _read(table: Any, x: str, name: str) -> _Curve:
    where = f"curve[{name!r}]" if name else "curve"
    _checks.frame(where, table, hint=_HINT)
    if not len(table):
        return _Curve(np.empty(0), np.empty(0), None, None, None, None, math.nan)
    for column in (x, "quality"):
        _checks.column(column, table.columns, where=where, hint=_HINT)
    low, high, at_random, envelope, n = (
        numbers(table, column, where=where) if column in table else None
        for column in ("low", "high", "random_quality", "envelope", "n")
    )
    count = math.nan if n is None else float(n[0])
    across, quality = (numbers(table, column, where=where) for column in (x, "quality"))
    return _Curve(across, quality, low, high, at_random, envelope, count)


def _draw(ax: Axes, one: _Curve, place: int) -> Line2D:
    """Band, envelope and line of one curve; gives the line."""
    colour = _canvas.PALETTE[place % len(_canvas.PALETTE)]
    dashes = _DASHES[(place // len(_canvas.PALETTE) + place) % len(_DASHES)]
    if one.low is not None and one.high is not None:
        ax.fill_between(one.x, one.low, one.high, color=colour, alpha=0.16, lw=0, zorder=1)
    if one.envelope is not None:
        ax.plot(one.x, one.envelope, color=colour, lw=0.9, alpha=0.9, zorder=2)
    style: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 2.0}
    (line,) = ax.plot(one.x, one.quality, zorder=3, **style)
    if len(one.x) == 1:
        line.set_marker("o")
    return line


def _guides(ax: Axes, curves: list[_Curve]) -> list[Line2D]:
    """Random routing, once for each pair of ends, and what a thin line is."""
    colour = mpl.rcParams["text.color"]
    handles: list[Line2D] = []
    seen = set()
    for one in curves:
        if one.random is None:
            continue
        ends = [(float(one.x[place]), float(one.random[place])) for place in (0, -1)]
        if str(np.round(ends, 9)) in seen:
            continue
        seen.add(str(np.round(ends, 9)))
        xs, ys = zip(*ends, strict=True)
        (line,) = ax.plot(xs, ys, color=colour, ls=(0, (1, 2)), lw=1.4, alpha=0.8, zorder=2)
        ax.plot(xs, ys, color=colour, ls="none", marker="o", ms=4, zorder=4, clip_on=False)
        if not handles:
            line.set_label("random routing")
            handles.append(line)
    if any(one.envelope is not None for one in curves):
        handles.append(Line2D([], [], color=colour, lw=0.9, label="best at this share or below"))
    return handles


def _dress(ax: Axes, curves: list[_Curve], x: str, interval: str) -> None:
    share = x == "strong_share"
    label = "share of queries sent to the strong model" if share else f"mean {x} per query"
    counts = {one.n for one in curves}
    if len(counts) == 1 and curves[0].n > 0:
        label += f" (n = {_count(curves[0].n)})"
    ax.set_xlabel(label, fontsize=9.5, **_canvas.PLAIN)
    band = any(one.low is not None for one in curves)
    ax.set_ylabel(f"mean reward, with its {interval}" if band else "mean reward", fontsize=9.5)
    if share:
        ax.set_xlim(-0.02, 1.02)
    if all(len(one.x) == 1 for one in curves):
        ax.margins(0.2)
    ax.grid(color=mpl.rcParams["text.color"], alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def _count(n: float) -> str:
    return "?" if math.isnan(n) else f"{int(n):,}"
