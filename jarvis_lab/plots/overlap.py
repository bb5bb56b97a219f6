"""Where a log can tell what a policy is worth: its choices on the log's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from jarvis_lab import _checks
from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import shown_names
from jarvis_lab.plots._values import numbers
from jarvis_lab.plots._words import width_of

__all__ = ["plot_overlap"]

_HINT = "Make the table with overlap()."
_NEEDED = ("query_class", "model", "logged_share", "policy_share", "n", "covered")
_CHOICE, _CROSS = "#D55E00", "#D55E00"
_DASHED = (0, (2.2, 1.2))
_COLOURS = "Blues"
_BAR_WIDTH, _BAR_HEIGHT = 0.16, 2.4
_WIDE, _HIGH = 0.82, 0.52  # inches of a cell in a figure of its own


@dataclass(frozen=True)
class _Grid:
    """Class × model: shares of log and policy (NaN without a row), n, and two flags."""

    classes: list[str]
    models: list[str]
    logged: np.ndarray
    policy: np.ndarray
    n: np.ndarray
    covered: np.ndarray
    noted: np.ndarray
    traffic: dict[str, float]


def plot_overlap(overlap: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how often the log used each model in each class, and where the policy would go.

    Parameters
    ----------
    overlap
        The table of :func:`jarvis_lab.overlap`, one row per class and model.
    ax
        Where to draw; without it, a new figure whose size fits the content.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each class, with its share of the traffic, and a column for each model, in the
        order of the table. A cell's colour and first number are the model's share of the class in
        the log; below it stands the number of rewards. A frame marks what the policy uses, with
        the part that it sends there if that is not everything; a dashed one has a ``note``. A
        cross through the frame marks a choice that the log cannot judge. A class and model that
        the table lacks are hatched. In an ``ax`` too small for it, n is left out, then the share.
        An empty table gives an Axes with a sentence.

    Raises
    ------
    TypeError
        If ``overlap`` is not a DataFrame.
    ValueError
        If a column is missing or holds no numbers, or a class and model come twice.

    Examples
    --------
    >>> import pandas as pd
    >>> overlap = pd.DataFrame({
    ...     "query_class": ["code", "code"], "model": ["a", "b"], "traffic_share": [1.0, 1.0],
    ...     "logged_share": [1.0, 0.0], "policy_share": [0.0, 1.0], "n": [40, 0],
    ...     "covered": [True, False]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_overlap(overlap, ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_legend().get_texts()][1:]
    ['framed: the policy goes here', 'crossed: the log cannot judge it there']
    """
    _checks.frame("overlap", overlap, hint=_HINT)
    if not len(overlap):
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No overlap: the table has no rows.")
    grid = _read(overlap)
    names, rows = shown_names(grid.models), _row_names(grid)
    if ax is None:
        below = max(width_of(name, 8) for name in names) * (1 if len(names) > 12 else 0.6)
        beside = max(width_of(row, 8) for row in rows)
        wide = max(_WIDE * len(names) + beside + 1.3, 5.2)
        ax = _canvas.new_axes(wide, max(_HIGH * len(rows), 1.5) + below + 1.0)
    mesh = _mesh(ax, grid)
    lines = _write(ax, grid, mesh)
    for row, column in np.ndindex(*grid.logged.shape):
        _mark(ax, grid, row, column)
    _label(ax, names, rows)
    _bar(ax, mesh)
    _legend(ax, grid, lines)
    return ax


def _read(overlap: pd.DataFrame) -> _Grid:
    for name in _NEEDED:
        _checks.column(name, overlap.columns, where="overlap", hint=_HINT)
    pairs = [
        (str(label), str(model))
        for label, model in zip(overlap["query_class"], overlap["model"], strict=True)
    ]
    if len(set(pairs)) < len(pairs):
        label, model = next(pair for pair in pairs if pairs.count(pair) > 1)
        raise ValueError(
            f"overlap has more than one row for class {label!r} and model {model!r}. Draw one "
            "policy at a time."
        )
    classes, models = (list(dict.fromkeys(names)) for names in zip(*pairs, strict=True))
    shape = (len(classes), len(models))
    logged, policy, n = (np.full(shape, math.nan) for _ in range(3))
    covered, noted = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    at = [(classes.index(label), models.index(model)) for label, model in pairs]
    for grid, name in ((logged, "logged_share"), (policy, "policy_share"), (n, "n")):
        for place, number in zip(at, numbers(overlap, name, where="overlap"), strict=True):
            grid[place] = number
    for place, flag in zip(at, overlap["covered"], strict=True):
        covered[place] = not pd.isna(flag) and bool(flag)
    for place, note in zip(at, overlap.get("note", []), strict=False):
        noted[place] = not pd.isna(note) and bool(str(note).strip())
    traffic: dict[str, float] = {}
    if "traffic_share" in overlap:
        shares = numbers(overlap, "traffic_share", where="overlap")
        traffic = {label: float(s) for (label, _), s in zip(pairs, shares, strict=True)}
    return _Grid(classes, models, logged, policy, n, covered, noted, traffic)


def _row_names(grid: _Grid) -> list[str]:
    names = shown_names(grid.classes, least=30)
    shares = [grid.traffic.get(label, math.nan) for label in grid.classes]
    return [
        name if math.isnan(share) else f"{name} ({share:.0%})"
        for name, share in zip(names, shares, strict=True)
    ]


def _mesh(ax: Axes, grid: _Grid) -> QuadMesh:
    rows, columns = grid.logged.shape
    known = grid.logged[~np.isnan(grid.logged)]
    highest = _canvas.limits(0.0, float(known.max()) if known.size else 1.0)[1]
    mesh = ax.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(grid.logged),
        cmap=_COLOURS,
        vmin=0.0,
        vmax=highest,
        edgecolors=mpl.rcParams["axes.facecolor"],
        linewidth=1.5,
    )
    ax.set_ylim(rows - 0.5, -0.5)
    return mesh


def _write(ax: Axes, grid: _Grid, mesh: QuadMesh) -> int:
    """Share, n and the policy's part in each cell, as many of them as there is room for."""
    width, height = _canvas.inches(ax)
    wide, high = 72 * width / len(grid.models), 72 * height / len(grid.classes)
    size = min(9.0, wide / 4.6, high / 3.4)
    lines = 2
    if size < 5.5:
        size, lines = min(9.0, wide / 3.0, high / 1.6), 1
    if size < 4.5:
        return 0
    scale: Any = mesh.norm
    for row, column in np.ndindex(*grid.logged.shape):
        share, part = float(grid.logged[row, column]), float(grid.policy[row, column])
        if math.isnan(share):
            continue
        under = mesh.cmap(float(scale(share)))
        style: dict[str, Any] = {"ha": "center", "color": _canvas.readable_on(under)}
        style |= {"clip_on": True, "path_effects": [withStroke(linewidth=2.5, foreground=under)]}
        if lines == 1:
            ax.text(column, row, _share(share), va="center", fontsize=size, **style)
            continue
        n = grid.n[row, column]
        below = "–" if math.isnan(n) else _canvas.counted(int(n))
        if 0 < part < 1:
            below += f" → {_share(part)}"
        ax.text(column, row - 0.02, _share(share), va="bottom", fontsize=size, **style)
        ax.text(column, row + 0.06, below, va="top", fontsize=size * 0.78, **style)
    return lines


def _share(share: float) -> str:
    """A share in at most four characters; none but 0 is shown as 0."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _mark(ax: Axes, grid: _Grid, row: int, column: int) -> None:
    """A frame for a choice, a cross for one without support, hatching for a cell without a row."""
    if math.isnan(grid.logged[row, column]) and not grid.policy[row, column] > 0:
        corner = (column - 0.49, row - 0.49)
        ax.add_patch(Rectangle(corner, 0.98, 0.98, **_no_row()))
    if not grid.policy[row, column] > 0:
        return
    corner, side = (column - 0.455, row - 0.44), (0.91, 0.88)
    style: dict[str, Any] = {"fill": False, "edgecolor": _CHOICE, "linewidth": 2.4, "zorder": 2.5}
    style["path_effects"] = [withStroke(linewidth=4.4, foreground=ax.get_facecolor())]
    if grid.noted[row, column] and grid.covered[row, column]:
        style["linestyle"] = _DASHED
    ax.add_patch(Rectangle(corner, *side, **style))
    if not grid.covered[row, column]:
        for down in (1, -1):
            x, y = [column - 0.45, column + 0.45], [row - 0.43 * down, row + 0.43 * down]
            ax.plot(x, y, color=_CROSS, linewidth=1.4, zorder=2, scalex=False, scaley=False)


def _no_row() -> dict[str, Any]:
    return {"facecolor": "0.92", "edgecolor": "0.7", "hatch": "////", "linewidth": 0.0}


def _label(ax: Axes, names: list[str], rows: list[str]) -> None:
    turned: dict[str, Any] = (
        {"rotation": 90, "va": "top", "ha": "center"}
        if len(names) > 12
        else {"rotation": 35, "va": "top", "ha": "right", "rotation_mode": "anchor"}
    )
    ax.set_xticks(range(len(names)), labels=names, **_canvas.PLAIN, **turned)
    ax.set_yticks(range(len(rows)), labels=rows, **_canvas.PLAIN)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.tick_params(length=0, labelsize=8)
    ax.spines[:].set_visible(False)


def _bar(ax: Axes, mesh: QuadMesh) -> None:
    """The colour scale, inside the Axes' own children so that ``ax.clear()`` takes it along."""
    width, height = _canvas.inches(ax)
    tall = min(1.0, _BAR_HEIGHT / height)
    box = ax.inset_axes((1 + 0.12 / width, 1 - tall, _BAR_WIDTH / width, tall))
    bar = ax.figure.colorbar(mesh, cax=box)
    label = "how often the log used the model"
    if width_of(label, 8) > 0.9 * tall * height:
        label = "how often the log\nused the model"
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7.5, length=2)
    bar.ax.set_frame_on(False)


def _legend(ax: Axes, grid: _Grid, lines: int) -> None:
    """Above the plot: what numbers, frames and crosses mean, of those that are there."""
    handles: list[Any] = []
    names = []
    if lines > 1:
        parts = ((grid.policy > 0) & (grid.policy < 1)).any()
        handles.append(Patch(facecolor="none", edgecolor="none"))
        names.append("small: rewards in the log" + (" → part the policy sends" if parts else ""))
    used = grid.policy > 0
    if used.any():
        handles.append(Patch(facecolor="none", edgecolor=_CHOICE, linewidth=2.0))
        names.append("framed: the policy goes here")
    if (used & grid.covered & grid.noted).any():
        handles.append(Patch(facecolor="none", edgecolor=_CHOICE, linewidth=2.0, ls=_DASHED))
        names.append("dashed: see the column note")
    if (used & ~grid.covered).any():
        handles.append(Line2D([], [], ls="none", marker="x", color=_CROSS, mew=1.6, ms=7))
        names.append("crossed: the log cannot judge it there")
    if np.isnan(grid.logged[~used]).any():
        handles.append(Patch(**_no_row()))
        names.append("hatched: not in the table")
    _canvas.legend_above(ax, handles, names)
