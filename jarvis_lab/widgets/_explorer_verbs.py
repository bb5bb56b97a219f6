"""What the explorer shows, as tables for a cell to read."""

from __future__ import annotations

import os

import pandas as pd

from jarvis_lab.evaluation.counted_comparison import RoutingComparison
from jarvis_lab.evaluation.counted_state import RoutingState
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["Verbs"]


class Verbs:
    """A comparison read at one setting."""

    comparison: RoutingComparison
    state: RoutingState

    @property
    def edges(self) -> pd.DatetimeIndex | None:
        """Edges of the 50 steps of time that ``steps`` counts; None without times."""
        return self.comparison.log.edges

    def scores(self) -> pd.DataFrame:
        """One row per class and model that may be chosen, as :func:`class_scores` gives them.

        The classes are those of the chosen policy's table.
        """
        return self.comparison.scores(self.state)

    def policies(self) -> dict[str, RouterPolicy]:
        """Every policy by name, fitted on what is selected."""
        return self.comparison.policies(self.state)

    def table(self) -> pd.DataFrame:
        """One row per query class: what the chosen policy's table says, and how good that was.

        Returns
        -------
        DataFrame
            - ``query_class``, ``model`` (str).
            - ``n`` (int64): traces of the class; ``share`` (float64): of all selected ones.
            - ``n_reward`` (int64): rewards of the model in the class; ``reward_mean``,
              ``reward_mean_low``, ``reward_mean_high`` (float64): their mean with its interval.
            - ``note`` (str): why the row is not to be relied on.
        """
        return self.comparison.table(self.state)

    def tables(self) -> pd.DataFrame:
        """One row per query class: each policy's model, and whether they differ.

        Returns
        -------
        DataFrame
            - ``query_class`` (str): by each policy's own scheme; with "original" the same name
              need not mean the same queries.
            - ``n`` (int64): traces of the class of the chosen policy.
            - one column of its name per policy shown (str): its model; empty if it names none,
              "a | b" if it has several for one class.
            - ``differ`` (bool): whether the policies differ, those at random aside.
        """
        return self.comparison.tables(self.state)

    def values(self) -> pd.DataFrame:
        """One row per policy shown and for the reference: what it is worth.

        Returns
        -------
        DataFrame
            The columns of :func:`compare_policies` but ``snips`` and ``dr``. No rows if nothing
            is selected.
        """
        return self.comparison.values(self.state)

    def disagreements(self, a: str | None = None, b: str | None = None) -> pd.DataFrame:
        """One row per kind of query that two policies send to different models.

        Parameters
        ----------
        a, b : str, optional
            The policies' names: the chosen one, and the first other that is shown.

        Returns
        -------
        DataFrame
            The columns of :func:`disagreements`; the example need not be in the time range.
        """
        return self.comparison.disagreements(self.state, a, b)

    def diff(self) -> pd.DataFrame:
        """One row per class, old and new model that differ, if the chosen table took over.

        Returns
        -------
        DataFrame
            - ``query_class``, ``old``, ``new`` (str): the class is of the chosen table.
            - ``n`` (int64): traces concerned; ``share`` (float64): of all selected ones.
            - ``old_score``, ``new_score`` (float64): mean reward of the model in the class;
              ``old_n``, ``new_n`` (Int64): rewards behind it.
        """
        return self.comparison.diff(self.state)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the chosen policy as JSON, whole or not at all; see :func:`save_policy`.

        Raises
        ------
        FileExistsError
            If there is such a file, unless ``overwrite``.
        ValueError
            If nothing is selected to learn a table from.
        """
        self.comparison.save(self.state, path, overwrite=overwrite)
