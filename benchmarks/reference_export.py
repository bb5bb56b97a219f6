"""The export written with ``json`` of the standard library: what bench_export.py compares with.

The same job as a careful person would write it: one pass over the scored runs for the run ids to
keep out, hashes of the inputs, one file of evidence at a time, the rows read back and checked,
a manifest, and the names changed at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

QUALITY = {"accepted": 1, "partially_accepted": 0.5}
ROLES = {"executor", "reviewer", "applier"}


def reference_export(root: str, *, recorded_at: str, output: str) -> None:
    files = sorted(Path(root, "data", "scored-runs").glob("*/*/*/*.jsonl"))
    blocked, hashes = set(), {}
    for path in files:
        data = path.read_bytes()
        hashes[path] = hashlib.sha256(data).hexdigest()
        for _, run in records(data):
            if run.get("category") not in QUALITY:
                blocked.add(run.get("evidence_run_id") or "")
    temporary = Path(output + ".tmp")
    inputs, excluded, categories = [], [], {}
    whole = hashlib.sha256()
    with open(temporary, "wb") as sink:
        for path in files:
            start = sink.tell()
            rows = part(path, root, hashes, blocked, recorded_at, inputs, excluded, categories)
            for row in rows:
                text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
                sink.write(text.encode() + b"\n")
            sink.flush()
            check(temporary, start, blocked, whole)
        os.fsync(sink.fileno())
    manifest = {"sha256": whole.hexdigest(), "inputs": inputs, "excluded": len(excluded)}
    Path(output + ".manifest.json").write_text(json.dumps(manifest))
    os.replace(temporary, output)


def records(data: bytes):
    for number, line in enumerate(data.split(b"\n"), start=1):
        line = line.strip()
        if line:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield number, record


def part(path, root, hashes, blocked, recorded_at, inputs, excluded, categories):
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != hashes[path]:
        raise RuntimeError(f"{path} changed")
    inputs.append([str(path), hashes[path]])
    passed = []
    for index, (line, run) in enumerate(records(data)):
        category, run_id = run.get("category"), run.get("evidence_run_id") or ""
        categories[category] = categories.get(category, 0) + 1
        if category not in QUALITY or run_id in blocked:
            excluded.append((path, line, run_id, category))
        else:
            passed.append((index, line, run))
    wanted = {run.get("evidence_run_id") or "" for _, _, run in passed}
    below = path.relative_to(Path(root, "data", "scored-runs"))
    data = Path(root, "data", "evidence", below).read_bytes()
    inputs.append([str(below), hashlib.sha256(data).hexdigest()])
    found = {}
    for _, record in records(data):
        if (record.get("run_id") or "") in wanted:
            found[record.get("run_id") or ""] = record
    for index, line, run in passed:
        record = found.get(run.get("evidence_run_id") or "")
        if (
            record is None
            or record.get("model_role") not in ROLES
            or not (record.get("text") or "").strip()
        ):
            excluded.append((path, line, run.get("evidence_run_id"), run.get("category")))
        else:
            yield sample(run, record, f"{path.name}:{index}", recorded_at)


def sample(run, record, sft_id, recorded_at):
    stem = (record.get("provenance") or {}).get("source_file") or ""
    stem = stem.removeprefix("data/_kb/").removesuffix(".jsonl")
    file = ((record.get("source_files") or [""])[0]) or "<file>"
    task = record.get("task_id") or ""
    context = record.get("retrieved_context") or {}
    parts = []
    if context.get("matrix_corpora"):
        parts.append("matrix=" + ",".join(context["matrix_corpora"]))
    if (context.get("pathway_fingerprints_seen") or 0) > 0:
        parts.append(f"pathway_fingerprints={context['pathway_fingerprints_seen']}")
    if record.get("model_name"):
        parts.append(f"model={record['model_name']}")
    origin = run.get("provenance") or {}
    return {
        "schema_version": 1,
        "id": sft_id,
        "instruction": instruction(stem, task, file, record.get("metadata") or {}),
        "context": " · ".join(parts),
        "response": record["text"],
        "source_run_id": run.get("evidence_run_id") or "",
        "quality_score": QUALITY[run["category"]],
        "created_at": recorded_at,
        "provenance": {
            "source_file": origin.get("source_file") or "",
            "line_offset": origin.get("line_offset") or 0,
            "sig_hash": origin.get("sig_hash") or "",
            "recorded_at": recorded_at,
        },
    }


def instruction(stem, task, file, metadata):
    permit, contractor = task.removeprefix("permit:"), metadata.get("contractor")
    whom = f"contractor '{contractor}' for permit" if contractor else "permit"
    known = {
        "scrum_reviews": f"Review the file '{file}' against the PRD + change-proposal context. "
        "Produce a forensic audit with findings, severity, confidence, patches.",
        "mode_experiments": f"Run task_class='{task}' for file '{file}'. "
        "Produce the mode-runner's expected output shape.",
        "auto_apply": f"Auto-apply: emit a 6-line surgical patch for '{file}' "
        "based on the latest scrum review findings.",
        "audits": f"Audit phase '{task.removeprefix('phase:')}' and report findings with severity.",
        "observer_reviews": f"Observer-review the latest attempt on '{file}'. "
        "Verdict: accept | reject | cycle.",
        "contract_analyses": f"Analyze {whom} '{permit}'. Recommend with risk markers.",
        "outcomes": "Run scenario; report per-event outcome with citations.",
    }
    other = f"Source '{stem}' run; produce the appropriate output for this task type."
    return known.get(stem, other)


def check(path, start, blocked, whole):
    with open(path, "rb") as handle:
        handle.seek(start)
        for line in handle:
            whole.update(line)
            row = json.loads(line)
            if row["source_run_id"] in blocked or not row["response"].strip():
                raise RuntimeError(f"{row['id']} must not be exported")
