"""jarvis_lab: analysis for people who run a fleet of language models behind a router.

Every public name is loaded on first use, so that ``import jarvis_lab`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jarvis_lab._tasks import LostTaskError
    from jarvis_lab.classes import classify_queries, classify_query
    from jarvis_lab.cluster import local_client
    from jarvis_lab.evaluation import (
        aiq,
        apgr,
        class_regret,
        compare_policies,
        complete_values,
        cpt,
        disagreements,
        exploration_plan,
        logged_difference,
        logged_value,
        pareto_frontier,
        routing_curve,
        weighted_values,
    )
    from jarvis_lab.evaluation.overlap import overlap
    from jarvis_lab.plots import (
        plot_class_regret,
        plot_class_scores,
        plot_export_balance,
        plot_overlap,
        plot_policy_values,
        plot_quality_cost,
        plot_routing_curve,
        plot_score_heatmap,
    )
    from jarvis_lab.readers import (
        BadLine,
        BadLineError,
        BadLineWarning,
        DamagedStoreError,
        ValueWarning,
        read_steps,
        read_traces,
    )
    from jarvis_lab.readers.lake import read_evidence, read_scored_runs
    from jarvis_lab.readers.lake_files import scored_run_files
    from jarvis_lab.readers.packed import DamagedFileError
    from jarvis_lab.review.errors import (
        BlankCorrectionError,
        JournalError,
        NotDecidedError,
        NothingToRedoError,
        NothingToUndoError,
        NotPendingError,
        NotSavedError,
        ReviewError,
        UnknownActionError,
        UnknownCategoryError,
        UnknownItemError,
        UnstorableTextError,
    )
    from jarvis_lab.review.queue import ReviewQueue
    from jarvis_lab.review.runs import discover_runs
    from jarvis_lab.routing import (
        AlwaysPolicy,
        BestSinglePolicy,
        HeuristicRouterPolicy,
        LowerBoundRouterPolicy,
        OraclePolicy,
        RandomPolicy,
        RouterPolicy,
        RouterPolicyRegistry,
        RoutingContext,
        SFTPolicy,
        SFTRouterPolicy,
        TraceDrivenPolicy,
        build_routing_context,
        ensure_registered,
        load_policy,
        routing_diff,
        save_policy,
    )
    from jarvis_lab.samples import sample_path
    from jarvis_lab.scores import class_scores, merge_counts, score_counts
    from jarvis_lab.synthesis.corrections import (
        CorrectionsExport,
        correction_rows,
        export_corrections,
    )
    from jarvis_lab.synthesis.export import export_sft
    from jarvis_lab.synthesis.hygiene import (
        clean_rows,
        drop_contaminated,
        drop_disputed_prompts,
        drop_exact_duplicates,
        drop_near_duplicates,
    )
    from jarvis_lab.synthesis.preferences import export_preferences
    from jarvis_lab.synthesis.sft import (
        QUALITY_SCORES,
        SFT_NEVER,
        build_instruction,
        is_sft_never,
        synthesize_sft,
    )
    from jarvis_lab.synthesis.sft_export import SftExport
    from jarvis_lab.synthesis.split import assign_split
    from jarvis_lab.synthesis.verify import verify_export
    from jarvis_lab.widgets import ReviewPanel, RoutingExplorer

__all__ = [
    "QUALITY_SCORES",
    "SFT_NEVER",
    "AlwaysPolicy",
    "BadLine",
    "BadLineError",
    "BadLineWarning",
    "BestSinglePolicy",
    "BlankCorrectionError",
    "CorrectionsExport",
    "DamagedFileError",
    "DamagedStoreError",
    "HeuristicRouterPolicy",
    "JournalError",
    "LostTaskError",
    "LowerBoundRouterPolicy",
    "NotDecidedError",
    "NotPendingError",
    "NotSavedError",
    "NothingToRedoError",
    "NothingToUndoError",
    "OraclePolicy",
    "RandomPolicy",
    "ReviewError",
    "ReviewPanel",
    "ReviewQueue",
    "RouterPolicy",
    "RouterPolicyRegistry",
    "RoutingContext",
    "RoutingExplorer",
    "SFTPolicy",
    "SFTRouterPolicy",
    "SftExport",
    "TraceDrivenPolicy",
    "UnknownActionError",
    "UnknownCategoryError",
    "UnknownItemError",
    "UnstorableTextError",
    "ValueWarning",
    "aiq",
    "apgr",
    "assign_split",
    "build_instruction",
    "build_routing_context",
    "class_regret",
    "class_scores",
    "classify_queries",
    "classify_query",
    "clean_rows",
    "compare_policies",
    "complete_values",
    "correction_rows",
    "cpt",
    "disagreements",
    "discover_runs",
    "drop_contaminated",
    "drop_disputed_prompts",
    "drop_exact_duplicates",
    "drop_near_duplicates",
    "ensure_registered",
    "exploration_plan",
    "export_corrections",
    "export_preferences",
    "export_sft",
    "is_sft_never",
    "load_policy",
    "local_client",
    "logged_difference",
    "logged_value",
    "merge_counts",
    "overlap",
    "pareto_frontier",
    "plot_class_regret",
    "plot_class_scores",
    "plot_export_balance",
    "plot_overlap",
    "plot_policy_values",
    "plot_quality_cost",
    "plot_routing_curve",
    "plot_score_heatmap",
    "read_evidence",
    "read_scored_runs",
    "read_steps",
    "read_traces",
    "routing_curve",
    "routing_diff",
    "sample_path",
    "save_policy",
    "score_counts",
    "scored_run_files",
    "synthesize_sft",
    "verify_export",
    "weighted_values",
]

__version__ = "0.1.0"

_MODULES: dict[str, tuple[str, ...]] = {
    "jarvis_lab._tasks": ("LostTaskError",),
    "jarvis_lab.classes": ("classify_queries", "classify_query"),
    "jarvis_lab.cluster": ("local_client",),
    "jarvis_lab.evaluation": (
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
        "weighted_values",
    ),
    "jarvis_lab.plots": (
        "plot_class_regret",
        "plot_class_scores",
        "plot_export_balance",
        "plot_overlap",
        "plot_policy_values",
        "plot_quality_cost",
        "plot_routing_curve",
        "plot_score_heatmap",
    ),
    "jarvis_lab.readers": (
        "BadLine",
        "BadLineError",
        "BadLineWarning",
        "DamagedStoreError",
        "ValueWarning",
        "read_steps",
        "read_traces",
    ),
    "jarvis_lab.readers.lake": ("read_evidence", "read_scored_runs"),
    "jarvis_lab.readers.lake_files": ("scored_run_files",),
    "jarvis_lab.readers.packed": ("DamagedFileError",),
    "jarvis_lab.review.errors": (
        *("BlankCorrectionError", "JournalError", "NotDecidedError", "NotPendingError"),
        *("NotSavedError", "NothingToRedoError", "NothingToUndoError", "ReviewError"),
        *("UnknownActionError", "UnknownCategoryError", "UnknownItemError", "UnstorableTextError"),
    ),
    "jarvis_lab.review.queue": ("ReviewQueue",),
    "jarvis_lab.review.runs": ("discover_runs",),
    "jarvis_lab.routing": (
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
        "TraceDrivenPolicy",
        "build_routing_context",
        "ensure_registered",
        "load_policy",
        "routing_diff",
        "save_policy",
    ),
    "jarvis_lab.samples": ("sample_path",),
    "jarvis_lab.scores": ("class_scores", "merge_counts", "score_counts"),
    "jarvis_lab.synthesis.corrections": (
        "CorrectionsExport",
        "correction_rows",
        "export_corrections",
    ),
    "jarvis_lab.synthesis.export": ("export_sft",),
    "jarvis_lab.synthesis.hygiene": (
        "clean_rows",
        "drop_contaminated",
        "drop_disputed_prompts",
        "drop_exact_duplicates",
        "drop_near_duplicates",
    ),
    "jarvis_lab.synthesis.preferences": ("export_preferences",),
    "jarvis_lab.synthesis.sft": (
        "QUALITY_SCORES",
        "SFT_NEVER",
        "build_instruction",
        "is_sft_never",
        "synthesize_sft",
    ),
    "jarvis_lab.synthesis.sft_export": ("SftExport",),
    "jarvis_lab.synthesis.split": ("assign_split",),
    "jarvis_lab.synthesis.verify": ("verify_export",),
    "jarvis_lab.widgets": ("ReviewPanel", "RoutingExplorer"),
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
