"""Plots of policies show the numbers of their tables, and say in words what is no number."""

import io
import itertools
import math
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jarvis_lab.plots import (
    plot_class_regret,
    plot_overlap,
    plot_policy_values,
    plot_quality_cost,
    plot_routing_curve,
)
from jarvis_lab.plots._words import shortened, width_of, wrapped

mpl.use("Agg")
NAN = math.nan
LOST = "refused: the log has rewards for 62% of this policy's traffic only"
FITTED = "not cross-fitted: overvalued if it was learned from these traces"
HOSTILE = [
    "a$b_$c^2",
    "$\\frac{",
    "_hidden",
    "new\nline\ttab",
    "",
    "שלום עולם",
    "x\u202egpj.exe",
    "an endless name " * 20 + "1",
    "an endless name " * 20 + "2",
]


def value_table(*rows):
    """A table of values from (policy, value, low, high, diff, bounds, status, note)."""
    records = []
    for policy, value, low, high, diff, bounds, status, note in rows:
        record = {"policy": policy, "value": value, "low": low, "high": high}
        record |= {"diff": diff, "diff_low": diff - 0.02, "diff_high": diff + 0.02, "n": 1234}
        if diff == 0:
            record |= {"diff_low": 0.0, "diff_high": 0.0}
        record |= {"bound_low": bounds[0], "bound_high": bounds[1]}
        record |= {"status": status, "note": note, "cost_usd": 0.01 + 0.01 * len(records)}
        records.append(record)
    return pd.DataFrame(records)


VALUES = value_table(
    ("table", 0.84, 0.82, 0.86, 0.05, (0.84, 0.84), "ok", ""),
    ("learned", 0.86, 0.84, 0.88, 0.07, (0.86, 0.86), "not cross-fitted", FITTED),
    ("far", NAN, NAN, NAN, NAN, (0.41, 0.83), LOST, ""),
    ("best single", 0.79, 0.76, 0.815, 0.0, (0.79, 0.79), "ok", ""),
    ("oracle", 0.95, 0.94, 0.96, 0.16, (0.95, 0.95), "ok", "not attainable"),
)
FRONTIER = pd.DataFrame(
    {
        "model": ["small", "odd", "large"],
        "cost": [0.1, 0.5, 1.0],
        "cost_low": [0.08, 0.4, 0.9],
        "cost_high": [0.12, 0.6, 1.1],
        "quality": [0.6, 0.55, 0.8],
        "quality_low": [0.5, 0.45, 0.75],
        "quality_high": [0.7, 0.65, 0.85],
        "on_frontier": [True, False, True],
        "frontier_share": [1.0, 0.1, 1.0],
        "on_hull": [True, False, True],
        "n": [90, 90, 90],
    }
)
SHARE = np.linspace(0, 1, 5)
CURVE = pd.DataFrame(
    {
        "strong_share": SHARE,
        "quality": [0.6, 0.7, 0.76, 0.75, 0.8],
        "low": [0.58, 0.68, 0.74, 0.73, 0.78],
        "high": [0.62, 0.72, 0.78, 0.77, 0.82],
        "random_quality": 0.6 + 0.2 * SHARE,
        "n": 700,
    }
)
REGRET = pd.DataFrame(
    {
        "query_class": ["code", "math"],
        "n": [60, 40],
        "share": [0.6, 0.4],
        "value": [0.7, 0.8],
        "best_value": [0.8, 0.75],
        "oracle_value": [0.9, 0.9],
        "regret": [0.2, 0.1],
        "regret_low": [0.1, 0.05],
        "regret_high": [0.3, 0.2],
        "cost": [0.12, 0.04],
    }
)
OVERLAP = pd.DataFrame(
    [
        ("code", "a", 0.7, 0.9, 0.0, 900, True, ""),
        ("code", "b", 0.7, 0.1, 1.0, 100, True, "few"),
        ("math", "a", 0.3, 1.0, 0.25, 300, True, ""),
        ("math", "b", 0.3, 0.0, 0.75, 0, False, ""),
    ],
    columns=[
        *("query_class", "model", "traffic_share", "logged_share", "policy_share"),
        *("n", "covered", "note"),
    ],
)
ALL = pytest.mark.parametrize(
    ("plot", "table"),
    [
        (plot_policy_values, VALUES),
        (plot_quality_cost, VALUES),
        (plot_quality_cost, FRONTIER),
        (plot_routing_curve, CURVE),
        (plot_class_regret, REGRET),
        (plot_overlap, OVERLAP),
    ],
    ids=["values", "cost of policies", "frontier", "curve", "regret", "overlap"],
)


def drawn(ax):
    """Draw the figure with warnings as errors, as a notebook would; gives its size in pixels."""
    figure = ax.get_figure(root=True)
    figure.savefig(io.BytesIO(), format="png")
    return figure.bbox


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text().strip()]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def markers(ax):
    """(x, y, hollow) of each marker."""
    return [
        (float(x), float(y), to_rgb(line.get_markerfacecolor()) != to_rgb(line.get_color()))
        for line in ax.get_lines()
        if line.get_marker() not in ("None", "", "|", None)
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def spans(ax, axis=0):
    """(low, high) of each interval along x (0) or y (1)."""
    return sorted(
        tuple(float(end) for end in segment[:, axis])
        for lines in ax.collections
        if hasattr(lines, "get_segments")
        for segment in lines.get_segments()
        if segment.size and segment[0, axis] != segment[1, axis]
    )


def boxes(ax):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_hatch()]


def shown_ticks(ax):
    """Labels of the ticks in view; matplotlib keeps some outside it."""
    for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
        places = axis.get_ticklocs()
        yield from (
            label
            for place, label in zip(places, axis.get_ticklabels(), strict=False)
            if low <= place <= high
        )


def inside(ax):
    """Whether everything written is inside the figure."""
    edge = drawn(ax)
    texts = [*ax.texts, ax.xaxis.label, ax.yaxis.label, *shown_ticks(ax)]
    texts += list(ax.get_legend().get_texts()) if ax.get_legend() else []
    texts += [child.yaxis.label for child in ax.child_axes]
    seen = [text.get_window_extent() for text in texts if text.get_text().strip()]
    return all(
        box.x0 >= -1 and box.y0 >= -1 and box.x1 <= edge.x1 + 1 and box.y1 <= edge.y1 + 1
        for box in seen
    )


def apart(texts):
    """Whether no two texts cover each other."""
    seen = [text.get_window_extent() for text in texts]
    return not any(
        min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
        for a, b in itertools.combinations(seen, 2)
    )


def test_a_value_is_a_point_with_its_interval_in_the_order_given():
    ax = plot_policy_values(VALUES, level=0.95)
    known = VALUES.dropna(subset="value")
    assert [round(x, 3) for x, _, _ in sorted(markers(ax), key=lambda p: p[1])] == list(
        known["value"]
    )
    assert spans(ax) == sorted(zip(known["low"], known["high"], strict=True))
    assert labels(ax) == list(VALUES["policy"])
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "mean reward, with its 95 % interval"
    assert {"0.840", "0.860", "0.790", "0.950", "–", "1,234", "value", "n"} <= set(words(ax))


def test_a_refused_policy_is_a_hatched_box_between_its_bounds_with_the_reason_and_no_point():
    ax = plot_policy_values(VALUES)
    (box,) = boxes(ax)
    assert (box.get_x(), round(box.get_x() + box.get_width(), 9)) == (0.41, 0.83)
    assert (0.41, 0.83) not in spans(ax)
    line = dict(zip(labels(ax), ax.get_yticks(), strict=True))["far"]
    assert not [y for _, y, _ in markers(ax) if abs(y - line) < 0.1]
    assert box.get_y() < line < box.get_y() + box.get_height()
    assert LOST in words(ax)
    assert "refused: it lies somewhere in the box" in legend(ax)


def test_what_flatters_itself_and_what_cannot_be_attained_is_hollow_and_named():
    ax = plot_policy_values(VALUES)
    assert sorted(x for x, _, hollow in markers(ax) if hollow) == [0.86, 0.95]
    assert {FITTED, "not attainable"} <= set(words(ax))
    assert {"not cross-fitted: flatters itself", "not attainable"} <= set(legend(ax))
    assert legend(plot_policy_values(VALUES[VALUES["policy"].isin(["table", "best single"])])) == [
        "the reference: best single (bold)"
    ]


def reference_line(ax):
    return [line.get_xdata()[0] for line in ax.get_lines() if line.is_dashed()]


def bold(ax):
    return [text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"]


def test_the_reference_is_the_policy_without_a_difference_or_the_one_named():
    ax = plot_policy_values(VALUES)
    assert reference_line(ax) == [0.79]
    assert bold(ax) == ["best single"]
    ax = plot_policy_values(VALUES, reference="table")
    assert (reference_line(ax), bold(ax)) == ([0.84], ["table"])
    told = VALUES.copy()
    told.attrs = {"reference": "learned", "level": 0.8}
    ax = plot_policy_values(told)
    assert (reference_line(ax), bold(ax)) == ([0.86], ["learned"])
    assert "80 % interval" in ax.get_xlabel()
    with pytest.raises(ValueError, match="reference='nobody' is none of 'table'"):
        plot_policy_values(VALUES, reference="nobody")


def test_two_policies_without_a_difference_leave_open_which_is_the_reference():
    twins = VALUES[VALUES["policy"] == "best single"]
    twins = pd.concat([twins.assign(policy="old"), twins.assign(policy="new")])
    ax = plot_policy_values(twins)
    assert (reference_line(ax), bold(ax), legend(ax)) == ([0.79], [], ["the reference"])


def test_differences_have_their_own_intervals_around_zero():
    ax = plot_policy_values(VALUES, value="diff", level=0.9)
    assert ax.get_xlabel() == "difference in mean reward from best single, with its 90 % interval"
    assert sorted(x for x, _, _ in markers(ax)) == [0.0, 0.05, 0.07, 0.16]
    assert (0.05 - 0.02, 0.05 + 0.02) in spans(ax)
    assert reference_line(ax) == [0.0]
    assert {"+0.050", "difference", LOST} <= set(words(ax))
    assert not boxes(ax)


def test_order_value_puts_the_highest_on_top_and_the_refused_last():
    ax = plot_policy_values(VALUES, order="value")
    assert labels(ax) == ["oracle", "learned", "table", "best single", "far"]


def test_forty_policies_with_long_reasons_do_not_cover_one_another():
    many = pd.concat([VALUES] * 8, ignore_index=True)
    many["policy"] = [f"policy {number} of a long list" for number in range(len(many))]
    many["status"] = many["status"].where(many["status"] != LOST, LOST + " and " + "so on " * 90)
    ax = plot_policy_values(many)
    assert inside(ax)
    said = [text for text in ax.texts if text.get_text().strip()]
    assert apart([*said, *ax.get_yticklabels()])
    cut = [text for text in said if text.get_text().startswith("refused")]
    assert len(cut) == 8
    assert all(text.get_text().endswith("…") for text in cut)
    right = ax.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= right for text in cut)


def test_a_note_that_all_rows_share_stands_once_below_the_axis():
    ax = plot_policy_values(VALUES.assign(note="3 ids twice; " + VALUES["note"]))
    assert [text for text in words(ax) if "3 ids twice" in text] == ["All rows: 3 ids twice."]
    assert {FITTED, "not attainable", LOST} <= set(words(ax))
    assert inside(ax)


def test_a_row_without_value_and_without_a_status_says_so():
    ax = plot_policy_values(VALUES.assign(value=NAN, status="ok", note=None))
    assert words(ax).count("no value is given") == 5
    drawn(ax)


def test_quality_stands_against_cost_with_intervals_and_steps_along_the_frontier():
    ax = plot_quality_cost(FRONTIER, level=0.95)
    assert sorted((x, y) for x, y, _ in markers(ax)) == [(0.1, 0.6), (0.5, 0.55), (1.0, 0.8)]
    assert spans(ax, 1) == [(0.45, 0.65), (0.5, 0.7), (0.75, 0.85)]
    assert spans(ax, 0) == [(0.08, 0.12), (0.4, 0.6), (0.9, 1.1)]
    (steps,) = [line for line in ax.get_lines() if line.is_dashed()]
    assert steps.get_xydata().tolist() == [[0.1, 0.6], [1.0, 0.6], [1.0, 0.8]]
    names = {text.get_text(): text.get_fontweight() for text in ax.texts if text.get_text().strip()}
    assert names == {"small": "bold", "large": "bold", "odd": "normal"}
    assert ax.get_xlabel() == "mean cost per query"


def test_only_what_is_attainable_and_not_flattered_makes_the_frontier_of_policies():
    ax = plot_quality_cost(VALUES.assign(cost_usd=[5, 2, 3, 4, 1]))
    (steps,) = [line for line in ax.get_lines() if line.is_dashed()]
    assert steps.get_xydata().tolist() == [[4, 0.79], [5, 0.79], [5, 0.84]]
    assert sorted(x for x, _, hollow in markers(ax) if hollow) == [1, 2]
    assert "not attainable" in legend(ax)


def test_what_has_no_place_in_the_plot_is_named_below_it():
    values = VALUES.assign(cost_usd=[NAN, 1, 2, 3, 4])
    ax = plot_quality_cost(values)
    assert "Not shown: table (no cost_usd); far (refused)." in words(ax)
    assert sorted(x for x, _, _ in markers(ax)) == [1, 3, 4]
    nothing = plot_quality_cost(VALUES[VALUES["policy"] == "far"])
    assert words(nothing) == ["Not shown: far (refused)."]
    drawn(nothing)


def test_names_in_a_crowd_cover_nothing_and_those_left_out_are_counted():
    numbers = np.random.default_rng(5)
    many = pd.DataFrame({"policy": [f"model-{number:02d}-large" for number in range(60)]})
    many["cost_usd"], many["value"] = numbers.uniform(0, 1, (2, 60)) ** 2
    many["low"], many["high"] = many["value"] - 0.02, many["value"] + 0.02
    ax = plot_quality_cost(many.assign(n=9, status="ok"))
    assert inside(ax)
    named = [text for text in ax.texts if text.get_text().startswith("model")]
    assert apart(named)
    (note,) = [text for text in words(ax) if "no name here" in text]
    assert note.startswith(f"{60 - len(named)} of 60 points have no name here")
    dots = ax.transData.transform(many[["cost_usd", "value"]].to_numpy())
    for text in named:
        box = text.get_window_extent().shrunk(0.95, 0.8)
        assert not any(box.contains(x, y) for x, y in dots)


def test_a_logarithmic_axis_needs_costs_above_zero():
    ax = plot_quality_cost(VALUES.assign(cost_usd=[0.001, 0.01, 0.1, 1, 10]), log=True)
    assert ax.get_xscale() == "log"
    drawn(ax)
    with pytest.raises(ValueError, match="log=True needs costs above 0"):
        plot_quality_cost(VALUES.assign(cost_usd=0.0), log=True)


def test_a_cost_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no column 'seconds'.*also="):
        plot_quality_cost(VALUES, cost="seconds")
    with pytest.raises(ValueError, match=r"no column 'cost_usd'.*pareto_frontier"):
        plot_quality_cost(VALUES.drop(columns="cost_usd"))


def band(ax):
    """(x, low, high) of the first band."""
    corners = ax.collections[0].get_paths()[0].vertices
    return {
        float(x): (corners[corners[:, 0] == x, 1].min(), corners[corners[:, 0] == x, 1].max())
        for x in np.unique(corners[:, 0])
    }


def test_a_routing_curve_is_a_line_with_its_band_and_random_routing():
    ax = plot_routing_curve(CURVE, level=0.95)
    line, random, ends = ax.get_lines()
    assert line.get_xydata().tolist() == CURVE[["strong_share", "quality"]].to_numpy().tolist()
    assert random.get_xydata().tolist() == ends.get_xydata().tolist() == [[0, 0.6], [1, 0.8]]
    rows = zip(CURVE["strong_share"], CURVE["low"], CURVE["high"], strict=True)
    assert band(ax) == {x: (low, high) for x, low, high in rows}
    assert legend(ax) == ["routing", "random routing"]
    assert ax.get_ylabel() == "mean reward, with its 95 % interval"
    assert ax.get_xlabel() == "share of queries sent to the strong model (n = 700)"
    assert plot_routing_curve(CURVE[["strong_share", "quality"]]).get_ylabel() == "mean reward"


def test_several_curves_differ_in_colour_and_dashes_and_share_their_random_line():
    other = CURVE.assign(quality=CURVE["quality"] - 0.01)
    names = ["$a$", "_b", "c", "d"]
    ax = plot_routing_curve(dict.fromkeys(names[:2], CURVE) | dict.fromkeys(names[2:], other))
    assert legend(ax) == [*names, "random routing"]
    lines = ax.get_legend().get_lines()[:4]
    assert len({line.get_color() for line in lines}) == 4
    assert len({str(line._dash_pattern) for line in lines}) == 4
    drawn(ax)


def test_curves_on_other_queries_show_their_own_n_and_their_own_random_line():
    other = CURVE.assign(random_quality=0.5 + 0.3 * SHARE, n=9)
    ax = plot_routing_curve({"a": CURVE, "b": other})
    assert legend(ax)[:2] == ["a (n = 700)", "b (n = 9)"]
    assert [0.0, 0.5] in [line.get_xydata()[0].tolist() for line in ax.get_lines()]


def test_a_curve_may_run_over_money_and_show_its_envelope():
    money = CURVE.assign(cost_usd=2 * SHARE + 1, envelope=CURVE["quality"].cummax())
    ax = plot_routing_curve(money, x="cost_usd")
    drawn_as = [line.get_xydata().tolist() for line in ax.get_lines()]
    assert money[["cost_usd", "envelope"]].to_numpy().tolist() in drawn_as
    assert [[1.0, 0.6], [3.0, 0.8]] in drawn_as
    assert ax.get_xlabel() == "mean cost_usd per query (n = 700)"
    assert legend(ax)[-1] == "best at this share or below"
    with pytest.raises(ValueError, match=r"curve has no column 'cost_usd'.*routing_curve"):
        plot_routing_curve(CURVE, x="cost_usd")
    with pytest.raises(ValueError, match=r"curve\['bad'\] has no column 'quality'"):
        plot_routing_curve({"bad": CURVE.drop(columns="quality")})


def test_the_legend_of_a_few_curves_stays_inside_the_axes_and_that_of_many_outside():
    for names, inside in ((3, True), (9, False)):
        ax = Figure(figsize=(6, 4)).add_subplot()
        drawn(plot_routing_curve({f"router {place}": CURVE for place in range(names)}, ax=ax))
        box = ax.get_legend().get_window_extent()
        assert (ax.bbox.x1 >= box.x1) == inside


def test_more_curves_than_looks_are_refused():
    with pytest.raises(ValueError, match="40 curves cannot be told apart"):
        plot_routing_curve({str(number): CURVE for number in range(40)})


def test_the_bars_of_regret_are_share_times_regret_in_two_parts():
    ax = plot_class_regret(REGRET, level=0.95)
    bars = [(round(float(bar.get_x()), 9), round(float(bar.get_width()), 9)) for bar in ax.patches]
    assert bars == [(0, 0.06), (0, 0), (0.06, 0.06), (0, 0.04)]
    assert [(round(low, 9), round(high, 9)) for low, high in spans(ax)] == [
        (0.02, 0.08),
        (0.06, 0.18),
    ]
    assert labels(ax) == ["code", "math"]
    assert {"60.0%", "0.200", "60", "40.0%", "0.100", "40"} <= set(words(ax))
    assert ax.get_xlabel().endswith("mean regret, with its 95 % interval")


def test_regret_without_parts_or_interval_is_one_bar_for_each_class():
    ax = plot_class_regret(REGRET[["query_class", "share", "regret", "n"]])
    assert [round(float(bar.get_width()), 9) for bar in ax.patches] == [0.12, 0.04]
    assert ax.get_legend() is None
    assert ax.get_xlabel().endswith("mean regret")
    drawn(plot_class_regret(REGRET.assign(regret=0.0, regret_low=0.0, regret_high=0.0)))


def frames(ax):
    """Middle and line style of every frame."""
    return {
        (round(p.get_y() + p.get_height() / 2), round(p.get_x() + p.get_width() / 2)): (
            p.get_linestyle() != "solid"
        )
        for p in ax.patches
        if isinstance(p, Rectangle) and not p.get_fill()
    }


def test_overlap_shows_the_log_and_frames_the_choices_of_the_policy():
    ax = plot_overlap(OVERLAP)
    assert ax.collections[0].get_array().reshape(2, 2).tolist() == [[0.9, 0.1], [1.0, 0.0]]
    assert labels(ax) == ["code (70%)", "math (30%)"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    assert frames(ax) == {(0, 1): True, (1, 0): False, (1, 1): False}
    assert set(words(ax)) == {
        *("90%", "900", "10%", "100"),
        *("100%", "300 → 25%", "0%", "0 → 75%"),
    }
    assert legend(ax) == [
        "small: rewards in the log → part the policy sends",
        "framed: the policy goes here",
        "dashed: see the column note",
        "crossed: the log cannot judge it there",
    ]


def test_a_choice_that_the_log_cannot_judge_is_crossed_out():
    ax = plot_overlap(OVERLAP)
    assert len(ax.get_lines()) == 2
    assert {
        (round(np.mean(line.get_ydata())), round(np.mean(line.get_xdata())))
        for line in ax.get_lines()
    } == {(1, 1)}
    sure = plot_overlap(OVERLAP[OVERLAP["covered"]])
    assert not sure.get_lines()
    assert "crossed: the log cannot judge it there" not in legend(sure)


def test_a_class_and_model_without_a_row_are_hatched():
    ax = plot_overlap(OVERLAP.iloc[:3])
    (box,) = boxes(ax)
    assert (round(box.get_y() + 0.5), round(box.get_x() + 0.5)) == (1, 1)
    assert "hatched: not in the table" in legend(ax)


def test_a_share_below_half_a_percent_is_not_shown_as_none():
    assert "<1%" in words(plot_overlap(OVERLAP.assign(logged_share=[0.999, 0.001, 1, 0])))


def test_overlap_of_two_policies_at_once_is_an_error():
    with pytest.raises(ValueError, match=r"more than one row for class 'code' and model 'a'"):
        plot_overlap(pd.concat([OVERLAP, OVERLAP]))


def test_overlap_in_a_small_axes_leaves_out_n_and_then_the_shares():
    assert len(plot_overlap(OVERLAP, ax=Figure(figsize=(2, 0.6)).add_subplot()).texts) == 4
    assert not plot_overlap(OVERLAP, ax=Figure(figsize=(0.3, 0.3)).add_subplot()).texts


@ALL
def test_the_texts_are_inside_the_figure(plot, table):
    assert inside(plot(table))


@ALL
def test_an_empty_table_gives_an_axes_with_a_sentence(plot, table):
    for empty in (table[:0], pd.DataFrame()):
        ax = plot(empty)
        drawn(ax)
        (sentence,) = words(ax)
        assert sentence.endswith("rows.")


@ALL
def test_one_row_is_drawn(plot, table):
    assert inside(plot(table[:1]))


@ALL
def test_missing_and_infinite_numbers_are_drawn_without_a_warning(plot, table):
    number = table.select_dtypes("number").columns
    for nothing in (NAN, math.inf):
        first = table.astype(dict.fromkeys(number, float))
        first.loc[0, number] = nothing
        assert inside(plot(first))
        every = table.copy()
        every[number] = nothing
        drawn(plot(every))


def refusal(plot, table):
    """What the plot says of a table, if it refuses it."""
    try:
        plot(table)
    except ValueError as error:
        return str(error)
    return None


@ALL
def test_every_column_that_is_needed_is_asked_for_by_name(plot, table):
    said = {column: refusal(plot, table.drop(columns=column)) for column in table.columns}
    said = {column: text for column, text in said.items() if text}
    assert len(said) >= 2
    for column, text in said.items():
        assert f"no column {column!r}" in text or "no column 'policy'" in text
        assert "Make the table with " in text


@ALL
def test_text_where_numbers_belong_is_an_error_that_names_the_column(plot, table):
    column = {"strong_share": "quality"}.get(table.columns[0], "n")
    if plot is plot_policy_values or "policy" in table:
        column = "low"
    with pytest.raises(ValueError, match=rf"\['{column}'\] must hold numbers"):
        plot(table.assign(**{column: "many"}))


@ALL
def test_something_else_than_a_table_is_an_error(plot, table):
    with pytest.raises(TypeError, match="must be a DataFrame, not list"):
        plot([])


@ALL
def test_the_table_and_the_settings_of_matplotlib_stay_as_they_were(plot, table):
    before, settings = table.copy(deep=True), dict(mpl.rcParams)
    drawn(plot(table))
    pd.testing.assert_frame_equal(table, before)
    assert dict(mpl.rcParams) == settings


@ALL
def test_the_given_axes_is_used_returned_and_can_be_cleared(plot, table):
    ax = Figure().add_subplot()
    assert plot(table, ax=ax) is ax
    ax.clear()
    plot(table, ax=ax)
    assert len(ax.figure.axes) == 1
    drawn(ax)


@ALL
def test_thirty_figures_leave_nothing_behind(plot, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            plot(table)
    assert plt.get_fignums() == []


@ALL
def test_on_a_dark_ground_texts_and_hollow_markers_follow(plot, table):
    with plt.style.context("dark_background"):
        ax = plot(table)
        drawn(ax)
        ground = to_rgb(ax.get_facecolor())
        assert to_rgb(ax.xaxis.label.get_color()) != ground
        for line in ax.get_lines():
            assert to_rgb(line.get_color()) != ground
        outside = [text for text in ax.texts if text.get_ha() in ("right", "left")]
        assert all(to_rgb(text.get_color()) != ground for text in outside)


def named(table, column):
    rows = table.iloc[[number % len(table) for number in range(len(HOSTILE))]]
    return rows.assign(**{column: HOSTILE}).reset_index(drop=True)


@pytest.mark.parametrize(
    ("plot", "table"),
    [
        (plot_policy_values, named(VALUES, "policy")),
        (plot_quality_cost, named(VALUES, "policy")),
        (plot_quality_cost, named(FRONTIER, "model")),
        (plot_routing_curve, dict.fromkeys(HOSTILE, CURVE)),
        (plot_class_regret, named(REGRET, "query_class")),
        (plot_overlap, named(OVERLAP, "query_class")),
        (plot_overlap, named(OVERLAP, "model")),
    ],
    ids=["values", "cost", "frontier", "curve", "regret", "classes", "models"],
)
def test_hostile_names_are_shown_as_text_in_one_line_each(plot, table):
    ax = plot(table)
    assert inside(ax)
    texts = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
    texts += list(ax.get_legend().get_texts()) if ax.get_legend() else []
    shown = " ".join(text.get_text() for text in texts)
    for name in ("a$b_$c^2", "$\\frac{", "_hidden", "new\\nline\\ttab", "(empty)"):
        assert name in shown
    assert not any(text.get_parse_math() for text in texts if "$" in text.get_text())


def test_hostile_reasons_are_shown_as_text():
    status = "refused: the log never used '$\\frac{\n\x00' " + "x" * 300
    ax = plot_policy_values(VALUES.assign(status=status))
    assert inside(ax)
    (reason, *_) = [text for text in ax.texts if text.get_text().startswith("refused")]
    assert "$\\frac{\\n\\x00" in reason.get_text()
    assert not reason.get_parse_math()


def test_text_is_cut_to_the_room_there_is():
    text = "a policy that the log cannot judge"
    room = width_of(text, 8) / 2
    cut = shortened(text, 8, room)
    assert cut.endswith("…")
    assert width_of(cut, 8) <= room < width_of(text[: len(cut) + 2], 8)
    assert shortened(text, 8, 2 * room) == text
    lines = wrapped(f"{text} {text} {text}", 8, room, most=3).split("\n")
    assert len(lines) == 3
    assert all(width_of(line, 8) <= room for line in lines)
    assert lines[-1].endswith("…")
