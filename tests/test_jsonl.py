"""JSON Lines of traces: bad lines, odd characters, packed files, further fields."""

import gzip
import json

import pandas as pd
import pytest
import zstandard

from jarvis_lab import BadLine, BadLineError, BadLineWarning, read_traces, score_counts

GOOD = {"query": "hi", "model": "a", "outcome": "success", "feedback": 0.5, "started_at": 5.0}


def line(**changes):
    return json.dumps({**GOOD, **changes}).encode() + b"\n"


def file(tmp_path, *parts, name="log.jsonl"):
    path = tmp_path / name
    path.write_bytes(b"".join(parts))
    return path


def read(path, **options):
    """What was read, and the bad lines."""
    bad = []
    frame = read_traces(path, on_bad_lines=bad.append, **options)
    return frame, bad


BAD = {
    "broken": b'{"query": "hi"\n',
    "no object": b"[1]\n",
    "a number": b"5\n",
    "null": b"null\n",
    "no JSON": b"hello\n",
    "NaN": b'{"feedback": NaN}\n',
    "two objects": b"{} {}\n",
    "BOM": b"\xef\xbb\xbf{}\n",
    "outcome of no text": line(outcome=True),
    "number for an outcome": line(outcome=1),
    "text for a number": line(feedback="good"),
    "text for a time": line(started_at="yesterday"),
    "a date alone for a time": line(started_at="2026-01-01"),
    "fraction of a token": line(total_tokens=1.5),
    "more than 64 bits": line(id=2**63),
    "query of no text": line(query=["hi"]),
    "metadata of no object": line(metadata=[1]),
    "deep nesting": b'{"metadata": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n",
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("columns", [None, "all"])
def test_a_bad_line_is_left_out_placed_and_explained(tmp_path, kind, columns):
    path = file(tmp_path, line(), b"\n", BAD[kind], line(query="last"))
    frame, bad = read(path, columns=columns)
    assert frame["query"].tolist() == ["hi", "last"]
    assert [(b.file, b.line) for b in bad] == [(str(path), 3)]
    assert bad[0].reason


def test_each_policy_for_bad_lines(tmp_path):
    path = file(tmp_path, line(), b"{\n", b"[]\n", b"[]\n", b"[]\n")
    with pytest.raises(BadLineError, match=r"log\.jsonl, line 2: .*on_bad_lines='warn'"):
        read_traces(path, on_bad_lines="error")
    with pytest.warns(BadLineWarning) as caught:
        assert len(read_traces(path)) == 1
    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith(f"4 bad lines left out: {path}, line 2: ")
    assert "line 4" in text
    assert "; and 1 more" in text
    assert len(read_traces(path, on_bad_lines="skip")) == 1
    found = []
    read_traces(path, on_bad_lines=found.append)
    assert found[0] == BadLine(str(path), 2, found[0].reason)
    assert [b.line for b in found] == [2, 3, 4, 5]


def test_the_warning_of_score_counts_points_at_its_caller(tmp_path):
    with pytest.warns(BadLineWarning) as caught:
        score_counts(file(tmp_path, line(), b"{\n"))
    assert caught[0].filename == __file__


def test_a_byte_order_mark_is_named(tmp_path):
    path = file(tmp_path, b"\xef\xbb\xbf", line(), line())
    frame, (bad,) = read(path)
    assert len(frame) == 1
    assert bad == BadLine(
        str(path), 1, "begins with a byte order mark; save the file as UTF-8 without one"
    )


def test_only_a_line_feed_ends_a_line(tmp_path):
    text = "a\u2028b\u2029c\u0085d"
    frame, bad = read(file(tmp_path, json.dumps({"query": text}, ensure_ascii=False).encode()))
    assert frame["query"].tolist() == [text]
    assert not bad
    frame, bad = read(file(tmp_path, line().replace(b"\n", b"\r\n") * 2, b"\r\n  \n", line()[:-1]))
    assert len(frame) == 3
    assert not bad


def test_invalid_utf8_and_lone_surrogates_are_replaced_and_counted(tmp_path):
    parts = [b'{"query": "a\xffb", "model": "m"}\n', b'{"query": "\\ud800", "model": "m"}\n']
    path = file(tmp_path, *parts, b'{"query": "\\ud83d\\ude00 \xc3\xa9", "model": "m"}\n')
    with pytest.warns(BadLineWarning, match=r"^2 lines with invalid UTF-8.*log\.jsonl"):
        frame = read_traces(path)
    assert frame["query"].tolist() == ["a\ufffdb", "\ufffd", "\U0001f600 é"]


def test_null_means_absent_in_every_field(tmp_path):
    nothing = dict.fromkeys(
        [
            *("id", "trace_id", "query", "agent", "model", "engine", "result", "outcome"),
            *("feedback", "started_at", "ended_at", "total_tokens", "total_latency_seconds"),
            *("metadata", "messages", "cost_usd", "query_id", "correct"),
        ]
    )
    frame, bad = read(file(tmp_path, json.dumps(nothing).encode(), b"\n{}\n"), columns="all")
    assert not bad
    assert len(frame) == 2
    assert frame.isna().all(axis=None)
    assert score_counts(tmp_path / "log.jsonl")["n"].tolist() == [2]


def test_an_empty_file_gives_an_empty_frame_with_its_columns(tmp_path):
    for data in (b"", b"\n\n"):
        frame, bad = read(file(tmp_path, data))
        assert not bad
        assert len(frame) == 0
        assert frame["feedback"].dtype == "float64"
        assert frame["query"].dtype == "str"
        assert frame["started_at"].dtype == "datetime64[us, UTC]"
    assert len(score_counts(tmp_path / "log.jsonl")) == 0


def test_a_line_of_fifty_megabytes_is_read(tmp_path):
    frame, bad = read(file(tmp_path, line(query="x" * 50_000_000), line()))
    assert not bad
    assert frame["query"].str.len().tolist() == [50_000_000, 2]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_packed_parts_may_stand_one_after_the_other(tmp_path, pack):
    many = line(query="x" * 3000) * 1_000
    frame, bad = read(file(tmp_path, pack(line()), pack(many), pack(b""), pack(line(query="z"))))
    assert not bad
    assert len(frame) == 1_002
    assert frame["query"].iloc[-1] == "z"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_packed_file_that_was_cut_off_is_an_error_that_names_it(tmp_path, pack, keep):
    text = b"".join(line(query=str(hash((i, "x")))) for i in range(20_000))
    packed = pack(text)
    path = file(tmp_path, packed[: int(len(packed) * keep)], name="log.jsonl.packed.jsonl")
    for verb in (read_traces, score_counts):
        with pytest.raises(ValueError, match=r"packed\.jsonl cannot be unpacked to its end"):
            verb(path)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_packed_file_that_is_damaged_is_an_error_that_names_it(tmp_path, pack):
    packed = bytearray(pack(b"".join(line(query=str(i)) for i in range(5_000))))
    packed[len(packed) // 2 :] = b"\0" * (len(packed) - len(packed) // 2)
    with pytest.raises(ValueError, match=r"log\.jsonl cannot be unpacked"):
        read_traces(file(tmp_path, bytes(packed)))


def test_zstandard_unpacks_much_from_little(tmp_path):
    packed = zstandard.ZstdCompressor().compress(line() + b"\n" * 30_000_000 + line())
    assert len(packed) < 10_000
    frame, bad = read(file(tmp_path, packed))
    assert len(frame) == 2
    assert not bad


def test_further_fields_come_by_name_and_with_all(tmp_path):
    path = file(
        tmp_path,
        line(domain="x", **{"odd name!": 1}, extra={"a": [1]}),
        line(domain="y", started_at=6.0),
    )
    assert "domain" not in read(path)[0]
    frame, _ = read(path, columns=["domain", "odd name!", "model"])
    assert list(frame.columns) == ["domain", "odd name!", "model"]
    assert frame["domain"].tolist() == ["x", "y"]
    assert frame["odd name!"].tolist() == [1, pd.NA]
    whole, _ = read(path, columns="all")
    assert {"domain", "odd name!", "extra"} <= set(whole.columns)
    assert whole["extra"].iloc[0] == {"a": [1]}
    counts = score_counts(path, by="domain")
    assert counts[["query_class", "n"]].values.tolist() == [["x", 1], ["y", 1]]
    with pytest.raises(ValueError, match=r"log\.jsonl has no column 'domian'"):
        score_counts(path, by="domian")


def test_facts_stand_in_the_metadata_or_beside_it(tmp_path):
    path = file(
        tmp_path,
        line(metadata={"cost_usd": 1, "query_id": "x"}),
        line(cost_usd=2.5, query_id=7),
        line(metadata='{"cost_usd": 3}'),
        line(metadata="no JSON"),
    )
    frame, bad = read(path)
    assert not bad
    assert frame["cost_usd"].tolist()[:3] == [1.0, 2.5, 3.0]
    assert pd.isna(frame["cost_usd"].iloc[3])
    assert frame["query_id"].tolist()[:2] == ["x", "7"]


def test_fields_of_different_types_on_different_lines_become_text(tmp_path):
    frame, _ = read(file(tmp_path, line(domain=1), line(domain="x")), columns=["domain"])
    assert frame["domain"].tolist() == ["1", "x"]


def test_no_line_of_many_blocks_is_lost(tmp_path):
    path = file(tmp_path, b"".join(line(id=i, started_at=float(i)) for i in range(65_537)))
    assert read_traces(path)["id"].tolist() == list(range(65_537))
    assert score_counts(path)["n"].tolist() == [65_537]


@pytest.mark.parametrize("columns", [None, "all", ["query", "model", "started_at"]])
def test_times_as_iso_text_are_those_in_epoch_seconds(tmp_path, columns):
    texts = ["1970-01-01T00:00:05Z", "1970-01-01T02:00:06.250+02:00", "1970-01-01 00:00:07", None]
    path = file(tmp_path, b"".join(line(started_at=text) for text in texts))
    frame = read_traces(path, columns=columns, on_bad_lines="error")
    assert score_counts(path)["last_seen"].tolist() == [pd.Timestamp(7, unit="s", tz="UTC")]
    seconds = frame["started_at"].dropna().astype("int64") / 1e6
    assert seconds.tolist() == [5.0, 6.25, 7.0]
    assert len(read_traces(path, since="1970-01-01T00:00:06Z")) == 2


def test_a_table_of_traces_that_pandas_wrote_as_json_lines_reads_as_it_was(tmp_path):
    path = file(tmp_path, b"".join(line(id=i, started_at=1e9 + i / 8) for i in range(5)))
    frame = read_traces(path)
    again = tmp_path / "again.jsonl"
    frame.to_json(again, orient="records", lines=True, date_format="iso", date_unit="us")
    pd.testing.assert_frame_equal(read_traces(again, on_bad_lines="error"), frame)
