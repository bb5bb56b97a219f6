"""Figures that fit their content, text as it is, and colours that can be told apart."""

from __future__ import annotations

import math
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.registry import BackendFilter, backend_registry
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from jarvis_lab.plots._words import width_of, wrapped

__all__ = [
    "MARKERS",
    "PALETTE",
    "PLAIN",
    "counted",
    "inches",
    "legend_above",
    "limits",
    "line_below",
    "new_axes",
    "new_figure",
    "readable_on",
    "relabel",
    "say",
    "settle",
]

#: Okabe and Ito's colours without the yellow, which is too pale for thin lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#666666")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LEGEND = 7.5
PLAIN: dict[str, Any] = {"parse_math": False}


def new_axes(width: float, height: float) -> Axes:
    """Axes in a figure of its own, of that size in inches (see :func:`new_figure`)."""
    return new_figure(width, height).add_subplot()


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of that size in inches.

    In a notebook or on a screen the figure belongs to pyplot, which shows it and closes it. On
    a backend that writes files only nobody would, so there the figure is free and is forgotten
    with its last reference.
    """
    files_only = backend_registry.list_builtin(  # type: ignore[no-untyped-call]
        BackendFilter.NON_INTERACTIVE
    )
    if mpl.get_backend().lower() in files_only:
        return Figure(figsize=(width, height), layout="constrained")
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained")


def say(ax: Axes, sentence: str) -> Axes:
    """Show a sentence in place of a plot."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, sentence, ha="center", va="center", transform=ax.transAxes, wrap=True)
    return ax


def limits(low: float, high: float) -> tuple[float, float]:
    """``low`` and ``high`` rounded outwards to tenths, inside [0, 1] if they are."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    first, last = math.floor(low * 10 + 1e-9) / 10, math.ceil(high * 10 - 1e-9) / 10
    if last - first < 0.15:
        last = first + 0.2
    if last > 1.0 >= high:
        first, last = min(first, 0.8), 1.0
    return first, last


def counted(n: int) -> str:
    """A count in at most five characters."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if n >= size:
            scaled = n / (1_000_000 if unit == "M" else 1_000)
            return f"{scaled:.1f}{unit}" if scaled < 10 else f"{scaled:.0f}{unit}"
    return f"{n:,}"


def readable_on(colour: Any) -> str:
    """Black or white, whichever contrasts more with ``colour``."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)[:3]
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.179 else "white"


def relabel(texts: list[Text], names: list[str]) -> None:
    """Set the texts of a legend, which would drop names that begin with an underscore."""
    for text, name in zip(texts, names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def legend_above(ax: Axes, handles: list[Any], names: list[str]) -> None:
    """A legend above the plot, in as many columns as its width has room for."""
    if not handles:
        return
    column = max(width_of(name, _LEGEND) for name in names) + 0.65
    columns = max(1, min(len(names), int(inches(ax)[0] // column)))
    legend = ax.legend(
        handles,
        [str(number) for number in range(len(names))],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=_LEGEND,
        borderaxespad=0.3,
    )
    relabel(list(legend.get_texts()), names)


def line_below(ax: Axes, text: str) -> Annotation:
    """A sentence or two below the axis and its label, of at most three lines."""
    return ax.annotate(
        wrapped(text, _LEGEND, max(inches(ax)[0], 2.0), most=3) or " ",
        (0.0, 0.0),
        (0, -34),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=_LEGEND,
        **PLAIN,
    )


def settle(ax: Axes) -> None:
    """Give the axes the size they will have, so that text can be fitted into them."""
    figure = cast(Figure, ax.get_figure(root=True))
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of the axes in inches."""
    figure = cast(Figure, ax.get_figure(root=True))
    box = ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    return box.width, box.height
