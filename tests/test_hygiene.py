"""Hygiene: each step against a brute-force rewrite, with reasons, matches and counted work."""

from __future__ import annotations

import math
import random
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lab.synthesis.hygiene import (
    HygieneStep,
    clean_rows,
    drop_contaminated,
    drop_disputed_prompts,
    drop_exact_duplicates,
    drop_near_duplicates,
)
from jarvis_lab.synthesis.near import shingles
from jarvis_lab.synthesis.normal import normal_form, words


def rows(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"id": [f"r{number}" for number in range(count)], **columns})


def texts(*values: str) -> pd.DataFrame:
    return rows(text=list(values))


def dropped(step: HygieneStep) -> dict[str, str]:
    return dict(zip(step.dropped["id"], step.dropped["matched_id"], strict=True))


def sentence(number: int, length: int = 12) -> str:
    return " ".join(f"w{number}x{place}" for place in range(length))


# -- every step -----------------------------------------------------------------------------------


def test_a_step_divides_the_rows_and_says_why() -> None:
    frame = texts("Paris", "Rome", "PARIS ").assign(extra=[1, 2, 3]).set_index(pd.Index([9, 8, 7]))
    step = drop_exact_duplicates(frame, columns=["text"])
    assert step.kept.to_dict("list") == {
        "id": ["r0", "r1"],
        "text": ["Paris", "Rome"],
        "extra": [1, 2],
    }
    assert step.kept.index.tolist() == [0, 1]
    assert step.dropped.to_dict("records") == [
        {
            "id": "r2",
            "reason": "exact duplicate",
            "matched_id": "r0",
            "similarity": 1.0,
            "text": "PARIS ",
            "extra": 3,
        }
    ]
    assert repr(step) == "<exact duplicates: 2 kept, 1 dropped>"
    assert frame.index.tolist() == [9, 8, 7]


def test_the_card_of_a_step_escapes_the_texts() -> None:
    frame = rows(text=["<b>", "<b>"]).assign(id=["<i>", "<u>"])
    shown = drop_exact_duplicates(frame, columns=["text"])._repr_html_()
    assert "&lt;i&gt;" in shown
    assert "<i>" not in shown


def test_every_step_takes_no_rows() -> None:
    empty = texts("x").iloc[:0].assign(prompt_messages=[], target=[])
    evaluation = pd.DataFrame({"query": ["x"]})
    for step in clean_rows(empty, evaluation=evaluation):
        assert (len(step.kept), len(step.dropped)) == (0, 0)
        assert step.dropped.columns[:4].tolist() == ["id", "reason", "matched_id", "similarity"]
    kept = drop_contaminated(texts("x"), evaluation.iloc[:0], columns=["text"]).kept
    assert len(kept) == 1


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="rows has no column 'prompt_messages'"):
        drop_exact_duplicates(texts("x"))
    with pytest.raises(ValueError, match="evaluation has no column 'query'"):
        drop_contaminated(texts("x"), pd.DataFrame({"q": ["x"]}), columns=["text"])
    with pytest.raises(ValueError, match="keep='all' is not one of"):
        drop_disputed_prompts(texts("x"), keep="all", prompt="text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold=0"):
        drop_near_duplicates(texts("x"), threshold=0, columns=["text"])


# -- exact duplicates ------------------------------------------------------------------------------

VARIANTS = (
    lambda text: text,
    lambda text: text.casefold(),
    lambda text: f" {text}\n".replace(" ", "\u00a0\t"),
    lambda text: unicodedata.normalize("NFD", text),
)
BASES = ("Straße fünf", "ﬁne  Å", "one", "two three")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_exact_duplicates_are_those_of_the_same_base_text(drawn: list[tuple[int, ...]]) -> None:
    frame = rows(
        prompt_messages=[
            [{"role": "user", "content": VARIANTS[how](BASES[prompt])}] for prompt, _, how in drawn
        ],
        target=[VARIANTS[(how + 1) % 4](BASES[target]) for _, target, how in drawn],
    )
    first: dict[tuple[int, int], str] = {}
    expected = {}
    for number, (prompt, target, _) in enumerate(drawn):
        earlier = first.setdefault((prompt, target), f"r{number}")
        if earlier != f"r{number}":
            expected[f"r{number}"] = earlier
    assert dropped(drop_exact_duplicates(frame)) == expected


def test_who_said_it_counts() -> None:
    def turns(role: str) -> list[dict[str, str]]:
        return [{"role": role, "content": "Hi"}]

    frame = rows(prompt_messages=[turns("user"), turns("system")], target=["x", "x"])
    assert len(drop_exact_duplicates(frame).dropped) == 0


# -- disputed prompts ------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", "2 "])), max_size=9))
def test_a_disputed_prompt_has_two_different_targets(drawn: list[tuple[str, str]]) -> None:
    frame = rows(prompt=[prompt for prompt, _ in drawn], target=[target for _, target in drawn])
    answers: dict[str, list[str]] = {}
    for prompt, target in drawn:
        answers.setdefault(prompt, []).append(target.strip())
    disputed = [len(set(answers[prompt])) > 1 for prompt, _ in drawn]
    for keep, place in (("none", None), ("first", 0), ("last", -1)):
        expected = [
            f"r{number}"
            for number, (prompt, target) in enumerate(drawn)
            if disputed[number] and (place is None or target.strip() != answers[prompt][place])
        ]
        step = drop_disputed_prompts(frame, keep=keep, prompt="prompt")  # type: ignore[arg-type]
        assert step.dropped["id"].tolist() == expected
        for row in step.dropped.to_dict("records"):
            other = frame.set_index("id").loc[row["matched_id"]]
            assert other["prompt"] == row["prompt"]
            assert other["target"].strip() != row["target"].strip()
            assert math.isnan(row["similarity"])


# -- near duplicates -------------------------------------------------------------------------------


def brute_force(
    frame: pd.DataFrame, threshold: float, size: int
) -> tuple[dict[str, tuple[str, float]], dict[str, set[str]]]:
    """Every row against every earlier kept row: id -> (match, similarity)."""
    held = {row.id: set(shingles([row.text], size=size)) for row in frame.itertuples()}
    kept: list[str] = []
    found = {}
    for name, own in held.items():
        best = (0.0, "")
        for other in kept:
            both = own | held[other]
            similarity = len(own & held[other]) / len(both) if both else 0.0
            if similarity > best[0]:
                best = (similarity, other)
        if best[0] >= threshold - 1e-9:
            found[name] = (best[1], best[0])
        else:
            kept.append(name)
    return found, held


word = st.sampled_from(["a", "b", "c", "d", "e"])


@settings(deadline=None)
@given(
    st.lists(st.lists(word, max_size=9).map(" ".join), max_size=14),
    st.sampled_from([0.2, 0.5, 0.8, 1.0]),
    st.integers(1, 3),
)
def test_without_a_cap_in_reach_near_duplicates_are_those_of_brute_force(
    drawn: list[str], threshold: float, size: int
) -> None:
    frame = texts(*drawn) if drawn else texts("x").iloc[:0]
    step = drop_near_duplicates(frame, threshold=threshold, size=size, columns=["text"])
    expected, _ = brute_force(frame, threshold, size)
    found = {
        row["id"]: (row["matched_id"], row["similarity"]) for row in step.dropped.to_dict("records")
    }
    assert found.keys() == expected.keys()
    for name, (match, similarity) in found.items():
        assert similarity == pytest.approx(expected[name][1])
        assert match == expected[name][0]
    assert step.incomplete == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(word, min_size=1, max_size=7).map(" ".join), max_size=14),
    st.sampled_from([0.3, 0.6]),
    st.integers(1, 3),
)
def test_with_a_cap_no_pair_that_shares_a_rare_shingle_is_missed(
    drawn: list[str], threshold: float, cap: int
) -> None:
    frame = texts(*drawn) if drawn else texts("x").iloc[:0]
    step = drop_near_duplicates(
        frame, threshold=threshold, size=1, max_holders=cap, columns=["text"]
    )
    _, held = brute_force(frame, threshold, 1)
    holders: dict[str, int] = {}
    for own in held.values():
        for shingle in own:
            holders[shingle] = holders.get(shingle, 0) + 1
    kept = step.kept["id"].tolist()
    missed = 0
    for later, name in enumerate(kept):
        for other in kept[:later]:
            common = held[name] & held[other]
            if len(common) / len(held[name] | held[other]) >= threshold:
                missed += 1
                assert min(holders[shingle] for shingle in common) > cap
    assert missed == 0 or step.incomplete > 0
    for row in step.dropped.to_dict("records"):
        own, other = held[row["id"]], held[row["matched_id"]]
        assert row["similarity"] == pytest.approx(len(own & other) / len(own | other))
        assert row["similarity"] >= threshold - 1e-9


def test_jaccard_is_the_one_worked_out_by_hand() -> None:
    """9 words give 5 shingles of 5; changing the last word changes one: 4 / 6."""
    frame = texts("a b c d e f g h i", "a b c d e f g h x")
    step = drop_near_duplicates(frame, threshold=0.6, columns=["text"])
    assert step.dropped["similarity"].tolist() == [pytest.approx(4 / 6)]
    assert len(drop_near_duplicates(frame, threshold=0.67, columns=["text"]).dropped) == 0


def test_a_template_that_20000_rows_share_does_not_make_it_quadratic() -> None:
    template = sentence(0, 30)
    count = 20_000
    frame = texts(*(f"{template} {sentence(number, 14)}" for number in range(1, count + 1)))
    step = drop_near_duplicates(frame, columns=["text"])
    assert (len(step.dropped), step.comparisons, step.incomplete) == (0, 0, 0)
    loose = drop_near_duplicates(frame, threshold=0.5, columns=["text"])
    assert 0 < loose.comparisons <= 50 * count
    assert loose.comparisons < count * (count - 1) / 2 / 100
    assert loose.incomplete > 0


def test_a_template_does_not_hide_duplicates_of_the_bodies() -> None:
    template = sentence(0, 30)
    bodies = [f"{template} {sentence(number, 40)}" for number in range(1, 401)]
    copies = [f"{body} again" for body in bodies[::4]]
    step = drop_near_duplicates(texts(*bodies, *copies), max_holders=5, columns=["text"])
    assert dropped(step) == {f"r{400 + k}": f"r{4 * k}" for k in range(100)}


def test_a_thousand_near_copies_of_one_text_leave_one() -> None:
    base = sentence(1, 60)
    copies = [f"{base} number{number}" for number in range(1000)]
    step = drop_near_duplicates(texts(*copies), max_holders=3, columns=["text"])
    assert len(step.kept) == 1
    assert step.comparisons == 999
    assert step.incomplete == 0


def test_rows_of_one_template_with_short_bodies_are_near_duplicates_under_any_cap() -> None:
    template = sentence(0, 100)
    frame = texts(*(f"{template} {sentence(number, 8)}" for number in range(1, 61)))
    for cap in (1, 5, 1000):
        step = drop_near_duplicates(frame, threshold=0.8, max_holders=cap, columns=["text"])
        assert len(step.kept) == 1


def test_behind_a_template_the_cap_saves_work_and_loses_no_copy() -> None:
    rng = random.Random(7)
    vocabulary = [f"w{number}" for number in range(3000)]
    weights = [1 / (number + 1) for number in range(3000)]
    template = " ".join(rng.choices(vocabulary, weights, k=40))
    bodies: list[list[str]] = []
    for number in range(1500):
        body = rng.choices(vocabulary, weights, k=15)
        if number % 10 == 9:
            body = list(rng.choice(bodies))
            body[rng.randrange(15)] = "changed"
        bodies.append(body)
    frame = texts(*(f"{template} {' '.join(body)}" for body in bodies))
    exact, capped = (
        drop_near_duplicates(frame, threshold=0.7, max_holders=cap, columns=["text"])
        for cap in (10**9, 50)
    )
    assert dropped(capped) == dropped(exact)
    assert len(exact.dropped) == 144
    assert capped.comparisons < exact.comparisons / 8


def test_what_the_cap_misses_is_measured_and_is_the_same_under_any_hash_seed() -> None:
    """120 texts over 7 words: every shingle is crowded, the worst case for the cap."""
    rng = random.Random(5)
    lines = [" ".join(rng.choices("abcdefg", k=12)) for _ in range(120)]
    expected, _ = brute_force(texts(*lines), 0.4, 2)
    counts = {}
    for cap in (2, 5, 50):
        step = drop_near_duplicates(
            texts(*lines), threshold=0.4, size=2, max_holders=cap, columns=["text"]
        )
        counts[cap] = (len(step.dropped), step.incomplete, step.comparisons)
    assert len(expected) == 30
    assert counts == {2: (13, 99, 1063), 5: (21, 78, 2307), 50: (30, 0, 4238)}


# -- contamination ---------------------------------------------------------------------------------


def contamination(value: str, *queries: object, **options: object) -> list[tuple[str, str, float]]:
    step = drop_contaminated(
        texts(value),
        pd.DataFrame({"query": list(queries)}, dtype="object"),
        columns=["text"],
        **options,  # type: ignore[arg-type]
    )
    frame = step.dropped
    return list(zip(frame["reason"], frame["matched_id"], frame["similarity"], strict=True))


def test_a_short_query_is_found_by_equality() -> None:
    assert contamination("  what is 2+2", "x", "What is 2+2?") == [("evaluation query", "1", 1.0)]
    assert contamination("What is 2+3?", "What is 2+2?") == []


def test_thirteen_words_in_a_row_are_found_and_twelve_are_not() -> None:
    query = sentence(1, 40)
    thirteen = f"before {' '.join(query.split()[5:18])} after"
    reason = "shares 13 words with an evaluation query"
    assert contamination(thirteen, query) == [(reason, "0", pytest.approx(9 / 36))]
    assert contamination(f"before {' '.join(query.split()[5:17])} after", query) == []


def test_a_query_of_ten_words_inside_a_longer_text_is_found_by_containment() -> None:
    query = sentence(1, 10)
    found = contamination(f"please answer: {query} thank you", query)
    assert found == [("contains an evaluation query", "0", 1.0)]
    most = query.rsplit(" ", 1)[0]
    assert contamination(f"please answer: {most} thank you", query) == [
        ("contains an evaluation query", "0", pytest.approx(5 / 6))
    ]
    assert contamination(f"please answer: {most} thank you", query, containment=0.9) == []
    rest = query.split(" ", 1)[1]
    assert len(contamination(f"please answer: {rest} thank you", query)) == 1


def test_a_query_under_eight_words_inside_a_longer_text_is_not_found() -> None:
    assert contamination("well, what is the capital of France", "what is the capital of") == []
    assert (
        contamination("now go: one two three four five six seven", "one two three four five") == []
    )


def test_the_template_of_the_evaluation_set_is_not_contamination() -> None:
    template = sentence(0, 20)
    queries = [f"{template} {sentence(number, 10)}" for number in range(1, 101)]
    assert contamination(f"{template} {sentence(500, 10)}", *queries) == []
    found = contamination(f"{template} {sentence(7, 10)} indeed", *queries)
    assert [match for _, match, _ in found] == ["6"]
    short = [f"{template} {sentence(number, 3)}" for number in range(1, 101)]
    assert contamination(f"{template} {sentence(500, 3)}", *short) == []
    assert contamination(f"{template} {sentence(500, 3)}", *short, max_holders=100) != []


def test_queries_that_are_missing_or_blank_match_nothing() -> None:
    assert contamination(" ", None, float("nan"), "", "  ", "x") == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (["What is 2+2?"], "is missing"),
        ([{"role": "assistant", "content": "4"}], "is missing"),
        ([{"role": "user", "content": [{"type": "image"}]}], "has content that is not text"),
        ([{"role": "user"}], "has no text"),
    ],
)
def test_a_conversation_that_cannot_be_looked_for_is_an_error_beside_those_that_can(
    query: list[object], fault: str
) -> None:
    queries = pd.DataFrame({"query": pd.Series(["another", query], dtype=object)})
    with pytest.raises(TypeError, match=rf"row 1, is a list in which .* user's {fault}"):
        drop_contaminated(texts("x"), queries, columns=["text"])


def test_messages_of_the_user_are_evaluation_queries() -> None:
    asked = [
        {"role": "system", "content": "You are kind."},
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "Four."},
    ]
    for query in (asked, np.array(asked, dtype=object)):
        frame = pd.DataFrame({"query": pd.Series([None, query], dtype="object")})
        held = texts("what is 2 + 2", "You are kind.", "four")
        assert dropped(drop_contaminated(held, frame, columns=["text"])) == {"r0": "1"}


def test_queries_that_cannot_be_looked_for_are_an_error_and_not_a_clean_result() -> None:
    with pytest.raises(TypeError, match="has int 5 in row 1, not text or a list of messages"):
        contamination("5", "x", 5)
    with pytest.raises(ValueError, match="has 3 rows and no query, so nothing could be found"):
        contamination("x", None, " ", [])


def test_a_query_may_have_to_be_contained_whole() -> None:
    query = sentence(1, 10)
    assert contamination(f"now {query} please", query, containment=1) != []
    assert contamination(f"now {query[:-1]} please", query, containment=1) == []


def test_what_is_no_frame_or_no_list_of_columns_is_named() -> None:
    with pytest.raises(TypeError, match="rows must be a DataFrame, not list"):
        drop_exact_duplicates(["x"], columns=["text"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"columns must be a list .* Pass \['text'\]"):
        drop_exact_duplicates(texts("x"), columns="text")


def test_a_query_has_the_name_of_its_query_id() -> None:
    evaluation = pd.DataFrame({"query": ["a b", "A B", "c"], "query_id": [7, 8, 9], "key": "xyz"})
    frame = texts("a b", "c")
    assert dropped(drop_contaminated(frame, evaluation, columns=["text"])) == {"r0": "7", "r1": "9"}
    named = drop_contaminated(frame, evaluation, query_id="key", columns=["text"])
    assert dropped(named) == {"r0": "xyz", "r1": "xyz"}


def test_every_message_and_the_target_are_looked_at() -> None:
    prompt = [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "What is 2+2?"}]
    evaluation = pd.DataFrame({"query": ["what is 2+2"]})
    frame = rows(prompt_messages=[prompt, [prompt[0]]], target=["4", "What is 2+2"])
    assert len(drop_contaminated(frame, evaluation).dropped) == 2


@settings(deadline=None)
@given(
    st.lists(st.lists(word, max_size=24).map(" ".join), max_size=6),
    st.lists(st.lists(word, max_size=24).map(" ".join), min_size=1, max_size=6).filter(any),
)
def test_contamination_is_that_of_brute_force(drawn: list[str], queries: list[str]) -> None:
    frame = texts(*drawn) if drawn else texts("x").iloc[:0]
    step = drop_contaminated(
        frame, pd.DataFrame({"query": queries}), ngram=6, containment=0.6, columns=["text"]
    )

    def runs(text: str, size: int) -> set[tuple[str, ...]]:
        said = words(text)
        return {tuple(said[k : k + size]) for k in range(len(said) - size + 1)}

    expected = []
    for text in drawn:
        reason = ""
        for query in queries:
            if len(words(query)) >= 8 and runs(query, 5):
                share = len(runs(query, 5) & runs(text, 5)) / len(runs(query, 5))
                reason = reason or ("contains" if share >= 0.6 - 1e-9 else "")
        if any(runs(text, 6) & runs(query, 6) for query in queries):
            reason = "shares"
        if any(query and normal_form(text) == normal_form(query) for query in queries):
            reason = "evaluation"
        expected.append(reason)
    reasons = dict(zip(step.dropped["id"], step.dropped["reason"], strict=True))
    found = [reasons.get(f"r{number}", "").split(" ")[0] for number in range(len(drawn))]
    assert found == expected


# -- all steps -------------------------------------------------------------------------------------


def test_the_steps_run_one_after_the_other() -> None:
    long = sentence(3, 30)
    frame = rows(
        prompt=["q1", "q1", "bench", "q2", "Q2", long, f"{long} too", "q3"],
        target=["x", "y", "z", "ok", "OK", "same", "same", "fine"],
    )
    evaluation = pd.DataFrame({"query": ["Bench!"]})
    steps = clean_rows(frame, evaluation=evaluation, prompt="prompt")
    assert [(step.name, dropped(step)) for step in steps] == [
        ("disputed prompts", {"r0": "r1", "r1": "r0"}),
        ("contamination", {"r2": "0"}),
        ("exact duplicates", {"r4": "r3"}),
        ("near duplicates", {"r6": "r5"}),
    ]
    assert steps[-1].kept["id"].tolist() == ["r3", "r5", "r7"]
    assert np.array_equal(
        [len(step.kept) + len(step.dropped) for step in steps[1:]],
        [len(step.kept) for step in steps[:-1]],
    )


def test_evaluation_queries_that_are_no_frame_are_an_error_that_says_what_to_give():
    rows = pd.DataFrame({"id": ["a"], "prompt": ["x"]})
    with pytest.raises(TypeError, match="evaluation must be a DataFrame, not list"):
        drop_contaminated(rows, ["x"], columns=["prompt"])
