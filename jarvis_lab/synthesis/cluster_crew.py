"""An export's work on a Dask cluster: one task for each file of scored runs.

The workers read the lake, which they must see under the same path as the caller, and send back
what they wrote and checked; the caller alone writes to the lake.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple, TypeVar

from jarvis_lab import _files
from jarvis_lab._tasks import Cluster, ahead
from jarvis_lab.readers.lake_files import LakeFile
from jarvis_lab.synthesis.day_file import draft_part, scan_scored
from jarvis_lab.synthesis.part import Part, PartTask, ScoredScan

__all__ = ["ClusterCrew", "SentPart", "build_there", "scan_there"]

T = TypeVar("T", LakeFile, PartTask)
R = TypeVar("R")


class ClusterCrew:
    """Calls functions on files of a lake on a cluster, and gives the results in order.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    """

    def __init__(self, client: object) -> None:
        # A result may be as large as a day's file, so few are on the way.
        self._cluster = Cluster(client, "export", per_thread=2)
        self._shared: tuple[object, ...] = ()

    def __enter__(self) -> ClusterCrew:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.__exit__()

    def share(self, value: object) -> None:
        """Put the ``value`` on the cluster, for the functions of later calls to receive."""
        self._shared = (self._cluster.keep(value),)

    def map(self, function: Callable[..., R], items: Iterable[T]) -> Iterator[R]:
        """Give ``function(item, *shared)`` for each item, in order."""
        handles = (
            self._cluster.submit(_name(item), function, item, *self._shared) for item in items
        )
        for handle in ahead(handles, lambda: self._cluster.ahead):
            yield handle.result()


class SentPart(NamedTuple):
    """A part and the bytes of its rows, as the worker read them back, with their sha256."""

    part: Part
    rows: bytes
    sha256: str


def scan_there(scored: LakeFile) -> ScoredScan:
    """``scan_scored``, by a worker that must see the file."""
    _must_see(scored)
    return scan_scored(scored)


def build_there(task: PartTask, blocked: Set[str]) -> SentPart:
    """Make, write and check a part in a file of the worker's own, which is sent."""
    _must_see(task.scored)
    with tempfile.TemporaryDirectory(prefix="jarvis-lab-", dir=_own_folder()) as folder:
        sink = Path(folder, "rows.tmp")
        sink.touch()
        part = draft_part(task, blocked).place(sink, 0)
        rows = sink.read_bytes()
    return SentPart(part, rows, _files.sha256_bytes(rows))


def _name(item: LakeFile | PartTask) -> str:
    return item.scored.name if isinstance(item, PartTask) else item.name


def _must_see(scored: LakeFile) -> None:
    if not scored.problem and not os.path.lexists(scored.path):
        raise FileNotFoundError(f"{socket.gethostname()} has no {scored.path}")


def _own_folder() -> str | None:
    """Where a worker keeps its files: the cluster removes what a killed one leaves there."""
    from distributed import get_worker

    try:
        folder: str = get_worker().local_directory
    except ValueError:
        return None
    return folder
