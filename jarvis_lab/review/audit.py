"""What was decided, by whom, and where reviewers or contents disagree: tables."""

from __future__ import annotations

import pandas as pd

from jarvis_lab.records import ReviewEvent
from jarvis_lab.review.agreement import agreement_frame
from jarvis_lab.review.board import ReviewBoard
from jarvis_lab.review.fold import in_force
from jarvis_lab.review.tables import event_frame, item_frame

__all__ = ["ReviewAudit"]


class ReviewAudit(ReviewBoard):
    """The tables of a review folder."""

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate, in candidate order, with what was decided about it.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``source``, ``benchmark_run_id``, ``timestamp`` (text, as logged),
            ``status`` (needs_review, approved, discarded, model_rejected: by the newest decision
            in force), ``prompt_messages`` (list of dicts with role and content),
            ``model_response``, ``corrected_response`` (missing unless the action is correct),
            ``quality_score`` (float, NaN if missing or not a number), ``failure_reason``,
            ``task_id``, ``task_type``, ``task_name``, ``model_id``, ``model_name``,
            ``node_id``, ``gpu_id``, ``tokens_per_sec`` (float), ``failure_category`` (of the
            decision; without one, of the record), ``action`` (approve, correct, discard, flag,
            or missing), ``target`` (text to train on: the correction, or the approved answer),
            ``reviewer`` and ``decided_at`` (UTC; both missing for a decision that came with the
            original's files), ``note`` (the newest), ``conflict``, ``stale`` (bool),
            ``source_file`` (relative to the folder), ``source_line`` (int, from 1).
        """
        self.refresh()
        return item_frame(self._rows())

    def history(self, id: str) -> pd.DataFrame:
        """One row per event of an item, oldest first, drafts and undone ones included.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``event_id``, ``at`` (UTC), ``reviewer``, ``action``, ``text``,
            ``failure_category``, ``note``, ``undoes`` (event id), ``in_force`` (no undo in
            force names it), ``stale`` (made on other content). A decision that came with the
            original's files is the first row, without ``at`` and ``reviewer``.
        """
        self.refresh()
        entry = self._store.entries[self._position(id)]
        events = self._ledger.history(id)
        return event_frame([(id, events)], in_force(events), {id: entry.sha256})

    def conflicts(self) -> pd.DataFrame:
        """One row per decision in force that another reviewer's contradicts.

        Different actions contradict each other, and so do corrections with different text.
        Undo one of them to end the conflict; until then the item is not exported.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`history`.
        """
        self.refresh()
        return self._decisions(sorted(self._ledger.conflicts))

    def stale(self) -> pd.DataFrame:
        """One row per decision in force whose candidate changed afterwards; not exported.

        Returns
        -------
        pandas.DataFrame
            The columns of :meth:`history`. :meth:`ReviewQueue.edit` or an undo and a new
            decision bring the item back.
        """
        self.refresh()
        return self._decisions(sorted(self._ledger.stale), newest=True)

    def agreement(self) -> pd.DataFrame:
        """One row per pair of reviewers who decided on the same items.

        Returns
        -------
        pandas.DataFrame
            ``reviewer_a``, ``reviewer_b``, ``n`` (items both decided on), ``agreement`` (share
            with the same action, in [0, 1]) with its 95 % Wilson interval ``agreement_low`` and
            ``agreement_high``, ``kappa`` (Cohen's, in [-1, 1], NaN where chance alone agrees
            always) with its 95 % interval ``kappa_low`` and ``kappa_high``, and ``note`` on
            figures not to be relied on.

        Notes
        -----
        Each reviewer's newest decision counts that the reviewer did not undo, so a conflict that
        was resolved still counts as one. κ = (p_o − p_e) / (1 − p_e) with p_e = Σ p_a·p_b over
        the actions; its interval is κ ± 1.96·√(p_o(1 − p_o) / (n(1 − p_e)²)).
        """
        self.refresh()
        return agreement_frame(
            self._ledger.history(entry.id)
            for entry in self._store.entries
            if len(self._ledger.events(entry.id)) > 1
        )

    def _decisions(self, positions: list[int], *, newest: bool = False) -> pd.DataFrame:
        rows: list[tuple[str, list[ReviewEvent]]] = []
        sha256: dict[str, str] = {}
        for position in positions:
            entry, state = self._at(position)
            found = [state.decision] if newest else list(state.live)
            rows.append((entry.id, [event for event in found if event is not None]))
            sha256[entry.id] = entry.sha256
        alive = {event.event_id for _, events in rows for event in events}
        return event_frame(rows, alive, sha256)
