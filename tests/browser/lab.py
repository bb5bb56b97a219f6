"""A real JupyterLab on a loopback port, with an empty home, that is gone when the block ends."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat

REPOSITORY = Path(__file__).resolve().parents[2]
_PDEATHSIG = 1


@dataclass(frozen=True)
class Lab:
    """Where the server is, and the folder whose notebooks it serves."""

    url: str
    token: str
    folder: Path

    def address(self, notebook: str) -> str:
        """Address of a notebook alone in its own workspace (no tabs of earlier tests)."""
        workspace = secrets.token_hex(4)
        path = quote(notebook)
        return f"{self.url}lab/workspaces/{workspace}/tree/{path}?token={self.token}"

    def write_notebook(self, name: str, *cells: str) -> str:
        """Write an unexecuted notebook of code cells and return its name."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        book.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(book, self.folder / name)
        return name


def _environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "share"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(REPOSITORY),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _die_with_parent() -> None:
    """Let Linux end the server even when pytest itself is killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").prctl(_PDEATHSIG, signal.SIGTERM)


def _command(token: str, root: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.terminals_enabled=False",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def _settings(home: Path) -> None:
    """No news toast, no save prompts between the test and the notebook."""
    folder = home / "jupyter" / "lab" / "user-settings" / "@jupyterlab"
    for plugin, name, values in (
        ("apputils-extension", "notification", {"fetchNews": "false", "checkForUpdates": False}),
        ("docmanager-extension", "plugin", {"autosave": False}),
        ("apputils-extension", "themes", {"theme": "JupyterLab Light", "adaptive-theme": False}),
    ):
        (folder / plugin).mkdir(parents=True, exist_ok=True)
        (folder / plugin / f"{name}.jupyterlab-settings").write_text(json.dumps(values))


def _wait_until_up(process: subprocess.Popen[bytes], home: Path, token: str) -> str:
    for _ in range(600):
        if process.poll() is not None:
            log = (home / "lab.log").read_text(errors="replace")
            raise RuntimeError(f"JupyterLab ended with {process.returncode}:\n{log[-4000:]}")
        for info in (home / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(OSError, ValueError):
                url = str(json.loads(info.read_text())["url"]).replace("localhost", "127.0.0.1")
                with urllib.request.urlopen(f"{url}api/status?token={token}", timeout=5):
                    return url
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not answer within a minute.")


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM lets the server end its kernels; SIGKILL for whatever is left after 20 s."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@contextlib.contextmanager
def running_lab(home: Path, folder: Path) -> Iterator[Lab]:
    """Start JupyterLab over ``folder`` with ``home`` as an empty home, and end it for sure."""
    folder.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    (home / "runtime").mkdir(mode=0o700)
    _settings(home)
    token = secrets.token_hex(16)
    with open(home / "lab.log", "wb") as log:
        process = subprocess.Popen(
            _command(token, folder),
            env=_environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        try:
            yield Lab(url=_wait_until_up(process, home, token), token=token, folder=folder)
        finally:
            _end(process)
