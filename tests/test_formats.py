"""Training formats: documented key sets, a round trip, and the loaders people use."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lab.synthesis.corrections import export_corrections
from jarvis_lab.synthesis.formats import (
    FORMATS,
    TRAINING_KEYS,
    PreferenceRow,
    TrainingRow,
    format_preference,
    format_row,
    parse_preference,
    parse_row,
    why_unfit,
)
from jarvis_lab.synthesis.messages import Turn
from jarvis_lab.synthesis.preferences import export_preferences

ASKED = (
    Turn("system", "Be brief."),
    Turn("user", "Hi"),
    Turn("assistant", "Yo"),
    Turn("user", "?"),
)


def encoded(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def test_each_format_is_written_as_its_users_document_it() -> None:
    assert format_row("messages", ASKED[:2], "Hello") == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
        ]
    }
    assert format_row("prompt_completion", ASKED[1:2], "Hello") == {
        "prompt": [{"role": "user", "content": "Hi"}],
        "completion": [{"role": "assistant", "content": "Hello"}],
    }
    assert format_row("sharegpt", [*ASKED[:3], Turn("tool", "42")], "Hello") == {
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "Hi"},
            {"from": "gpt", "value": "Yo"},
            {"from": "tool", "value": "42"},
            {"from": "gpt", "value": "Hello"},
        ]
    }
    assert format_row("alpaca", ASKED[1:2], "Hello") == {
        "instruction": "Hi",
        "input": "",
        "output": "Hello",
    }
    assert format_preference(ASKED[1:2], "Hello", "Yo") == {
        "prompt": [{"role": "user", "content": "Hi"}],
        "chosen": [{"role": "assistant", "content": "Hello"}],
        "rejected": [{"role": "assistant", "content": "Yo"}],
    }


@pytest.mark.parametrize(
    ("format", "roles", "fits"),
    [
        ("messages", "tool assistant system user", True),
        ("prompt_completion", "assistant assistant", True),
        ("alpaca", "user", True),
        ("alpaca", "system user", False),
        ("alpaca", "user assistant user", False),
        ("alpaca", "assistant", False),
        ("sharegpt", "user", True),
        ("sharegpt", "system user assistant tool", True),
        ("sharegpt", "system", False),
        ("sharegpt", "user assistant", False),
        ("sharegpt", "user user", False),
        ("sharegpt", "user user user", False),
        ("sharegpt", "user system user", False),
        ("sharegpt", "assistant user", False),
        ("sharegpt", "system system user", False),
    ],
)
def test_a_format_refuses_the_prompts_it_cannot_hold(format: Any, roles: str, fits: bool) -> None:
    reason = why_unfit(format, [Turn(role, "x") for role in roles.split()])
    assert (reason == "") is fits
    assert fits or "use format='messages'" in reason


writable = st.text(st.characters(exclude_categories=["Cs"]))
roles = st.sampled_from(["system", "user", "assistant", "tool"])
prompts = st.lists(st.builds(Turn, roles, writable), min_size=1, max_size=5).map(tuple)


@given(prompts, writable, writable)
def test_what_is_written_reads_back_the_same(
    turns: tuple[Turn, ...], target: str, rejected: str
) -> None:
    for format in FORMATS:
        if not why_unfit(format, turns):
            line = encoded(format_row(format, turns, target))
            assert tuple(json.loads(line)) == TRAINING_KEYS[format]
            assert parse_row(format, line) == TrainingRow(turns, target)
    pair = parse_preference(encoded(format_preference(turns, target, rejected)))
    assert pair == PreferenceRow(turns, target, rejected)


@pytest.mark.parametrize(
    ("format", "row"),
    [
        ("messages", {"messages": []}),
        ("messages", {"messages": [{"role": "user", "content": "x"}]}),
        ("messages", {"messages": [{"role": "assistant", "content": None}]}),
        ("messages", {"messages": [{"content": "x", "role": "assistant"}]}),
        ("messages", {"messages": [{"role": "assistant", "content": "x"}], "id": 1}),
        ("prompt_completion", {"prompt": "x", "completion": "y"}),
        ("prompt_completion", {"completion": [], "prompt": []}),
        ("prompt_completion", {"prompt": [], "completion": []}),
        ("sharegpt", {"conversations": [{"from": "assistant", "value": "x"}]}),
        ("alpaca", {"instruction": "x", "input": "y", "output": "z"}),
        ("alpaca", {"instruction": 1, "input": "", "output": "z"}),
        ("alpaca", []),
    ],
)
def test_a_line_that_was_not_written_here_is_refused(format: Any, row: Any) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        parse_row(format, encoded(row))


# -- the loaders people use ------------------------------------------------------------------------


def queue() -> pd.DataFrame:
    """Corrections of every awkward kind: turns, other scripts, control characters, long text."""
    say = [
        [("user", "What is 2 + 2?")],
        [("system", "Be brief."), ("user", "Größe?")],
        [("user", "Hi"), ("assistant", "Yo"), ("user", "And now?")],
        [("user", "a\u2028b\u0085c\x00d\ufeff")],
        [("user", "مرحبا 你好 🙂")],
        [("user", "word " * 200_000)],
        [("user", "2024-01-01")],
    ]
    return pd.DataFrame(
        {
            "id": [f"c{number}" for number in range(len(say))],
            "status": "approved",
            "prompt_messages": [
                [{"role": role, "content": text} for role, text in turns] for turns in say
            ],
            "model_response": "I do not know",
            "action": "correct",
            "target": ["4", "10", "null", "</textarea><script>", "שלום", "x", "2024-01-01"],
            "conflict": False,
            "stale": False,
            "failure_reason": [None, None, None, None, None, "wrong", 5],
        }
    )


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """HF datasets' JSON loader, offline, with a cache of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets", reason="needs the extra 'test': HF datasets")
    datasets.disable_progress_bars()

    def read(file: Any, **options: Any) -> Any:
        return datasets.load_dataset(
            "json", data_files=file, cache_dir=str(tmp_path / "cache"), **options
        )

    return read


third_party = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@third_party
@pytest.mark.parametrize("format", FORMATS)
def test_hf_datasets_loads_an_export_with_its_texts_unchanged(
    format: Any, tmp_path: Path, load: Any
) -> None:
    result = export_corrections(queue(), tmp_path / "rows.jsonl", format=format)
    data = load(str(result.files["all"]), split="train")
    assert tuple(data.column_names) == TRAINING_KEYS[format]
    lines = result.files["all"].read_bytes().split(b"\n")[:-1]
    assert list(data) == [json.loads(line) for line in lines]
    assert len(data) == (5 if format == "alpaca" else 7)


@third_party
def test_hf_datasets_loads_both_files_of_a_split_and_one_row(tmp_path: Path, load: Any) -> None:
    result = export_corrections(queue(), tmp_path / "rows.jsonl", split=0.5)
    data = load({name: str(file) for name, file in result.files.items()})
    assert {name: len(rows) for name, rows in data.items()} == (
        result.rows().groupby("split").size().to_dict()
    )
    assert set(data) == {"train", "validation"}
    single = export_corrections(queue().iloc[:1], tmp_path / "single.jsonl")
    assert len(load(str(single.files["all"]), split="train")) == 1


@third_party
def test_hf_datasets_loads_preference_pairs(tmp_path: Path, load: Any) -> None:
    result = export_preferences(queue(), tmp_path / "pairs.jsonl")
    data = load(str(result.files["all"]), split="train")
    assert data.column_names == ["prompt", "chosen", "rejected"]
    assert data[0]["rejected"] == [{"role": "assistant", "content": "I do not know"}]
    assert len(data) == 7


@third_party
def test_hf_datasets_fails_on_an_empty_file_which_is_why_none_is_written(
    tmp_path: Path, load: Any
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    with pytest.raises(Exception):  # noqa: B017
        load(str(empty), split="train")
    assert export_corrections(queue().iloc[:0], tmp_path / "rows.jsonl").files == {}


@third_party
@pytest.mark.parametrize(
    ("format", "column"),
    [("alpaca", "output"), ("prompt_completion", "completion"), ("messages", "messages")],
)
def test_texts_that_all_look_like_dates_give_a_warning_with_a_way_out(
    format: Any, column: str, tmp_path: Path, load: Any
) -> None:
    from datasets import Dataset

    path = tmp_path / "rows.jsonl"
    with pytest.warns(UserWarning, match=column) as caught:
        export_corrections(queue().iloc[[6]], path, format=format)
    assert caught[0].filename == __file__
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(Dataset.from_list(lines)) == lines
    assert list(load(str(path), split="train")) != lines
    mixed = tmp_path / "mixed.jsonl"
    export_corrections(queue(), mixed, format=format)


#: What TRL's guide "Dataset formats and types" lists: type -> its columns, conversational form.
TRL_COLUMNS = {
    "messages": {"messages"},
    "prompt_completion": {"prompt", "completion"},
    "preference": {"prompt", "chosen", "rejected"},
}


@pytest.mark.parametrize("format", TRL_COLUMNS)
def test_rows_have_the_columns_and_messages_that_trl_documents(format: Any, tmp_path: Path) -> None:
    for line in _lines_for_trl(format, tmp_path):
        assert set(line) == TRL_COLUMNS[format]
        for messages in line.values():
            assert isinstance(messages, list)
            assert messages
            for message in messages:
                assert set(message) == {"role", "content"}
                assert message["role"] in {"system", "user", "assistant", "tool"}
                assert isinstance(message["content"], str)
        for answer in ("completion", "chosen", "rejected"):
            assert [m["role"] for m in line.get(answer, [])] in ([], ["assistant"])


@third_party
@pytest.mark.parametrize("format", TRL_COLUMNS)
def test_trl_itself_takes_the_rows_for_conversational(format: Any, tmp_path: Path) -> None:
    if importlib.util.find_spec("trl") is None:
        pytest.skip("needs the extra 'trl', which the test environment leaves out")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from trl import is_conversational

    assert all(is_conversational(line) for line in _lines_for_trl(format, tmp_path))
    if format == "preference":
        from trl import extract_prompt

        lines = _lines_for_trl(format, tmp_path)
        implicit = [
            {name: line["prompt"] + line[name] for name in ("chosen", "rejected")} for line in lines
        ]
        assert [extract_prompt(line) for line in implicit] == lines


def _lines_for_trl(format: Any, folder: Path) -> list[dict[str, Any]]:
    path = folder / f"{format}.jsonl"
    if format == "preference":
        result = export_preferences(queue(), path)
    else:
        result = export_corrections(queue(), path, format=format)
    return [json.loads(line) for line in result.files["all"].read_bytes().split(b"\n")[:-1]]
