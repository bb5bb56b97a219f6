"""A figure with its interval."""

from __future__ import annotations

import html
from dataclasses import dataclass

__all__ = ["CurveEstimate"]


@dataclass(frozen=True)
class CurveEstimate:
    """A figure read from a curve, with a bootstrap interval over queries.

    Attributes
    ----------
    value, low, high : float
        The figure and its interval; the interval is NaN where it cannot be told.
    level : float
        Confidence level.
    n : int
        Queries.
    note : str
        What to know before relying on it; empty if nothing is wrong.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    note: str = ""

    def __repr__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return (
            f"CurveEstimate({self.value:.3f}, {self.level:.0%} interval {self.low:.3f} to "
            f"{self.high:.3f}, n={self.n}){note}"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"
