"""The category firewall of the distillation export: default deny, checked twice.

A scored run may become a training sample only if its category is one of ``QUALITY_SCORES`` and
no readable record of the lake gives its run id any other category. The second check reads the
rows that were written and asks the same again, before the file takes its final name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from jarvis_lab.readers.blocks import decode_blocks
from jarvis_lab.readers.jsonl import BadLineError, BadLines
from jarvis_lab.synthesis.excluded import FIREWALL
from jarvis_lab.synthesis.sft import QUALITY_SCORES, has_text

__all__ = [
    "BLOCKED_ELSEWHERE",
    "FirewallError",
    "category_reason",
    "check_written",
]

BLOCKED_ELSEWHERE = FIREWALL + "blocked by another record of the run"
_MISSING = FIREWALL + "category missing"
_UNKNOWN = FIREWALL + "category unknown"
_NEVER = {
    "rejected": FIREWALL + "category rejected",
    "needs_human_review": FIREWALL + "category needs_human_review",
}
_QUALITIES = frozenset(QUALITY_SCORES.values())


class FirewallError(RuntimeError):
    """Rows that were written would have passed the firewall's rules by. Nothing was exported."""


class _Row(msgspec.Struct, gc=False, forbid_unknown_fields=False):
    """What the second check reads of a written row; every field must be there."""

    id: str
    instruction: str
    response: str
    source_run_id: str
    quality_score: float | int


_ROWS = msgspec.json.Decoder(_Row)


def category_reason(category: str | None) -> str:
    """Why a category keeps its run out; empty for those in ``QUALITY_SCORES``.

    Examples
    --------
    >>> category_reason("accepted"), category_reason("Accepted"), category_reason(None)
    ('', 'firewall: category unknown', 'firewall: category missing')
    """
    if not category:
        return _MISSING
    return "" if category in QUALITY_SCORES else _NEVER.get(category, _UNKNOWN)


def check_written(
    path: Path,
    *,
    start: int,
    rows: int,
    allowed: Collection[str],
    blocked: Collection[str],
    update: Callable[[bytes], object] | None = None,
) -> None:
    """Read written rows back from the disk and apply the firewall to each.

    Parameters
    ----------
    path, start
        The file and the byte at which the rows begin; they go to its end.
    rows
        How many were written.
    allowed
        Run ids whose scored run in this file has an allowed category.
    blocked
        Run ids that some record of the lake keeps out.
    update
        Receives the bytes that were read.

    Raises
    ------
    FirewallError
        If a row is of a run that is blocked or not allowed, has no response or an unheard-of
        quality, cannot be read, or a row is missing.
    """
    seen = 0
    with open(path, "rb") as handle:
        handle.seek(start)
        blocks = decode_blocks(handle, _ROWS, BadLines("error"), file=path.name, update=update)
        try:
            for _numbers, records in blocks:
                seen += len(records)
                for row in records:
                    run = row.source_run_id
                    if run in blocked or run not in allowed:
                        raise _refusal(f"run {run!r} is not allowed", row.id)
                    if row.quality_score not in _QUALITIES or not has_text(row.response):
                        raise _refusal("it has no response or no known quality", row.id)
        except BadLineError as error:
            raise _refusal("it cannot be read back", str(error)) from None
    if seen != rows:
        raise _refusal(f"{rows} rows were written and {seen} read back", path.name)


def _refusal(why: str, which: str) -> FirewallError:
    return FirewallError(
        f"The second check of the written rows failed at {which!r}: {why}. Nothing was exported "
        "and an older export is unchanged. Export again; if this stays, report it."
    )
