"""The candidates of a folder: read once, hashed once, never rewritten."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from jarvis_lab._files import canonical_json, sha256_bytes
from jarvis_lab.readers.jsonl import BadLine, iter_lines
from jarvis_lab.readers.packed import DamagedFileError
from jarvis_lab.records import Candidate, ReviewEvent

__all__ = [
    "APPROVED_FILE",
    "CANDIDATES_FILE",
    "IMPORTED",
    "UNKNOWN",
    "CandidateStore",
    "Entry",
    "candidate_lines",
    "content_sha256",
    "decode_candidate",
    "number",
    "plain_record",
]

CANDIDATES_FILE = "sft_candidates.jsonl"
APPROVED_FILE = "sft_approved.jsonl"
#: Folder of imported candidates, one file an import.
IMPORTED = "candidates"
#: Stands for a missing model or task type in counts and filters.
UNKNOWN = "unknown"

_DECODER = msgspec.json.Decoder(Candidate)
_ACTION_OF = {"approved": "correct", "discarded": "discard", "model_rejected": "flag"}


class Entry(msgspec.Struct, gc=False):
    """A candidate as the queue keeps it: its line, and what sorting and counting need."""

    id: str
    sha256: str
    line: bytes
    file: str
    number: int
    run_id: str | None
    model: str
    task_type: str
    quality: float
    blank_answer: bool
    status: str
    base: ReviewEvent | None = None

    def candidate(self) -> Candidate:
        """Decode the whole record."""
        return decode_candidate(self.line)


def decode_candidate(line: bytes) -> Candidate:
    """Decode one line; NaN and infinite numbers, which Python's json writes, read as missing.

    Invalid UTF-8 and halves of surrogate pairs become U+FFFD.

    Raises
    ------
    ValueError
        If the line is not a JSON object of the right types.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _DECODER.decode(_plain_json(line))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def plain_record(line: bytes) -> dict[str, Any]:
    """The line as a dict, unknown fields included, with the same repairs."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(_plain_json(line), type=dict[str, Any])


def _plain_json(line: bytes) -> bytes:
    try:
        value = json.loads(
            line.decode("utf-8", "replace"), parse_constant=_missing, parse_float=_finite
        )
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _missing(_name: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def number(value: Any) -> float:
    """A number, or text that is one, as a finite float; anything else is NaN."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return math.nan
        return found if math.isfinite(found) else math.nan
    return math.nan


def content_sha256(candidate: Candidate) -> str:
    """Hash of everything in the record but the decision fields, which other tools rewrite.

    The hash does not depend on the order of keys, and a null counts as absent.
    """
    content = msgspec.structs.replace(
        candidate, status=None, corrected_response=None, failure_category=None
    )
    return sha256_bytes(canonical_json(content))


def candidate_lines(
    path: Path, file: str, bad: list[BadLine]
) -> Iterator[tuple[int, bytes, Candidate]]:
    """Give (line number, line, record) of each readable line with an id; others go to ``bad``.

    Where a compressed file is damaged its reading ends, and that place goes to ``bad`` too.
    """
    line_number = 0
    try:
        for line_number, line in iter_lines(path):
            try:
                candidate = decode_candidate(line)
            except ValueError as error:
                bad.append(BadLine(file, line_number, str(error)))
                continue
            if candidate.id:
                yield line_number, line, candidate
            else:
                bad.append(BadLine(file, line_number, "no id"))
    except DamagedFileError as error:
        bad.append(BadLine(file, line_number + 1, f"damaged compression: {error.__cause__}"))


def _entry(candidate: Candidate, line: bytes, file: str, line_number: int) -> Entry:
    status = candidate.status or "needs_review"
    text, category = candidate.corrected_response, candidate.failure_category
    item_id = str(candidate.id)
    sha256 = content_sha256(candidate)
    return Entry(
        item_id,
        sha256,
        line,
        file,
        line_number,
        candidate.benchmark_run_id,
        candidate.model_name or UNKNOWN,
        candidate.task_type or UNKNOWN,
        number(candidate.quality_score),
        not (candidate.model_response or "").strip(),
        status,
        _came_with(item_id, sha256, status, text, category) if status in _ACTION_OF else None,
    )


def _came_with(
    item_id: str, sha256: str, status: str, text: str | None, category: str | None
) -> ReviewEvent:
    """The decision that a record came with, as an event before all others."""
    action = _ACTION_OF[status]
    text = text if action == "correct" else None
    identity = sha256_bytes(canonical_json([item_id, action, text, category]))
    return ReviewEvent(
        v=1,
        event_id=f"original-{identity[:32]}",
        item_id=item_id,
        item_sha256=sha256,
        reviewer="",
        seq=0,
        at="",
        action=action,
        text=text,
        category=category,
    )


@dataclass
class _File:
    signature: tuple[int, int, int]
    entries: list[Entry] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


class CandidateStore:
    """The candidates of a folder in their order, each id once.

    First the original's own ``sft_candidates.jsonl``, then the imports in their order, then
    records that stand in ``sft_approved.jsonl`` only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self.positions: dict[str, int] = {}
        self.run_ids: set[str] = set()
        self.files: dict[str, _File] = {}
        self._repeated: list[BadLine] = []

    def poll(self) -> bool:
        """Read the files that changed; True if there were any."""
        found = {name: path for name, path in self._paths() if path.is_file()}
        files: dict[str, _File] = {}
        for name, path in found.items():
            stat = path.stat()
            signature = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            known = self.files.get(name)
            files[name] = known if known and known.signature == signature else _File(signature)
            if files[name] is not known:
                files[name].entries = [
                    _entry(candidate, line, name, line_number)
                    for line_number, line, candidate in candidate_lines(path, name, files[name].bad)
                ]
        same = list(files) == list(self.files)
        if same and all(files[name] is self.files[name] for name in files):
            return False
        self.files = files
        self._arrange()
        return True

    def bad_lines(self) -> list[BadLine]:
        """Lines that are no candidate, and repeated ids whose content differs."""
        return [bad for file in self.files.values() for bad in file.bad] + self._repeated

    def _paths(self) -> Iterator[tuple[str, Path]]:
        yield CANDIDATES_FILE, self.folder / CANDIDATES_FILE
        imported = self.folder / IMPORTED
        if imported.is_dir():
            for path in sorted(imported.iterdir()):
                if path.name.endswith(".jsonl") and not path.name.startswith("."):
                    yield f"{IMPORTED}/{path.name}", path
        yield APPROVED_FILE, self.folder / APPROVED_FILE

    def _arrange(self) -> None:
        entries: list[Entry] = []
        positions: dict[str, int] = {}
        self._repeated = []
        for name, file in self.files.items():
            if name == APPROVED_FILE:
                continue
            for entry in file.entries:
                first = positions.setdefault(entry.id, len(entries))
                if first == len(entries):
                    entries.append(entry)
                elif entries[first].sha256 != entry.sha256:
                    reason = f"id {entry.id!r} repeats with other content; the first counts"
                    self._repeated.append(BadLine(name, entry.number, reason))
        approved = self.files.get(APPROVED_FILE)
        for entry in approved.entries if approved else ():
            self._approve(entry, entries, positions)
        self.entries, self.positions = entries, positions
        self.run_ids = {entry.run_id for entry in entries if entry.run_id}

    def _approve(self, entry: Entry, entries: list[Entry], positions: dict[str, int]) -> None:
        """Bring in a record of the approved file: its correction is the item's first decision.

        Two processes of the original lose each other's status, but both append here, so a
        correction counts although the candidate still says needs_review.
        """
        if entry.base is None or entry.base.action != "correct":
            return
        position = positions.setdefault(entry.id, len(entries))
        if position == len(entries):
            entries.append(entry)
            return
        known = entries[position]
        if known.status in ("needs_review", "approved"):
            entries[position] = msgspec.structs.replace(known, base=entry.base, status="approved")
