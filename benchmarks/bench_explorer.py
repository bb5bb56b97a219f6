"""From a trace store to the explorer on screen, and what a moved control costs.

    python benchmarks/bench_explorer.py [--rows 1000000] [--pairs 3] [--folder benchmarks/work]

Without a browser: what the kernel does until the widgets have their content. The first table is
in ratios to read_traces on the same store, in fresh processes in turn, imports included; the
second is what redrawing takes in one process, the median of ten moves of each control.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read(path: str) -> None:
    from jarvis_lab import read_traces

    read_traces(path)


def explore(path: str) -> None:
    from jarvis_lab import RoutingExplorer

    assert "jl-heatmap" in RoutingExplorer(path).controls.scores.value


def whole(job: Callable[..., None], path: str) -> float:
    """Wall-clock seconds of the job in a fresh process."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--job", job.__name__, path]
    child = os.posix_spawn(sys.executable, command, os.environ)
    if os.wait4(child, 0)[1]:
        raise SystemExit(f"{job.__name__} failed")
    return time.perf_counter() - started


def first_paint(path: str, pairs: int) -> None:
    ratios, seconds = [], []
    for _ in range(pairs):
        base = whole(read, path)
        seconds.append(whole(explore, path))
        ratios.append(seconds[-1] / base)
    print("| job | median ratio | range | bound | seconds |\n|---|---|---|---|---|")
    print(
        f"| explorer with its values / read_traces | {statistics.median(ratios):.2f} | "
        f"{min(ratios):.2f} to {max(ratios):.2f} | at most 3 | {statistics.median(seconds):.1f} |"
    )


def moves(models: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Ten settings for each control, no two in a row alike."""
    places = range(10)
    return {
        "scheme": [{"scheme": ("regex", "keyword", "original")[i % 3]} for i in places],
        "outcome_weight": [{"outcome_weight": 0.05 * (i + 1)} for i in places],
        "min_samples": [{"min_samples": 6 + i} for i in places],
        "confidence": [{"confidence": 0.6 + 0.03 * i} for i in places],
        "models": [{"models": models[: 2 + i % 3]} for i in places],
        "time range": [{"steps": (i, 30 + i)} for i in places],
    }


def redraws(path: str) -> None:
    from jarvis_lab import RoutingExplorer

    explorer = RoutingExplorer(path)
    explorer._later.soon = lambda: None  # the two are timed apart
    print(
        "\n| control | heatmap, tables, changes | bound | values | bound |\n|---|---|---|---|---|"
    )
    for control, settings in moves(explorer.comparison.models).items():
        tables, values = [], []
        for setting in settings:
            started = time.perf_counter()
            explorer.set(**setting)
            drawn = time.perf_counter()
            explorer._view.values(explorer.state)
            tables.append(drawn - started)
            values.append(time.perf_counter() - drawn)
        shown = (statistics.median(tables), max(tables), statistics.median(values))
        print(f"| {control} | {' | '.join(f'{1000 * t:.0f} ms' for t in shown)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "work")
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        globals()[options.job[0]](*options.job[1:])
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
