"""OpenJarvis' SFTRouterPolicy: batch updates of a table by the mean composite."""

from __future__ import annotations

import logging
import os
from typing import Any, ClassVar, Self

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import By
from jarvis_lab.readers.frames import frame_of_traces, listed_traces, lister
from jarvis_lab.routing.policy import TablePolicy
from jarvis_lab.routing.saved import SavedPolicy
from jarvis_lab.routing.table import best_models, counts_of, score_weights
from jarvis_lab.scores import composites

__all__ = ["SFTPolicy", "SFTRouterPolicy"]

_logger = logging.getLogger(__name__)


class SFTRouterPolicy(TablePolicy):
    """The original's table: per class, the model with the highest mean composite.

    Parameters
    ----------
    min_samples : int
        Traces of a class that a model needs to be considered.
    by : {"keyword", "regex"}, column name or object with ``predict``
        What the classes are; the original's are "keyword".
    outcome_weight, feedback_weight : float
        Weights of the score, at least 0 and not both 0; only their ratio matters. The original's
        are 0.6 and 0.4.

    Notes
    -----
    Each trace scores 0.6·[outcome is "success"] + 0.4·(feedback, or 0.5 when missing). Classes
    without a model of at least ``min_samples`` traces keep what they had.

    Known faults of the original, kept: it counts a missing outcome as a failure, it knows
    nothing of how sure it can be, and it never routes (here it does: the class's model, or ""
    outside the table). See :class:`LowerBoundRouterPolicy` for the one to use.

    Source: OpenJarvis, ``learning/sft_policy.py``.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
    ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
    >>> policy = SFTRouterPolicy(min_samples=3)
    >>> policy.update(log)
    {'updated': True, 'changes': {'code': 'a'}, 'policy_map': {'code': 'a'}}
    >>> policy.route(["import re", "hello"]).tolist()
    ['a', '']
    """

    name: ClassVar[str] = "sft"

    def __init__(
        self,
        *,
        min_samples: int = 5,
        by: By = "keyword",
        outcome_weight: float = 0.6,
        feedback_weight: float = 0.4,
    ) -> None:
        super().__init__(by=by)
        self.weights = score_weights(outcome_weight, feedback_weight)
        self.min_samples = _checks.whole("min_samples", min_samples, least=1)
        self._learned = False

    @property
    def fitted(self) -> bool:
        """Whether it has learned from traces, or holds a table."""
        return self._learned or bool(self._policy_map)

    def fit(self, traces_or_counts: object, *, client: object = None) -> Self:
        """Forget the table and learn it anew, by the rule of :meth:`update`.

        Parameters
        ----------
        traces_or_counts : DataFrame, path, object with ``list_traces()``, or table of counts
            As for :meth:`update`.
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        SFTRouterPolicy
            Itself.

        Examples
        --------
        >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
        ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
        >>> SFTRouterPolicy(min_samples=3).fit(log).policy_map
        {'code': 'a'}
        """
        self._policy_map, self._learned = {}, True
        self._learn(counts_of(traces_or_counts, by=self.by, client=client))
        return self

    def update(
        self, source: object, *, limit: int | None = None, client: object = None
    ) -> dict[str, Any]:
        """Learn from a trace log and say what changed.

        Parameters
        ----------
        source : DataFrame, path, object with ``list_traces()``, or table of counts
            Traces as :func:`read_traces` takes them, or :func:`score_counts` of them.
        limit : int, optional
            Use only the newest so many traces (the original took 100).
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        dict
            ``updated`` (any change), ``changes`` (class → new model, for the classes whose model
            changed) and ``policy_map``; or ``updated`` False and a ``reason`` if
            ``list_traces()`` raised.
        """
        listing = None if isinstance(source, (pd.DataFrame, str, os.PathLike)) else lister(source)
        if listing is not None:
            try:
                source = frame_of_traces(listed_traces(listing, limit=limit))
            except Exception:
                _logger.warning("Could not access trace store", exc_info=True)
                return {"updated": False, "reason": "Could not access trace store"}
        changes = self._learn(counts_of(source, by=self.by, limit=limit, client=client))
        return {"updated": bool(changes), "changes": changes, "policy_map": self.policy_map}

    def _learn(self, counts: pd.DataFrame) -> dict[str, str]:
        """Take the best model of each class, and give the changes."""
        self._learned = self._learned or len(counts) > 0
        counts = counts.assign(model=counts["model"].where(counts["model"] != "", "unknown"))
        enough = counts[counts["n"] >= self.min_samples]
        best = best_models(enough, composites(enough, *self.weights)[0])
        changes = {c: model for c, model in best.items() if self._policy_map.get(c) != model}
        self._policy_map.update(changes)
        return changes

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON can hold it; :meth:`from_dict` makes the same policy again."""
        saved = {**super().to_dict(), "min_samples": self.min_samples}
        if self.weights != (0.6, 0.4):
            saved["score_weights"] = list(self.weights)
        return saved

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The policy that :meth:`to_dict` described."""
        fields = SavedPolicy.read(saved)
        outcome_weight, feedback_weight = fields.score_weights
        policy = cls(
            min_samples=fields.min_samples,
            by=fields.by or "keyword",
            outcome_weight=outcome_weight,
            feedback_weight=feedback_weight,
        )
        policy._policy_map = dict(fields.policy_map)
        return policy


#: The original's other name for it.
SFTPolicy = SFTRouterPolicy
