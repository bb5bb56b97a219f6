"""What a router policy is: a context in, the name of a model out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import pandas as pd
import pyarrow as pa

from jarvis_lab import _checks
from jarvis_lab.classes import (
    MISSING_CLASS,
    SCHEMES,
    By,
    classify_queries,
    classify_query,
    scheme_name,
)
from jarvis_lab.readers.casts import arrow_array, class_labels

__all__ = ["RouterPolicy", "RoutingContext", "TablePolicy", "query_classes"]


@dataclass
class RoutingContext:
    """What a router knows of a query when it must choose.

    Attributes
    ----------
    query : str
        The query's text.
    query_length : int
        Its length in characters.
    has_code, has_math : bool
        Whether it looks like code or mathematics.
    language : str
        ISO code of its language.
    urgency : float
        From 0 (take your time) to 1 (at once).
    metadata : dict
        Anything else; with classes by a column, ``metadata[column]`` is the class.
    """

    query: str = ""
    query_length: int = 0
    has_code: bool = False
    has_math: bool = False
    language: str = "en"
    urgency: float = 0.5
    metadata: dict[str, Any] = field(default_factory=dict)


class RouterPolicy(ABC):
    """Chooses a model for each query.

    A subclass needs :meth:`select_model` alone.
    """

    @abstractmethod
    def select_model(self, context: RoutingContext) -> str:
        """Name of the model for the query of ``context``; empty if there is none to name."""

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """Model for each query.

        Parameters
        ----------
        queries : Series or other iterable of str, or DataFrame
            The queries; a frame has them in ``query``, and its other columns become the
            context's metadata.

        Returns
        -------
        Series of str
            Named ``model``, with the index of ``queries``.
        """
        if isinstance(queries, pd.DataFrame):
            index = queries.index
            texts = queries["query"] if "query" in queries else pd.Series("", index=index)
            facts: list[dict[str, Any]] = queries.to_dict("records")  # type: ignore[assignment]
        else:
            texts = queries if isinstance(queries, pd.Series) else pd.Series(list(queries))
            index, facts = texts.index, [{} for _ in range(len(texts))]
        models = []
        for text, metadata in zip(texts, facts, strict=True):
            query = text if isinstance(text, str) else ""
            context = RoutingContext(query=query, query_length=len(query), metadata=metadata)
            models.append(self.select_model(context))
        return pd.Series(models, index=index, name="model", dtype="str")


def query_classes(queries: pd.DataFrame | Iterable[str | None], *, by: By) -> pd.Series[str]:
    """Class of each query.

    Parameters
    ----------
    queries : Series or other iterable of str, or DataFrame
        The queries; a frame has them in ``query``, or their classes in the column ``by``.
    by : {"regex", "keyword"}, column name or object with ``predict``
        What the classes are.

    Returns
    -------
    Series of str
        With the index of ``queries``.

    Raises
    ------
    ValueError
        If the classes are a column that ``queries`` does not have.

    Examples
    --------
    >>> query_classes(pd.DataFrame({"topic": ["law", None]}), by="topic").tolist()
    ['law', '(missing)']
    """
    column = isinstance(by, str) and by not in SCHEMES
    if not isinstance(queries, pd.DataFrame):
        if column:
            raise ValueError(f"This policy's classes are the column {by!r}: give route() a frame.")
        return classify_queries(queries, by=by)
    wanted = str(by) if column else "query"
    hint = "route() needs it to find the class of each row."
    _checks.column(wanted, queries.columns, where="The frame", hint=hint)
    if not column:
        return classify_queries(queries["query"], by=by)
    labels = _labels(queries[wanted], wanted).to_pandas()
    return pd.Series(labels.array, index=queries.index, name=wanted, dtype="str")


class TablePolicy(RouterPolicy):
    """A policy that has one answer per query class.

    Parameters
    ----------
    by : {"regex", "keyword"}, column name or object with ``predict``
        What the classes are.
    """

    #: The name under which the policy is registered and saved.
    name: ClassVar[str]

    def __init__(self, *, by: By) -> None:
        self.by = by
        self._policy_map: dict[str, str] = {}

    @property
    def policy_map(self) -> dict[str, str]:
        """Query class → model, as learned (a copy)."""
        return dict(self._policy_map)

    def model_for_class(self, query_class: str) -> str:
        """Model that queries of the class get; empty if there is none to name."""
        return self._policy_map.get(query_class, "")

    def select_model(self, context: RoutingContext) -> str:
        """Model for the query of ``context``, by its class."""
        if isinstance(context, str):
            raise TypeError("select_model takes a RoutingContext; route() takes queries.")
        if isinstance(self.by, str) and self.by not in SCHEMES:
            labels = _labels([context.metadata.get(self.by)], self.by)
            return self.model_for_class(labels[0].as_py())
        return self.model_for_class(classify_query(context.query, by=self.by))

    def route(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """Model for each query, by its class.

        Parameters
        ----------
        queries : Series or other iterable of str, or DataFrame
            The queries; a frame has them in ``query``, or their classes in the column ``by``.

        Returns
        -------
        Series of str
            Named ``model``, with the index of ``queries``.

        Raises
        ------
        ValueError
            If the classes are a column that ``queries`` does not have.
        """
        classes = self.classify(queries)
        models = {label: self.model_for_class(label) for label in classes.unique()}
        return classes.map(models).astype("str").rename("model")

    def classify(self, queries: pd.DataFrame | Iterable[str | None]) -> pd.Series[str]:
        """Class of each query, with the index of ``queries``; :meth:`route` goes by it."""
        return query_classes(queries, by=self.by)

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON can hold it; :meth:`from_dict` makes the same policy again."""
        if not isinstance(self.by, str):
            raise ValueError(
                f"A policy by {scheme_name(self.by)} cannot be saved: only classes by 'regex', "
                "'keyword' or a column's name can be written down."
            )
        return {"policy": self.name, "by": self.by, "policy_map": self.policy_map}

    @classmethod
    @abstractmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The policy that :meth:`to_dict` described."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(by={scheme_name(self.by)!r}, {self._policy_map})"


def _labels(values: pd.Series[Any] | list[Any], name: str) -> pa.ChunkedArray:
    """The classes in a column, named as the counts name them."""
    column = pa.chunked_array([arrow_array(values, f"{name!r} of the frame")])
    return class_labels(column).fill_null(MISSING_CLASS)
