"""Data, sidecar and manifest of an export: written, read back, and named together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from jarvis_lab import _checks, _files
from jarvis_lab.synthesis.blocked import FirewallBreachError
from jarvis_lab.synthesis.manifest import build_manifest, file_entry, manifest_path

__all__ = ["SIDECAR_SUFFIX", "Line", "data_path", "publish", "sidecar_path"]

#: Added to the name of a data file to give the name of its metadata, row by row.
SIDECAR_SUFFIX = ".meta.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """One training row, ready to be written."""

    id: str
    data: bytes
    metadata: dict[str, Any]


def data_path(path: Path, split: str) -> Path:
    """Name of the data file of a split: ``rows.jsonl`` → ``rows.train.jsonl``."""
    return path if split == "all" else path.with_name(f"{path.stem}.{split}{path.suffix}")


def sidecar_path(data_file: str | os.PathLike[str]) -> Path:
    """Name of the metadata of a data file: ``<data_file>.meta.jsonl``."""
    path = Path(data_file)
    return path.with_name(path.name + SIDECAR_SUFFIX)


def publish(
    path: Path,
    splits: Mapping[str, Sequence[Line]],
    *,
    check: Callable[[str, bytes], str],
    kind: str,
    settings: Mapping[str, Any],
    counts: Mapping[str, Any],
    excluded: Mapping[str, int],
) -> dict[str, Path]:
    """Write every file of an export; all take their names, or none does.

    Parameters
    ----------
    path
        The data file; with a split, the name that the split's is made from.
    splits
        Split -> its lines. A split without lines gets no file, as readers fail on an empty one;
        files of that name from an earlier export are removed, unless nothing at all is written.
    check
        Called with the id and the bytes of every data line that was read back from the disk;
        gives what is wrong with it, or nothing.
    kind, settings, counts, excluded
        For the manifest.

    Returns
    -------
    dict of str to Path
        Split -> data file.

    Raises
    ------
    FirewallBreachError
        If the bytes on disk fail the check. Nothing took its final name.
    FileNotFoundError, IsADirectoryError, OSError
        If a file cannot be written. Older files stay as they were.

    Notes
    -----
    Every data file has a manifest that names all data files and sidecars of the export. The data
    files take their names first and the manifests last, so a process killed between two renames
    leaves a data file that its manifest contradicts, or that has none: ``verify_export`` says so.
    """
    files = {split: data_path(path, split) for split, lines in splits.items() if lines}
    if not files:
        return {}
    sidecars = {split: sidecar_path(file) for split, file in files.items()}
    targets = [*files.values(), *sidecars.values(), *map(manifest_path, files.values())]
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(f"Cannot write {target}: it is a folder. Pass another path.")
    with _files.write_errors(path), _files.atomic_group(targets) as handles:
        data, metadata, manifests = (
            handles[k * len(files) : (k + 1) * len(files)] for k in range(3)
        )
        for split, rows, facts in zip(files, data, metadata, strict=True):
            _write(splits[split], rows, facts)
            _read_back(splits[split], rows, facts, check)
        written = [*zip(files.values(), data, strict=True)]
        written += zip(sidecars.values(), metadata, strict=True)
        content = build_manifest(
            kind,
            settings=settings,
            files=[file_entry(handle.name, name=target.name) for target, handle in written],
            counts=counts,
            excluded=excluded,
        )
        for handle in manifests:
            handle.write(content)
    _remove_older(path, set(splits) - set(files))
    return files


def _write(lines: Sequence[Line], rows: BinaryIO, facts: BinaryIO) -> None:
    for number, line in enumerate(lines, start=1):
        rows.write(line.data + b"\n")
        facts.write(msgspec.json.encode({"line": number, "id": line.id, **line.metadata}) + b"\n")
    rows.flush()
    facts.flush()


def _read_back(
    lines: Sequence[Line], rows: BinaryIO, facts: BinaryIO, check: Callable[[str, bytes], str]
) -> None:
    """Check what the disk holds, not what was meant to be written."""
    with open(rows.name, "rb") as data, open(facts.name, "rb") as sidecar:
        number = 0
        for number, row in enumerate(data, start=1):
            fact = sidecar.readline()
            known = msgspec.json.decode(fact) if fact.endswith(b"\n") else {}
            fault = "" if row.endswith(b"\n") else "the line is torn"
            if number > len(lines) or known.get("id") != lines[number - 1].id:
                fault = "data and metadata do not stand in the same order"
            fault = fault or check(known["id"], row)
            if fault:
                raise FirewallBreachError(
                    f"Line {number} of the export is not what may be written: {fault}. Nothing "
                    "was exported; please report this, with the queue if you can."
                )
        if number != len(lines) or sidecar.readline():
            raise FirewallBreachError(
                f"{number} {_checks.plural(number, 'line was', 'lines were')} written, not "
                f"{len(lines)}. Nothing was exported."
            )


def _remove_older(path: Path, empty: set[str]) -> None:
    """Remove what an earlier export left under the name of a split that is now empty."""
    for split in sorted(empty):
        older = data_path(path, split)
        for file in (older, sidecar_path(older), manifest_path(older)):
            file.unlink(missing_ok=True)
