"""Policies to compare with: one model always, at random, the best single one, the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._shrinkage import best_single
from jarvis_lab.routing.outcomes import complete_outcomes, query_codes
from jarvis_lab.routing.policy import RouterPolicy, RoutingContext
from jarvis_lab.routing.rewards import ClassModelSums, class_model_sums
from jarvis_lab.scores import is_counts

__all__ = ["AlwaysPolicy", "BestSinglePolicy", "OraclePolicy", "RandomPolicy"]

_ENOUGH = 5


class AlwaysPolicy(RouterPolicy):
    """Every query goes to one model.

    Parameters
    ----------
    model : str
        Its name.

    Examples
    --------
    >>> AlwaysPolicy("small").route(["hi", "import os"]).tolist()
    ['small', 'small']
    """

    def __init__(self, model: str) -> None:
        self.model = _checks.text("model", model)

    def select_model(self, context: RoutingContext) -> str:
        """The model."""
        del context
        return self.model

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """The model for each query; Series of str named ``model``."""
        index = _index(queries)
        return pd.Series([self.model] * len(index), index=index, name="model", dtype="str")

    def __repr__(self) -> str:
        return f"AlwaysPolicy({self.model!r})"


class RandomPolicy(RouterPolicy):
    """Each query goes to a model drawn at random.

    Parameters
    ----------
    weights : mapping of model to float, or list of models
        Relative weights, at least 0 and not all 0; models of a list have the same weight.
    seed : int
        Seed of the draws.

    Attributes
    ----------
    weights : dict of str to float
        Probability of each model; they sum to 1.

    Notes
    -----
    :meth:`route` draws anew from the seed each time, so that the same queries in the same order
    get the same models; :meth:`select_model` goes on in a stream of its own.

    Examples
    --------
    >>> RandomPolicy({"a": 1, "b": 3}, seed=1).weights
    {'a': 0.25, 'b': 0.75}
    >>> RandomPolicy(["a", "b"], seed=1).route(["x", "y", "z"]).tolist()
    ['b', 'b', 'a']
    """

    def __init__(self, weights: Mapping[str, float] | Sequence[str], seed: int = 0) -> None:
        if isinstance(weights, str) or not isinstance(weights, (Mapping, Iterable)):
            kind = type(weights).__name__
            raise TypeError(f"weights must be models with their weights, not {kind} {weights!r}.")
        given = weights if isinstance(weights, Mapping) else dict.fromkeys(weights, 1.0)
        values = {
            _checks.text("model", model): _checks.positive(f"weight of {model!r}", w, zero=True)
            for model, w in given.items()
        }
        total = sum(values.values())
        if not total > 0:
            raise ValueError(f"weights={dict(given)!r} must have at least one above 0.")
        self.weights = {model: value / total for model, value in values.items()}
        self.seed = _checks.whole("seed", seed)
        self._stream = np.random.default_rng(self.seed)

    def select_model(self, context: RoutingContext) -> str:
        """A model, drawn from the policy's stream."""
        del context
        return self._drawn(self._stream, 1)[0]

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """A model for each query, drawn from the seed; Series of str named ``model``."""
        index = _index(queries)
        drawn = self._drawn(np.random.default_rng(self.seed), len(index))
        return pd.Series(drawn, index=index, name="model", dtype="str")

    def _drawn(self, rng: np.random.Generator, size: int) -> list[str]:
        models = list(self.weights)
        places = rng.choice(len(models), size=size, p=list(self.weights.values()))
        return [models[place] for place in places]

    def __repr__(self) -> str:
        return f"RandomPolicy({self.weights}, seed={self.seed})"


class BestSinglePolicy(RouterPolicy):
    """Every query goes to the model that did best on the whole log.

    Parameters
    ----------
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.
    lower_bound : bool
        Choose by the lower bound of :class:`LowerBoundRouterPolicy`'s base, g_m - 1.5·se_m,
        instead of by the highest mean among models with at least 5 rewards (among all, if none
        has as many).

    Attributes
    ----------
    model : str
        The model; "" before :meth:`fit` and for a log without rewards.

    Notes
    -----
    Ties go to the first name. Much of what a learned table gains comes from choosing this model
    well: with many models and few traces, the highest mean is often a lucky one.

    Examples
    --------
    >>> log = pd.DataFrame({"query": "q", "model": ["a"] * 5 + ["b"] * 200,
    ...                     "correct": [True] * 5 + [True] * 196 + [False] * 4})
    >>> BestSinglePolicy().fit(log).model, BestSinglePolicy(lower_bound=True).fit(log).model
    ('a', 'b')
    """

    def __init__(self, *, reward: str | None = None, lower_bound: bool = False) -> None:
        self.reward, self.lower_bound = reward, lower_bound
        self.model = ""
        self.fitted = False

    def fit(self, traces_or_counts: object, *, client: object = None) -> Self:
        """Choose the model.

        Parameters
        ----------
        traces_or_counts : DataFrame, path, object with ``list_traces()``, or table of counts
            Traces as :func:`score_counts` takes them, or its table.
        client : distributed.Client, optional
            Its cluster counts the traces, as in :func:`score_counts`.

        Returns
        -------
        BestSinglePolicy
            Itself.
        """
        sums = _sums_per_model(traces_or_counts, self.reward, client)
        n, total = sums.n.sum(0), sums.total.sum(0)
        self.model, self.fitted = "", True
        if n.sum() > 0:
            if self.lower_bound:
                place = best_single(sums.n, sums.total)
            else:
                enough = n >= min(_ENOUGH, n.max())
                place = int(np.argmax(np.where(enough, total / np.maximum(n, 1), -1.0)))
            self.model = sums.models[place]
        return self

    def select_model(self, context: RoutingContext) -> str:
        """The model."""
        del context
        return self.model

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """The model for each query; Series of str named ``model``."""
        index = _index(queries)
        return pd.Series([self.model] * len(index), index=index, name="model", dtype="str")

    def __repr__(self) -> str:
        return f"BestSinglePolicy({self.model!r}, lower_bound={self.lower_bound})"


class OraclePolicy(RouterPolicy):
    """Each query goes to a model that gets the highest reward on it: the most any router can do.

    Parameters
    ----------
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    reward : str, optional
        A column of true and false or of numbers in [0, 1]; ``outcome`` without one.

    Notes
    -----
    It knows the outcomes, so it exists for complete data only and its value is a ceiling, not an
    estimate of what can be learned. Of several best models the first name is taken.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["q", "q", "r", "r"], "model": list("abab"),
    ...                     "correct": [True, False, False, True]})
    >>> OraclePolicy(reward="correct").fit(log).route(["q", "r", "new"]).tolist()
    ['a', 'b', '']
    """

    def __init__(
        self, *, query_id: str | Sequence[str] | None = None, reward: str | None = None
    ) -> None:
        self.query_id, self.reward = query_id, reward
        self.fitted = False
        self._keys: list[str] = []
        self._best: dict[Any, str] = {}

    def fit(self, traces: pd.DataFrame) -> Self:
        """Learn the best model of each query; ValueError if the data are not complete."""
        found = complete_outcomes(traces, query_id=self.query_id, reward=self.reward)
        default = "query_id" if "query_id" in traces else "query"
        keys = default if self.query_id is None else self.query_id
        self._keys = [keys] if isinstance(keys, str) else list(keys)
        best = [found.models[place] for place in np.argmax(found.rewards, axis=1)]
        self._best = dict(zip(self._of(found.queries), best, strict=True))
        self.fitted = True
        return self

    def select_model(self, context: RoutingContext) -> str:
        """A best model of the query; "" for one that the data did not have."""
        facts = {"query": context.query, **context.metadata}
        return self._best.get(tuple(facts.get(key) for key in self._keys), "")

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """A best model for each query; Series of str named ``model``."""
        if not isinstance(queries, pd.DataFrame):
            queries = pd.Series(queries, dtype="object").to_frame("query")
        if not self.fitted:
            raise ValueError("The oracle has seen no outcomes yet: call fit(traces) first.")
        query_codes(queries, query_id=self._keys)
        models = [self._best.get(key, "") for key in self._of(queries)]
        return pd.Series(models, index=queries.index, name="model", dtype="str")

    def _of(self, queries: pd.DataFrame) -> list[tuple[Any, ...]]:
        """The key of each row."""
        columns = [
            queries[key].fillna("") if key == "query" else queries[key] for key in self._keys
        ]
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _sums_per_model(source: object, reward: str | None, client: object) -> ClassModelSums:
    if isinstance(source, pd.DataFrame) and is_counts(source):
        if "scheme" in source:  # each scheme counts every trace
            first = source["scheme"] == source["scheme"].iloc[:1].squeeze()
            source = source[first].drop(columns="scheme").reset_index(drop=True)
        # Whatever its classes are: each has all models.
        return class_model_sums(source, by=source.attrs.get("by", "regex"), reward=reward)
    return class_model_sums(source, by="model", reward=reward, client=client)


def _index(queries: pd.DataFrame | Iterable[str | None]) -> pd.Index[Any]:
    if isinstance(queries, (pd.DataFrame, pd.Series)):
        return queries.index
    return pd.RangeIndex(len(list(queries)))
