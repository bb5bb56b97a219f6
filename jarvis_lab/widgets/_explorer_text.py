"""How the explorer writes numbers, names and shares."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from jarvis_lab.widgets import _html

__all__ = ["call", "count", "difference", "name", "number", "plain", "share", "title"]

_LONGEST = 40
#: Where a long name may go on in the next line.
_PIECES = re.compile(r"[^_/:.\s-]{1,14}[_/:.\s-]*|[_/:.\s-]+")


def name(text: str) -> str:
    """A model, class or policy as markup; the whole of a long one shows when pointed at.

    >>> name("a<b"), name("multiple_function")
    ('<bdi>a&lt;b</bdi>', '<bdi>multiple_<wbr>function</bdi>')
    """
    if not text:
        return '<span class="jl-none">none</span>'
    shown = _html.one_line(text, _LONGEST)
    pieces = "<wbr>".join(_html.escape(piece) for piece in _PIECES.findall(shown))
    if shown == text:
        return f"<bdi>{pieces}</bdi>"
    whole = _html.cut(text, 300)[0]
    return f'<span title="{_html.plain(whole, quote=True)}"><bdi>{pieces}</bdi></span>'


def plain(text: str) -> str:
    """The same as plain text, for the options of a control.

    >>> plain("a\\u202eb")
    'aU+202Eb'
    """
    return _html.plain(_html.one_line(text, _LONGEST)) or "(empty)"


def number(value: float, digits: int = 2) -> str:
    """A rate; an en dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def difference(value: float, digits: int = 3) -> str:
    """A difference with its sign."""
    return "–" if math.isnan(value) else f"{value:+.{digits}f}".replace("-", "−")


def count(value: Any) -> str:
    """A number rounded to a whole one, with separators; nothing where it is missing."""
    return "" if pd.isna(value) else f"{round(value):,}"


def share(value: float) -> str:
    """A share of the traffic.

    >>> share(0.214), share(0.0004), share(0)
    ('21 %', '<1 %', '0 %')
    """
    if 0 < value < 0.005:
        return "<1 %"
    return f"{100 * value:.0f} %"


def title(text: str, extra: str = "") -> str:
    """A heading of a part; ``extra`` is markup."""
    return f"<h4>{_html.escape(text)}{f' {extra}' if extra else ''}</h4>"


def call(tone: str, text: str, detail: str = "") -> str:
    """One marked line; see the review panel's."""
    more = f" {_html.inline(detail)}" if detail else ""
    return f'<div class="jl-call jl-{tone}" role="status"><b>{_html.escape(text)}</b>{more}</div>'
