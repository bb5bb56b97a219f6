"""Candidates for the browser: ordinary ones, and ones that try to break out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RUN = "2026-03-01-101500"

HOSTILE = (
    "<script>window.hacked='script'</script><img src=x onerror=\"window.hacked='img'\">"
    "</textarea></div><style>body{display:none}</style>\x1b[31mred\x1b[0m nul:\x00 money: "
    "$x^2$ and $$y$$ `code` \u202eesrever\u202c עברית & العربية"
)


def candidate(number: int, **changes: Any) -> dict[str, Any]:
    """One candidate of a made-up benchmark."""
    answer = (
        f"To find 15% of {200 + number}, divide by 100 and multiply by 15.\n\n"
        f"{200 + number} / 100 = {(200 + number) / 100}\n"
        f"{(200 + number) / 100} * 15 = {(200 + number) * 0.15 + 1:.2f}\n\n"
        f"So the answer is {(200 + number) * 0.15 + 1:.2f}."
    )
    return {
        "id": f"cand-{number:04d}",
        "source": "benchmark",
        "benchmark_run_id": RUN,
        "timestamp": "2026-03-01T10:15:00Z",
        "status": "needs_review",
        "prompt_messages": [
            {"role": "system", "content": "You are a careful tutor. Show each step of the sum."},
            {"role": "user", "content": f"What is 15% of {200 + number}?"},
        ],
        "model_response": answer,
        "corrected_response": None,
        "quality_score": [0.12, 0.55, 0.83][number % 3],
        "failure_reason": f"expected {(200 + number) * 0.15:.2f}",
        "task_id": f"percent-{number}",
        "task_type": ["maths", "code", "summary"][number % 3],
        "task_name": "percentages",
        "model_id": "qwen3-8b",
        "model_name": ["qwen3:8b", "gemma3:4b"][number % 2],
        "node_id": f"node-{number % 3}",
        "gpu_id": number % 2,
        "tokens_per_sec": 41.25 + number,
    } | changes


def hostile() -> list[dict[str, Any]]:
    """Every text field tries something."""
    parts = {
        "prompt_messages": [
            {"content": HOSTILE},
            {"role": None, "content": [{"type": "text", "text": HOSTILE}, {"type": "image"}]},
            {"role": "<b>$r$</b>", "content": None},
        ],
        "model_response": HOSTILE,
        "failure_reason": HOSTILE,
        "task_type": f"<i>{HOSTILE}",
        "task_name": HOSTILE,
        "model_name": HOSTILE,
        "node_id": HOSTILE,
    }
    return [
        candidate(0, id="<img src=x onerror=\"window.hacked='id'\">", **parts),
        {"id": "bare", "model_response": None},
        candidate(2, id="rtl", model_response="التقرير: النتيجة هي 42.", quality_score="0.3"),
        candidate(3, id="huge", model_response="lorem ipsum " * 90_000),
    ]


def write_run(folder: Path, records: list[dict[str, Any]]) -> Path:
    """Write a run folder and return it."""
    run = folder / RUN
    run.mkdir(parents=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (run / "sft_candidates.jsonl").write_text(lines, encoding="utf-8")
    return run
