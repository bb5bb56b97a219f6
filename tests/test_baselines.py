"""Policies to compare with: always, random, best single, oracle, and the static rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.routing import RoutingContext
from jarvis_lab.routing.baselines import (
    AlwaysPolicy,
    BestSinglePolicy,
    OraclePolicy,
    RandomPolicy,
)
from jarvis_lab.routing.heuristic import (
    HeuristicRouterPolicy,
    build_routing_context,
    model_size,
)
from jarvis_lab.routing.outcomes import complete_outcomes, query_codes, why_incomplete
from jarvis_lab.scores import score_counts

PLAIN = "Please tell me about the history of the small town where I was born"
FLEET = ["qwen3:8b", "deepseek-coder:33b", "llama3:70b", "tiny:1.5b"]


def complete_log():
    return pd.DataFrame(
        {
            "query": ["q", "q", "r", "r", "s", "s"],
            "model": ["b", "a", "a", "b", "b", "a"],
            "correct": [True, False, True, True, False, False],
        }
    )


def test_always_names_its_model_for_frames_series_and_lists():
    frame = pd.DataFrame({"query": ["x", "y"]}, index=[7, 9])
    routed = AlwaysPolicy("a").route(frame)
    assert routed.to_dict() == {7: "a", 9: "a"}
    assert routed.name == "model"
    assert AlwaysPolicy("a").route(iter(["x"])).tolist() == ["a"]
    assert AlwaysPolicy("a").select_model(RoutingContext()) == "a"
    with pytest.raises(ValueError, match="empty"):
        AlwaysPolicy(" ")


def test_random_draws_with_its_weights_and_repeats_itself():
    policy = RandomPolicy({"a": 3, "b": 1, "never": 0}, seed=5)
    queries = ["q"] * 4000
    routed = policy.route(queries)
    assert routed.tolist() == policy.route(queries).tolist()
    # three standard errors of a share of 0.75 in 4,000 draws are 0.021
    assert routed.value_counts(normalize=True)["a"] == pytest.approx(0.75, abs=0.021)
    assert "never" not in set(routed)
    assert routed.tolist() != RandomPolicy({"a": 3, "b": 1}, seed=6).route(queries).tolist()
    one_by_one = {policy.select_model(RoutingContext()) for _ in range(100)}
    assert one_by_one == {"a", "b"}


@pytest.mark.parametrize(
    ("weights", "error"),
    [({}, ValueError), ({"a": 0}, ValueError), ({"a": -1, "b": 2}, ValueError), ("a", TypeError)],
)
def test_weights_that_are_none_are_refused(weights, error):
    with pytest.raises(error, match="weight"):
        RandomPolicy(weights)


def test_best_single_is_the_highest_mean_among_models_with_five_rewards():
    log = pd.DataFrame(
        {
            "query": "q",
            "model": ["lucky"] * 4 + ["good"] * 10 + ["bad"] * 10,
            "outcome": ["success"] * 4
            + ["success"] * 8
            + ["failure"] * 2
            + ["success"] * 5
            + ["failure"] * 5,
        }
    )
    assert BestSinglePolicy().fit(log).model == "good"
    assert BestSinglePolicy().fit(score_counts(log)).model == "good"
    assert BestSinglePolicy().fit(score_counts(log, by=["regex", "keyword"])).model == "good"
    assert BestSinglePolicy().fit(score_counts(log, by="keyword")).model == "good"
    assert BestSinglePolicy().fit(log.iloc[:4]).route(["x"]).tolist() == ["lucky"]
    graded = log.assign(stars=np.where(log["model"] == "bad", 1.0, 0.0))
    assert BestSinglePolicy(reward="stars").fit(graded).model == "bad"


def test_best_single_of_a_log_without_rewards_names_nobody():
    log = pd.DataFrame({"query": ["q"], "model": ["a"], "outcome": pd.Series([None], dtype="str")})
    for lower in (False, True):
        assert BestSinglePolicy(lower_bound=lower).fit(log).model == ""
        assert BestSinglePolicy(lower_bound=lower).fit(log.iloc[:0]).model == ""


def test_the_oracle_takes_the_best_of_each_query_and_needs_complete_data():
    policy = OraclePolicy().fit(complete_log().assign(outcome="success"))
    assert policy.route(["q"]).tolist() == ["a"]
    policy = OraclePolicy(reward="correct").fit(complete_log())
    assert policy.route(["q", "r", "s", None, "?"]).tolist() == ["b", "a", "a", "", ""]
    assert policy.select_model(RoutingContext(query="q")) == "b"
    with pytest.raises(ValueError, match="not complete: 1 of 3 queries lacks a model"):
        OraclePolicy(reward="correct").fit(complete_log().iloc[1:])


def test_the_oracle_goes_by_several_columns():
    log = complete_log().assign(category=["x", "x", "x", "x", "y", "y"], index=[0, 0, 1, 1, 0, 0])
    log = log.drop(columns="query")
    policy = OraclePolicy(query_id=["category", "index"], reward="correct").fit(log)
    assert policy.route(log).tolist() == ["b", "b", "a", "a", "a", "a"]
    context = RoutingContext(metadata={"category": "x", "index": 0})
    assert policy.select_model(context) == "b"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.iloc[:0], "no traces"),
        (lambda d: d.iloc[1:], "1 of 3 queries lacks a model"),
        (lambda d: pd.concat([d, d.iloc[:1]]), "1 of 3 queries has a model more than once"),
        (lambda d: d.assign(model=[None, *"aabba"]), "1 trace names no model"),
        (lambda d: d.assign(correct=[None, 1.0, 1, 0, 0, 1]), "1 reward is missing"),
        (lambda d: d, ""),
    ],
)
def test_why_data_are_not_complete(change, why):
    assert why_incomplete(change(complete_log()), reward="correct") == why


def test_a_query_is_its_id_else_its_text():
    log = complete_log().assign(query_id=[1, 1, 1, 1, 2, 2])
    assert query_codes(log).tolist() == [0, 0, 0, 0, 1, 1]
    assert query_codes(log, query_id="query").tolist() == [0, 0, 1, 1, 2, 2]
    assert query_codes(log, query_id=["query_id", "query"]).tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="1 trace has no 'query_id'"):
        query_codes(log.assign(query_id=[None, 1, 1, 1, 2, 2]))
    with pytest.raises(ValueError, match="no column 'id'"):
        query_codes(log, query_id="id")


def test_rewards_of_a_chosen_model_that_is_not_in_the_data_are_refused():
    found = complete_outcomes(complete_log(), reward="correct")
    assert found.of(["b", "b", "b"]).tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match=r"names 'new' for 2 queries.*'a', 'b' only"):
        found.of(["a", "new", "new"])


@pytest.mark.parametrize(
    ("query", "has_code", "has_math"),
    [
        ("```x", True, False),
        ("see `x`", True, False),
        ("see `` there", False, False),
        *((f"a {word} b", True, False) for word in ("def", "CLASS", "import", "function", "let")),
        *((f"a {word}\tb", True, False) for word in ("const", "var")),
        ("undef x, letter", False, False),
        ("if  (x)", True, False),
        ("elif(x)", False, False),
        ("a -> b", True, False),
        ("a => b", True, False),
        ("{ }", True, False),
        ("{a}", False, False),
        ("for  item in them", True, False),
        ("for these in", False, False),
        ("#INCLUDE <x>", True, False),
        ("system.out.println", True, False),
        *((f"the {word}.", False, True) for word in ("proof", "Sigma", "sum", "limit", "matrix")),
        *((f"the {word}?", False, True) for word in ("derivative", "theorem", "probability")),
        ("summary of limits", False, False),
        ("", False, False),
    ],
)
def test_what_the_static_router_sees_in_a_query(query, has_code, has_math):
    context = build_routing_context(query)
    assert (context.has_code, context.has_math) == (has_code, has_math)
    assert (context.query, context.query_length, context.urgency) == (query, len(query), 0.5)


@pytest.mark.parametrize(
    ("query", "urgency", "model"),
    [
        ("def f(x): explain the integral", 0.81, "tiny:1.5b"),
        ("def f(x): explain the integral", 0.8, "deepseek-coder:33b"),
        ("the integral", 0.5, "llama3:70b"),
        ("x" * 49, 0.5, "tiny:1.5b"),
        ("x" * 50, 0.5, "qwen3:8b"),
        ("x" * 500, 0.5, "qwen3:8b"),
        ("x" * 501, 0.5, "llama3:70b"),
        *((f"{PLAIN}, {w}", 0.5, "llama3:70b") for w in ("why", "REASON", "think", "compare")),
        *((f"{PLAIN}, {w}", 0.5, "llama3:70b") for w in ("step by step", "step-by-step")),
        (f"{PLAIN}, reasons, thinking", 0.5, "qwen3:8b"),
    ],
)
def test_the_first_rule_that_applies_decides(query, urgency, model):
    policy = HeuristicRouterPolicy(FLEET, default_model="gone", fallback_model="qwen3:8b")
    assert policy.select_model(build_routing_context(query, urgency=urgency)) == model
    if urgency == 0.5:
        assert policy.route([query]).tolist() == [model]


def test_the_rules_fall_back_on_what_is_there():
    unknown = HeuristicRouterPolicy(["gpt-4o", "claude"], default_model="claude")
    assert unknown.route(["hi", "def f():", PLAIN]).tolist() == ["gpt-4o", "gpt-4o", "claude"]
    sized = HeuristicRouterPolicy(["gpt-4o", "claude"], sizes={"gpt-4o": 8, "claude": 70})
    assert sized.route(["hi", "def f():", PLAIN]).tolist() == ["gpt-4o", "claude", "gpt-4o"]
    assert HeuristicRouterPolicy([], fallback_model="x").route(["hi"]).tolist() == ["x"]
    with pytest.raises(TypeError, match="list of names"):
        HeuristicRouterPolicy("gpt-4o")


def test_missing_queries_count_as_empty():
    frame = pd.DataFrame({"query": [None, PLAIN]}, index=["a", "b"])
    policy = HeuristicRouterPolicy(FLEET)
    assert policy.route(frame).to_dict() == {"a": "tiny:1.5b", "b": "qwen3:8b"}
    with pytest.raises(ValueError, match="no column 'query'"):
        policy.route(pd.DataFrame({"text": ["x"]}))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("qwen3:8b", 8),
        ("Hermes-2-Theta-Llama-3-70B", 70),
        ("tiny:1.5b", 1.5),
        ("Mixtral-8x7B-Instruct-v0.1", 56),
        ("qwen3.5-35b-a3b", 35),
        ("gpt-4o", 0),
        ("", 0),
        ("3blue", 0),
    ],
)
def test_sizes_are_read_from_names(name, size):
    assert model_size(name) == size


@given(st.lists(st.text(max_size=80), max_size=5), st.floats(0, 1))
def test_the_static_router_always_names_an_available_model(queries, urgency):
    policy = HeuristicRouterPolicy(FLEET)
    for query in queries:
        assert policy.select_model(build_routing_context(query, urgency=urgency)) in FLEET
    assert set(policy.route(queries)) <= set(FLEET)


def test_an_oracle_that_has_seen_nothing_and_weights_that_are_none_say_what_to_do():
    with pytest.raises(
        ValueError, match=r"The oracle has seen no outcomes yet: call fit\(traces\)"
    ):
        OraclePolicy().route(["q", "r"])
    with pytest.raises(TypeError, match="weights must be models with their weights, not NoneType"):
        RandomPolicy(None)
