"""A routing table that leaves the best single model only where the log supports it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._shrinkage import LowerBoundTable, lower_bound_table, one_sided_z
from jarvis_lab.classes import By
from jarvis_lab.routing.policy import TablePolicy
from jarvis_lab.routing.rewards import ClassModelSums, class_model_sums
from jarvis_lab.routing.saved import SavedPolicy

__all__ = ["LOWER_BOUND_COLUMNS", "LowerBoundRouterPolicy"]

#: The columns of :meth:`LowerBoundRouterPolicy.table`.
LOWER_BOUND_COLUMNS = (
    *("query_class", "model", "score", "low", "high", "n", "base_model", "gain", "gain_low"),
    *("rival", "rival_gain", "rival_gain_low", "decision"),
)
_TEXTS = ("query_class", "model", "base_model", "rival", "decision")


class LowerBoundRouterPolicy(TablePolicy):
    """Each class goes to the base model, or to one that is better with the confidence asked for.

    Parameters
    ----------
    by : {"regex", "keyword"}, column name or object with ``predict``
        What the classes are.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]. Without one: 1 where ``outcome`` is
        "success", 0 for any other text, missing where it is missing (a missing reward counts for
        nothing).
    confidence : float
        One-sided confidence that a switch is a gain; 0.84 is one standard error (z = 0.994).
    default_model : str, optional
        The base model. Without one it is learned: the model with the highest mean reward after
        1.5 standard errors are taken off. It may be one that the log does not know; nothing is
        then sure enough to leave it.

    Attributes
    ----------
    base_model : str
        What unseen classes get: the default model, else the learned base; "" before
        :meth:`fit`, or if the log has no reward and there is no default.
    fitted : bool
        Whether :meth:`fit` was called.

    Notes
    -----
    With n, s the numbers and sums of rewards per class c and model m, g = Σs/Σn,
    g_m = (s_·m + 2g)/(n_·m + 2) and se_m² = max(g_m(1-g_m), .01)/(n_·m + 2):

    - base b = argmax of g_m - 1.5·se_m;
    - τ² = max(1e-4, Σ n[(ȳ_cm - g_m)² - g_m(1-g_m)/n] / Σ n) over cells with n ≥ 2,
      k = clip(mean_m[g_m(1-g_m)]/τ² - 1, 1, 200), p_cm = (s + k·g_m)/(n + k);
    - se_cm² = max(p(1-p), .01)/(n + k) + (k/(n + k))²·se_m²;
    - class c goes to the model with the largest p_cm - p_cb - z·√(se_cm² + se_cb²), which is 0
      for b.

    The errors of one log are shared by all classes and the models are many, so ``confidence`` is
    that of a single comparison, not of the whole table. A log whose models were chosen by
    something that also decides how hard the query is misleads this table as any other.

    With one model, every class keeps it. A class seen once hardly moves from the models' own
    means. Models are compared in the order of their names, so ties do not hang on the log's
    order.

    References
    ----------
    Morris, C. N. (1983), Parametric empirical Bayes inference, Journal of the American
    Statistical Association 78, 47-55 (the shrinkage).

    Examples
    --------
    >>> log = pd.DataFrame({
    ...     "query": ["import os"] * 80 + ["hello"] * 80,
    ...     "model": ["a", "b"] * 80,
    ...     "correct": [True, False] * 40 + [False, True, True, True] * 20})
    >>> policy = LowerBoundRouterPolicy().fit(log)
    >>> policy.table()[["query_class", "model", "base_model", "gain_low", "decision"]].round(2)
      query_class model base_model  gain_low            decision
    0        code     a          a       0.0  keep: base is best
    1       short     b          a       0.4              switch
    >>> policy.route(["import re", "hi"]).tolist()
    ['a', 'b']
    """

    name: ClassVar[str] = "lower_bound"

    def __init__(
        self,
        *,
        by: By = "regex",
        reward: str | None = None,
        confidence: float = 0.84,
        default_model: str | None = None,
    ) -> None:
        super().__init__(by=by)
        one_sided_z(confidence)
        self.reward = None if reward is None else _checks.text("reward", reward)
        self.confidence = float(confidence)
        self.default_model = default_model and _checks.text("default_model", default_model)
        self._sums: ClassModelSums | None = None
        self._result: LowerBoundTable | None = None

    @property
    def fitted(self) -> bool:
        """Whether the table has been learned."""
        return self._sums is not None

    @property
    def base_model(self) -> str:
        """The model that every class is held against, and that unseen classes get."""
        if self.default_model or self._result is None or self._sums is None:
            return self.default_model or ""
        return self._sums.models[self._result.base]

    def fit(self, traces_or_counts: object, *, client: object = None) -> Self:
        """Learn the table, forgetting what was learned before.

        Parameters
        ----------
        traces_or_counts : DataFrame, path, object with ``list_traces()``, or table of counts
            Traces as :func:`score_counts` takes them, or its table (which knows the rewards
            "outcome", "feedback" and the one it was counted with).
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        LowerBoundRouterPolicy
            Itself. Without a trace the table is empty; with traces but no reward, each class
            keeps the default model (or none), with a score of NaN.

        Raises
        ------
        ValueError
            If there is no such reward or class column, or a reward lies outside [0, 1].
        FileNotFoundError
            If there is no such file.
        """
        return self._learn(
            class_model_sums(traces_or_counts, by=self.by, reward=self.reward, client=client)
        )

    def model_for_class(self, query_class: str) -> str:
        """The class's model; the base model for a class that the log did not have."""
        return self._policy_map.get(query_class, self.base_model)

    def table(self) -> pd.DataFrame:
        """One row per query class: its model, how good it is, and why it was chosen.

        Returns
        -------
        DataFrame
            Sorted by class; rewards are in [0, 1]:

            - ``query_class``, ``model`` (str): the model is empty if there is none to name.
            - ``score`` (float64): the model's shrunken mean reward in the class; NaN without any
              reward in the log.
            - ``low``, ``high`` (float64): score ∓ z·se, cut at 0 and 1; the reward is below
              ``low``, or above ``high``, with a probability of 1 - confidence each.
            - ``n`` (int64): rewards of the model in the class.
            - ``base_model`` (str): the model it was held against.
            - ``gain`` (float64): score less the base model's; 0 where the base is kept.
            - ``gain_low`` (float64): one-sided lower bound of the gain; above 0 for a switch.
            - ``rival`` (str): of all models but the base, the one with the highest bound; the
              chosen one where there is a switch; empty if there is but one model.
            - ``rival_gain``, ``rival_gain_low`` (float64): its gain and bound; NaN without a
              rival.
            - ``decision`` (str): "switch"; "keep: not enough evidence" where some model looks
              better than the base, or nothing is known; "keep: base is best" where none does.

        Raises
        ------
        ValueError
            If the policy has not been fitted.
        """
        if self._sums is None:
            raise ValueError("This policy has learned nothing yet: call fit(traces) first.")
        rows = [
            _row(place, self._sums, self._result, self.base_model, self.confidence)
            for place in range(len(self._sums.classes))
        ]
        frame = pd.DataFrame(rows, columns=list(LOWER_BOUND_COLUMNS))
        kinds = {name: "str" if name in _TEXTS else "float64" for name in LOWER_BOUND_COLUMNS}
        return frame.astype({**kinds, "n": "int64"})

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON can hold it, with the sums that it rests on."""
        saved = super().to_dict() | {
            "one_sided_confidence": self.confidence,
            "default_model": self.default_model or "",
            "reward": self.reward or "",
        }
        if self._sums is not None:
            names = ("classes", "models", "n", "total", "squares", "traces")
            values = {name: getattr(self._sums, name) for name in names}
            saved["sums"] = {
                name: value.tolist() if isinstance(value, np.ndarray) else list(value)
                for name, value in values.items()
            }
        return saved

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The policy that :meth:`to_dict` described; the table is made again from its sums."""
        fields = SavedPolicy.read(saved)
        policy = cls(
            by=fields.by or "regex",
            reward=fields.reward or None,
            confidence=fields.one_sided_confidence,
            default_model=fields.default_model or None,
        )
        if fields.sums is None:
            return policy
        policy._learn(fields.sums.restored())
        if policy.policy_map != fields.policy_map:
            raise ValueError(
                "The saved policy_map is not the one that its sums give: the file was edited, or "
                "another release wrote it. Fit the policy again."
            )
        return policy

    def _learn(self, sums: ClassModelSums) -> Self:
        if self.default_model and self.default_model not in sums.models:
            sums = _with_model(sums, self.default_model)
        self._sums, self._result = sums, None
        if sums.n.sum() > 0:
            base = sums.models.index(self.default_model) if self.default_model else None
            self._result = lower_bound_table(
                sums.n, sums.total, confidence=self.confidence, base=base
            )
            chosen = [sums.models[place] for place in self._result.table]
        else:
            chosen = [self.base_model] * len(sums.classes)
        self._policy_map = dict(zip(sums.classes, chosen, strict=True))
        return self


def _row(
    c: int, sums: ClassModelSums, found: LowerBoundTable | None, base_model: str, confidence: float
) -> dict[str, Any]:
    nan = float("nan")
    row: dict[str, Any] = {"query_class": sums.classes[c], "model": base_model, "score": nan}
    row |= {"low": nan, "high": nan, "n": 0, "base_model": base_model, "gain": nan}
    row |= {"gain_low": nan, "rival": "", "rival_gain": nan, "rival_gain_low": nan}
    row["decision"] = "keep: not enough evidence"
    if found is None:
        return row
    m, b = int(found.table[c]), found.base
    score, margin = found.p[c, m], one_sided_z(confidence) * found.se[c, m]
    row |= {"model": sums.models[m], "score": score, "n": int(sums.n[c, m])}
    row |= {"low": max(score - margin, 0.0), "high": min(score + margin, 1.0)}
    row |= {"gain": found.gain[c, m], "gain_low": found.gain_low[c, m]}
    others = [place for place in range(len(sums.models)) if place != b]
    if others:
        rival = max(others, key=lambda place: found.gain_low[c, place])
        row |= {"rival": sums.models[rival], "rival_gain": found.gain[c, rival]}
        row["rival_gain_low"] = found.gain_low[c, rival]
    if m != b:
        row["decision"] = "switch"
    elif not (found.gain[c] > 0).any():
        row["decision"] = "keep: base is best"
    return row


def _with_model(sums: ClassModelSums, model: str) -> ClassModelSums:
    """The same sums with a model that has none."""
    models = sorted([*sums.models, model])
    place = models.index(model)
    cells = (np.insert(x, place, 0.0, axis=1) for x in (sums.n, sums.total, sums.squares))
    n, total, squares = cells
    return ClassModelSums(sums.classes, models, n, total, squares, sums.traces)
