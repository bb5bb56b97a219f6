"""How an export of a lake looks in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from jarvis_lab.synthesis._html import card, table

if TYPE_CHECKING:
    from jarvis_lab.synthesis.sft_export import SftExport

__all__ = ["as_html"]

_COLOURS = ("#2a9d5c", "#c8553d", "#8d99ae")


def as_html(export: SftExport) -> str:
    """Give the card of an export: what came of the records, why, and how it is balanced."""
    shares = {
        "exported": export.records_exported,
        "firewall": export.records_quarantined,
        "not instructable": export.records_not_instructable,
    }
    facts: list[tuple[str, object]] = [
        ("File", export.output_path if export.written else f"not written: {export.note}"),
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
    parts = [_bar(shares)]
    if export.reasons:
        parts.append(table(_frame(export.reasons, "reason"), caption="Left out, see excluded()"))
    if export.records_exported:
        parts.append(table(_frame(export.source_classes, "source class"), caption="Exported"))
        parts.append(table(_frame(export.models, "model")))
    return card("SFT export of a lake", facts, parts)


def _frame(counts: dict[str, int], name: str) -> pd.DataFrame:
    return pd.DataFrame({name: list(counts), "rows": list(counts.values())})


def _bar(shares: dict[str, int]) -> str:
    total = sum(shares.values())
    if not total:
        return ""
    pieces = "".join(
        f'<div title="{name}: {count:,}" '
        f'style="width:{100 * count / total:.2f}%;background:{colour}"></div>'
        for (name, count), colour in zip(shares.items(), _COLOURS, strict=True)
    )
    legend = " &nbsp; ".join(
        f'<span style="color:{colour}">■</span> {name} {count / total:.0%}'
        for (name, count), colour in zip(shares.items(), _COLOURS, strict=True)
    )
    return (
        '<div style="display:flex;height:14px;border-radius:3px;overflow:hidden;margin:8px 0 2px">'
        f"{pieces}</div><div>{legend}</div>"
    )
