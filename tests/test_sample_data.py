"""The committed sample is what its script makes, says that it is generated, and is as described."""

import collections
import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from jarvis_lab.classes import classify_queries, classify_query
from jarvis_lab.readers.traces import read_traces
from jarvis_lab.routing import SFTRouterPolicy, TraceDrivenPolicy
from jarvis_lab.scores import class_scores

DATA = Path(__file__).parents[1] / "data"
MODELS = 6
CLASSES = ("code", "math", "short", "long", "general")


def make(folder):
    command = [sys.executable, "-B", str(DATA / "make_sample.py"), "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """The sample, made once more."""
    return make(tmp_path_factory.mktemp("again"))


def store(folder):
    return sqlite3.connect(f"file:{folder / 'traces.db'}?mode=ro&immutable=1", uri=True)


@pytest.fixture(scope="module")
def traces():
    """Rows of the committed store as dictionaries, with their metadata."""
    with store(DATA) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM traces ORDER BY id")]
    connection.close()
    for row in rows:
        row["metadata"] = json.loads(row["metadata"])
    return rows


def records(path):
    """Readable JSON objects of a file, and the count of the other lines."""
    good, bad = [], 0
    for line in path.read_bytes().split(b"\n"):
        if line.strip():
            try:
                good.append(json.loads(line))
            except ValueError:
                bad += 1
    return good, bad


def made_files(folder):
    names = ("traces.db", "truth_classes.csv", "truth_kinds.csv")
    deep = [*folder.glob("lake/**/*.jsonl"), *folder.glob("bench_results/**/*.jsonl")]
    return sorted(str(path.relative_to(folder)) for path in [*deep, *map(folder.joinpath, names)])


def test_making_the_sample_twice_gives_the_same_bytes(again, tmp_path):
    make(tmp_path)
    assert made_files(tmp_path) == made_files(again)
    for name in made_files(again):
        assert (tmp_path / name).read_bytes() == (again / name).read_bytes(), name


def test_the_committed_files_are_those_that_the_script_makes(again):
    assert made_files(DATA) == made_files(again)
    for name in made_files(again):
        if not name.endswith(".db"):
            assert (DATA / name).read_bytes() == (again / name).read_bytes(), name


def test_the_committed_store_holds_the_rows_that_the_script_makes(again):
    # Row by row, because another release of SQLite may lay out its pages in another way.
    both = []
    for folder in (DATA, again):
        connection = store(folder)
        both.append(list(connection.iterdump()))
        connection.close()
    assert len(both[0]) > 15_000
    assert both[0] == both[1]


def test_the_sample_is_small():
    assert sum((DATA / name).stat().st_size for name in made_files(DATA)) < 5_000_000


def test_the_store_needs_no_second_file_and_is_sound():
    assert sorted(path.name for path in DATA.glob("traces.db*")) == ["traces.db"]
    connection = store(DATA)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    header = (DATA / "traces.db").read_bytes()[:20]
    assert header[18:20] == b"\x01\x01"  # a rollback journal; WAL is 2
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_every_record_says_that_it_is_generated(traces):
    assert all(row["metadata"]["generated"] is True for row in traces)
    assert all(row["result"].startswith("[generated]") for row in traces)
    for name in made_files(DATA):
        if name.endswith(".jsonl"):
            readable, _ = records(DATA / name)
            marks = {record.get("source") for record in readable if len(record) > 3}
            assert marks == {"generated sample"}, name
    assert "**Everything in this folder is generated.**" in (DATA / "README.md").read_text("utf-8")


def test_the_readme_states_the_truth():
    command = [sys.executable, "-B", str(DATA / "make_sample.py"), "--tables"]
    tables = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert len(tables.splitlines()) > 30
    assert tables.strip() in (DATA / "README.md").read_text("utf-8")


def test_traces_and_steps_are_as_many_as_the_readme_says(traces):
    assert len(traces) == 5_000
    assert len({row["trace_id"] for row in traces}) == 5_000
    assert len({row["model"] for row in traces}) == MODELS
    connection = store(DATA)
    counts = connection.execute("SELECT count(*) FROM trace_steps GROUP BY trace_id").fetchall()
    connection.close()
    assert len(counts) == 5_000
    assert {count for (count,) in counts} == {2, 3, 4}


def test_outcome_and_feedback_are_missing_where_the_readme_says(traces):
    assert {row["outcome"] for row in traces} == {"success", "failure", None}
    assert 0.10 < sum(row["outcome"] is None for row in traces) / 5_000 < 0.14
    assert all(row["feedback"] is None for row in traces[:1_000])
    given = [row["feedback"] for row in traces[1_000:] if row["feedback"] is not None]
    assert 0.32 < len(given) / 4_000 < 0.38
    assert 0.0 <= min(given) < max(given) <= 1.0


def test_traces_stand_in_order_of_time_and_end_after_they_start(traces):
    starts = [row["started_at"] for row in traces]
    assert starts == sorted(starts)
    assert all(row["ended_at"] > row["started_at"] for row in traces)
    assert all(row["total_latency_seconds"] > 0 < row["total_tokens"] for row in traces)


def test_every_kind_has_the_classes_that_its_truth_states(traces):
    with (DATA / "truth_kinds.csv").open(encoding="utf-8", newline="") as handle:
        stated = {row["kind"]: (row["regex"], row["keyword"]) for row in csv.DictReader(handle)}
    seen = collections.defaultdict(set)
    for row in traces:
        query = row["query"]
        both = classify_query(query, by="regex"), classify_query(query, by="keyword")
        seen[row["metadata"]["kind"]].add(both)
    assert seen == {kind: {both} for kind, both in stated.items()}
    for scheme in (0, 1):
        assert {both[scheme] for both in stated.values()} == set(CLASSES)


def test_the_recorded_propensity_is_that_of_the_class_and_model(traces):
    with (DATA / "truth_classes.csv").open(encoding="utf-8", newline="") as handle:
        stated = {
            (row["query_class"], row["model"]): float(row["propensity"])
            for row in csv.DictReader(handle)
            if row["scheme"] == "regex"
        }
    for name in CLASSES:
        assert sum(p for (own, _), p in stated.items() if own == name) == pytest.approx(1.0)
    for row in traces:
        cell = classify_query(row["query"], by="regex"), row["model"]
        assert row["metadata"]["propensity"] == stated[cell]


def truth_of(scheme):
    """One row per class and model: what the script drew the outcomes from."""
    truth = pd.read_csv(DATA / "truth_classes.csv")
    return truth[truth["scheme"] == scheme].drop(columns="scheme")


def test_the_intervals_of_class_scores_cover_the_truth():
    scores = class_scores(DATA / "traces.db", by="regex", level=0.95)
    both = scores.merge(truth_of("regex"), on=["query_class", "model"])
    assert len(both) == len(scores) == len(CLASSES) * MODELS
    covered = both["success_probability"].between(
        both["success_rate_low"], both["success_rate_high"]
    )
    assert covered.mean() >= 0.9
    assert (both["success_rate_high"] - both["success_rate_low"]).median() < 0.25


def test_the_truth_beats_the_best_single_model_in_three_classes():
    truth = truth_of("regex").pivot(
        index="query_class", columns="model", values="success_probability"
    )
    share = truth_of("regex").groupby("query_class")["share"].first()
    overall = truth.mul(share, axis=0).sum()
    assert overall.idxmax() == "cirrus-large-2"
    assert overall.max() == pytest.approx(0.790, abs=5e-4)
    gain = truth.max(axis=1) - truth["cirrus-large-2"]
    assert set(gain.index[gain > 0.05]) == {"code", "math", "short"}
    assert (truth.max(axis=1) * share).sum() == pytest.approx(0.850, abs=5e-4)


def test_a_lucky_model_of_three_traces_looks_best_on_long_queries():
    scores = class_scores(DATA / "traces.db", by="regex").set_index("query_class").loc["long"]
    lucky = scores.sort_values("trace_score").iloc[-1]
    assert (lucky["model"], lucky["n"], lucky["successes"]) == ("qwen3:8b", 3, 3)
    assert lucky["note"]
    truth = truth_of("regex").set_index(["query_class", "model"])["success_probability"]
    assert truth["long", "qwen3:8b"] < truth["long", "cirrus-large-2"] - 0.2


def test_each_of_the_original_policies_is_wrong_in_one_class():
    learned, sft = TraceDrivenPolicy(DATA / "traces.db"), SFTRouterPolicy()
    learned.update_from_traces()
    sft.update(DATA / "traces.db")
    tables = {"regex": learned.policy_map, "keyword": sft.policy_map}
    wrong = {}
    for scheme, table in tables.items():
        truth = truth_of(scheme).pivot(
            index="query_class", columns="model", values="success_probability"
        )
        best = truth.idxmax(axis=1)
        wrong[scheme] = {name: model for name, model in table.items() if model != best[name]}
    assert wrong == {"regex": {"long": "qwen3:8b"}, "keyword": {"general": "qwen3:8b"}}


def test_propensities_put_right_what_the_keyword_classes_mix():
    traces = read_traces(DATA / "traces.db")
    traces = traces[traces["outcome"].notna()]
    traces = traces[classify_queries(traces["query"], by="keyword") == "general"]
    reward = (traces["outcome"] == "success").astype(float)
    weight = 1 / traces["propensity"]
    plain = class_scores(DATA / "traces.db", by="keyword").set_index("query_class").loc["general"]
    weighted = (reward * weight).groupby(traces["model"]).sum()
    weighted /= weight.groupby(traces["model"]).sum()
    assert plain.set_index("model")["sft_score"].idxmax() == "qwen3:8b"
    assert weighted.idxmax() == "cirrus-large-2"
    truth = truth_of("keyword").query("query_class == 'general'").set_index("model")
    assert truth["success_probability"].idxmax() == "cirrus-large-2"


def test_the_same_text_has_the_same_query_id(traces):
    texts = {row["metadata"]["query_id"]: row["query"] for row in traces}
    assert len(texts) == len({row["query"] for row in traces}) < 5_000
    assert all(texts[row["metadata"]["query_id"]] == row["query"] for row in traces)


def test_the_lake_has_the_runs_that_the_readme_counts():
    blocked, reasons, bad = set(), collections.Counter(), 0
    scored, evidence = [], collections.defaultdict(list)
    for path in sorted(DATA.glob("lake/data/scored-runs/*/*/*/*.jsonl")):
        readable, unreadable = records(path)
        bad += unreadable
        scored += [record for record in readable if isinstance(record["evidence_run_id"], str)]
        other = Path(str(path).replace("/scored-runs/", "/evidence/"))
        for record in records(other)[0]:
            evidence[other, record["run_id"]].append(record)
    for record in scored:
        category = record.get("category")
        reasons[record["reasons"][0]] += 1
        if category not in ("accepted", "partially_accepted"):
            blocked.add(record["evidence_run_id"])
    assert len(scored) == 308
    assert bad == 1
    assert reasons["generated: evidence missing"] == 15
    behind = sum(record["evidence_run_id"] in blocked for record in scored)
    assert behind == 97
    assert sum(len(found) == 2 for found in evidence.values()) == 10


def test_the_lake_holds_every_role_stem_and_category():
    stems, roles, categories = set(), set(), set()
    for path in DATA.glob("lake/data/evidence/*/*/*/*.jsonl"):
        for record in records(path)[0]:
            if "provenance" in record:
                stems.add(Path(record["provenance"]["source_file"]).stem)
                roles.add(record["model_role"])
    for path in DATA.glob("lake/data/scored-runs/*/*/*/*.jsonl"):
        categories |= {record.get("category") for record in records(path)[0]}
    assert stems == {
        "scrum_reviews",
        "mode_experiments",
        "auto_apply",
        "audits",
        "observer_reviews",
        "contract_analyses",
        "outcomes",
        "nightly_digests",
    }
    assert {"executor", "reviewer", "applier"} < roles
    assert {"accepted", "partially_accepted", "rejected", "needs_human_review"} < categories


def test_the_candidates_are_as_the_readme_describes_them():
    (first, bad), (second, none) = (
        records(path) for path in sorted(DATA.glob("bench_results/*/sft_candidates.jsonl"))
    )
    assert (len(first), bad, len(second), none) == (40, 1, 25, 0)
    assert len({record["id"] for record in first + second}) == 65
    assert {record.get("failure_category") for record in first} == {
        "scoring_artifact",
        "style_violation",
        "partial_answer",
        "wrong_answer",
        "format_error",
        "hallucination",
        None,
    }
    assert "<script>" in first[4]["model_response"]
    assert "quality_score" not in first[7]
    assert first[11]["failure_reason"] is None
    assert [i for i, record in enumerate(first) if record["status"] != "needs_review"] == [
        2,
        5,
        9,
        14,
    ]
    assert first[2]["corrected_response"]
    for number in (3, 8, 12):
        assert second[number]["prompt_messages"] == first[number]["prompt_messages"]
    failed = first[0]
    assert second[17]["prompt_messages"][: len(failed["prompt_messages"]) + 1] == [
        *failed["prompt_messages"],
        {"role": "assistant", "content": failed["model_response"]},
    ]
    for record in first + second:
        assert record["prompt_messages"][-1]["role"] == "user"
        assert 0.0 <= record.get("quality_score", 0.0) <= 1.0
