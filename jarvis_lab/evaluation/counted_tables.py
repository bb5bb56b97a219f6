"""Routing tables of a counted log side by side: where they differ, and what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab.evaluation.counted_routes import Routed
from jarvis_lab.evaluation.counted_span import CountedSpan

__all__ = [
    "most_used",
    "of_mapping",
    "routed_differences",
    "routing_changes",
    "side_by_side",
    "table_of",
]

Names = NDArray[np.object_]
_DRAWN = "(at random)"


def side_by_side(players: Sequence[Routed], chosen: Routed, span: CountedSpan) -> pd.DataFrame:
    """One row per query class: the model of each policy, and whether they differ.

    A class for which a policy has several models, because it does not go by these classes, shows
    them with a bar between them.
    """
    rows: dict[str, dict[str, Any]] = {}
    sizes = span.class_traces(chosen.shown_by)
    for player in players:
        for label, models in _models_of_classes(player, span, player.shown_by).items():
            rows.setdefault(label, {})[player.name] = models
    labels = sorted(rows)
    table = pd.DataFrame({"query_class": pd.Series(labels, dtype="str")})
    table["n"] = pd.Series([sizes.get(label, 0) for label in labels], dtype="int64")
    for player in players:
        found = [rows[label].get(player.name, "") for label in labels]
        table[player.name] = pd.Series(found, dtype="str")
    names = [player.name for player in players if player.whole is not None]
    several = table[names].nunique(axis=1) > 1 if names and len(table) else False
    return table.assign(differ=np.asarray(several, dtype=bool))


def table_of(player: Routed, span: CountedSpan, scores: pd.DataFrame) -> pd.DataFrame:
    """One row per query class: the policy's model, and how good it was there."""
    found = _models_of_classes(player, span, player.scheme)
    sizes, total = span.class_traces(player.scheme), max(span.size, 1)
    cells = ("n_reward", "reward_mean", "reward_mean_low", "reward_mean_high", "note")
    keys = zip(scores["query_class"], scores["model"], strict=True)
    known = dict(zip(keys, scores[list(cells)].to_dict("records"), strict=True))
    rows = []
    for label in sorted(found):
        row: dict[str, Any] = {"query_class": label, "model": found[label]}
        row |= {"n": sizes[label], "share": sizes[label] / total}
        unknown = {"n_reward": 0, "note": "no trace of it here" if row["model"] else ""}
        rows.append(row | known.get((label, row["model"]), unknown))
    columns = ["query_class", "model", "n", "share", *cells]
    frame = pd.DataFrame(rows, columns=columns)
    kinds = dict.fromkeys(("query_class", "model", "note"), "str")
    kinds |= dict.fromkeys(("n", "n_reward"), "int64")
    return frame.astype({**dict.fromkeys(columns, "float64"), **kinds})


def routed_differences(a: Routed, b: Routed, span: CountedSpan) -> pd.DataFrame:
    """One row per kind of query that two policies send to different models.

    The columns are those of :func:`disagreements`; the class is that by which each is shown.
    """
    columns = ["class_a", "class_b", "model_a", "model_b", "n", "share", "example"]
    rows = []
    traces = span.traces.sum(0)
    if a.whole is not None and b.whole is not None:
        classes = span.log.classes[a.scheme], span.log.classes[b.scheme]
        for place in np.flatnonzero((a.whole != b.whole) & (traces > 0)):
            row = [classes[0][place], classes[1][place], a.whole[place], b.whole[place]]
            rows.append([*row, traces[place], 0.0, span.log.examples[place]])
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.groupby(columns[:4], as_index=False).agg(
        n=("n", "sum"), share=("share", "sum"), example=("example", "first")
    )
    frame["share"] = frame["n"] / max(span.size, 1)
    texts = dict.fromkeys((*columns[:4], "example"), "str")
    frame = frame.astype({**texts, "n": "int64", "share": "float64"})
    order = ["n", "class_a", "class_b"]
    frame = frame.sort_values(order, ascending=[False, True, True])
    return frame[columns].reset_index(drop=True)


def routing_changes(
    old: Names, new: Routed, span: CountedSpan, scores: pd.DataFrame
) -> pd.DataFrame:
    """One row per class, old and new model that differ: what a new table would change.

    Parameters
    ----------
    old : ndarray of str, joint class
        The model of today for each joint class.
    new : Routed
        The policy whose table would come.
    span : CountedSpan
        The traffic.
    scores : DataFrame
        Of the classes of ``new``.
    """
    labels, traces = span.log.classes[new.scheme], span.traces.sum(0)
    sums: dict[tuple[str, str, str], float] = {}
    if new.whole is not None:
        for place in np.flatnonzero((old != new.whole) & (traces > 0)):
            key = (labels[place], str(old[place]), str(new.whole[place]))
            sums[key] = sums.get(key, 0.0) + traces[place]
    keys = zip(scores["query_class"], scores["model"], strict=True)
    cells = zip(scores["reward_mean"], scores["n_reward"], strict=True)
    known = dict(zip(keys, cells, strict=True))
    rows = []
    for (label, before, after), n in sorted(sums.items()):
        row: dict[str, Any] = {"query_class": label, "old": before, "new": after}
        row |= {"n": n, "share": n / max(span.size, 1)}
        for side, model in (("old", before), ("new", after)):
            row[f"{side}_score"], row[f"{side}_n"] = known.get((label, model), (np.nan, None))
        rows.append(row)
    kinds = dict.fromkeys(("query_class", "old", "new"), "str") | {"n": "int64"}
    kinds |= dict.fromkeys(("share", "old_score", "new_score"), "float64")
    kinds |= dict.fromkeys(("old_n", "new_n"), "Int64")
    order = ["query_class", "old", "new", "n", "share", "old_score", "old_n", "new_score", "new_n"]
    return pd.DataFrame(rows, columns=order).astype(kinds)


def most_used(scheme: str, span: CountedSpan) -> Names:
    """The model that the log used most in the class of each joint class."""
    classes, places = span.places(scheme)
    n = np.zeros((len(classes), len(span.log.models)))
    np.add.at(n, places, span.sum("n").sum(0))
    if "" in span.log.models:
        n[:, span.log.models.index("")] = 0
    best = [span.log.models[int(row.argmax())] if row.any() else "" for row in n]
    return np.array([best[place] for place in places], dtype=object)


def of_mapping(table: Mapping[str, str], scheme: str, span: CountedSpan) -> Names:
    """The model of each joint class by a table of the classes of a scheme; else ""."""
    labels = span.log.classes[scheme]
    return np.array([table.get(label, "") for label in labels], dtype=object)


def _models_of_classes(player: Routed, span: CountedSpan, scheme: str) -> dict[str, str]:
    """What the policy does in each class that the span has."""
    labels, here = span.log.classes[scheme], span.traces.sum(0) > 0
    found: dict[str, set[str]] = {}
    for place in np.flatnonzero(here):
        name = _DRAWN if player.whole is None else str(player.whole[place])
        found.setdefault(labels[place], set()).add(name)
    return {label: _joined(sorted(models)) for label, models in found.items()}


def _joined(models: list[str]) -> str:
    if len(models) > 3:
        return f"({len(models)} models)"
    return " | ".join(name or "(none)" for name in models) if len(models) > 1 else models[0]
