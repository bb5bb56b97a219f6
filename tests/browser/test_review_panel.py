"""The review panel in a real JupyterLab: what a person sees, types and finds again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import (
    accessible_names,
    command,
    cut_or_scrolling,
    faint_text,
    focused,
    open_notebook,
    restart_kernel,
    run_all,
    set_theme,
    shoot,
    wait_for_focus,
    wait_until_saved,
)
from review_data import HOSTILE, RUN, candidate, hostile, write_run

PANEL = ".jl-review"
EDITOR = f"{PANEL} textarea"


class Review:
    """A notebook with a panel over a folder of its own."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page = page
        self.folder = folder

    def press(self, name: str) -> None:
        self.page.locator(f"{PANEL} button", has_text=re.compile(f"^{name}")).click()

    def wait_for(self, text: str) -> None:
        self.page.locator(PANEL).get_by_text(text).first.wait_for()

    def decide_later(self) -> None:
        """Wait out the moment in which a click counts as a slip."""
        self.page.wait_for_timeout(400)

    def type_at_end(self, text: str, *, erase: int = 0) -> None:
        self.page.click(EDITOR)
        self.page.keyboard.press("Control+End")
        for _ in range(erase):
            self.page.keyboard.press("Backspace")
        self.page.keyboard.type(text)

    def events(self) -> list[dict[str, Any]]:
        files = sorted((self.folder / "review" / "reviews").glob("*.jsonl"))
        lines = [line for file in files for line in file.read_text().splitlines()]
        return sorted((json.loads(line) for line in lines), key=lambda event: event["at"])

    def decisions(self) -> list[str]:
        return [e["action"] for e in self.events() if e["action"] not in ("draft", "skip")]


@pytest.fixture
def review(page: Any, lab: Any, tmp_path: Path) -> Callable[..., Review]:
    def start(*records: dict[str, Any], width: int = 1400) -> Review:
        write_run(tmp_path, list(records) or [candidate(number) for number in range(8)])
        name = f"{tmp_path.name}.ipynb"
        lab.write_notebook(
            name,
            "from jarvis_lab.review.queue import ReviewQueue\n"
            "from jarvis_lab.widgets.review_panel import ReviewPanel\n\n"
            f"queue = ReviewQueue({str(tmp_path / 'review')!r}, reviewer='ann')\n"
            f"queue.import_run({str(tmp_path / RUN)!r})\n"
            "panel = ReviewPanel(queue)\n"
            "panel",
        )
        page.set_viewport_size({"width": width, "height": 1000})
        open_notebook(page, lab, name)
        run_all(page, until=EDITOR)
        return Review(page, tmp_path)

    return start


def test_a_correction_is_written_with_its_difference_in_view(
    review: Callable[..., Review],
) -> None:
    desk = review()
    page = desk.page
    assert page.input_value(EDITOR).endswith("So the answer is 31.00.")
    desk.type_at_end("30.00.", erase=6)
    page.locator(f"{PANEL} .jl-diff ins", has_text="30.00").wait_for()
    assert page.inner_text(f"{PANEL} .jl-diff del") == "31.00"
    desk.wait_for("1 word removed, 1 added")
    style = "e => getComputedStyle(e).textDecorationLine"
    assert page.eval_on_selector(f"{PANEL} del", style) == "line-through"
    assert page.eval_on_selector(f"{PANEL} ins", style) == "underline"
    page.get_by_label("What went wrong").select_option("wrong answer")
    page.get_by_label("Note").fill("one too many")
    desk.press("Save correction")
    desk.wait_for("corrected")
    event = desk.events()[-1]
    assert event["action"] == "correct"
    assert event["text"].endswith("So the answer is 30.00.")
    assert (event["category"], event["note"]) == ("wrong_answer", "one too many")
    desk.wait_for("1 of 8 decided")
    assert "201" in page.input_value(EDITOR)
    assert page.script_errors == []


def test_discard_asks_and_undo_takes_it_back(review: Callable[..., Review]) -> None:
    desk = review()
    desk.decide_later()
    desk.press("Discard")
    desk.wait_for("Discard this item?")
    wait_for_focus(desk.page, "Yes, discard it")
    desk.press("No, keep it")
    desk.page.locator(f"{PANEL} .jl-ask").wait_for(state="hidden")
    assert desk.events() == []
    wait_for_focus(desk.page, "Discard …")
    desk.press("Discard")
    desk.wait_for("Discard this item?")
    desk.decide_later()
    desk.press("Yes, discard it")
    desk.wait_for("discarded")
    assert desk.decisions() == ["discard"]
    desk.press("Undo")
    desk.wait_for("undone")
    desk.wait_for("0 of 8 decided")
    assert desk.decisions() == ["discard", "undo"]
    desk.press("Redo")
    desk.wait_for("redone")
    desk.wait_for("1 of 8 decided")


def test_after_a_failed_save_the_text_and_the_reason_are_on_screen(
    review: Callable[..., Review],
) -> None:
    desk = review()
    page = desk.page
    in_the_way = desk.folder / "review" / "reviews"
    in_the_way.write_text("a file where the folder should be")
    desk.type_at_end(" typed with care")
    desk.press("Save correction")
    page.locator(f"{PANEL} [role=alert]").get_by_text("what you typed is still here").wait_for()
    assert page.locator(f"{PANEL} [role=status]").count() == 0
    assert page.input_value(EDITOR).endswith(" typed with care")
    in_the_way.unlink()
    desk.press("Save correction")
    desk.wait_for("corrected")
    assert desk.events()[-1]["text"].endswith(" typed with care")


def test_a_double_click_decides_one_item(review: Callable[..., Review]) -> None:
    desk = review()
    desk.decide_later()
    desk.page.locator(f"{PANEL} button", has_text=re.compile("^Approve")).dblclick()
    desk.wait_for("too soon")
    assert desk.decisions() == ["approve"]


def test_the_state_is_there_after_a_reload_and_after_a_new_kernel(
    review: Callable[..., Review],
) -> None:
    desk = review()
    page = desk.page
    desk.decide_later()
    desk.press("Approve")
    desk.wait_for("1 of 8 decided")
    desk.type_at_end(" And a thought")
    desk.wait_for("Draft saved")
    command(page, "docmanager:save")
    wait_until_saved(page)
    page.reload()
    page.wait_for_selector(EDITOR)
    desk.wait_for("1 of 8 decided")
    assert page.input_value(EDITOR).endswith(" And a thought")
    desk.type_at_end(" more")
    page.wait_for_timeout(1500)
    command(page, "notebook:clear-all-cell-outputs")
    page.wait_for_selector(PANEL, state="detached")
    restart_kernel(page)
    run_all(page, until=EDITOR)
    desk.wait_for("1 of 8 decided")
    assert page.input_value(EDITOR).endswith(" And a thought more")
    desk.wait_for("Your draft, as you left it.")


def test_hostile_text_is_shown_and_nothing_in_it_runs(review: Callable[..., Review]) -> None:
    desk = review(*hostile())
    page = desk.page
    desk.press("Open the prompt")
    page.wait_for_selector(f"{PANEL} details[open]")
    desk.press("Statistics")
    page.wait_for_selector(f"{PANEL} .jl-table")
    desk.type_at_end(" <img src=x onerror=\"window.hacked='diff'\">")
    page.wait_for_selector(f"{PANEL} .jl-diff ins")
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.script_errors == []
    inside = "script, img, iframe, mjx-container, .MathJax, .jl-work style"
    assert page.locator(PANEL).locator(inside).count() == 0
    answer = page.inner_text(f"{PANEL} .jl-answer")
    for part in ("<script>window.hacked='script'</script>", "</textarea></div>", "$x^2$ and $$y$$"):
        assert part in answer
    assert "ESC[31mred" in answer
    assert "nul:NUL" in answer
    assert "U+202Eesrever" in answer
    assert HOSTILE.split("\x1b")[0] in page.input_value(EDITOR)
    assert page.locator(f"{PANEL} .jl-prompt details").count() == 3
    assert cut_or_scrolling(page, PANEL) == []


def test_an_empty_a_right_to_left_and_a_huge_answer_can_be_read(
    review: Callable[..., Review],
) -> None:
    _, bare, rtl, huge = hostile()
    desk = review(bare, rtl, huge)
    page = desk.page
    desk.wait_for("no prompt recorded")
    desk.decide_later()
    desk.press("Skip")
    desk.wait_for("0.30 low")
    direction = "e => getComputedStyle(e).direction"
    assert page.eval_on_selector(f"{PANEL} .jl-answer .jl-text", direction) == "rtl"
    assert page.eval_on_selector(f"{PANEL} .jl-actions", direction) == "ltr"
    left, right = page.eval_on_selector(
        EDITOR, "e => [getComputedStyle(e).unicodeBidi, getComputedStyle(e).textAlign]"
    )
    assert (left, right) == ("plaintext", "start")
    desk.decide_later()
    desk.press("Skip")
    desk.wait_for("1,074,000 more characters not shown")
    assert len(page.input_value(EDITOR)) == 1_080_000
    desk.press("Show all")
    desk.wait_for("Show less")
    assert len(page.inner_text(f"{PANEL} .jl-answer .jl-text")) >= 1_079_999


def test_the_keyboard_alone_is_enough(review: Callable[..., Review]) -> None:
    desk = review()
    page = desk.page
    page.locator(f"{PANEL} select").first.focus()
    stops = [focused(page)]
    while stops[-1] != "Export":
        page.keyboard.press("Tab")
        stops.append(focused(page))
        assert len(stops) < 40, stops
    assert stops == [
        "Show",
        "Model",
        "Task type",
        "Order",
        "Search",
        "Clear filters",
        "Open the prompt",
        "systemYou are a careful tutor. Show each step of the sum.",
        "userWhat is 15% of 200?",
        "Your correction",
        "Restore the model's answer",
        "Clear",
        "What went wrong",
        "Note",
        "Save correction",
        "Approve",
        "Discard …",
        "Flag the model …",
        "Back",
        "Skip",
        "Undo",
        "Redo",
        "Statistics",
        "Export",
    ]
    while focused(page) != "Your correction":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("dd aa bb xx is fine")
    desk.wait_for("fine")  # among the changes: else the last letters may follow the saving
    while focused(page) != "Save correction":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    desk.wait_for("corrected")
    assert desk.events()[-1]["text"] == "dd aa bb xx is fine"
    desk.decide_later()
    while focused(page) != "Flag the model …":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait_for_focus(page, "Yes, flag it")
    desk.decide_later()
    page.keyboard.press("Enter")
    desk.wait_for("flagged")
    assert desk.decisions() == ["correct", "flag"]
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1


def test_keys_of_jupyterlab_keep_their_meaning(review: Callable[..., Review]) -> None:
    desk = review()
    page = desk.page
    page.locator(f"{PANEL} button", has_text="Undo").focus()
    page.keyboard.press("Control+s")
    wait_until_saved(page)
    page.locator(f"{PANEL} button", has_text="Undo").focus()
    page.keyboard.press("b")
    page.wait_for_function("() => document.querySelectorAll('.jp-Notebook .jp-Cell').length === 2")


def test_every_control_has_a_name(review: Callable[..., Review]) -> None:
    desk = review(*hostile()[:1])
    desk.decide_later()
    desk.press("Flag the model")
    desk.wait_for("Flag this answer")
    found = accessible_names(desk.page, PANEL)
    assert [role for role, name in found if not name.strip()] == []
    roles = [role for role, _ in found]
    assert roles.count("combobox") == 5
    assert roles.count("textbox") == 3
    assert roles.count("DisclosureTriangle") == 3
    assert roles.count("button") >= 15


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("width", [1400, 820])
def test_it_is_pleasant_to_look_at(
    review: Callable[..., Review], shots: Path, theme: str, width: int
) -> None:
    desk = review(width=width)
    page = desk.page
    set_theme(page, theme)
    desk.decide_later()
    desk.press("Approve")
    desk.wait_for("1 of 8 decided")
    desk.type_at_end("30.15, rounded to two places.", erase=6)
    page.get_by_label("What went wrong").select_option("wrong answer")
    desk.wait_for("Draft saved")
    name = f"review-{theme.lower()}-{width}"
    shoot(page, PANEL, shots / f"{name}.png")
    assert cut_or_scrolling(page, PANEL) == []
    assert faint_text(page, PANEL) == []
    desk.press("Open the prompt")
    desk.press("Statistics")
    page.wait_for_selector(f"{PANEL} .jl-table")
    desk.press("Discard")
    desk.wait_for("Discard this item?")
    shoot(page, PANEL, shots / f"{name}-asking.png")
    assert cut_or_scrolling(page, PANEL) == []
    assert faint_text(page, PANEL) == []
    panel, output = page.evaluate(
        "() => ['.jl-review', '.jp-OutputArea-output'].map(s => "
        "document.querySelector(s).getBoundingClientRect().width)"
    )
    assert panel <= output
