"""Plots show the numbers of the table, as text where they are text, and nothing else."""

import io
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

from jarvis_lab.plots import plot_class_scores, plot_score_heatmap

mpl.use("Agg")
NAN = math.nan
BOTH = pytest.mark.parametrize("plot", [plot_class_scores, plot_score_heatmap])


def table(cells):
    """A table of class scores from (class, model, n, value, low, high, note)."""
    frame = pd.DataFrame(cells, columns=["query_class", "model", "n", "v", "low", "high", "note"])
    return pd.DataFrame(
        {
            "query_class": frame["query_class"],
            "model": frame["model"],
            "n": frame["n"],
            "n_outcome": frame["n"] - 1,
            "n_feedback": frame["n"] - 2,
            "success_rate": frame["v"] / 2,
            "success_rate_low": frame["low"] / 2,
            "success_rate_high": frame["high"] / 2,
            "reward_mean": frame["v"],
            "reward_mean_low": frame["low"],
            "reward_mean_high": frame["high"],
            "feedback_mean": frame["v"],
            "sft_score": frame["v"],
            "trace_score": frame["v"],
            "note": frame["note"],
        }
    )


SMALL = table(
    [
        ("code", "ant", 40, 0.50, 0.35, 0.65, ""),
        ("code", "bee", 1234, 0.90, 0.88, 0.92, ""),
        ("math", "ant", 5, 0.20, 0.05, 0.60, "fewer than 10"),
        ("math", "bee", 9, NAN, NAN, NAN, "no outcome"),
        ("long", "bee", 70, 0.80, 0.70, 0.88, ""),
    ]
)


def many(models=30, classes=5):
    """A table with a value for every class and model."""
    value = np.linspace(0.2, 0.9, models * classes)
    return table(
        [
            (f"class {c}", f"model-{m:02d}", 50, v, v - 0.1, v + 0.1, "")
            for (c, m), v in zip(np.ndindex(classes, models), value, strict=True)
        ]
    )


def points(ax):
    """(value, line, hollow) of each marker."""
    return [
        (x, y, to_rgb(line.get_markerfacecolor()) != to_rgb(line.get_color()))
        for line in ax.get_lines()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        if not math.isnan(x)
    ]


def spans(ax):
    """(low, high) of each interval."""
    return [
        tuple(segment[:, 0])
        for lines in ax.collections
        for segment in lines.get_segments()
        if segment.size
    ]


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def drawn(ax):
    """Draw the figure with warnings as errors, as a notebook would."""
    ax.get_figure(root=True).savefig(io.BytesIO(), format="png")
    return ax


def test_markers_and_intervals_are_the_values_of_the_table():
    ax = plot_class_scores(SMALL)
    known = SMALL.dropna(subset="reward_mean")
    assert sorted(x for x, _, _ in points(ax)) == sorted(known["reward_mean"])
    assert sorted(spans(ax)) == sorted(
        zip(known["reward_mean_low"], known["reward_mean_high"], strict=True)
    )


def test_each_class_is_a_band_in_the_order_of_the_table_and_the_best_model_is_on_top():
    ax = plot_class_scores(SMALL)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["code", "math", "long"]
    assert ax.yaxis_inverted()
    at = {round(x, 3): y for x, y, _ in points(ax)}
    assert at[0.9] < 0 < at[0.5] < 0.5
    assert round(at[0.2]) == 1
    assert round(at[0.8]) == 2
    assert [t.get_text() for t in ax.get_legend().get_texts()][:2] == ["bee", "ant"]


def test_cells_with_a_note_are_hollow_and_the_legend_says_so():
    ax = plot_class_scores(SMALL)
    assert [x for x, _, hollow in points(ax) if hollow] == [0.2]
    assert "hollow" in ax.get_legend().get_texts()[-1].get_text()
    sure = plot_class_scores(SMALL[SMALL["note"] == ""])
    assert not any(hollow for _, _, hollow in points(sure))
    assert len(sure.get_legend().get_texts()) == 2


def test_n_stands_beside_every_cell_even_without_a_value():
    assert sorted(words(plot_class_scores(SMALL))) == sorted(["n", "40", "1,234", "5", "9", "70"])


def test_value_success_rate_takes_its_own_interval_and_its_own_n():
    ax = plot_class_scores(SMALL, value="success_rate")
    assert sorted(x for x, _, _ in points(ax)) == [0.1, 0.25, 0.4, 0.45]
    assert (0.175, 0.325) in spans(ax)
    assert {"39", "1,233"} <= set(words(ax))
    assert "success rate" in ax.get_xlabel()


def test_n_is_that_of_the_rewards_where_the_table_has_it():
    scores = SMALL.assign(n_reward=SMALL["n"] - 3)
    assert {"37", "1,231", "n with\nreward"} <= set(words(plot_class_scores(scores)))
    ax = plot_score_heatmap(scores)
    assert {"37", "1,231"} <= set(words(ax))
    assert ax.get_legend().get_texts()[0].get_text() == "small number: n with reward"


def test_a_point_at_the_end_of_the_scale_is_drawn_whole():
    ax = plot_class_scores(table([("a", "x", 3, 1.0, 0.4, 1.0, "few"), ("a", "y", 9, 1, 0, 1, "")]))
    assert not any(line.get_clip_on() for line in ax.get_lines())


def test_models_differ_in_colour_and_in_marker():
    ax = plot_class_scores(many(models=8))
    looks = {(line.get_color(), line.get_marker()) for line in ax.get_lines()}
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 8


def test_a_model_keeps_its_colour_when_the_order_changes():
    flipped = SMALL.assign(reward_mean=1 - SMALL["reward_mean"])
    looks = []
    for scores in (SMALL, flipped):
        legend = plot_class_scores(scores).get_legend()
        names = [text.get_text() for text in legend.get_texts()]
        colours = [line.get_color() for line in legend.get_lines()]
        looks.append(dict(zip(names, colours, strict=True)))
    assert list(looks[0])[:2] == list(looks[1])[1::-1]
    assert looks[0] == looks[1]


def test_many_models_get_one_labelled_panel_for_each_class():
    scores = many(models=30)
    ax = plot_class_scores(scores)
    assert [panel.get_title(loc="left") for panel in ax.child_axes] == list(
        dict.fromkeys(scores["query_class"])
    )
    for panel in ax.child_axes:
        own = scores[scores["query_class"] == panel.get_title(loc="left")]
        line = {model: 29 - int(model[-2:]) for model in own["model"]}
        drawn_at = sorted((x, y) for x, y, _ in points(panel))
        assert drawn_at == sorted(zip(own["reward_mean"], own["model"].map(line), strict=True))
        assert sorted(spans(panel)) == sorted(
            zip(own["reward_mean_low"], own["reward_mean_high"], strict=True)
        )
    labels = [label.get_text() for label in ax.child_axes[0].get_yticklabels()]
    assert labels == sorted(set(scores["model"]), reverse=True)
    assert {panel.get_ylim() for panel in ax.child_axes} == {(29.5, -0.5)}


def test_heatmap_colours_and_texts_are_the_values_of_the_table():
    ax = plot_score_heatmap(SMALL)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["bee", "ant"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["code", "math", "long"]
    values = ax.collections[0].get_array().reshape(3, 2)
    assert values.filled(-1).tolist() == [[0.9, 0.5], [-1, 0.2], [0.8, -1]]
    at = {}
    for text in ax.texts:
        at.setdefault((round(text.get_position()[1]), text.get_position()[0]), []).append(
            text.get_text()
        )
    assert at == {
        (0, 0): ["0.90", "1,234"],
        (0, 1): ["0.50", "40"],
        (1, 0): ["–", "9"],
        (1, 1): ["0.20", "5"],
        (2, 0): ["0.80", "70"],
    }


def test_heatmap_hatches_cells_without_a_value_and_hollows_cells_with_a_note():
    ax = plot_score_heatmap(SMALL)
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    middle = {
        (round(p.get_y() + p.get_height() / 2), round(p.get_x() + p.get_width() / 2)): bool(
            p.get_hatch()
        )
        for p in boxes
    }
    assert middle == {(1, 0): True, (1, 1): False, (2, 1): True}
    legend = " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert "hatched: no value" in legend
    assert "frame only" in legend


def test_heatmap_legend_names_only_what_is_there():
    sure = SMALL[(SMALL["note"] == "") & (SMALL["query_class"] == "code")]
    legend = plot_score_heatmap(sure).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["small number: n"]


def test_heatmap_text_is_dark_on_light_and_light_on_dark():
    ax = plot_score_heatmap(table([("a", "x", 9, 0.0, 0, 1, ""), ("a", "y", 9, 1.0, 0, 1, "")]))
    colours = {t.get_text(): t.get_color() for t in ax.texts if "." in t.get_text()}
    assert colours == {"0.00": "white", "1.00": "black"}


@pytest.mark.parametrize("value", ["success_rate", "sft_score", "trace_score", "feedback_mean"])
def test_heatmap_draws_the_other_scores_too(value):
    ax = plot_score_heatmap(SMALL, value=value)
    known = SMALL[value].dropna()
    assert sorted(ax.collections[0].get_array().compressed()) == sorted(known)


def test_heatmap_in_a_small_axes_leaves_out_n_and_then_the_values():
    figure = Figure(figsize=(6, 3))
    assert len(plot_score_heatmap(many(models=3), ax=figure.add_subplot()).texts) == 30
    narrow = Figure(figsize=(6, 1.2)).add_subplot()
    assert len(plot_score_heatmap(many(models=3), ax=narrow).texts) == 15
    tiny = Figure(figsize=(1, 1)).add_subplot()
    assert not plot_score_heatmap(many(models=30), ax=tiny).texts


HOSTILE = [
    "a$b_$c^2",
    "$\\frac{",
    "_hidden",
    "new\nline\ttab",
    "",
    "שלום עולם",
    "x\u202egpj.exe",
    "an endless name " * 8 + "1",
    "an endless name " * 8 + "2",
]


@BOTH
def test_names_are_shown_as_text_whatever_they_hold(plot):
    for names in (HOSTILE[:4], HOSTILE):
        cells = [(c, m, 9, 0.5, 0.4, 0.6, "") for c in HOSTILE for m in names]
        ax = drawn(plot(table(cells)))
        panels = ax.child_axes if plot is plot_class_scores and len(names) > 8 else [ax]
        texts = [label for panel in panels for label in panel.get_yticklabels()]
        texts += [label for panel in panels for label in panel.get_xticklabels()]
        texts += list(ax.get_legend().get_texts()) if ax.get_legend() else []
        texts += [panel._left_title for panel in panels]
        shown = {text.get_text() for text in texts}
        expected = {"a$b_$c^2", "$\\frac{", "_hidden", "new\\nline\\ttab"}
        assert expected <= shown
        assert all(len(text) <= 62 and "\n" not in text for text in shown)
        for text in texts:
            if "$" in text.get_text():
                assert not text.get_parse_math()
    assert {"(empty)", "שלום עולם", "x\\u202egpj.exe"} <= shown


@BOTH
def test_long_names_are_cut_in_the_middle_and_stay_different(plot):
    names = ["organisation/very-long-model-name-" + tail for tail in ("a:8b", "b:8b")]
    ax = plot(table([(name, "m", 9, 0.5, 0.4, 0.6, "") for name in names]))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert all(len(label) == 30 and "…" in label for label in labels)
    assert len(set(labels)) == 2


@BOTH
def test_names_alike_but_for_their_middle_are_numbered(plot):
    names = ["a" * 60 + middle + "b" * 60 for middle in "xy"]
    ax = plot(table([(name, "m", 9, 0.5, 0.4, 0.6, "") for name in names]))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert [label[-4:] for label in labels] == [" (1)", " (2)"]


@BOTH
@pytest.mark.parametrize("empty", [SMALL[:0], pd.DataFrame()], ids=["no rows", "no columns"])
def test_an_empty_table_gives_an_axes_with_a_sentence(plot, empty):
    assert words(drawn(plot(empty))) == ["No scores: the table has no rows."]


@BOTH
def test_a_table_without_any_value_is_drawn_without_a_warning(plot):
    drawn(plot(table([("code", "m", 9, NAN, NAN, NAN, "no outcome")])))


@BOTH
def test_one_cell_with_a_certain_value_is_drawn(plot):
    drawn(plot(table([("code", "m", 9, 1.0, 1.0, 1.0, "")])))


@BOTH
@pytest.mark.parametrize(("models", "classes"), [(1, 1), (3, 5), (9, 2), (30, 5), (2, 57), (12, 7)])
def test_every_size_is_drawn_without_a_warning(plot, models, classes):
    drawn(plot(many(models, classes)))


@BOTH
def test_the_given_axes_is_used_and_returned(plot):
    ax = Figure().add_subplot()
    assert plot(SMALL, ax=ax) is ax
    ax.clear()
    plot(SMALL, ax=ax)
    assert len(ax.figure.axes) == 1
    drawn(ax)


@BOTH
def test_thirty_figures_leave_nothing_behind(plot):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            plot(SMALL)
    assert plt.get_fignums() == []


@BOTH
def test_the_table_and_the_settings_of_matplotlib_stay_as_they_were(plot):
    before, settings = SMALL.copy(deep=True), dict(mpl.rcParams)
    drawn(plot(SMALL))
    pd.testing.assert_frame_equal(SMALL, before)
    assert dict(mpl.rcParams) == settings


@BOTH
def test_a_missing_column_is_named(plot):
    with pytest.raises(ValueError, match=r"no column 'reward_mean'.*class_scores"):
        plot(SMALL.drop(columns="reward_mean"))


@BOTH
def test_a_table_without_note_has_no_hollow_cells(plot):
    ax = plot(SMALL.drop(columns="note"))
    assert "not to be relied on" not in " ".join(t.get_text() for t in ax.get_legend().get_texts())


@BOTH
def test_the_same_cell_twice_is_an_error_that_says_what_to_do(plot):
    with pytest.raises(ValueError, match=r"more than one row for class 'code' and model 'ant'"):
        plot(pd.concat([SMALL, SMALL]))


@BOTH
def test_an_unknown_value_and_a_wrong_type_are_errors(plot):
    with pytest.raises(ValueError, match="value='latency' is not one of"):
        plot(SMALL, value="latency")
    with pytest.raises(TypeError, match="DataFrame, not list"):
        plot([])


@pytest.mark.parametrize(
    ("n", "shown"), [(0, "0"), (9_999, "9,999"), (12_345, "12k"), (5_000_000, "5.0M")]
)
def test_a_large_n_is_shortened(n, shown):
    ax = plot_class_scores(table([("code", "m", n, 0.5, 0.4, 0.6, "")]))
    assert shown in words(ax)
