"""Generated traces in Parquet, from a seed: `python benchmarks/parquet_maker.py N FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from store_maker import MODELS, WORDS

ROWS_A_FILE = 1_000_000
ROWS_A_GROUP = 100_000
_TEXT_CHARS = 1 << 25


def make_parquet(rows: int, folder: Path, seed: int = 20260101) -> Path:
    """Write ``rows`` traces with queries of 240 characters on average, in files of a million.

    The first million rows are the same whatever ``rows`` is. Queries are stretches of one long
    generated text, which is some hundred times faster than putting each together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    spoken = np.array(WORDS)[rng.integers(0, len(WORDS), _TEXT_CHARS // 6)]
    text = np.frombuffer(" ".join(spoken.tolist()).encode(), np.uint8)
    starts = np.flatnonzero(text == ord(" ")).astype(np.int64) + 1
    for place, first in enumerate(range(0, rows, ROWS_A_FILE)):
        count = min(ROWS_A_FILE, rows - first)
        own = np.random.default_rng([seed, place])
        path = folder / f"traces-{place:05}.parquet"
        if path.exists():
            continue
        with pq.ParquetWriter(path.with_suffix(".tmp"), SCHEMA, compression="zstd") as writer:
            for start in range(0, count, ROWS_A_GROUP):
                writer.write_table(
                    _traces(first + start, min(ROWS_A_GROUP, count - start), own, text, starts)
                )
        path.with_suffix(".tmp").rename(path)
    return folder


SCHEMA = pa.schema(
    [
        ("query_id", pa.int64()),
        ("query", pa.large_string()),
        ("model", pa.dictionary(pa.int32(), pa.string())),
        ("outcome", pa.dictionary(pa.int32(), pa.string())),
        ("feedback", pa.float64()),
        ("started_at", pa.timestamp("us", "UTC")),
        ("total_tokens", pa.int64()),
        ("total_latency_seconds", pa.float64()),
        ("cost_usd", pa.float64()),
    ]
)


def _traces(
    first: int, count: int, rng: np.random.Generator, text: np.ndarray, starts: np.ndarray
) -> pa.Table:
    models = rng.integers(0, len(MODELS), count)
    good = rng.random(count) < 0.5 + 0.05 * models
    seconds = 1_760_000_000 + 1.5 * np.arange(first, first + count)
    cost = rng.random(count)
    columns = [
        np.arange(first, first + count),
        _queries(count, rng, text, starts),
        pa.DictionaryArray.from_arrays(models.astype(np.int32), MODELS),
        pa.DictionaryArray.from_arrays(
            pa.array((~good).astype(np.int32), mask=rng.random(count) < 0.1),
            ["success", "failure"],
        ),
        pa.array(rng.random(count).round(3), mask=rng.random(count) < 0.5),
        pa.array((seconds * 1e6).astype(np.int64)).cast(SCHEMA.field("started_at").type),
        (3000 * cost).astype(np.int64),
        (5 * rng.random(count)).round(3),
        (cost / 100).round(6),
    ]
    arrays = [c if isinstance(c, pa.Array) else pa.array(c) for c in columns]
    return pa.table(arrays, schema=SCHEMA)


def _queries(
    count: int, rng: np.random.Generator, text: np.ndarray, starts: np.ndarray
) -> pa.Array:
    """Stretches of 45 words on average, each from the beginning of a word."""
    words = rng.geometric(1 / 45, count).clip(1, 400)
    places = rng.integers(0, len(starts) - 401, count)
    begin = starts[places]
    lengths = starts[places + words] - 1 - begin
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    take = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], lengths)
    data = np.take(text, take)
    return pa.LargeStringArray.from_buffers(
        count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data.tobytes())
    )


if __name__ == "__main__":
    make_parquet(int(sys.argv[1]), Path(sys.argv[2]))
