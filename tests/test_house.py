"""The house itself: lazy names, the direction of the imports, and what packaging says."""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import jarvis_lab

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jarvis_lab"
HEAVY = {
    *("pandas", "numpy", "pyarrow", "matplotlib", "ipywidgets", "sklearn", "scipy", "dask"),
    *("msgspec", "tqdm", "adbc_driver_sqlite", "zstandard"),
}
#: module or folder -> floor; a module imports only from floors below its own, or its own folder.
FLOORS = {
    "_checks": -2,
    "_files": 0,
    "_cells": -2,
    "_cell_estimates": -1,
    "_curves": 0,
    "_logged_value": 0,
    "_paired": 0,
    "_shrinkage": 0,
    "_stats": 0,
    "_tasks": 0,
    "_student": -1,
    "_weighted_value": 0,
    "samples": 0,
    "_schemes": 1,
    "records": 1,
    "records_lake": 1,
    "readers": 2,
    "classes": 2,
    "scores": 3,
    "review": 3,
    "routing": 4,
    "synthesis": 4,
    "evaluation": 5,
    "cluster": 6,
    "plots": 6,
    "widgets": 7,
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    """(module, line) of every import of this package anywhere in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jarvis_lab"):
            if node.module == "jarvis_lab":
                yield from ((alias.name, node.lineno) for alias in node.names)
            else:
                yield node.module.split(".", 1)[1], node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("jarvis_lab."):
                    yield alias.name.split(".", 1)[1], node.lineno


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, jarvis_lab; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not HEAVY & set(done.stdout.split())


def test_every_public_name_loads_and_is_documented():
    assert set(jarvis_lab._HOME) == set(jarvis_lab.__all__)
    for name in jarvis_lab.__all__:
        value = getattr(jarvis_lab, name)
        assert value.__doc__ or isinstance(value, Mapping), name
        home = importlib.import_module(jarvis_lab._HOME[name])
        assert name in home.__all__
    assert set(jarvis_lab.__all__) <= set(dir(jarvis_lab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = jarvis_lab.nothing


def test_imports_go_one_way():
    wrong = []
    for path in modules():
        mine = room(path)
        if mine == "__init__":
            continue
        for name, line in imported(path):
            theirs = name.split(".")[0]
            if theirs != mine and FLOORS[theirs] >= FLOORS[mine]:
                wrong.append(f"{path.name}:{line} imports {name}")
    assert not wrong


def test_every_module_has_a_floor_and_a_literal_all():
    for path in modules():
        if room(path) == "__init__":
            continue
        assert room(path) in FLOORS, f"{path.name} stands on no floor"
        tree = ast.parse(path.read_text("utf-8"))
        lists = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        ]
        if path.name == "__init__.py" and all(isinstance(n, ast.Expr) for n in tree.body):
            continue  # nothing but a docstring, or nothing
        assert len(lists) == 1, f"{path.name} has no __all__"
        ast.literal_eval(lists[0])


def test_modules_stay_small():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").split("\n"))
        for path in modules()
        if room(path) != "__init__"  # an index of names
    }
    assert not {name: length for name, length in lengths.items() if length > 330}


def test_review_and_readers_know_no_widgets():
    for path in modules():
        if room(path) != "widgets":
            assert "ipywidgets" not in path.read_text("utf-8").replace('"ipywidgets"', ""), path


def test_environment_yml_names_what_pyproject_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    expected = {*project["dependencies"], *extras["lab"], *extras["test"], *extras["dev"]}
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    conda = {item for item in environment["dependencies"] if isinstance(item, str)}
    (pip,) = (item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    python = {item for item in conda if item.startswith("python")}
    assert python == {f"python{project['requires-python']}"}
    named = {item for item in (conda | set(pip)) - python - {"pip"} if item != "-e ."}
    assert named == expected
    assert "-e ." in pip
