"""Click, then look at the queue, then at the text on screen. No browser; see tests/browser."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ipywidgets.widgets import widget as ipywidget

from jarvis_lab.review.errors import BlankCorrectionError, NothingToUndoError, NotSavedError
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.rules import FAILURE_CATEGORIES
from jarvis_lab.widgets import _review_draw, _review_layout
from jarvis_lab.widgets._review_drafts import DraftKeeper
from jarvis_lab.widgets.review_panel import ReviewPanel

RUN = "2026-03-01-101500"


@pytest.fixture(autouse=True)
def callbacks_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """``button.click()`` logs what a handler raises and goes on; here it comes out."""

    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        for callback in list(self.callbacks):
            callback(*args, **kwargs)

    monkeypatch.setattr(ipywidget.CallbackDispatcher, "__call__", call)


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "status": "needs_review",
        "prompt_messages": [{"role": "user", "content": f"question {number}"}],
        "model_response": f"the answer is {number}",
        "quality_score": [0.1, 0.5, 0.9][number % 3],
        "failure_reason": "expected another",
        "task_type": ["maths", "code"][number % 2],
        "model_name": ["small", "large"][number % 2],
        "node_id": "node-a",
        "gpu_id": 0,
        "tokens_per_sec": 41.25,
    } | changes


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., ReviewPanel]:
    def build(*records: dict[str, Any], pause: float = 0, **options: Any) -> ReviewPanel:
        run = tmp_path / RUN
        run.mkdir()
        listed = records or tuple(record(number) for number in range(4))
        text = "".join(json.dumps(item) + "\n" for item in listed)
        (run / "sft_candidates.jsonl").write_text(text, encoding="utf-8")
        queue = ReviewQueue(tmp_path / "review", reviewer="ann")
        queue.import_run(run)
        return ReviewPanel(queue, pause=pause, **options)

    return build


class Page(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data


def text(control: Any) -> str:
    return Page(control.value).text


def journal(panel: ReviewPanel) -> list[dict[str, Any]]:
    files = sorted((panel.queue.folder / "reviews").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def actions(panel: ReviewPanel) -> list[str]:
    return [event["action"] for event in journal(panel)]


def shown(control: Any) -> bool:
    return control.layout.display != "none"


def test_the_first_item_is_on_screen_with_all_that_is_known_of_it(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    facts = text(panel.controls.facts)
    for part in ("small", "maths", "node-a · GPU 0", "41.2 tok/s", "0.10 low", "c0"):
        assert part in facts
    assert "expected another" in facts
    assert "question 0" in text(panel.controls.prompt)
    assert "the answer is 0" in text(panel.controls.answer)
    assert panel.form.editor.value == "the answer is 0"
    assert "0 of 4 decided" in text(panel.controls.progress)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.0, "0.00 low"),
        (0.399, "0.399 low"),
        (0.39999, "0.39999 low"),
        (0.4, "0.40 fair"),
        (0.699, "0.699 fair"),
        (0.7, "0.70 acceptable"),
        (1.0, "1.00 acceptable"),
        (float("nan"), "unknown"),
    ],
)
def test_quality_is_low_fair_or_acceptable_in_words(score: float, words: str) -> None:
    assert _review_draw.quality(score)[0] == words


def test_a_correction_is_on_disk_when_the_screen_says_saved(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.form.editor.value = "the answer is 42"
    panel.form.category.value = "wrong_answer"
    panel.form.note.value = "checked by hand"
    panel.controls.correct.click()
    event = journal(panel)[-1]
    assert (event["action"], event["text"]) == ("correct", "the answer is 42")
    assert (event["category"], event["note"]) == ("wrong_answer", "checked by hand")
    assert "Saved" in text(panel.controls.status)
    assert "corrected" in text(panel.controls.status)
    assert panel.item is not None
    assert panel.item.id == "c1"
    assert panel.form.editor.value == "the answer is 1"
    assert panel.form.category.value == ""
    assert "1 of 4 decided" in text(panel.controls.progress)


def test_the_difference_stands_beneath_the_editor_while_typing(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    assert "none yet" in text(panel.controls.diff)
    panel.form.editor.value = "the answer is 42"
    assert "<del>0</del><ins>42</ins>" in panel.controls.diff.value
    assert "1 word removed, 1 added" in text(panel.controls.diff)


def test_approve_saves_and_moves_on(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.approve.click()
    assert panel.queue.get("c0").action == "approve"
    assert "approved c0" in text(panel.controls.status)


@pytest.mark.parametrize(
    ("guessed", "chosen", "kept"),
    [
        ("wrong_answer", None, None),
        ("wrong_answer", "format_error", "format_error"),
        ("scoring_artifact", None, "scoring_artifact"),
        (None, None, None),
    ],
)
def test_an_approved_answer_does_not_keep_what_the_scorer_thought_was_wrong(
    make: Callable[..., ReviewPanel], guessed: str | None, chosen: str | None, kept: str | None
) -> None:
    panel = make(record(0, failure_category=guessed))
    assert panel.form.category.value == (guessed or "")
    if chosen:
        panel.form.category.value = chosen
    panel.controls.approve.click()
    assert journal(panel)[-1].get("category") == kept


def test_a_correction_keeps_the_category_it_came_with(make: Callable[..., ReviewPanel]) -> None:
    panel = make(record(0, failure_category="wrong_answer"))
    panel.form.editor.value = "the answer is 42"
    panel.controls.correct.click()
    assert journal(panel)[-1]["category"] == "wrong_answer"


@pytest.mark.parametrize(
    ("button", "status"), [("discard", "discarded"), ("flag", "model_rejected")]
)
def test_discard_and_flag_ask_once_more(
    make: Callable[..., ReviewPanel], button: str, status: str
) -> None:
    panel = make()
    controls = panel.controls
    getattr(controls, button).click()
    assert journal(panel) == []
    assert shown(controls.ask)
    assert controls.approve.disabled
    controls.cancel.click()
    assert journal(panel) == []
    assert not shown(controls.ask)
    assert not controls.approve.disabled
    getattr(controls, button).click()
    controls.confirm.click()
    assert panel.queue.get("c0").status == status
    assert not shown(controls.ask)
    assert panel.item is not None
    assert panel.item.id == "c1"


def test_skip_leaves_the_item_pending_and_it_comes_again(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make(record(0), record(1))
    panel.controls.skip.click()
    assert panel.queue.get("c0").status == "needs_review"
    panel.controls.approve.click()
    assert panel.item is None
    assert "1 left" in text(panel.controls.done)
    assert shown(panel.controls.again)
    assert not shown(panel.controls.item)
    panel.controls.again.click()
    assert panel.item is not None
    assert panel.item.id == "c0"


def test_back_shows_a_decided_item_whose_text_can_be_changed(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.form.editor.value = "first try"
    panel.controls.correct.click()
    panel.controls.back.click()
    assert panel.item is not None
    assert panel.item.id == "c0"
    assert "Decided (corrected)" in text(panel.controls.facts)
    assert "by ann" in text(panel.controls.facts)
    assert panel.form.editor.value == "first try"
    assert panel.controls.approve.disabled
    panel.form.editor.value = "second try"
    panel.controls.correct.click()
    assert panel.queue.get("c0").target == "second try"
    assert panel.item.id == "c1"
    assert not panel.controls.approve.disabled


def test_back_at_the_first_item_says_so(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.back.click()
    assert "first item" in text(panel.controls.status)


def test_undo_brings_the_item_and_the_typed_text_back_and_redo_restores(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.form.editor.value = "the answer is 42"
    panel.form.category.value = "hallucination"
    panel.controls.correct.click()
    panel.controls.undo.click()
    assert panel.queue.get("c0").status == "needs_review"
    assert panel.item is not None
    assert panel.item.id == "c0"
    assert panel.form.editor.value == "the answer is 42"
    assert "undone c0" in text(panel.controls.status)
    panel.controls.redo.click()
    restored = panel.queue.get("c0")
    assert (restored.target, restored.failure_category) == ("the answer is 42", "hallucination")


def test_after_an_undo_the_item_that_was_on_screen_comes_next(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.controls.approve.click()
    panel.controls.undo.click()
    panel.controls.approve.click()
    assert panel.item is not None
    assert panel.item.id == "c1"


def test_undo_keeps_what_was_being_typed_on_the_item_it_leaves(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.controls.approve.click()
    panel.form.editor.value = "half a thought"
    panel.controls.undo.click()
    assert panel.queue.get("c1").draft == "half a thought"


def test_the_last_decision_leaves_no_draft_behind(make: Callable[..., ReviewPanel]) -> None:
    panel = make(record(0))
    panel.form.editor.value = "the answer is 42"
    panel.controls.correct.click()
    panel.controls.undo.click()
    assert actions(panel) == ["correct", "undo"]


def test_nothing_to_undo_is_said_on_screen(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.undo.click()
    assert isinstance(panel.last_error, NothingToUndoError)
    assert "no decision left to undo" in text(panel.controls.alert)


def test_restore_and_clear_change_the_editor_only(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.clear.click()
    assert panel.form.editor.value == ""
    assert "empty" in text(panel.controls.diff)
    panel.controls.correct.click()
    assert isinstance(panel.last_error, BlankCorrectionError)
    panel.controls.restore.click()
    assert panel.form.editor.value == "the answer is 0"
    assert "correct" not in actions(panel)


def test_the_unchanged_answer_is_no_correction(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.correct.click()
    assert "unchanged" in text(panel.controls.alert)
    assert journal(panel) == []


def test_a_failed_save_keeps_the_text_and_shows_the_reason(
    make: Callable[..., ReviewPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make(record(1), record(0))
    panel.controls.approve.click()
    panel.form.editor.value = "typed with care"

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        panel.controls.correct.click()
    assert isinstance(panel.last_error, NotSavedError)
    assert "No space left" in text(panel.controls.alert)
    assert 'role="alert"' in panel.controls.alert.value
    assert panel.controls.status.value == ""
    assert panel.item is not None
    assert panel.item.id == "c0"
    assert panel.form.editor.value == "typed with care"
    panel.controls.correct.click()
    assert panel.queue.get("c0").target == "typed with care"
    assert panel.controls.alert.value == ""
    assert panel.last_error is None


def test_a_failed_draft_is_shown_and_the_item_stays(
    make: Callable[..., ReviewPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make()
    panel.form.editor.value = "typed"
    monkeypatch.setattr(
        os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError(errno.EIO, "disk gone"))
    )
    panel.controls.skip.click()
    assert "disk gone" in text(panel.controls.alert)
    assert panel.item is not None
    assert panel.item.id == "c0"
    assert panel.form.editor.value == "typed"


def test_an_unexpected_error_is_on_screen_and_in_the_log(
    make: Callable[..., ReviewPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make()
    monkeypatch.setattr(panel.queue, "approve", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        panel.controls.approve.click()
    assert "ZeroDivisionError: division by zero" in text(panel.controls.alert)


def test_a_draft_is_saved_before_the_item_is_left_and_found_again(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.form.editor.value = "half a thou"
    panel.controls.skip.click()
    assert actions(panel) == ["draft", "skip"]
    again = ReviewPanel(ReviewQueue(panel.queue.folder, reviewer="ann"), pause=0)
    while again.item is not None and again.item.id != "c0":
        again.controls.skip.click()
    assert again.form.editor.value == "half a thou"
    assert "Your draft" in text(again.controls.facts)


def test_typing_saves_a_draft_after_some_changes(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    for length in range(1, 27):
        panel.form.editor.value = "x" * length
    assert actions(panel) == ["draft"]
    assert journal(panel)[0]["text"] == "x" * 25


def test_in_a_kernel_a_draft_is_saved_after_a_moment_without_typing() -> None:
    saved: list[str] = []

    async def typing() -> None:
        keeper = DraftKeeper(lambda: saved.append("now"), later=lambda: keeper.flush(), seconds=0)
        keeper.changed()
        keeper.changed()
        assert saved == []
        for _ in range(5):
            await asyncio.sleep(0)
        assert not keeper.waiting

    asyncio.run(typing())
    assert saved == ["now"]


def test_keys_that_arrive_after_the_click_belong_to_the_item_they_were_typed_for(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    form = panel.form
    form.editor.value = "the answer is 4"
    panel.controls.correct.click()
    form.editor.value = "the answer is 42"
    assert panel.queue.get("c0").target == "the answer is 42"
    assert panel.form.editor.value == "the answer is 1"
    assert panel.queue.get("c1").draft is None
    assert "typed last" in text(panel.controls.status)


def test_late_keys_for_a_skipped_item_become_its_draft(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    form = panel.form
    panel.controls.skip.click()
    form.editor.value = "late"
    assert panel.queue.get("c0").draft == "late"


def test_a_double_click_does_not_decide_an_item_nobody_has_seen(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make(pause=3600)
    panel._ready_at = 0.0
    panel.controls.approve.click()
    panel.controls.approve.click()
    assert actions(panel) == ["approve"]
    assert "too soon" in text(panel.controls.status)
    panel._ready_at = 0.0
    panel.controls.discard.click()
    panel.controls.confirm.click()
    assert actions(panel) == ["approve"]


def test_a_note_without_a_decision_is_kept(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.form.note.value = "ask the team"
    panel.controls.skip.click()
    assert panel.queue.get("c0").note == "ask the team"


def test_filters_search_and_order_choose_what_is_shown(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    controls = panel.controls
    controls.model.value = "large"
    assert panel.item is not None
    assert panel.item.id == "c1"
    assert "2 left with these filters" in text(controls.progress)
    controls.task_type.value = "maths"
    assert panel.item is None
    assert "Nothing fits these filters" in text(controls.done)
    assert not shown(controls.again)
    controls.clear_filters.click()
    assert panel.item is not None
    assert (controls.model.value, controls.task_type.value) == ("", "")
    controls.search.value = "question 3"
    assert panel.item.id == "c3"
    controls.search.value = ""
    controls.order.value = "quality"
    assert panel.item.id == "c0"
    controls.approve.click()
    assert panel.item.id == "c3"


def test_an_empty_queue_says_so_and_shows_no_item(tmp_path: Path) -> None:
    panel = ReviewPanel(ReviewQueue(tmp_path, reviewer="ann"))
    assert "Nothing is left to review" in text(panel.controls.done)
    assert not shown(panel.controls.item)
    assert "0 of 0 decided" in text(panel.controls.progress)
    panel.controls.approve.click()
    assert "No item is on screen" in text(panel.controls.alert)


def test_refresh_shows_what_was_imported_meanwhile(
    make: Callable[..., ReviewPanel], tmp_path: Path
) -> None:
    panel = make(record(0))
    panel.controls.approve.click()
    run = tmp_path / "2026-03-02-101500"
    run.mkdir()
    line = json.dumps(record(9, model_name="newcomer"))
    (run / "sft_candidates.jsonl").write_text(line)
    panel.queue.import_run(run)
    panel.refresh()
    assert panel.item is not None
    assert panel.item.id == "c9"
    assert "newcomer" in [value for _, value in panel.controls.model.options]


def test_two_reviewers_who_disagree_are_a_conflict_on_screen(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    other = ReviewQueue(panel.queue.folder, reviewer="bob")
    panel.form.editor.value = "forty-two"
    panel.controls.correct.click()
    other.refresh()
    other.edit("c0", "42 <b>")
    panel.refresh()
    assert "1 in conflict" in text(panel.controls.progress)
    panel.controls.listing.value = "conflicts"
    assert panel.item is not None
    assert panel.item.id == "c0"
    facts = text(panel.controls.facts)
    assert "ann corrected “forty-two”" in facts
    assert "bob corrected “42 <b>”" in facts
    panel.controls.undo.click()
    assert panel.queue.conflicts().empty
    assert "in conflict" not in text(panel.controls.progress)


def test_an_item_that_another_reviewer_decided_meanwhile_is_passed_over(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    ReviewQueue(panel.queue.folder, reviewer="bob").approve("c1")
    panel.controls.skip.click()
    assert panel.item is not None
    assert panel.item.id == "c2"


def test_statistics_open_close_and_follow_the_decisions(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    controls = panel.controls
    assert not shown(controls.stats)
    controls.show_stats.click()
    assert "needs_review4" in text(controls.stats)
    controls.approve.click()
    assert "approved1" in text(controls.stats)
    assert "ann1" in text(controls.stats)
    controls.show_stats.click()
    assert not shown(controls.stats)


def test_export_writes_the_training_rows_and_the_table_and_says_where(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    panel.form.editor.value = "the answer is 42"
    panel.controls.correct.click()
    panel.controls.export.click()
    folder = panel.queue.folder / "exports"
    assert "1 row to train on" in text(panel.controls.exported)
    assert str(folder) in text(panel.controls.exported)
    rows = pd.read_json(folder / "review.jsonl", lines=True)
    assert rows["id"].tolist() == ["c0", "c1", "c2", "c3"]
    assert rows["action"].tolist()[0] == "correct"
    line = json.loads((folder / "corrections.jsonl").read_text())
    assert line["messages"][-1] == {"role": "assistant", "content": "the answer is 42"}


def test_an_export_with_nothing_decided_says_so(make: Callable[..., ReviewPanel]) -> None:
    panel = make()
    panel.controls.export.click()
    assert "nothing to train on yet" in text(panel.controls.exported)


def test_export_calls_what_it_is_given(make: Callable[..., ReviewPanel]) -> None:
    panel = make(export=lambda queue: f"{queue.stats()['total']} of <mine>")
    panel.controls.export.click()
    assert "4 of <mine>" in text(panel.controls.exported)


def test_the_six_categories_are_those_of_the_queue() -> None:
    assert set(_review_layout.CATEGORIES) == set(FAILURE_CATEGORIES)


def test_odd_messages_are_shown_as_text(make: Callable[..., ReviewPanel]) -> None:
    messages = [
        {"content": "no role <b>"},
        {"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "image"}]},
        {"role": "tool", "content": None},
    ]
    panel = make(record(0, prompt_messages=messages))
    prompt = text(panel.controls.prompt)
    for part in ("no role", "no role <b>", "part one", '{"type": "image"}', "(empty)"):
        assert part in prompt
    assert "3 turns" in text(panel.controls.prompt_head)


def test_an_item_that_has_nothing_but_an_id_can_be_reviewed(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make({"id": "bare"})
    assert "no prompt recorded" in text(panel.controls.prompt)
    assert "no reason was recorded" in text(panel.controls.facts)
    panel.form.editor.value = "what it should have said"
    panel.controls.correct.click()
    assert panel.queue.get("bare").target == "what it should have said"


def test_a_megabyte_is_cut_on_screen_whole_in_the_editor_and_whole_on_request(
    make: Callable[..., ReviewPanel],
) -> None:
    long = "lorem ipsum " * 90_000
    panel = make(record(0, model_response=long), record(1, model_response=long))
    controls = panel.controls
    assert panel.form.editor.value == long
    assert not panel.form.editor.continuous_update
    assert len(controls.answer.value) < 10_000
    assert "more characters not shown" in text(controls.answer)
    assert "1,080,010" in controls.show_all.description
    controls.show_all.click()
    assert long in text(controls.answer)
    assert controls.show_all.description == "Show less"
    controls.show_all.click()
    assert len(controls.answer.value) < 10_000
    controls.show_all.click()
    controls.skip.click()
    assert len(controls.answer.value) < 10_000


def test_short_texts_offer_no_way_to_show_more(make: Callable[..., ReviewPanel]) -> None:
    assert not shown(make().controls.show_all)


def test_the_prompt_is_folded_until_it_is_opened_and_then_stays_open(
    make: Callable[..., ReviewPanel],
) -> None:
    panel = make()
    assert "<details>" in panel.controls.prompt.value
    panel.controls.open_prompt.click()
    panel.controls.approve.click()
    assert "<details open>" in panel.controls.prompt.value


def test_old_forms_are_closed(make: Callable[..., ReviewPanel]) -> None:
    panel = make(*(record(number) for number in range(8)))
    first = panel.form.editor
    for _ in range(5):
        panel.controls.skip.click()
    assert first.comm is None
    assert panel.form.editor.comm is not None


def test_every_control_has_a_name_for_screen_readers(make: Callable[..., ReviewPanel]) -> None:
    panel = make()

    def walk(widget: Any) -> list[Any]:
        return [
            widget,
            *(leaf for child in getattr(widget, "children", ()) for leaf in walk(child)),
        ]

    named = [leaf for leaf in walk(panel) if hasattr(leaf, "description")]
    controls = [leaf for leaf in named if type(leaf).__name__ != "HTML"]
    assert len(controls) > 20
    assert all(leaf.description.strip() for leaf in controls)


def test_the_panel_is_one_line_in_text(make: Callable[..., ReviewPanel]) -> None:
    assert repr(make()) == "ReviewPanel(4 pending, showing 'c0')"


def test_a_negative_pause_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pause=-1"):
        ReviewPanel(ReviewQueue(tmp_path), pause=-1)


def test_code_that_clicks_decides_at_once_and_people_have_a_moment(tmp_path: Path) -> None:
    from types import SimpleNamespace

    import IPython

    queue = ReviewQueue(tmp_path)
    assert ReviewPanel(queue)._pause == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object()))
        assert ReviewPanel(queue)._pause == 0.3
