from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.runs import RUN_COLUMNS, discover_runs

ROOT = Path(__file__).resolve().parents[1]
FIRST, SECOND = "2026-01-02-101112", "2026-01-10-000000"


def put(bench: Path, run: str, *records: object) -> Path:
    folder = bench / run
    folder.mkdir(parents=True)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / "sft_candidates.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    bench = tmp_path / "bench"
    put(bench, FIRST, *[{"id": f"a{n}", "benchmark_run_id": FIRST} for n in range(3)], "{bad", "{}")
    put(bench, SECOND, {"id": "b0"}, {"id": "a0"})
    return bench


def test_a_missing_folder_gives_the_same_columns_and_no_rows(tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        found = discover_runs(folder)
        assert found.empty
        assert {name: str(dtype) for name, dtype in found.dtypes.items()} == RUN_COLUMNS


def test_runs_come_newest_first_with_their_counts(bench):
    put(bench, "by hand", {"id": "x"})
    (bench / "no candidates").mkdir()
    (bench / "odd" / "sft_candidates.jsonl").mkdir(parents=True)
    (bench / "stray.jsonl").write_text("{}")
    put(bench, "cut off", "x")
    (bench / "cut off" / "sft_candidates.jsonl").write_bytes(b"\x1f\x8b\x08")
    found = discover_runs(str(bench))
    assert found["run_id"].tolist() == ["cut off", "by hand", SECOND, FIRST]
    assert found["candidate_count"].tolist() == [0, 1, 2, 3]
    assert found["bad_lines"].tolist() == [1, 0, 0, 2]
    assert found["timestamp"].tolist()[2:] == [
        pd.Timestamp("2026-01-10"),
        pd.Timestamp("2026-01-02 10:11:12"),
    ]
    assert found["timestamp"][:2].isna().all()
    assert found["path"].tolist()[3] == str(bench / FIRST / "sft_candidates.jsonl")
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == RUN_COLUMNS


@pytest.mark.parametrize("as_type", [str, Path])
@pytest.mark.parametrize("name", ["", "sft_candidates.jsonl"])
def test_an_import_counts_what_it_took_knew_and_left_out(tmp_path, bench, as_type, name):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    result = queue.import_run(as_type(bench / FIRST / name))
    assert (result.imported, result.skipped, result.malformed) == (3, 0, 2)
    assert [bad.line for bad in result.bad_lines] == [4, 5]
    assert repr(result) == "ImportResult(imported=3, skipped=0, malformed=2)"
    assert queue.pending_ids() == ["a0", "a1", "a2"]
    again = queue.import_run(as_type(bench / FIRST / name))
    assert (again.imported, again.skipped, again.malformed) == (0, 3, 2)
    assert len(list((tmp_path / "review" / "candidates").iterdir())) == 1


def test_a_later_import_takes_only_new_ids_and_stands_behind(tmp_path, bench):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(bench / SECOND)
    assert queue.import_run(bench / FIRST).skipped == 1
    assert queue.pending_ids() == ["b0", "a0", "a1", "a2"]
    row = queue.to_frame().set_index("id").loc["a2"]
    assert row["source_file"].startswith(f"candidates/000002-{FIRST}-")
    assert row["source_line"] == 2


def test_a_run_that_grew_brings_its_new_candidates(tmp_path, bench):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(bench / SECOND)
    path = bench / SECOND / "sft_candidates.jsonl"
    path.write_text(path.read_text() + '\n{"id": "b1"}\n')
    assert queue.import_run(bench / SECOND).imported == 1
    assert queue.pending_ids() == ["b0", "a0", "b1"]


def test_an_id_that_repeats_within_a_run_is_taken_once(tmp_path, bench):
    run = put(bench, "twice", {"id": "x"}, {"id": "x"})
    result = ReviewQueue(tmp_path / "review", reviewer="ann").import_run(run)
    assert (result.imported, result.skipped) == (1, 1)


def test_imported_lines_are_kept_byte_for_byte(tmp_path, bench):
    line = '{ "quality_score": NaN, "own_field": [1,  2], "id": "x" }'
    run = put(bench, "odd", line)
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(run)
    (path,) = (tmp_path / "review" / "candidates").iterdir()
    assert path.read_text() == line + "\n"


def test_a_path_without_candidates_is_told(tmp_path, bench):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    other = bench / FIRST / "other.jsonl"
    other.write_text('{"id": "x"}')
    for run in (bench, bench / "none", FIRST, other):
        with pytest.raises(FileNotFoundError, match="bench_results="):
            queue.import_run(run)
    with pytest.raises(FileNotFoundError, match="discover_runs"):
        queue.import_run("none", bench_results=bench)


@pytest.mark.parametrize(
    "run",
    ["", " ", ".", "..", "../x", "a/b", "a\\b", "/etc", "x\0y", f"{FIRST}/", f"./{FIRST}"],
)
def test_with_bench_results_a_run_is_one_plain_folder_name(tmp_path, bench, run):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    with pytest.raises(ValueError, match="not one plain folder name"):
        queue.import_run(run, bench_results=bench)
    with pytest.raises(ValueError, match="not one plain folder name"):
        queue.import_run(str(bench / FIRST), bench_results=bench)
    assert queue.bench_results is None


def test_links_that_lead_outside_are_refused(tmp_path, bench):
    outside = put(tmp_path / "elsewhere", "secret", {"id": "s"})
    (bench / "link").symlink_to(outside)
    (bench / "file").mkdir()
    (bench / "file" / "sft_candidates.jsonl").symlink_to(outside / "sft_candidates.jsonl")
    (bench / "inside").symlink_to(bench / FIRST)
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    for run in ("link", "file"):
        with pytest.raises(ValueError, match="leads outside"):
            queue.import_run(run, bench_results=bench)
    assert queue.import_run("inside", bench_results=bench).imported == 3


def test_bench_results_are_remembered_in_the_folder(tmp_path, bench, monkeypatch):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    assert queue.bench_results is None
    assert list(queue.runs().columns) == [*RUN_COLUMNS, "already_imported"]
    monkeypatch.chdir(bench.parent)
    queue.import_run(FIRST, bench_results="bench")
    monkeypatch.chdir("/")
    again = ReviewQueue(tmp_path / "review", reviewer="bob")
    assert again.bench_results == bench
    again.bench_results = tmp_path
    assert queue.bench_results == tmp_path
    again.bench_results = None
    assert queue.bench_results is None


def test_settings_that_cannot_be_read_are_as_none(tmp_path):
    (tmp_path / "queue.json").write_bytes(b"\xff{")
    assert ReviewQueue(tmp_path, reviewer="ann").bench_results is None


def test_runs_say_which_were_imported(tmp_path, bench):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.bench_results = bench
    assert queue.runs()["already_imported"].tolist() == [False, False]
    queue.import_run(FIRST, bench_results=bench)
    assert queue.runs()["already_imported"].tolist() == [False, True]
    queue.import_run(SECOND, bench_results=bench)
    found = queue.runs()
    assert found["already_imported"].tolist() == [True, True]
    assert str(found["already_imported"].dtype) == "bool"


def test_processes_that_import_the_same_run_at_once_take_each_candidate_once(tmp_path, bench):
    count = 300
    run = put(bench, "big", *[{"id": f"x{n}", "model_response": "r" * 500} for n in range(count)])
    script = (
        "import sys\n"
        "from jarvis_lab.review.queue import ReviewQueue\n"
        "queue = ReviewQueue(sys.argv[1], reviewer='team')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(queue.import_run(sys.argv[2]).imported)\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "review"), str(run)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = [process.communicate("go\n")[0] for process in running]
    assert sum(map(int, told)) == count
    assert ReviewQueue(tmp_path / "review", reviewer="ann").stats()["total"] == count


def test_an_import_that_fails_half_way_leaves_nothing_and_can_be_repeated(
    tmp_path, bench, monkeypatch
):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space left"):
        queue.import_run(bench / FIRST)
    monkeypatch.setattr(os, "fsync", fsync)
    assert queue.stats()["total"] == 0
    assert queue.import_run(bench / FIRST).imported == 3


def test_a_half_written_import_of_a_killed_process_is_not_read(tmp_path, bench):
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(bench / FIRST)
    half = tmp_path / "review" / "candidates" / ".000002-x.jsonl.abc.tmp"
    half.write_text('{"id": "half"}\n{"id": ')
    assert ReviewQueue(tmp_path / "review", reviewer="bob").stats()["total"] == 3
    assert queue.import_run(bench / SECOND).imported == 1


def test_a_decision_in_an_imported_file_counts_as_the_first(tmp_path, bench):
    run = put(bench, "done", {"id": "x", "status": "approved", "corrected_response": "4"})
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(run)
    assert queue.get("x").target == "4"
    assert queue.undo("x").status == "needs_review"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_an_import_killed_at_a_random_moment_took_all_candidates_or_none(tmp_path, bench):
    count = 1500
    run = put(bench, "big", *[{"id": f"x{n}", "model_response": "r" * 300} for n in range(count)])
    chance = random.Random(3)
    found = set()
    for attempt in range(12):
        folder = tmp_path / f"review-{attempt}"
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.write(write, b"x")
            ReviewQueue(folder, reviewer="victim").import_run(run)
            os._exit(0)
        os.read(read, 1)
        os.close(read)
        os.close(write)
        for _ in range(chance.randrange(600_000)):
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        queue = ReviewQueue(folder, reviewer="ann")
        found.add(queue.stats()["total"])
        queue.import_run(run)
        assert queue.stats()["total"] == count
        assert queue.bad_lines() == []
    assert found <= {0, count}
