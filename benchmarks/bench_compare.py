"""What compare_policies costs beside reading, classifying and counting the same traces.

    python benchmarks/bench_compare.py [../shared/data] [--rows 100000] [--pairs 3]

Four policies, two of which learn, on a made-up log and, where the folder has them, on the
function-calling outcomes (1,700 queries × 71 models) with 2,000 bootstrap draws. The yardstick is
``score_counts`` of the same frame, in turn with the job; wall-clock seconds stand beside the
ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from jarvis_lab import score_counts  # noqa: E402
from jarvis_lab.evaluation import compare_policies, exploration_plan, overlap  # noqa: E402
from jarvis_lab.routing import (  # noqa: E402
    AlwaysPolicy,
    HeuristicRouterPolicy,
    LowerBoundRouterPolicy,
    TraceDrivenPolicy,
)

MODELS = ("small:1b", "medium:8b", "large:70b", "coder:7b")
WORDS = ("import", "def", "solve", "compute", "why", "explain", "the", "sea", "what", "is", "list")


def made_up(rows: int, seed: int = 0) -> pd.DataFrame:
    """A log of queries that all differ, one model each, with recorded propensities."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 60, rows)
    texts = [f"{' '.join(rng.choice(WORDS, n))} {i}" for i, n in enumerate(lengths)]
    odds = np.array([0.4, 0.3, 0.2, 0.1])
    place = rng.choice(4, rows, p=odds)
    return pd.DataFrame(
        {
            "query": texts,
            "model": np.array(MODELS)[place],
            "outcome": np.where(rng.random(rows) < 0.6 + 0.1 * place, "success", "failure"),
            "propensity": odds[place],
        }
    )


def four(model: str, **options: str) -> dict[str, object]:
    return {
        "one model": AlwaysPolicy(model),
        "static rules": HeuristicRouterPolicy(list(MODELS)),
        "learned": LowerBoundRouterPolicy(**options),
        "original": TraceDrivenPolicy(default_model=model, by=options.get("by", "regex")),
    }


def timed(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def compare(name: str, job: Callable[[], object], yardstick: Callable[[], object], pairs: int):
    yardstick()  # imports and caches are nobody's
    took = [(timed(yardstick), timed(job)) for _ in range(pairs)]
    ratios = [mine / base for base, mine in took]
    shown = f"{statistics.median(ratios):.1f} | {min(ratios):.1f} to {max(ratios):.1f}"
    print(f"| {name} | {shown} | {statistics.median(mine for _, mine in took):.2f} s |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / ".." / "shared" / "data")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    print("| job | times one count of the traces | range | wall clock |\n|---|---|---|---|")
    log, pairs = made_up(options.rows), options.pairs
    policies = four(MODELS[1])
    count = lambda: score_counts(log, progress=False)  # noqa: E731
    label = f"{options.rows:,} logged traces"
    compare(f"compare_policies, {label}", lambda: compare_policies(log, policies), count, pairs)
    plain = log.drop(columns="propensity")
    compare(
        f"compare_policies, {label}, propensities estimated",
        lambda: compare_policies(plain, policies),
        count,
        pairs,
    )
    compare(f"overlap, {label}", lambda: overlap(log, policies["static rules"]), count, pairs)
    compare(
        f"exploration_plan, {label}",
        lambda: exploration_plan(log, policies["static rules"], width=0.002),
        count,
        pairs,
    )
    file = options.folder / "bfcl_2024_08_11.parquet"
    if not file.is_file():
        print(f"\nno {file.name} in {options.folder}: the second part is left out")
        return
    calls = pd.read_parquet(file).assign(query="")
    models = four("gpt-4-0125-preview", by="category")
    whole = {"query_id": ["category", "index"], "reward": "correct", "draws": 2000}
    compare(
        f"compare_policies, {len(calls):,} rows of complete data, 2,000 draws",
        lambda: compare_policies(calls, models, **whole),
        lambda: score_counts(calls, by="category", progress=False),
        pairs,
    )


if __name__ == "__main__":
    main()
