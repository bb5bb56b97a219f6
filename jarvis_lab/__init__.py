"""jarvis_lab: analysis for people who run a fleet of language models behind a router.

Every public name is loaded on first use, so that ``import jarvis_lab`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jarvis_lab.classes import classify_queries, classify_query
    from jarvis_lab.evaluation import disagreements
    from jarvis_lab.plots import plot_class_scores, plot_score_heatmap
    from jarvis_lab.readers import (
        BadLine,
        BadLineError,
        BadLineWarning,
        DamagedStoreError,
        ValueWarning,
        read_steps,
        read_traces,
    )
    from jarvis_lab.routing import (
        RouterPolicy,
        RouterPolicyRegistry,
        RoutingContext,
        SFTPolicy,
        SFTRouterPolicy,
        TraceDrivenPolicy,
        ensure_registered,
        load_policy,
        routing_diff,
        save_policy,
    )
    from jarvis_lab.samples import sample_path
    from jarvis_lab.scores import class_scores, merge_counts, score_counts
    from jarvis_lab.widgets import RoutingExplorer

__all__ = [
    "BadLine",
    "BadLineError",
    "BadLineWarning",
    "DamagedStoreError",
    "RouterPolicy",
    "RouterPolicyRegistry",
    "RoutingContext",
    "RoutingExplorer",
    "SFTPolicy",
    "SFTRouterPolicy",
    "TraceDrivenPolicy",
    "ValueWarning",
    "class_scores",
    "classify_queries",
    "classify_query",
    "disagreements",
    "ensure_registered",
    "load_policy",
    "merge_counts",
    "plot_class_scores",
    "plot_score_heatmap",
    "read_steps",
    "read_traces",
    "routing_diff",
    "sample_path",
    "save_policy",
    "score_counts",
]

__version__ = "0.1.0"

_MODULES: dict[str, tuple[str, ...]] = {
    "jarvis_lab.classes": ("classify_queries", "classify_query"),
    "jarvis_lab.evaluation": ("disagreements",),
    "jarvis_lab.plots": ("plot_class_scores", "plot_score_heatmap"),
    "jarvis_lab.readers": (
        *("BadLine", "BadLineError", "BadLineWarning", "DamagedStoreError", "ValueWarning"),
        *("read_steps", "read_traces"),
    ),
    "jarvis_lab.routing": (
        *("RouterPolicy", "RouterPolicyRegistry", "RoutingContext", "SFTPolicy"),
        *("SFTRouterPolicy", "TraceDrivenPolicy", "ensure_registered", "load_policy"),
        *("routing_diff", "save_policy"),
    ),
    "jarvis_lab.samples": ("sample_path",),
    "jarvis_lab.scores": ("class_scores", "merge_counts", "score_counts"),
    "jarvis_lab.widgets": ("RoutingExplorer",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'jarvis_lab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
