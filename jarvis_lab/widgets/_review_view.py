"""Drawing the review panel: from the queue and the item on screen into the controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import ReviewItem
from jarvis_lab.widgets import _html
from jarvis_lab.widgets import _review_draw as draw
from jarvis_lab.widgets._review_layout import Controls, ItemForm
from jarvis_lab.widgets._review_walk import Filters

__all__ = ["View"]

#: Characters of a prompt turn or an answer on screen before "Show everything".
_MOST_SHOWN = 6_000
_QUESTIONS: dict[str, tuple[str, str]] = {
    "discard": ("Discard this item? It will not be trained on.", "Yes, discard it"),
    "flag": ("Flag this answer as the model's failure? It will not be trained on.", "Yes, flag it"),
}


class View:
    """Writes into the controls; reads nothing but what it is given."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.opened = False
        self.whole = False
        self.show(False, controls.stats, controls.ask)

    def show(self, visible: bool, *parts: Any) -> None:
        """Show or hide controls."""
        for part in parts:
            part.layout.display = None if visible else "none"

    def options(self, counts: Mapping[str, Any]) -> None:
        """Offer the models and task types that occur, keeping what is chosen."""
        for control, key in (
            (self.controls.model, "by_model"),
            (self.controls.task_type, "by_task_type"),
        ):
            chosen = control.value
            names = sorted(counts[key])
            listed = [("all", "")]
            listed += [
                (f"{_html.one_line(name, 60)} ({counts[key][name]:,})", name) for name in names
            ]
            if tuple(listed) != tuple(control.options):
                control.options = listed
                control.value = chosen if chosen in counts[key] else ""

    def counts(self, queue: ReviewQueue, *, left: int, filters: Filters) -> None:
        """Progress, and the statistics where they are open."""
        counts = queue.stats()
        marks = {
            "in conflict": queue.conflicts()["id"].nunique(),
            "stale": queue.stale()["id"].nunique(),
        }
        self.controls.progress.value = draw.progress(
            counts, marks, left=left, filtered=filters.active
        )
        if self.controls.stats.layout.display != "none":
            self.controls.stats.value = draw.stats(counts)

    def item(self, item: ReviewItem | None, form: ItemForm, rivals: pd.DataFrame | None) -> None:
        """Everything about one item, its form included."""
        c = self.controls
        self.show(item is not None, c.item, c.decide, c.skip)
        self.show(item is None, c.done, c.again)
        self.actions(item, None)
        if item is None:
            return
        self.whole = False
        c.show_form(form)
        marks = [draw.reason(item), *_state_lines(item, rivals)]
        if item.draft:
            marks.append(draw.call("info", "Your draft, as you left it."))
        c.facts.value = draw.chips(item) + "".join(marks)
        self.texts(item)
        self.changes(item, form)

    def nothing_left(self, *, left: int, filtered: bool) -> None:
        """Say why no item is on screen."""
        if left:
            text = f"You have been through everything; {left:,} left."
        elif filtered:
            text = "Nothing fits these filters."
        else:
            text = "Nothing is left to review."
        self.controls.done.value = draw.call("info", text)
        self.show(left > 0, self.controls.again)

    def texts(self, item: ReviewItem) -> None:
        """Prompt and answer, cut or whole, folded or open."""
        c = self.controls
        most = None if self.whole else _MOST_SHOWN
        c.prompt_head.value = draw.prompt_head(item.prompt_messages)
        c.prompt.value = draw.prompt(item.prompt_messages, opened=self.opened, most=most)
        c.answer.value = draw.answer(item.model_response or "", most=most)
        c.open_prompt.description = "Fold the prompt" if self.opened else "Open the prompt"
        longest = max(map(len, _all_texts(item)))
        self.show(bool(item.prompt_messages), c.open_prompt)
        self.show(longest > _MOST_SHOWN, c.show_all)
        count = sum(map(len, _all_texts(item)))
        c.show_all.description = "Show less" if self.whole else f"Show all {count:,} characters"

    def changes(self, item: ReviewItem, form: ItemForm) -> None:
        """Show the difference between the answer and the text in the editor."""
        self.controls.diff.value = draw.changes(item.model_response or "", form.editor.value)

    def actions(self, item: ReviewItem | None, asking: str | None) -> None:
        """Buttons that make sense now, and the question that waits for an answer."""
        c = self.controls
        decided = item is not None and item.action is not None
        for button in (c.approve, c.discard, c.flag):
            button.disabled = decided or asking is not None
        for button in (c.correct, c.skip, c.back, c.undo, c.redo):
            button.disabled = asking is not None
        c.correct.description = "Save changed text" if decided else "Save correction"
        c.skip.description = "Next" if decided else "Skip"
        self.show(asking is not None, c.ask)
        if asking is not None:
            question, yes = _QUESTIONS[asking]
            c.question.value = f'<b role="alert">{question}</b>'
            c.confirm.description = yes

    def say(self, tone: str, text: str, detail: str = "") -> None:
        """One line below the buttons."""
        shown = _html.one_line(detail, 120)
        self.controls.status.value = draw.call(tone, text, detail=shown, role="status")

    def fail(self, text: str, detail: str) -> None:
        """Show what went wrong, above the buttons."""
        self.controls.status.value = ""
        self.controls.alert.value = draw.call(
            "error", text, detail=_html.one_line(detail, 1000), role="alert"
        )

    def exported(self, text: str) -> None:
        """Say what the export wrote."""
        detail = _html.one_line(text, 1000)
        self.controls.exported.value = draw.call("good", "Exported:", detail=detail, role="status")

    def quiet(self) -> None:
        """Take the last error away."""
        self.controls.alert.value = ""


def _all_texts(item: ReviewItem) -> list[str]:
    prompt = [_html.content_text(turn["content"]) for turn in item.prompt_messages]
    return [item.model_response or "", *prompt]


def _state_lines(item: ReviewItem, rivals: pd.DataFrame | None) -> list[str]:
    lines = []
    if item.action:
        when = f" on {item.decided_at:%Y-%m-%d %H:%M} UTC" if item.decided_at else ""
        who = f"by {item.reviewer}{when}" if item.reviewer else "before it came here"
        text = f"Decided ({draw.DONE[item.action]}). Undo it to decide anew:"
        lines.append(draw.call("info", text, detail=who))
    if rivals is not None:
        text = "In conflict. Not exported until one of these is undone; Undo takes the newest:"
        said = (
            f"{reviewer} {draw.DONE[action]}"
            + (f" “{_html.one_line(text, 120)}”" if isinstance(text, str) else "")
            for reviewer, action, text in rivals[["reviewer", "action", "text"]].to_numpy()
        )
        lines.append(draw.call("error", text, detail=" · ".join(said)))
    if item.stale:
        text = "Stale: the candidate changed after the decision. Not exported until decided anew."
        lines.append(draw.call("warn", text))
    return lines
