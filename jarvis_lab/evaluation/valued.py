"""A policy's value on a log, and the difference of two, from the log in strata."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._logged_value import difference_of_policies, value_of_policy
from jarvis_lab.evaluation.strata import (
    StratifiedLog,
    cell_table,
    used_propensities,
    weight_note,
)

__all__ = ["LoggedDifference", "LoggedValue", "difference_on", "unknown_models", "value_on"]


@dataclass(frozen=True)
class LoggedValue:
    """Value of a policy on a log, or why the log cannot tell.

    Attributes
    ----------
    value, low, high : float
        Mean reward under the policy and its interval, in [0, 1]; NaN if refused.
    level : float
        Confidence level.
    n : int
        Traces with a reward and a model.
    n_effective : float
        n* = 1/Σ(ω_j²/max(n_j, 1)): how many traces of the policy's own the log is worth.
    covered_share : float
        Share of the policy's traffic that lies in cells with rewards.
    match_rate : float
        Share of the traces whose logged model is the policy's (weighted, for a random policy).
    max_weight : float
        Largest π(m|c)/p over the traces with π > 0; NaN without any.
    propensity : {"logged", "estimated"}
        Whether p is recorded, or the share of the model in the class.
    status : str
        "ok", or "refused: " and why.
    bound_low, bound_high : float
        Where the value lies if cells without rewards may be anything from 0 to 1; sampling error
        of the others included.
    note : str
        What to know before relying on it; empty if nothing is wrong.
    cells : DataFrame
        One row per class and model that the policy uses, those that widen the interval most
        first: ``query_class``, ``model`` (str), ``share`` (float64, of the policy's traffic),
        ``n`` (float64, rewards, effective if weighted), ``mean`` (float64; NaN without rewards)
        and ``variance_share`` (float64): its part of Σ(ω_j²/max(n_j, 1)).
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    n_effective: float
    covered_share: float
    match_rate: float
    max_weight: float
    propensity: Literal["logged", "estimated"]
    status: str
    bound_low: float
    bound_high: float
    note: str
    cells: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        if self.status != "ok":
            bounds = f"between {self.bound_low:.3f} and {self.bound_high:.3f}"
            return f"LoggedValue({self.status}; {bounds}, n={self.n}){note}"
        return (
            f"LoggedValue({self.value:.3f}, {self.level:.0%} interval {self.low:.3f} to "
            f"{self.high:.3f}, n={self.n}){note}"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


@dataclass(frozen=True)
class LoggedDifference:
    """Value of one policy less that of another on the same log.

    Attributes
    ----------
    diff, diff_low, diff_high : float
        In [-1, 1]; NaN if refused.
    level : float
        Confidence level.
    status : str
        "ok", or "refused: " and why.
    """

    diff: float
    diff_low: float
    diff_high: float
    level: float
    status: str

    def __repr__(self) -> str:
        if self.status != "ok":
            return f"LoggedDifference({self.status})"
        return (
            f"LoggedDifference({self.diff:+.3f}, {self.level:.0%} interval {self.diff_low:+.3f} "
            f"to {self.diff_high:+.3f})"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


_LEARNED = "not cross-fitted: overvalued if it was learned from these traces"


def value_on(
    log: StratifiedLog, *, policy: Any = None, level: float = 0.95, cells: bool = True
) -> LoggedValue:
    """Value of the first policy of a log in strata.

    Parameters
    ----------
    log : StratifiedLog
        The log.
    policy : RouterPolicy, optional
        The policy itself, to note that it is fitted.
    level : float
        Confidence level.
    cells : bool
        Whether to make the table of cells.

    Returns
    -------
    LoggedValue
    """
    pi = log.policies[0]
    found = value_of_policy(log.cells, pi, torn=log.torn[0], level=level)
    chosen = pi[tuple(log.places)]
    weights = (chosen / used_propensities(log))[chosen > 0]
    unknown = unknown_models(log, 0) if len(log.rewards) else ""
    status = f"refused: {'; '.join(filter(None, [found.refused, unknown]))}"
    learned = bool(getattr(policy, "fitted", False))
    notes = ["" if found.refused else unknown, _LEARNED if learned else "", weight_note(log)]
    return LoggedValue(
        *(found.value, found.low, found.high, level),
        n=log.places.shape[1],
        n_effective=found.n_effective,
        covered_share=found.covered,
        match_rate=float(chosen.mean()) if len(chosen) else float("nan"),
        max_weight=float(weights.max()) if len(weights) else float("nan"),
        propensity="estimated" if log.propensities is None else "logged",
        status=status if found.refused else "ok",
        bound_low=found.bound_low,
        bound_high=found.bound_high,
        note="; ".join(filter(None, notes)),
        cells=cell_table(log, pi) if cells else pd.DataFrame(),
    )


def difference_on(log: StratifiedLog, *, level: float = 0.95) -> LoggedDifference:
    """Value of the first policy of a log in strata less that of the second."""
    torn = (log.torn[0], log.torn[1])
    found = difference_of_policies(log.cells, *log.policies, torn=torn, level=level)
    status = f"refused: {found.refused}" if found.refused else "ok"
    return LoggedDifference(found.value, found.low, found.high, level, status)


def unknown_models(log: StratifiedLog, place: int) -> str:
    """The models that a policy names and the log never used, with their share; else empty."""
    weight = (log.cells.shares[:, None] * log.policies[place]).sum(0)
    shares = {
        name: float(share)
        for name, share in zip(log.models, weight, strict=True)
        if share > 0 and name not in log.used
    }
    parts = []
    if "" in shares:
        parts.append(f"the policy names no model for {_percent(shares.pop(''))} of the traffic")
    if shares:
        part = sum(shares.values())
        named = _checks.names(sorted(shares))
        parts.append(f"the log never used {named}, which gets {_percent(part)} of the traffic")
    return "; ".join(parts)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"
