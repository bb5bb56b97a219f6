"""Two benchmark runs of review candidates in Avocet's layout."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .draw import Draw
from .failures import HTML, RIGHT_TO_LEFT, WRITERS, Failure

SOURCE = "generated sample"
RUNS = {"2026-04-06-091500": 40, "2026-04-13-140230": 25}
BAD_LINE = '{"id":"cut-off","source":"generated sample","prompt_messages":[{"role":"us'
_MODELS = (
    ("qwen3-8b", "qwen3:8b", 84.0),
    ("mistral-small-24b", "mistral-small:24b", 47.0),
    ("llama3.1-70b", "llama3.1:70b", 21.0),
)
_SYSTEM = "You are a careful assistant. Follow the requested format exactly."


def make_candidates(seed: int) -> dict[str, list[str]]:
    """Lines of each run: run id -> lines."""
    draw = Draw(seed, 3)
    lines: dict[str, list[str]] = {}
    earlier: list[dict[str, Any]] = []
    for run, count in RUNS.items():
        records = [_record(draw, run, number, earlier) for number in range(count)]
        if not earlier:
            _settle(records)
            earlier = records
            del records[7]["quality_score"]
            del records[11]["failure_category"]
            records[11]["failure_reason"] = None
        else:
            _follow_up(draw, records, earlier)
        lines[run] = [_json(record) for record in records]
    lines[next(iter(RUNS))].insert(23, BAD_LINE)
    return lines


def write_candidates(folder: Path, seed: int) -> None:
    """Write one folder for each run below ``folder``."""
    for run, lines in make_candidates(seed).items():
        path = folder / run / "sft_candidates.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(("\n".join(lines) + "\n").encode())


def _record(draw: Draw, run: str, number: int, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    category = list(WRITERS)[number % len(WRITERS)]
    failure = WRITERS[category](draw)
    if not earlier and number == 4:
        failure, category = HTML, "style_violation"
    if not earlier and number == 16:
        failure, category = RIGHT_TO_LEFT, "style_violation"
    model_id, model_name, speed = draw.pick(_MODELS)
    low, high = failure.quality
    started = datetime.strptime(run, "%Y-%m-%d-%H%M%S")
    at = started + timedelta(seconds=110 * (number + 1) + draw.whole(0, 90))
    return {
        "id": f"{run}-{number:03d}",
        "source": SOURCE,
        "benchmark_run_id": run,
        "timestamp": f"{at.isoformat()}Z",
        "status": "needs_review",
        "prompt_messages": _messages(draw, failure, number),
        "model_response": failure.response,
        "corrected_response": None,
        "quality_score": draw.whole(low, high) / 100,
        "failure_reason": failure.reason,
        "failure_category": category,
        "task_id": f"{failure.task}-{number:03d}",
        "task_type": "chat" if number % 5 == 2 else "single_turn",
        "task_name": failure.task.capitalize(),
        "model_id": model_id,
        "model_name": model_name,
        "node_id": f"node-{draw.whole(1, 3)}",
        "gpu_id": draw.whole(0, 3),
        "tokens_per_sec": round(draw.normal(speed, speed / 20), 1),
    }


def _messages(draw: Draw, failure: Failure, number: int) -> list[dict[str, str]]:
    """One turn, with a system message for some, or a conversation for every fifth."""
    messages = [{"role": "user", "content": failure.prompt}]
    if number % 5 == 2:
        opening = draw.pick(("Hello, I have a small task.", "Can you help me with something?"))
        answer = draw.pick(("Of course. What is it?", "Gladly, go ahead."))
        turns = [
            {"role": "user", "content": opening},
            {"role": "assistant", "content": answer},
        ]
        messages = turns + messages
    if number % 3 == 0:
        messages.insert(0, {"role": "system", "content": _SYSTEM})
    return messages


def _settle(records: list[dict[str, Any]]) -> None:
    """Give a few records of the first run each of the other statuses."""
    right = next(record for record in records if record["failure_category"] == "scoring_artifact")
    right["status"] = "approved"
    partial = records[2]
    partial["status"] = "approved"
    partial["corrected_response"] = (
        "Saddle (comfort)\nChain (drive)\nFork (steering)\nHub (rolling)\nCrank (power)"
    )
    partial["prompt_messages"][-1]["content"] = (
        "Name five parts of a bicycle, one a line, and say in a word why each was chosen."
    )
    partial["model_response"] = "1. chain\n2. hub"
    partial["failure_reason"] = "2 of 5 items, no reasons"
    records[9]["status"] = "discarded"
    records[14]["status"] = "model_rejected"


def _follow_up(draw: Draw, records: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> None:
    """Ask some prompts of the first run again, and go on from one of its failed answers."""
    for number in (3, 8, 12):
        again = earlier[number]
        for key in ("prompt_messages", "task_id", "task_type", "task_name", "failure_category"):
            records[number][key] = again[key]
        records[number]["failure_reason"] = "again: " + str(again["failure_reason"])
        opening = "" if number == 8 else draw.pick(("Let me think. ", "Here you go: "))
        records[number]["model_response"] = opening + again["model_response"]
    failed = earlier[0]
    records[17]["prompt_messages"] = [
        *failed["prompt_messages"],
        {"role": "assistant", "content": failed["model_response"]},
        {"role": "user", "content": "Are you sure? Check it once more."},
    ]
    records[17]["model_response"] = "Yes, I am sure. " + failed["model_response"]
    records[17]["failure_category"] = "wrong_answer"
    records[17]["failure_reason"] = "kept the wrong answer"
    records[17]["task_type"] = "chat"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
