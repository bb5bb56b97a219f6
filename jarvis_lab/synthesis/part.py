"""What an export asks of one day's file of scored runs, and what it gets back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jarvis_lab.readers.lake_files import LakeFile
from jarvis_lab.synthesis.excluded import ExcludedRow
from jarvis_lab.synthesis.manifest import FileEntry

__all__ = ["LakeChangedError", "Part", "PartTask", "ScoredScan", "Settings"]

_ROWS = ("excluded", "evidence_excluded")


class LakeChangedError(RuntimeError):
    """A file of the lake changed while it was exported. Nothing was exported."""


class Settings(NamedTuple):
    """The options that shape the bytes of an export."""

    recorded_at: str
    include_partial: bool
    unique_ids: bool
    escape_html: bool


class ScoredScan(NamedTuple):
    """What the first pass learns of a file.

    Its bytes, the run ids it keeps out, and the lines that spell a key in other letters.
    """

    entry: FileEntry
    blocked: list[str]
    respelled: frozenset[int] = frozenset()


class PartTask(NamedTuple):
    """A file of scored runs to export, with what the first pass learned of it.

    ``sink`` is the temporary file that the rows are written behind; None writes nothing.
    """

    root: Path
    scored: LakeFile
    sha256: str | None
    respelled: frozenset[int]
    settings: Settings
    sink: Path | None


@dataclass
class Part:
    """What became of one file of scored runs; everything a result and a manifest need."""

    name: str
    records: int = 0
    exported: int = 0
    replaced: int = 0
    id_base: str = ""
    id_bits: int = 0
    inputs: list[FileEntry] = field(default_factory=list)
    excluded: list[ExcludedRow] = field(default_factory=list)
    evidence_name: str = ""
    evidence_excluded: list[ExcludedRow] = field(default_factory=list)
    categories: Counter[str | None] = field(default_factory=Counter)
    balance: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)

    def __getstate__(self) -> dict[str, Any]:
        """Pack the rows for the way between processes; pickling each costs more than its work."""
        return self.__dict__ | {name: msgspec.msgpack.encode(getattr(self, name)) for name in _ROWS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        rows = {name: msgspec.msgpack.decode(state[name], type=list[ExcludedRow]) for name in _ROWS}
        self.__dict__.update(state | rows)
