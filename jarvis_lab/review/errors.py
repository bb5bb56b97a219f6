"""What can go wrong in a review, one class for each."""

from __future__ import annotations

__all__ = [
    "BlankCorrectionError",
    "JournalError",
    "NotDecidedError",
    "NotPendingError",
    "NotSavedError",
    "NothingToRedoError",
    "NothingToUndoError",
    "ReviewError",
    "UnknownActionError",
    "UnknownCategoryError",
    "UnknownItemError",
    "UnstorableTextError",
]


class ReviewError(Exception):
    """Anything a review queue refuses."""


class UnknownItemError(ReviewError, KeyError):
    """No candidate has this id."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class NotPendingError(ReviewError, ValueError):
    """The candidate has a decision already."""


class NotDecidedError(ReviewError, ValueError):
    """The candidate has no decision to edit."""


class BlankCorrectionError(ReviewError, ValueError):
    """A correction without visible text."""


class UnknownCategoryError(ReviewError, ValueError):
    """A failure category that does not exist."""


class UnknownActionError(ReviewError, ValueError):
    """An action that does not exist."""


class NothingToUndoError(ReviewError, ValueError):
    """No decision is left to undo."""


class NothingToRedoError(ReviewError, ValueError):
    """No undo is left to take back."""


class UnstorableTextError(ReviewError, ValueError):
    """Text that no UTF-8 file can hold."""


class JournalError(ReviewError, ValueError):
    """A journal has a line in its middle that cannot be read."""


class NotSavedError(ReviewError, OSError):
    """The disk refused the event: nothing has changed, and the text is still the caller's."""
