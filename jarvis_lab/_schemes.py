"""The two original schemes, for one string and for a column.

Python's ``re`` and ``str`` semantics are the truth. The vectorised path gives the same answer on
every string: RE2, which is fast, decides where its rules and Python's are the same (ASCII), and
elsewhere only picks the strings that could match, which Python then decides.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["CLASSES", "Texts", "keyword_class", "keyword_classes", "regex_class", "regex_classes"]

#: The classes of both schemes, in the order in which they are tried.
CLASSES = ("code", "math", "short", "long", "general")
_CODE = re.compile(r"```|`[^`]+`|\b(?:def|class|import|function)\s", re.IGNORECASE)
_MATH = re.compile(r"\b(?:solve|integral|equation|calculate|compute)\b", re.IGNORECASE)
_CODE_KEYWORDS = ("def ", "class ", "import ", "```", "function")
_MATH_KEYWORDS = ("solve", "integral", "equation", "derivative", "proof")

# The letters beyond ASCII that Python's re.IGNORECASE takes for an ASCII letter.
_ALSO = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}
# What str.split and str.isspace take for white space.
_SPACE = (
    "\\t-\\r\\x1c-\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"
    "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
)


def _any_case(word: str, also: dict[str, str]) -> str:
    """An RE2 pattern for ``word`` with each letter in either case, or one of ``also``."""
    return "".join(
        f"[{c}{c.upper()}{also.get(c, '')}]" if c.isalpha() else re.escape(c) for c in word
    )


def _words_at_least(count: int) -> str:
    return f"^[{_SPACE}]*(?:[^{_SPACE}]+[{_SPACE}]+){{{count - 1}}}[^{_SPACE}]"


_CODE_WORDS, _MATH_WORDS = (
    ("def", "class", "import", "function"),
    ("solve", "integral", "equation", "calculate", "compute"),
)
_BACKTICKS = "```|`[^`]+`"
_ASCII_WORD, _ASCII_OTHER = "0-9A-Z_a-z", "\\x00-/:-@\\[-\\^`{-\\x7f"
_ASCII_SPACE = "\\t-\\r\\x1c-\\x20"


def _re2(words: Sequence[str], before: str, also: dict[str, str], after: str) -> str:
    return f"(?:^|{before})(?:{'|'.join(_any_case(word, also) for word in words)}){after}"


# What matches "sure" matches for Python. What does not match "maybe" does not. Between them are
# words beside, or spelt with, a letter beyond ASCII.
_CODE_SURE = f"{_BACKTICKS}|" + _re2(_CODE_WORDS, f"[{_ASCII_OTHER}]", {}, f"[{_ASCII_SPACE}]")
_CODE_MAYBE = _re2(_CODE_WORDS, f"[^{_ASCII_WORD}]", _ALSO, f"(?:[{_ASCII_SPACE}]|[^\\x00-\\x7f])")
_MATH_SURE = _re2(_MATH_WORDS, f"[{_ASCII_OTHER}]", {}, f"(?:$|[{_ASCII_OTHER}])")
_MATH_MAYBE = _re2(_MATH_WORDS, f"[^{_ASCII_WORD}]", _ALSO, f"(?:$|[^{_ASCII_WORD}])")
# str.lower() gives an ASCII letter for two letters beyond ASCII: U+212A (k, in no keyword) and
# U+0130, which becomes "i" and a combining dot and so never spells a keyword.
_CODE_LOWER = "|".join(_any_case(word, {}) for word in _CODE_KEYWORDS)
_MATH_LOWER = "|".join(_any_case(word, {}) for word in _MATH_KEYWORDS)
# Whatever any of the patterns above matches holds one of these.
_SUSPECT = "`|" + "|".join(
    _any_case(word, _ALSO) for word in dict.fromkeys((*_CODE_WORDS, *_MATH_WORDS, *_MATH_KEYWORDS))
)
_TEN_WORDS = _words_at_least(10)
_OVER_100_WORDS = _words_at_least(101)


def regex_class(query: str) -> str:
    """Class of one query as TraceDrivenPolicy has it."""
    if _CODE.search(query):
        return "code"
    if _MATH.search(query):
        return "math"
    if len(query) < 50:
        return "short"
    return "long" if len(query) > 500 else "general"


def keyword_class(query: str) -> str:
    """Class of one query as SFTRouterPolicy has it."""
    lowered = query.lower()
    if any(keyword in lowered for keyword in _CODE_KEYWORDS):
        return "code"
    if any(keyword in lowered for keyword in _MATH_KEYWORDS):
        return "math"
    words = len(lowered.split())
    if words < 10:
        return "short"
    return "long" if words > 100 else "general"


class Texts:
    """Queries as an Arrow array, and what both schemes ask of them, found at most once."""

    def __init__(self, queries: pa.Array) -> None:
        self.array = pc.fill_null(queries, "")

    @functools.cached_property
    def lengths(self) -> Any:
        """Characters of each query."""
        return pc.utf8_length(self.array).to_numpy(zero_copy_only=False)

    @functools.cached_property
    def suspects(self) -> Any:
        """Rows that may be code or math under either scheme; no other row can be."""
        return np.flatnonzero(_matches(self.array, _SUSPECT))

    @functools.cached_property
    def suspect_texts(self) -> pa.Array:
        """The queries of these rows."""
        return self.array.take(pa.array(self.suspects))


def regex_classes(texts: Texts) -> pa.DictionaryArray:
    """Class of each query, as :func:`regex_class`."""
    some = texts.suspect_texts
    beyond = ~pc.string_is_ascii(some).to_numpy(zero_copy_only=False)
    code = _matches(some, _CODE_SURE)
    _let_python_decide(some, code, beyond & ~code, _CODE_MAYBE, _CODE)
    math = _matches(some, _MATH_SURE, among=~code)
    _let_python_decide(some, math, beyond & ~math & ~code, _MATH_MAYBE, _MATH)
    lengths = texts.lengths
    return _from_masks(texts.suspects[code], texts.suspects[math], lengths < 50, lengths > 500)


def _let_python_decide(
    queries: pa.Array, found: Any, undecided: Any, maybe: str, pattern: re.Pattern[str]
) -> None:
    """Set ``found`` for those of the ``undecided`` queries that could match and do."""
    rows = np.flatnonzero(_matches(queries, maybe, among=undecided))
    texts = queries.take(pa.array(rows)).to_pylist()
    found[rows] = [pattern.search(text) is not None for text in texts]


def keyword_classes(texts: Texts) -> pa.DictionaryArray:
    """Class of each query, as :func:`keyword_class`."""
    code = texts.suspects[_matches(texts.suspect_texts, _CODE_LOWER)]
    math = texts.suspects[_matches(texts.suspect_texts, _MATH_LOWER)]
    rest = np.ones(len(texts.array), dtype=bool)
    rest[code] = rest[math] = False
    # 10 words and the spaces between them are 19 characters, 101 words 201.
    some = _matches(texts.array, _TEN_WORDS, among=rest & (texts.lengths >= 19))
    long = _matches(texts.array, _OVER_100_WORDS, among=some & (texts.lengths > 200))
    return _from_masks(code, math, rest & ~some, long)


def _matches(texts: pa.Array, pattern: str, *, among: Any = None) -> Any:
    """Which texts match; where ``among`` is given, only of those, and False elsewhere."""
    if among is None:
        found = pc.match_substring_regex(texts, pattern)
        return np.array(found.to_numpy(zero_copy_only=False), dtype=bool)
    matching = np.zeros(len(texts), dtype=bool)
    rows = np.flatnonzero(among)
    if len(rows):
        matching[rows] = _matches(texts.take(pa.array(rows)), pattern)
    return matching


def _from_masks(code: Any, math: Any, short: Any, long: Any) -> pa.DictionaryArray:
    codes = np.full(len(short), CLASSES.index("general"), dtype=np.int32)
    for name, rows in (("long", long), ("short", short), ("math", math), ("code", code)):
        codes[rows] = CLASSES.index(name)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(CLASSES, pa.string()))
