"""Query → query class, by the two original schemes, a column, or a model of your own.

Python's ``re`` and ``str`` semantics are the truth. The vectorised path gives the same answer on
every string: RE2, which is fast, decides where its rules and Python's are the same (ASCII), and
elsewhere only picks the strings that could match, which Python then decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jarvis_lab import _checks

__all__ = [
    "CLASSES",
    "MISSING_CLASS",
    "SCHEMES",
    "By",
    "Predictor",
    "classify_array",
    "classify_queries",
    "classify_query",
    "scheme_name",
]

#: The classes of both schemes, in the order in which they are tried.
CLASSES = ("code", "math", "short", "long", "general")
SCHEMES = ("regex", "keyword")
#: The class of a row whose ``by`` column, or predicted label, is missing.
MISSING_CLASS = "(missing)"


@runtime_checkable
class Predictor(Protocol):
    """Anything with ``predict(queries) -> labels``, such as a scikit-learn pipeline."""

    def predict(self, queries: Any, /) -> Any:
        """Return one label for each query."""


By = str | Predictor

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
_TEN_WORDS = _words_at_least(10)
_OVER_100_WORDS = _words_at_least(101)


def classify_query(query: str | None, *, by: By = "regex") -> str:
    """Class of one query.

    Parameters
    ----------
    query : str or None
        The query; a missing one counts as empty.
    by : {"regex", "keyword"} or object with ``predict``
        The scheme. "regex" is that of TraceDrivenPolicy, "keyword" that of SFTRouterPolicy.

    Returns
    -------
    str
        One of ``code``, ``math``, ``short``, ``long``, ``general``, or the predicted label.

    Raises
    ------
    ValueError
        If ``by`` is neither a scheme nor has ``predict`` (a column needs a frame).

    Notes
    -----
    The first class that applies, in the order code, math, short, long, general:

    ========  ==========================================  ====================================
    class     regex                                       keyword, on the query in lower case
    ========  ==========================================  ====================================
    code      three backticks; a backtick pair around     contains "def ", "class ", "import ",
              text; def, class, import, function at a     three backticks or "function"
              word boundary and before white space
    math      a whole word solve, integral, equation,     contains solve, integral, equation,
              calculate, compute                          derivative or proof
    short     fewer than 50 characters                    fewer than 10 words
    long      more than 500 characters                    more than 100 words
    general   otherwise                                   otherwise
    ========  ==========================================  ====================================

    Source: OpenJarvis, ``learning/trace_policy.py`` and ``learning/sft_policy.py``.

    Examples
    --------
    >>> classify_query("def area(r): return 3.14 * r * r")
    'code'
    >>> classify_query("Show that the derivative of a constant is zero, with every single step")
    'general'
    >>> classify_query(
    ...     "Show that the derivative of a constant is zero, with every step", by="keyword"
    ... )
    'math'
    """
    if not (query is None or isinstance(query, str)):
        if query == query:
            raise TypeError(f"query must be text, not {type(query).__name__} {query!r}.")
        query = None
    if by == "regex":
        return _regex_class(query or "")
    if by == "keyword":
        return _keyword_class(query or "")
    return _label(_predict(by, [query or ""])[0])


def classify_queries(queries: Iterable[str | None], *, by: By = "regex") -> pd.Series[str]:
    """Class of each query, by the same rules as :func:`classify_query`.

    Parameters
    ----------
    queries : Series, array or other iterable of str
        Missing queries count as empty.
    by : {"regex", "keyword"} or object with ``predict``
        The scheme.

    Returns
    -------
    Series of str
        Named ``query_class``, with the index of ``queries`` if that is a Series.

    Examples
    --------
    >>> classify_queries(["import numpy", "Solve x + 2 = 4", None]).tolist()
    ['code', 'math', 'short']
    """
    index = queries.index if isinstance(queries, pd.Series) else None
    if isinstance(queries, str):
        raise TypeError("queries must be several queries; classify_query takes a single one.")
    labels = classify_array(_text_array(queries), by=by)
    return pd.Series(labels.to_pylist(), index=index, name="query_class", dtype="str")


def classify_array(queries: pa.Array, *, by: By) -> pa.DictionaryArray:
    """Class of each query of an Arrow text array, as a dictionary array of int32 codes."""
    if by == "regex":
        return _from_masks(queries, *_regex_masks(pc.fill_null(queries, "")))
    if by == "keyword":
        return _from_masks(queries, *_keyword_masks(pc.fill_null(queries, "")))
    labels = _predict(by, pc.fill_null(queries, "").to_pylist())
    return pa.array([_label(label) for label in labels], pa.string()).dictionary_encode()


def scheme_name(by: By) -> str:
    """What a table calls the scheme: its name, its column's name, or its type's name."""
    return by if isinstance(by, str) else type(by).__name__


def _regex_class(query: str) -> str:
    if _CODE.search(query):
        return "code"
    if _MATH.search(query):
        return "math"
    if len(query) < 50:
        return "short"
    return "long" if len(query) > 500 else "general"


def _keyword_class(query: str) -> str:
    lowered = query.lower()
    if any(keyword in lowered for keyword in _CODE_KEYWORDS):
        return "code"
    if any(keyword in lowered for keyword in _MATH_KEYWORDS):
        return "math"
    words = len(lowered.split())
    if words < 10:
        return "short"
    return "long" if words > 100 else "general"


def _regex_masks(queries: pa.Array) -> tuple[Any, Any, Any, Any]:
    length = _lengths(queries)
    beyond = ~pc.string_is_ascii(queries).to_numpy(zero_copy_only=False)
    code = _matches(queries, _CODE_SURE)
    _let_python_decide(queries, code, beyond & ~code, _CODE_MAYBE, _CODE)
    math = _matches(queries, _MATH_SURE, among=~code)
    _let_python_decide(queries, math, beyond & ~math & ~code, _MATH_MAYBE, _MATH)
    return code, math, length < 50, length > 500


def _let_python_decide(
    queries: pa.Array, found: Any, undecided: Any, maybe: str, pattern: re.Pattern[str]
) -> None:
    """Set ``found`` for those of the ``undecided`` queries that could match and do."""
    rows = np.flatnonzero(_matches(queries, maybe, among=undecided))
    texts = queries.take(pa.array(rows)).to_pylist()
    found[rows] = [pattern.search(text) is not None for text in texts]


def _keyword_masks(queries: pa.Array) -> tuple[Any, Any, Any, Any]:
    code = _matches(queries, _CODE_LOWER)
    math = _matches(queries, _MATH_LOWER, among=~code)
    rest = ~code & ~math
    short = rest & ~_matches(queries, _TEN_WORDS, among=rest)
    # 101 words and the spaces between them are 201 characters.
    long = _matches(queries, _OVER_100_WORDS, among=rest & ~short & (_lengths(queries) > 200))
    return code, math, short, long


def _lengths(queries: pa.Array) -> Any:
    return pc.utf8_length(queries).to_numpy(zero_copy_only=False)


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


def _from_masks(
    queries: pa.Array, code: Any, math: Any, short: Any, long: Any
) -> pa.DictionaryArray:
    codes = np.full(len(queries), CLASSES.index("general"), dtype=np.int32)
    for name, mask in (("long", long), ("short", short), ("math", math), ("code", code)):
        codes[mask] = CLASSES.index(name)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(CLASSES, pa.string()))


def _predict(by: By, queries: Sequence[str]) -> list[Any]:
    if isinstance(by, str):
        raise ValueError(
            f"by={by!r} is not one of {_checks.names(SCHEMES)}, and a column needs a frame: "
            "pass the table itself to score_counts() or route()."
        )
    if not isinstance(by, Predictor):
        raise TypeError(
            f"by must be a scheme, a column's name or an object with predict(queries), "
            f"not {type(by).__name__}."
        )
    if not queries:
        return []
    labels = list(by.predict(queries))
    if len(labels) != len(queries):
        raise ValueError(
            f"{type(by).__name__}.predict gave {len(labels)} labels for {len(queries)} queries."
        )
    return labels


def _label(label: object) -> str:
    return MISSING_CLASS if pd.isna(label) else str(label)  # type: ignore[call-overload]


def _text_array(queries: Iterable[str | None]) -> pa.Array:
    values = queries if isinstance(queries, (pd.Series, np.ndarray)) else list(queries)
    try:
        array = pa.array(values, pa.large_string(), from_pandas=True)
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise TypeError(f"queries must be text or missing: {error}") from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
