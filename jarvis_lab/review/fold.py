"""From events to the state of one item: the same in whatever order the events were read."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jarvis_lab.records import ReviewEvent

__all__ = [
    "ACTIONS",
    "DECISIONS",
    "PENDING",
    "WITHDRAWN",
    "ItemState",
    "fold",
    "in_force",
    "in_order",
    "newest_decision",
    "newest_undo",
]

#: decision -> status of the item.
DECISIONS: dict[str, str] = {
    "approve": "approved",
    "correct": "approved",
    "discard": "discarded",
    "flag": "model_rejected",
}
ACTIONS: tuple[str, ...] = (*DECISIONS, "skip", "note", "draft", "undo")


#: Note of the undo that takes back an event whose write was never acknowledged.
WITHDRAWN = "withdrawn: the write was not acknowledged"


class ItemState(msgspec.Struct, frozen=True, gc=False):
    """What the events in force say of one item.

    ``decision`` is the newest decision in force, ``live`` each reviewer's newest one.
    """

    status: str
    decision: ReviewEvent | None = None
    live: tuple[ReviewEvent, ...] = ()
    conflict: bool = False
    stale: bool = False
    note: str | None = None
    skipped_by: tuple[str, ...] = ()


PENDING = ItemState("needs_review")


def in_order(events: Iterable[ReviewEvent]) -> list[ReviewEvent]:
    """Sort by time, then event id, with copies of the same event taken once."""
    by_id: dict[str, ReviewEvent] = {}
    for event in events:
        known = by_id.setdefault(event.event_id, event)
        if known is not event and known != event:
            by_id[event.event_id] = min(known, event, key=msgspec.json.encode)
    return sorted(by_id.values(), key=lambda event: (event.at, event.event_id))


def in_force(events: Iterable[ReviewEvent]) -> set[str]:
    """Ids of the events that no undo in force names.

    An undo is itself undone by an undo that names it. Undos that name one another in a circle
    cancel nothing but themselves.
    """
    listed = list(events)
    ids = {event.event_id for event in listed}
    names = {
        event.event_id: event.undoes
        for event in listed
        if event.action == "undo" and event.undoes is not None and event.undoes in ids
    }
    waiting: dict[str, int] = {}
    for target in names.values():
        waiting[target] = waiting.get(target, 0) + 1
    ready = [event_id for event_id in ids if event_id not in waiting]
    alive, undone = set[str](), set[str]()
    while ready:
        event_id = ready.pop()
        if event_id not in undone:
            alive.add(event_id)
        if event_id not in names:
            continue
        target = names[event_id]
        if event_id in alive:
            undone.add(target)
        waiting[target] -= 1
        if not waiting[target]:
            ready.append(target)
    return alive


def fold(
    events: list[ReviewEvent], base: ReviewEvent | None, sha256: str, status: str
) -> ItemState:
    """State of an item from its events in order, and the decision it came with, if any."""
    if base is None and len(events) == 1 and events[0].action in DECISIONS:
        only = events[0]
        stale = only.item_sha256 != sha256
        return ItemState(DECISIONS[only.action], only, (only,), False, stale, only.note or None)
    history = events if base is None else [base, *events]
    alive = in_force(history)
    newest: dict[str, ReviewEvent] = {}
    decision = note = None
    skipped: dict[str, None] = {}
    for event in history:
        if event.event_id not in alive:
            continue
        if event.action in DECISIONS:
            decision = newest[event.reviewer] = event
        elif event.action == "skip":
            skipped[event.reviewer] = None
        if event.note is not None and event.action != "undo":
            note = event.note or None
    live = tuple(event for reviewer, event in newest.items() if reviewer)
    return ItemState(
        DECISIONS[decision.action] if decision else "needs_review" if base else status,
        decision,
        live,
        len({(e.action, e.text if e.action == "correct" else None) for e in live}) > 1,
        decision is not None and decision.item_sha256 != sha256,
        note,
        tuple(skipped),
    )


def newest_decision(history: list[ReviewEvent], reviewer: str | None) -> ReviewEvent | None:
    """Newest decision in force (of ``reviewer``) in an item's ordered history."""
    alive = in_force(history)
    for event in reversed(history):
        mine = reviewer is None or event.reviewer == reviewer
        if mine and event.action in DECISIONS and event.event_id in alive:
            return event
    return None


def newest_undo(history: list[ReviewEvent], reviewer: str | None) -> ReviewEvent | None:
    """Newest undo in force of a decision; None if a decision in force was made after it."""
    alive = in_force(history)
    decisions = {event.event_id for event in history if event.action in DECISIONS}
    for event in reversed(history):
        if event.event_id not in alive or (reviewer is not None and event.reviewer != reviewer):
            continue
        if event.action in DECISIONS:
            return None
        withdrawn = event.note == WITHDRAWN
        if event.action == "undo" and event.undoes in decisions and not withdrawn:
            return event
    return None
