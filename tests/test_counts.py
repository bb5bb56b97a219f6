"""Counts per class and model: by hand, against pandas, and the same whatever the source."""

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_lab import classify_query, merge_counts, read_traces, score_counts
from jarvis_lab.readers.jsonl import BadLineWarning
from jarvis_lab.scores import COUNT_COLUMNS, REWARD_COLUMNS, is_counts

NAN, INF = float("nan"), float("inf")
T0 = 1_767_225_600


def log():
    return pd.DataFrame(
        {
            "query": ["import os", "import re", "import io", "import os", "hi"],
            "model": ["a", "a", "a", "b", "a"],
            "outcome": ["success", "failure", None, "success", None],
            "feedback": [1.0, 0.5, 0.25, None, None],
            "started_at": [T0 + 3, T0 + 1, T0 + 2, None, T0],
            "total_latency_seconds": [1.0, None, -2.0, INF, 0.0],
            "total_tokens": [10, 20, None, 5, 0],
            "cost_usd": [None, 0.5, 0.25, None, None],
        }
    )


def big(rows=150_000, seed=0):
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
            "total_tokens": rng.integers(1, 1000, rows),
            "domain": rng.choice(np.array(["x", "y"]), rows),
        }
    )


def stored(frame, path):
    connection = sqlite3.connect(path)
    kinds = {
        name: "TEXT" if name in ("query", "model", "outcome", "domain") else "REAL"
        for name in frame.columns
    }
    kinds |= {"total_tokens": "INTEGER"} if "total_tokens" in frame else {}
    connection.execute(f"CREATE TABLE traces ({', '.join(f'{n} {k}' for n, k in kinds.items())})")
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    connection.executemany(f"INSERT INTO traces VALUES ({','.join('?' * len(kinds))})", rows)
    connection.commit()
    connection.close()
    return path


def test_every_column_of_a_worked_case():
    counts = score_counts(log())
    assert tuple(counts.columns) == ("query_class", "model", *COUNT_COLUMNS)
    assert counts["query_class"].tolist() == ["code", "code", "short"]
    assert counts["model"].tolist() == ["a", "b", "a"]
    expected = {
        "n": [3, 1, 1],
        "n_outcome": [2, 1, 0],
        "successes": [1, 1, 0],
        "n_feedback": [3, 0, 0],
        "n_both": [2, 0, 0],
        "both_successes": [1, 0, 0],
        "n_latency": [1, 0, 1],
        "n_tokens": [2, 1, 1],
        "n_cost": [2, 0, 0],
        "invalid_feedback": [0, 0, 0],
        "invalid_latency": [1, 1, 0],
        "feedback_sum": [1.75, 0, 0],
        "feedback_sum_squares": [1.3125, 0, 0],
        "both_feedback_sum": [1.5, 0, 0],
        "both_feedback_sum_squares": [1.25, 0, 0],
        "both_success_feedback_sum": [1.0, 0, 0],
        "latency_sum_seconds": [1.0, 0, 0],
        "tokens_sum": [30.0, 5.0, 0],
        "cost_sum_usd": [0.75, 0, 0],
        "last_row": [0, 3, 4],
    }
    for name, values in expected.items():
        assert counts[name].tolist() == values, name
        assert counts[name].dtype == ("float64" if "_sum" in name else "int64"), name
    assert counts["last_seen"].dtype == "datetime64[us, UTC]"
    assert counts["last_seen"].isna().tolist() == [False, True, False]
    assert counts["last_seen"].iloc[0] == pd.Timestamp(T0 + 3, unit="s", tz="UTC")
    assert set(expected) | {"last_seen"} == set(COUNT_COLUMNS)
    assert is_counts(counts)
    assert not is_counts(log())


values = st.one_of(st.none(), st.floats(-0.5, 1.5), st.just(NAN), st.just(INF))
traces = st.lists(
    st.tuples(
        st.sampled_from(["import os", "hi", "solve it", "", None]),
        st.sampled_from(["a", "b", "", None]),
        st.sampled_from(["success", "failure", "Success", "", None]),
        values,
        st.one_of(values, st.floats(-10, 1e6)),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(traces)
def test_counts_equal_pandas_groupby(rows):
    frame = pd.DataFrame(
        {
            "query": pd.Series([r[0] for r in rows], dtype="str"),
            "model": pd.Series([r[1] for r in rows], dtype="str"),
            "outcome": pd.Series([r[2] for r in rows], dtype="str"),
            "feedback": pd.Series([r[3] for r in rows], dtype="float64"),
            "total_latency_seconds": pd.Series([r[4] for r in rows], dtype="float64"),
        }
    )
    counts = score_counts(frame)
    assert counts["n"].sum() == len(frame)
    frame["query_class"] = [classify_query(r[0]) for r in rows]
    frame["model"] = frame["model"].fillna("")
    f, latency = frame["feedback"], frame["total_latency_seconds"]
    frame["ok"] = f.between(0, 1)
    frame["invalid"] = f.notna() & ~frame["ok"]
    frame["value"] = f.where(frame["ok"], 0.0)
    frame["success"] = (frame["outcome"] == "success").fillna(False)
    frame["has"] = frame["outcome"].notna()
    frame["both"] = frame["ok"] & frame["has"]
    frame["latency_ok"] = (latency >= 0) & (latency < INF)
    frame["latency"] = latency.where(frame["latency_ok"], 0.0)
    grouped = frame.groupby(["query_class", "model"])
    expected = pd.DataFrame(
        {
            "n": grouped.size(),
            "n_outcome": grouped["has"].sum(),
            "successes": grouped["success"].sum(),
            "n_feedback": grouped["ok"].sum(),
            "n_both": grouped["both"].sum(),
            "invalid_feedback": grouped["invalid"].sum(),
            "feedback_sum": grouped["value"].sum(),
            "n_latency": grouped["latency_ok"].sum(),
            "latency_sum_seconds": grouped["latency"].sum(),
        }
    ).reset_index()
    got = counts[expected.columns]
    pd.testing.assert_frame_equal(got, expected, check_dtype=False, rtol=1e-12, atol=1e-12)


def test_traces_whose_model_is_empty_and_traces_without_one_are_one_row():
    frame = pd.DataFrame({"query": "hi", "model": ["", None, "", None, "a"]})
    counts = score_counts(frame)
    assert counts[["model", "n"]].values.tolist() == [["", 4], ["a", 1]]
    labels = pd.DataFrame({"model": "a", "domain": [None, "(missing)", None, "x"]})
    counts = score_counts(labels, by="domain")
    assert counts[["query_class", "n"]].values.tolist() == [["(missing)", 3], ["x", 1]]


def test_several_schemes_in_one_read_equal_single_ones():
    frame = big(3_000)
    both = score_counts(frame, by=("keyword", "domain", "regex"))
    assert both["scheme"].unique().tolist() == ["keyword", "domain", "regex"]
    for scheme in ("keyword", "domain", "regex"):
        one = both[both["scheme"] == scheme].drop(columns="scheme").reset_index(drop=True)
        pd.testing.assert_frame_equal(one, score_counts(frame, by=scheme), check_exact=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One log of 150,000 traces in every kind of file."""
    folder = tmp_path_factory.mktemp("large")
    frame = big()
    frame.to_parquet(folder / "t.parquet", row_group_size=40_000)
    (folder / "jsonl").mkdir()
    for place in range(3):
        part = frame.iloc[place * 50_000 : (place + 1) * 50_000]
        part.to_json(folder / "jsonl" / f"{place}.jsonl", orient="records", lines=True)
    return {
        "frame": frame,
        "store": stored(frame, folder / "t.db"),
        "parquet": folder / "t.parquet",
        "jsonl": folder / "jsonl",
    }


@pytest.mark.parametrize("kind", ["frame", "store", "parquet", "jsonl"])
def test_any_number_of_workers_gives_the_same_bits(large, kind):
    one = score_counts(large[kind], by=("regex", "domain"), workers=1, progress=False)
    for workers in (2, 4):
        other = score_counts(large[kind], by=("regex", "domain"), workers=workers, progress=False)
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_frame_store_parquet_and_jsonl_give_the_same_counts(large):
    expected = score_counts(large["frame"], progress=False)
    assert expected["n"].sum() == 150_000
    store = score_counts(large["store"], progress=False)
    pd.testing.assert_frame_equal(store, expected, check_exact=True)
    for kind in ("parquet", "jsonl"):
        got = score_counts(large[kind], progress=False)
        pd.testing.assert_frame_equal(got, expected, rtol=1e-9)


def test_counts_of_parts_add_up_to_the_counts_of_the_whole():
    frame = big(20_000)
    whole = score_counts(frame, by=("regex", "domain"))
    parts = [
        score_counts(frame.iloc[i : i + 7_000], by=("regex", "domain"))
        for i in range(0, 20_000, 7_000)
    ]
    merged = merge_counts(*parts)
    pd.testing.assert_frame_equal(merged, whole, rtol=1e-12)
    pd.testing.assert_frame_equal(merge_counts(whole), whole, check_exact=True)
    single = merge_counts(score_counts(frame[:10]), score_counts(frame[:0]))
    pd.testing.assert_frame_equal(single, score_counts(frame[:10]), check_exact=True)


def test_counts_that_went_through_a_file_still_merge(tmp_path):
    counts = score_counts(log())
    counts.to_parquet(tmp_path / "c.parquet")
    again = pd.read_parquet(tmp_path / "c.parquet")
    again["last_seen"] = again["last_seen"].astype("datetime64[ns, UTC]")
    pd.testing.assert_frame_equal(merge_counts(again), counts, check_exact=True)


def test_what_cannot_be_merged_is_an_error():
    counts, both = score_counts(log()), score_counts(log(), by=("regex", "keyword"))
    with pytest.raises(ValueError, match="at least one table"):
        merge_counts()
    with pytest.raises(ValueError, match="all or none"):
        merge_counts(counts, both)
    with pytest.raises(ValueError, match="tables of score_counts"):
        merge_counts(log())
    with pytest.raises(ValueError, match=r"twice.*not concatenated"):
        merge_counts(pd.concat([counts, counts]))


def test_an_empty_log_gives_an_empty_table_of_the_same_columns():
    counts = score_counts(log().iloc[:0])
    assert len(counts) == 0
    assert tuple(counts.columns) == ("query_class", "model", *COUNT_COLUMNS)
    assert counts["n"].dtype == "int64"
    assert counts["last_seen"].dtype == "datetime64[us, UTC]"


def test_a_column_that_by_needs_and_the_log_lacks_is_an_error_that_names_the_file(tmp_path):
    path = stored(log(), tmp_path / "log.db")
    with pytest.raises(ValueError, match=r"log\.db has no column 'domain'; it has.*'model'"):
        score_counts(path, by="domain")
    with pytest.raises(ValueError, match="the DataFrame has no column 'domain'"):
        score_counts(log(), by="domain")
    with pytest.raises(ValueError, match="the DataFrame has no column 'model'"):
        score_counts(log().drop(columns="model"))
    with pytest.raises(ValueError, match=r"the DataFrame has no column 'query'.*'regex'"):
        score_counts(log().drop(columns="query"))
    assert len(score_counts(log().drop(columns="query"), by="outcome")) == 4


def test_a_named_reward_is_summed_beside_the_rest(tmp_path):
    frame = log().assign(stars=[0.5, None, 2.0, 1.0, 0.25], good=[True, False, None, True, None])
    counts = score_counts(frame, reward="stars")
    assert tuple(counts.columns) == ("query_class", "model", *COUNT_COLUMNS, *REWARD_COLUMNS)
    pd.testing.assert_frame_equal(counts.drop(columns=list(REWARD_COLUMNS)), score_counts(frame))
    assert counts["n_reward"].tolist() == [1, 1, 1]
    assert counts["reward_sum"].tolist() == [0.5, 1.0, 0.25]
    assert counts["reward_sum_squares"].tolist() == [0.25, 1.0, 0.0625]
    assert counts["invalid_reward"].tolist() == [1, 0, 0]
    assert [str(counts[name].dtype) for name in REWARD_COLUMNS] == [
        *("int64", "float64", "float64", "int64")
    ]
    assert is_counts(counts)
    assert score_counts(frame, reward="good")["reward_sum"].tolist() == [1.0, 1.0, 0.0]
    assert score_counts(frame, reward="outcome")["n_reward"].tolist() == [2, 1, 0]
    assert score_counts(frame, reward="outcome")["reward_sum"].tolist() == [1.0, 1.0, 0.0]
    assert score_counts(frame, reward="feedback")["reward_sum"].tolist() == [1.75, 0.0, 0.0]
    empty = score_counts(frame[:0], reward="stars")
    assert empty.dtypes.equals(counts.dtypes)
    frame = frame.drop(columns=["total_tokens", "total_latency_seconds"])
    counts = score_counts(frame, reward="stars")
    frame.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    pd.testing.assert_frame_equal(score_counts(tmp_path / "log.jsonl", reward="stars"), counts)
    frame.to_csv(tmp_path / "log.csv", index=False)
    pd.testing.assert_frame_equal(score_counts(tmp_path / "log.csv", reward="stars"), counts)


def test_counts_with_a_reward_merge_with_their_like_only():
    frame = big(9_000).assign(stars=np.random.default_rng(1).random(9_000))
    whole = score_counts(frame, reward="stars", by=("regex", "domain"))
    parts = [
        score_counts(frame.iloc[i : i + 2_000], reward="stars", by=("regex", "domain"))
        for i in range(0, 9_000, 2_000)
    ]
    pd.testing.assert_frame_equal(merge_counts(*parts), whole, rtol=1e-12)
    pd.testing.assert_frame_equal(merge_counts(whole), whole, check_exact=True)
    with pytest.raises(ValueError, match="Only some of these counts have a reward"):
        merge_counts(whole, score_counts(frame, by=("regex", "domain")))


def rated():
    return log().assign(stars=[0.5, 1.0, 0.25, 0.0, 1.0], points=0.1, kind=list("xyxyx"))


def as_it_is(counts, folder):
    return counts


def through_parquet(counts, folder):
    counts.to_parquet(folder / "c.parquet")
    return pd.read_parquet(folder / "c.parquet")


def through_pickle(counts, folder):
    return pickle.loads(pickle.dumps(counts))


def filtered(counts, folder):
    return counts[counts["n"] > 0].reset_index(drop=True)


def merged_before(counts, folder):
    return merge_counts(counts, counts)


@pytest.mark.parametrize(
    "travel", [as_it_is, through_parquet, through_pickle, filtered, merged_before]
)
def test_counts_of_two_rewards_do_not_merge_wherever_they_have_been(travel, tmp_path):
    stars = travel(score_counts(rated(), reward="stars"), tmp_path)
    points = score_counts(rated(), reward="points")
    wanted = (
        r"different rewards: table 1 was counted with reward='stars', table 3 with "
        r"reward='points'.*count all of them with the same reward="
    )
    with pytest.raises(ValueError, match=wanted):
        merge_counts(stars, stars, points)
    points.attrs["reward"] = "stars"  # one reward under two names, as the message says
    merged = merge_counts(stars, points)
    assert merged["n_reward"].sum() == stars["n_reward"].sum() + 5
    assert merged.attrs == {"by": "regex", "reward": "stars"}


@pytest.mark.parametrize(
    "travel", [as_it_is, through_parquet, through_pickle, filtered, merged_before]
)
def test_counts_of_two_schemes_do_not_merge_wherever_they_have_been(travel, tmp_path):
    regex = travel(score_counts(rated()), tmp_path)
    with pytest.raises(ValueError, match=r"different classes: table 1 .*by='regex'.*by='keyword'"):
        merge_counts(regex, score_counts(rated(), by="keyword"))
    assert merge_counts(regex, score_counts(rated())).attrs == {"by": "regex"}
    several = travel(score_counts(rated(), by=("regex", "kind")), tmp_path)
    with pytest.raises(ValueError, match=r"one table has 'kind', 'regex', another 'keyword', 'reg"):
        merge_counts(several, score_counts(rated(), by=("regex", "keyword")))
    turned = merge_counts(several, score_counts(rated(), by=("kind", "regex")))
    assert turned["n"].sum() == several["n"].sum() + 10
    empty = score_counts(rated()[:0], by=("regex", "kind"))
    assert merge_counts(empty, several)["n"].sum() == several["n"].sum()


def test_counts_that_do_not_tell_what_they_were_counted_by_merge_as_before(tmp_path):
    stars = score_counts(rated(), reward="stars")
    stars.to_csv(tmp_path / "c.csv", index=False)
    csv = pd.read_csv(tmp_path / "c.csv", parse_dates=["last_seen"])
    made = pd.DataFrame({name: stars[name].to_numpy() for name in stars})
    made["last_seen"] = stars["last_seen"]
    strange = stars.copy()
    strange.attrs = {"by": 3, "reward": ["points"], "mine": "kept out"}
    for unknown in (csv, made, strange):
        both = merge_counts(unknown, unknown)
        assert both.attrs == {}
        assert both["reward_sum"].tolist() == (2 * stars["reward_sum"]).tolist()
        assert merge_counts(unknown, stars).attrs == {"by": "regex", "reward": "stars"}
    one = score_counts(rated(), by=("regex", "kind"))
    one = one[one["scheme"] == "regex"].drop(columns="scheme")
    assert merge_counts(one, score_counts(rated()))["n"].sum() == 10


def test_a_reward_must_be_there_and_hold_numbers(tmp_path):
    frame = log().assign(words=list("abcde"))
    frame.to_parquet(tmp_path / "log.parquet")
    for source, name in ((frame, "the DataFrame"), (tmp_path / "log.parquet", r"log\.parquet")):
        with pytest.raises(ValueError, match=f"{name} has no column 'wrods'.*mean 'words'"):
            score_counts(source, reward="wrods")
        with pytest.raises(ValueError, match=f"'words' of .*{name} holds .*string, but must hold"):
            score_counts(source, reward="words")
    path = tmp_path / "late.jsonl"
    old, new = '{"query": "q", "model": "m"}\n', '{"query": "q", "model": "m", "stars": 0.5}\n'
    path.write_text(old * 65_536 + new * 3)
    assert score_counts(path, reward="stars")[["n", "n_reward"]].values.tolist() == [[65_539, 3]]
    with pytest.raises(ValueError, match=r"late\.jsonl has no column 'points'.*reward="):
        score_counts(path, reward="points")


def test_by_and_workers_must_make_sense():
    with pytest.raises(ValueError, match="by is empty"):
        score_counts(log(), by=())
    with pytest.raises(ValueError, match="'regex' twice"):
        score_counts(log(), by=("regex", "regex"))
    with pytest.raises(ValueError, match="workers"):
        score_counts(log(), workers=0)


def test_classes_may_come_from_a_column_of_any_type_and_from_a_model():
    frame = log().assign(
        number=[1, 1, 2, 2, 3],
        gap=[1.0, None, 1.5, 2.0, None],
        flag=[True, False, True, True, True],
        kind=pd.Categorical(["x", "y", "x", None, "x"]),
    )
    assert score_counts(frame, by="number")["query_class"].unique().tolist() == ["1", "2", "3"]
    assert score_counts(frame, by="flag")["query_class"].unique().tolist() == ["false", "true"]
    kinds = score_counts(frame, by="kind")["query_class"].unique().tolist()
    assert kinds == ["(missing)", "x", "y"]
    gaps = score_counts(frame, by="gap")["query_class"].unique().tolist()
    assert gaps == ["(missing)", "1", "1.5", "2"]

    class Length:
        def predict(self, queries):
            return ["odd" if len(q) % 2 else "even" for q in queries]

    counts = score_counts(frame, by=(Length(), "regex"))
    assert counts["scheme"].unique().tolist() == ["Length", "regex"]
    assert set(counts.loc[counts["scheme"] == "Length", "query_class"]) == {"odd", "even"}


def test_since_and_until_hold_for_counts(tmp_path):
    for source in (log(), stored(log(), tmp_path / "t.db")):
        assert score_counts(source, since=T0 + 1, until=T0 + 2)["n"].sum() == 2


def test_bad_lines_are_counted_and_the_rest_is_scored(tmp_path):
    path = tmp_path / "t.jsonl"
    good = json.dumps({"query": "hi", "model": "a", "outcome": "success", "domain": "x"})
    path.write_text(f"{good}\n{{broken\n{good}\n")
    with pytest.warns(BadLineWarning, match=r"1 bad line left out: .*t\.jsonl, line 2"):
        assert score_counts(path)["n"].tolist() == [2]
    found = []
    assert score_counts(path, by="domain", on_bad_lines=found.append)["n"].tolist() == [2]
    assert [bad.line for bad in found] == [2]


def test_what_is_read_is_what_is_counted(large):
    frame = read_traces(large["store"])
    pd.testing.assert_frame_equal(
        score_counts(frame)[["query_class", "model", "n", "successes", "n_feedback"]],
        score_counts(large["store"])[["query_class", "model", "n", "successes", "n_feedback"]],
    )


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of memory is told by /proc"
)


def peak_memory(source, rows):
    code = (
        "import re, sys; from jarvis_lab import score_counts;"
        "assert score_counts(sys.argv[1], progress=False)['n'].sum() == int(sys.argv[2]);"
        # getrusage() would count what the process that started this one has in memory
        "print(*re.findall(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()))"
    )
    command = [sys.executable, "-c", code, str(source), str(rows)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@needs_proc
def test_memory_does_not_grow_with_the_log(tmp_path):
    def peak(rows):
        path = tmp_path / f"{rows}.db"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE traces (query TEXT, model TEXT, outcome TEXT)")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO traces SELECT hex(zeroblob(150)), 'm', 'success' FROM n",
            (rows,),
        )
        connection.commit()
        connection.close()
        return peak_memory(path, rows)

    small, large = peak(400_000), peak(1_200_000)
    assert large < 1.15 * small


@needs_proc
def test_memory_does_not_grow_with_a_parquet_row_group_nor_with_the_number_of_files(tmp_path):
    queries = np.random.default_rng(0).integers(10**17, 10**18, (8, 300_000)).astype(str)
    frame = pd.DataFrame({"query": [" ".join(row) for row in queries.T], "model": "m"})
    peaks = {}
    for rows, files in ((70_000, 2), (300_000, 2), (300_000, 6), (300_000, 12)):
        folder = tmp_path / f"{rows}-{files}"
        folder.mkdir()
        frame.to_parquet(folder / "0.parquet", row_group_size=rows, compression=None)
        for place in range(1, files):
            os.link(folder / "0.parquet", folder / f"{place}.parquet")
        peaks[rows, files] = peak_memory(folder, files * len(frame))
    assert peaks[300_000, 2] < 1.15 * peaks[70_000, 2]
    # From some files on every thread has all that it may have waiting.
    assert peaks[300_000, 12] < 1.15 * peaks[300_000, 6]


@pytest.mark.parametrize("name", ["log.db", "log.parquet", "log.csv", None])
def test_a_column_that_is_not_there_is_told_with_all_that_are(tmp_path, name):
    frame = log().assign(domain="x", zebra=1)
    if name is None:
        source = frame
    elif name == "log.db":
        source = stored(frame.drop(columns="zebra"), tmp_path / name)
    else:
        source = tmp_path / name
        getattr(frame, "to_csv" if name == "log.csv" else "to_parquet")(source, index=False)
    for ask in (
        lambda: score_counts(source, by="domian"),
        lambda: read_traces(source, columns=["domian"]),
    ):
        with pytest.raises(ValueError, match=r"it has.*'query', 'model'.*Did you mean 'domain'\?"):
            ask()


def test_an_outcome_made_of_correct_can_be_the_class():
    frame = log().drop(columns="outcome").assign(correct=True)
    assert set(score_counts(frame, by="outcome")["query_class"]) == {"success"}


def test_a_field_that_only_the_last_lines_of_a_file_have_is_missing_before(tmp_path):
    path = tmp_path / "log.jsonl"
    old, new = '{"query": "q", "model": "m"}\n', '{"query": "q", "model": "m", "domain": "law"}\n'
    path.write_text(old * 65_536 + new * 3)
    counts = score_counts(path, by="domain")
    assert counts[["query_class", "n"]].values.tolist() == [["(missing)", 65_536], ["law", 3]]
    with pytest.raises(ValueError, match=r"log\.jsonl has no column 'area'"):
        score_counts(path, by=("domain", "area"))
