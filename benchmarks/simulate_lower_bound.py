"""How much LowerBoundRouterPolicy gains over the best single model, on real outcomes.

Half the queries of a benchmark with complete outcomes teach, the other half judges. A log of N
traces is drawn from the first half, one model a query, with logging weights from Dirichlet(1).
The gain is the judged value of the learned table less that of the model with the highest mean
among those with at least 5 traces.

    python benchmarks/simulate_lower_bound.py ../shared/data/bfcl_2024_08_11.parquet
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from jarvis_lab._shrinkage import best_single, lower_bound_table  # noqa: E402

MODELS = (
    *("claude-3-5-sonnet-20240620", "gpt-4-0125-preview", "gpt-4o-mini-2024-07-18"),
    *("gpt-4o-2024-08-06-FC", "mistral-large-2407-FC-Any"),
    *("NousResearch_Hermes-2-Theta-Llama-3-70B", "claude-3-haiku-20240307"),
    "gpt-3.5-turbo-0125",
)


def outcomes(path):
    """Rewards, query × model, and each query's class."""
    log = pd.read_parquet(path)
    wide = log.pivot(index=["category", "index"], columns="model", values="correct")
    return wide.astype(float), wide.index.get_level_values("category").codes


def log_cells(rng, rewards, classes, size, shape):
    """Counts and reward sums, class × model, of a drawn log."""
    models = rng.choice(shape[1], size=size, p=rng.dirichlet(np.ones(shape[1])))
    queries = rng.integers(len(rewards), size=size)
    cell = classes[queries] * shape[1] + models
    cells = shape[0] * shape[1]
    n = np.bincount(cell, minlength=cells).reshape(shape)
    s = np.bincount(cell, rewards[queries, models], minlength=cells).reshape(shape)
    return n, s


def gains(rng, rewards, classes, size, repetitions):
    """Gains of the table, and of its base alone, over the highest mean; one row a repetition."""
    shape = (classes.max() + 1, rewards.shape[1])
    found = np.empty((repetitions, 2))
    for place in range(repetitions):
        order = rng.permutation(len(rewards))
        learn, judge = order[: len(order) // 2], order[len(order) // 2 :]
        n, s = log_cells(rng, rewards[learn], classes[learn], size, shape)
        enough = n.sum(0) >= min(5, n.sum(0).max())
        best = np.argmax(np.where(enough, s.sum(0) / np.maximum(n.sum(0), 1), -1))
        table = lower_bound_table(n, s).table
        values = rewards[judge]
        learned = values[np.arange(len(judge)), table[classes[judge]]].mean()
        found[place] = learned, values[:, best_single(n, s)].mean()
        found[place] -= values[:, best].mean()
    return found * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wide, classes = outcomes(given.outcomes)
    rng = np.random.default_rng(given.seed)
    print("| models | N | gain of the table | gain of its base alone | worse by > 0.5 points |")
    print("|---|---|---|---|---|")
    sets = [("the eight", list(MODELS))]
    sets += [
        (f"random {i + 1}", list(rng.choice(wide.columns, 8, replace=False))) for i in range(10)
    ]
    for name, models in sets:
        repetitions = given.repetitions if name == "the eight" else given.repetitions // 10
        for size in (300, 1000, 3000):
            found = gains(rng, wide[models].to_numpy(), np.asarray(classes), size, repetitions)
            worse = (found[:, 0] < -0.5).mean()
            gain, base = found.mean(0)
            print(f"| {name} | {size} | {gain:+.2f} | {base:+.2f} | {worse:.1%} |", flush=True)


if __name__ == "__main__":
    main()
