"""Files → DataFrames: one verb per table.

The names are loaded on first use, so that a module that reads lines alone loads no tables.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jarvis_lab.readers.casts import ValueWarning
    from jarvis_lab.readers.jsonl import BadLine, BadLineError, BadLineWarning
    from jarvis_lab.readers.trace_store import DamagedStoreError
    from jarvis_lab.readers.traces import read_steps, read_traces

__all__ = [
    "BadLine",
    "BadLineError",
    "BadLineWarning",
    "DamagedStoreError",
    "ValueWarning",
    "read_steps",
    "read_traces",
]

_MODULES = {
    "BadLine": "jsonl",
    "BadLineError": "jsonl",
    "BadLineWarning": "jsonl",
    "DamagedStoreError": "trace_store",
    "ValueWarning": "casts",
    "read_steps": "traces",
    "read_traces": "traces",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
