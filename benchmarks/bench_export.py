"""What an export costs, as ratios within one run.

    python benchmarks/bench_export.py [--pairs 300000] [--files 60] [--rounds 3]

Compared over the same generated lake, each in a process of its own, the best of some rounds:

decode    msgspec decodes the bytes of every file into typed records, and nothing else
export    export_sft with one worker: two passes, input hashes, second check, manifest, fsync
export2   the same with two workers
json      the same job with json of the standard library, one worker (reference_export.py)

The peak of memory is that of the export's process, for the lake as it is and for the same pairs
in a tenth and in ten times as many files.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from lake_maker import make_lake

AT = "2026-01-01T00:00:00Z"
DECODE = """
import msgspec
from pathlib import Path
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
decoders = {
    "scored-runs": msgspec.json.Decoder(ScoredRun),
    "evidence": msgspec.json.Decoder(EvidenceRecord),
}
def job():
    for kind, decoder in decoders.items():
        for path in sorted(Path(root, "data", kind).rglob("*.jsonl")):
            decoder.decode_lines(path.read_bytes())
"""
EXPORT = """
from jarvis_lab.synthesis.export import export_sft
def job():
    export_sft(root, recorded_at=at, output=out, workers={workers}, progress=False)
"""
JSON = """
from reference_export import reference_export
def job():
    reference_export(root, recorded_at=at, output=out)
"""
TIMED = """
import os, sys, time
root, out, at, rounds = sys.argv[1:5]
{code}
best = cpu = float("inf")
for _ in range(int(rounds)):
    start, used = time.perf_counter(), sum(os.times()[:4])
    job()
    best = min(best, time.perf_counter() - start)
    cpu = min(cpu, sum(os.times()[:4]) - used)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(best, cpu, int(peak.split()[1]) / 1024)
"""


def timed(code: str, root: Path, out: Path, rounds: int) -> tuple[float, float, float]:
    """Give (best seconds, of all processors, peak megabytes) of ``job`` in a fresh process."""
    here = Path(__file__).parent
    script = f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n"
    script += TIMED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-c", script, str(root), str(out), AT, str(rounds)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, used, megabytes = map(float, done.stdout.split())
    return seconds, used, megabytes


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pairs", type=int, default=300_000)
    options.add_argument("--files", type=int, default=60)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--no-memory", action="store_true", help="skip the other file counts")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lake = work / "lake"
        size = make_lake(lake, pairs=given.pairs, files=given.files)
        print(f"{given.pairs:,} pairs, {size / 1e6:.0f} MB, {given.files} day files")
        outs = {name: work / f"{name}.jsonl" for name in ("decode", "export", "export2", "json")}
        codes = {
            "decode": DECODE,
            "export": EXPORT.format(workers=1),
            "export2": EXPORT.format(workers=2),
            "json": JSON,
        }
        seconds = {}
        for name, code in codes.items():
            seconds[name], used, peak = timed(code, lake, outs[name], given.rounds)
            print(f"{name:8} {seconds[name]:6.2f} s  cpu {used:6.2f} s  peak {peak:4.0f} MB")
        same = {path.read_bytes() for name, path in outs.items() if name != "decode"}
        print(f"same bytes from all three: {len(same) == 1}")
        print(f"export / decode   {seconds['export'] / seconds['decode']:5.2f}  (at most 3.5)")
        print(f"json / export     {seconds['json'] / seconds['export']:5.2f}  (at least 2)")
        print(f"export / export2  {seconds['export'] / seconds['export2']:5.2f}  (at least 1.5)")
        for files in () if given.no_memory else (given.files // 10, given.files * 10):
            other = work / f"lake{files}"
            make_lake(other, pairs=given.pairs, files=files)
            _, _, peak = timed(codes["export"], other, work / "other.jsonl", 1)
            print(f"peak with {files} day files: {peak:.0f} MB")


if __name__ == "__main__":
    main()
