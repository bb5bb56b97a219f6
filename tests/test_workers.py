"""The processes of an export: results in order, places without gaps, and an end that is an end."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jarvis_lab.synthesis.desk import Step
from jarvis_lab.synthesis.workers import Crew


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    with Crew(workers) as crew:
        assert list(crew.map(operator.neg, range(50))) == [-number for number in range(50)]
        assert list(crew.map(operator.neg, [])) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_shared_reaches_the_functions_of_every_worker(workers: int) -> None:
    with Crew(workers) as crew:
        crew.share(100)
        assert list(crew.map(operator.add, range(30))) == list(range(100, 130))
        crew.share(200)
        assert list(crew.map(operator.add, range(30))) == list(range(200, 230))


class Text:
    """A draft: ``number`` written so many times, by the process that has it."""

    def __init__(self, number: int) -> None:
        self._bytes = b"%d," % number * number
        self.size = len(self._bytes)
        self._process = os.getpid()

    def place(self, path: Path, offset: int) -> tuple[int, int, int]:
        assert os.getpid() == self._process, "a draft stays in its process"
        with open(path, "r+b") as handle:
            handle.seek(offset)
            handle.write(self._bytes)
        return offset, self.size, self._process


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_drafts_are_laid_one_behind_the_other(workers: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    with Crew(workers) as crew:
        laid = list(crew.lay(Text, range(200), path))
    assert path.read_bytes() == b"".join(b"%d," % number * number for number in range(200))
    ends = [offset + size for offset, size, _ in laid]
    assert [offset for offset, _, _ in laid] == [0, *ends[:-1]]
    assert {process for _, _, process in laid} <= {
        os.getpid(),
        *(worker._process.pid for worker in crew._workers),
    }


def failing(number: int) -> Text:
    if number in (20, 23):
        raise ValueError(f"item {number}")
    return Text(number)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_results_before_a_failure_are_given_and_then_its_error(
    workers: int, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.touch()
    before = threading.active_count()
    seen = []
    with Crew(workers) as crew, pytest.raises(ValueError, match=r"item 2[03]"):  # noqa: PT012
        for offset, _, _ in crew.lay(failing, range(50), path):
            seen.append(offset)
    assert len(seen) <= 20
    assert seen == sorted(seen)
    assert threading.active_count() == before


def test_who_stops_asking_stops_the_workers(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    before = threading.active_count()
    with Crew(3) as crew:
        laid = crew.lay(Text, range(200), path)
        next(laid)
        laid.close()
        assert threading.active_count() == before
        assert all(worker._process.returncode is not None for worker in crew._workers)


def test_after_stop_no_worker_runs_and_none_takes_work() -> None:
    with Crew(3) as crew:
        pids = [worker._process.pid for worker in crew._workers]
        crew.stop()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        for worker in crew._workers:
            with pytest.raises(RuntimeError, match="ended early"):
                worker._ask((operator.neg, None, Step([], 0, 5)))
        crew.stop()  # a second time is no harm


def test_an_error_in_the_block_stops_the_workers() -> None:
    crew = Crew(2)
    crew.share(0)
    with pytest.raises(ZeroDivisionError), crew:
        list(crew.map(operator.truediv, [1]))
    assert crew._workers[0]._process.returncode is not None


class Sealed:
    """What no pickle can hold."""

    def __reduce__(self) -> str:
        raise TypeError("sealed")


def sealed(_: int) -> Sealed:
    return Sealed()


def test_an_answer_that_cannot_be_sent_is_an_error_and_not_a_wait() -> None:
    with Crew(2) as crew, pytest.raises(RuntimeError, match=r"could not be sent.*sealed"):
        crew._workers[0]._ask((sealed, None, Step([], 0, 5)))


class NeedsTwoError(Exception):
    """What a pickle holds but cannot make again: it keeps one argument of two."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} because {why}")


class PickyError(Exception):
    """What fails as a closed pipe would when it is made again."""

    def __init__(self, why: str) -> None:
        if "picky" in why:
            raise ValueError("no")
        super().__init__(f"picky: {why}")


def unrepeatable(number: int) -> None:
    if number % 2:
        raise NeedsTwoError("no rows", "no reason")
    raise PickyError("no reason")


@pytest.mark.parametrize(
    ("number", "said"), [(1, "no rows because no reason"), (2, "picky: no reason")]
)
def test_an_error_that_cannot_be_made_again_is_told_and_not_a_wait(number: int, said: str) -> None:
    with Crew(2) as crew:
        with pytest.raises(RuntimeError, match=rf"A worker's work failed: .*{said}"):
            crew._workers[0]._ask((unrepeatable, None, Step([], 0, number)))
        assert crew._workers[0]._ask((operator.neg, None, Step([], 1, 5))).results == [(1, -5)]


def refuse() -> None:
    raise LookupError("not here")


class Unreadable:
    """What can be sent and not be received."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse, ()


def unreadable(_: int) -> Unreadable:
    return Unreadable()


def test_an_answer_that_cannot_be_read_is_an_error_that_says_why() -> None:
    with Crew(2) as crew:
        with pytest.raises(RuntimeError, match=r"cannot be read: LookupError\('not here'\)"):
            crew._workers[0]._ask((unreadable, None, Step([], 0, 5)))
        assert crew._workers[0]._process.returncode == 0


@pytest.mark.parametrize("text", ["Hello", "This looks like a long text to a pickle"])
def test_what_is_printed_while_python_starts_is_no_answer(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"print({text!r}, end='', flush=True)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with Crew(2) as crew:
        for number in (5, 6):
            done = crew._workers[0]._ask((operator.neg, None, Step([], 0, number)))
            assert done.results == [(0, -number)]


def test_a_path_object_on_the_search_path_is_passed_over_as_imports_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [Path("x"), *sys.path])
    with Crew(2) as crew:
        done = crew._workers[0]._ask((operator.neg, None, Step([], 0, 5)))
        assert done.results == [(0, -5)]


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")
def test_ctrl_c_while_the_workers_start_leaves_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, pids = subprocess.Popen, []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        if pids:
            raise KeyboardInterrupt
        process = plain(*arguments, **options)
        pids.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        Crew(3)
    forgotten = [process for process in subprocess._active if process.pid in pids]
    assert [process.wait(timeout=60) for process in forgotten] == [0]


def test_ctrl_c_while_the_threads_start_stops_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.touch()
    before = threading.active_count()

    class Interrupted(threading.Thread):
        def start(self) -> None:
            if threading.active_count() > before:
                raise KeyboardInterrupt
            super().start()

    with Crew(3) as crew:
        laid = crew.lay(Text, range(200), path)
        monkeypatch.setattr(threading, "Thread", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(laid)
        monkeypatch.undo()
        assert threading.active_count() == before
        assert all(worker._process.returncode is not None for worker in crew._workers)


def test_what_is_shared_is_sent_once() -> None:
    with Crew(2) as crew:
        crew.share(100)
        done = crew._workers[0]._ask((operator.add, None, Step([], 0, 5)))
        assert done.results == [(0, 105)]
        assert crew._workers[0].news == b""


@pytest.mark.skipif(os.name == "nt", reason="needs sessions")
def test_ctrl_c_in_a_terminal_does_not_reach_the_workers() -> None:
    with Crew(2) as crew:
        assert os.getsid(crew._workers[0]._process.pid) == crew._workers[0]._process.pid


def fails(crew: Crew) -> None:
    with crew:
        raise LookupError


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_an_error_that_is_none_of_theirs_ends_the_workers_at_once() -> None:
    crew = Crew(2)
    with pytest.raises(LookupError):
        fails(crew)
    assert crew._workers[0]._process.returncode == -signal.SIGKILL
