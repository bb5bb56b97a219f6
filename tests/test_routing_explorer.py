"""The explorer: move a control, then look at the state, then at the screen."""

import re

import pandas as pd
import pytest

from jarvis_lab.routing import SFTRouterPolicy, TraceDrivenPolicy
from jarvis_lab.scores import class_scores
from jarvis_lab.widgets import RoutingExplorer


def log():
    rows = [("import os", "a", "success")] * 30 + [("import os", "b", "failure")] * 10
    rows += [("hello", "b", "success")] * 6 + [("hello", "lucky", "success")] * 2
    rows += [("hello", "a", "failure")] * 20
    rows += [("what is a multifunctional oven good for, when not for bread?", "b", "success")] * 9
    frame = pd.DataFrame(rows, columns=["query", "model", "outcome"])
    return frame.assign(started_at=range(len(frame)))


@pytest.fixture
def explorer():
    return RoutingExplorer(log())


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.value))


def test_it_begins_with_both_policies_as_the_originals_learn_them(explorer):
    sft, learned = SFTRouterPolicy(), TraceDrivenPolicy(log())
    sft.update(log())
    learned.update_from_traces()
    tables = explorer.tables().set_index("query_class")
    assert {c: m for c, m in tables["sft"].items() if m} == sft.policy_map
    assert {c: m for c, m in tables["learned"].items() if m} == learned.policy_map
    assert explorer.state.scheme == "original"
    assert explorer.state.models == ("a", "b", "lucky")
    for label, model in sft.policy_map.items():
        assert f"{label} {model}" in text(explorer._tables)


def test_moving_a_control_redraws_tables_and_disagreements(explorer):
    before = explorer._tables.value
    explorer._min_samples.value = 2
    assert explorer.state.min_samples == 2
    assert explorer._tables.value != before
    assert explorer.tables().set_index("query_class").loc["short", "sft"] == "lucky"
    explorer._scheme.value = "regex"
    assert explorer.state.scheme == "regex"
    assert "SFTRouterPolicy (regex)" in text(explorer._tables)
    explorer._models.value = ("b",)
    assert set(explorer.tables()["learned"]) == {"b"}
    assert "Both tables send every query to the same model." in text(explorer._differences)


def test_code_moves_the_same_controls(explorer):
    assert explorer.set(scheme="keyword", min_samples=7, models=["a", "b"]) is explorer
    assert explorer._scheme.value == "keyword"
    assert explorer._min_samples.value == 7
    assert explorer.state.models == ("a", "b")
    scores = explorer.scores()
    expected = class_scores(log()[log()["model"] != "lucky"], by=("regex", "keyword"))
    columns = ["scheme", "query_class", "model", "n", "reward_mean"]
    pd.testing.assert_frame_equal(scores[columns], expected[columns])
    with pytest.raises(ValueError, match="scheme='both' is not one of"):
        explorer.set(scheme="both")
    with pytest.raises(ValueError, match="models='c' is not one of 'a', 'b', 'lucky'"):
        explorer.set(models=["c"])
    with pytest.raises(ValueError, match="min_samples=0 must be at least 1"):
        explorer.set(min_samples=0)


def test_disagreements_are_shown_with_their_share_of_the_traffic(explorer):
    rows = explorer.disagreements()
    assert rows["n"].sum() < len(log())
    assert rows["share"].sum() == pytest.approx(rows["n"].sum() / len(log()))
    assert (rows["model_a"] != rows["model_b"]).all()
    shown = text(explorer._differences)
    assert f"Disagreements on {rows['share'].sum():.1%} of the traffic" in shown


def test_no_model_at_all_is_a_sentence_not_a_traceback(explorer):
    explorer.set(models=[])
    assert "No model may be chosen: select at least one." in text(explorer._tables)
    assert explorer.tables().empty
    assert explorer.disagreements().empty


def test_an_empty_log_shows_an_empty_explorer():
    explorer = RoutingExplorer(pd.DataFrame({"query": [], "model": []}))
    assert explorer.tables().empty
    assert "No model may be chosen" in text(explorer._tables)


def test_names_and_queries_are_shown_as_text():
    hostile = "<img src=x onerror=alert(1)>"
    rows = [(hostile, "<b>m</b>", "success")] * 6 + [(hostile, "plain", "failure")] * 6
    explorer = RoutingExplorer(pd.DataFrame(rows, columns=["query", "model", "outcome"]))
    explorer.set(min_samples=7)
    markup = explorer._tables.value + explorer._differences.value
    assert "<img" not in markup
    assert "<b>m" not in markup
    assert "&lt;b&gt;m&lt;/b&gt;" in markup
