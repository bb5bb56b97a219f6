"""Whether data are complete, a log, or neither."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._checks import plural
from jarvis_lab.evaluation.read_log import trace_queries
from jarvis_lab.routing.outcomes import why_incomplete

__all__ = [
    "NeitherError",
    "frame_reward_note",
    "incomplete_note",
    "no_reward",
    "reward_note",
    "why_not_complete",
]

_SEVERAL = 1.5
_MANY_MISSING = 0.25


class NeitherError(ValueError):
    """Data that are neither complete nor a log of one model a query; for :func:`compare_policies`.

    Parameters
    ----------
    what : str
        What is wrong, in a sentence.
    ways : str
        What to do about the data, without a full stop.
    """

    def __init__(self, what: str, ways: str) -> None:
        super().__init__(
            f"{what} {ways}, or say method='post_stratified' to take all traces as independent."
        )
        self._what, self._ways = what, ways

    def for_explorer(self, controls: str = "") -> str:
        """The same for who moves controls and has no ``method`` to choose.

        Parameters
        ----------
        controls : str
            Which control would help, without a full stop.

        Examples
        --------
        >>> NeitherError("One is doubled.", "Drop it").for_explorer("Select less")[:49]
        'One is doubled. Select less, or drop it, and give'
        """
        ways = f"{controls}, or {self._ways[0].lower()}{self._ways[1:]}" if controls else self._ways
        return (
            f"{self._what} {ways}, and give RoutingExplorer the result; "
            "compare_policies(traces, policies, method='post_stratified') takes all traces as "
            "independent."
        )


def why_not_complete(
    frame: pd.DataFrame, *, query_id: str | Sequence[str] | None, reward: str | None
) -> str:
    """Why the data are not complete; empty if every query has every model exactly once."""
    if len(frame) and query_id is None and not {"query_id", "query"} & set(frame.columns):
        if frame["model"].nunique() > 1:
            return "nothing tells queries apart"
        frame, query_id = frame.assign(query_id=np.arange(len(frame))), "query_id"
    return why_incomplete(frame, query_id=query_id, reward=reward)


def incomplete_note(
    frame: pd.DataFrame, why: str, *, query_id: str | Sequence[str] | None, strict: bool = True
) -> str:
    """What to know of a log whose queries stand in several traces; empty for one trace each.

    Parameters
    ----------
    frame : DataFrame
        The traces.
    why : str
        Why they are not complete.
    query_id : str or list of str, optional
        Columns that tell queries apart.
    strict : bool
        Whether to refuse what is neither complete nor a log.

    Returns
    -------
    str

    Raises
    ------
    NeitherError
        If queries have an id and most have several models: traces of one query are not
        independent, so an interval from them would be too narrow.
    """
    codes = trace_queries(frame, query_id)
    if not len(codes):
        return ""
    queries = int(codes.max()) + 1
    models, names = pd.factorize(frame["model"].fillna(""))
    pairs = len(np.unique(codes * max(len(names), 1) + models))
    repeated = int((np.bincount(codes) > 1).sum())
    by_id = query_id is not None or "query_id" in frame
    if len(names) < 2 or pairs < _SEVERAL * queries:
        if not (by_id and repeated):
            return ""
        ids = f"query {plural(queries, 'id')} {plural(repeated, 'stands', 'stand')}"
        return f"{repeated} of {queries} {ids} in several traces, taken as independent"
    if by_id and strict:
        raise _neither(why, pairs == queries * len(names), query_id)
    if queries < 3:  # a single text is no benchmark
        return ""
    kind = f"not complete ({why}) and no log either" if why else "complete data taken as a log"
    return f"{kind}: most queries were answered by several models, so intervals are too narrow"


def _neither(why: str, whole: bool, query_id: str | Sequence[str] | None) -> NeitherError:
    keys = (
        ["query_id"] if query_id is None else [query_id] if isinstance(query_id, str) else query_id
    )
    shown = _checks.names(keys)
    draw = f"draw one trace of each query, traces.groupby([{shown}]).sample(1, random_state=0)"
    if whole and "more than once" in why:
        return NeitherError(
            f"Every query has every model, but {why}: the ids in {shown} are not those of single "
            "queries, or rows are doubled.",
            "Name every column that a query needs, query_id=['category', 'index'], drop the "
            f"doubled rows, or {draw}",
        )
    return NeitherError(
        f"These data are not complete ({why}), and they are no log of one model a query either.",
        f"Leave out the queries that are not complete, or {draw}",
    )


def no_reward(traces: int) -> str:
    """What to say of traces of which none has a reward and a model.

    Examples
    --------
    >>> no_reward(1)
    'no rewards: the only trace has no reward or no model'
    """
    if traces == 1:
        return "no rewards: the only trace has no reward or no model"
    return f"no rewards: none of the {traces} traces has a reward and a model"


def reward_note(
    *,
    traces: int,
    rewards: int,
    outcomes: int,
    successes: int,
    empty: int = 0,
    invalid: int = 0,
    words: str = "",
) -> str:
    """What to know of the rewards before relying on them; empty if nothing is odd.

    Parameters
    ----------
    traces : int
        The traces.
    rewards : int
        Those that have a reward and a model.
    outcomes, successes, empty : int
        The traces whose outcome is not missing, is "success" or is empty text; 0 where the reward
        is no outcome.
    invalid : int
        Values of feedback outside [0, 1].
    words : str
        What the outcomes are.

    Returns
    -------
    str

    Examples
    --------
    >>> reward_note(traces=9, rewards=9, outcomes=9, successes=0, words="'SUCCESS'")
    "no outcome is 'success', so each counts as a failure; the outcomes are 'SUCCESS'"
    """
    notes = []
    if outcomes and not successes:
        listed = f"; the outcomes are {words}" if words else ""
        notes.append(f"no outcome is 'success', so each counts as a failure{listed}")
    elif empty:
        notes.append(
            f"{empty} of {traces} {plural(traces, 'outcome')} {plural(empty, 'is', 'are')} empty "
            "text, which counts as a failure; "
            "a missing one is None"
        )
    if invalid:
        notes.append(
            f"{invalid} {plural(invalid, 'value of feedback lies', 'values of feedback lie')} "
            f"outside [0, 1] and {plural(invalid, 'is', 'are')} left out: rescale them, "
            "(feedback - lowest) / (highest - lowest)"
        )
    if rewards and rewards < (1 - _MANY_MISSING) * traces:
        have = plural(traces - rewards, "has", "have")
        notes.append(
            f"{traces - rewards} of {traces} traces {have} no reward or no model, left out"
        )
    return "; ".join(notes)


def frame_reward_note(frame: pd.DataFrame, *, reward: str | None, rewards: int) -> str:
    """:func:`reward_note` of traces, of which ``rewards`` count."""
    if reward not in (None, "outcome"):
        return reward_note(traces=len(frame), rewards=rewards, outcomes=0, successes=0)
    outcome = frame["outcome"].dropna().astype("str")
    return reward_note(
        traces=len(frame),
        rewards=rewards,
        outcomes=len(outcome),
        successes=int((outcome == "success").sum()),
        empty=int((outcome.str.strip() == "").sum()),
        words=_checks.names(sorted(outcome.unique())),
    )
