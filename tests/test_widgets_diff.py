"""The difference shows every word that changed, loses no character, and stays affordable."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.widgets import _diff
from jarvis_lab.widgets._diff import Change, count_words, diff_html, word_diff

words = st.lists(st.sampled_from(["a", "b", "cat", " ", "  ", "\n", ".", "é", "41", "42"])).map(
    "".join
)


def rebuilt(changes: list[Change], without: str) -> str:
    return "".join(c.text for c in changes if c.kind != without)


@given(st.one_of(words, st.text()), st.one_of(words, st.text()))
def test_both_texts_can_be_rebuilt(before: str, after: str) -> None:
    changes = word_diff(before, after)
    assert rebuilt(changes, "added") == before
    assert rebuilt(changes, "removed") == after


@given(words)
def test_equal_texts_have_no_change(text: str) -> None:
    assert all(c.kind == "same" for c in word_diff(text, text))


@given(words, words)
def test_no_stretch_is_empty(before: str, after: str) -> None:
    assert all(c.text for c in word_diff(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("it is 41.", "it is 42.", [("removed", "41"), ("added", "42")]),
        ("a cat", "a cats", [("removed", "cat"), ("added", "cats")]),
        ("one two", "one", [("removed", " two")]),
        ("", "new", [("added", "new")]),
        ("x = foo(1)", "x = foo(1, 2)", [("added", ", 2")]),
        ("red fox ran", "blue dog ran", [("removed", "red fox"), ("added", "blue dog")]),
        ("a\nb", "a\n\nb", [("added", "\n")]),
    ],
)
def test_a_whole_word_is_marked(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    changed = [(c.kind, c.text) for c in word_diff(before, after) if c.kind != "same"]
    assert changed == expected


def test_words_are_counted() -> None:
    assert count_words(word_diff("a b c", "a c d e")) == (1, 2)


def test_a_word_changed_in_the_middle_of_a_megabyte_is_found_alone() -> None:
    text = "lorem ipsum dolor " * 60_000
    other = text[:540_000] + "CHANGED " + text[540_000:]
    assert [(c.kind, c.text) for c in word_diff(text, other) if c.kind != "same"] == [
        ("added", "CHANGED ")
    ]


def test_two_long_texts_that_differ_everywhere_are_compared_by_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    plain = _diff._matched
    monkeypatch.setattr(_diff, "_matched", lambda a, b: compared.append(len(a)) or plain(a, b))
    source = random.Random(1)
    lines = [" ".join(str(source.random()) for _ in range(60)) for _ in range(100)]
    before, after = "\n".join(["x", *lines, "x"]), "\n".join(["y", *lines, "y"])
    changed = [(c.kind, c.text) for c in word_diff(before, after) if c.kind != "same"]
    assert compared == [102]
    assert changed == [("removed", "x\n"), ("added", "y\n"), ("removed", "x"), ("added", "y")]


@pytest.mark.parametrize(
    "texts", [("(" * 100_000, "(x" * 50_000), ("a " * 500_000, "b " * 500_000)]
)
def test_hostile_texts_are_one_replacement_instead_of_an_endless_comparison(
    texts: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bounded(left: list[str], right: list[str]) -> list[Change]:
        assert len(left) * len(right) <= 4 * _diff._MOST_CELLS
        return plain(left, right)

    plain = _diff._matched
    monkeypatch.setattr(_diff, "_matched", bounded)
    changes = word_diff(*texts)
    assert rebuilt(changes, "added") == texts[0]
    assert len(changes) <= 4


def test_many_equal_tokens_are_not_compared_pair_by_pair() -> None:
    assert not _diff._affordable(["("] * 1000, ["("] * 199)
    assert _diff._affordable(["("] * 100, ["("] * 100)


def test_marks_are_elements_not_colour_alone_and_text_is_escaped() -> None:
    markup = diff_html(word_diff("keep <b>", "keep <script>"))
    assert "<del>b</del>" in markup
    assert "<ins>script</ins>" in markup
    assert "<script>" not in markup


def test_a_change_of_blanks_alone_can_be_seen() -> None:
    assert "<ins>··</ins>" in diff_html(word_diff("a b", "a  b"))


def test_a_change_of_lines_alone_can_be_seen() -> None:
    assert "<ins>↵\n</ins>" in diff_html(word_diff("a\nb", "a\n\nb"))


def test_unchanged_text_far_from_a_change_is_folded() -> None:
    middle = " ".join(f"word{i}" for i in range(1000))
    markup = diff_html(word_diff(f"first {middle} last", f"{middle} end"))
    assert "characters …</span>" in markup
    assert len(markup) < 2500


def test_a_change_of_a_megabyte_is_cut() -> None:
    markup = diff_html(word_diff("", "y" * 1_000_000))
    assert len(markup) < 10_000
    assert "994,000 characters" in markup
