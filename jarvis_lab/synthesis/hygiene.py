"""Hygiene before writing: every step says which rows it kept, dropped, why and beside which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis.contamination import drop_contaminated
from jarvis_lab.synthesis.near import find_near
from jarvis_lab.synthesis.steps import (
    TEXT_COLUMNS,
    HygieneStep,
    make_step,
    row_keys,
    row_names,
    row_pieces,
)

__all__ = [
    "HygieneStep",
    "clean_rows",
    "drop_contaminated",
    "drop_disputed_prompts",
    "drop_exact_duplicates",
    "drop_near_duplicates",
]


def drop_exact_duplicates(
    rows: pd.DataFrame, *, columns: Sequence[str] = TEXT_COLUMNS, id: str = "id"
) -> HygieneStep:
    """Drop every row whose texts equal those of an earlier row.

    Parameters
    ----------
    rows
        One row per training row.
    columns
        Columns that hold text, or lists of messages (roles count, too).
    id
        Column that names a row.

    Returns
    -------
    HygieneStep
        ``matched_id`` is the first row with the same texts.

    Raises
    ------
    TypeError
        If ``rows`` is no frame, or ``columns`` is one text.
    ValueError
        If a column is missing.

    Notes
    -----
    Equal after NFKC, case folding and white-space collapse.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": ["a", "b"], "target": ["Paris.", "PARIS. "]})
    >>> drop_exact_duplicates(rows, columns=["target"]).dropped[["id", "matched_id"]]
      id matched_id
    0  b          a
    """
    names = row_names(rows, columns, id)
    first: dict[Any, int] = {}
    drops = {}
    for position, key in enumerate(row_keys(rows, columns)):
        earlier = first.setdefault(key, position)
        if earlier != position:
            drops[position] = ("exact duplicate", names[earlier], 1.0)
    return make_step("exact duplicates", rows, drops, id)


def drop_disputed_prompts(
    rows: pd.DataFrame,
    *,
    keep: Literal["none", "first", "last"] = "none",
    prompt: str = "prompt_messages",
    target: str = "target",
    id: str = "id",
) -> HygieneStep:
    """Drop rows of a prompt that has two different targets.

    Parameters
    ----------
    rows
        One row per training row.
    keep
        ``"none"`` drops all rows of such a prompt, as nothing here knows which target is right;
        ``"first"`` and ``"last"`` keep the rows that have the first or last row's target.
    prompt, target, id
        Columns.

    Returns
    -------
    HygieneStep
        ``matched_id`` is the first row of the same prompt whose target differs.

    Raises
    ------
    TypeError
        If ``rows`` is no frame.
    ValueError
        If a column is missing, or ``keep`` is another word.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": list("abc"), "prompt": ["2+2?", "2+2?", "3+3?"],
    ...                      "target": ["4", "5", "6"]})
    >>> drop_disputed_prompts(rows, prompt="prompt").kept["id"].tolist()
    ['c']
    """
    _checks.choice("keep", keep, ("none", "first", "last"))
    names = row_names(rows, (prompt, target), id)
    targets = list(row_keys(rows, (target,)))
    groups: dict[Any, list[int]] = {}
    for position, key in enumerate(row_keys(rows, (prompt,))):
        groups.setdefault(key, []).append(position)
    drops = {}
    for members in groups.values():
        first = members[0]
        chosen = {"none": None, "first": targets[first], "last": targets[members[-1]]}[keep]
        second = next((j for j in members if targets[j] != targets[first]), None)
        if second is None:
            continue
        for position in members:
            if targets[position] != chosen:
                other = second if targets[position] == targets[first] else first
                drops[position] = ("same prompt, different target", names[other], math.nan)
    return make_step("disputed prompts", rows, drops, id)


def drop_near_duplicates(
    rows: pd.DataFrame,
    *,
    threshold: float = 0.8,
    size: int = 5,
    max_holders: int = 50,
    columns: Sequence[str] = TEXT_COLUMNS,
    id: str = "id",
) -> HygieneStep:
    """Drop every row whose texts nearly equal those of an earlier row that is kept.

    Parameters
    ----------
    rows
        One row per training row, the ones to prefer first.
    threshold
        Jaccard similarity of the shingle sets, above 0 and up to 1, from which a row is dropped.
    size
        Words per shingle. Prompt and target give shingles each; a shorter text is one shingle.
    max_holders
        The cap: rows looked at for one shingle. It keeps a prompt template that all rows share
        from making the work quadratic.
    columns, id
        As in :func:`drop_exact_duplicates`.

    Returns
    -------
    HygieneStep
        ``matched_id`` and ``similarity``: the most similar kept row before it (the earliest of
        equals). ``comparisons`` counts the pairs compared.

    Raises
    ------
    TypeError
        If ``rows`` is no frame, or ``columns`` is one text.
    ValueError
        If a column is missing, or an option is out of its range.

    Notes
    -----
    Similarity is exact: every reported value is |A & B| / |A | B| of the full shingle sets, not
    an estimate. What is found: a row similar enough to an earlier kept row, if the two share a
    shingle that at most ``max_holders`` rows hold. What the cap can miss: pairs all of whose
    common shingles stand in more rows than that, for instance two long copies of one template
    with short different bodies. Near copies of one text do not crowd each other out, since only
    kept rows are looked at. ``incomplete`` counts the kept rows for which the cap cut a search
    short; where it is 0, nothing was missed.

    References
    ----------
    A. Z. Broder, On the resemblance and containment of documents, 1997. R. J. Bayardo, Y. Ma and
    R. Srikant, Scaling up all pairs similarity search, 2007 (looking up the rarest first).

    Examples
    --------
    >>> base = "the quick brown fox jumps over the lazy dog near the old river bank at noon"
    >>> rows = pd.DataFrame({"id": ["a", "b"], "target": [base, base + " today"]})
    >>> drop_near_duplicates(rows, columns=["target"]).dropped[["matched_id", "similarity"]]
      matched_id  similarity
    0          a    0.923077
    """
    if threshold != 1:
        _checks.fraction("threshold", threshold)
    _checks.whole("size", size, least=1)
    _checks.whole("max_holders", max_holders, least=1)
    names = row_names(rows, columns, id)
    documents = [[text for _, text in pieces] for pieces in row_pieces(rows, columns)]
    found = find_near(documents, threshold=threshold, size=size, max_holders=max_holders)
    drops = {
        position: ("near duplicate", names[other], similarity)
        for position, (other, similarity) in found.matches.items()
    }
    return make_step("near duplicates", rows, drops, id, found.comparisons, found.incomplete)


def clean_rows(
    rows: pd.DataFrame,
    *,
    evaluation: pd.DataFrame | None = None,
    threshold: float = 0.8,
    prompt: str = "prompt_messages",
    target: str = "target",
    id: str = "id",
) -> tuple[HygieneStep, ...]:
    """Run the steps one after the other, each on the rows that the one before kept.

    Parameters
    ----------
    rows
        One row per training row, such as ``correction_rows(queue)``.
    evaluation
        Frame of evaluation queries for :func:`drop_contaminated`; None leaves that step out.
    threshold
        Of :func:`drop_near_duplicates`.
    prompt, target, id
        Columns.

    Returns
    -------
    tuple of HygieneStep
        Disputed prompts, contamination (with ``evaluation``), exact and near duplicates. The
        rows left are ``steps[-1].kept``; pass all steps to ``export_corrections(hygiene=)``.

    Raises
    ------
    TypeError
        If ``rows`` or ``evaluation`` is no frame, or a query cannot be read.
    ValueError
        If a column is missing, or ``threshold`` is out of its range.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": ["a", "b"], "prompt": ["1+1?", "1+1? "], "target": ["2", "2"]})
    >>> clean_rows(rows, prompt="prompt")[1]
    <exact duplicates: 1 kept, 1 dropped>
    """
    steps = [drop_disputed_prompts(rows, prompt=prompt, target=target, id=id)]
    columns = (prompt, target)
    if evaluation is not None:
        steps.append(drop_contaminated(steps[-1].kept, evaluation, columns=columns, id=id))
    steps.append(drop_exact_duplicates(steps[-1].kept, columns=columns, id=id))
    last = steps[-1].kept
    steps.append(drop_near_duplicates(last, threshold=threshold, columns=columns, id=id))
    return tuple(steps)
