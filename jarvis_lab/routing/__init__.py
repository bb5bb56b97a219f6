"""Router policies: routing tables learned from a log, baselines, and both saved and compared."""

from jarvis_lab.routing.baselines import (
    AlwaysPolicy,
    BestSinglePolicy,
    OraclePolicy,
    RandomPolicy,
)
from jarvis_lab.routing.diff import routing_diff
from jarvis_lab.routing.heuristic import HeuristicRouterPolicy, build_routing_context
from jarvis_lab.routing.lower_bound import LowerBoundRouterPolicy
from jarvis_lab.routing.policy import RouterPolicy, RoutingContext, TablePolicy
from jarvis_lab.routing.registry import RouterPolicyRegistry, ensure_registered
from jarvis_lab.routing.saved import load_policy, save_policy
from jarvis_lab.routing.sft import SFTPolicy, SFTRouterPolicy
from jarvis_lab.routing.trace import TraceDrivenPolicy

__all__ = [
    "AlwaysPolicy",
    "BestSinglePolicy",
    "HeuristicRouterPolicy",
    "LowerBoundRouterPolicy",
    "OraclePolicy",
    "RandomPolicy",
    "RouterPolicy",
    "RouterPolicyRegistry",
    "RoutingContext",
    "SFTPolicy",
    "SFTRouterPolicy",
    "TablePolicy",
    "TraceDrivenPolicy",
    "build_routing_context",
    "ensure_registered",
    "load_policy",
    "routing_diff",
    "save_policy",
]

# Work at import, as the originals do: whoever can see the registry finds the policies in it.
ensure_registered()
