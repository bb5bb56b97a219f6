"""Records of a lake as msgspec Structs, and the columns of its tables, declared once.

JSON ``null`` means absent and any field may be missing, so every field has a default; only a
wrong JSON type in a listed field makes a line bad. Whole numbers are those of 64 bits: ``1.0``
and ``1e3`` are not whole. Names of fields are matched exactly, and the last of a repeated name
wins. Unknown fields are ignored.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

__all__ = [
    "EVIDENCE_COLUMNS",
    "SCORED_COLUMNS",
    "EvidenceMetadata",
    "EvidenceRecord",
    "Provenance",
    "RetrievedContext",
    "ScoredRun",
    "ScoredRunDetails",
    "SftProvenance",
    "SftSample",
]

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

#: name -> kind ("text", "whole", "list") of each column of a table of scored runs.
SCORED_COLUMNS: dict[str, str] = {
    "evidence_run_id": "text",
    "category": "text",
    "source_file": "text",
    "line_offset": "whole",
    "sig_hash": "text",
    "recorded_at": "text",
    "schema_version": "whole",
    "scored_at": "text",
    "scorer_version": "text",
    "reasons": "list",
    "file": "text",
    "line": "whole",
}

#: name -> kind ("text", "whole", "list") of each column of a table of evidence.
EVIDENCE_COLUMNS: dict[str, str] = {
    "run_id": "text",
    "task_id": "text",
    "model_name": "text",
    "model_role": "text",
    "source_files": "list",
    "matrix_corpora": "list",
    "pathway_fingerprints_seen": "whole",
    "text": "text",
    "contractor": "text",
    "source_file": "text",
    "line_offset": "whole",
    "sig_hash": "text",
    "recorded_at": "text",
    "schema_version": "whole",
    "file": "text",
    "line": "whole",
}


class Provenance(msgspec.Struct, gc=False):
    """Where a record came from."""

    source_file: str | None = None
    line_offset: Whole | None = None
    sig_hash: str | None = None
    recorded_at: str | None = None


class ScoredRun(msgspec.Struct, gc=False):
    """One line of ``data/scored-runs``: what a scorer thought of a run."""

    schema_version: Whole | None = None
    evidence_run_id: str | None = None
    category: str | None = None
    provenance: Provenance | None = None


class ScoredRunDetails(ScoredRun, gc=False):
    """A scored run with the fields that only a reader of the table wants, of any type."""

    reasons: Any = None
    scored_at: Any = None
    scorer_version: Any = None


class RetrievedContext(msgspec.Struct, gc=False):
    """What the model was given to look at."""

    matrix_corpora: list[str | None] | None = None
    pathway_fingerprints_seen: Whole | None = None


class EvidenceMetadata(msgspec.Struct, gc=False):
    """The one fact of the metadata that an instruction uses."""

    contractor: str | None = None


class EvidenceRecord(msgspec.Struct, gc=False):
    """One line of ``data/evidence``: what a model wrote in a run."""

    schema_version: Whole | None = None
    run_id: str | None = None
    task_id: str | None = None
    model_name: str | None = None
    model_role: str | None = None
    source_files: list[str | None] | None = None
    retrieved_context: RetrievedContext | None = None
    text: str | None = None
    provenance: Provenance | None = None
    metadata: EvidenceMetadata | None = None


class SftProvenance(msgspec.Struct, gc=False):
    """Where a training sample came from: the scored run's, with the export's time."""

    source_file: str
    line_offset: int
    sig_hash: str
    recorded_at: str


class SftSample(msgspec.Struct, gc=False):
    """One line of an SFT export; the fields stand in the order of the keys."""

    schema_version: int
    id: str
    instruction: str
    context: str
    response: str
    source_run_id: str
    quality_score: float | int
    created_at: str
    provenance: SftProvenance
