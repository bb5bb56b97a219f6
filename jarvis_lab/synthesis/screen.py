"""Which reviewed rows may be trained on, and why the others may not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from jarvis_lab.synthesis.blocked import BlockedText
from jarvis_lab.synthesis.reviewed import METADATA, HasFrame, Reviewed, queue_frame, read_reviewed
from jarvis_lab.synthesis.steps import HygieneStep

__all__ = [
    "EXCLUDED_COLUMNS",
    "ExcludedCandidate",
    "Screen",
    "correction_rows",
    "exclude",
    "excluded_frame",
    "screen",
]

#: Columns of ``excluded()``: name -> dtype.
EXCLUDED_COLUMNS = {
    "id": "str",
    "row": "int64",
    "status": "str",
    "reason": "str",
    "detail": "str",
    "matched_id": "str",
    "task_type": "str",
    "model_name": "str",
}
#: One row of ``excluded()``, in the order of its columns.
ExcludedCandidate = tuple[str, int, str, str, str, str | None, object, object]


@dataclass(frozen=True, slots=True)
class Screen:
    """Candidates that passed the decision rules and the firewall, and those that did not.

    Attributes
    ----------
    blocked
        The firewall they passed, for the check of the written bytes.
    passed, excluded
        In candidate order.
    """

    blocked: BlockedText
    passed: list[Reviewed]
    excluded: list[ExcludedCandidate]


def screen(reviewed: Sequence[Reviewed], hygiene: Iterable[HygieneStep] = ()) -> Screen:
    """Apply the firewall, then what hygiene dropped, in candidate order.

    Parameters
    ----------
    reviewed
        Every candidate of the queue.
    hygiene
        Steps whose dropped rows are left out.
    """
    dropped = _hygiene_reasons(hygiene, reviewed)
    result = Screen(BlockedText(reviewed), [], [])
    for item in reviewed:
        if item.refused:
            result.excluded.append(exclude(item, item.refused, item.detail))
            continue
        prompt = item.prompt
        breach = result.blocked.breach(prompt.turns, item.target, joined=prompt.joined)
        if breach is not None and breach.place == "target":
            whose = "its own" if breach.candidate_id == item.id else "another candidate's"
            said = f"the target equals {whose} answer to this prompt, which nobody approved"
            result.excluded.append(exclude(item, "blocked target", said, breach.candidate_id))
        elif breach is not None:
            said = f"{breach.place} equals an answer to the messages before it that nobody approved"
            result.excluded.append(exclude(item, "blocked turn", said, breach.candidate_id))
        elif item.id in dropped:
            result.excluded.append(exclude(item, *dropped[item.id]))
        else:
            result.passed.append(item)
    return result


def exclude(
    item: Reviewed, reason: str, detail: str, matched: str | None = None
) -> ExcludedCandidate:
    """One row of ``excluded()``."""
    facts = item.metadata
    known = (facts.get("task_type"), facts.get("model_name"))
    return (item.id, item.row, item.status, reason, detail, matched, *known)


def excluded_frame(rows: Iterable[ExcludedCandidate]) -> pd.DataFrame:
    """Rows left out, in candidate order, as a frame."""
    ordered = sorted(rows, key=lambda row: row[1])
    columns = zip(*ordered, strict=True) if ordered else [()] * len(EXCLUDED_COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=kind)
            for (name, kind), values in zip(EXCLUDED_COLUMNS.items(), columns, strict=True)
        }
    )


def correction_rows(queue: HasFrame | pd.DataFrame) -> pd.DataFrame:
    """One row per correction or approved answer that the firewall lets through.

    The frame to run hygiene on before :func:`export_corrections`, and what it would write.

    Parameters
    ----------
    queue
        The whole review queue, or its ``to_frame()``. Pass all of it: the answers of candidates
        left out would not be blocked.

    Returns
    -------
    pandas.DataFrame
        In candidate order:

        - id (str)
        - row (int64): position in the queue, from 0
        - prompt_messages (object): list of ``{"role", "content"}``, both text
        - target (str): the text to train on
        - approved_as_is (bool): the target is the model's own answer, which a reviewer approved
        - then task_id, task_type, task_name, model_id, model_name, benchmark_run_id, source,
          quality_score, failure_reason, failure_category, reviewer, decided_at, note, as far as
          the queue has them; missing means missing there

    Raises
    ------
    TypeError, ValueError
        As :func:`export_corrections`.
    """
    reviewed = read_reviewed(queue_frame(queue))
    passed = screen(reviewed).passed
    facts = [name for name in METADATA if reviewed and name in reviewed[0].metadata]
    asked = [
        [{"role": turn.role, "content": turn.text} for turn in item.prompt.turns] for item in passed
    ]
    return pd.DataFrame(
        {
            "id": pd.Series([item.id for item in passed], dtype="str"),
            "row": pd.Series([item.row for item in passed], dtype="int64"),
            "prompt_messages": pd.Series(asked, dtype="object"),
            "target": pd.Series([item.target for item in passed], dtype="str"),
            "approved_as_is": pd.Series([item.approved_as_is for item in passed], dtype="bool"),
            **{name: pd.Series([item.metadata[name] for item in passed]) for name in facts},
        }
    )


def _hygiene_reasons(
    hygiene: Iterable[HygieneStep], reviewed: Sequence[Reviewed]
) -> dict[str, tuple[str, str, str]]:
    """Give id -> (reason, detail, matched id) of what a step dropped; the first step counts."""
    known = {item.id for item in reviewed}
    reasons: dict[str, tuple[str, str, str]] = {}
    for step in hygiene:
        frame = step.dropped
        for name, reason, matched, similarity in zip(
            *(frame.iloc[:, place].tolist() for place in range(4)), strict=True
        ):
            if name not in known:
                raise ValueError(
                    f"hygiene step {step.name!r} dropped {name!r}, which the queue does not have. "
                    "Run the step on correction_rows(queue)."
                )
            same = "" if similarity != similarity else f", similarity {similarity:.3f}"
            reasons.setdefault(name, (reason, f"hygiene: {step.name}{same}", matched))
    return reasons
