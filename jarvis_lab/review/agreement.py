"""How far two reviewers agree: raw agreement and Cohen's kappa."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.fold import DECISIONS, in_force

__all__ = ["AGREEMENT_COLUMNS", "agreement_frame", "cohens_kappa"]

AGREEMENT_COLUMNS: dict[str, str] = {
    "reviewer_a": "str",
    "reviewer_b": "str",
    "n": "int64",
    "agreement": "float64",
    "agreement_low": "float64",
    "agreement_high": "float64",
    "kappa": "float64",
    "kappa_low": "float64",
    "kappa_high": "float64",
    "note": "str",
}
_Z = 1.959963984540054
_FEW = 30


def agreement_frame(histories: Iterable[Sequence[ReviewEvent]]) -> pd.DataFrame:
    """One row per pair of reviewers, from the ordered histories of the items."""
    pairs: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for history in histories:
        judged = _judgements(history)
        for a, b in combinations(sorted(judged), 2):
            pairs.setdefault((a, b), Counter())[judged[a], judged[b]] += 1
    rows = [_row(a, b, table) for (a, b), table in sorted(pairs.items())]
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=dtype)
            for name, dtype in AGREEMENT_COLUMNS.items()
        }
    )


def cohens_kappa(table: Counter[tuple[str, str]]) -> tuple[float, float, float]:
    """(kappa, observed agreement, agreement by chance) of counts of (label a, label b)."""
    n = table.total()
    of_a, of_b = Counter[str](), Counter[str]()
    for (a, b), count in table.items():
        of_a[a] += count
        of_b[b] += count
    observed = sum(count for (a, b), count in table.items() if a == b) / n
    chance = sum(of_a[label] * of_b[label] for label in of_a) / (n * n)
    kappa = (observed - chance) / (1.0 - chance) if chance < 1.0 else math.nan
    return kappa, observed, chance


def _judgements(history: Sequence[ReviewEvent]) -> dict[str, str]:
    """Each reviewer's newest decision that the reviewer did not undo.

    An undo by somebody else settles a conflict and says nothing about what this one thought.
    """
    judged: dict[str, str] = {}
    authors = {event.reviewer for event in history if event.action in DECISIONS and event.reviewer}
    if len(authors) < 2:
        return judged
    for author in authors:
        own = [event for event in history if event.reviewer == author]
        alive = in_force(own)
        for event in own:
            if event.action in DECISIONS and event.event_id in alive:
                judged[author] = event.action
    return judged


def _row(a: str, b: str, table: Counter[tuple[str, str]]) -> dict[str, Any]:
    kappa, observed, chance = cohens_kappa(table)
    n = table.total()
    centre = (observed + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z * math.sqrt(observed * (1 - observed) / n + _Z * _Z / (4 * n * n)) / (1 + _Z * _Z / n)
    notes = [f"few items: n < {_FEW}"] if n < _FEW else []
    low = high = math.nan
    if math.isnan(kappa):
        notes.append("kappa undefined: both gave one and the same action only")
    else:
        spread = _Z * math.sqrt(observed * (1 - observed) / (n * (1 - chance) ** 2))
        low, high = max(-1.0, kappa - spread), min(1.0, kappa + spread)
    return {
        "reviewer_a": a,
        "reviewer_b": b,
        "n": n,
        "agreement": observed,
        "agreement_low": max(0.0, centre - half),
        "agreement_high": min(1.0, centre + half),
        "kappa": kappa,
        "kappa_low": low,
        "kappa_high": high,
        "note": "; ".join(notes) or None,
    }
