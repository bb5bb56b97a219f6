"""What policies are worth on complete data, from the traces that a counted log kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab.classes import By
from jarvis_lab.evaluation.compare import compare_policies
from jarvis_lab.evaluation.counted_keys import STEPS, time_steps
from jarvis_lab.evaluation.counted_state import RoutingState, reward_name
from jarvis_lab.evaluation.log_kind import NeitherError, reward_note
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["complete_rows", "refused_row", "with_reward"]


def complete_rows(
    frame: pd.DataFrame,
    policies: Mapping[str, RouterPolicy],
    wanted: Sequence[str],
    state: RoutingState,
    by: By,
    *,
    query_id: str | Sequence[str] | None,
    level: float,
    seed: int,
) -> list[dict[str, Any]]:
    """The rows of :func:`compare_policies` on the selected traces; refused ones if it raises.

    Parameters
    ----------
    frame : DataFrame
        All traces.
    policies : mapping of str to RouterPolicy
        The policies, unfitted.
    wanted : list of str
        The rows to give, beside the oracle.
    state : RoutingState
        What is selected.
    by, query_id, level, seed
        As for :func:`compare_policies`.
    """
    step = time_steps(frame).place
    first, last = state.steps
    end = STEPS + 1 if (first, last) == (0, STEPS) else last
    here = (step >= first) & (step < end) & frame["model"].isin(state.models).to_numpy(dtype=bool)
    selected = with_reward(frame[here].reset_index(drop=True), state)
    try:
        found = compare_policies(
            selected,
            policies,
            query_id=query_id,
            reward=reward_name(**state.weights),
            by=by,
            reference=state.reference,
            level=level,
            seed=seed,
        )
    except NeitherError as error:
        why = error.for_explorer(_control(selected, state))
        return [refused_row(name, why) for name in wanted]
    except ValueError as error:
        return [refused_row(name, str(error)) for name in wanted]
    note = _weighted_note(selected, state)
    found["note"] = ["; ".join(filter(None, [note, text])) for text in found["note"]]
    rows: list[dict[str, Any]] = found[found["policy"].isin([*wanted, "oracle"])].to_dict("records")  # type: ignore[assignment]
    return rows


def _control(selected: pd.DataFrame, state: RoutingState) -> str:
    """The control by which the selected traces, complete as a whole, would be complete again."""
    if state.steps != (0, STEPS):
        return "Select the whole time range"
    for part, weight in (("outcome", state.outcome_weight), ("feedback", state.feedback_weight)):
        values = selected[part] if part in selected else pd.Series([], dtype="float64")
        known = values.between(0, 1) if part == "feedback" else values.notna()
        if weight == 0 and len(known) and known.all():
            return f"Raise the weight of the {part}, which every trace has"
    return ""


def _weighted_note(frame: pd.DataFrame, state: RoutingState) -> str:
    """What to know of a weighted reward; the outcome alone has its note already."""
    if reward_name(**state.weights) is None:
        return ""
    rated = state.outcome_weight > 0 and "outcome" in frame
    outcome = frame["outcome"].dropna() if rated else pd.Series([], dtype="str")
    feedback = frame["feedback"].dropna() if "feedback" in frame else pd.Series([], dtype="float64")
    return reward_note(
        traces=len(frame),
        rewards=len(frame),
        outcomes=len(outcome),
        successes=int((outcome == "success").sum()),
        invalid=int((~feedback.between(0, 1)).sum()),
    )


def refused_row(name: str, why: str) -> dict[str, Any]:
    """The row of a policy that cannot be valued."""
    row: dict[str, Any] = {"policy": name, "n": 0, "method": "", "propensity": "", "note": ""}
    return row | {"status": f"refused: {why}", "bound_low": 0.0, "bound_high": 1.0}


def with_reward(frame: pd.DataFrame, state: RoutingState) -> pd.DataFrame:
    """The traces with the state's weighted reward in a column of its name.

    The reward is the sum of weight × part over the parts present (outcome, feedback), divided by
    the sum of their weights; feedback outside [0, 1] counts as missing.
    """
    name = reward_name(**state.weights)
    if name is None:
        return frame
    nothing = pd.Series(np.nan, index=frame.index)
    feedback = (
        frame["feedback"].where(frame["feedback"].between(0, 1)) if "feedback" in frame else nothing
    )
    if name == "feedback":
        return frame.assign(feedback=feedback)
    outcome = nothing
    if "outcome" in frame:
        good = (frame["outcome"] == "success").fillna(False).to_numpy(dtype=bool)
        outcome = pd.Series(np.where(frame["outcome"].isna(), np.nan, good * 1.0), frame.index)
    w, v = state.outcome_weight, state.feedback_weight
    top = w * outcome.fillna(0) + v * feedback.fillna(0)
    bottom = w * outcome.notna() + v * feedback.notna()
    return frame.assign(**{name: top / bottom.where(bottom > 0)})
