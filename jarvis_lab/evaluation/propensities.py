"""Recorded probabilities with which a log chose its models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks

__all__ = ["logged_propensities", "misfit_note"]

_FEW = 20


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
    column = _numbers(traces, propensity)[kept]
    missing = int(np.isnan(column).sum())
    if missing == len(column):
        return None
    if missing:
        raise ValueError(
            f"{missing} of {len(column)} traces with a reward "
            f"{_checks.plural(missing, 'has', 'have')} no {propensity!r}. Leave such traces "
            f"out, or let propensities be estimated. {hint}"
        )
    wrong = np.flatnonzero(~((column > 0) & (column <= 1)))
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} {_checks.plural(len(wrong), 'value')} of {propensity!r} "
            f"{_checks.plural(len(wrong), 'is', 'are')} no probability above 0 and up to 1, the "
            f"first {float(column[wrong[0]])!r}: the model that was used had some chance. {hint}"
        )
    return column


def misfit_note(
    traces: pd.DataFrame,
    *,
    propensity: str,
    class_place: NDArray[np.int64],
    model_place: NDArray[np.int64],
    classes: Sequence[str],
    models: Sequence[str],
) -> str:
    """Where recorded propensities do not fit how often the log used a model; empty if they do.

    Parameters
    ----------
    traces : DataFrame
        The traces.
    propensity : str
        The column.
    class_place, model_place : ndarray of int
        Place of each trace's class and model; -1 for a trace without a model.
    classes, models : list of str
        Their names.

    Returns
    -------
    str

    Notes
    -----
    If every query of a class may get a model, Σ1/p over the model's traces has the number of the
    class's traces for its mean, and Σ(1/p² - 1/p) for its variance. What is more than twice or
    less than half as large, and 5 standard deviations away, is named.
    """
    column = _numbers(traces, propensity)
    valid = (column > 0) & (column <= 1) & (model_place >= 0)
    place, cell = class_place[valid], class_place[valid] * len(models) + model_place[valid]
    shape = (len(classes), len(models))

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.bincount(cell, values, minlength=shape[0] * shape[1])
        return found.astype(np.float64).reshape(shape)

    weight = 1 / column[valid]
    total, size = summed(weight), np.bincount(place, minlength=shape[0])[:, None]
    apart = np.abs(total - size)
    far = apart > 5 * np.sqrt(np.maximum(summed(weight * (weight - 1)), 0.0))
    odd = far & (total > 0) & ((total < size / 2) | (total > 2 * size)) & (size >= _FEW)
    if not odd.any():
        return ""
    worst = int(np.argmax(np.where(odd, apart / size.clip(1), -1)))
    row, model = divmod(worst, len(models))
    return (
        f"recorded propensities do not fit the log: in class {classes[row]!r} the traces of "
        f"{models[model]!r} stand for {total[row, model]:.0f} by theirs, and the class has "
        f"{int(size[row, 0])}"
    )


def _numbers(traces: pd.DataFrame, propensity: str) -> NDArray[np.float64]:
    try:
        values = pd.to_numeric(traces[propensity])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{propensity!r} holds what is no number ({error}): name the column that holds the "
            "propensities, or give propensity=None to estimate them."
        ) from None
    column: NDArray[np.float64] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return column
