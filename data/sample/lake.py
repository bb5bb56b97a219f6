"""A small lake: scored runs and their evidence, with every case that an export has to judge."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .draw import Draw

SOURCE = "generated sample"
FILES = (
    "2026/03/02/kb.jsonl",
    "2026/03/03/kb.jsonl",
    "2026/03/16/audits.jsonl",
    "2026/03/16/kb.jsonl",
    "2026/04/01/kb.jsonl",
)
STEMS = (
    "scrum_reviews", "mode_experiments", "auto_apply", "audits",
    "observer_reviews", "contract_analyses", "outcomes", "nightly_digests",
)  # fmt: skip
ROLES = ("executor", "reviewer", "applier")
OTHER_ROLES = ("planner", "router", "summarizer")
MODELS = ("qwen3:8b", "llama3.1:70b", "mistral-small:24b", "cirrus-large-2")

#: What becomes of a run -> how many runs. The README repeats these numbers.
PLAN = {
    "accepted": 120,
    "partially_accepted": 50,
    "rejected": 40,
    "needs_human_review": 30,
    "unknown category": 3,
    "evidence missing": 15,
    "other role": 18,
    "empty text": 8,
    "accepted, later rejected": 8,
    "rejected, later accepted": 4,
}
CORRECTED_EVIDENCE = 10
BAD_SCORED_LINES = 2
BAD_EVIDENCE_LINES = 1

_FILES_TOUCHED = (
    "src/quay/berth.rs", "src/quay/tide.rs", "apps/portal/login.tsx",
    "services/permits/intake.py", "infra/queue.tf", "docs/runbook.md",
)  # fmt: skip
_TASK = {
    "mode_experiments": ("codebase_review", "pr_audit", "proposal_check"),
    "audits": ("phase:19.2", "phase:20", "phase:21.4"),
    "contract_analyses": ("permit:B-1047", "permit:B-2213", "permit:C-0090"),
}
_TEXT = {
    "scrum_reviews": "Finding 1 (severity {s}): the retry in line {n} never gives up. Patch: stop "
    "after {k} attempts. Confidence 0.{n}.",
    "mode_experiments": "The proposal covers {k} of the requirements; line {n} has no test.",
    "auto_apply": "@@ -{n},2 +{n},2 @@\n-    return tide\n+    return max(tide, 0)",
    "audits": "Gate {k} holds. Open: {n} records without provenance (severity {s}).",
    "observer_reviews": "Verdict: accept. The attempt fixes the panic in line {n}.",
    "contract_analyses": "Recommend with a condition. Risk: the bond ends {k} months early ({s}).",
    "outcomes": "Event {k}: crew of {n} placed in time [1]. Event {s}: no shortfall [2].",
    "nightly_digests": "{n} runs, {k} of them repeated. Slowest: the intake of permits.",
}


def make_lake(seed: int) -> dict[str, list[str]]:
    """Lines of each file: path below the lake's root -> lines."""
    draw = Draw(seed, 2)
    fates = [fate for fate, count in PLAN.items() for _ in range(count)]
    scored: dict[str, list[str]] = {file: [] for file in FILES}
    evidence: dict[str, list[str]] = {file: [] for file in FILES}
    corrected = 0
    for number, fate in enumerate(draw.some(range(len(fates)), len(fates))):
        name = fates[fate]
        later = ", later " in name
        file = FILES[number * (3 if later else 5) // len(fates)]
        run = _run_id(file, number)
        first, _, last = name.partition(", later ")
        scored[file].append(_scored(draw, run, file, len(scored[file]), first))
        if name != "evidence missing":
            item = _evidence(draw, run, file, len(evidence[file]), name, number)
            if name == "accepted" and corrected < CORRECTED_EVIDENCE and number % 7 == 0:
                corrected += 1
                evidence[file].append(_json({**item, "text": f"[superseded] {item['text']}"}))
            evidence[file].append(_json(item))
        if later:
            scored[FILES[4]].append(_scored(draw, run, FILES[4], len(scored[FILES[4]]), last))
    scored[FILES[1]].insert(11, '{"schema_version":1,"evidence_run_id":"run-cut-off","categ')
    scored[FILES[3]].insert(4, '{"schema_version":1,"evidence_run_id":7,"category":"accepted"}')
    scored[FILES[3]].insert(9, "")
    evidence[FILES[0]].insert(6, '{"schema_version":1,"run_id":"run-no-text","text":12}')
    lines = {f"data/scored-runs/{file}": scored[file] for file in FILES}
    return lines | {f"data/evidence/{file}": evidence[file] for file in FILES}


def write_lake(root: Path, seed: int) -> None:
    """Write the lake below ``root``."""
    for file, lines in make_lake(seed).items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(("\n".join(lines) + "\n").encode())


def _scored(draw: Draw, run: str, file: str, line: int, fate: str) -> str:
    category: str | None = fate
    if fate == "unknown category":
        category = draw.pick(("acceptd", "ok", None))
    elif fate not in ("accepted", "partially_accepted", "rejected", "needs_human_review"):
        category = draw.weighted(("accepted", "partially_accepted"), (3, 1))
    at = f"{file[:10].replace('/', '-')}T{draw.whole(6, 21):02d}:{draw.whole(0, 59):02d}:00Z"
    record = {
        "schema_version": 1,
        "evidence_run_id": run,
        "category": category,
        "reasons": [f"generated: {fate}"],
        "scored_at": at,
        "scorer_version": "sample-1",
        "source": SOURCE,
        "provenance": _provenance(run, "data/_kb/scored_runs.jsonl", line, at),
    }
    return _json({key: value for key, value in record.items() if value is not None})


def _evidence(draw: Draw, run: str, file: str, line: int, fate: str, number: int) -> dict[str, Any]:
    stem = STEMS[number % len(STEMS)]
    text = _TEXT[stem].format(
        n=draw.whole(11, 98), k=draw.whole(2, 7), s=draw.pick(("low", "medium", "high"))
    )
    sources = draw.some(_FILES_TOUCHED, draw.weighted((0, 1, 2), (1, 6, 3)))
    context = {
        "matrix_corpora": draw.some(("lakehouse_arch", "kb_team_runs", "symbols"), 2),
        "pathway_fingerprints_seen": draw.whole(0, 4),
    }
    at = f"{file[:10].replace('/', '-')}T05:{draw.whole(0, 59):02d}:00Z"
    contractor = stem == "contract_analyses" and draw.chance(0.5)
    return {
        "schema_version": 1,
        "run_id": run,
        "task_id": draw.pick(_TASK.get(stem, (f"{stem}:{number}",))),
        "timestamp": at,
        "model_name": draw.pick(MODELS),
        "model_role": draw.pick(OTHER_ROLES if fate == "other role" else ROLES),
        "source_files": sources,
        "retrieved_context": context if draw.chance(0.7) else None,
        "text": draw.pick(("", "  \n")) if fate == "empty text" else text,
        "source": SOURCE,
        "provenance": _provenance(run, f"data/_kb/{stem}.jsonl", line, at),
        "metadata": {"contractor": "Northquay Builders"} if contractor else {},
    }


def _run_id(file: str, number: int) -> str:
    return f"run-{file[:10].replace('/', '')}-{number:04d}"


def _provenance(run: str, file: str, line: int, at: str) -> dict[str, Any]:
    signature = hashlib.sha256(f"{file}:{run}".encode()).hexdigest()
    return {"source_file": file, "line_offset": line, "sig_hash": signature, "recorded_at": at}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
