"""overlap: shares and coverage by hand, and beside the value that rests on them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.evaluation.logged import logged_value
from jarvis_lab.evaluation.overlap import OVERLAP_COLUMNS, overlap
from jarvis_lab.routing import (
    AlwaysPolicy,
    HeuristicRouterPolicy,
    LowerBoundRouterPolicy,
    RandomPolicy,
    TraceDrivenPolicy,
)

SHORT, LONG = "hi", "why is the sea as blue as the sky over it, and when is it not?"


def log_of(*cells):
    """Traces of (kind, model, successes, failures, without an outcome)."""
    rows = [
        {"kind": kind, "model": model, "outcome": outcome}
        for kind, model, *counts in cells
        for outcome, n in zip(["success", "failure", None], counts, strict=True)
        for _ in range(n)
    ]
    return pd.DataFrame(rows).assign(query="q")


def test_shares_by_hand():
    log = log_of(("x", "a", 3, 3, 0), ("x", "b", 1, 0, 1), ("y", "a", 0, 2, 0))
    table = overlap(log, RandomPolicy({"a": 1, "b": 3}), by="kind")
    assert tuple(table.columns) == OVERLAP_COLUMNS
    assert table["query_class"].tolist() == ["x", "x", "y", "y"]
    assert table["model"].tolist() == ["a", "b", "a", "b"]
    assert table["traffic_share"].tolist() == [0.8, 0.8, 0.2, 0.2]
    assert table["logged_share"].tolist() == [0.75, 0.25, 1, 0]
    assert table["policy_share"].tolist() == pytest.approx([0.25, 0.75, 0.25, 0.75])
    assert table["share"].tolist() == pytest.approx([0.2, 0.6, 0.05, 0.15])
    assert table["n"].tolist() == [6, 1, 2, 0]
    # p is estimated from traces with a reward: 6 and 1 of 7 in x
    assert table["max_weight"].tolist()[:3] == pytest.approx([0.25 * 7 / 6, 0.75 * 7, 0.25])
    assert np.isnan(table["max_weight"].tolist()[3])
    assert table["covered"].tolist() == [True, True, True, False]
    assert table["note"].tolist() == [
        "",
        "fewer than 5 rewards",
        "fewer than 5 rewards",
        "never used in this class",
    ]


def test_why_a_cell_cannot_be_judged():
    log = log_of(("x", "a", 9, 9, 0), ("x", "b", 0, 0, 7), ("y", "a", 9, 9, 0))
    table = overlap(log, AlwaysPolicy("b"), by="kind").set_index(["query_class", "model"])
    assert table.loc[("x", "b"), "note"] == "used in this class, but without rewards"
    assert table.loc[("x", "b"), "logged_share"] == pytest.approx(7 / 25)
    assert table.loc[("y", "b"), "note"] == "never used in this class"
    table = overlap(log, AlwaysPolicy("c"), by="kind")
    assert set(table["model"]) == {"a", "b", "c"}
    assert set(table.loc[table["model"] == "c", "note"]) == {"the log never used this model"}
    table = overlap(log, TraceDrivenPolicy().fit(log.iloc[:1]), by="kind")
    assert set(table.loc[table["model"] == "", "note"]) == {"the policy names no model"}
    assert table.loc[table["model"] == "", "share"].sum() == pytest.approx(1)


def test_a_policy_that_splits_a_class_needs_rewards_on_the_queries_it_sends():
    """Short queries go to small and long ones to large; large was logged on short ones only."""
    log = pd.DataFrame(
        {
            "query": [SHORT] * 20 + [LONG] * 20,
            "model": ["small:1b", "large:70b"] * 10 + ["small:1b"] * 20,
            "correct": True,
            "kind": "k",
        }
    )
    policy = HeuristicRouterPolicy(["small:1b", "large:70b"])
    table = overlap(log, policy, by="kind").set_index("model")
    assert table["policy_share"].to_dict() == {"small:1b": 0.5, "large:70b": 0.5}
    assert table["covered"].to_dict() == {"small:1b": True, "large:70b": False}
    assert table.loc["large:70b", "n"] == 10
    assert table.loc["large:70b", "note"] == (
        "no rewards on those of its queries that the policy sends here"
    )


def test_recorded_propensities_give_the_weights():
    log = log_of(("x", "a", 3, 3, 0), ("x", "b", 3, 3, 0))
    log["propensity"] = [0.5, 0.25, *[0.5] * 10]
    table = overlap(log, AlwaysPolicy("a"), by="kind").set_index("model")
    assert table.loc["a", "max_weight"] == 4
    assert np.isnan(table.loc["b", "max_weight"])


def test_the_policys_own_classes_are_taken_where_none_are_named():
    log = log_of(("x", "a", 3, 3, 0), ("y", "b", 3, 3, 0))
    assert overlap(log, LowerBoundRouterPolicy(by="kind"))["query_class"].unique().tolist() == [
        "x",
        "y",
    ]
    assert overlap(log, AlwaysPolicy("a"))["query_class"].unique().tolist() == ["short"]


def test_a_log_without_traces_or_rewards_has_a_table_too():
    log = log_of(("x", "a", 3, 3, 0))
    table = overlap(log.iloc[:0], AlwaysPolicy("a"), by="kind")
    assert tuple(table.columns) == OVERLAP_COLUMNS
    assert table.empty
    table = overlap(log.assign(outcome=np.nan), AlwaysPolicy("a"), by="kind")
    assert table["covered"].tolist() == [False]
    with pytest.raises(TypeError, match=r"policy is the text 'a'.*AlwaysPolicy\('a'\)"):
        overlap(log, "a")
    with pytest.raises(ValueError, match="no column 'model'"):
        overlap(log.drop(columns="model"), AlwaysPolicy("a"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=6, max_size=6), st.booleans())
def test_shares_add_up_and_say_what_the_value_rests_on(counts, random):
    names = [(kind, model) for kind in "xyz" for model in "ab"]
    cells = [(*name, *n) for name, n in zip(names, counts, strict=True)]
    if not any(map(sum, counts)):
        return
    log = log_of(*cells)
    policy = RandomPolicy(["a", "b"]) if random else AlwaysPolicy("a")
    table = overlap(log, policy, by="kind")
    per_class = table.groupby("query_class")
    np.testing.assert_allclose(per_class["logged_share"].sum(), 1)
    np.testing.assert_allclose(per_class["policy_share"].sum(), 1)
    np.testing.assert_allclose(per_class["traffic_share"].first().sum(), 1)
    found = logged_value(log, policy, by="kind")
    assert table.loc[table["covered"], "share"].sum() == pytest.approx(found.covered_share)
    assert table["n"].sum() == found.n
    if found.n and not np.isnan(found.max_weight):
        assert table["max_weight"].max() == pytest.approx(found.max_weight)
