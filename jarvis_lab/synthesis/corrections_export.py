"""What an export of reviewed rows did: files, counts, and every row left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis._html import card, table
from jarvis_lab.synthesis.formats import PREFERENCE_KEYS, TRAINING_KEYS
from jarvis_lab.synthesis.publish import Line, data_path, publish
from jarvis_lab.synthesis.reviewed import METADATA, Reviewed
from jarvis_lab.synthesis.screen import ExcludedRow, excluded_frame
from jarvis_lab.synthesis.split import Split, assign_split, split_shares
from jarvis_lab.synthesis.steps import HygieneStep

__all__ = ["CorrectionsExport", "Settings", "as_steps", "write_rows"]


@dataclass(frozen=True, eq=False, repr=False)
class CorrectionsExport:
    """Result of ``export_corrections`` and ``export_preferences``.

    Attributes
    ----------
    kind
        ``"corrections"`` or ``"preferences"``.
    format
        The training format.
    rows_read, rows_exported
        Candidates in the queue; rows written (with ``dry_run``: that would be).
    approved_as_is
        Rows among them whose target is the model's own answer.
    files : dict of str to Path
        Split -> data file (``"all"`` without a split); empty if nothing was written.
    older_kept
        Nothing was left to write, and these files of an earlier export are still there.
    dry_run
        Whether nothing was to be written.
    """

    kind: str
    format: str
    rows_read: int
    rows_exported: int
    approved_as_is: int
    files: Mapping[str, Path]
    older_kept: tuple[Path, ...]
    dry_run: bool
    _rows: pd.DataFrame
    _excluded: pd.DataFrame

    @property
    def approved_but_left_out(self) -> int:
        """Rows left out although their status is approved: a filter on status passes them."""
        return int((self._excluded["status"] == "approved").sum())

    def excluded(self) -> pd.DataFrame:
        """Every row left out, and why.

        Returns
        -------
        pandas.DataFrame
            In candidate order:

            - id (str): empty if the candidate has none
            - row (int64): position in the queue, from 0
            - status (str): as in the queue
            - reason (str): a fixed phrase, to be counted
            - detail (str): the cause in full
            - matched_id (str): the candidate or evaluation query it matched; missing if none
            - task_type, model_name (str): missing where the queue has none
        """
        return self._excluded.copy()

    def rows(self) -> pd.DataFrame:
        """Every row written.

        Returns
        -------
        pandas.DataFrame
            In the order of the files:

            - id (str)
            - split (str), line (int64): the file and its line, from 1
            - task_type, model_name, failure_category (str): missing where the queue has none
            - approved_as_is (bool)
            - prompt_characters, target_characters (int64)
        """
        return self._rows.copy()

    def reasons(self) -> pd.DataFrame:
        """Count the rows left out by reason.

        Returns
        -------
        pandas.DataFrame
            reason (str), rows (int64), of which approved (int64): status says approved; most
            frequent first.
        """
        frame = self._excluded
        groups = frame.assign(approved=frame["status"] == "approved").groupby("reason", sort=True)
        counts = groups.agg(rows=("id", "size"), approved=("approved", "sum")).reset_index()
        return counts.sort_values("rows", ascending=False, kind="stable", ignore_index=True)

    def __repr__(self) -> str:
        verb = "would be written" if self.dry_run else "written"
        kept = "; nothing to write, the older export stays" if self.older_kept else ""
        return (
            f"<{self.kind} export: {self.format}, {self.rows_exported:,} of {self.rows_read:,} "
            f"candidates {verb}, {len(self._excluded):,} left out{kept}>"
        )

    def _repr_html_(self) -> str:
        verb = "Would be written" if self.dry_run else "Written"
        facts: list[tuple[str, object]] = [
            ("Format", self.format),
            ("Candidates read", self.rows_read),
            (verb, self.rows_exported),
            ("of which approved as is", self.approved_as_is),
            ("Left out", len(self._excluded)),
            ("of which status says approved", self.approved_but_left_out),
        ]
        facts += [(f"File ({split})", path.name) for split, path in self.files.items()]
        facts += [("Nothing to write; older file stays", path.name) for path in self.older_kept]
        parts = []
        if len(self._rows):
            counts = self._rows.groupby(["split", "task_type"], dropna=False, sort=True).size()
            parts.append(table(counts.reset_index(name="rows"), caption="Written, by task type"))
        if len(self._excluded):
            parts.append(table(self.reasons(), caption="Left out, by reason"))
        return card(f"Export of {self.kind}", facts, parts)


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of an export that shape its bytes or its files."""

    kind: str
    format: str
    split: Split
    group: str | None
    hygiene: tuple[HygieneStep, ...]
    queue_sha256: str
    dry_run: bool


def as_steps(hygiene: HygieneStep | Iterable[HygieneStep]) -> tuple[HygieneStep, ...]:
    """Give the steps of a ``hygiene=`` option, one or several.

    Raises
    ------
    TypeError
        If something else was given.
    """
    steps = (hygiene,) if isinstance(hygiene, HygieneStep) else tuple(hygiene)
    for step in steps:
        if not isinstance(step, HygieneStep):
            raise TypeError(f"hygiene must hold HygieneStep results, not {type(step).__name__}.")
    return steps


def write_rows(
    path: Path,
    items: Sequence[Reviewed],
    excluded: Sequence[ExcludedRow],
    settings: Settings,
    *,
    encode: Callable[[Reviewed], bytes],
    check: Callable[[str, bytes], str],
) -> CorrectionsExport:
    """Divide the rows into splits, publish them, and say what was done."""
    shares = split_shares(settings.split)
    sides = _sides(items, settings)
    splits = {
        name: [
            _line(item, encode(item))
            for item, side in zip(items, sides, strict=True)
            if side == name
        ]
        for name in (shares or {"all": 1.0})
    }
    left_out = excluded_frame(excluded)
    files: Mapping[str, Path] = {}
    if not settings.dry_run:
        files = publish(
            path,
            splits,
            check=check,
            kind=settings.kind,
            settings=_recorded(settings, shares),
            counts={"candidates": len(items) + len(left_out), **_counts(items, splits)},
            excluded=dict(Counter(left_out["reason"].tolist())),
        )
    older = [data_path(path, name) for name in splits] if not files and not settings.dry_run else []
    return CorrectionsExport(
        kind=settings.kind,
        format=settings.format,
        rows_read=len(items) + len(left_out),
        rows_exported=len(items),
        approved_as_is=sum(item.approved_as_is for item in items),
        files=files,
        older_kept=tuple(file for file in older if file.exists()),
        dry_run=settings.dry_run,
        _rows=_rows_frame(items, sides, list(splits)),
        _excluded=left_out,
    )


def _sides(items: Sequence[Reviewed], settings: Settings) -> list[str]:
    group = settings.group
    if group is not None:
        have = [name for name in METADATA if not items or name in items[0].metadata]
        _checks.column(group, have, where="queue", hint="Pass group= one of them.")
    frame = pd.DataFrame(
        {
            "prompt_messages": pd.Series([_messages(item) for item in items], dtype="object"),
            "group": pd.Series(
                [item.metadata.get(group) if group else None for item in items], dtype="object"
            ),
        }
    )
    return list(assign_split(frame, split=settings.split, group="group"))


def _messages(item: Reviewed) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in item.prompt.turns]


def _line(item: Reviewed, data: bytes) -> Line:
    return Line(item.id, data, {"approved_as_is": item.approved_as_is, **item.metadata})


def _recorded(settings: Settings, shares: Mapping[str, float]) -> dict[str, object]:
    keys = PREFERENCE_KEYS if settings.kind == "preferences" else TRAINING_KEYS[settings.format]
    return {
        "format": settings.format,
        "keys": list(keys),
        "split": dict(shares),
        "group": settings.group,
        "hygiene": [
            {"step": step.name, "kept": len(step.kept), "dropped": len(step.dropped)}
            for step in settings.hygiene
        ],
        "queue_sha256": settings.queue_sha256,
    }


def _counts(items: Sequence[Reviewed], splits: Mapping[str, Sequence[Line]]) -> dict[str, object]:
    return {
        "written": len(items),
        "approved_as_is": sum(item.approved_as_is for item in items),
        "by_split": {name: len(lines) for name, lines in splits.items()},
    }


def _rows_frame(
    items: Sequence[Reviewed], sides: Sequence[str], names: Sequence[str]
) -> pd.DataFrame:
    ordered = [
        (item, side, line)
        for name in names
        for line, (item, side) in enumerate(
            ((i, s) for i, s in zip(items, sides, strict=True) if s == name), start=1
        )
    ]
    facts = ("task_type", "model_name", "failure_category")
    return pd.DataFrame(
        {
            "id": pd.Series([item.id for item, _, _ in ordered], dtype="str"),
            "split": pd.Series([side for _, side, _ in ordered], dtype="str"),
            "line": pd.Series([line for _, _, line in ordered], dtype="int64"),
            **{
                name: pd.Series([item.metadata.get(name) for item, _, _ in ordered], dtype="str")
                for name in facts
            },
            "approved_as_is": pd.Series([i.approved_as_is for i, _, _ in ordered], dtype="bool"),
            "prompt_characters": pd.Series(
                [sum(len(turn.text) for turn in i.prompt.turns) for i, _, _ in ordered],
                dtype="int64",
            ),
            "target_characters": pd.Series([len(i.target) for i, _, _ in ordered], dtype="int64"),
        }
    )
