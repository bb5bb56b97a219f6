"""A manifest says what was exported, and verify_export what has changed since."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from jarvis_lab.synthesis.manifest import (
    FileEntry,
    build_manifest,
    file_entry,
    manifest_path,
    write_manifest,
)
from jarvis_lab.synthesis.verify import verify_export


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    write_manifest(path, kind="test", settings={"x": 1}, excluded={"why": 3})
    return path


def test_a_fresh_export_is_intact(rows: Path) -> None:
    check = verify_export(rows)
    assert check
    assert check.problems == ()
    assert repr(check) == "ExportCheck(rows.jsonl.manifest.json: intact)"
    assert "intact" in check._repr_html_()


def test_a_manifest_holds_what_was_measured(rows: Path) -> None:
    content = json.loads(manifest_path(rows).read_bytes())
    assert content["kind"] == "test"
    assert content["settings"] == {"x": 1}
    assert content["excluded"] == {"why": 3}
    assert content["files"] == [
        {
            "name": "rows.jsonl",
            "bytes": 16,
            "lines": 2,
            "sha256": hashlib.sha256(rows.read_bytes()).hexdigest(),
        }
    ]
    assert str(rows.parent) not in manifest_path(rows).read_text()


def test_a_changed_byte_a_missing_line_and_a_missing_file_are_each_named(rows: Path) -> None:
    rows.write_bytes(b'{"a":1}\n{"a":3}\n')
    (problem,) = verify_export(rows).problems
    assert problem.startswith("rows.jsonl has sha256 ")
    rows.write_bytes(b'{"a":1}\n')
    problems = verify_export(rows).problems
    assert "rows.jsonl has 1 line, not the 2 of the manifest" in problems
    assert len(problems) == 3
    rows.unlink()
    (problem,) = verify_export(rows).problems
    assert problem == "rows.jsonl cannot be read: No such file or directory"


@pytest.mark.parametrize("cut", [False, True])
def test_an_edit_of_the_manifest_itself_is_named(rows: Path, cut: bool) -> None:
    target = manifest_path(rows)
    manifest = json.loads(target.read_bytes())
    manifest["counts"]["records_exported"] = 7
    if cut:
        del manifest["sha256"]
    target.write_text(json.dumps(manifest))
    (problem,) = verify_export(rows).problems
    assert problem.startswith("rows.jsonl.manifest.json itself was edited")
    assert problem.endswith("not absent") == cut


def test_a_manifest_that_was_only_laid_out_anew_is_intact(rows: Path) -> None:
    target = manifest_path(rows)
    target.write_text(json.dumps(json.loads(target.read_bytes()), indent=7))
    assert verify_export(rows)


def test_every_file_of_the_manifest_is_checked(rows: Path, tmp_path: Path) -> None:
    side = tmp_path / "side.jsonl"
    side.write_bytes(b"{}\n")
    write_manifest(rows, kind="test", settings={}, files=[file_entry(rows), file_entry(side)])
    assert verify_export(rows)
    side.write_bytes(b"{ }\n")
    check = verify_export(rows)
    assert not check
    assert {problem.split()[0] for problem in check.problems} == {"side.jsonl"}


def test_inputs_are_checked_against_a_root_if_one_is_given(rows: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    (lake / "data").mkdir(parents=True)
    source = lake / "data" / "in.jsonl"
    source.write_bytes(b"1\n")
    inputs = [file_entry(source, name="data/in.jsonl"), FileEntry("data/unreadable.jsonl")]
    write_manifest(rows, kind="test", settings={}, inputs=inputs)
    assert verify_export(rows, root=lake)
    source.write_bytes(b"2\n")
    assert verify_export(rows)
    assert "data/in.jsonl" in verify_export(rows, root=lake).problems[0]


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content, lines in ((b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)):
        path.write_bytes(content)
        assert file_entry(path).lines == lines


def test_a_missing_or_foreign_manifest_is_an_error(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Export it again"):
        verify_export(tmp_path / "other.jsonl")
    manifest = manifest_path(rows)
    good = manifest.read_text()
    for broken, message in (
        ("{", "is not a manifest"),
        ("[]", "is not a manifest"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "is not a manifest of an export: nested too deeply"),
        (good.replace('"manifest_version": 1', '"manifest_version": 2'), "manifest_version 2"),
        (good.replace('"rows.jsonl"', '"../rows.jsonl"'), "not a file name alone"),
        (good.replace('"rows.jsonl"', '"else.jsonl"'), "does not name 'rows.jsonl'"),
    ):
        assert broken != good
        manifest.write_text(broken)
        with pytest.raises(ValueError, match=message):
            verify_export(rows)


def test_a_manifest_refuses_paths_of_this_machine(rows: Path) -> None:
    with pytest.raises(ValueError, match="file name alone"):
        build_manifest("test", settings={}, files=[FileEntry("a/b.jsonl")])
    with pytest.raises(ValueError, match="relative to the root"):
        build_manifest("test", settings={}, files=[], inputs=[FileEntry(str(rows.absolute()))])


def test_names_are_escaped_where_a_notebook_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "<b>.jsonl"
    path.write_bytes(b"{}\n")
    write_manifest(path, kind="test", settings={})
    assert "<b>.jsonl" not in verify_export(path)._repr_html_()


def test_a_tilde_in_the_path_of_an_export_is_the_home_folder(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(rows.parent))
    assert verify_export(f"~/{rows.name}")
