"""Corrections from real review queues: decisions of two reviewers, undone, in conflict, stale."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from jarvis_lab.synthesis.corrections import export_corrections
from jarvis_lab.synthesis.preferences import export_preferences
from jarvis_lab.synthesis.verify import verify_export

review = pytest.importorskip(
    "jarvis_lab.review.queue", reason="needs the review queue beside this package"
)

QUESTIONS = ("Capital of France?", "Capital of Italy?")
ANSWERS = ("It is Lyon", "It is Nice", "It is Turin")
VARIANTS = (str, str.upper, lambda text: f" {text} ".replace(" ", "\u00a0"))


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def write_run(folder: Path, rng: random.Random, count: int) -> list[dict[str, Any]]:
    """A benchmark run; some prompts hold an answer as an earlier turn."""
    rows = []
    for number in range(count):
        question = rng.choice(QUESTIONS)
        prompt = [user(question)]
        if rng.random() < 0.3:
            turn = rng.choice(VARIANTS)(rng.choice(ANSWERS))
            prompt += [{"role": "assistant", "content": turn}, user("Sure?")]
        rows.append(
            {
                "id": f"c{number}",
                "status": "needs_review",
                "prompt_messages": prompt,
                "model_response": rng.choice(ANSWERS),
                "task_type": "qa",
                "model_name": "m",
            }
        )
    folder.mkdir(parents=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "sft_candidates.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rows


def decide(folder: Path, rng: random.Random, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Let two reviewers decide at random; gives id -> the decisions in force."""
    ana, bea = (review.ReviewQueue(folder, reviewer=name) for name in ("ana", "bea"))
    live: dict[str, list[Any]] = {row["id"]: [] for row in rows}
    for row in rows:
        for queue, chance in ((ana, 0.9), (bea, 0.25)):
            if rng.random() > chance:
                continue
            verb = rng.choice(["approve", "correct", "correct", "correct", "discard", "flag"])
            text = rng.choice([*ANSWERS, "It is Paris", "It is Rome"])
            text = rng.choice(VARIANTS)(text) if verb == "correct" else None
            getattr(queue, verb)(row["id"], *([text] if text else []))
            if rng.random() < 0.15:
                queue.undo(row["id"])
            else:
                live[row["id"]].append((verb, text))
    return live


def same(text: str) -> str:
    return " ".join(text.casefold().split())


@pytest.mark.parametrize("seed", range(12))
def test_real_queues_export_what_the_rules_allow(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rows = write_run(tmp_path / "runs" / "2026-01-01-000000", rng, 14)
    folder = tmp_path / "review"
    review.ReviewQueue(folder, reviewer="ana").import_run(tmp_path / "runs" / "2026-01-01-000000")
    live = decide(folder, rng, rows)
    agreed = {name: made[0] for name, made in live.items() if len(set(made)) == 1}

    def key(prompt: list[dict[str, str]]) -> tuple[str, ...]:
        return tuple(same(turn["content"]) for turn in prompt)

    blocked = {
        (key(row["prompt_messages"]), same(row["model_response"]))
        for row in rows
        if agreed.get(row["id"], ("",))[0] != "approve"
    }
    expected = {}
    for row in rows:
        verb, text = agreed.get(row["id"], ("", None))
        target = row["model_response"] if verb == "approve" else text
        prompt = row["prompt_messages"]
        turns = [place for place, turn in enumerate(prompt) if turn["role"] == "assistant"]
        if (
            verb in ("approve", "correct")
            and (key(prompt), same(target)) not in blocked
            and not any((key(prompt[:p]), key(prompt)[p]) in blocked for p in turns)
        ):
            expected[row["id"]] = target

    queue = review.ReviewQueue(folder, reviewer="carl")
    for format in ("messages", "prompt_completion", "sharegpt"):
        result = export_corrections(queue, tmp_path / f"{format}.jsonl", format=format)
        assert result.rows()["id"].tolist() == list(expected)
    result = export_corrections(queue, tmp_path / "rows.jsonl")
    lines = result.files["all"].read_text(encoding="utf-8").splitlines() if expected else []
    written = [json.loads(line)["messages"][-1]["content"] for line in lines]
    assert written == list(expected.values())
    pairs = export_preferences(queue, tmp_path / "pairs.jsonl").rows()["id"].tolist()
    assert set(pairs) <= {name for name in expected if agreed[name][0] == "correct"}
    assert all(verify_export(file) for file in result.files.values())
    conflicts = {name for name, made in live.items() if len(set(made)) > 1}
    reasons = result.excluded().set_index("id")["reason"]
    assert set(reasons[reasons == "conflict"].index) == conflicts


def test_a_decision_whose_candidate_changed_is_not_exported(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    rows = write_run(folder, random.Random(1), 1)
    review.ReviewQueue(folder, reviewer="ana").correct("c0", "It is Paris")
    before = export_corrections(review.ReviewQueue(folder), tmp_path / "rows.jsonl")
    assert before.rows_exported == 1
    changed = {**rows[0], "model_response": "It is Paris"}
    (folder / "sft_candidates.jsonl").write_text(json.dumps(changed) + "\n")
    after = export_corrections(review.ReviewQueue(folder), tmp_path / "rows.jsonl")
    assert after.excluded()["reason"].tolist() == ["stale"]
    assert after.older_kept == (tmp_path / "rows.jsonl",)


def test_what_came_approved_with_the_original_files_is_exported(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    folder.mkdir()
    row = {
        "id": "c0",
        "status": "approved",
        "prompt_messages": [user("Capital of France?")],
        "model_response": "Lyon",
        "corrected_response": "Paris",
    }
    (folder / "sft_candidates.jsonl").write_text(json.dumps({**row, "status": "needs_review"}))
    (folder / "sft_approved.jsonl").write_text(json.dumps(row) + "\n")
    result = export_corrections(review.ReviewQueue(folder), tmp_path / "rows.jsonl")
    assert result.rows()["id"].tolist() == ["c0"]
