"""The lineage of an export: what went in, with which settings, and what came out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jarvis_lab import _checks, _files

__all__ = [
    "MANIFEST_SUFFIX",
    "MANIFEST_VERSION",
    "FileEntry",
    "Manifest",
    "build_manifest",
    "file_entry",
    "manifest_path",
    "own_sha256",
    "plain_name",
    "write_manifest",
]

#: Added to the name of a data file to give the name of its manifest.
MANIFEST_SUFFIX = ".manifest.json"
MANIFEST_VERSION = 1
_BLOCK = 1 << 20


class FileEntry(msgspec.Struct, frozen=True):
    """A file as a manifest knows it.

    Attributes
    ----------
    name : str
        Of an output, its name beside the manifest; of an input, its path below the root, with
        forward slashes. Never an absolute path.
    bytes, lines : int or None
        Size, and number of lines. None if the file could not be read (or is binary: lines).
    sha256 : str or None
        Of the file's bytes, hexadecimal. None if the file could not be read.
    """

    name: str
    bytes: int | None = None
    lines: int | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, meter: _files.Meter, name: str) -> FileEntry:
        """Give what ``meter`` measured, under the name ``name``."""
        return cls(name, meter.bytes, meter.lines, meter.sha256)


class Manifest(msgspec.Struct):
    """What a manifest file holds; ``sha256`` is that of all the rest (:func:`own_sha256`)."""

    manifest_version: int
    kind: str
    versions: dict[str, Any]
    settings: dict[str, Any]
    files: list[FileEntry]
    inputs: list[FileEntry]
    counts: dict[str, Any]
    excluded: dict[str, int]
    sha256: str = ""


def manifest_path(data_file: str | os.PathLike[str]) -> Path:
    """Name of the manifest of ``data_file``: ``<data_file>.manifest.json``."""
    path = Path(data_file)
    return path.with_name(path.name + MANIFEST_SUFFIX)


def file_entry(path: str | os.PathLike[str], *, name: str | None = None) -> FileEntry:
    """Measure a file: its size, lines and sha256.

    Parameters
    ----------
    path
        The file to read.
    name
        What to call it; by default its name without the folder.
    """
    meter = _files.Meter()
    with open(path, "rb") as handle:
        while block := handle.read(_BLOCK):
            meter.update(block)
    return FileEntry.of(meter, name or Path(path).name)


def build_manifest(
    kind: str,
    *,
    settings: Mapping[str, Any],
    files: Sequence[FileEntry],
    inputs: Iterable[FileEntry] = (),
    counts: Mapping[str, Any] | None = None,
    excluded: Mapping[str, int] | None = None,
) -> bytes:
    """Give the bytes of a manifest: the same on any machine, with no time and no path in them.

    Parameters
    ----------
    kind
        What was exported: "distillation", "corrections", "preferences".
    settings
        The options that shape the bytes of the export. Leave out those that do not, such as
        the number of workers, and everything that belongs to this machine.
    files
        The files of the export (:func:`file_entry`), named without a folder.
    inputs
        The files it was made from, named relative to their root.
    counts, excluded
        Counts to keep, and the number of rows left out by reason.

    Raises
    ------
    ValueError
        If a file's name has a folder in it, or an input's path is absolute.
    """
    inputs = list(inputs)
    for file in files:
        if file.name != plain_name(file.name):
            raise ValueError(f"The manifest entry {file.name!r} must be a file name alone.")
    for source in inputs:
        if Path(source.name).is_absolute():
            raise ValueError(f"The input {source.name!r} must be relative to the root.")
    manifest = Manifest(
        manifest_version=MANIFEST_VERSION,
        kind=_checks.text("kind", kind),
        versions={"jarvis_lab": _version()},
        settings=dict(settings),
        files=list(files),
        inputs=inputs,
        counts=dict(counts or {}),
        excluded=dict(excluded or {}),
    )
    manifest.sha256 = own_sha256(msgspec.to_builtins(manifest))
    return msgspec.json.format(_files.canonical_json(manifest), indent=1) + b"\n"


def own_sha256(manifest: Mapping[str, Any]) -> str:
    """Hexadecimal SHA-256 of a manifest's canonical JSON without its own ``sha256``.

    It shows an edit by accident. Whoever edits on purpose can compute it again.
    """
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return _files.sha256_bytes(_files.canonical_json(rest))


def write_manifest(
    data_file: str | os.PathLike[str],
    *,
    kind: str,
    settings: Mapping[str, Any],
    files: Sequence[FileEntry] | None = None,
    inputs: Iterable[FileEntry] = (),
    counts: Mapping[str, Any] | None = None,
    excluded: Mapping[str, int] | None = None,
) -> Path:
    """Write the manifest of ``data_file`` beside it, whole or not at all.

    Parameters
    ----------
    data_file
        The export, already written.
    kind, settings, inputs, counts, excluded
        As in :func:`build_manifest`.
    files
        The files of the export; by default ``data_file`` alone, measured from the disk.

    Returns
    -------
    Path
        The manifest, :func:`manifest_path` of ``data_file``.

    Notes
    -----
    To let data and manifest take their names together, give both paths to
    ``_files.atomic_group`` and write :func:`build_manifest` to the second handle.
    """
    content = build_manifest(
        kind,
        settings=settings,
        files=[file_entry(data_file)] if files is None else files,
        inputs=inputs,
        counts=counts,
        excluded=excluded,
    )
    target = manifest_path(data_file)
    _files.write_bytes(target, content)
    return target


def plain_name(name: str) -> str:
    """Give ``name`` without any folder; empty for ``.`` and ``..``."""
    return "" if name in (".", "..") else name.replace("\\", "/").rpartition("/")[2]


def _version() -> str:
    import jarvis_lab

    return str(getattr(jarvis_lab, "__version__", "0"))
