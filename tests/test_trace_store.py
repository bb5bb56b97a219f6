"""SQLite trace stores: in use, left behind, damaged, odd; and nothing is ever written."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jarvis_lab import DamagedStoreError, ValueWarning, read_traces, score_counts
from jarvis_lab.readers.sqlite_file import StoreChangedError, opened
from jarvis_lab.readers.trace_store import TraceStoreFile
from jarvis_lab.records import TRACE_COLUMNS

SCHEMA = """CREATE TABLE traces (id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL UNIQUE, query TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '', engine TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '', outcome TEXT, feedback REAL,
    started_at REAL NOT NULL DEFAULT 0.0, ended_at REAL NOT NULL DEFAULT 0.0,
    total_tokens INTEGER NOT NULL DEFAULT 0, total_latency_seconds REAL NOT NULL DEFAULT 0.0,
    metadata TEXT NOT NULL DEFAULT '{}', messages TEXT NOT NULL DEFAULT '[]')"""
INSERT = (
    "INSERT INTO traces (trace_id, query, model, outcome, feedback, started_at)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


def store(path, rows=10, mode="delete", schema=SCHEMA):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute(schema)
    connection.executemany(
        INSERT, [(f"t{i}", f"query {i}", "m", "success", 0.5, float(i)) for i in range(rows)]
    )
    connection.commit()
    connection.close()
    return path


def small(path, columns, *rows, suffix=""):
    """A store of one's own columns, such as "query TEXT, model TEXT"."""
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE traces ({columns}){suffix}")
    for row in rows:
        connection.execute(f"INSERT INTO traces VALUES ({','.join('?' * len(row))})", row)
    connection.commit()
    connection.close()
    return path


def folder_state(folder):
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(Path(folder).iterdir())
    }


WRITER = """
    import sqlite3, sys
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=50")
    count = connection.execute("SELECT count(*) FROM traces").fetchone()[0]
    while True:
        connection.execute("BEGIN")
        for _ in range(20):
            connection.execute(
                "INSERT INTO traces (trace_id, query, model, started_at) VALUES (?, ?, 'm', ?)",
                (f"t{count}", f"query {count}", float(count)),
            )
            count += 1
        connection.execute("COMMIT")
        print(count, flush=True)
        if len(sys.argv) > 2 and sys.stdin.readline() == "":
            break
"""


def writer(path, *more):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(path), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def stop(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_reading_changes_nothing_in_the_folder(tmp_path, mode):
    path = store(tmp_path / "t.db", mode=mode)
    before = folder_state(tmp_path)
    assert len(read_traces(path)) == 10
    assert score_counts(path)["n"].sum() == 10
    assert len(read_traces(tmp_path)) == 10
    assert folder_state(tmp_path) == before


def test_a_store_that_another_process_keeps_writing_to_reads_whole_transactions(tmp_path):
    path = store(tmp_path / "t.db", rows=0, mode="wal")
    process = writer(path)
    try:
        written = [int(process.stdout.readline()) for _ in range(5)][-1]
        for _ in range(8):
            got = read_traces(path)
            assert len(got) >= written
            assert got["query"].tolist() == [f"query {i}" for i in range(len(got))]
            assert {p.name for p in tmp_path.iterdir()} <= {"t.db", "t.db-wal", "t.db-shm"}
            assert process.poll() is None
            written = int(process.stdout.readline())
    finally:
        stop(process)


def test_a_store_that_is_open_elsewhere_keeps_its_files_as_they_are(tmp_path):
    path = store(tmp_path / "t.db", rows=0, mode="wal")
    process = writer(path, "one at a time")
    try:
        assert process.stdout.readline() == "20\n"
        before = folder_state(tmp_path)
        assert set(before) == {"t.db", "t.db-wal", "t.db-shm"}
        assert len(read_traces(path)) == 20
        after = folder_state(tmp_path)
        for name in ("t.db", "t.db-wal"):
            assert after[name] == before[name]
        assert set(after) == set(before)
    finally:
        stop(process)


def test_a_process_that_closes_while_we_read_leaves_no_file_that_we_created(tmp_path):
    path = store(tmp_path / "t.db", rows=0, mode="wal")
    process = writer(path, "one at a time")
    try:
        assert process.stdout.readline() == "20\n"
        with TraceStoreFile.open(path, "traces", TRACE_COLUMNS) as opened_store:
            (piece,) = opened_store.pieces("started_at")
            process.stdin.close()
            process.wait(60)
            inodes = {p.name: p.stat().st_ino for p in tmp_path.iterdir()}
            from jarvis_lab.readers.columns import Wanted

            (table,) = piece.blocks(Wanted(TRACE_COLUMNS, ["query"]), None)
            assert table.num_rows == 20
            assert {p.name: p.stat().st_ino for p in tmp_path.iterdir()} == inodes
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert len(read_traces(path)) == 20


@pytest.mark.parametrize("with_index", [True, False])
def test_the_log_that_a_killed_process_left_is_read_and_left(tmp_path, with_index):
    path = store(tmp_path / "t.db", rows=0, mode="wal")
    process = writer(path, "one at a time")
    assert process.stdout.readline() == "20\n"
    stop(process)
    assert (tmp_path / "t.db-wal").stat().st_size > 0
    if not with_index:
        (tmp_path / "t.db-shm").unlink()
    before = folder_state(tmp_path)
    got = read_traces(path)
    assert got["query"].tolist() == [f"query {i}" for i in range(20)]
    assert score_counts(path)["n"].sum() == 20
    assert folder_state(tmp_path) == before


def test_what_a_killed_process_left_half_written_is_not_read(tmp_path):
    path = store(tmp_path / "t.db", rows=500)
    code = """
        import os, sqlite3, sys
        c = sqlite3.connect(sys.argv[1], isolation_level=None)
        c.execute("PRAGMA cache_size=1"); c.execute("PRAGMA cache_spill=1")
        c.execute("BEGIN")
        c.execute("UPDATE traces SET query = query || hex(zeroblob(2000)), outcome = 'torn'")
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(path)], check=False)
    assert (tmp_path / "t.db-journal").stat().st_size > 0
    before = folder_state(tmp_path)
    got = read_traces(path)
    assert len(got) == 500
    assert set(got["outcome"]) == {"success"}
    assert folder_state(tmp_path) == before


def test_a_store_in_a_folder_that_cannot_be_written_is_read(tmp_path):
    folder = tmp_path / "fixed"
    folder.mkdir()
    path = store(folder / "t.db", mode="wal")
    path.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert len(read_traces(path)) == 10
    finally:
        folder.chmod(stat.S_IRWXU)


def change(path, rows=1):
    connection = sqlite3.connect(path)
    connection.executemany(INSERT, [(os.urandom(8).hex(), "q", "m", None, None, 0.0)] * 1)
    connection.commit()
    connection.close()
    os.utime(path, ns=(0, os.stat(path).st_mtime_ns + 1))


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path, mode):
    path = store(tmp_path / "t.db", mode=mode)

    class Once:
        asked = 0

        def predict(self, queries):
            Once.asked += 1
            if Once.asked == 1:
                change(path)
            return ["x"] * len(queries)

    assert score_counts(path, by=Once())["n"].tolist() == [11]
    assert Once.asked == 2
    assert os.listdir(tmp_path) == ["t.db"]


def test_a_file_that_never_stands_still_is_an_error_that_says_so(tmp_path):
    path = store(tmp_path / "t.db", mode="wal")

    class Restless:
        def predict(self, queries):
            change(path)
            return ["x"] * len(queries)

    with pytest.raises(StoreChangedError, match=r"t\.db kept changing.*Copy it"):
        score_counts(path, by=Restless())


def test_damage_while_the_file_changes_is_taken_for_the_change(tmp_path):
    path = store(tmp_path / "t.db")
    with pytest.raises(StoreChangedError), opened(path):  # noqa: PT012
        change(path)
        raise DamagedStoreError("torn")
    with pytest.raises(DamagedStoreError), opened(path):
        raise DamagedStoreError("torn")


def test_a_store_without_messages_reads_alike(tmp_path):
    schema = SCHEMA.replace(",\n    metadata", ", metadata").replace(
        ", messages TEXT NOT NULL DEFAULT '[]'", ""
    )
    assert "messages" not in schema
    got = read_traces(store(tmp_path / "t.db", schema=schema), columns="all")
    assert len(got) == 10
    assert "messages" not in got
    assert "metadata" in got


def test_feedback_and_outcome_may_be_null_for_the_first_hundred_thousand_rows(tmp_path):
    path = store(tmp_path / "t.db", rows=0)
    connection = sqlite3.connect(path)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100100) "
        "INSERT INTO traces (trace_id, query, model, outcome, feedback, started_at) "
        "SELECT i, 'q', 'm', iif(i > 100000, 'success', NULL), iif(i > 100000, 0.25, NULL), i "
        "FROM n"
    )
    connection.commit()
    connection.close()
    got = read_traces(path, columns=["outcome", "feedback"])
    assert len(got) == 100_101
    assert got["feedback"].dtype == "float64"
    assert got["outcome"].dtype == "str"
    assert got["feedback"].notna().sum() == 100
    assert (got["feedback"].iloc[-100:] == 0.25).all()
    assert (got["outcome"].iloc[-100:] == "success").all()
    counts = score_counts(path)
    assert counts[["n", "n_outcome", "successes", "n_feedback"]].values.tolist() == [
        [100_101, 100, 100, 100]
    ]


def test_an_empty_store_gives_an_empty_frame_with_its_columns(tmp_path):
    got = read_traces(store(tmp_path / "t.db", rows=0))
    assert len(got) == 0
    assert {"query", "model", "feedback", "started_at"} <= set(got.columns)
    assert got["feedback"].dtype == "float64"
    assert got["started_at"].dtype == "datetime64[us, UTC]"
    assert len(score_counts(tmp_path / "t.db")) == 0


def test_a_sqlite_file_without_traces_is_an_error_that_names_its_tables(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (a)")
    connection.close()
    with pytest.raises(ValueError, match=r"other\.db is a SQLite file but no.*only 'notes'"):
        read_traces(path)


def test_a_store_cut_anywhere_is_an_error_that_names_it_or_gives_all_rows(tmp_path):
    whole = store(tmp_path / "whole.db", rows=2_000).read_bytes()
    path = tmp_path / "cut.db"
    damaged = 0
    for size in [16, 50, 99, 100, 512, *range(1000, len(whole), len(whole) // 40)]:
        path.write_bytes(whole[:size])
        try:
            got = read_traces(path, columns=["query", "model"])
        except ValueError as error:
            damaged += "cut.db" in str(error)
            continue
        assert len(got) == 2_000
    assert damaged >= 40


def test_corrupted_pages_are_an_error_that_names_the_store(tmp_path):
    path = store(tmp_path / "t.db", rows=2_000)
    data = bytearray(path.read_bytes())
    data[8192:] = os.urandom(1) * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(DamagedStoreError, match=r"t\.db cannot be read.*\.recover"):
        read_traces(path)
    with pytest.raises(DamagedStoreError, match=r"t\.db"):
        score_counts(path)


def test_values_of_the_wrong_type_are_counted_and_read_as_missing(tmp_path):
    columns = "query TEXT, model TEXT, feedback REAL, started_at REAL, total_tokens INTEGER"
    path = small(
        tmp_path / "t.db",
        columns,
        ("a", "m", "good", "yesterday", "many"),
        ("b", "m", b"\x00", b"x", b"y"),
        ("c", "m", 0.5, 5, 7),
        ("d", "m", 1, 6.5, None),
        (b"e", "m", None, None, 1.5),
    )
    with pytest.warns(ValueWarning) as caught:
        got = read_traces(path)
    assert all("t.db: not numbers; read as missing" in str(w.message) for w in caught)
    assert sorted(str(w.message)[:20] for w in caught) == [
        "2 values of 'feedbac",
        "2 values of 'started",
        "2 values of 'total_t",
    ]
    assert got["query"].tolist() == ["a", "b", "e", "c", "d"]
    np.testing.assert_array_equal(got["feedback"], [np.nan, np.nan, np.nan, 0.5, 1.0])


def test_an_outcome_that_is_no_text_is_counted_and_read_as_missing(tmp_path):
    path = small(
        tmp_path / "t.db",
        "query TEXT, model TEXT, outcome",
        ("a", "m", 1),
        ("b", "m", 0.5),
        ("c", "m", b"success"),
        ("d", "m", "success"),
        ("e", "m", None),
    )
    with pytest.warns(ValueWarning, match=r"3 values of 'outcome' of .*t\.db: not text"):
        got = read_traces(path)
    assert got["outcome"].isna().tolist() == [True, True, True, False, True]
    with pytest.warns(ValueWarning, match="not text"):
        assert score_counts(path)[["n", "n_outcome", "successes"]].values.tolist() == [[5, 1, 1]]


def test_text_that_is_no_utf8_is_replaced_and_counted(tmp_path):
    path = tmp_path / "t.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE traces (query TEXT, model TEXT)")
    connection.execute("INSERT INTO traces VALUES (CAST(x'61ff62' AS TEXT), 'm')")
    connection.execute("INSERT INTO traces VALUES ('fine', 'm')")
    connection.commit()
    connection.close()
    with pytest.warns(ValueWarning, match=r"1 value of 'query' of .*t\.db: not UTF-8"):
        assert read_traces(path)["query"].tolist() == ["a\ufffdb", "fine"]


def test_long_text_and_text_with_a_nul_come_whole(tmp_path):
    texts = ["a\0b", "x" * 5_000_000, "", "\u2028\x85"]
    path = small(tmp_path / "t.db", "query TEXT, model TEXT", *[(t, "m") for t in texts])
    assert read_traces(path)["query"].tolist() == texts


@pytest.mark.parametrize(
    "ids",
    [
        [1, 2, 3],
        [-5, 0, 2**62, 2**63 - 1],
        [-(2**63) + 1, 2**63 - 1],
        [i * 10**9 for i in range(500)],
        [1, 65_536, 65_537, 131_072, 131_073],
    ],
    ids=["dense", "huge", "ends", "sparse", "edges"],
)
def test_row_ids_may_be_anywhere(tmp_path, ids):
    path = small(
        tmp_path / "t.db",
        "id INTEGER PRIMARY KEY, query TEXT, model TEXT",
        *[(i, f"q{i}", "m") for i in ids],
    )
    assert read_traces(path)["query"].tolist() == [f"q{i}" for i in ids]
    with TraceStoreFile.open(path, "traces", TRACE_COLUMNS) as opened_store:
        assert len(opened_store.pieces("started_at")) <= 10


def test_a_table_without_row_ids_and_a_view_read_like_any_other(tmp_path):
    path = small(
        tmp_path / "t.db",
        "trace_id TEXT PRIMARY KEY, query TEXT, model TEXT",
        *[(f"{i:06}", f"q{i}", "m") for i in range(3)],
        suffix=" WITHOUT ROWID",
    )
    assert read_traces(path)["query"].tolist() == ["q0", "q1", "q2"]
    connection = sqlite3.connect(tmp_path / "v.db")
    connection.execute("CREATE TABLE log (q TEXT, m TEXT)")
    connection.executemany("INSERT INTO log VALUES (?, 'm')", [(f"q{i}",) for i in range(70_000)])
    connection.execute("CREATE VIEW traces AS SELECT q AS query, m AS model FROM log")
    connection.commit()
    connection.close()
    got = read_traces(tmp_path / "v.db")
    assert got["query"].tolist() == [f"q{i}" for i in range(70_000)]
    assert score_counts(tmp_path / "v.db")["n"].tolist() == [70_000]


def test_columns_named_like_the_row_id_and_columns_that_need_quotes_are_read(tmp_path):
    path = small(
        tmp_path / "t.db",
        'rowid TEXT, query TEXT, model TEXT, "my ""col" TEXT',
        ("r", "q", "m", "c"),
    )
    assert read_traces(path).iloc[0].tolist() == ["q", "m", "r", "c"]
    assert score_counts(path, by='my "col')["query_class"].tolist() == ["c"]


def test_limit_gives_so_many_rows_even_where_times_are_missing_or_no_times(tmp_path):
    path = small(
        tmp_path / "t.db",
        "query TEXT, model TEXT, started_at REAL",
        ("a", "m", 1.0),
        ("b", "m", None),
        ("c", "m", 2.0),
        ("d", "m", None),
    )
    for limit, expected in ((1, "c"), (2, "ac"), (3, "dac"), (4, "bdac")):
        assert "".join(read_traces(path, limit=limit)["query"]) == expected
    bad = small(
        tmp_path / "b.db",
        "query TEXT, model TEXT, started_at REAL",
        ("a", "m", "soon"),
        ("b", "m", 1.7e12),
        ("c", "m", 2.0),
        ("d", "m", 1.0),
    )
    for limit, expected in ((1, "c"), (2, "dc")):
        with pytest.warns(ValueWarning):
            assert "".join(read_traces(bad, limit=limit)["query"]) == expected


def test_the_bounds_hold_to_the_microsecond(tmp_path):
    moments = [1_767_225_600.123456, 1_767_225_600.123457, 1_767_225_600.123458]
    path = small(
        tmp_path / "t.db",
        "query TEXT, model TEXT, started_at REAL",
        *[(str(i), "m", t) for i, t in enumerate(moments)],
    )
    assert read_traces(path, since=moments[1])["query"].tolist() == ["1", "2"]
    assert read_traces(path, until=moments[1])["query"].tolist() == ["0", "1"]
    stamp = pd.Timestamp("2026-01-01T00:00:00.123457Z")
    assert read_traces(path, since=stamp, until=stamp)["query"].tolist() == ["1"]


def test_nothing_of_a_temporary_copy_is_left(tmp_path, monkeypatch):
    import tempfile

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    folder = tmp_path / "stores"
    folder.mkdir()
    path = store(folder / "t.db", rows=0, mode="wal")
    process = writer(path, "one at a time")
    assert process.stdout.readline() == "20\n"
    stop(process)
    assert len(read_traces(path)) == 20
    assert not list(scratch.iterdir())
    shutil.rmtree(folder)
