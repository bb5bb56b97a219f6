"""Policies under names, as tables show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jarvis_lab import _checks
from jarvis_lab.routing.policy import RouterPolicy

__all__ = ["named_policies", "policy_name", "router_policy"]


def named_policies(policies: Any) -> dict[str, RouterPolicy]:
    """The policies by name; those of a list are called by their own.

    Parameters
    ----------
    policies : mapping of name to RouterPolicy, or list of RouterPolicy
        The policies.

    Returns
    -------
    dict of str to RouterPolicy

    Raises
    ------
    TypeError
        If it is neither, a name is no text, or an entry is no policy.
    ValueError
        If two policies of a list have the same name.

    Examples
    --------
    >>> from jarvis_lab.routing import AlwaysPolicy, SFTRouterPolicy
    >>> list(named_policies([AlwaysPolicy("small"), SFTRouterPolicy()]))
    ["AlwaysPolicy('small')", 'sft']
    """
    if isinstance(policies, Mapping):
        given = list(policies.items())
    elif isinstance(policies, Sequence) and not isinstance(policies, (str, bytes)):
        given = [(policy_name(policy), policy) for policy in policies]
    else:
        raise TypeError(
            f"policies must be a mapping of name to policy, not {_shown(policies)}: "
            "{'today': AlwaysPolicy('small'), 'learned': LowerBoundRouterPolicy()}."
        )
    found: dict[str, RouterPolicy] = {}
    for name, policy in given:
        _checks.text("the name of a policy", name)
        if name in found:
            raise ValueError(
                f"Two policies are called {name!r}: give a mapping with a name for each, "
                "{'a': ..., 'b': ...}."
            )
        found[name] = router_policy(policy, name=f"Policy {name!r}")
    return found


def router_policy(policy: Any, *, name: str = "policy") -> RouterPolicy:
    """The policy itself; TypeError, which says what to pass, if it is none."""
    if not isinstance(policy, RouterPolicy):
        raise TypeError(_what_to_pass(name, policy))
    return policy


def policy_name(policy: Any) -> str:
    """What a policy calls itself: its ``name``, its repr, or its type's name."""
    own = getattr(policy, "name", None)
    if isinstance(own, str) and own.strip():
        return own
    if isinstance(policy, type):
        return policy.__name__
    shown = repr(policy)
    return type(policy).__name__ if shown.startswith("<") else shown


def _what_to_pass(name: str, policy: Any) -> str:
    if isinstance(policy, str):
        return (
            f"{name} is the text {policy!r}. For one model always, pass "
            f"AlwaysPolicy({policy!r}); for a registered policy, make one of it: "
            f"RouterPolicyRegistry.get({policy!r})()."
        )
    if isinstance(policy, Mapping):
        return (
            f"{name} is a mapping. For a table of class to model, pass "
            "SFTRouterPolicy.from_dict({'policy_map': ...})."
        )
    if isinstance(policy, type) and issubclass(policy, RouterPolicy):
        return f"{name} is the class {policy.__name__}: make one, {policy.__name__}(...)."
    return (
        f"{name} is no RouterPolicy but {_shown(policy)}. Derive it from RouterPolicy, "
        "which needs select_model(context) alone."
    )


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.60}" if not isinstance(value, type) else repr(value)
