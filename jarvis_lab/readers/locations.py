"""Paths, folders and globs → the log files that they stand for, and what kind each is."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any, Literal, TypeGuard

from jarvis_lab.readers.packed import open_bytes

__all__ = ["NoLogError", "is_location", "located", "log_kind"]

_SUFFIXES = (".jsonl", ".ndjson", ".parquet", ".csv", ".db", ".sqlite", ".sqlite3")
_PACKED = (".gz", ".zst")
_SQLITE, _PARQUET = b"SQLite format 3\x00", b"PAR1"
_WHAT = "a SQLite trace store, .jsonl, .parquet or .csv (.gz and .zst too)"


class NoLogError(ValueError):
    """A file that is empty, or none of the kinds that can be read."""


def is_location(source: object) -> TypeGuard[Any]:
    """Whether ``source`` is a path or a list of paths."""
    if isinstance(source, (list, tuple)):
        return all(isinstance(item, (str, os.PathLike)) for item in source)
    return isinstance(source, (str, os.PathLike))


def located(source: Any, *, absolute: bool = False) -> list[tuple[Path, bool]]:
    """Each file that the source names, and whether it was searched for rather than named.

    With ``absolute`` the names hold in another process, wherever that works.
    """
    named = source if isinstance(source, (list, tuple)) else [source]
    if not named:
        raise ValueError(f"The list of sources is empty. Give {_WHAT}, or folders or globs.")
    files: list[tuple[Path, bool]] = []
    for item in named:
        paths, found = _expand(Path(item).expanduser())
        files += [(path.absolute() if absolute else path, found) for path in paths]
    return files


def _expand(path: Path) -> tuple[list[Path], bool]:
    if path.is_dir():
        files = [
            Path(folder, name)
            for folder, folders, names in os.walk(path)
            if folders.sort() is None
            for name in sorted(names)
            if not name.startswith((".", "_")) and _is_log(Path(folder, name))
        ]
        if not files:
            raise FileNotFoundError(f"The folder {path} holds no traces. Give {_WHAT}.")
        return files, True
    if path.exists():
        return [path], False
    matches = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(str(path)) else []
    if not matches:
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Give {_WHAT}, or a folder or glob of these."
        )
    return [file for match in matches for file in _expand(Path(match))[0]], True


def _is_log(path: Path) -> bool:
    suffix = _suffix(path)
    if not path.is_file():  # a pipe would wait for ever
        return False
    if suffix in _SUFFIXES:
        return True
    return not suffix.endswith(("-wal", "-shm", "-journal")) and _magic(path) == _SQLITE


def _suffix(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return name.suffix.lower()


def _magic(path: Path) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(16)


def log_kind(path: Path) -> Literal["sqlite", "parquet", "csv", "jsonl"]:
    """What the file is by its first bytes, or by its name where these do not tell."""
    if not path.is_file():
        raise NoLogError(f"{path} is no regular file. Give {_WHAT}.")
    try:
        magic, suffix = _magic(path), _suffix(path)
    except OSError as error:
        raise OSError(f"{path} cannot be opened: {error.strerror or error}.") from error
    if magic == _SQLITE:
        return "sqlite"
    if magic[:4] == _PARQUET:
        return "parquet"
    if suffix == ".csv":
        return "csv"
    if suffix in (".jsonl", ".ndjson") or (magic and _begins_with_object(path)):
        return "jsonl"
    state = "is empty" if not magic else "is none of the kinds of log that can be read"
    raise NoLogError(f"{path} {state}. Give {_WHAT}.")


def _begins_with_object(path: Path) -> bool:
    with open_bytes(path) as handle:
        return handle.read(1 << 12).lstrip()[:1] == b"{"
