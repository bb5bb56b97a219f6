"""A log in strata in which each policy has fixed probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._cells import Cells, cells_of_rewards
from jarvis_lab.classes import By
from jarvis_lab.evaluation.read_log import Choice, ReadLog
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.policy import RouterPolicy, TablePolicy

__all__ = [
    "StratifiedLog",
    "cell_table",
    "classes_of",
    "split",
    "stratified",
    "used_propensities",
    "weight_note",
]


@dataclass(frozen=True)
class StratifiedLog:
    """The log in strata in which each policy has one row of probabilities.

    Attributes
    ----------
    cells : Cells
        Stratum × model.
    policies : list of ndarray of float
        Probability of each model in each stratum, per policy.
    strata : list of str
        Class of each stratum.
    models : list of str
        The log's models and those that the policies name.
    used : frozenset of str
        The models that the log names.
    places : ndarray of int
        Stratum and model of each trace with a reward.
    rewards, propensities : ndarray of float
        Of these traces; None if no propensities are recorded.
    torn : list of ndarray of float
        Share of each stratum on which the copies of a cross-fitted policy disagree, per policy.
    """

    cells: Cells
    policies: list[NDArray[np.float64]]
    strata: list[str]
    models: list[str]
    used: frozenset[str]
    places: NDArray[np.int64]
    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64] | None
    torn: list[NDArray[np.float64]]


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
    if by is None:
        by = classes_of(policies[0])
    frame = read_traces(traces)
    _checks.column("model", frame.columns, where="The log", hint="Every trace needs a model.")
    log = ReadLog(
        frame,
        by=by,
        reward=reward,
        propensity=propensity,
        query_id=query_id,
        folds=folds,
        seed=seed,
    )
    return split(log, [log.choice(policy) for policy in policies])


def classes_of(policy: RouterPolicy) -> By:
    """The policy's own classes, or "regex" for one that has none."""
    return policy.by if isinstance(policy, TablePolicy) else "regex"


def split(log: ReadLog, choices: Sequence[Choice]) -> StratifiedLog:
    """The log in its classes, split where one of the choices differs inside one."""
    key = log.class_place
    for choice in choices:
        if choice.place is not None:
            key = key * max(len(choice.models), 1) + choice.place
    _, first, stratum = np.unique(key, return_index=True, return_inverse=True)
    models = sorted({*log.models, *(name for choice in choices for name in choice.models)})
    shape = (len(first), len(models))
    traces = np.bincount(stratum, minlength=shape[0])
    torn = [
        np.zeros(shape[0])
        if choice.torn is None
        else np.bincount(stratum, choice.torn, minlength=shape[0]) / np.maximum(traces, 1)
        for choice in choices
    ]
    column = pd.Index(models).get_indexer(pd.Index(log.models))[log.model_place[log.kept]]
    places = np.vstack([stratum[log.kept], column])
    cells = cells_of_rewards(
        *(*places, log.rewards),
        shape=shape,
        propensities=log.propensities,
        class_traces=traces,
    )
    return StratifiedLog(
        cells=cells,
        policies=[_matrix(choice, first, models) for choice in choices],
        strata=[log.classes[place] for place in log.class_place[first]],
        models=models,
        used=frozenset(log.models),
        places=places,
        rewards=log.rewards,
        propensities=log.propensities,
        torn=torn,
    )


def _matrix(choice: Choice, first: NDArray[np.int64], models: list[str]) -> NDArray[np.float64]:
    """Probability of each model in each stratum; ``first`` is a trace of each."""
    if choice.place is None:
        return np.tile([choice.weights.get(name, 0.0) for name in models], (len(first), 1))
    column = pd.Index(models).get_indexer(pd.Index(choice.models))[choice.place[first]]
    found: NDArray[np.float64] = np.eye(len(models))[column]
    return found


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
