"""Driving one notebook in JupyterLab, and asking the page what a person would notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = [
    "accessible_names",
    "command",
    "cut_or_scrolling",
    "faint_text",
    "focused",
    "open_notebook",
    "restart_kernel",
    "run_all",
    "set_theme",
    "shoot",
    "wait_for_focus",
    "wait_until_idle",
    "wait_until_saved",
]

_ROLES = {"button", "textbox", "combobox", "DisclosureTriangle", "checkbox", "slider"}

#: Elements of the panel whose text is cut or that have scroll bars of their own.
_CUT = """root => [...root.querySelectorAll('*')].filter(e => {
  const style = getComputedStyle(e);
  if (!e.offsetParent || e.matches('textarea, select, input, option, style')) return false;
  const wide = e.scrollWidth > e.clientWidth + 1, high = e.scrollHeight > e.clientHeight + 1;
  const bars = s => s === 'auto' || s === 'scroll';
  const hides = s => s === 'hidden' || s === 'clip';
  return (wide && (bars(style.overflowX) || hides(style.overflowX))) ||
         (high && (bars(style.overflowY) || hides(style.overflowY)));
}).map(e => e.className + ': ' + e.textContent.slice(0, 60))"""

#: Text whose contrast with what lies behind it is below 4.5 to 1 (WCAG AA).
_FAINT = """root => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = (css, under) => {
    canvas.fillStyle = `rgb(${under.join(',')})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const behind = e => {
    const chain = []; for (let n = e; n; n = n.parentElement) chain.unshift(n);
    return chain.reduce((c, n) => parse(getComputedStyle(n).backgroundColor, c), [255, 255, 255]);
  };
  const light = c => c.map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [];
  for (const e of root.querySelectorAll('*')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.offsetParent || e.matches(':disabled, style, option')) continue;
    const back = behind(e), front = parse(getComputedStyle(e).color, back);
    const [a, b] = [light(back), light(front)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = `${e.className}: ${e.textContent.slice(0, 40)}`;
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${name}`);
  }
  return faint;
}"""


#: The notebook in front has a kernel that is connected and has nothing to do.
_IDLE = """() => {
  const notebook = window.jupyterapp?.shell?.currentWidget;
  const context = notebook?.sessionContext, kernel = context?.session?.kernel;
  return context?.isReady && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
_FOCUSED = """() => { const e = document.activeElement;
  return (e.labels && e.labels.length ? e.labels[0].textContent : e.textContent)
    .trim().slice(0, 60); }"""


def open_notebook(page: Any, lab: Any, name: str) -> None:
    """Open a notebook alone, with the side bar closed, and wait for its kernel."""
    page.goto(lab.address(name))
    wait_until_idle(page)
    command(page, "application:toggle-left-area")


def wait_until_idle(page: Any) -> None:
    """Wait until the notebook is there and its kernel has nothing to do."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(_IDLE)


def restart_kernel(page: Any) -> None:
    """Give the notebook in front a new kernel."""
    page.evaluate(
        "() => { window.restarted = false; "
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        ".then(() => { window.restarted = true; }); }"
    )
    page.wait_for_function("() => window.restarted")
    wait_until_idle(page)


def wait_until_saved(page: Any) -> None:
    """Wait until the notebook in front has no unsaved changes."""
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")


def run_all(page: Any, *, until: str) -> None:
    """Run every cell and wait for the selector ``until``."""
    command(page, "notebook:run-all-cells")
    page.wait_for_selector(until)
    page.wait_for_function(_IDLE)


def command(page: Any, name: str, **arguments: Any) -> None:
    """Start a command of JupyterLab; wait for what it does, not for its promise."""
    page.evaluate(
        "([name, args]) => { window.jupyterapp.commands.execute(name, args); }",
        [name, arguments],
    )


def set_theme(page: Any, theme: str) -> None:
    """Switch JupyterLab to ``Light`` or ``Dark``."""
    command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")
    light = "true" if theme == "Light" else "false"
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


def focused(page: Any) -> str:
    """Name of the control that has the focus: its label, else its text."""
    return str(page.evaluate(_FOCUSED))


def wait_for_focus(page: Any, name: str) -> None:
    """Wait until the control of this name has the focus."""
    page.wait_for_function(f"name => ({_FOCUSED})() === name", arg=name)


def accessible_names(page: Any, selector: str) -> list[tuple[str, str]]:
    """Role and name of each control below ``selector``, as a screen reader is told."""
    session = page.context.new_cdp_session(page)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    found = session.send("Accessibility.queryAXTree", {"nodeId": node})["nodes"]
    session.detach()
    return [
        (item["role"]["value"], item.get("name", {}).get("value", ""))
        for item in found
        if not item["ignored"] and item["role"]["value"] in _ROLES
    ]


def cut_or_scrolling(page: Any, selector: str) -> list[str]:
    """Parts below ``selector`` whose content is cut or scrolls on its own."""
    return list(page.eval_on_selector(selector, _CUT))


def faint_text(page: Any, selector: str) -> list[str]:
    """Text below ``selector`` with a contrast below 4.5 to 1."""
    return list(page.eval_on_selector(selector, _FAINT))


def shoot(page: Any, selector: str, path: Path) -> None:
    """Take a picture of an element in a window that is high enough to show all of it."""
    size = page.viewport_size
    height = page.eval_on_selector(selector, "e => e.getBoundingClientRect().height")
    page.set_viewport_size({"width": size["width"], "height": int(height) + 420})
    page.locator(selector).scroll_into_view_if_needed()
    page.locator(selector).screenshot(path=str(path), animations="disabled")
    page.set_viewport_size(size)
