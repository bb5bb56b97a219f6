"""A progress bar that is not there until the work has taken a while."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

__all__ = ["LateBar"]

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class LateBar:
    """A bar that is made at the first step after ``delay`` seconds, or never.

    tqdm's own ``delay`` hides a bar, but in a notebook its widget is made all the same and sent to
    the page. A hundred short calls in a loop would send thousands of messages.
    """

    def __init__(self, total: float, desc: str, *, shown: bool = True, delay: float = 2.0) -> None:
        self._total, self._desc, self._shown, self._delay = total, desc, shown, delay
        self._start, self._done = time.monotonic(), 0.0
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def update(self, part: float) -> None:
        """Count a part of the work as done."""
        self._done += part
        if self._bar is not None:
            self._bar.update(part)
        elif self._shown and time.monotonic() - self._start >= self._delay:
            self._bar = tqdm(total=self._total, desc=self._desc, leave=False, bar_format=_BAR)
            self._bar.start_t -= time.monotonic() - self._start
            self._bar.update(self._done)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
