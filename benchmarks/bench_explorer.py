"""From a trace store to the explorer on screen, and what a moved control costs.

    python benchmarks/bench_explorer.py [--rows 1000000] [--pairs 5] [--folder benchmarks/work]

Without a browser: what the kernel does until the widgets have their content. The first table is
in ratios to read_traces on the same store, in fresh processes in turn, imports left out; the
second is what redrawing takes in one process, the median and the most of ten moves of each control.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

from harness import WORK, answer, clock, finish, run, spread


def job_read(path: str) -> None:
    from jarvis_lab import read_traces

    with clock():
        frame = read_traces(path)
    answer(len(frame))


def job_explore(path: str) -> None:
    from jarvis_lab import RoutingExplorer

    with clock():
        explorer = RoutingExplorer(path)
    if "jl-values" not in explorer.controls.values.value:
        raise SystemExit("the explorer shows no values")
    answer(explorer.comparison.log.size)


def first_paint(path: str, pairs: int) -> None:
    ratios, seconds, megabytes = [], [], []
    for _ in range(pairs):
        base = run(__file__, "read", path)
        found = run(__file__, "explore", path)
        if base.answer != found.answer:
            raise SystemExit(f"{found.answer} traces explored, {base.answer} read")
        ratios.append(found.seconds / base.seconds)
        seconds.append(found.seconds)
        megabytes.append(found.peak_mb)
    print("| job | ratio, at most 3 | seconds | peak memory |\n|---|---|---|---|")
    print(
        f"| explorer with tables and values / read_traces | {spread(ratios)} | {spread(seconds)} | "
        f"{max(megabytes):,.0f} MB |"
    )


def moves(models: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Ten settings for each control, no two in a row alike."""
    places = range(10)
    return {
        "classes": [{"scheme": ("regex", "keyword", "original")[i % 3]} for i in places],
        "outcome weight": [{"outcome_weight": 0.05 * (i + 1)} for i in places],
        "min_samples": [{"min_samples": 6 + i} for i in places],
        "confidence": [{"confidence": 0.6 + 0.03 * i} for i in places],
        "models": [{"models": models[: 2 + i % 3]} for i in places],
        "time range": [{"steps": (i, 30 + i)} for i in places],
    }


def redraws(path: str) -> None:
    from jarvis_lab import RoutingExplorer

    explorer = RoutingExplorer(path)
    explorer._later.soon = lambda: None  # the two are timed apart
    print("\n| control | tables, at most 150 ms | most | values, at most 2 s | most |")
    print("|---|---|---|---|---|")
    for control, settings in moves(explorer.comparison.models).items():
        tables, values = [], []
        for setting in settings:
            started = time.perf_counter()
            explorer.set(**setting)
            drawn = time.perf_counter()
            explorer._view.values(explorer.state)
            tables.append(drawn - started)
            values.append(time.perf_counter() - drawn)
        times = [x for of in (tables, values) for x in (statistics.median(of), max(of))]
        print(f"| {control} | {' | '.join(f'{1000 * x:.0f} ms' for x in times)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=WORK)
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        globals()[f"job_{options.job[0]}"](*options.job[1:])
        finish()
        return
    from store_maker import make_store

    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"traces-{options.rows}.db"
    if not path.exists():
        make_store(options.rows, path)
    print(f"{options.rows:,} traces, {options.pairs} pairs, {os.cpu_count()} processors\n")
    first_paint(str(path.resolve()), options.pairs)
    redraws(str(path.resolve()))


if __name__ == "__main__":
    main()
