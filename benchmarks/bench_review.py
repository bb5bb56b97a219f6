"""What a review queue costs, beside plain references measured in the same run.

    python benchmarks/bench_review.py [--candidates 100000] [--rounds 200] [--folder DIR]

The folder must be on a real disk: on a memory file system an fsync costs nothing and the ratios
say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jarvis_lab._files import sha256_bytes
from jarvis_lab.records import Candidate, ReviewEvent
from jarvis_lab.review.queue import ReviewQueue

HERE = Path(__file__).resolve().parent
MODELS, TASKS = 12, 25
SMALL = 1_000
ANSWER = "The quick brown fox jumps over the lazy dog, and the answer is still not right. "


def candidate(number: int) -> dict[str, object]:
    """One record of about 2 kB."""
    return {
        "id": f"bench-{number:07d}",
        "source": "bench",
        "benchmark_run_id": "2026-01-02-101112",
        "timestamp": "2026-01-02T10:11:12Z",
        "status": "needs_review",
        "prompt_messages": [
            {"role": "system", "content": "You are careful. " * 12},
            {"role": "user", "content": f"Question {number}: " + "what follows from this? " * 20},
        ],
        "model_response": f"Answer {number}: " + ANSWER * 9,
        "corrected_response": None,
        "quality_score": number * 7 % 100 / 100,
        "failure_reason": "expected another answer",
        "task_id": f"task-{number % 500}",
        "task_type": f"type-{number % TASKS}",
        "task_name": f"Task {number % 500}",
        "model_id": f"model-{number % MODELS}",
        "model_name": f"Model {number % MODELS}",
        "node_id": "node-1",
        "gpu_id": number % 4,
        "tokens_per_sec": 40.5,
    }


def make_folder(folder: Path, candidates: int, decisions: int) -> None:
    """A review folder with that many candidates and decisions, in ten sessions' files."""
    run = folder / "runs" / "2026-01-02-101112"
    run.mkdir(parents=True)
    with open(run / "sft_candidates.jsonl", "wb") as out:
        for number in range(candidates):
            out.write(json.dumps(candidate(number)).encode() + b"\n")
    queue = ReviewQueue(folder / "review", reviewer="seed")
    queue.import_run(run)
    hashes = [entry.sha256 for entry in queue._store.entries]
    (folder / "review" / "reviews").mkdir(exist_ok=True)
    for session in range(10):
        path = folder / "review" / "reviews" / f"seed-20260102T101112Z-1-{session:016x}.jsonl"
        with open(path, "wb") as out:
            for seq, number in enumerate(range(session, decisions, 10), start=1):
                out.write(msgspec.json.encode(_event(session, seq, number, hashes[number])) + b"\n")


def _event(session: int, seq: int, number: int, sha256: str) -> ReviewEvent:
    return ReviewEvent(
        v=1,
        event_id=f"{session:016x}-{seq}",
        item_id=f"bench-{number:07d}",
        item_sha256=sha256,
        reviewer=f"reviewer-{session}",
        seq=seq,
        at=f"2026-01-{3 + session:02d}T10:{seq // 60 % 60:02d}:{seq % 60:02d}.{seq % 10**6:06d}Z",
        action=("correct", "discard", "approve", "flag")[number % 4],
        text=f"Corrected {number}: " + ANSWER * 4 if number % 4 == 0 else None,
        category="wrong_answer" if number % 4 == 0 else None,
    )


def reference(review: Path) -> None:
    """Decode every line with msgspec and hash every candidate once: the least one can do."""
    decode, decode_event = msgspec.json.Decoder(Candidate), msgspec.json.Decoder(ReviewEvent)
    kept: list[object] = []
    for path in sorted((review / "candidates").glob("*.jsonl")):
        with open(path, "rb") as lines:
            for line in lines:
                kept.append(decode.decode(line))
                sha256_bytes(line)
    for path in sorted((review / "reviews").glob("*.jsonl")):
        with open(path, "rb") as lines:
            kept.extend(decode_event.decode(line) for line in lines)


def measured(what: str, review: Path) -> None:
    """In a process of its own: seconds and peak memory of one way to read the folder."""
    before = time.perf_counter()
    if what == "reference":
        reference(review)
    elif what == "open":
        queue = ReviewQueue(review, reviewer="bench")
        queue.pending()
    seconds = time.perf_counter() - before
    print(json.dumps({"seconds": seconds, "peak_mb": peak_megabytes()}))


def peak_megabytes() -> float:
    """Peak memory of this process; ru_maxrss would include its parent's before the exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(peak) / 1000


def in_process(what: str, review: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", what, "--folder", str(review)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def timed(action: Callable[[], object]) -> float:
    before = time.perf_counter()
    action()
    return time.perf_counter() - before


def decisions(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Decisions and bare appends of the same bytes in turn, so both meet the same disk."""
    queues = {size: ReviewQueue(folder / size / "review", reviewer="bench") for size in ("s", "l")}
    ids = {size: iter(queue.pending_ids()) for size, queue in queues.items()}
    seconds: dict[str, list[float]] = {"s": [], "l": [], "bare": []}
    bare = os.open(folder / "bare.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    text = "Corrected: " + ANSWER * 4
    for _ in range(rounds):
        for size, queue in queues.items():
            item = next(ids[size])
            seconds[size].append(timed(lambda q=queue, i=item: q.correct(i, text)))  # type: ignore[misc]
        assert queues["l"]._writer.path is not None
        line = queues["l"]._writer.path.read_bytes().splitlines(keepends=True)[-1]
        seconds["bare"].append(timed(lambda data=line: (os.write(bare, data), os.fsync(bare))))  # type: ignore[misc]
    os.close(bare)
    return seconds


def rewrite(folder: Path) -> float:
    """The original's way: decode and write the whole candidates file for one decision."""
    path = next((folder / "l" / "review" / "candidates").glob("*.jsonl"))

    def once() -> None:
        with open(path, encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        with open(folder / "rewritten.jsonl", "w", encoding="utf-8") as out:
            out.write("\n".join(json.dumps(record) for record in records))
            out.flush()
            os.fsync(out.fileno())

    return timed(once)


def clicks(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Decide, then everything a screen shows next: the item, counts, and totals."""
    queue = ReviewQueue(folder / "h" / "review", reviewer="clicker")
    settings: dict[str, dict[str, str]] = {
        "file order": {},
        "quality order": {"order": "quality"},
        "value order": {"order": "value"},
        "search": {"search": "answer"},
    }
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    for name, chosen in settings.items():
        queue.pending(1, 1, **chosen)  # type: ignore[arg-type]
        for _ in range(rounds):
            item = queue.pending_ids(**chosen)[0]  # type: ignore[arg-type]

            def click(item: str = item, chosen: dict[str, str] = chosen) -> None:
                queue.discard(item)
                queue.get(queue.pending_ids(**chosen)[0])  # type: ignore[arg-type]
                queue.pending_count()
                queue.stats()

            seconds[name].append(timed(click))
    return seconds


def report(folder: Path, candidates: int, rounds: int) -> None:
    most = candidates - rounds
    make_folder(folder / "s", SMALL, SMALL // 2)
    make_folder(folder / "l", candidates, most)
    make_folder(folder / "h", candidates, candidates // 2)
    print(f"{candidates:,} candidates, {most:,} decisions, {rounds} rounds\n")
    opening = [in_process(what, folder / "l" / "review") for what in ("reference", "open") * 3]
    base = statistics.median(run["seconds"] for run in opening[::2])
    taken = statistics.median(run["seconds"] for run in opening[1::2])
    peak = max(run["peak_mb"] for run in opening[1::2])
    print(
        f"open: {taken:.2f} s, {taken / base:.2f} × decoding and hashing ({base:.2f} s); target 4"
    )
    print(f"open: peak {peak:.0f} MB; target 1,000")
    cost = {name: statistics.median(found) for name, found in decisions(folder, rounds).items()}
    print(
        f"decision: {cost['l'] * 1e3:.2f} ms at {candidates:,}, {cost['l'] / cost['s']:.2f} × that "
        f"at {SMALL:,}; {cost['l'] / cost['bare']:.2f} × a bare append and fsync of the same "
        f"bytes ({cost['bare'] * 1e3:.2f} ms); target 5"
    )
    whole = rewrite(folder)
    print(f"decision: rewriting the file costs {whole / cost['l']:,.0f} × as much ({whole:.2f} s)")
    for name, found in clicks(folder, max(5, rounds // 20)).items():
        print(f"next item, half decided, {name}: {max(found) * 1e3:.1f} ms at worst; target 100")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=HERE / "work" / "review")
    parser.add_argument("--measure", choices=("reference", "open"))
    chosen = parser.parse_args()
    if chosen.measure:
        measured(chosen.measure, chosen.folder)
        return
    shutil.rmtree(chosen.folder, ignore_errors=True)
    try:
        report(chosen.folder, chosen.candidates, chosen.rounds)
    finally:
        shutil.rmtree(chosen.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
