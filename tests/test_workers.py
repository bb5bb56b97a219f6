"""The processes of an export: results in order, places without gaps, and an end that is an end."""

from __future__ import annotations

import operator
import os
import threading
from pathlib import Path

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
