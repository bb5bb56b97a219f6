"""Counts of a Dask DataFrame: one task for each of its own partitions."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab._tasks import Cluster
from jarvis_lab.classes import SCHEMES
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.frames import FramePiece
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.late_bar import LateBar
from jarvis_lab.readers.reading import Found, Reading, Span, reported
from jarvis_lab.readers.sources import TRACES
from jarvis_lab.scores.blocks import Counting
from jarvis_lab.scores.sums import Block

__all__ = ["count_partitions", "is_dask_frame"]

_NAME = "the dask DataFrame"


def is_dask_frame(source: object) -> bool:
    """Whether it is a Dask DataFrame; Dask is not imported to find out.

    Raises
    ------
    TypeError
        If it is another of Dask's collections.
    """
    homes = [kind.__module__.partition(".")[0] for kind in type(source).__mro__]
    if not ("dask" in homes and hasattr(source, "__dask_graph__")):
        return False
    if not (hasattr(source, "columns") and getattr(source, "ndim", 0) == 2):
        raise TypeError(
            f"Cannot read traces from Dask's {type(source).__name__}: give a dask DataFrame, or "
            "paths and client=."
        )
    return True


def count_partitions(
    frame: Any,
    how: Counting,
    *,
    wanted: Wanted,
    span: Span,
    alone: bool,
    client: object,
    progress: bool,
) -> Generator[Block]:
    """Give the counts of each block, in the order of the partitions.

    All partitions are one graph, so that what they share is computed once.
    """
    from dask.delayed import delayed

    reading = delayed(Reading(how, wanted, TRACES.time, alone), traverse=False)
    parts = frame[_needed(frame, how, wanted)].to_delayed()
    count = delayed(_count_partition, pure=False)
    tasks = [count(reading, part, span, place) for place, part in enumerate(parts)]
    client = _default_client() if client is None else client
    bar = LateBar(len(tasks), "counting", shown=progress)
    nothing = BadLines("skip")
    with bar:
        for founds in _computed(tasks, client):
            for found in founds:
                yield from reported(found, nothing)
            bar.update(1)


def _computed(tasks: Sequence[Any], client: object) -> Iterator[list[Found[Block]]]:
    from dask.base import compute

    if client is None:
        yield from compute(*tasks)
        return
    with Cluster(client, "count") as cluster:
        whats = [f"partition {place} of {_NAME}" for place in range(len(tasks))]
        for handle in cluster.compute(whats, tasks):
            yield handle.result()


def _needed(frame: Any, how: Counting, wanted: Wanted) -> list[Any]:
    """The columns to ask of the partitions."""
    have = {str(name): name for name in frame.columns}
    asked = [("model", "Every trace needs a model; rename the column that holds it.")]
    for scheme in how.schemes:
        named = isinstance(scheme, str) and scheme not in SCHEMES
        hint = "The classes need it; give by= a column that has the classes."
        asked.append((str(scheme) if named else "query", hint))
    if how.reward:
        asked.append((how.reward, "Name the column that holds the reward: reward='...'."))
    for name, hint in asked:
        if not (name == "outcome" and "correct" in have):
            _checks.column(name, have, where=_NAME, hint=hint)
    return [have[name] for name in wanted.stored(have, _NAME)]


def _count_partition(
    reading: Reading[Block], part: pd.DataFrame, span: Span, place: int
) -> list[Found[Block]]:
    pieces = FramePiece.of_frame(part, f"partition {place} of {_NAME}")
    return [reading(piece, span) for piece in pieces]


def _default_client() -> object:
    """The client that Dask itself would use, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
