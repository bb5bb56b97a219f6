"""exploration_plan: what it asks for is enough, is needed, and goes where it helps most."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab._cells import cells_of_sums
from jarvis_lab._logged_value import cell_spread, value_of_policy
from jarvis_lab.evaluation.exploration import (
    PLAN_COLUMNS,
    exploration_plan,
    extra_traces,
    with_traces,
)
from jarvis_lab.evaluation.logged import logged_value
from jarvis_lab.routing import AlwaysPolicy, RandomPolicy, TraceDrivenPolicy


def log_of(*cells):
    """Traces of (kind, model, successes, failures)."""
    rows = [
        {"kind": kind, "model": model, "outcome": outcome}
        for kind, model, good, bad in cells
        for outcome, n in (("success", good), ("failure", bad))
        for _ in range(n)
    ]
    return pd.DataFrame(rows).assign(query="q")


def drawn(seed, classes=6, models=4, size=400):
    """Counts of a skewed log, a table, and the cells."""
    rng = np.random.default_rng(seed)
    truth, shares = rng.uniform(0.4, 0.98, (classes, models)), rng.dirichlet(np.full(classes, 4))
    logging = rng.dirichlet(np.ones(models), size=classes)
    n = rng.multinomial(size, (shares[:, None] * logging).ravel()).reshape(truth.shape)
    n[0, 0] = 0
    s = rng.binomial(n, truth)
    table = np.eye(models)[[0, *rng.integers(0, models, classes - 1)]]
    return n, s, table, cells_of_sums(n, s, s)


@pytest.mark.parametrize("width", [0.04, 0.07, 0.1])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_plan_that_is_carried_out_gives_the_width(seed, width):
    """Rewards drawn with the rates that the log suggests; shares of the traffic as they were."""
    n, s, table, cells = drawn(seed)
    extra = extra_traces(cells, table, width=width).astype(int)
    rates = cell_spread(cells, table)[0]
    rng, widths = np.random.default_rng(seed), []
    for _ in range(100):
        more = s + rng.binomial(extra, rates)
        after = replace(cells_of_sums(n + extra, more, more), shares=cells.shares)
        found = value_of_policy(after, table)
        assert not found.refused
        widths.append(found.high - found.low)
    assert np.mean(widths) == pytest.approx(width, rel=0.05)


def test_a_plan_of_traces_gives_the_width_on_the_log_itself():
    log = log_of(("x", "a", 20, 10), ("x", "b", 25, 5), ("y", "b", 30, 10))
    policy = AlwaysPolicy("a")
    assert logged_value(log, policy, by="kind").status.startswith("refused")
    plan = exploration_plan(log, policy, width=0.12, by="kind").set_index("query_class")
    assert plan["note"].to_dict() == {"x": "", "y": "no rewards yet"}
    cells = [
        ("x", "a", 2 * plan.loc["x", "samples"] // 3, plan.loc["x", "samples"] // 3),
        ("y", "a", 3 * plan.loc["y", "samples"] // 4, plan.loc["y", "samples"] // 4),
    ]
    # the rest of the traffic keeps the classes' shares, 60 to 40
    rest = round(plan["samples"].sum() * 0.6) - int(plan.loc["x", "samples"])
    side = ("x", "b", rest, 0) if rest > 0 else ("y", "b", -rest * 2 // 3, 0)
    found = logged_value(pd.concat([log, log_of(*cells, side)]), policy, by="kind")
    assert found.status == "ok"
    assert found.high - found.low == pytest.approx(0.12, rel=0.1)


def test_no_smaller_plan_of_its_kind_will_do():
    _, _, table, cells = drawn(3)
    extra = extra_traces(cells, table, width=0.08)
    mean, sigma = cell_spread(cells, table)

    def width(traces):
        found = value_of_policy(with_traces(cells, traces, mean, sigma), table)
        return found.high - found.low

    assert width(extra) <= 0.08
    assert width(np.floor(extra * 0.95)) > 0.08
    rng = np.random.default_rng(0)
    places = np.flatnonzero(extra.ravel() > 0)
    for _ in range(200):  # moving a tenth of all traces elsewhere does not help
        moved = extra.ravel().copy()
        a, b = rng.choice(places, 2, replace=False)
        part = min(moved[a] - 1, round(extra.sum() / 10))
        moved[a], moved[b] = moved[a] - part, moved[b] + part
        assert width(moved.reshape(extra.shape)) > 0.08 - 0.0005


def test_neyman_sends_traces_where_share_and_spread_are_large():
    """Equal shares, spreads √(.5·.5) and √(.9·.1): 5 to 3, on top of 20 each."""
    n = np.array([[20.0], [20.0]])
    s = np.array([[10.0], [18.0]])
    cells = cells_of_sums(n, s, s, class_traces=[500, 500])
    extra = extra_traces(cells, np.ones((2, 1)), width=0.02)
    _, sigma = cell_spread(cells, np.ones((2, 1)))
    ratio = (extra + n)[0, 0] / (extra + n)[1, 0]
    assert ratio == pytest.approx(sigma[0, 0] / sigma[1, 0], rel=0.01)
    # a cell that has more than its part already gets none
    cells = cells_of_sums([[400], [4]], [[200], [2]], [[200], [2]], class_traces=[50, 950])
    extra = extra_traces(cells, np.ones((2, 1)), width=0.1)
    assert extra[0, 0] == 0
    assert extra[1, 0] > 100


def test_the_limits_below_which_a_value_is_refused_are_met():
    """A wide interval is soon reached where rewards hardly vary, but n* must be 30 too."""
    cells = cells_of_sums([[0, 40], [3, 40]], [[0, 40], [3, 40]], [[0, 40], [3, 40]])
    table = np.eye(2)[[0, 0]]
    extra = extra_traces(cells, table, width=0.5)
    mean, sigma = cell_spread(cells, table)
    found = value_of_policy(with_traces(cells, extra, mean, sigma), table)
    assert not found.refused
    assert found.n_effective == pytest.approx(30, abs=1.5)
    assert found.covered == 1
    assert (extra[:, 1] == 0).all()


def test_nothing_is_asked_for_where_the_width_is_reached():
    log = log_of(("x", "a", 80, 40), ("x", "b", 5, 5))
    found = logged_value(log, AlwaysPolicy("a"), by="kind")
    plan = exploration_plan(log, AlwaysPolicy("a"), by="kind", width=found.high - found.low + 1e-9)
    assert plan.empty
    assert tuple(plan.columns) == PLAN_COLUMNS
    assert str(plan["samples"].dtype) == "int64"
    assert str(plan["query_class"].dtype) == "str"
    more = exploration_plan(log, AlwaysPolicy("a"), by="kind", width=found.high - found.low - 0.01)
    assert more["model"].tolist() == ["a"]
    assert 0 < more["samples"].sum() < 60


def test_a_random_policy_asks_for_all_its_models():
    log = log_of(("x", "a", 10, 10), ("x", "b", 2, 1))
    plan = exploration_plan(log, RandomPolicy(["a", "b", "c"]), by="kind", width=0.1)
    assert set(plan["model"]) == {"a", "b", "c"}
    assert plan["share"].tolist() == pytest.approx([1 / 3] * 3)
    notes = plan.set_index("model")["note"].to_dict()
    assert notes == {"a": "", "b": "fewer than 5 rewards yet", "c": "no rewards yet"}


@pytest.mark.parametrize("width", [0, 1, -0.1, 1.5, float("nan")])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ValueError, match=r"width=.* must be between 0 and 1"):
        exploration_plan(log_of(("x", "a", 1, 1)), AlwaysPolicy("a"), width=width)


def test_what_cannot_be_planned_says_why():
    log = log_of(("x", "a", 1, 1))
    with pytest.raises(ValueError, match="no traces"):
        exploration_plan(log.iloc[:0], AlwaysPolicy("a"), width=0.1)
    nameless = TraceDrivenPolicy().fit(log)
    with pytest.raises(ValueError, match="names no model for 100% of the traffic"):
        exploration_plan(log, nameless, width=0.1)
    with pytest.raises(ValueError, match="level=95"):
        exploration_plan(log, AlwaysPolicy("a"), width=0.1, level=95)


def test_a_log_without_rewards_can_still_be_planned_for():
    log = log_of(("x", "a", 30, 10), ("y", "a", 5, 5)).assign(outcome=np.nan)
    plan = exploration_plan(log, AlwaysPolicy("a"), by="kind", width=0.2)
    assert plan["query_class"].tolist() == ["x", "y"]
    assert plan["samples"].sum() == pytest.approx(92, abs=6)  # Wilson's interval of 46 of 92
    assert plan["samples"][0] == pytest.approx(4 * plan["samples"][1], rel=0.06)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 0.6), st.integers(20, 800))
def test_any_plan_meets_its_width_and_is_not_refused(seed, width, size):
    _, _, table, cells = drawn(seed, classes=4, models=3, size=size)
    extra = extra_traces(cells, table, width=width)
    assert (extra >= 0).all()
    assert (extra == np.round(extra)).all()
    assert (extra[table == 0] == 0).all()
    mean, sigma = cell_spread(cells, table)
    found = value_of_policy(with_traces(cells, extra, mean, sigma), table)
    assert not found.refused
    assert found.high - found.low <= width + 1e-12


def test_a_log_without_models_is_refused_in_words():
    with pytest.raises(ValueError, match=r"no column 'model'.*Every trace needs a model"):
        exploration_plan(pd.DataFrame({"query": ["q"]}), AlwaysPolicy("a"), width=0.1)
