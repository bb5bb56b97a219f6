"""The category firewall: lakes of every kind, and no target that the rules block.

The rules are written out again here, without any code of the library, so that a fault there
cannot excuse itself.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from jarvis_lab import _files
from jarvis_lab.records_lake import ScoredRun
from jarvis_lab.synthesis.export import export_sft
from jarvis_lab.synthesis.firewall import FirewallError, category_reason, check_written
from jarvis_lab.synthesis.sft_export import SftExport
from jarvis_lab.synthesis.spelling import respelled_lines
from jarvis_lab.synthesis.workers import Crew

ALLOWED = {"accepted": 1, "partially_accepted": 0.5}
ROLES = {"executor", "reviewer", "applier"}
BLANK = "\t\n\v\f\r \x85\xa0"

#: Run ids are few, so that runs are scored again in the same file and in others.
RUN_IDS = st.sampled_from(["r1", "r2", "r3", "R1", "r1 ", "é", "e\u0301", "", None])
CATEGORIES = st.one_of(
    st.sampled_from(["accepted", "partially_accepted"]),
    st.sampled_from(["accepted", "partially_accepted", "rejected", "needs_human_review"]),
    st.sampled_from([None, "", "Accepted", "accepted ", "REJECTED", "pending", "\ufeffaccepted"]),
)
TEXTS = st.sampled_from(["the same answer", "another", "<b>&\u2028", " ", "\n", "\u00a0", "", None])
MODEL_ROLES = st.sampled_from(["executor", "executor", "reviewer", "applier", "Executor", None])


@st.composite
def scored_lines(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["{oops", "null", '{"category": 1}', "", '["rejected"]']))
    record: dict[str, object] = {"evidence_run_id": draw(RUN_IDS), "category": draw(CATEGORIES)}
    if draw(st.booleans()):
        del record[draw(st.sampled_from(sorted(record)))]
    elif draw(st.integers(0, 9)) == 0:
        record["schema_version"] = "1"
    return json.dumps(record, ensure_ascii=draw(st.booleans()))


@st.composite
def evidence_lines(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["{oops", '{"run_id": "r1", "text": 1}', ""]))
    record = {"run_id": draw(RUN_IDS), "text": draw(TEXTS), "model_role": draw(MODEL_ROLES)}
    return json.dumps(record)


DAYS = st.lists(
    st.tuples(st.lists(scored_lines(), max_size=8), st.lists(evidence_lines(), max_size=8)),
    min_size=1,
    max_size=4,
)


def write(root: Path, days: list[tuple[list[str], list[str]]]) -> None:
    for number, day in enumerate(days, start=1):
        for kind, lines in zip(("scored-runs", "evidence"), day, strict=True):
            path = root / "data" / kind / "2026" / "01" / f"{number:02}" / "a.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines), encoding="utf-8", newline="")


def readable(line: str, text_fields: tuple[str, ...]) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    texts = all(isinstance(record.get(name), (str, type(None))) for name in text_fields)
    whole = isinstance(record.get("schema_version"), (int, type(None)))
    return record if texts and whole else None


def expected(
    days: list[tuple[list[str], list[str]]], *, include_partial: bool
) -> tuple[list[tuple[str, str, float]], int, int]:
    """(run id, response, quality) of every row the rules allow; records read and blocked."""
    runs = [
        [run for line in lines if (run := readable(line, ("evidence_run_id", "category")))]
        for lines, _ in days
    ]
    blocked = {
        run.get("evidence_run_id") or ""
        for day in runs
        for run in day
        if run.get("category") not in ALLOWED
    }
    allowed, quarantined = [], 0
    for day, (_, lines) in zip(runs, days, strict=True):
        found = {}
        for line in lines:
            if record := readable(line, ("run_id", "text", "model_role")):
                found[record.get("run_id") or ""] = record
        for run in day:
            run_id, category = run.get("evidence_run_id") or "", run.get("category")
            if category not in ALLOWED or run_id in blocked:
                quarantined += 1
                continue
            answer = found.get(run_id)
            if answer is None or not str(answer.get("text") or "").strip(BLANK):
                continue
            if include_partial or answer.get("model_role") in ROLES:
                quality = ALLOWED[str(category)]
                allowed.append((str(run_id), str(answer["text"]), quality))
    return allowed, sum(map(len, runs)), quarantined


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DAYS, st.booleans(), st.booleans())
def test_no_lake_exports_what_the_rules_block_and_none_loses_what_they_allow(
    days: list[tuple[list[str], list[str]]], include_partial: bool, escape_html: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder)
        write(lake, days)
        result = export_sft(
            lake,
            recorded_at="now",
            include_partial=include_partial,
            escape_html=escape_html,
            progress=False,
        )
        content = result.output_path.read_bytes() if result.written else b""
    written = [json.loads(line) for line in content.split(b"\n") if line]
    found = [(row["source_run_id"], row["response"], row["quality_score"]) for row in written]
    allowed, records, quarantined = expected(days, include_partial=include_partial)
    assert found == allowed
    assert (result.records_read, result.records_quarantined) == (records, quarantined)
    excluded = result.excluded()
    assert len(excluded) - result.bad_lines == records - len(allowed)


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        ("accepted", ""),
        ("partially_accepted", ""),
        ("rejected", "firewall: category rejected"),
        ("needs_human_review", "firewall: category needs_human_review"),
        ("ACCEPTED", "firewall: category unknown"),
        ("accepted\n", "firewall: category unknown"),
        ("", "firewall: category missing"),
        (None, "firewall: category missing"),
    ],
)
def test_only_two_categories_pass(category: str | None, reason: str) -> None:
    assert category_reason(category) == reason


def lake_of(root: Path, runs: list[tuple[int, str, str | None]]) -> Path:
    """Scored runs as (day, run id, category), each with evidence of its day."""
    days: list[tuple[list[str], list[str]]] = [([], []) for _ in range(max(runs)[0])]
    for day, run_id, category in runs:
        days[day - 1][0].append(json.dumps({"evidence_run_id": run_id, "category": category}))
        evidence = {"run_id": run_id, "text": f"of day {day}", "model_role": "executor"}
        days[day - 1][1].append(json.dumps(evidence))
    write(root, days)
    return root


def exported(result: SftExport) -> list[str]:
    if not result.written:
        return []
    lines = result.output_path.read_bytes().split(b"\n")
    return [json.loads(line)["source_run_id"] for line in lines if line]


CASES = [
    ("rejected", [(1, "a", "rejected")]),
    ("needs human review", [(1, "a", "needs_human_review")]),
    ("category missing", [(1, "a", None)]),
    ("category unknown", [(1, "a", "pending")]),
    ("category in other letters", [(1, "a", "Rejected")]),
    ("accepted, then rejected in the same file", [(1, "a", "accepted"), (1, "a", "rejected")]),
    ("rejected, then accepted in the same file", [(1, "a", "rejected"), (1, "a", "accepted")]),
    ("accepted, then rejected on a later day", [(1, "a", "accepted"), (2, "a", "rejected")]),
    ("rejected, then accepted on a later day", [(1, "a", "rejected"), (2, "a", "accepted")]),
    (
        "accepted, then sent to a human on a later day",
        [(1, "a", "accepted"), (2, "a", "needs_human_review")],
    ),
    ("accepted, then a category unknown", [(1, "a", "accepted"), (2, "a", "pending")]),
    ("partially accepted and rejected", [(1, "a", "partially_accepted"), (2, "a", "rejected")]),
]
#: Rows that a filter on the status of each line alone lets through, as in docs/firewall.md.
THROUGH_DENY, THROUGH_ALLOW = 11, 7


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("name", "runs"), CASES, ids=[name for name, _ in CASES])
def test_each_case_of_the_page_is_blocked(
    tmp_path: Path, name: str, runs: list[tuple[int, str, str | None]], workers: int
) -> None:
    lake = lake_of(tmp_path, [*runs, (1, "good", "accepted"), (2, "good2", "accepted")])
    result = export_sft(lake, recorded_at="now", workers=workers, progress=False)
    assert exported(result) == ["good", "good2"]
    assert result.records_quarantined == len(runs)


def test_the_page_has_the_numbers_of_a_filter_on_status_alone() -> None:
    page = (Path(__file__).parents[1] / "docs" / "firewall.md").read_text(encoding="utf-8")
    through: Counter[str] = Counter()
    for name, runs in CASES:
        deny = sum(category not in ("rejected", "needs_human_review") for _, _, category in runs)
        allow = sum(category in ALLOWED for _, _, category in runs)
        assert f"| {name} | {deny} | {allow} | 0 |" in page
        through.update(deny=deny, allow=allow)
    assert (through["deny"], through["allow"]) == (THROUGH_DENY, THROUGH_ALLOW)
    assert f"| all | {THROUGH_DENY} | {THROUGH_ALLOW} | 0 |" in page


def test_the_second_check_stops_what_the_first_lets_through(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, [(1, "a", "accepted"), (2, "a", "rejected"), (2, "b", "accepted")])
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"older")

    class Blind(set[str]):
        """A set of blocked run ids that hides them from the first check alone."""

        asked = 0

        def __contains__(self, item: object) -> bool:
            self.asked += 1
            return self.asked > 1 and super().__contains__(item)

    plain = Crew.share

    def blinded(self: Crew, value: set[str]) -> None:
        plain(self, Blind(value))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Crew, "share", blinded)
        with pytest.raises(FirewallError, match="run 'a', which is not allowed"):
            export_sft(lake, recorded_at="now", output=out, progress=False)
    assert out.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out.jsonl"]


#: Every character above ASCII that is white space, as it stands in a file.
BLANKS = [
    *"\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000",
    *map(chr, range(0x2000, 0x200B)),
]
ROW = b'{"source_run_id":"a","response":"x","quality_score":1}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROW, None),
        (ROW.replace(b'"x"', b'"\\n \\u2003x"'), None),
        (ROW.replace(b'"a"', b'"b"'), "not allowed"),
        (ROW.replace(b'"a"', b'"c"'), "not allowed"),
        (ROW.replace(b'"x"', b'" \\n\\u2003"'), "no response"),
        (ROW.replace(b'"x"', b'""'), "no response"),
        *((ROW.replace(b'"x"', f'"{blank}"'.encode()), "no response") for blank in BLANKS),
        *((ROW.replace(b'"x"', f'"{blank}數"'.encode()), None) for blank in BLANKS),
        (ROW.replace(b'"x"', '"數"'.encode()), None),
        (ROW.replace(b'"x"', '"😀"'.encode()), None),
        (ROW.replace(b":1", b":0.7"), "quality_score"),
        (ROW.replace(b'"x"', b"5"), "read back"),
        (ROW[:-9], "read back"),
        (b"", "1 rows were written and 0 read back"),
        (ROW * 2, "1 rows were written and 2 read back"),
        (ROW.replace(b'"response":"x",', b""), "read back"),
    ],
)
def test_the_second_check_reads_each_written_row(
    tmp_path: Path, content: bytes, message: str | None
) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"before\n" + content + b"behind")

    def check() -> None:
        size = len(content)
        check_written(path, start=7, size=size, rows=1, allowed={"a", "b"}, blocked={"b"})

    if message is None:
        check()
    else:
        with pytest.raises(FirewallError, match=message):
            check()


def test_rows_are_checked_from_the_disk_and_not_from_memory(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, [(1, "a", "accepted")])
    write_at = _files.write_at

    def damaged(path: Path, offset: int, blocks: list[bytes]) -> None:
        write_at(path, offset, [block.replace(b'"of day 1"', b'"        "') for block in blocks])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "write_at", damaged)
        with pytest.raises(FirewallError, match="no response"):
            export_sft(lake, recorded_at="now", progress=False)
    assert list((lake / "data" / "distilled" / "sft").iterdir()) == []


# Keys in other letters


@pytest.mark.parametrize(
    "line",
    [
        '{"evidence_run_id":"a","category":"accepted","Category":"rejected"}',
        '{"evidence_run_id":"a","CATEGORY":"rejected","category":"accepted"}',
        '{"evidence_run_id":"a","category":"accepted","categorY":"rejected"}',
        '{"evidence_run_id":"a","category":"accepted","catEgory" : 5}',
        '{"evidence_run_id":"a","Category":"accepted"}',
        r'{"evidence_run_id":"a","category":"accepted","\u0043ategory":"rejected"}',
        r'{"evidence_run_id":"a","category":"accepted","categor\u0059":"rejected"}',
        '{"Evidence_Run_Id":"a","category":"rejected"}',
        '{"Evidence_Run_Id":"a","category":"accepted"}',
        '{"evidence_run_id":"b","evidence_run_ID":"a","category":"rejected"}',
        '{"evidence_run_id":"b","EVIDENCE_RUN_ID":"a","category":"accepted"}',
        '{"Category":"rejected","Evidence_run_id":"a"}',
    ],
)
@pytest.mark.parametrize("around", ["", "blank and bad lines"])
def test_a_key_in_other_letters_keeps_its_line_and_its_runs_out(
    tmp_path: Path, line: str, around: str
) -> None:
    lake = lake_of(tmp_path, [(1, "a", "accepted"), (1, "c", "accepted"), (2, "a", "accepted")])
    path = lake / "data" / "scored-runs" / "2026" / "01" / "02" / "a.jsonl"
    path.write_text((f"\n{{oops\n{line}\n" if around else f"{line}\n") + path.read_text())
    result = export_sft(lake, recorded_at="now", progress=False)
    rows_written = [json.loads(row) for row in result.output_path.read_text().splitlines()]
    assert [row["source_run_id"] for row in rows_written] == ["c"]
    reason = "firewall: category or run id in other letters"
    table = result.excluded()
    assert list(table.loc[table["reason"] == reason, "line"]) == [3 if around else 1]
    assert result.records_quarantined == 3


@pytest.mark.parametrize(
    "line",
    [
        '{"evidence_run_id":"a","category":"accepted","categories":"Rejected"}',
        '{"evidence_run_id":"a","category":"accepted","note":"Category"}',
        '{"evidence_run_id":"a","category":"accepted","note":{"Category":"rejected"}}',
        r'{"evidence_run_id":"a","category":"accepted","note":"\"Category\":\u0022rejected"}',
        r'{"\u0065vidence_run_id":"a","c\u0061tegory":"accepted"}',
        '{"evidence_run_id":"a","category":"rejected","category":"accepted"}',
    ],
)
def test_only_the_names_of_the_fields_themselves_are_looked_at(tmp_path: Path, line: str) -> None:
    lake = lake_of(tmp_path, [(1, "a", "accepted")])
    path = lake / "data" / "scored-runs" / "2026" / "01" / "01" / "a.jsonl"
    path.write_text(line)
    assert export_sft(lake, recorded_at="now", progress=False).records_exported == 1


@given(st.data())
@settings(deadline=None)
def test_no_spelling_of_a_key_passes_the_quick_look(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(["category", "evidence_run_id"]))
    flips = data.draw(st.lists(st.booleans(), min_size=len(key), max_size=len(key)))
    escapes = data.draw(st.lists(st.integers(0, 3), min_size=len(key), max_size=len(key)))
    spelled = "".join(c.upper() if flip else c for c, flip in zip(key, flips, strict=True))
    written = "".join(
        c if escape else f"\\u{ord(c):04x}" for c, escape in zip(spelled, escapes, strict=True)
    )
    line = f'{{"x":"Ä{data.draw(st.text(max_size=5).map(json.dumps))[1:-1]}","{written}":"r9"}}'
    run = ScoredRun(evidence_run_id="a", category="accepted")
    found = list(respelled_lines(memoryview(line.encode("utf-8", "replace")), 4, [4], [run]))
    assert bool(found) == (spelled != key)
