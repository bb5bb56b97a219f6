"""Text of which it is known, before it is drawn, how much room it takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from jarvis_lab.plots._table import visible

__all__ = ["height_of", "joined", "shortened", "width_of", "wrapped"]

_LINE = 1.25


def width_of(text: str, size: float) -> float:
    """Width in inches of one line of text in a font of that many points."""
    with warnings.catch_warnings():
        # A letter that the font lacks has the width of its box; drawing it will say so.
        warnings.simplefilter("ignore")
        font = FontProperties(size=size)
        wide, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(wide) / 72


def height_of(size: float) -> float:
    """Height in inches of one line."""
    return size * _LINE / 72


def shortened(text: str, size: float, room: float) -> str:
    """The text in one line, cut at its end if it is wider than ``room`` inches."""
    line = visible(text) if text else ""
    if width_of(line, size) <= room:
        return line
    few, many = 0, len(line)
    while few < many:
        middle = (few + many + 1) // 2
        fits = width_of(line[:middle].rstrip() + "…", size) <= room
        few, many = (middle, many) if fits else (few, middle - 1)
    return line[:few].rstrip() + "…"


def wrapped(text: str, size: float, room: float, *, most: int) -> str:
    """The text in at most ``most`` lines of ``room`` inches, cut at its end if that is too few."""
    lines: list[str] = []
    words = visible(text).split() if text.strip() else []
    while words and len(lines) < most - 1:
        line = words.pop(0)
        while words and width_of(f"{line} {words[0]}", size) <= room:
            line += f" {words.pop(0)}"
        lines.append(shortened(line, size, room))
    if words:
        lines.append(shortened(" ".join(words), size, room))
    return "\n".join(lines)


def joined(parts: Iterable[str]) -> str:
    """The parts that say something, each once."""
    return "; ".join(dict.fromkeys(part for part in parts if part))
