"""What a policy is worth, and where two of them differ."""

from jarvis_lab.evaluation.complete import complete_values
from jarvis_lab.evaluation.differences import disagreements, traffic
from jarvis_lab.evaluation.logged import (
    LoggedDifference,
    LoggedValue,
    logged_difference,
    logged_value,
)
from jarvis_lab.evaluation.regret import class_regret

__all__ = [
    "LoggedDifference",
    "LoggedValue",
    "class_regret",
    "complete_values",
    "disagreements",
    "logged_difference",
    "logged_value",
    "traffic",
]
