"""Every benchmark, and benchmarks/RESULTS.md: `make bench`, or

    python benchmarks/run_all.py [--only SECTION ...] [--again] [--rounds N] [--quick]

Each section makes what it needs from a seed, removes it, and leaves its report in
benchmarks/work/results, so that a run that was interrupted goes on where it stopped; --again
measures anew. RESULTS.md is written after each section from the reports that there are. --quick
takes a hundredth of the data and two rounds, to see that everything works; it writes
benchmarks/work/QUICK.md instead.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import HERE, WORK

PACKAGES = (
    *("numpy", "pandas", "pyarrow", "msgspec", "adbc-driver-sqlite", "zstandard"),
    *("ipywidgets", "dask", "distributed"),
)
NEEDED_BYTES = 6 << 30


@dataclass(frozen=True)
class Section:
    """One script to run; ``quick`` are its options for a hundredth of the data."""

    title: str
    command: tuple[str, ...]
    quick: tuple[str, ...]
    table: bool = True  # it prints Markdown
    repeat: str = "--rounds"  # its option for how often


SECTIONS = {
    "growth": Section(
        "How counting grows with the log",
        ("bench_scale.py", "growth"),
        ("--most", "1000000", "--rounds", "2"),
    ),
    "cluster": Section(
        "Counting on a cluster of two processes",
        ("bench_scale.py", "cluster"),
        ("--most", "100000", "--rounds", "2"),
    ),
    "traces": Section(
        "From a trace store to both routing tables",
        ("bench_traces.py",),
        ("--rows", "10000", "--pairs", "2"),
        repeat="--pairs",
    ),
    "export": Section(
        "From a lake to SFT samples",
        ("bench_scale.py", "export"),
        ("--most", "3000", "--rounds", "2"),
    ),
    "compare": Section(
        "Comparing policies",
        ("bench_compare.py", str(WORK), "--pairs", "5"),
        ("--rows", "1000", "--pairs", "2"),
        repeat="--pairs",
    ),
    "lakes": Section(
        "The same export: the best of three rounds, and memory with fewer and more files",
        ("bench_export.py",),
        ("--pairs", "3000", "--rounds", "1"),
        table=False,
    ),
    "explorer": Section(
        "The explorer on a trace store",
        ("bench_explorer.py",),
        ("--rows", "10000", "--pairs", "2"),
        repeat="--pairs",
    ),
    "review": Section(
        "A review queue",
        ("bench_review.py",),
        ("--candidates", "1000", "--rounds", "40"),
        table=False,
        repeat="",
    ),
    "panel": Section(
        "A click in the review panel",
        ("bench_review_panel.py",),
        ("--candidates", "1000", "--rounds", "10"),
        table=False,
        repeat="",
    ),
}


def machine() -> str:
    """What the figures were taken on, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = "processor"
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    versions = []
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{package} {importlib.metadata.version(package)}")
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB of memory, {platform.system()}; "
        f"Python {platform.python_version()}, {', '.join(versions)}."
    )


def measure(name: str, *, quick: bool, rounds: int | None) -> dict[str, object]:
    """Run one section and give its report."""
    section = SECTIONS[name]
    script, *options = section.command
    options += section.quick if quick else ()
    if rounds and section.repeat:
        options += [section.repeat, str(rounds)]
    started = time.time()
    done = subprocess.run(
        [sys.executable, str(HERE / script), *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])},
        stdout=subprocess.PIPE,
        text=True,
    )
    for store in WORK.glob("traces-*.db"):
        store.unlink()
    return {
        "text": done.stdout.strip().replace(f"{HERE.parent}{os.sep}", ""),
        "failed": done.returncode != 0,
        "minutes": round((time.time() - started) / 60, 1),
        "on": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
    }


def document(reports: dict[str, dict[str, object]]) -> str:
    """RESULTS.md."""
    machines = list(dict.fromkeys(str(report["machine"]) for report in reports.values()))
    return "\n".join([*_head(machines), *_body(reports, machines)]) + "\n"


def _head(machines: list[str]) -> Iterator[str]:
    yield "# What it costs"
    yield ""
    yield (
        "Written by `make bench`, which makes its data from a seed and runs each job in turn with "
        "its yardstick on the same machine: read the ratios. They are of one round each, and "
        "given as lowest – **median** – highest of the rounds where nothing else is said. Plain "
        "Python is measured up to 1,000,000 rows."
    )
    for found in machines:
        yield ""
        yield found


def _body(reports: dict[str, dict[str, object]], machines: list[str]) -> Iterator[str]:
    for name, section in SECTIONS.items():
        yield ""
        yield f"## {section.title}"
        yield ""
        report = reports.get(name)
        if report is None:
            yield f"Not measured yet: `python benchmarks/run_all.py --only {name}`."
            continue
        if report["failed"]:
            yield "**The script failed; this is what it printed before.**"
            yield ""
        text = str(report["text"])
        yield text if section.table else f"```\n{text}\n```"
        yield ""
        other = "" if report["machine"] == machines[-1] else " On the first machine above."
        yield f"`{section.command[0]}`, {report['on']}, {report['minutes']} minutes.{other}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--again", action="store_true", help="measure what was measured before")
    parser.add_argument("--rounds", type=int, help="other than each script's own")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the data")
    options = parser.parse_args()
    results = WORK / ("quick" if options.quick else "results")
    results.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(WORK).free < NEEDED_BYTES:
        print(f"Needs {NEEDED_BYTES >> 30} GB free in {WORK}.", file=sys.stderr)
        return 1
    failed = []
    for name in SECTIONS:
        saved = results / f"{name}.json"
        before = json.loads(saved.read_text()) if saved.exists() else {"failed": True}
        if name in options.only and (options.again or before["failed"]):
            print(f"{name} …", file=sys.stderr, flush=True)
            report = measure(name, quick=options.quick, rounds=options.rounds)
            saved.write_text(json.dumps(report))
            print(f"{name}: {report['minutes']} minutes", file=sys.stderr, flush=True)
            failed += [name] * bool(report["failed"])
        found = {
            n: json.loads(f.read_text()) for n in SECTIONS if (f := results / f"{n}.json").exists()
        }
        target = WORK / "QUICK.md" if options.quick else HERE / "RESULTS.md"
        target.write_text(document(found), "utf-8")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
