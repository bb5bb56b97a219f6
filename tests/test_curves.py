"""Routing curves and cost frontiers: by hand, brute force, and published figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._curves import Queries, first_share, frontier_hull, hull_height, on_frontier
from jarvis_lab.evaluation.curves import apgr, cpt, routing_curve
from jarvis_lab.evaluation.frontier import aiq, pareto_frontier

REAL = Path(__file__).parent.parent / ".." / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="real outcomes are not here (../shared/data)")
PAIR = {"weak": "w", "strong": "s"}


def pair_log(scores, weak, strong):
    rows = [
        {"query_id": i, "model": model, "good": float(value), "ask": score}
        for i, (score, *values) in enumerate(zip(scores, weak, strong, strict=True))
        for model, value in zip("ws", values, strict=True)
    ]
    return pd.DataFrame(rows)


def test_a_curve_by_hand():
    """Best first: +1, then nothing, then -1 and +1 together (equal scores)."""
    log = pair_log([0.9, 0.5, 0.1, 0.1], [0, 1, 1, 0], [1, 1, 0, 1])
    curve = routing_curve(log, "ask", reward="good", points=5, draws=50, **PAIR)
    assert curve["strong_share"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve["quality"].tolist() == [0.5, 0.75, 0.75, 0.75, 0.75]
    assert curve["random_quality"].tolist() == [0.5, 0.5625, 0.625, 0.6875, 0.75]
    assert (curve["n"] == 4).all()
    # area: (0.5 + 0.75)/2/4 + 0.75·3/4 = 0.71875
    found = apgr(log, "ask", reward="good", draws=50, **PAIR)
    assert found.value == pytest.approx((0.71875 - 0.5) / 0.25)
    assert cpt(log, "ask", 0.5, reward="good", draws=50, **PAIR).value == pytest.approx(0.125)
    assert cpt(log, "ask", 1.0, reward="good", draws=50, **PAIR).value == pytest.approx(0.25)
    assert cpt(log, "ask", 0.0, reward="good", draws=50, **PAIR).value == 0


def test_a_curve_that_rises_above_the_strong_model_and_falls_again():
    """np.interp(target, quality, share) needs rising qualities; here they are not."""
    share, quality = np.array([[0, 0.25, 0.5, 0.75, 1.0]]), np.array([[0.2, 0.8, 0.5, 0.9, 0.6]])
    assert first_share(share, quality, 0.5)[0] == pytest.approx(0.25 * 0.2 / 0.6)
    assert first_share(share, quality, 1.0)[0] == pytest.approx(0.25 * 0.4 / 0.6)
    assert np.isnan(first_share(share, quality[:, ::-1] * [[1, 1, 1, 1, 1]], 0.5)[0])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_curve_is_the_mean_over_all_orders_of_equal_scores(data):
    n = data.draw(st.integers(1, 7))
    score = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    weak = data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    strong = data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    share, quality = Queries(score, weak, strong).curve()
    assert share[0] == 0
    assert share[-1] == pytest.approx(1)
    for x, y in zip(share, quality, strict=True):
        bar = sorted(score, reverse=True)[round(x * n) - 1] if x > 0 else 9
        chosen = [s if c >= bar else w for c, w, s in zip(score, weak, strong, strict=True)]
        assert y == pytest.approx(np.mean(chosen))


def test_a_random_order_recovers_half_and_its_interval_says_so():
    rng = np.random.default_rng(2)
    weak, strong = rng.random(3000) < 0.6, rng.random(3000) < 0.8
    log = pair_log(rng.random(3000), weak, strong)
    found = apgr(log, "ask", reward="good", draws=200, **PAIR)
    assert found.low < 0.5 < found.high
    tied = apgr(log, np.zeros(3000), reward="good", draws=200, **PAIR)
    assert (tied.value, tied.low, tied.high) == pytest.approx((0.5, 0.5, 0.5))
    perfect = apgr(log, strong * 1.0 - weak, reward="good", draws=200, **PAIR)
    assert perfect.low > 1  # it beats the strong model on its way
    assert found.n == 3000
    assert repr(found).startswith("CurveEstimate(0.")


def test_the_interval_of_apgr_covers_the_truth():
    """200 samples of 400 queries, score = 1 for hard ones; the truth is from a million."""
    rng = np.random.default_rng(6)

    def drawn(size):
        hard = rng.random(size) < 0.4
        weak, strong = rng.random(size) < np.where(hard, 0.4, 0.8), rng.random(size) < 0.85
        return Queries(hard, weak, strong)

    from jarvis_lab._curves import gap_area

    share, quality = drawn(1_000_000).curve()
    truth = gap_area(share[None, :], quality[None, :])[0]
    hits = []
    for _ in range(200):
        blocks = drawn(400).resampled(draws=300, seed=int(rng.integers(1e9)))
        low, high = np.quantile(np.concatenate([gap_area(*b) for b in blocks]), [0.025, 0.975])
        hits.append(low <= truth <= high)
    assert np.mean(hits) > 0.95 - 3 * 0.0154


def test_a_strong_model_that_is_no_better_has_no_gap():
    log = pair_log([1, 2, 3], [1, 1, 0], [1, 0, 0])
    for found in (
        apgr(log, "ask", reward="good", draws=20, **PAIR),
        cpt(log, "ask", 0.5, reward="good", draws=20, **PAIR),
    ):
        assert np.isnan([found.value, found.low, found.high]).all()
        assert found.note == "the strong model is no better than the weak one"
    thin = apgr(pair_log([1, 2], [0, 1], [1, 1]), "ask", reward="good", draws=200, **PAIR)
    assert np.isnan(thin.low)
    assert "draws the strong model is no better" in thin.note


def test_scores_that_do_not_fit_are_refused():
    log = pair_log([1, 2, 3], [1, 1, 0], [1, 0, 1])
    with pytest.raises(ValueError, match="shape"):
        apgr(log, [1, 2], reward="good", **PAIR)
    with pytest.raises(ValueError, match="1 query has no score"):
        apgr(log, [1, 2, np.nan], reward="good", **PAIR)
    with pytest.raises(ValueError, match="no column 'hard'"):
        apgr(log, "hard", reward="good", **PAIR)
    with pytest.raises(ValueError, match="two of the log's models: 's', 'w'"):
        apgr(log, "ask", reward="good", weak="w", strong="x")
    with pytest.raises(ValueError, match="not complete"):
        apgr(log.iloc[1:], "ask", reward="good", **PAIR)
    with pytest.raises(ValueError, match="part"):
        cpt(log, "ask", 1.5, reward="good", **PAIR)


def priced_log():
    """Best first: +2/3, 0, +1/3 of the gap for 4, 2 and 1 more; costs of the weak one are 1."""
    log = pair_log([0.9, 0.5, 0.1, 0.0], [0, 1, 0, 1], [1, 1, 1, 1])
    log["cost_usd"] = [1.0, 5.0, 1.0, 3.0, 1.0, 2.0, 1.0, 1.0]
    return log


def test_a_curve_over_money_by_hand():
    log = priced_log()
    curve = routing_curve(log, "ask", reward="good", cost="cost_usd", points=5, draws=60, **PAIR)
    assert curve["quality"].tolist() == [0.5, 0.75, 0.75, 1, 1]
    assert curve["cost"].tolist() == [1, 2, 2.5, 2.75, 2.75]
    assert (curve["cost_low"] <= curve["cost"]).all()
    assert (curve["cost"] <= curve["cost_high"]).all()
    assert curve["cost_high"].iloc[-1] > curve["cost_low"].iloc[-1]
    plain = routing_curve(log, "ask", reward="good", points=5, draws=60, **PAIR)
    assert "cost" not in plain
    options = {"reward": "good", "cost": "cost_usd", "draws": 60, **PAIR}
    # shares of the extra cost 0, 4/7, 6/7, 1, 1: area 4/7·.625 + 2/7·.75 + 1/7·.875
    area = (4 * 0.625 + 2 * 0.75 + 0.875) / 7
    assert apgr(log, "ask", **options).value == pytest.approx((area - 0.5) / 0.5)
    assert cpt(log, "ask", 0.25, **options).value == pytest.approx(2 / 7)
    assert cpt(log, "ask", 0.5, **options).value == pytest.approx(4 / 7)
    assert cpt(log, "ask", 1.0, **options).value == pytest.approx(1)
    assert cpt(log, "ask", 0.0, **options).value == 0


def test_latency_and_tokens_are_costs_too():
    log = priced_log().assign(seconds=[1, 1, 1, 1, 1, 9, 1, 1], tokens=7)
    options = {"reward": "good", "draws": 20, **PAIR}
    assert cpt(log, "ask", 0.5, cost="seconds", **options).value == 0
    assert cpt(log, "ask", 1.0, cost="seconds", **options).value == 1
    same = apgr(log, "ask", cost="tokens", **options)
    assert np.isnan(same.value)
    assert same.note == "the strong model is no better or no dearer than the weak one"
    missing = log.assign(seconds=[1, None, 1, 1, 1, 9, 1, 1])
    with pytest.raises(ValueError, match="'seconds' is missing for some queries of 's'"):
        apgr(missing, "ask", cost="seconds", **options)
    with pytest.raises(ValueError, match="no column 'price'"):
        routing_curve(log, "ask", cost="price", **options)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_curve_over_costs_that_are_alike_is_that_over_calls(data):
    n = data.draw(st.integers(2, 9))
    unit = st.floats(0, 1)
    score, weak, strong = (data.draw(st.lists(unit, min_size=n, max_size=n)) for _ in range(3))
    extra = data.draw(st.floats(0.1, 100))
    calls, money = Queries(score, weak, strong), Queries(score, weak, strong, np.full(n, extra))
    np.testing.assert_allclose(calls.curve(), money.curve(), atol=1e-12)


# scipy 1.16: scipy.stats.bootstrap((rows,), statistic, method="percentile", n_resamples=4000)
@pytest.mark.parametrize("cost", [None, "cost_usd"])
def test_the_intervals_of_apgr_and_cpt_are_scipys(cost):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    n = 300
    hard = rng.random(n).round(1)
    weak, strong = rng.random(n) < 0.8 - 0.5 * hard, rng.random(n) < 0.85
    extra = rng.gamma(2, 1, n)
    log = pair_log(hard, weak, strong).assign(cost_usd=1.0)
    log.loc[log["model"] == "s", "cost_usd"] = 1 + extra

    def figures(rows):
        """APGR and CPT(50 %) of the rows, one query at a time, equal scores on a straight line."""
        order = np.unique(hard[rows])[::-1]
        price = extra[rows] if cost else np.ones(n)
        gain = strong[rows].astype(float) - weak[rows]
        x = np.cumsum([0, *(price[hard[rows] == h].sum() for h in order)]) / price.sum()
        y = np.cumsum([0, *(gain[hard[rows] == h].sum() for h in order)]) / gain.sum()
        fine = np.linspace(0, 1, 20_001)
        return np.trapezoid(y, x), fine[np.argmax(np.interp(fine, x, y) >= 0.5)]

    theirs = stats.bootstrap(
        (np.arange(n),),
        lambda rows: np.array(figures(rows)),
        method="percentile",
        vectorized=False,
        n_resamples=4000,
        rng=1,
    ).confidence_interval
    options = {"reward": "good", "cost": cost, "draws": 4000, **PAIR}
    for place, mine in enumerate((apgr(log, "ask", **options), cpt(log, "ask", 0.5, **options))):
        assert mine.value == pytest.approx(figures(np.arange(n))[place], abs=1e-4)
        # the error of such a quantile of 4,000 draws is about 0.004
        assert mine.low == pytest.approx(theirs.low[place], abs=0.015)
        assert mine.high == pytest.approx(theirs.high[place], abs=0.015)


# scipy 1.16: scipy.stats.bootstrap over queries, method="percentile"
def test_the_intervals_of_the_frontier_and_aiq_are_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(5)
    n = 200
    costs = rng.gamma(2, [1.0, 2.0, 3.0], (n, 3))
    rewards = (rng.random((n, 3)) < [0.5, 0.7, 0.75]).astype(float)
    log = cost_log([0, 0, 0], rewards).assign(cost_usd=costs.ravel())

    def figures(rows):
        c, q = costs[rows].mean(0), rewards[rows].mean(0)
        return np.array([hull_height(c, q), *c, *q])

    theirs = stats.bootstrap(
        (np.arange(n),),
        figures,
        method="percentile",
        vectorized=False,
        n_resamples=3000,
        rng=2,
    ).confidence_interval
    table = pareto_frontier(log, reward="good", draws=3000).set_index("model").sort_index()
    mine = aiq(log, reward="good", draws=3000)
    lows = [mine.low, *table["cost_low"], *table["quality_low"]]
    highs = [mine.high, *table["cost_high"], *table["quality_high"]]
    # the error of such a quantile of 3,000 draws is about 0.3 %
    np.testing.assert_allclose(lows, theirs.low, rtol=0.02)
    np.testing.assert_allclose(highs, theirs.high, rtol=0.02)


def cost_log(costs, rewards):
    rows = [
        {"query_id": q, "model": f"m{m}", "good": float(reward), "cost_usd": costs[m]}
        for q, row in enumerate(rewards)
        for m, reward in enumerate(row)
    ]
    return pd.DataFrame(rows)


def test_a_frontier_by_hand():
    """Costs 1, 2, 3, 4 and qualities 0.2, 0.4, 0.8, 0.6: m1 is below the line, m3 is beaten."""
    log = cost_log([1, 2, 3, 4], [[i < 2, i < 4, i < 8, i < 6] for i in range(10)])
    table = pareto_frontier(log, reward="good", draws=100).set_index("model")
    assert table["quality"].tolist() == [0.2, 0.4, 0.8, 0.6]
    assert table["cost"].tolist() == [1, 2, 3, 4]
    assert table["on_frontier"].tolist() == [True, True, True, False]
    assert table["on_hull"].tolist() == [True, False, True, False]
    assert table["frontier_share"].between(0, 1).all()
    assert table.loc["m0", "frontier_share"] == 1
    assert (table["cost_low"] == table["cost_high"]).all()
    assert (table["quality_low"] < table["quality_high"]).all()
    found = aiq(log, reward="good", draws=100)
    # (0.2 + 0.8)/2 over 2, then 0.8 over 1, all over 3
    assert found.value == pytest.approx((1.0 + 0.8) / 3)
    assert found.low < found.value < found.high


def test_a_single_cost_has_the_best_quality():
    assert hull_height([2, 2], [0.3, 0.7]) == 0.7
    assert aiq(cost_log([1], [[1], [0]]), reward="good", draws=10).value == 0.5


# scipy 1.16: scipy.spatial.ConvexHull of the points, (c_max, best) and the floor
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.floats(0.01, 1)), min_size=2, max_size=9, unique=True)
)
def test_the_hull_is_scipys(points):
    spatial = pytest.importorskip("scipy.spatial")
    cost, quality = np.array(points, dtype=float).T
    lowest, highest = cost.min(), cost.max()
    if lowest == highest:
        return
    floor = [[lowest, -1], [highest, -1], [highest, quality.max()]]
    area = spatial.ConvexHull(np.vstack([np.column_stack([cost, quality]), floor])).volume
    expected = area / (highest - lowest) - 1
    assert hull_height(cost, quality) == pytest.approx(expected, abs=1e-9)
    x, y = frontier_hull(cost, quality)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert (np.interp(cost, x, y) >= quality - 1e-9).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_the_frontier_is_what_no_point_beats(points):
    cost, quality = np.array(points, dtype=float).T
    expected = [
        not any((c <= a and q >= b) and (c < a or q > b) for c, q in points) for a, b in points
    ]
    assert on_frontier(cost, quality).tolist() == expected


def test_a_missing_cost_names_the_models():
    log = cost_log([1, None], [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="missing for some queries of 'm1'"):
        pareto_frontier(log, reward="good")
    with pytest.raises(ValueError, match="no column 'price'"):
        aiq(log, cost="price", reward="good")


@pytest.fixture(scope="module")
def mmlu():
    if not REAL.is_dir():
        pytest.skip("real outcomes are not here (../shared/data)")
    log = pd.read_parquet(REAL / "routellm_mmlu.parquet")
    wide = log.pivot(index="query_id", columns="model", values="correct").astype(float)
    domains = log.groupby("query_id")["domain"].first()
    weak, strong = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
    return log, wide[weak], wide[strong], domains


@real
def test_a_random_router_on_mmlu_recovers_half(mmlu):
    log, weak, strong, _ = mmlu
    scores = np.random.default_rng(0).random(len(weak))
    found = apgr(log, scores, weak=weak.name, strong=strong.name, draws=100)
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.low < 0.5 < found.high


@real
def test_a_table_over_57_domains_recovers_two_thirds_on_the_other_half(mmlu):
    from jarvis_lab._curves import gap_area

    _, weak, strong, domains = mmlu
    rng, values = np.random.default_rng(1), []
    for _ in range(50):
        learn = rng.random(len(weak)) < 0.5
        gain = (strong - weak)[learn].groupby(domains[learn]).mean()
        judge = ~learn
        queries = Queries(domains[judge].map(gain), weak[judge], strong[judge])
        share, quality = queries.curve()
        values.append(gap_area(share[None, :], quality[None, :])[0])
    # published: 0.673 ± 0.010
    assert 0.66 <= np.mean(values) <= 0.69
    assert np.std(values) == pytest.approx(0.010, abs=0.004)


def test_scores_seeds_and_draws_that_are_none_are_refused_in_words():
    log = pair_log([3, 2, 1], [0, 0, 1], [1, 1, 1])
    for scores in (object(), ["x", "y", "z"]):
        with pytest.raises(TypeError, match="scores must be one number for each query"):
            apgr(log, scores, reward="good", **PAIR)
    for call in (apgr, routing_curve):
        with pytest.raises(ValueError, match="draws=0 must be at least 1"):
            call(log, "ask", reward="good", draws=0, **PAIR)
        with pytest.raises(ValueError, match="seed=-1 must be at least 0"):
            call(log, "ask", reward="good", seed=-1, **PAIR)


def test_models_of_one_cost_have_no_range_and_the_note_says_so():
    log = cost_log([2.0, 2.0], [[1, 0], [1, 1]])
    found = aiq(log, reward="good", draws=20)
    assert (found.value, found.note) == (1.0, "all models cost the same: the best quality")
    assert aiq(cost_log([1.0, 2.0], [[1, 0], [1, 1]]), reward="good", draws=20).note == ""
    with pytest.raises(ValueError, match="'cost_usd' has 2 infinite values"):
        aiq(cost_log([1.0, np.inf], [[1, 0], [1, 1]]), reward="good")
