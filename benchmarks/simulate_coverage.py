"""How often the 95 % interval of a policy's value on a log holds the truth, on real outcomes.

Logs are drawn as tables of counts: classes as in the benchmark, models uniform or skewed by class
(Dirichlet(1) in each), rewards with the benchmark's own means. The value and the difference from
the best single model are estimated with propensities known only through the counts.

    python benchmarks/simulate_coverage.py ../shared/data
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from jarvis_lab._cells import cells_of_sums  # noqa: E402
from jarvis_lab._logged_value import difference_of_policies, value_of_policy  # noqa: E402

SIX = (
    *("claude-3-5-sonnet-20240620", "gpt-4-0125-preview", "gpt-4o-mini-2024-07-18"),
    *("mistral-large-2407-FC-Any", "claude-3-haiku-20240307", "gpt-3.5-turbo-0125"),
)


def populations(folder):
    """Name → (mean reward class × model, share of each class)."""
    calls = pd.read_parquet(folder / "bfcl_2024_08_11.parquet")
    more = [m for m in sorted(calls["model"].unique()) if m not in SIX][::11][:6]
    mmlu = pd.read_parquet(folder / "routellm_mmlu.parquet")
    domains = sorted(mmlu["domain"].unique())
    mmlu["group"] = mmlu["domain"].map({d: i * 10 // len(domains) for i, d in enumerate(domains)})
    for name, log, by, models in (
        ("function calling, 6 models", calls, "category", list(SIX)),
        ("function calling, 12 models", calls, "category", [*SIX, *more]),
        ("MMLU, 10 domain groups, 2 models", mmlu, "group", sorted(mmlu["model"].unique())),
    ):
        chosen = log[log["model"].isin(models)]
        means = chosen.groupby([by, "model"], observed=True)["correct"].mean().unstack()
        sizes = chosen[by].value_counts()[means.index].to_numpy(dtype=float)
        yield name, means.to_numpy(), sizes / sizes.sum()


def tables(truth, shares):
    """Name → probability of each model in each class."""
    models = truth.shape[1]
    best, single = truth.argmax(1), (shares @ truth).argmax()
    yield "best per class", np.eye(models)[best]
    yield "best single", np.eye(models)[np.full(len(truth), single)]
    yield "half and half", (np.eye(models)[best] + np.full(truth.shape, 1 / models)) / 2


def simulated(rng, truth, shares, logging, size, policy, repetitions):
    """Coverage of value and difference, share refused, and mean width."""
    reference = np.eye(truth.shape[1])[np.full(len(truth), (shares @ truth).argmax())]
    goal = float(shares @ (policy * truth).sum(1))
    apart = goal - float(shares @ (reference * truth).sum(1))
    hits, hits_apart, widths, refused = [], [], [], 0
    for _ in range(repetitions):
        n = rng.multinomial(size, (shares[:, None] * logging).ravel()).reshape(truth.shape)
        s = rng.binomial(n, truth)
        cells = cells_of_sums(n, s, s)
        found = value_of_policy(cells, policy)
        if found.refused:
            refused += 1
            continue
        hits.append(found.low <= goal <= found.high)
        widths.append(found.high - found.low)
        difference = difference_of_policies(cells, policy, reference)
        if not difference.refused:
            hits_apart.append(difference.low <= apart <= difference.high)
    return hits, hits_apart, widths, refused / repetitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print("| outcomes | logging | N | policy | value | difference | width | refused |")
    print("|---|---|---|---|---|---|---|---|")
    for name, truth, shares in populations(given.folder):
        classes, models = truth.shape
        for kind, logging in (
            ("uniform", np.full(truth.shape, 1 / models)),
            ("skewed", rng.dirichlet(np.ones(models), size=classes)),
        ):
            for size in (500, 2000):
                for label, policy in tables(truth, shares):
                    hits, apart, widths, refused = simulated(
                        rng, truth, shares, logging, size, policy, given.repetitions
                    )
                    shown = [
                        f"{np.mean(h):.1%}" if len(h) > given.repetitions / 20 else "-"
                        for h in (hits, apart)
                    ]
                    width = f"{np.mean(widths):.3f}" if widths else "-"
                    print(
                        f"| {name} | {kind} | {size} | {label} | {shown[0]} | {shown[1]} "
                        f"| {width} | {refused:.1%} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
