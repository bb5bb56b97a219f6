"""Readers of a lake: tables, files, and lines as the original in Go reads them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import hypothesis.strategies as st
import msgspec
import pandas as pd
import pytest
from hypothesis import given, settings

from jarvis_lab.readers.blocks import decode_blocks
from jarvis_lab.readers.jsonl import BadLine, BadLineError, BadLines, BadLineWarning, decode_line
from jarvis_lab.readers.lake import read_evidence, read_scored_runs, scored_run_files
from jarvis_lab.readers.lake_files import lake_files
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun

LAKE = Path(__file__).parent / "golden" / "lake"


def put(root: Path, name: str, content: bytes | list[object]) -> Path:
    path = root / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, list):
        content = b"".join(json.dumps(row).encode() + b"\n" for row in content)
    path.write_bytes(content)
    return path


def one(line: bytes) -> tuple[object, list[BadLine], int]:
    found: list[BadLine] = []
    bad = BadLines(found.append)
    decoder = msgspec.json.Decoder(ScoredRun)
    record = decode_line(line, decoder, bad, file="f", number=1)
    return (record[0] if record else None), found, bad.replaced


def test_scored_runs_are_flattened_with_file_and_line(tmp_path: Path) -> None:
    run = {
        "schema_version": 1,
        "evidence_run_id": "r1",
        "category": "accepted",
        "reasons": ["green"],
        "scored_at": "2026",
        "scorer_version": "v1",
        "provenance": {
            "source_file": "data/_kb/audits.jsonl",
            "line_offset": 7,
            "sig_hash": "ab",
            "recorded_at": "2025",
        },
    }
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", [run, {"category": None, "reasons": 3}])
    table = read_scored_runs(tmp_path)
    assert table.iloc[0].to_dict() == {
        "evidence_run_id": "r1",
        "category": "accepted",
        "source_file": "data/_kb/audits.jsonl",
        "line_offset": 7,
        "sig_hash": "ab",
        "recorded_at": "2025",
        "schema_version": 1,
        "scored_at": "2026",
        "scorer_version": "v1",
        "reasons": ["green"],
        "file": "data/scored-runs/2026/01/02/a.jsonl",
        "line": 1,
    }
    missing = table.iloc[1].drop(["file", "line"])
    assert missing.isna().all()
    assert table.loc[1, "line"] == 2


def test_evidence_is_flattened_with_file_and_line(tmp_path: Path) -> None:
    record = {
        "schema_version": 1,
        "run_id": "r1",
        "task_id": "t",
        "model_name": "qwen3:8b",
        "model_role": "executor",
        "source_files": ["a.rs", None],
        "retrieved_context": {"matrix_corpora": ["kb"], "pathway_fingerprints_seen": 4},
        "text": "done\u2028\u0085",
        "provenance": {"source_file": "s", "line_offset": 2**53 + 1, "sig_hash": "h"},
        "metadata": {"contractor": "ACME", "other": [1]},
    }
    path = put(tmp_path, "evidence/2026/01/02/a.jsonl", [record, {}])
    table = read_evidence(path)
    assert table.iloc[0].to_dict() == {
        "run_id": "r1",
        "task_id": "t",
        "model_name": "qwen3:8b",
        "model_role": "executor",
        "source_files": ["a.rs", None],
        "matrix_corpora": ["kb"],
        "pathway_fingerprints_seen": 4,
        "text": "done\u2028\u0085",
        "contractor": "ACME",
        "source_file": "s",
        "line_offset": 2**53 + 1,
        "sig_hash": "h",
        "recorded_at": table.loc[0, "recorded_at"],
        "schema_version": 1,
        "file": str(path),
        "line": 1,
    }
    assert pd.isna(table.loc[0, "recorded_at"])
    assert table.iloc[1].drop(["file", "line"]).isna().all()


@pytest.mark.parametrize("read", [read_scored_runs, read_evidence])
def test_an_empty_table_has_the_same_dtypes(tmp_path: Path, read: object) -> None:
    full, empty = read(LAKE, on_bad_lines="skip"), read(tmp_path)  # type: ignore[operator]
    assert len(full) > 500
    assert len(empty) == 0
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()
    assert str(empty.dtypes["line"]) == "Int64"
    assert str(empty.dtypes["file"]) == "str"


def test_the_golden_lake_has_five_files_in_the_order_of_their_days() -> None:
    names = [path.relative_to(LAKE / "data" / "scored-runs") for path in scored_run_files(LAKE)]
    assert [str(name) for name in names] == [
        "2025/12/31/alpha.jsonl",
        "2026/01/02/alpha.jsonl",
        "2026/01/10/alpha.jsonl",
        "2026/02/01/alpha.jsonl",
        "2026/02/01/beta.jsonl",
    ]
    assert len(read_scored_runs(LAKE, on_bad_lines="skip")) == 520


def test_folders_are_sorted_one_level_at_a_time(tmp_path: Path) -> None:
    for day in ("01-x", "01", "01.5"):
        put(tmp_path, f"scored-runs/2026/01/{day}/a.jsonl", [])
    days = [path.parent.name for path in scored_run_files(tmp_path)]
    assert days == ["01", "01-x", "01.5"]


def test_files_at_other_levels_and_of_other_names_are_not_read(tmp_path: Path) -> None:
    for name in ("a.jsonl", "2026/a.jsonl", "2026/01/a.jsonl", "2026/01/02/03/a.jsonl"):
        put(tmp_path, f"scored-runs/{name}", [{}])
    put(tmp_path, "scored-runs/2026/01/02/a.JSONL", [{}])
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl.tmp", [{}])
    assert scored_run_files(tmp_path) == []


def test_an_empty_root_is_an_error_and_a_missing_one_is_no_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="root must not be empty"):
        scored_run_files("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        scored_run_files(put(tmp_path, "x", b""))
    assert scored_run_files(tmp_path / "nowhere") == []
    with pytest.raises(FileNotFoundError, match="Give a lake"):
        read_evidence(tmp_path / "gone.jsonl")


def test_what_is_no_regular_file_inside_the_lake_is_refused(tmp_path: Path) -> None:
    outside = put(tmp_path / "other", "secret.jsonl", [{"category": "accepted"}])
    lake = tmp_path / "lake"
    good = put(lake, "scored-runs/2026/01/02/good.jsonl", [{}])
    day = good.parent
    (day / "folder.jsonl").mkdir()
    (day / "link.jsonl").symlink_to(outside)
    (day / "loop.jsonl").symlink_to(day / "loop.jsonl")
    (day / "inner.jsonl").symlink_to(good)
    os.mkfifo(day / "pipe.jsonl")
    (day.parent / "03").symlink_to(outside.parent, target_is_directory=True)
    found = {entry.name.rpartition("/")[2]: entry for entry in lake_files(lake, "scored-runs")}
    assert found["good.jsonl"].problem == found["inner.jsonl"].problem == ""
    assert found["folder.jsonl"].problem == "a folder named like a file"
    assert "symlink out of the lake" in found["link.jsonl"].problem
    assert "cannot be read" in found["loop.jsonl"].problem
    assert found["pipe.jsonl"].problem == "not a regular file"
    assert found["03"].is_folder
    assert [path.name for path in scored_run_files(lake)] == ["good.jsonl", "inner.jsonl"]
    rejected: list[BadLine] = []
    assert len(read_scored_runs(lake, on_bad_lines=rejected.append)) == 2
    assert {bad.line for bad in rejected} == {0}
    assert len(rejected) == 5


def test_a_lake_behind_a_symlink_is_read_through_it(tmp_path: Path) -> None:
    put(tmp_path / "real", "scored-runs/2026/01/02/a.jsonl", [{}])
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(scored_run_files(tmp_path / "link")) == 1


def test_bad_lines_warn_raise_or_are_collected(tmp_path: Path) -> None:
    path = put(tmp_path, "scored-runs/2026/01/02/a.jsonl", b'{}\n{oops\n\n"x"\n{}')
    with pytest.warns(BadLineWarning, match="2 bad lines left out"):
        assert list(read_scored_runs(path)["line"]) == [1, 5]
    with pytest.raises(BadLineError, match="line 2"):
        read_scored_runs(path, on_bad_lines="error")


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[1]",
        b'"text"',
        b"1",
        b"\xef\xbb\xbf{}",
        b'{"evidence_run_id": 5}',
        b'{"schema_version": "1"}',
        b'{"schema_version": 1.0}',
        b'{"schema_version": true}',
        b'{"schema_version": 9223372036854775808}',
        b'{"provenance": []}',
        b'{"provenance": {"line_offset": "3"}}',
        b'{"category": "a',
        b'{"category": "a\tb"}',
        b'{"category": "\\q"}',
        b'{"x": 01}',
        b'{"x": NaN}',
        b"{} {}",
        b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_line_of_the_wrong_type_is_bad(line: bytes) -> None:
    record, bad, _ = one(line)
    assert record is None
    assert len(bad) == 1
    assert bad[0].reason


@pytest.mark.parametrize(
    ("line", "category"),
    [
        (b"{}", None),
        (b'{"category": null, "provenance": null, "schema_version": null}', None),
        (b'{"category": "a", "category": "b"}', "b"),
        (b'{"Category": "a"}', None),
        (b'{"\\u0063ategory": "a"}', "a"),
        (b'{"x": {"category": 1}, "category": "a"}', "a"),
        (b'{"category": "\\ud83d\\ude00"}', "😀"),
        (b'{"schema_version": -9223372036854775808}', None),
    ],
)
def test_absent_null_unknown_and_repeated_fields(line: bytes, category: str | None) -> None:
    record, bad, replaced = one(line)
    assert isinstance(record, ScoredRun)
    assert (record.category, bad, replaced) == (category, [], 0)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"a\xffb", "a\ufffdb"),
        (b"\xe6\x95", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf0\x9f\x98", "\ufffd\ufffd\ufffd"),
        (b"\\ud800", "\ufffd"),
        (b"x\\udc00y", "x\ufffdy"),
        (b"\\ud800\\u0041", "\ufffdA"),
        (b"\\ud800\\ud83d\\ude00", "\ufffd😀"),
        (b"\\\\ud800 \xff", "\\ud800 \ufffd"),
    ],
)
def test_invalid_unicode_is_read_as_the_original_reads_it_and_counted(
    text: bytes, read: str
) -> None:
    record, bad, replaced = one(b'{"category": "' + text + b'"}')
    assert isinstance(record, ScoredRun)
    assert (record.category, bad, replaced) == (read, [], 1)


PIECES = st.sampled_from(
    [
        b'{"category":"a"}',
        b'{"category":\n"a"}',
        b'{"provenance":{}\n,"category":"b"}',
        b'{"provenance":\n{"sig_hash":"}{"}}',
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"{",
        b"}",
        b"{}",
        b",",
        b"null",
        b'{"category":5}',
        b'{"category":"\xff"}',
        b'{"category":"\\ud800"}',
        b"\xef\xbb\xbf",
        b"\x0b",
        b"x" * 20,
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40), st.integers(1, 50))
def test_blocks_give_what_lines_give(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    decoder = msgspec.json.Decoder(ScoredRun)
    by_line: list[tuple[int, ScoredRun]] = []
    expected: list[BadLine] = []
    slow = BadLines(expected.append)
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            record = decode_line(line.strip(), decoder, slow, file="f", number=number)
            by_line += [(number, each) for each in record or ()]
    found: list[BadLine] = []
    fast = BadLines(found.append)
    by_block = [
        pair
        for lines, records in decode_blocks(io.BytesIO(data), decoder, fast, file="f", size=size)
        for pair in zip(lines, records, strict=True)
    ]
    assert by_block == by_line
    assert (found, fast.replaced) == (expected, slow.replaced)


def test_two_records_on_one_line_do_not_make_up_for_a_blank_line() -> None:
    data = b'{"category":"a"}{"category":"b"}\n\n{"category":"c"}\n'
    bad = BadLines("skip")
    decoder = msgspec.json.Decoder(ScoredRun)
    blocks = decode_blocks(io.BytesIO(data), decoder, bad, file="f")
    read = [record.category for _, records in blocks for record in records]
    assert (read, bad.count) == (["c"], 1)


def test_a_line_of_fifty_megabytes_is_one_record(tmp_path: Path) -> None:
    text = "x" * 50_000_000
    path = put(tmp_path, "evidence/2026/01/02/a.jsonl", [{"run_id": "a"}, {"text": text}, {}])
    table = read_evidence(path)
    assert list(table["line"]) == [1, 2, 3]
    assert table.loc[1, "text"] == text


def test_evidence_with_a_wrong_type_anywhere_is_a_bad_line() -> None:
    decoder = msgspec.json.Decoder(EvidenceRecord)
    for field in (
        {"text": 1},
        {"source_files": "a"},
        {"source_files": [1]},
        {"retrieved_context": []},
        {"retrieved_context": {"matrix_corpora": {}}},
        {"retrieved_context": {"pathway_fingerprints_seen": 1.5}},
        {"metadata": [1]},
        {"metadata": {"contractor": 1}},
        {"model_role": False},
    ):
        bad = BadLines("skip")
        decode_line(json.dumps(field).encode(), decoder, bad, file="f", number=1)
        assert bad.count == 1, field


def test_a_path_may_begin_with_a_tilde_and_what_is_no_path_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "scored-runs/2026/01/01/a.jsonl", [{"evidence_run_id": "r1"}])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(read_scored_runs("~")) == 1
    assert len(read_scored_runs("~/data/scored-runs/2026/01/01/a.jsonl")) == 1
    for read in (read_scored_runs, read_evidence):
        with pytest.raises(TypeError, match="root_or_file must be a path, not NoneType None"):
            read(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="root must be a path, not int 5"):
        scored_run_files(5)  # type: ignore[arg-type]
