"""Both schemes on the originals' vectors, and no string on which the two paths differ."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.classes import CLASSES, MISSING_CLASS, classify_queries, classify_query

GOLDEN = Path(__file__).parent / "golden" / "classify.jsonl"
WORDS = (
    *("def", "class", "import", "function", "solve", "integral", "equation", "calculate"),
    *("compute", "derivative", "proof"),
)
ALPHABET = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]


def assert_paths_agree(queries, schemes=("regex", "keyword")):
    for by in schemes:
        vectorised = classify_queries(queries, by=by).tolist()
        scalar = [classify_query(query, by=by) for query in queries]
        if vectorised != scalar:
            place = next(
                i
                for i, pair in enumerate(zip(vectorised, scalar, strict=True))
                if len(set(pair)) > 1
            )
            pytest.fail(f"{by}: {queries[place]!r} is {scalar[place]}, not {vectorised[place]}")


@pytest.mark.parametrize("by", ["regex", "keyword"])
def test_the_originals_vectors_hold_on_both_paths(by):
    lines = GOLDEN.read_text(encoding="utf-8").split("\n")
    cases = [json.loads(line) for line in lines if line]
    assert len(cases) > 2000
    queries, expected = [case["query"] for case in cases], [case[by] for case in cases]
    assert classify_queries(queries, by=by).tolist() == expected
    assert [classify_query(query, by=by) for query in queries] == expected


def schemes_of(word):
    """The schemes that know the word."""
    return [by for by in ("regex", "keyword") if classify_query(word + " ", by=by) != "short"]


def assert_paths_agree_on_all(queries, schemes, group=128):
    """Compare many short strings by joining them: one that matches makes its group match.

    Groups that are code or math on either path are then compared string by string. The
    separator is no word character, so that a string's edges stay what they were.
    """
    filler = " ;\n; " + "- " * 110
    joined = [" ;\n; ".join(queries[i : i + group]) + filler for i in range(0, len(queries), group)]
    for by in schemes:
        vectorised = classify_queries(joined, by=by).tolist()
        scalar = [classify_query(text, by=by) for text in joined]
        assert vectorised == scalar
        matching = [i for i, label in enumerate(scalar) if label in ("code", "math")]
        assert len(matching) < len(joined) / 10, "too many groups match to compare strings"
        assert_paths_agree(
            [q for i in matching for q in queries[i * group : (i + 1) * group]], [by]
        )


@pytest.mark.parametrize("word", WORDS)
def test_paths_agree_with_every_code_point_in_place_of_a_letter(word):
    for place in range(len(word)):
        assert_paths_agree_on_all(
            [word[:place] + c + word[place + 1 :] + " " for c in ALPHABET], schemes_of(word)
        )


@pytest.mark.parametrize("word", WORDS)
def test_paths_agree_with_every_code_point_around_a_keyword(word):
    # Most of these match, so each is compared on its own.
    assert_paths_agree([c + word + " " for c in ALPHABET], schemes_of(word))
    assert_paths_agree([word + c for c in ALPHABET], schemes_of(word))


@pytest.mark.parametrize("words", [10, 101])
def test_paths_agree_with_every_code_point_as_a_word_separator(words):
    queries = [c.join(["a"] * words) for c in ALPHABET]
    fewer = [query[2:] for query in queries]
    separators = {c for c in ALPHABET if c.isspace()}
    for texts, passed in ((queries, True), (fewer, False)):
        for c, label in zip(ALPHABET, classify_queries(texts, by="keyword"), strict=True):
            expected = c in separators and passed if words == 10 else False
            assert (label != "short") == (expected or (words == 101 and c in separators)), repr(c)
            assert (label == "long") == (words == 101 and passed and c in separators), repr(c)
    assert_paths_agree([c.join(["a"] * words) for c in ALPHABET[:0x3100]])


def test_paths_agree_on_backticks_and_every_code_point():
    assert_paths_agree([f"`{c}`" for c in ALPHABET])


NASTY = st.text(
    st.sampled_from([*"defDEF classimportfunctionsolve`\n\x0b\x1c\x85\xa0", "ı", "İ", "ſ", "K"]),
    max_size=700,
)
WORDY = st.lists(
    st.sampled_from([*WORDS, "x", "ünï", "\u3000", "`", "``", "_", "\u0307"]), max_size=130
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(NASTY, st.text(max_size=600), WORDY.map(" ".join), WORDY.map("".join))))
def test_paths_agree_on_any_text(queries):
    assert_paths_agree(queries)


def test_a_missing_query_counts_as_empty():
    for missing in (None, float("nan"), pd.NA, np.nan):
        assert classify_query(None) == "short"
        assert classify_queries([missing, "import x"]).tolist() == ["short", "code"]


def test_the_index_of_a_series_is_kept():
    series = pd.Series(["import os", "hi"], index=[7, 3])
    classes = classify_queries(series)
    assert classes.index.tolist() == [7, 3]
    assert classes.name == "query_class"
    assert classes.dtype == "str"
    assert classify_queries([]).tolist() == []


class Lengths:
    def predict(self, queries):
        return [len(query) if query else None for query in queries]


def test_an_object_with_predict_labels_queries():
    assert classify_query("abc", by=Lengths()) == "3"
    assert classify_queries(["abc", None], by=Lengths()).tolist() == ["3", MISSING_CLASS]


class Short:
    def predict(self, queries):
        return queries[:-1]


def test_wrong_arguments_say_what_to_do():
    with pytest.raises(
        ValueError, match="by='domain' is not one of 'regex', 'keyword', and a column"
    ):
        classify_query("x", by="domain")
    with pytest.raises(TypeError, match="by must be a scheme, a column's name or an object"):
        classify_queries(["x"], by=3)
    with pytest.raises(ValueError, match="gave 1 label for 2 queries"):
        classify_queries(["x", "y"], by=Short())
    with pytest.raises(TypeError, match="queries must be text or missing"):
        classify_queries([1, 2])
    with pytest.raises(TypeError, match="query must be text, not int 3"):
        classify_query(3)
    with pytest.raises(TypeError, match="classify_query takes a single one"):
        classify_queries("one query")


def test_classes_are_those_of_the_originals():
    assert CLASSES == ("code", "math", "short", "long", "general")


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_whatever_pandas_calls_missing_is_an_empty_query(missing):
    assert classify_query(missing) == "short"
    assert classify_queries([missing, "def x"]).tolist() == ["short", "code"]


@pytest.mark.parametrize("by", ["regex", "keyword"])
def test_a_lone_surrogate_is_classified_alike_on_both_paths(by):
    queries = ["\ud800def x", "def \udfff", "solve\ud800", "a\ud800b", "\ud800" * 50, "x " * 101]
    expected = [classify_query(query, by=by) for query in queries]
    assert classify_queries(queries, by=by).tolist() == expected
    assert classify_queries(pd.Series(queries, dtype="object"), by=by).tolist() == expected


def test_a_frame_or_numbers_in_place_of_queries_is_an_error_that_says_so():
    with pytest.raises(TypeError, match=r"one column of queries, such as frame\['query'\]"):
        classify_queries(pd.DataFrame({"query": ["import os"]}))
    with pytest.raises(TypeError, match=r"^queries must be text or missing, not float, int\.$"):
        classify_queries([1, "a", None, 2.5])
    with pytest.raises(TypeError, match=r"query must be text, not list \['a'\]"):
        classify_query(["a"])


@pytest.mark.parametrize("labels", [None, "x", 3])
def test_a_classifier_that_gives_no_labels_is_named(labels):
    class Mute:
        def predict(self, queries):
            return labels

    with pytest.raises(TypeError, match=r"Mute.predict gave \w+, but must give one label"):
        classify_queries(["q"], by=Mute())
