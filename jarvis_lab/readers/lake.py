"""A lake → tables: one row per scored run, one row per evidence record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import pandas as pd

from jarvis_lab.readers.blocks import decode_blocks
from jarvis_lab.readers.jsonl import BadLines, OnBadLines
from jarvis_lab.readers.lake_files import LakeFile, lake_files, lake_root, scored_run_files
from jarvis_lab.records_lake import (
    EVIDENCE_COLUMNS,
    SCORED_COLUMNS,
    EvidenceMetadata,
    EvidenceRecord,
    Provenance,
    RetrievedContext,
    ScoredRunDetails,
)

__all__ = ["read_evidence", "read_scored_runs", "scored_run_files"]

T = TypeVar("T")
_DTYPES = {"text": "str", "whole": "Int64", "list": "object"}
_SCORED = msgspec.json.Decoder(ScoredRunDetails)
_EVIDENCE = msgspec.json.Decoder(EvidenceRecord)
_NO_PROVENANCE = Provenance()
_NO_CONTEXT = RetrievedContext()
_NO_METADATA = EvidenceMetadata()


def read_scored_runs(
    root_or_file: str | os.PathLike[str], *, on_bad_lines: OnBadLines = "warn"
) -> pd.DataFrame:
    """One row per scored run, in the order in which an export reads them.

    Parameters
    ----------
    root_or_file
        A lake (the folder that holds ``data/scored-runs``), or one file of scored runs.
    on_bad_lines
        ``"warn"``, ``"error"``, ``"skip"``, or a callable that receives each ``BadLine``. A file
        that cannot be read is a bad line 0.

    Returns
    -------
    DataFrame
        evidence_run_id : str
            The run that was scored.
        category : str
            ``accepted``, ``partially_accepted``, ``rejected``, ``needs_human_review``, or
            whatever else stands there.
        source_file : str
            Provenance: the file the run came from.
        line_offset : Int64
            Provenance: its line.
        sig_hash, recorded_at : str
            Provenance: hash and time, as text.
        schema_version : Int64
            Version of the record.
        scored_at, scorer_version : str
            When and by what it was scored, as text; missing too if it is no text.
        reasons : object
            List of the scorer's reasons; None if it is no list.
        file : str
            Path below the root with forward slashes, or the file as it was given.
        line : Int64
            Its line in the file, from 1.

        A missing value means an absent field or ``null``. The dtypes hold for an empty table.

    Raises
    ------
    ValueError
        If ``root_or_file`` is empty, or at a bad line with ``on_bad_lines="error"``.
    FileNotFoundError
        If a path that ends in ``.jsonl`` does not exist. A lake without scored runs is empty.

    Examples
    --------
    >>> read_scored_runs("a folder that does not exist").dtypes["line_offset"]
    Int64Dtype()
    """
    bad_lines = BadLines(on_bad_lines)
    cells: dict[str, list[Any]] = {name: [] for name in SCORED_COLUMNS}
    for name, lines, runs in _records(root_or_file, "scored-runs", _SCORED, bad_lines):
        _place(cells, name, lines)
        for run in runs:
            _origin(cells, run.provenance, run.schema_version)
            cells["evidence_run_id"].append(run.evidence_run_id)
            cells["category"].append(run.category)
            cells["scored_at"].append(_text(run.scored_at))
            cells["scorer_version"].append(_text(run.scorer_version))
            cells["reasons"].append(run.reasons if isinstance(run.reasons, list) else None)
    bad_lines.close()
    return _frame(cells, SCORED_COLUMNS)


def read_evidence(
    root_or_file: str | os.PathLike[str], *, on_bad_lines: OnBadLines = "warn"
) -> pd.DataFrame:
    """One row per evidence record, repeats of a run id included.

    Parameters
    ----------
    root_or_file
        A lake (the folder that holds ``data/evidence``), or one file of evidence.
    on_bad_lines
        As in :func:`read_scored_runs`.

    Returns
    -------
    DataFrame
        run_id, task_id : str
            The run and its task. In an export the last line of a run id in its file counts.
        model_name, model_role : str
            Who wrote the text, and in which role.
        source_files : object
            List of the files the run looked at.
        matrix_corpora : object
            Retrieved context: list of the corpora.
        pathway_fingerprints_seen : Int64
            Retrieved context: a count.
        text : str
            What the model wrote.
        contractor : str
            Metadata: whom a contract analysis is about.
        source_file, line_offset, sig_hash, recorded_at
            Provenance, as in :func:`read_scored_runs`.
        schema_version : Int64
            Version of the record.
        file : str
            Path below the root with forward slashes, or the file as it was given.
        line : Int64
            Its line in the file, from 1.

        A missing value (None in a list column) means an absent field or ``null``. The dtypes
        hold for an empty table.

    Raises
    ------
    ValueError, FileNotFoundError
        As in :func:`read_scored_runs`.

    Examples
    --------
    >>> len(read_evidence("a folder that does not exist"))
    0
    """
    bad_lines = BadLines(on_bad_lines)
    cells: dict[str, list[Any]] = {name: [] for name in EVIDENCE_COLUMNS}
    for name, lines, records in _records(root_or_file, "evidence", _EVIDENCE, bad_lines):
        _place(cells, name, lines)
        for record in records:
            _origin(cells, record.provenance, record.schema_version)
            context = record.retrieved_context or _NO_CONTEXT
            for field in ("run_id", "task_id", "model_name", "model_role", "source_files", "text"):
                cells[field].append(getattr(record, field))
            cells["matrix_corpora"].append(context.matrix_corpora)
            cells["pathway_fingerprints_seen"].append(context.pathway_fingerprints_seen)
            cells["contractor"].append((record.metadata or _NO_METADATA).contractor)
    bad_lines.close()
    return _frame(cells, EVIDENCE_COLUMNS)


def _records(
    root_or_file: str | os.PathLike[str],
    kind: Literal["scored-runs", "evidence"],
    decoder: msgspec.json.Decoder[T],
    bad_lines: BadLines,
) -> Iterable[tuple[str, Sequence[int], list[T]]]:
    for file in _files_of(root_or_file, kind):
        if file.problem:
            bad_lines.add(file.name, 0, file.problem)
            continue
        try:
            with open(file.path, "rb") as handle:
                for lines, records in decode_blocks(handle, decoder, bad_lines, file=file.name):
                    yield file.name, lines, records
        except OSError as error:
            bad_lines.add(file.name, 0, f"cannot be read: {error.strerror}")


def _files_of(
    root_or_file: str | os.PathLike[str], kind: Literal["scored-runs", "evidence"]
) -> list[LakeFile]:
    if not isinstance(root_or_file, (str, os.PathLike)):
        what = f"{type(root_or_file).__name__} {root_or_file!r:.80}"
        raise TypeError(
            f"root_or_file must be a path, not {what}. Give a lake or one of its files."
        )
    path = Path(root_or_file).expanduser()
    if path.is_file():
        return [LakeFile(str(root_or_file), path)]
    if path.suffix == ".jsonl" and not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}. Give a lake or one of its files.")
    return lake_files(lake_root(root_or_file), kind)


def _place(cells: dict[str, list[Any]], name: str, lines: Sequence[int]) -> None:
    cells["file"] += [name] * len(lines)
    cells["line"] += lines


def _origin(
    cells: dict[str, list[Any]], provenance: Provenance | None, schema_version: int | None
) -> None:
    origin = provenance or _NO_PROVENANCE
    cells["source_file"].append(origin.source_file)
    cells["line_offset"].append(origin.line_offset)
    cells["sig_hash"].append(origin.sig_hash)
    cells["recorded_at"].append(origin.recorded_at)
    cells["schema_version"].append(schema_version)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _frame(cells: dict[str, list[Any]], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(cells[name], dtype=_DTYPES[kind]) for name, kind in columns.items()}
    )
