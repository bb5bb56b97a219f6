"""The category firewall of the distillation export: default deny, checked twice.

A scored run may become a training sample only if its category is one of ``QUALITY_SCORES`` and
no readable record of the lake gives its run id any other category. The second check reads the
rows that were written and asks the same again, before the file takes its final name.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

import msgspec

from jarvis_lab.readers.blocks import whole_lines
from jarvis_lab.synthesis.excluded import FIREWALL
from jarvis_lab.synthesis.sft import QUALITY_SCORES, has_text

__all__ = [
    "BLOCKED_ELSEWHERE",
    "RESPELLED",
    "FirewallError",
    "category_reason",
    "check_written",
]

BLOCKED_ELSEWHERE = FIREWALL + "blocked by another record of the run"
RESPELLED = FIREWALL + "category or run id in other letters"
_MISSING = FIREWALL + "category missing"
_UNKNOWN = FIREWALL + "category unknown"
_NEVER = {
    "rejected": FIREWALL + "category rejected",
    "needs_human_review": FIREWALL + "category needs_human_review",
}
_QUALITIES = frozenset(QUALITY_SCORES.values())


class FirewallError(RuntimeError):
    """Rows that were written would have passed the firewall's rules by. Nothing was exported."""


class _Row(msgspec.Struct, gc=False):
    """What the second check reads of a written row; every field must be there.

    The response stays as the JSON that was written: most need no more than a look at how it begins.
    """

    response: msgspec.Raw
    source_run_id: str
    quality_score: float | int


_ROWS = msgspec.json.Decoder(_Row)
_TEXT = msgspec.json.Decoder(str)
#: How the JSON of a text begins that plainly holds more than white space: neither with an escape,
#: nor with the first byte of a character that may be white space (C2, E1, E2 and E3 begin those).
_PLAIN = frozenset(
    b'"%c' % first
    for first in [*range(0x21, 0x7F), *range(0xC3, 0xE1), *range(0xE4, 0xF5)]
    if first not in b'"\\'
)


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
    size: int,
    rows: int,
    allowed: Set[str],
    blocked: Set[str],
) -> None:
    """Read written rows back from the disk and apply the firewall to each.

    Parameters
    ----------
    path, start, size
        The file, the byte at which the rows begin, and the bytes that they take.
    rows
        How many were written.
    allowed
        Run ids whose scored run in this file has an allowed category.
    blocked
        Run ids that some record of the lake keeps out.

    Raises
    ------
    FirewallError
        If a row is of a run that is blocked or not allowed, has no response or an unheard-of
        quality, cannot be read, or a row is missing.
    """
    seen = 0
    with open(path, "rb") as handle:
        handle.seek(start)
        for block in whole_lines(handle, limit=size):
            try:
                found = _ROWS.decode_lines(block)
                _check(found, allowed, blocked)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise _refusal(f"a row cannot be read back: {error}") from None
            seen += len(found)
    if seen != rows:
        raise _refusal(f"{rows} rows were written and {seen} read back")


def _check(found: list[_Row], allowed: Set[str], blocked: Set[str]) -> None:
    runs = {row.source_run_id for row in found}
    if not runs <= allowed or not runs.isdisjoint(blocked):
        run = min((runs - allowed) | (runs & blocked))
        raise _refusal(f"a row is of run {run!r}, which is not allowed")
    if not {row.quality_score for row in found} <= _QUALITIES:
        run = next(row.source_run_id for row in found if row.quality_score not in _QUALITIES)
        raise _refusal(f"a row of run {run!r} has a quality_score that no category has")
    for row in found:
        response = bytes(row.response)
        if response[:2] not in _PLAIN and not has_text(_TEXT.decode(response)):
            raise _refusal(f"a row of run {row.source_run_id!r} has no response")


def _refusal(why: str) -> FirewallError:
    return FirewallError(
        f"The second check of the written rows failed: {why}. Nothing was exported and an older "
        "export is unchanged. Export again; if this stays, report it."
    )
