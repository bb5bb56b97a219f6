"""What policies do with the queries of a counted log, learned from its counts."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jarvis_lab.classes import SCHEMES, By, scheme_name
from jarvis_lab.evaluation.counted_span import CountedSpan
from jarvis_lab.evaluation.counted_state import ORIGINAL, RoutingState, reward_name
from jarvis_lab.evaluation.crossfit import can_be_fitted, choices_by_fold, fitted_copy
from jarvis_lab.evaluation.routes import models_routed
from jarvis_lab.routing.baselines import BestSinglePolicy, OraclePolicy, RandomPolicy
from jarvis_lab.routing.lower_bound import LowerBoundRouterPolicy
from jarvis_lab.routing.policy import RouterPolicy, TablePolicy
from jarvis_lab.routing.sft import SFTRouterPolicy
from jarvis_lab.routing.trace import TraceDrivenPolicy

__all__ = [
    "ADDED",
    "LEARNED",
    "Routed",
    "learned_policies",
    "needs_traces",
    "own_scheme",
    "routed",
    "routed_on_traces",
]

Names = NDArray[np.object_]
#: The policies that are learned anew at every move of a control, and those always beside them.
LEARNED = ("SFT", "learned", "lower bound")
ADDED = ("best single", "best single by lower bound", "random")
_FROM_COUNTS = (SFTRouterPolicy, TraceDrivenPolicy, LowerBoundRouterPolicy, BestSinglePolicy)


@dataclass(frozen=True)
class Routed:
    """What a policy does with each joint class.

    Attributes
    ----------
    name : str
        What it is called.
    policy : RouterPolicy
        The policy, fitted on the whole selection if it can be fitted on counts.
    scheme : str
        The classes of its table; those of the setting, if it has no table.
    shown_by : str
        The classes by which it stands beside the others: the setting's.
    whole : ndarray of str, joint class, or None
        Its model for each joint class; None for one that draws at random.
    without : function of a fold to ndarray of str, or None
        The same by a copy that was fitted without the fold; None if it is the same in each.
    disputed : ndarray of bool, or None
        Whether such copies disagree on each joint class, where that was found trace by trace.
    weights : mapping of str to float
        Probability of each model, for one that draws at random.
    fitted : bool
        Whether it was given fitted, perhaps on these traces.
    why : str
        Why it cannot be valued; empty if it can.
    note : str
        What to know of it; empty if there is nothing.
    """

    name: str
    policy: RouterPolicy
    scheme: str
    shown_by: str
    whole: Names | None = field(repr=False, default=None)
    without: Callable[[int], Names] | None = field(repr=False, default=None)
    disputed: NDArray[np.bool_] | None = field(repr=False, default=None)
    weights: Mapping[str, float] = field(default_factory=dict)
    fitted: bool = False
    why: str = ""
    note: str = ""

    def torn(self, folds: int, classes: int) -> NDArray[np.bool_]:
        """Whether the copies of a cross-fitted policy disagree, for each joint class."""
        parts = self.held_out(folds)
        if self.disputed is not None:
            return self.disputed
        if parts is None:
            return np.zeros(classes, dtype=bool)
        return np.asarray((parts != parts[:1]).any(0), dtype=bool)

    def held_out(self, folds: int) -> Names | None:
        """Its model for each fold and joint class, learned without the fold."""
        if self.whole is None:
            return None
        if self.without is None:
            return np.tile(self.whole, (folds, 1))
        return np.array([self.without(fold) for fold in range(folds)], dtype=object)


def learned_policies(
    state: RoutingState, models: Sequence[str], bys: Mapping[str, By]
) -> dict[str, RouterPolicy]:
    """The policies that the controls make, not yet fitted, and the added baselines.

    Parameters
    ----------
    state : RoutingState
        What the controls are set to.
    models : list of str
        What the random policy draws from.
    bys : mapping of str to By
        What a scheme's name stands for, where that is not the name itself.
    """
    chosen = bys.get(state.scheme, state.scheme)
    regex: By = "regex" if state.scheme == ORIGINAL else chosen
    keyword: By = "keyword" if state.scheme == ORIGINAL else chosen
    reward = reward_name(state.outcome_weight, state.feedback_weight)
    learned = TraceDrivenPolicy(by=regex, **state.weights)
    learned.min_samples = state.min_samples
    found: dict[str, RouterPolicy] = {
        "SFT": SFTRouterPolicy(min_samples=state.min_samples, by=keyword, **state.weights),
        "learned": learned,
        "lower bound": LowerBoundRouterPolicy(by=regex, reward=reward, confidence=state.confidence),
        "best single": BestSinglePolicy(reward=reward),
        "best single by lower bound": BestSinglePolicy(reward=reward, lower_bound=True),
    }
    return found | ({"random": RandomPolicy(models)} if models else {})


def own_scheme(policy: RouterPolicy, state: RoutingState, bys: Mapping[str, By]) -> tuple[str, str]:
    """The classes of a policy's table, and those by which it stands beside the others."""
    setting = "regex" if state.scheme == ORIGINAL else state.scheme
    if not (isinstance(policy, TablePolicy) and _known(policy.by, bys)):
        return setting, setting
    own = scheme_name(policy.by)
    return own, own if state.scheme == ORIGINAL and own in SCHEMES else setting


def _known(by: By, bys: Mapping[str, By]) -> bool:
    """Whether these classes are counted: another model of the same type is another scheme."""
    return isinstance(by, str) or bys.get(scheme_name(by)) is by


def routed(
    name: str,
    policy: RouterPolicy,
    span: CountedSpan,
    state: RoutingState,
    bys: Mapping[str, By],
    *,
    ours: bool = False,
) -> Routed:
    """What a policy does; one that can be fitted learns from the counts of the chosen models.

    Parameters
    ----------
    name : str
        What it is called.
    policy : RouterPolicy
        The policy; it stays as it is.
    span : CountedSpan
        The counts.
    state : RoutingState
        What the controls are set to.
    bys : mapping of str to By
        The schemes that the log is counted by, and what their names stand for.
    ours : bool
        Whether the controls made the policy, so that its reward is theirs.
    """
    log = span.log
    scheme, shown_by = own_scheme(policy, state, bys)
    if isinstance(policy, RandomPolicy):
        return Routed(name, policy, scheme, shown_by, weights=policy.weights)
    fitted = bool(getattr(policy, "fitted", False))
    if f"\0{name}" in log.classes:  # it was routed trace by trace
        held_out = np.array(log.classes[f"\0{name}"], dtype=object)
        whole = np.array(log.classes.get(f"\1{name}", held_out), dtype=object)
        torn = np.array([bool(mark) for mark in log.classes.get(f"\2{name}", [""] * len(whole))])
        everything = span.size == log.size and span.used <= set(state.models)
        fixed = f"\1{name}" in log.classes and not everything
        return Routed(
            *(name, policy, scheme, shown_by, whole, lambda fold: held_out, torn),  # noqa: ARG005
            fitted=fitted,
            note="learned from the whole log, whatever is selected" if fixed else "",
        )
    if _why_not(policy):
        return Routed(name, policy, scheme, shown_by, _nowhere(span), why=_why_not(policy))
    if not can_be_fitted(policy):
        return Routed(
            name, policy, scheme, shown_by, _of_classes(policy, span, scheme), fitted=fitted
        )
    fit = _fitting(policy, span, scheme, state, ours=ours)
    whole_policy = fit(None)
    whole = _of_classes(whole_policy, span, scheme)
    return Routed(
        *(name, whole_policy, scheme, shown_by, whole),
        functools.cache(lambda fold: _of_classes(fit(fold), span, scheme)),
    )


def routed_on_traces(
    policies: Mapping[str, RouterPolicy],
    frame: pd.DataFrame,
    fold: NDArray[np.int64],
    bys: Mapping[str, By],
) -> tuple[dict[str, pd.Series[str]], dict[str, RouterPolicy]]:
    """Models for each trace by the policies that are no function of a class or of counts.

    The key is the policy's name after a NUL. For one that must be fitted on traces, it is after
    U+0001 what a copy chooses that was fitted on all of them, and after U+0002 a text where the
    copies of the folds disagree. The copies fitted on all traces come second.
    """
    found, fitted = {}, {}
    for name, policy in policies.items():
        if not needs_traces({name: policy}, bys):
            continue
        if can_be_fitted(policy):
            chosen, torn = choices_by_fold(policy, frame, fold)
            found[f"\0{name}"] = pd.Series(chosen, index=frame.index, dtype="str")
            found[f"\2{name}"] = pd.Series(np.where(torn, "torn", ""), frame.index, dtype="str")
            fitted[name] = fitted_copy(policy, frame)
            found[f"\1{name}"] = models_routed(fitted[name], frame)
        else:
            found[f"\0{name}"] = models_routed(policy, frame)
    return found, fitted


def needs_traces(policies: Mapping[str, RouterPolicy], bys: Mapping[str, By]) -> bool:
    """Whether a policy must see the traces, because no class decides what it does."""
    return any(
        not (isinstance(policy, RandomPolicy) or _why_not(policy) or _by_counts(policy, bys))
        for policy in policies.values()
    )


def _by_counts(policy: RouterPolicy, bys: Mapping[str, By]) -> bool:
    """Whether a class of the log decides what the policy does, once it is fitted on counts."""
    if can_be_fitted(policy):
        if type(policy) not in _FROM_COUNTS:
            return False
        if getattr(policy, "reward", None) not in (None, "outcome", "feedback"):
            return False
    if isinstance(policy, BestSinglePolicy):
        return True
    if not isinstance(policy, TablePolicy) or not _known(policy.by, bys):
        return False
    ours = (TablePolicy.route, TablePolicy.classify, TablePolicy.select_model)
    return (type(policy).route, type(policy).classify, type(policy).select_model) == ours


def _why_not(policy: RouterPolicy) -> str:
    if isinstance(policy, OraclePolicy) and can_be_fitted(policy):
        return "the oracle exists for complete data only"
    return ""


def _fitting(
    policy: Any, span: CountedSpan, scheme: str, state: RoutingState, *, ours: bool
) -> Callable[[int | None], Any]:
    """A function that fits a copy on the counts of all folds but one."""
    originals = isinstance(policy, (SFTRouterPolicy, TraceDrivenPolicy))

    def fit(held_out: int | None) -> Any:
        fresh = copy.deepcopy(policy)
        if originals or not ours:
            return fresh.fit(span.counts(scheme, state.models, held_out=held_out))
        sums = span.rewards(scheme, state.models, held_out=held_out, **state.weights)
        return fresh.fit(sums)

    return fit


def _of_classes(policy: Any, span: CountedSpan, scheme: str) -> Names:
    """The policy's model for each joint class."""
    labels = span.log.classes[scheme]
    if isinstance(policy, BestSinglePolicy):
        return np.full(len(labels), policy.model, dtype=object)
    models = {label: policy.model_for_class(label) for label in set(labels)}
    return np.array([models[label] for label in labels], dtype=object)


def _nowhere(span: CountedSpan) -> Names:
    return np.full(len(span.log.examples), "", dtype=object)
