"""The models that anybody's route() gives, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jarvis_lab.evaluation import class_regret, compare_policies, disagreements, overlap
from jarvis_lab.evaluation.crossfit import fitted_copy
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.routing import AlwaysPolicy, BestSinglePolicy, RouterPolicy, RoutingContext


class Routes(RouterPolicy):
    def __init__(self, answer: Callable[[pd.DataFrame], Any]) -> None:
        self.answer = answer

    def select_model(self, context: RoutingContext) -> str:
        return "a"

    def route(self, queries: Any) -> Any:
        return self.answer(queries)


def queries(n: int = 4) -> pd.DataFrame:
    return pd.DataFrame({"query": [f"q{i}" for i in range(n)]}, index=range(10, 10 + n))


def log_of(n: int = 120) -> pd.DataFrame:
    model = np.array(["a", "b"])[np.arange(n) % 2]
    good = model == "a"
    return pd.DataFrame(
        {
            "query_id": range(n),
            "query": "q",
            "model": model,
            "outcome": np.where(good, "success", "failure"),
        }
    )


def data_of(n: int = 12) -> pd.DataFrame:
    log = log_of(2 * n)
    return log.assign(query_id=np.arange(2 * n) // 2)


def test_models_in_another_order_are_put_in_that_of_the_queries():
    found = models_routed(
        Routes(lambda q: pd.Series(["d", "c", "b", "a"], index=q.index[::-1])), queries()
    )
    assert found.tolist() == ["a", "b", "c", "d"]
    assert found.index.tolist() == [10, 11, 12, 13]


def test_a_policy_that_sorts_its_answers_is_valued_as_one_that_does_not():
    def upside_down(frame: pd.DataFrame) -> pd.Series:
        right = pd.Series(np.where(np.arange(len(frame)) < 60, "a", "b"), index=frame.index)
        return right.iloc[::-1]

    kept = Routes(lambda frame: upside_down(frame).sort_index())
    table = compare_policies(log_of(), {"turned": Routes(upside_down), "kept": kept})
    numbers = ["value", "low", "high", "match_rate"]
    assert table.loc[0, numbers].tolist() == table.loc[1, numbers].tolist()
    assert table.loc[0, "value"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "given",
    [
        lambda q: ["a"] * len(q),
        lambda q: np.repeat("a", len(q)),
        lambda q: pd.Series("a", range(len(q))),
    ],
)
def test_models_without_the_index_of_the_queries_are_taken_in_order(given):
    assert models_routed(Routes(given), queries()).tolist() == ["a"] * 4


def test_a_missing_model_is_none_to_name():
    given = Routes(lambda q: pd.Series(["a", None, np.nan, pd.NA], index=q.index, dtype=object))
    assert models_routed(given, queries()).tolist() == ["a", "", "", ""]


def test_too_few_models_are_refused_wherever_a_policy_is_asked():
    short = Routes(lambda q: pd.Series(["a"]))
    asked = [
        lambda: compare_policies(log_of(), {"short": short}),
        lambda: compare_policies(data_of(), {"short": short}),
        lambda: overlap(log_of(), short),
        lambda: class_regret(data_of(), short),
        lambda: disagreements(short, AlwaysPolicy("a"), log_of()),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match=r"route\(\) of policy Routes gave 1 model for "):
            ask()


def test_what_is_no_list_of_models_is_refused():
    with pytest.raises(TypeError, match=r"policy 'mine' gave NoneType, but must give a Series"):
        models_routed(Routes(lambda q: None), queries(), name="mine")
    foreign = Routes(lambda q: pd.Series(["a"] * 4, index=list("wxyz")))
    with pytest.raises(ValueError, match="it is not known which model is whose"):
        models_routed(foreign, queries())


def test_an_error_inside_a_policy_says_whose_it_is():
    def boom(_queries: pd.DataFrame) -> pd.Series:
        raise KeyError("k")

    with pytest.raises(KeyError) as caught:
        models_routed(Routes(boom), queries())
    assert caught.value.__notes__ == ["Policy Routes raised this while it routed 4 queries."]


def test_a_fit_that_gives_nothing_back_still_fits():
    class Quiet(BestSinglePolicy):
        def fit(self, traces: Any, **options: Any) -> None:  # type: ignore[override]
            super().fit(traces, **options)

    policy = Quiet()
    assert fitted_copy(policy, log_of()).model == "a"
    assert policy.model == ""

    class Broken(BestSinglePolicy):
        def fit(self, traces: Any, **options: Any) -> Any:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        fitted_copy(Broken(), log_of())
    assert "while it was fitted on 120 traces" in caught.value.__notes__[0]
