"""Contamination: training texts that hold a query of an evaluation set."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis.messages import read_prompt
from jarvis_lab.synthesis.near import shingles
from jarvis_lab.synthesis.normal import normal_form, words
from jarvis_lab.synthesis.steps import (
    TEXT_COLUMNS,
    HygieneStep,
    make_step,
    row_names,
    row_pieces,
)

__all__ = ["EvaluationIndex", "drop_contaminated"]

_SIZE = 5
_LEAST_WORDS = 8
_EPSILON = 1e-9


def drop_contaminated(
    rows: pd.DataFrame,
    evaluation: pd.DataFrame,
    *,
    query: str = "query",
    query_id: str | None = None,
    ngram: int = 13,
    containment: float = 0.8,
    max_holders: int = 50,
    columns: Sequence[str] = TEXT_COLUMNS,
    id: str = "id",
) -> HygieneStep:
    """Drop every row that holds a query of an evaluation set.

    Parameters
    ----------
    rows
        One row per training row.
    evaluation
        Any frame with one query per row, such as traces or a benchmark. A query is text, or a
        list of messages, of which the user's count; a missing or blank one is passed over.
    query, query_id
        Columns of ``evaluation``; ``query_id`` names a query (by default the column
        ``query_id`` if there is one, else the row's position from 0).
    ngram
        Words in a row from which a shared run counts as contamination.
    containment
        Share of a query's 5-word shingles, above 0 and up to 1, that a row may not reach. For
        queries of 8 words up.
    max_holders
        Runs of words that more than so many different queries hold are taken for their common
        template and do not count alone.
    columns, id
        As in :func:`drop_exact_duplicates`. Each message is checked by itself.

    Returns
    -------
    HygieneStep
        reason is ``"evaluation query"`` (a text equals one, which also finds queries too short
        for n-grams), ``"shares 13 words with an evaluation query"`` or ``"contains an evaluation
        query"``, tried in that order; ``matched_id`` is the query's; ``similarity`` is 1 for the
        first, else the share of the query's shingles in the row.

    Raises
    ------
    TypeError
        If ``rows`` or ``evaluation`` is no frame, or a query is neither text nor messages of
        which the user's can be read.
    ValueError
        If a column is missing, an option is out of its range, or no row has a query.

    Notes
    -----
    Equality ignores case, white space, Unicode form, and punctuation at both ends. A query under
    8 words inside a longer text is not found, nor is a paraphrase.

    References
    ----------
    T. Brown et al., Language models are few-shot learners, 2020, appendix C (13-grams).

    Examples
    --------
    >>> rows = pd.DataFrame({"id": ["a"], "prompt": ["what is the capital of FRANCE"]})
    >>> evaluation = pd.DataFrame({"query": ["What is the capital of France?"]})
    >>> drop_contaminated(rows, evaluation, columns=["prompt"]).dropped["reason"].tolist()
    ['evaluation query']
    """
    _checks.whole("ngram", ngram, least=1)
    if containment != 1:
        _checks.fraction("containment", containment)
    _checks.whole("max_holders", max_holders, least=1)
    where = {"where": "evaluation", "hint": "Pass query= the column that holds the queries."}
    _checks.frame("evaluation", evaluation, hint="Give its queries a column 'query'.")
    _checks.column(query, evaluation.columns, **where)
    if query_id is not None:
        _checks.column(query_id, evaluation.columns, **where)
    elif "query_id" in evaluation.columns:
        query_id = "query_id"
    labels = evaluation[query_id].tolist() if query_id else range(len(evaluation))
    row_names(rows, columns, id)
    index = EvaluationIndex(
        _texts_of(evaluation[query].tolist(), map(str, labels), query),
        ngram=ngram,
        containment=containment,
        max_holders=max_holders,
    )
    drops = {}
    for position, pieces in enumerate(row_pieces(rows, columns)):
        match = index.find([text for _, text in pieces])
        if match is not None:
            drops[position] = match
    return make_step("contamination", rows, drops, id)


class EvaluationIndex:
    """Queries of an evaluation set, by equality, by runs of words and by shingles.

    Parameters
    ----------
    queries
        (query, name) pairs. Blank queries are left out; of equal ones the first gives the name.
    ngram, containment, max_holders
        As in :func:`drop_contaminated`.
    """

    def __init__(
        self,
        queries: Iterable[tuple[str, str]],
        *,
        ngram: int,
        containment: float,
        max_holders: int,
    ) -> None:
        self._ngram = ngram
        self._containment = containment
        self._equal: dict[str, str] = {}
        self._names: list[str] = []
        self._shingles: list[set[str]] = []
        runs: dict[str, list[int]] = defaultdict(list)
        for query, name in queries:
            plain = _plain(query)
            if plain and plain not in self._equal:
                self._equal[plain] = name
                for run in _runs(query, ngram):
                    runs[run].append(len(self._names))
                self._names.append(name)
                long = len(words(query)) >= _LEAST_WORDS
                self._shingles.append(set(shingles([query], size=_SIZE)) if long else set())
        self._runs = {run: held[0] for run, held in runs.items() if len(held) <= max_holders}
        self._rare = self._looked_up(max_holders)

    def find(self, texts: Sequence[str]) -> tuple[str, str, float] | None:
        """Give (reason, name of the query, similarity) of the first match in a row's texts."""
        for text in texts:
            name = self._equal.get(_plain(text))
            if name is not None:
                return "evaluation query", name, 1.0
        held = set(shingles(texts, size=_SIZE))
        for text in texts:
            for run in _runs(text, self._ngram):
                query = self._runs.get(run)
                if query is not None:
                    words = _checks.plural(self._ngram, "word")
                    reason = f"shares {self._ngram} {words} with an evaluation query"
                    return reason, self._names[query], self._share(query, held)
        candidates = {query for shingle in held for query in self._rare.get(shingle, ())}
        share, query = max(((self._share(q, held), -q) for q in candidates), default=(0.0, 0))
        if share >= self._containment - _EPSILON:
            return "contains an evaluation query", self._names[-query], share
        return None

    def _share(self, query: int, held: set[str]) -> float:
        """The share of the query's shingles that the row holds."""
        own = self._shingles[query]
        return len(own & held) / len(own) if own else math.nan

    def _looked_up(self, max_holders: int) -> dict[str, list[int]]:
        """Shingle -> queries, for the rarest of each query: enough to find what is contained."""
        frequency = Counter(shingle for own in self._shingles for shingle in own)
        rare: dict[str, list[int]] = defaultdict(list)
        for query, own in enumerate(self._shingles):
            ordered = sorted(own, key=lambda shingle: (frequency[shingle], shingle))
            enough = len(own) - math.ceil(self._containment * len(own) - _EPSILON) + 1
            for shingle in ordered[:enough]:
                if frequency[shingle] <= max_holders:
                    rare[shingle].append(query)
        return dict(rare)


def _texts_of(queries: list[Any], names: Iterable[str], column: str) -> list[tuple[str, str]]:
    """(text, name) of each query, of a conversation one for each message of the user's."""
    found: list[tuple[str, str]] = []
    for row, (query, name) in enumerate(zip(queries, names, strict=True)):
        if isinstance(query, str):
            texts = [query]
        elif isinstance(query, (list, tuple, np.ndarray)):
            texts = _texts_of_user(query, f"evaluation[{column!r}], row {row},")
        elif query is None or query is pd.NA or query != query:
            texts = []
        else:
            raise TypeError(
                f"evaluation[{column!r}] has {type(query).__name__} {query!r:.80} in row {row}, "
                "not text or a list of messages. Pass query= the column that holds the queries."
            )
        found += [(text, name) for text in texts if text.strip()]
    if queries and not found:
        rows = f"{len(queries)} {_checks.plural(len(queries), 'row')}"
        raise ValueError(
            f"evaluation[{column!r}] has {rows} and no query, so nothing could be found. "
            "Pass query= the column that holds the queries."
        )
    return found


def _texts_of_user(messages: Iterable[object], where: str) -> list[str]:
    """Texts of the user's messages; one that cannot be read is an error, for it is not found."""
    prompts = [read_prompt([message]) for message in messages]
    asked = [prompt for prompt in prompts if prompt.turns[0].role == "user"]
    faults = [prompt.problem.removeprefix("message 1 ") for prompt in asked if prompt.problem]
    if prompts and not asked:
        faults = ["is missing"]
    if faults:
        raise TypeError(
            f"{where} is a list in which a message of the user's {faults[0]}, so it cannot be "
            "looked for. Give the texts of the queries."
        )
    return [prompt.turns[0].text for prompt in asked]


def _plain(text: str) -> str:
    """Normal form without the punctuation at both ends."""
    plain = normal_form(text)
    start, end = 0, len(plain)
    while start < end and not plain[start].isalnum():
        start += 1
    while end > start and not plain[end - 1].isalnum():
        end -= 1
    return plain[start:end] or plain


def _runs(text: str, size: int) -> list[str]:
    spoken = words(text)
    return [" ".join(spoken[start : start + size]) for start in range(len(spoken) - size + 1)]
