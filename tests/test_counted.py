"""A counted log: its counts are the traces', and its values those of compare_policies."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.evaluation.compare import compare_policies
from jarvis_lab.evaluation.counted import count_log
from jarvis_lab.evaluation.counted_comparison import VALUE_COLUMNS, RoutingComparison
from jarvis_lab.evaluation.counted_complete import with_reward
from jarvis_lab.evaluation.counted_keys import STEPS, compacted, counted_traces, time_steps
from jarvis_lab.evaluation.counted_span import CountedSpan
from jarvis_lab.evaluation.counted_state import RoutingState, reward_name
from jarvis_lab.readers import read_traces
from jarvis_lab.routing import (
    AlwaysPolicy,
    BestSinglePolicy,
    HeuristicRouterPolicy,
    LowerBoundRouterPolicy,
    OraclePolicy,
    RandomPolicy,
    RouterPolicy,
    SFTRouterPolicy,
    TraceDrivenPolicy,
    load_policy,
)
from jarvis_lab.scores import score_counts

QUERIES = ("import os", "hello", "Solve x + 2 = 4", "what is a good oven for bread? " * 3)


def log(rows=800, seed=1, *, propensities=False, missing=0.1, repeated=False):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(QUERIES), rows)
    share = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4]])[kind]
    if propensities:  # they differ inside a class
        share = np.where((rng.random(rows) < 0.5)[:, None], share, share[:, ::-1])
    model = (rng.random(rows)[:, None] > share.cumsum(1)).sum(1)
    chance = np.array([[0.9, 0.5, 0.6], [0.5, 0.8, 0.6], [0.3, 0.6, 0.9], [0.7, 0.7, 0.4]])
    good = rng.random(rows) < chance[kind, model]
    frame = pd.DataFrame(
        {
            "query": np.array(QUERIES)[kind],
            "topic": np.array(["law", "cooking", None])[rng.integers(0, 3, rows)],
            "model": np.array(["a", "b", "c"])[model],
            "outcome": np.where(good, "success", "failure"),
            "feedback": np.round(rng.random(rows), 2),
            "started_at": 1_760_000_000 + rng.permutation(rows) * 90.0,
        }
    )
    frame.loc[rng.random(rows) < missing, "outcome"] = None
    frame.loc[rng.random(rows) < 0.6, "feedback"] = np.nan
    frame["query_id"] = rng.integers(0, 2 * rows, rows) if repeated else np.arange(rows)
    if propensities:
        frame["propensity"] = share[np.arange(rows), model]
    return frame


def whole(frame, **options):
    fold = np.arange(len(frame)) % 2
    counted = count_log(counted_traces(frame), fold=fold, **options)
    return CountedSpan(counted, 0, STEPS)


def expected(frame, own, core, **options):
    """The same policies by compare_policies on the traces."""
    state = core.state
    name = reward_name(**state.weights)
    policies = {
        "SFT": SFTRouterPolicy(),
        "learned": TraceDrivenPolicy(),
        "lower bound": LowerBoundRouterPolicy(reward=name),
    }
    traces = with_reward(read_traces(frame), state)
    return compare_policies(traces, {**policies, **own}, reward=name, **options)


def same(found, wanted):
    found = found.set_index("policy")
    wanted = wanted.set_index("policy").loc[found.index]
    for name in VALUE_COLUMNS[1:]:
        if found[name].dtype == "float64":
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-9, rtol=0, err_msg=name)
        else:
            assert found[name].tolist() == wanted[name].tolist(), name


OWN = {
    "always": AlwaysPolicy("b"),
    "nobody": AlwaysPolicy("nobody"),
    "coin": RandomPolicy({"a": 1, "c": 3}),
    "fleet": HeuristicRouterPolicy(["a", "c"], default_model="a", fallback_model="c"),
    "by topic": LowerBoundRouterPolicy(by="topic", confidence=0.6),
    "strict": SFTRouterPolicy(min_samples=150, by="regex"),
    "tuned": TraceDrivenPolicy(default_model="a", by="topic"),
    "mean": BestSinglePolicy(),
    "stars": LowerBoundRouterPolicy(reward="feedback"),
    "oracle here": OraclePolicy(),
}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {}),
        ({"propensities": True}, {}),
        ({"propensities": True}, {"propensity": None}),
        ({"repeated": True}, {}),
        ({"missing": 1.0}, {}),
        ({"rows": 40}, {}),
        ({"rows": 6000, "propensities": True, "seed": 9}, {}),
    ],
)
def test_values_from_counts_are_those_of_compare_policies(changes, options):
    frame = log(**changes)
    core = RoutingComparison(frame, OWN, **options)
    state = dataclasses.replace(core.state, policies=tuple(core.names))
    same(core.values(state), expected(frame, OWN, core, **options))


def test_they_are_so_with_any_reference_level_and_classes():
    frame = log(seed=3)
    core = RoutingComparison(frame, OWN, level=0.8)
    state = dataclasses.replace(core.state, reference="coin", scheme="keyword")
    reward = reward_name(**state.weights)
    policies = {
        "SFT": SFTRouterPolicy(by="keyword"),
        "learned": TraceDrivenPolicy(by="keyword"),
        "lower bound": LowerBoundRouterPolicy(reward=reward, by="keyword"),
    }
    wanted = compare_policies(
        with_reward(read_traces(frame), state),
        {**policies, **OWN},
        reward=reward,
        by="keyword",
        level=0.8,
        reference="coin",
    )
    same(core.values(state), wanted)


def test_a_time_range_is_valued_as_its_traces_alone_are():
    frame = log(rows=2000, seed=4)
    frame["query_id"] = 0  # one query: folds are then of traces
    frame["query_id"] = np.arange(2000)
    core = RoutingComparison(frame, {"always": AlwaysPolicy("c")})
    state = dataclasses.replace(core.state, steps=(10, 35), policies=("always", "random"))
    edges = core.log.edges
    times = pd.to_datetime(frame["started_at"], unit="s", utc=True)
    some = frame[(times >= edges[10]) & (times < edges[35])]
    wanted = compare_policies(
        with_reward(read_traces(some), state),
        {"always": AlwaysPolicy("c")},
        reward=reward_name(**state.weights),
        reference="random",
    )
    found = core.values(dataclasses.replace(state, reference="random"))
    columns = ["value", "low", "high", "diff", "diff_low", "n", "n_effective", "covered_share"]
    wanted = wanted.set_index("policy").loc[["always", "random"], columns]
    np.testing.assert_allclose(found.set_index("policy")[columns], wanted, atol=1e-9)


def test_complete_data_are_compared_on_the_same_queries():
    rng = np.random.default_rng(2)
    queries = [f"{QUERIES[i % 4]} {i}" for i in range(120)]
    frame = pd.DataFrame({"query": np.repeat(queries, 3), "model": list("abc") * 120})
    frame["correct"] = rng.random(360) < np.tile([0.5, 0.6, 0.8], 120)
    own = {"always": AlwaysPolicy("c")}
    core = RoutingComparison(frame, own)
    assert core.complete
    state = dataclasses.replace(core.state, outcome_weight=1.0, feedback_weight=0.0)
    policies = {
        "SFT": SFTRouterPolicy(outcome_weight=1.0, feedback_weight=0.0),
        "learned": TraceDrivenPolicy(outcome_weight=1.0, feedback_weight=0.0),
        "lower bound": LowerBoundRouterPolicy(),
    }
    wanted = compare_policies(frame, {**policies, **own})
    found = core.values(state)
    assert set(found["method"]) == {"complete"}
    assert "oracle" in set(found["policy"])
    same(found, wanted)
    fewer = core.values(dataclasses.replace(state, models=("a", "b")))
    assert fewer.set_index("policy").loc["always", "status"].startswith("refused: no outcomes")
    neither = core.values(core.state)  # no feedback, so the blend is the outcome
    assert (neither["status"] == "ok").all()


def test_data_that_are_neither_complete_nor_a_log_are_refused_with_the_reason():
    frame = pd.DataFrame(
        {"query_id": np.repeat(np.arange(50), 2), "model": list("abacbc") * 16 + list("abac")}
    )
    frame["query"], frame["outcome"] = "q", "success"
    core = RoutingComparison(frame)
    values = core.values(core.state)
    assert values["status"].str.contains("they are no log of one model a query either").all()
    assert values["value"].isna().all()
    assert not core.tables(core.state).empty
    assert "or say method=" not in values["status"][0]  # which only compare_policies has
    assert "and give RoutingExplorer the result; compare_policies(" in values["status"][0]
    with pytest.raises(ValueError, match=r"or say method='post_stratified'"):
        compare_policies(frame, {})
    doubled = frame[frame["model"] != "c"].drop_duplicates("query_id")
    doubled = pd.concat([doubled.assign(model=name) for name in "aab"])
    core = RoutingComparison(doubled)
    why = core.values(core.state)["status"][0]
    assert "query_id=['category', 'index'], drop the doubled rows, or draw" in why
    assert "or say method=" not in why


def test_a_selection_that_is_not_complete_names_the_control_that_makes_it_so():
    rows = np.arange(180)
    frame = pd.DataFrame({"query_id": rows // 3, "query": "q", "model": list("abc") * 60})
    frame["outcome"], frame["feedback"] = "success", np.where(rows < 4, np.nan, 0.5)
    frame["started_at"] = 1_767_225_600.0 + np.random.default_rng(0).permutation(180) * 1000
    core = RoutingComparison(frame)
    assert core.complete
    for settings_, wanted in (
        ({"steps": (0, 20)}, "Select the whole time range, or leave out the queries"),
        ({"outcome_weight": 0.0}, "Raise the weight of the outcome, which every trace has, or"),
    ):
        values = core.values(dataclasses.replace(core.state, **settings_))
        assert values["status"].str.contains(wanted).all()
        assert not values["status"].str.contains("or say method=").any()
    late = RoutingComparison(frame.assign(outcome=["success"] * 176 + [None] * 4, feedback=0.5))
    state = dataclasses.replace(late.state, feedback_weight=0.0)
    assert "Raise the weight of the feedback, which" in late.values(state)["status"][0]
    both = RoutingComparison(frame.assign(outcome=["success"] * 176 + [None] * 4))
    state = dataclasses.replace(both.state, feedback_weight=0.0)
    assert "either. Leave out the queries" in both.values(state)["status"][0]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*QUERIES, None, ""]),
            st.sampled_from(["a", "b", "", None]),
            st.sampled_from(["success", "failure", None]),
            st.sampled_from([0.0, 0.25, 1.0, 3.0, None]),
            st.sampled_from([None, 1.76e9, 1.77e9, 1.761e9, 1.7605e9]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_counts_of_the_whole_span_are_those_of_the_traces(rows):
    frame = pd.DataFrame(rows, columns=["query", "model", "outcome", "feedback", "started_at"])
    frame = frame.astype({"feedback": "float64", "started_at": "float64"})
    traces = read_traces(frame)
    span = whole(frame)
    for scheme in ("regex", "keyword"):
        found = span.counts(scheme, span.log.models)
        pd.testing.assert_frame_equal(found, score_counts(traces, by=scheme), check_exact=False)
    fold = np.arange(len(frame)) % 2
    for held in range(span.shape[0]):
        rest = traces[fold != held].reset_index(drop=True)
        found = span.counts("regex", span.log.models, held_out=held)
        if len(rest):
            wanted = score_counts(rest, by="regex").drop(columns="last_row")
            pd.testing.assert_frame_equal(found.drop(columns="last_row"), wanted)
        else:
            assert found.empty


def test_steps_are_equal_parts_of_the_time_and_the_last_moment_is_in_the_last():
    frame = pd.DataFrame({"started_at": pd.to_datetime([0, 49, 50, 99, 100, None], unit="s")})
    steps = time_steps(frame.assign(started_at=frame["started_at"].dt.tz_localize("UTC")))
    assert steps.place.tolist() == [0, 24, 25, 49, 49, STEPS]
    assert steps.untimed == 1
    assert len(steps.edges) == STEPS + 1
    assert (steps.edges[-1] - steps.edges[0]).total_seconds() == 100


@given(st.lists(st.integers(0, 40)), st.integers(41, 60), st.booleans())
def test_compacted_codes_stand_for_the_same(codes, size, sparse):
    given_codes = np.array(codes, dtype=np.int64) * (1 << 20 if sparse else 1)
    place, used = compacted(given_codes, size * (1 << 20 if sparse else 1))
    assert used[place].tolist() == given_codes.tolist()
    assert used.tolist() == sorted(set(given_codes.tolist()))


def test_reading_leaves_out_what_cannot_count_and_keeps_what_can(tmp_path):
    frame = log(rows=50).assign(result="x" * 100, id=range(50), words=[f"w{i}" for i in range(50)])
    assert "result" not in counted_traces(frame)
    assert "words" not in counted_traces(frame)
    assert "topic" in counted_traces(frame)
    assert {"words", "result"} <= set(counted_traces(frame, everything=True))
    frame.to_parquet(tmp_path / "log.parquet")
    read = counted_traces(tmp_path / "log.parquet")
    assert "result" not in read
    assert {"topic", "query", "query_id"} <= set(read)
    with pytest.raises(ValueError, match="no column 'nothing'"):
        counted_traces(frame, named=["nothing"])


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.parquet"])
def test_a_column_that_is_named_is_read_from_every_kind_of_file(tmp_path, name):
    frame = log(rows=200).rename(columns={"topic": "kind"}).assign(chance=0.5, stars=0.25)
    path = tmp_path / name
    if name.endswith("jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
    own = {"stars": LowerBoundRouterPolicy(reward="stars")}
    core = RoutingComparison(path, own, by="kind", propensity="chance", query_id="query_id")
    assert "kind" in core.schemes
    assert core.log.propensity == "logged"
    twin = RoutingComparison(frame, own, by="kind", propensity="chance", query_id="query_id")
    same(core.values(core.state), twin.values(twin.state))
    with pytest.raises(ValueError, match="no column 'kin'"):
        RoutingComparison(path, by="kin")


def test_a_policy_that_looks_at_the_query_itself_is_counted_by_its_choice():
    class Vowel(RouterPolicy):
        def select_model(self, context):
            return "a" if context.query[:1] in "aeiou" else "c"

    frame = log(seed=6)
    core = RoutingComparison(frame, {"vowel": Vowel()})
    wanted = compare_policies(
        with_reward(read_traces(frame), core.state),
        {"vowel": Vowel()},
        reward=reward_name(**core.state.weights),
    ).set_index("policy")
    found = core.values(core.state).set_index("policy")
    assert found.loc["vowel", "value"] == pytest.approx(wanted.loc["vowel", "value"], abs=1e-12)
    assert found.loc["vowel", "diff_low"] == pytest.approx(
        wanted.loc["vowel", "diff_low"], abs=1e-12
    )
    assert core.tables(core.state)["vowel"].tolist() == ["a", "c", "c", "c"]
    assert core.schemes == ["regex", "keyword", "topic"]


def test_a_policy_that_must_be_fitted_on_traces_is_cross_fitted_once():
    class Majority(RouterPolicy):
        fitted, model = False, ""

        def fit(self, traces):
            self.fitted, self.model = True, traces["model"].mode()[0]
            return self

        def select_model(self, context):
            return self.model

    frame = log(seed=7)
    core = RoutingComparison(frame, {"majority": Majority()})
    wanted = expected(frame, {"majority": Majority()}, core)
    same(core.values(core.state), wanted)


def test_the_weighted_reward_is_that_of_the_parts_present():
    frame = pd.DataFrame(
        {
            "outcome": ["success", "failure", None, None, "success"],
            "feedback": [0.5, np.nan, 0.25, np.nan, 9.0],
        }
    )
    state = RoutingState(outcome_weight=0.6, feedback_weight=0.2)
    found = with_reward(frame, state)["0.75*outcome + 0.25*feedback"]
    assert found.tolist()[:3] == pytest.approx([0.875, 0.0, 0.25])
    assert np.isnan(found[3])
    assert found[4] == 1.0
    assert with_reward(frame, RoutingState(outcome_weight=1, feedback_weight=0)) is frame


def test_bad_propensities_are_an_error_that_says_what_to_do():
    frame = log(propensities=True)
    frame.loc[3, "propensity"] = 0.0
    with pytest.raises(ValueError, match=r"no probability above 0.*propensity=None"):
        RoutingComparison(frame)
    frame.loc[3, "propensity"] = np.nan
    with pytest.raises(ValueError, match="has no 'propensity'"):
        RoutingComparison(frame)
    assert RoutingComparison(frame, propensity=None).log.propensity == "estimated"


def test_a_model_that_came_later_is_no_part_of_an_earlier_range():
    frame = log(rows=600)
    late = frame["started_at"].rank() > 300
    frame["model"] = np.where(late, frame["model"], frame["model"].replace("c", "b"))
    core = RoutingComparison(frame)
    early = dataclasses.replace(core.state, steps=(0, 20))
    random = core.values(early).set_index("policy").loc["random"]
    assert random["status"] == "ok"
    assert core.routed(early, "random").weights == {"a": 0.5, "b": 0.5}
    assert set(core.routed(core.state, "random").weights) == {"a", "b", "c"}


def test_a_policy_fitted_on_traces_says_so_where_less_is_selected_and_is_saved_fitted(tmp_path):
    frame = log(rows=400).assign(stars=0.5)
    own = {"stars": LowerBoundRouterPolicy(reward="stars")}
    core = RoutingComparison(frame, own)
    state = dataclasses.replace(core.state, chosen="stars")
    whole = core.values(state).set_index("policy")
    assert whole.loc["stars", "note"] == ""
    some = core.values(dataclasses.replace(state, steps=(0, 40))).set_index("policy")
    assert "learned from the whole log, whatever is selected" in some.loc["stars", "note"]
    assert some.loc["SFT", "note"] == ""
    core.save(state, tmp_path / "stars.json", overwrite=False)
    fitted = LowerBoundRouterPolicy(reward="stars").fit(frame)
    assert load_policy(tmp_path / "stars.json").policy_map == fitted.policy_map
    assert not own["stars"].fitted


def test_feedback_on_another_scale_is_left_out_with_a_word():
    said = "values of feedback lie outside [0, 1] and are left out: rescale them"
    stars = log(rows=300).assign(feedback=5.0)
    comparison = RoutingComparison(stars)
    notes = comparison.values(comparison.state)["note"]
    assert notes.str.contains(f"300 {said}", regex=False).all()
    alone = dataclasses.replace(comparison.state, feedback_weight=0.0)
    assert not comparison.values(alone)["note"].str.contains("feedback").any()
    rows = [
        {"query_id": i // 2, "query": "q", "model": "ab"[i % 2], "outcome": "success"}
        for i in range(40)
    ]
    data = RoutingComparison(pd.DataFrame(rows).assign(feedback=[4.0, *[0.5] * 39]))
    assert data.complete
    notes = data.values(data.state)["note"]
    one = "1 value of feedback lies outside [0, 1] and is left out: rescale them"
    assert notes.str.startswith(one).all()


def test_a_log_in_which_nothing_is_a_success_says_so_in_every_row():
    comparison = RoutingComparison(log(rows=300).assign(outcome="SUCCESS"))
    notes = comparison.values(comparison.state)["note"]
    assert notes.str.contains("no outcome is 'success', so each counts as a failure").all()
