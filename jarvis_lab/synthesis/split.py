"""Train and validation by hash: a row's side depends on its own group and on nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis.messages import read_prompt
from jarvis_lab.synthesis.normal import normal_form

__all__ = ["Split", "assign_split", "split_shares"]

Split = float | Mapping[str, float] | None

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SUM_TOLERANCE = 1e-9


def split_shares(split: Split) -> dict[str, float]:
    """Give name -> share of a split; empty for no split.

    Raises
    ------
    TypeError, ValueError
        If a share is no number from 0 to 1, the shares do not sum to 1, or a name would not do
        in a file name.

    Examples
    --------
    >>> split_shares(0.25)
    {'train': 0.75, 'validation': 0.25}
    """
    if split is None:
        return {}
    if not isinstance(split, Mapping):
        share = _checks.fraction("split", split)
        return {"train": 1.0 - share, "validation": share}
    shares = {}
    for name, share in split.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"split has the name {name!r}; use letters, digits, '_' and '-', as it becomes "
                "part of a file name."
            )
        shares[name] = _checks.fraction(f"split[{name!r}]", share, ends=True)
    if abs(sum(shares.values()) - 1.0) > _SUM_TOLERANCE:
        raise ValueError(f"The shares of split sum to {sum(shares.values())!r}, not to 1: {split}.")
    if len({name.lower() for name in shares}) < len(shares):
        raise ValueError(f"split has names that differ only in case: {list(shares)}.")
    return shares


def assign_split(
    rows: pd.DataFrame, *, split: Split, group: str | None = None, prompt: str = "prompt_messages"
) -> pd.Series:
    """Give each row the name of its split.

    Parameters
    ----------
    rows
        One row per training row.
    split
        The share of validation (``0.1``), or name -> share, which sum to 1.
    group
        Column whose equal values stay together. By default rows of the same prompt do. A row
        without a value is grouped by its prompt. Where rows of one prompt are in several groups,
        that prompt can stand on both sides: choose a group that holds whole prompts. Two
        conversations that begin alike are two prompts; group them by their task, if need be.
    prompt
        Column of the prompt: a list of messages, or text. Prompts that differ only in case,
        white space or Unicode form are one.

    Returns
    -------
    pandas.Series of str, named ``split``, with the index of ``rows``
        All ``"all"`` if ``split`` is None.

    Raises
    ------
    TypeError, ValueError
        If ``rows`` is no frame, a column is missing, or ``split`` is none that
        :func:`split_shares` takes.

    Notes
    -----
    u = the first 64 bits of SHA-256 of the group, over 2**64; the first name takes u in
    [0, share), the next one the interval after it, and so on. Nothing else enters, so adding,
    removing or reordering rows moves no other row, and a larger validation share only moves rows
    from train to validation. The shares hold on average over groups, not exactly.

    Examples
    --------
    >>> rows = pd.DataFrame({"prompt_messages": ["What is 2 + 2?", "what is  2 + 2?"]})
    >>> assign_split(rows, split=0.5).nunique()
    1
    """
    shares = split_shares(split)
    _checks.frame("rows", rows, hint="Give correction_rows(queue), or a frame of your own.")
    if group is not None:
        _checks.column(group, rows.columns, where="rows", hint="Pass group= one of them.")
    hint = "Pass prompt= the column of the prompt."
    _checks.column(prompt, rows.columns, where="rows", hint=hint)
    values = rows[group].tolist() if group is not None else [None] * len(rows)
    keys = [
        _prompt_key(asked) if _missing(value) else f"group\0{_group_text(value)}"
        for value, asked in zip(values, rows[prompt].tolist(), strict=True)
    ]
    names = [_side(key, shares) for key in keys]
    return pd.Series(names, index=rows.index, name="split", dtype="str")


def _side(key: str, shares: Mapping[str, float]) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    names = [name for name, share in shares.items() if share > 0.0]
    for name, end in zip(names, accumulate(shares[name] for name in names), strict=True):
        if position < end:
            return name
    return names[-1] if names else "all"


def _prompt_key(value: object) -> str:
    if isinstance(value, str):
        return f"prompt\0user\1{normal_form(value)}"
    return "\0".join(("prompt", *(f"{role}\1{text}" for role, text in read_prompt(value).key)))


def _missing(value: object) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, (float, np.floating)) and bool(value != value)


def _group_text(value: object) -> str:
    """Text of a group; 1 and 1.0 are one, as a missing value makes a whole column real."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
