"""Lines of scored runs that spell a deciding key in other letters.

Some programs match the names of fields whatever their case, others exactly. A line with
``"category"`` and ``"Category"`` says one thing to the first and another to the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from jarvis_lab.readers.jsonl import BadLines, decode_line
from jarvis_lab.records_lake import ScoredRun

__all__ = ["respelled_lines"]

_KEYS = ("category", "evidence_run_id")
_LETTERS = np.uint8(26)
_HIGH = np.uint16(256)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RUN_ID = msgspec.json.Decoder(str | None)


def _pairs() -> npt.NDArray[np.bool_]:
    """Whether two bytes, 256 * first + second, stand side by side in a key in any letters."""
    table = np.zeros(1 << 16, np.bool_)
    for key in _KEYS:
        quoted = f'"{key}"'
        for one, two in itertools.pairwise(zip(quoted, quoted.upper(), strict=True)):
            for first, second in itertools.product(one, two):
                table[ord(first) * 256 + ord(second)] = True
    return table


_PAIRS = _pairs()


def respelled_lines(
    block: memoryview, first: int, lines: Sequence[int], runs: Sequence[ScoredRun]
) -> Iterator[tuple[int, list[str]]]:
    """Give (line number, run ids) of each line with a key in other letters.

    Parameters
    ----------
    block, first
        Whole lines, and the number of the first.
    lines, runs
        The numbers and records of those that can be read.

    Notes
    -----
    Such a key has a capital letter between the two that are its neighbours in the key, or an
    escape. A block without either is passed over.
    """
    if not _may_respell(block):
        return
    texts, bad = bytes(block).split(b"\n"), BadLines("skip")
    for line, run in zip(lines, runs, strict=True):
        found = decode_line(texts[line - first].strip(), _OBJECT, bad, file="", number=line)
        fields = found[0] if found else {}
        names = [name for name in fields if name not in _KEYS and name.lower() in _KEYS]
        if names:
            ids = [_run_id(fields[name]) for name in names if name.lower() == "evidence_run_id"]
            yield line, [run.evidence_run_id or "", *filter(None, ids)]


def _may_respell(block: memoryview) -> bool:
    text = np.frombuffer(block, np.uint8)
    capitals = np.flatnonzero(text - np.uint8(ord("A")) < _LETTERS)
    if len(capitals):
        capitals = capitals[(capitals > 0) & (capitals < len(text) - 1)]
        after = _PAIRS[text[capitals] * _HIGH + text[capitals + 1]]
        capitals = capitals[after]
        if _PAIRS[text[capitals - 1] * _HIGH + text[capitals]].any():
            return True
    return bool((text == ord("\\")).any()) and b"\\u00" in bytes(block)


def _run_id(value: msgspec.Raw) -> str | None:
    try:
        run_id: str | None = _RUN_ID.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return run_id
