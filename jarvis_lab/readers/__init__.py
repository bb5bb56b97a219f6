"""Files → DataFrames: one verb per table."""

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
