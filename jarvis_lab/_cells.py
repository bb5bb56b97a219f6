"""Logs summed per class and model, weighted where propensities differ. numpy only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "cells_of_rewards", "cells_of_sums"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """A log, summed per class and model; or many at once, on leading axes.

    Attributes
    ----------
    n, mean, variance : ndarray of float, … × class × model
        Rewards of each cell (the effective number where they are weighted), their mean (any
        number where there is none) and their variance with divisor n - 1 (0 for one).
    class_n, class_total : ndarray of float, … × class
        Rewards of each class over all models, and their sum.
    shares : ndarray of float, … × class
        Share of each class in the traffic.
    size : ndarray of float, …
        Traces that the shares were counted from.
    binary : ndarray of bool, …
        Whether every reward is 0 or 1.
    """

    n: Floats
    mean: Floats
    variance: Floats
    class_n: Floats
    class_total: Floats
    shares: Floats
    size: Floats
    binary: NDArray[np.bool_]


def cells_of_sums(n: Any, total: Any, squares: Any, class_traces: Any = None) -> Cells:
    """Cells from numbers, sums and sums of squares of rewards.

    Parameters
    ----------
    n, total, squares : array of float, … × class × model
        Leading axes, if any, are logs of their own.
    class_traces : array of float, … × class, optional
        Traces of each class, those without a reward included; else the rewards are counted.

    Returns
    -------
    Cells
    """
    count, sums, square = (np.asarray(x, dtype=np.float64) for x in (n, total, squares))
    mean = np.clip(sums / np.maximum(count, 1), 0, 1)
    scatter = np.maximum(square - sums * mean, 0)
    class_n = count.sum(-1)
    traces = class_n if class_traces is None else np.asarray(class_traces, dtype=np.float64)
    return Cells(
        n=count,
        mean=mean,
        variance=np.where(count > 1, scatter / np.maximum(count - 1, 1), 0),
        class_n=class_n,
        class_total=sums.sum(-1),
        shares=traces / np.maximum(traces.sum(-1, keepdims=True), 1),
        size=np.asarray(traces.sum(-1)),
        binary=np.asarray((np.abs(square - sums) <= 1e-9 * np.maximum(count, 1)).all((-2, -1))),
    )


def cells_of_rewards(
    classes: Any,
    models: Any,
    rewards: Any,
    *,
    shape: tuple[int, int],
    propensities: Any = None,
    class_traces: Any = None,
) -> Cells:
    """Cells from one class, model and reward per trace.

    Parameters
    ----------
    classes, models : array of int
        Places of each trace's class and model.
    rewards : array of float
        In [0, 1], none missing.
    shape : (int, int)
        Numbers of classes and of models.
    propensities : array of float, optional
        Probability with which the log chose each trace's model. Where they differ inside a cell,
        its traces are weighted by w = 1/p: ȳ = Σwr/Σw, n = (Σw)²/Σw² and
        S² = n/(n-1)·Σw(r-ȳ)²/Σw.
    class_traces : array of float, optional
        As for :func:`cells_of_sums`.

    Returns
    -------
    Cells
    """
    r = np.asarray(rewards, dtype=np.float64)
    cell = np.asarray(classes, dtype=np.int64) * shape[1] + np.asarray(models, dtype=np.int64)

    def summed(values: Any) -> Floats:
        found: Floats = np.bincount(cell, values, minlength=shape[0] * shape[1]).astype(float)
        return found.reshape(shape)

    plain = cells_of_sums(summed(np.ones(len(r))), summed(r), summed(r * r), class_traces)
    if propensities is None:
        return plain
    w = 1 / np.asarray(propensities, dtype=np.float64)
    w = w / (summed(w) / np.maximum(plain.n, 1)).ravel()[cell]  # a constant inside a cell is none
    weight, square = summed(w), summed(w * w)
    n = np.where(plain.n > 0, weight**2 / np.where(square > 0, square, 1), 0)
    mean = summed(w * r) / np.where(weight > 0, weight, 1)
    scatter = summed(w * (r - mean.ravel()[cell]) ** 2) / np.where(weight > 0, weight, 1)
    variance = np.where(n > 1, scatter * n / np.where(n > 1, n - 1, 1), 0)
    return replace(plain, n=n, mean=np.clip(mean, 0, 1), variance=variance)
