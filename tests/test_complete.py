"""Complete data: values by hand, intervals and tests against scipy, published figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._paired import bootstrap_means, mcnemar_p, percentile_interval
from jarvis_lab.evaluation.complete import COMPLETE_COLUMNS, complete_values
from jarvis_lab.evaluation.crossfit import cross_fitted_choices, query_folds
from jarvis_lab.evaluation.regret import class_regret
from jarvis_lab.routing import (
    AlwaysPolicy,
    BestSinglePolicy,
    OraclePolicy,
    RandomPolicy,
    RouterPolicy,
    TablePolicy,
)
from jarvis_lab.routing.lower_bound import LowerBoundRouterPolicy

REAL = Path(__file__).parent.parent / ".." / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="real outcomes are not here (../shared/data)")


def complete_log(rewards, kinds=None):
    """One row per query and model; ``rewards`` is query × model."""
    rows = [
        {"query_id": q, "kind": kinds[q] if kinds else "k", "model": f"m{m}", "good": float(value)}
        for q, row in enumerate(rewards)
        for m, value in enumerate(row)
    ]
    return pd.DataFrame(rows)


def test_values_by_hand():
    log = complete_log([[1, 0], [1, 0], [1, 1], [0, 1]] * 25)
    policies = {"a": AlwaysPolicy("m0"), "coin": RandomPolicy({"m0": 1, "m1": 3})}
    table = complete_values(log, policies, reward="good", reference="a").set_index("policy")
    assert table["value"].to_dict() == {
        "a": 0.75,
        "coin": pytest.approx(0.25 * 0.75 + 0.75 * 0.5),
        "best single": 0.75,
        "best single by lower bound": 0.75,
        "random": 0.625,
        "oracle": 1.0,
    }
    assert table.loc["oracle", "diff"] == 0.25
    assert table.loc["oracle", "n_differ"] == 25
    assert table.loc["oracle", "p_value"] == pytest.approx(2 * 0.5**25)
    assert table.loc["oracle", "note"] == "not attainable"
    assert np.isnan(table.loc["coin", "p_value"])
    assert table.loc["a", ["diff", "diff_low", "diff_high"]].tolist() == [0, 0, 0]
    assert (table["n"] == 100).all()
    assert (table["status"] == "ok").all()


# scipy 1.16: scipy.stats.binomtest(a, a + b, 0.5).pvalue
@settings(max_examples=80, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_scipys_binomial_test(a, b):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(a, a + b, 0.5).pvalue if a + b else 1.0
    assert mcnemar_p(a, b) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_p(a, b) == mcnemar_p(b, a)


def test_mcnemar_stands_many_queries():
    assert mcnemar_p(6000, 8000) < 1e-60
    assert mcnemar_p(7000, 7000) == 1


def test_the_bootstrap_is_scipys():
    """scipy 1.16: scipy.stats.bootstrap((x,), np.mean, method="percentile", n_resamples=20000)."""
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(0).beta(2, 1, 120)
    low, high = percentile_interval(bootstrap_means(x[:, None], draws=20_000, seed=1), 0.95)
    theirs = stats.bootstrap(
        (x,), np.mean, method="percentile", n_resamples=20_000, rng=2
    ).confidence_interval
    # the error of such a quantile is about 0.0005
    assert low[0] == pytest.approx(theirs.low, abs=0.002)
    assert high[0] == pytest.approx(theirs.high, abs=0.002)


def test_the_bootstrap_keeps_a_querys_outcomes_together():
    a = np.random.default_rng(3).random(50)
    drawn = bootstrap_means(np.column_stack([a, 1 - a]), draws=200, seed=0)
    np.testing.assert_allclose(drawn.sum(1), 1)
    assert drawn[:, 0].std() > 0
    again = bootstrap_means(np.column_stack([a, 1 - a]), draws=200, seed=0)
    np.testing.assert_array_equal(drawn, again)


def test_the_difference_covers_the_truth():
    """300 samples of 150 queries; 95 % of intervals hold the difference, within 3 errors."""
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(300):
        base = rng.random(150)
        a, b = (base < 0.7).astype(float), ((base + rng.random(150) / 2) < 0.8).astype(float)
        low, high = percentile_interval(
            bootstrap_means((a - b)[:, None], draws=400, seed=int(rng.integers(1e9))), 0.95
        )
        hits.append(low[0] <= 0.7 - 0.55 <= high[0])
    assert np.mean(hits) > 0.95 - 3 * 0.0126


def test_a_learned_policy_never_sees_the_queries_it_is_judged_on():
    class Memory(TablePolicy):
        """Remembers which queries it was fitted on."""

        name = "memory"

        def __init__(self):
            super().__init__(by="kind")
            self.seen = set()

        def fit(self, traces):
            self.seen = set(traces["query_id"])
            return self

        def route(self, queries):
            assert not self.seen & set(queries["query_id"])
            assert len(self.seen) == 8
            return pd.Series("m0", index=queries.index)

        @classmethod
        def from_dict(cls, saved):
            return cls()

    log = complete_log([[1, 0]] * 10)
    policy = Memory()
    table = complete_values(log, {"memory": policy}, reward="good")
    assert table["value"].tolist()[0] == 1
    assert policy.seen == set()


def test_folds_are_even_and_every_query_is_judged_once():
    fold = query_folds(23, folds=5, seed=1)
    assert sorted(np.bincount(fold).tolist()) == [4, 4, 5, 5, 5]
    assert (fold != query_folds(23, folds=5, seed=2)).any()
    log = complete_log([[1, 0]] * 3)
    chosen = cross_fitted_choices(
        BestSinglePolicy(reward="good"), log, log["query_id"].to_numpy(), log.iloc[::2], folds=5
    )
    assert chosen.tolist() == ["m0"] * 3


def test_a_policy_fitted_before_is_marked():
    log = complete_log([[1, 0], [0, 1]] * 10, kinds=["x", "y"] * 10)
    fitted = LowerBoundRouterPolicy(by="kind", reward="good").fit(log)
    fresh = LowerBoundRouterPolicy(by="kind", reward="good")
    table = complete_values(log, {"old": fitted, "new": fresh}, reward="good")
    assert table["status"].tolist()[:2] == ["not cross-fitted", "ok"]
    assert table["value"].tolist()[:2] == [1.0, 1.0]
    assert not fresh.fitted


def test_a_policy_that_names_an_unknown_model_gets_bounds():
    class Half(AlwaysPolicy):
        def route(self, queries):
            return pd.Series(["m0", "new"] * (len(queries) // 2), index=queries.index)

    log = complete_log([[1, 0]] * 10)
    table = complete_values(log, {"half": Half("m0"), "new": AlwaysPolicy("new")}, reward="good")
    half, new = table.iloc[0], table.iloc[1]
    assert half["status"] == "refused: no outcomes of 'new', its choice for 5 queries"
    assert (
        table.loc[:1, ["value", "low", "high", "diff", "diff_low", "p_value"]].isna().all(axis=None)
    )
    assert (half["bound_low"], half["bound_high"]) == (0.5, 1.0)
    assert (new["bound_low"], new["bound_high"]) == (0.0, 1.0)
    refused = complete_values(log, {"new": AlwaysPolicy("new")}, reward="good", reference="new")
    assert refused["diff"].isna().all()


def test_facts_are_averaged_over_the_chosen_traces():
    log = complete_log([[1, 0]] * 10).assign(cost_usd=[1.0, 3.0] * 10, seconds=[1.0, np.nan] * 10)
    table = complete_values(
        log, {"b": AlwaysPolicy("m1")}, reward="good", also=["cost_usd", "seconds"]
    ).set_index("policy")
    assert tuple(table.reset_index().columns) == (*COMPLETE_COLUMNS, "cost_usd", "seconds")
    assert table.loc[["b", "oracle", "random"], "cost_usd"].tolist() == [3, 1, 2]
    assert table.loc["oracle", "seconds"] == 1
    assert np.isnan(table.loc["b", "seconds"])


def test_what_is_not_complete_is_refused_with_the_reason():
    log = complete_log([[1, 0]] * 4)
    with pytest.raises(ValueError, match="1 of 4 queries lacks a model"):
        complete_values(log.iloc[1:], {}, reward="good")
    with pytest.raises(ValueError, match="more than once"):
        complete_values(pd.concat([log, log]), {}, reward="good")
    with pytest.raises(ValueError, match="1 reward is missing"):
        complete_values(log.assign(good=[np.nan, *log["good"][1:]]), {}, reward="good")
    with pytest.raises(ValueError, match="reference='x' is none of 'best single'"):
        complete_values(log, {}, reward="good", reference="x")
    with pytest.raises(ValueError, match="no column 'cost'"):
        complete_values(log, {}, reward="good", also=["cost"])


def test_regret_by_hand():
    rewards = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 1, 1]]
    log = complete_log(rewards, kinds=["x", "x", "x", "y"])
    table = class_regret(log, AlwaysPolicy("m0"), by="kind", reward="good")
    assert table["query_class"].tolist() == ["x", "y"]
    x = table.iloc[0]
    assert (x["n"], x["share"], x["best_model"]) == (3, 0.75, "m1")
    assert x["value"] == pytest.approx(1 / 3)
    assert x["best_value"] == pytest.approx(2 / 3)
    assert (x["oracle_value"], x["regret"]) == (1, pytest.approx(2 / 3))
    assert x["regret_low"] < x["regret"] < x["regret_high"]
    assert x["cost"] == pytest.approx(0.5)
    assert table.iloc[1]["regret"] == 0
    with pytest.raises(ValueError, match="names 'new'"):
        class_regret(log, AlwaysPolicy("new"), by="kind", reward="good")


def test_regret_of_a_policy_given_unfitted_is_that_of_its_cross_fitted_choices():
    log = complete_log([[1, 0], [0, 1]] * 20, kinds=["x", "y"] * 20)
    learned = LowerBoundRouterPolicy(by="kind", reward="good")
    table = class_regret(log, learned, reward="good")
    assert table["query_class"].tolist() == ["x", "y"]
    assert table["regret"].tolist() == [0, 0]
    assert not learned.fitted
    value = complete_values(log, [learned], reward="good", draws=5).loc[0, "value"]
    assert value == 1 - table["cost"].sum()
    with pytest.raises(TypeError, match=r"policy is the text 'm0'.*AlwaysPolicy\('m0'\)"):
        class_regret(log, "m0", reward="good")
    with pytest.raises(TypeError, match="Policy 'a' is the text 'm0'"):
        complete_values(log, {"a": "m0"}, reward="good")


# scipy 1.16: scipy.stats.binomtest(lost, n).proportion_ci(method="wilson")
def test_intervals_of_regret_and_value_are_scipys_wilson_intervals():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    rewards = rng.random((90, 2)) < [0.6, 0.7]
    log = complete_log(rewards, kinds=["x", "x", "y"] * 30)
    for row in class_regret(log, AlwaysPolicy("m0"), by="kind", reward="good").itertuples():
        here = rewards[np.arange(90) % 3 == 2 if row.query_class == "y" else np.arange(90) % 3 < 2]
        lost = int((here.any(1) & ~here[:, 0]).sum())
        expected = stats.binomtest(lost, len(here)).proportion_ci(method="wilson")
        assert row.regret == pytest.approx(lost / len(here))
        assert (row.regret_low, row.regret_high) == pytest.approx((expected.low, expected.high))
    table = complete_values(log, {"a": AlwaysPolicy("m0")}, reward="good", draws=10, level=0.8)
    expected = stats.binomtest(int(rewards[:, 0].sum()), 90).proportion_ci(0.8, method="wilson")
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])


# scipy 1.16: scipy.stats.bootstrap((difference,), np.mean, method="percentile")
def test_the_interval_of_a_difference_is_scipys_paired_bootstrap():
    stats = pytest.importorskip("scipy.stats")
    rewards = np.random.default_rng(6).beta([2, 3], [1, 2], (150, 2))
    policies = {"a": AlwaysPolicy("m0"), "b": AlwaysPolicy("m1")}
    log = complete_log(rewards)
    row = complete_values(log, policies, reward="good", reference="b", draws=8000).loc[0]
    theirs = stats.bootstrap(
        (rewards[:, 0] - rewards[:, 1],), np.mean, method="percentile", n_resamples=8000, rng=3
    ).confidence_interval
    assert row["diff"] == pytest.approx((rewards[:, 0] - rewards[:, 1]).mean())
    assert row["diff_low"] == pytest.approx(theirs.low, abs=0.003)
    assert row["diff_high"] == pytest.approx(theirs.high, abs=0.003)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=12))
def test_no_policy_beats_the_oracle_and_costs_add_up(rewards):
    log = complete_log(rewards, kinds=["x", "y", "z"] * 4)
    table = complete_values(log, {"a": AlwaysPolicy("m0")}, reward="good", draws=20)
    table = table.set_index("policy")
    assert (table["value"] <= table.loc["oracle", "value"] + 1e-12).all()
    assert (table["low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["high"] + 1e-9).all()
    costs = class_regret(log, AlwaysPolicy("m0"), by="kind", reward="good")["cost"].sum()
    apart = table.loc["oracle", "value"] - table.loc["a", "value"]
    assert costs == pytest.approx(apart, abs=1e-9)


@real
def test_published_accuracies_of_the_two_mmlu_models():
    log = pd.read_parquet(REAL / "routellm_mmlu.parquet")
    models = {model: AlwaysPolicy(model) for model in log["model"].unique()}
    table = complete_values(log, models, draws=200).set_index("policy")["value"]
    assert table["gpt-4-1106-preview"] == pytest.approx(0.80587, abs=5e-6)
    assert table["mistralai/Mixtral-8x7B-Instruct-v0.1"] == pytest.approx(0.68091, abs=5e-6)
    assert table["oracle"] == pytest.approx(0.8587, abs=5e-5)


@real
def test_function_calling_best_single_table_and_oracle():
    log = pd.read_parquet(REAL / "bfcl_2024_08_11.parquet")
    key = ["category", "index"]
    policy = {"learned": LowerBoundRouterPolicy(by="category")}
    table = complete_values(log, policy, query_id=key, draws=200).set_index("policy")
    assert table.loc["best single", "value"] == pytest.approx(0.905, abs=5e-4)
    assert table.loc["oracle", "value"] == pytest.approx(0.979, abs=5e-4)
    assert table.loc["learned", "diff"] > 0.005
    costs = class_regret(
        log, AlwaysPolicy("claude-3-5-sonnet-20240620"), by="category", query_id=key
    )
    assert (costs["share"] * costs["best_value"]).sum() == pytest.approx(0.934, abs=5e-4)
    assert costs["query_class"].tolist()[0] == "relevance"


@real
def test_the_routerbench_mini_table_to_its_digits():
    log = pd.read_parquet(REAL / "routerbench_mini_v5.parquet")
    log = log.rename(columns={"canonical_id": "query_id", "strategy": "model"})
    names = ["always_cheap", "always_strong", "task_aware"]
    table = complete_values(
        log,
        {name: AlwaysPolicy(name) for name in names},
        also=["cost", "latency_ms"],
        draws=200,
    ).set_index("policy")
    assert [f"{table.loc[n, 'value']:.3%}" for n in names] == ["68.250%", "72.750%", "72.125%"]
    saved = table.loc["task_aware"] / table.loc["always_strong"][["cost", "latency_ms"]] - 1
    assert f"{saved['cost']:.2%}" == "-13.94%"
    assert f"{saved['latency_ms']:.2%}" == "-14.01%"
    two = log[log["model"].isin(names[:2])]
    oracle = complete_values(two, {}, also=["strong_used"], draws=200).set_index("policy")
    assert f"{oracle.loc['oracle', 'value']:.3%}" == "76.250%"
    assert f"{oracle.loc['oracle', 'strong_used']:.1%}" == "8.0%"


class Fixed(RouterPolicy):
    """One model per query, in order."""

    def __init__(self, models):
        self.models = models

    def select_model(self, context):
        return self.models[context.metadata["query_id"]]


def test_a_query_without_a_model_is_told_from_one_whose_model_is_unknown():
    log = complete_log([[1, 0]] * 4)
    said = {
        "refused: the policy names no model for 1 query": ["m0", "m0", "m1", ""],
        "refused: no outcomes of 'new', its choice for 2 queries": ["m0", "m0", "new", "new"],
        "refused: no outcomes of 'new' or of no model, its choice for 2 queries": [
            *("m0", "m0", "new", ""),
        ],
    }
    for status, models in said.items():
        row = complete_values(log, {"p": Fixed(models)}, reward="good", draws=5).iloc[0]
        assert row["status"] == status


def test_only_an_oracle_is_not_attainable_whatever_a_policy_is_called():
    log = complete_log([[1, 0], [0, 1]] * 8)
    policies = {"oracle": AlwaysPolicy("m0"), "best": OraclePolicy(reward="good")}
    notes = complete_values(log, policies, reward="good", draws=5).set_index("policy")["note"]
    assert "not attainable" not in notes["oracle"]
    assert "not attainable" in notes["best"]


def test_the_regret_of_a_fitted_policy_says_so_and_a_random_one_s_is_the_one_to_expect():
    log = complete_log([[1, 0], [0, 1]] * 20, kinds=["x", "y"] * 20)
    learned = LowerBoundRouterPolicy(by="kind", reward="good")
    assert (class_regret(log, learned, reward="good")["note"] == "").all()
    fitted = class_regret(log, learned.fit(log), reward="good")
    assert fitted["note"].str.startswith("not cross-fitted").all()
    assert (class_regret(log, AlwaysPolicy("m0"), by="kind", reward="good")["note"] == "").all()
    drawn = class_regret(log, RandomPolicy({"m0": 1, "m1": 3}), by="kind", reward="good")
    assert dict(zip(drawn["query_class"], drawn["value"], strict=True)) == {"x": 0.25, "y": 0.75}
    with pytest.raises(ValueError, match="names 'new'"):
        class_regret(log, RandomPolicy(["m0", "new"]), by="kind", reward="good")


def test_ids_that_cannot_be_compared_are_refused_in_words():
    log = complete_log([[1, 0]] * 4)
    with pytest.raises(TypeError, match="query_id must name a column, or several, not 3"):
        complete_values(log, {}, reward="good", query_id=3)
    with pytest.raises(TypeError, match=r"'ids' holds what cannot be compared"):
        complete_values(log.assign(ids=[[1]] * 8), {}, reward="good", query_id="ids")
