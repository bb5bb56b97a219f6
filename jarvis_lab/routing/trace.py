"""OpenJarvis' TraceDrivenPolicy: a learned table with a default, updated in batch or one by one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import pandas as pd

from jarvis_lab.classes import By, classify_query
from jarvis_lab.routing.policy import TablePolicy
from jarvis_lab.routing.saved import SavedPolicy
from jarvis_lab.routing.table import best_models, counts_of, score_weights
from jarvis_lab.scores import composites

__all__ = ["TraceDrivenPolicy"]


class TraceDrivenPolicy(TablePolicy):
    """The original's table: per class, the model with the best success rate and feedback.

    Parameters
    ----------
    analyzer : DataFrame, path, object with ``list_traces()``, or table of counts, optional
        Where :meth:`update_from_traces` finds the traces; OpenJarvis' TraceStore and
        TraceAnalyzer work as they are.
    available_models : list of str, optional
        Models that may be chosen; without any, all may.
    default_model, fallback_model : str
        What a class without a learned model gets, if available.
    by : {"regex", "keyword"}, column name or object with ``predict``
        What the classes are; the original's are "regex".
    outcome_weight, feedback_weight : float
        Weights of the score, at least 0 and not both 0; only their ratio matters. The original's
        are 0.6 and 0.4.

    Attributes
    ----------
    min_samples : int
        Traces of a class that must have been scored before its learned model is used; 5.

    Notes
    -----
    Score of a model in a class = 0.6·successes/count + 0.4·(mean of the feedback that is there,
    or 0.5 if none).

    Known faults of the original, kept: the class's total, not the model's own count, is held
    against ``min_samples``, so that one lucky trace beats 99 of 100; a missing outcome counts as
    a failure; latency is not used. On public benchmark outcomes logged one model a query, its
    table was worse than the best single model. See :class:`LowerBoundRouterPolicy` for the one
    to use.

    Source: OpenJarvis, ``learning/trace_policy.py``.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
    ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
    >>> policy = TraceDrivenPolicy(log, default_model="b")
    >>> policy.update_from_traces()["changes"]
    {'code': {'old': '', 'new': 'a'}}
    >>> policy.route(["import re", "hello"]).tolist()
    ['a', 'b']
    """

    name: ClassVar[str] = "learned"

    def __init__(
        self,
        analyzer: object = None,
        *,
        available_models: Sequence[str] | None = None,
        default_model: str = "",
        fallback_model: str = "",
        by: By = "regex",
        outcome_weight: float = 0.6,
        feedback_weight: float = 0.4,
    ) -> None:
        super().__init__(by=by)
        self.weights = score_weights(outcome_weight, feedback_weight)
        if isinstance(available_models, str):
            raise TypeError("available_models must be a list of names, not one name.")
        self._source = analyzer
        self._available = list(available_models or [])
        self._default, self._fallback = default_model, fallback_model
        self._confidence: dict[str, int] = {}
        self.min_samples = 5
        self._learned = False

    @property
    def fitted(self) -> bool:
        """Whether it has learned from traces, or holds a table."""
        return self._learned or bool(self._policy_map)

    def fit(self, traces_or_counts: object, *, client: object = None) -> Self:
        """Forget the table and learn it anew, by the rule of :meth:`update_from_traces`.

        Parameters
        ----------
        traces_or_counts : DataFrame, path, object with ``list_traces()``, or table of counts
            Traces as :func:`read_traces` takes them, or :func:`score_counts` of them; the
            ``analyzer`` stays what it was.
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        TraceDrivenPolicy
            Itself.

        Examples
        --------
        >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
        ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
        >>> TraceDrivenPolicy().fit(log).policy_map
        {'code': 'a'}
        """
        self._policy_map, self._confidence, self._learned = {}, {}, True
        self._learn(counts_of(traces_or_counts, by=self.by, client=client))
        return self

    def update_from_traces(
        self,
        *,
        since: object = None,
        until: object = None,
        limit: int | None = None,
        client: object = None,
    ) -> dict[str, Any]:
        """Learn the table from the traces and say what changed.

        Parameters
        ----------
        since, until : number, str or datetime, optional
            First and last ``started_at``, both inclusive.
        limit : int, optional
            Use only the newest so many traces (the original took 10,000).
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        dict
            ``updated`` True, ``query_classes`` and ``total_traces`` (int) and ``changes``
            (class → {"old", "new"}); ``updated`` False and a ``reason`` without traces; or
            ``error`` if the policy was given no source.
        """
        if self._source is None:
            return {"error": "no analyzer configured"}
        counts = counts_of(
            self._source, by=self.by, since=since, until=until, limit=limit, client=client
        )
        if counts.empty:
            return {"updated": False, "reason": "no traces"}
        changes = self._learn(counts)
        return {
            "updated": True,
            "query_classes": int(counts["query_class"].nunique()),
            "total_traces": int(counts["n"].sum()),
            "changes": changes,
        }

    def _learn(self, counts: pd.DataFrame) -> dict[str, dict[str, str]]:
        """Take the best model of each class, and give the changes."""
        self._learned = self._learned or len(counts) > 0
        named = counts[counts["model"] != ""]
        changes: dict[str, dict[str, str]] = {}
        for query_class, model in best_models(named, composites(named, *self.weights)[1]).items():
            old = self._policy_map.get(query_class, "")
            if old != model:
                changes[query_class] = {"old": old, "new": model}
            self._policy_map[query_class] = model
        for label, total in named.groupby("query_class")["n"].sum().items():
            self._confidence[str(label)] = int(total)
        return changes

    def model_for_class(self, query_class: str) -> str:
        """The learned model if it may be used, else the default, the fallback, the first."""
        if self._confidence.get(query_class, 0) >= self.min_samples:
            model = self._policy_map.get(query_class)
            if model is not None and self._may_use(model):
                return model
        for model in (self._default, self._fallback):
            if model and self._may_use(model):
                return model
        return self._available[0] if self._available else self._default

    def observe(self, query: str, model: str, outcome: str | None, feedback: float | None) -> None:
        """Learn from one trace as it happens.

        An unseen class takes the model. Otherwise the class's confidence grows by 1, and the
        model is taken only if it succeeded with a feedback above 0.7 while the class had been
        seen fewer than ``min_samples`` times.
        """
        query_class = classify_query(query, by=self.by)
        before = self._confidence.get(query_class, 0)
        if query_class not in self._policy_map:
            self._policy_map[query_class], self._confidence[query_class] = model, 1
            return
        self._confidence[query_class] = before + 1
        if pd.isna(outcome) or feedback is None or pd.isna(feedback):
            return
        if outcome == "success" and feedback > 0.7 and before < self.min_samples:
            self._policy_map[query_class] = model

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON can hold it, without its traces."""
        saved = {
            **super().to_dict(),
            "min_samples": self.min_samples,
            "confidence": dict(self._confidence),
            "available_models": list(self._available),
            "default_model": self._default,
            "fallback_model": self._fallback,
        }
        if self.weights != (0.6, 0.4):
            saved["score_weights"] = list(self.weights)
        return saved

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The policy that :meth:`to_dict` described, without traces to learn from."""
        fields = SavedPolicy.read(saved)
        policy = cls(
            available_models=fields.available_models,
            default_model=fields.default_model,
            fallback_model=fields.fallback_model,
            by=fields.by or "regex",
            outcome_weight=fields.score_weights[0],
            feedback_weight=fields.score_weights[1],
        )
        policy.min_samples = fields.min_samples
        policy._policy_map = dict(fields.policy_map)
        policy._confidence = dict(fields.confidence)
        return policy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy with the same source, which may be a large frame or an open store."""
        memo[id(self._source)] = self._source
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        vars(copied).update(copy.deepcopy(vars(self), memo))
        return copied

    def _may_use(self, model: str) -> bool:
        return not self._available or model in self._available
