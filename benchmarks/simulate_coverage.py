"""How often the 95 % interval of a policy's value on a log holds the truth.

Logs are drawn as tables of counts, many at once: a class by its share, a model by the logging's
probability in the class, a success by the true rate. Each setting is simulated with several
drawn loggings; the same code values a person's log.
"""

from __future__ import annotations

import numpy as np
from simulate_populations import (
    Population,
    drawn_counts,
    fixed_tables,
    logging_weights,
    rng_of,
)

from jarvis_lab._cells import Cells, cells_of_sums
from jarvis_lab._logged_value import differences_of_policies, values_of_policy
from jarvis_lab._student import student_quantiles
from jarvis_lab._weighted_value import doubly_robust_values, snips_values

LEVEL = 0.95
BOUNDS = (0.925, 0.975)
#: A coverage from fewer shown intervals than this share of the repetitions is not given.
FEWEST_SHOWN = 0.25
#: Where a log without overlap never used the policy's model.
HALF, SMALL = "half of the classes", "one class"
_PRIOR = 10.0
_CHUNK = 1000


def hits(low: np.ndarray, high: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    """1 where the interval holds the truth, 0 where not, NaN where there is none."""
    inside = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
    return np.where(np.isnan(low), np.nan, inside)


def shown_mean(values: np.ndarray) -> float:
    """The mean of what is shown; NaN if too little is."""
    shown = values[~np.isnan(values)]
    return float(shown.mean()) if shown.size > FEWEST_SHOWN * values.size else float("nan")


def coverage(
    rng: np.random.Generator,
    population: Population,
    logging: np.ndarray,
    size: int,
    table: str,
    repetitions: int,
    *,
    weighted: bool = True,
) -> dict[str, float]:
    """Coverage of each estimator, the mean width of ours, and shares refused."""
    policies = fixed_tables(population)
    policy, reference = policies[table], policies["best single"]
    goal = float(population.shares @ (policy * population.truth).sum(1))
    apart = goal - float(population.shares @ (reference * population.truth).sum(1))
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, repetitions, _CHUNK):
        drawn = drawn_counts(rng, population, logging, size, min(_CHUNK, repetitions - start))
        cells = cells_of_sums(drawn[0], drawn[1], drawn[1])
        value = values_of_policy(cells, policy)
        part = {"value": hits(value["low"], value["high"], goal)}
        part["width"] = value["high"] - value["low"]
        part["error"] = value["value"] - goal
        if (policy != reference).any():
            difference = differences_of_policies(cells, policy, reference)
            part["difference"] = hits(difference["low"], difference["high"], apart)
        if weighted:
            for name, (low, high) in weighted_intervals(cells, *drawn, policy, logging).items():
                part[name] = hits(low, high, goal)
        for name, (low, high) in failing_intervals(cells, policy).items():
            part[name] = hits(np.where(np.isnan(value["low"]), np.nan, low), high, goal)
        for name, numbers in part.items():
            found.setdefault(name, []).append(numbers)
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    result = {name: shown_mean(numbers) for name, numbers in joined.items()}
    result["refused"] = float(np.isnan(joined["value"]).mean())
    if "difference" in joined:
        result["difference_refused"] = float(np.isnan(joined["difference"]).mean())
    return result


def weighted_intervals(
    cells: Cells, n: np.ndarray, s: np.ndarray, policy: np.ndarray, logging: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """SNIPS and doubly robust, by known and by estimated propensities; refused as in the library.

    A cell's successes and failures each stand as one trace with a count.
    """
    shape = (len(n), -1)
    counts = np.stack([s, n - s], -1).reshape(shape)
    rewards = np.broadcast_to([1.0, 0.0], (*n.shape, 2)).reshape(shape)
    of_class = cells.class_total / np.maximum(cells.class_n, 1)
    q = (n * cells.mean + _PRIOR * of_class[..., None]) / (n + _PRIOR)
    predicted = np.repeat(q.reshape(shape), 2, axis=1)
    expected = np.repeat((policy * q).sum(-1), 2 * policy.shape[1], axis=1)
    covered = (cells.shares[..., None] * policy * (n > 0)).sum((1, 2))
    shares = n / np.maximum(cells.class_n, 1)[..., None]
    found = {}
    for name, chance in (("known", logging), ("estimated", shares)):
        w = np.where(n > 0, policy / np.where(chance > 0, chance, 1), 0)
        w = np.repeat(w.reshape(shape), 2, axis=1)
        for method, (_, low, high, effective) in (
            ("SNIPS", snips_values(w, rewards, counts=counts)),
            ("DR", doubly_robust_values(w, rewards, predicted, expected, counts=counts)),
        ):
            refused = (covered < 0.9) | (effective < 30)
            found[f"{method}, {name}"] = np.where(refused, np.nan, low), high
    return found


def failing_intervals(cells: Cells, policy: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is often used instead, and fails: shown wherever our interval is.

    Replay: mean reward of the traces that the policy agrees with. Direct: mean of the rewards
    that a model of them predicts, with the spread of the predictions as its only error. Wald:
    the post-stratified value ± 1.96 standard errors from the cells' own variances.
    """
    n, mean = cells.n, cells.mean
    agreed = n * policy
    size = np.maximum(agreed.sum((1, 2)), 1)
    replay = (agreed * mean).sum((1, 2)) / size
    of_class = (cells.class_total / np.maximum(cells.class_n, 1))[..., None]
    predicted = (policy * (n * mean + _PRIOR * of_class) / (n + _PRIOR)).sum(-1)
    direct = (cells.shares * predicted).sum(-1)
    spread = (cells.shares * (predicted - direct[:, None]) ** 2).sum(-1) / cells.size
    weight = cells.shares[..., None] * policy * (n > 0)
    weight = weight / np.maximum(weight.sum((1, 2)), 1e-100)[:, None, None]
    wald = (weight * mean).sum((1, 2))
    own = (weight**2 * mean * (1 - mean) / np.maximum(n, 1)).sum((1, 2))
    found = {}
    for name, value, variance in (
        ("replay", replay, replay * (1 - replay) / size),
        ("direct", direct, spread),
        ("Wald", wald, own),
    ):
        margin = student_quantiles(LEVEL, np.array(1e9)) * np.sqrt(variance)
        found[name] = value - margin, value + margin
    return found


def simulate(
    population: Population, kind: str, size: int, table: str, settings, *, weighted: bool = True
) -> list[dict]:
    """One row per drawn logging of this kind."""
    fixed = kind in ("uniform", "as logged")
    rows = []
    for draw in range(1 if fixed else settings.loggings):
        # The same loggings for every table and size, so that rows can be compared.
        logging = logging_weights(
            kind, population, rng_of(settings.seed, population.name, kind, draw)
        )
        rng = rng_of(settings.seed, population.name, kind, draw, size, table)
        found = coverage(
            rng, population, logging, size, table, settings.repetitions, weighted=weighted
        )
        rows.append(
            {"population": population.name, "logging": kind, "N": size, "table": table} | found
        )
    return rows


def without_overlap(population: Population, size: int, which: str, settings) -> dict:
    """The log never used the policy's model in half of the classes, or in one small class."""
    rng = rng_of(settings.seed, population.name, which, size)
    policy = fixed_tables(population)["best per class"]
    classes, models = policy.shape
    barred = rng.permutation(classes) < classes / 2
    if which != HALF:
        barred = np.arange(classes) == np.argmin(np.abs(population.shares - 0.05))
    logging = np.where(barred[:, None], (1 - policy) / (models - 1), 1 / models)
    found = coverage(
        rng, population, logging, size, "best per class", settings.repetitions, weighted=False
    )
    share = float(population.shares[barred].sum())
    return {"population": population.name, "never": which, "N": size, "share": share} | found
