"""The guarantees of the journal, each on real files and real processes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jarvis_lab.readers.jsonl import BadLineWarning
from jarvis_lab.review.errors import JournalError, NotSavedError
from jarvis_lab.review.journal import JournalWriter, file_name, login_name
from jarvis_lab.review.queue import ReviewQueue

ROOT = Path(__file__).resolve().parents[1]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "review", 200)


def make_folder(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    with open(folder / "sft_candidates.jsonl", "w") as out:
        for number in range(count):
            out.write(json.dumps({"id": f"c{number}", "model_response": f"answer {number}"}) + "\n")
    return folder


def journals(folder: Path) -> list[Path]:
    return sorted((folder / "reviews").glob("*.jsonl"))


def events(folder: Path) -> list[dict[str, object]]:
    """Whole lines of all journals, read without the code under test."""
    found = []
    for path in journals(folder):
        found += [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return found


def in_child(work: Callable[[], None]) -> None:
    """Run ``work`` in a forked process and raise here what it raised there."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 0
        try:
            work()
        except BaseException:  # noqa: BLE001, the parent raises it
            os.write(write, traceback.format_exc().encode())
            code = 1
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as told:
        problem = told.read()
    assert os.waitpid(child, 0)[1] == 0, problem


@contextlib.contextmanager
def torn_lines_allowed() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BadLineWarning)
        yield


def test_no_file_appears_before_the_first_event(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.pending()
    assert not (folder / "reviews").exists()
    queue.skip("c0")
    assert len(journals(folder)) == 1


def test_an_event_says_who_decided_what_when_and_on_which_content(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.correct("c1", "better", failure_category="wrong_answer", note="see docs")
    (event,) = events(folder)
    assert event.pop("event_id").endswith("-1")
    assert len(event.pop("item_sha256")) == 64
    assert event.pop("at").endswith("Z")
    assert event == {
        "v": 1,
        "item_id": "c1",
        "reviewer": "ann",
        "seq": 1,
        "action": "correct",
        "text": "better",
        "category": "wrong_answer",
        "note": "see docs",
    }


def test_every_event_is_synced_in_full_before_the_verb_returns_and_a_new_file_s_folder_too(
    folder, monkeypatch
):
    synced: list[tuple[int, int]] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        fsync(descriptor)
        status = os.fstat(descriptor)
        synced.append((status.st_ino, status.st_size))

    monkeypatch.setattr(os, "fsync", spy)
    queue = ReviewQueue(folder, reviewer="ann")
    for number, verb in enumerate([queue.approve, queue.skip, queue.undo, queue.discard]):
        synced.clear()
        verb("c0")
        status = journals(folder)[0].stat()
        assert (status.st_ino, status.st_size) in synced
        inodes = [inode for inode, _ in synced]
        assert ((folder / "reviews").stat().st_ino in inodes) == (number == 0)
        assert (folder.stat().st_ino in inodes) == (number == 0)


def test_one_event_is_one_write(folder, monkeypatch):
    writes: list[bytes] = []
    write = os.write

    def spy(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return write(descriptor, data)

    queue = ReviewQueue(folder, reviewer="ann")
    monkeypatch.setattr(os, "write", spy)
    queue.correct("c0", "x" * 1_000_000)
    assert len(writes) == 1
    assert writes[0].endswith(b"\n")


def test_n_processes_times_m_decisions_are_n_times_m_events(tmp_path):
    processes, decisions = 4, 40
    folder = make_folder(tmp_path / "review", processes * decisions)
    script = (
        "import sys\n"
        "from jarvis_lab.review.queue import ReviewQueue\n"
        "folder, mine, n, m = sys.argv[1], *map(int, sys.argv[2:])\n"
        "queue = ReviewQueue(folder, reviewer='team')\n"
        "for k in range(m):\n"
        "    queue.correct(f'c{k * n + mine}', f'text {mine} {k}')\n"
        "    queue.pending_count()\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder), str(mine), str(processes), str(decisions)],
            cwd=ROOT,
        )
        for mine in range(processes)
    ]
    assert [process.wait() for process in running] == [0] * processes
    found = events(folder)
    assert len(found) == processes * decisions
    assert len({event["event_id"] for event in found}) == processes * decisions
    assert len(journals(folder)) == processes
    queue = ReviewQueue(folder, reviewer="reader")
    assert queue.pending_count() == 0
    assert queue.get("c5").target == "text 1 1"


@needs_fork
def test_a_kill_at_a_random_moment_loses_no_acknowledged_decision_and_reading_goes_on(folder):
    chance = random.Random(7)
    acknowledged: set[str] = set()
    rounds = 15
    for _ in range(rounds):
        acknowledged |= decide_until_killed(folder, chance)
        with torn_lines_allowed():
            frame = ReviewQueue(folder, reviewer="reader").to_frame().set_index("id")
        decided = set(frame.index[frame["action"] == "correct"])
        assert acknowledged <= decided
        assert (
            frame.loc[sorted(decided), "target"]
            == "text of " + frame.index[frame["action"] == "correct"].sort_values()
        ).all()
    assert len(acknowledged) >= rounds
    assert len(decided) <= len(acknowledged) + rounds


def decide_until_killed(folder: Path, chance: random.Random) -> set[str]:
    """Ids whose decision a child had told of before it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with torn_lines_allowed():
            queue = ReviewQueue(folder, reviewer="victim")
        for item in queue.pending_ids():
            queue.correct(item, f"text of {item}")
            os.write(write, f"{item}\n".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        lines = [told.readline() for _ in range(chance.randint(1, 5))]
        for _ in range(chance.randrange(20_000)):
            pass
        os.kill(child, signal.SIGKILL)
        lines += told.readlines()
    os.waitpid(child, 0)
    return {line.strip() for line in lines if line.endswith("\n")}


def test_the_newest_journal_cut_at_any_byte_reads_less_one_event_which_is_reported(tmp_path):
    folder = make_folder(tmp_path / "review", 4)
    ReviewQueue(folder, reviewer="ann").discard("c0")
    newest = ReviewQueue(folder, reviewer="bob")
    newest.correct("c1", "ünï 🦉")
    newest.flag("c2", note="n")
    newest.undo("c2")
    path = next(path for path in journals(folder) if path.name.startswith("bob"))
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        complete = whole[:cut].count(b"\n")
        torn = not whole[:cut].endswith(b"\n") and cut > 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            queue = ReviewQueue(folder, reviewer="reader")
        assert len(caught) == torn
        assert [bad.line for bad in queue.bad_lines()] == [complete + 1] * torn
        assert sum(len(queue.history(item)) for item in ("c0", "c1", "c2")) == 1 + complete


def test_bytes_that_a_crash_left_in_the_last_line_harm_one_event(folder):
    ReviewQueue(folder, reviewer="ann").discard("c0")
    for tail in (b"\0" * 4096, b'{"v": 1, "event_id"', b"\xff\xfe", b"garbage\n", b"{}\n"):
        path = journals(folder)[0]
        whole = path.read_bytes()
        path.write_bytes(whole + tail)
        with pytest.warns(BadLineWarning, match=r"line 2"):
            assert ReviewQueue(folder, reviewer="b").get("c0").status == "discarded"
        path.write_bytes(whole)


def test_a_bad_line_in_the_middle_is_an_error_with_file_and_line(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    for item in ("c0", "c1", "c2"):
        queue.discard(item)
    path = journals(folder)[0]
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1][:-9]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match=rf"{path.name}, line 2"):
        ReviewQueue(folder, reviewer="bob")


def test_a_queue_that_is_open_notices_a_bad_line_in_the_middle_and_keeps_its_state(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    reader = ReviewQueue(folder, reviewer="reader")
    path = journals(folder)[0]
    path.write_bytes(path.read_bytes() * 2 + b"torn\n" + path.read_bytes())
    for _ in range(2):
        with pytest.raises(JournalError, match="line 3"):
            reader.get("c0")


def test_an_event_of_a_newer_version_is_not_read_as_something_else(folder):
    ReviewQueue(folder, reviewer="ann").discard("c0")
    path = journals(folder)[0]
    path.write_bytes(path.read_bytes().replace(b'"v":1', b'"v":2'))
    with pytest.raises(JournalError, match=r"version 2; .*Upgrade"):
        ReviewQueue(folder, reviewer="bob")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb'"discard"', b'"delete"'),
        (rb'"at":"\d', b'"at":"x'),
        (rb'"at":"\d{4}', b'"at":"9999'),
        (rb'"seq":1', b'"seq":"1"'),
        (rb'"reviewer":"ann"', b'"reviewer":""'),
        (rb'"event_id":"[^"]+"', b'"event_id":""'),
        (rb'"item_id":"c0"', b'"item_id":null'),
    ],
)
def test_an_event_that_makes_no_sense_is_a_bad_line(folder, old, new):
    ReviewQueue(folder, reviewer="ann").discard("c0")
    path = journals(folder)[0]
    changed, count = re.subn(old, new, path.read_bytes())
    assert count == 1
    path.write_bytes(changed)
    with pytest.warns(BadLineWarning, match="line 1"):
        assert ReviewQueue(folder, reviewer="bob").get("c0").status == "needs_review"


def test_times_in_another_zone_or_precision_are_put_in_order(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    path = journals(folder)[0]
    event = json.loads(path.read_bytes())
    event |= {"event_id": "x", "action": "flag", "at": "2020-01-01T00:00:00+02:00"}
    (folder / "reviews" / "other.jsonl").write_text(json.dumps(event) + "\n")
    assert queue.get("c0").status == "discarded"
    assert str(queue.history("c0")["at"][0]) == "2019-12-31 22:00:00+00:00"


def test_a_journal_copied_under_another_name_changes_nothing(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.correct("c0", "x")
    before = queue.stats()
    path = journals(folder)[0]
    shutil.copy(path, path.with_name("conflicted copy.jsonl"))
    assert queue.stats() == before
    assert len(queue.history("c0")) == 1
    assert queue.undo("c0").status == "needs_review"


def test_decisions_of_other_processes_become_visible_without_opening_again(folder):
    ann, bob = ReviewQueue(folder, reviewer="ann"), ReviewQueue(folder, reviewer="bob")
    ann.discard("c0")
    assert bob.get("c0").status == "discarded"
    assert bob.pending_count() == 199
    ann.undo("c0")
    assert bob.get("c0").status == "needs_review"
    assert not bob.refresh()


def test_a_line_still_being_written_by_another_process_is_read_once_it_is_whole(folder):
    ann, bob = ReviewQueue(folder, reviewer="ann"), ReviewQueue(folder, reviewer="bob")
    ann.discard("c0")
    ann.discard("c1")
    path = journals(folder)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert bob.get("c1").status == "needs_review"
    assert len(bob.bad_lines()) == 1
    path.write_bytes(whole)
    assert bob.get("c1").status == "discarded"
    assert bob.bad_lines() == []


def test_a_journal_that_vanishes_takes_its_events_along(folder):
    ann, bob = ReviewQueue(folder, reviewer="ann"), ReviewQueue(folder, reviewer="bob")
    ann.discard("c0")
    assert bob.pending_count() == 199
    journals(folder)[0].unlink()
    assert bob.pending_count() == 200
    assert bob.stats()["by_reviewer"] == {}


@needs_fork
def test_a_short_write_changes_nothing_and_the_session_goes_on_in_a_new_file(folder):
    def work() -> None:
        queue = ReviewQueue(folder, reviewer="ann")
        queue.discard("c0")
        full = journals(folder)[0]
        size = full.stat().st_size
        soft = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, soft[1]))
        with pytest.raises(NotSavedError, match=r"Not saved.*Nothing has changed"):
            queue.correct("c1", "typed for minutes" * 9)
        assert full.stat().st_size == size + 50, "the write was to be short"
        assert queue.get("c1").status == "needs_review"
        assert queue.stats()["by_status"] == {"needs_review": 199, "discarded": 1}
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
        assert queue.correct("c1", "typed for minutes" * 9).status == "approved"
        assert full.stat().st_size == size + 50, "nothing may be glued to torn bytes"

    in_child(work)
    assert len(journals(folder)) == 2
    with pytest.warns(BadLineWarning, match="unfinished line of 50 bytes"):
        queue = ReviewQueue(folder, reviewer="reader")
    assert queue.get("c0").status == "discarded"
    assert queue.get("c1").target == "typed for minutes" * 9
    assert len(queue.history("c1")) == 1


@needs_fork
def test_a_refused_write_changes_nothing_and_leaves_no_empty_files_behind(folder):
    def work() -> None:
        queue = ReviewQueue(folder, reviewer="ann")
        soft = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, soft[1]))
        for _ in range(3):
            with pytest.raises(NotSavedError) as caught:
                queue.save_draft("c1", "typing")
            assert caught.value.errno == errno.EFBIG
        assert journals(folder) == []
        assert queue.get("c1").draft is None
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
        assert queue.save_draft("c1", "typing").draft == "typing"

    in_child(work)


@needs_fork
@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_read_only_folder_gives_an_error_and_reading_goes_on(folder):
    nobody = 65534

    def work() -> None:
        folder.chmod(0o555)
        if os.getuid() == 0:
            os.setgid(nobody)
            os.setuid(nobody)
        queue = ReviewQueue(folder, reviewer="ann")
        with pytest.raises(NotSavedError, match="Permission denied"):
            queue.correct("c1", "text")
        assert queue.get("c1").status == "needs_review"

    closed = [parent for parent in folder.parents if parent.stat().st_mode & 0o005 != 0o005]
    modes = {parent: parent.stat().st_mode for parent in closed}
    try:
        for parent, mode in modes.items():
            parent.chmod(mode | 0o005)
        in_child(work)
    finally:
        for parent, mode in modes.items():
            parent.chmod(mode)


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a mount of its own (unshare -rm)")
def test_on_a_full_disk_decisions_fail_one_by_one_and_none_that_was_saved_is_lost(tmp_path):
    script = (
        "import json, sys, pathlib, warnings\n"
        "from jarvis_lab.review.queue import ReviewQueue\n"
        "from jarvis_lab.review.errors import NotSavedError\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "lines = [json.dumps({'id': f'c{n}', 'model_response': 'r'}) for n in range(400)]\n"
        "(folder / 'sft_candidates.jsonl').write_text('\\n'.join(lines))\n"
        "queue = ReviewQueue(folder, reviewer='ann')\n"
        "saved, failed = [], []\n"
        "for item in queue.pending_ids():\n"
        "    try:\n"
        "        queue.correct(item, 'x' * 1000)\n"
        "        saved.append(item)\n"
        "    except NotSavedError as error:\n"
        "        assert error.errno in (0, 28), error\n"
        "        failed.append(item)\n"
        "warnings.simplefilter('ignore')\n"
        "again = ReviewQueue(folder, reviewer='ann')\n"
        "assert saved and failed\n"
        "assert [item for item in saved if again.get(item).target != 'x' * 1000] == []\n"
        "assert [item for item in failed if again.get(item).status != 'needs_review'] == []\n"
        "assert again.stats() == queue.stats()\n"
        "(folder / 'sft_candidates.jsonl').unlink()\n"
    )
    command = f'mount -t tmpfs -o size=160k none {tmp_path} && {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("failures", [1, 2, 5])
def test_an_event_whose_sync_failed_does_not_count_for_anyone_later(folder, monkeypatch, failures):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    fsync, broken = os.fsync, [True] * failures

    def failing(descriptor: int) -> None:
        if broken:
            broken.pop()
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(NotSavedError, match="Input/output error"):
        queue.correct("c1", "lost")
    assert queue.get("c1").status == "needs_review"
    assert queue.stats()["export_ready"] == 0
    while broken:
        with pytest.raises(NotSavedError, match="Input/output error"):
            queue.correct("c1", "lost again")
    queue.flag("c2")
    assert queue.get("c1").status == "needs_review"
    other = ReviewQueue(folder, reviewer="bob")
    assert other.get("c1").status == "needs_review"
    assert other.get("c2").status == "model_rejected"
    with pytest.raises(ValueError, match="no undo left"):
        other.redo("c1")


def test_an_event_whose_sync_failed_is_withdrawn_at_once_if_the_disk_lets_it(folder, monkeypatch):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    fsync, broken = os.fsync, [True]

    def failing(descriptor: int) -> None:
        if broken:
            broken.clear()
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(NotSavedError):
        queue.correct("c1", "lost")
    other = ReviewQueue(folder, reviewer="bob")
    assert other.get("c1").status == "needs_review"
    assert other.history("c1")["action"].tolist() == ["correct", "undo"]
    assert queue.correct("c1", "kept").target == "kept"
    assert other.get("c1").target == "kept"


@needs_fork
def test_a_forked_process_writes_a_file_of_its_own(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    in_child(lambda: queue.discard("c1") and None)
    in_child(lambda: queue.discard("c2") and None)
    queue.discard("c3")
    written = [re.findall(rb'"item_id":"(c\d)"', path.read_bytes()) for path in journals(folder)]
    assert sorted(written) == [[b"c0", b"c3"], [b"c1"], [b"c2"]]
    assert queue.stats()["by_status"]["discarded"] == 4


@needs_fork
def test_a_process_forked_while_a_thread_was_deciding_can_decide_too(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    held, done = threading.Event(), threading.Event()

    def decide_slowly() -> None:
        with queue._guard():
            held.set()
            done.wait()

    def work() -> None:
        signal.alarm(20)
        queue.discard("c0")

    thread = threading.Thread(target=decide_slowly)
    thread.start()
    held.wait()
    try:
        in_child(work)
    finally:
        done.set()
        thread.join()
    assert queue.get("c0").status == "discarded"


def test_a_journal_changed_by_something_else_is_left_alone(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    path = journals(folder)[0]
    torn = path.read_bytes() + b'{"v":1,'
    path.write_bytes(torn)
    queue.discard("c1")
    assert path.read_bytes() == torn
    for path in journals(folder):
        path.unlink()
    queue.discard("c2")
    assert [event["item_id"] for event in events(folder)] == ["c2"]


def test_times_never_step_back_within_a_session_nor_before_what_they_answer(folder):
    queue = ReviewQueue(folder, reviewer="ann")
    queue.discard("c0")
    path = journals(folder)[0]
    event = json.loads(path.read_bytes())
    event |= {"event_id": "x", "reviewer": "bob", "at": "2090-01-01T00:00:00.000000Z"}
    (folder / "reviews" / "bob.jsonl").write_text(json.dumps(event) + "\n")
    assert queue.get("c0").reviewer == "bob"
    queue.edit("c0", "after bob")
    assert queue.get("c0").target == "after bob"
    queue.discard("c1")
    at = [event["at"] for event in events(folder) if event["reviewer"] == "ann"]
    assert at == sorted(at)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/b\\c", "Zoë 🦉", "...", "", "x" * 500, "nul\0byte", "-rf", "a\nb"],
)
def test_any_reviewer_name_makes_a_safe_file_name_and_stands_in_the_event_as_it_is(folder, name):
    queue = ReviewQueue(folder, reviewer=name)
    queue.discard("c0")
    (path,) = journals(folder)
    assert path.parent == folder / "reviews"
    assert len(path.name) < 120
    assert path.name.isascii()
    assert path.name[0].isalnum()
    assert events(folder)[0]["reviewer"] == (name or login_name())


def test_file_names_keep_what_is_plain():
    assert file_name("2026-01-02-101112", otherwise="run") == "2026-01-02-101112"
    assert file_name("Zoë", otherwise="reviewer") == "Zoe"
    assert file_name("日本", otherwise="reviewer") == "reviewer"


def test_the_login_name_has_a_fallback(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)
    assert login_name() == "reviewer"


def test_the_writer_numbers_its_events_from_one(tmp_path):
    writer = JournalWriter(tmp_path / "reviews", "ann")
    written = [writer.append("a", "0" * 64, "skip") for _ in range(3)]
    assert [event.seq for event in written] == [1, 2, 3]
    assert len({event.event_id for event in written}) == 3
