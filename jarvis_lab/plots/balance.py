"""How an export is balanced, drawn: a table in, a figure out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jarvis_lab import _checks
from jarvis_lab.plots import _canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
__all__ = ["plot_export_balance"]

_COLUMNS = ("by", "value", "rows")
_UNNAMED = "(unnamed)"
_LONGEST = 28
#: What the values of a panel count, where they count something.
_UNITS = {"length": "characters"}


class HasBalance(Protocol):
    """The result of an export."""

    def balance(self) -> pd.DataFrame:
        """One row per bar."""


def plot_export_balance(balance: pd.DataFrame | HasBalance, *, most: int = 12) -> Figure:
    """Draw the rows of an export by class, model, category and length, one panel each.

    Parameters
    ----------
    balance
        The result of an export, or a table such as its ``balance()`` gives: one row per bar,
        with the columns
        ``by`` (the panel), ``value`` (the bar) and ``rows`` (its length).
    most
        Bars shown in a panel; its title counts the others.

    Returns
    -------
    Figure
        One panel per value of ``by``, in the order of the table, bars from the top in the order
        of the table. Nothing is computed: a bar is as long as its ``rows``.

    Raises
    ------
    TypeError
        If ``balance`` is neither.
    ValueError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"by": ["model"], "value": ["qwen3:8b"], "rows": [5]})
    >>> [ax.get_title() for ax in plot_export_balance(table).axes]
    ['model']
    """
    _checks.whole("most", most, least=1)
    table: Any = balance
    if callable(getattr(balance, "balance", None)):
        table = table.balance()
    _checks.frame("balance", table, hint="Give the result of an export, or its balance().")
    for name in _COLUMNS:
        _checks.column(name, table.columns, where="balance", hint="Give export.balance().")
    panels = list(dict.fromkeys(table["by"]))
    if not panels:
        figure = _canvas.new_figure(6, 1.5)
        _canvas.say(figure.add_subplot(), "No rows were exported.")
        return figure
    lines = (len(panels) + 1) // 2
    figure = _canvas.new_figure(10, 0.6 + 2.8 * lines)
    axes = figure.subplots(lines, 2, squeeze=False).flat
    for ax, name in zip(axes, panels, strict=False):
        _bars(ax, table[table["by"] == name], str(name), most)
    if len(panels) % 2:
        figure.axes[-1].remove()
    return figure


def _bars(ax: Axes, table: pd.DataFrame, name: str, most: int) -> None:
    shown = table.head(most)
    places = range(len(shown))
    ax.barh(list(places), shown["rows"].tolist(), color="#2a9d5c")
    ax.set_yticks(list(places), [_label(value) for value in shown["value"]], parse_math=False)
    # Few bars stay as slim as many.
    ax.set_ylim(max(len(shown), 4) - 0.5, -0.5)
    ax.set_xlabel("rows")
    ax.set_ylabel(_UNITS.get(name, ""))
    ax.locator_params(axis="x", integer=True, nbins=5)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    hidden = len(table) - len(shown)
    ax.set_title(f"{name}, {hidden} more not shown" if hidden else name, parse_math=False)
    for place, rows in zip(places, shown["rows"], strict=True):
        ax.annotate(f" {rows:,}", (rows, place), va="center", fontsize=8)
    ax.margins(x=0.2)


def _label(value: object) -> str:
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value))
    if len(text) > _LONGEST:
        # Names of models begin alike more often than they end alike.
        text = f"{text[: _LONGEST // 2 - 2]}…{text[-_LONGEST // 2 - 1 :]}"
    return text or _UNNAMED
