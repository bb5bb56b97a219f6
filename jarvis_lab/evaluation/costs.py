"""What each model's answer to each query of complete data cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab.routing.outcomes import CompleteOutcomes, query_codes

__all__ = ["query_costs"]


def query_costs(
    frame: pd.DataFrame,
    found: CompleteOutcomes,
    cost: str,
    *,
    query_id: str | Sequence[str] | None = None,
    missing: bool = False,
) -> NDArray[np.float64]:
    """A number column of complete data, query × model.

    Parameters
    ----------
    frame : DataFrame
        The traces.
    found : CompleteOutcomes
        Their queries and models.
    cost : str
        The column: money, seconds, tokens.
    query_id : str or list of str, optional
        As for :func:`complete_outcomes`.
    missing : bool
        Whether values may be missing; they are NaN then.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    ValueError
        If there is no such column, a value is no number or infinite, or one is missing that may
        not be.
    """
    hint = f"{cost!r} must be a number column: money, seconds, tokens."
    _checks.column(cost, frame.columns, where="The log", hint=hint)
    costs = np.full(found.rewards.shape, np.nan)
    places = pd.Index(found.models).get_indexer(pd.Index(frame["model"]))
    try:
        values = pd.to_numeric(frame[cost]).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{hint} It holds what is no number ({error}).") from None
    if np.isinf(values).any():
        endless = int(np.isinf(values).sum())
        word = _checks.plural(endless, "value")
        raise ValueError(f"{cost!r} has {endless} infinite {word}. {hint}")
    costs[query_codes(frame, query_id=query_id), places] = values
    gone = np.isnan(costs).any(0)
    if not missing and gone.any():
        without = [name for name, lacks in zip(found.models, gone, strict=True) if lacks]
        raise ValueError(
            f"{cost!r} is missing for some queries of {_checks.names(without)}: leave these "
            "models out."
        )
    return costs
