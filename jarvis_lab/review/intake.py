"""What enters a review folder and what leaves it: benchmark runs in, a snapshot out."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pandas as pd

from jarvis_lab._files import make_folder, write_bytes
from jarvis_lab.review.audit import ReviewAudit
from jarvis_lab.review.journal import file_name
from jarvis_lab.review.runs import ImportResult, discover_runs, import_candidates, locate_run
from jarvis_lab.review.snapshot import SnapshotResult, write_snapshot

__all__ = ["ReviewIntake"]

_SETTINGS = "queue.json"


class _Settings(msgspec.Struct):
    """``queue.json``: what a review folder remembers."""

    bench_results: str | None = None


class ReviewIntake(ReviewAudit):
    """Imports and snapshots of a review folder."""

    @property
    def bench_results(self) -> Path | None:
        """Folder of benchmark runs, remembered in the review folder; None if never given."""
        try:
            found = msgspec.json.decode((self._folder / _SETTINGS).read_bytes(), type=_Settings)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return Path(found.bench_results) if found.bench_results else None

    @bench_results.setter
    def bench_results(self, folder: str | os.PathLike[str] | None) -> None:
        settings = _Settings(None if folder is None else str(Path(folder).absolute()))
        make_folder(self._folder)
        write_bytes(self._folder / _SETTINGS, msgspec.json.encode(settings) + b"\n")

    def runs(self) -> pd.DataFrame:
        """One row per run in :attr:`bench_results`, newest first.

        Returns
        -------
        pandas.DataFrame
            The columns of :func:`discover_runs`, and ``already_imported`` (bool: candidates of
            that run are in the queue). No rows while :attr:`bench_results` is None.
        """
        self.refresh()
        folder = self.bench_results
        found = discover_runs(folder if folder is not None else self._folder / _SETTINGS)
        slugs = {name.partition("-")[2].rpartition("-")[0] for name in self._store.files}
        imported = [
            run_id in self._store.run_ids or file_name(run_id, otherwise="run") in slugs
            for run_id in found["run_id"]
        ]
        return found.assign(already_imported=pd.Series(imported, dtype="bool"))

    def import_run(
        self,
        run: str | os.PathLike[str],
        *,
        bench_results: str | os.PathLike[str] | None = None,
    ) -> ImportResult:
        """Take in the candidates of a benchmark run; importing again imports nothing.

        Parameters
        ----------
        run
            Path of a run folder or of its ``sft_candidates.jsonl``; with ``bench_results`` the
            name of one folder directly inside it.
        bench_results
            Folder of runs. It is remembered as :attr:`bench_results`.

        Returns
        -------
        ImportResult
            ``imported``, ``skipped`` (id already known) and ``malformed`` (no id, or a bad
            line) counts.

        Raises
        ------
        ValueError
            If ``bench_results`` is given and ``run`` is not a plain name inside it.
        FileNotFoundError
            If there are no candidates.
        """
        run_id, path = locate_run(run, bench_results)
        with self._guard():
            result = import_candidates(self._store, self.refresh, run_id, path)
            self.refresh()
            if bench_results is not None and self.bench_results != Path(bench_results).absolute():
                self.bench_results = Path(bench_results)
        return result

    def write_snapshot(self, folder: str | os.PathLike[str]) -> SnapshotResult:
        """Write the original's two files, for tools that expect them, into another folder.

        ``sft_candidates.jsonl`` has every candidate with its unknown fields and its status,
        correction and category; ``sft_approved.jsonl`` those that are ready for export (an
        approved answer stands there as its own correction). An item in conflict or with a stale
        decision is written as needs_review.

        Parameters
        ----------
        folder
            Created if missing; older files of these two names there are replaced.

        Returns
        -------
        SnapshotResult
            ``candidates`` and ``approved`` (records written) and ``folder``.

        Raises
        ------
        ValueError
            If ``folder`` is the queue's own, or inside it, also through a link.
        """
        self.refresh()
        return write_snapshot(self._folder, folder, self._rows())
