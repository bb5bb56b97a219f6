"""The post-stratified value: the worked check, golden vectors, by hand, and its coverage."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._cells import cells_of_rewards, cells_of_sums
from jarvis_lab._logged_value import difference_of_policies, value_of_policy
from jarvis_lab._student import student_quantile
from jarvis_lab.evaluation.logged import logged_difference, logged_value
from jarvis_lab.readers import read_traces
from jarvis_lab.routing import AlwaysPolicy, HeuristicRouterPolicy, RandomPolicy
from jarvis_lab.routing.lower_bound import LowerBoundRouterPolicy

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "logged_value.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").split("\n") if line]
REAL = ROOT / ".." / "shared" / "data"
CHECK_N, CHECK_S = np.array([[20, 10], [8, 25], [5, 32]]), np.array([[18, 7], [3, 19], [5, 30]])
CHECK_TABLE = np.eye(2)[[0, 1, 0]]


class Table(LowerBoundRouterPolicy):
    """A table by the column ``kind`` with the models given; nothing is to be learned."""

    fitted = True

    def __init__(self, policy_map):
        super().__init__(by="kind")
        self._policy_map = dict(policy_map)


def log_of(n, s):
    """Traces with counts n and successes s; the class stands in ``kind``."""
    rows = [
        {"kind": f"c{c}", "model": f"m{m}", "outcome": "success" if i < s[c][m] else "failure"}
        for c in range(len(n))
        for m in range(len(n[0]))
        for i in range(n[c][m])
    ]
    return pd.DataFrame(rows)


def test_the_worked_check():
    found = value_of_policy(
        cells_of_sums(CHECK_N, CHECK_S, CHECK_S), CHECK_TABLE, least_effective=1
    )
    assert round(found.n_effective, 4) == 27.5969
    assert round(found.value, 4) == 0.8908
    assert round(found.low, 4) == 0.7779
    assert round(found.high, 4) == 0.9500
    assert round(found.n_equivalent, 2) == 53.98
    assert round(found.dof, 2) == 66.50
    assert found.k == 10
    refused = value_of_policy(cells_of_sums(CHECK_N, CHECK_S, CHECK_S), CHECK_TABLE)
    assert refused.refused == "the log tells as much as 27.5 traces would, and 30 are needed"
    assert np.isnan([refused.value, refused.low, refused.high]).all()


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_golden_vectors(case):
    policy, expected = np.array(case["policy"]), case["result"]
    cells = cells_of_rewards(case["query_class"], case["model"], case["reward"], shape=policy.shape)
    found = value_of_policy(cells, policy)
    assert ("refused" if found.refused else "ok") == expected["status"]
    assert found.covered == pytest.approx(expected["covered"], abs=1e-8)
    assert found.n_effective == pytest.approx(expected["n_effective"], abs=1e-8)
    if not found.refused:
        for name in ("value", "low", "high"):
            assert getattr(found, name) == pytest.approx(expected[name], abs=1e-8)


# scipy.stats.t.ppf(0.5 + level / 2, dof), scipy 1.16
@pytest.mark.parametrize("dof", [1, 2, 2.3, 5, 66.5, 1e3, 9.9e3, 1.1e4, 9e5, 1.1e6, 1e9])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_student_quantiles_are_scipys(dof, level):
    stats = pytest.importorskip("scipy.stats")
    # scipy's own ppf is good to 1e-8 only beyond 1e7 degrees of freedom
    expected = stats.t.ppf(0.5 + level / 2, dof) if dof < 1e7 else stats.norm.ppf(0.5 + level / 2)
    assert student_quantile(level, dof) == pytest.approx(expected, rel=1e-8 if dof > 1e7 else 1e-10)


def test_one_class_and_one_model_is_the_mean():
    log = pd.DataFrame({"query": "q", "model": "a", "correct": [True] * 30 + [False] * 10})
    found = logged_value(log, AlwaysPolicy("a"))
    assert found.value == 0.75
    assert found.n_effective == found.n == 40
    assert found.covered_share == found.match_rate == found.max_weight == 1
    assert (found.status, found.note, found.propensity) == ("ok", "", "estimated")


def test_a_value_by_hand():
    """Two classes of 60 and 40: 0.6·(27/30) + 0.4·(5/20)."""
    log = log_of([[30, 30], [20, 20]], [[27, 3], [5, 15]])
    found = logged_value(log, AlwaysPolicy("m0"), by="kind")
    assert found.value == pytest.approx(0.6 * 0.9 + 0.4 * 0.25)
    assert found.n_effective == pytest.approx(1 / (0.36 / 30 + 0.16 / 20))
    assert found.match_rate == 0.5
    assert found.max_weight == pytest.approx(2)
    assert found.cells[["query_class", "model", "n"]].to_dict("list") == {
        "query_class": ["c0", "c1"],
        "model": ["m0", "m0"],
        "n": [30, 20],
    }
    assert found.cells["variance_share"].tolist() == pytest.approx([0.6, 0.4])
    assert found.cells["share"].sum() == pytest.approx(1)
    half = logged_value(log, RandomPolicy(["m0", "m1"]), by="kind")
    assert half.value == pytest.approx(0.6 * 0.5 + 0.4 * 0.5)


def test_a_difference_by_hand():
    log = log_of([[30, 30], [20, 20]], [[27, 3], [5, 15]])
    best, first = Table({"c0": "m0", "c1": "m1"}), Table({"c0": "m0", "c1": "m0"})
    found = logged_difference(log, best, first)
    assert found.diff == pytest.approx(0.4 * (0.75 - 0.25))
    back = logged_difference(log, first, best)
    assert (back.diff, back.diff_low) == (-found.diff, pytest.approx(-found.diff_high))
    same = logged_difference(log, best, best)
    assert (same.diff, same.diff_low, same.diff_high) == (0, 0, 0)


def test_missing_rewards_count_for_the_traffic_alone():
    log = log_of([[30, 30], [20, 20]], [[27, 3], [5, 15]])
    silent = pd.DataFrame({"kind": ["c1"] * 100, "model": "m0", "outcome": None})
    found = logged_value(pd.concat([log, silent]), AlwaysPolicy("m0"), by="kind")
    assert found.n == 100
    assert found.value == pytest.approx(0.3 * 0.9 + 0.7 * 0.25)


def test_a_policy_that_the_log_cannot_value_gets_bounds():
    log = log_of([[60, 40], [50, 0]], [[50, 10], [40, 0]])
    found = logged_value(log, AlwaysPolicy("m1"), by="kind")
    assert found.status == "refused: the log has rewards for 67% of this policy's traffic only"
    assert np.isnan([found.value, found.low, found.high]).all()
    # 2/3 of the traffic has a mean of 0.25 of 40, Wilson's interval 0.1419 to 0.4019
    assert found.bound_low == pytest.approx(2 / 3 * 0.14187, abs=1e-4)
    assert found.bound_high == pytest.approx(2 / 3 * 0.40194 + 1 / 3, abs=1e-4)
    nobody = logged_value(log, AlwaysPolicy("new"), by="kind")
    assert (nobody.bound_low, nobody.bound_high, nobody.covered_share) == (0, 1, 0)
    assert nobody.match_rate == 0
    assert np.isnan(nobody.max_weight)
    assert nobody.cells["mean"].isna().all()
    assert logged_difference(log, AlwaysPolicy("new"), AlwaysPolicy("m0"), by="kind").status == (
        "refused: policy: the log has rewards for 0% of this policy's traffic only"
    )
    assert "refused" in repr(found)
    assert "&#x27;" in nobody._repr_html_()


def test_logs_that_say_nothing_are_refused():
    empty = pd.DataFrame({"query": [], "model": [], "outcome": []}, dtype="str")
    silent = pd.DataFrame({"query": ["q"], "model": ["a"], "outcome": pd.Series([None], dtype=str)})
    for log in (empty, silent):
        found = logged_value(log, AlwaysPolicy("a"))
        assert found.status == "refused: no rewards"
        assert (found.bound_low, found.bound_high, found.n) == (0, 1, 0)
        assert logged_difference(log, AlwaysPolicy("a"), AlwaysPolicy("b")).status.startswith("ref")


def test_equal_propensities_inside_a_cell_change_nothing():
    log = log_of([[30, 30], [20, 20]], [[27, 3], [5, 15]])
    plain = logged_value(log, AlwaysPolicy("m0"), by="kind")
    p = log["kind"].map({"c0": 0.3, "c1": 0.9})
    logged = logged_value(log.assign(propensity=p), AlwaysPolicy("m0"), by="kind")
    assert (logged.value, logged.low, logged.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )
    assert (plain.propensity, logged.propensity) == ("estimated", "logged")
    assert logged.max_weight == pytest.approx(1 / 0.3)


def test_weights_by_hand():
    """w = 1, 1, 4: mean (1 + 4·0)/6 for rewards 1, 0, 0; n = 36/18; S² = 2·(5/6·(1/6)²·...)"""
    cells = cells_of_rewards([0] * 3, [0] * 3, [1, 0, 0], shape=(1, 1), propensities=[1, 1, 0.25])
    assert cells.mean[0, 0] == pytest.approx(1 / 6)
    assert cells.n[0, 0] == pytest.approx(2)
    spread = (1 * (5 / 6) ** 2 + 5 * (1 / 6) ** 2) / 6
    assert cells.variance[0, 0] == pytest.approx(2 / 1 * spread)
    assert (cells.class_n[0], cells.class_total[0]) == (3, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, 0.0], "1 value of 'propensity' is no probability above 0"),
        ([0.5, 1.5], "first np.float64.1.5.|first 1.5"),
        ([0.5, None], "1 of 2 traces with a reward has no 'propensity'"),
    ],
)
def test_propensities_that_are_none_say_what_to_do(values, message):
    log = pd.DataFrame({"query": "q", "model": ["a", "b"], "correct": [True, False]})
    with pytest.raises(ValueError, match=message):
        logged_value(log.assign(propensity=values), AlwaysPolicy("a"))
    assert logged_value(log.assign(propensity=values), AlwaysPolicy("a"), propensity=None).n == 2
    with pytest.raises(ValueError, match="no column 'p'"):
        logged_value(log, AlwaysPolicy("a"), propensity="p")


def test_weights_far_apart_are_noted():
    log = log_of([[40, 40]], [[30, 20]])
    p = np.where(np.arange(80) % 2, 0.9, 0.05)
    found = logged_value(log.assign(propensity=p), AlwaysPolicy("m0"), by="kind")
    assert found.note == (
        "in a cell the largest weight is 18 times the smallest: too few traces for it"
    )
    assert found.note in repr(found)


def test_a_policy_that_looks_at_the_query_is_valued_in_finer_strata():
    """Short queries go to small, which is right on them; long ones to large, right on those."""
    short, long = "hi", "please write about the sea, the sky and what lies between them, why?"
    rows = [
        {"query": q, "model": m, "correct": (q == short) == (m == "small:1b"), "kind": "k"}
        for q in (short, long)
        for m in ("small:1b", "large:70b")
        for _ in range(40)
    ]
    found = logged_value(pd.DataFrame(rows), HeuristicRouterPolicy(["small:1b", "large:70b"]))
    assert found.value == 1
    found = logged_value(
        pd.DataFrame(rows), HeuristicRouterPolicy(["small:1b", "large:70b"]), by="kind"
    )
    assert found.value == 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_interval_holds_the_value_and_does_not_hang_on_order(data):
    classes, models = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    cell = st.integers(0, 60)
    n = np.array([[data.draw(cell) for _ in range(models)] for _ in range(classes)])
    n[0, 0] += 1
    s = np.array([[data.draw(st.integers(0, int(x))) for x in row] for row in n])
    table = np.eye(models)[[data.draw(st.integers(0, models - 1)) for _ in range(classes)]]
    found = value_of_policy(cells_of_sums(n, s, s), table, least_effective=0, least_covered=0)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert 0 <= found.bound_low <= found.bound_high <= 1
    rows, columns = np.random.default_rng(0).permutation(classes), np.arange(models)[::-1]
    n, s, turned = n[rows][:, columns], s[rows][:, columns], table[rows][:, columns]
    again = value_of_policy(cells_of_sums(n, s, s), turned, least_effective=0, least_covered=0)
    assert (again.value, again.low, again.high) == pytest.approx(
        (found.value, found.low, found.high), abs=1e-9
    )


def drawn(rng, truth, logging, classes, size):
    """Counts and successes of a log: class by ``classes``, model by ``logging``."""
    n = rng.multinomial(size, (classes[:, None] * logging).ravel()).reshape(truth.shape)
    return n, rng.binomial(n, truth)


def test_the_interval_covers_the_truth():
    """500 traces, skewed logging, 600 logs: 95 % of intervals hold the truth within 3 errors."""
    rng = np.random.default_rng(20)
    truth = rng.uniform(0.5, 0.98, (6, 4))
    classes, logging = rng.dirichlet(np.full(6, 5)), rng.dirichlet(np.full(4, 3), size=6)
    table, single = np.eye(4)[truth.argmax(1)], np.eye(4)[[0] * 6]
    hits = {"value": [], "difference": []}
    for _ in range(600):
        n, s = drawn(rng, truth, logging, classes, 500)
        cells = cells_of_sums(n, s, s)
        found = value_of_policy(cells, table, least_effective=0)
        goal = float(classes @ (table * truth).sum(1))
        hits["value"].append(found.low <= goal <= found.high)
        found = difference_of_policies(cells, table, single, least_effective=0, least_covered=0.5)
        goal -= float(classes @ truth[:, 0])
        hits["difference"].append(found.low <= goal <= found.high)
    # the binomial error of 0.95 in 600 logs is 0.009
    assert 0.92 <= np.mean(hits["value"]) <= 0.98
    assert 0.92 <= np.mean(hits["difference"]) <= 0.985


def test_recorded_propensities_correct_what_estimated_ones_cannot():
    """Hard queries go to big more often, and that is recorded: only the weights see it."""
    rng = np.random.default_rng(4)
    plain, weighted, hits = [], [], []
    for _ in range(150):
        hard = rng.random(800) < 0.5
        p_big = np.where(hard, 0.8, 0.3)
        big = rng.random(800) < p_big
        reward = (rng.random(800) < np.where(hard, 0.4, 0.9)).astype(float)
        args = (np.zeros(800, int), big.astype(int), reward)
        always_big = [[0.0, 1.0]]
        plain.append(value_of_policy(cells_of_rewards(*args, shape=(1, 2)), always_big).value)
        p = np.where(big, p_big, 1 - p_big)
        cells = cells_of_rewards(*args, shape=(1, 2), propensities=p)
        found = value_of_policy(cells, always_big)
        weighted.append(found.value)
        hits.append(found.low <= 0.65 <= found.high)
    assert np.mean(weighted) == pytest.approx(0.65, abs=0.006)
    assert np.mean(plain) < 0.55
    assert np.mean(hits) > 0.9


def test_a_table_valued_on_the_log_it_was_learned_from_flatters_itself():
    rng = np.random.default_rng(8)
    truth, classes, logging = np.full((6, 6), 0.7), np.full(6, 1 / 6), np.full((6, 6), 1 / 6)
    same, apart = [], []
    for _ in range(150):
        n, s = drawn(rng, truth, logging, classes, 600)
        table = np.eye(6)[np.argmax(s / np.maximum(n, 1), axis=1)]
        fresh_n, fresh_s = drawn(rng, truth, logging, classes, 600)
        for hits, (a, b) in ((same, (n, s)), (apart, (fresh_n, fresh_s))):
            found = value_of_policy(cells_of_sums(a, b, b), table)
            hits.append(found.low <= 0.7 <= found.high)
    assert np.mean(same) < 0.5
    assert np.mean(apart) > 0.9


def test_a_policy_given_unfitted_is_cross_fitted_and_so_not_flattered():
    """Six equal models: whatever is learned is worth 0.7; on its own log it looks better."""

    class Greedy(LowerBoundRouterPolicy):
        """The highest mean of each class, whatever the evidence."""

        def fit(self, traces):
            super().fit(traces)
            means = self._sums.total / np.maximum(self._sums.n, 1)
            best = [self._sums.models[place] for place in means.argmax(1)]
            self._policy_map = dict(zip(self._sums.classes, best, strict=True))
            return self

    rng = np.random.default_rng(12)
    own, crossed, hits = [], [], []
    for _ in range(40):
        log = pd.DataFrame(
            {
                "kind": rng.integers(5, size=900).astype(str),
                "model": rng.choice(list("abcdef"), 900),
                "correct": rng.random(900) < 0.7,
            }
        )
        own.append(logged_value(log, Greedy(by="kind").fit(log)))
        crossed.append(logged_value(log, Greedy(by="kind")))
        hits.append(crossed[-1].low <= 0.7 <= crossed[-1].high)
    assert np.mean([found.value for found in own]) > 0.76
    # a value's own error is about 0.04, its mean's 0.006
    assert np.mean([found.value for found in crossed]) == pytest.approx(0.7, abs=0.02)
    assert np.mean(hits) >= 0.85
    assert own[0].note == "not cross-fitted: overvalued if it was learned from these traces"
    assert crossed[0].note == ""


@pytest.mark.skipif(not REAL.is_dir(), reason="real outcomes are not here (../shared/data)")
def test_a_real_store_gives_the_published_accuracies():
    """The log chose by the query's length, so 1/p or classes by length are needed."""
    traces = read_traces(str(REAL / "openjarvis_mmlu_traces.db"))
    truth = {"mistralai/Mixtral-8x7B-Instruct-v0.1": 0.68091, "gpt-4-1106-preview": 0.80587}
    long = traces["query"].str.len() > 400
    mixtral = np.where(long, 0.7, 0.3)
    p = np.where(traces["model"].str.startswith("mistral"), mixtral, 1 - mixtral)
    for model, accuracy in truth.items():
        by_length = logged_value(traces.assign(kind=long), AlwaysPolicy(model), by="kind")
        weighted = logged_value(traces.assign(propensity=p), AlwaysPolicy(model))
        assert by_length.low < accuracy < by_length.high
        assert weighted.low < accuracy < weighted.high
        assert (by_length.propensity, weighted.propensity) == ("estimated", "logged")
    naive = logged_value(traces, AlwaysPolicy("mistralai/Mixtral-8x7B-Instruct-v0.1"))
    assert naive.high < 0.68091
