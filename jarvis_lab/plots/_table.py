"""What both plots read from a table of class scores, and names as text that can be drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from jarvis_lab import _checks

__all__ = [
    "MEASURES",
    "Cells",
    "Measure",
    "ordered_models",
    "read_cells",
    "shown_names",
    "visible",
]

_WIDEST = 60
_HINT = "Make the table with class_scores()."


@dataclass(frozen=True)
class Measure:
    """A column of class scores that can be drawn: its label, its interval, columns for its n."""

    label: str
    low: str | None
    high: str | None
    n: tuple[str, ...]


MEASURES: dict[str, Measure] = {
    "reward_mean": Measure("mean reward", "reward_mean_low", "reward_mean_high", ("n_reward", "n")),
    "success_rate": Measure(
        "success rate", "success_rate_low", "success_rate_high", ("n_outcome",)
    ),
    "sft_score": Measure("SFT score", None, None, ("n",)),
    "trace_score": Measure("trace score", None, None, ("n",)),
    "feedback_mean": Measure("mean feedback", None, None, ("n_feedback",)),
}


@dataclass(frozen=True)
class Cells:
    """Classes and models in order of appearance, and one row of ``table`` for each cell.

    ``table`` has the columns query_class, model, value, low, high, n, unsure.
    """

    classes: list[str]
    models: list[str]
    table: pd.DataFrame
    n_label: str = "n"


def read_cells(scores: pd.DataFrame, value: str, *, options: Iterable[str]) -> Cells:
    """Check ``scores`` and take what is to be drawn out of it."""
    if not isinstance(scores, pd.DataFrame):
        raise TypeError(f"scores must be a DataFrame, not {type(scores).__name__}. {_HINT}")
    measure = MEASURES[_checks.choice("value", value, list(options))]
    if scores.empty:
        return Cells([], [], pd.DataFrame())
    n = next((name for name in measure.n if name in scores.columns), measure.n[-1])
    for name in ("query_class", "model", value, n, measure.low, measure.high):
        if name is not None:
            _checks.column(name, scores.columns, where="scores", hint=_HINT)
    missing = pd.Series(float("nan"), index=scores.index)
    note = scores["note"] if "note" in scores.columns else pd.Series("", index=scores.index)
    table = pd.DataFrame(
        {
            "query_class": [str(name) for name in scores["query_class"]],
            "model": [str(name) for name in scores["model"]],
            "value": _floats(scores[value]),
            "low": _floats(missing if measure.low is None else scores[measure.low]),
            "high": _floats(missing if measure.high is None else scores[measure.high]),
            "n": [0 if pd.isna(count) else int(count) for count in scores[n]],
            "unsure": [not pd.isna(text) and bool(str(text).strip()) for text in note],
        }
    )
    twice = table[table.duplicated(["query_class", "model"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(
            f"scores has more than one row for class {first['query_class']!r} and model "
            f"{first['model']!r}. Keep one scheme, for example "
            "scores[scores['scheme'] == 'regex']."
        )
    classes = list(dict.fromkeys(table["query_class"]))
    label = n.replace("n_", "n with ")
    return Cells(classes, list(dict.fromkeys(table["model"])), table, label)


def ordered_models(cells: Cells) -> list[str]:
    """The models, the highest mean over all rows first; without any value last."""
    known = cells.table.dropna(subset="value")
    weight = known["n"].clip(lower=1)
    sums = (known["value"] * weight).groupby(known["model"]).sum()
    mean = (sums / weight.groupby(known["model"]).sum()).to_dict()
    return sorted(cells.models, key=lambda model: -float(mean.get(model, float("-inf"))))


def shown_names(names: list[str], *, least: int = 24) -> list[str]:
    """Each name in one short line, cut in the middle at one width for all, no two alike."""
    clean = [visible(name) for name in names]
    for width in range(least, _WIDEST, 2):
        cut = [_middle(name, width) for name in clean]
        if len(set(cut)) == len(cut):
            return cut
    return [f"{_middle(name, least)} ({number})" for number, name in enumerate(clean, 1)]


def _middle(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[-tail:]}"


def visible(name: str) -> str:
    """Control and direction characters as escapes, an empty name as a word."""
    if not name.strip():
        return "(empty)"
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else char
        for char in name
    )


def _floats(column: pd.Series) -> list[float]:
    return [float("nan") if pd.isna(value) else float(value) for value in column]
