"""The explorer: move a control, then look at the state, then at the screen."""

import asyncio
import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets import widget as ipywidget

from jarvis_lab.routing import (
    AlwaysPolicy,
    LowerBoundRouterPolicy,
    RandomPolicy,
    SFTRouterPolicy,
    TraceDrivenPolicy,
    load_policy,
)
from jarvis_lab.scores import class_scores
from jarvis_lab.widgets import RoutingExplorer
from jarvis_lab.widgets._explorer_values import CAVEAT


@pytest.fixture(autouse=True)
def callbacks_raise(monkeypatch):
    """``button.click()`` logs what a handler raises and goes on; here it comes out."""

    def call(self, *args, **kwargs):
        for callback in list(self.callbacks):
            callback(*args, **kwargs)

    monkeypatch.setattr(ipywidget.CallbackDispatcher, "__call__", call)


def log(rows=600):
    """Four kinds of query, three models; "b" is better at code, "a" at the rest; "c" is rare."""
    rng = np.random.default_rng(5)
    queries = np.array(["import os", "hello", "Solve x + 2 = 4", "what is a good oven for bread?"])
    kind = rng.integers(0, 4, rows)
    model = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.35, 0.05])
    chance = np.where(model == "b", np.where(kind == 0, 0.95, 0.5), 0.4)
    chance[model == "a"] = 0.7
    told = rng.random(rows) < 0.5
    return pd.DataFrame(
        {
            "query_id": range(rows),
            "query": queries[kind],
            "team": np.array(["red", "blue"])[rng.integers(0, 2, rows)],
            "model": model,
            "outcome": np.where(rng.random(rows) < chance, "success", "failure"),
            "feedback": np.where(told, np.round(chance, 2), np.nan),
            "started_at": 1_760_000_000 + 60.0 * np.arange(rows),
        }
    )


@pytest.fixture
def explorer():
    return RoutingExplorer(log())


def shown(part):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part.value.replace("<wbr>", ""))).strip()


def test_it_begins_with_both_policies_as_the_originals_learn_them(explorer):
    sft, learned = SFTRouterPolicy(), TraceDrivenPolicy(log())
    sft.update(log())
    learned.update_from_traces()
    tables = explorer.tables().set_index("query_class")
    assert dict(tables["SFT"]) == sft.policy_map
    assert dict(tables["learned"]) == learned.policy_map
    assert explorer.state.scheme == "original"
    assert explorer.state.models == ("a", "b", "c")
    text = shown(explorer.controls.tables)
    assert "by keyword" in text
    for label, model in sft.policy_map.items():
        assert f"{label} {model}" in text.replace("≠ ", "")


def test_every_control_changes_state_and_screen(explorer):
    c = explorer.controls
    parts = {"scores": c.scores, "tables": c.tables, "values": c.values, "changes": c.changes}
    moves = {
        "scheme": ("team", "scores tables values"),
        "outcome_weight": (0.1, "scores values"),
        "feedback_weight": (0.9, "scores values"),
        "min_samples": (95, "tables values"),
        "confidence": (0.99, "values"),
        "models": (("b", "c"), "scores tables values changes"),
        "steps": ((10, 30), "scores values"),
        "policies": (("SFT", "best single"), "tables values"),
        "chosen": ("SFT", "tables changes"),
        "reference": ("random", "values"),
    }
    assert set(moves) == {field.name for field in dataclasses.fields(explorer.state)}
    for name, (value, changing) in moves.items():
        explorer.set(**dataclasses.asdict(explorer.comparison.state))
        before = {part: widget.value for part, widget in parts.items()}
        getattr(c, name).value = value
        assert getattr(explorer.state, name) == value, name
        changed = {part for part, widget in parts.items() if widget.value != before[part]}
        assert set(changing.split()) <= changed, name
    assert explorer.last_error is None


def test_code_moves_the_same_controls_and_a_wrong_value_moves_nothing(explorer):
    assert explorer.set(scheme="keyword", min_samples=700, models=["a", "b"]) is explorer
    c = explorer.controls
    assert (c.scheme.value, c.min_samples.value, c.models.value) == ("keyword", 700, ("a", "b"))
    before = explorer.state
    for changes, message in (
        ({"scheme": "both"}, "scheme='both' is not one of 'original', 'regex'"),
        ({"models": ["x"]}, "models='x' is not one of 'a', 'b', 'c'"),
        ({"min_samples": 0}, "min_samples=0 must be at least 1"),
        ({"confidence": 0.3}, "confidence=0.3 must be from 0.5 to 0.99"),
        ({"outcome_weight": 2}, "outcome_weight=2 must be from 0 to 1"),
        ({"steps": (30, 20)}, "must be two edges"),
        ({"steps": (1, 2, 3)}, "must be two edges"),
        ({"policies": ["no"]}, "policies='no' is not one of"),
        ({"chosen": "best single"}, "chosen='best single' is not one of"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            explorer.set(scheme="regex", **changes) if "scheme" not in changes else (
                explorer.set(**changes)
            )
        assert explorer.state == before
    with pytest.raises(TypeError, match=r"set\(\) takes scheme, .*, not speed"):
        explorer.set(speed=2)


def test_scores_are_those_of_class_scores_for_the_models_that_may_be_chosen(explorer):
    explorer.set(models=["a", "c"], scheme="team", outcome_weight=0.3, feedback_weight=0.6)
    some = log()[log()["model"] != "b"]
    expected = class_scores(some, by="team", outcome_weight=0.3, feedback_weight=0.6)
    pd.testing.assert_frame_equal(explorer.scores(), expected)
    assert "by class ( team )" in shown(explorer.controls.scores)
    for value in expected["reward_mean"]:
        assert f"{value:.2f}" in shown(explorer.controls.scores)


def test_classes_of_the_log_are_found_and_a_model_s_own_attributes_are_not():
    frame = log().assign(
        vendor=lambda f: f["model"].str.upper(), note=lambda f: f.index.astype(str)
    )
    assert RoutingExplorer(frame).comparison.schemes == ["regex", "keyword", "team"]
    named = RoutingExplorer(frame, by=["vendor"]).comparison.schemes
    assert set(named) == {"regex", "keyword", "team", "vendor"}
    with pytest.raises(ValueError, match=r"has no column 'tem'; it has .*Did you mean 'team'"):
        RoutingExplorer(frame, by="tem")


def test_two_columns_of_one_name_are_named():
    frame = log()
    frame.insert(0, "team", "x", allow_duplicates=True)
    with pytest.raises(ValueError, match="two columns of the name 'team'"):
        RoutingExplorer(frame)


def test_a_column_of_ids_is_no_classes():
    frame = pd.concat([log()] * 2).assign(user=[f"u{i}" for i in range(1200)])
    with pytest.raises(ValueError, match="'user' has 1,200 classes, more than 1,000"):
        RoutingExplorer(frame, by="user")


def test_a_classifier_of_the_user_s_own_is_a_scheme_too():
    class ByLength:
        def predict(self, queries):
            return ["tiny" if len(query) < 6 else "normal" for query in queries]

    explorer = RoutingExplorer(log(), by=ByLength())
    explorer.set(scheme="ByLength")
    assert explorer.tables()["query_class"].tolist() == ["normal", "tiny"]
    assert explorer.policies()["SFT"].route(["hi", "a longer query"]).iloc[0] in "abc"


def test_a_log_without_queries_goes_by_its_columns():
    explorer = RoutingExplorer(log().drop(columns="query"), by="team")
    assert explorer.state.scheme == "team"
    assert explorer.comparison.settings == ["team"]
    assert explorer.tables()["query_class"].tolist() == ["blue", "red"]
    with pytest.raises(ValueError, match="has no column 'query'"):
        RoutingExplorer(log()[["model", "outcome"]])


def test_changes_are_held_against_what_the_log_used_most_or_the_table_given(explorer):
    explorer.set(scheme="regex")
    most = log()["model"].groupby(explorer_classes()).agg(lambda m: m.value_counts().index[0])
    new = explorer.policies()["lower bound"].policy_map
    changed = {label: model for label, model in new.items() if most[label] != model}
    diff = explorer.diff().set_index("query_class")
    assert dict(diff["new"]) == changed
    assert changed
    assert dict(diff["old"]) == {label: most[label] for label in changed}
    assert "the model that the log used most" in shown(explorer.controls.changes)

    given = RoutingExplorer(log(), current={"code": "c"}).set(scheme="regex")
    diff = given.diff().set_index("query_class")
    assert diff.loc["code", "old"] == "c"
    assert (diff.drop("code")["old"] == "").all()
    assert diff["share"].sum() == pytest.approx(1.0)


def explorer_classes():
    from jarvis_lab.classes import classify_queries

    return classify_queries(log()["query"], by="regex")


def test_the_policy_of_today_is_valued_and_may_come_from_a_file(tmp_path, explorer):
    explorer.set(chosen="SFT").save(tmp_path / "today.json")
    today = RoutingExplorer(log(), current=tmp_path / "today.json").set(chosen="SFT")
    assert today.diff().empty
    assert "Nothing would change." in shown(today.controls.changes)
    row = today.values().set_index("policy").loc["current"]
    assert row["status"] == "not cross-fitted"
    with pytest.raises(TypeError, match="current must be a mapping"):
        RoutingExplorer(log(), current=3)


def test_disagreements_are_those_of_the_chosen_and_another_policy(explorer):
    explorer.set(scheme="regex")
    rows = explorer.disagreements("lower bound", "best single")
    tables = explorer.tables().set_index("query_class")
    apart = tables[tables["lower bound"] != tables["best single"]]
    assert len(apart)
    assert dict(zip(rows["class_a"], rows["n"], strict=True)) == dict(apart["n"])
    assert rows["share"].sum() == pytest.approx(apart["n"].sum() / 600)
    explorer.set(policies=["lower bound", "best single"])
    assert explorer.disagreements().equals(rows)
    percent = f"They differ on {100 * rows['share'].sum():.0f} % of the traffic."
    assert percent in shown(explorer.controls.differences)
    explorer.set(policies=["lower bound"])
    assert "Show another policy" in shown(explorer.controls.differences)


def test_the_button_saves_the_chosen_table_and_never_overwrites_unasked(explorer, tmp_path):
    c, path = explorer.controls, tmp_path / "policy.json"
    c.chosen.value = "SFT"
    c.path.value = str(path)
    c.save.click()
    assert load_policy(path).policy_map == explorer.policies()["SFT"].policy_map
    assert shown(c.saved).startswith("Saved: SFT in ")
    path.write_text("mine")
    c.save.click()
    assert path.read_text() == "mine"
    assert "There is such a file already" in shown(c.saved)
    assert c.replace.layout.display is None
    c.replace.click()
    assert json.loads(path.read_text())["policy"] == "sft"
    assert c.replace.layout.display == "none"
    assert [file.name for file in tmp_path.iterdir()] == ["policy.json"]
    with pytest.raises(FileExistsError, match="was left as it is"):
        explorer.save(path)


def test_a_table_that_cannot_be_written_says_so_and_leaves_nothing(explorer, tmp_path):
    c = explorer.controls
    for name in (str(tmp_path / "no folder" / "policy.json"), str(tmp_path)):
        c.path.value = name
        c.save.click()
        assert "Saved:" not in shown(c.saved)
        assert shown(c.saved)
    c.path.value = "  "
    c.save.click()
    assert shown(c.saved) == "Name a file to write."
    assert list(tmp_path.iterdir()) == []


def test_the_weights_of_a_saved_table_are_saved(explorer, tmp_path):
    explorer.set(chosen="lower bound", outcome_weight=0.2, feedback_weight=0.2)
    explorer.save(tmp_path / "a.json")
    assert load_policy(tmp_path / "a.json").reward == "0.5*outcome + 0.5*feedback"
    explorer.set(chosen="learned")
    explorer.save(tmp_path / "b.json")
    assert load_policy(tmp_path / "b.json").weights == (0.2, 0.2)


def empties(explorer):
    found = {
        "tables": explorer.tables(),
        "table": explorer.table(),
        "values": explorer.values(),
        "disagreements": explorer.disagreements(),
        "diff": explorer.diff(),
    }
    for name, frame in found.items():
        assert frame.empty, name
        assert "query_class" in frame or name in ("values", "disagreements")
    assert list(found["values"].columns[:4]) == ["policy", "value", "low", "high"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"models": []}, "No model may be chosen: select at least one."),
        ({"steps": (7, 7)}, "No trace lies in this time range: widen it."),
        ({"outcome_weight": 0, "feedback_weight": 0}, "Both weights are 0"),
    ],
)
def test_an_empty_selection_is_a_sentence_not_a_traceback(explorer, changes, sentence, tmp_path):
    explorer.set(**changes)
    assert sentence in shown(explorer.controls.said)
    assert explorer.controls.tables.value == ""
    assert explorer.controls.values.value == ""
    empties(explorer)
    with pytest.raises(ValueError, match="no table to save"):
        explorer.save(tmp_path / "p.json")
    explorer.set(models=["a", "b"], steps=(0, 50), outcome_weight=1)
    assert explorer.controls.said.value == ""
    assert len(explorer.values()) == 5


def test_no_policy_to_show_leaves_the_reference(explorer):
    explorer.set(policies=[])
    assert explorer.values()["policy"].tolist() == ["best single"]
    assert "No policy is shown" in shown(explorer.controls.tables)


def test_an_empty_log_shows_a_sentence():
    explorer = RoutingExplorer(pd.DataFrame({"query": [], "model": []}))
    assert "The log has no traces." in shown(explorer.controls.said)
    empties(explorer)


def test_a_log_that_names_no_model_shows_a_sentence():
    explorer = RoutingExplorer(log().assign(model=""))
    assert "No trace of the log names a model." in shown(explorer.controls.said)
    empties(explorer)


def test_a_log_without_outcomes_has_tables_and_refused_values():
    explorer = RoutingExplorer(log().assign(outcome=None, feedback=None))
    assert "No trace of this selection has a reward." in shown(explorer.controls.scores)
    values = explorer.values()
    assert values["status"].str.startswith("refused: no rewards").all()
    assert values["value"].isna().all()
    assert (values["bound_low"] == 0).all()
    assert (values["bound_high"] == 1).all()
    assert "refused" in shown(explorer.controls.values)


def test_one_model_is_no_choice_and_the_note_says_so():
    explorer = RoutingExplorer(log().assign(model="only"))
    values = explorer.values()
    assert values["value"].nunique() == 1
    assert "The log has one model only" in shown(explorer.controls.values)
    assert explorer.diff().empty


def test_a_log_without_times_has_no_range_to_choose():
    for frame in (log().drop(columns="started_at"), log().assign(started_at=1_760_000_000)):
        explorer = RoutingExplorer(frame)
        assert explorer.controls.steps.layout.display == "none"
        assert "no times to choose a range from" in shown(explorer.controls.facts)
        assert explorer.tables()["n"].sum() == 600


def test_traces_without_a_time_count_in_the_whole_range_only():
    frame = log()
    frame.loc[:99, "started_at"] = np.nan
    explorer = RoutingExplorer(frame)
    assert "100 without a time, in the whole range only" in shown(explorer.controls.facts)
    assert explorer.tables()["n"].sum() == 600
    assert explorer.set(steps=(0, 49)).tables()["n"].sum() < 500
    assert explorer.set(steps=(0, 50)).tables()["n"].sum() == 600


def test_a_time_range_has_the_traces_of_its_steps(explorer):
    edges = explorer.comparison.log.edges
    times = pd.to_datetime(log()["started_at"], unit="s", utc=True)
    explorer.set(steps=(10, 20), scheme="team")
    inside = log()[(times >= edges[10]) & (times < edges[20])]
    assert explorer.tables()["n"].sum() == len(inside)
    pd.testing.assert_frame_equal(explorer.scores(), class_scores(inside, by="team", **REWARD))


REWARD = {"outcome_weight": 0.6, "feedback_weight": 0.4}
HOSTILE = "<img src=x onerror=alert(1)>$\\alpha$\u202e"


def test_names_and_queries_are_shown_as_text():
    frame = log().replace({"model": {"a": HOSTILE, "b": "b" * 10_000}, "team": {"red": HOSTILE}})
    frame["query"] = frame["query"] + HOSTILE
    policies = {HOSTILE: AlwaysPolicy(HOSTILE), "שלום": RandomPolicy(["c"])}
    explorer = RoutingExplorer(frame, policies, by="team").set(scheme="team")
    c = explorer.controls
    markup = "".join(p.value for p in (c.scores, c.tables, c.values, c.changes, c.differences))
    markup = markup.replace("<wbr>", "")
    assert "<img" not in markup
    assert "&lt;img src=x onerror=alert(1)&gt;$\\alpha$" in markup
    assert "\u202e" not in markup
    assert "U+202E" in markup
    assert "b" * 400 not in markup
    assert all(len(label) < 60 for label, _ in c.models.options)
    assert not any("\u202e" in label for label, _ in (*c.models.options, *c.scheme.options))


def test_the_caveat_stands_with_the_values_and_refusals_have_bounds(explorer):
    assert CAVEAT in shown(explorer.controls.values).replace("&#x27;", "'")
    explorer.set(steps=(0, 2))
    text = shown(explorer.controls.values)
    assert "refused between 0." in text
    assert "the log tells as much as" in text


def test_policies_of_the_user_stand_beside_the_others():
    own = {
        "always c": AlwaysPolicy("c"),
        "coin": RandomPolicy({"a": 1, "b": 1}),
        "unknown": AlwaysPolicy("nobody"),
        "cautious": LowerBoundRouterPolicy(by="team", confidence=0.99),
    }
    explorer = RoutingExplorer(log(), own)
    values = explorer.values().set_index("policy")
    assert [*own] == [name for name in values.index if name in own]
    assert values.loc["unknown", "status"].startswith("refused: the log has rewards for 0%")
    assert values.loc["coin", "match_rate"] == pytest.approx((log()["model"] != "c").mean() / 2)
    tables = explorer.tables()
    assert set(tables["always c"]) == {"c"}
    assert set(tables["coin"]) == {"(at random)"}
    assert "not shown, at random: coin , random" in shown(explorer.controls.tables)
    with pytest.raises(TypeError, match="is no RouterPolicy"):
        RoutingExplorer(log(), {"x": 3})


def test_in_a_kernel_values_turn_grey_and_follow_once_the_control_rests():
    async def move():
        explorer = RoutingExplorer(log())
        assert explorer.controls.values.value == ""
        assert "jl-waiting" in explorer.controls.worth._dom_classes
        for confidence in (0.6, 0.7, 0.8):
            explorer.controls.confidence.value = confidence
        assert explorer._later.waiting
        assert shown(explorer.controls.tables)
        while explorer._later.waiting:
            await asyncio.sleep(0.01)
        return explorer

    explorer = asyncio.run(move())
    assert "jl-waiting" not in explorer.controls.worth._dom_classes
    assert "What each policy is worth" in shown(explorer.controls.values)
    assert len(explorer.comparison._valued) == 1


def test_what_goes_wrong_while_drawing_is_on_screen_and_raised(explorer, monkeypatch):
    def broken(state):
        raise RuntimeError("no such thing")

    monkeypatch.setattr(explorer.comparison, "values", broken)
    with pytest.raises(RuntimeError, match="no such thing"):
        explorer.controls.confidence.value = 0.7
    assert "RuntimeError: no such thing" in shown(explorer.controls.said)
    assert isinstance(explorer.last_error, RuntimeError)


def test_data_that_are_neither_complete_nor_a_log_have_tables_and_the_reason_for_no_value():
    frame = pd.concat([log(300), log(200).assign(model="c")])
    explorer = RoutingExplorer(frame)
    text = shown(explorer.controls.values)
    assert "they are no log of one model a query either" in text
    assert "or say method=" not in text
    assert text.count("takes all traces as independent.") == 1  # the same for all of them
    assert "refused between 0.00 and 1.00" in text
    assert shown(explorer.controls.tables)
    assert explorer.last_error is None


def test_a_log_of_one_trace_is_told_in_the_singular():
    one = pd.DataFrame({"query": ["hi"], "model": ["a"], "outcome": [None]})
    explorer = RoutingExplorer(one)
    assert "1 trace · 1 model ·" in shown(explorer.controls.facts)
    assert repr(explorer) == "RoutingExplorer(1 trace, 1 model)"
    log = explorer.comparison.log
    assert repr(log) == "CountedLog(1 trace in 1 count; 1 joint class × 1 model)"
    state = explorer.state
    assert repr(explorer.comparison.span(state).rewards("regex", ["a"], **state.weights)) == (
        "ClassModelSums(1 class × 1 model, 0 rewards)"
    )
    why = "refused: no rewards: the only trace has no reward or no model"
    assert explorer.values()["status"].eq(why).all()
    explorer = RoutingExplorer(pd.concat([one, one]))
    assert "2 traces · 1 model ·" in shown(explorer.controls.facts)
    assert explorer.values()["status"].str.contains("none of the 2 traces has a reward").all()


def test_the_reward_is_named_beside_the_scores(explorer):
    assert "mean of 0.6·outcome + 0.4·feedback" in shown(explorer.controls.scores)
    explorer.set(feedback_weight=0)
    assert "mean of outcome " in shown(explorer.controls.scores)


def test_feedback_outside_its_range_is_left_out_and_counted():
    frame = log()
    frame.loc[:4, "feedback"] = 7.0
    explorer = RoutingExplorer(frame)
    assert "5 feedback outside 0 to 1 left out" in shown(explorer.controls.facts)
    assert explorer.values()["status"].eq("ok").all()


def test_steps_that_are_no_pair_are_refused_in_words(explorer):
    for steps in (5, (1, 2, 3)):
        with pytest.raises(ValueError, match="must be two edges"):
            explorer.set(steps=steps)
