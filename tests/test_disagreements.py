"""Where two policies differ, on whose traffic."""

import pandas as pd
import pytest

from jarvis_lab import sample_path
from jarvis_lab.evaluation import disagreements, traffic
from jarvis_lab.routing import (
    AlwaysPolicy,
    LowerBoundRouterPolicy,
    RouterPolicy,
    SFTRouterPolicy,
    TraceDrivenPolicy,
)


def table(mapping, *, policy=SFTRouterPolicy, **options):
    made = policy(**options)
    made._policy_map = dict(mapping)
    return made


class Always(RouterPolicy):
    def __init__(self, model):
        self.model = model

    def select_model(self, context):
        return self.model


LOG = pd.DataFrame(
    {
        "query": ["import os", "hi", "hi", None, "what is the proof of that, and of all the rest?"],
        "model": "m",
        "domain": ["x", "x", "y", None, "y"],
    }
)


def test_rows_are_class_pairs_with_their_share_largest_first():
    a = table({"code": "one", "short": "two", "math": "three"})
    b = table({"code": "one", "short": "other"}, by="regex")
    rows = disagreements(a, b, LOG)
    assert rows["class_a"].tolist() == ["short", "math"]
    assert rows["class_b"].tolist() == ["short", "short"]
    assert rows["model_a"].tolist() == ["two", "three"]
    assert rows["model_b"].tolist() == ["other", "other"]
    assert rows["n"].tolist() == [3, 1]
    assert rows["share"].tolist() == [0.6, 0.2]
    assert rows["example"].tolist() == ["hi", LOG["query"][4]]


def test_equal_policies_have_no_disagreements():
    a = table({"code": "one"})
    rows = disagreements(a, a, LOG)
    assert rows.empty
    assert rows.columns.tolist() == disagreements(a, Always("x"), LOG).columns.tolist()


def test_policies_without_classes_and_by_columns_are_compared_too():
    a = table({"x": "one", "y": "two"}, by="domain")
    rows = disagreements(a, Always("one"), LOG)
    assert dict(zip(rows["class_a"], rows["n"], strict=True)) == {"y": 2, "(missing)": 1}
    assert set(rows["class_b"]) == {""}
    with pytest.raises(TypeError, match="b must be a RouterPolicy, not dict; routing_diff"):
        disagreements(a, {"x": "one"}, LOG)
    with pytest.raises(ValueError, match="no column 'area'"):
        disagreements(table({}, by="area"), a, LOG)


def test_a_policys_default_counts_as_its_choice():
    b = TraceDrivenPolicy(default_model="d")
    rows = disagreements(Always("d"), b, LOG)
    assert rows.empty


def test_long_examples_are_cut():
    log = pd.DataFrame({"query": ["word " * 40], "model": ["m"]})
    (example,) = disagreements(Always("a"), Always("b"), log)["example"]
    assert len(example) == 60
    assert example.endswith("…")


def test_traffic_counts_pairs_and_wants_equal_lengths():
    pairs = traffic(pd.Series(["a", "a"]), pd.Series(["b", "c"]), pd.Series(["q", "r"]))
    assert pairs["n"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="one entry per query"):
        traffic(pd.Series(["a"]), pd.Series(["b"]), pd.Series([], dtype="str"))


def test_the_sample_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sample_path("traces.db").is_file()
    with pytest.raises(FileNotFoundError, match=r"'nothing\.db' was not found"):
        sample_path("nothing.db")


def test_a_policy_that_has_learned_nothing_disagrees_with_nobody():
    log = pd.DataFrame({"query": ["import os"] * 3, "model": list("aab")})
    with pytest.raises(ValueError, match=r"b has learned nothing yet.*call fit\(traces\) first"):
        disagreements(AlwaysPolicy("a"), LowerBoundRouterPolicy(), log)
    assert disagreements(AlwaysPolicy("a"), LowerBoundRouterPolicy(), log[:0]).empty
