"""What the review panel does around its verbs: items come and go, drafts and errors stay."""

from __future__ import annotations

import time
from collections.abc import Callable

import ipywidgets
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.review.errors import ReviewError
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import ReviewItem
from jarvis_lab.widgets._review_drafts import DraftKeeper
from jarvis_lab.widgets._review_layout import Controls, ItemForm
from jarvis_lab.widgets._review_view import View
from jarvis_lab.widgets._review_walk import Filters, Walk

__all__ = ["Desk"]

#: Forms kept for keys that arrive after the click that closed them.
_KEPT_FORMS = 4


class Desk(ipywidgets.VBox):  # type: ignore[misc]
    """The item on screen, its form and drafts, and the path through the queue."""

    def __init__(self, queue: ReviewQueue, *, pause: float) -> None:
        self.queue = queue
        self.controls = Controls()
        self.form = ItemForm()
        self.item: ReviewItem | None = None
        self.last_error: Exception | None = None
        self._pause = _checks.positive("pause", pause, zero=True)
        self._ready_at = 0.0
        self._view = View(self.controls)
        self._walk = Walk(queue)
        self._drafts = DraftKeeper(self._save_draft, later=self._on_timer)
        self._forms = [self.form]
        self._asking: str | None = None
        self._filling = False
        super().__init__(self.controls.tree)
        self.add_class("jl-review")
        self._wire()
        self.refresh()

    def __repr__(self) -> str:
        shown = self.item.id if self.item else None
        return f"{type(self).__name__}({self.queue.pending_count():,} pending, showing {shown!r})"

    def refresh(self) -> None:
        """Draw anew from the first pending item, after an import or another's work."""
        self._leave()
        self._filling = True
        try:
            self._view.options(self.queue.stats())
        finally:
            self._filling = False
        self._walk.restart(self._filters())
        self._show()

    def _wire(self) -> None:
        raise NotImplementedError

    def _guarded(self, action: Callable[[], object]) -> Callable[[object], None]:
        """Make a handler whose failure is on screen; what nobody expects goes on to the log."""

        def handler(_event: object) -> None:
            self.last_error = None
            self._view.quiet()
            self._shown(action)

        return handler

    def _shown(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (ReviewError, ValueError, OSError) as error:
            self._fail(error)
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error: Exception) -> None:
        self.last_error = error
        kind = "" if isinstance(error, ReviewError) else f"{type(error).__name__}: "
        self._view.fail("Not done; what you typed is still here.", f"{kind}{error}")

    def _current(self) -> ReviewItem:
        if self.item is None:
            raise ValueError("No item is on screen.")
        return self.item

    def _too_soon(self) -> bool:
        soon = time.monotonic() < self._ready_at
        if soon:
            text = "Ignored: this came too soon to be meant for this item. Press again."
            self._view.say("info", text)
        return soon

    def _look_first(self) -> None:
        """From now on, for a moment, a decision is taken for a slip."""
        self._ready_at = time.monotonic() + self._pause

    def _filters(self) -> Filters:
        c = self.controls
        return Filters(
            listing=c.listing.value,
            order=c.order.value,
            model=c.model.value or None,
            task_type=c.task_type.value or None,
            search=c.search.value.strip() or None,
        )

    # -- from the queue to the screen

    def _show(self) -> None:
        """Draw the item the walk has come to, or that there is none."""
        self._asking = None
        self._drafts.settle()
        item_id = self._walk.item_id
        self.item = None if item_id is None else self.queue.get(item_id)
        if self.item is not None:
            self._new_form(self.item)
        self._view.item(self.item, self.form, self._rivals())
        self._draw_counts()
        self._view.controls.status.value = ""
        self._look_first()

    def _rivals(self) -> pd.DataFrame | None:
        """Return the decisions that contradict each other, of an item in conflict."""
        if self.item is None or not self.item.conflict:
            return None
        events = self.queue.conflicts()
        return events[events["id"] == self.item.id]

    def _new_form(self, item: ReviewItem) -> None:
        """Start from the correction or the draft, else from the model's answer."""
        texts = (item.draft, item.corrected_response, item.model_response, "")
        text = next(text for text in texts if text is not None)
        form = ItemForm(item.id, text, item.note or "", item.failure_category)
        form.editor.observe(self._guarded(lambda: self._typed(form)), "value")
        self.form = form
        self._forms.append(form)
        while len(self._forms) > _KEPT_FORMS:
            self._forms.pop(0).close()

    def _draw_counts(self) -> None:
        filters = self._walk.filters
        left = self._walk.left()
        self._view.counts(self.queue, left=left, filters=filters)
        if self.item is None:
            self._view.nothing_left(left=left, filtered=filters.active)

    # -- what was typed

    def _typed(self, form: ItemForm) -> None:
        if form is not self.form:
            self._late(form)
        elif self.item is not None:
            self._view.changes(self.item, form)
            if self._drafts.changed():
                self._view.say("muted", "Draft saved.")

    def _on_timer(self) -> None:
        self._shown(self._save_waiting)

    def _save_waiting(self) -> None:
        if self._drafts.flush():
            self._view.say("muted", "Draft saved.")

    def _late(self, form: ItemForm) -> None:
        """Keys that the browser sent after the click: they belong to the item before."""
        item, text = self.queue.get(form.item_id), form.editor.value
        if form.submitted is not None and item.corrected_response == form.submitted != text:
            self.queue.edit(form.item_id, text, failure_category=form.category.value or None)
            form.submitted = text
            self._view.say("good", "Saved, with what you typed last:", form.item_id)
        elif item.action is None:
            self.queue.save_draft(form.item_id, text)

    def _save_draft(self) -> None:
        """Keep the text of the item on screen; without one there is nothing to keep."""
        if self.item is not None:
            self.queue.save_draft(self.item.id, self.form.editor.value)

    def _leave(self) -> None:
        """Keep a draft and a note before another item takes the place of this one."""
        self._drafts.flush()
        if self.item is not None:
            note = self.form.note.value.strip()
            if note != (self.item.note or ""):
                self.item = self.queue.note(self.item.id, note)
