"""The course of an export: who begins with which file next, and where its rows go."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from jarvis_lab.synthesis.desk import Done, Step

__all__ = ["Course", "Failure"]

#: Drafts that a process may hold while it begins another: each is as large as a day's rows.
_HELD = 2


class Failure(NamedTuple):
    """Stands where a result would."""

    error: BaseException


class Course:
    """Gives the items out in order, and each draft its place behind those of earlier items.

    Several threads ask, one for each process. An item that is given out comes back with the size
    of its draft; when that of every earlier item is known as well, so is its place. Whoever waits
    for a place waits for items that others have begun, so somebody always goes on.

    Parameters
    ----------
    items
        What there is to do.
    """

    def __init__(self, items: Iterable[object]) -> None:
        self._items = deque(enumerate(items))
        self.count = len(self._items)
        #: Taken by itself, for Ctrl-C may come between a Condition and its lock.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._sizes: dict[int, int] = {}
        self._offsets: dict[int, int] = {}
        self._placed, self._end = 0, 0
        self._results: dict[int, Any] = {}
        self._stopped = False

    def next_step(self, held: Collection[int], *, awaited: int | None = None) -> Step | None:
        """Wait for something to do.

        Parameters
        ----------
        held
            Numbers of the drafts that the process has.
        awaited
            Number of the item whose result somebody wants.

        Returns
        -------
        Step or None
            None when the awaited result is there; without such, when there will be nothing to do
            any more. Also when the course was stopped.
        """
        with self._lock:
            while not self._stopped and awaited not in self._results:
                step = self._step(sorted(held))
                if step is not None:
                    return step
                if awaited is None and not held and not self._items:
                    return None
                self._changed.wait()
        return None

    def _step(self, held: list[int]) -> Step | None:
        places = [(number, self._offsets[number]) for number in held if number in self._offsets]
        if self._items and len(held) - len(places) < _HELD:
            return Step(places, *self._items.popleft())
        return Step(places, -1, None) if places else None

    def did(self, step: Step, done: Done) -> None:
        """Take what came of a step."""
        with self._lock:
            self._results.update(done.results)
            if step.number >= 0:
                self._sizes[step.number] = done.size
            while self._placed in self._sizes:
                self._offsets[self._placed] = self._end
                self._end += self._sizes.pop(self._placed)
                self._placed += 1
            self._changed.notify_all()

    def failed(self, numbers: Iterable[int], error: BaseException) -> None:
        """Take note that there will be no result of the items ``numbers``."""
        with self._lock:
            self._results.update(dict.fromkeys(numbers, Failure(error)))
            self._changed.notify_all()

    def take(self, number: int) -> Any:
        """Give the result of that item, and forget it.

        Raises
        ------
        BaseException
            That of :meth:`failed`.
        """
        found = self._results.pop(number)
        if isinstance(found, Failure):
            raise found.error
        return found

    def stop(self) -> None:
        """Give nothing out any more."""
        with self._lock:
            self._stopped = True
            self._changed.notify_all()
