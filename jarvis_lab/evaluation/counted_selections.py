"""A counted log with the policies to compare on it, at any setting."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.classes import SCHEMES, By, scheme_name
from jarvis_lab.evaluation.counted import count_log
from jarvis_lab.evaluation.counted_keys import STEPS, counted_traces
from jarvis_lab.evaluation.counted_routes import (
    ADDED,
    LEARNED,
    Routed,
    learned_policies,
    needs_traces,
    routed,
    routed_on_traces,
)
from jarvis_lab.evaluation.counted_span import CountedSpan
from jarvis_lab.evaluation.counted_state import ORIGINAL, RoutingState
from jarvis_lab.evaluation.crossfit import query_folds
from jarvis_lab.evaluation.log_kind import NeitherError, incomplete_note, why_not_complete
from jarvis_lab.evaluation.named import named_policies
from jarvis_lab.evaluation.read_log import known_before, not_counts, trace_queries
from jarvis_lab.routing.baselines import RandomPolicy
from jarvis_lab.routing.policy import RouterPolicy, TablePolicy
from jarvis_lab.routing.saved import load_policy

__all__ = ["CURRENT", "Selections"]

#: What the policy of today is called, if it is one.
CURRENT = "current"
#: As compare_policies has it.
_FOLDS = 2


class Selections:
    """A log, counted once, its policies, and what they do on what a setting selects.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        The log, as :func:`read_traces` takes it. It is read once.
    policies : mapping of name to RouterPolicy, or list of RouterPolicy, optional
        Policies beside those that are learned here ("SFT", "learned", "lower bound") and the
        baselines ("best single", "best single by lower bound", "random"); one of these names
        takes its place. What can be fitted is given unfitted and is cross-fitted.
    by : column name, object with ``predict``, or several of these, optional
        Classes to choose from, beside "regex", "keyword" and the text columns of the log with 2
        to 30 values, which are found.
    current : mapping of class to model, RouterPolicy, or path of a saved one, optional
        The table of today. Without it, the model that the log used most in each class.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    propensity : str or None
        As for :func:`compare_policies`.
    level : float
        Confidence level of the intervals.
    seed : int
        Seed of the folds.

    Attributes
    ----------
    log : CountedLog
        The counts.
    state : RoutingState
        The setting to begin with.
    schemes, models, names, saveable : list of str
        What the setting's ``scheme`` (beside "original"), ``models``, ``policies`` and ``chosen``
        may be.
    complete : bool
        Whether every query has every model exactly once. The traces are then kept, and values
        come from :func:`compare_policies`, which compares on the same queries.
    """

    def __init__(
        self,
        traces: object,
        policies: Mapping[str, RouterPolicy] | Sequence[RouterPolicy] | None = None,
        *,
        by: By | Sequence[By] = (),
        current: Mapping[str, str] | RouterPolicy | str | os.PathLike[str] | None = None,
        query_id: str | Sequence[str] | None = None,
        propensity: str | None = "propensity",
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        self.level = _checks.fraction("level", level)
        self._seed, self._query_id = seed, query_id
        self._given = named_policies(policies or {})
        self._current = _read_current(current)
        if isinstance(self._current, RouterPolicy):
            self._given[CURRENT] = self._current
        listed = list(by) if isinstance(by, (list, tuple)) else [by]
        listed += [p.by for p in self._given.values() if isinstance(p, TablePolicy)]
        for one in listed:
            known_before(one, None)
        extra = {scheme_name(one): one for one in reversed(listed)}  # a name keeps its first
        self._bys: dict[str, By] = {name: name for name in SCHEMES} | extra
        frame = counted_traces(
            not_counts(traces),
            named=self._columns([*extra.values(), propensity]),
            everything=needs_traces(self._given, self._bys),
        )
        hint = "Every trace needs a model; rename the column that holds it."
        if len(frame):
            _checks.column("model", frame.columns, where="The log", hint=hint)
        fold = self._look_at(frame)
        routes, self._fitted = routed_on_traces(self._given, frame, fold, self._bys)
        self.log = count_log(
            frame, fold=fold, by=list(extra.values()), routes=routes, propensity=propensity
        )
        self._frame = frame if self.complete else None
        self.models = [name for name in self.log.models if name]
        self.schemes = [name for name in self.log.classes if name[:1] not in ("\0", "\1", "\2")]
        self.names = list(dict.fromkeys([*LEARNED, *self._given, *ADDED]))
        own = "regex" in self.schemes
        if not self.schemes:
            hint = "The classes 'regex' and 'keyword' need it; or name a column, by='...'."
            _checks.column("query", frame.columns, where="The log", hint=hint)
        shown = tuple(name for name in self.names if name != "best single by lower bound")
        self.saveable = [
            name
            for name in self.names
            if name in LEARNED or callable(getattr(self._given.get(name), "to_dict", None))
        ]
        self.state = RoutingState(
            scheme=ORIGINAL if own else self.schemes[0],
            models=tuple(self.models),
            policies=shown,
        )
        self._spans: dict[tuple[int, int], CountedSpan] = {}
        self._routed: tuple[RoutingState | None, dict[str, Routed]] = (None, {})

    @property
    def has_current(self) -> bool:
        """Whether the table of today was given."""
        return self._current is not None

    @property
    def current_name(self) -> str:
        """What the table of today is."""
        if self._current is None:
            return "the model that the log used most in each class"
        return "the current table"

    @property
    def settings(self) -> list[str]:
        """What the scheme may be set to."""
        return [ORIGINAL, *self.schemes] if "regex" in self.schemes else self.schemes

    def check(self, state: RoutingState) -> RoutingState:
        """The state itself if the log can be set to it.

        Raises
        ------
        TypeError, ValueError
            If a value is out of range or unknown.
        """
        _checks.choice("scheme", state.scheme, self.settings)
        _checks.whole("min_samples", state.min_samples, least=1)
        _checks.fraction("outcome_weight", state.outcome_weight, ends=True)
        _checks.fraction("feedback_weight", state.feedback_weight, ends=True)
        if not 0.5 <= _checks.fraction("confidence", state.confidence) <= 0.99:
            raise ValueError(f"confidence={state.confidence!r} must be from 0.5 to 0.99.")
        for name in state.models:
            _checks.choice("models", name, self.models)
        for name in state.policies:
            _checks.choice("policies", name, self.names)
        _checks.choice("chosen", state.chosen, self.saveable)
        _checks.choice("reference", state.reference, self.names)
        if not isinstance(state.steps, Sequence):
            raise TypeError(f"steps={state.steps!r} must be two edges, (first, last).")
        edges = [_checks.whole("steps", edge) for edge in state.steps]
        if len(edges) != 2 or not edges[0] <= edges[1] <= STEPS:
            raise ValueError(f"steps={state.steps!r} must be two edges, 0 <= first <= last <= 50.")
        return state

    def span(self, state: RoutingState) -> CountedSpan:
        """The counts of the state's time range."""
        if state.steps not in self._spans:
            self._spans = {state.steps: CountedSpan(self.log, *state.steps)}
        return self._spans[state.steps]

    def routed(self, state: RoutingState, name: str) -> Routed:
        """What a policy does on the selection."""
        key = dataclasses.replace(state, policies=(), chosen="", reference="")
        if self._routed[0] != key:
            self._routed = (key, {})
        found = self._routed[1]
        if name not in found:
            weighs = state if state.weighs else dataclasses.replace(state, outcome_weight=1.0)
            ours, policy = name not in self._given, self._named(weighs).get(name)
            if policy is None:
                raise ValueError(f"{name!r} has no model to choose from.")
            player = routed(name, policy, self.span(state), weighs, self._bys, ours=ours)
            found[name] = dataclasses.replace(player, policy=self._fitted.get(name, player.policy))
        return found[name]

    def nothing(self, state: RoutingState) -> str:
        """Why there is nothing to show, in a sentence; empty if there is something."""
        if not self.log.size:
            return "The log has no traces."
        if not self.models:
            return "No trace of the log names a model."
        if not state.models:
            return "No model may be chosen: select at least one."
        if not self.span(state).size:
            return "No trace lies in this time range: widen it."
        if not state.weighs:
            return "Both weights are 0, so there is nothing to score by: raise one of them."
        return ""

    def pair(self, state: RoutingState) -> tuple[str, str]:
        """The chosen policy and the first other that is shown and names models."""
        others = [
            name
            for name in self._shown(state)
            if name != state.chosen and not isinstance(self._given.get(name), RandomPolicy)
        ]
        others = [name for name in others if name != "random" or name in self._given]
        return state.chosen, others[0] if others else state.chosen

    def _named(self, state: RoutingState) -> dict[str, RouterPolicy]:
        """Every policy, those that the controls make not yet fitted."""
        used = self.span(state).used
        learned = learned_policies(state, [m for m in state.models if m in used], self._bys)
        return {**learned, **self._given}

    def _shown(self, state: RoutingState) -> list[str]:
        return [name for name in self.names if name in state.policies and self._learns(state)]

    def _learns(self, state: RoutingState) -> bool:
        """Whether there is anything to learn from."""
        return bool(state.models) and state.weighs and self.span(state).size > 0

    def _columns(self, others: Sequence[By | None]) -> list[str]:
        """The columns that must be read, beside those that every log may have."""
        ids = [self._query_id] if isinstance(self._query_id, str) else list(self._query_id or ())
        rewards = [getattr(policy, "reward", None) for policy in self._given.values()]
        names = [name for name in (*others, *ids, *rewards) if isinstance(name, str)]
        usual = (*SCHEMES, "propensity", "outcome", "feedback", "query_id", "query")
        return [name for name in dict.fromkeys(names) if name not in usual]

    def _look_at(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """Fold of each trace, and whether the data are complete, a log, or neither."""
        codes = trace_queries(frame, self._query_id) if len(frame) else np.zeros(0, np.int64)
        queries = int(codes.max()) + 1 if len(codes) else 0
        self.complete, self._note, self._refusal = False, "", ""
        if 0 < queries < len(frame):
            if len(frame) == queries * frame["model"].nunique():
                none = frame.assign(outcome="")
                self.complete = not why_not_complete(none, query_id=self._query_id, reward=None)
            if not self.complete:
                why = why_not_complete(frame, query_id=self._query_id, reward=None)
                try:
                    self._note = incomplete_note(frame, why, query_id=self._query_id)
                except NeitherError as error:
                    self._refusal = error.for_explorer()
        if queries < _FOLDS:
            codes, queries = np.arange(len(frame)), len(frame)
        return query_folds(queries, folds=_FOLDS, seed=self._seed)[codes]


def _read_current(current: Any) -> Mapping[str, str] | RouterPolicy | None:
    if current is None or isinstance(current, (Mapping, RouterPolicy)):
        return current
    if isinstance(current, (str, os.PathLike)):
        policy: RouterPolicy = load_policy(current)
        return policy
    raise TypeError(
        f"current must be a mapping of class to model, a policy or the path of a saved one, not "
        f"{type(current).__name__}."
    )
