"""Notebook 03 in a real JupyterLab: controls move, and what a person reads follows."""

from __future__ import annotations

import json
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
PANEL = ".jl-explorer"
HAS = "([s, text]) => document.querySelector(s).innerText.includes(text)"
HAS_NOT = "([s, text]) => !document.querySelector(s).innerText.includes(text)"
SETTLED = (
    "s => { const e = document.querySelector(s); return e && !e.querySelector('.jl-waiting'); }"
)
#: JupyterLab takes cells that are far out of sight off the page.
SHOW = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const place = notebook.widgets.findIndex(
    cell => cell.model.sharedModel.getSource().startsWith('explorer = RoutingExplorer'));
  await notebook.scrollToItem(place);
}"""
HOSTILE = "<script>window.hacked = 1</script>$\\\\alpha$\\u202eevil"


@pytest.fixture
def explorer(page: Any, lab: Any) -> Any:
    return opened(page, lab)


def opened(page: Any, lab: Any) -> Any:
    """Run notebook 03; its last cells move the controls from code, and back."""
    shutil.copy(NOTEBOOK, lab.folder / NOTEBOOK.name)
    open_notebook(page, lab, NOTEBOOK.name)
    run_all(page, until=f"{PANEL} .jl-values")
    page.evaluate(SHOW)
    page.wait_for_selector(f"{PANEL} .jl-values")
    settle(page)
    page.wait_for_function(HAS, arg=[PANEL, "2026-04-12 22:19"])
    return page


def settle(page: Any) -> None:
    page.wait_for_function(SETTLED, arg=PANEL)


def part(page: Any, title: str) -> str:
    """Text of the part under a heading."""
    headings = page.locator(f"{PANEL} .widget-html-content", has=page.locator("h4"))
    return str(headings.filter(has_text=title).first.inner_text())


def follows(page: Any, titles: tuple[str, ...], move: Any) -> None:
    """Make a move, and wait until every one of the parts reads otherwise."""
    before = {title: part(page, title) for title in titles}
    move()
    for title in titles:
        page.wait_for_function(
            "([s, title, old]) => [...document.querySelectorAll(s + ' .widget-html-content')]"
            ".some(e => e.querySelector('h4')?.innerText.includes(title) && e.innerText !== old)",
            arg=[PANEL, title, before[title]],
        )
    settle(page)


def slide(page: Any, place: int, key: str, times: int) -> None:
    handle = page.locator(f"{PANEL} .noUi-handle").nth(place)
    handle.focus()
    for _ in range(times):
        handle.press(key)


def test_scores_tables_and_values_follow_a_slider_and_the_scheme(explorer: Any) -> None:
    page = explorer
    panel = page.locator(PANEL).first
    panel.scroll_into_view_if_needed()
    assert "0.78" in part(page, "Scores")
    assert "mistral-small:24b" in part(page, "Routing tables")
    assert "+0.079 better" in part(page, "What each policy is worth")
    assert "no estimator and no diagnostic can tell" in part(page, "What each policy is worth")

    follows(page, ("Scores", "What each policy is worth"), lambda: slide(page, 0, "ArrowRight", 4))
    page.wait_for_function(HAS, arg=[PANEL, "0.80"])

    classes = panel.get_by_label("Classes")
    follows(
        page,
        ("Scores", "Routing tables", "What each policy is worth", "Changes"),
        lambda: classes.select_option(label="agent"),
    )
    assert "by class (agent)" in part(page, "Scores")
    assert "by keyword" not in part(page, "Routing tables")

    classes.select_option(label="each its own")
    settle(page)
    narrow = ("Scores", "What each policy is worth", "Changes")
    follows(page, narrow, lambda: slide(page, 5, "PageDown", 9))
    slide(page, 5, "ArrowLeft", 2)
    page.wait_for_function(HAS, arg=[PANEL, "refused"])
    settle(page)
    assert "between 0." in part(page, "What each policy is worth")

    panel.get_by_label("Models that may be chosen").select_option(label="llama3.1:70b")
    page.wait_for_function(HAS, arg=[PANEL, "Both send every query to the same model."])
    assert page.script_errors == []


def test_the_table_is_saved_by_a_click_and_never_over_another_file(explorer: Any, lab: Any) -> None:
    page, target = explorer, lab.folder / "saved.json"
    panel = page.locator(PANEL).first
    panel.get_by_label("Chosen table").select_option(label="SFT")
    settle(page)
    field = panel.get_by_label("File")
    field.fill("saved.json")
    field.press("Enter")
    panel.get_by_role("button", name="Save the table").click()
    page.wait_for_function(HAS, arg=[PANEL, "Saved: SFT in saved.json"])
    assert json.loads(target.read_text())["policy_map"]["code"] == "qwen2.5-coder:14b"

    panel.get_by_label("Chosen table").select_option(label="learned")
    settle(page)
    panel.get_by_role("button", name="Save the table").click()
    page.wait_for_function(HAS, arg=[PANEL, "There is such a file already"])
    assert json.loads(target.read_text())["policy"] == "sft"
    panel.get_by_role("button", name="Replace the file").click()
    page.wait_for_function(HAS, arg=[PANEL, "Saved: learned in saved.json"])
    assert json.loads(target.read_text())["policy"] == "learned"
    target.unlink()


@pytest.mark.parametrize("width", [1400, 1000])
@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_explorer_can_be_read_in_both_themes(
    page: Any, lab: Any, shots: Path, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    opened(page, lab)
    set_theme(page, theme)
    shoot(page, PANEL, shots / f"routing-explorer-{theme.lower()}-{width}.png")
    assert faint_text(page, PANEL) == []
    assert cut_or_scrolling(page, PANEL) == []
    # ipywidgets names no slider handle; its label and value stand beside it.
    assert all(name for role, name in accessible_names(page, PANEL) if role != "slider")


def test_hostile_names_and_a_refusal_stay_inside_the_panel(
    page: Any, lab: Any, shots: Path
) -> None:
    name = lab.write_notebook(
        "hostile-explorer.ipynb",
        "import pandas as pd\nfrom jarvis_lab import AlwaysPolicy, RoutingExplorer\n"
        f"names = ['{HOSTILE}', 'b' * 10_000, 'שלום עולם']\n"
        "log = pd.DataFrame({'query': ['import os ' + names[0], 'hi', 'Solve ' + names[1]] * 60,\n"
        "                    'query_id': range(180),\n"
        "                    'model': [names[i % 7 % 3] for i in range(180)],\n"
        "                    'outcome': [['success', 'failure'][i % 5 % 2] for i in range(180)]})\n"
        "explorer = RoutingExplorer(log, {names[0]: AlwaysPolicy('nobody')})\nexplorer",
    )
    open_notebook(page, lab, name)
    run_all(page, until=f"{PANEL} .jl-values")
    settle(page)
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked = 1" in part(page, "Scores")
    assert "no times to choose a range from" in page.locator(PANEL).inner_text()
    assert "refused" in part(page, "What each policy is worth")
    shoot(page, PANEL, shots / "routing-explorer-hostile.png")
    # Wide tables scroll in a box of their own.
    assert [e for e in cut_or_scrolling(page, PANEL) if not e.startswith("jl-scroll")] == []
    assert page.script_errors == []
