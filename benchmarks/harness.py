"""Jobs in processes of their own, in turn with their yardsticks: what every benchmark shares."""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
_found: dict[str, object] = {}


@dataclass(frozen=True)
class Run:
    """What a job took, without imports and preparation, and its answer.

    ``processor`` are the seconds of all processors, which other processes hardly disturb.
    """

    seconds: float
    processor: float
    peak_mb: float
    answer: str


@contextlib.contextmanager
def clock() -> Iterator[None]:
    """Measure the block: in a job, what is to be measured of it."""
    started, used = time.perf_counter(), sum(os.times()[:4])
    yield
    _found["seconds"] = time.perf_counter() - started
    _found["processor"] = sum(os.times()[:4]) - used


def answer(value: object, *, more_mb: float = 0) -> None:
    """What came of the job, to be compared; and the peak memory of its other processes."""
    _found["answer"], _found["more_mb"] = str(value), more_mb


def finish() -> None:
    """At the end of a job's process: tell the caller."""
    print(json.dumps(_found | {"peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Peak memory of this process; that of ``getrusage`` begins with its parent's."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024


def run(script: str, job: str, *arguments: object) -> Run:
    """Run ``job`` of ``script`` in a fresh process."""
    path = os.pathsep.join([str(HERE.parent), str(HERE)])
    done = subprocess.run(
        [sys.executable, script, "--job", job, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    peak = found["peak_mb"] + found.get("more_mb", 0)
    return Run(found["seconds"], found["processor"], peak, found.get("answer", ""))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Lowest, middle and highest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{low:.{digits}f} – **{middle:.{digits}f}** – {high:.{digits}f}"


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The k of value ∝ size^k, by least squares on the logarithms."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
