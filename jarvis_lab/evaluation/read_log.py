"""A log read, classified and folded once, to be split by the choices of any policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab.classes import By
from jarvis_lab.evaluation.crossfit import can_be_fitted, choices_by_fold, query_folds
from jarvis_lab.evaluation.named import router_policy
from jarvis_lab.evaluation.propensities import logged_propensities, misfit_note
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.routing.baselines import RandomPolicy
from jarvis_lab.routing.outcomes import query_codes
from jarvis_lab.routing.policy import RouterPolicy, query_classes
from jarvis_lab.routing.rewards import trace_rewards

__all__ = ["Choice", "ReadLog", "trace_queries"]


@dataclass(frozen=True)
class Choice:
    """What a policy does with each trace's query: one model, or the same odds for all.

    Attributes
    ----------
    models : list of str
        The models that it names, sorted.
    place : ndarray of int or None
        Place in ``models`` of each trace's; None for a policy that draws at random.
    weights : mapping of str to float
        Probability of each model, for one that draws at random.
    torn : ndarray of bool or None
        Whether the copies of a cross-fitted policy disagree on each trace; None for any other.
    """

    models: list[str]
    place: NDArray[np.int64] | None = field(repr=False, default=None)
    weights: Mapping[str, float] = field(default_factory=dict)
    torn: NDArray[np.bool_] | None = field(repr=False, default=None)


class ReadLog:
    """A log with its classes, models, rewards and recorded propensities.

    Parameters
    ----------
    frame : DataFrame
        Traces, as :func:`read_traces` gives them.
    by, reward, propensity, query_id, folds, seed
        As for :func:`logged_value`.

    Attributes
    ----------
    classes, models : list of str
        The classes of the queries and the models that the log names, sorted.
    class_place, model_place : ndarray of int
        Place of each trace's class and model; -1 for a trace without a model.
    kept : ndarray of bool
        The traces with a reward and a model.
    rewards, propensities : ndarray of float
        Of the kept traces; ``propensities`` is None if there are none to use.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        by: By,
        reward: str | None,
        propensity: str | None,
        query_id: str | Sequence[str] | None = None,
        folds: int = 2,
        seed: int = 0,
    ) -> None:
        self.frame, self.folds, self.seed = frame, folds, seed
        self._query_id, self._propensity = query_id, propensity
        names = frame["model"].fillna("").astype("str")
        earned = np.asarray(trace_rewards(frame, reward=reward), dtype=np.float64)
        self.kept = ~np.isnan(earned) & (names != "").to_numpy(dtype=bool)
        self.rewards = earned[self.kept]
        self.propensities = logged_propensities(frame, self.kept, propensity=propensity)
        self.class_place, self.classes = _places(query_classes(frame, by=by))
        place, models = _places(names)
        unnamed = int("" in models)  # the empty name sorts first
        self.model_place, self.models = place - unnamed, models[unnamed:]

    @property
    def misfit(self) -> str:
        """Where recorded propensities do not fit how often a model was used; empty if they do."""
        if self.propensities is None or self._propensity is None:
            return ""
        return misfit_note(
            self.frame,
            propensity=self._propensity,
            class_place=self.class_place,
            model_place=self.model_place,
            classes=self.classes,
            models=self.models,
        )

    @cached_property
    def fold(self) -> NDArray[np.int64]:
        """Fold of each trace: those of one query share it, if there are queries enough."""
        codes = trace_queries(self.frame, self._query_id)
        queries = int(codes.max()) + 1 if len(codes) else 0
        if queries < self.folds:
            codes, queries = np.arange(len(codes)), len(codes)
        return query_folds(queries, folds=self.folds, seed=self.seed)[codes]

    def choice(self, policy: RouterPolicy) -> Choice:
        """The policy's choices; one that can be fitted and is not yet is cross-fitted."""
        router_policy(policy)
        if isinstance(policy, RandomPolicy):
            return Choice(sorted(policy.weights), weights=policy.weights)
        if can_be_fitted(policy):
            routed, torn = choices_by_fold(policy, self.frame, self.fold)
            place, models = _places(pd.Series(routed))
            return Choice(models, place, torn=torn)
        place, models = _places(models_routed(policy, self.frame))
        return Choice(models, place)


def trace_queries(frame: pd.DataFrame, query_id: str | Sequence[str] | None) -> NDArray[np.int64]:
    """Number of each trace's query; each is its own where nothing tells queries apart."""
    if query_id is None and not {"query_id", "query"} & set(frame.columns):
        return np.arange(len(frame))
    return query_codes(frame, query_id=query_id)


def _places(names: pd.Series[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Place of each name among the sorted names; a missing one counts as empty."""
    codes, found = pd.factorize(names.fillna("").astype("str"), sort=True)
    return codes.astype(np.int64), [str(name) for name in found]
