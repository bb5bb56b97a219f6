"""Controls of the explorer and where they stand; they know the settings, not the counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import pandas as pd

from jarvis_lab.evaluation.counted_state import ORIGINAL, RoutingState
from jarvis_lab.widgets._explorer_style import EXPLORER_CSS
from jarvis_lab.widgets._explorer_text import plain
from jarvis_lab.widgets._style import CSS

__all__ = ["Controls"]

_FIELD: dict[str, Any] = {"style": {"description_width": "initial"}}
_MOST_ROWS = 7


def _box(children: Sequence[Any], *classes: str, vertical: bool = True) -> Any:
    box = (ipywidgets.VBox if vertical else ipywidgets.HBox)(list(children))
    for name in classes:
        box.add_class(name)
    return box


class Controls:
    """Every control, and `tree`, which holds them in the order of the Tab key.

    Parameters
    ----------
    schemes, models, policies : list of str
        What may be chosen.
    tables : list of str
        The policies whose table can be saved.
    edges : DatetimeIndex or None
        Edges of the steps of time.
    """

    def __init__(
        self,
        *,
        schemes: Sequence[str],
        models: Sequence[str],
        policies: Sequence[str],
        tables: Sequence[str],
        edges: pd.DatetimeIndex | None,
    ) -> None:
        named = [("each its own" if n == ORIGINAL else plain(n), n) for n in schemes]
        self.scheme = self._choice("Classes", named)
        self.chosen = self._choice("Chosen table", [(plain(name), name) for name in tables])
        self.reference = self._choice("Compared with", [(plain(name), name) for name in policies])
        self.outcome_weight = self._slider("outcome weight", 0.0, 1.0, 0.05)
        self.feedback_weight = self._slider("feedback weight", 0.0, 1.0, 0.05)
        self.confidence = self._slider("confidence", 0.5, 0.99, 0.01)
        self.min_samples = ipywidgets.IntSlider(
            5, min=1, max=100, description="min_samples", **_FIELD
        )
        self.models = self._several("Models that may be chosen", models)
        self.policies = self._several("Policies to show", policies)
        self.steps = self._times(edges)
        self._make_texts()
        self.tree = self._arranged()

    def settings(self) -> tuple[Any, ...]:
        """The controls that set the state."""
        return (
            *(self.scheme, self.chosen, self.reference, self.outcome_weight),
            *(self.feedback_weight, self.min_samples, self.confidence, self.models),
            *(self.policies, self.steps),
        )

    def read(self) -> RoutingState:
        """The state that the controls stand for."""
        return RoutingState(
            scheme=self.scheme.value,
            outcome_weight=round(self.outcome_weight.value, 6),
            feedback_weight=round(self.feedback_weight.value, 6),
            min_samples=self.min_samples.value,
            confidence=round(self.confidence.value, 6),
            models=tuple(self.models.value),
            steps=tuple(self.steps.value),
            policies=tuple(self.policies.value),
            chosen=self.chosen.value,
            reference=self.reference.value,
        )

    def move(self, state: RoutingState) -> None:
        """Put every control where the state says."""
        if state.min_samples > self.min_samples.max:
            self.min_samples.max = state.min_samples
        for name in vars(state):
            getattr(self, name).value = getattr(state, name)

    def _choice(self, label: str, options: Sequence[tuple[str, str]]) -> Any:
        return ipywidgets.Dropdown(options=options, description=label, **_FIELD)

    def _slider(self, label: str, least: float, most: float, step: float) -> Any:
        return ipywidgets.FloatSlider(
            least, min=least, max=most, step=step, description=label, readout_format=".2f", **_FIELD
        )

    def _several(self, label: str, names: Sequence[str]) -> Any:
        return ipywidgets.SelectMultiple(
            options=[(plain(name), name) for name in names],
            value=tuple(names),
            rows=min(max(len(names), 2), _MOST_ROWS),
            description=label,
            tooltip="Ctrl or Shift with a click for several",
            **_FIELD,
        )

    def _times(self, edges: pd.DatetimeIndex | None) -> Any:
        if edges is None:
            labels = [str(place) for place in range(51)]
        else:
            short = edges[-1] - edges[0] < pd.Timedelta(hours=2)
            labels = list(edges.strftime("%Y-%m-%d %H:%M:%S" if short else "%Y-%m-%d %H:%M"))
        slider = ipywidgets.SelectionRangeSlider(
            # The browser puts a hyphen between two labels; blanks keep it apart from the dates.
            options=[(f" {label} ", place) for place, label in enumerate(labels)],
            index=(0, 50),
            description="Time",
            **_FIELD,
        )
        slider.layout.display = None if edges is not None else "none"
        return slider

    def _make_texts(self) -> None:
        self.facts, self.said = ipywidgets.HTML(), ipywidgets.HTML()
        self.scores, self.tables = ipywidgets.HTML(), ipywidgets.HTML()
        self.tables.add_class("jl-wider")
        self.values = ipywidgets.HTML()
        self.changes, self.differences = ipywidgets.HTML(), ipywidgets.HTML()
        self.path = ipywidgets.Text(
            value="routing_policy.json", description="File", continuous_update=False, **_FIELD
        )
        self.save = ipywidgets.Button(
            description="Save the table", tooltip="Write the chosen table as JSON"
        )
        self.replace = ipywidgets.Button(
            description="Replace the file", tooltip="Overwrite it", button_style="danger"
        )
        self.replace.layout.display = "none"
        self.saved = ipywidgets.HTML()

    def _arranged(self) -> list[Any]:
        css = ipywidgets.HTML(CSS + EXPLORER_CSS)
        css.add_class("jl-css")
        choices = _box([self.scheme, self.chosen, self.reference], "jl-group")
        sliders = [self.outcome_weight, self.feedback_weight, self.min_samples, self.confidence]
        span = _box([self.steps], "jl-group", "jl-span")
        groups = [choices, _box(sliders, "jl-group"), _box([self.models], "jl-group")]
        groups += [_box([self.policies], "jl-group"), span]
        bar = _box([self.facts], "jl-bar", vertical=False)
        controls = _box(groups, "jl-filters", vertical=False)
        self.worth = _box([self.values], "jl-worth")
        first = _box([self.scores, self.tables], "jl-parts", vertical=False)
        last = _box([self.changes, self.differences], "jl-parts", vertical=False)
        row = _box([self.path, self.save, self.replace], "jl-row", vertical=False)
        foot = _box([row, self.saved], "jl-foot")
        return [css, bar, controls, self.said, first, self.worth, last, foot]
