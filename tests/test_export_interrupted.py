"""Full disks, read-only folders, Ctrl-C and kill: the older export stays whole."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jarvis_lab.synthesis import workers
from jarvis_lab.synthesis.export import export_sft
from jarvis_lab.synthesis.follower import Follower
from jarvis_lab.synthesis.manifest import manifest_path
from jarvis_lab.synthesis.verify import verify_export

REPOSITORY = Path(__file__).parents[1]
LOOP = """
import sys
from jarvis_lab.synthesis.export import export_sft
lake, out, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
while True:
    for at in "AB":
        export_sft(lake, recorded_at=at, output=out, workers=workers, progress=False)
"""
LIMITED = """
import resource, sys
from jarvis_lab.synthesis.export import export_sft
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    export_sft(sys.argv[1], recorded_at="B", output=sys.argv[2], workers=int(sys.argv[3]),
               progress=False)
except OSError as error:
    print(type(error).__name__, error)
"""


def fill(root: Path, *, days: int = 12, runs: int = 60) -> Path:
    for day in range(1, days + 1):
        ids = [f"r{day}-{number}" for number in range(runs)]
        scored = [{"evidence_run_id": name, "category": "accepted"} for name in ids]
        texts = [{"run_id": name, "model_role": "executor", "text": "x" * 300} for name in ids]
        for kind, rows in (("scored-runs", scored), ("evidence", texts)):
            path = root / "data" / kind / "2026" / "01" / f"{day:02}" / "a.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return root


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return fill(tmp_path / "lake")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "rows.jsonl"


def wholes(lake: Path, out: Path) -> set[tuple[bytes, bytes]]:
    """Both exports that the loop writes, with their manifests; the last one stays."""
    found = set()
    for at in "BA":
        export_sft(lake, recorded_at=at, output=out, progress=False)
        found.add((out.read_bytes(), manifest_path(out).read_bytes()))
    return found


def start(code: str, lake: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(lake), str(out), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{lake}"},
    )


def processes(mark: str) -> Iterator[str]:
    """Processes whose command line has ``mark`` in it, as the workers' have."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in command and b"serve()" in command:
            yield folder.name


@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_kill_at_any_moment_the_export_is_whole(
    lake: Path, out: Path, workers: int
) -> None:
    allowed = wholes(lake, out)
    moments = random.Random(workers)
    for _ in range(6):
        process = start(LOOP, lake, out, workers)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.01, 0.4))
        process.kill()
        process.communicate()
        data, manifest = out.read_bytes(), manifest_path(out).read_bytes()
        assert data in {whole[0] for whole in allowed}
        assert manifest in {whole[1] for whole in allowed}
    visible = {path.name for path in out.parent.iterdir() if not path.name.startswith(".")}
    assert visible == {out.name, manifest_path(out).name}
    assert all(path.name.endswith(".tmp") for path in out.parent.glob(".*"))
    export_sft(lake, recorded_at="A", output=out, workers=workers, progress=False)
    assert verify_export(out, root=lake)


def test_workers_end_when_their_parent_is_killed(lake: Path, out: Path) -> None:
    process = start(LOOP, lake, out, 2)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    while not list(processes(str(lake))):
        assert process.poll() is None
    process.kill()
    process.communicate()
    attempts = 0
    while list(processes(str(lake))):
        attempts += 1
        assert attempts < 5_000, "a worker outlives its parent"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
@pytest.mark.parametrize("workers", [1, 2])
def test_after_ctrl_c_nothing_is_left_behind(lake: Path, out: Path, workers: int) -> None:
    allowed = wholes(lake, out)
    moments = random.Random(workers)
    for _ in range(4):
        process = start(LOOP, lake, out, workers)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.05, 0.4))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "KeyboardInterrupt" in errors
        assert (out.read_bytes(), manifest_path(out).read_bytes()) in allowed
        assert {path.name for path in out.parent.iterdir()} == {
            out.name,
            manifest_path(out).name,
        }


@pytest.mark.parametrize("workers", [1, 2])
def test_when_the_disk_is_full_the_older_export_stays(lake: Path, out: Path, workers: int) -> None:
    export_sft(lake, recorded_at="A", output=out, progress=False)
    before = out.read_bytes()
    assert len(before) > 120_000
    process = start(LIMITED, lake, out, workers)
    said, errors = process.communicate(timeout=60)
    assert errors == ""
    assert said.startswith("OSError [Errno 27] The export could not be written (File too large)")
    assert str(out) in said
    assert out.read_bytes() == before
    assert {path.name for path in out.parent.iterdir()} == {out.name, manifest_path(out).name}
    assert verify_export(out)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
def test_a_read_only_folder_is_an_error_that_names_the_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, out = fill(Path(folder) / "lake", days=1), Path(folder) / "out"
        out.mkdir()
        os.chmod(folder, 0o755)
        os.chmod(out, 0o555)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(PermissionError, match=r"could not be written .*rows\.jsonl"):
                export_sft(lake, recorded_at="A", output=out / "rows.jsonl", progress=False)
            with pytest.raises(PermissionError, match=r"could not be written"):
                export_sft(lake, recorded_at="A", progress=False)
        finally:
            os.seteuid(was)
        assert list(out.iterdir()) == []
        os.chmod(out, 0o755)


def test_a_worker_that_dies_is_an_error_and_not_a_wait(
    lake: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = workers.Crew.share

    def kill_one(self: workers.Crew, *values: object) -> None:
        share(self, *values)
        self._workers[0].kill()

    monkeypatch.setattr(workers.Crew, "share", kill_one)
    with pytest.raises(RuntimeError, match="A worker process ended early"):
        export_sft(lake, recorded_at="A", output=out, workers=2, progress=False)
    assert list(out.parent.iterdir()) == []


def test_a_script_without_a_main_guard_may_use_workers(lake: Path, out: Path) -> None:
    script = (
        "from jarvis_lab.synthesis.export import export_sft\n"
        f"print(export_sft({str(lake)!r}, recorded_at='A', output={str(out)!r}, workers=3))\n"
    )
    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout == "SftExport(720 of 720 records exported, in rows.jsonl)\n"
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_the_cycle_collector_as_it_was(
    lake: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = gc.disable

    def interrupted() -> None:
        plain()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gc, "disable", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_sft(lake, recorded_at="A", output=out, progress=False)
    assert gc.isenabled()


def test_the_workers_are_gone_before_the_file_they_write_to_is(
    lake: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    stop, unlink = workers.Crew.stop, os.unlink

    def stopping(crew: workers.Crew) -> None:
        stop(crew)
        seen.append("workers gone")

    def unlinking(path: str | Path) -> None:
        seen.append("file gone")
        unlink(path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers.Crew, "stop", stopping)
    monkeypatch.setattr(os, "unlink", unlinking)
    monkeypatch.setattr(Follower, "follow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_sft(lake, recorded_at="A", output=out, workers=2, progress=False)
    assert seen[:2] == ["workers gone", "file gone"]
