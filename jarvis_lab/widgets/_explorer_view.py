"""Drawing the explorer: from the comparison into the texts on screen. Decides nothing."""

from __future__ import annotations

from typing import Any

from jarvis_lab.evaluation.counted_comparison import RoutingComparison
from jarvis_lab.evaluation.counted_state import RoutingState, reward_name
from jarvis_lab.widgets import _explorer_heatmap, _explorer_tables, _explorer_values
from jarvis_lab.widgets import _explorer_text as text
from jarvis_lab.widgets._explorer_controls import Controls

__all__ = ["View"]

#: Columns above which a part takes the whole width.
_MANY = 7


class View:
    """Fills the texts of the controls."""

    def __init__(self, controls: Controls, core: RoutingComparison) -> None:
        self._controls, self._core = controls, core

    def facts(self) -> None:
        """What the log is."""
        self._controls.facts.value = _explorer_tables.facts(self._core)

    def tables(self, state: RoutingState) -> bool:
        """Everything but the values, which turn grey; False if there is nothing to show."""
        c, core = self._controls, self._core
        why = core.nothing(state)
        c.said.value = text.call("info", why) if why else ""
        if why:
            for part in (c.scores, c.tables, c.values, c.changes, c.differences):
                part.value = ""
            c.worth.remove_class("jl-waiting")
            return False
        mine, table = core.routed(state, state.chosen), core.table(state)
        picked = dict(zip(table["query_class"], table["model"], strict=True))
        scores = core.scores(state)
        reward = (reward_name(**state.weights) or "outcome").replace("*", "·")
        columns = min(scores["query_class"].nunique(), scores["model"].nunique())
        _widen(c.scores, columns > _MANY)
        _widen(c.tables, len(state.policies) > _MANY)
        c.scores.value = _explorer_heatmap.heatmap(
            scores, picked, by=mine.scheme, policy=state.chosen, level=core.level, reward=reward
        )
        c.tables.value = _explorer_tables.side_by_side(
            core.tables(state), state.chosen, core.apart(state), core.table_schemes(state)
        )
        c.changes.value = _explorer_tables.changes(
            core.diff(state), chosen=state.chosen, current=core.current_name, given=core.has_current
        )
        pair = core.pair(state)
        c.differences.value = _explorer_tables.differences(core.disagreements(state, *pair), *pair)
        c.worth.add_class("jl-waiting")
        return True

    def values(self, state: RoutingState) -> None:
        """What the policies are worth."""
        c, core = self._controls, self._core
        c.values.value = _explorer_values.values(
            core.values(state),
            reference=state.reference,
            log=core.log_value(state),
            level=core.level,
            complete=core.complete,
        )
        c.worth.remove_class("jl-waiting")


def _widen(part: Any, wide: bool) -> None:
    (part.add_class if wide else part.remove_class)("jl-full")
