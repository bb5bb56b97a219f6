"""Training formats, as the tools that read them document them: written, and read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from jarvis_lab.synthesis.messages import ASSISTANT, Turn

__all__ = [
    "FORMATS",
    "PREFERENCE_KEYS",
    "TRAINING_KEYS",
    "CorrectionFormat",
    "PreferenceRow",
    "TrainingRow",
    "date_columns",
    "format_preference",
    "format_row",
    "parse_preference",
    "parse_row",
    "why_unfit",
]

CorrectionFormat = Literal["messages", "prompt_completion", "sharegpt", "alpaca"]
FORMATS: tuple[CorrectionFormat, ...] = get_args(CorrectionFormat)

#: The keys of a line of each format, in the order they are written.
TRAINING_KEYS: dict[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "sharegpt": ("conversations",),
    "alpaca": ("instruction", "input", "output"),
}
PREFERENCE_KEYS = ("prompt", "chosen", "rejected")

_TO_SHAREGPT = {"system": "system", "user": "human", ASSISTANT: "gpt", "tool": "tool"}
_FROM_SHAREGPT = {theirs: ours for ours, theirs in _TO_SHAREGPT.items()}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d(:?\d\d(:?\d\d(\.\d+)?)?)?Z?)?")
_OURS = {role: role for role in _TO_SHAREGPT}


class TrainingRow(NamedTuple):
    """A prompt and the answer to be trained on."""

    turns: tuple[Turn, ...]
    target: str


class PreferenceRow(NamedTuple):
    """A prompt, the answer to prefer and the answer it is preferred to."""

    turns: tuple[Turn, ...]
    chosen: str
    rejected: str


def format_row(format: CorrectionFormat, turns: Sequence[Turn], target: str) -> dict[str, Any]:
    """Give one line of a training file.

    Parameters
    ----------
    format
        - ``"messages"``: ``{"messages": [{"role", "content"}, ...]}``, the last one the
          assistant's; read by OpenAI's fine-tuning and by TRL.
        - ``"prompt_completion"``: ``{"prompt": [...], "completion": [...]}``, TRL's
          conversational form: both are lists of messages, the completion has one. TRL computes
          the loss on the completion alone.
        - ``"sharegpt"``: ``{"conversations": [{"from": "human|gpt|system|tool", "value"}]}``.
        - ``"alpaca"``: ``{"instruction", "input", "output"}``, ``input`` always empty.
    turns, target
        A row for which :func:`why_unfit` says nothing.

    Examples
    --------
    >>> format_row("alpaca", [Turn("user", "Say hi")], "hi")
    {'instruction': 'Say hi', 'input': '', 'output': 'hi'}
    """
    if format == "messages":
        return {"messages": [*_messages(turns), *_answer(target)]}
    if format == "prompt_completion":
        return {"prompt": _messages(turns), "completion": _answer(target)}
    if format == "sharegpt":
        spoken = [*turns, Turn(ASSISTANT, target)]
        return {
            "conversations": [
                {"from": _TO_SHAREGPT[turn.role], "value": turn.text} for turn in spoken
            ]
        }
    return {"instruction": turns[0].text, "input": "", "output": target}


def format_preference(turns: Sequence[Turn], chosen: str, rejected: str) -> dict[str, Any]:
    """Give one line of a preference file: TRL's conversational form with an explicit prompt."""
    return {
        "prompt": _messages(turns),
        "chosen": _answer(chosen),
        "rejected": _answer(rejected),
    }


def why_unfit(format: CorrectionFormat, turns: Sequence[Turn]) -> str:
    """Say why a format cannot hold a prompt; empty if it can.

    Returns
    -------
    str
        ``alpaca`` holds one user message and nothing else: its three keys are what every loader
        reads, and a system message or history in further keys would be dropped unseen by some.
        ``sharegpt`` holds one system message at the start, then human (or tool) and gpt in turn,
        as its loaders demand. The other two hold any prompt.

    Examples
    --------
    >>> why_unfit("alpaca", [Turn("system", "Be kind"), Turn("user", "Hi")])
    "alpaca holds one user message, this prompt has system, user; use format='messages'"
    """
    roles = [turn.role for turn in turns]
    said = f"this prompt has {', '.join(roles)}; use format='messages'"
    if format == "alpaca" and roles != ["user"]:
        return f"alpaca holds one user message, {said}"
    if format == "sharegpt":
        spoken = roles[1:] if roles[:1] == ["system"] else roles
        asks = [role in ("user", "tool") for role in spoken]
        answers = [role == ASSISTANT for role in spoken]
        if len(spoken) % 2 == 0 or not (all(asks[::2]) and all(answers[1::2])):
            return f"sharegpt holds human and gpt in turn after one system message, {said}"
    return ""


def parse_row(format: CorrectionFormat, line: bytes) -> TrainingRow:
    """Read one line of a training file back, strictly.

    Raises
    ------
    ValueError
        If the line is not exactly what :func:`format_row` writes.
    """
    row = _object(line, TRAINING_KEYS[format])
    if format == "alpaca":
        instruction, extra, output = (_text(row[key]) for key in TRAINING_KEYS["alpaca"])
        _demand(extra == "", "input is not empty")
        return TrainingRow((Turn("user", instruction),), output)
    if format == "prompt_completion":
        return TrainingRow(_turns(row["prompt"]), _only_answer(row["completion"]))
    if format == "messages":
        turns = _turns(row["messages"])
    else:
        turns = _turns(row["conversations"], "from", "value", _FROM_SHAREGPT.get)
    _demand(bool(turns) and turns[-1].role == ASSISTANT, "the last message is not the assistant's")
    return TrainingRow(turns[:-1], turns[-1].text)


def parse_preference(line: bytes) -> PreferenceRow:
    """Read one line of a preference file back, strictly."""
    row = _object(line, PREFERENCE_KEYS)
    return PreferenceRow(
        _turns(row["prompt"]), _only_answer(row["chosen"]), _only_answer(row["rejected"])
    )


def date_columns(lines: Iterable[bytes]) -> list[str]:
    """Name the columns in which every text looks like a date or a time stamp.

    HF ``datasets`` (through Arrow) reads such a column as time stamps and changes its texts,
    even with ``features=`` given.

    Examples
    --------
    >>> date_columns([b'{"instruction":"When?","input":"","output":"2026-01-05"}'])
    ['output']
    """
    left: set[str] | None = None
    for line in lines:
        found = {
            name
            for name, value in msgspec.json.decode(line).items()
            if all(_DATE.fullmatch(text) for text in _spoken(value))
        }
        left = found if left is None else left & found
        if not left:
            break
    return sorted(left or ())


def _spoken(value: str | list[dict[str, str]]) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [turn.get("content", turn.get("value", "")) for turn in value]


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": ASSISTANT, "content": text}]


def _demand(condition: bool, fault: str) -> None:
    if not condition:
        raise ValueError(f"The line cannot be read back: {fault}.")


def _object(line: bytes, keys: tuple[str, ...]) -> dict[str, Any]:
    row = msgspec.json.decode(line)
    _demand(isinstance(row, dict) and tuple(row) == keys, f"its keys are not {', '.join(keys)}")
    return dict(row)


def _text(value: object) -> str:
    _demand(isinstance(value, str), f"{value!r} is not text")
    return str(value)


def _turns(
    messages: Any,
    role: str = "role",
    content: str = "content",
    known: Callable[[str], str | None] = _OURS.get,
) -> tuple[Turn, ...]:
    turns = []
    for message in messages:
        _demand(tuple(message) == (role, content), f"a message lacks {role} or {content}")
        name = known(_text(message[role]))
        _demand(name is not None, f"{message[role]!r} is not a known {role}")
        turns.append(Turn(str(name), _text(message[content])))
    return tuple(turns)


def _only_answer(messages: Any) -> str:
    turns = _turns(messages)
    _demand(len(turns) == 1 and turns[0].role == ASSISTANT, "it is not one assistant message")
    return turns[0].text
