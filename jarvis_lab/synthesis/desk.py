"""What a worker process of an export does: one step after another, as it is told by a pipe."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

__all__ = ["HELLO", "Desk", "Done", "Step", "serve"]

#: The line before a worker's first answer; what was printed while Python started stands above it.
HELLO = b"a worker of jarvis_lab\n"


class Step(NamedTuple):
    """What to do next.

    Attributes
    ----------
    places : list of (int, int)
        Drafts to put into place: the number of the item that each was made of, and the byte.
    number : int
        Number of the item to begin with; -1 for none.
    item : object
        The item.
    """

    places: list[tuple[int, int]]
    number: int
    item: object


class Done(NamedTuple):
    """What came of a step.

    Attributes
    ----------
    results : list of (int, object)
        Results, each with the number of its item.
    size : int
        Bytes of the draft that was made of the item; 0 where there was none.
    """

    results: list[tuple[int, Any]]
    size: int


class Desk:
    """Where a process keeps its drafts until it is known where they go."""

    def __init__(self) -> None:
        self.shared: tuple[object, ...] = ()
        self.drafts: dict[int, Any] = {}

    def do(self, function: Callable[..., Any], sink: object, step: Step) -> Done:
        """Put drafts into place and call ``function`` with the item and what is shared.

        Without a ``sink`` its result is the item's. With one it is a draft, which has a ``size``
        and, once it is known where, a method ``place(sink, offset)`` whose result is the item's.
        """
        results = [
            (number, self.drafts.pop(number).place(sink, offset)) for number, offset in step.places
        ]
        if step.number < 0:
            return Done(results, 0)
        found = function(step.item, *self.shared)
        if sink is None:
            return Done([*results, (step.number, found)], 0)
        self.drafts[step.number] = found
        return Done(results, found.size)


def serve() -> None:
    """Answer the questions on standard input until it ends; what workers run."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answers.write(b"\n" + HELLO)
    desk = Desk()
    while True:
        try:
            verb, values = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if verb == "share":
            desk.shared = values
            continue
        try:
            _send(_reply(desk, *values), answers)
        except BrokenPipeError:
            return


def _reply(
    desk: Desk, function: Callable[..., Any], sink: object, step: Step
) -> tuple[bool, object]:
    try:
        return True, desk.do(function, sink, step)
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        return False, error


def _send(reply: tuple[bool, object], answers: BinaryIO) -> None:
    went_well, found = reply
    try:
        content = pickle.dumps(reply, protocol=pickle.HIGHEST_PROTOCOL)
        if not went_well:
            pickle.loads(content)  # not every error can be made again from what it holds
    except Exception as error:  # noqa: BLE001 - the parent waits for an answer
        why = f"answer could not be sent: {error!r}" if went_well else f"work failed: {found!r}"
        content = pickle.dumps((False, RuntimeError(f"A worker's {why}")))
    answers.write(content)
    answers.flush()
