"""Views for a notebook: they read state, call a verb, redraw."""

from jarvis_lab.widgets.review_panel import ReviewPanel
from jarvis_lab.widgets.routing_explorer import RoutingExplorer, RoutingState

__all__ = ["ReviewPanel", "RoutingExplorer", "RoutingState"]
