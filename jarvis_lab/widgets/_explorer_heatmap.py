"""Scores per class and model as a table in colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab.widgets import _explorer_text as text
from jarvis_lab.widgets import _html

__all__ = ["heatmap"]

_PALEST, _STRONGEST = 4.0, 52.0
_MOST_ROWS, _MOST_COLUMNS = 40, 30


def heatmap(
    scores: pd.DataFrame,
    picked: Mapping[str, str],
    *,
    by: str,
    policy: str,
    level: float,
    reward: str,
) -> str:
    """Mean reward and its number in each cell.

    Parameters
    ----------
    scores : DataFrame
        As :func:`class_scores` gives them, of one scheme.
    picked : mapping of class to model
        The cells that ``policy`` chooses; they get a frame and a dot.
    by : str
        What the classes are called.
    policy : str
        What the policy is called.
    level : float
        Confidence level of the intervals.
    reward : str
        What the reward is made of.
    """
    heading = text.title("Scores", f'<span class="jl-key">by class ({text.name(by)})</span>')
    if scores.empty or not scores["n_reward"].sum():
        return heading + "<p>No trace of this selection has a reward.</p>"
    cells = {(c, m): row for c, m, row in _cells(scores)}
    classes = _ordered(scores, "query_class", "n")
    models = _ordered(scores, "model", "reward_mean")
    upright = len(models) >= len(classes)
    rows, columns = (models, classes) if upright else (classes, models)
    more = _more(len(rows) - _MOST_ROWS, len(columns) - _MOST_COLUMNS)
    sure = scores["note"] == ""
    known = scores.loc[sure if sure.any() else scores.index, "reward_mean"].dropna()
    low, high = np.floor(known.min() * 10) / 10, np.ceil(known.max() * 10) / 10
    head = "".join(f'<th scope="col">{text.name(one)}</th>' for one in columns[:_MOST_COLUMNS])
    body = []
    for row in rows[:_MOST_ROWS]:
        line = []
        for column in columns[:_MOST_COLUMNS]:
            key = (column, row) if upright else (row, column)
            line.append(_cell(cells.get(key), picked.get(key[0]) == key[1], low, high, level))
        body.append(
            f'<tr><th scope="row" class="jl-name">{text.name(row)}</th>{"".join(line)}</tr>'
        )
    table = f'<table class="jl-heatmap"><tr><th></th>{head}</tr>{"".join(body)}</table>'
    return (
        f'{heading}<div class="jl-scroll">{table}</div>{_legend(low, high, policy, reward)}{more}'
    )


def _cells(scores: pd.DataFrame) -> list[tuple[str, str, dict[str, Any]]]:
    names = ["reward_mean", "n_reward", "note", "reward_mean_low", "reward_mean_high"]
    rows: list[dict[str, Any]] = scores[names].to_dict("records")  # type: ignore[assignment]
    return list(zip(scores["query_class"], scores["model"], rows, strict=True))


def _ordered(scores: pd.DataFrame, key: str, value: str) -> list[str]:
    """The largest first: by traces, or by the mean weighted with them."""
    if value == "n":
        size = scores.groupby(key)["n"].sum()
    else:
        total = (scores["reward_mean"].fillna(0) * scores["n_reward"]).groupby(scores[key]).sum()
        size = total / scores.groupby(key)["n_reward"].sum().clip(lower=1)
    return [str(one) for one in size.sort_values(ascending=False, kind="stable").index]


def _cell(row: Mapping[str, Any] | None, pick: bool, low: float, high: float, level: float) -> str:
    mark = '<span aria-label="chosen">● </span>' if pick else ""
    classes = ["jl-pick"] if pick else []
    if row is None or row["reward_mean"] != row["reward_mean"]:
        classes.append("jl-no")
        return f'<td class="{" ".join(classes)}">{mark}–<span class="jl-n">0</span></td>'
    place = (row["reward_mean"] - low) / max(high - low, 1e-9)
    tint = _PALEST + (_STRONGEST - _PALEST) * min(max(place, 0.0), 1.0)
    if row["note"]:
        classes.append("jl-few")
    ends = f"{row['reward_mean_low']:.2f} to {row['reward_mean_high']:.2f}"
    about = f"{100 * level:g} % interval {ends}" + (f"; {row['note']}" if row["note"] else "")
    return (
        f'<td class="{" ".join(classes)}" style="--jl-share: {tint:.0f}%" '
        f'title="{_html.plain(about, quote=True)}">{mark}{row["reward_mean"]:.2f}'
        f'<span class="jl-n">{int(row["n_reward"]):,}</span></td>'
    )


def _legend(low: float, high: float, policy: str, reward: str) -> str:
    scale = f'{low:.1f}<span class="jl-scale"></span>{high:.1f}'
    return (
        f'<p class="jl-caption jl-tiny">mean of {reward} {scale} · small: rewards behind it · '
        f"● chosen by {text.name(policy)} · dashed: not to be relied on · hatched: no reward</p>"
    )


def _more(rows: int, columns: int) -> str:
    parts = [
        f"{n} more {what} not shown" for n, what in ((rows, "rows"), (columns, "columns")) if n > 0
    ]
    return (
        f'<p class="jl-caption">{"; ".join(parts)}; <code>scores()</code> has all.</p>'
        if parts
        else ""
    )
