"""Routing tables of one log compared at any setting, from counts; what the explorer shows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.evaluation import counted_tables as tables
from jarvis_lab.evaluation.compare import COMPARE_COLUMNS
from jarvis_lab.evaluation.counted_complete import complete_rows, refused_row
from jarvis_lab.evaluation.counted_routes import (
    routed,
)
from jarvis_lab.evaluation.counted_selections import CURRENT, Selections
from jarvis_lab.evaluation.counted_span import CountedSpan
from jarvis_lab.evaluation.counted_state import ORIGINAL, RoutingState
from jarvis_lab.evaluation.counted_values import Earned, value_rows
from jarvis_lab.routing.policy import RouterPolicy
from jarvis_lab.routing.saved import save_policy
from jarvis_lab.scores import class_scores

__all__ = ["VALUE_COLUMNS", "RoutingComparison"]

#: The columns of :meth:`RoutingComparison.values`: those of compare_policies that counts give.
VALUE_COLUMNS = COMPARE_COLUMNS[:-2]
_TEXTS = ("policy", "method", "propensity", "status", "note")


class RoutingComparison(Selections):
    """Every table of a routing comparison, at any setting.

    Parameters
    ----------
    traces, policies, by, current, query_id, propensity, level, seed
        As for :class:`Selections`.
    """

    def __init__(self, traces: object, *arguments: Any, **options: Any) -> None:
        super().__init__(traces, *arguments, **options)
        self._valued: dict[RoutingState, pd.DataFrame] = {}

    def scores(self, state: RoutingState, scheme: str | None = None) -> pd.DataFrame:
        """Scores of the models that may be chosen, as :func:`class_scores` gives them.

        Parameters
        ----------
        state : RoutingState
            The setting.
        scheme : str, optional
            The classes; those of the chosen policy without it.
        """
        by = scheme or self.routed(state, state.chosen).scheme
        counts = self.span(state).counts(by, state.models)
        if not state.weighs:
            counts = counts.iloc[:0]
            return class_scores(counts, level=self.level)
        return class_scores(counts, level=self.level, **state.weights)

    def policies(self, state: RoutingState) -> dict[str, RouterPolicy]:
        """Every policy by its name, fitted on the selection if the controls fit it."""
        if not state.weighs:
            return {}
        return {name: self.routed(state, name).policy for name in self._named(state)}

    def tables(self, state: RoutingState) -> pd.DataFrame:
        """One row per query class: the model of each shown policy, and whether they differ."""
        players = [self.routed(state, name) for name in self._shown(state)]
        span = self.span(state)
        if not players or not span.size:
            empty = pd.DataFrame({"query_class": pd.Series([], dtype="str")})
            empty["n"] = pd.Series([], dtype="int64")
            for player in players:
                empty[player.name] = pd.Series([], dtype="str")
            return empty.assign(differ=pd.Series([], dtype="bool"))
        return tables.side_by_side(players, self.routed(state, state.chosen), span)

    def table(self, state: RoutingState) -> pd.DataFrame:
        """One row per query class: what the chosen policy's table says, and how good that was."""
        player = self.routed(state, state.chosen)
        everyone = dataclasses.replace(state, models=tuple(self.models))
        scores = self.scores(everyone, player.scheme)
        found = tables.table_of(player, self.span(state), scores)
        return found if self._learns(state) else found.iloc[:0]

    def disagreements(
        self, state: RoutingState, a: str | None = None, b: str | None = None
    ) -> pd.DataFrame:
        """One row per kind of query that two policies send to different models.

        Parameters
        ----------
        state : RoutingState
            The setting.
        a, b : str, optional
            Names of the policies; the chosen one and the first other that is shown.
        """
        first = a or state.chosen
        second = b or self.pair(dataclasses.replace(state, chosen=first))[1]
        for name in (first, second):
            _checks.choice("policy", name, self.names)
        pair = self.routed(state, first), self.routed(state, second)
        found = tables.routed_differences(*pair, self.span(state))
        return found if self._learns(state) else found.iloc[:0]

    def apart(self, state: RoutingState) -> dict[str, float]:
        """Share of the traffic that each shown policy sends elsewhere than the chosen one."""
        span, mine = self.span(state), self.routed(state, state.chosen)
        traces = span.traces.sum(0)
        found = {}
        for name in self._shown(state):
            other = self.routed(state, name)
            if other.whole is not None and mine.whole is not None:
                found[name] = float(traces[other.whole != mine.whole].sum() / max(span.size, 1))
        return found

    def table_schemes(self, state: RoutingState) -> dict[str, str]:
        """The classes by which each shown policy is shown."""
        return {name: self.routed(state, name).shown_by for name in self._shown(state)}

    def diff(self, state: RoutingState) -> pd.DataFrame:
        """One row per class, old and new model that differ: what the chosen table would change."""
        player, span = self.routed(state, state.chosen), self.span(state)
        everyone = dataclasses.replace(state, models=tuple(self.models))
        scores = self.scores(everyone, player.scheme)
        found = tables.routing_changes(self._old(player.scheme, span), player, span, scores)
        return found if self._learns(state) else found.iloc[:0]

    def values(self, state: RoutingState) -> pd.DataFrame:
        """One row per policy: what it is worth; as :func:`compare_policies`, but for the last two.

        The policies shown and the reference; the columns ``snips`` and ``dr`` need the traces.
        """
        key = dataclasses.replace(state, chosen="")
        if key not in self._valued:
            found = pd.DataFrame(self._value_rows(state)).reindex(columns=list(VALUE_COLUMNS))
            kinds = {name: "str" if name in _TEXTS else "float64" for name in VALUE_COLUMNS}
            if len(self._valued) > 20:
                self._valued.clear()
            self._valued[key] = found.astype({**kinds, "n": "int64"}).reset_index(drop=True)
        return self._valued[key].copy()

    def log_value(self, state: RoutingState) -> tuple[float, int]:
        """Mean reward of the selected traces as they were, and their number."""
        if not state.weighs:
            return float("nan"), 0
        earned = Earned(self.span(state), state)
        return earned.mean, earned.size

    def save(self, state: RoutingState, path: str | os.PathLike[str], *, overwrite: bool) -> None:
        """Write the chosen policy as JSON; see :func:`save_policy`."""
        if not self._learns(state):
            raise ValueError("There is no table to save: nothing is selected to learn from.")
        save_policy(self.routed(state, state.chosen).policy, path, overwrite=overwrite)

    def _value_rows(self, state: RoutingState) -> list[dict[str, Any]]:
        if not self._learns(state):
            return []
        wanted = [n for n in self.names if n in state.policies or n == state.reference]
        if self._refusal:
            return [refused_row(name, self._refusal) for name in wanted]
        by = "regex" if state.scheme == ORIGINAL else state.scheme
        if self._frame is not None:
            policies = {
                name: policy for name, policy in self._named(state).items() if name in wanted
            }
            return complete_rows(
                *(self._frame, policies, wanted, state, self._bys.get(by, by)),
                query_id=self._query_id,
                level=self.level,
                seed=self._seed,
            )
        return value_rows(
            {name: self.routed(state, name) for name in wanted},
            Earned(self.span(state), state),
            by=by,
            reference=state.reference,
            level=self.level,
            note=self._note,
        )

    def _old(self, scheme: str, span: CountedSpan) -> NDArray[np.object_]:
        """The model of today for each joint class."""
        if self._current is None:
            return tables.most_used(scheme, span)
        if isinstance(self._current, Mapping):
            return tables.of_mapping(self._current, scheme, span)
        found = routed(CURRENT, self._current, span, self.state, self._bys).whole
        if found is None:
            raise ValueError("current draws its models at random, so there is no table to change.")
        return found
