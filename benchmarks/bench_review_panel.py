"""What a click in the review panel costs without a browser, beside the queue's verb alone.

    python benchmarks/bench_review_panel.py [--candidates 100000] [--rounds 40] [--folder DIR]

A click is: the decision on disk, the next item found, and every control set. Half the candidates
are decided beforehand. The folder must be on a real disk.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bench_review import make_folder  # noqa: E402

from jarvis_lab.review.queue import ReviewQueue  # noqa: E402
from jarvis_lab.widgets.review_panel import ReviewPanel  # noqa: E402

TARGET_MS = 100
LISTS = {
    "as they came": {},
    "lowest quality first": {"order": "quality"},
    "most valuable first": {"order": "value"},
    "one model": {"model": "Model 3"},
    "one task type": {"task_type": "type-7"},
    "a search": {"search": "question 7"},
}


def clicks(act: Callable[[], object], rounds: int) -> list[float]:
    """Seconds of each of ``rounds`` calls."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        found.append(time.perf_counter() - started)
    return found


def line(name: str, found: list[float], plain: float) -> str:
    """One line of the report: median, worst, and the median as a multiple of the bare verb."""
    middle, worst = statistics.median(found), max(found)
    verdict = "within" if worst * 1e3 < TARGET_MS else "ABOVE"
    return (
        f"{name:32} {middle * 1e3:7.1f} ms median, {worst * 1e3:7.1f} ms at worst "
        f"({verdict} {TARGET_MS}), {middle / plain:5.1f} x the verb alone"
    )


def correct(panel: ReviewPanel) -> None:
    """Type a correction and save it."""
    panel.form.editor.value += " and this is what was missing"
    panel.controls.correct.click()
    if panel.last_error is not None:
        raise panel.last_error


def report(folder: Path, candidates: int, rounds: int) -> None:
    """Make the folder, click, and print what it took."""
    make_folder(folder, candidates, candidates // 2)
    queue = ReviewQueue(folder / "review", reviewer="ann")
    ids = iter(queue.pending_ids()[::-1])
    plain = statistics.median(clicks(lambda: queue.approve(next(ids)), rounds))
    print(f"{candidates:,} candidates, half decided; the verb alone: {plain * 1e3:.2f} ms")
    panel = ReviewPanel(queue, pause=0)
    print(line("correct, next item", clicks(lambda: correct(panel), rounds), plain))
    controls = panel.controls
    for name, chosen in LISTS.items():
        controls.clear_filters.click()
        for control, value in chosen.items():
            getattr(controls, control).value = value
        print(line(f"approve, {name}", clicks(controls.approve.click, rounds), plain))
        controls.order.value = "file"
    controls.clear_filters.click()
    controls.show_stats.click()
    print(line("approve, statistics open", clicks(controls.approve.click, rounds), plain))
    print(line("undo", clicks(controls.undo.click, rounds), plain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=HERE / "work" / "panel")
    chosen = parser.parse_args()
    shutil.rmtree(chosen.folder, ignore_errors=True)
    try:
        report(chosen.folder, chosen.candidates, chosen.rounds)
    finally:
        shutil.rmtree(chosen.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
