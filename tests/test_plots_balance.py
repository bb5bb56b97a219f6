"""The balance plot shows the table, and nothing else."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from jarvis_lab.plots import plot_export_balance


def table(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["by", "value", "rows"])


def test_the_bars_are_the_rows_of_the_table_in_its_order() -> None:
    figure = plot_export_balance(
        table(("model", "b", 7), ("model", "a", 3), ("length", "1", 4), ("category", "x", 10))
    )
    drawn = {
        ax.get_title(): [
            (label.get_text(), bar.get_width())
            for label, bar in zip(ax.get_yticklabels(), ax.patches, strict=True)
        ]
        for ax in figure.axes
    }
    assert drawn == {
        "model": [("b", 7), ("a", 3)],
        "length": [("1", 4)],
        "category": [("x", 10)],
    }


def test_a_panel_says_how_many_bars_it_leaves_out() -> None:
    figure = plot_export_balance(table(*[("model", f"m{n}", 1) for n in range(9)]), most=4)
    (ax,) = figure.axes
    assert len(ax.patches) == 4
    assert ax.get_title() == "model, 5 more not shown"


def test_rows_are_whole_and_lengths_have_a_unit() -> None:
    figure = plot_export_balance(table(("model", "a", 3), ("length", "4–7", 3)))
    for ax in figure.axes:
        assert all(tick == int(tick) for tick in ax.get_xticks())
    assert [ax.get_ylabel() for ax in figure.axes] == ["", "characters"]


def test_millions_of_rows_are_written_out() -> None:
    (ax,) = plot_export_balance(table(("model", "a", 3_000_000))).axes
    ax.figure.savefig(io.BytesIO(), format="png")
    assert "3,000,000" in [label.get_text() for label in ax.get_xticklabels()]
    assert ax.xaxis.get_offset_text().get_text() == ""


def test_hostile_names_are_drawn_as_text() -> None:
    names = ["$\\frac{", "a\nb\x00", "", "x" * 200, "名前"]
    figure = plot_export_balance(table(*[("source class", name, 1) for name in names[:4]]))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["$\\frac{", "a\ufffdb\ufffd", "(unnamed)", "x" * 12 + "…" + "x" * 15]
    figure.savefig(io.BytesIO(), format="png")


def test_an_empty_export_gives_an_empty_figure() -> None:
    figure = plot_export_balance(table())
    assert figure.axes[0].texts[0].get_text() == "No rows were exported."


def test_a_table_without_a_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="no column 'rows'"):
        plot_export_balance(table().drop(columns="rows"))


def test_the_result_of_an_export_stands_for_its_balance() -> None:
    class Export:
        def balance(self) -> pd.DataFrame:
            return table(("model", "b", 7))

    assert [ax.get_title() for ax in plot_export_balance(Export()).axes] == ["model"]
    with pytest.raises(TypeError, match=r"balance must be a DataFrame, not int\. Give the result"):
        plot_export_balance(3)  # type: ignore[arg-type]


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"accounts/somebody/models/llama-{size}-instruct" for size in ("8b", "70b")]
    figure = plot_export_balance(table(*[("model", name, 1) for name in names]))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["accounts/som…ama-8b-instruct", "accounts/som…ma-70b-instruct"]
