"""How the result of an export looks in a notebook: one card, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

__all__ = ["card", "table"]

_CARD = (
    "border:1px solid var(--jp-border-color2,#bbb);border-radius:6px;padding:10px 14px;"
    "max-width:60em;color:var(--jp-ui-font-color1,inherit);"
    "background:var(--jp-layout-color1,transparent)"
)
_MUTED = "color:var(--jp-ui-font-color2,#666)"
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
