"""What policies are worth on a counted log; the rows of compare_policies, from counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab._cells import Cells, cells_of_sums
from jarvis_lab._logged_value import difference_of_policies, value_of_policy
from jarvis_lab.evaluation.counted import SQUARED, WEIGHED
from jarvis_lab.evaluation.counted_routes import Routed
from jarvis_lab.evaluation.counted_span import CountedSpan
from jarvis_lab.evaluation.counted_state import RoutingState
from jarvis_lab.evaluation.log_kind import no_reward, reward_note
from jarvis_lab.evaluation.strata import StratifiedLog
from jarvis_lab.evaluation.valued import unknown_models
from jarvis_lab.scores import reward_sums
from jarvis_lab.scores.sums import FLOATS, INTEGERS

__all__ = ["Earned", "value_rows"]

Floats = NDArray[np.float64]
_NAN = float("nan")
_EMPTY = np.zeros(0)


class Earned:
    """The weighted rewards of a span: fold × joint class × model.

    Parameters
    ----------
    span : CountedSpan
        The counts.
    state : RoutingState
        Whose weights make the reward.
    """

    def __init__(self, span: CountedSpan, state: RoutingState) -> None:
        self.span, self.state = span, state
        self.models = [name for name in span.log.models if name]
        self._kept = [place for place, name in enumerate(span.log.models) if name]
        self.weighed = span.log.propensity == "logged"
        names = [*INTEGERS, *FLOATS]
        self.n, self.total, self.squares = self._sums({name: span.sum(name) for name in names})

    @property
    def size(self) -> int:
        """Traces with a reward and a model."""
        return int(self.n.sum())

    @property
    def note(self) -> str:
        """What to know of the rewards."""
        rated = self.state.outcome_weight > 0
        return reward_note(
            traces=self.span.size,
            rewards=self.size,
            outcomes=int(self.span.sum("n_outcome").sum()) if rated else 0,
            successes=int(self.span.sum("successes").sum()) if rated else 0,
            invalid=int(self.span.sum("invalid_feedback").sum())
            if self.state.feedback_weight > 0
            else 0,
        )

    @property
    def mean(self) -> float:
        """Mean reward of the log as it was."""
        return float(self.total.sum() / self.n.sum()) if self.size else _NAN

    @cached_property
    def weights(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Σw, Σwr, Σwr² and Σw² of each cell, w = 1/p."""
        plain = {name: np.zeros(self.span.shape) for name in (*INTEGERS, *FLOATS)}
        once = plain | {name: self.span.sum(f"w {name}") for name in WEIGHED}
        twice = plain | {name: self.span.sum(f"ww {name}") for name in SQUARED}
        return (*self._sums(once), self._sums(twice)[0])

    @cached_property
    def extremes(self) -> tuple[Floats, Floats]:
        """Smallest and largest p of the traces with a reward, of each cell."""
        state, kinds = self.state, []
        if state.outcome_weight > 0:
            kinds.append("outcome")
        if state.feedback_weight > 0:
            kinds.append("feedback")
        lows = [self.span.extreme(f"{kind} low")[:, :, self._kept] for kind in kinds]
        highs = [self.span.extreme(f"{kind} high")[:, :, self._kept] for kind in kinds]
        return np.minimum.reduce(lows), np.maximum.reduce(highs)

    def _sums(self, values: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
        flat = pd.DataFrame({k: v[:, :, self._kept].ravel() for k, v in values.items()})
        shape = (*self.span.shape[:2], len(self._kept))
        n, total, squares = (
            np.asarray(x, dtype=np.float64).reshape(shape)
            for x in reward_sums(flat, **self.state.weights)
        )
        return n, total, squares


@dataclass(frozen=True)
class _Strata:
    """The span in strata in which each of the policies has one row of probabilities."""

    cells: Cells
    policies: list[Floats]
    models: list[str]
    torn: list[Floats]
    plain: Floats = field(repr=False)
    low: Floats | None = field(repr=False)
    high: Floats | None = field(repr=False)


def value_rows(
    players: Mapping[str, Routed],
    earned: Earned,
    *,
    by: str,
    reference: str,
    level: float,
    note: str,
) -> list[dict[str, Any]]:
    """One row per policy, with the columns of :func:`compare_policies` but ``snips`` and ``dr``.

    Parameters
    ----------
    players : mapping of str to Routed
        What the policies do; the reference is among them.
    earned : Earned
        The rewards.
    by : str
        The scheme of the classes inside which the log chose independently of the query.
    reference : str
        Name of the policy that the others are compared with.
    level : float
        Confidence level.
    note : str
        What stands in every row.
    """
    note = _joined(note, earned.note)
    if len(earned.span.used) == 1:
        note = _joined(note, "the log has one model only")
    rows = {name: _row(player, earned, by, level) for name, player in players.items()}
    for name, player in players.items():
        row, base = rows[name], players[reference]
        refused = [_refusal(rows[one]) for one in (name, reference)]
        found, why = (_NAN, _NAN, _NAN), ""
        if refused[0]:
            why = "its value is refused"
        elif refused[1]:
            why = f"the value of {reference!r} is refused: {refused[1]}"
        elif player is base:
            found = (0.0, 0.0, 0.0)
        else:
            both = _split(earned, by, [player, base])
            torn = both.torn[0], both.torn[1]
            diff = difference_of_policies(both.cells, *both.policies, torn=torn, level=level)
            found, why = (diff.value, diff.low, diff.high), diff.refused
        row |= dict(zip(("diff", "diff_low", "diff_high"), found, strict=True))
        row["note"] = _joined(note, row["note"], why and f"no difference: {why}")
    return list(rows.values())


def _row(player: Routed, earned: Earned, by: str, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {"policy": player.name, "n": earned.size, "method": "post_stratified"}
    row |= {"propensity": "logged" if earned.weighed else "estimated", "note": ""}
    why = _why_nothing(player, earned)
    if why:
        row |= {"n_effective": 0.0, "covered_share": 0.0, "bound_low": 0.0, "bound_high": 1.0}
        return row | {"status": f"refused: {why}"}
    strata = _split(earned, by, [player])
    pi = strata.policies[0]
    found = value_of_policy(strata.cells, pi, torn=strata.torn[0], level=level)
    unknown = unknown_models(_as_log(strata, earned), 0)
    row |= {"value": found.value, "low": found.low, "high": found.high}
    row |= {"match_rate": float((strata.plain * pi).sum() / strata.plain.sum())}
    row |= {"n_effective": found.n_effective, "max_weight": _max_weight(strata)}
    row |= {"covered_share": found.covered}
    notes = ["" if found.refused else unknown, _weight_note(strata, earned.size), player.note]
    row["note"] = _joined(*notes)
    row["status"] = "not cross-fitted" if player.fitted else "ok"
    if found.refused:
        row["status"] = f"refused: {_joined(found.refused, unknown)}"
        row |= {"bound_low": found.bound_low, "bound_high": found.bound_high}
    return row


def _why_nothing(player: Routed, earned: Earned) -> str:
    size = earned.span.size
    if not size:
        return "no traces"
    if not earned.size:
        return no_reward(size)
    return player.why


def _split(earned: Earned, by: str, players: Sequence[Routed]) -> _Strata:
    """The classes, split where one of the policies' choices differs inside one."""
    span = earned.span
    here = span.traces > 0
    key = np.broadcast_to(span.places(by)[1], here.shape)[here]
    routes: list[tuple[Any, list[str]] | None] = []
    for player in players:
        held_out = player.held_out(span.shape[0])
        if held_out is None:
            routes.append(None)
            continue
        place, names = pd.factorize(held_out[here])
        routes.append((place, [str(name) for name in names]))
        key = key * len(names) + place
    _, first, stratum = np.unique(key, return_index=True, return_inverse=True)
    named = {name for route in routes if route is not None for name in route[1]}
    drawn = {name for player in players for name in player.weights}
    models = sorted({*earned.models, *named, *drawn})
    columns = pd.Index(models).get_indexer(pd.Index(earned.models))

    def gathered(values: Floats, start: float = 0.0, keep: Any = np.add) -> Floats:
        found = np.full((len(first), len(models)), start)
        keep.at(found, (stratum[:, None], columns[None, :]), values[here])
        return found

    n, total, squares = (gathered(x) for x in (earned.n, earned.total, earned.squares))
    traces = np.bincount(stratum, span.traces[here], minlength=len(first))
    cells, low, high = cells_of_sums(n, total, squares, traces), None, None
    if earned.weighed:
        cells = _weighted(cells, *(gathered(x) for x in earned.weights))
        low = gathered(earned.extremes[0], np.inf, np.minimum)
        high = gathered(earned.extremes[1], -np.inf, np.maximum)
    matrices = [
        np.tile([player.weights.get(name, 0.0) for name in models], (len(first), 1))
        if route is None
        else np.eye(len(models))[pd.Index(models).get_indexer(pd.Index(route[1]))[route[0][first]]]
        for player, route in zip(players, routes, strict=True)
    ]
    torn = []
    for player in players:
        disputed = np.broadcast_to(player.torn(*span.shape[:2]), here.shape)[here]
        split = np.bincount(stratum, np.where(disputed, span.traces[here], 0), len(first))
        torn.append(split / np.maximum(traces, 1))
    return _Strata(cells, matrices, models, torn, n, low, high)


def _weighted(plain: Cells, weight: Floats, total: Floats, squares: Floats, twice: Floats) -> Cells:
    """Cells of traces weighted by w: n = (Σw)²/Σw², ȳ = Σwr/Σw, S² from Σwr²."""
    some = plain.n > 0
    n = np.where(some, weight**2 / np.where(some, twice, 1), 0)
    n = np.where(np.abs(n - plain.n) <= 1e-9 * plain.n, plain.n, n)
    mean = np.clip(np.where(some, total / np.where(some, weight, 1), 0), 0, 1)
    scatter = np.where(some, squares / np.where(some, weight, 1), 0) - mean**2
    variance = np.where(n > 1, np.maximum(scatter, 0) * n / np.where(n > 1, n - 1, 1), 0)
    return replace(plain, n=n, mean=mean, variance=variance)


def _max_weight(strata: _Strata) -> float:
    pi, n = strata.policies[0], strata.plain
    used = (pi > 0) & (n > 0)
    if not used.any():
        return _NAN
    p = n / np.maximum(n.sum(1, keepdims=True), 1) if strata.low is None else strata.low
    return float((pi[used] / p[used]).max())


def _weight_note(strata: _Strata, size: int) -> str:
    if strata.low is None or strata.high is None or not 0 < size < 5000:
        return ""
    some = strata.plain > 0
    ratio = float((strata.high[some] / strata.low[some]).max())
    if ratio <= 10:
        return ""
    return f"in a cell the largest weight is {ratio:.0f} times the smallest: too few traces for it"


def _as_log(strata: _Strata, earned: Earned) -> StratifiedLog:
    return StratifiedLog(
        cells=strata.cells,
        policies=strata.policies,
        strata=[],
        models=strata.models,
        used=earned.span.used,
        places=np.zeros((2, 0), dtype=np.int64),
        rewards=_EMPTY,
        propensities=None,
        torn=strata.torn,
    )


def _refusal(row: Mapping[str, Any]) -> str:
    status = str(row["status"])
    return status.removeprefix("refused: ") if status.startswith("refused") else ""


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
