"""Recorded probabilities with which a log chose its models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["logged_propensities"]


def logged_propensities(
    traces: pd.DataFrame, kept: NDArray[np.bool_], *, propensity: str | None
) -> NDArray[np.float64] | None:
    """Recorded propensities of the kept traces; None if there are none to use.

    Parameters
    ----------
    traces : DataFrame
        The traces.
    kept : array of bool
        The traces that count.
    propensity : str or None
        The column; it may be absent if it is "propensity".

    Returns
    -------
    ndarray of float64 or None

    Raises
    ------
    ValueError
        If the column is not there, is missing for some of the traces, or holds what is no
        probability above 0.

    Examples
    --------
    >>> log = pd.DataFrame({"propensity": [0.5, None]})
    >>> logged_propensities(log, np.array([True, False]), propensity="propensity").tolist()
    [0.5]
    """
    if propensity is None or (propensity == "propensity" and propensity not in traces):
        return None
    hint = "Give propensity=None to estimate propensities by the models' shares in each class."
    _checks.column(propensity, traces.columns, where="The log", hint=hint)
    column = pd.to_numeric(traces[propensity]).to_numpy(dtype=np.float64, na_value=np.nan)[kept]
    missing = int(np.isnan(column).sum())
    if missing == len(column):
        return None
    if missing:
        raise ValueError(
            f"{missing} of {len(column)} traces with a reward have no {propensity!r}. Leave them "
            f"out, or let propensities be estimated. {hint}"
        )
    wrong = np.flatnonzero(~((column > 0) & (column <= 1)))
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} values of {propensity!r} are no probability above 0 and up to 1, the "
            f"first {float(column[wrong[0]])!r}: the model that was used had some chance. {hint}"
        )
    return column
