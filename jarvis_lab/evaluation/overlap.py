"""Where a log has been and where a policy would go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.classes import By
from jarvis_lab.evaluation.read_log import ReadLog, not_counts
from jarvis_lab.evaluation.strata import StratifiedLog, classes_of, split, used_propensities
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["OVERLAP_COLUMNS", "overlap"]

Floats = NDArray[np.float64]
#: The columns of :func:`overlap`.
OVERLAP_COLUMNS = (
    *("query_class", "model", "traffic_share", "logged_share", "policy_share", "share"),
    *("n", "max_weight", "covered", "note"),
)
_FEW = 5


def overlap(
    traces: object,
    policy: RouterPolicy,
    *,
    by: By | None = None,
    reward: str | None = None,
    propensity: str | None = "propensity",
    query_id: str | Sequence[str] | None = None,
    folds: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per query class and model: how often the log used it, and how often a policy would.

    Parameters
    ----------
    traces, policy, by, reward, propensity, query_id, folds, seed
        As for :func:`logged_value`.

    Returns
    -------
    DataFrame
        Every class with every model of the log or the policy, sorted; shares are in [0, 1]:

        - ``query_class``, ``model`` (str).
        - ``traffic_share`` (float64): the class's share of all traces.
        - ``logged_share`` (float64): share of the class's traces that the log gave the model.
        - ``policy_share`` (float64): share of them that the policy would, π(m|c).
        - ``share`` (float64): traffic_share·policy_share, the policy's traffic in the cell.
        - ``n`` (int64): rewards that the log has in the cell.
        - ``max_weight`` (float64): largest π/p of a trace in it; NaN without one that matches.
        - ``covered`` (bool): whether all of the policy's traffic in the cell has rewards to be
          judged by; true where it has none.
        - ``note`` (str): why the cell cannot be judged, or hardly; else empty.

    Raises
    ------
    ValueError
        As for :func:`logged_value`.

    Notes
    -----
    The sum of ``share`` over covered cells is the ``covered_share`` of :func:`logged_value`,
    which shows a value from 0.90 on. A cell that the policy uses for some of the class's queries
    only is covered by rewards on such queries.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": ["import os"] * 8 + ["hi"] * 2,
    ...                     "model": ["a"] * 6 + list("bbaa"), "correct": [True] * 10})
    >>> overlap(log, AlwaysPolicy("b"))[
    ...     ["query_class", "model", "traffic_share", "logged_share", "share", "covered"]]
      query_class model  traffic_share  logged_share  share  covered
    0        code     a            0.8          0.75    0.0     True
    1        code     b            0.8          0.25    0.8     True
    2       short     a            0.2          1.00    0.0     True
    3       short     b            0.2          0.00    0.2    False
    """
    frame = read_traces(not_counts(traces))
    _checks.column("model", frame.columns, where="The log", hint="Every trace needs a model.")
    log = ReadLog(
        frame,
        by=classes_of(policy) if by is None else by,
        reward=reward,
        propensity=propensity,
        query_id=query_id,
        folds=folds,
        seed=seed,
    )
    return _table(log, split(log, [log.choice(policy)]))


def _table(log: ReadLog, strata: StratifiedLog) -> pd.DataFrame:
    models = strata.models
    shape = (len(log.classes), len(models))
    place = pd.Index(models).get_indexer(pd.Index(log.models))
    cell = log.class_place * len(models) + np.append(place, -1)[log.model_place]
    named = log.model_place >= 0

    def counted(rows: NDArray[np.bool_]) -> Floats:
        return np.bincount(cell[rows], minlength=shape[0] * shape[1]).astype(float).reshape(shape)

    traces = np.bincount(log.class_place, minlength=shape[0]).astype(float)
    weight, uncovered, largest = _by_class(strata, log.classes)
    traffic = traces / max(traces.sum(), 1)
    columns = {
        "query_class": np.repeat(log.classes, shape[1]),
        "model": np.tile(models, shape[0]),
        "traffic_share": np.repeat(traffic, shape[1]),
        "logged_share": (counted(named) / np.maximum(traces, 1)[:, None]).ravel(),
        "policy_share": (weight / np.maximum(traffic, 1e-300)[:, None]).ravel(),
        "share": weight.ravel(),
        "n": counted(log.kept).ravel(),
        "max_weight": largest.ravel(),
        "covered": ~(uncovered > 0).ravel(),
    }
    table = pd.DataFrame(columns, columns=list(OVERLAP_COLUMNS))
    rows = zip(*(table[c] for c in ("model", "logged_share", "share", "n", "covered")), strict=True)
    table["note"] = [_note(*row, known=row[0] in strata.used) for row in rows]
    kinds = dict.fromkeys(("query_class", "model", "note"), "str")
    return table.astype({**kinds, "n": "int64", "covered": "bool"})


def _by_class(strata: StratifiedLog, classes: list[str]) -> tuple[Floats, Floats, Floats]:
    """Class × model: the policy's traffic, what of it has no rewards, and the largest weight."""
    pi = strata.policies[0]
    shape = (len(classes), len(strata.models))
    row = pd.Index(classes).get_indexer(pd.Index(strata.strata))
    weight, uncovered = np.zeros(shape), np.zeros(shape)
    each = strata.cells.shares[:, None] * pi
    np.add.at(weight, row, each)
    np.add.at(uncovered, row, np.where(strata.cells.n > 0, 0.0, each))
    largest = np.full(shape, -np.inf)
    weights = pi[tuple(strata.places)] / used_propensities(strata)
    used = weights > 0
    np.maximum.at(largest, (row[strata.places[0][used]], strata.places[1][used]), weights[used])
    return weight, uncovered, np.where(np.isfinite(largest), largest, np.nan)


def _note(model: str, logged: float, share: float, n: float, covered: bool, *, known: bool) -> str:
    """Why a cell that the policy uses cannot be judged, or hardly."""
    if not share > 0:
        return ""
    if not model:
        return "the policy names no model"
    if not known:
        return "the log never used this model"
    if covered:
        return f"fewer than {_FEW} rewards" if n < _FEW else ""
    if n > 0:
        return "no rewards on those of its queries that the policy sends here"
    return "never used in this class" if logged == 0 else "used in this class, but without rewards"
