"""Preference pairs: rejected text by design, so a function and a name of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import msgspec
import pandas as pd

from jarvis_lab.synthesis.corrections_export import Settings, as_steps, export_path, write_rows
from jarvis_lab.synthesis.corrections_result import CorrectionsExport
from jarvis_lab.synthesis.formats import PreferenceRow, format_preference, parse_preference
from jarvis_lab.synthesis.messages import PromptKey, writable
from jarvis_lab.synthesis.normal import normal_form
from jarvis_lab.synthesis.reviewed import (
    HasFrame,
    Reviewed,
    group_values,
    queue_frame,
    queue_sha256,
    read_reviewed,
)
from jarvis_lab.synthesis.screen import exclude, screen
from jarvis_lab.synthesis.split import Split
from jarvis_lab.synthesis.steps import HygieneStep

__all__ = ["export_preferences"]

_Approved = dict[tuple[PromptKey, str], str]


def export_preferences(
    queue: HasFrame | pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    split: Split = None,
    group: str | None = None,
    hygiene: HygieneStep | Iterable[HygieneStep] = (),
    dry_run: bool = False,
) -> CorrectionsExport:
    """Write preference pairs: a correction, and the failed answer that it corrects.

    The file holds rejected text, under ``rejected``. Train on it with a preference method (DPO
    and its like) only; for supervised training use :func:`export_corrections`, which never
    writes rejected text.

    Parameters
    ----------
    queue, path, split, group, hygiene, dry_run
        As in :func:`export_corrections`.

    Returns
    -------
    CorrectionsExport
        Its ``kind`` is ``"preferences"``.

    Raises
    ------
    TypeError, ValueError, FirewallBreachError, OSError
        As :func:`export_corrections`.

    Notes
    -----
    ``{"prompt": [...], "chosen": [...], "rejected": [...]}``, TRL's conversational form with an
    explicit prompt. Prompt and ``chosen`` pass the same firewall as a correction. An answer
    approved as it is has nothing that it is preferred to and is left out, and so is a pair whose
    rejected answer another candidate of the same prompt has approved.

    Examples
    --------
    >>> import tempfile
    >>> queue = pd.DataFrame({
    ...     "id": ["a"], "status": ["approved"],
    ...     "prompt_messages": [[{"role": "user", "content": "Capital of France?"}]],
    ...     "model_response": ["Lyon"], "action": ["correct"],
    ...     "target": ["Paris"], "conflict": [False], "stale": [False]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = export_preferences(queue, f"{folder}/pairs.jsonl")
    ...     export.files["all"].read_text().partition(',"chosen"')[2].strip()
    ':[{"role":"assistant","content":"Paris"}],"rejected":[{"role":"assistant","content":"Lyon"}]}'
    """
    target, steps = export_path(path), as_steps(hygiene)
    frame = queue_frame(queue)
    groups, sha256 = group_values(frame, group), queue_sha256(frame, group)
    reviewed = read_reviewed(frame)
    result = screen(reviewed, steps)
    approved = _approved(reviewed)
    pairs: list[Reviewed] = []
    for item in result.passed:
        reason, detail, matched = _why_no_pair(item, approved)
        if reason:
            result.excluded.append(exclude(item, reason, detail, matched))
        else:
            pairs.append(item)
    wanted = {item.id: _pair(item) for item in pairs}

    def check(name: str, line: bytes) -> str:
        row = parse_preference(line)
        if result.blocked.breach(row.turns, row.chosen):
            return f"row {name!r} holds blocked text under prompt or chosen"
        return "" if row == wanted[name] else f"row {name!r} differs from the decision"

    return write_rows(
        target,
        pairs,
        result.excluded,
        Settings("preferences", "preference", split, group, steps, sha256, dry_run, groups),
        encode=lambda item: msgspec.json.encode(format_preference(*_pair(item))),
        check=check,
    )


def _pair(item: Reviewed) -> PreferenceRow:
    return PreferenceRow(item.prompt.turns, item.target, item.response or "")


def _approved(reviewed: Sequence[Reviewed]) -> _Approved:
    """(prompt, answer) -> id of the candidate whose answer is approved as it is."""
    answers: _Approved = {}
    for item in reviewed:
        if item.trusted and item.response is not None:
            answers.setdefault((item.prompt.key, normal_form(item.response)), item.id)
    return answers


def _why_no_pair(item: Reviewed, approved: _Approved) -> tuple[str, str, str | None]:
    if item.approved_as_is:
        return "approved as is", "there is no answer that it is preferred to", None
    if item.response is None or not item.response.strip():
        return "no rejected answer", "the model's answer is missing or blank", None
    if not writable(item.response):
        detail = "the model's answer has a lone surrogate, which UTF-8 cannot hold"
        return "unwritable answer", detail, None
    owner = approved.get((item.prompt.key, normal_form(item.response)))
    if owner is not None:
        detail = "the same answer to the same prompt is approved as it is"
        return "rejected and approved", detail, owner
    return "", "", None
