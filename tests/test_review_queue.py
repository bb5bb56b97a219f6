from __future__ import annotations

import getpass
import json
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jarvis_lab.review.errors import (
    BlankCorrectionError,
    NotDecidedError,
    NothingToRedoError,
    NothingToUndoError,
    NotPendingError,
    ReviewError,
    UnknownActionError,
    UnknownCategoryError,
    UnknownItemError,
    UnstorableTextError,
)
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.rules import FAILURE_CATEGORIES


def put(folder: Path, count: int = 4) -> Path:
    folder.mkdir(parents=True)
    with open(folder / "sft_candidates.jsonl", "w") as out:
        for number in range(count):
            record = {"id": f"c{number}", "model_response": f"answer {number}"}
            out.write(json.dumps(record) + "\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "review")


@pytest.fixture
def queue(folder: Path) -> ReviewQueue:
    return ReviewQueue(folder, reviewer="ann")


def stored(queue: ReviewQueue) -> ReviewQueue:
    """The same folder opened anew: what is on disk and not in memory."""
    return ReviewQueue(queue.folder, reviewer=queue.reviewer)


@pytest.mark.parametrize(
    ("action", "status", "target"),
    [
        ("approve", "approved", "answer 0"),
        ("correct", "approved", "better"),
        ("discard", "discarded", None),
        ("flag", "model_rejected", None),
    ],
)
def test_each_action_decides_and_is_there_when_opened_again(queue, action, status, target):
    text = "better" if action == "correct" else None
    item = queue.submit(
        "c0", action, corrected_response=text, failure_category="hallucination", note="n"
    )
    for found in (item, queue.get("c0"), stored(queue).get("c0")):
        assert (found.status, found.action, found.target) == (status, action, target)
        assert (found.failure_category, found.note, found.reviewer) == ("hallucination", "n", "ann")
        assert found.decided_at.tzinfo is not None
        assert found.corrected_response == text


def test_each_decision_has_a_verb(queue):
    queue.correct("c0", "x", failure_category="wrong_answer", note="a")
    queue.approve("c1", failure_category="scoring_artifact", note="b")
    queue.discard("c2", failure_category="format_error", note="c")
    queue.flag("c3", failure_category="hallucination", note="d")
    frame = stored(queue).to_frame()
    assert frame["action"].tolist() == ["correct", "approve", "discard", "flag"]
    assert frame["note"].tolist() == list("abcd")
    assert stored(queue).stats()["by_failure_category"] == {
        "format_error": 1,
        "hallucination": 1,
        "scoring_artifact": 1,
        "wrong_answer": 1,
    }


@pytest.mark.parametrize("category", FAILURE_CATEGORIES)
def test_each_of_the_six_categories_is_known(queue, category):
    assert queue.discard("c0", failure_category=category).failure_category == category


@pytest.mark.parametrize("text", [None, "", "  \n\t", "\u3000"])
def test_a_blank_correction_is_refused(queue, text):
    with pytest.raises(BlankCorrectionError, match="A correction needs text"):
        queue.submit("c0", "correct", corrected_response=text)
    with pytest.raises((BlankCorrectionError, TypeError)):
        queue.edit("c0", text)


@pytest.mark.parametrize("item", ["nope", "", None, 5])
def test_an_unknown_id_is_refused_in_plain_words(queue, item):
    for verb in (queue.get, queue.approve, queue.skip, queue.history, queue.undo):
        if verb == queue.undo and item is None:
            continue
        with pytest.raises(UnknownItemError, match=r"No candidate has the id .*holds 4"):
            verb(item)
    with pytest.raises(KeyError) as caught:
        queue.get("nope")
    assert not str(caught.value).startswith("'")


def test_an_item_that_is_decided_is_not_pending(queue):
    queue.discard("c0")
    with pytest.raises(NotPendingError, match=r"'c0' .*discarded by 'ann' at 2.*edit.*undo"):
        queue.approve("c0")
    assert len(queue.history("c0")) == 1


@pytest.mark.parametrize("category", ["typo", "", "Hallucination", 5, ["hallucination"]])
def test_an_unknown_category_is_refused(queue, category):
    with pytest.raises(UnknownCategoryError, match="'scoring_artifact', 'style_violation'"):
        queue.discard("c0", failure_category=category)


@pytest.mark.parametrize("action", ["delete", "", "skip", "undo", None, ["correct"]])
def test_an_unknown_action_is_refused(queue, action):
    with pytest.raises(UnknownActionError, match="'approve', 'correct', 'discard', 'flag'"):
        queue.submit("c0", action)


def test_the_errors_are_told_apart_and_can_be_caught_together(queue):
    kinds = [
        BlankCorrectionError,
        UnknownItemError,
        NotPendingError,
        UnknownCategoryError,
        UnknownActionError,
    ]
    for kind in kinds:
        assert issubclass(kind, ReviewError)
        assert issubclass(kind, (ValueError, KeyError))
        assert [other for other in kinds if issubclass(kind, other)] == [kind]


def test_a_refused_decision_writes_nothing(queue):
    for call in (
        lambda: queue.correct("c0", " "),
        lambda: queue.discard("nope"),
        lambda: queue.submit("c0", "x"),
    ):
        with pytest.raises(ReviewError):
            call()
    assert not (queue.folder / "reviews").exists()


def test_text_that_no_file_can_hold_is_refused_with_its_place(queue):
    for call in (
        lambda: queue.correct("c0", "ab\ud800"),
        lambda: queue.save_draft("c0", "ab\ud800"),
        lambda: queue.note("c0", "ab\ud800"),
        lambda: ReviewQueue(queue.folder, reviewer="ab\ud800"),
    ):
        with pytest.raises(UnstorableTextError, match="at position 2"):
            call()
    for call in (
        lambda: queue.correct("c0", 5),
        lambda: queue.note("c0", None),
        lambda: ReviewQueue(queue.folder, reviewer=5),
    ):
        with pytest.raises(TypeError, match="must be text"):
            call()


@pytest.mark.parametrize(
    "text", ["<script>x</script>", "\x00\x1b[0m", "\u2028\u0085\r\n", "🦉 עברית"]
)
def test_any_text_comes_back_as_it_was_typed(queue, text):
    queue.correct("c0", "x" + text)
    assert stored(queue).get("c0").target == "x" + text


def test_edit_changes_a_decision_and_undo_brings_the_first_one_back(queue):
    queue.correct("c0", "one", failure_category="wrong_answer")
    assert queue.edit("c0", "two", failure_category="partial_answer").target == "two"
    item = queue.undo("c0")
    assert (item.target, item.failure_category) == ("one", "wrong_answer")
    queue.discard("c1")
    assert queue.edit("c1", "after all").status == "approved"


def test_only_a_decided_item_can_be_edited(queue):
    with pytest.raises(NotDecidedError, match=r"correct\('c0', text\)"):
        queue.edit("c0", "x")


def test_undo_without_an_id_takes_back_this_reviewer_s_newest_decisions_one_by_one(folder, queue):
    bob = ReviewQueue(folder, reviewer="bob")
    queue.discard("c0")
    queue.flag("c1")
    bob.discard("c2")
    assert queue.undo().id == "c1"
    assert queue.undo().id == "c0"
    with pytest.raises(NothingToUndoError, match="'ann' has no decision left"):
        queue.undo()
    assert queue.get("c2").status == "discarded"
    assert queue.redo().id == "c0"
    assert queue.redo().id == "c1"
    with pytest.raises(NothingToRedoError, match="'ann' has no undo left"):
        queue.redo()


def test_undo_without_an_id_knows_earlier_sessions(queue):
    queue.discard("c0")
    assert stored(queue).undo().id == "c0"
    assert stored(queue).redo().status == "discarded"


def test_redo_restores_text_and_category(queue):
    queue.correct("c0", "text", failure_category="format_error", note="n")
    queue.undo("c0")
    item = queue.redo("c0")
    assert (item.target, item.failure_category, item.note) == ("text", "format_error", "n")


def test_nothing_is_left_to_redo_after_a_new_decision(queue):
    queue.discard("c0")
    queue.undo("c0")
    queue.flag("c0")
    for item in ("c0", "c1"):
        with pytest.raises(NothingToRedoError, match=f"'{item}' has no undo left"):
            queue.redo(item)


def test_undo_of_an_item_without_a_decision_is_refused(queue):
    with pytest.raises(NothingToUndoError, match="'c0' has no decision left"):
        queue.undo("c0")
    queue.discard("c0")
    with pytest.raises(NothingToUndoError, match="by 'bob'"):
        queue.undo("c0", reviewer="bob")


def test_two_reviewers_at_the_same_time_make_a_conflict_that_one_undo_settles(folder):
    ann, bob = ReviewQueue(folder, reviewer="ann"), ReviewQueue(folder, reviewer="bob")
    ann.correct("c0", "ann's")
    bob.correct("c0", "bob's")
    for queue in (ann, bob, ReviewQueue(folder, reviewer="eve")):
        assert queue.get("c0").conflict
        assert queue.conflicts()["reviewer"].tolist() == ["ann", "bob"]
        assert queue.stats()["export_ready"] == 0
        assert queue.stats()["by_reviewer"] == {"ann": 1, "bob": 1}
    assert ann.undo("c0", reviewer="ann").target == "bob's"
    for queue in (ann, bob):
        assert not queue.get("c0").conflict
        assert queue.conflicts().empty
        assert queue.stats()["export_ready"] == 1


def test_a_decision_seen_before_deciding_is_not_pending_for_the_second_reviewer(folder):
    ann, bob = ReviewQueue(folder, reviewer="ann"), ReviewQueue(folder, reviewer="bob")
    ann.discard("c0")
    assert "c0" not in bob.pending_ids()
    with pytest.raises(NotPendingError, match="by 'ann'"):
        bob.approve("c0")


def test_a_candidate_that_came_a_moment_ago_can_be_decided(folder, queue):
    (folder / "candidates").mkdir()
    (folder / "candidates" / "000001-x.jsonl").write_text('{"id": "new"}\n')
    assert queue.correct("new", "x").target == "x"


def test_a_draft_is_kept_until_a_decision_and_belongs_to_its_reviewer(folder, queue):
    assert queue.get("c0").draft is None
    queue.save_draft("c0", "typi")
    queue.save_draft("c0", "typing")
    assert stored(queue).get("c0").draft == "typing"
    assert queue.get("c0").status == "needs_review"
    assert ReviewQueue(folder, reviewer="bob").get("c0").draft is None
    assert queue.correct("c0", "typed").draft is None


def test_what_was_submitted_and_undone_is_offered_as_a_draft(queue):
    queue.save_draft("c0", "typing")
    queue.correct("c0", "typed")
    assert queue.undo("c0").draft == "typed"
    assert queue.save_draft("c0", "").draft is None


def test_a_note_is_kept_without_deciding_and_an_empty_one_clears_it(queue):
    assert queue.note("c0", "ask Bob").note == "ask Bob"
    assert stored(queue).get("c0").status == "needs_review"
    queue.discard("c0", note="done")
    assert queue.note("c0", "really").note == "really"
    assert queue.note("c0", "").note is None


def test_skipped_items_come_last_for_the_one_who_skipped(folder, queue):
    assert queue.skip("c0").skipped
    assert queue.pending_ids() == ["c1", "c2", "c3", "c0"]
    assert ReviewQueue(folder, reviewer="bob").pending_ids() == ["c0", "c1", "c2", "c3"]


def test_the_original_s_files_are_never_written(folder, queue):
    before = (folder / "sft_candidates.jsonl").read_bytes()
    queue.correct("c0", "x")
    queue.undo("c0")
    assert (folder / "sft_candidates.jsonl").read_bytes() == before


def test_the_reviewer_defaults_to_the_login_name(folder, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "login")
    assert ReviewQueue(folder).reviewer == "login"
    assert ReviewQueue(folder, reviewer="  ").reviewer == "login"
    assert ReviewQueue(folder, reviewer=" ann ").reviewer == "ann"


def test_a_missing_folder_is_an_empty_queue_and_a_file_is_refused(tmp_path):
    queue = ReviewQueue(tmp_path / "new", reviewer="ann")
    assert queue.pending_count() == 0
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="needs a folder"):
        ReviewQueue(tmp_path / "file")


def test_a_queue_tells_how_far_it_has_come(queue):
    queue.discard("c0")
    assert repr(queue).endswith("reviewer='ann'): 3 pending, 1 decided")


def test_threads_of_one_queue_do_not_tear_each_other_s_events(tmp_path):
    queue = ReviewQueue(put(tmp_path / "r", 80), reviewer="ann")

    def work(mine: int) -> None:
        for number in range(mine, 80, 4):
            queue.correct(f"c{number}", f"text {number}")

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = stored(queue)
    assert again.pending_count() == 0
    assert again.stats() == queue.stats()


class UndoAndRedo(RuleBasedStateMachine):
    """One item against a plain list of decisions and a cursor."""

    def __init__(self) -> None:
        super().__init__()
        root = Path(Folders.root) / f"{len(list(Path(Folders.root).iterdir()))}"
        self.queue = ReviewQueue(put(root, 1), reviewer="ann")
        self.done: list[str] = []
        self.undone: list[str] = []

    @rule(text=st.sampled_from("xyz"))
    def decide(self, text: str) -> None:
        verb = self.queue.edit if self.done else self.queue.correct
        verb("c0", text)
        self.done.append(text)
        self.undone.clear()

    @precondition(lambda self: self.done)
    @rule(by_id=st.booleans())
    def undo(self, by_id: bool) -> None:
        self.queue.undo("c0" if by_id else None)
        self.undone.append(self.done.pop())

    @precondition(lambda self: self.undone)
    @rule(by_id=st.booleans())
    def redo(self, by_id: bool) -> None:
        self.queue.redo("c0" if by_id else None)
        self.done.append(self.undone.pop())

    @precondition(lambda self: not self.done)
    @rule()
    def undo_nothing(self) -> None:
        with pytest.raises(NothingToUndoError):
            self.queue.undo("c0")

    @precondition(lambda self: not self.undone)
    @rule()
    def redo_nothing(self) -> None:
        with pytest.raises(NothingToRedoError):
            self.queue.redo("c0")

    @rule()
    def open_again(self) -> None:
        self.queue = stored(self.queue)

    @invariant()
    def the_item_is_as_the_list_says(self) -> None:
        assert self.queue.get("c0").target == (self.done[-1] if self.done else None)


class Folders:
    root: str = ""


def test_undo_and_redo_behave_like_a_list_and_a_cursor(tmp_path):
    from hypothesis.stateful import run_state_machine_as_test

    Folders.root = str(tmp_path)
    run_state_machine_as_test(
        UndoAndRedo, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )


def test_a_folder_without_a_name_is_not_the_current_one():
    with pytest.raises(ValueError, match="folder must not be empty"):
        ReviewQueue("")


def test_whatever_a_review_may_raise_can_be_imported_from_the_package():
    import jarvis_lab
    from jarvis_lab.review import errors

    assert set(errors.__all__) <= set(jarvis_lab.__all__)
