"""The two original routing tables side by side, with live controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import ipywidgets as widgets
import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.classes import SCHEMES, classify_queries
from jarvis_lab.evaluation.differences import differing, traffic
from jarvis_lab.readers import read_traces
from jarvis_lab.routing import SFTRouterPolicy, TraceDrivenPolicy
from jarvis_lab.scores import class_scores, score_counts
from jarvis_lab.widgets._html import escape, table
from jarvis_lab.widgets._style import CSS

__all__ = ["RoutingExplorer", "RoutingState"]

Scheme = Literal["original", "regex", "keyword"]
_SCHEMES = {
    "each its own": "original",
    "regex for both": "regex",
    "keyword for both": "keyword",
}


@dataclasses.dataclass(frozen=True)
class RoutingState:
    """What the controls are set to.

    Attributes
    ----------
    scheme : {"original", "regex", "keyword"}
        The classes of both policies; "original" is each policy's own.
    min_samples : int
        Both policies' threshold.
    models : tuple of str
        The models that may be chosen.
    """

    scheme: Scheme
    min_samples: int
    models: tuple[str, ...]


class RoutingExplorer(widgets.VBox):  # type: ignore[misc]
    """Learn both original tables again at every move of a control, and show where they differ.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        The log, as :func:`read_traces` takes it. It is read once.

    Attributes
    ----------
    state : RoutingState
        What the controls are set to; :meth:`set` moves them from code.

    Notes
    -----
    Both tables are learned from counts of a few hundred numbers, never from the traces again.
    Models that may not be chosen are left out before learning.

    Examples
    --------
    >>> log = pd.DataFrame({"query": ["import os"] * 6, "model": list("aaabbb"),
    ...                     "outcome": ["success"] * 4 + ["failure"] * 2})
    >>> explorer = RoutingExplorer(log)
    >>> explorer.set(min_samples=3).tables()[["query_class", "sft", "learned"]]
      query_class sft learned
    0        code   a       a
    """

    def __init__(self, traces: object) -> None:
        frame = read_traces(
            traces,
            columns=[
                *("query", "model", "outcome", "feedback", "started_at"),
                *("total_tokens", "total_latency_seconds", "cost_usd"),
            ],
        )
        self._counts = score_counts(frame, by=SCHEMES)
        classes = {by: classify_queries(frame["query"], by=by) for by in SCHEMES}
        self._traffic = traffic(classes["keyword"], classes["regex"], frame["query"])
        models = tuple(sorted(set(self._counts["model"]) - {""}))
        self.state = RoutingState("original", 5, models)
        self._build(models)
        super().__init__([self._style, self._bar, self._tables, self._differences])
        self.add_class("jl-review")
        self._draw()

    def set(
        self,
        *,
        scheme: Scheme | None = None,
        min_samples: int | None = None,
        models: Sequence[str] | None = None,
    ) -> RoutingExplorer:
        """Move controls from code; returns the explorer.

        Raises
        ------
        ValueError
            If the scheme or a model is unknown, or ``min_samples`` is below 1.
        """
        if scheme is not None:
            self._scheme.value = _checks.choice("scheme", scheme, list(_SCHEMES.values()))
        if min_samples is not None:
            self._min_samples.value = _checks.whole("min_samples", min_samples, least=1)
        if models is not None:
            known = self._models.options
            self._models.value = tuple(_checks.choice("models", m, known) for m in models)
        return self

    def scores(self) -> pd.DataFrame:
        """Scores of the models that may be chosen, as :func:`class_scores` gives them."""
        return class_scores(self._chosen_counts())

    def policies(self) -> tuple[SFTRouterPolicy, TraceDrivenPolicy]:
        """Both policies, learned with the controls as they stand."""
        counts, state = self._chosen_counts(), self.state
        sft = SFTRouterPolicy(min_samples=state.min_samples, by=self._schemes()[0])
        learned = TraceDrivenPolicy(counts, by=self._schemes()[1])
        learned.min_samples = state.min_samples
        if len(counts):
            sft.update(counts)
            learned.update_from_traces()
        return sft, learned

    def tables(self) -> pd.DataFrame:
        """One row per query class: what each policy's table says, and whether they differ.

        Returns
        -------
        DataFrame
            - ``query_class`` (str): by each policy's own scheme, so that with "original" the
              same name need not mean the same queries.
            - ``sft``, ``learned`` (str): the model; empty if the class has none.
            - ``sft_score``, ``learned_score`` (float64): the policy's own composite for it.
            - ``sft_n``, ``learned_n`` (Int64): traces of that model in that class.
            - ``differ`` (bool).
        """
        rows: dict[str, dict[str, Any]] = {}
        scores = self.scores()
        for name, policy, by, column in zip(
            ("sft", "learned"),
            self.policies(),
            self._schemes(),
            ("sft_score", "trace_score"),
            strict=True,
        ):
            own = scores[scores["scheme"] == by].set_index(["query_class", "model"])
            for label in own.index.get_level_values(0).unique():
                model = policy.model_for_class(label)
                row = rows.setdefault(label, {})
                row[name] = model
                if model:
                    row[f"{name}_score"] = own.loc[(label, model), column]
                    row[f"{name}_n"] = own.loc[(label, model), "n"]
        kinds = {"": "str", "_score": "float64", "_n": "Int64"}
        result = pd.DataFrame({"query_class": pd.Series(sorted(rows), dtype="str")})
        for suffix, kind in kinds.items():
            for name in ("sft", "learned"):
                default = "" if not suffix else None
                values = [rows[label].get(name + suffix, default) for label in sorted(rows)]
                result[name + suffix] = pd.Series(values, dtype=kind)
        return result.assign(differ=result["sft"] != result["learned"])

    def disagreements(self) -> pd.DataFrame:
        """One row per kind of query that the two tables send to different models.

        The columns are those of :func:`disagreements`, a being SFTRouterPolicy.
        """
        pairs, (first, second) = self._traffic, self._schemes()
        sides = {"keyword": pairs["class_a"], "regex": pairs["class_b"]}
        pairs = pairs.assign(class_a=sides[first], class_b=sides[second])
        pairs = pairs.groupby(["class_a", "class_b"], as_index=False).agg(
            n=("n", "sum"), example=("example", "first")
        )
        return differing(pairs, *self.policies())

    def _schemes(self) -> tuple[str, str]:
        scheme = self.state.scheme
        return ("keyword", "regex") if scheme == "original" else (scheme, scheme)

    def _chosen_counts(self) -> pd.DataFrame:
        counts = self._counts
        return counts[counts["model"].isin(self.state.models)].reset_index(drop=True)

    def _build(self, models: tuple[str, ...]) -> None:
        self._style = widgets.HTML(CSS).add_class("jl-css")
        self._scheme = widgets.Dropdown(
            options=list(_SCHEMES.items()), value="original", description="Classes"
        )
        self._min_samples = widgets.IntSlider(
            5, min=1, max=100, description="min_samples", continuous_update=False
        )
        self._models = widgets.SelectMultiple(
            options=models,
            value=models,
            rows=min(max(len(models), 2), 8),
            description="Models",
            tooltip="Models that may be chosen; Ctrl or Shift for several",
        )
        for control in (self._scheme, self._min_samples, self._models):
            control.observe(self._on_change, "value")
            control.style.description_width = "initial"
        controls = [self._scheme, self._min_samples, self._models]
        self._bar = widgets.HBox(controls).add_class("jl-filters")
        self._tables, self._differences = widgets.HTML(), widgets.HTML()

    def _on_change(self, _change: object) -> None:
        self.state = RoutingState(
            self._scheme.value, self._min_samples.value, tuple(self._models.value)
        )
        self._draw()

    def _draw(self) -> None:
        if not self.state.models:
            self._tables.value = "<p>No model may be chosen: select at least one.</p>"
            self._differences.value = ""
            return
        self._tables.value = _tables_html(self.tables(), self._schemes())
        self._differences.value = _differences_html(self.disagreements())


def _tables_html(rows: pd.DataFrame, schemes: tuple[str, str]) -> str:
    header = ["class", f"SFTRouterPolicy ({schemes[0]})", "score", "n"]
    header += [f"TraceDrivenPolicy ({schemes[1]})", "score", "n", ""]
    body = []
    for row in rows.to_dict("records"):
        cells: list[object] = [row["query_class"]]
        for name in ("sft", "learned"):
            cells += [row[name] or "none", _number(row[f"{name}_score"]), _count(row[f"{name}_n"])]
        body.append([*cells, "≠ differ" if row["differ"] else ""])
    return f"<h4>Routing tables</h4>{table(header, body)}"


def _differences_html(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "<h4>Disagreements</h4><p>Both tables send every query to the same model.</p>"
    header = ["SFT class", "Trace class", "SFTRouterPolicy", "TraceDrivenPolicy"]
    header += ["traces", "share", "for example"]
    body = [
        [
            *(row[name] or "none" for name in ("class_a", "class_b", "model_a", "model_b")),
            *(_count(row["n"]), f"{row['share']:.1%}", row["example"]),
        ]
        for row in rows.to_dict("records")
    ]
    share = escape(f"{rows['share'].sum():.1%}")
    return f"<h4>Disagreements on {share} of the traffic</h4>{table(header, body)}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def _count(value: Any) -> str:
    return "" if pd.isna(value) else f"{int(value):,}"
