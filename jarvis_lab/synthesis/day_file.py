"""One day's file of scored runs → its part of the export: pure functions of files.

Neither function knows of any other file, so that any number of processes or machines can work
on a lake and the parts, put one after the other, are the same bytes.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Iterator, Sequence, Set
from itertools import compress
from operator import not_
from pathlib import Path

import msgspec

from jarvis_lab import _files
from jarvis_lab.readers.blocks import decode_blocks
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.lake_files import LakeFile, evidence_file
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
from jarvis_lab.synthesis import firewall
from jarvis_lab.synthesis.excluded import (
    BadLineRows,
    ExcludedRows,
)
from jarvis_lab.synthesis.manifest import FileEntry
from jarvis_lab.synthesis.part import LakeChangedError, Part, PartTask, ScoredScan
from jarvis_lab.synthesis.rows import Candidates, PartRows
from jarvis_lab.synthesis.sft import QUALITY_SCORES
from jarvis_lab.synthesis.spelling import respelled_lines

__all__ = [
    "Draft",
    "count_part",
    "draft_part",
    "scan_scored",
]

_SCORED = msgspec.json.Decoder(ScoredRun)
_BYTES_A_WRITE = 1 << 20
_EVIDENCE = msgspec.json.Decoder(EvidenceRecord)


def scan_scored(scored: LakeFile) -> ScoredScan:
    """Find the run ids that a file of scored runs keeps out of every file."""
    blocked: dict[str, None] = {}
    respelled: set[int] = set()
    meter = _files.Meter()
    if scored.problem:
        return ScoredScan(FileEntry(scored.name), [])

    def look(
        block: memoryview, first: int, lines: Sequence[int], runs: Sequence[ScoredRun]
    ) -> None:
        for line, run_ids in respelled_lines(block, first, lines, runs):
            respelled.add(line)
            blocked.update(dict.fromkeys(run_ids))

    try:
        with open(scored.path, "rb") as handle, _without_collector():
            for _lines, runs in decode_blocks(
                handle, _SCORED, BadLines("skip"), file=scored.name, meter=meter, look=look
            ):
                kept_out = [
                    run.evidence_run_id or "" for run in runs if run.category not in QUALITY_SCORES
                ]
                blocked.update(dict.fromkeys(kept_out))
    except OSError:
        return ScoredScan(FileEntry(scored.name), [])
    return ScoredScan(FileEntry.of(meter, scored.name), list(blocked), frozenset(respelled))


def count_part(task: PartTask, blocked: Set[str]) -> Part:
    """Do all for one file of scored runs but write; see :func:`draft_part`."""
    return draft_part(task, blocked).part


def draft_part(task: PartTask, blocked: Set[str]) -> Draft:
    """Make the rows of one file of scored runs.

    Parameters
    ----------
    task
        The file and its hash from the first pass.
    blocked
        Run ids that the first pass keeps out, of the whole lake.

    Raises
    ------
    LakeChangedError
        If the file is not what the first pass read.
    """
    part = Part(task.scored.name)
    with _without_collector():
        rows = PartRows(task.settings, _id_base(task), _read_scored(task, blocked, part))
        _read_evidence(task, rows, part)
        rows.report(part)
        lines = rows.lines()
        part.bytes = sum(map(len, lines))
        return Draft(part, lines, rows.run_ids, blocked)


class Draft:
    """The rows of a part, ready to be written where those of the parts before it end.

    Parameters
    ----------
    part
        What became of the file.
    lines
        The rows, encoded.
    allowed
        Run ids whose scored run in this file has an allowed category.
    blocked
        Run ids that some record of the lake keeps out.
    """

    def __init__(
        self, part: Part, lines: Sequence[bytes], allowed: Set[str], blocked: Set[str]
    ) -> None:
        self.part, self._lines = part, lines
        self._allowed, self._blocked = allowed, blocked

    @property
    def size(self) -> int:
        """Bytes that the rows take."""
        return self.part.bytes

    def place(self, path: Path, offset: int) -> Part:
        """Write the rows into the file at the byte ``offset``, and check what was written.

        Raises
        ------
        FirewallError
            If the rows read back from the disk break a rule.
        OSError
            If the rows cannot be written.
        """
        _files.write_at(path, offset, self._blocks())
        with _without_collector():
            firewall.check_written(
                path,
                start=offset,
                size=self.part.bytes,
                rows=self.part.exported,
                allowed=self._allowed,
                blocked=self._blocked,
            )
        return self.part

    def _blocks(self) -> Iterator[bytes]:
        """Give the rows, many at a time."""
        step = 1 + _BYTES_A_WRITE * len(self._lines) // (1 + self.part.bytes)
        for start in range(0, len(self._lines), step):
            yield b"".join(self._lines[start : start + step])


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the cycle collector: records hold no cycles, and there are many of them."""
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()


def _read_scored(task: PartTask, blocked: Set[str], part: Part) -> Candidates:
    """Give the runs that the firewall lets through, in the order of their lines."""
    scored, meter = task.scored, _files.Meter()
    if scored.problem:
        return _unreadable(part, scored.problem)
    candidates = Candidates()
    bad = BadLineRows(part.excluded, "scored run")
    start = 0
    try:
        with open(scored.path, "rb") as handle:
            for lines, runs in decode_blocks(
                handle, _SCORED, bad.lines, file=scored.name, meter=meter
            ):
                part.categories.update([run.category for run in runs])
                passes = [
                    run.category in QUALITY_SCORES and (run.evidence_run_id or "") not in blocked
                    for run in runs
                ]
                candidates.runs.extend(compress(runs, passes))
                candidates.indexes.extend(compress(itertools.count(start), passes))
                candidates.lines.extend(compress(lines, passes))
                for line, run in compress(zip(lines, runs, strict=True), map(not_, passes)):
                    reason = firewall.category_reason(run.category) or firewall.BLOCKED_ELSEWHERE
                    if line in task.respelled:
                        reason = firewall.RESPELLED
                    part.excluded.add(line, run.evidence_run_id, run.category, reason)
                start += len(runs)
    except OSError as error:
        if task.sha256 is not None:
            raise _changed(scored.name) from error
        return _unreadable(part, f"cannot be read: {error.strerror}")
    entry = FileEntry.of(meter, scored.name)
    if entry.sha256 != task.sha256:
        raise _changed(scored.name)
    part.records, part.replaced = start, bad.lines.replaced
    part.inputs.append(entry)
    return candidates


def _read_evidence(task: PartTask, rows: PartRows, part: Part) -> None:
    """Show the evidence of the file to ``rows``."""
    source = evidence_file(task.root, task.scored) if not task.scored.problem else None
    if source is None:
        return
    part.evidence_name = source.name
    problem, meter = source.problem, _files.Meter()
    bad = BadLineRows(part.evidence_excluded, "evidence")
    if not problem:
        try:
            with open(source.path, "rb") as handle:
                for _lines, records in decode_blocks(
                    handle, _EVIDENCE, bad.lines, file=source.name, meter=meter
                ):
                    rows.take(records)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
    if problem:
        rows.forget()
        part.evidence_excluded = ExcludedRows.whole_file(problem)
        part.inputs.append(FileEntry(source.name))
    else:
        part.replaced += bad.lines.replaced
        part.inputs.append(FileEntry.of(meter, source.name))


def _id_base(task: PartTask) -> str:
    _, _, below = task.scored.name.partition("/scored-runs/")
    return below if task.settings.unique_ids else below.rpartition("/")[2]


def _unreadable(part: Part, problem: str) -> Candidates:
    part.excluded = ExcludedRows.whole_file(problem)
    part.inputs[:] = [FileEntry(part.name)]
    part.categories.clear()
    return Candidates()


def _changed(name: str) -> LakeChangedError:
    return LakeChangedError(
        f"{name} changed while the lake was exported. Nothing was exported and an older export "
        "is unchanged. Export again when nothing writes to the lake."
    )
