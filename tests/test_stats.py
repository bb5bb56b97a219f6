"""Intervals, against scipy and worked cases."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from jarvis_lab._stats import bounded_mean_interval, normal_quantile, wilson_interval


@pytest.mark.parametrize("level", [0.01, 0.5, 0.68, 0.95, 0.9999])
def test_the_normal_quantile_is_scipys(level):
    assert normal_quantile(level) == pytest.approx(norm.ppf(0.5 + level / 2), rel=1e-12)


@given(st.integers(1, 10**6), st.data(), st.floats(0.01, 0.999))
def test_wilson_equals_scipy(n, data, level):
    successes = data.draw(st.integers(0, n))
    low, high = wilson_interval([successes], [n], level)
    expected = binomtest(successes, n).proportion_ci(level, method="wilson")
    assert low[0] == pytest.approx(expected.low, abs=1e-11)
    assert high[0] == pytest.approx(expected.high, abs=1e-11)


def test_no_observation_gives_no_interval_and_ends_are_exact():
    low, high = wilson_interval([0, 0, 5], [0, 5, 5])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] == 0.0
    assert high[2] == 1.0
    assert 0 < high[1] < 1
    assert 0 < low[2] < 1
    low, high = bounded_mean_interval([0], [0.0], [0.0], overall=0.5)
    assert np.isnan([low[0], high[0]]).all()


@given(st.integers(1, 1_000), st.data(), st.floats(0, 1))
def test_rewards_of_0_and_1_have_wilsons_interval(n, data, overall):
    total = data.draw(st.integers(0, n))
    expected = wilson_interval([total], [n])
    got = bounded_mean_interval([n], [total], [total], overall=overall)
    np.testing.assert_allclose(got, expected, atol=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0, 1))
@example([0.5, 0.5], 2e-212)
def test_an_interval_holds_its_mean_and_is_never_wider_than_wilsons(values, overall):
    x = np.array(values)
    n, total, squares = [len(x)], [x.sum()], [(x * x).sum()]
    low, high = bounded_mean_interval(n, total, squares, overall=overall)
    mean = x.mean()
    assert 0 <= low[0] <= mean + 1e-9
    assert mean - 1e-9 <= high[0] <= 1
    widest = wilson_interval(total, n)
    assert high[0] - low[0] <= widest[1][0] - widest[0][0] + 1e-9


def test_a_worked_case_of_graded_rewards():
    # n = 4, mean 0.5; the formula of the docstring, written out.
    x = np.array([0.125, 0.375, 0.625, 0.875])
    s2 = x.var(ddof=1)
    phi = (3 * s2 + 10 * 0.25) / (3 * (0.25 + s2 / 4) + 10 * 0.25)
    n, z = 4 / phi, norm.ppf(0.975)
    half = z * np.sqrt(0.25 / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = bounded_mean_interval([4], [2.0], [(x * x).sum()], overall=0.5)
    assert low[0] == pytest.approx(0.5 - half, abs=1e-12)
    assert high[0] == pytest.approx(0.5 + half, abs=1e-12)


def test_rewards_that_never_vary_still_have_an_interval():
    for overall in (0.0, 0.5, 1.0):
        low, high = bounded_mean_interval([5], [2.5], [1.25], overall=overall)
        assert 0 < low[0] < 0.5 < high[0] < 1


@pytest.mark.parametrize("level", [0, 1, 95, float("nan")])
def test_the_level_must_be_between_0_and_1(level):
    with pytest.raises(ValueError, match="level"):
        wilson_interval([1], [2], level)
