"""What a policy would have earned on a log that shows one model per query."""

from __future__ import annotations

from collections.abc import Sequence

from jarvis_lab.classes import By
from jarvis_lab.evaluation.strata import stratified
from jarvis_lab.evaluation.valued import LoggedDifference, LoggedValue, difference_on, value_on
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["LoggedDifference", "LoggedValue", "logged_difference", "logged_value"]


def logged_value(
    traces: object,
    policy: RouterPolicy,
    *,
    by: By | None = None,
    reward: str | None = None,
    propensity: str | None = "propensity",
    query_id: str | Sequence[str] | None = None,
    level: float = 0.95,
    folds: int = 2,
    seed: int = 0,
) -> LoggedValue:
    """The post-stratified value of a policy, or a refusal with bounds.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        Traces as :func:`read_traces` takes them, one model per query.
    policy : RouterPolicy
        Any policy. One that can be fitted is given unfitted and is cross-fitted: each query is
        routed by a copy that learned from the other folds. One that is fitted is noted.
    by : {"regex", "keyword"}, column name or object with ``predict``, optional
        Classes inside which the log chose its models independently of the query; the policy's own
        classes, or "regex", without it.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; without one: 1 where ``outcome`` is
        "success", 0 for any other text, missing where it is missing.
    propensity : str, optional
        Column with the probability with which the log chose the trace's model. If the log has no
        ``propensity``, or None is given, they are estimated by the model's share in the class.
    query_id : str or list of str, optional
        Columns that tell queries apart, for the folds; else ``query_id`` where there is one, else
        the text.
    level : float
        Confidence level.
    folds : int
        Folds of the cross-fitting. The interval is made for two: with more, the copies share
        most of what they learned from, and it is too narrow.
    seed : int
        Their seed.

    Returns
    -------
    LoggedValue

    Raises
    ------
    ValueError
        If rewards lie outside [0, 1], propensities outside (0, 1] or are missing for some traces,
        or a column is not there.

    Notes
    -----
    Strata are the classes, split by the policy's choice where it differs inside one. With cells
    j = (c, m) that the policy uses, π(m|c) its probabilities, s_c the share of stratum c in the
    traffic, ω_j = s_c·π(m|c), n_j, ȳ_j, S_j² the rewards' number, mean and variance (weighted by
    1/p where recorded propensities differ inside a cell), m_j = max(n_j, 1):

    - n* = 1/Σ(ω_j²/m_j), covered = Σω_j over n_j > 0. Refused if covered < 0.90 or n* < 30.
    - μ = (n*·Σω_jȳ_j/covered + ½)/(n* + 1); y_c = (Σ_{i∈c} r_i + 2g)/(N_c + 2) over all models,
      g = (Σr + ½)/(N + 1); G = Σω_j y_c/covered; prior mean π0 = expit(logit y_c + logit μ -
      logit G). An empty cell takes ȳ_j = π0.
    - **V = Σω_jȳ_j.**
    - k = clip(φ·mean[π0(1-π0)]/mean[(ȳ-π0)² - S²/n] - 1, 1, 10) over cells with n ≥ 2, φ the ratio
      of the rewards' variance to that of rewards 0 and 1; p̃_j = (n_jȳ_j + kπ0)/(n_j + k);
      v_j = ω_j²φp̃_j(1-p̃_j)/m_j; τ = Σv_j + (1/N)Σ_c s_c(Σ_m π(m|c)p̃_cm - μ)².
    - ν = max(2, τ²/Σ[v_j²/max(n_j + k - 1, 1)]), t its quantile, n_e = M(1-M)/τ with
      M = (n*V + ½)/(n* + 1): the interval is Wilson's for V of n_e rewards with t in place of z.
    - Where the halves' copies of a cross-fitted policy disagree on a share δ of a stratum, v_j is
      multiplied by 1 + (2/π)δ: the luck that one half learned from is the luck by which the other
      half is judged, so the errors of the two halves are correlated.

    It holds if, inside a class, the log's choice did not depend on how hard the query was. If it
    did, no estimator and no diagnostic can tell. Traces count as independent: on complete data,
    where queries repeat, use :func:`complete_values`. A policy learned from these very traces is
    overvalued: give it unfitted. A cross-fitted value is that of what the policy learns from a
    part of the log, so a little low for what it learns from all of it.

    References
    ----------
    Wilson, E. B. (1927), Journal of the American Statistical Association 22, 209-212.
    Holt, D. and Smith, T. M. F. (1979), Post stratification, Journal of the Royal Statistical
    Society A 142, 33-46.

    Examples
    --------
    >>> import pandas as pd
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": "q", "model": ["a"] * 100 + ["b"] * 60,
    ...                     "correct": [True] * 80 + [False] * 20 + [True] * 30 + [False] * 30})
    >>> logged_value(log, AlwaysPolicy("a"))
    LoggedValue(0.800, 95% interval 0.711 to 0.867, n=160)
    >>> logged_value(log, AlwaysPolicy("c")).status.split("; ")[-1]
    "the log never used 'c', which gets 100% of the traffic"
    """
    log = stratified(
        traces,
        [policy],
        by=by,
        reward=reward,
        propensity=propensity,
        query_id=query_id,
        folds=folds,
        seed=seed,
    )
    return value_on(log, policy=policy, level=level)


def logged_difference(
    traces: object,
    policy: RouterPolicy,
    reference: RouterPolicy,
    *,
    by: By | None = None,
    reward: str | None = None,
    propensity: str | None = "propensity",
    query_id: str | Sequence[str] | None = None,
    level: float = 0.95,
    folds: int = 2,
    seed: int = 0,
) -> LoggedDifference:
    """Post-stratified value of one policy less that of another, or a refusal.

    Parameters
    ----------
    traces, by, reward, propensity, query_id, level, folds, seed
        As for :func:`logged_value`; without ``by``, the classes of ``policy``.
    policy, reference : RouterPolicy
        The policies; what can be fitted is given unfitted and is cross-fitted.

    Returns
    -------
    LoggedDifference
        Exactly 0 where both send every query to the same model.

    Raises
    ------
    ValueError
        As for :func:`logged_value`.

    Notes
    -----
    D = Σ s_c(ȳ_ct - ȳ_cb) over the strata where the two differ, ± t√τ, where τ is the sum of v_j
    of both sides and of (1/N)Σ s_c(δ_c - D)², δ_c the difference of the shrunken means.

    Examples
    --------
    >>> import pandas as pd
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> log = pd.DataFrame({"query": "q", "model": ["a"] * 100 + ["b"] * 60,
    ...                     "correct": [True] * 80 + [False] * 20 + [True] * 30 + [False] * 30})
    >>> logged_difference(log, AlwaysPolicy("b"), AlwaysPolicy("a"))
    LoggedDifference(-0.300, 95% interval -0.450 to -0.150)
    """
    log = stratified(
        traces,
        [policy, reference],
        by=by,
        reward=reward,
        propensity=propensity,
        query_id=query_id,
        folds=folds,
        seed=seed,
    )
    return difference_on(log, level=level)
