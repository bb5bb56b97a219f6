"""Text a model wrote is shown, never run, and cannot reorder or hide what stands beside it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.widgets import _html


class Reader(HTMLParser):
    """Collects the tags and the text a browser would see."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


anything = st.text(st.characters(codec=None))  # type: ignore[arg-type]


@given(anything)
def test_no_text_brings_in_a_tag_of_its_own(text: str) -> None:
    for markup in (_html.inline(text), _html.block(text), _html.chip("k", text)):
        assert set(Reader(markup).tags) <= {"bdi", "div", "span"}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_text_is_shown_as_it_is(text: str) -> None:
    assert Reader(_html.escape(text)).text == text


@given(anything)
def test_markup_can_be_sent_as_utf8(text: str) -> None:
    _html.block(text).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "ESC[31mred"),
        ("a\x00b", "aNULb"),
        ("\x7f", "DEL"),
        ("\u202egnp.exe", "U+202Egnp.exe"),
        ("\u2066x\u2069", "U+2066xU+2069"),
        ("zero\u200bwidth", "zeroU+200Bwidth"),
        ("\ud800", "U+D800"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("windows\r\nline", "windows\nline"),
        ("lone\rreturn", "loneCRreturn"),
        ("family 👨\u200d👩 and نص\u200f", "family 👨\u200d👩 and نص\u200f"),
    ],
)
def test_characters_that_hide_get_a_name_and_ordinary_ones_stay(text: str, shown: str) -> None:
    assert Reader(_html.escape(text)).text == shown


def test_a_block_says_how_much_it_leaves_out() -> None:
    reader = Reader(_html.block("x" * 1500, most=1000))
    assert reader.text == "x" * 1000 + "500 more characters not shown"


def test_an_empty_text_is_said_to_be_empty() -> None:
    assert Reader(_html.block("")).text == "(empty)"


def test_a_block_lets_the_browser_find_the_direction() -> None:
    assert 'dir="auto"' in _html.block("שלום")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        ([], ""),
        ([{"type": "text", "text": "a"}, "b"], "a\nb"),
        ({"text": "inner"}, "inner"),
        ({"text": 3}, '{"text": 3}'),
        (12.5, "12.5"),
        ([{"image": "<x>"}], '{"image": "<x>"}'),
    ],
)
def test_content_of_any_json_type_becomes_text(content: object, text: str) -> None:
    assert _html.content_text(content) == text


def test_one_line_cuts_and_says_so() -> None:
    assert _html.one_line("a\n\tb " + "c" * 500, 10) == "a b cccccc …"


def test_one_line_of_a_megabyte_of_blanks_says_there_is_more() -> None:
    assert _html.one_line(" " * 1_000_000 + "x").endswith("…")


def test_a_table_escapes_its_cells_and_names() -> None:
    reader = Reader(_html.table(["<i>"], [["<script>"], [3]]))
    assert set(reader.tags) == {"table", "tr", "th", "td", "bdi"}
    assert reader.text == "<i><script>3"
