"""Blocked text and what it rests on: the normal form, prompts as they are read, and decisions."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.synthesis.blocked import BlockedText, Breach
from jarvis_lab.synthesis.messages import Turn, read_prompt, writable
from jarvis_lab.synthesis.normal import normal_form, words
from jarvis_lab.synthesis.reviewed import queue_sha256, read_reviewed

# -- the normal form -------------------------------------------------------------------------------


@given(st.text())
def test_case_space_and_unicode_form_do_not_change_the_normal_form(text: str) -> None:
    plain = normal_form(text)
    assert normal_form(f"\n\u3000{text}\t ") == plain
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normal_form(unicodedata.normalize(form, text)) == plain
    assert " ".join(plain.split()) == plain


@given(st.text())
def test_case_folding_comes_with_unicode_form(text: str) -> None:
    folded = unicodedata.normalize("NFKC", text).casefold()
    assert normal_form(folded) == normal_form(text)


@pytest.mark.parametrize("text", ["ΐ", "ŉ", "ǰ", "Straße", "ﬁ", "Ⅷ", "ẞ"])
def test_a_text_in_capitals_is_the_same_text(text: str) -> None:
    assert normal_form(text.upper()) == normal_form(text)


@pytest.mark.parametrize(
    "text",
    ["Pa\u200bris", "\ufeffParis", "Par\u00adis", "Paris\u2060", "Pa\U000e0041ris", "\u202eParis"],
)
def test_what_is_not_seen_makes_no_other_text(text: str) -> None:
    assert normal_form(text) == "paris"
    wrong = row(id="r", model_response="Paris", status="discarded", action="discard", target=None)
    passed = row(status="approved", action="correct", target=text)
    assert blocked(wrong, passed).whose((("user", "q"),), text) == "r"
    blank = row(status="approved", action="correct", target=text.translate(dict.fromkeys(b"Paris")))
    assert read_reviewed(pd.DataFrame([blank], dtype="object"))[0].refused == "blank target"


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal_form(normal_form(text)) == normal_form(text)


def test_what_differs_in_more_than_that_stays_different() -> None:
    forms = ["2-2", "2 - 2", "2+2", "paris", "paris.", "pari", "ı", "i", "naïve", "naive"]
    assert len({normal_form(form) for form in forms}) == len(forms)


def test_words_leave_punctuation_out_and_take_ideographs_one_by_one() -> None:
    assert words("Größe: 3.5 (ca.)") == ["grösse", "3", "5", "ca"]
    assert words("你好 world") == ["你", "好", "world"]


# -- prompts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "no prompt"),
        (float("nan"), "no prompt"),
        ([], "no prompt"),
        ("Hi", "prompt_messages is not a list of messages"),
        ({"role": "user", "content": "Hi"}, "prompt_messages is not a list of messages"),
        (5, "prompt_messages is not a list of messages"),
        (["Hi"], "message 1 is not a message with role and content"),
        ([{"content": "Hi"}], "message 1 has no role"),
        ([{"role": " ", "content": "Hi"}], "message 1 has no role"),
        ([{"role": "narrator", "content": "Hi"}], "message 1 has the unknown role 'narrator'"),
        ([{"role": "user", "content": None}], "message 1 has no text"),
        ([{"role": "user"}], "message 1 has no text"),
        ([{"role": "user", "content": []}], "message 1 has content that is not text"),
        ([{"role": "user", "content": 5}], "message 1 has content that is not text"),
        (
            [{"role": "user", "content": [{"type": "image_url"}]}],
            "message 1 has content that is not text",
        ),
        (
            [{"role": "assistant", "content": "x", "tool_calls": [1]}],
            "message 1 has tool_calls, which no format here carries",
        ),
        (
            [{"role": "user", "content": "\ud800"}],
            "a message has a lone surrogate, which UTF-8 cannot hold",
        ),
    ],
)
def test_a_prompt_that_cannot_be_read_says_why(value: Any, problem: str) -> None:
    assert read_prompt(value).problem == problem


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "USER", "content": "Hi"}],
        [{"role": "human", "content": ["Hi"]}],
        [{"role": "user", "content": [{"type": "text", "text": "Hi"}], "tool_calls": None}],
        np.array([{"role": "user", "content": np.array(["Hi"], dtype=object)}], dtype=object),
        ({"role": "user", "content": "Hi"},),
        [SimpleNamespace(role="user", content="Hi")],
    ],
)
def test_a_prompt_is_read_however_it_is_held(value: Any) -> None:
    prompt = read_prompt(value)
    assert (prompt.turns, prompt.problem) == ((Turn("user", "Hi"),), "")
    assert prompt.key == (("user", "hi"),)


def test_text_parts_are_joined_by_a_line_end_and_compared_without_it_too() -> None:
    prompt = read_prompt([{"role": "assistant", "content": ["It is Ly", {"text": "on"}]}])
    assert prompt.turns == (Turn("assistant", "It is Ly\non"),)
    assert prompt.joined == {0: "it is lyon"}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "tool_calls"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_prompt_makes_the_reader_raise(value: Any) -> None:
    prompt = read_prompt(value)
    assert prompt.problem or all(
        turn.role in {"system", "user", "assistant", "tool"} and writable(turn.text)
        for turn in prompt.turns
    )
    assert len(prompt.key) == len(prompt.turns)


# -- blocked text ----------------------------------------------------------------------------------


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "status": "needs_review",
        "prompt_messages": [{"role": "user", "content": "Q"}],
        "model_response": "Wrong",
        "action": None,
        "target": None,
        "conflict": False,
        "stale": False,
        **changes,
    }


def blocked(*rows: dict[str, Any]) -> BlockedText:
    return BlockedText(read_reviewed(pd.DataFrame(list(rows), dtype="object")))


Q = (Turn("user", "Q"),)


def test_an_answer_is_blocked_for_its_own_prompt_alone() -> None:
    wall = blocked(row())
    assert wall.breach(Q, " WRONG ") == Breach("target", "a")
    assert wall.breach((Turn("user", "q  "),), "wrong") == Breach("target", "a")
    assert wall.breach((Turn("system", "Q"),), "wrong") is None
    assert wall.breach(Q, "wrong!") is None
    assert len(wall) == 1


def test_an_earlier_turn_is_blocked_after_exactly_the_messages_before_it() -> None:
    wall = blocked(row())
    again = (*Q, Turn("assistant", "wrong"), Turn("user", "Sure?"))
    assert wall.breach(again, "right") == Breach("message 2", "a")
    assert wall.breach((Turn("system", "s"), *again), "right") is None
    assert wall.breach((*Q, Turn("user", "wrong"), Turn("user", "Sure?")), "right") is None


@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ({"status": "approved", "action": "approve"}, True),
        ({"status": "approved", "action": "approve", "stale": True}, False),
        ({"status": "approved", "action": "approve", "conflict": True}, False),
        ({"status": "approved", "action": "approve", "stale": None}, False),
        ({"status": "approved", "action": "approve", "conflict": 0}, False),
        ({"status": "approved", "action": "correct"}, False),
        ({"status": "discarded", "action": "approve"}, False),
        ({"status": None, "action": "approve"}, False),
        ({"status": "approved", "action": None}, False),
    ],
)
def test_only_an_approval_in_force_frees_an_answer(changes: dict[str, Any], free: bool) -> None:
    assert (blocked(row(**changes)).whose((("user", "q"),), "wrong") is None) is free


def test_the_first_candidate_with_the_answer_is_named() -> None:
    assert blocked(row(), row(id="b")).breach(Q, "wrong") == Breach("target", "a")


# -- the queue -------------------------------------------------------------------------------------


def test_the_hash_of_a_queue_knows_every_field_and_no_file_name() -> None:
    def hashed(**changes: Any) -> str:
        return queue_sha256(pd.DataFrame([row(**changes)], dtype="object"))

    assert hashed() == hashed(source_file="/elsewhere", source_line=9)
    different = [hashed(), hashed(target="x"), hashed(conflict=True), hashed(note="n")]
    different += [hashed(model_response="\ud800"), hashed(model_response="\ud801")]
    assert len(set(different)) == 6


def test_numpy_booleans_of_a_frame_are_booleans() -> None:
    frame = pd.DataFrame([row(status="approved", action="approve", target="Wrong")])
    assert frame["conflict"].dtype == bool
    assert read_reviewed(frame)[0].trusted
    assert read_reviewed(frame.astype({"conflict": "boolean"}))[0].trusted


def nested(levels: int) -> list[Any]:
    """A list in a list in a list …"""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [400, 900, 100_000])
def test_a_prompt_nested_too_deeply_is_unreadable_and_harms_no_other(levels: int) -> None:
    deep = row(id="deep", prompt_messages=[{"role": "user", "content": nested(levels)}])
    frame = pd.DataFrame([deep, row(id="other")], dtype="object")
    assert read_reviewed(frame)[0].prompt.problem == "message 1 has content that is not text"
    assert queue_sha256(frame) == queue_sha256(frame)


def test_a_number_too_long_to_be_shown_is_no_text_and_no_error() -> None:
    frame = pd.DataFrame([row(prompt_messages=[{"role": "user", "content": [10**5000]}])])
    other = pd.DataFrame([row(prompt_messages=[{"role": "user", "content": [10**5001]}])])
    assert queue_sha256(frame) != queue_sha256(other)
    assert read_reviewed(frame)[0].prompt.problem == "message 1 has content that is not text"


def test_the_hash_of_a_queue_takes_keys_that_utf_8_cannot_hold() -> None:
    frame = pd.DataFrame([row(prompt_messages=[{"role": "user", "content": "q", "\ud800": 1}])])
    other = pd.DataFrame([row(prompt_messages=[{"role": "user", "content": "q", "\ud801": 1}])])
    assert queue_sha256(frame) != queue_sha256(other)
