"""Argument errors: one place for their wording."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "caller_level",
    "choice",
    "column",
    "flag",
    "fraction",
    "frame",
    "names",
    "plural",
    "positive",
    "text",
    "whole",
]

_PACKAGE = __name__.partition(".")[0]


def caller_level() -> int:
    """The ``stacklevel`` by which a warning of the caller's points out of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level


def names(values: Iterable[object], *, most: int = 12) -> str:
    """List values for an error message, cut after ``most``."""
    items = list(values)
    shown = ", ".join(repr(item) for item in items[:most])
    return f"{shown}, … ({len(items)} in all)" if len(items) > most else shown or "none"


def plural(number: int, one: str, many: str = "") -> str:
    """The word for that many: ``one`` for 1, else ``many``, or ``one`` with an s.

    Examples
    --------
    >>> plural(1, "trace"), plural(0, "trace"), plural(2, "query lacks", "queries lack")
    ('trace', 'traces', 'queries lack')
    """
    return one if number == 1 else many or f"{one}s"


def choice(name: str, value: Any, options: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name}={value!r} is not one of {names(options)}.")
    return value


def flag(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False; a text such as "no" would count as True."""
    if type(value).__name__ not in ("bool", "bool_"):  # numpy's as well
        raise TypeError(f"{name} must be True or False, not {value!r:.80}.")
    return bool(value)


def fraction(name: str, value: float, *, ends: bool = False) -> float:
    """Return ``value`` as a float between 0 and 1, the ends allowed only with ``ends``."""
    number = _number(name, value)
    if not (0.0 <= number <= 1.0 if ends else 0.0 < number < 1.0):
        span = "from 0 to 1" if ends else "between 0 and 1, both excluded"
        raise ValueError(f"{name}={value!r} must be {span}.")
    return number


def positive(name: str, value: float, *, zero: bool = False) -> float:
    """Return ``value`` as a finite float above 0 (or at least 0 with ``zero``)."""
    number = _number(name, value)
    if not (number >= 0.0 if zero else number > 0.0) or number == float("inf"):
        raise ValueError(f"{name}={value!r} must be {'at least' if zero else 'above'} 0.")
    return number


def whole(name: str, value: int, *, least: int = 0) -> int:
    """Return ``value`` if it is a whole number of at least ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__} {value!r}.")
    if value < least:
        raise ValueError(f"{name}={value!r} must be at least {least}.")
    return int(value)


def text(name: str, value: object) -> str:
    """Return ``value`` if it is text with at least one visible character."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__} {value!r}.")
    if not value.strip():
        raise ValueError(f"{name} must not be empty.")
    return value


def frame(name: str, value: Any, *, hint: str) -> Any:
    """Return ``value`` if it is a DataFrame."""
    if not hasattr(value, "columns"):
        raise TypeError(f"{name} must be a DataFrame, not {type(value).__name__}. {hint}")
    return value


def column(wanted: str, available: Iterable[object], *, where: str, hint: str) -> str:
    """Return ``wanted`` if the table at ``where`` has that column."""
    have = list(available)
    if wanted not in have:
        near = difflib.get_close_matches(wanted, [str(name) for name in have], n=1, cutoff=0.75)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{where} has no column {wanted!r}; it has {names(have)}.{guess} {hint}")
    return wanted


def _number(name: str, value: Any) -> float:
    if isinstance(value, (bool, str, bytes)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__} {value!r}.")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {type(value).__name__} {value!r}.") from None
