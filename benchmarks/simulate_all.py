"""Simulate what the intervals and the policies promise, and write benchmarks/SIMULATIONS.md.

    make simulate [DATA=../shared/data]
    python benchmarks/simulate_all.py --data ../shared/data --out tables.md

The same seed gives the same tables, however many processes there are.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import simulate_coverage  # noqa: E402
import simulate_learned  # noqa: E402
import simulate_lower_bound  # noqa: E402
from simulate_populations import generated, missing_files, real_populations  # noqa: E402
from simulate_report import report  # noqa: E402

SIZES = (500, 2000)
GENERATED = "generated sample"


@dataclass(frozen=True)
class Settings:
    """``loggings`` are drawn for each skewed setting, and each is simulated ``repetitions`` times;
    gains are means over ``gain_repetitions`` logs."""

    seed: int = 0
    repetitions: int = 4000
    loggings: int = 8
    gain_repetitions: int = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "SIMULATIONS.md")
    parser.add_argument("--processes", type=int, default=2)
    for name, default in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    given = parser.parse_args()
    absent = missing_files(given.data)
    if absent:
        sys.exit(absent)
    started = time.monotonic()
    settings = Settings(**{name: getattr(given, name) for name in vars(Settings())})
    found = run(settings, given.data, given.processes)
    given.out.write_text(report(found, settings), encoding="utf-8")
    print(f"{given.out}: {(time.monotonic() - started) / 60:.1f} minutes")


def run(settings: Settings, folder: Path, processes: int) -> dict[str, list[dict]]:
    """Rows of each part."""
    jobs = list(_jobs(settings, folder))
    found: dict[str, list[dict]] = {}
    with ProcessPoolExecutor(processes) as pool:
        for place, (part, rows) in enumerate(pool.map(_call, jobs), 1):
            found.setdefault(part, []).extend(rows)
            if place % 100 == 0 or place == len(jobs):
                print(f"{place} of {len(jobs)} settings", flush=True)
    return found


def _call(job):
    part, work = job
    rows = work()
    return part, rows if isinstance(rows, list) else [rows]


def _jobs(settings: Settings, folder: Path):
    """The part of each job and what to call; the longest first would change nothing but time."""
    for population in (generated(), *real_populations(folder)):
        kinds = ("uniform", "favourite", "dirichlet")
        more = ("as logged",) if population.logging is not None else ()
        for size in SIZES:
            for kind in (*kinds, *more):
                for table in ("best per class", "best single", "mixed"):
                    work = (population, kind, size, table, settings)
                    yield "coverage", partial(simulate_coverage.simulate, *work)
            for which in (simulate_coverage.HALF, simulate_coverage.SMALL):
                work = (population, size, which, settings)
                yield "overlap", partial(simulate_coverage.without_overlap, *work)
            for kind in kinds:
                yield (
                    "learned",
                    partial(simulate_learned.simulate, population, kind, size, settings),
                )
    for name in (GENERATED, *_draws(folder, settings.seed)):
        for size in simulate_lower_bound.SIZES:
            yield "gain", partial(_gain, name, size, folder, settings)


@cache
def _draws(folder: Path, seed: int) -> dict[str, simulate_lower_bound.Draw]:
    return simulate_lower_bound.sets(folder, seed)


def _gain(name: str, size: int, folder: Path, settings: Settings) -> dict:
    if name == GENERATED:
        draw = simulate_lower_bound.of_population(generated())
    else:
        draw = _draws(folder, settings.seed)[name]
    return simulate_lower_bound.simulate(name, draw, size, settings)


if __name__ == "__main__":
    main()
