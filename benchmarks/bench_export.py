"""What an export costs, as ratios within one run.

    python benchmarks/bench_export.py [--ascii] [--pairs 300000] [--files 60] [--rounds 3]

Compared over the same generated lake, in turn, each in a process of its own that does the job
twice; the best of some rounds:

decode    msgspec decodes the bytes of every file into typed records, reading them included
memory    the same bytes, already in memory and cut into blocks: the fastest that decoding gets
export    export_sft with one worker: two passes, input hashes, second check, manifest, fsync
export2   the same with two workers
json      the same job with json of the standard library, one worker (reference_export.py)

The texts hold CJK and emoji, or with ``--ascii`` nothing but ASCII, which decodes fastest. The
peak of memory is that of the export's process, for the lake as it is and for the same pairs
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
MEMORY = """
import msgspec
from pathlib import Path
from jarvis_lab.readers.blocks import whole_lines
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
blocks = []
for kind, record in (("scored-runs", ScoredRun), ("evidence", EvidenceRecord)):
    decode = msgspec.json.Decoder(record).decode_lines
    for path in sorted(Path(root, "data", kind).rglob("*.jsonl")):
        with open(path, "rb") as handle:
            blocks += [(decode, bytes(block)) for block in whole_lines(handle)]
def job():
    for decode, block in blocks:
        decode(block)
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
root, out, at = sys.argv[1:4]
{code}
best = cpu = float("inf")
for _ in range(2):
    start, used = time.perf_counter(), sum(os.times()[:4])
    job()
    best = min(best, time.perf_counter() - start)
    cpu = min(cpu, sum(os.times()[:4]) - used)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(best, cpu, int(peak.split()[1]) / 1024)
"""


def timed(code: str, root: Path, out: Path) -> tuple[float, float, float]:
    """Give (best seconds, of all processors, peak megabytes) of ``job`` in a fresh process."""
    here = Path(__file__).parent
    script = f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n"
    script += TIMED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-c", script, str(root), str(out), AT],
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
    options.add_argument("--ascii", action="store_true", help="texts of ASCII alone")
    options.add_argument("--no-memory", action="store_true", help="skip the other file counts")
    given = options.parse_args()
    codes = {
        "decode": DECODE,
        "memory": MEMORY,
        "export": EXPORT.format(workers=1),
        "export2": EXPORT.format(workers=2),
        "json": JSON,
    }
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lake = work / "lake"
        size = make_lake(lake, pairs=given.pairs, files=given.files, ascii_only=given.ascii)
        print(f"{given.pairs:,} pairs, {size / 1e6:.0f} MB, {given.files} day files")
        best = in_turn(codes, lake, work, given.rounds)
        outs = [work / f"{name}.jsonl" for name in ("export", "export2", "json")]
        print(f"same bytes from all three: {len({path.read_bytes() for path in outs}) == 1}")
        print(f"export / decode   {best['export'] / best['decode']:5.2f}  (at most 3.5)")
        print(f"export / memory   {best['export'] / best['memory']:5.2f}")
        print(f"json / export     {best['json'] / best['export']:5.2f}  (at least 2)")
        print(f"export / export2  {best['export'] / best['export2']:5.2f}  (at least 1.5)")
        for files in () if given.no_memory else (given.files // 10, given.files * 10):
            other = work / f"lake{files}"
            make_lake(other, pairs=given.pairs, files=files, ascii_only=given.ascii)
            _, _, peak = timed(codes["export"], other, work / "other.jsonl")
            print(f"peak with {files} day files: {peak:.0f} MB")


def in_turn(codes: dict[str, str], lake: Path, work: Path, rounds: int) -> dict[str, float]:
    """Give the best seconds of each, and say what it took."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            found[name].append(timed(code, lake, work / f"{name}.jsonl"))
    best = {}
    for name, runs in found.items():
        best[name], used, peak = (min(run[place] for run in runs) for place in range(3))
        print(f"{name:8} {best[name]:6.2f} s  cpu {used:6.2f} s  peak {peak:4.0f} MB")
    return best


if __name__ == "__main__":
    main()
