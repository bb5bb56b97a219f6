"""How an export of a lake looks in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from jarvis_lab.synthesis._html import bar, card, table

if TYPE_CHECKING:
    from jarvis_lab.synthesis.sft_export import SftExport

__all__ = ["as_html"]


def as_html(export: SftExport) -> str:
    """Give the card of an export: what came of the records, why, and how it is balanced."""
    shares = {
        "exported": export.records_exported,
        "firewall": export.records_quarantined,
        "not instructable": export.records_not_instructable,
    }
    facts: list[tuple[str, object]] = [
        ("File", export.output_path.name if export.written else f"not written: {export.note}"),
        ("Scored files", export.scored_files_read),
        ("Records read", export.records_read),
    ]
    facts += list(shares.items())
    facts += [
        (name, count)
        for name, count in (
            ("Bad lines", export.bad_lines),
            ("Lines with invalid UTF-8", export.replaced_lines),
            ("Ids that repeat", export.duplicate_ids),
        )
        if count
    ]
    parts = [bar(shares)]
    if export.reasons:
        parts.append(table(_frame(export.reasons, "reason"), caption="Left out, see excluded()"))
    if export.records_exported:
        parts.append(table(_frame(export.source_classes, "source class"), caption="Exported"))
        parts.append(table(_frame(export.models, "model")))
    return card("SFT export of a lake", facts, parts)


def _frame(counts: dict[str, int], name: str) -> pd.DataFrame:
    named = [value or "(unnamed)" for value in counts]
    return pd.DataFrame({name: named, "rows": list(counts.values())})
