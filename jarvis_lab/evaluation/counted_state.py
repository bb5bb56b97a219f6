"""What an interactive comparison is set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from jarvis_lab.evaluation.counted_keys import STEPS

__all__ = ["ORIGINAL", "RoutingState", "Weights", "reward_name"]

#: The scheme under which each policy keeps the classes that it was made for.
ORIGINAL = "original"


class Weights(TypedDict):
    """The weights of a reward, as keyword arguments."""

    outcome_weight: float
    feedback_weight: float


@dataclass(frozen=True)
class RoutingState:
    """What the controls are set to.

    Attributes
    ----------
    scheme : str
        "regex", "keyword" or a column: the classes of all tables; "original": "keyword" for
        SFTRouterPolicy and "regex" for the others.
    outcome_weight, feedback_weight : float
        Weights of the reward, and of both originals' scores; only their ratio matters.
    min_samples : int
        Threshold of both originals.
    confidence : float
        One-sided confidence of the lower bound, at least 0.5.
    models : tuple of str
        The models that may be chosen.
    steps : (int, int)
        First and last edge of the time range, from 0 to 50.
    policies : tuple of str
        The policies that are shown.
    chosen : str
        The policy whose table is held against the current one and can be saved.
    reference : str
        The policy whose value the others are compared with.
    """

    scheme: str = ORIGINAL
    outcome_weight: float = 0.6
    feedback_weight: float = 0.4
    min_samples: int = 5
    confidence: float = 0.84
    models: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, STEPS)
    policies: tuple[str, ...] = ()
    chosen: str = "lower bound"
    reference: str = "best single"

    @property
    def weights(self) -> Weights:
        """Both weights, as keyword arguments."""
        return Weights(outcome_weight=self.outcome_weight, feedback_weight=self.feedback_weight)

    @property
    def weighs(self) -> bool:
        """Whether any weight is above 0."""
        return self.outcome_weight + self.feedback_weight > 0


def reward_name(outcome_weight: float, feedback_weight: float) -> str | None:
    """What a weighted reward is called; None for the outcome alone.

    >>> reward_name(0.6, 0.4), reward_name(1, 0), reward_name(0, 2)
    ('0.6*outcome + 0.4*feedback', None, 'feedback')
    """
    if feedback_weight == 0:
        return None
    if outcome_weight == 0:
        return "feedback"
    total = outcome_weight + feedback_weight
    return f"{outcome_weight / total:.6g}*outcome + {feedback_weight / total:.6g}*feedback"
