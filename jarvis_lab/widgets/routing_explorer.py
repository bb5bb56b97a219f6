"""Routing policies compared live: scores, tables, what they are worth, what would change."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from jarvis_lab._checks import plural
from jarvis_lab.classes import By
from jarvis_lab.evaluation.counted_comparison import RoutingComparison
from jarvis_lab.evaluation.counted_state import RoutingState
from jarvis_lab.routing.policy import RouterPolicy
from jarvis_lab.widgets import _explorer_text as text
from jarvis_lab.widgets._explorer_controls import Controls
from jarvis_lab.widgets._explorer_later import Later
from jarvis_lab.widgets._explorer_verbs import Verbs
from jarvis_lab.widgets._explorer_view import View

__all__ = ["RoutingExplorer", "RoutingState"]


class RoutingExplorer(ipywidgets.VBox, Verbs):  # type: ignore[misc]
    """Move a control and see scores, routing tables, and what each policy is worth.

    Parameters
    ----------
    traces : DataFrame, path or object with ``list_traces()``
        The log, as :func:`read_traces` takes it. It is read once.
    policies : mapping of name to RouterPolicy, or list of RouterPolicy, optional
        Policies of your own, beside the two originals ("SFT", "learned"), "lower bound" and the
        baselines. What can be fitted is given unfitted: it is cross-fitted, and learns from what
        is selected.
    by : column name, object with ``predict``, or several of these, optional
        Classes to choose from, beside "regex", "keyword" and the text columns with 2 to 30
        values, which are found.
    current : mapping of class to model, RouterPolicy, or path of a saved one, optional
        The table of today. Without it, the model that the log used most in each class. A mapping
        is by the classes of the table that it is held against; a policy is valued too.
    query_id : str or list of str, optional
        Columns that tell queries apart; else ``query_id`` where there is one, else the text.
    propensity : str or None
        As for :func:`compare_policies`.
    level : float
        Confidence level of the intervals.
    seed : int
        Seed of the folds.

    Attributes
    ----------
    state : RoutingState
        What the controls are set to; :meth:`set` moves them from code.
    last_error : Exception or None
        What went wrong last, as shown on screen.

    Raises
    ------
    FileNotFoundError, ValueError
        As for :func:`read_traces` and :func:`compare_policies`.

    Notes
    -----
    The traces are counted once, by step of time (50), fold, class and model, and everything is
    made from the counts: tables at once, values a moment later (greyed until then). Values are
    those of :func:`compare_policies`, to the last digits, with the reward that the weights make.
    Models that may not be chosen are left out of learning, not of the traffic. On complete data
    (every query with every model) the traces are kept, and values come from
    :func:`compare_policies` itself, which takes longer.

    Policies that cannot be fitted on counts, because they look at the query itself or at another
    reward, are fitted once on the whole log and do not follow the controls.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"query_id": range(160), "model": ["a", "b"] * 80,
    ...                     "query": ["import os"] * 80 + ["hello"] * 80,
    ...                     "correct": [True, False] * 40 + [False, True, True, True] * 20})
    >>> explorer = RoutingExplorer(log)
    >>> explorer.set(scheme="regex", outcome_weight=1, feedback_weight=0).tables()[
    ...     ["query_class", "SFT", "lower bound", "best single", "differ"]]
      query_class SFT lower bound best single  differ
    0        code   a           a           a   False
    1       short   b           b           a    True
    >>> explorer.values()[["policy", "value", "diff"]].round(2).head(3)
            policy  value  diff
    0          SFT    1.0  0.25
    1      learned    1.0  0.25
    2  lower bound    1.0  0.25
    """

    def __init__(
        self,
        traces: object,
        policies: Mapping[str, RouterPolicy] | Sequence[RouterPolicy] | None = None,
        *,
        by: By | Sequence[By] = (),
        current: Mapping[str, str] | RouterPolicy | str | os.PathLike[str] | None = None,
        query_id: str | Sequence[str] | None = None,
        propensity: str | None = "propensity",
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        self.comparison = RoutingComparison(
            traces,
            policies,
            by=by,
            current=current,
            query_id=query_id,
            propensity=propensity,
            level=level,
            seed=seed,
        )
        core = self.comparison
        self.state: RoutingState = core.state
        self.last_error: Exception | None = None
        self.controls = Controls(
            schemes=core.settings,
            models=core.models,
            policies=core.names,
            tables=core.saveable,
            edges=core.log.edges,
        )
        self.controls.move(self.state)
        self._view = View(self.controls, core)
        self._later = Later(self._guarded(lambda: self._view.values(self.state)))
        self._moving = False
        super().__init__(self.controls.tree)
        self.add_class("jl-review").add_class("jl-explorer")
        self._wire()
        self._view.facts()
        self._draw()

    def __repr__(self) -> str:
        log = self.comparison.log
        models = len(self.comparison.models)
        traces = f"{log.size:,} {plural(log.size, 'trace')}"
        return f"RoutingExplorer({traces}, {models} {plural(models, 'model')})"

    def set(self, **changes: Any) -> RoutingExplorer:
        """Move controls from code; returns the explorer.

        Parameters
        ----------
        **changes
            Fields of :class:`RoutingState`: ``scheme``, ``outcome_weight``, ``feedback_weight``,
            ``min_samples``, ``confidence``, ``models``, ``steps``, ``policies``, ``chosen``,
            ``reference``.

        Raises
        ------
        TypeError
            If there is no such control.
        ValueError
            If a value is unknown or out of range; nothing has moved then.
        """
        for name in ("models", "policies", "steps"):
            if name in changes:
                given = changes[name]
                changes[name] = tuple(given) if isinstance(given, (list, tuple, set)) else (given,)
        try:
            state = dataclasses.replace(self.state, **changes)
        except TypeError:
            known = ", ".join(field.name for field in dataclasses.fields(RoutingState))
            raise TypeError(f"set() takes {known}, not {', '.join(changes)}.") from None
        self.comparison.check(state)
        self._moving = True
        try:
            self.controls.move(state)
        finally:
            self._moving = False
        self._on_change()
        return self

    def _wire(self) -> None:
        c = self.controls
        for control in c.settings():
            control.observe(self._guarded(self._on_change), "value")
        c.save.on_click(self._guarded(lambda: self._on_save(overwrite=False)))
        c.replace.on_click(self._guarded(lambda: self._on_save(overwrite=True)))
        c.path.observe(self._guarded(self._forget_saved), "value")

    def _guarded(self, action: Callable[[], object]) -> Callable[..., None]:
        """Make a handler whose failure is on screen; what nobody expects goes on to the log."""

        def handler(*_event: object) -> None:
            try:
                action()
            except Exception as error:
                self.last_error = error
                about = f"{type(error).__name__}: {error}"
                self.controls.said.value = text.call("error", "Not done.", about)
                if not isinstance(error, (ValueError, OSError)):
                    raise

        return handler

    def _on_change(self) -> None:
        if not self._moving:
            self.state = self.controls.read()
            self._draw()

    def _on_save(self, *, overwrite: bool) -> None:
        c = self.controls
        c.replace.layout.display = "none"
        path = Path(c.path.value.strip()).expanduser()
        if not c.path.value.strip():
            c.saved.value = text.call("warn", "Name a file to write.")
            return
        try:
            self.save(path, overwrite=overwrite)
        except FileExistsError:
            c.saved.value = text.call("warn", "There is such a file already:", str(path))
            c.replace.layout.display = None
        except (OSError, TypeError, ValueError) as error:
            self.last_error = error
            c.saved.value = text.call("error", "Not saved.", str(error))
        else:
            what = f"{self.state.chosen} in {path}"
            c.saved.value = text.call("good", "Saved:", what)

    def _forget_saved(self) -> None:
        self.controls.saved.value, self.controls.replace.layout.display = "", "none"

    def _draw(self) -> None:
        """The fast parts now, the values a moment later."""
        self._forget_saved()
        self.last_error = None
        if self._view.tables(self.state):
            self._later.soon()
        else:
            self._later.drop()
