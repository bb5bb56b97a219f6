"""The review queue: every verb is one event, on disk before it returns."""

from __future__ import annotations

import os
from typing import Any

from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.errors import (
    NotDecidedError,
    NothingToRedoError,
    NothingToUndoError,
    NotPendingError,
)
from jarvis_lab.review.fold import newest_decision, newest_undo
from jarvis_lab.review.intake import ReviewIntake
from jarvis_lab.review.journal import REVIEWS, JournalWriter
from jarvis_lab.review.rules import Decision, FailureCategory, check_decision, storable
from jarvis_lab.review.tables import ReviewItem

__all__ = ["ReviewQueue"]


class ReviewQueue(ReviewIntake):
    """A folder of model answers to review, and the decisions about them.

    Parameters
    ----------
    folder
        Review folder. It appears with the first import or decision. A folder that has the
        original's ``sft_candidates.jsonl`` and ``sft_approved.jsonl`` is read as it is, and
        those files are never written.
    reviewer
        Name that stands in the decisions; the login name if not given.

    Raises
    ------
    JournalError
        If a journal has a line in its middle that cannot be read.

    Warns
    -----
    BadLineWarning
        If lines were left out; :meth:`bad_lines` has them all.

    Notes
    -----
    Each verb appends one event to this queue's own journal file and returns after it is on
    disk. If that fails it raises :class:`NotSavedError` and nothing has changed. All verbs on
    an item return its :class:`ReviewItem` as it is afterwards.

    A decision is judged by what this queue has read, not by what another process wrote a moment
    ago: of two reviewers who decide on the same item at the same time neither is refused, and
    the item is in conflict.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> root = pathlib.Path(tempfile.mkdtemp())
    >>> run = root / "2026-01-02-101112"
    >>> run.mkdir()
    >>> _ = (run / "sft_candidates.jsonl").write_text(
    ...     json.dumps({"id": "a", "model_response": "3", "quality_score": 0.1})
    ... )
    >>> queue = ReviewQueue(root / "review", reviewer="ann")
    >>> queue.import_run(run)
    ImportResult(imported=1, skipped=0, malformed=0)
    >>> queue.correct("a", "4", failure_category="wrong_answer")
    ReviewItem('a', approved, model ?)
    >>> queue.undo().status
    'needs_review'
    """

    def __init__(self, folder: str | os.PathLike[str], *, reviewer: str | None = None) -> None:
        super().__init__(folder, reviewer=reviewer)
        self._writer = JournalWriter(self._folder / REVIEWS, self._reviewer)

    def submit(
        self,
        id: str,
        action: Decision,
        *,
        corrected_response: str | None = None,
        failure_category: FailureCategory | None = None,
        note: str | None = None,
    ) -> ReviewItem:
        """Decide on a pending item.

        Parameters
        ----------
        id
            Candidate.
        action
            ``"correct"`` with ``corrected_response`` and ``"approve"`` make it approved,
            ``"discard"`` discarded, ``"flag"`` model_rejected.
        corrected_response
            What the model should have said.
        failure_category
            One of :data:`FAILURE_CATEGORIES`.
        note
            Free text, for people.

        Returns
        -------
        ReviewItem
            The item as it is now.

        Raises
        ------
        UnknownActionError, UnknownCategoryError, BlankCorrectionError, UnknownItemError, \
NotPendingError, NotSavedError
        """
        check_decision(action, corrected_response, failure_category, note)
        position = self._position(id)
        status = self._ledger.states[position].status
        if status != "needs_review":
            raise NotPendingError(
                f"{id!r} does not wait for review: it is {status}{self._by_whom(position)}. "
                f"edit({id!r}, text) changes a decision, undo({id!r}) takes it back."
            )
        return self._record(
            position, action, text=corrected_response, category=failure_category, note=note
        )

    def correct(
        self,
        id: str,
        text: str,
        *,
        failure_category: FailureCategory | None = None,
        note: str | None = None,
    ) -> ReviewItem:
        """The answer was wrong and should have been ``text``; see :meth:`submit`."""
        return self.submit(
            id, "correct", corrected_response=text, failure_category=failure_category, note=note
        )

    def approve(
        self, id: str, *, failure_category: FailureCategory | None = None, note: str | None = None
    ) -> ReviewItem:
        """The answer was right and the scorer wrong; see :meth:`submit`."""
        return self.submit(id, "approve", failure_category=failure_category, note=note)

    def discard(
        self, id: str, *, failure_category: FailureCategory | None = None, note: str | None = None
    ) -> ReviewItem:
        """The item is of no use; see :meth:`submit`."""
        return self.submit(id, "discard", failure_category=failure_category, note=note)

    def flag(
        self, id: str, *, failure_category: FailureCategory | None = None, note: str | None = None
    ) -> ReviewItem:
        """The model is to be rejected for this kind of task; see :meth:`submit`."""
        return self.submit(id, "flag", failure_category=failure_category, note=note)

    def edit(
        self,
        id: str,
        text: str,
        *,
        failure_category: FailureCategory | None = None,
        note: str | None = None,
    ) -> ReviewItem:
        """Correct an item that has a decision already; :meth:`undo` brings that one back.

        Editing another reviewer's decision makes a conflict until one of the two is undone.

        Raises
        ------
        NotDecidedError
            If the item has no decision.
        """
        check_decision("correct", text, failure_category, note)
        position = self._position(id)
        if self._ledger.states[position].decision is None:
            raise NotDecidedError(
                f"{id!r} has no decision to edit. correct({id!r}, text) makes one."
            )
        return self._record(position, "correct", text=text, category=failure_category, note=note)

    def skip(self, id: str) -> ReviewItem:
        """Leave a pending item for later: it comes last in this reviewer's :meth:`pending`."""
        return self._record(self._position(id), "skip")

    def note(self, id: str, note: str) -> ReviewItem:
        """Write a note on an item, decided or not; an empty one clears it."""
        storable("note", note)
        return self._record(self._position(id), "note", note=note)

    def save_draft(self, id: str, text: str) -> ReviewItem:
        """Keep what is being typed; ``get(id).draft`` gives it back. An empty one clears it."""
        storable("text", text)
        return self._record(self._position(id), "draft", text=text)

    def undo(self, id: str | None = None, *, reviewer: str | None = None) -> ReviewItem:
        """Cancel the newest decision still in force: step by step to the first.

        Parameters
        ----------
        id
            Of this item, whoever made it, the decision it came with included. Without it, this
            reviewer's newest decision on any item.
        reviewer
            With ``id``: only this reviewer's decisions, to settle a conflict.

        Raises
        ------
        NothingToUndoError
            If no decision is left.
        """
        self.refresh()
        if id is None:
            return self._undo_mine()
        position = self._position(id)
        target = newest_decision(self._ledger.history(id), reviewer)
        if target is None:
            whose = f" by {reviewer!r}" if reviewer is not None else ""
            raise NothingToUndoError(f"{id!r} has no decision{whose} left to undo.")
        return self._record(position, "undo", undoes=target.event_id)

    def redo(self, id: str | None = None) -> ReviewItem:
        """Cancel the newest undo, and so restore what it took away, text and category included.

        A decision made after the undo leaves nothing to redo.

        Parameters
        ----------
        id
            Of this item, whoever undid it. Without it, this reviewer's newest undo on any item.

        Raises
        ------
        NothingToRedoError
            If no undo is left.
        """
        self.refresh()
        if id is None:
            return self._redo_mine()
        position = self._position(id)
        target = newest_undo(self._ledger.history(id), None)
        if target is None:
            raise NothingToRedoError(f"{id!r} has no undo left to take back.")
        return self._record(position, "undo", undoes=target.event_id)

    def _undo_mine(self) -> ReviewItem:
        for _, event_id, item_id in reversed(self._ledger.my_steps()):
            position = self._store.positions.get(item_id)
            if position is None:
                continue
            target = newest_decision(self._ledger.history(item_id), self._reviewer)
            if target is not None and target.event_id == event_id:
                return self._record(position, "undo", undoes=event_id)
        raise NothingToUndoError(f"{self._reviewer!r} has no decision left to undo.")

    def _redo_mine(self) -> ReviewItem:
        for _, event_id, item_id in reversed(self._ledger.my_steps()):
            position = self._store.positions.get(item_id)
            if position is None:
                continue
            target = newest_undo(self._ledger.history(item_id), self._reviewer)
            if target is not None and target.event_id == event_id:
                return self._record(position, "undo", undoes=event_id)
        raise NothingToRedoError(f"{self._reviewer!r} has no undo left to take back.")

    def _record(self, position: int, action: str, **rest: Any) -> ReviewItem:
        """Write one event, and only then let it count."""
        with self._guard():
            entry = self._store.entries[position]
            history = self._ledger.events(entry.id)
            after = history[-1].at if history else None
            try:
                event = self._writer.append(entry.id, entry.sha256, action, after=after, **rest)
            finally:
                self._ledger.ignored.update(e.event_id for e in self._writer.unconfirmed)
            self._apply(event)
            return self._item(position)

    def _apply(self, event: ReviewEvent) -> None:
        writer = self._writer
        if writer.path is not None:
            self._reader.wrote(writer.path.name, before=writer.before, after=writer.size)
        self._ledger.update(self._ledger.add([event]))

    def _by_whom(self, position: int) -> str:
        decision = self._ledger.states[position].decision
        return f" by {decision.reviewer!r} at {decision.at}" if decision and decision.at else ""
