"""Driving one notebook in JupyterLab: open it, run it, find the widgets in it."""

from __future__ import annotations

from typing import Any

__all__ = ["command", "open_notebook", "run_all", "save", "set_theme"]


def open_notebook(page: Any, lab: Any, name: str) -> None:
    """Open a notebook alone, with the side bar closed, and wait for its kernel."""
    page.goto(lab.address(name))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.keyboard.press("Control+b")


def run_all(page: Any, *, until: str) -> None:
    """Run every cell through the menu and wait for the selector ``until``."""
    command(page, "notebook:run-all-cells")
    page.wait_for_selector(until)


def command(page: Any, name: str, **arguments: Any) -> None:
    """Run a command of JupyterLab."""
    page.evaluate(
        "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
    )


def save(page: Any) -> None:
    """Save the notebook with its outputs."""
    command(page, "docmanager:save")


def set_theme(page: Any, theme: str) -> None:
    """Switch JupyterLab to ``JupyterLab Light`` or ``JupyterLab Dark``."""
    command(page, "apputils:change-theme", theme=theme)
    dark = "false" if theme.endswith("Dark") else "true"
    page.wait_for_selector(f"body[data-jp-theme-light='{dark}']", state="attached")
