"""compare_policies: its table against the estimators it is made of, by hand, and on bad input."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab import read_traces, score_counts
from jarvis_lab._logged_value import value_of_policy
from jarvis_lab.evaluation.compare import COMPARE_COLUMNS, LOGGED_CAVEAT, compare_policies
from jarvis_lab.evaluation.complete import complete_values
from jarvis_lab.evaluation.counted_comparison import RoutingComparison
from jarvis_lab.evaluation.crossfit import query_folds
from jarvis_lab.evaluation.logged import logged_difference, logged_value
from jarvis_lab.evaluation.overlap import overlap
from jarvis_lab.evaluation.read_log import ReadLog
from jarvis_lab.evaluation.regret import class_regret
from jarvis_lab.evaluation.strata import split
from jarvis_lab.evaluation.weighted import weighted_values
from jarvis_lab.routing import (
    AlwaysPolicy,
    HeuristicRouterPolicy,
    LowerBoundRouterPolicy,
    OraclePolicy,
    RandomPolicy,
    RouterPolicy,
    SFTRouterPolicy,
    TraceDrivenPolicy,
)

REAL = Path(__file__).parent.parent / ".." / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="real outcomes are not here (../shared/data)")
BEST, CAUTIOUS = "best single", "best single by lower bound"
ADDED = [BEST, CAUTIOUS, "random"]
NUMBERS = ["value", "low", "high", "diff", "diff_low", "diff_high"]


class ByKind(RouterPolicy):
    """One model per ``kind``; nothing to learn."""

    def __init__(self, table):
        self.table = table

    def select_model(self, context):
        return self.table[context.metadata["kind"]]


def log_of(seed=0, size=400, models="ab", kinds="xyz", **columns):
    """One model a query, drawn alike; the first model is the better one."""
    rng = np.random.default_rng(seed)
    model = rng.choice(list(models), size)
    good = rng.random(size) < np.where(model == models[0], 0.8, 0.5)
    return pd.DataFrame(
        {
            "query_id": np.arange(size),
            "query": [f"what about {i}" for i in range(size)],
            "kind": rng.choice(list(kinds), size),
            "model": model,
            "outcome": np.where(good, "success", "failure"),
            **columns,
        }
    )


def complete_of(rewards, **columns):
    """One row per query and model; ``rewards`` is query × model."""
    rows = [
        {"query_id": q, "kind": "xy"[q % 2], "model": f"m{m}", "good": float(value)}
        for q, row in enumerate(rewards)
        for m, value in enumerate(row)
    ]
    return pd.DataFrame(rows).assign(**columns)


def by_name(traces, policies, **options):
    return compare_policies(traces, policies, **options).set_index("policy")


def test_the_table_has_its_columns_in_order_and_one_row_per_policy():
    policies = {"b": AlwaysPolicy("b"), "learned": LowerBoundRouterPolicy()}
    table = compare_policies(log_of(), policies)
    assert tuple(table.columns) == COMPARE_COLUMNS
    assert table["policy"].tolist() == ["b", "learned", *ADDED]
    texts = {"policy", "method", "propensity", "status", "note"}
    for name in COMPARE_COLUMNS:
        kind = "str" if name in texts else "int64" if name == "n" else "float64"
        assert str(table[name].dtype) == kind, name
    policies["learned"] = LowerBoundRouterPolicy(by="kind", reward="good")
    whole = compare_policies(complete_of([[1, 0]] * 9), policies, reward="good", draws=9)
    assert tuple(whole.columns) == COMPARE_COLUMNS
    assert (whole.dtypes == table.dtypes).all()
    assert whole["policy"].tolist() == ["b", "learned", *ADDED, "oracle"]


def test_a_log_by_hand():
    """Kinds of 60 and 40 traces; "a" is right in 27 of 30 and 5 of 20, "b" in 15/30 and 15/20."""
    cells = [("x", "a", 27, 30), ("x", "b", 15, 30), ("y", "a", 5, 20), ("y", "b", 15, 20)]
    log = pd.DataFrame(
        [
            {"kind": kind, "model": model, "correct": i < good}
            for kind, model, good, n in cells
            for i in range(n)
        ]
    )
    best = ByKind({"x": "a", "y": "b"})
    table = by_name(log, {"best": best, "a": AlwaysPolicy("a")}, by="kind", reference="a")
    assert table.loc["best", "value"] == pytest.approx(0.6 * 0.9 + 0.4 * 0.75)
    assert table.loc["a", "value"] == pytest.approx(0.6 * 0.9 + 0.4 * 0.25)
    assert table.loc["best", "diff"] == pytest.approx(0.4 * 0.5)
    turned = by_name(log, {"worst": ByKind({"x": "b", "y": "a"})}, by="kind", reference="worst")
    assert turned.loc["worst", "value"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.25)
    assert table.loc["random", "value"] == pytest.approx(0.6 * 0.7 + 0.4 * 0.5)
    assert table.loc["best", "match_rate"] == 0.5
    assert table.loc["best", "n_effective"] == pytest.approx(1 / (0.36 / 30 + 0.16 / 20))
    assert table.loc["best", "max_weight"] == pytest.approx(2)
    assert (table["covered_share"] == 1).all()
    assert (table["n"] == 100).all()
    assert set(table["method"]) == {"post_stratified"}
    assert set(table["propensity"]) == {"estimated"}
    assert table.loc["a", ["diff", "diff_low", "diff_high"]].tolist() == [0, 0, 0]
    assert table[["bound_low", "bound_high", "snips", "dr"]].isna().all(axis=None)


def test_rows_of_a_log_are_what_the_single_estimators_say():
    log = log_of(propensity=np.random.default_rng(1).choice([0.4, 0.5, 0.6], 400))
    policies = {
        "b": AlwaysPolicy("b"),
        "mix": RandomPolicy({"a": 1, "b": 3}),
        "kinds": ByKind({"x": "a", "y": "b", "z": "b"}),
        "learned": LowerBoundRouterPolicy(by="kind"),
    }
    table = by_name(log, policies, by="kind", reference="b", level=0.9)
    for name, policy in policies.items():
        single = logged_value(log, policy, by="kind", level=0.9)
        row = table.loc[name]
        for fact in ("value", "low", "high", "n", "match_rate", "n_effective", "max_weight"):
            assert row[fact] == pytest.approx(getattr(single, fact), rel=1e-12), fact
        assert (row["status"], row["propensity"]) == (single.status, "logged")
        apart = logged_difference(log, policy, AlwaysPolicy("b"), by="kind", level=0.9)
        for fact in ("diff", "diff_low", "diff_high"):
            assert row[fact] == pytest.approx(getattr(apart, fact), rel=1e-12), fact
        weighted = weighted_values(log, policy, by="kind", level=0.9).set_index("method")
        for method in ("snips", "dr"):
            assert row[method] == pytest.approx(weighted.loc[method, "value"], rel=1e-12)
            again = by_name(log, {name: policy}, by="kind", level=0.9, method=method)
            shown = again.loc[name, ["value", "low", "high", "n_effective"]].tolist()
            expected = weighted.loc[method, ["value", "low", "high", "n_effective"]].tolist()
            assert shown == pytest.approx(expected, rel=1e-12)
            assert again.loc[name, "method"] == method


def test_rows_of_complete_data_are_those_of_complete_values():
    rng = np.random.default_rng(4)
    data = complete_of(rng.random((60, 3)) < [0.8, 0.6, 0.5])
    policies = {
        "m1": AlwaysPolicy("m1"),
        "learned": LowerBoundRouterPolicy(by="kind", reward="good"),
    }
    table = compare_policies(data, policies, reward="good", seed=3, draws=300, level=0.9)
    plain = complete_values(data, policies, reward="good", seed=3, draws=300, level=0.9)
    for name in ("policy", *NUMBERS, "n", "status", "note"):
        assert table[name].tolist() == plain[name].tolist(), name
    assert set(table["method"]) == {"complete"}
    assert (table["covered_share"] == 1).all()
    assert (table["n_effective"] == 60).all()
    unused = ["match_rate", "max_weight", "bound_low", "bound_high", "snips", "dr"]
    assert table[unused].isna().all(axis=None)
    assert set(table["propensity"]) == {""}
    assert table.attrs == {"why_not_complete": "", "level": 0.9, "reference": "best single"}
    assert compare_policies(log_of(), {}).attrs["why_not_complete"] == (
        "400 of 400 queries lack a model"
    )


def test_an_oracle_is_the_ceiling_of_complete_data_and_unknown_on_a_log():
    data = complete_of([[1, 0], [0, 1], [0, 0]] * 10)
    table = by_name(data, {"mine": OraclePolicy(reward="good")}, reward="good", draws=20)
    assert table.loc["mine", "value"] == table.loc["oracle", "value"] == pytest.approx(2 / 3)
    row = by_name(log_of(), {"mine": OraclePolicy()}).loc["mine"]
    assert row["status"] == "refused: the oracle exists for complete data only"
    assert (row["bound_low"], row["bound_high"]) == (0, 1)


def test_policies_of_a_list_are_called_by_their_own_names():
    policies = [AlwaysPolicy("a"), SFTRouterPolicy(by="kind"), ByKind(dict.fromkeys("xyz", "a"))]
    table = compare_policies(log_of(), policies)
    assert table["policy"].tolist() == ["AlwaysPolicy('a')", "sft", "ByKind", *ADDED]
    with pytest.raises(ValueError, match=r"Two policies are called \"AlwaysPolicy\('a'\)\""):
        compare_policies(log_of(), [AlwaysPolicy("a"), AlwaysPolicy("a")])


def test_a_policy_with_an_added_name_takes_its_place():
    table = by_name(log_of(), {"random": AlwaysPolicy("b")}, reference="random")
    assert table.index.tolist() == ["random", BEST, CAUTIOUS]
    assert table.loc["random", "value"] == logged_value(log_of(), AlwaysPolicy("b")).value
    assert table.loc[BEST, "diff"] > 0


def test_without_policies_the_added_ones_stand_alone():
    assert compare_policies(log_of(), {})["policy"].tolist() == ADDED
    assert compare_policies(log_of(), [])["policy"].tolist() == ADDED


def test_what_can_be_fitted_is_cross_fitted_and_what_is_fitted_is_marked():
    log = log_of(size=600, models="abcdef")
    log["outcome"] = np.where(np.random.default_rng(9).random(600) < 0.7, "success", "failure")
    makers = {
        "lower": LowerBoundRouterPolicy,
        "sft": lambda: SFTRouterPolicy(by="regex"),
        "trace": lambda: TraceDrivenPolicy(default_model="a"),
    }
    fresh = {name: maker() for name, maker in makers.items()}
    fitted = {f"old {name}": maker().fit(log) for name, maker in makers.items()}
    table = by_name(log, {**fresh, **fitted})
    assert set(table.loc[list(fresh), "status"]) == {"ok"}
    assert set(table.loc[list(fitted), "status"]) == {"not cross-fitted"}
    # Six equal models: the table that was learned here is worth no more, but looks so.
    assert table.loc["old trace", "value"] > table.loc["trace", "value"]
    assert not any(policy.fitted for policy in fresh.values())


def test_a_learner_sees_none_of_the_queries_that_it_is_judged_on():
    class Memory(AlwaysPolicy):
        """The model that it saw succeed on a query; "b" for a query that it did not see."""

        fitted = False

        def fit(self, traces):
            self.fitted, good = True, traces[traces["outcome"] == "success"]
            self.seen = dict(zip(good["query_id"], good["model"], strict=True))
            return self

        def route(self, queries):
            return queries["query_id"].map(self.seen).fillna("b").astype("str")

    log = log_of(query_id=np.arange(400) // 2)
    fallback = logged_value(log, AlwaysPolicy("b"), by="kind").value
    assert logged_value(log, Memory("b").fit(log), by="kind").value > fallback + 0.15
    assert by_name(log, {"m": Memory("b")}, by="kind").loc["m", "value"] == fallback


class ByHalf(AlwaysPolicy):
    """One model for each half of the log's rows."""

    def __init__(self, halves):
        self.names = np.where(halves == 0, "b", "a")

    def route(self, queries):
        return pd.Series(self.names, index=queries.index)


def test_the_interval_allows_for_luck_where_the_halves_disagree():
    """Each half prefers another model: the copies disagree on every trace."""

    class Rarest(AlwaysPolicy):
        """The model of which it saw the fewest traces."""

        def __init__(self, model=""):
            self.model = model

        def fit(self, traces):
            self.model = traces["model"].value_counts().idxmin()
            return self

    log = log_of(size=900)
    halves = query_folds(900, folds=2, seed=0)
    log["model"] = np.where((np.arange(900) % 10 < 3) == (halves == 0), "a", "b")
    read = ReadLog(log, by="kind", reward=None, propensity=None)
    torn = split(read, [read.choice(Rarest())])
    assert torn.torn[0].tolist() == [1.0] * 6
    plain = value_of_policy(torn.cells, torn.policies[0])
    found = by_name(log, {"r": Rarest()}, by="kind").loc["r"]
    assert found["value"] == pytest.approx(plain.value)
    assert found["low"] < plain.low
    assert plain.high < found["high"]
    widened = value_of_policy(torn.cells, torn.policies[0], torn=np.ones(6))
    assert (found["low"], found["high"]) == pytest.approx((widened.low, widened.high))
    with_p = log.assign(propensity=log.groupby(["kind", "model"])["kind"].transform("size") / 900)
    for method in ("snips", "dr"):
        rarest, single = (
            by_name(with_p, {"r": policy}, by="kind", reference="random", method=method).loc["r"]
            for policy in (Rarest(), ByHalf(halves))
        )
        assert rarest["value"] == pytest.approx(single["value"])
        for low, high in (("low", "high"), ("diff_low", "diff_high")):
            ratio = (rarest[high] - rarest[low]) / (single[high] - single[low])
            assert ratio == pytest.approx((1 + 2 / np.pi) ** 0.5, rel=0.04)
    fixed = split(read, [read.choice(AlwaysPolicy("a")), read.choice(Rarest())])
    assert [each.max() for each in fixed.torn] == [0, 1]


def test_cross_fitting_goes_by_trace_where_there_is_a_single_query():
    log = log_of().drop(columns="query_id").assign(query="q")
    table = by_name(log, {}, by="kind")
    assert table["status"].tolist() == ["ok"] * 3
    assert table.loc[BEST, "value"] == logged_value(log, AlwaysPolicy("a"), by="kind").value


def test_a_table_by_a_column_goes_by_each_trace_though_its_text_repeats():
    log = log_of(kinds="xy").drop(columns="query_id").assign(query=lambda d: d.index % 5)
    log["query"] = log["query"].astype(str)
    good = (log["kind"] == "x") == (log["model"] == "a")
    log["outcome"] = np.where(good, "success", "failure")
    learned = LowerBoundRouterPolicy(by="kind")
    assert by_name(log, {"learned": learned}, by="kind").loc["learned", "value"] == 1


def test_a_model_that_the_log_never_used_is_named():
    row = by_name(log_of(), {"new": AlwaysPolicy("new")}).loc["new"]
    assert row["status"] == (
        "refused: the log has rewards for 0% of this policy's traffic only; "
        "the log never used 'new', which gets 100% of the traffic"
    )
    assert row[NUMBERS].isna().all()
    assert (row["bound_low"], row["bound_high"]) == (0, 1)
    assert row["note"] == "no difference: its value is refused"
    rare = log_of(kinds="xxxxxxxxxxxxxxxxxxxy")
    row = by_name(rare, {"new": ByKind({"x": "a", "y": "new"})}, by="kind").loc["new"]
    assert row["status"] == "ok"
    assert row["note"] == "the log never used 'new', which gets 6% of the traffic"
    never = by_name(log_of(), {"mix": RandomPolicy({"a": 1, "new": 0})}).loc["mix"]
    assert never["note"] == ""
    for method in ("snips", "dr"):
        table = by_name(log_of(propensity=0.5), {"new": AlwaysPolicy("new")}, method=method)
        assert "the log never used 'new'" in table.loc["new", "status"]
    data = complete_of([[1, 0]] * 8)
    row = by_name(data, {"new": AlwaysPolicy("new")}, reward="good", draws=9).loc["new"]
    assert row["status"] == "refused: no outcomes of 'new', its choice for 8 queries"
    assert (row["bound_low"], row["bound_high"], row["covered_share"]) == (0, 1, 0)
    assert row["note"] == "no difference: its value is refused"


def test_nothing_is_compared_with_a_refused_reference():
    table = by_name(log_of(), {"new": AlwaysPolicy("new")}, reference="new")
    assert table[["diff", "diff_low", "diff_high"]].isna().all(axis=None)
    assert table.loc[BEST, "note"].startswith(
        "no difference: the value of 'new' is refused: the log"
    )
    data = complete_of([[1, 0]] * 8)
    table = by_name(data, {"new": AlwaysPolicy("new")}, reward="good", reference="new", draws=9)
    assert table.loc["random", "note"] == "no difference: the value of 'new' is refused"


def test_a_policy_that_names_no_model_is_told():
    row = by_name(log_of(), {"none": TraceDrivenPolicy().fit(log_of(size=3))}).loc["none"]
    assert row["status"].endswith("the policy names no model for 100% of the traffic")


def test_the_caveat_says_what_no_diagnostic_sees():
    assert "how hard the query was" in LOGGED_CAVEAT
    assert "hard" in compare_policies.__doc__


# Bad input.


def test_one_model_only_is_noted():
    whole = by_name(log_of(models="a"), {"a": AlwaysPolicy("a")})
    assert set(whole["method"]) == {"complete"}
    assert whole["note"].str.contains("one model only").all()
    assert whole.loc["a", "value"] == whole.loc["oracle", "value"] == whole.loc["random", "value"]
    log = log_of(models="a")
    log.loc[:9, "outcome"] = None
    table = by_name(log, {"a": AlwaysPolicy("a")}, by="kind")
    assert set(table["method"]) == {"post_stratified"}
    assert table["note"].str.contains("one model only").all()
    assert (table["diff"] == 0).all()


def test_a_class_seen_once_changes_little():
    log = log_of()
    log.loc[0, "query"] = "solve x"
    policies = {
        "lower": LowerBoundRouterPolicy(),
        "sft": SFTRouterPolicy(by="regex", min_samples=1),
    }
    table = by_name(log, policies)
    assert set(table["status"]) == {"ok"}
    assert table.loc["lower", "note"] == ""
    assert table.loc["sft", "note"] == "the policy names no model for under 1% of the traffic"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (0.0, r"1 value of 'propensity' .* above 0 and up to 1, the first 0\.0"),
        (1.5, r"1 value of 'propensity' .* above 0 and up to 1, the first 1\.5"),
        (None, "1 of 400 traces with a reward has no 'propensity'.*propensity=None"),
    ],
)
def test_propensities_that_are_none_are_refused(values, message):
    log = log_of(propensity=[values] + [0.5] * 399)
    with pytest.raises(ValueError, match=message):
        compare_policies(log, {})
    assert set(compare_policies(log, {}, propensity=None)["propensity"]) == {"estimated"}


def test_weighted_methods_need_recorded_propensities():
    with pytest.raises(ValueError, match="method='dr' weights by recorded propensities"):
        compare_policies(log_of(), {}, method="dr")
    with pytest.raises(ValueError, match="method='ips' is not one of 'auto'"):
        compare_policies(log_of(), {}, method="ips")


def test_rewards_outside_0_and_1_say_how_to_rescale_them():
    with pytest.raises(ValueError, match=r"400 values outside \[0, 1\], the first 5\.0.*Rescale"):
        compare_policies(log_of(stars=5), {}, reward="stars")


def test_doubled_query_ids_are_no_silent_number():
    data = complete_of([[1, 0], [0, 1]] * 10)
    doubled = pd.concat([data, data.iloc[:2]])
    message = "1 of 20 queries has a model more than once.*query_id=.*drop the doubled rows"
    with pytest.raises(ValueError, match=message):
        compare_policies(doubled, {}, reward="good")
    with pytest.raises(ValueError, match=r"1 of 20 queries lacks a model.*groupby"):
        compare_policies(data.iloc[1:], {}, reward="good")
    with pytest.raises(ValueError, match="not complete: 1 of 20 queries lacks a model"):
        compare_policies(data.iloc[1:], {}, reward="good", method="complete")
    asked = compare_policies(doubled, {}, reward="good", by="kind", method="post_stratified")
    assert asked["note"].str.contains("intervals are too narrow").all()
    log = log_of(query_id=np.arange(400) - np.arange(400) % 40 // 39)  # 10 ids stand twice
    table = compare_policies(log, {})
    assert set(table["note"]) == {
        "10 of 390 query ids stand in several traces, taken as independent"
    }
    with pytest.raises(ValueError, match=r"1 trace has no 'query_id'.*name others"):
        compare_policies(log_of(query_id=[None, *range(399)]), {})


def test_missing_rewards_make_a_log_of_its_traffic_or_an_error():
    data = complete_of([[1, 0], [0, 1]] * 10)
    data.loc[0, "good"] = np.nan
    with pytest.raises(ValueError, match=r"1 reward is missing.*Leave out the queries"):
        compare_policies(data, {}, reward="good")
    log = log_of(stars=[None] * 20 + [0.5] * 380)
    table = by_name(log, {}, reward="stars", by="kind")
    assert (table["n"] == 380).all()
    assert table.loc["random", "value"] == 0.5


@pytest.mark.parametrize("never", [np.nan, None, pd.NA])
def test_outcomes_that_are_always_missing_give_rows_that_say_so(never):
    policies = {"a": AlwaysPolicy("a"), "l": LowerBoundRouterPolicy(), "o": OraclePolicy()}
    table = compare_policies(log_of(outcome=never), policies)
    assert len(table) == 6
    why = "refused: no rewards: none of the 400 traces has a reward and a model"
    assert set(table["status"]) == {why}
    assert table[["bound_low", "bound_high"]].drop_duplicates().values.tolist() == [[0, 1]]
    assert table[NUMBERS].isna().all(axis=None)
    assert (table["n"] == 0).all()


def test_a_span_that_selects_nothing_gives_rows_that_say_so():
    nothing = read_traces(log_of(started_at=1e9), since=2e9)
    for traces in (nothing, log_of().iloc[:0]):
        table = compare_policies(traces, {"a": AlwaysPolicy("a"), "l": LowerBoundRouterPolicy()})
        assert table["policy"].tolist() == ["a", "l", *ADDED]
        assert set(table["status"]) == {"refused: no traces"}
    nobody = compare_policies(log_of(model=None), {"a": AlwaysPolicy("a")})
    assert nobody["status"].str.startswith("refused: no rewards").all()
    with pytest.raises(ValueError, match="no column 'model'"):
        compare_policies(pd.DataFrame(), {})


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ("a", "policies must be a mapping of name to policy, not str 'a'"),
        (AlwaysPolicy("a"), "policies must be a mapping of name to policy, not AlwaysPolicy"),
        ({"x": "small"}, r"Policy 'x' is the text 'small'.*AlwaysPolicy\('small'\)"),
        (["small"], r"is the text 'small'.*AlwaysPolicy\('small'\)"),
        ({"x": {"code": "a"}}, "Policy 'x' is a mapping.*from_dict"),
        ([LowerBoundRouterPolicy], r"is the class LowerBoundRouterPolicy: make one"),
        ({"x": 3}, "no RouterPolicy but int 3"),
        ({1: AlwaysPolicy("a")}, "the name of a policy must be text, not int 1"),
    ],
)
def test_what_is_no_policy_says_what_to_pass(policies, message):
    with pytest.raises(TypeError, match=message):
        compare_policies(log_of(), policies)


def test_wrong_names_and_levels_are_refused():
    with pytest.raises(ValueError, match="reference='x' is none of 'best single'"):
        compare_policies(log_of(), {}, reference="x")
    with pytest.raises(ValueError, match="reference='x' is none of"):
        compare_policies(complete_of([[1, 0]] * 3), {}, reward="good", reference="x")
    with pytest.raises(ValueError, match="level=95 must be between 0 and 1"):
        compare_policies(log_of(), {}, level=95)
    with pytest.raises(ValueError, match="no column 'topic'"):
        compare_policies(log_of(), {}, by="topic")


# Properties.

LOGS = st.builds(
    log_of, st.integers(0, 10_000), st.integers(60, 160), st.sampled_from(["ab", "abc"])
)


@settings(max_examples=15, deadline=None)
@given(LOGS, st.integers(0, 5))
def test_a_value_does_not_hang_on_the_other_policies(log, seed):
    mine = {"mine": LowerBoundRouterPolicy(by="kind"), "b": AlwaysPolicy("b")}
    others = {
        "text": HeuristicRouterPolicy(["a", "b"]),
        "kinds": ByKind({"x": "a", "y": "b", "z": "new"}),
    }
    alone = by_name(log, mine, by="kind", seed=seed)
    among = by_name(log, {**others, **mine}, by="kind", seed=seed)
    pd.testing.assert_frame_equal(alone, among.loc[alone.index], check_exact=True)


@settings(max_examples=15, deadline=None)
@given(LOGS, st.integers(0, 10_000))
def test_the_order_of_the_rows_does_not_matter(log, seed):
    log = log.assign(propensity=1 / log["model"].nunique())
    policies = {
        "b": AlwaysPolicy("b"),
        "mix": RandomPolicy(["a", "b"]),
        "kinds": ByKind({"x": "a", "y": "b", "z": "b"}),
    }
    mixed = log.sample(frac=1, random_state=seed)
    for by in ("kind", "regex"):
        first = by_name(log, policies, by=by, reference="b").loc[list(policies)]
        again = by_name(mixed, policies, by=by, reference="b").loc[list(policies)]
        pd.testing.assert_frame_equal(first, again, rtol=0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(LOGS)
def test_failures_counted_as_successes_turn_every_number_around(log):
    turned = log.assign(outcome=log["outcome"].map({"success": "no", "failure": "success"}))
    policies = {"b": AlwaysPolicy("b"), "kinds": ByKind({"x": "a", "y": "b", "z": "b"})}
    there = by_name(log, policies, by="kind", reference="b").loc[list(policies)]
    back = by_name(turned, policies, by="kind", reference="b").loc[list(policies)]
    assert there["status"].tolist() == back["status"].tolist()
    for low, high, total in (("low", "high", 1), ("diff_low", "diff_high", 0)):
        np.testing.assert_allclose(there[low], total - back[high], atol=1e-9)
    np.testing.assert_allclose(there["value"], 1 - back["value"], atol=1e-9)
    np.testing.assert_allclose(there["diff"], -back["diff"], atol=1e-9)


def test_logs_drawn_from_complete_data_give_its_values():
    """80 logs, one model a query drawn alike: the mean error is 0 and intervals hold the truth."""
    rng = np.random.default_rng(11)
    kinds = rng.choice(list("xyz"), 600)
    chance = pd.DataFrame({"x": [0.9, 0.6], "y": [0.5, 0.8], "z": [0.7, 0.7]}, index=["m0", "m1"])
    rewards = (rng.random((600, 2)) < chance[kinds].T.to_numpy()).astype(float)
    data = complete_of(rewards, kind=np.repeat(kinds, 2))
    policies = {"m0": AlwaysPolicy("m0"), "kinds": ByKind({"x": "m0", "y": "m1", "z": "m1"})}
    truth = by_name(data, policies, reward="good", reference="m0", draws=9)
    errors, hits, apart = [], [], []
    for seed in range(80):
        log = data.groupby("query_id").sample(1, random_state=seed)
        found = by_name(log, policies, reward="good", by="kind", reference="m0").loc[list(policies)]
        goal = truth.loc[list(policies), ["value", "diff"]]
        errors.append(found["value"] - goal["value"])
        hits += ((found["low"] <= goal["value"]) & (goal["value"] <= found["high"])).tolist()
        low, high = found.loc["kinds", ["diff_low", "diff_high"]]
        apart.append(low <= goal.loc["kinds", "diff"] <= high)
    # a value's error is about 0.025, its mean's 0.0028; half of the rewards are those of the data
    # themselves, so that intervals hold them more often than they hold a population's mean
    assert np.abs(np.mean(errors, axis=0)).max() < 0.0085
    assert np.mean(hits) >= 0.93
    assert np.mean(apart) >= 0.93


# scipy 1.16: scipy.stats.ttest_1samp(terms, 0).confidence_interval(0.95)
@pytest.mark.parametrize("method", ["snips", "dr"])
def test_a_weighted_difference_is_scipys_for_the_mean_of_its_terms(method):
    stats = pytest.importorskip("scipy.stats")
    log = log_of(size=3000, propensity=0.5)
    table = by_name(log, {"a": AlwaysPolicy("a")}, by="kind", reference="random", method=method)
    r = (log["outcome"] == "success").to_numpy(dtype=float)
    w = 2.0 * (log["model"] == "a").to_numpy()
    if method == "snips":
        value, other = (w * r).sum() / w.sum(), r.mean()
        terms = value - other + w * (r - value) / w.mean() - (r - other)
    else:
        cells = pd.DataFrame({"r": r, "n": 1}).groupby([log["kind"], log["model"]]).sum()
        mean = cells["r"].groupby("kind").sum() / cells["n"].groupby("kind").sum()
        q = (cells["r"] + 10 * mean.reindex(cells.index, level="kind")) / (cells["n"] + 10)
        table_q = q.unstack().loc[log["kind"]].to_numpy()
        mine = table_q[np.arange(3000), (log["model"] == "b").astype(int)]
        terms = table_q[:, 0] + w * (r - mine) - (table_q.mean(1) + r - mine)
    expected = stats.ttest_1samp(terms, 0).confidence_interval(0.95)
    row = table.loc["a"]
    assert row["diff"] == pytest.approx(terms.mean(), abs=1e-12)
    # the degrees of freedom are those of 1,500 traces here
    assert row["diff_low"] == pytest.approx(expected.low, abs=2e-5)
    assert row["diff_high"] == pytest.approx(expected.high, abs=2e-5)


@real
def test_published_figures_of_complete_data_come_out():
    data = pd.read_parquet(REAL / "routellm_mmlu.parquet")
    policies = {model: AlwaysPolicy(model) for model in data["model"].unique()}
    table = by_name(data, policies, reward="correct", draws=200)
    assert set(table["method"]) == {"complete"}
    assert table.loc["gpt-4-1106-preview", "value"] == pytest.approx(0.80587, abs=5e-6)
    mixtral = table.loc["mistralai/Mixtral-8x7B-Instruct-v0.1", "value"]
    assert mixtral == pytest.approx(0.68091, abs=5e-6)
    assert table.loc["oracle", "value"] == pytest.approx(0.8587, abs=5e-5)
    assert table.loc["random", "value"] == pytest.approx((0.80587 + 0.68091) / 2, abs=1e-5)
    assert table.loc[BEST, "value"] == table.loc["gpt-4-1106-preview", "value"]


@real
def test_a_real_log_gives_the_published_accuracies_and_counts_what_it_lacks():
    """The log chose by the query's length, so the classes must tell lengths apart."""
    traces = read_traces(str(REAL / "openjarvis_mmlu_traces.db"))
    traces["long"] = traces["query"].str.len() > 400
    truth = {"mistralai/Mixtral-8x7B-Instruct-v0.1": 0.68091, "gpt-4-1106-preview": 0.80587}
    policies = {model: AlwaysPolicy(model) for model in truth}
    table = by_name(traces, {**policies, "new": AlwaysPolicy("gpt-9")}, by="long")
    for model, accuracy in truth.items():
        assert table.loc[model, "low"] < accuracy < table.loc[model, "high"]
        assert table.loc[model, "status"] == "ok"
    assert "the log never used 'gpt-9'" in table.loc["new", "status"]
    assert table.loc["gpt-4-1106-preview", "n"] == traces["outcome"].notna().sum()
    strong = table.loc["gpt-4-1106-preview"]
    weak = by_name(traces, policies, by="long", reference="gpt-4-1106-preview").iloc[0]
    assert weak["diff_low"] < 0.68091 - 0.80587 < weak["diff_high"]
    assert weak["value"] - strong["value"] == pytest.approx(weak["diff"], abs=1e-9)


# What can be fitted.


@pytest.mark.parametrize("maker", [SFTRouterPolicy, TraceDrivenPolicy])
def test_the_originals_fit_as_they_update(maker):
    log = log_of()
    policy = maker()
    assert not policy.fitted
    assert policy.fit(log) is policy
    assert policy.fitted
    updated = maker() if maker is SFTRouterPolicy else maker(log)
    updated.update(log) if maker is SFTRouterPolicy else updated.update_from_traces()
    assert updated.fitted
    assert updated.policy_map == policy.policy_map == {"short": "a"}
    assert vars(policy).get("_confidence") == vars(updated).get("_confidence")
    assert policy.fit(log[log["model"] == "b"]).policy_map == {"short": "b"}
    assert policy.fit(log.iloc[:0]).policy_map == {}
    assert policy.fitted
    assert policy.fit(score_counts(log, by=policy.by)).policy_map == {"short": "a"}
    assert not maker.from_dict(maker().to_dict()).fitted
    assert maker.from_dict(policy.to_dict()).fitted


def test_an_update_without_traces_leaves_a_policy_unfitted():
    empty = log_of().iloc[:0]
    sft, trace = SFTRouterPolicy(), TraceDrivenPolicy(empty)
    sft.update(empty)
    trace.update_from_traces()
    assert not sft.fitted
    assert not trace.fitted
    trace.observe("import os", "a", "success", 1.0)
    assert trace.fitted


def test_a_copy_of_a_policy_shares_its_source_and_nothing_else():
    class Store:
        """A store that cannot be copied."""

        def __deepcopy__(self, memo):
            raise TypeError("an open file")

        def list_traces(self):
            return []

    store = Store()
    policy = TraceDrivenPolicy(store, default_model="a").fit(log_of())
    twin = copy.deepcopy(policy)
    assert twin._source is store
    assert (twin.policy_map, twin.fitted) == (policy.policy_map, True)
    twin.fit(log_of().iloc[:0])
    assert policy.policy_map == {"short": "a"}
    fresh = TraceDrivenPolicy(store, default_model="a")
    assert by_name(log_of(), {"t": fresh}).loc["t", "status"] == "ok"


def test_a_log_in_which_nothing_is_a_success_says_so():
    log = log_of(size=120).assign(outcome=["SUCCESS", "failure"] * 60)
    table = compare_policies(log, {"a": AlwaysPolicy("a")})
    said = "no outcome is 'success', so each counts as a failure; the outcomes are 'SUCCESS', "
    assert table["note"].str.startswith(said).all()
    blank = compare_policies(log_of().assign(outcome=""), {"a": AlwaysPolicy("a")})
    assert blank["note"].str.contains("the outcomes are ''").all()
    data = complete_of([[1, 0]] * 8).assign(outcome="SUCCESS")
    assert compare_policies(data, {}, draws=9)["note"].str.contains("no outcome is").all()


def test_empty_outcomes_and_many_missing_ones_stand_in_the_note():
    log = log_of(size=120).assign(outcome=["success", ""] * 60)
    note = compare_policies(log, {"a": AlwaysPolicy("a")})["note"].iloc[0]
    said = "60 of 120 outcomes are empty text, which counts as a failure; a missing one is None"
    assert note == said
    gone = log_of(size=120).assign(outcome=["success", None] * 60)
    said = "60 of 120 traces have no reward or no model"
    assert said in compare_policies(gone, {})["note"].iloc[-1]
    few = log_of(size=120).assign(outcome=[None, *["success", "failure"] * 59, "failure"])
    assert compare_policies(few, {})["note"].iloc[-1] == ""


def test_seeds_and_draws_that_are_none_are_named():
    for data in (log_of(), complete_of([[1, 0]] * 8).assign(outcome="success")):
        with pytest.raises(ValueError, match="seed=-1 must be at least 0"):
            compare_policies(data, {}, seed=-1)
        with pytest.raises(ValueError, match="draws=0 must be at least 1"):
            compare_policies(data, {}, draws=0)
        with pytest.raises(TypeError, match="seed must be a whole number, not str"):
            compare_policies(data, {}, seed="x")


def test_counts_are_refused_by_name():
    with pytest.raises(TypeError, match="traces is a table of counts"):
        compare_policies(score_counts(log_of(), by="model"), {})
    counts = score_counts(log_of())
    for ask in (overlap, class_regret, logged_value, RoutingComparison):
        with pytest.raises(TypeError, match="traces is a table of counts, whose rows are no"):
            ask(counts, *([] if ask is RoutingComparison else [AlwaysPolicy("a")]))


def test_propensities_that_do_not_fit_the_log_are_named():
    said = "recorded propensities do not fit the log: in class 'x' the traces of "
    wrong = by_name(log_of(models="abc", kinds="x", propensity=1.0), {}, by="kind")
    assert wrong["note"].str.startswith(said).all()
    tiny = by_name(log_of(kinds="x", propensity=0.01), {}, by="kind")
    assert tiny["note"].str.contains(said, regex=False).all()
    for fits in (log_of(kinds="x", propensity=0.5), log_of(kinds="x")):
        assert (by_name(fits, {}, by="kind")["note"] == "").all()


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.floats(0.1, 0.9))
def test_propensities_that_the_log_was_drawn_with_fit(seed, share):
    rng = np.random.default_rng(seed)
    chance = np.where(rng.random(400) < 0.5, share, 1 - share)
    first = rng.random(400) < chance
    log = log_of(seed=seed, kinds="x").assign(
        model=np.where(first, "a", "b"), propensity=np.where(first, chance, 1 - chance)
    )
    assert not by_name(log, {}, by="kind")["note"].str.contains("do not fit").any()


def test_propensities_and_costs_that_are_no_numbers_are_named():
    with pytest.raises(ValueError, match=r"'p' holds what is no number .*propensity=None"):
        compare_policies(log_of(p="abc"), {}, propensity="p")
    data = complete_of([[1, 0]] * 8, price="abc", far=np.inf)
    with pytest.raises(ValueError, match=r"'price' must be a number column.* is no number"):
        complete_values(data, {}, reward="good", also="price")
    with pytest.raises(ValueError, match="'far' has 16 infinite values"):
        complete_values(data, {}, reward="good", also=["far"])


@pytest.mark.parametrize("earned", ["outcome", "feedback", "stars"])
def test_classes_that_are_what_a_trace_earned_are_refused(earned):
    log = log_of(feedback=0.5, stars=0.5)
    said = f"by='{earned}' is what a trace earned, which nobody knows before"
    with pytest.raises(ValueError, match=said):
        compare_policies(log, {}, by=earned, reward="stars")
    learned = LowerBoundRouterPolicy(by=earned, reward="stars")
    with pytest.raises(ValueError, match=said):
        compare_policies(log, {"learned": learned}, reward="stars")
    data = complete_of([[1, 0]] * 8, feedback=0.5, stars=0.5, outcome="success")
    with pytest.raises(ValueError, match=said):
        compare_policies(data, {"learned": learned}, reward="stars", draws=9)
    if earned != "stars":
        with pytest.raises(ValueError, match=said):
            RoutingComparison(log, by=earned)
