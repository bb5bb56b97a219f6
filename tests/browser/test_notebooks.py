"""The stored notebooks that show a widget, run from top to bottom in a real JupyterLab."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from driving import cut_or_scrolling, open_notebook, run_all, shoot

ROOT = Path(__file__).resolve().parents[2]
#: notebook -> what its widget shows once it is there
WIDGETS = {"04_correction_review": ".jl-review textarea"}


@pytest.mark.parametrize("name", WIDGETS)
def test_the_notebook_runs_and_shows_its_widget(
    page: Any, lab: Any, shots: Path, name: str
) -> None:
    if not (ROOT / "data" / "bench_results").is_dir():
        pytest.skip("the generated sample is not here (data/)")
    shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", lab.folder)
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page, until=WIDGETS[name])
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.script_errors == []
    panel = WIDGETS[name].split()[0]
    assert cut_or_scrolling(page, panel) == []
    shoot(page, panel, shots / f"{name}.png")
