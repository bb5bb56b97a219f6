"""The processes of an export: results in order, and an end that is an end."""

from __future__ import annotations

import operator
import os

import pytest

from jarvis_lab.synthesis.workers import Crew


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    with Crew(workers) as crew:
        assert list(crew.map(operator.neg, range(50))) == [-number for number in range(50)]


def test_what_was_shared_reaches_the_functions_of_every_worker() -> None:
    with Crew(3) as crew:
        crew.share(100)
        assert list(crew.map(operator.add, range(30), 100)) == list(range(100, 130))


def test_after_stop_no_worker_runs_and_none_takes_work() -> None:
    with Crew(3) as crew:
        pids = [worker._process.pid for worker in crew._workers]
        crew.stop()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        with pytest.raises(RuntimeError, match="ended early"):
            crew.share("anything")
        crew.stop()  # a second time is no harm


def test_an_error_in_the_block_stops_the_workers() -> None:
    crew = Crew(2)
    crew.share(0)
    with pytest.raises(ZeroDivisionError), crew:
        list(crew.map(operator.truediv, [1], 0))
    assert crew._workers[0]._process.returncode is not None
