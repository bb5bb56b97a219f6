"""Is an export still what was written? Its manifest, recomputed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis._html import card, table
from jarvis_lab.synthesis.manifest import (
    MANIFEST_VERSION,
    FileEntry,
    Manifest,
    file_entry,
    manifest_path,
    own_sha256,
    plain_name,
)

__all__ = ["ExportCheck", "verify_export"]


@dataclass(frozen=True)
class ExportCheck:
    """What :func:`verify_export` found. True in a condition if the export is intact.

    Attributes
    ----------
    manifest_file : Path
        The manifest that was compared.
    problems : tuple of str
        One sentence per difference, each naming the file; empty if there is none.
    files : tuple of FileEntry
        The files of the export as the manifest has them.
    """

    manifest_file: Path
    problems: tuple[str, ...]
    files: tuple[FileEntry, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        found = "intact" if self.ok else "; ".join(self.problems)
        return f"ExportCheck({self.manifest_file.name}: {found})"

    def _repr_html_(self) -> str:
        facts = [("Manifest", self.manifest_file.name), ("Result", self._verdict())]
        rows = pd.DataFrame(
            [(file.name, file.lines, file.bytes, file.sha256) for file in self.files],
            columns=["file", "lines", "bytes", "sha256"],
        )
        parts = [table(rows, caption="Files in the manifest")]
        if self.problems:
            parts.insert(0, table(pd.DataFrame({"difference": list(self.problems)})))
        return card("Export check", facts, parts)

    def _verdict(self) -> str:
        count = len(self.problems)
        return "intact" if self.ok else f"{count} {_checks.plural(count, 'difference')}"


def verify_export(
    data_file: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
) -> ExportCheck:
    """Hash the files of an export again and say which file, line count or hash differs.

    The manifest is checked too: an edit of its counts or settings is named.

    Parameters
    ----------
    data_file
        An exported file; its manifest lies beside it.
    root
        The folder the inputs are relative to. If given, the inputs are hashed again too.

    Returns
    -------
    ExportCheck
        True in a condition if nothing differs; else its ``problems`` say what does.

    Raises
    ------
    FileNotFoundError
        If there is no manifest beside ``data_file``.
    ValueError
        If the manifest cannot be read, or does not name ``data_file``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from jarvis_lab.synthesis.manifest import write_manifest
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = Path(folder, "rows.jsonl")
    ...     _ = rows.write_bytes(b"{}\\n")
    ...     _ = write_manifest(rows, kind="example", settings={})
    ...     before = verify_export(rows)
    ...     _ = rows.write_bytes(b"{}\\n{}\\n")
    ...     after = verify_export(rows)
    >>> before
    ExportCheck(rows.jsonl.manifest.json: intact)
    >>> after.ok, after.problems[0]
    (False, 'rows.jsonl has 6 bytes, not the 3 of the manifest')
    """
    path = Path(data_file).expanduser()
    target = manifest_path(path)
    manifest, own = _read(target)
    if path.name not in {file.name for file in manifest.files}:
        have = _checks.names(file.name for file in manifest.files)
        raise ValueError(f"{target} does not name {path.name!r}; it names {have}.")
    problems: list[str] = []
    if manifest.sha256 != own:
        wanted = manifest.sha256 or "absent"
        problems.append(f"{target.name} itself was edited: its sha256 is {own}, not {wanted}")
    for file in manifest.files:
        problems += _differences(path.parent, file)
    for source in manifest.inputs if root is not None else ():
        if source.sha256 is not None:
            problems += _differences(Path(str(root)).expanduser(), source)
    return ExportCheck(target, tuple(problems), tuple(manifest.files))


def _read(target: Path) -> tuple[Manifest, str]:
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no manifest {target}, so the export cannot be checked. Export it again."
        ) from None
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
        own = own_sha256(msgspec.json.decode(content, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"{target} is not a manifest of an export: {why}.") from None
    if manifest.manifest_version != MANIFEST_VERSION:
        raise ValueError(
            f"{target} has manifest_version {manifest.manifest_version}, this release reads "
            f"{MANIFEST_VERSION}. Check it with the release that wrote it."
        )
    for file in manifest.files:
        if file.name != plain_name(file.name):
            raise ValueError(f"{target} names {file.name!r}, which is not a file name alone.")
    for source in manifest.inputs:
        if ".." in Path(source.name).parts or Path(source.name).is_absolute():
            raise ValueError(f"{target} names the input {source.name!r} outside its root.")
    return manifest, own


def _differences(folder: Path, wanted: FileEntry) -> list[str]:
    try:
        found = file_entry(folder / wanted.name, name=wanted.name)
    except OSError as error:
        return [f"{wanted.name} cannot be read: {error.strerror or error}"]
    problems = []
    for field in ("byte", "line"):
        have, want = getattr(found, f"{field}s"), getattr(wanted, f"{field}s")
        if want is not None and have != want:
            found_size = f"{have} {_checks.plural(have, field)}"
            problems.append(f"{wanted.name} has {found_size}, not the {want} of the manifest")
    if found.sha256 != wanted.sha256:
        problems.append(f"{wanted.name} has sha256 {found.sha256}, not {wanted.sha256}")
    return problems
