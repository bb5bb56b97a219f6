"""What each policy is worth: a table with the intervals drawn on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab.widgets import _explorer_text as text
from jarvis_lab.widgets import _html

__all__ = ["CAVEAT", "values"]

CAVEAT = (
    "If the log's choice depended on how hard a query was inside a class, no estimator and no "
    "diagnostic can tell."
)
#: Said by the row's own refusal.
_SAID = "no difference: its value is refused"
_LONGEST = 700


def values(
    rows: pd.DataFrame, *, reference: str, log: tuple[float, int], level: float, complete: bool
) -> str:
    """One row per policy with its interval, or bounds and the reason why there is no value.

    Parameters
    ----------
    rows : DataFrame
        As :func:`compare_policies` gives them.
    reference : str
        The policy that the others are compared with.
    log : (float, int)
        Mean reward of the selected traces as they were, and their number.
    level : float
        Confidence level of the intervals.
    complete : bool
        Whether the data are complete.
    """
    state = '<span class="jl-chip jl-warn jl-stale">recomputing …</span>'
    heading = text.title("What each policy is worth", state)
    if rows.empty:
        return heading + "<p>Nothing to value: show at least one policy.</p>"
    low, high = _axis(rows)
    records: list[dict[str, Any]] = rows.to_dict("records")  # type: ignore[assignment]
    shared, refused = _shared(records), _refused_alike(records)
    base = next((row["value"] for row in records if row["policy"] == reference), float("nan"))
    said = [*shared, f"refused: {refused}"]
    body = "".join(_row(row, said, reference, base, low, high) for row in records)
    middle = (low + high) / 2
    axis = "".join(f"<span>{tick:.2f}</span>" for tick in (low, middle, high))
    head = (
        f'<th scope="col">policy</th><th scope="col" class="jl-bars"><div class="jl-axis">{axis}'
        f'</div></th><th scope="col" class="jl-number">mean reward</th>'
        f'<th scope="col" class="jl-number">against {text.name(reference)}</th>'
        '<th scope="col" class="jl-number" title="how many traces of the policy\'s own the log is '
        'worth">effective n</th>'
    )
    table = f'<table class="jl-table jl-values"><tr>{head}</tr>{body}</table>'
    caption = _caption(rows, shared, log, level, complete)
    if refused:
        heading += text.call("warn", "Refused for all:", _html.one_line(refused, _LONGEST))
    return f'{heading}<div class="jl-scroll">{table}</div>{caption}'


def _axis(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: all intervals and bounds, rounded outwards to twentieths."""
    ends = rows[["low", "high", "bound_low", "bound_high", "value"]].to_numpy(dtype=float)
    known = ends[~np.isnan(ends)]
    if not len(known):
        return 0.0, 1.0
    low, high = np.floor(known.min() * 20) / 20, np.ceil(known.max() * 20) / 20
    return float(max(low, 0.0)), float(max(min(high, 1.0), low + 0.05))


def _shared(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The notes that stand in every row: they are about the log, not about a policy."""
    if len(rows) < 2:
        return []
    notes = [str(row["note"]).split("; ") for row in rows]
    return [note for note in notes[0] if note and all(note in other for other in notes)]


def _refused_alike(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no value, where that is the same for all of several policies."""
    status = {str(row["status"]) for row in rows}
    why = status.pop() if len(rows) > 1 and len(status) == 1 else ""
    return why.removeprefix("refused: ") if why.startswith("refused: ") else ""


def _row(
    row: Mapping[str, Any],
    shared: Sequence[str],
    reference: str,
    base: float,
    low: float,
    high: float,
) -> str:
    refused = str(row["status"]).startswith("refused")
    mine = row["policy"] == reference
    all_notes = ("" if row["status"] == "ok" else row["status"], *str(row["note"]).split("; "))
    notes = [note for note in all_notes if note and note not in (*shared, _SAID)]
    about = "".join(
        f'<div class="jl-tiny jl-caption">{_html.inline(_html.one_line(note, _LONGEST))}</div>'
        for note in notes
    )
    if refused:
        ends = f"{text.number(row['bound_low'])} and {text.number(row['bound_high'])}"
        value = f'refused<div class="jl-tiny jl-caption">between {ends}</div>'
    else:
        ends = f"{text.number(row['low'], 3)} to {text.number(row['high'], 3)}"
        value = f'<b>{row["value"]:.3f}</b><div class="jl-tiny jl-caption">{ends}</div>'
    return (
        f'<tr><td class="jl-name">{text.name(row["policy"])}{about}</td>'
        f'<td class="jl-bars">{_plot(row, refused, mine, base, low, high)}</td>'
        f'<td class="jl-number">{value}</td><td class="jl-number">{_apart(row, mine)}</td>'
        f'<td class="jl-number">{text.count(row["n_effective"])}</td></tr>'
    )


def _plot(
    row: Mapping[str, Any], refused: bool, mine: bool, base: float, low: float, high: float
) -> str:
    def at(value: float) -> float:
        return 100 * min(max((value - low) / (high - low), 0.0), 1.0)

    marks = (
        [] if np.isnan(base) else [f'<span class="jl-base" style="left: {at(base):.2f}%"></span>']
    )
    ends = ("bound_low", "bound_high") if refused else ("low", "high")
    left, right = (at(row[end]) for end in ends)
    kind = "jl-unknown" if refused else "jl-range"
    span = f"left: {left:.2f}%; width: {max(right - left, 0.5):.2f}%"
    marks.append(f'<span class="{kind}" style="{span}"></span>')
    if not refused:
        marks.append(f'<span class="jl-dot" style="left: {at(row["value"]):.2f}%"></span>')
    return (
        f'<div class="jl-plot{" jl-ref" if mine else ""}" aria-hidden="true">{"".join(marks)}</div>'
    )


def _apart(row: Mapping[str, Any], mine: bool) -> str:
    if mine:
        return '<span class="jl-caption">reference</span>'
    if np.isnan(row["diff"]):
        return "–"
    low, high = row["diff_low"], row["diff_high"]
    word = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    if row["diff"] == low == high == 0:
        word = "no difference"
    ends = f"{text.difference(low)} to {text.difference(high)}"
    return (
        f'<b>{text.difference(row["diff"])}</b> {word}<div class="jl-tiny jl-caption">{ends}</div>'
    )


def _caption(
    rows: pd.DataFrame,
    shared: Sequence[str],
    log: tuple[float, int],
    level: float,
    complete: bool,
) -> str:
    parts = [f"Dot and bar: value and {100 * level:g} % interval."]
    if rows["status"].str.startswith("refused").any():
        parts.append("Dashed: where the value lies whatever the unknown rewards are.")
    sentences = [_html.one_line(note[:1].upper() + note[1:], 400) for note in shared]
    parts += [f"{_html.inline(sentence)}." for sentence in sentences]
    if complete:
        parts.append(
            "These data are complete: policies are compared on the same queries, and what learns "
            "is valued on queries that it did not learn from."
        )
        return f'<p class="jl-caption">{" ".join(parts)}</p>'
    if log[1]:
        parts.append(f"The log itself earned {log[0]:.3f} (n {log[1]:,}).")
    kind = set(rows["propensity"])
    if "estimated" in kind:
        parts.append("Propensities are estimated by the models' shares in each class.")
    elif "logged" in kind:
        parts.append("Propensities are those that the log recorded.")
    parts.append("What learns is valued on traces that it did not learn from.")
    return f'<p class="jl-caption">{" ".join(parts)}</p><p><b>{CAVEAT}</b></p>'
