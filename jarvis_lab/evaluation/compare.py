"""Policies side by side: what each is worth on these data, or why the data cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import By
from jarvis_lab.evaluation.compare_logged import logged_rows
from jarvis_lab.evaluation.complete import complete_values
from jarvis_lab.evaluation.log_kind import frame_reward_note, incomplete_note, why_not_complete
from jarvis_lab.evaluation.named import named_policies
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.policy import RouterPolicy
from jarvis_lab.scores import is_counts

__all__ = ["COMPARE_COLUMNS", "LOGGED_CAVEAT", "compare_policies"]

Method = Literal["auto", "complete", "post_stratified", "snips", "dr"]
#: The columns of :func:`compare_policies`.
COMPARE_COLUMNS = (
    *("policy", "value", "low", "high", "diff", "diff_low", "diff_high", "n", "method"),
    *("match_rate", "n_effective", "max_weight", "covered_share", "propensity", "status"),
    *("bound_low", "bound_high", "note", "snips", "dr"),
)
#: What no estimate from a log can see, to stand wherever such estimates are shown.
LOGGED_CAVEAT = (
    "These values hold if, inside a class, the log chose its models without regard to how hard "
    "the query was. If it did not, every estimate from the log is wrong, and nothing in the log "
    "can show it."
)
_METHODS = ("auto", "complete", "post_stratified", "snips", "dr")
_TEXTS = ("policy", "method", "propensity", "status", "note")


def compare_policies(
    traces: object,
    policies: Mapping[str, RouterPolicy] | Sequence[RouterPolicy],
    *,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    by: By = "regex",
    level: float = 0.95,
    reference: str | None = None,
    seed: int = 0,
    propensity: str | None = "propensity",
    method: Method = "auto",
    draws: int = 2000,
) -> pd.DataFrame:
    """One row per policy: what it is worth, and how it differs from the reference.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Traces as :func:`read_traces` takes them. Complete data (every query has every model
        exactly once) and logs (one model a query) are told apart.
    policies : mapping of name to RouterPolicy, or list of RouterPolicy
        The policies; those of a list are called by their ``name``, or by their repr. One that can
        be fitted is given unfitted and is cross-fitted by query. "best single", "best single by
        lower bound", "random" (the models of the data, alike) and, on complete data, "oracle"
        are added; a policy of that name takes its place.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; without one: 1 where ``outcome`` is
        "success", 0 for any other text, missing where it is missing.
    by : {"regex", "keyword"}, column name or object with ``predict``
        Classes inside which a log chose its models independently of the query. Complete data
        need none.
    level : float
        Confidence level.
    reference : str, optional
        Name of the policy that the others are compared with; "best single" without one.
    seed : int
        Seed of folds and bootstrap.
    propensity : str, optional
        Column with the probability with which the log chose the trace's model. If the log has no
        ``propensity``, or None is given, they are estimated by the models' shares in each class.
    method : {"auto", "complete", "post_stratified", "snips", "dr"}
        "auto" takes "complete" for complete data and "post_stratified" for a log; "snips" and
        "dr" need recorded propensities.
    draws : int
        Resamplings of the bootstrap on complete data.

    Returns
    -------
    DataFrame
        In the order given, the added policies last; rewards are in [0, 1]:

        - ``policy`` (str).
        - ``value``, ``low``, ``high`` (float64): mean reward and its interval; NaN if refused.
        - ``diff``, ``diff_low``, ``diff_high`` (float64): value less the reference's with its own
          interval; 0 for the reference; NaN if either is refused.
        - ``n`` (int64): queries of complete data; traces of a log that have a reward and a model.
        - ``method`` (str): "complete", "post_stratified", "snips" or "dr".
        - ``match_rate`` (float64): share of the traces whose model is the policy's; NaN on
          complete data.
        - ``n_effective`` (float64): how many traces of the policy's own the log is worth,
          n* = 1/Σ(ω_j²/max(n_j, 1)), or (Σw)²/Σw² for "snips" and "dr"; on complete data the
          queries whose outcome is known.
        - ``max_weight`` (float64): largest π(m|c)/p; NaN on complete data, or without a match.
        - ``covered_share`` (float64): share of the policy's traffic that has rewards.
        - ``propensity`` (str): "logged" or "estimated"; empty on complete data.
        - ``status`` (str): "ok"; "not cross-fitted" for a policy that was fitted before, perhaps
          on these traces; "refused: " and why.
        - ``bound_low``, ``bound_high`` (float64): if refused, where the value lies whatever the
          unknown rewards are (sampling error of the known ones included, on a log); else NaN.
        - ``note`` (str): what to know before relying on the row; why there is no difference.
        - ``snips``, ``dr`` (float64): self-normalised and doubly robust value beside it; NaN
          where propensities are not recorded, these values are refused, or data are complete.

        ``attrs["why_not_complete"]`` is a sentence for a log, and empty for complete data;
        ``attrs["level"]`` and ``attrs["reference"]`` are the level and the reference's name.

    Raises
    ------
    TypeError
        If ``policies`` holds anything but policies, or ``traces`` are counts.
    ValueError
        If rewards lie outside [0, 1], propensities outside (0, 1] or are missing for some traces;
        if a column or the reference is not there; if ``method`` does not fit the data; if queries
        have an id and most of them several models, but the data are not complete.

    Notes
    -----
    Complete data: see :func:`complete_values`, which also has McNemar's test and costs. A log: see
    :func:`logged_value` and :func:`weighted_values`. The classes are split by a policy's own
    choices only, so its value does not hang on the other policies in the table; for a difference
    they are split by both policies' choices. Traces of one query share a fold; if there are fewer
    queries than folds, folds are of traces.

    **What no diagnostic sees.** If, inside a class, the log sent harder queries to one model
    (because a person or a router looked at the query), its rewards there are lower for that
    reason, and every estimate is wrong by an amount that the log cannot show. Classes (``by``)
    that hold what the choice looked at, recorded propensities, or logging at random help.

    References
    ----------
    As for :func:`logged_value`, :func:`weighted_values` and :func:`complete_values`.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query_id": range(160), "query": "q",
    ...                     "model": ["a"] * 100 + ["b"] * 60,
    ...                     "correct": [True] * 80 + [False] * 20 + [True] * 30 + [False] * 30})
    >>> policies = {"today": AlwaysPolicy("b"), "new": AlwaysPolicy("c")}
    >>> table = compare_policies(log, policies, reference="today")
    >>> table[["policy", "value", "low", "high", "diff", "diff_low"]].round(2)
                           policy  value   low  high  diff  diff_low
    0                       today   0.50  0.38  0.62  0.00      0.00
    1                         new    NaN   NaN   NaN   NaN       NaN
    2                 best single   0.80  0.71  0.87  0.30      0.15
    3  best single by lower bound   0.80  0.71  0.87  0.30      0.15
    4                      random   0.65  0.57  0.72  0.15      0.07
    >>> table.loc[1, ["bound_low", "bound_high"]].tolist()
    [0.0, 1.0]
    """
    named = named_policies(policies)
    _checks.choice("method", method, _METHODS)
    _checks.fraction("level", level)
    _checks.whole("seed", seed)
    _checks.whole("draws", draws, least=1)
    if isinstance(traces, pd.DataFrame) and is_counts(traces):
        raise TypeError(
            "traces is a table of counts, which does not tell one trace from another: give the "
            "traces themselves. RoutingExplorer compares policies from counts that it makes."
        )
    frame = read_traces(traces)
    _checks.column("model", frame.columns, where="The log", hint="Every trace needs a model.")
    chosen = "best single" if reference is None else reference
    why = why_not_complete(frame, query_id=query_id, reward=reward)
    if method == "complete" or (method == "auto" and not why):
        if "query_id" not in frame and "query" not in frame and query_id is None and not why:
            frame = frame.assign(query_id=np.arange(len(frame)))
        table = _complete_table(frame, named, query_id, reward, chosen, level, draws, seed)
    else:
        note = incomplete_note(frame, why, query_id=query_id, strict=method == "auto")
        kind = "post_stratified" if method == "auto" else method
        found = logged_rows(
            frame,
            named,
            by=by,
            reward=reward,
            propensity=propensity,
            query_id=query_id,
            level=level,
            reference=chosen,
            seed=seed,
            method=kind,
            note=note,
        )
        table = pd.DataFrame(found)
    table = table.reindex(columns=list(COMPARE_COLUMNS))
    kinds = {name: "str" if name in _TEXTS else "float64" for name in COMPARE_COLUMNS}
    table = table.astype({**kinds, "n": "int64"})
    table.attrs |= {"why_not_complete": why, "level": level, "reference": chosen}
    return table


def _complete_table(
    frame: pd.DataFrame,
    policies: dict[str, RouterPolicy],
    query_id: str | Sequence[str] | None,
    reward: str | None,
    reference: str,
    level: float,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    table = complete_values(
        frame,
        policies,
        query_id=query_id,
        reward=reward,
        reference=reference,
        level=level,
        draws=draws,
        seed=seed,
    )
    refused = table["status"].str.startswith("refused").to_numpy(dtype=bool)
    table["covered_share"] = 1 - (table["bound_high"] - table["bound_low"])
    table["n_effective"] = (table["n"] * table["covered_share"]).round()
    table.loc[~refused, ["bound_low", "bound_high"]] = np.nan
    no_value = "no difference: its value is refused"
    no_reference = f"no difference: the value of {reference!r} is refused"
    alone = "the data have one model only" if frame["model"].nunique() < 2 else ""
    alone = _joined(alone, frame_reward_note(frame, reward=reward, rewards=len(frame)))
    table["note"] = [
        _joined(note, alone, (no_value if gone else no_reference) if np.isnan(diff) else "")
        for note, gone, diff in zip(table["note"], refused, table["diff"], strict=True)
    ]
    return table.assign(
        method="complete",
        match_rate=np.nan,
        max_weight=np.nan,
        propensity="",
        snips=np.nan,
        dr=np.nan,
    )


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
