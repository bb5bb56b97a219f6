"""Text a model wrote, made safe to show: escaped, cut, its invisible characters made visible.

Everything that reaches an ``ipywidgets.HTML`` goes through here. Nothing else builds markup
from text that came out of a file.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jarvis_lab._checks import plural

__all__ = ["block", "chip", "content_text", "cut", "escape", "inline", "one_line", "plain", "table"]

#: Controls (but tab and newline), C1, bidirectional overrides and isolates, lone surrogates,
#: and characters without width that can hide text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
#: Names of the characters 0 to 31; the signs that Unicode has for them are in few fonts.
_CONTROLS = (
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF"),
    *("CR", "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM"),
    *("SUB", "ESC", "FS", "GS", "RS", "US"),
)
_SPACES = re.compile(r"\s+")


def _name(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return _CONTROLS[code]
    return "DEL" if code == 0x7F else f"U+{code:04X}"


def escape(text: str) -> str:
    """Escape ``text`` for HTML; characters that hide or reorder others get a visible name.

    Parameters
    ----------
    text
        Any text, hostile included.

    Returns
    -------
    str
        Markup that shows the text and does nothing else.

    Examples
    --------
    >>> escape('<img onerror="x()">')
    '&lt;img onerror=&quot;x()&quot;&gt;'
    >>> escape("a\\x00b")
    'a<span class="jl-hidden">NUL</span>b'
    >>> escape("admin\\u202etxt")
    'admin<span class="jl-hidden">U+202E</span>txt'
    """
    plain = html.escape(text.replace("\r\n", "\n"), quote=True)
    return _HIDDEN.sub(lambda m: f'<span class="jl-hidden">{_name(m)}</span>', plain)


def plain(text: str, *, quote: bool = False) -> str:
    """``text`` with visible names for hidden characters, for places that take no markup.

    Parameters
    ----------
    text
        Any text, hostile included.
    quote
        Whether to escape it for an attribute.

    Returns
    -------
    str

    Examples
    --------
    >>> plain("a\\u202eb"), plain('"', quote=True)
    ('aU+202Eb', '&quot;')
    """
    shown = _HIDDEN.sub(_name, text)
    return html.escape(shown, quote=True) if quote else shown


def cut(text: str, most: int | None) -> tuple[str, int]:
    """First ``most`` characters of ``text`` and how many are left out (``None`` cuts nothing).

    Examples
    --------
    >>> cut("abcdef", 4)
    ('abcd', 2)
    """
    if most is None or len(text) <= most:
        return text, 0
    return text[:most], len(text) - most


def one_line(text: str, most: int = 160) -> str:
    """``text`` on one line, cut after ``most`` characters (not escaped).

    Examples
    --------
    >>> one_line("a\\n  b")
    'a b'
    """
    joined = _SPACES.sub(" ", text[: 4 * most]).strip()
    return joined if len(joined) <= most and len(text) <= 4 * most else f"{joined[:most]} …"


def inline(text: str) -> str:
    """Escaped ``text`` that keeps its own writing direction to itself.

    Examples
    --------
    >>> inline("a<b")
    '<bdi>a&lt;b</bdi>'
    """
    return f"<bdi>{escape(text)}</bdi>"


def block(text: str, *, most: int | None = None) -> str:
    """``text`` as a block with its line breaks, its direction found by the browser.

    Parameters
    ----------
    text
        What to show.
    most
        Characters shown; a line below says how many are left out. ``None`` shows all.

    Returns
    -------
    str
        Markup; empty text is said to be empty.

    Examples
    --------
    >>> print(block("abcdef", most=4).replace("><", ">\\n<"))
    <div class="jl-text" dir="auto">abcd</div>
    <div class="jl-cut">2 more characters not shown</div>
    """
    if not text:
        return '<div class="jl-text jl-none">(empty)</div>'
    shown, left = cut(text, most)
    word = plural(left, "character")
    more = f'<div class="jl-cut">{left:,} more {word} not shown</div>' if left else ""
    return f'<div class="jl-text" dir="auto">{escape(shown)}</div>{more}'


def chip(label: str, value: str, *, tone: str = "") -> str:
    """Show a small fact about an item: what it is, then its value.

    Examples
    --------
    >>> chip("model", "a")
    '<span class="jl-chip"><span class="jl-key">model</span> <bdi>a</bdi></span>'
    """
    extra = f" jl-{tone}" if tone else ""
    key = f'<span class="jl-key">{escape(label)}</span> '
    return f'<span class="jl-chip{extra}">{key}{inline(one_line(value, 80))}</span>'


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Show rows as a table; numbers stand to the right.

    Examples
    --------
    >>> table(["n"], [[1]])
    '<table class="jl-table"><tr><th>n</th></tr><tr><td class="jl-number">1</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table class="jl-table"><tr>{head}</tr>{body}</table>'


def _cell(value: object) -> str:
    if isinstance(value, (int, float)):
        return f'<td class="jl-number">{value:,}</td>'
    return f"<td>{inline(str(value))}</td>"


def content_text(content: Any) -> str:
    """Text of a message's content, whatever JSON it is.

    Parts of a list stand below one another; a part with ``text`` shows that, any other its JSON.

    Examples
    --------
    >>> content_text([{"type": "text", "text": "see"}, {"type": "image_url", "image_url": 1}])
    'see\\n{"type": "image_url", "image_url": 1}'
    >>> content_text(None)
    ''
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping) and isinstance(content.get("text"), str):
        return str(content["text"])
    if isinstance(content, list):
        return "\n".join(content_text(part) for part in content)
    return json.dumps(content, ensure_ascii=False, default=str)
