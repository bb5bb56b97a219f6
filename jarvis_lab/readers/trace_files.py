"""Traces in Parquet and CSV files, in their stored blocks."""

from __future__ import annotations

import collections
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from jarvis_lab import _checks
from jarvis_lab.readers.casts import BLOCK_ROWS, valid_text
from jarvis_lab.readers.columns import Wanted, canonical
from jarvis_lab.readers.jsonl import BadLines
from jarvis_lab.readers.locations import NoLogError
from jarvis_lab.readers.packed import open_bytes

__all__ = ["CsvPiece", "ParquetPiece"]

# A column of a row group is read bit by bit: groups may be as large as their file.
_BUFFER = 1 << 20
_CSV_BLOCK = 32 << 20  # a row must fit in it


@dataclass(frozen=True)
class ParquetPiece:
    """One row group of a Parquet file."""

    file: str
    row_group: int

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """Tables of at most 65,536 rows, of the wanted columns alone."""
        del bad_lines
        with (
            _damage_named(self.file),
            pa.parquet.ParquetFile(self.file, pre_buffer=False, buffer_size=_BUFFER) as parquet,
        ):
            have = parquet.schema_arrow.names
            for batch in parquet.iter_batches(
                BLOCK_ROWS, row_groups=[self.row_group], columns=wanted.stored(have, self.file)
            ):
                table = pa.Table.from_batches([batch])
                yield canonical(table, wanted, where=self.file)

    @classmethod
    def of_file(cls, file: str) -> list[ParquetPiece]:
        """The file's row groups in order."""
        with _damage_named(file), pa.parquet.ParquetFile(file) as parquet:
            return [cls(file, group) for group in range(parquet.num_row_groups)]


@dataclass(frozen=True)
class CsvPiece:
    """A CSV file with a header line. An empty unquoted field is missing."""

    file: str

    def blocks(self, wanted: Wanted, bad_lines: BadLines) -> Iterator[pa.Table]:
        """Tables of at most 65,536 rows; a line with too many or too few fields is a bad line."""

        def report(row: Any) -> str:
            fields = f"{row.actual_columns} {_checks.plural(row.actual_columns, 'field')}"
            reason = f"{fields} where the header has {row.expected_columns}"
            bad_lines.add(self.file, row.number or 0, reason)
            return "skip"

        header = self._header()
        options = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            check_utf8=False,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            include_columns=wanted.stored(header, self.file),
        )
        with _damage_named(self.file), open_bytes(self.file) as handle:
            # One thread, so that a bad row knows its number.
            reader = pa.csv.open_csv(
                handle,
                read_options=pa.csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK),
                parse_options=pa.csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=report
                ),
                convert_options=options,
            )
            tables: list[pa.RecordBatch] = []
            rows = 0
            for batch in reader:
                while rows + len(batch) >= BLOCK_ROWS:
                    head = batch.slice(0, BLOCK_ROWS - rows)
                    yield self._typed([*tables, head], wanted)
                    batch, tables, rows = batch.slice(len(head)), [], 0
                tables.append(batch)
                rows += len(batch)
            yield self._typed(tables, wanted, reader.schema)

    def _header(self) -> list[str]:
        with _damage_named(self.file), open_bytes(self.file) as handle:
            text = io.TextIOWrapper(handle, "utf-8-sig", errors="replace", newline="")
            header = next((row for row in csv.reader(text) if row), None)
        if header is None:
            raise NoLogError(f"{self.file} is empty: a CSV file needs a header line.")
        twice = [name for name, count in collections.Counter(header).items() if count > 1]
        if twice:
            raise ValueError(f"{self.file} has two columns of the name {_checks.names(twice)}.")
        return header

    def _typed(
        self, batches: list[pa.RecordBatch], wanted: Wanted, schema: pa.Schema | None = None
    ) -> pa.Table:
        table = pa.Table.from_batches(batches, schema)
        for place, name in enumerate(table.column_names):
            texts = valid_text(table[name], f"{name!r} of {self.file}")
            table = table.set_column(place, name, texts)
        for name in {"correct", "query_id", *wanted.others(table.column_names)} & set(
            table.column_names
        ):
            values = table[name].to_pandas()
            better = pd.Series(_inferred(values))
            table = table.set_column(
                table.column_names.index(name), name, pa.array(better, from_pandas=True)
            )
        return canonical(table, wanted, where=self.file)


def _inferred(values: pd.Series[Any]) -> Any:
    lowered = values.str.lower()
    if bool(lowered.dropna().isin(["true", "false"]).all()) and lowered.notna().any():
        return lowered.map({"true": True, "false": False}).astype("boolean")
    if bool(values.str.match(r"[+-]?0\d").any()):  # 007 is a name
        return values
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if bool((numbers.notna() == values.notna()).all()) else values


class _damage_named:  # noqa: N801 - a context manager
    """Turn the errors of a damaged file into one that names it."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (pa.ArrowInvalid, EOFError, OSError)) and not isinstance(
            error, FileNotFoundError
        ):
            raise ValueError(
                f"{self._file} cannot be read to its end: {error}. Is it damaged or cut off?"
            ) from error
