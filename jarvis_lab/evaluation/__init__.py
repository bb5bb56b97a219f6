"""What a policy is worth, and where two of them differ."""

from jarvis_lab.evaluation.compare import LOGGED_CAVEAT, compare_policies
from jarvis_lab.evaluation.complete import complete_values
from jarvis_lab.evaluation.curves import apgr, cpt, routing_curve
from jarvis_lab.evaluation.differences import disagreements, traffic
from jarvis_lab.evaluation.estimate import CurveEstimate
from jarvis_lab.evaluation.exploration import exploration_plan
from jarvis_lab.evaluation.frontier import aiq, pareto_frontier
from jarvis_lab.evaluation.logged import (
    LoggedDifference,
    LoggedValue,
    logged_difference,
    logged_value,
)
from jarvis_lab.evaluation.overlap import overlap
from jarvis_lab.evaluation.regret import class_regret
from jarvis_lab.evaluation.weighted import weighted_values

__all__ = [
    "LOGGED_CAVEAT",
    "CurveEstimate",
    "LoggedDifference",
    "LoggedValue",
    "aiq",
    "apgr",
    "class_regret",
    "compare_policies",
    "complete_values",
    "cpt",
    "disagreements",
    "exploration_plan",
    "logged_difference",
    "logged_value",
    "overlap",
    "pareto_frontier",
    "routing_curve",
    "traffic",
    "weighted_values",
]
