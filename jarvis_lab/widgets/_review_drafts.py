"""When a draft is saved: after so many changes, or after a moment without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["DraftKeeper"]


class DraftKeeper:
    """Counts changes and calls ``save``; without a thread, so that nothing runs unseen.

    Parameters
    ----------
    save
        Saves the draft. What it raises goes to whoever made the change.
    later
        Called by the timer; it is to call `flush` and to show what that raises.
    changes
        Changes after which the draft is saved at once.
    seconds
        Seconds without a change after which it is saved, where an event loop runs (in a kernel
        it does).
    """

    def __init__(
        self,
        save: Callable[[], object],
        *,
        later: Callable[[], object],
        changes: int = 25,
        seconds: float = 1.0,
    ) -> None:
        self._save = save
        self._later = later
        self._most = changes
        self._seconds = seconds
        self._unsaved = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether something was typed that is not on disk yet."""
        return self._unsaved > 0

    def changed(self) -> bool:
        """Note one change; True if the draft was saved with it."""
        self._unsaved += 1
        if self._unsaved >= self._most:
            return self.flush()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._stop()
        self._timer = loop.call_later(self._seconds, self._later)
        return False

    def flush(self) -> bool:
        """Save now if anything is waiting; True if it was."""
        if not self._unsaved:
            return False
        self._save()
        self.settle()
        return True

    def settle(self) -> None:
        """Forget what is waiting: it was saved in another way."""
        self._unsaved = 0
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
