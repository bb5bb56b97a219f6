"""Policies as JSON files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from jarvis_lab._files import publish_once, write_bytes
from jarvis_lab.routing.rewards import ClassModelSums

__all__ = ["SavedPolicy", "SavedSums", "load_policy", "save_policy"]

_FORMAT = "jarvis_lab router policy"
_VERSION = 1


class SavedSums(msgspec.Struct):
    """The sums behind a learned table: class × model, and traces per class."""

    classes: list[str] = []
    models: list[str] = []
    n: list[list[float]] = []
    total: list[list[float]] = []
    squares: list[list[float]] = []
    traces: list[float] = []

    def restored(self) -> ClassModelSums:
        """The sums as arrays; ValueError if their sizes do not fit together."""
        shape = (len(self.classes), len(self.models))
        try:
            n, total, squares = (
                np.array(cells, dtype=np.float64).reshape(shape)
                for cells in (self.n, self.total, self.squares)
            )
            traces = np.array(self.traces, dtype=np.float64).reshape(shape[:1])
        except ValueError as error:
            raise ValueError(f"This is no saved policy: its sums do not fit ({error}).") from None
        return ClassModelSums(list(self.classes), list(self.models), n, total, squares, traces)


class SavedPolicy(msgspec.Struct):
    """What a saved policy may hold; OpenJarvis' ``policy_map`` can be set from its own."""

    policy: str = ""
    by: str = ""
    policy_map: dict[str, str] = {}
    min_samples: int = 5
    confidence: dict[str, int] = {}
    available_models: list[str] = []
    default_model: str = ""
    fallback_model: str = ""
    one_sided_confidence: float = 0.84
    reward: str = ""
    score_weights: tuple[float, float] = (0.6, 0.4)
    sums: SavedSums | None = None

    @classmethod
    def read(cls, saved: dict[str, Any]) -> SavedPolicy:
        """Check the types of what was saved."""
        try:
            return msgspec.convert(saved, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"This is no saved policy: {error}.") from None


def save_policy(policy: Any, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write a policy as JSON, whole or not at all.

    Parameters
    ----------
    policy : RouterPolicy
        One with ``to_dict``.
    path : path
        File to write.
    overwrite : bool
        Whether an older file is replaced.

    Raises
    ------
    TypeError
        If the policy has no ``to_dict``.
    FileExistsError
        If there is a file and ``overwrite`` is False; it stays as it is.
    FileNotFoundError
        If the folder does not exist.

    Notes
    -----
    ``policy_map`` in the file is query class → model: ``policy._policy_map.update(...)`` of it
    sets an OpenJarvis policy.
    """
    if not callable(getattr(policy, "to_dict", None)):
        raise TypeError(f"{type(policy).__name__} has no to_dict(), so it cannot be saved.")
    saved = {"format": _FORMAT, "version": _VERSION, **policy.to_dict()}
    content = msgspec.json.format(msgspec.json.encode(saved), indent=2) + b"\n"
    file = Path(path).expanduser()
    if overwrite:
        write_bytes(file, content)
    elif file.exists() or not publish_once(file, content):
        raise FileExistsError(
            f"{str(file)!r} exists already and was left as it is: give another name, or "
            "overwrite=True."
        )


def load_policy(path: str | os.PathLike[str]) -> Any:
    """Read a policy that :func:`save_policy` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    RouterPolicy
        Of the class that is registered under the saved name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no saved policy, or a newer version's.
    KeyError
        If no policy is registered under the saved name.
    """
    from jarvis_lab.routing.registry import RouterPolicyRegistry, ensure_registered

    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {str(file)!r}. save_policy() writes one.")
    content = file.read_bytes()
    try:
        saved = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no saved policy: {error}.") from None
    if saved.get("format") != _FORMAT or not isinstance(saved.get("policy"), str):
        raise ValueError(f"{path} is JSON, but no policy of save_policy().")
    if saved.get("version") != _VERSION:
        raise ValueError(
            f"{path} has version {saved.get('version')!r}; this release reads {_VERSION}."
        )
    ensure_registered()
    return RouterPolicyRegistry.get(saved["policy"]).from_dict(saved)
