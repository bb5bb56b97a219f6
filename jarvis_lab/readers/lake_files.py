"""The files of a lake, in the order in which they are read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["LakeFile", "evidence_file", "lake_files", "lake_root", "scored_run_files"]

_SUFFIX = ".jsonl"
_LEVELS = 3
_OUTSIDE = "symlink out of the lake: give the lake's own folder as root"


@dataclass(frozen=True)
class LakeFile:
    """An entry of a lake: a file, or something that stands where a file should.

    Attributes
    ----------
    name : str
        Path below the root, with forward slashes; bytes that are no UTF-8 read as U+FFFD.
    path : Path
        Where to open it.
    problem : str
        Why it must not or cannot be opened; empty for a file.
    is_folder : bool
        Whether it is a folder above the files, which could not be entered.
    """

    name: str
    path: Path
    problem: str = ""
    is_folder: bool = False


def lake_root(root: str | os.PathLike[str]) -> Path:
    """Give ``root`` as a path.

    Raises
    ------
    ValueError
        If ``root`` is empty.
    TypeError
        If ``root`` is no path.
    NotADirectoryError
        If ``root`` is a file.
    """
    if not isinstance(root, (str, os.PathLike)):
        raise TypeError(
            f"root must be a path, not {type(root).__name__} {root!r:.80}. "
            "Give the folder that holds data/scored-runs."
        )
    if isinstance(root, str) and not root.strip():
        raise ValueError("root must not be empty. Give the folder that holds data/scored-runs.")
    path = Path(root).expanduser()
    if path.is_file():
        raise NotADirectoryError(
            f"root={str(path)!r} is a file. Give the folder that holds data/scored-runs."
        )
    return path


def scored_run_files(root: str | os.PathLike[str]) -> list[Path]:
    """Files of scored runs below ``root``, in the order in which an export reads them.

    Parameters
    ----------
    root
        The lake: the folder that holds ``data/scored-runs/YYYY/MM/DD/*.jsonl``.

    Returns
    -------
    list of Path
        Sorted by year, month, day and name, each by its bytes. A missing folder gives none.
        Left out: folders named like a file, anything that is not a regular file, and symbolic
        links that lead out of ``root`` (an export lists those in ``excluded()``).

    Raises
    ------
    ValueError
        If ``root`` is empty.
    NotADirectoryError
        If ``root`` is a file.

    Examples
    --------
    >>> scored_run_files("a folder that does not exist")
    []
    """
    files = lake_files(lake_root(root), "scored-runs")
    return [file.path for file in files if not file.problem]


def lake_files(root: Path, kind: Literal["scored-runs", "evidence"]) -> list[LakeFile]:
    """Every ``*.jsonl`` three folders below ``data/<kind>``, and the folders refused."""
    found: list[LakeFile] = []
    _walk(root / "data" / kind, root, 0, found)
    return found


def evidence_file(root: Path, scored: LakeFile) -> LakeFile | None:
    """The evidence that belongs to a file of scored runs; None if there is none."""
    below = scored.path.relative_to(root / "data" / "scored-runs")
    path = root / "data" / "evidence" / below
    return _file(path, root) if os.path.lexists(path) else None


def _walk(folder: Path, root: Path, level: int, found: list[LakeFile]) -> None:
    problem, names = "", list[str]()
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            return
        if _is_inside(folder, root):
            names = sorted(os.listdir(folder), key=os.fsencode)
        else:
            problem = _OUTSIDE
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        problem = f"the folder cannot be listed: {error.strerror}"
    if problem:
        found.append(LakeFile(_name(folder, root), folder, problem, is_folder=True))
    for name in names:
        if level < _LEVELS:
            _walk(folder / name, root, level + 1, found)
        elif name.endswith(_SUFFIX):
            found.append(_file(folder / name, root))


def _file(path: Path, root: Path) -> LakeFile:
    return LakeFile(_name(path, root), path, _problem(path, root))


def _problem(path: Path, root: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not _is_inside(path, root):
        return _OUTSIDE
    if stat.S_ISDIR(mode):
        return "a folder named like a file"
    return "" if stat.S_ISREG(mode) else "not a regular file"


def _is_inside(path: Path, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _name(path: Path, root: Path) -> str:
    below = path.relative_to(root).as_posix()
    return os.fsencode(below).decode("utf-8", errors="replace")
