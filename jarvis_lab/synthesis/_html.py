"""How the result of an export looks in a notebook: one card, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd

__all__ = ["bar", "card", "table"]

_CARD = (
    "border:1px solid var(--jp-border-color2,#bbb);border-radius:6px;padding:10px 14px;"
    "max-width:60em;overflow-x:auto;color:var(--jp-ui-font-color1,inherit);"
    "background:var(--jp-layout-color1,transparent)"
)
_MUTED = "color:var(--jp-ui-font-color2,#666)"
_COLOURS = ("#2a9d5c", "#c8553d", "#8d99ae")
_CELL = "text-align:left;padding:2px 12px 2px 0;vertical-align:top"


def table(frame: pd.DataFrame, *, caption: str = "", most: int = 12) -> str:
    """Give a frame as an HTML table, cut after ``most`` rows, every cell escaped.

    Parameters
    ----------
    frame
        The rows to show. Numbers are right-aligned.
    caption
        A line above the table.
    most
        Rows shown; a last line counts the others.
    """
    head = "".join(f'<th style="{_CELL}">{escape(str(name))}</th>' for name in frame.columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in _rows(frame.head(most)))
    hidden = len(frame) - most
    more = f'<div style="{_MUTED}">and {hidden:,} more</div>' if hidden > 0 else ""
    title = f'<div style="margin-top:8px;{_MUTED}">{escape(caption)}</div>' if caption else ""
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def card(title: str, facts: Iterable[tuple[str, object]], parts: Sequence[str] = ()) -> str:
    """Give a bordered card: a title, a line per fact, then ready-made HTML parts.

    Parameters
    ----------
    title, facts
        Shown as text: both are escaped here.
    parts
        HTML from :func:`table`, shown as it is.
    """
    lines = "".join(
        f'<tr><td style="{_CELL};{_MUTED}">{escape(str(name))}</td>'
        f'<td style="{_CELL}">{escape(_text(value))}</td></tr>'
        for name, value in facts
    )
    return (
        f'<div style="{_CARD}"><b>{escape(title)}</b>'
        f"<table><tbody>{lines}</tbody></table>{''.join(parts)}</div>"
    )


def bar(shares: Mapping[str, int]) -> str:
    """Give one bar divided among up to three counts, with a legend in words; empty for none."""
    total = sum(shares.values())
    if not total:
        return ""
    named = [
        (escape(name), count, colour)
        for (name, count), colour in zip(shares.items(), _COLOURS, strict=False)
    ]
    pieces = "".join(
        f'<div title="{name}: {count:,}" '
        f'style="width:{100 * count / total:.2f}%;background:{colour}"></div>'
        for name, count, colour in named
    )
    legend = " &nbsp; ".join(
        f'<span style="color:{colour}">■</span> {name} {count / total:.0%}'
        for name, count, colour in named
    )
    return (
        '<div style="display:flex;height:14px;border-radius:3px;overflow:hidden;margin:8px 0 2px">'
        f"{pieces}</div><div>{legend}</div>"
    )


def _rows(frame: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    return frame.itertuples(index=False, name=None)


def _cell(value: object) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    align = ";text-align:right" if number else ""
    return f'<td style="{_CELL}{align}">{escape(_text(value))}</td>'


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3g}"
    return str(value)
