"""The rows of a review queue as the export reads them: typed, with nothing assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._files import canonical_json, sha256_bytes
from jarvis_lab.synthesis.messages import Prompt, read_prompt, shown, writable
from jarvis_lab.synthesis.normal import normal_form

__all__ = [
    "METADATA",
    "HasFrame",
    "Reviewed",
    "group_values",
    "queue_frame",
    "queue_sha256",
    "read_reviewed",
]

_NEEDED = (
    "id",
    "status",
    "prompt_messages",
    "model_response",
    "action",
    "target",
    "conflict",
    "stale",
)

#: Columns of the queue that go into the sidecar, in this order, where the queue has them.
METADATA = (
    "task_id",
    "task_type",
    "task_name",
    "model_id",
    "model_name",
    "benchmark_run_id",
    "source",
    "quality_score",
    "failure_reason",
    "failure_category",
    "reviewer",
    "decided_at",
    "note",
)

#: As deep as a prompt is looked at for its hash. A message in parts needs four.
_LEVELS = 100
#: Bits of a number that is still written in decimal digits; Python refuses above 4,300 digits.
_LONGEST_NUMBER = 14_000


class HasFrame(Protocol):
    """Anything with ``to_frame()``: a review queue."""

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate."""
        ...


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One candidate with its live decision, and why it may not be trained on.

    Attributes
    ----------
    row
        Position in the queue.
    id
        The candidate's id; empty if it has none.
    refused, detail
        Why the decision allows no export, in a fixed phrase and in full; empty if it does.
    target
        The text to train on; empty where ``refused`` is set.
    approved_as_is
        The target is the model's own answer.
    response
        What the model answered, None if it is missing.
    trusted
        The live decision is ``approve``, with no conflict and not stale: only then is the
        model's answer not blocked.
    """

    row: int
    id: str
    status: str
    prompt: Prompt
    response: str | None
    target: str
    approved_as_is: bool
    trusted: bool
    refused: str
    detail: str
    metadata: Mapping[str, Any]


def queue_frame(queue: HasFrame | pd.DataFrame) -> pd.DataFrame:
    """Give the frame of a queue, taken once: a queue in use changes between two looks.

    Raises
    ------
    TypeError
        If ``queue`` is neither a DataFrame nor has ``to_frame()``.
    """
    frame: object = queue
    if not isinstance(queue, pd.DataFrame) and callable(getattr(queue, "to_frame", None)):
        frame = queue.to_frame()
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"queue must be a ReviewQueue or its to_frame(), not {type(queue).__name__}."
        )
    return frame


def read_reviewed(frame: pd.DataFrame) -> list[Reviewed]:
    """Read every row of a queue, in candidate order.

    Raises
    ------
    ValueError
        If a needed column is missing.
    """
    for name in _NEEDED:
        hint = "Pass a ReviewQueue, or its to_frame()."
        _checks.column(name, frame.columns, where="queue", hint=hint)
    facts = [name for name in METADATA if name in frame.columns]
    columns = {name: frame[name].tolist() for name in {*_NEEDED, *facts}}
    repeated = {key for key, n in Counter(map(_text, columns["id"])).items() if n > 1}
    return [
        _reviewed(row, {name: values[row] for name, values in columns.items()}, facts, repeated)
        for row in range(len(frame))
    ]


def group_values(frame: pd.DataFrame, group: str | None) -> list[Any]:
    """The value of the column ``group`` for each row of a queue; empty for no group.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if group is None:
        return []
    _checks.column(group, frame.columns, where="queue", hint="Pass group= one of them.")
    return [_json_value(value) for value in frame[group].tolist()]


def queue_sha256(frame: pd.DataFrame, group: str | None = None) -> str:
    """SHA-256 of what an export reads of a queue: the same on any machine.

    File names are left out, as they differ between machines, unless rows are grouped by them.
    """
    read = {*_NEEDED, *METADATA} | ({group} if group is not None else set())
    names = sorted(name for name in read if name in frame.columns)
    columns = [frame[name].tolist() for name in names]
    rows = [[_stable(value) for value in row] for row in zip(*columns, strict=True)]
    return sha256_bytes(canonical_json([names, rows]))


def _reviewed(
    row: int, values: Mapping[str, Any], facts: list[str], repeated: set[str]
) -> Reviewed:
    identity, status, action = (_text(values[name]) for name in ("id", "status", "action"))
    response, target = (_kept_text(values[name]) for name in ("model_response", "target"))
    clean = _is_false(values["conflict"]) and _is_false(values["stale"])
    prompt = read_prompt(values["prompt_messages"])
    reason, detail = _why_not(status, action, values, response, target)
    if not identity:
        reason, detail = "no id", "the candidate has no id"
    elif identity in repeated:
        reason, detail = "repeated id", f"several candidates have the id {identity!r}"
    elif not reason and prompt.problem:
        reason = "no prompt" if prompt.problem == "no prompt" else "unreadable prompt"
        detail = prompt.problem
    return Reviewed(
        row=row,
        id=identity,
        status=status,
        prompt=prompt,
        response=response,
        target="" if reason or target is None else target,
        approved_as_is=not reason and action == "approve",
        trusted=clean
        and (status, action) == ("approved", "approve")
        and identity not in {"", *repeated},
        refused=reason,
        detail=detail,
        metadata={name: _json_value(values[name]) for name in facts},
    )


def _why_not(
    status: str, action: str, values: Mapping[str, Any], response: str | None, target: str | None
) -> tuple[str, str]:
    """Why the decision allows no export; default deny."""
    if isinstance(values["conflict"], (bool, np.bool_)) and values["conflict"]:
        return "conflict", "reviewers disagree"
    if status in ("needs_review", "discarded", "model_rejected"):
        return f"status {status}", "only approved and corrected candidates are exported"
    if status != "approved":
        return "unknown status", f"status {status!r} is not one of the four known ones"
    for name in ("conflict", "stale"):
        if not _is_false(values[name]):
            known = isinstance(values[name], (bool, np.bool_))
            changed = "the candidate changed after the decision"
            return name, changed if known else f"{name} is {values[name]!r}, not True or False"
    if action not in ("approve", "correct"):
        return "no approving decision", f"the live action is {action!r}, not approve or correct"
    if target is None or not normal_form(target):
        return "blank target", "there is no text to train on"
    if not writable(target):
        return "unwritable target", "the text has a lone surrogate, which UTF-8 cannot hold"
    if action == "approve" and target != response:
        return "not the answer", "approved as it is, but the target is not the model's answer"
    return "", ""


def _is_false(value: object) -> bool:
    return isinstance(value, (bool, np.bool_)) and not value


def _text(value: object) -> str:
    return value if isinstance(value, str) and writable(value) else ""


def _kept_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _json_value(value: Any) -> Any:
    """A value that JSON holds and that is the same on any machine; missing is None."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return hex(value)
    if isinstance(value, (int, float)):
        return value if value == value and abs(value) != float("inf") else None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    text = value if isinstance(value, str) else shown(value)
    return text if writable(text) else text.encode("utf-8", "replace").decode("utf-8")


def _stable(value: Any, levels: int = _LEVELS) -> Any:
    """The same for hashing, through lists and mappings; below ``_LEVELS`` all are one."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple, Mapping)) and not levels:
        return ["nested too deeply"]
    if isinstance(value, (list, tuple)):
        return [_stable(item, levels - 1) for item in value]
    if isinstance(value, Mapping):
        return {_stable_key(key): _stable(item, levels - 1) for key, item in value.items()}
    if isinstance(value, str) and not writable(value):
        return ["surrogates", _hexadecimal(value)]
    return _json_value(value)


def _stable_key(key: object) -> str:
    text = key if isinstance(key, str) else shown(key)
    return text if writable(text) else f"surrogates {_hexadecimal(text)}"


def _hexadecimal(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()
