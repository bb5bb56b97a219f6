"""Counts per query class and model: the sums from which every score is made.

The table is small whatever the size of the log, adds up, and holds all that scores, intervals
and routing tables need, so that a frame in memory, a stream from disk and a cluster give the
same answer by the same code.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Sequence

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import SCHEMES, By, scheme_name
from jarvis_lab.readers.columns import Wanted
from jarvis_lab.readers.jsonl import BadLines, OnBadLines
from jarvis_lab.readers.reading import Span
from jarvis_lab.readers.sources import TRACES, Job
from jarvis_lab.scores.blocks import Counting
from jarvis_lab.scores.counted_by import check_schemes, tell, told_by_all
from jarvis_lab.scores.partitions import count_partitions, is_dask_frame
from jarvis_lab.scores.sums import (
    FLOATS,
    INTEGERS,
    NEVER,
    REWARD_COLUMNS,
    Block,
    Fields,
    Sums,
    sum_names,
)

__all__ = [
    "COUNT_COLUMNS",
    "REWARD_COLUMNS",
    "as_counts",
    "is_counts",
    "merge_counts",
    "score_counts",
]

#: The columns of a table of counts, after ``scheme`` (where there are several) and the keys.
COUNT_COLUMNS = (*INTEGERS, *FLOATS, "last_seen", "last_row")
_READ = (
    *("query", "model", "outcome", "feedback", "started_at"),
    *("total_tokens", "total_latency_seconds", "cost_usd"),
)


def score_counts(
    source: object,
    *,
    by: By | Sequence[By] = "regex",
    reward: str | None = None,
    since: object = None,
    until: object = None,
    on_bad_lines: OnBadLines = "warn",
    workers: int | None = None,
    client: object = None,
    progress: bool = True,
) -> pd.DataFrame:
    """One row per query class and model: the counts and sums of its traces.

    Parameters
    ----------
    source : path, glob, list of paths, DataFrame or object with ``list_traces()``
        What :func:`read_traces` takes, or a Dask DataFrame. A path is streamed: memory does not
        grow with the log.
    by : {"regex", "keyword"}, column name, object with ``predict``, or several of these
        What the classes are. With several (a tuple or list), all are counted in one read and
        a column ``scheme`` tells them apart.
    reward : str, optional
        A column of true and false or of numbers in [0, 1], to be summed as well.
    since, until : number, str or datetime, optional
        First and last ``started_at``, both inclusive.
    on_bad_lines : {"warn", "error", "skip"} or callable
        What to do with a line that cannot be read.
    workers : int, optional
        Threads; one per processor by default. The result is the same, bit for bit.
    client : distributed.Client, optional
        The workers of its cluster read the files, by the same absolute paths, instead of threads
        here. The result is the same, bit for bit. A frame, and a store that is being written to,
        are read here.
    progress : bool
        Whether to show a progress bar if the work takes over two seconds.

    Returns
    -------
    DataFrame
        Sorted by class and model:

        - ``scheme`` (str): only with several ``by``; its name, its column's or its type's.
        - ``query_class``, ``model`` (str): an empty model is one that the log does not name.
        - ``n`` (int64): traces; ``n_outcome``: those with an outcome; ``successes``: those whose
          outcome is "success"; ``n_feedback``: those with a feedback in [0, 1].
        - ``n_both``, ``both_successes`` (int64): traces with outcome and feedback.
        - ``n_latency``, ``n_tokens``, ``n_cost`` (int64): traces that have one.
        - ``invalid_feedback``, ``invalid_latency`` (int64): values left out because they are
          outside [0, 1], or negative or infinite.
        - ``feedback_sum``, ``feedback_sum_squares`` (float64), and of the traces with both:
          ``both_feedback_sum``, ``both_feedback_sum_squares``, ``both_success_feedback_sum``.
        - ``latency_sum_seconds``, ``tokens_sum``, ``cost_sum_usd`` (float64).
        - ``last_seen`` (datetime64[us, UTC]): the newest trace; NaT if none has a time.
        - ``last_row`` (int64): its place among the rows read, to break ties in ``last_seen``.
        - ``n_reward`` (int64), ``reward_sum``, ``reward_sum_squares`` (float64),
          ``invalid_reward`` (int64, values outside [0, 1], left out): only with ``reward``.

        ``attrs["by"]`` (only without ``scheme``) and ``attrs["reward"]`` (only with ``reward``)
        name what was counted; pandas keeps them in Parquet and loses them in CSV.

    Raises
    ------
    FileNotFoundError, ValueError, BadLineError
        As for :func:`read_traces`, and if the source has no ``model``, no column ``by`` or no
        column ``reward``, or that holds neither true and false nor numbers.
    LostTaskError
        If a cluster gave a file up because each worker that took it ended.

    Notes
    -----
    Sums are made per 65,536 rows of a stored row group (Parquet), file (JSONL, CSV), table
    (SQLite) or frame, and added in stored order, so that the same files give the same bits on any
    number of threads or workers. The blocks of a Dask DataFrame end where its partitions do: its
    whole numbers are those of the same rows in files, its sums agree to 1e-12.

    Examples
    --------
    >>> log = pd.DataFrame(
    ...     {"query": ["import os", "import re", "hi"], "model": ["a", "a", "b"],
    ...      "outcome": ["success", "failure", None], "feedback": [1.0, None, 0.5]}
    ... )
    >>> score_counts(log)[["query_class", "model", "n", "n_outcome", "successes", "feedback_sum"]]
      query_class model  n  n_outcome  successes  feedback_sum
    0        code     a  2          2          1           1.0
    1       short     b  1          0          0           0.5
    """
    schemes = tuple(by) if isinstance(by, (tuple, list)) else (by,)
    if not schemes:
        raise ValueError("by is empty: name at least one scheme or column.")
    twice = [name for name, count in Counter(map(scheme_name, schemes)).items() if count > 1]
    if twice:
        raise ValueError(f"by has {_checks.names(twice)} twice; each scheme needs its own name.")
    own = None if reward is None else _checks.text("reward", reward)
    lines, span = BadLines(on_bad_lines), Span.of(since, until)
    wanted = _wanted(schemes, own)
    how = Counting(schemes, own, wanted.available)
    # A model of the user's own may not stand several threads.
    alone = not all(isinstance(scheme, str) for scheme in schemes)
    if is_dask_frame(source):
        blocks = count_partitions(
            source, how, wanted=wanted, span=span, alone=alone, client=client, progress=progress
        )
    else:
        blocks = Job(
            how,
            of=TRACES,
            wanted=wanted,
            span=span,
            bad_lines=lines,
            workers=None if workers is None else _checks.whole("workers", workers, least=1),
            client=client,
            alone=alone,
            progress=progress,
        ).run(source)
    sums = _summed(blocks, own)
    lines.close(stacklevel=_checks.caller_level() + 1)
    frame = sums.frame([scheme_name(scheme) for scheme in schemes])
    if not isinstance(by, (tuple, list)):
        frame = frame.drop(columns="scheme")
    return tell(frame, by=scheme_name(schemes[0]), reward=own)


def _wanted(schemes: Sequence[By], reward: str | None) -> Wanted:
    """The columns that the schemes and the sums need."""
    columns = [scheme for scheme in schemes if isinstance(scheme, str) and scheme not in SCHEMES]
    names = [name for name in _READ if name != "query" or len(columns) < len(schemes)]
    return Wanted(TRACES.kinds, [*names, *columns, *([] if reward is None else [reward])])


def _summed(blocks: Generator[Block], reward: str | None) -> Sums:
    sums, fields = Sums(reward=reward is not None), Fields(reward)
    with contextlib.closing(blocks) as found:
        for block in found:
            sums.add(block.keys, block.integers, block.floats, block.last, block.rows)
            fields.add(block)
    fields.check()
    return sums


def merge_counts(*counts: pd.DataFrame) -> pd.DataFrame:
    """One row per query class and model: the sums of several tables of counts.

    Parameters
    ----------
    *counts : DataFrame
        Tables of :func:`score_counts`, of the same schemes and the same reward, the one with the
        oldest traces first (their order decides ties between traces without a time, and nothing
        else but the last bits of the sums). A table that does not tell what it was counted by,
        one that was made by hand or read from CSV, is taken at its caller's word.

    Returns
    -------
    DataFrame
        As :func:`score_counts` gives.

    Raises
    ------
    ValueError
        If there is none, one of them is no table of counts, only some have schemes or a reward,
        or two were counted by different schemes or with different rewards.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"], "model": ["a"], "outcome": ["success"]})
    >>> merge_counts(score_counts(log), score_counts(log))[["query_class", "model", "n"]]
      query_class model  n
    0        code     a  2
    """
    for table in counts:
        if not is_counts(table):
            raise ValueError("merge_counts takes tables of score_counts().")
        names = [name for name in ("scheme", "query_class", "model") if name in table]
        if table.duplicated(names).any():
            raise ValueError(
                "A table of counts names a class and model twice: give merge_counts the tables "
                "one by one, not concatenated."
            )
    if not counts or len({"scheme" in table for table in counts}) > 1:
        raise ValueError(
            "merge_counts takes at least one table, and either all or none with a column 'scheme'."
        )
    reward = "n_reward" in counts[0]
    if any(("n_reward" in table) != reward for table in counts):
        raise ValueError(
            "Only some of these counts have a reward: count all of them with reward=, or none."
        )
    several = "scheme" in counts[0]
    check_schemes(counts if several else [])
    by, name = told_by_all(counts, "by"), told_by_all(counts, "reward")
    schemes = list(dict.fromkeys(s for t in counts for s in t["scheme"])) if several else [""]
    sums, own = Sums(reward=reward), sum_names(reward=reward)
    for table in counts:
        places = table["scheme"].map(schemes.index) if several else [0] * len(table)
        keys = list(zip(places, table["query_class"], table["model"], strict=True))
        stamps = table["last_seen"].dt.as_unit("us")
        seen = np.where(stamps.isna(), NEVER, stamps.astype("int64"))
        last = np.column_stack([seen, table["last_row"]]).astype(np.int64)
        rows = int(table["n"].sum()) // max(len(set(places)), 1)
        integers, floats = (table[list(names)].to_numpy() for names in own)
        sums.add(keys, integers.astype(np.int64), floats.astype(np.float64), last, rows)
    frame = sums.frame(schemes)
    return tell(frame if several else frame.drop(columns="scheme"), by=by, reward=name)


def as_counts(
    source: object,
    *,
    by: By | Sequence[By],
    reward: str | None = None,
    client: object = None,
) -> pd.DataFrame:
    """The source itself if it is a table of counts, else its counts by ``by``."""
    if isinstance(source, pd.DataFrame) and is_counts(source):
        return source
    return score_counts(source, by=by, reward=reward, client=client)


def is_counts(table: object) -> bool:
    """Whether ``table`` is one of :func:`score_counts`."""
    return isinstance(table, pd.DataFrame) and {
        "query_class",
        "model",
        *COUNT_COLUMNS,
    } <= set(table.columns)
