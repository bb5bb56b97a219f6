"""A lake → one file of SFT samples, behind the firewall, with its lineage."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from tqdm.auto import tqdm

from jarvis_lab import _checks, _files
from jarvis_lab.readers.lake_files import LakeFile, lake_files, lake_root
from jarvis_lab.synthesis.cluster_crew import ClusterCrew, build_there, scan_there
from jarvis_lab.synthesis.day_file import count_part, draft_part, scan_scored
from jarvis_lab.synthesis.follower import Follower
from jarvis_lab.synthesis.manifest import FileEntry, build_manifest, manifest_path
from jarvis_lab.synthesis.part import LakeChangedError, Part, PartTask, ScoredScan, Settings
from jarvis_lab.synthesis.sft_export import SftExport, export_of
from jarvis_lab.synthesis.workers import Crew

__all__ = ["export_sft"]

_DEFAULT = Path("data", "distilled", "sft", "sft_export.jsonl")


class _NothingToWriteError(Exception):
    """Leaves the writers of the export without an export."""


def export_sft(
    root: str | os.PathLike[str],
    *,
    recorded_at: str,
    include_partial: bool = False,
    dry_run: bool = False,
    output: str | os.PathLike[str] | None = None,
    unique_ids: bool = False,
    escape_html: bool = False,
    workers: int = 1,
    client: object = None,
    progress: bool = True,
) -> SftExport:
    """Export the accepted runs of a lake as SFT samples, and their manifest.

    Parameters
    ----------
    root
        The lake: the folder that holds ``data/scored-runs`` and ``data/evidence``.
    recorded_at
        Time to write into every sample, as text; it is not interpreted.
    include_partial
        Take runs of any ``model_role``. The firewall and the empty response stay.
    dry_run
        Do all but write.
    output
        The file to write, in a folder that exists. By default
        ``{root}/data/distilled/sft/sft_export.jsonl``, whose folders are made.
    unique_ids
        Put the day in front of each id (``2026/01/02/alpha.jsonl:4`` instead of
        ``alpha.jsonl:4``, which repeats across days).
    escape_html
        Write ``<``, ``>``, ``&``, U+2028 and U+2029 as ``\\u003c`` and so on, as Go does.
    workers
        Processes to use. The bytes written do not depend on it.
    client : distributed.Client, optional
        The workers of its cluster work on a file of scored runs each, instead of processes here.
        They must see the lake under the same absolute path; only this process writes to it. The
        bytes written are the same.
    progress
        Whether to show a progress bar.

    Returns
    -------
    SftExport
        Counts, the excluded rows, and where the file is. If there was nothing to write, no
        file is written, an older one stays, and ``note`` says so.

    Raises
    ------
    ValueError
        If ``root`` or ``recorded_at`` is empty, or ``output`` lies among the lake's inputs.
    TypeError
        If an option that is True or False is something else.
    FileNotFoundError, IsADirectoryError, FileExistsError, OSError
        If the file cannot be written, or ``output`` is a device or a pipe. An older export is
        unchanged.
    LakeChangedError
        If the lake changed meanwhile. An older export is unchanged.
    LostTaskError
        If a cluster gave a file up because each worker that took it ended. An older export is
        unchanged.
    FirewallError
        If the written rows fail the second check. An older export is unchanged.

    Notes
    -----
    The firewall is default deny: a run is exported only if its category is ``accepted`` or
    ``partially_accepted`` and no readable record of the whole lake gives the same run id
    another category. A first pass over the scored runs finds the run ids to keep out; memory
    grows with their number and with the largest day's file, of whose like each process holds the
    rows of up to three, not with the number of files.
    Every written row is read back from the disk and checked again before the file takes its
    name. See docs/firewall.md.

    Examples
    --------
    >>> export_sft("a lake without files", recorded_at="2026-01-01T00:00:00Z", progress=False)
    SftExport(0 of 0 records exported, nothing written: the lake has no scored runs)
    """
    settings = Settings(
        _checked_time(recorded_at),
        _checks.flag("include_partial", include_partial),
        _checks.flag("unique_ids", unique_ids),
        _checks.flag("escape_html", escape_html),
    )
    _checks.flag("dry_run", dry_run)
    _checks.whole("workers", workers, least=1)
    lake = lake_root(root) if client is None else lake_root(root).absolute()
    target = _target(lake, output)
    entries = lake_files(lake, "scored-runs")
    job = _Job(lake, settings, target, entries)
    if job.files:
        total, crew_size = 2 * len(job.files), min(workers, len(job.files))
        with (
            Crew(crew_size) if client is None else ClusterCrew(client) as crew,
            tqdm(total=total, disable=not progress) as bar,
        ):
            job.run(crew, bar.update, dry_run=dry_run, make_folder=output is None)
    return job.result(dry_run=dry_run)


class _Job:
    """The two passes over a lake, and the file that comes of them."""

    def __init__(
        self, root: Path, settings: Settings, target: Path, entries: list[LakeFile]
    ) -> None:
        self.root, self.settings, self.target = root, settings, target
        self.entries = entries
        self.files = [entry for entry in entries if not entry.is_folder]
        self.scans: list[ScoredScan] = []
        self.blocked: set[str] = set()
        self.parts: list[Part] = []
        self.exported: SftExport | None = None

    def run(
        self,
        crew: Crew | ClusterCrew,
        step: Callable[[], object],
        *,
        dry_run: bool,
        make_folder: bool,
    ) -> None:
        look = scan_scored if isinstance(crew, Crew) else scan_there
        for scan in crew.map(look, self.files):
            self.scans.append(scan)
            self.blocked.update(scan.blocked)
            step()
        crew.share(self.blocked)
        if dry_run:
            for part in crew.map(count_part, self._tasks()):
                self._keep(part, step)
            self._compare_files()
            return
        with _files.write_errors(self.target), contextlib.suppress(_NothingToWriteError):
            if make_folder:
                self.target.parent.mkdir(parents=True, exist_ok=True)
            self._write(crew, step)

    def result(self, *, dry_run: bool = False) -> SftExport:
        if self.exported is None:
            self.exported = self._result(written=False, dry_run=dry_run)
        return self.exported

    def _result(self, *, written: bool, dry_run: bool = False) -> SftExport:
        refused = [entry for entry in self.entries if entry.is_folder]
        return export_of(self.parts, refused, self.target, written=written, dry_run=dry_run)

    def _write(self, crew: Crew | ClusterCrew, step: Callable[[], object]) -> None:
        with _files.atomic_group([self.target, manifest_path(self.target)]) as (rows, manifest):
            path = Path(rows.name)
            if isinstance(crew, ClusterCrew):
                parts = self._gathered(crew, path)
            else:
                parts = crew.lay(draft_part, self._tasks(), path)
            with Follower(path) as follower, contextlib.closing(parts):
                for part in parts:
                    follower.follow(part.exported, part.bytes)
                    self._keep(part, step)
                meter = follower.measured()
            self._compare_files()
            if not any(part.exported for part in self.parts):
                raise _NothingToWriteError
            found = self._result(written=True)
            manifest.write(self._manifest(found, FileEntry.of(meter, self.target.name)))
        self.exported = found

    def _gathered(self, crew: ClusterCrew, path: Path) -> Generator[Part, None, None]:
        """Put together the parts that a cluster sends."""
        end = 0
        for part, data, digest in crew.map(build_there, self._tasks()):
            if _files.sha256_bytes(data) != digest:
                raise RuntimeError(
                    f"The rows of {part.name} came from the cluster in other bytes than they were "
                    "sent. Nothing was exported; is the network sound?"
                )
            _files.write_at(path, end, [data])
            end += len(data)
            yield part

    def _tasks(self) -> Iterator[PartTask]:
        for file, scan in zip(self.files, self.scans, strict=True):
            yield PartTask(self.root, file, scan.entry.sha256, scan.respelled, self.settings)

    def _keep(self, part: Part, step: Callable[[], object]) -> None:
        self.parts.append(part)
        step()

    def _compare_files(self) -> None:
        if lake_files(self.root, "scored-runs") != self.entries:
            raise LakeChangedError(
                f"Files of scored runs came or went below {self.root} while it was exported. "
                "Nothing was exported. Export again when nothing writes to the lake."
            )

    def _manifest(self, result: SftExport, rows: FileEntry) -> bytes:
        return build_manifest(
            "distillation",
            settings=self.settings._asdict(),
            files=[rows],
            inputs=[entry for part in self.parts for entry in part.inputs],
            counts=result.counts(),
            excluded=result.reasons,
        )


def _checked_time(recorded_at: str) -> str:
    _checks.text("recorded_at", recorded_at)
    if not recorded_at.isprintable():
        raise ValueError(f"recorded_at={recorded_at!r} must be printable text on one line.")
    return recorded_at


def _target(root: Path, output: str | os.PathLike[str] | None) -> Path:
    if output is None:
        return root / _DEFAULT
    target = Path(_checks.text("output", os.fspath(output))).expanduser()
    if target.is_dir():
        raise IsADirectoryError(f"output={str(target)!r} is a folder. Give the file to write.")
    _files.check_free(target)
    for kind in ("scored-runs", "evidence"):
        if target.resolve().is_relative_to((root / "data" / kind).resolve()):
            raise ValueError(
                f"output={str(target)!r} lies among the lake's inputs in data/{kind}. "
                "Give a file elsewhere."
            )
    return target
