"""Notebook 03 in a real JupyterLab: a slider moves, the scheme changes, both tables follow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from driving import (
    accessible_names,
    cut_or_scrolling,
    faint_text,
    open_notebook,
    run_all,
    set_theme,
    shoot,
)

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_routing_comparison.ipynb"
PANEL = ".jl-review"
HAS = "([s, text]) => document.querySelector(s).innerText.includes(text)"


@pytest.fixture
def explorer(page: Any, lab: Any) -> Any:
    shutil.copy(NOTEBOOK, lab.folder / NOTEBOOK.name)
    open_notebook(page, lab, NOTEBOOK.name)
    run_all(page, until=f"{PANEL} table")
    # The notebook's last cells move the controls from code.
    page.wait_for_function(HAS, arg=[PANEL, "SFTRouterPolicy (regex)"])
    return page


def test_tables_and_disagreements_follow_the_controls(explorer: Any) -> None:
    page, panel = explorer, explorer.locator(PANEL).first
    panel.scroll_into_view_if_needed()
    panel.locator("select").first.select_option(label="each its own")
    page.wait_for_function(HAS, arg=[PANEL, "SFTRouterPolicy (keyword)"])
    page.wait_for_function(HAS, arg=[PANEL, "Disagreements on 40.7% of the traffic"])

    handle = panel.locator(".noUi-handle").first
    handle.focus()
    for _ in range(3):
        handle.press("ArrowRight")
    page.wait_for_function(HAS, arg=[PANEL, "33"])

    panel.locator("select").nth(1).select_option(label="llama3.1:70b")
    page.wait_for_function(HAS, arg=[PANEL, "Both tables send every query to the same model."])
    assert page.script_errors == []


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_explorer_can_be_read_in_both_themes(explorer: Any, shots: Path, theme: str) -> None:
    page = explorer
    set_theme(page, theme)
    page.locator(f"{PANEL} select").first.select_option(label="each its own")
    page.wait_for_function(HAS, arg=[PANEL, "SFTRouterPolicy (keyword)"])
    shoot(page, PANEL, shots / f"routing-explorer-{theme.lower()}.png")
    assert faint_text(page, PANEL) == []
    assert cut_or_scrolling(page, PANEL) == []
    # ipywidgets names no slider handle; its value stands beside it and can be typed.
    assert all(name for role, name in accessible_names(page, PANEL) if role != "slider")
