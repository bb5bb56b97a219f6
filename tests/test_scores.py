"""Scores per class and model, against hand-worked cases and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from jarvis_lab import class_scores, score_counts
from jarvis_lab.scores import SCORE_COLUMNS, composites, reward_sums

NAN = float("nan")


def log():
    """Model a: five traces of code; model b: one of them."""
    return pd.DataFrame(
        {
            "query": ["import os"] * 6,
            "model": ["a"] * 5 + ["b"],
            "outcome": ["success", "failure", "success", None, None, None],
            "feedback": [1.0, 0.5, None, 0.25, None, None],
            "total_latency_seconds": [1.0, 2.0, None, None, None, -1.0],
            "total_tokens": [10, 20, 60, None, None, None],
            "cost_usd": [0.5, None, 0.25, None, None, None],
        }
    )


def test_every_column_of_a_worked_case():
    scores = class_scores(log())
    assert tuple(scores.columns) == SCORE_COLUMNS
    a, b = scores.iloc[0], scores.iloc[1]
    assert scores["query_class"].tolist() == ["code", "code"]
    assert scores["model"].tolist() == ["a", "b"]
    assert scores["n"].tolist() == [5, 1]
    assert scores["n_outcome"].tolist() == [3, 0]
    assert scores["successes"].tolist() == [2, 0]
    assert a["success_rate"] == pytest.approx(2 / 3)
    expected = binomtest(2, 3).proportion_ci(method="wilson")
    assert a["success_rate_low"] == pytest.approx(expected.low)
    assert a["success_rate_high"] == pytest.approx(expected.high)
    assert scores["n_feedback"].tolist() == [3, 0]
    assert a["feedback_mean"] == pytest.approx(1.75 / 3)
    assert a["latency_mean_seconds"] == 1.5
    assert a["tokens_mean"] == 30.0
    assert a["cost_mean_usd"] == 0.375
    # Missing feedback counts 0.5 for each trace; a missing outcome counts as a failure.
    assert a["sft_score"] == pytest.approx(0.6 * 2 / 5 + 0.4 * (1.75 + 0.5 * 2) / 5)
    assert b["sft_score"] == pytest.approx(0.2)
    # Mean of the feedback that is there.
    assert a["trace_score"] == pytest.approx(0.6 * 2 / 5 + 0.4 * 1.75 / 3)
    assert b["trace_score"] == pytest.approx(0.2)
    # Both; both; outcome alone; feedback alone; none.
    assert a["n_reward"] == 4
    assert a["reward_mean"] == pytest.approx((1.0 + 0.4 * 0.5 + 1.0 + 0.25) / 4)
    assert 0 < a["reward_mean_low"] < a["reward_mean"] < a["reward_mean_high"] < 1
    for name in SCORE_COLUMNS:
        if name.endswith(("_low", "_high", "_mean", "_mean_seconds", "_mean_usd", "_rate")):
            assert scores[name].dtype == "float64"
            assert np.isnan(b[name]), name
    assert scores["note"].tolist() == [
        "fewer than 5 rewards; no outcome in 40%",
        "no outcome or feedback; 1 negative or infinite latency left out",
    ]


def test_the_success_rate_has_scipys_wilson_interval():
    for n in (1, 2, 7, 50, 1000):
        for successes in sorted({0, 1, n // 3, n - 1, n}):
            outcomes = ["success"] * successes + ["failure"] * (n - successes)
            for level in (0.5, 0.9, 0.95, 0.999):
                frame = pd.DataFrame({"query": "q", "model": "m", "outcome": outcomes})
                row = class_scores(frame, level=level).iloc[0]
                expected = binomtest(successes, n).proportion_ci(level, method="wilson")
                assert row["success_rate_low"] == pytest.approx(expected.low, abs=1e-12)
                assert row["success_rate_high"] == pytest.approx(expected.high, abs=1e-12)


def test_the_reward_of_outcomes_alone_is_the_success_rate_with_its_interval():
    frame = log().drop(columns="feedback")
    row = class_scores(frame).iloc[0]
    assert row["n_reward"] == 3
    for end in ("", "_low", "_high"):
        of_reward = f"reward_mean{end}"
        assert row[of_reward] == pytest.approx(row[f"success_rate{end}"], abs=1e-12)


def test_the_reward_of_feedback_alone_is_its_mean():
    row = class_scores(log().drop(columns="outcome")).iloc[0]
    assert row["n_reward"] == 3
    assert row["reward_mean"] == pytest.approx(1.75 / 3)
    assert row["n_outcome"] == 0


def rewards_by_hand(frame, w, v):
    """The definition, trace by trace."""
    out = []
    for outcome, feedback in zip(frame["outcome"], frame["feedback"], strict=True):
        parts = []
        if isinstance(outcome, str):
            parts.append((w, float(outcome == "success")))
        if feedback == feedback:
            parts.append((v, feedback))
        weight = sum(part for part, _ in parts)
        if weight > 0:
            out.append(sum(part * value for part, value in parts) / weight)
    return np.array(out)


@pytest.mark.parametrize("weights", [(0.6, 0.4), (1, 0), (0, 1), (3, 1), (1, 1)])
def test_sums_of_rewards_equal_those_made_trace_by_trace(weights):
    rng = np.random.default_rng(7)
    outcome = rng.choice(np.array(["success", "failure", None], dtype=object), 300)
    frame = pd.DataFrame(
        {
            "query": "q",
            "model": "m",
            "outcome": outcome,
            "feedback": np.where(rng.random(300) < 0.4, np.nan, rng.random(300)),
        }
    )
    expected = rewards_by_hand(frame, *weights)
    n, total, squares = reward_sums(
        score_counts(frame), outcome_weight=weights[0], feedback_weight=weights[1]
    )
    assert n.tolist() == [len(expected)]
    assert total[0] == pytest.approx(expected.sum())
    assert squares[0] == pytest.approx((expected**2).sum())
    row = class_scores(frame, outcome_weight=weights[0], feedback_weight=weights[1]).iloc[0]
    assert row["reward_mean"] == pytest.approx(expected.mean())
    assert row["n_reward"] == len(expected)


def test_only_the_ratio_of_the_weights_matters():
    one = class_scores(log(), outcome_weight=0.6, feedback_weight=0.4)
    other = class_scores(log(), outcome_weight=6, feedback_weight=4)
    pd.testing.assert_frame_equal(one, other)
    sft, trace = composites(score_counts(log()), 1, 0)
    np.testing.assert_allclose(sft, [0.4, 0.0])
    np.testing.assert_allclose(trace, [0.4, 0.0])


@pytest.mark.parametrize("weights", [(-1, 1), (0, 0), (NAN, 1), (float("inf"), 1)])
def test_weights_must_be_at_least_zero_and_not_both_zero(weights):
    with pytest.raises(ValueError, match="outcome_weight"):
        class_scores(log(), outcome_weight=weights[0], feedback_weight=weights[1])


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, NAN])
def test_the_level_must_be_between_zero_and_one(level):
    with pytest.raises(ValueError, match="level"):
        class_scores(log(), level=level)


def test_a_higher_level_gives_wider_intervals():
    narrow, wide = class_scores(log(), level=0.5).iloc[0], class_scores(log(), level=0.99).iloc[0]
    for name in ("success_rate", "reward_mean"):
        assert wide[f"{name}_low"] < narrow[f"{name}_low"]
        assert wide[f"{name}_high"] > narrow[f"{name}_high"]


def test_counts_give_the_scores_of_their_traces():
    pd.testing.assert_frame_equal(class_scores(score_counts(log())), class_scores(log()))
    both = class_scores(log(), by=("regex", "keyword"))
    assert both["scheme"].unique().tolist() == ["regex", "keyword"]
    pd.testing.assert_frame_equal(
        both[both["scheme"] == "regex"].drop(columns="scheme"), class_scores(log())
    )


def test_an_empty_log_gives_no_scores():
    scores = class_scores(log().iloc[:0])
    assert len(scores) == 0
    assert tuple(scores.columns) == SCORE_COLUMNS


def test_notes_say_why_a_row_is_not_to_be_relied_on():
    frame = pd.DataFrame(
        {
            "query": "q",
            "model": ["ok"] * 8 + [None] * 8 + ["odd"] * 8,
            "outcome": "success",
            "feedback": [None] * 16 + [1.5, -0.1, np.inf, 0.5, None, None, None, None],
            "total_latency_seconds": [1.0] * 16 + [-1.0, np.inf] + [1.0] * 6,
        }
    )
    notes = class_scores(frame).set_index("model")["note"]
    assert notes["ok"] == ""
    assert notes[""] == "no model named"
    assert notes["odd"] == (
        "3 feedback outside [0, 1] left out; 2 negative or infinite latency left out"
    )


def simulated(rng, kind, n, runs):
    """(runs, n) rewards of a known mean."""
    if kind == "0/1":
        return (rng.random((runs, n)) < 0.8).astype(float), 0.8
    if kind == "continuous":
        return rng.beta(6, 2, (runs, n)), 0.75
    good = rng.random((runs, n)) < 0.7
    feedback = np.where(good, rng.beta(6, 2, (runs, n)), rng.beta(2, 4, (runs, n)))
    mean = 0.6 * 0.7 + 0.4 * (0.7 * 0.75 + 0.3 / 3)
    return 0.6 * good + 0.4 * feedback, mean


@pytest.mark.parametrize("kind", ["0/1", "continuous", "mixed"])
@pytest.mark.parametrize("n", [10, 30, 200])
def test_the_interval_of_the_reward_covers_the_truth(kind, n):
    from jarvis_lab._stats import bounded_mean_interval

    values, truth = simulated(np.random.default_rng(n), kind, n, 4_000)
    low, high = bounded_mean_interval(
        np.full(4_000, n), values.sum(1), (values**2).sum(1), overall=truth
    )
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered > 0.93
    assert covered < 0.995 or kind != "0/1"
    # It narrows towards the interval of the values' own spread as there are more of them.
    assert (high - low).mean() < (1.25 if n == 200 else 2.3) * 3.92 * values.std() / np.sqrt(n)


def test_a_named_reward_takes_the_place_of_outcome_and_feedback():
    log = pd.DataFrame(
        {"query": "hi", "model": ["a"] * 6 + ["b"], "stars": [1, 1, 0, 0.5, 0.5, 7, None]}
    )
    scores = class_scores(log, reward="stars")
    assert scores["n_reward"].tolist() == [5, 0]
    assert scores["reward_mean"].iloc[0] == pytest.approx(0.6)
    assert scores["note"].tolist() == [
        "1 reward outside [0, 1] left out",
        "no reward",
    ]
    pd.testing.assert_frame_equal(class_scores(score_counts(log, reward="stars")), scores)
    with pytest.raises(ValueError, match=r"score_counts\(\.\.\., reward='stars'\)"):
        class_scores(score_counts(log), reward="stars")


def test_counts_of_another_reward_are_no_scores_of_this_one():
    log = pd.DataFrame({"query": "hi", "model": ["a"], "stars": [1.0], "points": [0.0]})
    counts = score_counts(log, reward="points")
    with pytest.raises(ValueError, match=r"the reward 'points', not of 'stars': count .*'stars'\)"):
        class_scores(counts, reward="stars")
    assert class_scores(counts, reward="points").attrs == {"by": "regex", "reward": "points"}
    counts.attrs.clear()  # as those of a table made by hand
    assert class_scores(counts, reward="stars")["reward_mean"].tolist() == [0.0]
