"""A log in strata in which each policy has fixed probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab._cells import Cells, cells_of_rewards
from jarvis_lab.classes import By
from jarvis_lab.evaluation.crossfit import can_be_fitted, cross_fitted_choices
from jarvis_lab.evaluation.propensities import logged_propensities
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.baselines import RandomPolicy
from jarvis_lab.routing.outcomes import query_codes
from jarvis_lab.routing.policy import RouterPolicy, TablePolicy, query_classes
from jarvis_lab.routing.rewards import trace_rewards

__all__ = ["StratifiedLog", "cell_table", "stratified", "used_propensities", "weight_note"]


@dataclass(frozen=True)
class StratifiedLog:
    """The log in strata in which each policy has one row of probabilities."""

    cells: Cells
    policies: list[NDArray[np.float64]]
    strata: list[str]
    models: list[str]
    places: NDArray[np.int64]  # stratum and model of each trace with a reward
    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64] | None


def stratified(
    traces: object,
    policies: Sequence[RouterPolicy],
    *,
    by: By | None,
    reward: str | None,
    propensity: str | None,
    query_id: str | Sequence[str] | None = None,
    folds: int = 2,
    seed: int = 0,
) -> StratifiedLog:
    """The log in the classes ``by``, split where a policy's choice differs inside one.

    A policy that can be fitted and is not yet is cross-fitted by query.
    """
    frame = read_traces(traces)
    if by is None:
        by = policies[0].by if isinstance(policies[0], TablePolicy) else "regex"
    names = frame["model"].fillna("").astype("str")
    rewards = trace_rewards(frame, reward=reward)
    kept = (rewards.notna() & (names != "")).to_numpy()
    recorded = logged_propensities(frame, kept, propensity=propensity)
    keys = pd.DataFrame({"query_class": query_classes(frame, by=by)})
    fixed = [p for p in policies if not isinstance(p, RandomPolicy)]
    for place, policy in enumerate(fixed):
        if can_be_fitted(policy):
            codes = _codes(frame, query_id)
            queries = frame.iloc[np.unique(codes, return_index=True)[1]].reset_index(drop=True)
            chosen = cross_fitted_choices(policy, frame, codes, queries, folds=folds, seed=seed)
            keys[place] = chosen[codes]
        else:
            keys[place] = policy.route(frame)
    stratum = keys.groupby(list(keys.columns), sort=True).ngroup().to_numpy()
    first = keys.iloc[np.unique(stratum, return_index=True)[1]].reset_index(drop=True)
    others = {m for p in policies if isinstance(p, RandomPolicy) for m in p.weights}
    models = sorted({*names[kept], *others, *(m for i in range(len(fixed)) for m in first[i])})
    column = pd.Index(models).get_indexer(pd.Index(names[kept]))
    shape = (len(first), len(models))
    cells = cells_of_rewards(
        *(stratum[kept], column, rewards.to_numpy()[kept]),
        shape=shape,
        propensities=recorded,
        class_traces=np.bincount(stratum, minlength=shape[0]),
    )
    matrices = []
    for policy in policies:
        pi = np.zeros(shape)
        if isinstance(policy, RandomPolicy):
            pi[:] = [policy.weights.get(model, 0.0) for model in models]
        else:
            routed = first[fixed.index(policy)]
            pi[np.arange(shape[0]), pd.Index(models).get_indexer(pd.Index(routed))] = 1.0
        matrices.append(pi)
    places = np.vstack([stratum[kept], column])
    strata, earned = list(first["query_class"]), np.asarray(rewards, dtype=np.float64)[kept]
    return StratifiedLog(cells, matrices, strata, models, places, earned, recorded)


def _codes(traces: pd.DataFrame, query_id: str | Sequence[str] | None) -> NDArray[np.int64]:
    """Number of each trace's query; each is its own where nothing tells queries apart."""
    if query_id is None and not {"query_id", "query"} & set(traces.columns):
        return np.arange(len(traces))
    return query_codes(traces, query_id=query_id)


def used_propensities(log: StratifiedLog) -> NDArray[np.float64]:
    """Of each trace with a reward: as recorded, else the model's share in the stratum."""
    if log.propensities is not None:
        return log.propensities
    shares = np.zeros(log.cells.n.shape)
    np.add.at(shares, tuple(log.places), 1.0)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1)
    found: NDArray[np.float64] = shares[tuple(log.places)]
    return found


def weight_note(log: StratifiedLog) -> str:
    """A warning of weights so unequal inside a cell that the interval may be too narrow."""
    if log.propensities is None or not 0 < log.places.shape[1] < 5000:
        return ""
    cell = log.places[0] * len(log.models) + log.places[1]
    grouped = pd.Series(1 / log.propensities).groupby(cell)
    ratio = float((grouped.max() / grouped.min()).max())
    if ratio <= 10:
        return ""
    return f"in a cell the largest weight is {ratio:.0f} times the smallest: too few traces for it"


def cell_table(log: StratifiedLog, pi: NDArray[np.float64]) -> pd.DataFrame:
    """One row per class and model that a policy uses; see :class:`LoggedValue`."""
    weight = log.cells.shares[:, None] * pi
    rows, columns = np.nonzero(weight > 0)
    n = log.cells.n[rows, columns]
    part = weight[rows, columns] ** 2 / np.maximum(n, 1)
    table = pd.DataFrame(
        {
            "query_class": pd.Series([log.strata[row] for row in rows], dtype="str"),
            "model": pd.Series([log.models[column] for column in columns], dtype="str"),
            "share": weight[rows, columns],
            "n": n,
            "mean": np.where(n > 0, log.cells.mean[rows, columns], np.nan),
            "variance_share": part / max(part.sum(), 1e-300),
        }
    )
    order = ["variance_share", "query_class", "model"]
    return table.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)
