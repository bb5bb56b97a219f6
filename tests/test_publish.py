"""Publishing: the bytes on disk are checked, and every file takes its name or none does."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from jarvis_lab.synthesis.blocked import FirewallBreachError
from jarvis_lab.synthesis.corrections_export import Settings, write_rows
from jarvis_lab.synthesis.formats import format_row, parse_row
from jarvis_lab.synthesis.publish import Line, publish
from jarvis_lab.synthesis.reviewed import read_reviewed
from jarvis_lab.synthesis.screen import screen


def lines(*texts: str) -> list[Line]:
    return [
        Line(f"c{number}", json.dumps({"text": text}).encode(), {"note": None})
        for number, text in enumerate(texts)
    ]


def check(name: str, line: bytes) -> str:
    return f"{name} is blocked" if b"bad" in line else ""


def write(path: Path, rows: list[Line]) -> dict[str, Path]:
    return publish(
        path, {"all": rows}, check=check, kind="test", settings={}, counts={}, excluded={}
    )


def test_blocked_bytes_leave_the_older_export_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write(path, lines("good"))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(FirewallBreachError, match=r"Line 2 .* c1 is blocked"):
        write(path, lines("fine", "bad"))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_row_with_a_line_end_inside_is_caught(tmp_path: Path) -> None:
    with pytest.raises(FirewallBreachError, match=r"Line 1 .* order|Line 2 .* order"):
        write(tmp_path / "rows.jsonl", [Line("c0", b'{"text":\n"x"}', {})])
    assert list(tmp_path.iterdir()) == []


def test_metadata_of_another_row_is_caught(tmp_path: Path) -> None:
    with pytest.raises(FirewallBreachError, match="same order"):
        write(tmp_path / "rows.jsonl", [Line("c0", b'{"text":"x"}', {"id": "c9"})])
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_writes_the_failed_answer_is_caught_by_the_check_of_the_bytes(
    tmp_path: Path,
) -> None:
    """The whole way, with one part broken on purpose."""
    frame = pd.DataFrame(
        {
            "id": ["a"],
            "status": ["approved"],
            "prompt_messages": [[{"role": "user", "content": "Capital of France?"}]],
            "model_response": ["Lyon"],
            "action": ["correct"],
            "target": ["Paris"],
            "conflict": [False],
            "stale": [False],
        }
    )
    result = screen(read_reviewed(frame))

    def check(name: str, line: bytes) -> str:
        row = parse_row("messages", line)
        return "blocked" if result.blocked.breach(row.turns, row.target) else ""

    def export(answer: str) -> None:
        write_rows(
            tmp_path / "rows.jsonl",
            result.passed,
            result.excluded,
            Settings("corrections", "messages", None, None, (), "", False),
            encode=lambda item: msgspec.json.encode(
                format_row("messages", item.prompt.turns, answer)
            ),
            check=check,
        )

    with pytest.raises(FirewallBreachError, match="blocked"):
        export(" LYON")
    assert list(tmp_path.iterdir()) == []
    export("Paris")
    assert len(list(tmp_path.iterdir())) == 3
