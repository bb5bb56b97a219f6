"""One JupyterLab for the session, one Chromium per module, a fresh page per test."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Path of the system's Chromium; ``JARVIS_LAB_CHROMIUM`` names another one."""
    named = os.environ.get("JARVIS_LAB_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str:
    """Why the browser tests cannot run here, or nothing."""
    for module in ("playwright", "jupyterlab"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed (pip install jarvis-lab[lab,test])"
    return "" if chromium() else f"no Chromium found (looked for {', '.join(NAMES)})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder and skip them, with the reason, where they cannot run."""
    here = Path(__file__).parent
    reason = missing()
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a running JupyterLab (``url``, ``token``, ``folder``)."""
    from lab import running_lab

    root = tmp_path_factory.mktemp("lab")
    with running_lab(root / "home", root / "notebooks") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield a headless Chromium; its event loop ends with the module, not in other tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Yield a fresh page; its script errors are in ``page.script_errors``."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    fresh = context.new_page()
    fresh.set_default_timeout(30_000)
    fresh.script_errors = []
    fresh.on("pageerror", lambda error: fresh.script_errors.append(str(error)))
    try:
        yield fresh
    finally:
        context.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    """Folder for screenshots: ``JARVIS_LAB_SCREENSHOTS`` or ``screenshots`` beside this file."""
    folder = Path(os.environ.get("JARVIS_LAB_SCREENSHOTS") or Path(__file__).parent / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep a picture of the page a test failed on."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and page is not None and report.when == "call":
        picture = Path(tempfile.mkdtemp(prefix="jarvis-lab-"), "failed.png")
        page.screenshot(path=str(picture))
        report.sections.append(("the page when it failed", str(picture)))
    return report
