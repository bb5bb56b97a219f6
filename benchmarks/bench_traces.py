"""From a trace store to both routing tables: what it costs beside SQLite's own scan.

    python benchmarks/bench_traces.py [--rows 1000000] [--pairs 5] [--folder benchmarks/work]

Every job is a process of its own, imports included, run in turn with its yardstick; the table
gives the ratio of the wall-clock times, pair by pair, and the peak memory.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

COUNTED = (
    "query, model, outcome, feedback, started_at, total_tokens, total_latency_seconds, metadata"
)
READ = f"id, trace_id, {COUNTED}, agent, engine, ended_at"


def scan(path: str, columns: str) -> None:
    """SQLite alone: the lengths of the same columns, summed."""
    sums = ", ".join(f"sum(length({name}))" for name in columns.split(", "))
    uri = f"file:{path}?mode=ro&immutable=1"
    sqlite3.connect(uri, uri=True).execute(f"SELECT {sums} FROM traces").fetchall()


def one_read(path: str) -> None:
    from jarvis_lab import SFTRouterPolicy, TraceDrivenPolicy, score_counts

    counts = score_counts(path, by=("regex", "keyword"), progress=False)
    SFTRouterPolicy().update(counts)
    TraceDrivenPolicy(counts).update_from_traces()


def two_policies(path: str) -> None:
    from jarvis_lab import SFTRouterPolicy, TraceDrivenPolicy

    SFTRouterPolicy().update(path)
    TraceDrivenPolicy(path).update_from_traces()


def plain_loop(path: str) -> None:
    """The same tables with sqlite3 rows, re, str and a dict."""
    import json

    from jarvis_lab.classes import classify_query

    sums: dict[tuple[str, str, str], list[float]] = {}
    uri = f"file:{path}?mode=ro&immutable=1"
    for row in sqlite3.connect(uri, uri=True).execute(f"SELECT {COUNTED} FROM traces"):
        query, model, outcome, feedback, started, tokens, latency, metadata = row
        cost = json.loads(metadata).get("cost_usd")
        for scheme in ("regex", "keyword"):
            key = (scheme, classify_query(query, by=scheme), model)
            total = sums.setdefault(key, [0.0] * 9)
            total[0] += 1
            total[1] += outcome is not None
            total[2] += outcome == "success"
            if feedback is not None:
                total[3] += 1
                total[4] += feedback
            total[5] += latency
            total[6] += tokens
            total[7] += cost or 0.0
            total[8] = max(total[8], started)


def read_all(path: str) -> None:
    from jarvis_lab import read_traces

    read_traces(path, columns=[*READ.replace("metadata", "cost_usd, query_id").split(", ")])


def whole(job: Callable[..., None], *arguments: str) -> tuple[float, float]:
    """Wall-clock seconds and peak memory in MB of the job in a fresh process."""
    started = time.perf_counter()
    child = os.posix_spawn(
        sys.executable, [sys.executable, __file__, "--job", job.__name__, *arguments], os.environ
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{job.__name__} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def compare(name: str, limit: str, job: tuple, yardstick: tuple, pairs: int) -> None:
    ratios, memory = [], 0.0
    for _ in range(pairs):
        base, _ = whole(*yardstick)
        took, peak = whole(*job)
        ratios.append(took / base)
        memory = max(memory, peak)
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(
        f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} | {limit} | {memory:.0f} MB |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
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
    store, pairs = str(path.resolve()), options.pairs
    print(f"{options.rows:,} traces, {pairs} pairs, {os.cpu_count()} processors\n")
    print("| job | median ratio | range | bound | peak memory |\n|---|---|---|---|---|")
    counted, read = (scan, store, COUNTED), (scan, store, READ)
    compare("one read, both tables / scan", "at most 5", (one_read, store), counted, pairs)
    compare(
        "two policies given the path / scan", "at most 7", (two_policies, store), counted, pairs
    )
    compare("read_traces without result / scan", "at most 5", (read_all, store), read, pairs)
    compare("plain loop / one read", "at least 6", (plain_loop, store), (one_read, store), pairs)


if __name__ == "__main__":
    main()
