"""OpenJarvis' static router: rules on the query's text and the models' names and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.routing.policy import RouterPolicy, RoutingContext

__all__ = ["HeuristicRouterPolicy", "build_routing_context", "model_size"]

_WORDS_OF_CODE = "def|class|import|function|const|var|let"
_CODE = re.compile(
    "|".join(
        (
            r"```",
            r"`[^`]+`",
            rf"\b(?:{_WORDS_OF_CODE})\s",
            r"\bif\s*\(",
            r"[-=]>",
            r"\{\s*\}",
            r"\bfor\s+\w+\s+in\s",
            r"\#include",
            r"System\.out",
        )
    ),
    re.IGNORECASE,
)
_MATH = re.compile(
    r"\b(?:solve|integral|equation|proof|derivative|matrix|theorem|calculate|compute|sigma|sum"
    r"|limit|probability)\b",
    re.IGNORECASE,
)
_HARD = re.compile(
    r"\b(?:explain|analyze|compare|why|reason|think|step[- ]by[- ]step)\b", re.IGNORECASE
)
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)
_URGENT, _SHORT, _LONG = 0.8, 50, 500


def build_routing_context(query: str, *, urgency: float = 0.5) -> RoutingContext:
    """What the static router sees in a query.

    Parameters
    ----------
    query : str
        The query; None counts as empty.
    urgency : float
        From 0 (take your time) to 1 (at once).

    Returns
    -------
    RoutingContext
        With ``has_code`` and ``has_math`` set.

    Notes
    -----
    Code: three backticks; a backtick pair around text; one of def, class, import, function,
    const, var, let at a word boundary and before white space; ``if (``; ``->``; ``=>``; ``{}``;
    ``for NAME in``; ``#include``; ``System.out``. Mathematics: one of the whole words solve,
    integral, equation, proof, derivative, matrix, theorem, calculate, compute, sigma, sum, limit,
    probability. Case is ignored.

    Source: OpenJarvis, ``learning/router.py``.

    Examples
    --------
    >>> context = build_routing_context("Is the sum of `x` finite?")
    >>> context.has_code, context.has_math, context.query_length
    (True, True, 25)
    """
    text = query or ""
    return RoutingContext(
        query=text,
        query_length=len(text),
        has_code=_CODE.search(text) is not None,
        has_math=_MATH.search(text) is not None,
        urgency=_checks.fraction("urgency", urgency, ends=True),
    )


def model_size(model: str) -> float:
    """Size in billions of parameters, as its name tells; 0 if it does not.

    >>> [model_size(name) for name in ("qwen3:8b", "Mixtral-8x7B", "qwen3.5-35b-a3b", "gpt-4o")]
    [8.0, 56.0, 35.0, 0.0]
    """
    found = _SIZE.search(model)
    return float(found[2]) * int(found[1] or 1) if found else 0.0


class HeuristicRouterPolicy(RouterPolicy):
    """Fixed rules, nothing learned: the baseline that a learned table has to beat.

    Parameters
    ----------
    available_models : list of str
        The models, in order of preference where nothing else decides.
    default_model, fallback_model : str
        What a query gets that no rule applies to, if available.
    sizes : mapping of model to float, optional
        Sizes in billions of parameters; else read from the names (:func:`model_size`).

    Notes
    -----
    The first rule that applies: urgency above 0.8 → the smallest model (of known size; else the
    first); code → the first model with "code" in its name, else the largest; mathematics → the
    largest; under 50 characters → the smallest; over 500 characters, or one of the words explain,
    analyze, compare, why, reason, think, or step by step → the largest; the default, the
    fallback, each if available; the first. Of equal sizes the first model is taken.

    :meth:`select_model` goes by the context's ``has_code`` and ``has_math``: make it with
    :func:`build_routing_context`, as :meth:`route` does.

    Source: OpenJarvis, ``learning/router.py``.

    Examples
    --------
    >>> policy = HeuristicRouterPolicy(["qwen3:1.7b", "qwen3:32b"], default_model="qwen3:1.7b")
    >>> policy.route(["hi", "Why is the sky blue? Take the atmosphere into account, please."])[1]
    'qwen3:32b'
    """

    def __init__(
        self,
        available_models: Sequence[str],
        *,
        default_model: str = "",
        fallback_model: str = "",
        sizes: Mapping[str, float] | None = None,
    ) -> None:
        if isinstance(available_models, str):
            raise TypeError("available_models must be a list of names, not one name.")
        self._available = [_checks.text("available_models", name) for name in available_models]
        self._default, self._fallback = default_model, fallback_model
        given = sizes or {}
        self._sizes = {
            name: _checks.positive(
                f"size of {name!r}", given.get(name, model_size(name)), zero=True
            )
            for name in self._available
        }

    @property
    def available_models(self) -> list[str]:
        """The models that may be chosen (a copy)."""
        return list(self._available)

    def select_model(self, context: RoutingContext) -> str:
        """Model by the first rule that applies."""
        if not self._available:
            return self._default or self._fallback
        length = context.query_length or len(context.query)
        if context.urgency > _URGENT:
            return self._smallest()
        if context.has_code:
            coders = [name for name in self._available if "code" in name.lower()]
            return coders[0] if coders else self._largest()
        if context.has_math:
            return self._largest()
        if length < _SHORT:
            return self._smallest()
        if length > _LONG or _HARD.search(context.query):
            return self._largest()
        for name in (self._default, self._fallback):
            if name in self._available:
                return name
        return self._available[0]

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """Model for each query.

        Parameters
        ----------
        queries : Series or other iterable of str, or DataFrame
            The queries; a frame has them in ``query``.

        Returns
        -------
        Series of str
            Named ``model``, with the index of ``queries``.

        Raises
        ------
        ValueError
            If a frame has no column ``query``.
        """
        texts: Any = queries
        if isinstance(queries, pd.DataFrame):
            hint = "The rules look at the query's text."
            _checks.column("query", queries.columns, where="The frame", hint=hint)
            texts = queries["query"]
        elif not isinstance(queries, pd.Series):
            texts = pd.Series(list(queries), dtype="object")
        texts = texts.where(texts.notna(), "")
        models = {text: self.select_model(build_routing_context(text)) for text in texts.unique()}
        chosen: pd.Series[str] = texts.map(models).astype("str").rename("model")
        return chosen

    def _largest(self) -> str:
        return max(self._available, key=self._sizes.__getitem__)

    def _smallest(self) -> str:
        known = [name for name in self._available if self._sizes[name] > 0]
        return min(known, key=self._sizes.__getitem__) if known else self._available[0]

    def __repr__(self) -> str:
        return f"HeuristicRouterPolicy({self._available})"
