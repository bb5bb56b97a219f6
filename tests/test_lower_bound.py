"""The lower-bound table: the worked check, golden vectors, brute force, and bad input."""

import json
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._shrinkage import best_single, lower_bound_table, model_means, one_sided_z
from jarvis_lab.routing import RoutingContext, load_policy, save_policy
from jarvis_lab.routing.lower_bound import LOWER_BOUND_COLUMNS, LowerBoundRouterPolicy
from jarvis_lab.routing.registry import RouterPolicyRegistry, ensure_registered
from jarvis_lab.routing.rewards import class_model_sums, trace_rewards
from jarvis_lab.scores import score_counts

GOLDEN = Path(__file__).parent / "golden" / "lower_bound.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").split("\n") if line]
CHECK_N, CHECK_S = [[20, 10], [8, 25], [5, 32]], [[18, 7], [3, 19], [5, 30]]


def log_of(n, s, *, classes=None, models=None):
    """Traces with the counts n and successes s; the class is in the column ``kind``."""
    classes = classes or [f"c{i}" for i in range(len(n))]
    models = models or [f"m{i}" for i in range(len(n[0]))]
    rows = [
        {"kind": c, "model": m, "query": "q", "outcome": "success" if i < s[ci][mi] else "failure"}
        for ci, c in enumerate(classes)
        for mi, m in enumerate(models)
        for i in range(n[ci][mi])
    ]
    return pd.DataFrame(rows)


def by_hand(n, s, z):
    """The formulas, cell by cell in plain Python."""
    classes, models = range(len(n)), range(len(n[0]))
    of_model = [sum(n[c][m] for c in classes) for m in models]
    g = sum(map(sum, s)) / sum(of_model)
    gm = [(sum(s[c][m] for c in classes) + 2 * g) / (of_model[m] + 2) for m in models]
    sem2 = [max(gm[m] * (1 - gm[m]), 0.01) / (of_model[m] + 2) for m in models]
    base = max(models, key=lambda m: gm[m] - 1.5 * math.sqrt(sem2[m]))
    seen = [(c, m) for c in classes for m in models if n[c][m] >= 2]
    weight = sum(n[c][m] for c, m in seen)
    spread = sum(
        n[c][m] * ((s[c][m] / n[c][m] - gm[m]) ** 2 - gm[m] * (1 - gm[m]) / n[c][m])
        for c, m in seen
    )
    tau2 = max(1e-4, spread / weight if weight else 0)
    k = min(max(sum(x * (1 - x) for x in gm) / len(gm) / tau2 - 1, 1), 200)
    p = [[(s[c][m] + k * gm[m]) / (n[c][m] + k) for m in models] for c in classes]
    se = [
        [
            math.sqrt(
                max(p[c][m] * (1 - p[c][m]), 0.01) / (n[c][m] + k)
                + (k / (n[c][m] + k)) ** 2 * sem2[m]
            )
            for m in models
        ]
        for c in classes
    ]
    table = []
    for c in classes:
        lower = [
            0 if m == base else p[c][m] - p[c][base] - z * math.hypot(se[c][m], se[c][base])
            for m in models
        ]
        table.append(max([base, *models], key=lambda m, lower=lower: lower[m]))
    return base, k, p, se, table


def test_the_worked_check():
    found = lower_bound_table(CHECK_N, CHECK_S)
    assert found.base == 1
    assert round(found.k, 3) == 8.556
    assert found.p.round(4).tolist() == [[0.8670, 0.7624], [0.5893, 0.7792], [0.8673, 0.9160]]
    assert found.se[0].round(4).tolist() == [0.0668, 0.1009]
    assert found.table.tolist() == [1, 1, 1]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_golden_vectors(case):
    found = lower_bound_table(case["n"], case["s"])
    assert found.base == case["base"]
    assert found.k == pytest.approx(case["k"], abs=1e-8)
    np.testing.assert_allclose(found.p, case["p"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(found.se, case["se"], atol=1e-8, rtol=0)
    assert found.table.tolist() == case["table"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_it_is_the_formulas_cell_by_cell(data):
    classes, models = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    cell = st.integers(0, 30)
    n = [[data.draw(cell) for _ in range(models)] for _ in range(classes)]
    n[0][0] += 1
    s = [[data.draw(st.integers(0, n[c][m])) for m in range(models)] for c in range(classes)]
    confidence = data.draw(st.sampled_from([0.5, 0.84, 0.99]))
    base, k, p, se, table = by_hand(n, s, NormalDist().inv_cdf(confidence))
    found = lower_bound_table(n, s, confidence=confidence, base=base)
    np.testing.assert_allclose(found.k, k, rtol=1e-9)
    np.testing.assert_allclose(found.p, p, rtol=1e-9)
    np.testing.assert_allclose(found.se, se, rtol=1e-9)
    for c, place in enumerate(table):  # a tie within rounding may go either way
        assert found.gain_low[c, found.table[c]] == pytest.approx(
            found.gain_low[c, place], abs=1e-9
        )
    mean, error = model_means(n, s)
    assert (mean - 1.5 * error)[best_single(n, s)] == pytest.approx((mean - 1.5 * error)[base])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_more_confidence_never_switches_more_classes(data):
    cells = st.lists(st.integers(0, 25), min_size=3, max_size=3)
    n = data.draw(st.lists(cells, min_size=2, max_size=4))
    n[0][0] += 1
    s = [[data.draw(st.integers(0, x)) for x in row] for row in n]
    switched = [
        int((found.table != found.base).sum())
        for found in (lower_bound_table(n, s, confidence=c) for c in (0.5, 0.7, 0.84, 0.95, 0.999))
    ]
    assert switched == sorted(switched, reverse=True)


def test_a_policy_tells_why_each_class_goes_where_it_goes():
    n = [[60, 60], [60, 60], [3, 3], [0, 0]]
    s = [[54, 20], [20, 54], [1, 2], [0, 0]]
    log = log_of(n, s, classes=["easy", "hard", "rare", "none"], models=["big", "small"])
    silent = pd.DataFrame({"kind": ["none"], "model": ["big"], "query": ["q"], "outcome": [None]})
    policy = LowerBoundRouterPolicy(by="kind", default_model="big").fit(pd.concat([log, silent]))
    table = policy.table().set_index("query_class")
    assert tuple(policy.table().columns) == LOWER_BOUND_COLUMNS
    assert table["decision"].to_dict() == {
        "easy": "keep: base is best",
        "hard": "switch",
        "none": "keep: not enough evidence",
        "rare": "keep: not enough evidence",
    }
    assert table["model"].to_dict() == policy.policy_map
    assert table.loc["hard", "model"] == table.loc["hard", "rival"] == "small"
    assert table.loc["hard", "gain_low"] == table.loc["hard", "rival_gain_low"] > 0
    assert table.loc["rare", ["gain", "gain_low"]].tolist() == [0, 0]
    assert table.loc["rare", "rival_gain"] > 0 > table.loc["rare", "rival_gain_low"]
    assert (table["low"] <= table["score"]).all()
    assert (table["score"] <= table["high"]).all()
    assert table["n"].to_dict() == {"easy": 60, "hard": 60, "none": 0, "rare": 3}
    assert (table["base_model"] == "big").all()


def test_a_missing_outcome_counts_for_nothing():
    log = log_of(CHECK_N, CHECK_S)
    silent = pd.DataFrame({"kind": "c0", "model": "m0", "query": "q", "outcome": [None] * 500})
    alone = LowerBoundRouterPolicy(by="kind").fit(log)
    both = LowerBoundRouterPolicy(by="kind").fit(pd.concat([log, silent], ignore_index=True))
    pd.testing.assert_frame_equal(alone.table(), both.table())


def test_traces_and_their_counts_give_the_same_policy():
    log = log_of(CHECK_N, CHECK_S)
    counts = score_counts(log, by=["kind", "regex"])
    for source in (counts, score_counts(log, by="kind"), log.sample(frac=1, random_state=3)):
        policy = LowerBoundRouterPolicy(by="kind").fit(source)
        assert policy.base_model == "m1"
        pd.testing.assert_frame_equal(
            policy.table(), LowerBoundRouterPolicy(by="kind").fit(log).table()
        )


def test_a_named_reward_is_read_as_it_stands():
    log = log_of(CHECK_N, CHECK_S)
    expected = LowerBoundRouterPolicy(by="kind").fit(log).table()
    for values in (
        log["outcome"] == "success",
        (log["outcome"] == "success").astype(float),
        (log["outcome"] == "success").astype("boolean"),
        (log["outcome"] == "success").astype("Int64"),
        (log["outcome"] == "success").astype(object),
    ):
        named = log.assign(good=values).drop(columns="outcome")
        found = LowerBoundRouterPolicy(by="kind", reward="good").fit(named).table()
        pd.testing.assert_frame_equal(found, expected)
    feedback = log.assign(feedback=(log["outcome"] == "success") * 0.5)
    a = LowerBoundRouterPolicy(by="kind", reward="feedback").fit(feedback)
    b = LowerBoundRouterPolicy(by="kind", reward="feedback").fit(score_counts(feedback, by="kind"))
    pd.testing.assert_frame_equal(a.table(), b.table())
    assert a.table()["score"].max() < 0.5


def test_a_named_reward_comes_from_a_file_as_well(tmp_path):
    log = log_of(CHECK_N, CHECK_S).assign(good=lambda d: d["outcome"] == "success")
    log.loc[3, "outcome"] = None
    log.to_parquet(tmp_path / "log.parquet")
    policy = LowerBoundRouterPolicy(by="kind", reward="good").fit(tmp_path / "log.parquet")
    assert policy.table()["n"].sum() == 10 + 25 + 32


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([0.5, 7.0], r"1 value outside \[0, 1\], the first .*7.0.* in row 1. Rescale"),
        ([-0.1, 0.5], "outside"),
        ([float("inf"), 0.5], "outside"),
        (["good", "bad"], "must hold true and false"),
        ([True, "bad"], "must hold true and false"),
        ([pd.Timestamp("2026-01-01")] * 2, "must hold true and false"),
    ],
)
def test_a_reward_outside_its_range_says_what_to_do(column, message):
    log = pd.DataFrame({"query": ["a", "b"], "model": ["x", "y"], "stars": column})
    with pytest.raises(ValueError, match=message):
        LowerBoundRouterPolicy(reward="stars").fit(log)


def test_a_reward_that_is_not_there_names_the_columns_that_are():
    log = log_of([[1]], [[1]])
    with pytest.raises(ValueError, match="no column 'stars'; it has 'kind', 'model'"):
        LowerBoundRouterPolicy(reward="stars").fit(log)
    with pytest.raises(ValueError, match="no column 'outcome'"):
        trace_rewards(pd.DataFrame({"model": ["a"]}))
    with pytest.raises(ValueError, match="no reward 'stars', only outcome and feedback"):
        LowerBoundRouterPolicy(reward="stars").fit(score_counts(log))
    other = score_counts(log.assign(points=1.0), reward="points")
    with pytest.raises(ValueError, match="the sums of the reward 'points', not of 'stars'"):
        LowerBoundRouterPolicy(reward="stars").fit(other)
    with pytest.raises(ValueError, match="the classes of 'regex', not of 'kind'"):
        LowerBoundRouterPolicy(by="kind").fit(other)
    wild = score_counts(log.assign(feedback=[7.0]))
    with pytest.raises(ValueError, match="outside"):
        LowerBoundRouterPolicy(reward="feedback").fit(wild)


def test_missing_rewards_of_every_kind_are_missing():
    for values in ([1.0, None], [True, None], pd.array([1, None], dtype="Int64"), [1, np.nan]):
        log = pd.DataFrame({"good": values})
        assert trace_rewards(log, reward="good").isna().tolist() == [False, True]
    assert trace_rewards(pd.DataFrame({"good": [None, None]}), reward="good").isna().all()


def test_one_model_alone_is_kept():
    policy = LowerBoundRouterPolicy(by="kind").fit(log_of([[3], [1]], [[1], [1]]))
    table = policy.table()
    assert set(table["model"]) == {"m0"}
    assert set(table["decision"]) == {"keep: base is best"}
    assert (table["rival"] == "").all()
    assert table["rival_gain"].isna().all()


def test_a_class_seen_once_switches_nothing():
    n, s = [[40, 40], [0, 1]], [[30, 28], [0, 1]]
    policy = LowerBoundRouterPolicy(by="kind", default_model="m0").fit(log_of(n, s))
    assert policy.policy_map == {"c0": "m0", "c1": "m0"}
    once = policy.table().iloc[1]
    assert once["score"] == pytest.approx(policy.table().iloc[0]["score"], abs=0.02)
    assert once["rival_gain_low"] < 0


def test_what_the_log_never_saw_gets_the_base():
    policy = LowerBoundRouterPolicy(by="kind").fit(log_of(CHECK_N, CHECK_S))
    assert policy.model_for_class("new") == policy.base_model == "m1"
    assert policy.select_model(RoutingContext(metadata={"kind": "new"})) == "m1"
    assert policy.route(pd.DataFrame({"kind": ["c0", "new", None]})).tolist() == ["m1"] * 3


def test_a_default_model_that_the_log_never_used_is_never_left_on_thin_evidence():
    policy = LowerBoundRouterPolicy(by="kind", default_model="new").fit(log_of(CHECK_N, CHECK_S))
    assert set(policy.policy_map.values()) == {"new"}
    assert set(policy.table()["decision"]) <= {"keep: not enough evidence", "keep: base is best"}
    assert policy.table()["n"].sum() == 0


def test_an_empty_log_gives_an_empty_table():
    empty = pd.DataFrame({"query": [], "model": [], "outcome": []}, dtype="str")
    for source in (empty, score_counts(empty)):
        policy = LowerBoundRouterPolicy().fit(source)
        assert policy.table().empty
        assert tuple(policy.table().columns) == LOWER_BOUND_COLUMNS
        assert policy.fitted
        assert policy.base_model == ""
        assert policy.route(["import os"]).tolist() == [""]
    assert LowerBoundRouterPolicy(default_model="a").fit(empty).route(["hi"]).tolist() == ["a"]


def test_a_log_without_a_single_reward_keeps_the_default_and_shows_no_number():
    log = log_of([[3, 2]], [[1, 1]]).assign(outcome=None)
    policy = LowerBoundRouterPolicy(by="kind", default_model="m1").fit(log)
    table = policy.table()
    assert policy.policy_map == {"c0": "m1"}
    assert table["score"].isna().all()
    assert table["decision"].tolist() == ["keep: not enough evidence"]
    assert LowerBoundRouterPolicy(by="kind").fit(log).policy_map == {"c0": ""}


def test_traces_without_a_model_are_left_out():
    log = log_of([[5, 5]], [[3, 4]], models=["a", ""])
    assert class_model_sums(log, by="kind").models == ["a"]
    assert class_model_sums(log, by="kind").traces.tolist() == [10]
    assert LowerBoundRouterPolicy(by="kind").fit(log).policy_map == {"c0": "a"}


def test_a_table_before_fit_says_to_fit():
    policy = LowerBoundRouterPolicy()
    assert not policy.fitted
    with pytest.raises(ValueError, match="fit"):
        policy.table()
    assert policy.route(["hi"]).tolist() == [""]


@pytest.mark.parametrize("confidence", [0.3, 0.0, 1.0, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        LowerBoundRouterPolicy(confidence=confidence)


def test_one_sided_z_is_the_normal_quantile():
    # scipy.stats.norm.ppf(0.84), (0.975), (0.5)
    assert one_sided_z(0.84) == pytest.approx(0.994457883209753, abs=1e-12)
    assert one_sided_z(0.975) == pytest.approx(1.959963984540054, abs=1e-12)
    assert one_sided_z(0.5) == 0


def test_impossible_sums_are_refused():
    with pytest.raises(ValueError, match="between 0 and its n"):
        lower_bound_table([[1, 1]], [[2, 1]])
    with pytest.raises(ValueError, match="class × model"):
        lower_bound_table([1, 1], [1, 1])
    with pytest.raises(ValueError, match="no reward"):
        lower_bound_table([[0, 0]], [[0, 0]])


def test_a_saved_policy_comes_back_whole(tmp_path):
    log = log_of(CHECK_N, CHECK_S).assign(good=lambda d: d["outcome"] == "success")
    for policy in (
        LowerBoundRouterPolicy(by="kind", reward="good", confidence=0.9).fit(log),
        LowerBoundRouterPolicy(by="kind", default_model="m0").fit(log),
        LowerBoundRouterPolicy(by="kind", default_model="elsewhere").fit(log),
        LowerBoundRouterPolicy(by="kind").fit(log.iloc[:0]),
    ):
        save_policy(policy, tmp_path / "policy.json")
        again = load_policy(tmp_path / "policy.json")
        assert type(again) is LowerBoundRouterPolicy
        assert again.to_dict() == policy.to_dict()
        pd.testing.assert_frame_equal(again.table(), policy.table())
    unfitted = LowerBoundRouterPolicy(by="kind")
    assert not LowerBoundRouterPolicy.from_dict(unfitted.to_dict()).fitted


def test_a_saved_policy_whose_map_was_edited_is_refused():
    saved = LowerBoundRouterPolicy(by="kind").fit(log_of(CHECK_N, CHECK_S)).to_dict()
    with pytest.raises(ValueError, match="edited"):
        LowerBoundRouterPolicy.from_dict(saved | {"policy_map": {"c0": "m0"}})
    broken = saved | {"sums": saved["sums"] | {"n": [[1.0]]}}
    with pytest.raises(ValueError, match="sums do not fit"):
        LowerBoundRouterPolicy.from_dict(broken)


def test_it_is_registered_by_name():
    RouterPolicyRegistry.clear()
    ensure_registered()
    assert RouterPolicyRegistry.get("lower_bound") is LowerBoundRouterPolicy


def test_it_loses_less_to_luck_than_the_highest_mean_per_class():
    """Six equal models, 300 traces: whoever follows the luckiest cell gains nothing by it."""
    rng = np.random.default_rng(11)
    truth = np.full((5, 6), 0.7)
    truth[:, 0] = 0.8
    lower, greedy = [], []
    for _ in range(200):
        n = rng.multinomial(300, np.full(30, 1 / 30)).reshape(5, 6)
        s = rng.binomial(n, truth)
        rows = np.arange(5)
        lower.append(truth[rows, lower_bound_table(n, s).table].mean())
        greedy.append(truth[rows, np.argmax(s / np.maximum(n, 1), axis=1)].mean())
    assert np.mean(lower) > np.mean(greedy) + 0.02
