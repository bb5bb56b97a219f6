from __future__ import annotations

import json
import math
from collections import Counter

import pytest

from jarvis_lab.review.agreement import AGREEMENT_COLUMNS, cohens_kappa
from jarvis_lab.review.queue import ReviewQueue


def queues(folder, count, *reviewers):
    folder.mkdir()
    lines = [json.dumps({"id": f"c{n}", "model_response": "r"}) for n in range(count)]
    (folder / "sft_candidates.jsonl").write_text("\n".join(lines))
    return [ReviewQueue(folder, reviewer=reviewer) for reviewer in reviewers]


def test_kappa_of_cohens_table_worked_by_hand():
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: p_o = 35/50, p_e = .5 * .6 + .5 * .4 = .5
    table = Counter({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15})
    kappa, observed, chance = cohens_kappa(table)
    assert (observed, chance) == (0.7, 0.5)
    assert kappa == pytest.approx(0.4)


def test_kappa_of_three_labels_worked_by_hand():
    # p_o = 5/8; p_e = (4*3 + 2*3 + 2*2)/64 = 22/64; (40 - 22)/(64 - 22) = 3/7
    a, b = [0, 1, 2, 0, 1, 2, 0, 0], [0, 1, 1, 0, 2, 2, 1, 0]
    table = Counter((str(x), str(y)) for x, y in zip(a, b, strict=True))
    assert cohens_kappa(table)[0] == pytest.approx(3 / 7)


def test_without_a_second_reviewer_there_is_no_row_and_every_column(tmp_path):
    (ann,) = queues(tmp_path / "r", 2, "ann")
    ann.discard("c0")
    found = ann.agreement()
    assert found.empty
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == AGREEMENT_COLUMNS


def test_each_pair_has_its_row_over_the_items_both_decided(tmp_path):
    ann, bob, eve = queues(tmp_path / "r", 6, "ann", "bob", "eve")
    for number in range(4):
        ann.discard(f"c{number}")
    bob.discard("c0")
    bob.approve("c1")
    bob.discard("c5")
    eve.flag("c1")
    found = ann.agreement()
    assert found[["reviewer_a", "reviewer_b", "n"]].values.tolist() == [
        ["ann", "bob", 2],
        ["ann", "eve", 1],
        ["bob", "eve", 1],
    ]
    assert found["agreement"].tolist() == [0.5, 0.0, 0.0]
    assert found["note"].str.contains("few items").all()
    assert (found["agreement_low"] <= found["agreement"]).all()
    assert (found["agreement_high"] >= found["agreement"]).all()


def test_a_conflict_settled_by_somebody_else_still_counts_as_one(tmp_path):
    ann, bob = queues(tmp_path / "r", 1, "ann", "bob")
    ann.discard("c0")
    bob.approve("c0")
    ann.undo("c0", reviewer="bob")
    assert ann.agreement()["agreement"].tolist() == [0.0]
    bob.redo("c0")
    bob.undo("c0", reviewer="bob")
    assert ann.agreement().empty


def test_kappa_is_missing_where_both_gave_one_and_the_same_action(tmp_path):
    ann, bob = queues(tmp_path / "r", 2, "ann", "bob")
    for queue in (ann, bob):
        queue.discard("c0")
        queue.discard("c1")
    row = ann.agreement().iloc[0]
    assert row["agreement"] == 1.0
    assert all(math.isnan(row[name]) for name in ("kappa", "kappa_low", "kappa_high"))
    assert "kappa undefined" in row["note"]
