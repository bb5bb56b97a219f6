"""Make the notebooks: `python notebooks/build.py [name ...]` runs notebooks/src/*.py into *.ipynb.

A source is a Python file in cells: `# %%` begins a code cell, `# %% [markdown]` a text cell whose
lines begin with `# `. Each is run in a fresh kernel, in an empty folder and on the sample, and
stored with its outputs, without timings, machine paths, ports or widget states.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parent.resolve()
WIDGET = "application/vnd.jupyter.widget-view+json"
MARK = "# NBVAL_CHECK_OUTPUT"
PORT = re.compile(r"(http://127\.0\.0\.1:)\d+")
MOST_BYTES = 300_000
MOST_LINES = 12


def parse(source: Path) -> nbformat.NotebookNode:
    """The notebook of a source file, not yet run."""
    cells: list[tuple[bool, list[str]]] = []
    for line in source.read_text("utf-8").split("\n"):
        if line.startswith("# %%"):
            cells.append((line.endswith("[markdown]"), []))
        elif cells:
            cells[-1][1].append(line)
    notebook = new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for place, (is_text, lines) in enumerate(cells):
        if is_text:
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines).strip()
            cell = new_markdown_cell(text)
        else:
            cell = new_code_cell("\n".join(lines).strip())
        cell["id"] = f"cell-{place:02d}"
        notebook.cells.append(cell)
    return notebook


def run(notebook: nbformat.NotebookNode, *, settings: dict[str, str]) -> None:
    """Run the notebook in place, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if not k.startswith("JARVIS_LAB_")}
        env |= settings
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            record_timing=False,
            store_widget_state=False,
            extra_arguments=["--log-level=40"],  # warnings about the transport say nothing here
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=env)


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what would differ on the next machine."""
    for cell in notebook.cells:
        cell["metadata"] = {}
        if cell.cell_type == "code":
            cell["outputs"] = [
                output for output in cell.outputs if WIDGET not in output.get("data", {})
            ]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = smaller(output.data["image/png"])
                if output.output_type == "stream":
                    output.pop("metadata", None)
                    output["text"] = PORT.sub(r"\1<port>", output.text)


def smaller(png: str) -> str:
    """The picture in 256 colours, which is enough for a plot and a third of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "RGBA" and picture.getextrema()[3] != (255, 255):
        return png
    packed = io.BytesIO()
    plain = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    plain.save(packed, "png", optimize=True)
    return base64.b64encode(packed.getvalue()).decode("ascii")


def faults(notebook: nbformat.NotebookNode, text: str) -> list[str]:
    """What would be wrong with storing this notebook."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        lines = cell.source.split("\n")
        if len(lines) > MOST_LINES:
            found.append(f"a cell of {len(lines)} lines: {lines[0]}")
        if any(output.get("name") == "stderr" for output in cell.outputs):
            found.append(f"a cell that writes to stderr: {lines[0]}")
        if MARK in cell.source and not cell.outputs:
            found.append(f"a checked cell without output: {lines[0]}")
    if sum(MARK in cell.source for cell in code) < 3:
        found.append("fewer than 3 checked cells")
    if len(text.encode("utf-8")) > MOST_BYTES:
        found.append(f"{len(text.encode('utf-8')):,} bytes")
    if " at 0x" in text:
        found.append("an object's address")
    found += [f"the path {path}" for path in {str(ROOT), str(Path.home())} if path + "/" in text]
    return found


def main() -> int:
    """Build all notebooks, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="stems in notebooks/src (default: all)")
    chosen = parser.parse_args().names
    sources = sorted((HERE / "src").glob("*.py"))
    for source in [s for s in sources if not chosen or s.stem in chosen]:
        notebook = parse(source)
        run(notebook, settings={})
        clean(notebook)
        target = HERE / f"{source.stem}.ipynb"
        text = nbformat.writes(notebook) + "\n"
        wrong = faults(notebook, text)
        if wrong:
            print(f"{target.name} was not stored: {'; '.join(wrong)}", file=sys.stderr)
            return 1
        target.write_text(text, "utf-8")
        print(f"{target.name}: {len(text) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
