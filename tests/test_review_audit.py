from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from jarvis_lab.review.errors import UnknownItemError
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import EVENT_COLUMNS, ITEM_COLUMNS

FULL = {
    "id": "a",
    "source": "bench",
    "benchmark_run_id": "2026-01-02-101112",
    "timestamp": "2026-01-02T10:11:12Z",
    "status": "needs_review",
    "prompt_messages": [{"role": "user", "content": "2 + 2?"}],
    "model_response": "5",
    "corrected_response": None,
    "quality_score": 0.25,
    "failure_reason": "wrong",
    "task_id": "t1",
    "task_type": "math",
    "task_name": "Sums",
    "model_id": "m-1",
    "model_name": "Model 1",
    "node_id": "node",
    "gpu_id": 3,
    "tokens_per_sec": 41.5,
    "failure_category": "wrong_answer",
}


def put(folder: Path, *records: dict[str, object]) -> ReviewQueue:
    folder.mkdir(parents=True)
    (folder / "sft_candidates.jsonl").write_text("\n".join(map(json.dumps, records)))
    return ReviewQueue(folder, reviewer="ann")


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize("records", [(), ({"id": "b"},), (FULL,)])
def test_columns_and_dtypes_are_the_same_however_empty(tmp_path, records):
    queue = put(tmp_path / "r", *records)
    assert dtypes(queue.to_frame()) == ITEM_COLUMNS
    assert dtypes(queue.pending()) == ITEM_COLUMNS
    for table in (queue.conflicts(), queue.stale()):
        assert dtypes(table) == EVENT_COLUMNS
    if records:
        assert dtypes(queue.history(records[0]["id"])) == EVENT_COLUMNS


def test_a_row_has_every_field_of_the_candidate(tmp_path):
    row = put(tmp_path / "r", FULL).to_frame().iloc[0]
    for name in FULL.keys() - {"gpu_id", "corrected_response"}:
        assert row[name] == FULL[name], name
    assert row["gpu_id"] == "3"
    assert pd.isna(row["corrected_response"])
    assert (row["source_file"], row["source_line"]) == ("sft_candidates.jsonl", 1)
    assert row[["action", "target", "reviewer", "decided_at", "note"]].isna().all()
    assert not row["conflict"]
    assert not row["stale"]


def test_a_decision_shows_in_its_row(tmp_path):
    queue = put(tmp_path / "r", FULL, FULL | {"id": "b"})
    before = pd.Timestamp.now("UTC").floor("s")
    queue.correct("a", "4", failure_category="format_error", note="n")
    queue.approve("b")
    frame = queue.to_frame().set_index("id")
    first = frame.loc["a"]
    assert first["status"] == "approved"
    assert (first["target"], first["corrected_response"]) == ("4", "4")
    assert (first["action"], first["reviewer"], first["note"]) == ("correct", "ann", "n")
    assert first["failure_category"] == "format_error"
    assert before <= first["decided_at"] <= pd.Timestamp.now("UTC")
    assert frame.loc["b", "target"] == "5"
    assert pd.isna(frame.loc["b", "corrected_response"])


def test_one_item_is_a_row_of_the_table(tmp_path):
    queue = put(tmp_path / "r", FULL)
    queue.correct("a", "4")
    row, item = queue.to_frame().iloc[0], queue.get("a")
    for name in ITEM_COLUMNS:
        mine = getattr(item, name)
        assert (mine is None and pd.isna(row[name])) or mine == row[name], name
    assert repr(item) == "ReviewItem('a', approved, model Model 1)"


def test_an_item_s_html_is_escaped(tmp_path):
    queue = put(tmp_path / "r", FULL | {"model_name": "<script>x</script>"})
    assert "<script>" not in queue.get("a")._repr_html_()


def test_history_has_every_event_with_what_undid_it(tmp_path):
    queue = put(tmp_path / "r", FULL | {"status": "discarded"})
    queue.save_draft("a", "typing")
    queue.edit("a", "typed", note="n")
    queue.undo("a")
    found = queue.history("a")
    assert found["action"].tolist() == ["discard", "draft", "correct", "undo"]
    assert found["in_force"].tolist() == [True, True, False, True]
    assert found["undoes"].tolist()[3] == found["event_id"][2]
    assert found["text"].tolist()[1:3] == ["typing", "typed"]
    assert found["note"].tolist()[2] == "n"
    assert pd.isna(found["at"][0])
    assert pd.isna(found["reviewer"][0])
    assert found["at"][1:].is_monotonic_increasing
    with pytest.raises(UnknownItemError):
        queue.history("b")


def test_stats_of_an_empty_queue_are_zero(tmp_path):
    assert ReviewQueue(tmp_path / "none", reviewer="ann").stats() == {
        "total": 0,
        "by_status": {},
        "by_model": {},
        "by_task_type": {},
        "export_ready": 0,
        "by_failure_category": {},
        "by_reviewer": {},
        "per_day": {},
    }


def test_stats_count_what_is_in_force(tmp_path):
    queue = put(tmp_path / "r", FULL, FULL | {"id": "b"}, {"id": "c"}, {"id": "d"})
    queue.correct("a", "4", failure_category="wrong_answer")
    queue.approve("b")
    queue.approve("c")
    queue.discard("d", failure_category="hallucination")
    queue.undo("d")
    today = queue.get("a").decided_at.date().isoformat()
    assert queue.stats() == {
        "total": 4,
        "by_status": {"needs_review": 1, "approved": 3},
        "by_model": {"Model 1": 2, "unknown": 2},
        "by_task_type": {"math": 2, "unknown": 2},
        "export_ready": 2,
        "by_failure_category": {"wrong_answer": 1},
        "by_reviewer": {"ann": 3},
        "per_day": {today: 3},
    }
    assert ReviewQueue(queue.folder, reviewer="bob").stats() == queue.stats()


def test_tables_are_new_each_time(tmp_path):
    queue = put(tmp_path / "r", FULL)
    frame = queue.to_frame()
    frame["id"] = "changed"
    assert queue.to_frame()["id"].tolist() == ["a"]
    item = queue.get("a")
    item.prompt_messages[0]["content"] = "changed"
    assert queue.get("a").prompt_messages[0]["content"] == "2 + 2?"
