"""One frame from every kind of source."""

import contextlib
import datetime as dt
import gzip
import json
import sqlite3
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import zstandard

from jarvis_lab import BadLineError, ValueWarning, read_steps, read_traces

SCHEMA = """CREATE TABLE traces (id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL UNIQUE, query TEXT NOT NULL DEFAULT '', agent TEXT, model TEXT,
    engine TEXT, result TEXT, outcome TEXT, feedback REAL, started_at REAL, ended_at REAL,
    total_tokens INTEGER, total_latency_seconds REAL, metadata TEXT, messages TEXT)"""
COLUMNS = [
    *("id", "trace_id", "query", "agent", "model", "engine", "result", "outcome", "feedback"),
    *("started_at", "ended_at", "total_tokens", "total_latency_seconds"),
]
FACTS = ["cost_usd", "propensity", "query_id"]
T0 = 1_767_225_600.0  # 2026-01-01


def rows():
    """Three traces, the newest first."""
    facts = [{"cost_usd": 0.25, "query_id": 7}, {"propensity": 0.5, "query_id": 8}, {}]
    return [
        {
            "id": 3 - i,
            "trace_id": f"t{3 - i}",
            "query": ["hello", "import os\nü\u2028", "2 + 2?"][i],
            "agent": "simple",
            "model": ["a", "b", "a"][i],
            "engine": "cloud",
            "result": "fine",
            "outcome": ["success", None, "failure"][i],
            "feedback": [None, 0.5, 1.0][i],
            "started_at": T0 + 20 - 10 * i,
            "ended_at": T0 + 20.25 - 10 * i,
            "total_tokens": [10, 20, 30][i],
            "total_latency_seconds": [0.25, 0.5, 2.0][i],
            "metadata": json.dumps(facts[i]),
            "messages": "[]",
        }
        for i in range(3)
    ]


def store(path, traces=None, schema=SCHEMA, mode="delete"):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute(schema)
    for row in rows() if traces is None else traces:
        connection.execute(
            f"INSERT INTO traces ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            list(row.values()),
        )
    connection.commit()
    connection.close()
    return path


def lines(traces=None):
    nested = [
        {**row, "metadata": json.loads(row["metadata"]), "messages": json.loads(row["messages"])}
        for row in (rows() if traces is None else traces)
    ]
    return "".join(json.dumps(row) + "\n" for row in nested).encode()


def frame(traces=None):
    return pd.DataFrame(rows() if traces is None else traces)


class Listing:
    def __init__(self, traces=None):
        self.traces = rows() if traces is None else traces
        self.asked = None

    def list_traces(self, *, since=None, until=None, limit=100):
        self.asked = (since, until, limit)
        if until is not None:
            traces = [row for row in self.traces if row["started_at"] <= until]
        else:
            traces = self.traces
        return [SimpleNamespace(**row) for row in traces[:limit]]


def written(path, data):
    path.write_bytes(data)
    return path


def sources(tmp_path):
    tmp_path.mkdir(exist_ok=True)
    plain = lines()
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    written(one / "a.jsonl", lines(rows()[2:]))
    written(one / "b.jsonl.gz", gzip.compress(lines(rows()[:2])))
    frame().to_parquet(two / "x.parquet")
    zst = zstandard.ZstdCompressor().compress(plain)
    csv = frame().to_csv(index=False).encode()
    return {
        "store": store(tmp_path / "no-name-for-a-store"),
        "wal store": store(tmp_path / "w.db", mode="wal"),
        "str": str(store(tmp_path / "s.db")),
        "jsonl": written(tmp_path / "a.jsonl", plain),
        "gz": written(tmp_path / "a.jsonl.gz", gzip.compress(plain)),
        "zst": written(tmp_path / "a.jsonl.zst", zst),
        "no suffix": written(tmp_path / "lines", plain),
        "parquet": two / "x.parquet",
        "csv": written(tmp_path / "a.csv", csv),
        "csv.gz": written(tmp_path / "b.csv.gz", gzip.compress(csv)),
        "folder": one,
        "glob": str(tmp_path / "t*" / "*.parquet"),
        "list": [one / "b.jsonl.gz", str(one / "a.jsonl")],
        "frame": frame(),
        "list_traces": Listing(),
        "_store": SimpleNamespace(_store=Listing()),
    }


KINDS = [
    *("store", "wal store", "str", "jsonl", "gz", "zst", "no suffix", "parquet", "csv", "csv.gz"),
    *("folder", "glob", "list", "frame", "list_traces", "_store"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_gives_the_same_frame(tmp_path, kind):
    got = read_traces(sources(tmp_path)[kind])
    assert list(got.columns) == [*COLUMNS, *FACTS]
    assert got.index.equals(pd.RangeIndex(3))
    assert got["id"].dtype == "Int64"
    assert got["id"].tolist() == [1, 2, 3]
    for name in ("trace_id", "query", "agent", "model", "engine", "result", "outcome"):
        assert got[name].dtype == "str", name
    assert got["trace_id"].tolist() == ["t1", "t2", "t3"]
    assert got["query"].tolist() == ["2 + 2?", "import os\nü\u2028", "hello"]
    assert got["agent"].tolist() == ["simple"] * 3
    assert got["model"].tolist() == ["a", "b", "a"]
    assert got["engine"].tolist() == ["cloud"] * 3
    assert got["result"].tolist() == ["fine"] * 3
    assert got["outcome"].isna().tolist() == [False, True, False]
    assert got["outcome"].dropna().tolist() == ["failure", "success"]
    for name in ("feedback", "total_latency_seconds", "cost_usd", "propensity"):
        assert got[name].dtype == "float64", name
    np.testing.assert_array_equal(got["feedback"], [1.0, 0.5, np.nan])
    np.testing.assert_array_equal(got["total_latency_seconds"], [2.0, 0.5, 0.25])
    np.testing.assert_array_equal(got["cost_usd"], [np.nan, np.nan, 0.25])
    np.testing.assert_array_equal(got["propensity"], [np.nan, 0.5, np.nan])
    for name in ("started_at", "ended_at"):
        assert got[name].dtype == "datetime64[us, UTC]"
    assert got["started_at"].astype("int64").tolist() == [int((T0 + s) * 1e6) for s in (0, 10, 20)]
    assert got["ended_at"].iloc[0] == pd.Timestamp("2026-01-01T00:00:00.25Z")
    assert got["total_tokens"].dtype == "Int64"
    assert got["total_tokens"].tolist() == [30, 20, 10]
    assert got["query_id"].dtype == "Int64"
    assert got["query_id"].tolist() == [pd.NA, 8, 7]


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_and_messages_come_when_asked_for_and_no_key_of_another_trace_appears(
    tmp_path, kind
):
    source = sources(tmp_path)[kind]
    for columns in (["metadata", "messages"], "all"):
        got = read_traces(source, columns=columns)
        texts = [json.loads(text) for text in got["metadata"]]
        assert texts == [{}, {"propensity": 0.5, "query_id": 8}, {"cost_usd": 0.25, "query_id": 7}]
        assert got["messages"].tolist() == ["[]"] * 3
    assert list(read_traces(source, columns=["metadata"]).columns) == ["metadata"]


@pytest.mark.parametrize("name", ["100%", "a?b", "a#b", "a b", "Ωü", "new\nline", "a&b=c", "[x]"])
def test_file_names_may_hold_anything(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    path = store(folder / f"{name}.db", mode="wal")
    assert len(read_traces(path)) == 3
    assert len(read_traces(folder)) == 3
    assert [p.name for p in folder.iterdir()] == [path.name]
    assert [p.name for p in tmp_path.iterdir()] == [name]


BOUNDS = [
    T0 + 10,
    int(T0 + 10),
    np.float64(T0 + 10),
    "2026-01-01T00:00:10Z",
    "2026-01-01 01:00:10+01:00",
    "2026-01-01T00:00:10",
    dt.datetime(2026, 1, 1, 0, 0, 10),
    dt.datetime(2026, 1, 1, 0, 0, 10, tzinfo=dt.UTC),
    pd.Timestamp("2026-01-01T00:00:10Z"),
    np.datetime64("2026-01-01T00:00:10"),
]


@pytest.mark.parametrize("bound", BOUNDS, ids=repr)
@pytest.mark.parametrize("kind", ["store", "jsonl", "csv", "frame", "list_traces"])
def test_since_and_until_are_inclusive_in_every_form(tmp_path, bound, kind):
    source = sources(tmp_path)[kind]
    assert read_traces(source, since=bound)["id"].tolist() == [2, 3]
    assert read_traces(source, until=bound)["id"].tolist() == [1, 2]
    assert read_traces(source, since=bound, until=bound)["id"].tolist() == [2]


@pytest.mark.parametrize("bound", ["soon", True, T0 * 1000, float("nan"), float("inf"), 1e300, []])
def test_what_is_no_moment_is_an_error(bound):
    with pytest.raises((ValueError, TypeError), match="since="):
        read_traces(frame(), since=bound)


@pytest.mark.parametrize("kind", KINDS)
def test_limit_keeps_the_newest(tmp_path, kind):
    source = sources(tmp_path)[kind]
    assert read_traces(source, limit=2)["id"].tolist() == [2, 3]
    assert read_traces(source, limit=1, until=T0 + 10)["id"].tolist() == [2]
    assert len(read_traces(source, limit=9)) == 3


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_must_be_at_least_one(limit):
    with pytest.raises(ValueError, match="limit"):
        read_traces(frame(), limit=limit)


def test_traces_of_the_same_moment_keep_their_order_and_those_without_a_time_come_first(tmp_path):
    same = [
        {"id": i, "query": "q", "model": "m", "started_at": t}
        for i, t in enumerate([5.0, 5.0, None, 4.0, 5.0, None])
    ]
    path = written(tmp_path / "x.jsonl", "".join(json.dumps(r) + "\n" for r in same).encode())
    db = tmp_path / "x.db"
    store(db, [{**r, "trace_id": str(r["id"])} for r in same])
    for source in (pd.DataFrame(same), path, db):
        assert read_traces(source)["id"].tolist() == [2, 5, 3, 0, 1, 4]
        assert read_traces(source, limit=2)["id"].tolist() == [1, 4]
        assert read_traces(source, limit=5)["id"].tolist() == [5, 3, 0, 1, 4]
        assert read_traces(source, since=0)["id"].tolist() == [3, 0, 1, 4]


def test_columns_that_the_source_lacks_are_left_out_unless_they_are_named(tmp_path):
    small = pd.DataFrame({"query": ["q"], "model": ["m"]})
    assert list(read_traces(small).columns) == ["query", "model"]
    got = read_traces(small, columns=["feedback", "model", "outcome", "started_at", "cost_usd"])
    assert list(got.columns) == ["feedback", "model", "outcome", "started_at", "cost_usd"]
    assert got["feedback"].dtype == "float64"
    assert got["outcome"].dtype == "str"
    assert got["started_at"].dtype == "datetime64[us, UTC]"
    assert got.drop(columns="model").isna().all(axis=None)


def test_an_unknown_column_is_an_error_that_names_the_source_and_its_columns(tmp_path):
    for source in (frame(), store(tmp_path / "t.db"), written(tmp_path / "t.jsonl", lines())):
        with pytest.raises(ValueError, match=r"no column 'modle'; it has .*'model'"):
            read_traces(source, columns=["model", "modle"])
    with pytest.raises(ValueError, match=r"t\.jsonl"):
        read_traces(tmp_path / "t.jsonl", columns=["modle"])
    with pytest.raises(TypeError, match="list of names or 'all'"):
        read_traces(frame(), columns="model")


def test_a_column_that_is_there_twice_is_an_error(tmp_path):
    twice = pd.DataFrame([["q", "m", "n"]], columns=["query", "model", "model"])
    with pytest.raises(ValueError, match="two columns of the name 'model'"):
        read_traces(twice)
    with pytest.raises(ValueError, match="two columns of the name '1'"):
        read_traces(pd.DataFrame([["q", "m", "n"]], columns=["query", 1, "1"]))
    twice.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match=r"t\.csv has two columns of the name 'model'"):
        read_traces(tmp_path / "t.csv")


def test_other_columns_of_a_frame_stay_as_they_are_and_the_frame_is_not_changed():
    given = frame().assign(domain=pd.Categorical(["x", "y", "x"]), seen=True, n=[1, 2, 3])
    given = given.rename(columns={"n": 5}).set_index("trace_id")
    before = given.copy(deep=True)
    got = read_traces(given)
    assert got["domain"].tolist() == ["x", "y", "x"]
    assert got["seen"].dtype == "bool"
    assert got["5"].tolist() == [3, 2, 1]
    pd.testing.assert_frame_equal(given, before)


def test_ids_that_are_whole_numbers_and_text_become_text(tmp_path):
    metadata = ['{"query_id": 5}', '{"query_id": "x"}', '{"query_id": 1.5}', "not json", None, "[]"]
    mixed = [
        {"trace_id": str(i), "query": "q", "model": "m", "metadata": text}
        for i, text in enumerate(metadata)
    ]
    expected = ["5", "x", "1.5", None, None, None]
    for source in (pd.DataFrame(mixed), store(tmp_path / "t.db", mixed), Listing(mixed[::-1])):
        got = read_traces(source)["query_id"]
        assert got.dtype == "str"
        assert got.astype(object).where(got.notna(), None).tolist() == expected


def test_ids_of_two_files_of_different_types_become_text(tmp_path):
    for name, ids in (("a", [1, 2]), ("b", ["x", "y"])):
        pd.DataFrame({"query": "q", "model": "m", "query_id": ids}).to_parquet(
            tmp_path / f"{name}.parquet"
        )
    assert read_traces(tmp_path)["query_id"].tolist() == ["1", "2", "x", "y"]


def test_numbers_of_two_files_of_different_types_become_numbers(tmp_path):
    for name, values in (("a", [1, 2]), ("b", [0.5, None])):
        pd.DataFrame({"query": "q", "model": "m", "extra": values}).to_parquet(
            tmp_path / f"{name}.parquet"
        )
    np.testing.assert_array_equal(read_traces(tmp_path)["extra"], [1.0, 2.0, 0.5, np.nan])


def test_facts_that_are_no_numbers_are_missing(tmp_path):
    texts = ['{"cost_usd": NaN}', '{"cost_usd": "1"}', '{"cost_usd": true}', '{"cost_usd": 2}']
    odd = [
        {"trace_id": str(i), "query": "q", "model": "m", "metadata": text}
        for i, text in enumerate(texts)
    ]
    for source in (pd.DataFrame(odd), store(tmp_path / "t.db", odd)):
        cost = read_traces(source)["cost_usd"]
        np.testing.assert_array_equal(cost, [np.nan, np.nan, np.nan, 2.0])


def test_whole_ids_that_pandas_made_floats_of_are_whole():
    got = read_traces(pd.DataFrame({"query": "q", "model": "m", "query_id": [1.0, np.nan]}))
    assert got["query_id"].dtype == "Int64"
    assert got["query_id"].tolist() == [1, pd.NA]


def test_metadata_of_listed_traces_may_be_mappings_that_disagree():
    traces = [
        {"query": "q", "model": "m", "metadata": {"query_id": "x", "k": 1}},
        {"query": "q", "model": "m", "metadata": {"query_id": 3, "k": [1]}},
    ]
    got = read_traces(Listing(traces), columns=["query_id", "metadata"])
    assert got["query_id"].tolist() == ["3", "x"]
    assert json.loads(got["metadata"][0]) == {"query_id": 3, "k": [1]}


def test_a_table_with_correct_and_no_outcome_reads_it_as_the_outcome(tmp_path):
    base = pd.DataFrame({"query": ["q"] * 3, "model": ["m"] * 3})
    for correct in ([True, False, None], [1, 0, None], [1.0, 0.0, np.nan]):
        given = base.assign(correct=pd.Series(correct, dtype="object"))
        given.to_csv(tmp_path / "t.csv", index=False)
        text = given.to_json(orient="records", lines=True).encode()
        for source in (given, tmp_path / "t.csv", written(tmp_path / "t.jsonl", text)):
            got = read_traces(source)["outcome"]
            assert got.isna().tolist() == [False, False, True]
            assert got.dropna().tolist() == ["success", "failure"]
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        read_traces(base.assign(correct=[1.0, 0.5, 0.0]))
    with pytest.raises(ValueError, match="must be true or false"):
        read_traces(base.assign(correct=["yes", "no", "no"]))


def test_an_outcome_that_is_no_text_is_an_error_that_says_what_to_do():
    for outcome in ([True, False], [1, 0], [0.5, 1.0]):
        bad = pd.DataFrame({"query": "q", "model": "m", "outcome": outcome})
        with pytest.raises(ValueError, match=r"'outcome' of the DataFrame.*'correct'"):
            read_traces(bad)
    mixed = pd.DataFrame({"query": "q", "model": "m", "outcome": ["success", 1]})
    with pytest.raises(ValueError, match="outcome must be text"):
        read_traces(mixed)


def test_text_in_a_column_of_numbers_is_read_where_it_is_one_and_counted_where_not():
    given = pd.DataFrame(
        {
            "query": "q",
            "model": "m",
            "feedback": ["0.5", " 1 ", "good", None],
            "total_tokens": ["5", "7.0", "1.5", None],
        }
    )
    with pytest.warns(ValueWarning) as caught:
        got = read_traces(given)
    assert sorted(str(w.message).split(": not")[0] for w in caught) == [
        "1 value of 'feedback' of the DataFrame",
        "1 value of 'total_tokens' of the DataFrame",
    ]
    np.testing.assert_array_equal(got["feedback"], [0.5, 1.0, np.nan, np.nan])
    assert got["total_tokens"].tolist() == [5, 7, pd.NA, pd.NA]


def test_lone_surrogates_in_a_frame_are_replaced_and_counted():
    given = pd.DataFrame({"query": pd.Series(["a\ud800", "b"], dtype=object), "model": "m"})
    with pytest.warns(ValueWarning, match="1 value of 'query' of the DataFrame: not Unicode"):
        assert read_traces(given)["query"].tolist() == ["a\ufffd", "b"]


def test_times_that_are_milliseconds_are_counted_and_read_as_missing():
    given = frame().assign(started_at=[T0 * 1000, T0, T0])
    with pytest.warns(ValueWarning, match="1 value of 'started_at'.*milliseconds"):
        assert read_traces(given)["started_at"].isna().tolist() == [True, False, False]


def test_times_may_be_iso_text_dates_or_timestamps():
    for times in (
        ["2026-01-01T00:00:00Z", "2026-01-02T01:00:00+01:00", None],
        [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02"), pd.NaT],
        pd.to_datetime(["2026-01-01", "2026-01-02", None]).tz_localize("UTC"),
        [dt.date(2026, 1, 1), dt.date(2026, 1, 2), None],
        [str(T0), str(T0 + 86400), None],
    ):
        got = read_traces(pd.DataFrame({"query": "q", "model": "m", "started_at": times}))
        assert got["started_at"].dtype == "datetime64[us, UTC]"
        assert got["started_at"].isna().tolist() == [True, False, False]
        assert got["started_at"].iloc[2] == pd.Timestamp("2026-01-02", tz="UTC")


def test_a_listing_gets_the_bounds_that_its_signature_takes():
    listing = Listing()
    read_traces(listing, since=T0, until="2026-01-02", limit=2)
    assert listing.asked == (T0, T0 + 86400, 2)
    plain = SimpleNamespace(list_traces=lambda: [SimpleNamespace(**row) for row in rows()])
    assert read_traces(plain, since=T0 + 5, limit=1)["id"].tolist() == [3]
    some = SimpleNamespace(
        list_traces=lambda limit=2: [SimpleNamespace(**row) for row in rows()][:limit]
    )
    assert read_traces(some)["id"].tolist() == [1, 2, 3]
    assert read_traces(some, until=T0 + 10, limit=1)["id"].tolist() == [2]


def test_listed_traces_without_a_time_count_as_newest_first():
    few = [{"query": q, "model": "m", "outcome": None, "feedback": None} for q in "cba"]
    got = read_traces(Listing(few))
    assert got["query"].tolist() == ["a", "b", "c"]
    assert read_traces(Listing(few), limit=1)["query"].tolist() == ["c"]


def test_an_empty_listing_and_an_empty_frame_give_an_empty_frame():
    assert len(read_traces(Listing([]))) == 0
    got = read_traces(frame().iloc[:0])
    assert list(got.columns[:13]) == COLUMNS
    assert got["feedback"].dtype == "float64"
    assert got["started_at"].dtype == "datetime64[us, UTC]"


@pytest.mark.parametrize("source", [3, None, {"a": 1}, object(), [1]])
def test_what_is_no_source_is_an_error(source):
    with pytest.raises(TypeError, match="give a path, a glob, a DataFrame"):
        read_traces(source)


def test_an_empty_list_and_a_column_for_the_bounds_that_is_missing_are_errors():
    with pytest.raises(ValueError, match="list of sources is empty"):
        read_traces([])
    with pytest.raises(ValueError, match="the DataFrame has no column 'started_at'"):
        read_traces(pd.DataFrame({"query": ["q"], "model": ["m"]}), since=0)


def test_steps_come_from_a_store_jsonl_and_listed_traces(tmp_path):
    steps = [
        {
            "trace_id": "t1",
            "step_index": i,
            "step_type": kind,
            "timestamp": T0 + i,
            "duration_seconds": 0.5,
            "input": '{"a": 1}',
            "output": "{}",
            "metadata": "{}",
        }
        for i, kind in enumerate(["route", "respond"])
    ]
    path = store(tmp_path / "t.db")
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE trace_steps (id INTEGER PRIMARY KEY, trace_id TEXT, step_index INTEGER,"
        " step_type TEXT, timestamp REAL, duration_seconds REAL, input TEXT, output TEXT,"
        " metadata TEXT)"
    )
    for step in steps:
        connection.execute(
            f"INSERT INTO trace_steps ({', '.join(step)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            list(step.values()),
        )
    connection.commit()
    connection.close()
    text = "".join(json.dumps({**step, "input": {"a": 1}}) + "\n" for step in steps)
    kinds = [SimpleNamespace(value="route"), "respond"]
    traces = [
        {
            "trace_id": "t1",
            "steps": [
                SimpleNamespace(
                    step_type=kind,
                    timestamp=T0 + i,
                    duration_seconds=0.5,
                    input={"a": 1},
                    output={},
                    metadata={},
                )
                for i, kind in enumerate(kinds)
            ],
        }
    ]
    for source in (path, written(tmp_path / "t.jsonl", text.encode()), Listing(traces)):
        got = read_steps(source)
        assert "metadata" not in got
        assert got["trace_id"].tolist() == ["t1", "t1"]
        assert got["step_index"].dtype == "Int64"
        assert got["step_index"].tolist() == [0, 1]
        assert got["step_type"].tolist() == ["route", "respond"]
        assert got["timestamp"].dtype == "datetime64[us, UTC]"
        np.testing.assert_array_equal(got["duration_seconds"], [0.5, 0.5])
        assert [json.loads(text) for text in got["input"]] == [{"a": 1}] * 2
        assert read_steps(source, since=T0 + 1)["step_type"].tolist() == ["respond"]
        assert "metadata" in read_steps(source, columns="all")


def test_the_bounds_of_steps_are_not_those_of_their_traces():
    steps = [{"step_type": "route", "timestamp": T0 + s} for s in (1, 99)]
    listing = Listing([{"trace_id": "t", "started_at": T0, "steps": steps}])
    assert len(read_steps(listing, since=T0 + 50, limit=5)) == 1
    assert listing.asked[:2] == (None, None)
    assert listing.asked[2] > 5


def test_a_missing_file_an_empty_folder_and_a_glob_without_matches_name_what_was_given(tmp_path):
    for path in (tmp_path / "nothing.db", tmp_path / "*.nothing"):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read_traces(path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(FileNotFoundError, match="holds no traces"):
        read_traces(tmp_path)


def test_a_folder_may_hold_pipes_broken_links_and_files_that_are_no_log(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "gone")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.jsonl").write_text("{broken")
    (tmp_path / "empty.db").write_bytes(b"")
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE x (a)")
    other.close()
    store(tmp_path / "z.db")
    with pytest.warns(UserWarning, match="Left out") as caught:
        assert len(read_traces(tmp_path)) == 3
    assert len(caught) == 2
    with pytest.raises(ValueError, match="no regular file"):
        read_traces(tmp_path / "pipe")


def test_a_text_file_that_is_no_log_and_an_empty_file_are_errors_that_name_it(tmp_path):
    for data, state in ((b"hello", "is none of the kinds"), (b"", "is empty")):
        path = written(tmp_path / "thing", data)
        with pytest.raises(ValueError, match=f"thing {state}"):
            read_traces(path)


def test_on_bad_lines_must_be_a_policy(tmp_path):
    with pytest.raises(ValueError, match="on_bad_lines='ignore'"):
        read_traces(frame(), on_bad_lines="ignore")
    with pytest.raises(BadLineError):
        read_traces(written(tmp_path / "x.jsonl", b"{"), on_bad_lines="error")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    pd.DataFrame({"query": ["q"], "model": ["m"]}).to_csv(tmp_path / "log.csv", index=False)
    assert read_traces("~/log.csv")["model"].tolist() == ["m"]


@pytest.mark.parametrize("suffix", ["frame", "csv", "parquet", "jsonl", "db"])
def test_rows_are_there_even_if_they_have_none_of_the_columns_asked_for(suffix, tmp_path):
    log = pd.DataFrame({"query": ["a", "b"], "model": ["m", "n"]})
    path = tmp_path / f"log.{suffix}"
    if suffix == "csv":
        log.to_csv(path, index=False)
    elif suffix == "parquet":
        log.to_parquet(path)
    elif suffix == "jsonl":
        log.to_json(path, orient="records", lines=True)
    elif suffix == "db":
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            log.to_sql("traces", connection, index=False)
    for columns in (["cost_usd"], ["outcome"], ["feedback", "trace_id"]):
        found = read_traces(log if suffix == "frame" else path, columns=columns)
        assert found.columns.tolist() == columns
        assert len(found) == 2
        assert found.isna().all(axis=None)


@pytest.mark.parametrize("values", [[np.nan, np.nan], [None, None], [pd.NaT, pd.NaT], []])
def test_a_column_in_which_everything_is_missing_has_no_wrong_type(values):
    frame = pd.DataFrame({"model": ["a"] * len(values), "outcome": values, "started_at": values})
    got = read_traces(frame)
    assert str(got["outcome"].dtype) == "str"
    assert str(got["started_at"].dtype) == "datetime64[us, UTC]"
    assert got["outcome"].isna().all()
    with pytest.raises(ValueError, match=r"'outcome' .* holds double"):
        read_traces(pd.DataFrame({"model": ["a"], "outcome": [0.5]}))
