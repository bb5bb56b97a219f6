"""Which item of the queue comes next: the path of one sitting through the pending items."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from jarvis_lab.review.ordering import Order
from jarvis_lab.review.queue import ReviewQueue
from jarvis_lab.review.tables import ReviewItem

__all__ = ["Filters", "Walk"]

#: Items looked up at a time; each is checked again when its turn comes.
_AHEAD = 50


@dataclass(frozen=True)
class Filters:
    """What is shown, in which order; `None` filters nothing.

    Model, task type, search and order apply to pending items only.
    """

    listing: Literal["pending", "conflicts", "stale"] = "pending"
    order: Order = "file"
    model: str | None = None
    task_type: str | None = None
    search: str | None = None

    @property
    def active(self) -> bool:
        """Whether anything is left out."""
        return any(v is not None for v in (self.model, self.task_type, self.search)) or (
            self.listing != "pending"
        )

    def where(self) -> dict[str, Any]:
        """Arguments of ``pending_count``."""
        return {"model": self.model, "task_type": self.task_type, "search": self.search}


class Walk:
    """The items of one sitting, in the order they were shown, and the place in it.

    Parameters
    ----------
    queue
        A `ReviewQueue`. It is only read.
    """

    def __init__(self, queue: ReviewQueue) -> None:
        self._queue = queue
        self._ahead: deque[str] = deque()
        self._path: list[str] = []
        self._at = -1
        self._passed: set[str] = set()
        self.filters = Filters()

    @property
    def item_id(self) -> str | None:
        """The item shown, or None where nothing is left to show."""
        return self._path[self._at] if 0 <= self._at < len(self._path) else None

    @property
    def can_go_back(self) -> bool:
        """Whether an item was shown before this one."""
        return self._at > 0

    def restart(self, filters: Filters) -> str | None:
        """Show the first pending item that fits ``filters``, skipped ones included."""
        self.filters = filters
        self._ahead.clear()
        self._passed.clear()
        self._at = len(self._path) - 1
        return self.forward()

    def left(self) -> int:
        """How many items fit the filters, skipped ones and the one on screen included."""
        if self.filters.listing == "pending":
            return self._queue.pending_count(**self.filters.where())
        return len(self._listed())

    def forward(self) -> str | None:
        """Go to the next item: one that was shown before if we went back, else a new one."""
        if self._at < len(self._path) - 1:
            self._at += 1
            return self.item_id
        found = self._unseen()
        if found is not None:
            self._passed.add(found)
            self._path = [*(known for known in self._path if known != found), found]
        self._at = len(self._path) - (found is not None)
        return found

    def back(self) -> str | None:
        """Go to the item shown before this one, or stay at the first."""
        self._at = max(min(self._at, len(self._path)) - 1, 0)
        return self.item_id

    def go_to(self, item_id: str) -> None:
        """Show ``item_id`` now; the item that was on screen comes after it."""
        self._passed.add(item_id)
        now = self.item_id
        if item_id == now:
            return
        self._path = [known for known in self._path if known != item_id]
        self._at = len(self._path) if now is None else self._path.index(now)
        self._path.insert(self._at, item_id)

    def _unseen(self) -> str | None:
        found = self._waiting()
        if found is None:
            self._look_ahead()
            found = self._waiting()
        return found

    def _waiting(self) -> str | None:
        """Take the next item looked up ahead that is still pending (others may decide too)."""
        while self._ahead:
            item_id = self._ahead.popleft()
            if item_id not in self._passed and self._fits(self._queue.get(item_id)):
                return item_id
        return None

    def _look_ahead(self) -> None:
        """Fill `_ahead` with the next items not shown in this sitting."""
        unseen = (item_id for item_id in self._listed() if item_id not in self._passed)
        self._ahead.extend(islice(unseen, _AHEAD))

    def _listed(self) -> list[str]:
        if self.filters.listing == "pending":
            return self._queue.pending_ids(order=self.filters.order, **self.filters.where())
        listing = getattr(self._queue, self.filters.listing)
        return list(dict.fromkeys(listing()["id"]))

    def _fits(self, item: ReviewItem) -> bool:
        if self.filters.listing == "pending":
            return item.status == "needs_review"
        return item.conflict if self.filters.listing == "conflicts" else item.stale
