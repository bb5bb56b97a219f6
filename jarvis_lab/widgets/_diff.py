"""Word-level differences between a model's answer and its correction.

The cost is bounded: equal ends are taken off first, and what remains is compared by words, by
lines, or, when even that is too much, as one replacement.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from jarvis_lab.widgets import _html

__all__ = ["Change", "count_words", "diff_html", "word_diff"]

Kind = Literal["same", "removed", "added"]

_TOKENS = re.compile(r"\d+(?:[.,]\d+)+|\w+|\n|[^\S\n]+|[^\w\s]")
_POINT = re.compile(r"\d[.,]\d")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
#: A comparison within both bounds took at most 0.4 s on hostile texts, 0.02 s on prose:
#: the product of the lengths in tokens (blanks left out), and the number of pairs of equal tokens.
_MOST_CELLS = 4_000_000
_MOST_PAIRS = 60_000


@dataclass(frozen=True)
class Change:
    """A stretch of text that is the same, removed or added."""

    kind: Kind
    text: str


def word_diff(before: str, after: str) -> list[Change]:
    """Compare two texts by words.

    Parameters
    ----------
    before, after
        The model's answer and its correction.

    Returns
    -------
    list of Change
        In reading order. The same and removed stretches joined give ``before``, the same and
        added ones give ``after``.

    Notes
    -----
    A token is a word, a number with its points and commas, a run of blanks, a line break or one
    other character. Texts whose differing middles are too long for that are compared by whole
    lines, then as one stretch.

    Examples
    --------
    >>> [(c.kind, c.text) for c in word_diff("it is 41.", "it is 42.")]
    [('same', 'it is '), ('removed', '41'), ('added', '42'), ('same', '.')]
    """
    head, tail = _equal_ends(before, after)
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    changes = [Change("same", before[:head])]
    changes += _compare(*middle)
    changes.append(Change("same", before[len(before) - tail :]))
    return _joined(changes)


def _equal_ends(before: str, after: str) -> tuple[int, int]:
    """Lengths of the equal start and the equal end, cut back to the edge of a token."""
    most = min(len(before), len(after))
    head = _common(before, after, most)
    while 0 < head < max(len(before), len(after)) and not _edge(before, after, head):
        head -= 1
    rest = most - head
    tail = _common(before[head:][::-1], after[head:][::-1], rest)
    while tail and not _tail_edge(before, after, tail):
        tail -= 1
    return head, tail


def _common(before: str, after: str, most: int) -> int:
    """Length of the longest equal start, found by halving (slices compare at C speed)."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _edge(before: str, after: str, at: int) -> bool:
    return not any(_inside(text, at) for text in (before, after))


def _tail_edge(before: str, after: str, tail: int) -> bool:
    return not (_inside(before, len(before) - tail) or _inside(after, len(after) - tail))


def _inside(text: str, at: int) -> bool:
    """Whether ``at`` lies inside a word or a run of blanks."""
    if not 0 < at < len(text):
        return False
    if _sort(text[at - 1]) == _sort(text[at]) != "other":
        return True
    around = text[max(at - 2, 0) : at + 2]
    return bool(_POINT.search(around[: 1 + min(at, 2)]) or _POINT.search(around[min(at, 2) - 1 :]))


def _sort(character: str) -> str:
    if character.isalnum() or character == "_":
        return "word"
    return "blank" if character.isspace() and character != "\n" else "other"


def _compare(before: str, after: str) -> list[Change]:
    for pattern in (_TOKENS, _LINES):
        left, right = pattern.findall(before), pattern.findall(after)
        if _affordable(left, right):
            return _matched(left, right)
    return [Change("removed", before), Change("added", after)]


def _affordable(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether ``SequenceMatcher`` is fast here; like it, leave out blanks and popular tokens."""
    ours = Counter(token for token in left if not _blank(token))
    theirs = Counter(token for token in right if not _blank(token))
    if ours.total() * theirs.total() > _MOST_CELLS:
        return False
    popular = len(right) // 100 + 1 if len(right) >= 200 else len(right)
    return sum(ours[t] * n for t, n in theirs.items() if n <= popular) <= _MOST_PAIRS


def _blank(token: str) -> bool:
    return token.isspace() and token != "\n"


def _matched(left: Sequence[str], right: Sequence[str]) -> list[Change]:
    changes: list[Change] = []
    for kind, i, j, k, m in SequenceMatcher(_blank, left, right).get_opcodes():
        if kind == "equal":
            changes.append(Change("same", "".join(left[i:j])))
        else:
            changes += [
                Change("removed", "".join(left[i:j])),
                Change("added", "".join(right[k:m])),
            ]
    return changes


def _joined(changes: Sequence[Change]) -> list[Change]:
    """Stretches without empty ones, and replacements not split by a single blank."""
    kept: list[Change] = []
    removed, added = "", ""
    for position, change in enumerate(changes):
        if change.kind == "removed":
            removed += change.text
        elif change.kind == "added":
            added += change.text
        elif (removed or added) and _bridge(changes, position):
            removed, added = removed + change.text, added + change.text
        elif change.text:
            kept += _pair(removed, added)
            removed, added = "", ""
            kept.append(change)
    return kept + _pair(removed, added)


def _bridge(changes: Sequence[Change], position: int) -> bool:
    """A lone space between two replaced words reads better as part of one replacement."""
    here = changes[position]
    after = changes[position + 1 : position + 3]
    before = changes[max(position - 2, 0) : position]
    both = {"removed", "added"}
    return (
        here.text == " "
        and {c.kind for c in after if c.text} == both
        and {c.kind for c in before if c.text} == both
    )


def _pair(removed: str, added: str) -> list[Change]:
    kinds: tuple[tuple[Kind, str], ...] = (("removed", removed), ("added", added))
    return [Change(kind, text) for kind, text in kinds if text]


def count_words(changes: Sequence[Change]) -> tuple[int, int]:
    """How many words were removed and how many added.

    Examples
    --------
    >>> count_words(word_diff("a b c", "a c d e"))
    (1, 2)
    """
    return (
        sum(len(c.text.split()) for c in changes if c.kind == "removed"),
        sum(len(c.text.split()) for c in changes if c.kind == "added"),
    )


def diff_html(changes: Sequence[Change], *, context: int = 240, most: int = 6000) -> str:
    """Changes as markup: ``del`` struck through and ``ins`` underlined, not colour alone.

    Parameters
    ----------
    changes
        Result of `word_diff`.
    context
        Characters of unchanged text kept on each side of a change; the rest is folded.
    most
        Characters of one change that are shown.

    Returns
    -------
    str
        One block whose direction the browser finds.

    Examples
    --------
    >>> diff_html(word_diff("b", "<b>"))
    '<div class="jl-text jl-diff" dir="auto"><ins>&lt;</ins>b<ins>&gt;</ins></div>'
    """
    parts = [_part(change, i, len(changes), context, most) for i, change in enumerate(changes)]
    return f'<div class="jl-text jl-diff" dir="auto">{"".join(parts)}</div>'


def _part(change: Change, index: int, count: int, context: int, most: int) -> str:
    if change.kind == "same":
        return _folded(change.text, index > 0, index < count - 1, context)
    tag = "del" if change.kind == "removed" else "ins"
    shown, left = _html.cut(change.text, most)
    more = _fold(left) if left else ""
    visible = _html.escape(shown)
    if not shown.strip(" "):
        visible = visible.replace(" ", "·")
    return f"<{tag}>{visible.replace(chr(10), '↵' + chr(10))}{more}</{tag}>"


def _folded(text: str, before: bool, after: bool, context: int) -> str:
    """Unchanged text with its far part folded away."""
    start = context if before else 0
    end = context if after else 0
    hidden = len(text) - start - end
    if hidden <= context:
        return _html.escape(text)
    tail = _html.escape(text[len(text) - end :]) if end else ""
    return _html.escape(text[:start]) + _fold(hidden) + tail


def _fold(count: int) -> str:
    return f'<span class="jl-fold">… {count:,} characters …</span>'
