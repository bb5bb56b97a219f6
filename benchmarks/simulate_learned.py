"""A table learned on a log, valued on the same log, on the other half, and cross-fitted.

The table takes in each class the model with the highest mean among those with a trace, and the
best single model where a class has none. "Same log" values it on what it was learned from;
"other half" learns on one half and values on the other; "cross-fitted" does so both ways, in the
strata in which the library does it: the traces of a class, by the model that their fold gets.
The table of LowerBoundRouterPolicy is cross-fitted too.
"""

from __future__ import annotations

import numpy as np
from simulate_coverage import hits, shown_mean
from simulate_populations import Population, drawn_counts, logging_weights, rng_of

from jarvis_lab._cells import Cells, cells_of_sums
from jarvis_lab._logged_value import differences_of_policies, values_of_policy
from jarvis_lab._shrinkage import lower_bound_table

GAIN, CAUTIOUS = "difference, cross-fitted", "lower bound, cross-fitted"
_CHUNK = 1000


def learned(n: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Place of the best model per class of each log, repetition × class."""
    means = np.where(n > 0, s / np.maximum(n, 1), -1.0)
    whole = np.where(n.sum(1) > 0, s.sum(1) / np.maximum(n.sum(1), 1), -1.0)
    return np.where(n.sum(2) > 0, means.argmax(2), whole.argmax(1)[:, None])


def true_value(population: Population, table: np.ndarray) -> np.ndarray:
    """Value of the table of each repetition."""
    reached = population.truth[np.arange(len(population.truth)), table]
    return reached @ population.shares


def valuations(population: Population, halves) -> dict[str, tuple[dict, np.ndarray]]:
    """Way → (the estimates, the true value of what they estimate)."""
    (n1, s1), (n2, s2) = halves
    one = np.eye(population.truth.shape[1])
    n, s = n1 + n2, s1 + s2
    whole = learned(n, s)
    found = {}
    found["same log"] = (
        values_of_policy(cells_of_sums(n, s, s), one[whole]),
        true_value(population, whole),
    )
    # What one half teaches is valued on the other.
    taught = learned(n1, s1), learned(n2, s2)
    found["other half"] = (
        values_of_policy(cells_of_sums(n2, s2, s2), one[taught[0]]),
        true_value(population, taught[0]),
    )
    found["cross-fitted"] = cross_fitted(population, halves, taught)
    cautious = tuple(
        np.stack([lower_bound_table(*cells).table for cells in zip(*half, strict=True)])
        for half in halves
    )
    found[CAUTIOUS] = cross_fitted(population, halves, cautious)
    return found


def cross_fitted(population: Population, halves, taught) -> tuple[dict, np.ndarray]:
    """The value of the tables that the halves taught, each on the other half, and its target."""
    by_first, by_second = taught
    cells, torn = in_strata(halves, by_first == by_second)
    # The target: the mean of the two tables' true values, one for each half of the traffic.
    target = (true_value(population, by_first) + true_value(population, by_second)) / 2
    both = np.eye(population.truth.shape[1])[np.concatenate([by_second, by_first], 1)]
    return values_of_policy(cells, both, torn=torn), target


def in_strata(halves, agreed: np.ndarray) -> tuple[Cells, np.ndarray]:
    """The classes of the first half, then of the second; one stratum where the tables agree."""
    (n1, s1), (n2, s2) = halves
    same = agreed[..., None]
    n = np.concatenate([n1 + same * n2, ~same * n2], 1)
    s = np.concatenate([s1 + same * s2, ~same * s2], 1)
    return cells_of_sums(n, s, s), np.tile(~agreed, 2)


def gain(population: Population, halves) -> tuple[dict, np.ndarray]:
    """The cross-fitted table less the cross-fitted best single model, and the truth of it."""
    tables = [learned(*half) for half in halves]
    # One class: the best model over all of them.
    singles = [learned(n.sum(1, keepdims=True), s.sum(1, keepdims=True)) for n, s in halves]
    singles = [np.broadcast_to(single, tables[0].shape) for single in singles]
    agreed = [first == second for first, second in (tables, singles)]
    cells, _ = in_strata(halves, agreed[0] & agreed[1])
    one = np.eye(population.truth.shape[1])
    new, old = (one[np.concatenate([second, first], 1)] for first, second in (tables, singles))
    torn = tuple(np.tile(~same, 2) for same in agreed)
    truth = [sum(true_value(population, table) for table in pair) / 2 for pair in (tables, singles)]
    return differences_of_policies(cells, new, old, torn=torn), truth[0] - truth[1]


def simulate(population: Population, kind: str, size: int, settings) -> list[dict]:
    """One row per way: coverage, mean error of the value in points, width, share refused."""
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, settings.repetitions, _CHUNK):
        rng = rng_of(settings.seed, population.name, kind, size, "learned", start)
        logging = logging_weights(kind, population, rng)
        count = min(_CHUNK, settings.repetitions - start)
        halves = [
            drawn_counts(rng, population, logging, part, count)
            for part in (size - size // 2, size // 2)
        ]
        estimates = valuations(population, halves) | {GAIN: gain(population, halves)}
        for way, (value, truth) in estimates.items():
            inside = hits(value["low"], value["high"], truth)
            width, error = value["high"] - value["low"], value["value"] - truth
            found.setdefault(way, []).append(np.stack([inside, error, width]))
    rows = []
    for way, parts in found.items():
        inside, error, width = np.concatenate(parts, 1)
        row = {"population": population.name, "logging": kind, "N": size, "way": way}
        row |= {"value": shown_mean(inside), "error": shown_mean(error)}
        row |= {"width": shown_mean(width), "refused": float(np.isnan(inside).mean())}
        rows.append(row)
    return rows
