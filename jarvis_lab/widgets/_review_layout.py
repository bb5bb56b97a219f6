"""Controls of the review panel and where they stand. No text of a model, no decisions here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

from jarvis_lab.widgets._style import CSS

__all__ = ["CATEGORIES", "LISTINGS", "ORDERS", "Controls", "ItemForm"]

#: The record's word -> what a person reads.
CATEGORIES: dict[str, str] = {
    "wrong_answer": "wrong answer",
    "partial_answer": "partial answer",
    "format_error": "format error",
    "style_violation": "style violation",
    "hallucination": "hallucination",
    "scoring_artifact": "scoring artifact",
}
LISTINGS: dict[str, str] = {
    "pending": "to review",
    "conflicts": "in conflict",
    "stale": "stale",
}
ORDERS: dict[str, str] = {
    "file": "as they came",
    "quality": "lowest quality first",
    "value": "most valuable first",
}
#: Texts up to this length go to the kernel with every key, longer ones when the editor is left.
_LIVE_TEXT = 20_000
_FIELD: dict[str, Any] = {"style": {"description_width": "initial"}}


def _button(text: str, tooltip: str, *, style: str = "", small: bool = False) -> Any:
    button = ipywidgets.Button(description=text, tooltip=tooltip, button_style=style)
    if small:
        button.add_class("jl-small")
    return button


def _row(children: Sequence[Any], *classes: str, vertical: bool = False) -> Any:
    box = (ipywidgets.VBox if vertical else ipywidgets.HBox)(list(children))
    for name in classes:
        box.add_class(name)
    return box


class ItemForm:
    """What a reviewer fills in for one item; made anew for each.

    The browser holds back keys while the kernel is busy and sends them after a click that came
    later. They then reach the form they were typed into, never the next item's.
    """

    def __init__(
        self, item_id: str = "", text: str = "", note: str = "", category: str | None = None
    ) -> None:
        self.item_id = item_id
        #: Text that was saved as the correction, once it was.
        self.submitted: str | None = None
        self.editor = ipywidgets.Textarea(
            value=text,
            description="Your correction",
            continuous_update=len(text) <= _LIVE_TEXT,
            rows=min(max(text.count("\n") + 1 + len(text) // 60, 6), 24),
            **_FIELD,
        )
        self.editor.add_class("jl-editor")
        self.category = ipywidgets.Dropdown(
            options=[("(not said)", ""), *((name, key) for key, name in CATEGORIES.items())],
            value=category if category in CATEGORIES else "",
            description="What went wrong",
            **_FIELD,
        )
        self.note = ipywidgets.Text(
            value=note,
            description="Note",
            placeholder="for whoever reads this decision later",
            continuous_update=False,
            **_FIELD,
        )
        self.note.add_class("jl-wide")

    def close(self) -> None:
        """Free the form's widgets in the kernel and in the browser."""
        for control in (self.editor, self.category, self.note):
            for part in (control.layout, control.style, control):
                part.close()


class Controls:
    """Every control of the panel, and `tree`, which holds them in the order of the Tab key."""

    def __init__(self) -> None:
        self.progress = ipywidgets.HTML()
        self.alert = ipywidgets.HTML()
        self.status = ipywidgets.HTML()
        self._make_filters()
        self._make_item()
        self._make_actions()
        self._make_foot()
        self.work = _row([self.item, self.actions], "jl-work", vertical=True)
        css = ipywidgets.HTML(CSS)
        css.add_class("jl-css")
        bar = _row([self.progress], "jl-bar")
        self.tree = [css, bar, self.filters, self.work, self.foot]

    def _make_filters(self) -> None:
        self.listing = ipywidgets.Dropdown(
            options=[(name, key) for key, name in LISTINGS.items()], description="Show", **_FIELD
        )
        self.model = ipywidgets.Dropdown(description="Model", **_FIELD)
        self.task_type = ipywidgets.Dropdown(description="Task type", **_FIELD)
        self.order = ipywidgets.Dropdown(
            options=[(name, key) for key, name in ORDERS.items()], description="Order", **_FIELD
        )
        self.search = ipywidgets.Text(
            description="Search",
            placeholder="text, then Enter",
            continuous_update=False,
            **_FIELD,
        )
        self.search.add_class("jl-wide")
        self.clear_filters = _button("Clear filters", "Show every pending item", small=True)
        self.filters = _row(
            [
                self.listing,
                self.model,
                self.task_type,
                self.order,
                self.search,
                self.clear_filters,
            ],
            "jl-filters",
        )

    def _make_item(self) -> None:
        self.facts = ipywidgets.HTML()
        self.prompt = ipywidgets.HTML()
        self.answer = ipywidgets.HTML()
        self.diff = ipywidgets.HTML()
        self.prompt_head = ipywidgets.HTML()
        self.open_prompt = _button("Open the prompt", "Show every turn in full", small=True)
        self.show_all = _button("Show everything", "Show texts that were cut", small=True)
        self.restore = _button("Restore the model's answer", "Start from the answer", small=True)
        self.clear = _button("Clear", "Empty the editor", small=True)
        self.edit_row = _row([self.restore, self.clear], "jl-row")
        self.editor_box = _row([], vertical=True)
        self.columns = _row([self.answer, self.editor_box], "jl-columns")
        self.fields = _row([], "jl-row")
        view_row = _row([self.prompt_head, self.open_prompt, self.show_all], "jl-row")
        prompt_box = _row([view_row, self.prompt], "jl-prompt", vertical=True)
        self.item = _row(
            [self.facts, prompt_box, self.columns, self.diff, self.fields],
            "jl-item",
            vertical=True,
        )

    def _make_actions(self) -> None:
        self.correct = _button("Save correction", "Your text is right", style="primary")
        self.approve = _button("Approve", "The model's answer was right, the scorer wrong")
        self.discard = _button("Discard …", "Not worth training on")
        self.flag = _button("Flag the model …", "Reject the model's answer for good")
        self.skip = _button("Skip", "Leave it for later")
        self.back = _button("Back", "To the item before")
        self.undo = _button("Undo", "Take back the newest decision")
        self.redo = _button("Redo", "Restore what the newest undo took back")
        self.done = ipywidgets.HTML()
        self.again = _button("Go through them again", "Show what was skipped", style="primary")
        self.question = ipywidgets.HTML()
        self.confirm = _button("Yes", "Do it", style="danger")
        self.cancel = _button("No, keep it", "Back to the item")
        self.ask = _row([self.question, self.confirm, self.cancel], "jl-row", "jl-ask")
        self.decide = _row([self.correct, self.approve, self.discard, self.flag], "jl-row")
        move = _row([self.back, self.skip], "jl-row", "jl-side")
        history = _row([self.undo, self.redo], "jl-row", "jl-side")
        buttons = _row([self.decide, move, history], "jl-row")
        self.actions = _row(
            [self.done, self.again, self.alert, buttons, self.ask, self.status],
            "jl-actions",
            vertical=True,
        )

    def _make_foot(self) -> None:
        self.show_stats = _button("Statistics", "Counts by status, model and more", small=True)
        self.export = _button("Export", "Write the decisions to a file", small=True)
        self.exported = ipywidgets.HTML()
        self.stats = ipywidgets.HTML()
        self.foot = _row(
            [_row([self.show_stats, self.export], "jl-row"), self.exported, self.stats],
            "jl-foot",
            vertical=True,
        )

    def show_form(self, form: ItemForm) -> None:
        """Put the form of an item in its place."""
        self.editor_box.children = [form.editor, self.edit_row]
        self.fields.children = [form.category, form.note]
