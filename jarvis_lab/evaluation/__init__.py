"""What a policy is worth, and where two of them differ."""

from jarvis_lab.evaluation.differences import disagreements, traffic
from jarvis_lab.evaluation.logged import (
    LoggedDifference,
    LoggedValue,
    logged_difference,
    logged_value,
)

__all__ = [
    "LoggedDifference",
    "LoggedValue",
    "disagreements",
    "logged_difference",
    "logged_value",
    "traffic",
]
