"""A generated trace store of any size, from a seed: `python benchmarks/store_maker.py N PATH`."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import numpy as np

SCHEMA = """CREATE TABLE traces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT NOT NULL UNIQUE,
    query TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '', engine TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '', outcome TEXT, feedback REAL,
    started_at REAL NOT NULL DEFAULT 0.0, ended_at REAL NOT NULL DEFAULT 0.0,
    total_tokens INTEGER NOT NULL DEFAULT 0, total_latency_seconds REAL NOT NULL DEFAULT 0.0,
    metadata TEXT NOT NULL DEFAULT '{}', messages TEXT NOT NULL DEFAULT '[]')"""
_KEYWORDS = "function import class def solve integral equation compute"
_PLAIN = (
    "the a model of routing data please explain how we can write list value result table query "
    "server error fix for in to and with from that this is not what why when café naïve résumé "
    "über customer order invoice delay travel plan garden recipe budget meeting notes draft mail "
    "reply summary chapter history music river mountain school teacher lesson budget report team"
)
WORDS = _KEYWORDS.split() + _PLAIN.split() * 12
MODELS = [f"vendor/model-{i}" for i in range(6)]
AT_A_TIME = 20_000


def make_store(rows: int, path: Path, seed: int = 20260101) -> None:
    """Write ``rows`` traces with queries of 240 characters on average."""
    rng = np.random.default_rng(seed)
    words = np.array(WORDS)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(SCHEMA)
        for start in range(0, rows, AT_A_TIME):
            count = min(AT_A_TIME, rows - start)
            lengths = rng.geometric(1 / 45, count).clip(1, 400)
            spoken = words[rng.integers(0, len(words), lengths.sum())].tolist()
            ends = lengths.cumsum()
            batch = []
            for i in range(count):
                query = " ".join(spoken[ends[i] - lengths[i] : ends[i]])
                batch.append(trace(start + i, query, *rng.random(6)))
            connection.executemany(
                "INSERT INTO traces (trace_id, query, agent, model, engine, result, outcome,"
                " feedback, started_at, ended_at, total_tokens, total_latency_seconds, metadata,"
                " messages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                batch,
            )


def trace(
    place: int,
    query: str,
    which: float,
    good: float,
    told: float,
    time: float,
    cost: float,
    x: float,
) -> tuple[object, ...]:
    model = int(which * len(MODELS))
    outcome = None if x < 0.1 else "success" if good < 0.5 + 0.05 * model else "failure"
    feedback = round(told, 3) if told > 0.5 and place >= 100_000 else None
    started, latency = 1_760_000_000 + 1.5 * place, round(5 * time, 3)
    facts = {"cost_usd": round(cost / 100, 6), "query_id": place}
    messages = [{"role": "user", "content": query[:100]}]
    return (
        *(f"{place:016x}", query, "simple", MODELS[model], "cloud", "answer " * 60, outcome),
        *(feedback, started, started + latency, int(3000 * cost), latency),
        *(json.dumps(facts), json.dumps(messages)),
    )


if __name__ == "__main__":
    make_store(int(sys.argv[1]), Path(sys.argv[2]))
