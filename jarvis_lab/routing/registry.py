"""Router policies by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from jarvis_lab import _checks
from jarvis_lab.routing.lower_bound import LowerBoundRouterPolicy
from jarvis_lab.routing.sft import SFTRouterPolicy
from jarvis_lab.routing.trace import TraceDrivenPolicy

__all__ = ["RouterPolicyRegistry", "ensure_registered"]

T = TypeVar("T")


class RouterPolicyRegistry:
    """Names → router policies, for the whole process.

    Examples
    --------
    >>> ensure_registered()
    >>> RouterPolicyRegistry.get("sft").__name__
    'SFTRouterPolicy'
    """

    _entries: ClassVar[dict[str, Any]] = {}

    @classmethod
    def register(cls, key: str) -> Callable[[T], T]:
        """Decorate a policy class to register it under ``key``; ValueError if that is taken."""

        def decorate(value: T) -> T:
            cls.register_value(key, value)
            return value

        return decorate

    @classmethod
    def register_value(cls, key: str, value: Any) -> None:
        """Register ``value`` under ``key``; ValueError if that is taken."""
        _checks.text("key", key)
        if key in cls._entries:
            raise ValueError(
                f"A policy is registered under {key!r} already: {cls._entries[key]!r}."
            )
        cls._entries[key] = value

    @classmethod
    def get(cls, key: str) -> Any:
        """The policy under ``key``; KeyError, with the known keys, if there is none."""
        try:
            return cls._entries[key]
        except KeyError:
            raise KeyError(
                f"No policy is registered under {key!r}; known are {_checks.names(cls.keys())}."
            ) from None

    @classmethod
    def contains(cls, key: str) -> bool:
        """Whether a policy is registered under ``key``."""
        return key in cls._entries

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The registered names, in the order of registration."""
        return tuple(cls._entries)

    @classmethod
    def clear(cls) -> None:
        """Forget all policies; :func:`ensure_registered` brings this package's back."""
        cls._entries.clear()


def ensure_registered() -> None:
    """Register this package's policies where they are not: "learned", "sft", "lower_bound"."""
    for policy in (TraceDrivenPolicy, SFTRouterPolicy, LowerBoundRouterPolicy):
        if not RouterPolicyRegistry.contains(policy.name):
            RouterPolicyRegistry.register_value(policy.name, policy)
