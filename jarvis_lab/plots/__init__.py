"""Tables in, Axes out; computes nothing and leaves matplotlib's settings alone."""

from __future__ import annotations

from jarvis_lab.plots.balance import plot_export_balance
from jarvis_lab.plots.curve import plot_routing_curve
from jarvis_lab.plots.heatmap import plot_score_heatmap
from jarvis_lab.plots.intervals import plot_class_scores
from jarvis_lab.plots.overlap import plot_overlap
from jarvis_lab.plots.quality import plot_quality_cost
from jarvis_lab.plots.regret import plot_class_regret
from jarvis_lab.plots.values import plot_policy_values

__all__ = [
    "plot_class_regret",
    "plot_class_scores",
    "plot_export_balance",
    "plot_overlap",
    "plot_policy_values",
    "plot_quality_cost",
    "plot_routing_curve",
    "plot_score_heatmap",
]
