"""Scores per class and model as points with their intervals."""

from __future__ import annotations

import math
from typing import Any, Literal, cast

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import MEASURES, Cells, ordered_models, read_cells, shown_names

__all__ = ["plot_class_scores"]

_MANY = len(_canvas.PALETTE)
_PANELS_ACROSS = 5
_TALL = 12


def plot_class_scores(
    scores: pd.DataFrame,
    *,
    value: Literal["reward_mean", "success_rate"] = "reward_mean",
    ax: Axes | None = None,
) -> Axes:
    """Draw the score of every model on every query class with its interval and n.

    Up to 8 models share one Axes: a band for each class, and in it one line for each model,
    told apart by place, colour and marker. With more models each class gets a panel of its own
    in which every line is labelled; the panels are the ``child_axes`` of the Axes returned.

    Parameters
    ----------
    scores
        The table of :func:`jarvis_lab.class_scores`, one row per class and model. Classes are
        drawn in the order of the table, models with the highest overall score first.
    value
        The column to draw: ``"reward_mean"`` or ``"success_rate"``, with its ``_low`` and
        ``_high``.
    ax
        Where to draw; without it, a new figure whose size fits the content.

    Returns
    -------
    matplotlib.axes.Axes
        Filled markers are cells to rely on; hollow ones have a ``note`` in the table. The
        numbers at the right are the n behind each point: ``n_reward`` (``n`` if the table has
        none), or ``n_outcome`` for ``value="success_rate"``. A cell without a value shows its
        n only; a class and model that the table lacks show nothing. An empty table gives an
        Axes with a sentence.

    Raises
    ------
    TypeError
        If ``scores`` is not a DataFrame.
    ValueError
        If a column is missing, ``value`` is unknown, or a class and model come twice.

    Notes
    -----
    Nothing is computed here except the order of the models: the mean of ``value`` over the
    rows, weighted by n. A figure made here belongs to pyplot where pyplot shows figures (in a
    notebook: below the cell) and is free on a backend that only writes files; in a widget's
    callback, pass the ``ax`` of a ``Figure`` of your own. Names are shown as text, cut
    in the middle, control characters escaped. A script whose letters matplotlib's font lacks
    needs another ``matplotlib.rcParams["font.family"]``.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({
    ...     "query_class": ["code", "code"], "model": ["a", "b"], "n": [40, 3],
    ...     "reward_mean": [0.8, 0.6], "reward_mean_low": [0.65, 0.2],
    ...     "reward_mean_high": [0.9, 0.9], "note": ["", "fewer than 5"]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_class_scores(scores, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'mean reward, with its interval'
    """
    cells = read_cells(scores, value, options=("reward_mean", "success_rate"))
    if not cells.classes:
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No scores: the table has no rows.")
    models = ordered_models(cells)
    label = f"{MEASURES[value].label}, with its interval"
    n_label = cells.n_label.replace("with ", "with\n")
    if len(models) > _MANY:
        return _draw_panels(cells, models, label, n_label, ax)
    return _draw_bands(cells, models, label, n_label, ax)


def _draw_bands(cells: Cells, models: list[str], label: str, n_label: str, ax: Axes | None) -> Axes:
    """One band for each class, one line in it for each model."""
    lines = len(cells.classes) * len(models)
    pitch = 0.17 if lines <= 60 else 0.115
    if ax is None:
        height = len(cells.classes) * max(pitch * len(models) + 0.1, 0.24) + 0.8
        ax = _canvas.new_axes(9.0, height)
    step = 0.86 / max(len(models), 2)
    names = sorted(models)
    handles = []
    for place, model in enumerate(models):
        style = names.index(model)
        own = cells.table[cells.table["model"] == model]
        offset = (place - (len(models) - 1) / 2) * step
        at = [cells.classes.index(name) + offset for name in own["query_class"]]
        handles.append(_points(ax, own, at, _canvas.PALETTE[style], _canvas.MARKERS[style]))
    _axis(ax, cells, len(cells.classes), label)
    for index in range(0, len(cells.classes), 2):
        ax.axhspan(index - 0.5, index + 0.5, color=mpl.rcParams["text.color"], alpha=0.045, lw=0)
    ax.set_yticks(
        range(len(cells.classes)), labels=shown_names(cells.classes, least=30), **_canvas.PLAIN
    )
    ax.tick_params(axis="x", labeltop=len(cells.classes) > _TALL)
    _n_header(ax, n_label)
    _legend(ax, cells, handles, shown_names(models))
    return ax


def _draw_panels(
    cells: Cells, models: list[str], label: str, n_label: str, ax: Axes | None
) -> Axes:
    """One panel for each class, one labelled line in it for each model."""
    across = min(_PANELS_ACROSS, len(cells.classes))
    down = math.ceil(len(cells.classes) / across)
    if ax is None:
        ax = _canvas.new_axes(1.9 + 2.05 * across, down * (0.19 * len(models) + 0.75) + 0.3)
    ax.set_axis_off()
    width, height = _canvas.inches(ax)
    wide, high = 1 / across, 1 / down
    right, below = min(0.6 / width, 0.4 * wide), min(0.75 / height, 0.4 * high) * (down > 1)
    names, titles = shown_names(models), shown_names(cells.classes)
    for index, title in enumerate(titles):
        row, column = divmod(index, across)
        top = 1 - row * high
        box = (column * wide, top - high + below, wide - right, high - below)
        panel = ax.inset_axes(box)
        own = cells.table[cells.table["query_class"] == cells.classes[index]]
        _points(panel, own, [float(models.index(m)) for m in own["model"]], _canvas.PALETTE[0])
        _axis(panel, cells, len(models), "")
        for line in range(0, len(models), 2):
            panel.axhspan(
                line - 0.5, line + 0.5, color=mpl.rcParams["text.color"], alpha=0.045, lw=0
            )
        panel.set_yticks(range(len(models)), labels=names if column == 0 else [], **_canvas.PLAIN)
        panel.set_title(title, fontsize=9, fontweight="bold", loc="left", **_canvas.PLAIN)
        _n_header(panel, n_label)
    _panel_caption(ax, cells, label)
    return ax


def _points(ax: Axes, own: pd.DataFrame, at: list[float], colour: str, marker: str = "o") -> Line2D:
    """Intervals, markers and n of some rows; gives the filled markers."""
    low, high, value = (own[name].to_numpy() for name in ("low", "high", "value"))
    ax.hlines(at, low, high, colors=colour, linewidth=1.4, alpha=0.75, zorder=2)
    unsure = own["unsure"].to_numpy()
    y = pd.Series(at, dtype=float).to_numpy()
    style: dict[str, Any] = {
        "linestyle": "none",
        "color": colour,
        "marker": marker,
        "markersize": 5.5,
        "clip_on": False,
    }
    (filled,) = ax.plot(value[~unsure], y[~unsure], zorder=3, **style)
    if unsure.any():
        style |= {"markersize": 6.5, "markeredgewidth": 1.3, "markerfacecolor": ax.get_facecolor()}
        ax.plot(value[unsure], y[unsure], zorder=3, **style)
    for line, n in zip(at, own["n"], strict=True):
        ax.annotate(
            _canvas.counted(n),
            (1.0, line),
            (30, 0),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7,
        )
    return filled


def _axis(ax: Axes, cells: Cells, rows: int, label: str) -> None:
    """One scale for all values, first row on top."""
    table = cells.table
    ends = pd.concat([table["low"], table["high"], table["value"]])
    first, last = _canvas.limits(float(ends.min()), float(ends.max()))
    ax.set_xlim(first - 0.015, last + 0.015)
    ax.set_ylim(rows - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.grid(axis="x", color=mpl.rcParams["text.color"], alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", labelsize=8)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _n_header(ax: Axes, n_label: str) -> None:
    ax.annotate(
        n_label,
        (1.0, 1.0),
        (30, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7,
        fontstyle="italic",
    )


def _legend(ax: Axes, cells: Cells, handles: list[Line2D], names: list[str]) -> None:
    """The models beside the plot, in the order of their lines, and what hollow means."""
    handles, names = list(handles), list(names)
    if cells.table["unsure"].any():
        grey = mpl.rcParams["text.color"]
        handles.append(Line2D([], [], color=grey, ls="none", marker="o", mfc="none"))
        names.append("hollow: not to be relied on,\nsee the column note")
    figure = cast(Figure, ax.get_figure(root=True))
    legend = ax.legend(
        handles,
        [str(number) for number in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=ax.transAxes + ScaledTranslation(0.5, 0, figure.dpi_scale_trans),
        frameon=False,
        fontsize=8,
        borderaxespad=0,
    )
    _canvas.relabel(list(legend.get_texts()), names)


def _panel_caption(ax: Axes, cells: Cells, label: str) -> None:
    """Below the panels: what the axis shows, and what hollow means."""
    caption = label
    if cells.table["unsure"].any():
        caption += "; hollow: not to be relied on, see the column note"
    ax.annotate(
        caption,
        (0.0, 0.0),
        (0, -24),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=9,
    )
