"""The stored notebooks: made by the build script, small, checked where they quote numbers."""

import itertools
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
sys.path.insert(0, str(ROOT / "notebooks"))

from build import MARK, faults, parse  # noqa: E402


def stored(source):
    path = ROOT / "notebooks" / f"{source.stem}.ipynb"
    return path.read_text("utf-8")


def test_every_source_has_its_notebook_and_no_notebook_is_without_source():
    names = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert names == {source.stem for source in SOURCES}
    assert len(names) >= 3


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_stored_notebook_is_what_its_source_says(source):
    cells = json.loads(stored(source))["cells"]
    expected = [(cell.cell_type, cell.source) for cell in parse(source).cells]
    assert [(cell["cell_type"], "".join(cell["source"])) for cell in cells] == expected


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_checked_cells_are_stored_executed_with_output(source):
    import nbformat

    text = stored(source)
    notebook = nbformat.reads(text, as_version=4)
    assert faults(notebook, text) == []
    checked = [cell for cell in notebook.cells if MARK in cell.source]
    assert len(checked) >= 3
    # nbval compares nothing in a cell stored without an execution count.
    assert all(cell.execution_count and cell.outputs for cell in checked)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_sentence_stands_before_each_cell(source):
    kinds = [cell.cell_type for cell in parse(source).cells]
    assert kinds[0] == "markdown"
    assert ("code", "code") not in set(itertools.pairwise(kinds))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_parts_of_a_notebook_are_all_there(source):
    text = "\n".join(cell.source for cell in parse(source).cells if cell.cell_type == "markdown")
    for part in ("**Question.**", "**Data.**", "## Method", "## Result", "## Try it"):
        assert part in text
    assert "## What this does not show" in text


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_what_is_to_be_tried_is_imported_in_the_notebook_or_beside_it(source):
    import jarvis_lab

    cells = parse(source).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    (tries,) = [cell.source.split("## Try it")[1] for cell in cells if "## Try it" in cell.source]
    assert "jarvis_lab." not in tries
    known = {
        name
        for line in re.findall(r"^from jarvis_lab import (?:\([^)]*\)|.*)$", code, re.M)
        + re.findall(r"`from jarvis_lab import [\w, ]+`", tries)
        for name in re.findall(r"\w+", line)
    }
    called = set(re.findall(r"(?<![\w.])(\w+)\(", tries)) & set(jarvis_lab.__all__)
    assert called <= known
