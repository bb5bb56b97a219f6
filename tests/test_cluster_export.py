"""Exports on a Dask cluster: the same bytes as here, and no partial file whatever happens."""

import contextlib
import gc
import json
import os
import shutil
import signal
import threading
from pathlib import Path

import distributed
import pytest

from jarvis_lab import export_sft, verify_export
from jarvis_lab._tasks import LostTaskError
from jarvis_lab.readers.lake_files import LakeFile
from jarvis_lab.synthesis.cluster_crew import scan_there
from jarvis_lab.synthesis.manifest import manifest_path

GOLDEN = Path(__file__).parent / "golden"


def fill(root, *, days, runs):
    for day in range(1, days + 1):
        ids = [f"r{day}-{number}" for number in range(runs)]
        kinds = ["accepted", "rejected", "partially_accepted", "odd"]
        scored = [
            {"evidence_run_id": name, "category": kinds[place % 4]}
            for place, name in enumerate(ids)
        ]
        scored.append({"evidence_run_id": f"r{day % days + 1}-0", "category": "rejected"})
        texts = [{"run_id": name, "model_role": "executor", "text": "é<" * 300} for name in ids]
        for kind, rows in (("scored-runs", scored), ("evidence", texts)):
            path = root / "data" / kind / "2026" / f"{day // 28 + 1:02}" / f"{day % 28 + 1:02}"
            path.mkdir(parents=True, exist_ok=True)
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (path / "a.jsonl").write_text(lines + "{broken\n" * (day % 3))
    return root


def written(lake, out, **options):
    result = export_sft(lake, recorded_at="now", output=out, progress=False, **options)
    return result, out.read_bytes(), manifest_path(out).read_bytes()


def test_a_cluster_and_processes_and_one_process_write_the_same_bytes(client, tmp_path):
    lake = fill(tmp_path / "lake", days=9, runs=40)
    out = tmp_path / "rows.jsonl"
    for options in ({}, {"unique_ids": True}, {"include_partial": True, "escape_html": True}):
        one = written(lake, out, **options)
        assert one[0].records_exported > 100
        for many in ({"workers": 2}, {"client": client}):
            other = written(lake, out, **options, **many)
            assert other[1:] == one[1:]
            assert other[0].counts() == one[0].counts()
            assert other[0].excluded().equals(one[0].excluded())
            assert other[0].balance().equals(one[0].balance())
        verify_export(out)


def test_the_originals_own_output_comes_from_a_cluster(client, tmp_path):
    shutil.copytree(GOLDEN / "lake", tmp_path / "lake")
    one = export_sft(tmp_path / "lake", recorded_at="T", progress=False, escape_html=True)
    expected = one.output_path.read_bytes()
    one.output_path.unlink()
    got = export_sft(
        tmp_path / "lake", recorded_at="T", progress=False, escape_html=True, client=client
    )
    assert got.output_path.read_bytes() == expected
    assert len(expected.splitlines()) == len(
        (GOLDEN / "lake_expected_go.jsonl").read_bytes().splitlines()
    )


def test_a_dry_run_and_an_empty_lake_write_nothing(client, tmp_path):
    lake = fill(tmp_path / "lake", days=2, runs=8)
    here = export_sft(lake, recorded_at="T", dry_run=True, progress=False)
    there = export_sft(lake, recorded_at="T", dry_run=True, progress=False, client=client)
    assert there.counts() == here.counts()
    assert not (lake / "data" / "distilled").exists()
    nothing = export_sft(tmp_path / "none", recorded_at="T", progress=False, client=client)
    assert not nothing.written


def ids_of_processes(client):
    return list(client.run(os.getpid).values())


class Meanwhile(threading.Thread):
    """Does something as soon as rows stand in the export's temporary file."""

    def __init__(self, folder, what):
        super().__init__()
        self.folder, self.what, self.over, self.done = folder, what, False, False

    def run(self):
        while not self.over:
            sizes = [path.stat().st_size for path in self.folder.glob(".rows.jsonl.*.tmp")]
            if any(sizes):
                self.done = True
                self.what()
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A lake that is exported in some hundred tasks, and the export that one process makes."""
    folder = tmp_path_factory.mktemp("large")
    lake = fill(folder / "lake", days=150, runs=150)
    return lake, written(lake, folder / "rows.jsonl")


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(start_cluster, large, tmp_path):
    lake, expected = large
    with start_cluster() as cluster, distributed.Client(cluster) as own:
        victim, _ = ids_of_processes(own)
        with Meanwhile(tmp_path, lambda: os.kill(victim, signal.SIGKILL)) as killing:
            got = written(lake, tmp_path / "rows.jsonl", client=own)
        own.wait_for_workers(2)
        assert victim not in ids_of_processes(own)
    assert killing.done
    assert got[1:] == expected[1:]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("rows.jsonl", "rows.jsonl.manifest.json")
    ]


def test_a_file_that_the_cluster_gives_up_is_named_and_the_older_export_stays(
    start_cluster, large, tmp_path
):
    lake, _ = large
    out = tmp_path / "rows.jsonl"
    out.write_bytes(b"older\n")
    with start_cluster(allowed_failures=0) as cluster, distributed.Client(cluster) as own:

        def kill_whoever_works():
            while not killing.over:
                for nanny in list(cluster.workers.values()):
                    worker = cluster.scheduler.workers.get(nanny.worker_address)
                    process = nanny.pid
                    if worker is not None and worker.processing and process:
                        with contextlib.suppress(ProcessLookupError):  # killed a moment ago
                            os.kill(process, signal.SIGKILL)

        named = pytest.raises(LostTaskError, match=r"data/scored-runs/.*a\.jsonl: each worker")
        killing = Meanwhile(tmp_path, kill_whoever_works)
        with killing, named:
            written(lake, out, client=own)
    assert killing.done
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    assert out.read_bytes() == b"older\n"


def test_an_interrupt_leaves_the_older_export(client, large, tmp_path):
    lake, _ = large
    out = tmp_path / "rows.jsonl"
    out.write_bytes(b"older\n")
    main = threading.main_thread().ident
    before = set(client.futures)
    interrupt = Meanwhile(tmp_path, lambda: signal.pthread_kill(main, signal.SIGINT))
    with interrupt as stopping, pytest.raises(KeyboardInterrupt):
        written(lake, out, client=client)
    assert stopping.done
    gc.collect()  # the traceback may hold the future of a task that was just being submitted
    assert not set(client.futures) - before
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    assert out.read_bytes() == b"older\n"


def test_a_worker_that_does_not_see_a_file_says_so(tmp_path):
    """Elsewhere a file that cannot be read is left out, and the export would lack it."""
    with pytest.raises(FileNotFoundError, match=r"has no .*a\.jsonl"):
        scan_there(LakeFile("data/scored-runs/2026/01/01/a.jsonl", tmp_path / "a.jsonl"))
