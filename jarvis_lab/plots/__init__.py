"""Tables in, Axes out; computes nothing and leaves matplotlib's settings alone."""

from __future__ import annotations

from jarvis_lab.plots.balance import plot_export_balance
from jarvis_lab.plots.heatmap import plot_score_heatmap
from jarvis_lab.plots.intervals import plot_class_scores

__all__ = ["plot_class_scores", "plot_export_balance", "plot_score_heatmap"]
