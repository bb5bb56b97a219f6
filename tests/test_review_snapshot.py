from __future__ import annotations

import json
from pathlib import Path

import pytest

from jarvis_lab.review.queue import ReviewQueue


def record(item: str, **rest: object) -> dict[str, object]:
    return {"id": item, "model_response": f"answer {item}", "own_field": {"z": 1, "a": 2}} | rest


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    folder = tmp_path / "review"
    folder.mkdir()
    records = [record(item, status="needs_review", corrected_response=None) for item in "abcdef"]
    records.append(record("g", status="approved", corrected_response="came with it"))
    (folder / "sft_candidates.jsonl").write_text("\n".join(map(json.dumps, records)))
    return ReviewQueue(folder, reviewer="ann")


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_two_files_say_what_was_decided(tmp_path, queue):
    bob = ReviewQueue(queue.folder, reviewer="bob")
    bob.approve("e")
    queue.correct("a", "ünï", failure_category="wrong_answer")
    queue.approve("b")
    queue.discard("c")
    queue.flag("d")
    bob.discard("f")
    queue.refresh()
    queue.edit("f", "in conflict")
    result = queue.write_snapshot(tmp_path / "out")
    assert (result.candidates, result.approved) == (7, 4)
    candidates = {row["id"]: row for row in read(tmp_path / "out" / "sft_candidates.jsonl")}
    assert {item: row["status"] for item, row in candidates.items()} == {
        "a": "approved",
        "b": "approved",
        "c": "discarded",
        "d": "model_rejected",
        "e": "approved",
        "f": "needs_review",
        "g": "approved",
    }
    assert candidates["a"]["own_field"] == {"z": 1, "a": 2}
    assert candidates["f"]["corrected_response"] is None
    approved = read(tmp_path / "out" / "sft_approved.jsonl")
    assert [(row["id"], row["corrected_response"]) for row in approved] == [
        ("a", "ünï"),
        ("b", "answer b"),
        ("e", "answer e"),
        ("g", "came with it"),
    ]
    assert approved[0] == candidates["a"]
    assert approved[0]["failure_category"] == "wrong_answer"


def test_what_was_undone_is_gone_from_the_snapshot(tmp_path, queue):
    queue.undo("g")
    queue.write_snapshot(tmp_path / "out")
    last = read(tmp_path / "out" / "sft_candidates.jsonl")[-1]
    assert (last["status"], last["corrected_response"]) == ("needs_review", None)
    assert (tmp_path / "out" / "sft_approved.jsonl").read_bytes() == b""


def test_a_stale_decision_is_not_passed_on(tmp_path, queue):
    queue.correct("a", "4")
    path = queue.folder / "sft_candidates.jsonl"
    path.write_text(path.read_text().replace("answer a", "another"))
    queue.write_snapshot(tmp_path / "out")
    assert read(tmp_path / "out" / "sft_candidates.jsonl")[0]["status"] == "needs_review"
    assert [row["id"] for row in read(tmp_path / "out" / "sft_approved.jsonl")] == ["g"]


def test_a_snapshot_opens_as_a_queue_with_the_same_decisions(tmp_path, queue):
    queue.correct("a", "4", failure_category="wrong_answer")
    queue.discard("b")
    queue.write_snapshot(tmp_path / "out")
    again = ReviewQueue(tmp_path / "out", reviewer="bob")
    columns = ["id", "status", "target", "action", "failure_category", "model_response"]
    assert again.to_frame()[columns].equals(queue.to_frame()[columns])


def test_a_second_snapshot_replaces_the_first_and_leaves_other_files(tmp_path, queue):
    queue.write_snapshot(tmp_path / "out")
    (tmp_path / "out" / "other.txt").write_text("mine")
    queue.discard("a")
    queue.write_snapshot(str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "other.txt",
        "sft_approved.jsonl",
        "sft_candidates.jsonl",
    ]
    assert read(tmp_path / "out" / "sft_candidates.jsonl")[0]["status"] == "discarded"


def test_the_queue_s_own_folder_is_refused_by_any_name(tmp_path, queue, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(queue.folder)
    inner = tmp_path / "inner"
    inner.symlink_to(queue.folder / "reviews")
    before = (queue.folder / "sft_candidates.jsonl").read_bytes()
    names = [
        queue.folder,
        str(queue.folder),
        queue.folder / ".." / "review",
        link,
        inner,
        queue.folder / "candidates",
        link / "new" / "deeper",
    ]
    for name in names:
        with pytest.raises(ValueError, match="queue's own folder"):
            queue.write_snapshot(name)
    monkeypatch.chdir(queue.folder)
    with pytest.raises(ValueError, match="queue's own folder"):
        queue.write_snapshot(".")
    assert (queue.folder / "sft_candidates.jsonl").read_bytes() == before
    assert [path.name for path in queue.folder.iterdir()] == ["sft_candidates.jsonl"]


def test_a_snapshot_that_fails_half_way_leaves_the_older_one(tmp_path, queue, monkeypatch):
    queue.write_snapshot(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    queue.correct("a", "4")

    def broken(line: bytes) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("jarvis_lab.review.snapshot.plain_record", broken)
    with pytest.raises(KeyboardInterrupt):
        queue.write_snapshot(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_nan_and_broken_utf8_become_plain_json(tmp_path):
    folder = tmp_path / "review"
    folder.mkdir()
    line = b'{"id": "a", "quality_score": NaN, "own": [Infinity], "model_response": "\xff"}'
    (folder / "sft_candidates.jsonl").write_bytes(line)
    ReviewQueue(folder, reviewer="ann").write_snapshot(tmp_path / "out")
    (row,) = read(tmp_path / "out" / "sft_candidates.jsonl")
    assert row == {
        "id": "a",
        "quality_score": None,
        "own": [None],
        "model_response": "\ufffd",
        "status": "needs_review",
    }
