"""Scores per class and model as a table in colours."""

from __future__ import annotations

import math
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.patches import Patch, Rectangle

from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import MEASURES, Cells, ordered_models, read_cells, shown_names

__all__ = ["plot_score_heatmap"]

_COLOURS = "viridis"
_FRAME, _GAP = 0.05, 0.012  # inches
_BAR_WIDTH, _BAR_HEIGHT = 0.16, 2.4


def plot_score_heatmap(
    scores: pd.DataFrame,
    *,
    value: Literal[
        "reward_mean", "success_rate", "sft_score", "trace_score", "feedback_mean"
    ] = "reward_mean",
    ax: Axes | None = None,
) -> Axes:
    """Draw a table of classes and models in colours, with value and n in each cell.

    Parameters
    ----------
    scores
        The table of :func:`jarvis_lab.class_scores`, one row per class and model. Classes are
        drawn in the order of the table, models with the highest overall score first.
    value
        The column to draw.
    ax
        Where to draw; without it, a new figure whose size fits the content.

    Returns
    -------
    matplotlib.axes.Axes
        A cell with a ``note`` in the table is a coloured frame without filling; a cell without
        a value is grey and hatched; the legend says so. Below each value stands the n behind it:
        ``n_reward`` for ``"reward_mean"`` (``n`` if the table has none), ``n_outcome`` for
        ``"success_rate"``, ``n_feedback`` for ``"feedback_mean"``, else ``n``. In an ``ax`` too
        small for it, n is left out, then the value. An empty table gives an Axes with a
        sentence.

    Raises
    ------
    TypeError
        If ``scores`` is not a DataFrame.
    ValueError
        If a column is missing, ``value`` is unknown, or a class and model come twice.

    Notes
    -----
    Nothing is computed here except the order of the models: the mean of ``value`` over the
    rows, weighted by n. The colour scale spans the values, rounded outwards to tenths.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({
    ...     "query_class": ["code", "math"], "model": ["a", "b"], "n": [40, 3],
    ...     "reward_mean": [0.8, 0.6], "reward_mean_low": [0.65, 0.2],
    ...     "reward_mean_high": [0.9, 0.9], "note": ["", "fewer than 5"]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_score_heatmap(scores, ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['a', 'b']
    """
    cells = read_cells(scores, value, options=tuple(MEASURES))
    if not cells.classes:
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No scores: the table has no rows.")
    models = ordered_models(cells)
    names, classes = shown_names(models), shown_names(cells.classes, least=30)
    values, counts, unsure = _grids(cells, models)
    ax, room = _sized_axes(names, classes) if ax is None else (ax, _room(ax, values.shape))
    mesh = _mesh(ax, values)
    scale: Any = mesh.norm
    size, with_n = _font(room)
    for row, column in np.ndindex(*values.shape):
        cell, hollow = float(values[row, column]), bool(unsure[row, column])
        _cell(ax, room, row, column, cell, hollow)
        if size and counts[row, column] >= 0:
            under = ax.get_facecolor() if hollow else mesh.cmap(float(scale(cell)))
            colour = "0.25" if math.isnan(cell) else _canvas.readable_on(under)
            n = _canvas.counted(int(counts[row, column])) if with_n else ""
            _write(ax, row, column, "–" if math.isnan(cell) else f"{cell:.2f}", n, size, colour)
    _label(ax, names, classes)
    _bar(ax, mesh, MEASURES[value].label, room[0] * len(names), room[1] * len(classes))
    n_label = cells.n_label if size and with_n else ""
    _legend(ax, n_label, np.isnan(values).any(), (unsure & ~np.isnan(values)).any())
    return ax


def _sized_axes(names: list[str], classes: list[str]) -> tuple[Axes, tuple[float, float]]:
    """New axes, and width and height of a cell in inches."""
    wide, high = (0.46 if len(names) > 12 else 0.66), (0.42 if len(classes) <= 20 else 0.38)
    below = min(max(map(len, names)) * 0.085, 2.8) + 0.9
    beside = max(map(len, classes)) * 0.085 + 1.0
    width = max(wide * len(names) + beside, 5.2)
    height = max(high * len(classes) + below, 2.4)
    room = (width - beside) / len(names), (height - below) / len(classes)
    return _canvas.new_axes(width, height), room


def _grids(cells: Cells, models: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value (NaN without one), n (-1 for a cell that the table lacks) and note per cell."""
    shape = (len(cells.classes), len(models))
    values, counts = np.full(shape, math.nan), np.full(shape, -1)
    unsure = np.zeros(shape, dtype=bool)
    rows = {name: index for index, name in enumerate(cells.classes)}
    columns = {name: index for index, name in enumerate(models)}
    for cell in cells.table.itertuples(index=False):
        at = rows[str(cell.query_class)], columns[str(cell.model)]
        values[at], counts[at], unsure[at] = cell.value, cell.n, cell.unsure
    return values, counts, unsure


def _mesh(ax: Axes, values: np.ndarray) -> QuadMesh:
    known = values[~np.isnan(values)]
    low, high = _canvas.limits(*((known.min(), known.max()) if known.size else (0.0, 1.0)))
    edges = [np.arange(size + 1) - 0.5 for size in values.shape]
    mesh = ax.pcolormesh(
        edges[1],
        edges[0],
        np.ma.masked_invalid(values),
        cmap=_COLOURS,
        vmin=low,
        vmax=high,
        edgecolors=mpl.rcParams["axes.facecolor"],
        linewidth=1.5,
    )
    ax.set_ylim(values.shape[0] - 0.5, -0.5)
    return mesh


def _cell(
    ax: Axes, room: tuple[float, float], row: int, column: int, value: float, unsure: bool
) -> None:
    """Hatching where there is no value, a hole where the value is not to be relied on."""
    if not (unsure or math.isnan(value)):
        return
    margin = _GAP if math.isnan(value) else _FRAME
    across, down = min(margin / room[0], 0.3), min(margin / room[1], 0.3)
    corner = column - 0.5 + across, row - 0.5 + down
    style = _no_data() if math.isnan(value) else {"facecolor": ax.get_facecolor(), "lw": 0}
    ax.add_patch(Rectangle(corner, 1 - 2 * across, 1 - 2 * down, **style))


def _no_data() -> dict[str, Any]:
    return {"facecolor": "0.92", "edgecolor": "0.7", "hatch": "////", "linewidth": 0.0}


def _write(ax: Axes, row: int, column: int, first: str, n: str, size: float, colour: str) -> None:
    """Value, and below it n if there is room, in the middle of a cell."""
    style: dict[str, Any] = {"ha": "center", "color": colour, "clip_on": True}
    if n:
        ax.text(column, row - 0.01, first, va="bottom", fontsize=size, **style)
        ax.text(column, row + 0.06, n, va="top", fontsize=size * 0.75, **style)
    else:
        ax.text(column, row, first, va="center", fontsize=size, **style)


def _room(ax: Axes, shape: tuple[int, ...]) -> tuple[float, float]:
    width, height = _canvas.inches(ax)
    return width / shape[1], height / shape[0]


def _font(room: tuple[float, float]) -> tuple[float, bool]:
    """Size in points (0: no room) and whether there is room for n."""
    wide, high = room[0] * 72, room[1] * 72
    for lines, least in ((2.6, 5.5), (1.3, 4.5)):
        size = min(9.5, wide / 2.9, high / lines)
        if size >= least:
            return size, lines > 2
    return 0.0, False


def _label(ax: Axes, names: list[str], classes: list[str]) -> None:
    upright = len(names) > 12
    turned: dict[str, Any] = (
        {"rotation": 90, "va": "top", "ha": "center"}
        if upright
        else {"rotation": 35, "va": "top", "ha": "right", "rotation_mode": "anchor"}
    )
    ax.set_xticks(range(len(names)), labels=names, **_canvas.PLAIN, **turned)
    ax.set_yticks(range(len(classes)), labels=classes, **_canvas.PLAIN)
    ax.tick_params(length=0, labelsize=8)
    ax.spines[:].set_visible(False)


def _bar(ax: Axes, mesh: QuadMesh, label: str, width: float, height: float) -> None:
    """The colour scale, inside the Axes' own children so that ``ax.clear()`` takes it along."""
    tall = min(1.0, _BAR_HEIGHT / height)
    box = ax.inset_axes((1 + 0.12 / width, 1 - tall, _BAR_WIDTH / width, tall))
    bar = ax.figure.colorbar(mesh, cax=box)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7.5, length=2)
    bar.ax.set_frame_on(False)


def _legend(ax: Axes, n_label: str, empty: np.bool, unsure: np.bool) -> None:
    """Above the plot: what the small number, hatching and frames mean."""
    handles, names = [], []
    if n_label:
        handles.append(Patch(facecolor="none", edgecolor="none"))
        names.append(f"small number: {n_label}")
    if unsure:
        handles.append(Patch(facecolor="none", edgecolor="0.4", linewidth=2.0))
        names.append("frame only: not to be relied on, see the column note")
    if empty:
        handles.append(Patch(**_no_data()))
        names.append("hatched: no value")
    if handles:
        ax.legend(
            handles,
            names,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            frameon=False,
            fontsize=7.5,
            borderaxespad=0.3,
        )
