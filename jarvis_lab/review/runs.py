"""Benchmark runs that have candidates, and bringing one into a review folder."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from jarvis_lab._files import make_folder, publish_once, sha256_bytes
from jarvis_lab.readers.jsonl import BadLine
from jarvis_lab.review.candidates import CANDIDATES_FILE, IMPORTED, CandidateStore, candidate_lines
from jarvis_lab.review.journal import file_name

__all__ = ["RUN_COLUMNS", "ImportResult", "discover_runs", "import_candidates", "locate_run"]

RUN_COLUMNS: dict[str, str] = {
    "run_id": "str",
    "timestamp": "datetime64[us]",
    "candidate_count": "int64",
    "bad_lines": "int64",
    "path": "str",
}
_HASH_LENGTH = 12


@dataclass(frozen=True, repr=False)
class ImportResult:
    """What an import did: candidates taken, ids already known, lines that are no candidate.

    ``bad_lines`` has file, line and reason of the latter.
    """

    imported: int
    skipped: int
    malformed: int
    bad_lines: tuple[BadLine, ...] = ()

    def __repr__(self) -> str:
        return (
            f"ImportResult(imported={self.imported}, skipped={self.skipped}, "
            f"malformed={self.malformed})"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


def discover_runs(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """One row per benchmark run that has candidates, newest first.

    Parameters
    ----------
    folder
        Folder of run folders, each named ``YYYY-MM-DD-HHMMSS`` and holding
        ``sft_candidates.jsonl``.

    Returns
    -------
    pandas.DataFrame
        ``run_id`` (str, name of the run's folder), ``timestamp`` (datetime64[us] without a time
        zone, read from that name; missing if it has another form), ``candidate_count`` (int,
        records with an id), ``bad_lines`` (int, lines that an import leaves out as malformed; 1 for
        a file that cannot be read),
        ``path`` (str, of the candidates file). A missing folder gives no rows.

    Examples
    --------
    >>> discover_runs("no such folder").columns.tolist()
    ['run_id', 'timestamp', 'candidate_count', 'bad_lines', 'path']
    """
    rows: list[tuple[str, datetime | None, int, int, str]] = []
    root = Path(folder).expanduser()
    for run in sorted(root.iterdir(), reverse=True) if root.is_dir() else ():
        path = run / CANDIDATES_FILE
        if not path.is_file():
            continue
        count, bad = _counts(path)
        rows.append((run.name, _started(run.name), count, bad, str(path)))
    columns = zip(*rows, strict=True) if rows else ([] for _ in RUN_COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=dtype)
            for (name, dtype), values in zip(RUN_COLUMNS.items(), columns, strict=True)
        }
    )


def locate_run(
    run: str | os.PathLike[str], bench_results: str | os.PathLike[str] | None
) -> tuple[str, Path]:
    """(run id, path of its candidates) of a path, or of a name inside ``bench_results``.

    Raises
    ------
    ValueError
        If ``bench_results`` is given and ``run`` is not one plain folder name inside it.
    FileNotFoundError
        If there are no candidates.
    """
    if bench_results is None:
        given = Path(run).expanduser()
        path = given / CANDIDATES_FILE if given.is_dir() else given
        if path.name != CANDIDATES_FILE or not path.is_file():
            raise FileNotFoundError(
                f"{given} is neither a run folder with {CANDIDATES_FILE} nor such a file. Pass "
                "bench_results= to name a run by its id."
            )
        return path.resolve().parent.name, path
    root, name = Path(bench_results), os.fspath(run)
    if not isinstance(name, str) or not _is_plain(name):
        raise ValueError(
            f"run={run!r} is not one plain folder name. With bench_results= it names a folder "
            "directly inside; leave bench_results out to pass a path."
        )
    path = root / name / CANDIDATES_FILE
    if not path.is_file():
        raise FileNotFoundError(f"No {path}. discover_runs({str(root)!r}) lists the runs there.")
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"run={run!r} is a link that leads outside {root}: {path.resolve()}.")
    return name, path


def import_candidates(
    store: CandidateStore, refresh: Callable[[], object], run_id: str, path: Path
) -> ImportResult:
    """Copy the candidates of ``path`` with a new id, byte for byte, into one new file.

    The file appears whole or not at all, and its name has its place in the order and the hash
    of its bytes: of several processes that import the same run one writes it, and the others
    find every id known.
    """
    while True:
        refresh()
        bad: list[BadLine] = []
        lines, skipped = _new_lines(store.positions, path, bad)
        taken = len(lines)
        data = b"".join(line + b"\n" for line in lines)
        if not lines or _publish(store, run_id, data):
            return ImportResult(taken, skipped, len(bad), tuple(bad))


def _new_lines(known: Container[str], path: Path, bad: list[BadLine]) -> tuple[list[bytes], int]:
    lines: list[bytes] = []
    seen: set[str] = set()
    skipped = 0
    for _, line, candidate in candidate_lines(path, str(path), bad):
        item_id = str(candidate.id)
        if item_id in known or item_id in seen:
            skipped += 1
            continue
        seen.add(item_id)
        lines.append(line)
    return lines, skipped


def _publish(store: CandidateStore, run_id: str, data: bytes) -> bool:
    folder = store.folder / IMPORTED
    make_folder(folder)
    place = 1 + max((_place(name) for name in store.files), default=0)
    slug = file_name(run_id, otherwise="run")
    name = f"{place:06d}-{slug}-{sha256_bytes(data)[:_HASH_LENGTH]}.jsonl"
    return publish_once(folder / name, data)


def _place(name: str) -> int:
    head = name.removeprefix(f"{IMPORTED}/").split("-", 1)[0]
    return int(head) if head.isascii() and head.isdigit() else 0


def _is_plain(name: str) -> bool:
    return (
        bool(name.strip())
        and name not in (".", "..")
        and not any(mark in name for mark in ("/", "\\", "\0"))
        and not Path(name).is_absolute()
        and Path(name).name == name
    )


def _counts(path: Path) -> tuple[int, int]:
    """(candidates, bad lines); a file that cannot be read counts as one bad line."""
    bad: list[BadLine] = []
    try:
        return sum(1 for _ in candidate_lines(path, str(path), bad)), len(bad)
    except OSError:
        return 0, 1


def _started(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id, "%Y-%m-%d-%H%M%S")
    except ValueError:
        return None
