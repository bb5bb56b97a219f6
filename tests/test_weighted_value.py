"""SNIPS and doubly robust values: by hand, in plain Python, and their coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._weighted_value import doubly_robust_value, snips_value
from jarvis_lab.evaluation.weighted import weighted_values
from jarvis_lab.routing import AlwaysPolicy, RandomPolicy


def log_of(rng, size):
    """Hard queries go to big more often, recorded; big is right on 0.4 of them and 0.9 else."""
    hard = rng.random(size) < 0.5
    p = np.where(hard, 0.8, 0.3)
    big = rng.random(size) < p
    return pd.DataFrame(
        {
            "query": "q",
            "model": np.where(big, "big", "small"),
            "good": (rng.random(size) < np.where(hard, 0.4, 0.9)).astype(float),
            "propensity": np.where(big, p, 1 - p),
        }
    )


def test_equal_weights_give_the_mean_and_wilsons_interval():
    found = snips_value(np.ones(200), np.repeat([1.0, 0.0], [150, 50]))
    assert found.value == 0.75
    assert found.n_effective == 200
    # scipy.stats.binomtest(150, 200).proportion_ci(method="wilson"): 0.6857, 0.8051
    assert found.low == pytest.approx(0.6857, abs=5e-3)
    assert found.high == pytest.approx(0.8051, abs=5e-3)


def test_snips_by_hand():
    found = snips_value([4, 1, 0], [1, 0, 1])
    assert found.value == pytest.approx(0.8)
    assert found.n_effective == pytest.approx(25 / 17)


def test_doubly_robust_by_hand():
    """Terms 0.6 + 2·(1 - 0.5) and 0.2 + 0·(...): their mean is 0.9."""
    found = doubly_robust_value([2, 0], [1, 1], [0.5, 0.3], [0.6, 0.2])
    assert found.value == pytest.approx((1.6 + 0.2) / 2)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_both_are_the_sums_in_plain_python(data):
    n = data.draw(st.integers(2, 20))
    unit = st.floats(0, 1)
    w = data.draw(st.lists(st.floats(0.1, 9), min_size=n, max_size=n))
    r, q, e = (data.draw(st.lists(unit, min_size=n, max_size=n)) for _ in range(3))
    snips = snips_value(w, r)
    assert snips.value == pytest.approx(sum(a * b for a, b in zip(w, r, strict=True)) / sum(w))
    dr = doubly_robust_value(w, r, q, e)
    plain = sum(d + a * (b - c) for a, b, c, d in zip(w, r, q, e, strict=True)) / n
    assert dr.value == pytest.approx(min(max(plain, 0), 1))
    for found in (snips, dr):
        assert 0 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 1


def test_rewards_that_are_all_one_leave_room_for_doubt():
    found = snips_value(np.ones(40), np.ones(40))
    assert found.value == found.high == 1
    assert found.low < 0.95


def test_both_correct_for_recorded_propensities_and_cover_the_truth():
    rng = np.random.default_rng(9)
    values, hits = {"snips": [], "dr": []}, {"snips": [], "dr": []}
    for _ in range(120):
        table = weighted_values(log_of(rng, 600), AlwaysPolicy("big"), reward="good")
        for row in table.itertuples():
            values[row.method].append(row.value)
            hits[row.method].append(row.low <= 0.65 <= row.high)
    for method in ("snips", "dr"):
        # three errors of the mean of 120 values
        assert np.mean(values[method]) == pytest.approx(0.65, abs=0.01)
        assert np.mean(hits[method]) > 0.95 - 3 * 0.02


def test_a_random_policy_weights_every_trace():
    log = log_of(np.random.default_rng(1), 400)
    table = weighted_values(log, RandomPolicy(["big", "small"]), reward="good")
    assert (table["n"] == 400).all()
    assert table["max_weight"].tolist() == pytest.approx([2.5, 2.5])


def test_what_cannot_be_weighted_is_refused():
    log = log_of(np.random.default_rng(1), 400)
    table = weighted_values(log, AlwaysPolicy("new"), reward="good")
    assert table["status"].str.startswith("refused: the log has rewards for 0%").all()
    assert table[["value", "low", "high", "max_weight"]].isna().all(axis=None)
    table = weighted_values(log.iloc[:20], AlwaysPolicy("big"), reward="good")
    assert table["status"].str.contains("worth").all()
    with pytest.raises(ValueError, match="records no propensities"):
        weighted_values(log.drop(columns="propensity"), AlwaysPolicy("big"), reward="good")
    with pytest.raises(ValueError, match="no probability above 0"):
        weighted_values(log.assign(propensity=0.0), AlwaysPolicy("big"), reward="good")
    empty = weighted_values(log.iloc[:0], AlwaysPolicy("big"), reward="good")
    assert empty["value"].isna().all()
