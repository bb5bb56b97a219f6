"""The reading half of a review queue: what is pending, what was decided, by whom."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from jarvis_lab._checks import choice, whole
from jarvis_lab.readers.jsonl import BadLine, BadLines
from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.agreement import agreement_frame
from jarvis_lab.review.candidates import CandidateStore, Entry
from jarvis_lab.review.errors import UnknownItemError
from jarvis_lab.review.events import JournalReader
from jarvis_lab.review.fold import ItemState, in_force
from jarvis_lab.review.journal import REVIEWS, login_name
from jarvis_lab.review.ledger import Ledger
from jarvis_lab.review.ordering import ORDERS, Order, Shelf
from jarvis_lab.review.tables import ReviewItem, event_frame, item_frame, review_item

__all__ = ["ReviewBoard"]


class ReviewBoard:
    """Everything of a review folder that can be read; :class:`ReviewQueue` adds the verbs.

    Each read first takes in what other processes have added, which costs one look at the files'
    sizes.
    """

    def __init__(self, folder: str | os.PathLike[str], *, reviewer: str | None = None) -> None:
        self._folder = Path(folder)
        if self._folder.exists() and not self._folder.is_dir():
            raise NotADirectoryError(f"{self._folder} is a file; a review queue needs a folder.")
        if reviewer is not None and not isinstance(reviewer, str):
            raise TypeError(f"reviewer must be text, not {type(reviewer).__name__} {reviewer!r}.")
        self._reviewer = (reviewer or "").strip() or login_name()
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._store = CandidateStore(self._folder)
        self._reader = JournalReader(self._folder / REVIEWS)
        self._ledger = Ledger(self._store, self._reviewer)
        self._shelf = Shelf(self._store)
        self._ledger.rebuild()
        self.refresh()
        bad = BadLines("warn")
        for line in self.bad_lines():
            bad.add(line.file, line.line, line.reason)
        bad.close(stacklevel=3)

    @property
    def folder(self) -> Path:
        """The folder of this queue."""
        return self._folder

    @property
    def reviewer(self) -> str:
        """Name that stands in this session's decisions."""
        return self._reviewer

    def __repr__(self) -> str:
        done = len(self._ledger.states) - self.pending_count()
        return (
            f"{type(self).__name__}({str(self._folder)!r}, reviewer={self._reviewer!r}): "
            f"{self.pending_count()} pending, {done} decided"
        )

    def refresh(self) -> bool:
        """Take in what was added to the folder since the last look; True if anything was.

        Raises
        ------
        JournalError
            If a journal has a line in its middle that cannot be read.
        """
        with self._guard():
            batch = self._reader.poll()
            changed = self._store.poll()
            if batch.reset:
                self._ledger.clear()
            touched = self._ledger.add(batch.events)
            if changed:
                self._shelf = Shelf(self._store)
            if changed or batch.reset:
                self._ledger.rebuild()
            else:
                self._ledger.update(touched)
            return changed or batch.reset or bool(touched)

    def bad_lines(self) -> list[BadLine]:
        """Lines left out: torn journal ends, and lines that are no candidate."""
        return self._reader.bad_lines() + self._store.bad_lines()

    def pending(
        self,
        page: int = 1,
        per_page: int = 20,
        *,
        order: Order = "file",
        model: str | None = None,
        task_type: str | None = None,
        search: str | None = None,
    ) -> pd.DataFrame:
        """One row per item of a page of those that wait for a decision.

        Items that this reviewer skipped come last, whatever the order.

        Parameters
        ----------
        page, per_page
            Which page, from 1, and its length. A page beyond the last is empty.
        order
            ``"file"``: as imported. ``"quality"``: lowest score first, unscored ones last.
            ``"value"``: first what would change a routing table most, see Notes.
        model, task_type
            Only this model name or task type; "unknown" stands for a missing one.
        search
            Only items whose id, names, prompt, answer or failure reason contain this text, case
            ignored.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`to_frame`.

        Notes
        -----
        The value of an item of task type t and model m is s_t · d / (d + g_tm) · (1 − a_t).
        s_t is the task type's share of all candidates. d = max(q, 1 − q) / n_tm is how far this
        one item, of score q (0.5 if missing), can move the mean score of its model in t, and
        g_tm the gap between that mean and the best model's in t (for the best, the second's):
        near a tie the ratio is near 1, and without a rival it is 0. a_t = (upheld + 1) /
        (decided + 2) is the share of decisions in t that agreed with the scorer: not "approve",
        and no conflict.
        """
        page, per_page = whole("page", page, least=1), whole("per_page", per_page, least=1)
        chosen = self._chosen(order, model, task_type, search)
        return self._frame(chosen[(page - 1) * per_page : page * per_page])

    def pending_ids(
        self,
        *,
        order: Order = "file",
        model: str | None = None,
        task_type: str | None = None,
        search: str | None = None,
    ) -> list[str]:
        """Ids of all items that :meth:`pending` would page through, in its order."""
        entries = self._store.entries
        return [entries[position].id for position in self._chosen(order, model, task_type, search)]

    def pending_count(
        self, *, model: str | None = None, task_type: str | None = None, search: str | None = None
    ) -> int:
        """How many items wait for a decision, with the filters of :meth:`pending`."""
        self.refresh()
        mask = self._shelf.mask(self._ledger, model=model, task_type=task_type, search=search)
        return int(np.count_nonzero(mask))

    def get(self, id: str) -> ReviewItem:
        """One candidate with its state and this reviewer's draft.

        Raises
        ------
        UnknownItemError
            If there is no such candidate.
        """
        self.refresh()
        return self._item(self._position(id))

    def stats(self) -> dict[str, Any]:
        """Counts over all candidates.

        Returns
        -------
        dict
            ``total``; ``by_status``, ``by_model``, ``by_task_type`` (text → count, only keys
            that occur, "unknown" for a missing model or task type); ``export_ready`` (approved,
            no conflict, not stale, target not blank); ``by_failure_category`` (of the decisions
            in force); ``by_reviewer`` (items on which the reviewer has a decision in force);
            ``per_day`` (UTC date → items whose newest decision in force is of that day).
        """
        self.refresh()
        ledger, shelf = self._ledger, self._shelf
        return {
            "total": len(self._store.entries),
            "by_status": {k: n for k, n in ledger.by_status.items() if n},
            "by_model": shelf.by_model(),
            "by_task_type": shelf.by_task_type(),
            "export_ready": ledger.export_ready,
            "by_failure_category": {k: n for k, n in sorted(ledger.by_category.items()) if n},
            "by_reviewer": {k: n for k, n in sorted(ledger.by_reviewer.items()) if n},
            "per_day": {k: n for k, n in sorted(ledger.per_day.items()) if n},
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate, in candidate order, with what was decided about it.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``source``, ``benchmark_run_id``, ``timestamp`` (text, as logged),
            ``status`` (needs_review, approved, discarded, model_rejected: by the newest decision
            in force), ``prompt_messages`` (list of dicts with role and content),
            ``model_response``, ``corrected_response`` (missing unless the action is correct),
            ``quality_score`` (float, NaN if missing or not a number), ``failure_reason``,
            ``task_id``, ``task_type``, ``task_name``, ``model_id``, ``model_name``,
            ``node_id``, ``gpu_id``, ``tokens_per_sec`` (float), ``failure_category`` (of the
            decision; without one, of the record), ``action`` (approve, correct, discard, flag,
            or missing), ``target`` (text to train on: the correction, or the approved answer),
            ``reviewer`` and ``decided_at`` (UTC; both missing for a decision that came with the
            original's files), ``note`` (the newest), ``conflict``, ``stale`` (bool),
            ``source_file`` (relative to the folder), ``source_line`` (int, from 1).
        """
        self.refresh()
        return item_frame(self._rows())

    def history(self, id: str) -> pd.DataFrame:
        """One row per event of an item, oldest first, drafts and undone ones included.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``event_id``, ``at`` (UTC), ``reviewer``, ``action``, ``text``,
            ``failure_category``, ``note``, ``undoes`` (event id), ``in_force`` (no undo in
            force names it), ``stale`` (made on other content). A decision that came with the
            original's files is the first row, without ``at`` and ``reviewer``.
        """
        self.refresh()
        entry = self._store.entries[self._position(id)]
        events = self._ledger.history(id)
        return event_frame([(id, events)], in_force(events), {id: entry.sha256})

    def conflicts(self) -> pd.DataFrame:
        """One row per decision in force that another reviewer's contradicts.

        Different actions contradict each other, and so do corrections with different text.
        Undo one of them to end the conflict; until then the item is not exported.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`history`.
        """
        self.refresh()
        return self._decisions(sorted(self._ledger.conflicts))

    def stale(self) -> pd.DataFrame:
        """One row per decision in force whose candidate changed afterwards; not exported.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`history`. :meth:`ReviewQueue.edit` or an undo and a new
            decision bring the item back.
        """
        self.refresh()
        return self._decisions(sorted(self._ledger.stale), newest=True)

    def agreement(self) -> pd.DataFrame:
        """One row per pair of reviewers who decided on the same items.

        Returns
        -------
        pandas.DataFrame
            ``reviewer_a``, ``reviewer_b``, ``n`` (items both decided on), ``agreement`` (share
            with the same action, in [0, 1]) with its 95 % Wilson interval ``agreement_low`` and
            ``agreement_high``, ``kappa`` (Cohen's, in [-1, 1], NaN where chance alone agrees
            always) with its 95 % interval ``kappa_low`` and ``kappa_high``, and ``note`` on
            figures not to be relied on.

        Notes
        -----
        Each reviewer's newest decision counts that the reviewer did not undo, so a conflict that
        was resolved still counts as one. κ = (p_o − p_e) / (1 − p_e) with p_e = Σ p_a·p_b over
        the actions; its interval is κ ± 1.96·√(p_o(1 − p_o) / (n(1 − p_e)²)).
        """
        self.refresh()
        return agreement_frame(
            self._ledger.history(entry.id)
            for entry in self._store.entries
            if len(self._ledger.events(entry.id)) > 1
        )

    def _chosen(
        self, order: str, model: str | None, task_type: str | None, search: str | None
    ) -> npt.NDArray[np.intp]:
        choice("order", order, ORDERS)
        self.refresh()
        return self._shelf.pending(
            self._ledger, order=order, model=model, task_type=task_type, search=search
        )

    def _position(self, id: str) -> int:
        position = self._store.positions.get(id) if isinstance(id, str) else None
        if position is None and self.refresh():
            position = self._store.positions.get(id)
        if position is None:
            raise UnknownItemError(
                f"No candidate has the id {id!r}; the folder {self._folder} holds "
                f"{len(self._store.entries)}. See pending() and to_frame() for their ids."
            )
        return position

    def _item(self, position: int) -> ReviewItem:
        entry, state = self._at(position)
        return review_item(entry, state, self._ledger.events(entry.id), self._reviewer)

    def _frame(self, positions: npt.NDArray[np.intp]) -> pd.DataFrame:
        return item_frame(self._at(int(position)) for position in positions)

    def _rows(self) -> Iterator[tuple[Entry, ItemState]]:
        return zip(self._store.entries, self._ledger.states, strict=True)

    def _at(self, position: int) -> tuple[Entry, ItemState]:
        return self._store.entries[position], self._ledger.states[position]

    def _decisions(self, positions: list[int], *, newest: bool = False) -> pd.DataFrame:
        rows: list[tuple[str, list[ReviewEvent]]] = []
        sha256: dict[str, str] = {}
        for position in positions:
            entry, state = self._at(position)
            found = [state.decision] if newest else list(state.live)
            rows.append((entry.id, [event for event in found if event is not None]))
            sha256[entry.id] = entry.sha256
        alive = {event.event_id for _, events in rows for event in events}
        return event_frame(rows, alive, sha256)

    def _guard(self) -> threading.RLock:
        """The lock of this process: a fork must not wait for a thread it does not have."""
        if os.getpid() != self._pid:
            self._lock, self._pid = threading.RLock(), os.getpid()
        return self._lock
