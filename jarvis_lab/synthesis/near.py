"""Near duplicates: exact Jaccard on word shingles, without comparing all pairs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jarvis_lab.synthesis.normal import words

__all__ = ["NearSearch", "find_near", "shingles"]

_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class NearSearch:
    """What a search for near duplicates found.

    Attributes
    ----------
    matches
        Position -> (position of the earlier kept text it matched best, Jaccard similarity).
    comparisons
        Pairs whose similarity was computed.
    incomplete
        Texts that were kept after meeting a shingle with more holders than were looked at: only
        for these can a match have been missed.
    """

    matches: dict[int, tuple[int, float]]
    comparisons: int
    incomplete: int


def shingles(texts: Iterable[str], *, size: int) -> list[str]:
    """Give the distinct runs of ``size`` words of each text; a shorter text is one shingle.

    Examples
    --------
    >>> shingles(["Say it again, Sam", "Hi"], size=3)
    ['say it again', 'it again sam', 'hi']
    """
    found: dict[str, None] = {}
    for text in texts:
        spoken = words(text)
        if spoken:
            last = max(len(spoken) - size, 0)
            for start in range(last + 1):
                found[" ".join(spoken[start : start + size])] = None
    return list(found)


def find_near(
    documents: Sequence[Sequence[str]], *, threshold: float, size: int, max_holders: int
) -> NearSearch:
    """Find the documents that are near duplicates of an earlier one that is kept.

    Parameters
    ----------
    documents
        Each a sequence of texts.
    threshold
        Jaccard similarity from which two documents are near duplicates.
    size
        Words per shingle.
    max_holders
        Kept documents looked at for one shingle.

    Notes
    -----
    The shingles of a document are ordered from rare to frequent (by the number of documents that
    hold them). If J(x, y) >= t, the rarest shingle they share is among the first
    |x| - ceil(t |x|) + 1 of x, and among as many of y, so looking these up misses no pair. Of
    each such shingle the first ``max_holders`` kept documents are compared, on the full shingle
    sets. Hence: a document with J >= t to an earlier kept one is always found if they share a
    shingle that at most ``max_holders`` documents hold; otherwise it may be missed. The work is
    at most (looked-up shingles) x ``max_holders`` comparisons, linear in the documents.
    """
    held, frequency = _numbered(documents, size)
    holders: dict[int, list[int]] = defaultdict(list)
    overfull: set[int] = set()
    matches: dict[int, tuple[int, float]] = {}
    comparisons = incomplete = 0
    for position, own in enumerate(held):
        looked_up = sorted(own, key=lambda number: (frequency[number], number))[
            : len(own) - math.ceil(threshold * len(own) - _EPSILON) + 1
        ]
        earlier = {other for number in looked_up for other in holders.get(number, ())}
        near = [other for other in earlier if _lengths_allow(own, held[other], threshold)]
        comparisons += len(near)
        similarity, other = max(((_jaccard(own, held[j]), -j) for j in near), default=(0.0, 0))
        if similarity >= threshold - _EPSILON:
            matches[position] = (-other, similarity)
            continue
        incomplete += not overfull.isdisjoint(looked_up)
        for number in looked_up:
            if len(holders[number]) < max_holders:
                holders[number].append(position)
            else:
                overfull.add(number)
    return NearSearch(matches, comparisons, incomplete)


def _numbered(documents: Sequence[Sequence[str]], size: int) -> tuple[list[set[int]], list[int]]:
    """The shingles of each document as numbers, and how many documents hold each."""
    numbers: dict[str, int] = {}
    frequency: list[int] = []
    held = []
    for texts in documents:
        own = {numbers.setdefault(text, len(numbers)) for text in shingles(texts, size=size)}
        frequency.extend([0] * (len(numbers) - len(frequency)))
        for number in own:
            frequency[number] += 1
        held.append(own)
    return held, frequency


def _jaccard(left: set[int], right: set[int]) -> float:
    common = len(left & right)
    return common / (len(left) + len(right) - common)


def _lengths_allow(left: set[int], right: set[int], threshold: float) -> bool:
    """Whether sets of these sizes can be that similar."""
    shorter, longer = sorted((len(left), len(right)))
    return shorter >= threshold * longer - _EPSILON
