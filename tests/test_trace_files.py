"""Traces in Parquet and CSV files."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jarvis_lab import BadLineWarning, ValueWarning, read_traces, score_counts

HEADER = "query,model,outcome,feedback,started_at,total_tokens\n"


def csv(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_rows_with_too_many_or_too_few_fields_are_bad_lines(tmp_path):
    path = csv(tmp_path, HEADER + "a,m,success,1,5,6\nb,m\nc,m,success,1,5,6,7\nd,m,,,,\n")
    bad = []
    got = read_traces(path, on_bad_lines=bad.append)
    assert got["query"].tolist() == ["d", "a"]
    assert [(b.file, b.reason) for b in bad] == [
        (str(path), "2 fields where the header has 6"),
        (str(path), "7 fields where the header has 6"),
    ]
    assert [b.line for b in bad] == [3, 4]
    with pytest.warns(BadLineWarning, match="2 bad lines"):
        assert score_counts(path)["n"].sum() == 2


def test_quotes_line_ends_and_empty_fields(tmp_path):
    text = HEADER + '"a ""b"", c\nd",m,success,0.5,5,6\r\n,m,,,,\n"",m,"",,,\n'
    got = read_traces(csv(tmp_path, text))
    assert got["query"].iloc[2] == 'a "b", c\nd'
    assert got["query"].isna().tolist() == [True, False, False]
    assert got["outcome"].isna().tolist() == [True, False, False]
    assert got["query"].iloc[1] == ""
    np.testing.assert_array_equal(got["feedback"], [np.nan, np.nan, 0.5])
    assert got["total_tokens"].dtype == "Int64"
    assert got["total_tokens"].tolist() == [pd.NA, pd.NA, 6]


def test_iso_times_and_epoch_seconds(tmp_path):
    iso = read_traces(csv(tmp_path, HEADER + "a,m,,,2026-01-01T00:00:00Z,\n"))
    epoch = read_traces(csv(tmp_path, HEADER + "a,m,,,1767225600.0,\n"))
    assert iso["started_at"].dtype == epoch["started_at"].dtype == "datetime64[us, UTC]"
    assert iso["started_at"].tolist() == epoch["started_at"].tolist()
    with pytest.warns(ValueWarning, match=r"1 value of 'started_at' of .*t\.csv: not times"):
        read_traces(csv(tmp_path, HEADER + "a,m,,,soon,\nb,m,,,2026-01-01,\n"))


def test_text_is_never_taken_for_a_number_or_for_missing(tmp_path):
    path = csv(
        tmp_path, "query,model,trace_id,code,query_id,n\nNA,null,007,007,7,1\n3,1.0,8,12,9,\n"
    )
    got = read_traces(path)
    assert got["query"].tolist() == ["NA", "3"]
    assert got["model"].tolist() == ["null", "1.0"]
    assert got["trace_id"].tolist() == ["007", "8"]
    assert got["code"].tolist() == ["007", "12"]
    assert got["query_id"].tolist() == [7, 9]
    assert got["query_id"].dtype == "Int64"
    assert got["n"].iloc[0] == 1


def test_text_where_a_number_belongs_is_counted(tmp_path):
    path = csv(tmp_path, HEADER + "a,m,,good,,\nb,m,,0.5,,\n")
    with pytest.warns(ValueWarning, match=r"1 value of 'feedback' of .*t\.csv: not numbers"):
        np.testing.assert_array_equal(read_traces(path)["feedback"], [np.nan, 0.5])


def test_an_empty_file_is_an_error_and_a_header_alone_an_empty_log(tmp_path):
    with pytest.raises(ValueError, match=r"t\.csv is empty"):
        read_traces(csv(tmp_path, ""))
    got = read_traces(csv(tmp_path, HEADER))
    assert list(got.columns) == HEADER.strip().split(",")
    assert len(got) == 0
    assert got["feedback"].dtype == "float64"
    assert got["query"].dtype == "str"
    assert len(score_counts(tmp_path / "t.csv")) == 0


def test_a_byte_order_mark_belongs_to_no_column(tmp_path):
    got = read_traces(csv(tmp_path, b"\xef\xbb\xbf" + (HEADER + "a,m,,,,\n").encode()))
    assert list(got.columns) == HEADER.strip().split(",")


def test_text_that_is_no_utf8_is_replaced_and_counted(tmp_path):
    path = csv(tmp_path, b"query,model,extra\na\xffb,m,\xe9\n")
    with pytest.warns(ValueWarning, match="1 value of '(query|extra)'.*not UTF-8"):
        got = read_traces(path)
    assert got.iloc[0].tolist() == ["a\ufffdb", "m", "\ufffd"]


def test_a_field_may_be_long_and_a_file_may_have_many_blocks(tmp_path):
    text = HEADER + "x" * 5_000_000 + ",m,,,,\n" + "a,m,success,1,,\n" * 70_000
    got = read_traces(csv(tmp_path, text))
    assert len(got) == 70_001
    assert got["query"].str.len().max() == 5_000_000
    assert score_counts(tmp_path / "t.csv")["n"].sum() == 70_001


def test_a_packed_csv_that_was_cut_off_is_an_error_that_names_it(tmp_path):
    packed = gzip.compress((HEADER + "a,m,success,1,,\n" * 70_000).encode())
    with pytest.raises(ValueError, match=r"t\.csv\.gz cannot be"):
        read_traces(csv(tmp_path, packed[: len(packed) // 2], "t.csv.gz"))


def table(rows, start=0):
    return pa.table(
        {
            "query": [f"q{i}" for i in range(start, start + rows)],
            "model": ["m"] * rows,
            "outcome": ["success"] * rows,
            "started_at": [float(i) for i in range(start, start + rows)],
        }
    )


def test_several_row_groups_come_in_order(tmp_path):
    pq.write_table(table(200_000), tmp_path / "t.parquet", row_group_size=70_000)
    got = read_traces(tmp_path / "t.parquet")
    assert got["query"].tolist() == [f"q{i}" for i in range(200_000)]
    assert score_counts(tmp_path / "t.parquet")["n"].tolist() == [200_000]
    assert read_traces(tmp_path / "t.parquet", columns=["model"]).shape == (200_000, 1)


def test_dictionaries_nulls_and_other_types_of_numbers(tmp_path):
    odd = pa.table(
        {
            "query": pa.array(["a", "b", "a"]).dictionary_encode(),
            "model": pa.array(["m", None, "m"]).dictionary_encode(),
            "outcome": pa.nulls(3),
            "feedback": pa.array([1, 0, None], pa.int8()),
            "total_tokens": pa.array([1.0, 2.0, None]),
            "started_at": pa.array([1, 2, 3], pa.timestamp("ns")),
            "total_latency_seconds": pa.array([1, 2, None], pa.float32()),
        }
    )
    pq.write_table(odd, tmp_path / "t.parquet")
    got = read_traces(tmp_path / "t.parquet")
    assert got["query"].dtype == "str"
    assert got["query"].tolist() == ["a", "b", "a"]
    assert got["model"].isna().tolist() == [False, True, False]
    assert got["outcome"].dtype == "str"
    assert got["outcome"].isna().all()
    assert got["feedback"].dtype == "float64"
    assert got["total_tokens"].dtype == "Int64"
    assert got["started_at"].dtype == "datetime64[us, UTC]"
    assert got["total_latency_seconds"].dtype == "float64"
    assert score_counts(tmp_path / "t.parquet")["n"].tolist() == [1, 2]


def test_files_whose_columns_differ_are_read_together(tmp_path):
    pq.write_table(table(2), tmp_path / "a.parquet")
    other = pa.table({"model": ["n"], "query": ["z"], "correct": [True], "domain": ["x"]})
    pq.write_table(other, tmp_path / "b.parquet")
    got = read_traces(tmp_path)
    assert got["query"].tolist() == ["z", "q0", "q1"]  # without a time: first
    assert got["outcome"].tolist() == ["success"] * 3
    assert got["domain"].isna().tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'domain'"):
        score_counts(tmp_path, by="domain")


def test_a_whole_number_column_with_fractions_is_an_error_that_names_it(tmp_path):
    pq.write_table(table(1).append_column("total_tokens", pa.array([1.5])), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"'total_tokens' of .*t\.parquet must hold int64"):
        read_traces(tmp_path / "t.parquet")


def test_a_column_of_the_wrong_type_is_an_error_that_names_it(tmp_path):
    pq.write_table(pa.table({"query": [[1]], "model": ["m"]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"'query' of .*t\.parquet holds list"):
        read_traces(tmp_path / "t.parquet")
    pq.write_table(
        pa.table({"query": ["q"], "model": ["m"], "feedback": [[1.0]]}), tmp_path / "t.parquet"
    )
    with pytest.raises(ValueError, match=r"'feedback' of .*t\.parquet"):
        read_traces(tmp_path / "t.parquet")


@pytest.mark.parametrize("keep", [4, 8, 0.5, 0.99])
def test_a_parquet_file_that_was_cut_off_is_an_error_that_names_it(tmp_path, keep):
    path = tmp_path / "t.parquet"
    pq.write_table(table(1_000), path)
    data = path.read_bytes()
    path.write_bytes(data[: keep if keep >= 1 else int(len(data) * keep)])
    for verb in (read_traces, score_counts):
        with pytest.raises(ValueError, match=r"t\.parquet cannot be read"):
            verb(path)


def test_a_parquet_file_whose_pages_are_damaged_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(table(5_000), path)
    data = bytearray(path.read_bytes())
    data[100:3_000] = b"\xff" * 2_900
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"t\.parquet cannot be read"):
        read_traces(path)


def test_a_parquet_file_without_rows_gives_an_empty_frame(tmp_path):
    pq.write_table(table(0), tmp_path / "t.parquet")
    got = read_traces(tmp_path / "t.parquet")
    assert len(got) == 0
    assert {"query", "model", "outcome", "started_at"} <= set(got.columns)
    assert len(score_counts(tmp_path / "t.parquet")) == 0
