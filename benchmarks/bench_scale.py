"""How counting grows with the log, and what a cluster of two processes makes of it.

    python benchmarks/bench_scale.py [growth] [cluster] [export] [--most 10000000] [--rounds 5]

growth   score_counts of Parquet files from 10,000 to 10,000,000 generated traces, beside Arrow
         decoding the same columns, and up to 1,000,000 beside a plain loop in Python
cluster  the same count on a cluster of two processes, beside two threads
export   export_sft with one process, two, and a cluster, beside msgspec decoding the same bytes
         and the same job with json

Every job is a process of its own; seconds are without imports and the start of the cluster. Each
round runs every job once, so that jobs and yardsticks meet the same machine; ratios are of one
round. Peak memory is that of the job's process and, on a cluster, of its largest worker.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import WORK, Run, answer, clock, exponent, finish, peak_mb, run, spread

AT = "2026-01-01T00:00:00Z"
COLUMNS = (
    *("query", "model", "outcome", "feedback", "started_at"),
    *("total_tokens", "total_latency_seconds", "cost_usd"),
)
PLAIN_MOST = 1_000_000
NAMES = {"seconds": "time", "processor": "processor time", "peak_mb": "peak memory"}


# Jobs.


def count(path: str) -> None:
    from jarvis_lab import score_counts

    with clock():
        counts = score_counts(path, progress=False)
    answer(_digest(counts))


def count_cluster(path: str) -> None:
    from jarvis_lab import local_client, score_counts

    with local_client(workers=2) as client:
        client.wait_for_workers(2)
        client.run(_load)
        with clock():
            counts = score_counts(path, client=client, progress=False)
        answer(_digest(counts), more_mb=max(client.run(peak_mb).values()))


def scan(path: str) -> None:
    """Arrow alone: decode the same columns and add up the lengths of the queries."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    with clock():
        for file in _files(path):
            with pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20) as parquet:
                for batch in parquet.iter_batches(columns=list(COLUMNS)):
                    total += pc.sum(pc.binary_length(batch["query"])).as_py()


def plain(path: str) -> None:
    """The same counts with Python's own rows, re and a dict."""
    import pyarrow.parquet as pq

    from jarvis_lab.classes import classify_query

    sums: dict[tuple[str, str], list[float]] = {}
    with clock():
        for file in _files(path):
            for batch in pq.ParquetFile(file).iter_batches(columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    key = (classify_query(row["query"]), row["model"])
                    total = sums.setdefault(key, [0.0] * 8)
                    total[0] += 1
                    total[1] += row["outcome"] is not None
                    total[2] += row["outcome"] == "success"
                    if row["feedback"] is not None:
                        total[3] += 1
                        total[4] += row["feedback"]
                    total[5] += row["total_latency_seconds"]
                    total[6] += row["total_tokens"]
                    total[7] += row["cost_usd"]


def decode(lake: str, out: str) -> None:
    """The bytes of every file become typed records, and nothing else."""
    import msgspec

    from jarvis_lab.records_lake import EvidenceRecord, ScoredRun

    del out
    with clock():
        for kind, record in (("scored-runs", ScoredRun), ("evidence", EvidenceRecord)):
            decoder = msgspec.json.Decoder(record)
            for path in sorted(Path(lake, "data", kind).rglob("*.jsonl")):
                decoder.decode_lines(path.read_bytes())


def export(lake: str, out: str) -> None:
    _export(out, lambda one: one(lake, recorded_at=AT, output=out, progress=False))


def export_two(lake: str, out: str) -> None:
    _export(out, lambda one: one(lake, recorded_at=AT, output=out, workers=2, progress=False))


def export_cluster(lake: str, out: str) -> None:
    from jarvis_lab import local_client

    with local_client(workers=2) as client:
        client.wait_for_workers(2)
        client.run(_load)
        _export(
            out, lambda one: one(lake, recorded_at=AT, output=out, client=client, progress=False)
        )
        answer(_bytes_of(out), more_mb=max(client.run(peak_mb).values()))


def with_json(lake: str, out: str) -> None:
    """The same export with json of the standard library."""
    from reference_export import reference_export

    with clock():
        reference_export(lake, recorded_at=AT, output=out)
    answer(_bytes_of(out))


def _export(out: str, job: Callable[..., object]) -> None:
    from jarvis_lab import export_sft

    with clock():
        job(export_sft)
    answer(_bytes_of(out))


def _load() -> None:
    import jarvis_lab.scores
    import jarvis_lab.synthesis.export  # noqa: F401


def _files(path: str) -> list[Path]:
    return [Path(path)] if Path(path).is_file() else sorted(Path(path).glob("*.parquet"))


def _bytes_of(out: str) -> str:
    return hashlib.sha256(Path(out).read_bytes()).hexdigest()


def _digest(counts: object) -> str:
    import pandas as pd

    return hashlib.sha256(pd.util.hash_pandas_object(counts).to_numpy().tobytes()).hexdigest()


# Reports.


def growth(folder: Path, most: int, rounds: int) -> None:
    """Time and memory from 10,000 traces on, by factors of ten."""
    from parquet_maker import make_parquet

    sizes = [10**k for k in range(4, 10) if 10**k <= most]
    sources = {size: make_parquet(size, folder / f"{size}") for size in sizes}
    jobs = {(job, size): sources[size] for size in sizes for job in ("count", "scan")}
    loops = [size for size in sizes if size <= PLAIN_MOST]
    runs: dict[tuple[str, int], list[Run]] = {}
    for _ in range(rounds):
        for (job, size), source in jobs.items():
            runs.setdefault((job, size), []).append(run(__file__, job, source))
        runs.setdefault(("plain", loops[-1]), []).append(run(__file__, "plain", sources[loops[-1]]))
        print(".", end="", file=sys.stderr, flush=True)
    print(f"{rounds} rounds; lowest – **median** – highest of the rounds.\n")
    print(
        "| traces | µs a trace | processor µs a trace | peak MB "
        "| time beside Arrow decoding the same columns |"
    )
    print("|---|---|---|---|---|")
    for size in sizes:
        mine, base = runs["count", size], runs["scan", size]
        ratios = [a.seconds / b.seconds for a, b in zip(mine, base, strict=True)]
        each = [a.seconds / size * 1e6 for a in mine]
        used, peaks = [a.processor / size * 1e6 for a in mine], [a.peak_mb for a in mine]
        shown = " | ".join([spread(each), spread(used), spread(peaks, 0), spread(ratios)])
        print(f"| {size:,} | {shown} |")
    _growth_lines(runs, sizes, loops[-1])


def _growth_lines(
    runs: dict[tuple[str, int], list[Run]], sizes: list[int], most_plain: int
) -> None:
    small, large = runs["count", most_plain], runs["count", sizes[-1]]
    loop = [b.seconds / a.seconds for a, b in zip(small, runs["plain", most_plain], strict=True)]
    print(f"\n- time of a plain loop beside the count of {most_plain:,} traces: {spread(loop)}")
    pairs = list(zip(large, small, strict=True)) if sizes[-1] > most_plain else []
    for name, bound in (
        ("seconds", " (at most 11)"),
        ("processor", ""),
        ("peak_mb", " (at most 1.2)"),
    ):
        ratios = [getattr(a, name) / getattr(b, name) for a, b in pairs]
        if ratios:
            label = f"{sizes[-1]:,} beside {most_plain:,} traces, {NAMES[name]}"
            print(f"- {label}: {spread(ratios)}{bound}")
    for label, chosen in (("all sizes", sizes), ("100,000 on", [s for s in sizes if s >= 10**5])):
        if len(chosen) > 1:
            fits = []
            for name, called in NAMES.items():
                middles = [
                    statistics.median(getattr(r, name) for r in runs["count", s]) for s in chosen
                ]
                fits.append(f"{called} ∝ traces^{exponent(chosen, middles):.2f}")
            print(f"- fitted on {label}: {', '.join(fits)}")


def cluster(folder: Path, most: int, rounds: int) -> None:
    """Two processes of a cluster beside two threads."""
    from parquet_maker import make_parquet

    source = make_parquet(most, folder / f"{most}")
    rows = [
        (run(__file__, "count_cluster", source), run(__file__, "count", source))
        for _ in range(rounds)
    ]
    ratios = [a.seconds / b.seconds for a, b in rows]
    print(f"{most:,} traces, {rounds} pairs; lowest – **median** – highest.\n")
    print(f"- the count on a cluster of two processes, beside threads: {spread(ratios)}")
    print(f"- µs a trace on the cluster: {spread([a.seconds / most * 1e6 for a, _ in rows])}")
    peaks = [a.peak_mb for a, _ in rows]
    print(f"- peak MB of the caller and its largest worker together: {spread(peaks, 0)}")
    same = len({r.answer for pair in rows for r in pair}) == 1
    print(f"- the same bits from all {2 * rounds} runs: {same}")


def exports(folder: Path, most: int, rounds: int) -> None:
    """One process, two, and a cluster beside the least one can do."""
    from lake_maker import make_lake

    pairs = min(300_000, most)
    lake, out = folder / "lake", folder / "rows.jsonl"
    size = make_lake(lake, pairs=pairs, files=60)
    names = ("decode", "export", "export_two", "export_cluster", "with_json")
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(run(__file__, name, lake, out))
        print(".", end="", file=sys.stderr, flush=True)
    print(f"{pairs:,} pairs, {size / 1e6:,.0f} MB, 60 day files, {rounds} rounds.\n")
    print("| job | beside | ratio | peak MB of the job |\n|---|---|---|---|")
    for job, base, what in (
        ("export", "decode", "one process | msgspec decoding the same bytes"),
        ("with_json", "export", "the same with json | one process"),
        ("export", "export_two", "one process | two processes"),
        ("export_cluster", "export_two", "a cluster of two processes | two processes"),
    ):
        ratios = [a.seconds / b.seconds for a, b in zip(runs[job], runs[base], strict=True)]
        peaks = [r.peak_mb for r in runs[job]]
        print(f"| {what} | {spread(ratios)} | {spread(peaks, 0)} |")
    each = [r.seconds / pairs * 1e6 for r in runs["export"]]
    same = {r.answer for name in names if name != "decode" for r in runs[name]}
    print(f"\n- µs a pair with one process: {spread(each)}")
    print(f"- the same bytes from all {4 * rounds} exports: {len(same) == 1}")


SECTIONS = {"growth": growth, "cluster": cluster, "export": exports}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--most", type=int, default=10_000_000, help="traces of the largest log")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=WORK / "scale")
    parser.add_argument("--keep", action="store_true", help="leave the generated data")
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        globals()[options.job[0]](*options.job[1:])
        finish()
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in options.sections or SECTIONS:
            SECTIONS[name](options.folder, options.most, options.rounds)
            print()
    finally:
        if not options.keep:
            shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
