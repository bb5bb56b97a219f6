"""The path of one sitting: every pending item once, back and forward, and others at work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.widgets import _review_walk
from jarvis_lab.widgets._review_walk import Filters, Walk


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    run = tmp_path / "2026-03-01-101500"
    run.mkdir()
    lines = "".join(
        json.dumps({"id": f"c{n}", "model_response": f"a{n}", "model_name": f"m{n % 2}"}) + "\n"
        for n in range(7)
    )
    (run / "sft_candidates.jsonl").write_text(lines)
    queue = ReviewQueue(tmp_path / "review", reviewer="ann")
    queue.import_run(run)
    return queue


@pytest.fixture(params=[1, 2, 50])
def walk(queue: ReviewQueue, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_review_walk, "_AHEAD", request.param)
    walk = Walk(queue)
    walk.restart(Filters())
    return walk


def seen(walk: Walk) -> list[str]:
    found = []
    while walk.item_id is not None:
        found.append(walk.item_id)
        walk.forward()
    return found


def test_every_pending_item_comes_once(walk: Walk) -> None:
    assert seen(walk) == [f"c{n}" for n in range(7)]
    assert walk.forward() is None


def test_skipped_items_do_not_come_twice_in_a_round(queue: ReviewQueue, walk: Walk) -> None:
    found = []
    while walk.item_id is not None:
        found.append(walk.item_id)
        queue.skip(walk.item_id)
        walk.forward()
    assert found == [f"c{n}" for n in range(7)]
    assert walk.restart(Filters()) == "c0"


def test_items_that_others_decide_meanwhile_are_passed_over(queue: ReviewQueue, walk: Walk) -> None:
    other = ReviewQueue(queue.folder, reviewer="bob")
    other.approve("c1")
    other.approve("c3")
    assert seen(walk) == ["c0", "c2", "c4", "c5", "c6"]


def test_back_and_forward_walk_the_same_path(walk: Walk) -> None:
    walk.forward()
    walk.forward()
    assert [walk.back(), walk.back(), walk.back()] == ["c1", "c0", "c0"]
    assert not walk.can_go_back
    assert [walk.forward(), walk.forward(), walk.forward()] == ["c1", "c2", "c3"]


def test_back_from_the_end_is_the_last_item(walk: Walk) -> None:
    seen(walk)
    assert walk.back() == "c6"


def test_going_to_an_item_puts_the_one_on_screen_after_it(walk: Walk) -> None:
    walk.forward()
    walk.forward()
    walk.go_to("c0")
    assert walk.item_id == "c0"
    assert [walk.forward(), walk.forward()] == ["c2", "c3"]


def test_going_to_an_item_at_the_end_leads_back_to_the_end(walk: Walk) -> None:
    seen(walk)
    walk.go_to("c4")
    assert walk.item_id == "c4"
    assert walk.forward() is None


def test_filters_choose_and_are_counted(queue: ReviewQueue, walk: Walk) -> None:
    walk.restart(Filters(model="m1"))
    assert walk.left() == 3
    assert seen(walk) == ["c1", "c3", "c5"]
    assert Filters(model="m1").active
    assert Filters(listing="stale").active
    assert not Filters(order="value").active


def test_conflicts_are_a_list_of_their_own(queue: ReviewQueue, walk: Walk) -> None:
    other = ReviewQueue(queue.folder, reviewer="bob")
    for number in (2, 5):
        queue.correct(f"c{number}", "one")
        other.refresh()
        other.edit(f"c{number}", "two")
    walk.restart(Filters(listing="conflicts"))
    assert walk.left() == 2
    assert seen(walk) == ["c2", "c5"]


def test_restarting_on_the_item_on_screen_does_not_double_it(walk: Walk) -> None:
    walk.restart(Filters(order="quality"))
    assert walk.item_id == "c0"
    assert not walk.can_go_back


def test_an_item_gone_to_does_not_come_again_when_its_turn_comes(walk: Walk) -> None:
    walk.go_to("c3")
    assert seen(walk) == ["c3", "c0", "c1", "c2", "c4", "c5", "c6"]
