"""Splits: a row's side depends on its own group and on nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.synthesis.split import assign_split, split_shares

prompts = st.lists(st.text(max_size=4), max_size=20)
shares = st.floats(0.01, 0.99)


def sides(prompts: list[object], split: object, **options: object) -> list[str]:
    frame = pd.DataFrame({"prompt_messages": pd.Series(prompts, dtype="object")})
    return list(assign_split(frame, split=split, **options))  # type: ignore[arg-type]


@given(prompts, prompts, shares)
def test_adding_rows_moves_none(some: list[object], more: list[object], share: float) -> None:
    assert sides([*some, *more], share)[: len(some)] == sides(some, share)
    assert sides(some[::-1], share) == sides(some, share)[::-1]


@given(prompts, shares, shares)
def test_a_larger_validation_share_only_moves_rows_to_validation(
    some: list[object], one: float, other: float
) -> None:
    small, large = sorted((one, other))
    for before, after in zip(sides(some, small), sides(some, large), strict=True):
        assert before == after or (before, after) == ("train", "validation")


@given(st.text(min_size=1, max_size=20), shares)
def test_the_same_prompt_up_to_case_and_space_is_on_one_side(text: str, share: float) -> None:
    messages = [{"role": "user", "content": text}]
    spaced = [{"role": "User", "content": f"  {text} \n"}]
    assert len(set(sides([text, f" {text}", messages, spaced], share))) == 1


def test_the_shares_hold_on_average_over_prompts() -> None:
    found = pd.Series(sides([f"prompt {number}" for number in range(5000)], 0.1))
    assert found.value_counts(normalize=True)["validation"] == pytest.approx(0.1, abs=0.02)
    three = pd.Series(sides([f"{n}" for n in range(5000)], {"train": 0.5, "dev": 0.2, "test": 0.3}))
    counts = three.value_counts(normalize=True)
    assert counts[["train", "dev", "test"]].tolist() == pytest.approx([0.5, 0.2, 0.3], abs=0.03)


def test_the_side_of_a_prompt_is_what_it_was() -> None:
    """Another answer would move rows of everybody's splits.

    ``printf 'prompt\\0user\\1prompt 0' | sha256sum`` starts with 5c (0.36 of the way: train), and
    with e5 for ``prompt 3`` (0.90: validation).
    """
    found = sides([f"prompt {number}" for number in range(12)], 0.3)
    assert "".join(side[0] for side in found) == "tttvvtttttvt"


def test_a_share_of_zero_takes_no_row() -> None:
    names = {"none": 0.0, "all": 1.0, "never": 0.0}
    assert set(sides([str(number) for number in range(200)], names)) == {"all"}
    assert sides(["x"], None) == ["all"]


def test_a_group_stays_together_and_rows_without_one_go_by_their_prompt() -> None:
    frame = pd.DataFrame(
        {
            "prompt_messages": [f"prompt {number}" for number in range(60)],
            "task": [f"t{number % 6}" if number < 48 else None for number in range(60)],
        }
    )
    by_task = assign_split(frame, split=0.5, group="task")
    assert by_task[:48].groupby(frame["task"][:48]).nunique().tolist() == [1] * 6
    alone = assign_split(frame, split=0.5)
    assert by_task[48:].tolist() == alone[48:].tolist()
    assert by_task.tolist() != alone.tolist()


def test_a_missing_value_that_makes_whole_numbers_real_moves_no_row() -> None:
    prompts = pd.Series(["x"] * 40, dtype="object")
    whole = pd.DataFrame({"prompt_messages": prompts, "task": range(40)})
    real = pd.concat(
        [whole, pd.DataFrame({"prompt_messages": ["y"], "task": [None]})], ignore_index=True
    ).astype({"task": "float64"})
    before = assign_split(whole, split=0.4, group="task")
    after = assign_split(real, split=0.4, group="task")
    assert after.tolist()[:40] == before.tolist()
    assert before.nunique() == 2


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (1.5, "split=1.5 must be between 0 and 1"),
        ("0.1", "split must be a number"),
        ({"train": 0.5, "validation": 0.4}, "sum to 0.9, not to 1"),
        ({"train": 1.5, "validation": -0.5}, "must be from 0 to 1"),
        ({"../train": 1.0}, "part of a file name"),
        ({"": 1.0}, "part of a file name"),
        ({1: 1.0}, "part of a file name"),
        ({"Train": 0.5, "train": 0.5}, "differ only in case"),
        ({}, "sum to 0, not to 1"),
    ],
)
def test_a_split_that_cannot_be_is_refused(split: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        split_shares(split)  # type: ignore[arg-type]


def test_a_column_that_is_not_there_is_named() -> None:
    frame = pd.DataFrame({"prompt": ["x"]})
    with pytest.raises(ValueError, match="no column 'prompt_messages'"):
        assign_split(frame, split=0.1)
    with pytest.raises(ValueError, match="no column 'task'"):
        assign_split(frame, split=0.1, group="task", prompt="prompt")


def test_a_group_may_be_a_list_or_an_array() -> None:
    frame = pd.DataFrame({"prompt_messages": list("abcd")})
    frame["group"] = pd.Series([["x"], ["y"], np.array(["x"]), ["y"]], dtype="object")
    sides = assign_split(frame, split=0.5, group="group").tolist()
    assert sides[0] == sides[2]
    assert sides[1] == sides[3]


def test_what_is_no_frame_is_named() -> None:
    with pytest.raises(TypeError, match="rows must be a DataFrame, not NoneType"):
        assign_split(None, split=0.5)  # type: ignore[arg-type]
