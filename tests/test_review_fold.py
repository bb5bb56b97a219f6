from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.candidates import CandidateStore
from jarvis_lab.review.fold import (
    PENDING,
    fold,
    in_force,
    in_order,
    newest_decision,
    newest_undo,
)
from jarvis_lab.review.ledger import Ledger

SHA = "0" * 64


def event(
    number: int,
    action: str,
    *,
    reviewer: str = "ann",
    text: str | None = None,
    undoes: str | None = None,
    item: str = "a",
    sha: str = SHA,
    **rest: str,
) -> ReviewEvent:
    return ReviewEvent(
        v=1,
        event_id=f"e{number}",
        item_id=item,
        item_sha256=sha,
        reviewer=reviewer,
        seq=number,
        at=f"2026-01-01T00:00:{number:02d}.000000Z",
        action=action,
        text=text,
        undoes=undoes,
        **rest,
    )


def state(*events: ReviewEvent, base: ReviewEvent | None = None):
    return fold(in_order(events), base, SHA, "needs_review")


def test_an_item_without_events_is_pending():
    assert state() == PENDING


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("approve", "approved"),
        ("correct", "approved"),
        ("discard", "discarded"),
        ("flag", "model_rejected"),
        ("skip", "needs_review"),
        ("note", "needs_review"),
        ("draft", "needs_review"),
    ],
)
def test_each_action_leads_to_its_status(action, status):
    assert state(event(1, action, text="x")).status == status


def test_the_newest_decision_counts_and_an_undo_steps_back_to_the_one_before():
    first, second = event(1, "correct", text="one"), event(2, "correct", text="two")
    assert state(first, second).decision == second
    assert state(first, second, event(3, "undo", undoes="e2")).decision == first
    both = [event(3, "undo", undoes="e2"), event(4, "undo", undoes="e1")]
    assert state(first, second, *both).status == "needs_review"


def test_an_undo_of_an_undo_restores_text_and_category():
    events = [
        event(1, "correct", text="one", category="wrong_answer"),
        event(2, "undo", undoes="e1"),
        event(3, "undo", undoes="e2"),
    ]
    assert state(*events).decision == events[0]
    assert state(*events, event(4, "undo", undoes="e3")).status == "needs_review"


def test_undos_that_name_one_another_in_a_circle_end_and_cancel_no_decision():
    circle = [event(2, "undo", undoes="e3"), event(3, "undo", undoes="e2")]
    itself = event(4, "undo", undoes="e4")
    assert state(event(1, "discard"), *circle, itself).status == "discarded"


def test_an_undo_counts_although_its_clock_was_behind():
    late = event(9, "discard")
    assert state(event(1, "undo", undoes="e9"), late).status == "needs_review"


def test_an_undo_of_an_event_that_is_not_there_does_nothing_until_it_comes():
    undo = event(2, "undo", undoes="e1")
    assert state(undo).status == "needs_review"
    assert state(undo, event(1, "flag")).status == "needs_review"
    assert state(undo, event(3, "flag")).status == "model_rejected"


def test_two_reviewers_who_disagree_are_in_conflict_until_one_is_undone():
    ann, bob = event(1, "approve"), event(2, "discard", reviewer="bob")
    assert state(ann, bob).conflict
    settled = state(ann, bob, event(3, "undo", undoes="e2"))
    assert not settled.conflict
    assert settled.decision == ann


def test_two_corrections_conflict_only_if_their_text_differs():
    ann = event(1, "correct", text="x")
    assert state(ann, event(2, "correct", reviewer="bob", text="y")).conflict
    assert not state(ann, event(2, "correct", reviewer="bob", text="x")).conflict
    assert not state(event(1, "flag"), event(2, "flag", reviewer="bob")).conflict


def test_one_reviewer_in_two_sessions_is_no_conflict():
    assert not state(event(1, "approve"), event(2, "discard")).conflict


def test_a_decision_on_other_content_is_stale():
    assert state(event(1, "approve", sha="1" * 64)).stale
    assert not state(event(1, "approve")).stale
    assert state(event(1, "approve", sha="1" * 64), event(2, "skip")).stale
    assert not state(event(1, "approve", sha="1" * 64), event(2, "approve")).stale


def test_a_decision_the_item_came_with_is_the_first_and_can_be_undone():
    base = ReviewEvent(
        v=1,
        event_id="original-1",
        item_id="a",
        item_sha256=SHA,
        reviewer="",
        seq=0,
        at="",
        action="discard",
    )
    assert state(base=base).status == "discarded"
    assert state(event(1, "correct", text="x"), base=base).status == "approved"
    assert not state(event(1, "correct", text="x"), base=base).conflict
    assert state(event(1, "undo", undoes="original-1"), base=base).status == "needs_review"


def test_the_newest_note_counts_an_empty_one_clears_it_and_an_undone_one_is_gone():
    first = event(1, "discard", note="why")
    assert state(first).note == "why"
    assert state(event(1, "discard", note="")).note is None
    assert state(first, event(2, "note", note="more")).note == "more"
    assert state(first, event(2, "note", note="")).note is None
    assert state(first, event(2, "undo", undoes="e1")).note is None


def test_copies_of_an_event_count_once_and_differing_copies_the_same_way_round():
    one, other = event(1, "correct", text="x"), event(1, "correct", text="y")
    assert in_order([one, one]) == [one]
    assert in_order([one, other]) == in_order([other, one])


def test_there_is_nothing_to_redo_after_a_newer_decision():
    undone = [event(1, "discard"), event(2, "undo", undoes="e1")]
    assert newest_undo(undone, None) == undone[1]
    assert newest_undo([*undone, event(3, "flag")], None) is None


def test_newest_decision_can_be_asked_for_one_reviewer():
    events = [event(1, "discard"), event(2, "flag", reviewer="bob")]
    assert newest_decision(events, None) == events[1]
    assert newest_decision(events, "ann") == events[0]
    assert newest_decision(events, "eve") is None


def test_a_chain_of_ten_thousand_undos_is_evaluated_without_recursion():
    chain = [event(0, "flag")] + [
        ReviewEvent(
            v=1,
            event_id=f"e{n}",
            item_id="a",
            item_sha256=SHA,
            reviewer="ann",
            seq=n,
            at="2026-01-01T00:00:00.000000Z",
            action="undo",
            undoes=f"e{n - 1}",
        )
        for n in range(1, 10_000)
    ]
    assert "e0" not in in_force(chain)
    assert "e0" in in_force(chain[:-1])


@st.composite
def journals(draw: st.DrawFn) -> list[ReviewEvent]:
    count = draw(st.integers(1, 12))
    actions = st.sampled_from(["approve", "correct", "discard", "flag", "skip", "note", "undo"])
    found = []
    for number in range(count):
        action = draw(actions)
        found.append(
            ReviewEvent(
                v=1,
                event_id=f"e{number}",
                item_id=draw(st.sampled_from("abc")),
                item_sha256=draw(st.sampled_from([SHA, "1" * 64])),
                reviewer=draw(st.sampled_from(["ann", "bob"])),
                seq=number,
                at=f"2026-01-01T00:00:{draw(st.integers(0, 5)):02d}.000000Z",
                action=action,
                text=draw(st.sampled_from(["x", "y"])) if action == "correct" else None,
                note=draw(st.sampled_from([None, "", "n"])),
                undoes=f"e{draw(st.integers(0, count))}" if action == "undo" else None,
            )
        )
    return found


def totals(ledger: Ledger) -> list[object]:
    counts = (ledger.by_status, ledger.by_category, ledger.by_reviewer, ledger.per_day)
    return [
        ledger.states,
        ledger.pending.tolist(),
        ledger.skipped.tolist(),
        ledger.conflicts,
        ledger.stale,
        ledger.export_ready,
        *({key: n for key, n in count.items() if n} for count in counts),
        list(ledger.my_steps()),
    ]


@settings(deadline=None, max_examples=200)
@given(events=journals(), seed=st.integers(0, 2**16), cut=st.integers(0, 12))
def test_state_and_totals_are_the_same_in_whatever_order_and_batches_events_come(
    tmp_path_factory, events, seed, cut
):
    store = CandidateStore(folder_of_three(tmp_path_factory))
    store.poll()
    at_once = Ledger(store, "ann")
    at_once.add(events)
    at_once.rebuild()
    shuffled = events + events[:2]
    random.Random(seed).shuffle(shuffled)
    in_parts = Ledger(store, "ann")
    in_parts.rebuild()
    for part in (shuffled[:cut], shuffled[cut:]):
        in_parts.update(in_parts.add(part))
    assert totals(in_parts)[:-1] == totals(at_once)[:-1]
    assert list(dict.fromkeys(in_parts.my_steps())) == list(at_once.my_steps())


def folder_of_three(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "three"
    if not folder.is_dir():
        folder.mkdir()
        lines = [f'{{"id": "{item}", "model_response": "r"}}' for item in "abc"]
        (folder / "sft_candidates.jsonl").write_text("\n".join(lines))
    return folder
