"""What a trace earned, and its sums per query class and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.classes import By
from jarvis_lab.routing.table import counts_of
from jarvis_lab.scores import check_reward, is_counts, reward_sums, score_counts

__all__ = ["ClassModelSums", "class_model_sums", "sums_of_counts", "trace_rewards"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassModelSums:
    """Numbers and sums of rewards, class × model, both sorted by name.

    Attributes
    ----------
    classes, models : list of str
        What the rows and columns stand for; traces without a model are left out.
    n, total, squares : ndarray of float
        Number of rewards in each cell, their sum and the sum of their squares.
    traces : ndarray of float
        Traces per class, those without a model or a reward included.
    """

    classes: list[str]
    models: list[str]
    n: Floats
    total: Floats
    squares: Floats
    traces: Floats

    def __repr__(self) -> str:
        classes = f"{len(self.classes)} {_checks.plural(len(self.classes), 'class', 'classes')}"
        models = f"{len(self.models)} {_checks.plural(len(self.models), 'model')}"
        n = round(float(self.n.sum()))
        return f"ClassModelSums({classes} × {models}, {n:,} {_checks.plural(n, 'reward')})"


def trace_rewards(traces: pd.DataFrame, *, reward: str | None = None) -> pd.Series[float]:
    """Reward of each trace.

    Parameters
    ----------
    traces : DataFrame
        Traces, as :func:`read_traces` gives them.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]. Without one: 1 where ``outcome`` is
        "success", 0 for any other text.

    Returns
    -------
    Series of float64
        Named ``reward``, in [0, 1], with the index of ``traces``; NaN where it is missing.

    Raises
    ------
    ValueError
        If there is no such column, it holds something else, or values outside [0, 1].

    Examples
    --------
    >>> log = pd.DataFrame({"outcome": ["success", "timeout", None], "stars": [0.2, 1.0, None]})
    >>> trace_rewards(log).tolist()
    [1.0, 0.0, nan]
    >>> trace_rewards(log, reward="stars").tolist()
    [0.2, 1.0, nan]
    """
    hint = "Name the column that holds the reward: reward='...'."
    name = _checks.column(reward or "outcome", traces.columns, where="The log", hint=hint)
    column = traces[name]
    if name == "outcome":
        good = (column == "success").fillna(False).to_numpy(dtype=bool).astype(np.float64)
        values = np.where(column.isna(), np.nan, good)
    else:
        values = _numbers(column, name)
    outside = np.flatnonzero((values < 0) | (values > 1))
    if len(outside):
        raise ValueError(
            f"Reward {name!r} has {len(outside)} {_checks.plural(len(outside), 'value')} outside "
            "[0, 1], the first "
            f"{float(values[outside[0]])!r} in row {outside[0]}. Rescale it before: "
            f"({name} - lowest) / (highest - lowest), with the ends of its scale."
        )
    return pd.Series(values, index=traces.index, name="reward")


def class_model_sums(
    source: object, *, by: By, reward: str | None = None, client: object = None
) -> ClassModelSums:
    """Numbers and sums of the rewards per query class and model.

    Parameters
    ----------
    source : DataFrame, path, object with ``list_traces()``, table of counts, or such sums
        Traces as :func:`score_counts` takes them, or its table, which knows the rewards
        "outcome", "feedback" and the one it was counted with. Sums are given back as they are.
    by : {"regex", "keyword"}, column name or object with ``predict``
        What the classes are.
    reward : str, optional
        As for :func:`trace_rewards`.
    client : distributed.Client, optional
        As for :func:`score_counts`.

    Returns
    -------
    ClassModelSums

    Raises
    ------
    ValueError
        As for :func:`trace_rewards`; if counts are given that lack the reward or the classes,
        or tell that they have others.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"] * 3, "model": list("aab"),
    ...                     "outcome": ["success", None, "failure"]})
    >>> sums = class_model_sums(log, by="regex")
    >>> sums.classes, sums.models, sums.n.tolist(), sums.total.tolist()
    (['code'], ['a', 'b'], [[1.0, 1.0]], [[1.0, 0.0]])
    """
    if isinstance(source, ClassModelSums):
        return source
    if reward is not None:
        _checks.text("reward", reward)
    if reward is None or reward == "outcome":
        counts = counts_of(source, by=by, client=client)
        return sums_of_counts(counts, outcome_weight=1.0, feedback_weight=0.0)
    if not (isinstance(source, pd.DataFrame) and is_counts(source)):
        source = _counts_of_reward(source, by, reward, client)
    counts = counts_of(source, by=by)
    own = "n_reward" in counts and reward != "feedback"  # which all counts have
    if not own and reward != "feedback":
        raise ValueError(
            f"A table of counts has no reward {reward!r}, only outcome and feedback: give the "
            f"traces themselves, or count them with score_counts(..., reward={reward!r})."
        )
    if own:
        check_reward(counts, reward)
    invalid = int(counts["invalid_reward" if own else "invalid_feedback"].sum())
    if invalid:
        raise ValueError(
            f"Reward {reward!r} has {invalid} {_checks.plural(invalid, 'value')} outside [0, 1]. "
            f"Rescale it in the traces and count again: ({reward} - lowest) / "
            "(highest - lowest), with the ends of its scale."
        )
    return sums_of_counts(counts, outcome_weight=0.0, feedback_weight=1.0, own=own)


def _counts_of_reward(source: object, by: By, reward: str, client: object) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        rewards = trace_rewards(source, reward=reward)  # which names the first row that is wrong
        if source[reward].dtype == object:
            source = source.assign(**{reward: rewards})
    return score_counts(source, by=by, reward=reward, client=client)


def sums_of_counts(
    counts: pd.DataFrame, *, outcome_weight: float, feedback_weight: float, own: bool = False
) -> ClassModelSums:
    """Numbers and sums of the weighted rewards of a table of counts.

    Parameters
    ----------
    counts : DataFrame
        As :func:`score_counts` gives it, of one scheme.
    outcome_weight, feedback_weight : float
        At least 0 and not both 0; only their ratio matters.
    own : bool
        Take the reward that was named when the traces were counted, and no weights.

    Returns
    -------
    ClassModelSums

    Notes
    -----
    The reward of a trace is the sum of weight × part over the parts it has (outcome, feedback),
    divided by the sum of their weights.
    """
    n, total, squares = reward_sums(
        counts, outcome_weight=outcome_weight, feedback_weight=feedback_weight, own=own
    )
    classes = sorted(counts["query_class"].unique())
    models = sorted(name for name in counts["model"].unique() if name)
    rows = counts["query_class"].map({c: i for i, c in enumerate(classes)}).to_numpy(dtype=int)
    traces = np.zeros(len(classes))
    np.add.at(traces, rows, counts["n"].to_numpy(dtype=float))
    named = (counts["model"] != "").to_numpy()
    columns = counts["model"].map({m: i for i, m in enumerate(models)}).to_numpy(dtype=float)
    cells = rows[named], columns[named].astype(int)
    filled = []
    for values in (n, total, squares):
        matrix = np.zeros((len(classes), len(models)))
        np.add.at(matrix, cells, np.asarray(values, dtype=float)[named])
        filled.append(matrix)
    return ClassModelSums(classes, models, filled[0], filled[1], filled[2], traces)


def _numbers(column: pd.Series[Any], name: str) -> Floats:
    kinds = {type(v).__name__ for v in column[column.notna()]} if column.dtype == object else set()
    if kinds - {"bool", "int", "float", "bool_", "int64", "float64", "Decimal"}:
        raise ValueError(
            f"Reward {name!r} holds {_checks.names(sorted(kinds))}, but must hold true and false, "
            "or numbers in [0, 1]."
        )
    numeric = pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column)
    if not (column.dtype == object or numeric):
        raise ValueError(
            f"Reward {name!r} holds {column.dtype}, but must hold true and false, or numbers in "
            "[0, 1]."
        )
    values: Floats = np.where(column.isna(), np.nan, column).astype(np.float64)
    return values
