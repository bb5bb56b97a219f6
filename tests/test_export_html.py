"""The cards of exports in a notebook: everything is text, long tables are cut."""

from __future__ import annotations

import pandas as pd

from jarvis_lab.synthesis._html import bar, card, table

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


def test_every_text_is_escaped() -> None:
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    for shown in (
        table(frame, caption=HOSTILE),
        card(HOSTILE, [(HOSTILE, HOSTILE)]),
        bar({HOSTILE: 1}),
    ):
        assert "<img" not in shown
        assert "&lt;img" in shown
        assert "onerror=alert(1)&gt;&amp;&quot;&#x27;" in shown


def test_a_long_table_is_cut_and_says_by_how_much() -> None:
    frame = pd.DataFrame({"n": range(1500)})
    shown = table(frame, most=3)
    assert shown.count("<tr>") == 4
    assert "and 1,497 more" in shown
    assert "more" not in table(frame.head(3), most=3)


def test_numbers_are_grouped_and_right_aligned_and_missing_cells_are_empty() -> None:
    frame = pd.DataFrame({"n": [12345], "x": [0.123456], "none": [float("nan")], "flag": [True]})
    cells = table(frame).split("<td")[1:]
    assert [cell.partition(">")[2].partition("<")[0] for cell in cells] == [
        "12,345",
        "0.123",
        "",
        "True",
    ]
    assert ["text-align:right" in cell for cell in cells] == [True, True, True, False]


def test_a_bar_divides_the_whole() -> None:
    shown = bar({"kept": 3, "left out": 1, "waiting": 0})
    widths = [float(part.partition("%")[0]) for part in shown.split("width:")[1:]]
    assert widths == [75.0, 25.0, 0.0]
    assert "kept 75%" in shown
    assert 'title="left out: 1"' in shown
    assert bar({"kept": 0}) == ""
