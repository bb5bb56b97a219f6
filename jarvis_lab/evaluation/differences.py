"""Where two policies send the same queries to different models."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.evaluation.crossfit import can_be_fitted
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.readers import read_traces
from jarvis_lab.routing import RouterPolicy, TablePolicy

__all__ = ["disagreements", "traffic"]

_EXAMPLE = 60


def disagreements(a: Any, b: Any, traces: object) -> pd.DataFrame:
    """One row per kind of query that two policies send to different models.

    Parameters
    ----------
    a, b : RouterPolicy
        The policies; they may have different classes.
    traces : DataFrame, path or object with ``list_traces()``
        The traffic, as :func:`read_traces` takes it.

    Returns
    -------
    DataFrame
        The largest share first:

        - ``class_a``, ``class_b`` (str): the query's class for each policy; empty for one that
          has no classes.
        - ``model_a``, ``model_b`` (str): where each sends it; empty if nowhere.
        - ``n`` (int64): traces of this kind; ``share`` (float64, in (0, 1]): of all traces.
        - ``example`` (str): the first such query, cut after 60 characters.

    Raises
    ------
    TypeError
        If ``a`` or ``b`` is no policy.
    ValueError
        If the traces lack the column of a policy's classes, or a policy that names no model has
        not been fitted.

    Examples
    --------
    >>> from jarvis_lab import SFTRouterPolicy, TraceDrivenPolicy
    >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
    ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
    >>> a, b = SFTRouterPolicy(min_samples=3), TraceDrivenPolicy(default_model="b")
    >>> _ = a.update(log)
    >>> disagreements(a, b, log)[["class_a", "class_b", "model_a", "model_b", "share"]]
      class_a class_b model_a model_b  share
    0    code    code       a       b    1.0
    """
    for name, policy in (("a", a), ("b", b)):
        if not isinstance(policy, RouterPolicy):
            raise TypeError(
                f"{name} must be a RouterPolicy, not {type(policy).__name__}; "
                "routing_diff() compares plain tables."
            )
    columns = {"query"} | {
        p.by for p in (a, b) if isinstance(p, TablePolicy) and isinstance(p.by, str)
    } - {"regex", "keyword"}
    frame = read_traces(traces, columns=sorted(columns))
    rows = pd.DataFrame({"query": frame.get("query", pd.Series("", index=frame.index))})
    for side, policy in (("a", a), ("b", b)):
        rows[f"class_{side}"] = policy.classify(frame) if isinstance(policy, TablePolicy) else ""
        rows[f"model_{side}"] = models_routed(policy, frame)
        if can_be_fitted(policy) and len(rows) and not rows[f"model_{side}"].any():
            raise ValueError(
                f"{side} has learned nothing yet, and names no model: call fit(traces) first."
            )
    return _differing(_grouped(rows, ["class_a", "class_b", "model_a", "model_b"]), len(rows))


def traffic(class_a: pd.Series[str], class_b: pd.Series[str], queries: Any) -> pd.DataFrame:
    """One row per pair of classes: how many queries have it.

    Parameters
    ----------
    class_a, class_b : Series of str
        Each query's class in two schemes.
    queries : Series of str
        The queries.

    Returns
    -------
    DataFrame
        ``class_a``, ``class_b`` (str), ``n`` (int64) and ``example`` (str), the first query.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if not len(class_a) == len(class_b) == len(queries):
        raise ValueError("class_a, class_b and queries must have one entry per query.")
    rows = pd.DataFrame(
        {
            "class_a": class_a.to_numpy(),
            "class_b": class_b.to_numpy(),
            "query": pd.Series(queries).to_numpy(),
        }
    )
    return _grouped(rows, ["class_a", "class_b"])


def differing(pairs: pd.DataFrame, a: TablePolicy, b: TablePolicy) -> pd.DataFrame:
    """The disagreements of two tables on the traffic of :func:`traffic`."""
    _checks.column("class_a", pairs.columns, where="pairs", hint="Make it with traffic().")
    rows = pairs.copy()
    rows["model_a"] = rows["class_a"].map(a.model_for_class).astype("str")
    rows["model_b"] = rows["class_b"].map(b.model_for_class).astype("str")
    return _differing(rows, int(rows["n"].sum()))


def _grouped(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    grouped = rows.groupby(keys, sort=True)["query"]
    pairs = grouped.agg(n="size", example="first").reset_index()
    texts = pairs["example"].fillna("").str.replace(r"\s+", " ", regex=True)
    cut = texts.str.slice(0, _EXAMPLE - 1) + "…"
    pairs["example"] = texts.where(texts.str.len() <= _EXAMPLE, cut).astype("str")
    return pairs


def _differing(rows: pd.DataFrame, total: int) -> pd.DataFrame:
    rows = rows[rows["model_a"] != rows["model_b"]].copy()
    rows["share"] = rows["n"] / max(total, 1)
    order = ["class_a", "class_b", "model_a", "model_b", "n", "share", "example"]
    rows = rows.sort_values(["n", "class_a", "class_b"], ascending=[False, True, True])
    return rows[order].reset_index(drop=True)
