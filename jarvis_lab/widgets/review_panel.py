"""The correction review as a widget: it reads a queue, calls its verbs and draws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import ReviewItem
from jarvis_lab.widgets import _review_draw as draw
from jarvis_lab.widgets._review_desk import Desk
from jarvis_lab.widgets._review_export import export_review

__all__ = ["ReviewPanel"]


class ReviewPanel(Desk):
    """Review a model's wrong answers one by one.

    The panel reads the queue, calls its verbs and redraws; whatever it does, a line of code does
    too. "Saved" appears after the verb has returned, so the decision is on disk by then. If
    saving fails, the reason is on screen and the typed text stays.

    Parameters
    ----------
    queue
        A `ReviewQueue`. Several panels and processes may work on one folder.
    export
        Called with the queue by the Export button; what it returns is shown. By default the
        training rows and the whole table are written to ``exports`` in the queue's folder.
    pause
        Seconds after an item appears in which a decision is ignored, so that a double click
        does not decide an item nobody has seen. By default 0.3 in a notebook, where people
        click, and none elsewhere, where code does.

    Attributes
    ----------
    controls
        All controls, by name.
    form
        Editor, category and note of the item on screen.
    item : ReviewItem or None
        The item on screen.
    last_error : Exception or None
        What went wrong last, as shown on screen.

    Notes
    -----
    Drafts are saved after 25 changes and after a second without one, without a thread. Text of
    more than 20,000 characters reaches the kernel when the editor is left.

    Examples
    --------
    >>> import tempfile
    >>> from jarvis_lab.review.queue import ReviewQueue
    >>> ReviewPanel(ReviewQueue(tempfile.mkdtemp(), reviewer="ann"))
    ReviewPanel(0 pending, showing None)
    """

    def __init__(
        self,
        queue: ReviewQueue,
        *,
        export: Callable[[ReviewQueue], object] | None = None,
        pause: float | None = None,
    ) -> None:
        self._export = export or export_review
        super().__init__(queue, pause=_usual_pause() if pause is None else pause)

    def _wire(self) -> None:
        c = self.controls
        for button, action in (
            (c.correct, self._on_correct),
            (c.approve, lambda: self._decide("approve")),
            (c.discard, lambda: self._ask("discard")),
            (c.flag, lambda: self._ask("flag")),
            (c.confirm, self._on_confirm),
            (c.cancel, self._on_cancel),
            (c.skip, self._on_skip),
            (c.back, self._on_back),
            (c.undo, lambda: self._on_step(self.queue.undo, "undone")),
            (c.redo, lambda: self._on_step(self.queue.redo, "redone")),
            (c.restore, lambda: self._on_text(self._current().model_response or "")),
            (c.clear, lambda: self._on_text("")),
            (c.open_prompt, self._on_open_prompt),
            (c.show_all, self._on_show_all),
            (c.clear_filters, self._on_clear_filters),
            (c.again, self.refresh),
            (c.show_stats, self._on_stats),
            (c.export, self._on_export),
        ):
            button.on_click(self._guarded(action))
        for control in (c.listing, c.model, c.task_type, c.order, c.search):
            control.observe(self._guarded(self._on_filter), "value")

    def _on_correct(self) -> None:
        item = self._current()
        if self.form.editor.value == (item.model_response or "") and item.action != "correct":
            raise ValueError(
                "Your text is the model's answer, unchanged. Edit it, or press Approve if the "
                "answer was right."
            )
        self._decide("correct")

    def _decide(self, action: str) -> None:
        """Call the verb; only when it has returned, say so and go on."""
        item, form = self._current(), self.form
        if self._too_soon():
            return
        extra: dict[str, Any] = {
            "failure_category": _category(action, form.category.value, item),
            "note": form.note.value.strip() or None,
        }
        if action == "correct":
            text = form.editor.value
            (self.queue.edit if item.action else self.queue.correct)(item.id, text, **extra)
            form.submitted = text
        else:
            self._drafts.flush()
            getattr(self.queue, action)(item.id, **extra)
        self._walk.forward()
        self._show()
        self._view.say("good", f"Saved {_clock()}: {draw.DONE[action]}", item.id)

    def _ask(self, action: str) -> None:
        self._current()
        if not self._too_soon():
            self._asking = action
            self._look_first()
            self._view.actions(self.item, action)
            self.controls.confirm.focus()

    def _on_confirm(self) -> None:
        action = self._asking
        if action is not None and not self._too_soon():
            self._on_cancel()
            self._decide(action)

    def _on_cancel(self) -> None:
        asked, self._asking = self._asking, None
        self._ready_at = 0.0
        self._view.actions(self.item, None)
        (self.controls.flag if asked == "flag" else self.controls.discard).focus()

    def _on_skip(self) -> None:
        item = self._current()
        if item.action is None:
            if self._too_soon():
                return
            self._leave()
            self.queue.skip(item.id)
        else:
            self._leave()
        self._walk.forward()
        self._show()
        if item.action is None:
            self._view.say("info", "Skipped; it comes back at the end:", item.id)

    def _on_back(self) -> None:
        if self._walk.can_go_back:
            self._leave()
            self._walk.back()
            self._show()
        else:
            self._view.say("info", "This is the first item of this sitting.")

    def _on_step(self, verb: Callable[..., ReviewItem], word: str) -> None:
        """Undo or redo: of the item on screen if it has something to take back, else the newest."""
        self._leave()
        decided = self.item.id if self.item and self.item.action and word == "undone" else None
        item = verb(decided)
        self._walk.go_to(item.id)
        self._show()
        self._view.say("good", f"Saved {_clock()}: {word}", item.id)

    def _on_text(self, text: str) -> None:
        self.form.editor.value = text

    def _on_open_prompt(self) -> None:
        self._view.opened = not self._view.opened
        self._view.texts(self._current())

    def _on_show_all(self) -> None:
        self._view.whole = not self._view.whole
        self._view.texts(self._current())

    def _on_filter(self) -> None:
        if not self._filling:
            self._leave()
            self._walk.restart(self._filters())
            self._show()

    def _on_clear_filters(self) -> None:
        self._filling = True
        try:
            self.controls.model.value = self.controls.task_type.value = ""
            self.controls.search.value = ""
            self.controls.listing.value = "pending"
        finally:
            self._filling = False
        self._on_filter()

    def _on_stats(self) -> None:
        self._view.show(self.controls.stats.layout.display == "none", self.controls.stats)
        self._draw_counts()

    def _on_export(self) -> None:
        self._leave()
        self._view.exported(str(self._export(self.queue)))


def _category(action: str, chosen: str, item: ReviewItem) -> str | None:
    """What went wrong; of an approved answer only what the reviewer says, not the scorer."""
    guessed = chosen == item.failure_category and chosen != "scoring_artifact"
    return None if action == "approve" and guessed else chosen or None


def _clock() -> str:
    return f"{datetime.now(UTC):%H:%M:%S} UTC"


def _usual_pause() -> float:
    """Longer than a double click where a kernel shows the panel to somebody."""
    from IPython import get_ipython

    return 0.3 if getattr(get_ipython(), "kernel", None) is not None else 0.0
