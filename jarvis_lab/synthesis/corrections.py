"""Corrections as training rows: what a human wrote or approved, never the failed answer."""

from __future__ import annotations

import os
from collections.abc import Iterable

import msgspec
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis.corrections_export import Settings, as_steps, export_path, write_rows
from jarvis_lab.synthesis.corrections_result import CorrectionsExport
from jarvis_lab.synthesis.formats import (
    FORMATS,
    CorrectionFormat,
    TrainingRow,
    format_row,
    parse_row,
    why_unfit,
)
from jarvis_lab.synthesis.reviewed import (
    HasFrame,
    Reviewed,
    group_values,
    queue_frame,
    queue_sha256,
    read_reviewed,
)
from jarvis_lab.synthesis.screen import correction_rows, exclude, screen
from jarvis_lab.synthesis.split import Split
from jarvis_lab.synthesis.steps import HygieneStep

__all__ = ["CorrectionsExport", "correction_rows", "export_corrections"]


def export_corrections(
    queue: HasFrame | pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    format: CorrectionFormat = "messages",
    split: Split = None,
    group: str | None = None,
    hygiene: HygieneStep | Iterable[HygieneStep] = (),
    dry_run: bool = False,
) -> CorrectionsExport:
    """Write the corrections and approved answers of a review queue as a training file.

    Parameters
    ----------
    queue
        The whole review queue (anything with ``to_frame()``), or its frame: one row per
        candidate. Pass all candidates and leave rows out with ``hygiene``: the answers of
        candidates that are not there cannot be blocked.
    path
        The data file. With ``split``, ``rows.jsonl`` becomes ``rows.train.jsonl`` and so on.
    format
        ``"messages"`` (OpenAI, TRL), ``"prompt_completion"`` (TRL), ``"sharegpt"`` or
        ``"alpaca"``; :func:`jarvis_lab.synthesis.formats.format_row` shows a line of each.
    split
        None for one file, the share of validation (``0.1``), or name -> share.
    group
        Column of the queue whose equal values stay on one side of the split; by default rows of
        the same prompt do.
    hygiene
        Steps run on :func:`correction_rows`; the rows they dropped are left out.
    dry_run
        Work everything out and write nothing.

    Returns
    -------
    CorrectionsExport
        Counts, the files, ``rows()`` and ``excluded()``.

    Raises
    ------
    TypeError, ValueError
        If the queue lacks a column or an option is wrong.
    FirewallBreachError
        If the bytes on disk are not what may be written. Nothing took its name.
    FileNotFoundError, OSError
        If the files cannot be written. Older files stay as they were.

    Warns
    -----
    UserWarning
        If every text of a column looks like a date, or a step of ``hygiene`` did not see a row
        that is written as it is now: the queue was worked on since the step ran.

    Notes
    -----
    Default deny. A row is written only if its status is ``approved``, conflict and stale are
    False, its live action is ``correct`` or ``approve``, its target is not blank (for
    ``approve``: is the model's answer), its prompt can be read and the format can hold it.
    Blocked text is the answer of every candidate whose live decision is not an ``approve`` in
    force. A row is left out if its target equals blocked text of a candidate with the same
    prompt, and if an earlier assistant turn equals blocked text of a candidate whose prompt is
    the messages before that turn; equal after NFKC, case folding and white-space collapse,
    characters that are not seen left out.

    Content that is a list of text parts is written as one text, the parts joined by line ends.
    A message without a role, of an unknown role, with content that is not text or with a tool
    call leaves its row out: what was said, or who said it, is not known.

    Rows stand in candidate order. Data files hold training keys alone. Beside each lie
    ``<file>.meta.jsonl`` (metadata, same order) and ``<file>.manifest.json``
    (``verify_export``). The same queue gives the same bytes on any machine. Where no row is
    left, no file is written and an older export stays; a split without rows gets no file.

    HF ``datasets`` reads a column as time stamps, and changes its texts, if every one looks like
    a date; a warning says so and how to load such a file.

    Examples
    --------
    >>> import tempfile
    >>> queue = pd.DataFrame({
    ...     "id": ["a", "b"], "status": ["approved", "discarded"],
    ...     "prompt_messages": [[{"role": "user", "content": "Capital of France?"}]] * 2,
    ...     "model_response": ["Lyon", "Nice"], "action": ["correct", "discard"],
    ...     "target": ["Paris", None], "conflict": [False, False], "stale": [False, False]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = export_corrections(queue, f"{folder}/rows.jsonl", format="alpaca")
    ...     export.files["all"].read_text().strip()
    '{"instruction":"Capital of France?","input":"","output":"Paris"}'
    >>> export
    <corrections export: alpaca, 1 of 2 candidates written, 1 left out>
    >>> export.excluded()[["id", "reason"]]
      id            reason
    0  b  status discarded
    """
    _checks.choice("format", format, FORMATS)
    target, steps = export_path(path), as_steps(hygiene)
    frame = queue_frame(queue)
    groups, sha256 = group_values(frame, group), queue_sha256(frame, group)
    result = screen(read_reviewed(frame), steps)
    fit: list[Reviewed] = []
    for item in result.passed:
        unfit = why_unfit(format, item.prompt.turns)
        if unfit:
            result.excluded.append(exclude(item, "format", unfit))
        else:
            fit.append(item)
    wanted = {item.id: TrainingRow(item.prompt.turns, item.target) for item in fit}

    def check(name: str, line: bytes) -> str:
        row = parse_row(format, line)
        if result.blocked.breach(row.turns, row.target):
            return f"row {name!r} holds blocked text"
        return "" if row == wanted[name] else f"row {name!r} differs from the decision"

    return write_rows(
        target,
        fit,
        result.excluded,
        Settings("corrections", format, split, group, steps, sha256, dry_run, groups),
        encode=lambda item: msgspec.json.encode(format_row(format, item.prompt.turns, item.target)),
        check=check,
    )
