"""Query → query class, by the two original schemes, a column, or a model of your own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab._schemes import (
    CLASSES,
    Texts,
    keyword_class,
    keyword_classes,
    regex_class,
    regex_classes,
)

__all__ = [
    "CLASSES",
    "MISSING_CLASS",
    "SCHEMES",
    "By",
    "Predictor",
    "Texts",
    "classify_array",
    "classify_queries",
    "classify_query",
    "scheme_name",
]

SCHEMES = ("regex", "keyword")
#: The class of a row whose ``by`` column, or predicted label, is missing.
MISSING_CLASS = "(missing)"
_SURROGATE = re.compile("[\ud800-\udfff]")


@runtime_checkable
class Predictor(Protocol):
    """Anything with ``predict(queries) -> labels``, such as a scikit-learn pipeline."""

    def predict(self, queries: Any, /) -> Any:
        """Return one label for each query."""


By = str | Predictor


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
    if not isinstance(query, str):
        if not (pd.api.types.is_scalar(query) and pd.isna(query)):
            raise TypeError(f"query must be text, not {type(query).__name__} {query!r}.")
        query = None
    if by == "regex":
        return regex_class(query or "")
    if by == "keyword":
        return keyword_class(query or "")
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
    if isinstance(queries, pd.DataFrame):
        raise TypeError("queries must be one column of queries, such as frame['query'].")
    labels = classify_array(Texts(_text_array(queries)), by=by).dictionary_decode().to_pandas()
    return pd.Series(labels.array, index=index, name="query_class", dtype="str")


def classify_array(texts: Texts, *, by: By) -> pa.DictionaryArray:
    """Class of each query, as a dictionary array of int32 codes."""
    if by == "regex":
        return regex_classes(texts)
    if by == "keyword":
        return keyword_classes(texts)
    labels = _predict(by, texts.array.to_pylist())
    return pa.array([_label(label) for label in labels], pa.string()).dictionary_encode()


def scheme_name(by: By) -> str:
    """What a table calls the scheme: its name, its column's name, or its type's name."""
    return by if isinstance(by, str) else type(by).__name__


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
    labels = by.predict(queries)
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(
            f"{type(by).__name__}.predict gave {type(labels).__name__}, but must give one label "
            "for each query."
        )
    labels = list(labels)
    if len(labels) != len(queries):
        raise ValueError(
            f"{type(by).__name__}.predict gave {len(labels)} "
            f"{_checks.plural(len(labels), 'label')} for {len(queries)} "
            f"{_checks.plural(len(queries), 'query', 'queries')}."
        )
    return labels


def _label(label: object) -> str:
    return MISSING_CLASS if pd.isna(label) else str(label)  # type: ignore[call-overload]


def _text_array(queries: Iterable[str | None]) -> pa.Array:
    values = queries if isinstance(queries, (pd.Series, np.ndarray)) else list(queries)
    try:
        array = pa.array(values, pa.large_string(), from_pandas=True)
    except UnicodeEncodeError:  # a lone surrogate is no letter and no space, nor is U+FFFD
        texts = [_SURROGATE.sub("\ufffd", v) if isinstance(v, str) else v for v in values]
        return _text_array(texts)
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        kinds = {type(v).__name__ for v in values if not isinstance(v, str) and v is not None}
        raise TypeError(
            f"queries must be text or missing, not {', '.join(sorted(kinds))}."
        ) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
