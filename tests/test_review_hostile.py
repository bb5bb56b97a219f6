"""Whatever stands in a review folder, it opens, or says which line keeps it from opening."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.readers.jsonl import BadLineWarning
from jarvis_lab.review.errors import BlankCorrectionError, JournalError
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.rules import FAILURE_CATEGORIES, check_decision

EVENT = {
    "v": 1,
    "event_id": "e",
    "item_id": "a",
    "item_sha256": "0",
    "reviewer": "ann",
    "seq": 1,
    "at": "2026-01-01T00:00:00.000000Z",
    "action": "discard",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def changed(base: dict[str, object], names: list[str]) -> st.SearchStrategy[bytes]:
    """JSON lines of ``base`` with some fields replaced by anything."""
    return st.dictionaries(st.sampled_from(names), JSON, max_size=3).map(
        lambda fields: json.dumps(base | fields).encode()
    )


EVENTS = changed(EVENT, [*EVENT, "text", "category", "note", "undoes"])
CANDIDATE = {"id": "a", "status": "needs_review", "model_response": "x"}
CANDIDATES = changed(
    CANDIDATE,
    [*CANDIDATE, "prompt_messages", "quality_score", "tokens_per_sec", "gpu_id", "task_type"],
)
NOISE = st.binary(max_size=30)


def use_all(queue: ReviewQueue) -> None:
    """Every read and every verb, on whatever there is."""
    frame = queue.to_frame()
    assert len(frame) == queue.stats()["total"]
    for order in ("file", "quality", "value"):
        assert len(queue.pending(order=order, per_page=99)) == queue.pending_count()
    queue.pending(search="x")
    for table in (queue.conflicts(), queue.stale(), queue.agreement()):
        assert table.columns.is_unique
    for item in frame["id"]:
        queue.history(item)
        queue.note(item, "n")
        queue.save_draft(item, "d")
        if queue.get(item).status == "needs_review":
            queue.correct(item, "text", failure_category=FAILURE_CATEGORIES[0])
            assert queue.undo(item).status in ("needs_review", *frame["status"])
            assert queue.redo(item).target == "text"
    queue.write_snapshot(queue.folder.parent / "snapshot")


@settings(deadline=None, max_examples=60)
@given(lines=st.lists(EVENTS | NOISE, max_size=5), end=st.sampled_from([b"", b"\n"]))
def test_any_journal_reads_or_names_its_bad_line(tmp_path_factory, lines, end):
    folder = tmp_path_factory.mktemp("any") / "review"
    (folder / "reviews").mkdir(parents=True)
    (folder / "sft_candidates.jsonl").write_text(json.dumps(CANDIDATE))
    path = folder / "reviews" / "any.jsonl"
    path.write_bytes(b"\n".join(lines) + end)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BadLineWarning)
        try:
            queue = ReviewQueue(folder, reviewer="bob")
        except JournalError as error:
            assert "any.jsonl, line " in str(error)  # noqa: PT017
            return
    use_all(queue)
    assert path.read_bytes() == b"\n".join(lines) + end


@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(CANDIDATES | NOISE, max_size=5),
    approved=st.lists(CANDIDATES | NOISE, max_size=2),
)
def test_any_candidates_open_and_can_be_reviewed(tmp_path_factory, lines, approved):
    folder = tmp_path_factory.mktemp("any") / "review"
    folder.mkdir()
    (folder / "sft_candidates.jsonl").write_bytes(b"\n".join(lines))
    (folder / "sft_approved.jsonl").write_bytes(b"\n".join(approved))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BadLineWarning)
        queue = ReviewQueue(folder, reviewer="bob")
    use_all(queue)
    assert (folder / "sft_candidates.jsonl").read_bytes() == b"\n".join(lines)


@pytest.mark.parametrize("folder", ["reviews", "candidates", "sft_candidates.jsonl", "queue.json"])
def test_a_folder_where_a_file_belongs_is_passed_over(tmp_path: Path, folder: str):
    (tmp_path / folder / "x.jsonl").mkdir(parents=True)
    assert ReviewQueue(tmp_path, reviewer="ann").stats()["total"] == 0
    assert ReviewQueue(tmp_path, reviewer="ann").bench_results is None


def test_a_correction_of_invisible_characters_is_blank(tmp_path):
    for text in ("\u200b", " \u2060\ufeff", "\x00\t"):
        with pytest.raises(BlankCorrectionError):
            check_decision("correct", text, None, None)
    check_decision("correct", "\u200b.", None, None)
