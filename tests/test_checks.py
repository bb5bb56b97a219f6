"""The wording of argument errors."""

import numpy as np
import pytest

from jarvis_lab import _checks

NAN, INF = float("nan"), float("inf")


def test_names_are_quoted_and_cut():
    assert _checks.names([]) == "none"
    assert _checks.names(["a", 1]) == "'a', 1"
    assert _checks.names(range(13)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … (13 in all)"
    assert "…" not in _checks.names(range(12))


def test_one_of_a_kind_is_named_in_the_singular():
    assert [f"{n} {_checks.plural(n, 'row')}" for n in range(3)] == ["0 rows", "1 row", "2 rows"]
    assert _checks.plural(1, "query", "queries") == "query"
    assert _checks.plural(np.int64(1), "query lacks", "queries lack") == "query lacks"
    assert _checks.plural(0, "query", "queries") == "queries"


def test_a_choice_is_one_of_the_options():
    assert _checks.choice("by", "a", ["a", "b"]) == "a"
    for value in ("c", None, 1, ["a"]):
        with pytest.raises(ValueError, match=r"^by=.* is not one of 'a', 'b'\.$"):
            _checks.choice("by", value, ["a", "b"])


def test_a_flag_is_true_or_false_and_no_text():
    assert [_checks.flag("f", value) for value in (True, False, np.True_)] == [True, False, True]
    for value in ("no", "", 0, 1, None):
        with pytest.raises(TypeError, match=r"^f must be True or False, not .*\.$"):
            _checks.flag("f", value)


def test_a_fraction_lies_between_0_and_1():
    assert _checks.fraction("level", np.float32(0.5)) == 0.5
    assert _checks.fraction("level", 0, ends=True) == 0.0
    assert _checks.fraction("level", 1, ends=True) == 1.0
    for value in (0, 1, -0.1, 1.1, NAN, INF):
        with pytest.raises(ValueError, match=r"level=.* must be between 0 and 1"):
            _checks.fraction("level", value)
    for value in (-0.1, 1.1, NAN):
        with pytest.raises(ValueError, match="must be from 0 to 1"):
            _checks.fraction("level", value, ends=True)
    for value in ("0.5", True, b"1", None, [0.5, 0.1]):
        with pytest.raises(TypeError, match="level must be a number, not"):
            _checks.fraction("level", value)


def test_a_positive_number_is_finite_and_above_0():
    assert _checks.positive("k", 2) == 2.0
    assert _checks.positive("k", 0, zero=True) == 0.0
    for value in (0, -1, NAN, INF):
        with pytest.raises(ValueError, match=r"k=.* must be above 0\."):
            _checks.positive("k", value)
    for value in (-1, NAN, INF):
        with pytest.raises(ValueError, match=r"k=.* must be at least 0\."):
            _checks.positive("k", value, zero=True)


def test_a_whole_number_is_no_bool_and_no_float():
    assert _checks.whole("n", np.int64(3)) == 3
    assert type(_checks.whole("n", np.int64(3))) is int
    for value in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match="n must be a whole number, not"):
            _checks.whole("n", value)
    assert _checks.whole("n", 1, least=1) == 1
    with pytest.raises(ValueError, match=r"n=0 must be at least 1\."):
        _checks.whole("n", 0, least=1)


def test_text_has_a_visible_character():
    assert _checks.text("name", " a ") == " a "
    for value in ("", "  ", "\n"):
        with pytest.raises(ValueError, match=r"name must not be empty\."):
            _checks.text("name", value)
    for value in (None, 1, b"a"):
        with pytest.raises(TypeError, match="name must be text, not"):
            _checks.text("name", value)


def test_a_missing_column_is_named_with_those_that_are_there_and_what_to_do():
    assert _checks.column("a", ["a", "b"], where="x", hint="") == "a"
    with pytest.raises(ValueError, match=r"^x\.csv has no column 'c'; it has 'a', 'b'\. Rename\.$"):
        _checks.column("c", iter(["a", "b"]), where="x.csv", hint="Rename.")
