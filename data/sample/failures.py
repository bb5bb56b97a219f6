"""Failed answers, one writer for each failure category. All of them are invented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .draw import Draw


@dataclass(frozen=True)
class Failure:
    """A prompt, what the model said, and what the scorer said about it."""

    prompt: str
    response: str
    reason: str | None
    quality: tuple[int, int]  # percent, from and to
    task: str


def wrong_answer(draw: Draw) -> Failure:
    """A sum that goes wrong, or a wrong fact."""
    boxes, each, broken = draw.whole(12, 48), draw.whole(6, 24), draw.whole(3, 30)
    right = boxes * each - broken
    wrong = draw.pick((boxes * each + broken, boxes * (each - 1), right + 10))
    fact = draw.pick(
        (
            ("What is the capital of Australia?", "Sydney", "Canberra"),
            ("Which gas is most of the air?", "Oxygen", "nitrogen"),
            ("How many legs has a spider?", "A spider has six legs.", "8"),
        )
    )
    if draw.chance(0.25):
        return Failure(fact[0], fact[1], f"expected {fact[2]!r}", (0, 10), "facts")
    return Failure(
        f"A shop gets {boxes} boxes of {each} glasses. {broken} glasses are broken. "
        "How many are whole? Give the number alone.",
        f"{boxes} × {each} = {boxes * each}, so {wrong} glasses are whole.",
        f"expected {right}, got {wrong}",
        (0, 25),
        "arithmetic",
    )


def format_error(draw: Draw) -> Failure:
    """JSON was asked for."""
    name, age = draw.pick(("Ana", "Tom", "Mei", "Ilse")), draw.whole(19, 71)
    answer, reason = draw.pick(
        (
            (
                "Sure! Here is the JSON you asked for:\n\n```json\n"
                f"{{'name': '{name}', 'age': {age}}}\n```\nLet me know if you need anything else.",
                "text around the JSON object; single quotes",
            ),
            (f'{{"name": "{name}", "age": "{age}",}}', "trailing comma; age is text"),
            (f"The name is {name} and the age is {age}.", "response is not valid JSON"),
        )
    )
    return Failure(
        f'Return JSON with the keys "name" (text) and "age" (number), nothing else: '
        f'"{name} turned {age} last week."',
        answer,
        reason,
        (15, 45),
        "extraction",
    )


def partial_answer(draw: Draw) -> Failure:
    """Fewer things than were asked for."""
    topic, items = draw.pick(
        (
            ("rivers that flow through Germany", ("Rhine", "Elbe", "Danube", "Main", "Weser")),
            ("prime numbers above 50", ("53", "59", "61", "67", "71")),
            ("parts of a bicycle", ("saddle", "chain", "fork", "hub", "crank")),
            ("HTTP methods", ("GET", "PUT", "POST", "HEAD", "DELETE")),
        )
    )
    count = draw.whole(2, 3)
    return Failure(
        f"Name five {topic}, one a line, and say in a word why each was chosen.",
        "\n".join(f"{i}. {item}" for i, item in enumerate(draw.some(items, count), 1)),
        f"{count} of 5 items, no reasons",
        (30, 60),
        "lists",
    )


def hallucination(draw: Draw) -> Failure:
    """An option, a book or a paragraph that does not exist."""
    year = draw.whole(1961, 2019)
    return draw.pick(
        (
            Failure(
                "Which option of tar keeps only files that are newer than a date?",
                "Use `tar --since-date=YESTERDAY -cf out.tar .`; it is short for `-Y`.",
                "option does not exist",
                (0, 15),
                "tools",
            ),
            Failure(
                f"Who won the Quaybridge Prize in {year}? If you do not know, say so.",
                f"In {year} it went to Marian Oldcastle for her novel *The Salt Ledger*.",
                "the prize is invented; the right answer is to say so",
                (0, 10),
                "facts",
            ),
            Failure(
                f"How do I sort a pandas DataFrame by two columns? (asked in {year})",
                "Call `df.order_by(['a', 'b'], stable='yes')`, available since pandas 0.7.",
                "method does not exist",
                (0, 20),
                "tools",
            ),
        )
    )


def style_violation(draw: Draw) -> Failure:
    """Right, but not in the manner asked for."""
    thing, fact = draw.pick(
        (
            ("a firewall", "lets through only the traffic that its rules allow"),
            ("compost", "is plant waste that has rotted to soil"),
            ("an index fund", "buys every share of a market in proportion"),
            ("a hash", "turns any text into a short number that stands for it"),
        )
    )
    age = draw.whole(6, 12)
    return Failure(
        f"Explain {thing} to a child of {age} in one sentence, without bullet points.",
        f"Great question!\n\n- **Definition**: {thing} {fact}.\n- **Why it matters**: it is "
        "foundational.\n- **In summary**: leverage it!",
        "bullet points; three sentences",
        (45, 70),
        "style",
    )


def scoring_artifact(draw: Draw) -> Failure:
    """The answer is right; the scorer compared text."""
    n, m = draw.whole(21, 79), draw.whole(21, 79)
    answer = draw.pick((f"{n * m:,}", f"**{n * m}**", f"The answer is {n * m}.", f"{n * m}.0"))
    return Failure(
        f"What is {n} times {m}?",
        answer,
        f"expected '{n * m}', got {answer!r}",
        (0, 30),
        "arithmetic",
    )


WRITERS: dict[str, Callable[[Draw], Failure]] = {
    writer.__name__: writer
    for writer in (
        wrong_answer,
        format_error,
        partial_answer,
        hallucination,
        style_violation,
        scoring_artifact,
    )
}

#: Answers that a review screen must show as text and nothing else.
HTML = Failure(
    "Write a heading in HTML that says Hello & welcome, and nothing else.",
    "<h1 onclick=\"alert('clicked')\">Hello & welcome</h1>\n<script>document.title = 'changed'"
    "</script>\n<b>Done</b> &amp; dusted, for $5 or $6.",
    "more than the heading",
    (20, 20),
    "markup",
)
RIGHT_TO_LEFT = Failure(
    "اكتب جملة واحدة عن أهمية القراءة.",
    "القراءة مهمة (جدا)، وهذه 3 أسباب: 1. المعرفة 2. اللغة 3. المتعة.",
    "one sentence was asked for",
    (50, 50),
    "style",
)
