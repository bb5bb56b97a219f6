"""What policies are worth where every model's outcome on every query is known."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab import _checks
from jarvis_lab._paired import bootstrap_means, mcnemar_p, percentile_interval
from jarvis_lab._stats import bounded_mean_interval
from jarvis_lab.evaluation.costs import query_costs
from jarvis_lab.evaluation.crossfit import can_be_fitted, cross_fitted_choices
from jarvis_lab.evaluation.named import named_policies
from jarvis_lab.evaluation.read_log import known_before, not_counts
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.readers import read_traces
from jarvis_lab.routing.baselines import BestSinglePolicy, OraclePolicy, RandomPolicy
from jarvis_lab.routing.outcomes import CompleteOutcomes, complete_outcomes, query_codes
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["COMPLETE_COLUMNS", "complete_values"]

Floats = NDArray[np.float64]
#: The columns of :func:`complete_values`, before those of ``also``.
COMPLETE_COLUMNS = (
    *("policy", "value", "low", "high", "diff", "diff_low", "diff_high", "p_value"),
    *("n", "n_differ", "bound_low", "bound_high", "status", "note"),
)
_BEST, _CAUTIOUS, _RANDOM, _ORACLE = (
    *("best single", "best single by lower bound"),
    *("random", "oracle"),
)
_FEW = 10


@dataclass(frozen=True)
class _Played:
    """What a policy earned on each query; NaN where that is not known."""

    name: str
    rewards: Floats
    status: str
    facts: dict[str, float]
    attainable: bool = True


def complete_values(
    traces: object,
    policies: Mapping[str, RouterPolicy] | Sequence[RouterPolicy],
    *,
    query_id: str | Sequence[str] | None = None,
    reward: str | None = None,
    reference: str = _BEST,
    also: Sequence[str] = (),
    level: float = 0.95,
    draws: int = 2000,
    folds: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per policy: its mean reward, and its difference from the reference.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Complete data: every query has every model exactly once, with a reward.
    policies : mapping of name to RouterPolicy, or list of RouterPolicy
        A policy that can be fitted is given unfitted, and is cross-fitted by query. "best
        single", "best single by lower bound", "random" and "oracle" are added.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.
    reference : str
        Name of the policy that the others are compared with.
    also : list of str
        Number columns of the traces (cost, latency) to average over the chosen traces.
    level : float
        Confidence level.
    draws : int
        Resamplings of the bootstrap.
    folds : int
        Folds of the cross-fitting.
    seed : int
        Seed of folds and bootstrap.

    Returns
    -------
    DataFrame
        In the order given, the added ones last:

        - ``policy`` (str).
        - ``value``, ``low``, ``high`` (float64, in [0, 1]): mean reward and its interval; NaN if
          refused.
        - ``diff``, ``diff_low``, ``diff_high`` (float64): value less the reference's, with a
          paired bootstrap interval; 0 for the reference.
        - ``p_value`` (float64): exact McNemar test of the difference; NaN unless both policies'
          rewards are 0 and 1.
        - ``n`` (int64): queries; ``n_differ`` (int64): those on which the rewards differ from the
          reference's; 0 if refused.
        - ``bound_low``, ``bound_high`` (float64): the value itself, or, if refused, the value with
          unknown rewards at 0 and at 1.
        - ``status`` (str): "ok"; "not cross-fitted" for a policy that was fitted before, perhaps
          on these queries; "refused: " and why.
        - ``note`` (str): "not attainable" for the oracle; fewer than 10 differing queries.
        - each of ``also`` (float64): its mean over the chosen traces; NaN if it is missing there.

    Raises
    ------
    ValueError
        If the data are not complete, or there is no such reference.

    Notes
    -----
    ``low`` and ``high`` are Wilson's interval for rewards 0 and 1, and its version for rewards
    between (:func:`jarvis_lab._stats.bounded_mean_interval`). Queries are resampled with all
    their outcomes, so that what two policies share cancels. "random" is the mean over all models.

    References
    ----------
    McNemar, Q. (1947), Psychometrika 12, 153-157.
    Efron, B. and Tibshirani, R. J. (1993), An Introduction to the Bootstrap.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query_id": [i // 2 for i in range(80)], "model": ["a", "b"] * 40,
    ...                     "correct": [True, False] * 24 + [True, True] * 16})
    >>> values = complete_values(log, {"b": AlwaysPolicy("b")}, reward="correct")
    >>> values[["policy", "value", "diff", "p_value", "n_differ"]].round(3)
                           policy  value  diff  p_value  n_differ
    0                           b    0.4  -0.6      0.0        24
    1                 best single    1.0   0.0      1.0         0
    2  best single by lower bound    1.0   0.0      1.0         0
    3                      random    0.7  -0.3      NaN        24
    4                      oracle    1.0   0.0      1.0         0
    """
    policies = named_policies(policies)
    _checks.fraction("level", level)
    also = [also] if isinstance(also, str) else list(also)
    frame = read_traces(not_counts(traces))
    found = complete_outcomes(frame, query_id=query_id, reward=reward)
    facts = {
        name: query_costs(frame, found, name, query_id=query_id, missing=True) for name in also
    }
    codes = query_codes(frame, query_id=query_id)
    added = {
        _BEST: BestSinglePolicy(reward=reward),
        _CAUTIOUS: BestSinglePolicy(reward=reward, lower_bound=True),
        _RANDOM: None,
        _ORACLE: OraclePolicy(query_id=query_id, reward=reward).fit(frame),
    }
    everyone: dict[str, RouterPolicy | None] = {**added, **policies}
    names = [*policies, *(name for name in added if name not in policies)]
    if reference not in names:
        raise ValueError(f"reference={reference!r} is none of {_checks.names(names)}.")
    players = []
    for name in names:
        known_before(getattr(everyone[name], "by", None), reward)
        shares, status, unknown = _probabilities(everyone[name], frame, found, codes, folds, seed)
        played = _played(name, found, shares, status, unknown, facts)
        attainable = not isinstance(everyone[name], OraclePolicy)
        players.append(dataclasses.replace(played, attainable=attainable))
    return _table(players, names.index(reference), level, draws, seed, also)


def _probabilities(
    policy: RouterPolicy | None,
    frame: pd.DataFrame,
    found: CompleteOutcomes,
    codes: NDArray[np.int64],
    folds: int,
    seed: int,
) -> tuple[Floats, str, list[str]]:
    """Probability of each model on each query, the policy's status, and models unknown here."""
    if policy is None:
        policy = RandomPolicy(found.models)
    if isinstance(policy, RandomPolicy):
        unknown = [name for name, weight in policy.weights.items() if weight > 0]
        return _shares(found, policy.weights), "ok", sorted({*unknown} - {*found.models})
    if isinstance(policy, OraclePolicy) and not policy.fitted:
        policy = copy.deepcopy(policy).fit(frame)
    status = "ok"
    if can_be_fitted(policy):
        chosen = cross_fitted_choices(policy, frame, codes, found.queries, folds=folds, seed=seed)
    else:
        learned = getattr(policy, "fitted", False) and not isinstance(policy, OraclePolicy)
        status = "not cross-fitted" if learned else "ok"
        chosen = models_routed(policy, found.queries).to_numpy(dtype=object)
    return _choice(found, chosen), status, sorted({*map(str, chosen)} - {*found.models})


def _shares(found: CompleteOutcomes, weights: Mapping[str, float]) -> Floats:
    row = np.array([weights.get(model, 0.0) for model in found.models])
    return np.tile(row, (len(found.queries), 1))


def _choice(found: CompleteOutcomes, chosen: Any) -> Floats:
    """One row per query with a 1 at the chosen model; zeros where the data do not have it."""
    places = pd.Index(found.models).get_indexer(pd.Index(chosen))
    shares = np.zeros(found.rewards.shape)
    known = np.flatnonzero(places >= 0)
    shares[known, places[known]] = 1.0
    return shares


def _played(
    name: str,
    found: CompleteOutcomes,
    shares: Floats,
    status: str,
    unknown: list[str],
    facts: dict[str, Floats],
) -> _Played:
    known = shares.sum(1) > 1 - 1e-9
    rewards = np.where(known, (shares * found.rewards).sum(1), np.nan)
    if not known.all():
        gone, named = int((~known).sum()), [model for model in unknown if model]
        queries = f"{gone} {_checks.plural(gone, 'query', 'queries')}"
        others = f"{_checks.names(named)}{' or of no model' if '' in unknown else ''}"
        why = f"no outcomes of {others}, its choice for {queries}"
        status = f"refused: {why if named else f'the policy names no model for {queries}'}"
    means = {
        key: float(np.where(shares > 0, shares * values, 0).sum(1).mean())
        for key, values in facts.items()
    }
    return _Played(
        name, rewards, status, {k: v if known.all() else np.nan for k, v in means.items()}
    )


def _table(
    players: list[_Played], reference: int, level: float, draws: int, seed: int, also: list[str]
) -> pd.DataFrame:
    base = players[reference].rewards
    apart = np.column_stack([player.rewards - base for player in players])
    usable = ~np.isnan(apart).any(0)
    low, high = np.full(len(players), np.nan), np.full(len(players), np.nan)
    if usable.any():
        drawn = bootstrap_means(apart[:, usable], draws=draws, seed=seed)
        low[usable], high[usable] = percentile_interval(drawn, level)
    rows = [_row(player, base, (low[i], high[i]), level) for i, player in enumerate(players)]
    frame = pd.DataFrame(rows, columns=[*COMPLETE_COLUMNS, *also])
    kinds = dict.fromkeys(("policy", "status", "note"), "str")
    return frame.astype({**kinds, "n": "int64", "n_differ": "int64"})


def _row(
    player: _Played, base: Floats, ends: tuple[float, float], level: float
) -> dict[str, object]:
    r, n = player.rewards, len(player.rewards)
    apart = r - base
    differ = int((np.abs(apart) > 1e-12).sum()) if not np.isnan(apart).any() else 0
    value = float(r.mean())
    overall = 0.5 if np.isnan(value) else value
    low, high = bounded_mean_interval([n], [r.sum()], [(r * r).sum()], level, overall=overall)
    note = "" if player.attainable else "not attainable"
    if 0 < differ < _FEW:
        few = f"rewards differ on {differ} {_checks.plural(differ, 'query', 'queries')} only"
        note = "; ".join(filter(None, [note, few]))
    return {
        "policy": player.name,
        "value": value,
        "low": low[0],
        "high": high[0],
        "diff": float(apart.mean()),
        "diff_low": ends[0],
        "diff_high": ends[1],
        "p_value": _p_value(r, base),
        "n": n,
        "n_differ": differ,
        "bound_low": float(np.nan_to_num(r, nan=0.0).mean()),
        "bound_high": float(np.nan_to_num(r, nan=1.0).mean()),
        "status": player.status,
        "note": note,
        **player.facts,
    }


def _p_value(a: Floats, b: Floats) -> float:
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        return float("nan")
    return mcnemar_p(int((a > b).sum()), int((b > a).sum()))
