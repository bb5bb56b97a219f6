"""Routing tables side by side, what a new one would change, and where two differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from jarvis_lab._checks import plural
from jarvis_lab.evaluation.counted_comparison import RoutingComparison
from jarvis_lab.widgets import _explorer_text as text
from jarvis_lab.widgets import _html

__all__ = ["changes", "differences", "facts", "side_by_side"]

_MOST = 30
_FEW = 8


def side_by_side(
    tables: pd.DataFrame,
    chosen: str,
    apart: Mapping[str, float],
    schemes: Mapping[str, str],
) -> str:
    """Each policy's model for each class; what differs from the chosen policy's is marked.

    Parameters
    ----------
    tables : DataFrame
        One row per class, one column per policy.
    chosen : str
        The policy that the others are held against.
    apart : mapping of str to float
        Share of the traffic that a policy sends elsewhere than the chosen one.
    schemes : mapping of str to str
        The classes of each policy's table.
    """
    heading = text.title("Routing tables")
    drawn = [name for name in schemes if (tables[name] == "(at random)").all()]
    names = [name for name in schemes if name not in drawn]
    if not names:
        return heading + "<p>No policy is shown: select at least one.</p>"
    several = len({schemes[name] for name in names}) > 1
    head = '<th scope="col">class</th>' + "".join(
        _head(name, name == chosen, schemes[name] if several else "") for name in names
    )
    rows: list[dict[str, Any]] = tables.to_dict("records")  # type: ignore[assignment]
    body = [_row(row, names, chosen) for row in rows[:_MOST]]
    last = "".join(
        f'<td class="{"jl-mine" if name == chosen else ""}">'
        f"{'' if name == chosen or name not in apart else text.share(apart[name])}</td>"
        for name in names
    )
    body.append(f'<tr class="jl-total"><td>≠ traffic</td>{last}</tr>')
    table = f'<table class="jl-table"><tr>{head}</tr>{"".join(body)}</table>'
    notes = []
    if len(names) > 1:
        notes.append(
            f"≠ another model than {text.name(chosen)} has, and on how much of the traffic"
        )
    if drawn:
        notes.append(f"not shown, at random: {', '.join(map(text.name, drawn))}")
    if several:
        notes.append("classes of one name by two schemes are not the same queries")
    if len(rows) > _MOST:
        more = len(rows) - _MOST
        kinds = plural(more, "class", "classes")
        notes.append(f"{more} more {kinds}: <code>tables()</code> has all")
    caption = f'<p class="jl-caption jl-tiny">{" · ".join(notes)}</p>' if notes else ""
    return f'{heading}<div class="jl-scroll">{table}</div>{caption}'


def _head(name: str, mine: bool, scheme: str) -> str:
    by = f'<br><span class="jl-key jl-tiny">by {text.name(scheme)}</span>' if scheme else ""
    return f'<th scope="col" class="{"jl-mine" if mine else ""}">{text.name(name)}{by}</th>'


def _row(row: Mapping[str, Any], names: Sequence[str], chosen: str) -> str:
    cells = [f"<td>{text.name(row['query_class'])}</td>"]
    for name in names:
        model = row[name]
        other = chosen in row and model != row[chosen] and model != "(at random)"
        mark = f'≠ <span class="jl-other">{text.name(model)}</span>' if other else text.name(model)
        cells.append(f'<td class="jl-name{" jl-mine" if name == chosen else ""}">{mark}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def changes(diff: pd.DataFrame, *, chosen: str, current: str, given: bool) -> str:
    """What the chosen table would change."""
    heading = text.title("Changes", f'<span class="jl-key">if {text.name(chosen)} took over</span>')
    against = f"Held against {_html.escape(current)}."
    if not given:
        against += " Give <code>current=</code> to hold it against your own table."
    if diff.empty:
        return f'{heading}<p>Nothing would change.</p><p class="jl-caption">{against}</p>'
    rows: list[dict[str, Any]] = diff.to_dict("records")  # type: ignore[assignment]
    body = "".join(
        f"<tr><td>{text.name(row['query_class'])}</td>"
        f'<td class="jl-number">{text.share(row["share"])}</td>'
        f'<td class="jl-name">{text.name(row["old"])}{_score(row, "old")}</td>'
        f'<td class="jl-name">→ {text.name(row["new"])}{_score(row, "new")}</td></tr>'
        for row in rows[:_MOST]
    )
    head = "<th>class</th><th class='jl-number'>traffic</th><th>now</th><th>then</th>"
    total = text.share(float(diff["share"].sum()))
    left = len(rows) - _MOST
    more = f" {left} more {plural(left, 'row')}: <code>diff()</code> has all." if left > 0 else ""
    return (
        f"{heading}<p>{total} of the traffic would get another model.{more}</p>"
        f'<div class="jl-scroll"><table class="jl-table"><tr>{head}</tr>{body}</table></div>'
        f'<p class="jl-caption jl-tiny">{against} Below each model: its mean reward in the class '
        "and the rewards behind it.</p>"
    )


def _score(row: Mapping[str, Any], side: str) -> str:
    score, n = row[f"{side}_score"], row[f"{side}_n"]
    if pd.isna(n) or not n:
        shown = "no rewards here" if row[side] else ""
    else:
        shown = f"{text.number(score)} · n {text.count(n)}"
    return f'<br><span class="jl-caption jl-tiny">{shown}</span>' if shown else ""


def differences(rows: pd.DataFrame, a: str, b: str) -> str:
    """Which queries two policies send to different models."""
    pair = f'<span class="jl-key">{text.name(a)} and {text.name(b)}</span>'
    heading = text.title("Disagreements", pair)
    if a == b:
        return heading + "<p>Show another policy to hold it against.</p>"
    if rows.empty:
        return heading + "<p>Both send every query to the same model.</p>"
    told = bool((rows["example"] != "").any())
    body = "".join(
        f'<tr><td class="jl-number">{text.share(row["share"])}</td>'
        f'<td class="jl-name">{text.name(row["model_a"])}</td>'
        f'<td class="jl-name">{text.name(row["model_b"])}</td>'
        + (f'<td class="jl-name jl-caption">{_html.inline(row["example"])}</td>' if told else "")
        + "</tr>"
        for row in rows.head(_FEW).to_dict("records")
    )
    head = f"<th class='jl-number'>traffic</th><th>{text.name(a)}</th><th>{text.name(b)}</th>"
    head += "<th>for example</th>" if told else ""
    more = f" The {_FEW} largest of {len(rows)} kinds:" if len(rows) > _FEW else ""
    total = text.share(float(rows["share"].sum()))
    return (
        f"{heading}<p>They differ on {total} of the traffic.{more}</p>"
        f'<div class="jl-scroll"><table class="jl-table"><tr>{head}</tr>{body}</table></div>'
    )


def facts(core: RoutingComparison) -> str:
    """What the log is, on one line."""
    log = core.log
    models = f"{len(core.models)} {plural(len(core.models), 'model')}"
    parts = [f"<b>{log.size:,} {plural(log.size, 'trace')}</b>", models]
    if log.edges is not None:
        first, last = log.edges[0], log.edges[-1]
        parts.append(f"{first:%Y-%m-%d} to {last:%Y-%m-%d} UTC")
        if log.untimed:
            parts.append(f"{log.untimed:,} without a time, in the whole range only")
    elif log.size:
        parts.append("no times to choose a range from")
    if core.complete:
        parts.append("complete data: every query has every model")
    invalid = int(log.sums["invalid_feedback"].sum()) if log.size else 0
    if invalid:
        parts.append(f"{invalid:,} feedback outside 0 to 1 left out")
    return f'<div class="jl-progress">{" · ".join(f"<span>{part}</span>" for part in parts)}</div>'
