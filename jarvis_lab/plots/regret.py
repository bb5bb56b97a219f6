"""Which class costs a policy most, as bars."""

from __future__ import annotations

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from jarvis_lab import _checks
from jarvis_lab.plots import _canvas
from jarvis_lab.plots._table import shown_names
from jarvis_lab.plots._values import level_words, numbers
from jarvis_lab.plots._words import width_of

__all__ = ["plot_class_regret"]

_HINT = "Make the table with class_regret()."
_NEEDED = ("query_class", "share", "regret", "n")
_AFTER = (40, 78, 112)  # points from the right end to the columns of share, regret and n
_ROW = 0.34  # inches


def plot_class_regret(
    regret: pd.DataFrame, *, level: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what each query class costs a policy: its share of the traffic times its regret.

    Parameters
    ----------
    regret
        The table of :func:`jarvis_lab.class_regret`, one row per class.
    level
        Level of the intervals, for the label; without it, ``regret.attrs["level"]``, and no level
        in the label if there is none.
    ax
        Where to draw; without it, a new figure whose size fits the content.

    Returns
    -------
    matplotlib.axes.Axes
        One bar per class in the order of the table, as long as share·regret, so that the bars
        together are the policy's distance to the best. The filled part is what the best single
        model of the class would win back (share·(best_value - value), where the table has both);
        the light part takes a better choice within the class. The line is share times the
        interval of the regret. At the right stand share, regret and n. An empty table gives an
        Axes with a sentence.

    Raises
    ------
    TypeError
        If ``regret`` is not a DataFrame.
    ValueError
        If a column is missing or holds no numbers.

    Notes
    -----
    The interval takes the shares as they are. The best single model of a class is chosen on the
    same queries, so the filled part is a little flattered.

    Examples
    --------
    >>> import pandas as pd
    >>> regret = pd.DataFrame({"query_class": ["code", "math"], "share": [0.6, 0.4],
    ...                        "regret": [0.2, 0.1], "n": [60, 40]})
    >>> from matplotlib.figure import Figure
    >>> ax = plot_class_regret(regret, ax=Figure().add_subplot())
    >>> [round(float(bar.get_width()), 2) for bar in ax.patches]
    [0.12, 0.04]
    """
    _checks.frame("regret", regret, hint=_HINT)
    if not len(regret):
        return _canvas.say(ax or _canvas.new_axes(5.0, 1.2), "No classes: the table has no rows.")
    for name in _NEEDED:
        _checks.column(name, regret.columns, where="regret", hint=_HINT)
    names = shown_names([str(name) for name in regret["query_class"]], least=30)
    if ax is None:
        longest = max(width_of(name, 9) for name in names)
        ax = _canvas.new_axes(6.8 + longest, _ROW * len(names) + 1.05)
    share = numbers(regret, "share", where="regret")
    whole = share * numbers(regret, "regret", where="regret")
    part = _won_back(regret, share, whole)
    _bars(ax, whole, part)
    interval = _lines(ax, regret, share)
    _columns(ax, regret)
    _dress(ax, names, whole)
    label = "cost of the class: share of the traffic × mean regret"
    if interval:
        label += f", with its {level_words(regret, level)}"
    ax.set_xlabel(label, fontsize=9.5)
    _legend(ax, part is not None)
    return ax


def _won_back(regret: pd.DataFrame, share: np.ndarray, whole: np.ndarray) -> np.ndarray | None:
    """The part that the best single model of each class would win back, if it is known."""
    if not {"best_value", "value"} <= set(regret.columns):
        return None
    best, value = (numbers(regret, name, where="regret") for name in ("best_value", "value"))
    part = np.clip(share * (best - value), 0, None)
    return np.asarray(np.minimum(part, np.nan_to_num(whole, nan=0.0)))


def _bars(ax: Axes, whole: np.ndarray, part: np.ndarray | None) -> None:
    at = np.arange(len(whole))
    if part is None:
        ax.barh(at, whole, height=0.62, zorder=2, **_filled())
        return
    ax.barh(at, part, height=0.62, zorder=2, **_filled())
    ax.barh(at, whole - part, left=part, height=0.62, zorder=2, **_light())


def _filled() -> dict[str, Any]:
    return {"facecolor": _canvas.PALETTE[0], "edgecolor": _canvas.PALETTE[0], "linewidth": 0.9}


def _light() -> dict[str, Any]:
    return {**_filled(), "facecolor": "none", "hatch": "...."}


def _lines(ax: Axes, regret: pd.DataFrame, share: np.ndarray) -> bool:
    """The intervals, if the table has them."""
    if not {"regret_low", "regret_high"} <= set(regret.columns):
        return False
    low, high = (
        share * numbers(regret, name, where="regret") for name in ("regret_low", "regret_high")
    )
    known = ~(np.isnan(low) | np.isnan(high))
    colour = mpl.rcParams["text.color"]
    at = np.flatnonzero(known)
    ax.hlines(at, low[known], high[known], colors=colour, linewidth=1.5, zorder=4)
    for ends in (low, high):
        ax.plot(ends[known], at, ls="none", marker="|", ms=6, mew=1.5, color=colour, zorder=4)
    return bool(known.any())


def _columns(ax: Axes, regret: pd.DataFrame) -> None:
    """Share, regret and n at the right of each bar."""
    shares, regrets, counts = (
        numbers(regret, name, where="regret") for name in ("share", "regret", "n")
    )
    style: dict[str, Any] = {"ha": "right", "fontsize": 7.5, "textcoords": "offset points"}
    for text, right in zip(("share", "regret", "n"), _AFTER, strict=True):
        head: dict[str, Any] = {**style, "fontsize": 7, "fontstyle": "italic", "va": "bottom"}
        ax.annotate(text, (1.0, 1.0), (right, 3), xycoords="axes fraction", **head)
    for row, (share, lost, n) in enumerate(zip(shares, regrets, counts, strict=True)):
        texts = (
            "–" if math.isnan(share) else f"{share:.1%}",
            "–" if math.isnan(lost) else f"{lost:.3f}",
            "–" if math.isnan(n) else _canvas.counted(int(n)),
        )
        for text, right in zip(texts, _AFTER, strict=True):
            across = ax.get_yaxis_transform()
            ax.annotate(text, (1.0, row), (right, 0), xycoords=across, va="center", **style)


def _dress(ax: Axes, names: list[str], whole: np.ndarray) -> None:
    ax.set_yticks(range(len(names)), labels=names, **_canvas.PLAIN)
    ax.set_ylim(len(names) - 0.5, -0.5)
    if not np.nan_to_num(whole, nan=0.0).any():
        ax.set_xlim(0, 0.1)
    elif np.nanmin(whole) >= 0:
        ax.set_xlim(left=0)
    ax.grid(axis="x", color=mpl.rcParams["text.color"], alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", labelsize=8)
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _legend(ax: Axes, has_parts: bool) -> None:
    if not has_parts:
        return
    names = ["the best single model of the class would win this back", "beyond any single model"]
    _canvas.legend_above(ax, [Patch(**_filled()), Patch(**_light())], names)
