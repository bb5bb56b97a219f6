"""The counts of a span of time, summed for any scheme, any folds and any models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab.evaluation.counted import CountedLog
from jarvis_lab.evaluation.counted_keys import STEPS
from jarvis_lab.routing.rewards import ClassModelSums, sums_of_counts
from jarvis_lab.scores import tell
from jarvis_lab.scores.sums import FLOATS, INTEGERS, NEVER

__all__ = ["CountedSpan"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class CountedSpan:
    """The counts of the steps from edge ``first`` to edge ``last``: fold × joint class × model.

    Parameters
    ----------
    log : CountedLog
        The whole log.
    first, last : int
        Edges of steps, 0 to 50; equal ones select nothing. The whole range has the traces
        without a time too.

    Attributes
    ----------
    shape : (int, int, int)
        Folds, joint classes, models.
    traces : ndarray of float, fold × joint class
        Traces of all models.
    """

    def __init__(self, log: CountedLog, first: int, last: int) -> None:
        self.log = log
        self.shape = (log.folds, len(log.examples), len(log.models))
        end = STEPS + 1 if (first, last) == (0, STEPS) else last
        start, stop = np.searchsorted(log.step, [first, end])
        self._rows = slice(int(start), int(stop))
        rows = self._rows
        place = (log.fold[rows] * self.shape[1] + log.joint[rows]) * self.shape[2]
        self._place = place + log.model[rows]
        self._sums: dict[str, Floats] = {}
        self.traces = self.sum("n").sum(2)

    @cached_property
    def size(self) -> int:
        """Traces in the span."""
        return int(self.traces.sum())

    @cached_property
    def used(self) -> frozenset[str]:
        """The models that its traces name."""
        n = self.sum("n").sum((0, 1))
        return frozenset(m for m, k in zip(self.log.models, n, strict=True) if m and k)

    def sum(self, name: str) -> Floats:
        """One of the log's sums, fold × joint class × model."""
        if name not in self._sums:
            values = self.log.sums[name][self._rows]
            size = int(np.prod(self.shape))
            found = np.bincount(self._place, values, minlength=size).astype(np.float64)
            self._sums[name] = found.reshape(self.shape)
        return self._sums[name]

    def extreme(self, name: str) -> Floats:
        """Smallest or largest recorded p, fold × joint class × model."""
        low = name.endswith("low")
        found = np.full(int(np.prod(self.shape)), np.inf if low else -np.inf)
        keep = np.minimum if low else np.maximum
        keep.at(found, self._place, self.log.extremes[name][self._rows])
        return found.reshape(self.shape)

    def places(self, scheme: str) -> tuple[list[str], Codes]:
        """The classes of a scheme, sorted, and the place of each joint class among them."""
        labels = self.log.classes[scheme]
        classes = sorted(set(labels))
        places = {label: place for place, label in enumerate(classes)}
        return classes, np.array([places[label] for label in labels], dtype=np.int64)

    def class_traces(self, scheme: str) -> dict[str, int]:
        """Traces of each class of a scheme that the span has."""
        classes, places = self.places(scheme)
        total = np.bincount(places, self.traces.sum(0), minlength=len(classes))
        return {c: int(n) for c, n in zip(classes, total, strict=True) if n > 0}

    def counts(
        self, scheme: str, models: Sequence[str], *, held_out: int | None = None
    ) -> pd.DataFrame:
        """One row per class and model, as :func:`score_counts` gives them.

        Parameters
        ----------
        scheme : str
            Which classes.
        models : list of str
            The models to count; "" is one that the log does not name.
        held_out : int, optional
            Leave this fold out.
        """
        classes, places = self.places(scheme)
        kept = [m for m, name in enumerate(self.log.models) if name in models]
        folds = [fold for fold in range(self.shape[0]) if fold != held_out]

        def summed(name: str) -> Floats:
            joint = self.sum(name)[folds][:, :, kept].sum(0)
            found = np.zeros((len(classes), len(kept)))
            np.add.at(found, places, joint)
            return found

        n = summed("n")
        rows, columns = np.nonzero(n)
        names = [self.log.models[m] for m in kept]
        data = {
            "query_class": pd.Series([classes[row] for row in rows], dtype="str"),
            "model": pd.Series([names[column] for column in columns], dtype="str"),
            **{name: summed(name)[rows, columns].astype(np.int64) for name in INTEGERS},
            **{name: summed(name)[rows, columns] for name in FLOATS},
        }
        seen, last = self._newest(places, len(classes), folds)
        seen, last = seen[:, kept][rows, columns], last[:, kept][rows, columns]
        stamps = pd.Series(np.where(seen == NEVER, 0, seen).astype("datetime64[us]"))
        data["last_seen"] = stamps.dt.tz_localize("UTC").where(seen != NEVER)
        return tell(pd.DataFrame(data | {"last_row": last}), by=scheme, reward=None)

    def rewards(
        self,
        scheme: str,
        models: Sequence[str],
        *,
        outcome_weight: float,
        feedback_weight: float,
        held_out: int | None = None,
    ) -> ClassModelSums:
        """Numbers and sums of the weighted rewards, as :func:`class_model_sums` gives them."""
        counts = self.counts(scheme, models, held_out=held_out)
        return sums_of_counts(
            counts, outcome_weight=outcome_weight, feedback_weight=feedback_weight
        )

    def _newest(self, places: Codes, classes: int, folds: list[int]) -> tuple[Codes, Codes]:
        """Time and place of the newest trace of each class and model."""
        log, rows = self.log, self._rows
        here = np.isin(log.fold[rows], folds)
        cell = (places[log.joint[rows]] * self.shape[2] + log.model[rows])[here]
        rank = log.last_rank[rows][here]
        best = np.full(classes * self.shape[2], -1, np.int64)
        np.maximum.at(best, cell, rank)
        won = rank == best[cell]
        seen, last = np.full(len(best), NEVER), np.full(len(best), -1, np.int64)
        seen[cell[won]] = log.last_seen[rows][here][won]
        last[cell[won]] = log.last_row[rows][here][won]
        return seen.reshape(classes, self.shape[2]), last.reshape(classes, self.shape[2])
