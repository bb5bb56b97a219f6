"""The export of a lake: the original's bytes, whole or not at all, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from jarvis_lab.synthesis.export import export_sft
from jarvis_lab.synthesis.part import LakeChangedError
from jarvis_lab.synthesis.sft_export import SftExport
from jarvis_lab.synthesis.verify import verify_export
from jarvis_lab.synthesis.workers import Crew

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "lake"
EXPECTED = HERE / "golden" / "lake_expected_go.jsonl"
AT = "2026-01-01T00:00:00Z"


def run(lake: Path, **options: object) -> SftExport:
    return export_sft(lake, **{"recorded_at": AT, "progress": False} | options)  # type: ignore[arg-type]


def put(root: Path, name: str, rows: bytes | list[dict[str, object]]) -> Path:
    path = root / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, list):
        rows = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    path.write_bytes(rows)
    return path


def scored(run_id: str, category: str | None = "accepted") -> dict[str, object]:
    return {"evidence_run_id": run_id, "category": category, "provenance": {"sig_hash": run_id}}


def answer(run_id: str, text: str = "done", role: str = "executor") -> dict[str, object]:
    return {
        "run_id": run_id,
        "model_role": role,
        "text": text,
        "model_name": "<i>m</i>",
        "provenance": {"source_file": "data/_kb/outcomes.jsonl"},
    }


def fill(root: Path, *, days: int = 2, runs: int = 3, text: str = "done") -> Path:
    for day in range(1, days + 1):
        ids = [f"r{day}-{number}" for number in range(runs)]
        put(root, f"scored-runs/2026/01/{day:02}/a.jsonl", [scored(name) for name in ids])
        put(root, f"evidence/2026/01/{day:02}/a.jsonl", [answer(name, text) for name in ids])
    return root


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The original's output


@pytest.mark.parametrize("workers", [1, 2])
def test_the_golden_lake_comes_out_byte_for_byte(tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out.jsonl"
    result = run(GOLDEN, output=out, escape_html=True, workers=workers)
    assert out.read_bytes() == EXPECTED.read_bytes()
    assert result.scored_files_read == 5
    assert result.records_read == 520
    assert result.records_exported == 128
    assert result.records_quarantined == 213
    assert result.quarantine_summary == "firewall=213, not-instructable=179"
    assert verify_export(out, root=GOLDEN)


def test_without_html_escapes_the_golden_lake_is_equal_as_json(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run(GOLDEN, output=out)
    assert rows(out) == rows(EXPECTED)
    content = out.read_bytes()
    assert content != EXPECTED.read_bytes()
    assert b"\\u003c" not in content
    assert "数学".encode() in content
    assert b"\r" not in content


def test_every_golden_record_is_accounted_for(tmp_path: Path) -> None:
    result = run(GOLDEN, output=tmp_path / "out.jsonl")
    table = result.excluded()
    assert list(table.columns) == ["file", "line", "run_id", "category", "reason", "detail"]
    of_records = table[~table["reason"].str.startswith("bad line")]
    assert len(of_records) + result.records_exported == result.records_read
    assert result.bad_lines == table["reason"].str.startswith("bad line").sum() > 0
    assert table["reason"].value_counts().to_dict() == result.reasons
    assert sum(result.categories.values()) == result.records_read
    assert sum(result.models.values()) == result.records_exported
    balance = result.balance().groupby("by")["rows"].sum()
    assert balance.to_dict() == dict.fromkeys(
        ["source class", "model", "category", "length"], result.records_exported
    )
    ids = [row["id"] for row in rows(tmp_path / "out.jsonl")]
    assert result.duplicate_ids == len(ids) - len(set(ids)) > 0


def test_unique_ids_hold_the_day_and_repeat_nowhere(tmp_path: Path) -> None:
    result = run(GOLDEN, output=tmp_path / "out.jsonl", unique_ids=True)
    ids = [str(row["id"]) for row in rows(tmp_path / "out.jsonl")]
    assert result.duplicate_ids == 0
    assert len(set(ids)) == len(ids) == 128
    assert ids[0] == "2025/12/31/alpha.jsonl:4"


def test_data_and_manifest_are_the_same_bytes_with_any_workers_in_any_place(
    tmp_path: Path,
) -> None:
    found = []
    for number, workers in enumerate((1, 2, 3)):
        lake = tmp_path / f"copy{number}"
        shutil.copytree(GOLDEN, lake)
        run(lake, workers=workers)
        folder = lake / "data" / "distilled" / "sft"
        assert names(folder) == ["sft_export.jsonl", "sft_export.jsonl.manifest.json"]
        found.append([(folder / name).read_bytes() for name in names(folder)])
        assert str(tmp_path).encode() not in found[-1][1]
    assert found[0] == found[1] == found[2]


# What goes in


def test_include_partial_relaxes_the_role_and_nothing_else(tmp_path: Path) -> None:
    runs = [scored("a"), scored("b", "rejected"), scored("c"), scored("d")]
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", runs)
    evidence = [answer("a", role="other"), answer("b"), answer("c", " \n"), answer("d")]
    put(tmp_path, "evidence/2026/01/02/a.jsonl", evidence)
    out = tmp_path / "o.jsonl"
    run(tmp_path, output=out)
    assert [row["source_run_id"] for row in rows(out)] == ["d"]
    result = run(tmp_path, output=out, include_partial=True)
    assert [row["source_run_id"] for row in rows(out)] == ["a", "d"]
    assert result.quarantine_summary == "firewall=1, not-instructable=1"


def test_the_last_readable_evidence_of_a_run_wins(tmp_path: Path) -> None:
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", [scored("a"), scored("a"), scored("b")])
    evidence: list[dict[str, object]] = [
        answer("b", "only"),
        answer("a", "first"),
        answer("a", "last"),
        answer("a") | {"text": 5},
    ]
    put(tmp_path, "evidence/2026/01/02/a.jsonl", evidence)
    run(tmp_path, output=tmp_path / "o.jsonl")
    found = [(row["id"], row["response"]) for row in rows(tmp_path / "o.jsonl")]
    assert found == [("a.jsonl:0", "last"), ("a.jsonl:1", "last"), ("a.jsonl:2", "only")]


def test_later_evidence_that_makes_no_sample_unmakes_an_earlier_one(tmp_path: Path) -> None:
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", [scored("a")])
    put(tmp_path, "evidence/2026/01/02/a.jsonl", [answer("a"), answer("a", role="other")])
    result = run(tmp_path, output=tmp_path / "o.jsonl")
    assert (result.records_exported, result.reasons) == (0, {"not instructable: model role": 1})
    assert result.excluded().loc[0, "detail"] == "other"


def test_bad_lines_do_not_count_in_the_index_and_are_listed(tmp_path: Path) -> None:
    good = json.dumps(scored("a")).encode()
    content = b"\xef\xbb\xbf" + good + b"\r\n\r\n{oops\r\n" + good.replace(b'"a"', b'"\xff"')
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", content + b"\r\n" + good)
    evidence = json.dumps(answer("a")).encode() + b"\n" + b"null\n"
    put(tmp_path, "evidence/2026/01/02/a.jsonl", evidence)
    result = run(tmp_path, output=tmp_path / "o.jsonl")
    assert [row["id"] for row in rows(tmp_path / "o.jsonl")] == ["a.jsonl:1"]
    assert (result.bad_lines, result.replaced_lines, result.records_read) == (3, 1, 2)
    table = result.excluded()
    assert list(table["line"]) == [1, 3, 4, 2]
    assert list(table["reason"]) == [
        "bad line: scored run",
        "bad line: scored run",
        "not instructable: no evidence",
        "bad line: evidence",
    ]
    assert table.loc[2, "run_id"] == "\ufffd"


def test_what_cannot_be_read_counts_gives_nothing_and_is_listed(tmp_path: Path) -> None:
    lake = fill(tmp_path / "lake", days=1)
    day = lake / "data" / "scored-runs" / "2026" / "01" / "01"
    outside = put(tmp_path, "outside.jsonl", [scored("out")])
    (day / "folder.jsonl").mkdir()
    (day / "link.jsonl").symlink_to(outside)
    os.mkfifo(day / "pipe.jsonl")
    (day.parent / "02").symlink_to(tmp_path / "data", target_is_directory=True)
    (lake / "data" / "evidence" / "2026" / "01" / "01" / "b.jsonl").symlink_to(outside)
    put(lake, "scored-runs/2026/01/01/b.jsonl", [scored("b")])
    result = run(lake)
    assert (result.scored_files_read, result.records_read, result.records_exported) == (5, 4, 3)
    table = result.excluded()
    table = table[table["reason"] == "unreadable"]
    assert table["line"].isna().all()
    assert dict(zip(table["file"].str.split("/01/").str[1], table["detail"], strict=True)) == {
        "02": "symlink out of the lake: give the lake's own folder as root",
        "01/b.jsonl": "symlink out of the lake: give the lake's own folder as root",
        "01/folder.jsonl": "a folder named like a file",
        "01/link.jsonl": "symlink out of the lake: give the lake's own folder as root",
        "01/pipe.jsonl": "not a regular file",
    }
    assert verify_export(result.output_path, root=lake)


def test_an_answer_of_fifty_megabytes_is_exported(tmp_path: Path) -> None:
    lake = fill(tmp_path, days=1, runs=2, text="y" * 25_000_000)
    result = run(lake)
    assert [len(str(row["response"])) for row in rows(result.output_path)] == [25_000_000] * 2


def test_a_file_name_that_is_no_utf8_makes_a_readable_id(tmp_path: Path) -> None:
    lake = fill(tmp_path, days=1, runs=1)
    for kind in ("scored-runs", "evidence"):
        path = lake / "data" / kind / "2026" / "01" / "01" / "a.jsonl"
        os.rename(path, os.fsencode(path.parent) + b"/\xff.jsonl")
    result = run(lake)
    assert [row["id"] for row in rows(result.output_path)] == ["\ufffd.jsonl:0"]


def test_control_characters_and_separators_survive(tmp_path: Path) -> None:
    text = "\x00\x1f\x7f\b\f\u2028\u2029\u0085</script>\\ud800"
    lake = fill(tmp_path, days=1, runs=1, text=text)
    for escape_html in (False, True):
        result = run(lake, escape_html=escape_html)
        assert rows(result.output_path)[0]["response"] == text
        content = result.output_path.read_bytes()
        assert (b"\\u2028\\u2029" in content) == escape_html
        assert (b"</script>" in content) != escape_html


# What comes out, or does not


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_to_write_leaves_no_file_and_an_older_export_stays(
    tmp_path: Path, workers: int
) -> None:
    for day in (1, 2):
        put(tmp_path, f"scored-runs/2026/01/0{day}/a.jsonl", [scored("a", "rejected")])
    out = tmp_path / "out.jsonl"
    result = run(tmp_path, output=out, workers=workers)
    assert (result.written, result.note) == (False, "no record passed")
    assert names(tmp_path) == ["data"]
    out.write_bytes(b"older")
    result = run(tmp_path, output=out, workers=workers)
    assert "older export" in result.note
    assert str(out) in repr(result)
    assert out.read_bytes() == b"older"
    assert names(tmp_path) == ["data", "out.jsonl"]


def test_a_lake_without_scored_runs_is_an_empty_result(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.scored_files_read, result.records_read, result.written) == (0, 0, False)
    assert result.note == "the lake has no scored runs"
    assert names(tmp_path) == []
    assert len(result.excluded()) == len(result.balance()) == 0
    assert str(result.excluded().dtypes["line"]) == "Int64"
    assert "the lake has no scored runs" in result._repr_html_()


def test_a_lake_that_is_not_read_for_a_link_out_of_it_says_so(tmp_path: Path) -> None:
    elsewhere, lake = fill(tmp_path / "elsewhere"), tmp_path / "lake"
    lake.mkdir()
    (lake / "data").symlink_to(elsewhere / "data")
    assert run(lake).note.startswith("data/scored-runs was not read (symlink out of the lake")


def test_a_model_without_a_name_is_named_so_on_the_card(tmp_path: Path) -> None:
    put(tmp_path, "scored-runs/2026/01/01/a.jsonl", [scored("a")])
    put(tmp_path, "evidence/2026/01/01/a.jsonl", [{**answer("a"), "model_name": None}])
    result = run(tmp_path)
    assert result.models == {"": 1}
    assert ">(unnamed)<" in result._repr_html_()


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    result = run(fill(tmp_path), dry_run=True)
    assert (result.records_exported, result.written, result.note) == (6, False, "dry run")
    assert names(tmp_path / "data") == ["evidence", "scored-runs"]


def test_wrong_arguments_are_named_before_anything_is_read(tmp_path: Path) -> None:
    lake = fill(tmp_path)
    with pytest.raises(TypeError):
        export_sft(lake)  # type: ignore[call-arg]
    for options, error, message in (
        ({"recorded_at": ""}, ValueError, "recorded_at must not be empty"),
        ({"recorded_at": 5}, TypeError, "recorded_at must be text"),
        ({"recorded_at": "\ud800"}, ValueError, "printable"),
        ({"workers": 0}, ValueError, "workers=0 must be at least 1"),
        *(
            ({name: "no"}, TypeError, f"{name} must be True or False, not 'no'")
            for name in ("include_partial", "dry_run", "unique_ids", "escape_html")
        ),
        ({"output": "/dev/null"}, FileExistsError, "a device or a pipe"),
        ({"output": tmp_path / "no" / "out.jsonl"}, FileNotFoundError, "Create it first"),
        ({"output": tmp_path}, IsADirectoryError, "is a folder"),
        (
            {"output": lake / "data" / "evidence" / "2026" / "01" / "01" / "a.jsonl"},
            ValueError,
            "among the lake's inputs",
        ),
    ):
        with pytest.raises(error, match=message):
            run(lake, **options)
    with pytest.raises(ValueError, match="root must not be empty"):
        run("")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="root must be a path, not NoneType None"):
        run(None)  # type: ignore[arg-type]
    assert run(lake).records_exported == 6


def test_the_card_escapes_what_a_model_is_called(tmp_path: Path) -> None:
    html = run(fill(tmp_path))._repr_html_()
    assert "<i>m</i>" not in html
    assert "&lt;i&gt;m&lt;/i&gt;" in html
    assert "exported 100%" in html


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_a_lake_that_changes_between_the_passes_is_an_error(
    tmp_path: Path, change: str, workers: int
) -> None:
    lake = fill(tmp_path / "lake", days=3)
    out = tmp_path / "out.jsonl"
    before = run(lake, output=out)
    content = out.read_bytes()
    last = lake / "data" / "scored-runs" / "2026" / "01" / "03" / "a.jsonl"

    def change_it() -> None:
        if change == "edit":
            put(lake, "scored-runs/2026/01/03/a.jsonl", [scored("r3-0", "rejected")])
        elif change == "remove":
            last.unlink(missing_ok=True)
        else:
            put(lake, "scored-runs/2026/01/04/a.jsonl", [scored("r3-0", "rejected")])

    share = Crew.share

    def share_late(self: Crew, *values: object) -> None:
        change_it()
        share(self, *values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Crew, "share", share_late)
        with pytest.raises(LakeChangedError, match="Nothing was exported"):
            run(lake, output=out, workers=workers)
    assert before.written
    assert out.read_bytes() == content
    assert names(tmp_path) == ["lake", "out.jsonl", "out.jsonl.manifest.json"]


# Who reads it


@pytest.mark.filterwarnings("default")
def test_the_export_loads_with_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    result = run(GOLDEN, output=tmp_path / "out.jsonl")
    loaded = datasets.load_dataset(
        "json",
        data_files=str(result.output_path),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    # Its reader takes the text of a time for a time; the other fields come as they are.
    times = ["created_at", "provenance"]
    written = [{k: v for k, v in row.items() if k not in times} for row in rows(EXPECTED)]
    assert list(loaded.remove_columns(times)) == written
    hashes = [row["provenance"]["sig_hash"] for row in rows(EXPECTED)]  # type: ignore[index]
    assert [row["sig_hash"] for row in loaded["provenance"]] == hashes
    assert loaded.column_names == list(rows(EXPECTED)[0])


@pytest.mark.parametrize("first", ["accepted", "partially_accepted"])
def test_whole_and_half_qualities_load_as_one_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    other = "partially_accepted" if first == "accepted" else "accepted"
    ids = [f"r{number}" for number in range(20)]
    runs = [scored(name, first if number < 19 else other) for number, name in enumerate(ids)]
    put(tmp_path, "scored-runs/2026/01/02/a.jsonl", runs)
    put(tmp_path, "evidence/2026/01/02/a.jsonl", [answer(name) for name in ids])
    result = run(tmp_path)
    loaded = datasets.load_dataset(
        "json",
        data_files=str(result.output_path),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    qualities = [row["quality_score"] for row in rows(result.output_path)]
    assert loaded["quality_score"][:] == qualities
    assert sorted(set(qualities)) == [0.5, 1]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = export_sft(GOLDEN, recorded_at="now", output="~/out.jsonl", progress=False)
    assert result.output_path == tmp_path / "out.jsonl"
    assert (tmp_path / "out.jsonl").is_file()


def test_no_more_processes_than_files_are_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    plain = Crew.__init__

    def counted(self: Crew, workers: int) -> None:
        started.append(workers)
        plain(self, workers)

    monkeypatch.setattr(Crew, "__init__", counted)
    run(fill(tmp_path, days=2), workers=9)
    assert started == [2]
