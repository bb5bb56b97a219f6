"""The whole job on two real logs, against what pandas and sqlite3 give by hand."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jarvis_lab import (
    SFTRouterPolicy,
    TraceDrivenPolicy,
    class_scores,
    classify_query,
    merge_counts,
    read_steps,
    read_traces,
    score_counts,
)

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
STORE, MMLU = DATA / "openjarvis_mmlu_traces.db", DATA / "routellm_mmlu.parquet"
pytestmark = pytest.mark.skipif(
    not (STORE.exists() and MMLU.exists()), reason="the real logs are not beside the repository"
)
STRONG, WEAK = "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"


def by_sqlite3():
    with contextlib.closing(sqlite3.connect(f"file:{STORE}?mode=ro&immutable=1", uri=True)) as c:
        return pd.read_sql_query("SELECT * FROM traces ORDER BY started_at, id", c)


@pytest.fixture(scope="module")
def plain():
    """The store as sqlite3 gives it, with the classes of the scalar path."""
    frame = by_sqlite3()
    for scheme in ("regex", "keyword"):
        frame[scheme] = [classify_query(query, by=scheme) for query in frame["query"]]
    return frame


@pytest.fixture(scope="module")
def mmlu():
    return pd.read_parquet(MMLU)


def composites(frame, scheme):
    """Both originals' scores of each class and model, by pandas."""
    rows = {}
    for key, part in frame.groupby([scheme, "model"]):
        success = (part["outcome"] == "success").astype(float)
        sft = (0.6 * success + 0.4 * part["feedback"].fillna(0.5)).mean()
        mean = part["feedback"].mean()
        trace = 0.6 * success.mean() + 0.4 * (0.5 if np.isnan(mean) else mean)
        rows[key] = (len(part), sft, trace)
    return pd.DataFrame(rows, index=["n", "sft", "trace"]).T


def best(scores, column, least=1):
    enough = scores[scores["n"] >= least]
    return {c: part[column].idxmax()[1] for c, part in enough.groupby(level=0)}


def test_the_store_reads_as_sqlite3_reads_it(plain):
    got = read_traces(STORE)
    assert len(got) == len(plain) == 3_000
    for name in ("trace_id", "query", "agent", "model", "engine", "result"):
        assert got[name].tolist() == plain[name].tolist(), name
    assert got["outcome"].isna().tolist() == plain["outcome"].isna().tolist()
    assert got["outcome"].dropna().tolist() == plain["outcome"].dropna().tolist()
    for name in ("feedback", "total_latency_seconds"):
        np.testing.assert_array_equal(got[name], plain[name].astype(float))
    assert got["total_tokens"].tolist() == plain["total_tokens"].tolist()
    seconds = got["started_at"].astype("int64") / 1e6
    np.testing.assert_allclose(seconds, plain["started_at"], rtol=0, atol=1e-6)
    assert list(read_steps(STORE).columns[:2]) == ["id", "trace_id"]


@pytest.mark.parametrize("scheme", ["regex", "keyword"])
def test_scores_of_the_store_equal_those_by_hand(plain, scheme):
    scores = class_scores(STORE, by=scheme).set_index(["query_class", "model"])
    expected = composites(plain, scheme)
    assert scores["n"].to_dict() == expected["n"].astype(int).to_dict()
    assert scores["n"].sum() == 3_000
    np.testing.assert_allclose(scores["sft_score"], expected["sft"], rtol=1e-12)
    np.testing.assert_allclose(scores["trace_score"], expected["trace"], rtol=1e-12)
    known = plain.dropna(subset="outcome")
    rate = (known["outcome"] == "success").groupby([known[scheme], known["model"]]).mean()
    np.testing.assert_allclose(scores["success_rate"], rate, rtol=1e-12)
    feedback = plain.groupby([scheme, "model"])["feedback"].mean()
    np.testing.assert_allclose(scores["feedback_mean"], feedback, rtol=1e-12)
    assert scores["n_outcome"].sum() == len(known) < 3_000


def test_both_tables_of_the_store_equal_those_by_hand(plain):
    sft = SFTRouterPolicy(min_samples=5)
    sft.update(STORE)
    assert sft.policy_map == best(composites(plain, "keyword"), "sft", least=5)
    trace = TraceDrivenPolicy(STORE)
    assert trace.update_from_traces()["total_traces"] == 3_000
    assert trace.policy_map == best(composites(plain, "regex"), "trace")


def test_the_published_accuracies_come_out(mmlu):
    counts = score_counts(MMLU, by="model")
    scores = class_scores(counts).set_index("model")
    assert scores["n"].tolist() == [14_037, 14_037]
    assert scores["success_rate"].round(5).to_dict() == {STRONG: 0.80587, WEAK: 0.68091}
    np.testing.assert_allclose(
        scores["success_rate"], mmlu.groupby("model")["correct"].mean(), rtol=1e-12
    )
    assert (scores["success_rate_low"] < scores["success_rate"]).all()
    assert (scores["success_rate"] < scores["success_rate_high"]).all()


def test_by_domain_equals_a_groupby(mmlu):
    scores = class_scores(MMLU, by="domain")
    expected = mmlu.groupby(["domain", "model"])["correct"].agg(["size", "sum", "mean"])
    assert scores["query_class"].nunique() == 57
    assert scores[["query_class", "model"]].values.tolist() == [list(key) for key in expected.index]
    assert scores["n"].tolist() == expected["size"].tolist()
    assert scores["successes"].tolist() == expected["sum"].tolist()
    np.testing.assert_allclose(scores["success_rate"], expected["mean"], rtol=1e-12)
    np.testing.assert_allclose(scores["reward_mean"], expected["mean"], rtol=1e-12)


def test_both_tables_of_the_parquet_file_equal_those_by_hand(mmlu):
    frame = mmlu.assign(feedback=np.nan)
    frame["outcome"] = np.where(frame["correct"], "success", "failure")
    for scheme in ("regex", "keyword"):
        frame[scheme] = [classify_query(query, by=scheme) for query in frame["query"]]
    sft = SFTRouterPolicy(min_samples=5)
    sft.update(MMLU)
    assert sft.policy_map == best(composites(frame, "keyword"), "sft", least=5)
    trace = TraceDrivenPolicy(MMLU)
    trace.update_from_traces()
    assert trace.policy_map == best(composites(frame, "regex"), "trace")
    assert set(trace.policy_map.values()) <= {STRONG, WEAK}


def test_file_frame_and_parts_give_the_same_counts(mmlu):
    counts = score_counts(MMLU, by=("regex", "domain"))
    pd.testing.assert_frame_equal(counts, score_counts(mmlu, by=("regex", "domain")), rtol=1e-12)
    parts = [score_counts(part, by=("regex", "domain")) for part in (mmlu[:9_000], mmlu[9_000:])]
    pd.testing.assert_frame_equal(merge_counts(*parts), counts, rtol=1e-12)
