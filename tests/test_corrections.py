"""The firewall of corrections, in every format, against an oracle that knows who wrote what."""

from __future__ import annotations

import json
import os
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.synthesis.corrections import correction_rows, export_corrections
from jarvis_lab.synthesis.hygiene import clean_rows, drop_exact_duplicates
from jarvis_lab.synthesis.manifest import manifest_path
from jarvis_lab.synthesis.preferences import export_preferences
from jarvis_lab.synthesis.publish import sidecar_path
from jarvis_lab.synthesis.verify import verify_export

FORMATS = ("messages", "prompt_completion", "sharegpt", "alpaca")


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def candidate(**changes: Any) -> dict[str, Any]:
    """A correction that may be exported."""
    return {
        "id": "a",
        "status": "approved",
        "prompt_messages": [user("Capital of France?")],
        "model_response": "It is Lyon",
        "action": "correct",
        "target": "Paris",
        "conflict": False,
        "stale": False,
        "task_type": "qa",
        "model_name": "m1",
        **changes,
    }


def queue(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), dtype="object")


def written(file: Path, format: str) -> list[tuple[list[tuple[str, str]], str]]:
    """(earlier turns, target) of each line, read with nothing of the library."""
    rows = []
    for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
        row = json.loads(line)
        if format == "alpaca":
            rows.append(([("user", row["instruction"] + row["input"])], row["output"]))
            continue
        if format == "sharegpt":
            said = [(turn["from"], turn["value"]) for turn in row["conversations"]]
        elif format == "messages":
            said = [(turn["role"], turn["content"]) for turn in row["messages"]]
        else:
            said = [(turn["role"], turn["content"]) for turn in row["prompt"] + row["completion"]]
        names = {"human": "user", "gpt": "assistant"}
        said = [(names.get(role, role), text) for role, text in said]
        assert said[-1][0] == "assistant"
        rows.append((said[:-1], said[-1][1]))
    return rows


# -- one case after the other --------------------------------------------------------------------

RETRY = [user("Capital of France?"), assistant("it is LYON"), user("Sure?")]
REJECTED = candidate(id="r", status="discarded", action="discard", target=None)

#: name -> (rows, id in question, reason, whether a filter on status alone lets it through)
CASES: dict[str, tuple[list[dict[str, Any]], str, str, bool]] = {
    "waiting for review": (
        [candidate(status="needs_review", action=None, target=None)],
        "a",
        "status needs_review",
        False,
    ),
    "discarded": ([REJECTED], "r", "status discarded", False),
    "flagged": (
        [candidate(status="model_rejected", action="flag")],
        "a",
        "status model_rejected",
        False,
    ),
    "unknown status": ([candidate(status="Approved")], "a", "unknown status", False),
    "missing status": ([candidate(status=None)], "a", "unknown status", False),
    "two reviewers disagree": ([candidate(conflict=True)], "a", "conflict", True),
    "two reviewers disagree, the last one against": (
        [candidate(conflict=True, status="discarded", action="discard", target=None)],
        "a",
        "conflict",
        False,
    ),
    "conflict not known": ([candidate(conflict=None)], "a", "conflict", True),
    "candidate changed since": ([candidate(stale=True)], "a", "stale", True),
    "no approving action": ([candidate(action="note")], "a", "no approving decision", True),
    "missing action": ([candidate(action=None)], "a", "no approving decision", True),
    "blank correction": ([candidate(target=" \n\u3000")], "a", "blank target", True),
    "missing correction": ([candidate(target=None)], "a", "blank target", True),
    "correction is the failed answer": (
        [candidate(target="It is Lyon")],
        "a",
        "blocked target",
        True,
    ),
    "the failed answer in other case": (
        [candidate(target="IT IS LYON")],
        "a",
        "blocked target",
        True,
    ),
    "the failed answer in other spaces": (
        [candidate(target="\tIt  is\u00a0Lyon\n")],
        "a",
        "blocked target",
        True,
    ),
    "the failed answer in another Unicode form": (
        [candidate(target="Ｉｔ ｉｓ Ｌｙｏｎ")],
        "a",
        "blocked target",
        True,
    ),
    "another model's failed answer to the same prompt": (
        [candidate(target="it is nice"), candidate(id="b", model_response="It is Nice")],
        "a",
        "blocked target",
        True,
    ),
    "approved text that another candidate's review rejected": (
        [candidate(action="approve", target="It is Lyon"), REJECTED],
        "a",
        "blocked target",
        True,
    ),
    "approved text that is not the answer": (
        [candidate(action="approve", target="Paris")],
        "a",
        "not the answer",
        True,
    ),
    "a failed answer as an earlier turn": (
        [candidate(prompt_messages=RETRY), REJECTED],
        "a",
        "blocked turn",
        True,
    ),
    "a failed answer as an earlier turn, in parts": (
        [
            candidate(
                prompt_messages=[
                    RETRY[0],
                    assistant([{"type": "text", "text": "It is Ly"}, {"text": "on"}]),  # type: ignore[arg-type]
                    RETRY[2],
                ]
            ),
            REJECTED,
        ],
        "a",
        "blocked turn",
        True,
    ),
    "a failed answer as an earlier turn of a role named otherwise": (
        [
            candidate(
                prompt_messages=[RETRY[0], {"role": "GPT", "content": "It is Lyon"}, RETRY[2]]
            ),
            REJECTED,
        ],
        "a",
        "blocked turn",
        True,
    ),
    "a message without role": (
        [candidate(prompt_messages=[{"content": "Hi"}])],
        "a",
        "unreadable prompt",
        True,
    ),
    "a message of unknown role": (
        [candidate(prompt_messages=[{"role": "narrator", "content": "Hi"}])],
        "a",
        "unreadable prompt",
        True,
    ),
    "a message that is an image": (
        [candidate(prompt_messages=[user([{"type": "image_url", "image_url": "x"}])])],  # type: ignore[arg-type]
        "a",
        "unreadable prompt",
        True,
    ),
    "a tool call": (
        [candidate(prompt_messages=[user("Hi"), {**assistant("x"), "tool_calls": [{"id": 1}]}])],
        "a",
        "unreadable prompt",
        True,
    ),
    "no prompt": ([candidate(prompt_messages=None)], "a", "no prompt", True),
    "a target that UTF-8 cannot hold": (
        [candidate(target="\ud800")],
        "a",
        "unwritable target",
        True,
    ),
    "no id": ([candidate(id=None)], "", "no id", True),
    "an id that two candidates have": ([candidate(), candidate()], "a", "repeated id", True),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_a_case_is_left_out_for_its_own_reason(name: str, format: str, tmp_path: Path) -> None:
    rows, identity, reason, _ = CASES[name]
    innocent = candidate(id="innocent", prompt_messages=[user("2 + 2?")], target="4")
    result = export_corrections(queue(*rows, innocent), tmp_path / "rows.jsonl", format=format)  # type: ignore[arg-type]
    left_out = result.excluded().set_index("id")["reason"]
    assert set(left_out.loc[[identity]]) == {reason}
    assert "innocent" not in left_out.index
    targets = [target for _, target in written(result.files["all"], format)]
    assert "4" in targets
    assert len(targets) == len(rows) + 1 - len(left_out)


@pytest.mark.parametrize("name", CASES)
def test_the_table_says_rightly_what_a_filter_on_status_would_let_through(name: str) -> None:
    rows, identity, _, by_status = CASES[name]
    result = export_corrections(queue(*rows), "unused.jsonl", dry_run=True)
    status = result.excluded().set_index("id")["status"].loc[[identity]]
    assert bool((status == "approved").all()) is by_status


def test_twenty_five_of_thirty_one_cases_pass_a_filter_on_status() -> None:
    assert (len(CASES), sum(case[3] for case in CASES.values())) == (31, 25)


def test_an_answer_approved_as_it_is_becomes_the_target_and_is_marked(tmp_path: Path) -> None:
    other = candidate(id="b", model_response="Nice")
    rows = queue(candidate(action="approve", target="It is Lyon"), other)
    result = export_corrections(rows, tmp_path / "rows.jsonl")
    assert [target for _, target in written(result.files["all"], "messages")] == [
        "It is Lyon",
        "Paris",
    ]
    assert result.rows()["approved_as_is"].tolist() == [True, False]
    assert result.approved_as_is == 1


def test_the_answer_of_a_conflicting_or_stale_approval_stays_blocked(tmp_path: Path) -> None:
    for fault in ("conflict", "stale"):
        rows = queue(
            candidate(action="approve", target="It is Lyon", **{fault: True}),
            candidate(id="b", model_response="x", target="it is lyon"),
            candidate(id="c", model_response="y", prompt_messages=RETRY),
        )
        left_out = export_corrections(rows, tmp_path / "r.jsonl").excluded().set_index("id")
        assert left_out["reason"].to_dict() == {
            "a": fault,
            "b": "blocked target",
            "c": "blocked turn",
        }
        assert left_out.loc[["b", "c"], "matched_id"].tolist() == ["a", "a"]


def test_the_same_words_to_another_prompt_are_not_blocked(tmp_path: Path) -> None:
    rows = queue(REJECTED, candidate(prompt_messages=[user("Where?")], target="It is Lyon"))
    rows.loc[1, "model_response"] = "Don't know"
    assert export_corrections(rows, tmp_path / "r.jsonl").rows()["id"].tolist() == ["a"]


# -- any queue, against an oracle ------------------------------------------------------------------

BASES = ("Lyon is it", "Straße fünf", "Ångström ﬁve", "ΐ greek", "ok")
QUESTIONS = ("Where is it?", "Größe?")
VARIANTS = (
    lambda text: text,
    lambda text: text.casefold(),
    lambda text: f"\u2003{text}\n".replace(" ", " \t\u00a0"),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text).casefold(),
    lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
)
KNOWN = {
    variant(text): base for base, text in enumerate((*BASES, *QUESTIONS)) for variant in VARIANTS
}
texts = st.builds(
    lambda text, variant: variant(text), st.sampled_from(BASES), st.sampled_from(VARIANTS)
)
asked = st.builds(
    lambda text, variant: user(variant(text)), st.sampled_from(QUESTIONS), st.sampled_from(VARIANTS)
)
said = st.builds(
    lambda role, text: {"role": role, "content": text},
    st.sampled_from(["assistant", "Assistant", "model"]),
    texts,
)
prompts = st.one_of(
    st.tuples(asked).map(list),
    st.tuples(asked, said, asked).map(list),
    st.tuples(asked, said, asked, said, asked).map(list),
)
maybe = st.sampled_from([False] * 5 + [True, None])
decisions = st.one_of(
    st.tuples(st.just("approved"), st.sampled_from(["approve", "correct"])),
    st.tuples(
        st.sampled_from(["needs_review", "approved", "discarded", "model_rejected", "?", None]),
        st.sampled_from(["approve", "correct", "discard", "flag", "skip", "note", None]),
    ),
)


@st.composite
def queues(draw: st.DrawFn) -> pd.DataFrame:
    rows = []
    for number in range(draw(st.integers(1, 7))):
        status, action = draw(decisions)
        response = draw(st.one_of(texts, texts, texts, st.none()))
        own = action == "approve" and draw(st.sampled_from([True, True, True, False]))
        rows.append(
            candidate(
                id=f"c{number}",
                status=status,
                action=action,
                prompt_messages=draw(prompts),
                model_response=response,
                target=response if own else draw(st.one_of(texts, texts, texts, st.just(" "))),
                conflict=draw(maybe),
                stale=draw(maybe),
            )
        )
    return queue(*rows)


def same(messages: list[dict[str, str]]) -> tuple[tuple[bool, int], ...]:
    """A prompt by which base texts it holds and who wrote them, not by any normal form."""
    return tuple((turn["role"] == "user", KNOWN[turn["content"]]) for turn in messages)


def allowed(frame: pd.DataFrame) -> tuple[list[str], set[tuple[Any, int]]]:
    """Ids that may be exported, and blocked (prompt, answer), straight from the rules."""
    rows = frame.to_dict("records")
    live = [
        row["status"] == "approved" and row["conflict"] is False and row["stale"] is False
        for row in rows
    ]
    blocked = {
        (same(row["prompt_messages"]), KNOWN[row["model_response"]])
        for row, good in zip(rows, live, strict=True)
        if isinstance(row["model_response"], str) and not (good and row["action"] == "approve")
    }
    ids = []
    for row, good in zip(rows, live, strict=True):
        good = good and row["action"] in ("approve", "correct") and isinstance(row["target"], str)
        good = good and row["target"].strip() != ""
        good = good and (row["action"] == "correct" or row["target"] == row["model_response"])
        prompt = row["prompt_messages"]
        good = good and (same(prompt), KNOWN[row["target"]]) not in blocked
        for place, turn in enumerate(prompt):
            good = good and not (
                turn["role"] != "user" and (same(prompt[:place]), KNOWN[turn["content"]]) in blocked
            )
        if good:
            ids.append(row["id"])
    return ids, blocked


def test_the_variants_of_different_texts_differ() -> None:
    assert len(KNOWN) == 30
    assert all(
        KNOWN[variant(text)] == base
        for base, text in enumerate((*BASES, *QUESTIONS))
        for variant in VARIANTS
    )


@settings(max_examples=200, deadline=None)
@given(queues())
def test_what_is_exported_is_what_the_rules_allow_in_every_format(frame: pd.DataFrame) -> None:
    ids, blocked = allowed(frame)
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            result = export_corrections(frame, Path(folder, f"{format}.jsonl"), format=format)
            fit = [
                name
                for name, prompt in zip(frame["id"], frame["prompt_messages"], strict=True)
                if name in ids and (format != "alpaca" or len(prompt) == 1)
            ]
            assert result.rows()["id"].tolist() == fit
            left_out = result.excluded()
            assert left_out["row"].is_monotonic_increasing
            assert sorted([*fit, *left_out["id"]]) == sorted(frame["id"])
            rows = written(result.files["all"], format) if fit else []
            assert len(rows) == len(fit)
            for turns, target in rows:
                messages = [{"role": role, "content": text} for role, text in turns]
                assert (same(messages), KNOWN[target]) not in blocked
                for place, (role, text) in enumerate(turns):
                    assert role == "user" or (same(messages[:place]), KNOWN[text]) not in blocked


# -- files -----------------------------------------------------------------------------------------


def several() -> pd.DataFrame:
    return pd.DataFrame(
        [
            candidate(
                id=f"c{number}",
                prompt_messages=[user(f"What is {number} + {number}?")],
                model_response="I do not know",
                target=str(2 * number),
                task_type=None if number < 3 else "maths",
                quality_score=float("nan") if number == 1 else 0.5,
                reviewer="Zoë",
                decided_at=pd.Timestamp("2026-03-01T10:00:00Z"),
                source_file=f"/home/someone/{number}",
            )
            for number in range(40)
        ]
    )


def test_rows_stand_in_candidate_order_with_metadata_beside_them(tmp_path: Path) -> None:
    result = export_corrections(several(), tmp_path / "rows.jsonl", format="prompt_completion")
    lines = [json.loads(line) for line in result.files["all"].read_text().splitlines()]
    assert {tuple(line) for line in lines} == {("prompt", "completion")}
    assert [line["completion"][0]["content"] for line in lines] == [str(2 * n) for n in range(40)]
    facts = sidecar_path(result.files["all"]).read_text(encoding="utf-8").splitlines()
    first = json.loads(facts[1])
    assert [json.loads(line)["id"] for line in facts] == [f"c{n}" for n in range(40)]
    assert first == {
        "line": 2,
        "id": "c1",
        "approved_as_is": False,
        "task_type": None,
        "model_name": "m1",
        "quality_score": None,
        "reviewer": "Zoë",
        "decided_at": "2026-03-01T10:00:00+00:00",
    }


@pytest.mark.parametrize("format", FORMATS)
def test_two_exports_of_one_queue_have_the_same_bytes(format: str, tmp_path: Path) -> None:
    contents = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        frame = several().assign(source_file=f"/home/{place}")
        export_corrections(frame, tmp_path / place / "rows.jsonl", format=format, split=0.3)  # type: ignore[arg-type]
        contents.append({f.name: f.read_bytes() for f in (tmp_path / place).iterdir()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6
    assert not any(str(tmp_path).encode() in content for content in contents[0].values())


def test_every_file_of_a_split_is_checked_by_each_manifest(tmp_path: Path) -> None:
    result = export_corrections(several(), tmp_path / "rows.jsonl", split=0.3)
    assert [file.name for file in result.files.values()] == [
        "rows.train.jsonl",
        "rows.validation.jsonl",
    ]
    assert all(verify_export(file) for file in result.files.values())
    assert result.rows().groupby("split").size().sum() == 40
    result.files["train"].write_bytes(b"{}\n")
    check = verify_export(result.files["validation"])
    assert not check
    assert all(problem.startswith("rows.train.jsonl") for problem in check.problems)


def test_a_changed_sidecar_is_noticed(tmp_path: Path) -> None:
    result = export_corrections(several(), tmp_path / "rows.jsonl")
    sidecar_path(result.files["all"]).write_bytes(b"")
    assert not verify_export(result.files["all"])


def test_a_split_without_rows_gets_no_file_and_loses_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    both = export_corrections(several(), path, split=0.3)
    result = export_corrections(several(), path, split={"train": 1.0, "validation": 0.0})
    assert list(result.files) == ["train"]
    assert not both.files["validation"].exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "rows.train.jsonl",
        "rows.train.jsonl.manifest.json",
        "rows.train.jsonl.meta.jsonl",
    ]


def test_nothing_to_write_gives_no_file_and_keeps_the_older_export(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert export_corrections(queue(REJECTED), path).files == {}
    assert list(tmp_path.iterdir()) == []
    export_corrections(several(), path)
    before = path.read_bytes()
    result = export_corrections(queue(REJECTED), path)
    assert result.older_kept == (path,)
    assert "the older export stays" in repr(result)
    assert path.read_bytes() == before
    assert verify_export(path)


def test_an_empty_queue_exports_nothing(tmp_path: Path) -> None:
    frame = several().iloc[:0]
    result = export_corrections(frame, tmp_path / "rows.jsonl", split=0.5)
    assert (result.rows_read, result.rows_exported, len(result.excluded())) == (0, 0, 0)
    assert result.files == {}
    assert result._repr_html_()


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    dry = export_corrections(several(), path, dry_run=True)
    assert list(tmp_path.iterdir()) == []
    real = export_corrections(several(), path)
    pd.testing.assert_frame_equal(dry.rows(), real.rows())
    pd.testing.assert_frame_equal(dry.excluded(), real.excluded())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_between_any_two_names_the_export_is_whole_or_known_to_be_broken(
    tmp_path: Path,
) -> None:
    (tmp_path / "new").mkdir()
    export_corrections(several(), tmp_path / "new" / "rows.jsonl", split=0.3)
    path = tmp_path / "rows.jsonl"
    for renames in range(7):
        export_corrections(several().iloc[:20], path, split=0.3)
        old, new = _contents(tmp_path), _contents(tmp_path / "new")
        child = os.fork()
        if child == 0:
            _export_and_die_after(renames, path)
        assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9
        found = _contents(tmp_path)
        assert (found == old) is (renames == 0)
        assert (found == new) is (renames >= 4)
        for split in ("train", "validation"):
            check = verify_export(tmp_path / f"rows.{split}.jsonl")
            assert check.ok or found != old
            assert not check.ok or found in (old, new)


def _contents(folder: Path) -> dict[str, bytes]:
    """Data and metadata in a folder, whatever their manifests say."""
    return {file.name: file.read_bytes() for file in folder.glob("rows.*.jsonl")}


def _export_and_die_after(renames: int, path: Path) -> None:
    """In a child process: export other rows, and die at a given number of renames."""
    done, real = 0, os.replace

    def replace(source: Any, target: Any) -> None:
        nonlocal done
        if done == renames:
            os._exit(9)
        done += 1
        real(source, target)

    os.replace = replace
    try:
        export_corrections(several(), path, split=0.3)
    finally:
        os._exit(9)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_disk_that_is_full_keeps_the_older_export_and_says_so(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits on the size of files")
    path = tmp_path / "rows.jsonl"
    export_corrections(several().iloc[:3], path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        code = 1
        try:
            export_corrections(several(), path)
        except OSError as error:
            code = 7 if "nothing was exported" in str(error) and str(path) in str(error) else 8
        finally:
            os._exit(code)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_queue_is_looked_at_once(tmp_path: Path) -> None:
    class Busy:
        looks = 0

        def to_frame(self) -> pd.DataFrame:
            self.looks += 1
            return several()

    queue = Busy()
    export_corrections(queue, tmp_path / "rows.jsonl")
    assert queue.looks == 1


def test_a_folder_that_is_missing_or_in_the_way_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Create it first"):
        export_corrections(several(), tmp_path / "no" / "rows.jsonl")
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        export_corrections(several(), tmp_path / "rows.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


# -- hygiene, results and arguments ----------------------------------------------------------------


def test_rows_that_hygiene_dropped_are_left_out_with_its_reason_and_match(tmp_path: Path) -> None:
    twice = candidate(id="b", model_response="Nice?", target="paris ")
    frame = queue(candidate(), twice, candidate(id="c", prompt_messages=[user("Rome?")]))
    step = drop_exact_duplicates(correction_rows(frame))
    result = export_corrections(frame, tmp_path / "rows.jsonl", hygiene=step)
    row = result.excluded().iloc[0]
    assert (row["id"], row["reason"], row["matched_id"]) == ("b", "exact duplicate", "a")
    assert row["detail"] == "hygiene: exact duplicates, similarity 1.000"
    assert result.rows()["id"].tolist() == ["a", "c"]
    steps = clean_rows(correction_rows(frame))
    assert export_corrections(frame, tmp_path / "rows.jsonl", hygiene=steps).rows_exported == 2


def test_rows_decided_or_edited_after_hygiene_ran_are_warned_of(tmp_path: Path) -> None:
    frame = several().iloc[:4].reset_index(drop=True)
    steps = clean_rows(correction_rows(frame), threshold=1)
    export_corrections(frame, tmp_path / "rows.jsonl", hygiene=steps)
    later = pd.concat([frame, queue(candidate(id="new", prompt_messages=[user("New?")]))])
    with pytest.warns(UserWarning, match=r"did not see 1 of \d rows .*: 'new'\. Run it") as caught:
        export_corrections(later, tmp_path / "rows.jsonl", hygiene=steps)
    assert caught[0].filename == __file__
    frame.loc[3, "target"] = "another text"
    with pytest.warns(UserWarning, match="did not see 1 of"):
        export_preferences(frame, tmp_path / "pairs.jsonl", hygiene=steps)


def test_hygiene_of_another_queue_is_refused() -> None:
    step = drop_exact_duplicates(correction_rows(queue(candidate(id="x"), candidate(id="y"))))
    with pytest.raises(ValueError, match="dropped 'y', which the queue does not have"):
        export_corrections(queue(candidate()), "unused.jsonl", hygiene=step, dry_run=True)


def test_correction_rows_are_what_an_export_would_write() -> None:
    frame = queue(candidate(), REJECTED, candidate(id="c", prompt_messages=RETRY))
    rows = correction_rows(frame)
    assert rows["id"].tolist() == ["a"]
    assert rows["prompt_messages"].tolist() == [[user("Capital of France?")]]
    assert rows["target"].tolist() == ["Paris"]
    assert rows["task_type"].tolist() == ["qa"]
    assert correction_rows(frame.iloc[:0]).empty


def test_the_result_counts_what_a_filter_on_status_would_have_passed() -> None:
    frame = queue(REJECTED, candidate(target="it is lyon"), candidate(id="c", conflict=True))
    result = export_corrections(frame, "unused.jsonl", dry_run=True)
    assert result.approved_but_left_out == 2
    assert result.reasons().to_dict("records") == [
        {"reason": "blocked target", "rows": 1, "approved": 1},
        {"reason": "conflict", "rows": 1, "approved": 1},
        {"reason": "status discarded", "rows": 1, "approved": 0},
    ]


def test_the_balance_adds_up_to_the_rows_in_every_respect() -> None:
    result = export_corrections(several(), "unused.jsonl", dry_run=True)
    balance = result.balance()
    assert balance.groupby("by")["rows"].sum().unique().tolist() == [40]
    assert balance[balance["by"] == "task type"]["value"].tolist() == ["maths", ""]
    assert balance[balance["by"] == "length"].to_dict("list") == {
        "by": ["length", "length"],
        "value": ["1", "2–3"],
        "rows": [5, 35],
    }
    empty = export_corrections(queue(REJECTED), "unused.jsonl", dry_run=True).balance()
    assert empty.dtypes.astype(str).to_dict() == {"by": "str", "value": "str", "rows": "int64"}


def test_the_card_escapes_what_a_model_wrote(tmp_path: Path) -> None:
    frame = queue(candidate(task_type="<script>alert(1)</script>"))
    shown = export_corrections(frame, tmp_path / "rows.jsonl")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_group_column_keeps_its_rows_on_one_side(tmp_path: Path) -> None:
    frame = several()
    frame["model_name"] = [f"m{number % 8}" for number in range(len(frame))]
    rows = export_corrections(frame, tmp_path / "r.jsonl", split=0.5, group="model_name").rows()
    assert rows.groupby("model_name")["split"].nunique().tolist() == [1] * 8
    assert rows["split"].nunique() == 2


def test_any_column_of_the_queue_may_group_the_rows(tmp_path: Path) -> None:
    frame = several()
    frame["conversation"] = [f"c{number % 8}" for number in range(len(frame))]
    export = export_corrections(frame, tmp_path / "r.jsonl", split=0.5, group="conversation")
    rows = export.rows().merge(frame[["id", "conversation"]], on="id")
    assert rows.groupby("conversation")["split"].nunique().tolist() == [1] * 8
    assert rows["split"].nunique() == 2
    before = manifest_path(export.files["train"]).read_bytes()
    frame["conversation"] = frame["conversation"].str.upper()
    export_corrections(frame, tmp_path / "r.jsonl", split=0.5, group="conversation")
    assert manifest_path(export.files["train"]).read_bytes() != before


def test_arguments_that_are_wrong_are_named() -> None:
    with pytest.raises(ValueError, match="no column 'conflict'"):
        export_corrections(several().drop(columns="conflict"), "x.jsonl")
    with pytest.raises(TypeError, match="queue must be a ReviewQueue"):
        export_corrections([candidate()], "x.jsonl")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="format='chatml' is not one of"):
        export_corrections(several(), "x.jsonl", format="chatml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no column 'nobody'"):
        export_corrections(several(), "x.jsonl", split=0.1, group="nobody")
    with pytest.raises(TypeError, match="hygiene must hold"):
        export_corrections(several(), "x.jsonl", hygiene=[several()])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not NoneType"):
        export_corrections(several(), "x.jsonl", hygiene=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="path='' names no file"):
        export_corrections(several(), "")
    with pytest.raises(TypeError, match="path must be the file to write, not NoneType None"):
        export_preferences(several(), None)  # type: ignore[arg-type]


def test_an_object_with_to_frame_is_a_queue(tmp_path: Path) -> None:
    class Held:
        def to_frame(self) -> pd.DataFrame:
            return several()

    assert export_corrections(Held(), tmp_path / "rows.jsonl").rows_exported == 40
