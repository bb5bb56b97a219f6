"""Two routing tables side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from jarvis_lab import _checks

__all__ = ["routing_diff"]


def routing_diff(old: Any, new: Any, scores: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per query class whose model differs between two routing tables.

    Parameters
    ----------
    old, new : RouterPolicy or mapping of class → model
        The tables; a policy's is its ``policy_map``.
    scores : DataFrame, optional
        Scores of :func:`class_scores`, by the same classes, to show beside the models.

    Returns
    -------
    DataFrame
        Sorted by class:

        - ``query_class``, ``old``, ``new`` (str): empty where a table lacks the class.
        - ``old_score``, ``new_score`` (float64): ``reward_mean`` of that model in that class;
          NaN where unknown.
        - ``old_n``, ``new_n`` (Int64): rewards behind it; missing where unknown.

    Raises
    ------
    TypeError
        If ``old`` or ``new`` has no routing table.
    ValueError
        If ``scores`` is no table of scores, or has several schemes.

    Examples
    --------
    >>> routing_diff({"code": "a", "math": "b"}, {"code": "c", "math": "b"})[
    ...     ["query_class", "old", "new"]
    ... ]
      query_class old new
    0        code   a   c
    """
    before, after = _table("old", old), _table("new", new)
    classes = sorted(c for c in {*before, *after} if before.get(c, "") != after.get(c, ""))
    diff = pd.DataFrame({"query_class": pd.Series(classes, dtype="str")})
    for side, table in (("old", before), ("new", after)):
        diff[side] = pd.Series([table.get(c, "") for c in classes], dtype="str")
    known = _known(scores)
    for side in ("old", "new"):
        found = [known.get(key) for key in zip(diff["query_class"], diff[side], strict=True)]
        diff[f"{side}_score"] = pd.Series([f and f[0] for f in found], dtype="float64")
        diff[f"{side}_n"] = pd.Series([f and f[1] for f in found], dtype="Int64")
    return diff


def _table(name: str, policy: Any) -> Mapping[str, str]:
    table = getattr(policy, "policy_map", policy)
    if not isinstance(table, Mapping):
        raise TypeError(
            f"{name} must be a policy with a policy_map or a mapping of class to model, "
            f"not {type(policy).__name__}."
        )
    return table


def _known(scores: pd.DataFrame | None) -> dict[tuple[str, str], tuple[float, int]]:
    if scores is None:
        return {}
    for name in ("query_class", "model", "n_reward", "reward_mean"):
        hint = "Make it with class_scores()."
        _checks.column(name, scores.columns, where="scores", hint=hint)
    if "scheme" in scores and scores["scheme"].nunique() > 1:
        raise ValueError("scores has several schemes: choose the rows of one.")
    keys = zip(scores["query_class"], scores["model"], strict=True)
    values = zip(scores["reward_mean"], scores["n_reward"], strict=True)
    return dict(zip(keys, values, strict=True))
