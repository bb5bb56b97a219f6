"""Work that waits until a control has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Later"]


class Later:
    """Calls ``work`` a moment after the last :meth:`soon`; at once where no event loop runs.

    Parameters
    ----------
    work
        What to call. In a kernel it is called by the loop, without a thread, so it is to show
        what goes wrong itself.
    seconds
        How long to wait.
    """

    def __init__(self, work: Callable[[], object], *, seconds: float = 0.2) -> None:
        self._work, self._seconds = work, seconds
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether work is due."""
        return self._timer is not None

    def soon(self) -> None:
        """Put the work off, or do it now if nothing could call it later."""
        self.drop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._work()
            return
        self._timer = loop.call_later(self._seconds, self._due)

    def drop(self) -> None:
        """Forget the work that is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._work()
