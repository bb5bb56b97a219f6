"""Who does which item and where its draft goes: whatever the order in which processes finish."""

from __future__ import annotations

import sys
import threading
from types import FrameType

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jarvis_lab.synthesis.course import Course
from jarvis_lab.synthesis.desk import Done, Step


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 4), st.data())
def test_every_draft_finds_its_place_whoever_is_slow(
    sizes: list[int], processes: int, data: st.DataObject
) -> None:
    course = Course(sizes)
    held: list[set[int]] = [set() for _ in range(processes)]
    busy: dict[int, Step] = {}
    places: dict[int, int] = {}
    while True:
        for process in range(processes):
            if process not in busy and (step := course._step(sorted(held[process]))):
                busy[process] = step
                held[process] |= {step.number} - {-1}
        if not busy:
            break
        process = data.draw(st.sampled_from(sorted(busy)))
        step = busy.pop(process)
        places.update(step.places)
        held[process] -= {number for number, _ in step.places}
        assert len(held[process]) <= 3
        size = 0 if step.number < 0 else sizes[step.number]
        course.did(step, Done(step.places, size))
    assert places == {number: sum(sizes[:number]) for number in range(len(sizes))}
    assert [course.take(number) for number in range(len(sizes))] == [
        places[number] for number in range(len(sizes))
    ]
    assert not any(held)


def test_who_waits_is_woken_by_the_result_it_wants_by_a_place_and_by_the_end() -> None:
    course = Course("ab")
    first, second = course.next_step([]), course.next_step([])
    assert first == Step([], 0, "a")
    assert second == Step([], 1, "b")
    found: list[Step | None] = []
    waiting = [
        threading.Thread(target=lambda: found.append(course.next_step([1]))),
        threading.Thread(target=lambda: found.append(course.next_step([], awaited=0))),
        threading.Thread(target=lambda: found.append(course.next_step([0, 1], awaited=None))),
    ]
    waiting[0].start()
    course.did(second, Done([], 5))
    course.did(first, Done([], 7))
    waiting[0].join()
    assert found == [Step([(1, 7)], -1, None)]
    waiting[1].start()
    course.did(Step([(0, 0)], -1, None), Done([(0, "A")], 0))
    waiting[1].join()
    assert found[1:] == [None]
    assert course.take(0) == "A"
    course.stop()
    waiting[2].start()
    waiting[2].join()
    assert found[2:] == [None]


@pytest.mark.parametrize("moment", ["call", "return"])
def test_ctrl_c_on_the_way_into_the_lock_or_out_of_it_leaves_it_free(moment: str) -> None:
    course = Course("a")
    course.next_step([])

    def interrupt(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_name not in ("__enter__", "__exit__"):
            return None
        if event == moment:
            raise KeyboardInterrupt
        return interrupt

    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        course.did(Step([], 0, "a"), Done([], 0))
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    free: list[bool] = []
    other = threading.Thread(target=lambda: free.append(course._changed.acquire(False)))
    other.start()
    other.join()
    assert free == [True]


def test_a_failure_stands_where_the_result_would() -> None:
    course = Course("ab")
    course.next_step([])
    course.failed([0], ValueError("no a"))
    assert course.next_step([], awaited=0) is None
    with pytest.raises(ValueError, match="no a"):
        course.take(0)
