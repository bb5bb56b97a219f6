"""An open review folder: what waits in it, one item, and the counts."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from jarvis_lab._checks import choice, whole
from jarvis_lab.readers.jsonl import BadLine, BadLineWarning
from jarvis_lab.review.candidates import CandidateStore, Entry
from jarvis_lab.review.errors import UnknownItemError
from jarvis_lab.review.events import JournalReader
from jarvis_lab.review.fold import ItemState
from jarvis_lab.review.journal import REVIEWS, login_name
from jarvis_lab.review.ledger import Ledger
from jarvis_lab.review.ordering import ORDERS, Order, Shelf
from jarvis_lab.review.rules import storable
from jarvis_lab.review.tables import ReviewItem, item_frame, review_item

__all__ = ["ReviewBoard"]

_SHOWN = 3


class ReviewBoard:
    """What waits for review in a folder, and how far it has come.

    Each read first takes in what other processes have added, which costs one look at the files'
    sizes.
    """

    def __init__(self, folder: str | os.PathLike[str], *, reviewer: str | None = None) -> None:
        if not os.fspath(folder):
            raise ValueError("folder must not be empty. Give the folder that holds the review.")
        self._folder = Path(folder).expanduser()
        if self._folder.exists() and not self._folder.is_dir():
            raise NotADirectoryError(f"{self._folder} is a file; a review queue needs a folder.")
        if reviewer is not None and not isinstance(reviewer, str):
            raise TypeError(f"reviewer must be text, not {type(reviewer).__name__} {reviewer!r}.")
        self._reviewer = storable("reviewer", (reviewer or "").strip() or login_name())
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._store = CandidateStore(self._folder)
        self._reader = JournalReader(self._folder / REVIEWS)
        self._ledger = Ledger(self._store, self._reviewer)
        self._shelf = Shelf(self._store)
        self._ledger.rebuild()
        self.refresh()
        self._warn()

    @property
    def folder(self) -> Path:
        """The folder of this queue."""
        return self._folder

    @property
    def reviewer(self) -> str:
        """Name that stands in this reviewer's decisions."""
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

    def unplaced(self) -> list[str]:
        """Ids that the journals have events of but no candidate, say before an import."""
        self.refresh()
        return sorted(self._ledger.unplaced())

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
            The columns of :meth:`ReviewQueue.to_frame`.

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
        chosen = self._chosen(order, model, task_type, search)
        return [self._store.entries[position].id for position in chosen]

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

    def _warn(self) -> None:
        bad = self.bad_lines()
        if bad:
            places = "; ".join(map(str, bad[:_SHOWN]))
            more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
            warnings.warn(
                f"{len(bad)} bad line{'s' * (len(bad) > 1)} left out of {self._folder}: "
                f"{places}{more}. bad_lines() has them all.",
                BadLineWarning,
                stacklevel=4,
            )

    def _guard(self) -> threading.RLock:
        """The lock of this process: a fork must not wait for a thread it does not have."""
        if os.getpid() != self._pid:
            self._lock, self._pid = threading.RLock(), os.getpid()
        return self._lock
