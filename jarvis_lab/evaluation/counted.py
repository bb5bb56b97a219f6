"""A log as counts by time, fold, class and model, small whatever its size.

Everything that the interactive comparison shows is a function of these counts: the traces are
read and counted once. The classes are those of several schemes at a time (a joint class is one
class in each), and the fold is among the keys, so that a policy can be fitted on the counts of
the other folds and valued on those of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from jarvis_lab._checks import plural
from jarvis_lab.classes import SCHEMES, By, scheme_name
from jarvis_lab.evaluation.counted_keys import (
    STEPS,
    Coded,
    class_columns,
    coded,
    compacted,
    scheme_codes,
    time_steps,
)
from jarvis_lab.evaluation.propensities import logged_propensities
from jarvis_lab.scores.blocks import trace_terms
from jarvis_lab.scores.sums import FLOATS, INTEGERS, NEVER

__all__ = ["SQUARED", "SUMS", "WEIGHED", "CountedLog", "count_log"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: Sums of each cell, in the order of the rows of ``CountedLog.sums``; those of ``WEIGHED`` come
#: again weighted by 1/p where propensities are recorded, and the three numbers by 1/p².
SUMS = (*INTEGERS, *FLOATS)
WEIGHED = (
    *("n_outcome", "successes", "n_feedback", "n_both", "both_successes", "feedback_sum"),
    *("feedback_sum_squares", "both_feedback_sum", "both_feedback_sum_squares"),
    "both_success_feedback_sum",
)
SQUARED = ("n_outcome", "n_feedback", "n_both")
#: Joint classes above which no further column is taken up of its own accord.
_MOST_JOINT = 400
_FACTS = ("outcome", "feedback", "total_tokens", "total_latency_seconds", "cost_usd")
_EXAMPLE = 60


@dataclass(frozen=True)
class CountedLog:
    """A log as counts; one row per step of time, fold, joint class and model that it has.

    Attributes
    ----------
    size : int
        Number of traces.
    models : list of str
        The models, sorted; "" among them if some trace names none.
    classes : dict of str to list of str
        Class of each joint class in each scheme.
    examples : list of str
        First query of each joint class.
    edges : DatetimeIndex or None
        Edges of the steps of time; None if the log has no times to choose from.
    untimed : int
        Traces without a time; they count only while the whole range is selected.
    folds : int
        Number of folds.
    propensity : {"logged", "estimated"}
        Whether the sums weighted by 1/p are there.
    step, fold, joint, model : ndarray of int
        The keys of each row; rows stand in the order of the steps.
    sums : dict of str to ndarray of float
        The sums of each row: ``SUMS``; "w " and "ww " before a name mark those weighted by 1/p
        and 1/p².
    extremes : dict of str to ndarray of float
        Smallest and largest p of each row: "outcome low", "outcome high" over the traces with an
        outcome, "feedback low", "feedback high" over those with a feedback.
    last_rank, last_seen, last_row : ndarray of int
        Order of the newest trace of each row among all traces, its time and its place.
    """

    size: int
    models: list[str]
    classes: dict[str, list[str]]
    examples: list[str]
    edges: pd.DatetimeIndex | None
    untimed: int
    folds: int
    propensity: Literal["logged", "estimated"]
    step: Codes = field(repr=False)
    fold: Codes = field(repr=False)
    joint: Codes = field(repr=False)
    model: Codes = field(repr=False)
    sums: dict[str, Floats] = field(repr=False)
    extremes: dict[str, Floats] = field(repr=False)
    last_rank: Codes = field(repr=False)
    last_seen: Codes = field(repr=False)
    last_row: Codes = field(repr=False)

    def __repr__(self) -> str:
        classes = f"{len(self.examples)} joint {plural(len(self.examples), 'class', 'classes')}"
        models = f"{len(self.models)} {plural(len(self.models), 'model')}"
        traces = f"{self.size:,} {plural(self.size, 'trace')}"
        counts = f"{len(self.step):,} {plural(len(self.step), 'count')}"
        return f"CountedLog({traces} in {counts}; {classes} × {models})"


def count_log(
    frame: pd.DataFrame,
    *,
    fold: Codes,
    by: Sequence[By] = (),
    routes: Mapping[str, pd.Series[str]] | None = None,
    propensity: str | None = "propensity",
) -> CountedLog:
    """Count a log by step of time, fold, joint class and model.

    Parameters
    ----------
    frame : DataFrame
        The traces, as :func:`counted_traces` gives them.
    fold : ndarray of int
        Fold of each trace.
    by : sequence of column names or objects with ``predict``
        Schemes beside "regex" and "keyword", which need the queries; text columns with few values
        are found.
    routes : mapping of str to Series of str
        The model that a policy chooses for each trace, where that is no function of a class;
        it is counted by as by a class.
    propensity : str or None
        Column with the probability with which the log chose the trace's model.

    Returns
    -------
    CountedLog

    Raises
    ------
    ValueError
        If a column is missing, or propensities are no probabilities or missing for some traces.
    """
    names = frame["model"] if "model" in frame else pd.Series("", index=frame.index)
    models = coded(names, missing="", where="'model' of the log")
    order = sorted(range(len(models.labels)), key=models.labels.__getitem__)
    models = Coded(np.argsort(order)[models.place], [models.labels[i] for i in order])
    own = SCHEMES if "query" in frame else ()
    schemes = [*own, *(one for one in by if scheme_name(one) not in SCHEMES)]
    keys = scheme_codes(frame, schemes)
    for name, routed in (routes or {}).items():
        keys[name] = coded(routed, missing="", where=f"the models of {name!r}")
    joint, size = _joint(keys, len(frame))
    for name in class_columns(frame, models):
        if name in keys:
            continue
        more = {name: coded(frame[name], missing="(missing)", where=f"{name!r} of the log")}
        finer, sizes = _joint({"": Coded(joint, [""] * size), **more}, len(frame))
        if sizes <= _MOST_JOINT:
            keys |= more
            joint, size = finer, sizes
    return _counted(frame, models, keys, joint, size, fold, propensity)


def _joint(keys: Mapping[str, Coded], rows: int) -> tuple[Codes, int]:
    """Place of each trace among the combinations of labels that there are, and their number."""
    joint, size = np.zeros(rows, np.int64), 1
    for key in keys.values():
        joint, used = compacted(joint * len(key.labels) + key.place, size * len(key.labels))
        size = len(used)
    return joint, size


def _counted(
    frame: pd.DataFrame,
    models: Coded,
    keys: Mapping[str, Coded],
    joint: Codes,
    size: int,
    fold: Codes,
    propensity: str | None,
) -> CountedLog:
    steps, rows = time_steps(frame), len(frame)
    folds = int(fold.max()) + 1 if rows else 1
    code = ((steps.place * folds + fold) * size + joint) * len(models.labels) + models.place
    row, used = compacted(code, (STEPS + 1) * folds * size * max(len(models.labels), 1))
    rest, model = np.divmod(used, max(len(models.labels), 1))
    rest, of_joint = np.divmod(rest, max(size, 1))
    step, of_fold = np.divmod(rest, folds)
    first = np.zeros(size, np.int64)
    first[joint[::-1]] = np.arange(rows)[::-1]
    weights = _weights(frame, models, propensity)
    sums, extremes = _sums(frame, row, len(used), weights)
    rank, seen, last = _newest(frame, row, len(used))
    return CountedLog(
        size=rows,
        models=models.labels,
        classes={name: [key.labels[i] for i in key.place[first]] for name, key in keys.items()},
        examples=_examples(frame, first),
        edges=steps.edges,
        untimed=steps.untimed,
        folds=folds,
        propensity="estimated" if weights is None else "logged",
        step=step,
        fold=of_fold,
        joint=of_joint,
        model=model,
        sums=sums,
        extremes=extremes,
        last_rank=rank,
        last_seen=seen,
        last_row=last,
    )


def _weights(frame: pd.DataFrame, models: Coded, propensity: str | None) -> Floats | None:
    """1/p of each trace (0 where nothing was earned); None if no p is recorded."""
    earned = np.zeros(len(frame), dtype=bool)
    for name in ("outcome", "feedback"):
        if name in frame:
            earned |= frame[name].notna().to_numpy(dtype=bool)
    earned &= models.place != (models.labels.index("") if "" in models.labels else -1)
    recorded = logged_propensities(frame, earned, propensity=propensity)
    if recorded is None:
        return None
    weights = np.zeros(len(frame))
    weights[earned] = 1 / recorded
    return weights


def _sums(
    frame: pd.DataFrame, row: Codes, size: int, weights: Floats | None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    facts = [name for name in _FACTS if name in frame]
    counted, summed = trace_terms(pa.Table.from_pandas(frame[facts], preserve_index=False))
    masks = dict(zip(INTEGERS, counted, strict=True))
    parts: dict[str, tuple[Any, Any]] = {name: (mask, None) for name, mask in masks.items()}
    parts |= dict(zip(FLOATS, summed, strict=True))
    sums: dict[str, Floats] = {}
    extremes: dict[str, Floats] = {}
    earning = np.zeros(0) if weights is None else weights

    def summed_by(rows: Codes, values: Any, size: int) -> Floats:
        return np.bincount(rows, values, minlength=size).astype(np.float64)

    for name, (mask, values) in parts.items():
        sums[name] = summed_by(row[mask], values, size)
        if weights is None or name not in WEIGHED:
            continue
        w = weights[mask]
        sums[f"w {name}"] = summed_by(row[mask], w if values is None else w * values, size)
        if name in SQUARED:
            sums[f"ww {name}"] = summed_by(row[mask], w * w, size)
    for name in ("outcome", "feedback") if weights is not None else ():
        mask = masks[f"n_{name}"] & (earning > 0)
        for end, start, keep in (("low", np.inf, np.minimum), ("high", -np.inf, np.maximum)):
            found = np.full(size, start)
            keep.at(found, row[mask], 1 / earning[mask])
            extremes[f"{name} {end}"] = found
    return sums, extremes


def _newest(frame: pd.DataFrame, row: Codes, size: int) -> tuple[Codes, Codes, Codes]:
    """Of each row of counts: rank of its newest trace, its time and its place."""
    places = np.arange(len(frame))
    seen = np.full(len(frame), NEVER)
    if "started_at" in frame:
        stamps = pd.to_datetime(frame["started_at"], utc=True).dt.as_unit("us")
        known = stamps.notna().to_numpy(dtype=bool)
        seen[known] = stamps.to_numpy(dtype="datetime64[us]").astype(np.int64)[known]
    rank = places
    if len(seen) and (seen[:-1] > seen[1:]).any():
        rank = np.argsort(np.lexsort((places, seen)))
    newest = np.full(size, -1, np.int64)
    np.maximum.at(newest, row, rank)
    trace = np.argsort(rank)[newest] if rank is not places else newest
    return newest, seen[trace], trace


def _examples(frame: pd.DataFrame, first: Codes) -> list[str]:
    if "query" not in frame or not len(first):
        return [""] * len(first)
    column = frame["query"].array  # one by one: taking rows would copy the whole column
    found = [column[place] for place in first.tolist()]
    texts = [" ".join(text.split()) if isinstance(text, str) else "" for text in found]
    return [text if len(text) <= _EXAMPLE else text[: _EXAMPLE - 1] + "…" for text in texts]
