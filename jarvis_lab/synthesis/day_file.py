"""One day's file of scored runs → its part of the export: pure functions of files.

Neither function knows of any other file, so that any number of processes or machines can work
on a lake and the parts, put one after the other, are the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import BinaryIO

import msgspec

from jarvis_lab import _files
from jarvis_lab.readers.blocks import decode_blocks
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.lake_files import LakeFile, evidence_file
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun, SftSample
from jarvis_lab.synthesis import firewall
from jarvis_lab.synthesis.excluded import (
    UNREADABLE,
    BadLineRows,
    ExcludedRow,
    excluded_row,
    not_instructable_row,
)
from jarvis_lab.synthesis.manifest import FileEntry, Meter
from jarvis_lab.synthesis.part import LakeChangedError, Part, PartTask, ScoredScan, Settings
from jarvis_lab.synthesis.sft import (
    QUALITY_SCORES,
    make_sample,
    source_class,
    why_not_instructable,
)

__all__ = [
    "build_part",
    "scan_scored",
]

Candidate = tuple[int, int, ScoredRun]
_SCORED = msgspec.json.Decoder(ScoredRun)
_EVIDENCE = msgspec.json.Decoder(EvidenceRecord)
_ENCODER = msgspec.json.Encoder()
_ROWS_A_WRITE = 256
_ESCAPES = {
    b"&": b"\\u0026",
    b"<": b"\\u003c",
    b">": b"\\u003e",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


def scan_scored(scored: LakeFile) -> ScoredScan:
    """Find the run ids that a file of scored runs keeps out of every file."""
    blocked: dict[str, None] = {}
    meter = Meter()
    if scored.problem:
        return ScoredScan(FileEntry(scored.name), [])
    try:
        with open(scored.path, "rb") as handle:
            for _lines, runs in decode_blocks(
                handle, _SCORED, BadLines("skip"), file=scored.name, update=meter.update
            ):
                for run in runs:
                    if run.category not in QUALITY_SCORES:
                        blocked[run.evidence_run_id or ""] = None
    except OSError:
        return ScoredScan(FileEntry(scored.name), [])
    return ScoredScan(meter.entry(scored.name), list(blocked))


def build_part(
    task: PartTask,
    blocked: Collection[str],
    update: Callable[[bytes], object] | None = None,
) -> Part:
    """Export one file of scored runs and check what was written.

    Parameters
    ----------
    task
        The file, its hash from the first pass, and where to write.
    blocked
        Run ids that the first pass keeps out, of the whole lake.
    update
        Receives the bytes as they were read back from ``task.sink``.

    Raises
    ------
    LakeChangedError
        If the file is not what the first pass read.
    FirewallError
        If the rows read back from the disk break a rule.
    OSError
        If the rows cannot be written.
    """
    part = Part(task.scored.name)
    candidates = _read_scored(task, blocked, part)
    wanted = {run.evidence_run_id or "" for _, _, run in candidates}
    evidence = _read_evidence(task, wanted, part)
    start = task.sink.stat().st_size if task.sink is not None and task.sink.exists() else 0
    _write_rows(task, candidates, evidence, part)
    part.excluded.sort(key=lambda row: row.line)
    if task.sink is not None:
        firewall.check_written(
            task.sink,
            start=start,
            rows=part.exported,
            allowed=wanted,
            blocked=blocked,
            update=update,
        )
    return part


def _read_scored(task: PartTask, blocked: Collection[str], part: Part) -> list[Candidate]:
    """Give the runs that the firewall lets through, in the order of their lines."""
    scored, meter = task.scored, Meter()
    if scored.problem:
        return _unreadable(part, scored.problem)
    candidates: list[Candidate] = []
    bad = BadLineRows(part.excluded, "scored run")
    index = 0
    try:
        with open(scored.path, "rb") as handle:
            for lines, runs in decode_blocks(
                handle, _SCORED, bad.lines, file=scored.name, update=meter.update
            ):
                for line, run in zip(lines, runs, strict=True):
                    reason = _firewall_reason(run, blocked)
                    if reason:
                        part.excluded.append(excluded_row(line, run, reason, ""))
                    else:
                        candidates.append((index, line, run))
                    index += 1
                part.categories.update([run.category for run in runs])
    except OSError as error:
        if task.sha256 is not None:
            raise _changed(scored.name) from error
        return _unreadable(part, f"cannot be read: {error.strerror}")
    entry = meter.entry(scored.name)
    if entry.sha256 != task.sha256:
        raise _changed(scored.name)
    part.records, part.replaced = index, bad.lines.replaced
    part.inputs.append(entry)
    return candidates


def _read_evidence(task: PartTask, wanted: set[str], part: Part) -> dict[str, EvidenceRecord]:
    """Give the last readable evidence of each wanted run; of the others nothing is kept."""
    found: dict[str, EvidenceRecord] = {}
    source = evidence_file(task.root, task.scored) if not task.scored.problem else None
    if source is None:
        return found
    part.evidence_name = source.name
    problem, meter = source.problem, Meter()
    bad = BadLineRows(part.evidence_excluded, "evidence")
    if not problem:
        try:
            with open(source.path, "rb") as handle:
                for _lines, records in decode_blocks(
                    handle, _EVIDENCE, bad.lines, file=source.name, update=meter.update
                ):
                    for record in records:
                        run_id = record.run_id or ""
                        if run_id in wanted:
                            found[run_id] = record
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
    if problem:
        found.clear()
        part.evidence_excluded[:] = [ExcludedRow(0, None, None, UNREADABLE, problem)]
        part.inputs.append(FileEntry(source.name))
        return found
    part.replaced += bad.lines.replaced
    part.inputs.append(meter.entry(source.name))
    return found


def _write_rows(
    task: PartTask,
    candidates: list[Candidate],
    evidence: dict[str, EvidenceRecord],
    part: Part,
) -> None:
    settings = task.settings
    base = _id_base(task)
    sink = _files.open_to_append(task.sink) if task.sink is not None else None
    waiting: list[SftSample] = []
    used = bytearray(part.records // 8 + 1)
    try:
        for index, line, run in candidates:
            record = evidence.get(run.evidence_run_id or "")
            why = why_not_instructable(record, include_partial=settings.include_partial)
            if why or record is None:
                part.excluded.append(not_instructable_row(line, run, record, why))
                continue
            category = run.category or ""
            sample = make_sample(
                run,
                record,
                quality=QUALITY_SCORES[category],
                recorded_at=settings.recorded_at,
                sft_id=f"{base}:{index}",
            )
            waiting.append(sample)
            used[index >> 3] |= 1 << (index & 7)
            part.exported += 1
            part.balance[_balance_key(record, category)] += 1
            if len(waiting) >= _ROWS_A_WRITE:
                _flush(waiting, sink, settings)
        _flush(waiting, sink, settings)
    finally:
        if sink is not None:
            sink.close()
    part.id_base, part.id_bits = base, int.from_bytes(used, "little")


def _flush(waiting: list[SftSample], sink: BinaryIO | None, settings: Settings) -> None:
    if sink is not None and waiting:
        block = _ENCODER.encode_lines(waiting)
        if settings.escape_html:
            for plain, escaped in _ESCAPES.items():
                block = block.replace(plain, escaped)
        sink.write(block)
    waiting.clear()


def _firewall_reason(run: ScoredRun, blocked: Collection[str]) -> str:
    if run.category not in QUALITY_SCORES:
        return firewall.category_reason(run.category)
    return firewall.BLOCKED_ELSEWHERE if (run.evidence_run_id or "") in blocked else ""


def _balance_key(record: EvidenceRecord, category: str) -> tuple[str, str, str, int]:
    whence = record.provenance
    stem = source_class(whence.source_file if whence else None)
    return stem, record.model_name or "", category, len(record.text or "").bit_length()


def _id_base(task: PartTask) -> str:
    _, _, below = task.scored.name.partition("/scored-runs/")
    return below if task.settings.unique_ids else below.rpartition("/")[2]


def _unreadable(part: Part, problem: str) -> list[Candidate]:
    part.excluded[:] = [ExcludedRow(0, None, None, UNREADABLE, problem)]
    part.inputs[:] = [FileEntry(part.name)]
    part.categories.clear()
    return []


def _changed(name: str) -> LakeChangedError:
    return LakeChangedError(
        f"{name} changed while the lake was exported. Nothing was exported and an older export "
        "is unchanged. Export again when nothing writes to the lake."
    )
