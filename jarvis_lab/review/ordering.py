"""In which order the pending items come, and which of them."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from jarvis_lab.records import Candidate
from jarvis_lab.review.candidates import CandidateStore
from jarvis_lab.review.ledger import Ledger

__all__ = ["ORDERS", "Order", "Shelf"]

Order = Literal["file", "quality", "value"]
ORDERS: tuple[str, ...] = ("file", "quality", "value")
_SEARCHES = 32
#: Text that stands in JSON as it is.
_PLAIN = re.compile(r"[a-z0-9 .,:;_-]+")


class Shelf:
    """The candidates as arrays, for ordering and filtering without a loop over items."""

    def __init__(self, store: CandidateStore) -> None:
        self._store = store
        entries = store.entries
        self.quality = np.array([entry.quality for entry in entries], dtype=float)
        self._by_quality = np.argsort(self.quality, kind="stable")
        self.models, self._model = _codes([entry.model for entry in entries])
        self.task_types, self._task = _codes([entry.task_type for entry in entries])
        self._tie: npt.NDArray[np.float64] | None = None
        self._found: dict[str, npt.NDArray[np.bool_]] = {}

    def pending(
        self,
        ledger: Ledger,
        *,
        order: str,
        model: str | None,
        task_type: str | None,
        search: str | None,
    ) -> npt.NDArray[np.intp]:
        """Positions of the pending items that pass the filters, in order, skipped ones last."""
        mask = self.mask(ledger, model=model, task_type=task_type, search=search)
        if order == "quality":
            chosen = self._by_quality[mask[self._by_quality]]
        else:
            chosen = np.flatnonzero(mask)
        if order == "value":
            chosen = chosen[np.argsort(-self.value(ledger)[chosen], kind="stable")]
        skipped = ledger.skipped[chosen]
        return np.concatenate([chosen[~skipped], chosen[skipped]])

    def by_model(self) -> dict[str, int]:
        """Candidates per model name."""
        return _totals(self.models, self._model)

    def by_task_type(self) -> dict[str, int]:
        """Candidates per task type."""
        return _totals(self.task_types, self._task)

    def mask(
        self, ledger: Ledger, *, model: str | None, task_type: str | None, search: str | None
    ) -> npt.NDArray[np.bool_]:
        """Which items are pending and pass the filters."""
        mask = ledger.pending.copy()
        if model is not None:
            mask &= self._model == self.models.get(model, -1)
        if task_type is not None:
            mask &= self._task == self.task_types.get(task_type, -1)
        if search is not None and search.strip():
            mask &= self._matches(search.casefold().strip())
        return mask

    def value(self, ledger: Ledger) -> npt.NDArray[np.float64]:
        """How much reviewing each item could change a routing table.

        share of its task type × nearness to a tie × (1 − agreement of its task type).
        """
        if self._tie is None:
            self._tie = self._nearness()
        counts = np.bincount(self._task, minlength=len(self.task_types))
        share = counts / max(len(self._task), 1)
        doubt = 1.0 - self._agreement(ledger)
        return self._tie * (share * doubt)[self._task]

    def _nearness(self) -> npt.NDArray[np.float64]:
        """How far one item can move its model's mean, against that mean's gap to its rival."""
        kinds, models = len(self.task_types), len(self.models)
        cell = self._task * models + self._model
        scored = ~np.isnan(self.quality)
        count = np.bincount(cell[scored], minlength=kinds * models)
        total = np.bincount(cell[scored], self.quality[scored], minlength=kinds * models)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(kinds, models)
        gap = np.full(mean.shape, np.inf)
        for kind in range(kinds):
            seen = np.flatnonzero(~np.isnan(mean[kind]))
            ranked = seen[np.argsort(-mean[kind, seen], kind="stable")]
            if len(ranked) > 1:
                gap[kind, ranked[0]] = mean[kind, ranked[0]] - mean[kind, ranked[1]]
                gap[kind, ranked[1:]] = mean[kind, ranked[0]] - mean[kind, ranked[1:]]
        quality = np.where(scored, np.clip(self.quality, 0.0, 1.0), 0.5)
        move = np.maximum(quality, 1.0 - quality) / np.maximum(count[cell], 1)
        nearness: npt.NDArray[np.float64] = move / (move + gap.reshape(-1)[cell])
        return nearness

    def _agreement(self, ledger: Ledger) -> npt.NDArray[np.float64]:
        """Share of decided items per task type on which reviewers upheld the score, smoothed."""
        kinds, decided = len(self.task_types), ~ledger.pending
        n = np.bincount(self._task[decided], minlength=kinds)
        s = np.bincount(self._task[decided & ~ledger.overturned], minlength=kinds)
        agreement: npt.NDArray[np.float64] = (s + 1.0) / (n + 2.0)
        return agreement

    def _matches(self, term: str) -> npt.NDArray[np.bool_]:
        """Items whose text contains ``term``; narrowed from an earlier, shorter term."""
        known = self._found.get(term)
        if known is not None:
            return known
        wider = [self._found[seen] for seen in self._found if seen in term]
        among = np.flatnonzero(min(wider, key=np.count_nonzero)) if wider else None
        found = np.zeros(len(self._store.entries), dtype=bool)
        raw = term.encode("ascii") if _PLAIN.fullmatch(term) else None
        for position in range(len(found)) if among is None else among:
            entry = self._store.entries[position]
            if raw is not None and _cannot_hold(entry.line, raw):
                continue
            found[position] = term in _searched(entry.candidate()).casefold()
        if len(self._found) >= _SEARCHES:
            self._found.pop(next(iter(self._found)))
        self._found[term] = found
        return found


def _codes(names: list[str]) -> tuple[dict[str, int], npt.NDArray[np.intp]]:
    codes: dict[str, int] = {}
    found = np.fromiter(
        (codes.setdefault(name, len(codes)) for name in names), dtype=np.intp, count=len(names)
    )
    return codes, found


def _totals(codes: dict[str, int], found: npt.NDArray[np.intp]) -> dict[str, int]:
    counts = np.bincount(found, minlength=len(codes))
    return {name: int(counts[code]) for name, code in codes.items()}


def _cannot_hold(line: bytes, term: bytes) -> bool:
    """Whether a line without escapes for other characters lacks ``term``; saves decoding it."""
    return b"\\u" not in line and line.isascii() and term not in line.lower()


def _searched(candidate: Candidate) -> str:
    contents = [_said(turn.content) for turn in candidate.prompt_messages or ()]
    names = (candidate.id, candidate.model_name, candidate.task_type, candidate.task_name)
    rest = (candidate.task_id, candidate.failure_reason, candidate.model_response)
    return "\n".join(filter(None, (*names, *rest, *contents)))


def _said(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str))
