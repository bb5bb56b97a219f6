"""One scored run and its evidence → one training sample."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from jarvis_lab import _checks
from jarvis_lab.records_lake import EvidenceRecord, Provenance, ScoredRun, SftProvenance, SftSample

__all__ = [
    "INSTRUCTABLE_ROLES",
    "QUALITY_SCORES",
    "SFT_NEVER",
    "build_instruction",
    "is_sft_never",
    "make_sample",
    "source_class",
    "synthesize_sft",
    "why_not_instructable",
]

T = TypeVar("T", ScoredRun, EvidenceRecord)

#: Categories of a scored run that no training sample may come from, whatever the settings.
SFT_NEVER: frozenset[str] = frozenset({"rejected", "needs_human_review"})

#: The only categories that a sample may come from, and the quality it gets.
QUALITY_SCORES: Mapping[str, float | int] = MappingProxyType(
    {"accepted": 1, "partially_accepted": 0.5}
)

#: Roles in which a model answered an instruction.
INSTRUCTABLE_ROLES: frozenset[str] = frozenset({"executor", "reviewer", "applier"})

NO_EVIDENCE = "no evidence"
OTHER_ROLE = "model role"
EMPTY_RESPONSE = "empty response"

_NO_FILE = "<file>"
#: White space as Go's unicode.IsSpace knows it: Python's own also has U+001C to U+001F.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_SPACE += "\u2028\u2029\u202f\u205f\u3000"
_SPACES = frozenset(_SPACE)
#: The parts of a record that a table of records holds as columns of their own.
_FLATTENED = {
    "provenance": ("source_file", "line_offset", "sig_hash", "recorded_at"),
    "retrieved_context": ("matrix_corpora", "pathway_fingerprints_seen"),
    "metadata": ("contractor",),
}
_NOWHERE = Provenance()


def is_sft_never(category: object) -> bool:
    """Whether ``category`` is one of ``SFT_NEVER``, letter for letter.

    The export asks more: it takes a run only if its category is one of ``QUALITY_SCORES``, so
    that a missing or unknown category is refused too.

    Examples
    --------
    >>> is_sft_never("rejected"), is_sft_never("accepted"), is_sft_never(None)
    (True, False, False)
    """
    return isinstance(category, str) and category in SFT_NEVER


def source_class(source_file: str | None) -> str:
    """Stem of the evidence's source file, which decides the instruction.

    Examples
    --------
    >>> source_class("data/_kb/audits.jsonl")
    'audits'
    """
    return (source_file or "").removeprefix("data/_kb/").removesuffix(".jsonl")


def build_instruction(
    stem: str,
    task_id: str | None,
    first_source_file: str | None,
    *,
    contractor: str | None = None,
) -> str:
    """Instruction that a sample of this source class answers.

    Parameters
    ----------
    stem
        The source class (:func:`source_class`).
    task_id
        Task of the evidence; ``phase:`` and ``permit:`` in front are taken off once where the
        instruction names the phase or permit.
    first_source_file
        First file the run looked at; ``<file>`` stands for none or an empty one.
    contractor
        For ``contract_analyses``: whom to analyse. Empty counts as none.

    Returns
    -------
    str
        The instruction, byte for byte that of the original exporter.

    Examples
    --------
    >>> build_instruction("audits", "phase:7", None)
    "Audit phase '7' and report findings with severity."
    >>> build_instruction("observer_reviews", "t", None)
    "Observer-review the latest attempt on '<file>'. Verdict: accept | reject | cycle."
    """
    task, file = task_id or "", first_source_file or _NO_FILE
    match stem:
        case "scrum_reviews":
            return (
                f"Review the file '{file}' against the PRD + change-proposal context. "
                "Produce a forensic audit with findings, severity, confidence, patches."
            )
        case "mode_experiments":
            return (
                f"Run task_class='{task}' for file '{file}'. "
                "Produce the mode-runner's expected output shape."
            )
        case "auto_apply":
            return (
                f"Auto-apply: emit a 6-line surgical patch for '{file}' "
                "based on the latest scrum review findings."
            )
        case "audits":
            phase = task.removeprefix("phase:")
            return f"Audit phase '{phase}' and report findings with severity."
        case "observer_reviews":
            return (
                f"Observer-review the latest attempt on '{file}'. Verdict: accept | reject | cycle."
            )
        case "contract_analyses":
            permit = task.removeprefix("permit:")
            whom = f"contractor '{contractor}' for permit" if contractor else "permit"
            return f"Analyze {whom} '{permit}'. Recommend with risk markers."
        case "outcomes":
            return "Run scenario; report per-event outcome with citations."
        case _:
            return f"Source '{stem}' run; produce the appropriate output for this task type."


def synthesize_sft(
    scored: ScoredRun | Mapping[str, Any],
    evidence: EvidenceRecord | Mapping[str, Any] | None,
    *,
    recorded_at: str,
    sft_id: str,
    include_partial: bool = False,
) -> SftSample | None:
    """Make the training sample of one scored run and its evidence.

    Parameters
    ----------
    scored, evidence
        Records, mappings with the keys of the files, or rows of :func:`read_scored_runs` and
        :func:`read_evidence` as mappings (``row._asdict()``, ``frame.to_dict("records")``).
    recorded_at
        Time of the export, as text; it is not interpreted.
    sft_id
        Id of the sample.
    include_partial
        Take any ``model_role``. The category and the empty response stay barred.

    Returns
    -------
    SftSample or None
        None if the category is not one of ``QUALITY_SCORES``, there is no evidence, the role
        did not answer an instruction, or the text is empty. Whether another record of the same
        run was rejected is for the export to say: this function sees one record.

    Raises
    ------
    ValueError
        If ``recorded_at`` is empty, a field has the wrong type, or the evidence names another
        run. Where either names none, they are taken to belong together.
    TypeError
        If ``scored`` or ``evidence`` is neither, or ``include_partial`` is not True or False.

    Examples
    --------
    >>> run = {"evidence_run_id": "r1", "category": "accepted"}
    >>> answer = {"run_id": "r1", "model_role": "executor", "text": "done",
    ...           "provenance": {"source_file": "data/_kb/outcomes.jsonl"}}
    >>> sample = synthesize_sft(run, answer, recorded_at="2026-01-01T00:00:00Z", sft_id="a:0")
    >>> sample.instruction, sample.response, sample.quality_score
    ('Run scenario; report per-event outcome with citations.', 'done', 1)
    """
    _checks.text("recorded_at", recorded_at)
    _checks.flag("include_partial", include_partial)
    run = _record(scored, ScoredRun, "scored")
    if run.category not in QUALITY_SCORES or evidence is None:
        return None
    record = _record(evidence, EvidenceRecord, "evidence")
    if record.run_id and run.evidence_run_id and record.run_id != run.evidence_run_id:
        raise ValueError(
            f"evidence is of run {record.run_id!r}, not of the scored run {run.evidence_run_id!r}. "
            "Pass the evidence of the same run: the verdict is about no other."
        )
    if why_not_instructable(record, include_partial):
        return None
    stem = source_class(record.provenance.source_file) if record.provenance else ""
    return make_sample(run, record, stem, recorded_at, sft_id)


def why_not_instructable(evidence: EvidenceRecord | None, include_partial: bool) -> str:
    """Why no sample can be made of ``evidence``; empty if one can."""
    if evidence is None:
        return NO_EVIDENCE
    if not include_partial and evidence.model_role not in INSTRUCTABLE_ROLES:
        return OTHER_ROLE
    text = evidence.text
    return "" if text and (text[0] not in _SPACES or has_text(text)) else EMPTY_RESPONSE


def has_text(text: str | None) -> bool:
    """Whether anything is left of ``text`` without the white space at its ends."""
    if not text:
        return False
    return text[0] not in _SPACES or text.strip(_SPACE) != ""


def make_sample(
    run: ScoredRun, evidence: EvidenceRecord, stem: str, recorded_at: str, sft_id: str
) -> SftSample:
    """Put a sample together from a run and evidence that passed every check."""
    files, facts = evidence.source_files, evidence.metadata
    origin = run.provenance or _NOWHERE
    return SftSample(
        1,
        sft_id,
        build_instruction(
            stem,
            evidence.task_id,
            files[0] if files else None,
            contractor=facts.contractor if facts else None,
        ),
        _context(evidence),
        evidence.text or "",
        run.evidence_run_id or "",
        QUALITY_SCORES[run.category or ""],
        recorded_at,
        SftProvenance(
            origin.source_file or "", origin.line_offset or 0, origin.sig_hash or "", recorded_at
        ),
    )


def _context(evidence: EvidenceRecord) -> str:
    model, context = evidence.model_name, evidence.retrieved_context
    if context is None:
        return f"model={model}" if model else ""
    names, seen = context.matrix_corpora, context.pathway_fingerprints_seen or 0
    text = ""
    if names:
        try:
            text = "matrix=" + ",".join(names)  # type: ignore[arg-type]
        except TypeError:  # a null among them counts as empty
            text = "matrix=" + ",".join([name or "" for name in names])
    if seen > 0:
        text = f"{text} · pathway_fingerprints={seen}" if text else f"pathway_fingerprints={seen}"
    if model:
        text = f"{text} · model={model}" if text else f"model={model}"
    return text


def _record(value: T | Mapping[str, Any], kind: type[T], name: str) -> T:
    if isinstance(value, kind):
        return value
    to_dict = getattr(value, "to_dict", None)  # a row of a table
    value = to_dict() if callable(to_dict) else value
    if not isinstance(value, Mapping):
        what = f"{type(value).__name__} {value!r:.80}"
        raise TypeError(f"{name} must be a {kind.__name__} or a mapping, not {what}.")
    try:
        return msgspec.convert(_nested(value), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name} is not a {kind.__name__}: {error}.") from None


def _nested(value: Mapping[str, Any]) -> dict[str, Any]:
    """Give a table's row the shape of a file's record; a missing cell is an absent field."""
    row = {key: None if _is_missing(cell) else cell for key, cell in value.items()}
    for name, fields in _FLATTENED.items():
        if name not in row:
            inner = {field: row[field] for field in fields if row.get(field) is not None}
            row[name] = inner or None
    return row


def _is_missing(cell: object) -> bool:
    return type(cell).__name__ == "NAType" or (isinstance(cell, float) and cell != cell)
