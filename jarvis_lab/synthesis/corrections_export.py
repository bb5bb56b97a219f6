"""From rows that may be trained on to files: split, written, checked, and reported."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from jarvis_lab import _checks
from jarvis_lab.synthesis.corrections_result import CorrectionsExport
from jarvis_lab.synthesis.formats import PREFERENCE_KEYS, TRAINING_KEYS, date_columns
from jarvis_lab.synthesis.publish import Line, data_path, publish
from jarvis_lab.synthesis.reviewed import Reviewed
from jarvis_lab.synthesis.screen import ExcludedCandidate, excluded_frame
from jarvis_lab.synthesis.split import Split, assign_split, split_shares
from jarvis_lab.synthesis.steps import HygieneStep

__all__ = ["Settings", "as_steps", "export_path", "write_rows"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of an export that shape its bytes or its files.

    ``groups`` has the value of the column ``group`` for each row of the queue.
    """

    kind: str
    format: str
    split: Split
    group: str | None
    hygiene: tuple[HygieneStep, ...]
    queue_sha256: str
    dry_run: bool
    groups: Sequence[object] = ()


def as_steps(hygiene: HygieneStep | Iterable[HygieneStep]) -> tuple[HygieneStep, ...]:
    """Give the steps of a ``hygiene=`` option, one or several.

    Raises
    ------
    TypeError
        If something else was given.
    """
    steps = (hygiene,) if isinstance(hygiene, HygieneStep) else hygiene
    given = [steps] if isinstance(steps, str) or not isinstance(steps, Iterable) else list(steps)
    for step in given:
        if not isinstance(step, HygieneStep):
            raise TypeError(
                f"hygiene must hold HygieneStep results, not {type(step).__name__}. Pass what "
                "clean_rows(correction_rows(queue)) gives, or leave it out."
            )
    return tuple(given)


def export_path(path: str | os.PathLike[str]) -> Path:
    """Give the ``path`` option of an export, its ``~`` resolved.

    Raises
    ------
    TypeError, ValueError
        If it is no path, or names no file.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be the file to write, not {type(path).__name__} {path!r:.80}.")
    target = Path(path)
    if not target.name:
        raise ValueError(f"path={str(path)!r} names no file. Give the file to write.")
    return target.expanduser()


def write_rows(
    path: Path,
    items: Sequence[Reviewed],
    excluded: Sequence[ExcludedCandidate],
    settings: Settings,
    *,
    encode: Callable[[Reviewed], bytes],
    check: Callable[[str, bytes], str],
) -> CorrectionsExport:
    """Divide the rows into splits, publish them, and say what was done."""
    shares = split_shares(settings.split)
    _warn_of_unseen(items, settings.hygiene)
    sides = _sides(items, settings)
    splits: dict[str, list[Line]] = {name: [] for name in shares or {"all": 1.0}}
    for item, side in zip(items, sides, strict=True):
        splits[side].append(_line(item, encode(item)))
    _warn_of_dates([line.data for lines in splits.values() for line in lines])
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
    older = [] if files or settings.dry_run else [data_path(path, name) for name in splits]
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


def _warn_of_dates(lines: Sequence[bytes]) -> None:
    columns = date_columns(lines)
    if columns:
        warnings.warn(
            f"Every text in {', '.join(columns)} looks like a date, and HF datasets' JSON loader "
            "would change it to a time stamp. Load the file with "
            "Dataset.from_list([json.loads(line) for line in open(path)]) instead.",
            UserWarning,
            stacklevel=4,
        )


def _warn_of_unseen(items: Sequence[Reviewed], steps: Sequence[HygieneStep]) -> None:
    """Warn of rows that a step did not look at, as they were decided or edited after it ran."""
    for step in steps:
        name = step.dropped.columns[0]
        facts = [name, "target"] if "target" in step.kept else [name]
        seen = set(zip(*(step.kept[fact].astype(object) for fact in facts), strict=True))
        unseen = [item.id for item in items if (item.id, item.target)[: len(facts)] not in seen]
        if unseen:
            warnings.warn(
                f"Hygiene step {step.name!r} did not see {len(unseen)} of {len(items)} rows as "
                f"they are now: {_checks.names(unseen, most=3)}. Run it again on "
                "correction_rows(queue), and export with what it gives.",
                UserWarning,
                stacklevel=_checks.caller_level(),
            )
            return


def _sides(items: Sequence[Reviewed], settings: Settings) -> list[str]:
    groups = [settings.groups[item.row] if settings.groups else None for item in items]
    frame = pd.DataFrame(
        {
            "prompt_messages": pd.Series([_messages(item) for item in items], dtype="object"),
            "group": pd.Series(groups, dtype="object"),
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
