"""The state of every item and the running totals, kept up to date event by event."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.candidates import CandidateStore, Entry
from jarvis_lab.review.fold import DECISIONS, PENDING, ItemState, fold, in_order

__all__ = ["Ledger"]

_NO_EVENTS: list[ReviewEvent] = []


class Ledger:
    """Events by item, the state they fold to, and counts over all items.

    One new event costs the same however many candidates there are.
    """

    def __init__(self, store: CandidateStore, reviewer: str) -> None:
        self.reviewer = reviewer
        self.ignored: set[str] = set()
        self._store = store
        self._events: dict[str, list[ReviewEvent]] = {}
        self._mine: list[tuple[str, str, str]] = []
        self.states: list[ItemState] = []
        self.pending: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self.skipped: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self.overturned: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self.conflicts: set[int] = set()
        self.stale: set[int] = set()
        self.export_ready = 0
        self.by_status: Counter[str] = Counter()
        self.by_category: Counter[str] = Counter()
        self.by_reviewer: Counter[str] = Counter()
        self.per_day: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget all events; :meth:`rebuild` must follow."""
        self._events.clear()
        self._mine.clear()

    def add(self, events: Iterable[ReviewEvent]) -> set[str]:
        """File events under their items and return the ids of those items."""
        touched: set[str] = set()
        mine: list[tuple[str, str, str]] = []
        for event in events:
            if event.event_id in self.ignored:
                continue
            self._events.setdefault(event.item_id, []).append(event)
            touched.add(event.item_id)
            if event.reviewer == self.reviewer and _is_step(event):
                mine.append((event.at, event.event_id, event.item_id))
        for item_id in touched:
            listed = self._events[item_id]
            if len(listed) > 1:
                self._events[item_id] = in_order(listed)
        if len(mine) == 1:
            insort(self._mine, mine[0])
        elif mine:
            self._mine = sorted([*self._mine, *mine])
        return touched

    def events(self, item_id: str) -> list[ReviewEvent]:
        """Journaled events of an item, oldest first."""
        return self._events.get(item_id, _NO_EVENTS)

    def history(self, item_id: str) -> list[ReviewEvent]:
        """The decision the item came with, if any, then its events."""
        position = self._store.positions.get(item_id)
        base = None if position is None else self._store.entries[position].base
        return [*([base] if base else []), *self.events(item_id)]

    def unplaced(self) -> list[str]:
        """Ids that have events but no candidate."""
        return [item_id for item_id in self._events if item_id not in self._store.positions]

    def my_steps(self) -> Sequence[tuple[str, str, str]]:
        """(time, event id, item id) of this reviewer's decisions and undos, oldest first."""
        return self._mine

    def rebuild(self) -> None:
        """Fold every item anew."""
        entries = self._store.entries
        count = len(entries)
        self.states = [PENDING] * count
        self.pending = np.ones(count, dtype=bool)
        self.skipped = np.zeros(count, dtype=bool)
        self.overturned = np.zeros(count, dtype=bool)
        for totals in (self.by_status, self.by_category, self.by_reviewer, self.per_day):
            totals.clear()
        self.conflicts.clear()
        self.stale.clear()
        self.export_ready = 0
        self.by_status["needs_review"] = count
        for position, entry in enumerate(entries):
            if entry.id in self._events or entry.base or entry.status != "needs_review":
                self._update(position, entry)

    def update(self, item_ids: Iterable[str]) -> None:
        """Fold these items anew."""
        for item_id in item_ids:
            position = self._store.positions.get(item_id)
            if position is not None:
                self._update(position, self._store.entries[position])

    def _update(self, position: int, entry: Entry) -> None:
        old = self.states[position]
        new = fold(self.events(entry.id), entry.base, entry.sha256, entry.status)
        self._count(old, entry, -1)
        self._count(new, entry, 1)
        self.states[position] = new
        self.pending[position] = new.status == "needs_review"
        self.skipped[position] = self.reviewer in new.skipped_by
        approved = new.decision is not None and new.decision.action == "approve"
        self.overturned[position] = approved or new.conflict
        (self.conflicts.add if new.conflict else self.conflicts.discard)(position)
        (self.stale.add if new.stale else self.stale.discard)(position)

    def _count(self, state: ItemState, entry: Entry, step: int) -> None:
        self.by_status[state.status] += step
        decision = state.decision
        if decision is None:
            return
        if decision.category:
            self.by_category[decision.category] += step
        if decision.at:
            self.per_day[decision.at[:10]] += step
        for event in state.live:
            self.by_reviewer[event.reviewer] += step
        self.export_ready += step * is_export_ready(state, entry)


def is_export_ready(state: ItemState, entry: Entry) -> bool:
    """Approved, no conflict, not stale, and a target with visible text."""
    decision = state.decision
    if decision is None or state.status != "approved" or state.conflict or state.stale:
        return False
    if decision.action == "approve":
        return not entry.blank_answer
    return bool(decision.text and decision.text.strip())


def _is_step(event: ReviewEvent) -> bool:
    return event.action in DECISIONS or event.action == "undo"
