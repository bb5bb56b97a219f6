from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import ITEM_COLUMNS


def put(folder: Path, *records: dict[str, object]) -> ReviewQueue:
    folder.mkdir(parents=True)
    (folder / "sft_candidates.jsonl").write_text("\n".join(map(json.dumps, records)))
    return ReviewQueue(folder, reviewer="ann")


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    def record(
        item: str, model: str | None, task: str | None, quality: object
    ) -> dict[str, object]:
        found = {"id": item, "model_name": model, "task_type": task, "quality_score": quality}
        return found | {"model_response": f"the answer of {item}"}

    return put(
        tmp_path / "r",
        record("a", "big", "code", 0.6),
        record("b", "small", "code", "0.2"),
        record("c", "big", "math", float("nan")),
        record("d", None, "math", 0.2),
        record("e", "small", None, 0.9),
    )


def test_file_order_is_the_order_of_the_file(queue):
    assert queue.pending_ids() == list("abcde")
    assert queue.pending()["id"].tolist() == list("abcde")


def test_quality_order_starts_with_the_worst_and_ends_with_the_unscored(queue):
    assert queue.pending_ids(order="quality") == list("bdaec")
    assert queue.pending(order="quality")["id"].tolist() == list("bdaec")


def test_an_unknown_order_is_refused(queue):
    with pytest.raises(ValueError, match="order='best' is not one of 'file', 'quality', 'value'"):
        queue.pending(order="best")


def test_pages_cut_the_order_and_one_beyond_the_last_is_empty(queue):
    pages = [queue.pending(page, 2)["id"].tolist() for page in (1, 2, 3, 4)]
    assert pages == [["a", "b"], ["c", "d"], ["e"], []]
    assert list(queue.pending(4, 2).columns) == list(ITEM_COLUMNS)
    assert queue.pending(2, 2).index.tolist() == [0, 1]


@pytest.mark.parametrize(("page", "per_page"), [(0, 20), (-1, 20), (1, 0)])
def test_pages_are_counted_from_one(queue, page, per_page):
    with pytest.raises(ValueError, match="at least 1"):
        queue.pending(page, per_page)
    with pytest.raises(TypeError, match="whole number"):
        queue.pending(1.5)


def test_filters_by_model_and_task_type_and_their_counts(queue):
    assert queue.pending_ids(model="small") == ["b", "e"]
    assert queue.pending_ids(task_type="math") == ["c", "d"]
    assert queue.pending_ids(model="big", task_type="math") == ["c"]
    assert queue.pending_ids(model="unknown") == ["d"]
    assert queue.pending_ids(task_type="unknown") == ["e"]
    assert queue.pending_ids(model="nobody") == []
    assert queue.pending_count(model="small") == 2
    assert queue.pending_count() == 5


def test_decided_items_are_not_pending_under_any_filter(queue):
    queue.discard("b")
    assert queue.pending_ids(order="quality") == list("daec")
    assert queue.pending_ids(model="small") == ["e"]
    assert queue.pending_count(model="small") == 1


@pytest.mark.parametrize("order", ["file", "quality", "value"])
def test_skipped_items_come_last_in_every_order(queue, order):
    queue.skip("b")
    found = queue.pending_ids(order=order)
    assert found[-1] == "b"
    assert sorted(found) == list("abcde")


def test_search_looks_in_names_prompt_answer_and_reason_case_ignored(tmp_path):
    queue = put(
        tmp_path / "s",
        {"id": "a", "model_response": "STRASSE 7\nnext"},
        {"id": "b", "prompt_messages": [{"role": "user", "content": "Straße"}]},
        {"id": "c", "prompt_messages": [{"content": [{"type": "text", "text": "strasse"}]}]},
        {"id": "d", "failure_reason": "no strasse"},
        {"id": "e", "task_name": "Strasse"},
        {"id": "f", "model_name": "strasse"},
        {"id": "strasse"},
        {"id": "g", "source": "strasse"},
    )
    assert queue.pending_ids(search="Strasse") == [*"abcdef", "strasse"]
    assert queue.pending_ids(search=" STRAß ") == [*"abcdef", "strasse"]
    assert queue.pending_ids(search="7\nNext") == ["a"]
    assert queue.pending_ids(search="  ") == [*"abcdef", "strasse", "g"]
    assert queue.pending_count(search="no strasse") == 1


@pytest.mark.parametrize("search", ['"', "\\", "$x$", "(.*", "<b>", "\x00", "é", "u00e9"])
def test_search_text_is_text_and_no_pattern(tmp_path, search):
    queue = put(
        tmp_path / "s",
        {"id": "a", "model_response": f"x{search}x"},
        {"id": "b", "model_response": "nothing"},
    )
    assert queue.pending_ids(search=search) == ["a"]


def test_a_longer_search_text_finds_what_it_finds_on_its_own(queue):
    queue.pending_ids(search="answer")
    assert queue.pending_ids(search="answer of b") == ["b"]
    assert queue.pending_ids(search="the answer of") == list("abcde")


def test_a_search_sees_candidates_that_came_later(queue):
    assert queue.pending_ids(search="late") == []
    folder = queue.folder / "candidates"
    folder.mkdir()
    (folder / "000001-x.jsonl").write_text('{"id": "z", "model_response": "late"}\n')
    assert queue.pending_ids(search="late") == ["z"]


def scored(item: str, model: str, task: str, quality: float) -> dict[str, object]:
    return {"id": item, "model_name": model, "task_type": task, "quality_score": quality}


def test_value_prefers_heavy_task_types(tmp_path):
    heavy = [scored(f"h{n}{m}", m, "heavy", 0.5) for n in range(3) for m in "xy"]
    light = [scored(f"l{n}{m}", m, "light", 0.5) for n in range(3) for m in "xy"][:6]
    queue = put(tmp_path / "r", *light, *heavy, scored("h9", "x", "heavy", 0.5))
    assert queue.pending_ids(order="value")[0].startswith("h")


def test_value_prefers_scores_near_a_tie(tmp_path):
    queue = put(
        tmp_path / "r",
        *[scored(f"far-{m}", m, "far", q) for m, q in (("x", 0.9), ("y", 0.1))],
        *[scored(f"near-{m}", m, "near", q) for m, q in (("x", 0.5), ("y", 0.49))],
    )
    assert [item.split("-")[0] for item in queue.pending_ids(order="value")] == [
        "near",
        "near",
        "far",
        "far",
    ]


def test_value_prefers_task_types_where_reviewers_overturn_the_score(tmp_path):
    records = [
        scored(f"{task}{n}{m}", m, task, 0.5) for task in "tu" for n in range(3) for m in "xy"
    ]
    queue = put(tmp_path / "r", *records)
    assert queue.pending_ids(order="value")[0].startswith("t")
    queue.discard("t0x")
    queue.approve("u0x")
    assert queue.pending_ids(order="value")[0].startswith("u")
    assert {item[0] for item in queue.pending_ids(order="value")[:5]} == {"u"}


def test_value_follows_its_formula(tmp_path):
    queue = put(
        tmp_path / "r",
        scored("a", "x", "t", 0.8),
        scored("b", "x", "t", 0.4),
        scored("c", "y", "t", 0.3),
        scored("d", "x", "u", 0.3),
    )
    gap = 0.6 - 0.3
    share, doubt = 3 / 4, 1 - 1 / 2
    expected = [0.4 / (0.4 + gap), 0.3 / (0.3 + gap), 0.7 / (0.7 + gap), 0.0]
    found = queue._shelf.value(queue._ledger)
    np.testing.assert_allclose(found, np.array(expected) * share * doubt)


def test_value_of_an_empty_queue_is_empty(tmp_path):
    queue = ReviewQueue(tmp_path / "none", reviewer="ann")
    assert queue.pending_ids(order="value") == []
    assert queue.pending_count(model="x", search="y") == 0
