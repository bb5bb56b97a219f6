from __future__ import annotations

import gzip
import json
import math
import os
from pathlib import Path

import pytest

from jarvis_lab.readers.jsonl import BadLineWarning
from jarvis_lab.review.candidates import CandidateStore, content_sha256, decode_candidate, number
from jarvis_lab.review.queue import ReviewQueue

RECORD = {
    "id": "a",
    "prompt_messages": [{"role": "user", "content": "2 + 2?"}],
    "model_response": "5",
    "quality_score": 0.1,
}


def put(folder: Path, *records: object, name: str = "sft_candidates.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / name).write_text("\n".join(lines) + "\n" * bool(lines))
    return folder


def sha(record: object) -> str:
    return content_sha256(decode_candidate(json.dumps(record).encode()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.3, 0.3), (1, 1.0), ("0.3", 0.3), (" 0.3 ", 0.3)],
)
def test_a_number_or_text_that_is_one_is_a_number(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("value", [None, True, "high", "nan", "inf", math.inf, [], {}, 10**400])
def test_anything_else_is_a_missing_number(value):
    assert math.isnan(number(value))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", '"0.3"', "null"])
def test_a_candidate_with_any_quality_score_can_be_reviewed(tmp_path, literal):
    line = '{"id": "a", "model_response": "5", "quality_score": %s}' % literal  # noqa: UP031
    queue = ReviewQueue(put(tmp_path / "r", line, RECORD | {"id": "b"}), reviewer="ann")
    assert queue.pending_ids(order="quality") == ["b", "a"]
    assert queue.correct("a", "4").status == "approved"


def test_a_candidate_needs_only_an_id(tmp_path):
    queue = ReviewQueue(put(tmp_path / "r", {"id": "a"}), reviewer="ann")
    item = queue.get("a")
    assert (item.status, item.prompt_messages, item.model_response) == ("needs_review", [], None)
    assert math.isnan(item.quality_score)
    assert math.isnan(item.tokens_per_sec)
    assert queue.correct("a", "4").target == "4"


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script></textarea>",
        "\x00\x1b[31m $x$ \u202eabc\u2028",
        [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}],
        None,
        5,
        "x" * 1_000_000,
    ],
)
def test_whatever_a_prompt_holds_comes_out_as_it_was(tmp_path, content):
    record = RECORD | {"prompt_messages": [{"content": content}], "model_response": "\x00</b>"}
    queue = ReviewQueue(put(tmp_path / "r", record), reviewer="ann")
    item = queue.get("a")
    assert item.prompt_messages == [{"role": None, "content": content}]
    assert item.model_response == "\x00</b>"
    assert queue.pending_ids(search="nowhere") == []


def test_half_a_surrogate_pair_reads_as_a_replacement_character(tmp_path):
    queue = ReviewQueue(put(tmp_path / "r", r'{"id": "a", "model_response": "x\ud83e"}'))
    assert queue.get("a").model_response == "x\ufffd"


def test_lines_that_are_no_candidate_are_counted_with_their_place(tmp_path):
    deep = '{"id": "x", "quality_score": ' + "[" * 100_000 + "]" * 100_000 + "}"
    lines = ["{bad", "[1]", '{"id": 5}', '{"model_response": "x"}', '{"id": ""}', deep]
    folder = put(tmp_path / "r", *lines, RECORD)
    with pytest.warns(BadLineWarning, match=r"6 bad lines .*line 1.*line 3.*and 3 more.*bad_lines"):
        queue = ReviewQueue(folder, reviewer="ann")
    assert [(bad.file, bad.line) for bad in queue.bad_lines()] == [
        ("sft_candidates.jsonl", line) for line in range(1, 7)
    ]
    assert queue.pending_ids() == ["a"]


@pytest.mark.parametrize(
    "start", [b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\3xx", b"\x28\xb5\x2f\xfd" + b"\xff" * 30]
)
def test_a_file_whose_compression_is_damaged_is_told_and_the_others_are_read(tmp_path, start):
    folder = put(tmp_path / "r", RECORD)
    (folder / "sft_approved.jsonl").write_bytes(start)
    with pytest.warns(BadLineWarning, match=r"sft_approved.jsonl, line 1: damaged compression"):
        assert ReviewQueue(folder, reviewer="ann").pending_ids() == ["a"]


def test_a_compressed_file_is_read_as_far_as_it_goes(tmp_path):
    folder = put(tmp_path / "r")
    lines = "".join(json.dumps(RECORD | {"id": f"c{n}"}) + "\n" for n in range(9))
    (folder / "sft_candidates.jsonl").write_bytes(gzip.compress(lines.encode()))
    assert ReviewQueue(folder, reviewer="ann").stats()["total"] == 9


def test_the_hash_covers_the_content_and_not_what_reviewers_write():
    base = sha(RECORD)
    decided = {"status": "approved", "corrected_response": "4", "failure_category": "wrong_answer"}
    assert sha(RECORD | decided | {"unknown": 1, "task_id": None}) == base
    assert sha(dict(reversed(RECORD.items()))) == base
    assert sha(RECORD | {"model_response": "6"}) != base
    assert sha(RECORD | {"prompt_messages": []}) != base
    assert sha(RECORD | {"id": "b"}) != base


def test_the_hash_stays_what_it_was_in_released_journals():
    assert sha(RECORD) == "df04659d92e9c2a6f00192428108add7e543f2611af91fa922f5c2d7ecc677fe"


def test_an_original_folder_with_decisions_opens_as_it_was_decided(tmp_path):
    folder = put(
        tmp_path / "r",
        RECORD,
        RECORD
        | {
            "id": "b",
            "status": "approved",
            "corrected_response": "4",
            "failure_category": "wrong_answer",
        },
        RECORD | {"id": "c", "status": "discarded"},
        RECORD | {"id": "d", "status": "model_rejected"},
        RECORD | {"id": "e", "status": None},
    )
    put(folder, RECORD | {"id": "b", "status": "approved", "corrected_response": "4"},
        name="sft_approved.jsonl")  # fmt: skip
    queue = ReviewQueue(folder, reviewer="ann")
    frame = queue.to_frame().set_index("id")
    assert frame["status"].to_dict() == {
        "a": "needs_review",
        "b": "approved",
        "c": "discarded",
        "d": "model_rejected",
        "e": "needs_review",
    }
    assert frame.loc["b", "target"] == "4"
    assert frame["action"].dropna().to_dict() == {"b": "correct", "c": "discard", "d": "flag"}
    assert frame["reviewer"].isna().all()
    assert frame["decided_at"].isna().all()
    assert queue.stats()["export_ready"] == 1


def test_a_decision_that_came_along_is_undone_like_any_other_and_redone(tmp_path):
    record = RECORD | {"status": "approved", "corrected_response": "4"}
    queue = ReviewQueue(put(tmp_path / "r", record), reviewer="ann")
    queue.edit("a", "four")
    assert queue.undo("a").target == "4"
    assert queue.undo("a").status == "needs_review"
    with pytest.raises(ValueError, match="no decision left"):
        queue.undo("a")
    assert queue.redo("a").target == "4"
    assert queue.redo("a").target == "four"
    assert ReviewQueue(queue.folder, reviewer="bob").get("a").target == "four"


def test_an_undone_decision_stays_undone_although_the_original_s_file_still_says_otherwise(
    tmp_path,
):
    record = RECORD | {"status": "discarded", "failure_category": "format_error"}
    queue = ReviewQueue(put(tmp_path / "r", record), reviewer="ann")
    item = queue.undo("a")
    assert (item.status, item.failure_category) == ("needs_review", None)
    assert queue.correct("a", "4").target == "4"


def test_an_approved_record_whose_candidate_lost_its_status_still_counts(tmp_path):
    folder = put(tmp_path / "r", RECORD, RECORD | {"id": "b", "status": "discarded"})
    approved = {"status": "approved", "corrected_response": "4"}
    put(
        folder,
        RECORD | approved,
        RECORD | approved | {"id": "b"},
        RECORD | approved | {"id": "only here"},
        name="sft_approved.jsonl",
    )
    queue = ReviewQueue(folder, reviewer="ann")
    assert queue.to_frame().set_index("id")["status"].to_dict() == {
        "a": "approved",
        "b": "discarded",
        "only here": "approved",
    }


def test_an_approval_without_a_correction_is_not_ready_for_export(tmp_path):
    folder = put(tmp_path / "r", RECORD | {"status": "approved", "corrected_response": " "})
    queue = ReviewQueue(folder, reviewer="ann")
    assert queue.stats()["export_ready"] == 0
    assert queue.stats()["by_status"] == {"approved": 1}


def test_a_status_nobody_knows_is_kept_and_not_pending(tmp_path):
    queue = ReviewQueue(put(tmp_path / "r", RECORD | {"status": "archived"}), reviewer="ann")
    assert queue.stats()["by_status"] == {"archived": 1}
    assert queue.pending_count() == 0


def test_a_candidate_that_changed_afterwards_makes_its_decision_stale_until_decided_anew(tmp_path):
    folder = put(tmp_path / "r", RECORD)
    queue = ReviewQueue(folder, reviewer="ann")
    queue.correct("a", "4")
    put(folder, RECORD | {"model_response": "another"})
    assert queue.get("a").stale
    assert queue.stats()["export_ready"] == 0
    assert queue.stale()["text"].tolist() == ["4"]
    assert not queue.edit("a", "four").stale
    assert queue.stats()["export_ready"] == 1
    assert queue.stale().empty


def test_a_status_rewritten_by_the_original_does_not_make_a_decision_stale(tmp_path):
    folder = put(tmp_path / "r", RECORD)
    queue = ReviewQueue(folder, reviewer="ann")
    queue.correct("a", "4")
    put(folder, RECORD | {"status": "discarded"})
    item = queue.get("a")
    assert (item.stale, item.target) == (False, "4")


def test_a_repeated_id_counts_once_and_is_told_if_its_content_differs(tmp_path):
    folder = put(tmp_path / "r", RECORD, RECORD)
    assert ReviewQueue(folder, reviewer="ann").stats()["total"] == 1
    put(folder, RECORD, RECORD | {"model_response": "6"})
    with pytest.warns(BadLineWarning, match="repeats with other content"):
        queue = ReviewQueue(folder, reviewer="ann")
    assert queue.get("a").model_response == "5"


def test_only_files_that_changed_are_read_again(tmp_path):
    folder = put(tmp_path / "r", RECORD)
    store = CandidateStore(folder)
    assert store.poll()
    assert not store.poll()
    known = store.files["sft_candidates.jsonl"]
    put(folder / "candidates", RECORD | {"id": "b"}, name="000001-x.jsonl")
    assert store.poll()
    assert store.files["sft_candidates.jsonl"] is known
    assert list(store.positions) == ["a", "b"]
    (folder / "candidates" / "000001-x.jsonl").unlink()
    assert store.poll()
    assert list(store.positions) == ["a"]


def test_hidden_and_foreign_files_are_not_read(tmp_path):
    folder = put(tmp_path / "r", RECORD)
    for name in (".half.jsonl.1234.tmp", ".hidden.jsonl", "notes.txt"):
        put(folder / "candidates", RECORD | {"id": name}, name=name)
    os.mkdir(folder / "candidates" / "folder.jsonl")
    assert ReviewQueue(folder, reviewer="ann").pending_ids() == ["a"]


def test_events_without_a_candidate_wait_for_it(tmp_path):
    folder = put(tmp_path / "r", RECORD)
    ReviewQueue(folder, reviewer="ann").correct("a", "4")
    whole = (folder / "sft_candidates.jsonl").read_bytes()
    (folder / "sft_candidates.jsonl").unlink()
    queue = ReviewQueue(folder, reviewer="bob")
    assert queue.unplaced() == ["a"]
    assert queue.stats()["total"] == 0
    (folder / "sft_candidates.jsonl").write_bytes(whole)
    assert queue.get("a").target == "4"
    assert queue.unplaced() == []
