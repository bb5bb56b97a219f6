"""What policies are worth, as points with intervals, or as bounds where the log cannot tell."""

from __future__ import annotations

import math
from typing import Any, Literal

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from jarvis_lab import _checks
from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import shown_names
from jarvis_lab.plots._values import ValueRow, level_words, read_values, shared_notes
from jarvis_lab.plots._words import shortened, width_of, wrapped

__all__ = ["plot_policy_values"]

_PLAIN, _LINE = 1.0, 0.56  # height of a row, and of each line of words below it
_INCH = 0.25  # of one unit of height, in a figure of its own
_SMALL = 7.5
_AFTER = 34, 68  # points from the right end to the columns of value and n
#: colour, marker, filled, line style
_LOOKS: dict[str, tuple[str, str, bool, Any]] = {
    "ok": (_canvas.PALETTE[0], "o", True, "solid"),
    "flattered": (_canvas.PALETTE[1], "s", False, "dashed"),
    "unattainable": ("#808080", "D", False, "dotted"),
}


def plot_policy_values(
    values: pd.DataFrame,
    *,
    value: Literal["value", "diff"] = "value",
    order: Literal["given", "value"] = "given",
    level: float | None = None,
    reference: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the value of each policy with its interval; a refused one as bounds, with the reason.

    Parameters
    ----------
    values
        The table of :func:`jarvis_lab.compare_policies` or :func:`jarvis_lab.complete_values`,
        one row per policy.
    value
        ``"value"``, or ``"diff"`` for the difference from the reference with its own interval:
        two policies may differ for certain though the intervals of their values overlap.
    order
        ``"given"``, or ``"value"`` for the highest on top and refused ones last.
    level
        Level of the intervals, for the label; without it, ``values.attrs["level"]``, and no level
        in the label if there is none.
    reference
        Name of the policy that the others are compared with; without it, the one whose
        differences are all 0.
    ax
        Where to draw; without it, a new figure whose size fits the content.

    Returns
    -------
    matplotlib.axes.Axes
        One line per policy, with value and n at the right, and below it what is to be said of it:
        why it was refused, that it was not cross-fitted, that it is not attainable, the notes. A
        refused policy is a hatched box from ``bound_low`` to ``bound_high`` without a point: not
        an interval. A policy not cross-fitted is a hollow square with a dashed interval, one that
        is not attainable a hollow diamond with a dotted one. The dashed line stands at the
        reference, or at 0. A note that all rows share stands below the axis. An empty table gives
        an Axes with a sentence.

    Raises
    ------
    TypeError
        If ``values`` is not a DataFrame.
    ValueError
        If a column is missing or holds no numbers, an option is unknown, or there is no such
        reference.

    Notes
    -----
    Nothing is computed. Names and reasons are shown as text, cut where they are longer than the
    room for them. See :func:`jarvis_lab.plot_class_scores` for figures and fonts.

    Examples
    --------
    >>> import pandas as pd
    >>> values = pd.DataFrame({
    ...     "policy": ["table", "new model"], "value": [0.8, None], "low": [0.76, None],
    ...     "high": [0.84, None], "n": [900, 900], "bound_low": [0.8, 0.1],
    ...     "bound_high": [0.8, 0.9], "status": ["ok", "refused: no traces"]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_policy_values(values, level=0.95, ax=Figure().add_subplot())
    >>> ax.get_xlabel()
    'mean reward, with its 95 % interval'
    """
    _checks.choice("value", value, ["value", "diff"])
    _checks.choice("order", order, ["given", "value"])
    rows = read_values(values, value)
    if not rows:
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No policies: the table has no rows.")
    known, held = _reference(values, rows, reference)
    if order == "value":
        rows = sorted(rows, key=lambda row: -math.inf if math.isnan(row.value) else row.value)[::-1]
    room = 5.2 if ax is None else 0.98 * _canvas.inches(ax)[0]
    lines = [len(wrapped(row.words, _SMALL, room, most=2).splitlines()) for row in rows]
    heights = [_PLAIN + _LINE * count for count in lines]
    names = shown_names([row.name for row in rows], least=30)
    if ax is None:
        longest = max(width_of(name, 9) for name in names)
        ax = _canvas.new_axes(6.6 + longest, _INCH * sum(heights) + 1.1)
    _scale(ax, rows, sum(heights), value)
    _label(ax, value, level_words(values, level), known)
    if value == "diff" or held is not None:
        at = 0.0 if value == "diff" or held is None else held
        ax.axvline(
            at, color=mpl.rcParams["text.color"], ls=(0, (4, 3)), lw=0.9, alpha=0.7, zorder=1
        )
    middles = _draw_rows(ax, rows, heights, value)
    ax.set_yticks(middles, labels=names, **_canvas.PLAIN)
    for text, row in zip(ax.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if row.name == known else "normal")
    _legend(ax, rows, value, known, held is not None)
    shared = shared_notes(values)
    if shared:
        _canvas.line_below(ax, f"All rows: {'; '.join(shared)}.")
    _write_words(ax, rows, middles, lines, _font(ax, heights))
    return ax


def _reference(
    values: pd.DataFrame, rows: list[ValueRow], reference: str | None
) -> tuple[str | None, float | None]:
    """Name of the reference, if it can be told, and its value, if it has one."""
    wanted = values.attrs.get("reference") if reference is None else reference
    names = [row.name for row in rows]
    if reference is not None and reference not in names:
        raise ValueError(f"reference={reference!r} is none of {_checks.names(names)}.")
    worth = (
        pd.to_numeric(values["value"]) if "value" in values else pd.Series(math.nan, values.index)
    )
    if wanted not in names:
        parts = [part for part in ("diff", "diff_low", "diff_high") if part in values.columns]
        same = values[parts].eq(0).all(axis=1) if parts else pd.Series(False, values.index)
        zero = [place for place, is_zero in enumerate(same) if is_zero]
        if not zero:
            return None, None
        places = [place for place in zero if names[place] == "best single"] or zero
        if len(places) > 1:
            return None, float(worth.iloc[places[0]])
        wanted = names[places[0]]
    held = float(worth.iloc[names.index(str(wanted))])
    return str(wanted), None if math.isnan(held) else held


def _scale(ax: Axes, rows: list[ValueRow], height: float, value: str) -> None:
    """One scale for intervals and bounds; a difference's has 0 on it."""
    ends = [
        end
        for row in rows
        for end in (row.value, row.low, row.high, *_bounds(row))
        if not math.isnan(end)
    ]
    if value == "diff":
        ends.append(0.0)
        span = max(ends) - min(ends)
        ax.set_xlim(min(ends) - max(0.06 * span, 0.01), max(ends) + max(0.06 * span, 0.01))
    else:
        first, last = _canvas.limits(min(ends, default=0.0), max(ends, default=1.0))
        ax.set_xlim(first - 0.015, last + 0.015)
    ax.set_ylim(height, 0)
    ax.grid(axis="x", color=mpl.rcParams["text.color"], alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", labelsize=8)
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _bounds(row: ValueRow) -> tuple[float, ...]:
    return (row.bound_low, row.bound_high) if row.kind == "refused" else ()


def _draw_rows(ax: Axes, rows: list[ValueRow], heights: list[float], value: str) -> list[float]:
    """Each row below the one before; gives the height of each line."""
    size = _font(ax, heights)
    top, middles = 0.0, []
    for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
        if place % 2 == 0:
            ax.axhspan(top, top + height, color=mpl.rcParams["text.color"], alpha=0.045, lw=0)
        at = top + 0.52 * _PLAIN
        if row.kind == "refused":
            _box(ax, row, at)
        else:
            _point(ax, row, at)
        _columns(ax, row, at, size, "{:+.3f}" if value == "diff" else "{:.3f}")
        middles.append(at)
        top += height
    return middles


def _font(ax: Axes, heights: list[float]) -> float:
    return min(_SMALL, max(4.5, 72 * _LINE * 0.88 * _canvas.inches(ax)[1] / sum(heights)))


def _write_words(
    ax: Axes, rows: list[ValueRow], middles: list[float], lines: list[int], size: float
) -> None:
    """Below each line, in the width that the axes have in the end."""
    _canvas.settle(ax)
    room = 0.98 * _canvas.inches(ax)[0]
    style: dict[str, Any] = {"fontsize": size, "va": "top", **_canvas.PLAIN}
    style["path_effects"] = [withStroke(linewidth=2.5, foreground=ax.get_facecolor())]
    for row, at, most in zip(rows, middles, lines, strict=True):
        if most:
            words = wrapped(row.words, size, room, most=most)
            across = ax.get_yaxis_transform()
            text = ax.text(0.01, at + 0.4, words, transform=across, **style)
            text.set_in_layout(False)


def _point(ax: Axes, row: ValueRow, at: float) -> None:
    colour, marker, filled, line = _LOOKS[row.kind]
    ax.hlines(at, row.low, row.high, colors=colour, linewidth=1.8, linestyles=line, zorder=2)
    face = colour if filled else ax.get_facecolor()
    style: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markeredgewidth": 1.4}
    ax.plot([row.value], [at], marker=marker, ls="none", ms=6, clip_on=False, zorder=3, **style)


def _box(ax: Axes, row: ValueRow, at: float) -> None:
    if not (math.isnan(row.bound_low) or math.isnan(row.bound_high)):
        corner, wide = (row.bound_low, at - 0.24), row.bound_high - row.bound_low
        ax.add_patch(Rectangle(corner, wide, 0.48, zorder=2, **_hatched()))


def _hatched() -> dict[str, Any]:
    return {"facecolor": "none", "edgecolor": "0.55", "hatch": "////", "linewidth": 0.9}


def _columns(ax: Axes, row: ValueRow, at: float, size: float, form: str) -> None:
    """Value and n at the right of a line."""
    shown = "–" if math.isnan(row.value) else form.format(row.value)
    if "+" in form and row.value == 0:
        shown = "0"
    for text, right in zip((shown, _canvas.counted(row.n)), _AFTER, strict=True):
        place: dict[str, Any] = {"xytext": (right, 0), "textcoords": "offset points"}
        style: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": size}
        ax.annotate(text, (1.0, at), xycoords=ax.get_yaxis_transform(), **place, **style)


def _label(ax: Axes, value: str, interval: str, known: str | None) -> None:
    """The axis, and the heads of the columns."""
    label = f"mean reward, with its {interval}"
    if value == "diff":
        than = shortened(known, 10, 3.0) if known else "the reference"
        label = f"difference in mean reward from {than}, with its {interval}"
    ax.set_xlabel(label, fontsize=9.5, **_canvas.PLAIN)
    head = "difference" if value == "diff" else "value"
    for text, right in zip((head, "n"), _AFTER, strict=True):
        place: dict[str, Any] = {"xytext": (right, 3), "textcoords": "offset points"}
        style: dict[str, Any] = {
            "ha": "right",
            "va": "bottom",
            "fontsize": 7,
            "fontstyle": "italic",
        }
        ax.annotate(text, (1.0, 1.0), xycoords="axes fraction", **place, **style)


def _legend(ax: Axes, rows: list[ValueRow], value: str, known: str | None, has_line: bool) -> None:
    """Above the plot: what box, hollow markers and line mean, of those that are there."""
    kinds = {row.kind for row in rows}
    handles: list[Any] = []
    names = []
    if has_line or value == "diff":
        handles.append(Line2D([], [], color=mpl.rcParams["text.color"], ls=(0, (4, 3)), lw=0.9))
        name = f": {shortened(known, 8, 2.0)} (bold)" if known else ""
        names.append(f"the reference{name}")
    for kind, text in (
        ("flattered", "not cross-fitted: flatters itself"),
        ("unattainable", "not attainable"),
    ):
        if kind in kinds:
            colour, marker, _, line = _LOOKS[kind]
            style: dict[str, Any] = {"markerfacecolor": ax.get_facecolor(), "ms": 5}
            handles.append(Line2D([], [], color=colour, marker=marker, ls=line, **style))
            names.append(text)
    if any(row.kind == "refused" and not math.isnan(row.bound_low) for row in rows):
        handles.append(Patch(**_hatched()))
        names.append("refused: it lies somewhere in the box")
    _canvas.legend_above(ax, handles, names)
