"""One row per policy from a log that shows one model per query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import By
from jarvis_lab.evaluation.crossfit import can_be_fitted
from jarvis_lab.evaluation.log_kind import frame_reward_note, no_reward
from jarvis_lab.evaluation.read_log import Choice, ReadLog
from jarvis_lab.evaluation.strata import StratifiedLog, split
from jarvis_lab.evaluation.valued import difference_on, unknown_models, value_on
from jarvis_lab.evaluation.weighted import WeightedScores, weighted_difference, weighted_on
from jarvis_lab.routing.baselines import BestSinglePolicy, OraclePolicy, RandomPolicy
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["logged_rows"]

_NAN = float("nan")


@dataclass(frozen=True)
class _Player:
    """A policy with what it does on the log, or why it does nothing."""

    name: str
    choice: Choice | None
    why: str = ""
    fitted: bool = False


def logged_rows(
    frame: pd.DataFrame,
    policies: dict[str, RouterPolicy],
    *,
    by: By,
    reward: str | None,
    propensity: str | None,
    query_id: str | Sequence[str] | None,
    level: float,
    reference: str,
    seed: int,
    method: str,
    note: str,
) -> list[dict[str, Any]]:
    """The rows of :func:`compare_policies`, in the order given, the added policies last.

    Parameters
    ----------
    frame : DataFrame
        Traces, as :func:`read_traces` gives them.
    policies : dict of str to RouterPolicy
        The policies.
    by, reward, propensity, query_id, level, reference, seed
        As for :func:`compare_policies`.
    method : {"post_stratified", "snips", "dr"}
        What the value is.
    note : str
        What to know of the log; it stands in every row.

    Returns
    -------
    list of dict
    """
    log = ReadLog(frame, by=by, reward=reward, propensity=propensity, query_id=query_id, seed=seed)
    everyone = {**policies, **_added(log, reward, policies)}
    if reference not in everyone:
        raise ValueError(f"reference={reference!r} is none of {_checks.names(everyone)}.")
    if method != "post_stratified" and log.propensities is None and len(log.rewards):
        raise ValueError(
            f"method={method!r} weights by recorded propensities, and the log has none: name their "
            "column, propensity='...', or leave method='auto'."
        )
    note = _joined(note, frame_reward_note(frame, reward=reward, rewards=len(log.rewards)))
    note = _joined(note, log.misfit)
    if len(log.models) == 1:
        note = _joined(note, "the log has one model only")
    players = {name: _player(name, policy, log) for name, policy in everyone.items()}
    rows = {
        name: _valued(player, log, level=level, method=method) for name, player in players.items()
    }
    for name, player in players.items():
        pair = (player, players[reference])
        refusals = (_refusal(rows[name]), _refusal(rows[reference]))
        diff, why = _difference(pair, refusals, log, level=level, method=method)
        rows[name] |= dict(zip(("diff", "diff_low", "diff_high"), diff, strict=True))
        rows[name]["note"] = _joined(note, rows[name]["note"], why and f"no difference: {why}")
    return list(rows.values())


def _added(
    log: ReadLog, reward: str | None, policies: dict[str, RouterPolicy]
) -> dict[str, RouterPolicy | None]:
    added: dict[str, RouterPolicy | None] = {
        "best single": BestSinglePolicy(reward=reward),
        "best single by lower bound": BestSinglePolicy(reward=reward, lower_bound=True),
        "random": RandomPolicy(log.models) if log.models else None,
    }
    return {name: policy for name, policy in added.items() if name not in policies}


def _player(name: str, policy: RouterPolicy | None, log: ReadLog) -> _Player:
    if not len(log.frame):
        return _Player(name, None, "no traces")
    if not len(log.rewards):
        return _Player(name, None, no_reward(len(log.frame)))
    if policy is None:
        return _Player(name, None, "no models")
    if isinstance(policy, OraclePolicy) and can_be_fitted(policy):
        return _Player(name, None, "the oracle exists for complete data only")
    return _Player(name, log.choice(policy), fitted=bool(getattr(policy, "fitted", False)))


def _valued(player: _Player, log: ReadLog, *, level: float, method: str) -> dict[str, Any]:
    """The row without its difference."""
    row: dict[str, Any] = {"policy": player.name, "method": method, "n": len(log.rewards)}
    row["propensity"] = "estimated" if log.propensities is None else "logged"
    if player.choice is None:
        row |= {"n_effective": 0.0, "covered_share": 0.0, "bound_low": 0.0, "bound_high": 1.0}
        return row | {"status": f"refused: {player.why}", "note": ""}
    strata = split(log, [player.choice])
    found = value_on(strata, level=level, cells=False)
    row |= {name: getattr(found, name) for name in ("value", "low", "high", "match_rate")}
    row |= {name: getattr(found, name) for name in ("n_effective", "max_weight", "covered_share")}
    row |= {"status": found.status, "note": found.note}
    for name, (scores, why) in _weighted(strata, level).items():
        row[name] = _NAN if why else scores.value.value
        if name == method:
            shown = (scores.value.value, scores.value.low, scores.value.high)
            row |= dict(zip(("value", "low", "high"), [_NAN] * 3 if why else shown, strict=True))
            unknown = unknown_models(strata, 0) if why else ""
            row |= {"status": _joined(why, unknown) or "ok"}
            row |= {"n_effective": scores.value.n_effective}
    if row["status"] != "ok":
        row |= {"bound_low": found.bound_low, "bound_high": found.bound_high}
    elif player.fitted:
        row["status"] = "not cross-fitted"
    return row


def _weighted(strata: StratifiedLog, level: float) -> dict[str, tuple[WeightedScores, str]]:
    return {} if strata.propensities is None else weighted_on(strata, level=level)


def _refusal(row: dict[str, Any]) -> str:
    """Why a row has no value; empty if it has one."""
    status = str(row["status"])
    return status.removeprefix("refused: ") if status.startswith("refused") else ""


def _difference(
    pair: tuple[_Player, _Player],
    refusals: tuple[str, str],
    log: ReadLog,
    *,
    level: float,
    method: str,
) -> tuple[tuple[float, float, float], str]:
    """Difference of the first from the second with its interval, or why there is none."""
    nothing, (player, base) = (_NAN, _NAN, _NAN), pair
    if refusals[0]:
        return nothing, "its value is refused"
    if refusals[1]:
        return nothing, f"the value of {base.name!r} is refused: {refusals[1]}"
    if player is base:
        return (0.0, 0.0, 0.0), ""
    both = split(log, [one.choice for one in pair if one.choice is not None])
    if method == "post_stratified":
        found = difference_on(both, level=level)
        if found.status != "ok":
            return nothing, found.status.removeprefix("refused: ")
        return (found.diff, found.diff_low, found.diff_high), ""
    (a, why_a), (b, why_b) = (weighted_on(both, place=i, level=level)[method] for i in (0, 1))
    if why_a or why_b:
        return nothing, (why_a or why_b).removeprefix("refused: ")
    return weighted_difference(a, b, level=level), ""


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
