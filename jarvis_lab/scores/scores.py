"""Counts → scores per query class and model, with intervals and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._stats import bounded_mean_interval, wilson_interval
from jarvis_lab.classes import By
from jarvis_lab.scores.counted_by import check_reward
from jarvis_lab.scores.counts import as_counts

__all__ = ["SCORE_COLUMNS", "class_scores", "composites", "reward_sums"]

#: The columns of a table of scores, after ``scheme`` where there are several.
SCORE_COLUMNS = (
    *("query_class", "model", "n", "n_outcome", "successes"),
    *("success_rate", "success_rate_low", "success_rate_high", "n_feedback", "feedback_mean"),
    *("latency_mean_seconds", "tokens_mean", "cost_mean_usd", "sft_score", "trace_score"),
    *("n_reward", "reward_mean", "reward_mean_low", "reward_mean_high", "note"),
)
_FEW = 5


def class_scores(
    source_or_counts: object,
    *,
    by: By | Sequence[By] = "regex",
    reward: str | None = None,
    outcome_weight: float = 0.6,
    feedback_weight: float = 0.4,
    level: float = 0.95,
    client: object = None,
) -> pd.DataFrame:
    """One row per query class and model: how well the model does on that kind of query.

    Parameters
    ----------
    source_or_counts : DataFrame, path or object with ``list_traces()``
        Traces, as :func:`score_counts` takes them, or its table.
    by : {"regex", "keyword"}, column name, object with ``predict``, or several of these
        What the classes are; unused for a table of counts, which has them.
    reward : str, optional
        A column of true and false or of numbers in [0, 1], whose mean is ``reward_mean``. A table
        of counts has the one that it was counted with, if any.
    outcome_weight, feedback_weight : float
        Weights of outcome and feedback, at least 0 and not both 0; only their ratio matters.
    level : float
        Confidence level of the intervals.
    client : distributed.Client, optional
        As for :func:`score_counts`.

    Returns
    -------
    DataFrame
        Sorted by class and model; NaN where there is nothing to average:

        - ``scheme`` (str): only with several ``by``.
        - ``query_class``, ``model`` (str).
        - ``n``, ``n_outcome``, ``successes`` (int64): traces, those with an outcome, those whose
          outcome is "success".
        - ``success_rate``, ``success_rate_low``, ``success_rate_high`` (float64, in [0, 1]):
          successes / n_outcome with Wilson's interval.
        - ``n_feedback`` (int64), ``feedback_mean`` (float64, in [0, 1]).
        - ``latency_mean_seconds``, ``tokens_mean``, ``cost_mean_usd`` (float64).
        - ``sft_score``, ``trace_score`` (float64, in [0, 1]): the composites of SFTRouterPolicy
          and TraceDrivenPolicy, which count a missing outcome as a failure.
        - ``n_reward`` (int64), ``reward_mean``, ``reward_mean_low``, ``reward_mean_high``
          (float64, in [0, 1]): mean over the traces with an outcome or a feedback of the weighted
          mean of what is there, or mean of the named reward, with an interval.
        - ``note`` (str): why the row is not to be relied on; empty if nothing is wrong.

        ``attrs`` as those of :func:`score_counts`.

    Raises
    ------
    ValueError
        If a weight is negative, both are 0, or ``level`` is not between 0 and 1; if ``reward`` is
        named for a table of counts that has none, or another one.
    FileNotFoundError, ValueError
        As for :func:`read_traces`.

    Notes
    -----
    With s = successes, f = feedback, weights w and v scaled to sum to 1:
    sft_score = mean over all traces of w·[success] + v·(f, or 0.5 if missing);
    trace_score = w·s/n + v·(mean of f, or 0.5 if there is none).
    The reward's interval is Wilson's with the number of rewards divided by φ, the ratio of their
    variance to that of rewards 0 and 1 (:func:`jarvis_lab._stats.bounded_mean_interval`); for
    outcomes alone it is Wilson's own.

    References
    ----------
    Wilson, E. B. (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"] * 10, "model": ["a"] * 10,
    ...                     "outcome": ["success"] * 8 + ["failure"] * 2})
    >>> scores = class_scores(log)
    >>> scores[["query_class", "n", "success_rate", "success_rate_low"]].round(3)
      query_class   n  success_rate  success_rate_low
    0        code  10           0.8              0.49
    """
    counts = as_counts(source_or_counts, by=by, reward=reward, client=client)
    if reward is not None and "n_reward" not in counts:
        raise ValueError(
            f"These counts have no sums of the reward {reward!r}: count the traces with "
            f"score_counts(..., reward={reward!r})."
        )
    if reward is not None:
        check_reward(counts, reward)
    return _scores(counts, outcome_weight, feedback_weight, level)


def reward_sums(
    counts: pd.DataFrame,
    *,
    outcome_weight: float = 1.0,
    feedback_weight: float = 0.0,
    own: bool = False,
) -> tuple[Any, Any, Any]:
    """Number, sum and sum of squares of the weighted reward of each row of counts.

    The reward of a trace is the sum of weight × part over the parts it has (outcome, feedback),
    divided by the sum of their weights; a trace with no part of positive weight has none.
    With ``own`` it is the reward that was named when the traces were counted.
    """
    if own:
        names = ("n_reward", "reward_sum", "reward_sum_squares")
        n, total, squares = (counts[name].to_numpy().astype(float) for name in names)
        return n, np.clip(total, 0, n), np.clip(squares, 0, n)
    w, v = _weights(outcome_weight, feedback_weight)
    c = {name: counts[name].to_numpy() for name in counts.columns if name.startswith("both_")}
    both_n, good = counts["n_both"].to_numpy(), c["both_successes"]
    n = both_n.astype(float)
    total = w * good + v * c["both_feedback_sum"]
    squares = (
        w * w * good
        + v * v * c["both_feedback_sum_squares"]
        + 2 * w * v * c["both_success_feedback_sum"]
    )
    if w > 0:
        lone = counts["successes"].to_numpy() - good
        n = n + counts["n_outcome"].to_numpy() - both_n
        total, squares = total + lone, squares + lone
    if v > 0:
        n = n + counts["n_feedback"].to_numpy() - both_n
        total = total + counts["feedback_sum"].to_numpy() - c["both_feedback_sum"]
        squares = squares + counts["feedback_sum_squares"].to_numpy()
        squares = squares - c["both_feedback_sum_squares"]
    return n, np.clip(total, 0, n), np.clip(squares, 0, n)


def composites(
    counts: pd.DataFrame, outcome_weight: float = 0.6, feedback_weight: float = 0.4
) -> tuple[Any, Any]:
    """The two originals' composite scores of each row: SFTRouterPolicy's, TraceDrivenPolicy's."""
    w, v = _weights(outcome_weight, feedback_weight)
    n, n_feedback = counts["n"].to_numpy(), counts["n_feedback"].to_numpy()
    rate = _ratio(counts["successes"].to_numpy(), n)
    feedback = counts["feedback_sum"].to_numpy()
    sft = w * rate + v * _ratio(feedback + 0.5 * (n - n_feedback), n)
    mean = np.where(n_feedback > 0, _ratio(feedback, n_feedback), 0.5)
    return sft, w * rate + v * mean


def _scores(
    counts: pd.DataFrame, outcome_weight: float, feedback_weight: float, level: float
) -> pd.DataFrame:
    c = {name: counts[name].to_numpy() for name in counts.columns}
    n, total, squares = reward_sums(
        counts,
        outcome_weight=outcome_weight,
        feedback_weight=feedback_weight,
        own="n_reward" in counts,
    )
    overall = float(total.sum() / n.sum()) if n.sum() else 0.5
    keys = [name for name in ("scheme", "query_class", "model") if name in counts]
    scores = counts[[*keys, "n", "n_outcome", "successes"]].reset_index(drop=True)
    scores["success_rate"] = _ratio(c["successes"], c["n_outcome"])
    low, high = wilson_interval(c["successes"], c["n_outcome"], level)
    scores["success_rate_low"], scores["success_rate_high"] = low, high
    scores["n_feedback"] = c["n_feedback"]
    scores["feedback_mean"] = _ratio(c["feedback_sum"], c["n_feedback"])
    scores["latency_mean_seconds"] = _ratio(c["latency_sum_seconds"], c["n_latency"])
    scores["tokens_mean"] = _ratio(c["tokens_sum"], c["n_tokens"])
    scores["cost_mean_usd"] = _ratio(c["cost_sum_usd"], c["n_cost"])
    sft, trace = composites(counts, outcome_weight, feedback_weight)
    scores["sft_score"], scores["trace_score"] = sft, trace
    scores["n_reward"] = n.astype("int64")
    scores["reward_mean"] = _ratio(total, n)
    low, high = bounded_mean_interval(n, total, squares, level, overall=overall)
    scores["reward_mean_low"], scores["reward_mean_high"] = low, high
    notes = [_note(*row) for row in zip(*_note_terms(counts, n), strict=True)]
    scores["note"] = pd.Series(notes, dtype="str")
    return scores


def _note_terms(counts: pd.DataFrame, n_reward: Any) -> list[Any]:
    names = ("model", "n", "n_outcome", "invalid_feedback", "invalid_latency")
    own = counts.get("invalid_reward", pd.Series(-1, index=counts.index))
    return [*(counts[name] for name in names), own, n_reward]


def _note(
    model: str, n: int, n_outcome: int, feedback: int, latency: int, own: int, n_reward: float
) -> str:
    """Why a row is not to be relied on; ``own`` is -1 where no reward was named."""
    parts = []
    if not model:
        parts.append("no model named")
    if n_reward == 0:
        parts.append("no outcome or feedback" if own < 0 else "no reward")
    elif n_reward < _FEW:
        parts.append(f"fewer than {_FEW} rewards")
    if own < 0 < n_reward and n_outcome < 0.75 * n:
        parts.append(f"no outcome in {1 - n_outcome / n:.0%}")
    if own > 0:
        parts.append(f"{own} {_checks.plural(own, 'reward')} outside [0, 1] left out")
    if feedback:
        parts.append(f"{feedback} feedback outside [0, 1] left out")
    if latency:
        parts.append(f"{latency} negative or infinite latency left out")
    return "; ".join(parts)


def _weights(outcome_weight: float, feedback_weight: float) -> tuple[float, float]:
    w = _checks.positive("outcome_weight", outcome_weight, zero=True)
    v = _checks.positive("feedback_weight", feedback_weight, zero=True)
    if w + v == 0:
        raise ValueError("outcome_weight and feedback_weight must not both be 0.")
    return w / (w + v), v / (w + v)


def _ratio(top: Any, bottom: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)
