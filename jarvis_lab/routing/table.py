"""Counts → the best model of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import By, scheme_name
from jarvis_lab.readers import read_traces
from jarvis_lab.scores import check_by, is_counts, score_counts

__all__ = ["best_models", "counts_of", "score_weights"]

_TIE = 1e-9


def counts_of(
    source: object,
    *,
    by: By,
    since: object = None,
    until: object = None,
    limit: int | None = None,
    client: object = None,
) -> pd.DataFrame:
    """Counts of the source by ``by``, from traces or from a table of counts that has them."""
    if isinstance(source, pd.DataFrame) and is_counts(source):
        if not (since is None and until is None and limit is None):
            raise ValueError("A table of counts has no times left: count the span you want.")
        if "scheme" not in source:
            check_by(source, scheme_name(by))
            return source
        own = source[source["scheme"] == scheme_name(by)]
        if own.empty and len(source):
            raise ValueError(
                f"The counts have no scheme {scheme_name(by)!r}, only "
                f"{sorted(set(source['scheme']))}. Count it with score_counts(by=...)."
            )
        return own.drop(columns="scheme").reset_index(drop=True)
    if limit is not None:
        if client is not None:
            raise ValueError(
                "limit= reads the newest traces here, not on a cluster: give since= to "
                "score_counts(), or leave client= out."
            )
        needed = ["query", "model", "outcome", "feedback", "started_at"]
        if isinstance(by, str) and by not in ("regex", "keyword"):
            needed.append(by)
        source = read_traces(source, since=since, until=until, limit=limit, columns=needed)
    return score_counts(source, by=by, since=since, until=until, client=client)


def best_models(counts: pd.DataFrame, scores: Any) -> dict[str, str]:
    """The model with the highest score of each class; a tie goes to the one seen last."""
    best: dict[str, str] = {}
    values = np.asarray(scores, dtype=np.float64)
    for query_class, rows in counts.groupby("query_class", sort=True).indices.items():
        top = rows[values[rows] >= values[rows].max() - _TIE]
        tied = counts.iloc[top].sort_values(["last_seen", "last_row"], na_position="first")
        best[str(query_class)] = str(tied["model"].iloc[-1])
    return best


def score_weights(outcome_weight: float, feedback_weight: float) -> tuple[float, float]:
    """Both weights of a score, checked."""
    w = _checks.positive("outcome_weight", outcome_weight, zero=True)
    v = _checks.positive("feedback_weight", feedback_weight, zero=True)
    if w + v == 0:
        raise ValueError("outcome_weight and feedback_weight must not both be 0.")
    return w, v
