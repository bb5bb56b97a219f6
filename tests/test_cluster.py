"""Counts on a Dask cluster: the same bits as here, whatever becomes of its workers."""

import io
import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import dask
import dask.dataframe
import distributed
import numpy as np
import pandas as pd
import pytest

from jarvis_lab import (
    BestSinglePolicy,
    LowerBoundRouterPolicy,
    SFTRouterPolicy,
    TraceDrivenPolicy,
    class_scores,
    local_client,
    read_traces,
    score_counts,
)
from jarvis_lab._tasks import LostTaskError, Threads, ahead
from jarvis_lab.readers.casts import ValueWarning
from jarvis_lab.readers.jsonl import BadLineError, BadLineWarning

T0 = 1_767_225_600


def log(rows, seed=0):
    rng = np.random.default_rng(seed)
    words = np.array(["hello there", "import os", "solve x", "a " * 60, "why " * 200, ""])
    outcome = np.array(["success", "failure", None], dtype=object)
    return pd.DataFrame(
        {
            "query": rng.choice(words, rows),
            "model": rng.choice(np.array(["a", "b", "c"]), rows),
            "outcome": rng.choice(outcome, rows),
            "feedback": np.where(rng.random(rows) < 0.3, np.nan, rng.random(rows)),
            "started_at": T0 + rng.integers(0, 10**6, rows).astype(float),
            "total_latency_seconds": rng.gamma(2, 1, rows),
            "stars": np.where(rng.random(rows) < 0.5, np.nan, rng.random(rows)),
            "domain": rng.choice(np.array(["x", "y"]), rows),
        }
    )


def stored(frame, path, *, wal=False):
    connection = sqlite3.connect(path)
    texts = ("query", "model", "outcome", "domain")
    kinds = {name: "TEXT" if name in texts else "REAL" for name in frame.columns}
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"CREATE TABLE traces ({', '.join(f'{n} {k}' for n, k in kinds.items())})")
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    connection.executemany(f"INSERT INTO traces VALUES ({','.join('?' * len(kinds))})", rows)
    connection.commit()
    if wal:
        return connection
    connection.close()
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log of 200,000 traces in nine files of every kind."""
    folder = tmp_path_factory.mktemp("log")
    frame = log(200_000)
    for place in range(3):
        part = frame.iloc[place * 40_000 : place * 40_000 + 40_000]
        part.to_parquet(folder / f"p{place}.parquet", row_group_size=15_000)
        part[:7_000].to_json(folder / f"j{place}.jsonl", orient="records", lines=True)
        part[:5_000].to_csv(folder / f"c{place}.csv", index=False)
    stored(frame[120_000:], folder / "s.db")
    return folder


def as_bytes(table):
    stream = io.BytesIO()
    table.to_parquet(stream)
    return stream.getvalue()


SETTINGS = {"by": ("regex", "domain"), "reward": "stars", "progress": False}


@pytest.mark.parametrize("files", ["j*.jsonl", "p*.parquet", "s.db", "c*.csv", "*", ""])
def test_any_number_of_workers_gives_the_same_bytes(client, folder, files):
    source = folder / files if files else folder
    one = as_bytes(score_counts(source, workers=1, **SETTINGS))
    for workers in (2, 5):
        assert as_bytes(score_counts(source, workers=workers, **SETTINGS)) == one
    assert as_bytes(score_counts(source, client=client, **SETTINGS)) == one
    command = (
        "import sys; from jarvis_lab import score_counts;"
        f"score_counts(sys.argv[1], **{SETTINGS!r}).to_parquet(sys.argv[2])"
    )
    other = folder.parent / "other.out"
    subprocess.run([sys.executable, "-c", command, source, other], check=True)
    assert other.read_bytes() == one


@pytest.mark.parametrize("connected", [True, False])
def test_a_dask_frame_counts_as_its_rows_do(client, folder, connected):
    frame = pd.read_parquet(folder / "p1.parquet")
    expected = score_counts(frame, **SETTINGS)
    parts = dask.dataframe.from_pandas(frame, npartitions=7)
    with dask.config.set({} if connected else {"scheduler": "threads"}):
        got = score_counts(parts, client=client if connected else None, **SETTINGS)
    whole = [name for name in got if got[name].dtype != "float64"]
    pd.testing.assert_frame_equal(got[whole], expected[whole], check_exact=True)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-12, atol=0)


def test_partitions_that_are_empty_or_computed_count_too(client):
    frame = dask.dataframe.from_pandas(log(3_000), npartitions=4)
    good = frame[frame["domain"] == "x"].assign(model=frame["domain"])
    expected = score_counts(good.compute())
    pd.testing.assert_frame_equal(score_counts(good, client=client), expected, rtol=1e-12)
    none = score_counts(frame[frame["domain"] == "z"], client=client)
    assert len(none) == 0
    assert none.dtypes.equals(expected.dtypes)


def test_columns_that_a_dask_frame_lacks_are_told_before_any_work(client):
    frame = dask.dataframe.from_pandas(log(10), npartitions=2)
    with pytest.raises(ValueError, match=r"dask DataFrame has no column 'domian'.*Did you mean"):
        score_counts(frame, by="domian", client=client)
    for name in ("model", "query"):
        others = [other for other in frame.columns if other != name]
        with pytest.raises(ValueError, match=f"no column '{name}'"):
            score_counts(frame[others], client=client)
    with pytest.raises(ValueError, match="no column 'points'"):
        score_counts(frame, reward="points", client=client)
    with pytest.raises(TypeError, match="Dask's Series"):
        score_counts(frame["model"])
    with pytest.raises(TypeError, match=r"compute\(\) first what fits in memory"):
        read_traces(frame)


def test_a_local_client_has_its_own_cluster_and_ends_it(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"query": "hi", "model": "a"}\n')
    with local_client(workers=1) as small:
        assert list(small.nthreads().values()) == [1]
        assert small.dashboard_link.startswith("http://127.0.0.1:")
        assert score_counts(tmp_path, client=small)["n"].sum() == 1
        cluster, processes = small.cluster, list(small.run(os.getpid).values())
    assert cluster.status.name == "closed"
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    for wrong in ({"workers": 0}, {"threads": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}=0 must be at least 1"):
            local_client(**wrong)


def test_scores_come_from_a_cluster_as_from_here(client, folder):
    expected = class_scores(folder / "s.db", by="domain")
    got = class_scores(folder / "s.db", by="domain", client=client)
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


@pytest.mark.parametrize("source", ["files", "partitions"])
def test_policies_learn_the_same_on_a_cluster(client, folder, source):
    frame = pd.read_parquet(folder / "p1.parquet")
    given = folder / "p1.parquet"
    if source == "partitions":
        given = dask.dataframe.from_pandas(frame, npartitions=3)
    assert SFTRouterPolicy().update(given, client=client) == SFTRouterPolicy().update(frame)
    there, here = TraceDrivenPolicy(given), TraceDrivenPolicy(frame)
    assert there.update_from_traces(client=client) == here.update_from_traces()
    for policy in (SFTRouterPolicy(), TraceDrivenPolicy()):
        there = policy.fit(given, client=client).policy_map
        assert there == policy.fit(frame).policy_map != {}
    for reward in (None, "feedback", "stars"):
        table = LowerBoundRouterPolicy(reward=reward).fit(given, client=client).table()
        expected = LowerBoundRouterPolicy(reward=reward).fit(frame).table()
        pd.testing.assert_frame_equal(table, expected, rtol=1e-12)
        there = BestSinglePolicy(reward=reward).fit(given, client=client)
        assert there.model == BestSinglePolicy(reward=reward).fit(frame).model != ""
    with pytest.raises(ValueError, match="not on a cluster"):
        SFTRouterPolicy().update(given, limit=5, client=client)


def test_a_named_reward_streams_and_is_held_to_its_range(client, tmp_path):
    frame = log(5_000).assign(stars=lambda d: d["stars"] * 5)
    frame.to_parquet(tmp_path / "log.parquet")
    dask_frame = dask.dataframe.from_pandas(frame, npartitions=3)
    for source in (tmp_path / "log.parquet", dask_frame, score_counts(frame, reward="stars")):
        with pytest.raises(ValueError, match=r"'stars' has \d+ values outside \[0, 1\]. Rescale"):
            LowerBoundRouterPolicy(reward="stars").fit(source, client=client)


def test_bad_lines_are_reported_as_here(client, tmp_path):
    good = log(3).to_json(orient="records", lines=True)
    for place in range(4):
        text = f"{good}{{broken {place}\n{good}"
        (tmp_path / f"{place}.jsonl").write_bytes(text.encode() + b'{"model": "\xff"}\n')
    for options in ({}, {"client": client}):
        seen = []
        assert score_counts(tmp_path, on_bad_lines=seen.append, **options)["n"].sum() == 28
        assert [(Path(bad.file).name, bad.line) for bad in seen] == [
            (f"{place}.jsonl", 4) for place in range(4)
        ]
        with pytest.warns(BadLineWarning) as caught:
            score_counts(tmp_path, **options)
        texts = [str(warning.message) for warning in caught]
        assert texts[0].startswith(f"4 bad lines left out: {tmp_path / '0.jsonl'}, line 4: ")
        assert texts[1].startswith("4 lines with invalid UTF-8")
        assert {warning.filename for warning in caught} == {__file__}
        with pytest.raises(BadLineError, match=r"0\.jsonl, line 4"):
            score_counts(tmp_path, on_bad_lines="error", **options)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert score_counts(tmp_path, on_bad_lines="skip", **options)["n"].sum() == 28


def test_values_that_are_lost_are_told_as_here(client, tmp_path):
    for place in range(2):
        frame = log(5).assign(feedback=["0.5", "x", "y", None, "1"])
        frame.to_parquet(tmp_path / f"{place}.parquet")
    for options in ({"workers": 1}, {"workers": 2}, {"client": client}):
        with pytest.warns(ValueWarning) as caught:
            score_counts(tmp_path, **options)
        assert [str(warning.message) for warning in caught] == [
            f"2 values of 'feedback' of {tmp_path / str(place)}.parquet: not numbers; "
            "read as missing."
            for place in range(2)
        ]
        assert {warning.filename for warning in caught} == {__file__}


def damaged(folder):
    """Three files, the second with a damaged row group."""
    for place in range(3):
        log(20_000, place).to_parquet(folder / f"{place}.parquet", row_group_size=5_000)
    path = folder / "1.parquet"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000] = b"\xff" * 2_000
    path.write_bytes(content)


def test_a_damaged_piece_names_its_file(client, tmp_path):
    damaged(tmp_path)
    for options in ({"workers": 2}, {"client": client}):
        with pytest.raises(ValueError, match=r"1\.parquet cannot be read to its end"):
            score_counts(tmp_path, **options)


@pytest.mark.parametrize("name", ["log.jsonl.gz", "log.db"])
def test_damage_of_other_kinds_of_files_is_told_as_here(client, tmp_path, name):
    frame, path = log(20_000), tmp_path / name
    if name == "log.db":
        stored(frame, path)
        with open(path, "r+b") as handle:
            handle.seek(path.stat().st_size // 2)
            handle.write(b"\xff" * 60_000)
    else:
        frame.to_json(path, orient="records", lines=True)
        path.write_bytes(path.read_bytes()[:-20_000])
    errors = []
    for options in ({"workers": 2}, {"client": client}):
        with pytest.raises(ValueError, match=name) as caught:
            score_counts(tmp_path, **options)
        errors.append(caught)
    here, there = errors
    assert there.type is here.type
    assert str(there.value) == str(here.value)


def test_the_first_file_that_is_wrong_is_named_whatever_runs_ahead(client, tmp_path):
    (tmp_path / "0.jsonl").write_text("{broken\n")
    (tmp_path / "1.parquet").write_bytes(b"PAR1 and nothing else")
    for options in ({"workers": 1}, {"workers": 4}, {"client": client}):
        with pytest.raises(BadLineError, match=r"0\.jsonl, line 1"):
            score_counts(tmp_path, on_bad_lines="error", **options)
        with pytest.raises(ValueError, match=r"1\.parquet"):
            score_counts(tmp_path, on_bad_lines="skip", **options)


def test_a_worker_that_is_killed_in_the_middle_is_replaced(start_cluster, tmp_path):
    log(60_000).to_parquet(tmp_path / "log.parquet", row_group_size=4_000)
    marker = tmp_path / "killed"

    class Deadly:
        def predict(self, queries):
            import os
            import signal

            try:
                os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return ["x" if query else "y" for query in queries]
            os.kill(os.getpid(), signal.SIGKILL)

    deadly = Deadly()
    deadly.marker = str(marker)
    with start_cluster() as cluster, distributed.Client(cluster) as own:
        before = {status["pid"] for status in own.run(_facts).values()}
        got = score_counts(tmp_path / "log.parquet", by=deadly, client=own)
        own.wait_for_workers(2)
        after = {status["pid"] for status in own.run(_facts).values()}
    assert marker.exists()
    assert len(before - after) == 1
    expected = score_counts(tmp_path / "log.parquet", by=deadly, workers=1)
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


def _facts():
    return {"pid": os.getpid()}


def test_a_piece_that_ends_every_worker_is_named(start_cluster, tmp_path):
    for place in range(3):
        log(100, place).to_parquet(tmp_path / f"{place}.parquet")
    log(100).assign(query="poison").to_parquet(tmp_path / "1.parquet")

    class Poisoned:
        def predict(self, queries):
            import os
            import signal

            if "poison" in queries:
                os.kill(os.getpid(), signal.SIGKILL)
            return ["x"] * len(queries)

    with start_cluster(allowed_failures=0) as cluster, distributed.Client(cluster) as own:
        with pytest.raises(LostTaskError, match=r"1\.parquet: each worker that took it ended"):
            score_counts(tmp_path, by=Poisoned(), client=own)
        own.wait_for_workers(2)
        assert score_counts(tmp_path / "0.parquet", client=own)["n"].sum() == 100


def test_a_slow_worker_changes_nothing(client, tmp_path):
    for place in range(6):
        log(1_000, place).assign(query=f"{place} why").to_parquet(tmp_path / f"{place}.parquet")

    class Slow:
        """Holds the first file up until the last one was read."""

        def predict(self, queries):
            from pathlib import Path

            last = Path(self.folder, "last")
            while queries[0][0] == "0" and not last.exists():
                pass
            if queries[0][0] == "5":
                last.touch()
            return [query[0] for query in queries]

    slow = Slow()
    slow.folder = str(tmp_path)
    got = score_counts(tmp_path, by=slow, client=client)
    assert Path(tmp_path, "last").exists()
    pd.testing.assert_frame_equal(got, score_counts(tmp_path, by=slow, workers=1), check_exact=True)


def test_an_interrupt_leaves_no_task_behind(client, tmp_path):
    for place in range(60):
        text = log(20, place).to_json(orient="records", lines=True)
        (tmp_path / f"{place:02}.jsonl").write_text(("{broken\n" if place == 2 else "") + text)

    def stop(bad):
        raise KeyboardInterrupt

    before, held = set(client.futures), []
    for options in ({"workers": 3}, {"client": client}):
        with pytest.raises(KeyboardInterrupt) as caught:
            score_counts(tmp_path, on_bad_lines=stop, **options)
        held.append(caught)  # with all that the frames hold
        assert not set(client.futures) - before
    for _ in range(1_000):
        if not any(client.processing().values()):
            break
    assert not any(client.processing().values())
    assert not [t for t in threading.enumerate() if t.name.startswith("jarvis-lab")]
    assert score_counts(tmp_path, on_bad_lines="skip", client=client)["n"].sum() == 1200


def test_what_is_in_memory_or_in_use_is_read_here(client, tmp_path):
    frame = log(2_000)
    expected = score_counts(frame)
    pd.testing.assert_frame_equal(score_counts(frame, client=client), expected)
    connection = stored(frame, tmp_path / "live.db", wal=True)
    try:
        got = score_counts(tmp_path / "live.db", client=client)
    finally:
        connection.close()
    pd.testing.assert_frame_equal(got, expected)


def test_a_file_that_a_worker_does_not_see_is_named(client, tmp_path):
    for place in range(3):
        log(10, place).to_json(tmp_path / f"{place}.jsonl", orient="records", lines=True)

    class Unmounts:
        def predict(self, queries):
            import os

            os.rename(self.file, f"{self.file}.away")
            return ["x"] * len(queries)

    unmounts = Unmounts()
    unmounts.file = str(tmp_path / "2.jsonl")
    with pytest.raises(FileNotFoundError, match=r"jsonl: a worker of the cluster does not see it"):
        score_counts(tmp_path, by=unmounts, client=client)


def test_a_relative_path_is_the_callers(client, tmp_path, monkeypatch):
    (tmp_path / "log.jsonl").write_text('{"query": "hi", "model": "a"}\n{broken\n')
    monkeypatch.chdir(tmp_path)
    seen = []
    assert score_counts("log.jsonl", client=client, on_bad_lines=seen.append)["n"].sum() == 1
    assert seen[0].file == str(tmp_path / "log.jsonl")


def test_what_is_no_client_is_told_what_to_pass(client, tmp_path):
    (tmp_path / "log.jsonl").write_text('{"query": "hi", "model": "a"}\n')
    with pytest.raises(TypeError, match=r"pass distributed\.Client\('tcp://10\.0\.0\.1:8786'\)"):
        score_counts(tmp_path, client="tcp://10.0.0.1:8786")
    with pytest.raises(TypeError, match=r"not LocalCluster\. Pass its get_client\(\)"):
        score_counts(tmp_path, client=client.cluster)
    with pytest.raises(TypeError, match="not int"):
        score_counts(tmp_path, client=3)


def test_without_the_extra_the_error_names_it():
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from jarvis_lab import local_client, score_counts\n"
        "try: score_counts('x.jsonl', client='tcp://10.0.0.1:8786')\n"
        "except ImportError as error: print(error)\n"
        "try: local_client()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("pip install 'jarvis-lab[cluster]'") == 2


def test_counting_here_does_not_load_dask(folder):
    code = (
        "import sys; from jarvis_lab import score_counts; score_counts(sys.argv[1]);"
        "print({'dask', 'distributed'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(folder / "j0.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_few_handles_are_asked_for_ahead_and_an_error_waits_for_its_turn():
    asked = []

    def handles():
        for place in range(10):
            asked.append(place)
            yield place
        raise ValueError("the eleventh")

    taken = ahead(handles(), lambda: 3)
    for place in range(10):
        assert next(taken) == place
        assert len(asked) <= place + 5
    with pytest.raises(ValueError, match="the eleventh"):
        next(taken)


def test_one_worker_reads_nothing_ahead():
    with Threads(1) as here:
        ran = []
        handles = (here.submit("", lambda p, stop: ran.append(p), place) for place in range(5))
        for place, _ in enumerate(ahead(handles, lambda: here.ahead)):
            assert ran == list(range(place + 1))


def test_no_file_appears_beside_what_is_read(client, folder):
    before = sorted(path.name for path in folder.iterdir())
    score_counts(folder, client=client, progress=False)
    assert sorted(path.name for path in folder.iterdir()) == before
