"""Blocked text: what models answered and nobody approved, by prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jarvis_lab.synthesis.messages import ASSISTANT, PromptKey, Turn, prompt_key
from jarvis_lab.synthesis.normal import normal_form
from jarvis_lab.synthesis.reviewed import Reviewed

__all__ = ["BlockedText", "Breach", "FirewallBreachError"]


class FirewallBreachError(RuntimeError):
    """Blocked text was found in the bytes written; no file took its final name."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Blocked text in a row: where it stands and whose answer it is.

    Attributes
    ----------
    place
        ``"target"``, or ``"message 3"`` of the prompt.
    candidate_id
        The candidate whose answer it is.
    """

    place: str
    candidate_id: str


class BlockedText:
    """The ``model_response`` of every candidate that nobody approved, by prompt.

    A candidate's answer is not blocked only where its live decision is ``approve``, without
    conflict and not stale. An answer that one candidate has approved and another one of the
    same prompt has not is blocked: the same text cannot be both.

    Parameters
    ----------
    reviewed
        Every candidate of the queue. Leaving some out weakens the firewall.

    Notes
    -----
    Two texts are the same if their normal forms are (NFKC, case folding, white space, unseen
    characters), and two prompts are if they have the same roles and texts in that sense.
    """

    def __init__(self, reviewed: Iterable[Reviewed]) -> None:
        self._answers: dict[PromptKey, dict[str, str]] = {}
        for item in reviewed:
            if item.response is not None and not item.trusted:
                answers = self._answers.setdefault(item.prompt.key, {})
                answers.setdefault(normal_form(item.response), item.id)

    def __len__(self) -> int:
        return sum(map(len, self._answers.values()))

    def whose(self, prompt: PromptKey, text: str) -> str | None:
        """Id of the first candidate with that prompt and that blocked answer, else None."""
        return self._answers.get(prompt, {}).get(normal_form(text))

    def breach(
        self, turns: Sequence[Turn], target: str, *, joined: Mapping[int, str] | None = None
    ) -> Breach | None:
        """Find blocked text in a row: its target first, then the assistant's earlier turns.

        Parameters
        ----------
        turns
            The prompt, as read or as parsed back from a file.
        target
            The answer to be trained on.
        joined
            Other readings of messages made of several parts (:class:`Prompt`).

        Returns
        -------
        Breach or None
            The first breach.
        """
        key = prompt_key(turns)
        owner = self.whose(key, target)
        if owner is not None:
            return Breach("target", owner)
        for position, (role, text) in enumerate(key):
            if role != ASSISTANT:
                continue
            answers = self._answers.get(key[:position], {})
            for form in (text, (joined or {}).get(position, text)):
                if form in answers:
                    return Breach(f"message {position + 1}", answers[form])
        return None
