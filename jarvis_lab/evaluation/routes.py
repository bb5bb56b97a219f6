"""The models that a policy names for queries, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab._checks import plural

__all__ = ["models_routed"]


def models_routed(policy: Any, queries: pd.DataFrame, *, name: str = "") -> pd.Series[str]:
    """Model for each row of ``queries`` by ``policy.route``; empty where it names none.

    Parameters
    ----------
    policy : RouterPolicy
        The policy, whose ``route`` may be anybody's.
    queries : DataFrame
        The queries.
    name : str, optional
        What the policy is called in an error; its type's name without one.

    Returns
    -------
    Series of str
        With the index of ``queries``. A Series in another order is put in theirs by its index; a
        list, array or Series numbered from 0 is taken in order.

    Raises
    ------
    TypeError
        If ``route`` gave no Series, list or array.
    ValueError
        If it did not give one model for each query.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy
    >>> models_routed(AlwaysPolicy("a"), pd.DataFrame({"query": ["q", "r"]})).tolist()
    ['a', 'a']
    """
    called = repr(name) if name else type(policy).__name__
    number = f"{len(queries)} {plural(len(queries), 'query', 'queries')}"
    try:
        given = policy.route(queries)
    except Exception as error:
        error.add_note(f"Policy {called} raised this while it routed {number}.")
        raise
    if not isinstance(given, (pd.Series, pd.Index, list, tuple, np.ndarray)):
        raise TypeError(
            f"route() of policy {called} gave {type(given).__name__}, but must give a Series of "
            "models with the index of the queries."
        )
    if len(given) != len(queries):
        raise ValueError(
            f"route() of policy {called} gave {len(given)} {plural(len(given), 'model')} for "
            f"{number}: it must give one for each, with their index."
        )
    if isinstance(given, pd.Series) and not given.index.equals(queries.index):
        given = _in_order(given, queries.index, called)
    models = pd.Series(np.asarray(given, dtype=object), index=queries.index, name="model")
    return models.where(models.notna(), "").astype("str")


def _in_order(given: pd.Series[Any], index: pd.Index[Any], called: str) -> pd.Series[Any]:
    if given.index.is_unique and index.is_unique and index.isin(given.index).all():
        return given.reindex(index)
    if given.index.equals(pd.RangeIndex(len(given))):
        return given
    raise ValueError(
        f"route() of policy {called} gave models with another index than the queries have, so it "
        "is not known which model is whose: keep the index of the queries."
    )
