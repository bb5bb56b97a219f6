"""A generated lake of any size: the same bytes for the same seed."""

from __future__ import annotations

import json
import random
from pathlib import Path

TEXT = """the router sent this query to a model which answered with findings severity confidence
and a patch for the file naïve 数学 emoji 😀 <b>bold</b> a&b quoted "text" back\\slash tab\t\n"""
ASCII_TEXT = TEXT.replace("naïve 数学 emoji 😀", "naive maths emoji smile")
STEMS = (
    "scrum_reviews",
    "mode_experiments",
    "auto_apply",
    "audits",
    "observer_reviews",
    "contract_analyses",
    "outcomes",
    "pathway_notes",
)
CATEGORIES = (
    ("accepted",) * 5 + ("partially_accepted",) * 2 + ("rejected",) * 2 + ("needs_human_review",)
)
ROLES = ("executor",) * 4 + ("reviewer",) * 3 + ("applier",) * 2 + ("extractor",)
MODELS = ("qwen3:8b", "qwen3:32b", "gpt-oss:120b", "llama3.1:70b", "")


def make_lake(
    root: Path, *, pairs: int, files: int, ascii_only: bool = False, seed: int = 7
) -> int:
    """Write ``pairs`` scored runs with their evidence into ``files`` day files; give the bytes."""
    rng = random.Random(seed)
    words = (ASCII_TEXT if ascii_only else TEXT).split(" ")
    texts = [" ".join(rng.choices(words, k=rng.randint(40, 150))) for _ in range(2000)]
    total = 0
    for day in range(files):
        count = pairs // files + (day < pairs % files)
        name = Path(f"{2020 + day // 336}/{day // 28 % 12 + 1:02}/{day % 28 + 1:02}/alpha.jsonl")
        scored, evidence = [], []
        for row in range(count):
            run = f"run-{day:05}-{row:06}"
            proof = {
                "source_file": f"data/_kb/{rng.choice(STEMS)}.jsonl",
                "line_offset": row,
                "sig_hash": f"{rng.getrandbits(256):064x}",
                "recorded_at": "2026-01-01T00:00:00Z",
            }
            scored.append(_scored(rng, run, proof))
            evidence.append(_evidence(rng, run, proof, texts))
        rng.shuffle(evidence)
        for kind, rows in (("scored-runs", scored), ("evidence", evidence)):
            path = root / "data" / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
            data = ("\n".join(lines) + "\n").encode()
            path.write_bytes(data)
            total += len(data)
    return total


def _scored(rng: random.Random, run: str, proof: dict[str, object]) -> dict[str, object]:
    return {
        "schema_version": 1,
        "evidence_run_id": run,
        "evidence_task_id": "task",
        "category": rng.choice(CATEGORIES),
        "reasons": ["cargo green", "reviewed by two"],
        "scored_at": "2026-01-01T00:00:00Z",
        "scorer_version": "v1",
        "provenance": proof,
    }


def _evidence(
    rng: random.Random, run: str, proof: dict[str, object], texts: list[str]
) -> dict[str, object]:
    return {
        "run_id": run,
        "task_id": f"permit:{rng.randint(0, 99)}",
        "timestamp": "2026-01-01T00:00:00Z",
        "schema_version": 1,
        "provenance": proof,
        "model_name": rng.choice(MODELS),
        "model_role": rng.choice(ROLES),
        "source_files": ["crates/a/src/lib.rs", "crates/b/src/main.rs"],
        "retrieved_context": {
            "matrix_corpora": ["kb_v1", "adr"],
            "pathway_fingerprints_seen": rng.randint(0, 5),
        },
        "text": rng.choice(texts) if rng.random() > 0.02 else "  ",
    }
