"""What the review panel shows of an item and of the queue, as markup. Reads, decides nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jarvis_lab._checks import plural
from jarvis_lab.review.tables import ReviewItem
from jarvis_lab.widgets import _html
from jarvis_lab.widgets._diff import count_words, diff_html, word_diff

__all__ = [
    "DONE",
    "answer",
    "call",
    "changes",
    "chips",
    "progress",
    "prompt",
    "prompt_head",
    "quality",
    "reason",
    "stats",
]

_STATS: dict[str, str] = {
    "by_status": "Status",
    "by_failure_category": "Failure category",
    "by_model": "Model",
    "by_task_type": "Task type",
    "by_reviewer": "Reviewer",
    "per_day": "Day",
}
#: action -> what was done to the item, for the line that says it is saved.
DONE: dict[str, str] = {
    "approve": "approved",
    "correct": "corrected",
    "discard": "discarded",
    "flag": "flagged",
}
_MOST_ROWS = 12


def quality(score: float) -> tuple[str, str]:
    """Return a quality score as text, and its tone: low, fair, acceptable or none.

    Examples
    --------
    >>> quality(0.31), quality(0.7), quality(float("nan"))
    (('0.31 low', 'low'), ('0.70 acceptable', 'acceptable'), ('unknown', ''))
    """
    if not math.isfinite(score):
        return "unknown", ""
    tone = "low" if score < 0.4 else "fair" if score < 0.7 else "acceptable"
    digits = next((d for d in (2, 3, 4, 5) if _same_side(score, d)), 6)
    return f"{score:.{digits}f} {tone}", tone


def _same_side(score: float, digits: int) -> bool:
    """Whether the rounded score has the tone of the score itself (0.3999 is not 0.40 low)."""
    shown = round(score, digits)
    return all((shown < edge) == (score < edge) for edge in (0.4, 0.7))


def chips(item: ReviewItem, *, extra: Sequence[str] = ()) -> str:
    """Model, task type, node and GPU, speed and quality of an item, then its id."""
    shown, tone = quality(item.quality_score)
    speed = item.tokens_per_sec
    gpu = "" if item.gpu_id is None else f"GPU {item.gpu_id}"
    machine = " · ".join(part for part in (item.node_id or "", gpu) if part)
    facts = [
        ("model", item.model_name or item.model_id or "unknown", ""),
        ("task", item.task_type or "unknown", ""),
        ("node", machine or "unknown", ""),
        ("speed", f"{speed:,.1f} tok/s" if math.isfinite(speed) else "unknown", ""),
        ("quality", shown, tone),
    ]
    marks = "".join(_html.chip(label, value, tone=tone) for label, value, tone in facts)
    name = _html.one_line(" / ".join(p for p in (item.task_name, item.id) if p), 120)
    title = f'<span class="jl-muted">{_html.inline(name)}</span>'
    return f'<div class="jl-chips">{marks}{"".join(extra)}{title}</div>'


def call(tone: str, text: str, *, detail: str = "", role: str = "") -> str:
    """One marked line: what it is about in plain words, then text that came from a file."""
    live = f' role="{role}"' if role else ""
    more = f" {_html.inline(detail)}" if detail else ""
    return f'<div class="jl-call jl-{tone}"{live}><b>{_html.escape(text)}</b>{more}</div>'


def reason(item: ReviewItem) -> str:
    """Why the scorer thinks the answer failed."""
    text = item.failure_reason or "no reason was recorded"
    return call("warn", "Why it is here:", detail=_html.one_line(text, 600))


def prompt(messages: Sequence[Mapping[str, Any]], *, opened: bool, most: int | None) -> str:
    """Turns of the prompt, one fold each, with the start of the text while folded."""
    if not messages:
        return '<div class="jl-none">(no prompt recorded)</div>'
    return "".join(_turn(message, opened, most) for message in messages)


def prompt_head(messages: Sequence[Mapping[str, Any]]) -> str:
    """Heading of the prompt with the number of its turns."""
    count = f"{len(messages)} {plural(len(messages), 'turn')}"
    return f'<div class="jl-head">Prompt <span class="jl-muted">{count}</span></div>'


def _turn(message: Mapping[str, Any], opened: bool, most: int | None) -> str:
    text = _html.content_text(message["content"])
    role = _html.inline(_html.one_line(message["role"] or "no role", 40))
    preview = _html.inline(_html.one_line(text) or "(empty)")
    return (
        f'<details{" open" if opened else ""}><summary><span class="jl-role">{role}</span>'
        f'<span class="jl-preview">{preview}</span></summary>'
        f"{_html.block(text, most=most)}</details>"
    )


def answer(text: str, *, most: int | None) -> str:
    """Return the model's answer as text."""
    block = _html.block(text, most=most)
    head = '<div class="jl-head">The model\'s answer</div>'
    return f'{head}<div class="jl-answer">{block}</div>'


def changes(before: str, after: str) -> str:
    """Return what the correction changes, word by word."""
    if before == after:
        found, marked = "none yet: your text is the model's answer", ""
    elif not after.strip():
        found, marked = "the editor is empty", ""
    else:
        listed = word_diff(before, after)
        removed, added = count_words(listed)
        found = f"{removed:,} {plural(removed, 'word')} removed, {added:,} added"
        marked = diff_html(listed)
    title = f'Changes: <span class="jl-muted">{found}</span>'
    return f'<div class="jl-head">{title}</div>{marked}'


def progress(
    counts: Mapping[str, Any], marks: Mapping[str, int], *, left: int, filtered: bool
) -> str:
    """How far the queue is: decided of all, what is left, conflicts and stale decisions."""
    total = int(counts["total"])
    decided = total - int(counts["by_status"].get("needs_review", 0))
    share = 100 * decided // total if total else 0
    parts = [f"<b>{decided:,} of {total:,} decided</b>"]
    bar = f'<div class="jl-fill" style="width:{share}%"></div>'
    parts.append(
        f'<div class="jl-track" role="progressbar" aria-label="decided" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{share}">{bar}</div>'
    )
    parts.append(f"<span>{share} %</span>")
    parts.append(f"<span>{left:,} left{' with these filters' if filtered else ''}</span>")
    parts += [
        f'<span class="jl-chip jl-warn">{count:,} {word}</span>'
        for word, count in marks.items()
        if count
    ]
    parts.append(f'<span class="jl-muted">{int(counts["export_ready"]):,} ready to export</span>')
    return f'<div class="jl-progress">{"".join(parts)}</div>'


def stats(counts: Mapping[str, Any]) -> str:
    """Counts of the queue as small tables side by side, the most frequent first."""
    tables = [_counts(title, counts.get(key) or {}) for key, title in _STATS.items()]
    return f'<div class="jl-tables">{"".join(tables)}</div>'


def _counts(title: str, values: Mapping[object, int]) -> str:
    if not values:
        return ""
    newest_first = title == "Day"
    ranked = sorted(
        values.items(),
        key=lambda pair: str(pair[0]) if newest_first else pair[1],
        reverse=True,
    )
    rows: list[tuple[object, object]] = [
        (_html.one_line("(none)" if key is None else str(key) or "(none)", 60), count)
        for key, count in ranked[:_MOST_ROWS]
    ]
    rest = sum(count for _, count in ranked[_MOST_ROWS:])
    if rest:
        others = len(ranked) - _MOST_ROWS
        rows.append((f"{others} {plural(others, 'other')}", rest))
    return _html.table([title, "Items"], rows)
