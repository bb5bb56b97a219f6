"""How much LowerBoundRouterPolicy gains over the best single model.

Half the queries of a benchmark with complete outcomes teach, the other half judges. A log of N
traces is drawn from the first half, one model a query, with logging weights from Dirichlet(1)
drawn anew for every log. The gain is the judged value of the learned table less that of the
model with the highest mean among those with at least 5 traces, ties by lot. On the generated
sample the truth judges.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from simulate_populations import EIGHT, Population, drawn_counts, function_calls, mmlu, rng_of

from jarvis_lab._shrinkage import best_single, lower_bound_table
from jarvis_lab.classes import classify_queries

#: N traces of a log.
SIZES = (300, 1000, 3000)
#: Sets of eight models drawn from all 71; the first ten are shown one by one.
RANDOM, RANDOM_SETS = "BFCL, random eight", 100
#: A run that loses more points than this is counted as worse.
_LOSS = 0.5
#: Log of the size → counts, sums, and what judges: the value of a table, model per class.
Draw = Callable[
    [np.random.Generator, int], tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], float]]
]


def of_outcomes(rewards: np.ndarray, classes: np.ndarray, *, again: bool = True) -> Draw:
    """Logs from rewards, query × model. Without ``again``, no query comes twice before all have."""
    models, n_classes = rewards.shape[1], int(classes.max()) + 1

    def draw(rng: np.random.Generator, size: int):
        order = rng.permutation(len(rewards))
        learn, judge = order[: len(order) // 2], order[len(order) // 2 :]
        if again:
            queries = learn[rng.integers(len(learn), size=size)]
        else:
            rounds = -(-size // len(learn))
            queries = np.concatenate([rng.permutation(learn) for _ in range(rounds)])[:size]
        chosen = rng.choice(models, size=size, p=rng.dirichlet(np.ones(models)))
        cell = classes[queries] * models + chosen
        shape, cells = (n_classes, models), n_classes * models
        n = np.bincount(cell, minlength=cells).reshape(shape)
        s = np.bincount(cell, rewards[queries, chosen], minlength=cells).reshape(shape)

        def judged(table: np.ndarray) -> float:
            return float(rewards[judge, table[classes[judge]]].mean())

        return n, s, judged

    return draw


def of_population(population: Population) -> Draw:
    """Logs from true success rates, judged by these."""
    classes, models = population.truth.shape

    def draw(rng: np.random.Generator, size: int):
        weights = np.tile(rng.dirichlet(np.ones(models)), (classes, 1))
        n, s = drawn_counts(rng, population, weights, size, 1)

        def judged(table: np.ndarray) -> float:
            return float(population.truth[np.arange(classes), table] @ population.shares)

        return n[0], s[0], judged

    return draw


def gains(draw: Draw, rng: np.random.Generator, size: int, repetitions: int) -> np.ndarray:
    """Gain in points of the table, of its base alone and of the best per class; a row each run."""
    found = np.empty((repetitions, 3))
    for place in range(repetitions):
        n, s, judged = draw(rng, size)
        total = n.sum(0)
        # Ties are broken by lot, so that nothing hangs on the order of the models.
        lot = rng.random(len(total)) * 1e-9
        mean = np.where(total >= min(5, total.max()), s.sum(0) / np.maximum(total, 1), -1)
        best = np.full(len(n), int(np.argmax(mean + lot)))
        means = np.where(n > 0, s / np.maximum(n, 1), -1) + lot
        greedy = np.where(n.sum(1) > 0, means.argmax(1), best)
        base = np.full(len(n), best_single(n, s))
        tables = (lower_bound_table(n, s).table, base, greedy)
        found[place] = [judged(table) for table in tables]
        found[place] -= judged(best)
    return found * 100


def summary(found: np.ndarray) -> dict[str, float]:
    """Mean gain, its standard error, and the share of runs that lose."""
    gain, base, greedy = found.mean(0)
    error = float(found[:, 0].std(ddof=1) / np.sqrt(len(found)))
    worse = float((found[:, 0] < -_LOSS - 1e-9).mean())
    return {"gain": gain, "error": error, "worse": worse, "base": base, "greedy": greedy}


def sets(folder: Path, seed: int) -> dict[str, Draw]:
    """Name → how to draw logs from real outcomes."""
    calls = function_calls(folder)
    wide = calls.pivot(index=["category", "index"], columns="model", values="correct")
    classes = np.asarray(wide.index.get_level_values("category").codes)
    found = {"BFCL, the eight": of_outcomes(_rewards(wide, EIGHT), classes)}
    found["BFCL, the eight, no query again before all came"] = of_outcomes(
        _rewards(wide, EIGHT), classes, again=False
    )
    rng = rng_of(seed, "random sets")
    for number in range(1, RANDOM_SETS + 1):
        eight = rng.choice(np.asarray(wide.columns), 8, replace=False)
        found[f"{RANDOM} {number}"] = of_outcomes(_rewards(wide, eight), classes)
    questions = mmlu(folder)
    by_query = questions.drop_duplicates("query_id").set_index("query_id")
    outcomes = questions.pivot(index="query_id", columns="model", values="correct")
    by_query = by_query.loc[outcomes.index]
    schemes = {"57 domains": by_query["domain"], "4 domain groups": by_query["group"]}
    schemes["regex classes"] = classify_queries(by_query["query"], by="regex")
    for name, labels in schemes.items():
        codes = pd.factorize(np.asarray(labels), sort=True)[0]
        found[f"MMLU, 2 models, {name}"] = of_outcomes(_rewards(outcomes, outcomes), codes)
    return found


def _rewards(wide: pd.DataFrame, models) -> np.ndarray:
    return wide[list(models)].to_numpy(dtype=float)


def simulate(name: str, draw: Draw, size: int, settings) -> dict:
    number = name.removeprefix(f"{RANDOM} ")
    few = number.isdigit() and int(number) > 10
    repetitions = settings.gain_repetitions // (10 if few else 1)
    found = gains(draw, rng_of(settings.seed, "gain", name, size), size, repetitions)
    return {"outcomes": name, "N": size, "runs": repetitions} | summary(found)
