"""Preference pairs: rejected text under its own key, and nowhere else."""

from __future__ import annotations

import inspect
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.synthesis import corrections
from jarvis_lab.synthesis.corrections import export_corrections
from jarvis_lab.synthesis.preferences import export_preferences
from jarvis_lab.synthesis.verify import verify_export


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "status": "approved",
        "prompt_messages": [{"role": "user", "content": "Capital of France?"}],
        "model_response": "Lyon",
        "action": "correct",
        "target": "Paris",
        "conflict": False,
        "stale": False,
        **changes,
    }


def queue(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), dtype="object")


def pairs(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_pair_is_the_correction_and_the_answer_it_corrects(tmp_path: Path) -> None:
    result = export_preferences(queue(row()), tmp_path / "pairs.jsonl")
    assert pairs(result.files["all"]) == [
        {
            "prompt": [{"role": "user", "content": "Capital of France?"}],
            "chosen": [{"role": "assistant", "content": "Paris"}],
            "rejected": [{"role": "assistant", "content": "Lyon"}],
        }
    ]
    assert repr(result).startswith("<preferences export: preference, 1 of 1")
    assert verify_export(result.files["all"])
    manifest = json.loads((tmp_path / "pairs.jsonl.manifest.json").read_text())
    assert manifest["kind"] == "preferences"


OTHER = row(id="b", model_response="Nice")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row(action="approve", target="Lyon")], "approved as is"),
        ([row(model_response=None)], "no rejected answer"),
        ([row(model_response=" \n")], "no rejected answer"),
        ([row(model_response="\ud800")], "unwritable answer"),
        (
            [row(), row(id="c", action="approve", target="LYON", model_response="LYON")],
            "rejected and approved",
        ),
        ([row(target="lyon")], "blocked target"),
        ([row(target="nice"), OTHER], "blocked target"),
        ([row(conflict=True)], "conflict"),
        ([row(stale=True)], "stale"),
        ([row(status="discarded", action="discard")], "status discarded"),
        ([row(status=None)], "unknown status"),
    ],
)
def test_what_is_no_pair_is_left_out_for_its_reason(
    rows: list[dict[str, Any]], reason: str, tmp_path: Path
) -> None:
    result = export_preferences(queue(*rows), tmp_path / "pairs.jsonl")
    assert result.excluded().set_index("id")["reason"]["a"] == reason
    assert "a" not in result.rows()["id"].tolist()


def test_a_failed_answer_as_an_earlier_turn_is_left_out_here_too(tmp_path: Path) -> None:
    retry = [
        *row()["prompt_messages"],
        {"role": "assistant", "content": "LYON"},
        {"role": "user", "content": "Sure?"},
    ]
    result = export_preferences(queue(row(), row(id="c", prompt_messages=retry)), tmp_path / "p")
    assert result.excluded()[["id", "reason", "matched_id"]].to_dict("records") == [
        {"id": "c", "reason": "blocked turn", "matched_id": "a"}
    ]


ANSWERS = ("Lyon", " LYON", "Nice", "nice ", "Paris", "PARIS", "", " ")


@st.composite
def queues(draw: st.DrawFn) -> pd.DataFrame:
    rows = []
    for number in range(draw(st.integers(1, 6))):
        response = draw(st.sampled_from(ANSWERS))
        action = draw(st.sampled_from(["correct", "correct", "approve"]))
        rows.append(
            row(
                id=f"c{number}",
                status=draw(st.sampled_from(["approved", "approved", "discarded"])),
                prompt_messages=[{"role": "user", "content": draw(st.sampled_from("QR"))}],
                model_response=response,
                action=action,
                target=response if action == "approve" else draw(st.sampled_from(ANSWERS)),
                conflict=draw(st.sampled_from([False, False, True])),
                stale=draw(st.sampled_from([False, False, True])),
            )
        )
    return queue(*rows)


@settings(max_examples=150, deadline=None)
@given(queues())
def test_what_is_chosen_is_never_rejected_and_is_what_corrections_would_write(
    frame: pd.DataFrame,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = export_preferences(frame, Path(folder, "pairs.jsonl"))
        written = pairs(result.files["all"]) if result.files else []
    allowed = export_corrections(frame, "unused.jsonl", dry_run=True).rows()
    assert set(result.rows()["id"]) <= set(allowed.loc[~allowed["approved_as_is"], "id"])
    chosen, rejected = (
        {
            (pair["prompt"][0]["content"], pair[key][0]["content"].strip().lower())
            for pair in written
        }
        for key in ("chosen", "rejected")
    )
    assert not chosen & rejected
    assert all(text for _, text in chosen | rejected)
    for identity, pair in zip(result.rows()["id"], written, strict=True):
        source = frame.set_index("id").loc[identity]
        assert pair["chosen"][0]["content"] == source["target"]
        assert pair["rejected"][0]["content"] == source["model_response"]
        assert source["action"] == "correct"


def test_corrections_have_no_way_to_write_rejected_text() -> None:
    formats = inspect.signature(corrections.export_corrections).parameters["format"]
    assert "preference" not in str(formats.annotation)
    with pytest.raises(ValueError, match="'preference' is not one of"):
        export_corrections(queue(row()), "x", format="preference")  # type: ignore[arg-type]
