"""A weak and a strong model on the same queries, with the score of each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._curves import Queries
from jarvis_lab.evaluation.costs import query_costs
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.outcomes import complete_outcomes

__all__ = ["ModelPair"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ModelPair:
    """Scores of the queries, and either model's rewards and costs on them."""

    scores: Floats = field(repr=False)
    weak: Floats = field(repr=False)
    strong: Floats = field(repr=False)
    weak_cost: Floats | None = field(repr=False)
    strong_cost: Floats | None = field(repr=False)

    @classmethod
    def read(
        cls,
        traces: object,
        scores: Any,
        weak: str,
        strong: str,
        query_id: str | Sequence[str] | None,
        reward: str | None,
        cost: str | None,
    ) -> Self:
        """The pair from complete data; the arguments are those of :func:`routing_curve`."""
        frame = read_traces(traces)
        unknown = {weak, strong} - set(frame["model"].dropna())
        if unknown or weak == strong:
            raise ValueError(
                f"weak={weak!r} and strong={strong!r} must be two of the log's models: "
                f"{_checks.names(sorted(frame['model'].dropna().unique()))}."
            )
        pair = frame[frame["model"].isin([weak, strong])].reset_index(drop=True)
        found = complete_outcomes(pair, query_id=query_id, reward=reward)
        places = [found.models.index(name) for name in (weak, strong)]
        costs = None if cost is None else query_costs(pair, found, cost, query_id=query_id)
        return cls(
            _scores(scores, found.queries),
            *(found.rewards[:, place] for place in places),
            *(None if costs is None else costs[:, place] for place in places),
        )

    def queries(self) -> Queries:
        """The queries along the strong-call share, or along the share of the extra cost."""
        extra = None
        if self.weak_cost is not None and self.strong_cost is not None:
            extra = self.strong_cost - self.weak_cost
        return Queries(self.scores, self.weak, self.strong, extra)


def _scores(scores: Any, queries: pd.DataFrame) -> Floats:
    if isinstance(scores, str):
        hint = "scores= names the column that holds them, or is an array."
        _checks.column(scores, queries.columns, where="The log", hint=hint)
        scores = queries[scores]
    try:
        values = np.asarray(pd.to_numeric(scores), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "scores must be one number for each query, or the name of a column of numbers; "
            f"{error}."
        ) from None
    if values.shape != (len(queries),):
        there = _checks.plural(len(queries), "is 1 query", f"are {len(queries)} queries")
        raise ValueError(f"scores has shape {values.shape}, but there {there}.")
    if np.isnan(values).any():
        none = int(np.isnan(values).sum())
        have = _checks.plural(none, "query has", "queries have")
        raise ValueError(f"{none} {have} no score: fill them (0 for last).")
    return values
