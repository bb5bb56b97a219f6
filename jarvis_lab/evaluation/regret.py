"""Which class costs a policy most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab._stats import bounded_mean_interval
from jarvis_lab.classes import By
from jarvis_lab.evaluation.crossfit import can_be_fitted, cross_fitted_choices
from jarvis_lab.evaluation.named import router_policy
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.baselines import RandomPolicy
from jarvis_lab.routing.outcomes import CompleteOutcomes, complete_outcomes, query_codes
from jarvis_lab.routing.policy import RouterPolicy, TablePolicy, query_classes

__all__ = ["class_regret"]


def class_regret(
    traces: object,
    policy: RouterPolicy,
    *,
    by: By | None = None,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    level: float = 0.95,
    folds: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per query class: what the policy earns there, and what it could.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Complete data: every query has every model exactly once, with a reward.
    policy : RouterPolicy
        A policy that was not learned from these queries, or one that can be fitted, unfitted: it
        is cross-fitted by query.
    by : {"regex", "keyword"}, column name or object with ``predict``, optional
        What the classes are; the policy's own, or "regex", without it.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.
    level : float
        Confidence level.
    folds : int
        Folds of the cross-fitting.
    seed : int
        Their seed.

    Returns
    -------
    DataFrame
        The class that costs most first; rewards are in [0, 1]:

        - ``query_class`` (str), ``n`` (int64): queries; ``share`` (float64): of all queries.
        - ``value`` (float64): mean reward of the policy; for :class:`RandomPolicy` the one to
          expect, whatever is drawn.
        - ``best_model`` (str), ``best_value`` (float64): the best single model of the class on
          these very queries, so a little flattered.
        - ``oracle_value`` (float64): mean of the highest reward of each query.
        - ``regret``, ``regret_low``, ``regret_high`` (float64): oracle_value - value with its
          interval.
        - ``cost`` (float64): share·regret; the sum over classes is the policy's distance to the
          oracle.

    Raises
    ------
    ValueError
        If the data are not complete, or the policy names a model that they do not have.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": ["import os"] * 2 + ["hi"] * 2, "model": list("abab"),
    ...                     "correct": [True, False, False, True]})
    >>> class_regret(log, AlwaysPolicy("a"), reward="correct")[
    ...     ["query_class", "value", "best_model", "regret", "cost"]]
      query_class  value best_model  regret  cost
    0       short    0.0          b     1.0   0.5
    1        code    1.0          a     0.0   0.0
    """
    frame = read_traces(traces)
    found = complete_outcomes(frame, query_id=query_id, reward=reward)
    if by is None:
        by = policy.by if isinstance(policy, TablePolicy) else "regex"
    router_policy(policy)
    if isinstance(policy, RandomPolicy):
        earned = _expected(found, policy.weights)
    elif can_be_fitted(policy):
        codes = query_codes(frame, query_id=query_id)
        chosen = cross_fitted_choices(policy, frame, codes, found.queries, folds=folds, seed=seed)
        earned = found.of(chosen)
    else:
        earned = found.of(models_routed(policy, found.queries).to_numpy(dtype=object))
    lost = found.rewards.max(1) - earned
    classes = query_classes(found.queries, by=by).to_numpy()
    rows = []
    for label in sorted(set(classes)):
        here = classes == label
        means = found.rewards[here].mean(0)
        best, n = int(np.argmax(means)), int(here.sum())
        low, high = bounded_mean_interval(
            [n], [lost[here].sum()], [(lost[here] ** 2).sum()], level, overall=float(lost.mean())
        )
        row = {"query_class": label, "n": n, "share": n / len(classes)}
        row |= {"value": earned[here].mean(), "best_model": found.models[best]}
        row |= {"best_value": means[best], "oracle_value": found.rewards[here].max(1).mean()}
        row |= {"regret": lost[here].mean(), "regret_low": low[0], "regret_high": high[0]}
        row["cost"] = lost[here].sum() / len(classes)
        rows.append(row)
    table = pd.DataFrame(rows).astype({"query_class": "str", "best_model": "str"})
    table = table.sort_values(["cost", "query_class"], ascending=[False, True])
    return table.reset_index(drop=True)


def _expected(found: CompleteOutcomes, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Mean reward of each query over the models, by their probability."""
    likely = [name for name, weight in weights.items() if weight > 0]
    places = pd.Index(found.models).get_indexer(pd.Index(likely))
    for name, place in zip(likely, places, strict=True):
        if place < 0:
            found.of([name] * len(found.queries))  # which says what is unknown
    earned: NDArray[np.float64] = found.rewards[:, places] @ [weights[name] for name in likely]
    return earned
