"""Prompts as logs hold them, read into turns of (role, text), with what is wrong said aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jarvis_lab.synthesis.normal import normal_form

__all__ = [
    "ASSISTANT",
    "Prompt",
    "PromptKey",
    "Turn",
    "prompt_key",
    "read_prompt",
    "shown",
    "writable",
]

ASSISTANT = "assistant"

#: The role names found in logs -> the four that are exported.
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
    "model": ASSISTANT,
    "ai": ASSISTANT,
    "bot": ASSISTANT,
    "chatbot": ASSISTANT,
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
}
_TEXT_PARTS = (None, "text", "input_text", "output_text")
_CALLS = ("tool_calls", "function_call")

#: A prompt for comparison: (role, normal form of the text) of each message.
PromptKey = tuple[tuple[str, str], ...]


class Turn(NamedTuple):
    """One message: an exported role and its text, as it stands in the log."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that was read.

    Attributes
    ----------
    turns
        The messages. Where ``problem`` is set they are a best effort, for comparison only.
    problem
        Why the prompt cannot be trained on; empty if it can.
    key
        What makes two prompts the same one.
    joined
        Position -> other readings of a message made of several text parts, for comparison.
    """

    turns: tuple[Turn, ...]
    problem: str
    key: PromptKey
    joined: Mapping[int, str]


def read_prompt(value: Any) -> Prompt:
    """Read ``prompt_messages`` of a candidate.

    Parameters
    ----------
    value
        A list (or array) of messages, each a mapping or an object with ``role`` and ``content``.

    Returns
    -------
    Prompt
        Never raises on data. Roles are read without regard to case, and ``developer``, ``human``,
        ``gpt``, ``model``, ``ai``, ``bot``, ``function`` and ``observation`` as the role they
        stand for. Content is text or a list of text parts, which are joined by a line end.
        A missing role, an unknown role, content that is not text, a tool call and a prompt
        without messages set ``problem``: who wrote the turn, or what it said, is not known.

    Examples
    --------
    >>> read_prompt([{"role": "Human", "content": [{"type": "text", "text": "Hi"}]}]).turns
    (Turn(role='user', text='Hi'),)
    >>> read_prompt([{"content": "Hi"}]).problem
    'message 1 has no role'
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or (isinstance(value, float) and value != value):
        return Prompt((), "no prompt", (), {})
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        whole = Turn("", shown(value))
        return Prompt(
            (whole,), "prompt_messages is not a list of messages", prompt_key((whole,)), {}
        )
    turns: list[Turn] = []
    joined: dict[int, str] = {}
    problem = "" if value else "no prompt"
    for position, message in enumerate(value):
        role, content, fault = _message(message)
        text, other, unread = _content(content)
        fault = fault or unread
        if fault and not problem:
            problem = f"message {position + 1} {fault}"
        if other is not None:
            joined[position] = normal_form(other)
        turns.append(Turn(role, text))
    if not problem and not all(writable(turn.text) for turn in turns):
        problem = "a message has a lone surrogate, which UTF-8 cannot hold"
    return Prompt(tuple(turns), problem, prompt_key(turns), joined)


def prompt_key(turns: Sequence[Turn]) -> PromptKey:
    """What makes two prompts the same one: role and normal form of the text, message by message."""
    return tuple((turn.role, normal_form(turn.text)) for turn in turns)


def writable(text: str) -> bool:
    """Whether UTF-8 can hold ``text`` (it cannot hold lone surrogates)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object) -> str:
    """``repr`` of what is no text, for comparison; all that is too deep or too long is one."""
    try:
        return repr(value)
    except (RecursionError, ValueError):
        return f"<{type(value).__name__}, nested too deeply or with too long a number>"


def _message(message: Any) -> tuple[str, Any, str]:
    """Role, content, and what is wrong with the message."""
    if isinstance(message, Mapping):
        get = message.get
    elif hasattr(message, "role") and hasattr(message, "content"):
        return _role(message.role, message.content)
    else:
        return "", message, "is not a message with role and content"
    called = next((name for name in _CALLS if get(name)), None)
    role, content, fault = _role(get("role"), get("content"))
    return role, content, fault or (f"has {called}, which no format here carries" if called else "")


def _role(role: Any, content: Any) -> tuple[str, Any, str]:
    if not isinstance(role, str) or not role.strip():
        return "", content, "has no role"
    plain = normal_form(role)
    if plain not in _ROLES:
        return plain, content, f"has the unknown role {role!r}"
    return _ROLES[plain], content, ""


def _content(content: Any) -> tuple[str, str | None, str]:
    """Text, its other reading if it was made of several parts, and what is wrong with it."""
    if isinstance(content, str):
        return content, None, ""
    if isinstance(content, np.ndarray):
        content = content.tolist()
    if isinstance(content, (list, tuple)) and content:
        texts = [_part(part) for part in content]
        known = [text for text in texts if text is not None]
        if len(known) == len(texts):
            return "\n".join(known), "".join(known) if len(known) > 1 else None, ""
        return shown(content), None, "has content that is not text"
    if content is None or (isinstance(content, float) and content != content):
        return "", None, "has no text"
    return shown(content), None, "has content that is not text"


def _part(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and part.get("type") in _TEXT_PARTS:
        text = part.get("text")
        return text if isinstance(text, str) else None
    return None
