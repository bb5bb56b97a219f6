"""What a decision may say: the original's rules, and text that can be stored."""

from __future__ import annotations

import unicodedata
from typing import Literal, get_args

from jarvis_lab._checks import names
from jarvis_lab.review.errors import (
    BlankCorrectionError,
    UnknownActionError,
    UnknownCategoryError,
    UnstorableTextError,
)
from jarvis_lab.review.fold import DECISIONS

__all__ = ["FAILURE_CATEGORIES", "Decision", "FailureCategory", "check_decision", "storable"]

Decision = Literal["approve", "correct", "discard", "flag"]
FailureCategory = Literal[
    "scoring_artifact",
    "style_violation",
    "partial_answer",
    "wrong_answer",
    "format_error",
    "hallucination",
]
FAILURE_CATEGORIES: tuple[str, ...] = get_args(FailureCategory)


def check_decision(action: str, text: str | None, category: str | None, note: str | None) -> None:
    """Raise unless the action, category, text and note of a decision are in order."""
    if not isinstance(action, str) or action not in DECISIONS:
        raise UnknownActionError(f"action={action!r} is not one of {names(DECISIONS)}.")
    if category is not None and category not in FAILURE_CATEGORIES:
        raise UnknownCategoryError(
            f"failure_category={category!r} is not one of {names(FAILURE_CATEGORIES)}."
        )
    for name, value in (("corrected_response", text), ("note", note)):
        if value is not None:
            storable(name, value)
    if action == "correct" and not _visible(text or ""):
        raise BlankCorrectionError(
            "A correction needs text: what should the model have said? discard() takes an item "
            "out without one."
        )


def _visible(text: str) -> bool:
    """Whether the text has more than white space, control and zero-width characters."""
    return any(not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf") for c in text)


def storable(name: str, value: object) -> str:
    """Return ``value`` if it is text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__} {value!r}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnstorableTextError(
            f"{name} has half of a surrogate pair at position {error.start}, which no file can "
            "hold. Remove that character."
        ) from None
    return value
