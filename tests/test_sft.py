"""One scored run and its evidence make one sample, byte for byte as the original's."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from jarvis_lab.readers.lake import read_evidence, read_scored_runs
from jarvis_lab.records_lake import EvidenceRecord, ScoredRun
from jarvis_lab.synthesis.sft import (
    QUALITY_SCORES,
    SFT_NEVER,
    build_instruction,
    is_sft_never,
    synthesize_sft,
)

GOLDEN = Path(__file__).parent / "golden"
RUN = {
    "evidence_run_id": "r1",
    "category": "accepted",
    "provenance": {"source_file": "s", "line_offset": 3, "sig_hash": "h", "recorded_at": "old"},
}
EVIDENCE = {
    "run_id": "r1",
    "task_id": "phase:phase:9",
    "model_name": "qwen3:8b",
    "model_role": "executor",
    "source_files": ["", "b.rs"],
    "retrieved_context": {"matrix_corpora": ["kb", None], "pathway_fingerprints_seen": 4},
    "text": " padded \n",
    "provenance": {"source_file": "data/_kb/audits.jsonl"},
}


def make(run: object = RUN, evidence: object = EVIDENCE, **options: object) -> object:
    return synthesize_sft(run, evidence, recorded_at="now", sft_id="a:0", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        (
            "scrum_reviews",
            "Review the file 'a.rs' against the PRD + change-proposal context. Produce a forensic "
            "audit with findings, severity, confidence, patches.",
        ),
        (
            "mode_experiments",
            "Run task_class='permit:phase:7' for file 'a.rs'. Produce the mode-runner's expected "
            "output shape.",
        ),
        (
            "auto_apply",
            "Auto-apply: emit a 6-line surgical patch for 'a.rs' based on the latest scrum review "
            "findings.",
        ),
        ("audits", "Audit phase 'permit:phase:7' and report findings with severity."),
        (
            "observer_reviews",
            "Observer-review the latest attempt on 'a.rs'. Verdict: accept | reject | cycle.",
        ),
        ("contract_analyses", "Analyze permit 'phase:7'. Recommend with risk markers."),
        ("outcomes", "Run scenario; report per-event outcome with citations."),
        (
            "nested/thing",
            "Source 'nested/thing' run; produce the appropriate output for this task type.",
        ),
        ("", "Source '' run; produce the appropriate output for this task type."),
    ],
)
def test_each_source_class_has_its_instruction(stem: str, expected: str) -> None:
    assert build_instruction(stem, "permit:phase:7", "a.rs") == expected


def test_prefixes_come_off_once_and_a_contractor_is_named() -> None:
    assert "'phase:9'" in build_instruction("audits", "phase:phase:9", None)
    assert "'permit:B'" in build_instruction("contract_analyses", "permit:permit:B", None)
    assert build_instruction("contract_analyses", "permit:B", None, contractor="ACME") == (
        "Analyze contractor 'ACME' for permit 'B'. Recommend with risk markers."
    )
    assert build_instruction("contract_analyses", "permit:B", None, contractor="") == (
        "Analyze permit 'B'. Recommend with risk markers."
    )


@pytest.mark.parametrize("first", [None, ""])
def test_no_file_and_an_empty_one_are_called_file(first: str | None) -> None:
    assert "'<file>'" in build_instruction("auto_apply", "t", first)


def test_a_sample_has_every_field_from_where_it_should_come() -> None:
    sample = make()
    assert msgspec.json.encode(sample).decode() == (
        '{"schema_version":1,"id":"a:0",'
        '"instruction":"Audit phase \'phase:9\' and report findings with severity.",'
        '"context":"matrix=kb, · pathway_fingerprints=4 · model=qwen3:8b",'
        '"response":" padded \\n","source_run_id":"r1","quality_score":1,"created_at":"now",'
        '"provenance":{"source_file":"s","line_offset":3,"sig_hash":"h","recorded_at":"now"}}'
    )


@pytest.mark.parametrize(
    ("change", "context"),
    [
        ({"retrieved_context": None}, "model=qwen3:8b"),
        ({"retrieved_context": {}, "model_name": None}, ""),
        ({"retrieved_context": {"matrix_corpora": ["x"]}, "model_name": ""}, "matrix=x"),
        ({"retrieved_context": {"pathway_fingerprints_seen": 0}}, "model=qwen3:8b"),
        ({"retrieved_context": {"pathway_fingerprints_seen": -1}}, "model=qwen3:8b"),
        (
            {"retrieved_context": {"pathway_fingerprints_seen": 2}, "model_name": ""},
            "pathway_fingerprints=2",
        ),
        (
            {
                "retrieved_context": {"matrix_corpora": [""], "pathway_fingerprints_seen": 2},
                "model_name": "",
            },
            "matrix= · pathway_fingerprints=2",
        ),
    ],
)
def test_the_context_holds_the_parts_that_exist(change: dict[str, object], context: str) -> None:
    assert make(evidence=EVIDENCE | change).context == context  # type: ignore[attr-defined]


def test_records_and_mappings_make_the_same_sample() -> None:
    records = msgspec.convert(RUN, ScoredRun), msgspec.convert(EVIDENCE, EvidenceRecord)
    assert make(*records) == make()


def test_rows_of_the_tables_make_the_sample_of_the_files() -> None:
    runs = read_scored_runs(GOLDEN / "lake", on_bad_lines="skip")
    evidence = read_evidence(GOLDEN / "lake", on_bad_lines="skip").drop_duplicates(
        ["file", "run_id"], keep="last"
    )
    places = runs.groupby("file").cumcount()
    answers = {row["run_id"]: row for row in evidence.to_dict("records")}
    made = []
    for row, place in zip(runs.to_dict("records"), places, strict=True):
        sample = synthesize_sft(
            row,
            answers.get(row["evidence_run_id"]),
            recorded_at="2026-01-01T00:00:00Z",
            sft_id=f"{Path(row['file']).name}:{place}",
        )
        made += [json.loads(msgspec.json.encode(sample))] if sample else []
    text = (GOLDEN / "lake_expected_go.jsonl").read_text(encoding="utf-8")
    assert made == [json.loads(line) for line in text.split("\n") if line]


@pytest.mark.parametrize(
    "category", ["rejected", "needs_human_review", None, "", "Accepted", "accepted ", "unheard"]
)
def test_no_other_category_makes_a_sample_whatever_the_settings(category: str | None) -> None:
    assert make(RUN | {"category": category}, include_partial=True) is None


def test_a_partially_accepted_run_has_half_the_quality() -> None:
    sample = make(RUN | {"category": "partially_accepted"})
    assert sample.quality_score == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", ["extractor", "Executor", "", None])
def test_another_role_makes_a_sample_only_with_include_partial(role: str | None) -> None:
    other = EVIDENCE | {"model_role": role}
    assert make(evidence=other) is None
    assert make(evidence=other, include_partial=True) is not None


@pytest.mark.parametrize("text", [None, "", "  \n\t ", "\u00a0\u2003\u3000\u0085\u2028"])
def test_an_empty_response_never_makes_a_sample(text: str | None) -> None:
    assert make(evidence=EVIDENCE | {"text": text}, include_partial=True) is None


@pytest.mark.parametrize("text", ["\x1c", "\u200b", "\ufeff", "0"])
def test_what_the_original_does_not_call_white_space_is_a_response(text: str) -> None:
    assert make(evidence=EVIDENCE | {"text": text}).response == text  # type: ignore[attr-defined]


def test_no_evidence_makes_no_sample() -> None:
    assert make(evidence=None) is None


def test_a_sample_leaves_the_records_as_they_were() -> None:
    run, evidence = msgspec.convert(RUN, ScoredRun), msgspec.convert(EVIDENCE, EvidenceRecord)
    make(run, evidence)
    assert run == msgspec.convert(RUN, ScoredRun)
    assert evidence == msgspec.convert(EVIDENCE, EvidenceRecord)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="recorded_at must not be empty"):
        synthesize_sft(RUN, EVIDENCE, recorded_at=" ", sft_id="a")
    with pytest.raises(ValueError, match="evidence is not a EvidenceRecord"):
        make(evidence={"text": 5, "model_role": "executor"})
    with pytest.raises(TypeError, match="scored must be a ScoredRun or a mapping"):
        make("r1")


def test_the_categories_that_never_pass_are_exactly_two() -> None:
    assert {"rejected", "needs_human_review"} == SFT_NEVER
    assert QUALITY_SCORES == {"accepted": 1, "partially_accepted": 0.5}
    with pytest.raises(TypeError):
        QUALITY_SCORES["rejected"] = 1  # type: ignore[index]
    assert not is_sft_never(["rejected"])
    assert not is_sft_never("Rejected")


@pytest.mark.parametrize("run_id", ["r2", "R1", "r1 "])
def test_evidence_of_another_run_is_an_error(run_id: str) -> None:
    with pytest.raises(ValueError, match=r"not of the scored run 'r1'\. Pass the evidence of"):
        make(evidence={**EVIDENCE, "run_id": run_id})


@pytest.mark.parametrize("run_id", ["", None])
def test_evidence_without_a_run_is_taken_at_its_callers_word(run_id: str | None) -> None:
    assert make(evidence={**EVIDENCE, "run_id": run_id}) is not None


def test_a_row_of_a_table_is_a_record(tmp_path):
    provenance = {"source_file": "data/_kb/audits.jsonl", "line_offset": 3}
    scored = {"evidence_run_id": "r1", "category": "accepted", "provenance": provenance}
    evidence = {"run_id": "r1", "model_role": "executor", "task_id": "phase:x", "text": "hi"}
    evidence["provenance"] = provenance
    flat = [
        pd.Series({**record, **record["provenance"]}).drop("provenance")
        for record in (scored, evidence)
    ]
    named = {"recorded_at": "now", "sft_id": "i"}
    assert synthesize_sft(*flat, **named) == synthesize_sft(scored, evidence, **named)
    with pytest.raises(TypeError, match=r"scored must be a ScoredRun or a mapping, not int 3\.$"):
        synthesize_sft(3, evidence, **named)
