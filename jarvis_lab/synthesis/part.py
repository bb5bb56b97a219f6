"""What an export asks of one day's file of scored runs, and what it gets back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jarvis_lab.readers.lake_files import LakeFile
from jarvis_lab.synthesis.excluded import ExcludedRows
from jarvis_lab.synthesis.manifest import FileEntry

__all__ = ["LakeChangedError", "Part", "PartTask", "ScoredScan", "Settings"]


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
    """A file of scored runs to export, with what the first pass learned of it."""

    root: Path
    scored: LakeFile
    sha256: str | None
    respelled: frozenset[int]
    settings: Settings


@dataclass
class Part:
    """What became of one file of scored runs; everything a result and a manifest need."""

    name: str
    records: int = 0
    exported: int = 0
    bytes: int = 0
    replaced: int = 0
    id_base: str = ""
    id_bits: int = 0
    inputs: list[FileEntry] = field(default_factory=list)
    excluded: ExcludedRows = field(default_factory=ExcludedRows)
    evidence_name: str = ""
    evidence_excluded: ExcludedRows = field(default_factory=ExcludedRows)
    categories: Counter[str | None] = field(default_factory=Counter)
    balance: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
