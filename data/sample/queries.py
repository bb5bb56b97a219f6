"""Query texts for each kind, made of templates. All of them are invented.

Some kinds are false friends on purpose: "yoga class starts" is code for both schemes,
"resolve" and "waterproof" are maths for the keyword scheme, "malfunction" is code for it.
"""

from __future__ import annotations

from collections.abc import Callable

from .draw import Draw
from .texts import (
    BOOKS,
    BUGS,
    CITIES,
    COUNTRIES,
    CSV_ITEMS,
    DEVICES,
    DISPUTES,
    FACTS,
    FOREIGN,
    GOODS,
    LEMMAS,
    MOUNTAINS,
    PLACES,
    SENTENCES,
    SHELL,
    SITUATIONS,
    SNIPPETS,
    SUBJECTS,
    TASKS,
    WORDS,
)

ASK_FIX = ("Why does this fail with {bug}?", "Fix the {bug} here.", "I get {bug}. What is wrong?")


def code_fix(draw: Draw) -> str:
    """A snippet between three backticks and an error."""
    ask = draw.pick(ASK_FIX).format(bug=draw.pick(BUGS))
    return f"{ask}\n```python\n{draw.pick(SNIPPETS).format(n=draw.whole(2, 97))}\n```"


def code_write(draw: Draw) -> str:
    """A request for code that names a keyword."""
    start = draw.pick(
        (
            "Write a Python function that {task}.",
            "Complete this:\ndef solution_{n}(items):  # {task}",
            "Write a class that {task}, with tests.",
            "I already import pandas. Write code that {task}.",
        )
    )
    text = start.format(task=draw.pick(TASKS), n=draw.whole(2, 99))
    return text + draw.pick(("", f" It has to cope with {draw.whole(2, 90)} million rows."))


def inline_code(draw: Draw) -> str:
    """A question about something between a pair of backticks."""
    command, effect = draw.pick(SHELL)
    asks = ("What does `{c}` do when {e}?", "Is it safe to run `{c}` while {e}?")
    tail = draw.pick(("", " Please answer in two sentences.", " I am on Debian.", " Thanks!"))
    return draw.pick(asks).format(c=command, e=effect) + tail


def everyday_class(draw: Draw) -> str:
    """Not code at all, though both schemes say so."""
    return draw.pick(
        (
            "Which {subject} class should a {n} year old beginner take, and how often a week?",
            "My {subject} class starts at {n} past six and I am always late. How do I tell them?",
            "Is first class worth it on the night train to {city} for {n} euros more?",
            "Our {subject} class has {n} pupils. Plan the first lesson for us, please.",
        )
    ).format(subject=draw.pick(SUBJECTS), city=draw.pick(CITIES), n=draw.whole(9, 49))


def equation(draw: Draw) -> str:
    """A maths exercise with a word that both schemes know."""
    a, b, c = draw.whole(2, 12), draw.whole(2, 40), draw.whole(2, 90)
    return draw.pick(
        (
            f"Solve {a}x^2 + {b}x - {c} = 0 and show each step.",
            f"Find the integral of {a}x^{draw.whole(2, 7)} + {b} cos({a}x) from 0 to {c}.",
            f"For which y does the equation {a}y + {b} = {c} - y have a whole solution?",
            f"Solve the system {a}x + y = {b}, x - {a}y = {c} over the rationals.",
            f"Solve x = {a} mod {b + 1}, x = {b} mod {c + 1}.",
        )
    )


def calculation(draw: Draw) -> str:
    """A sum in words, maths for the regex scheme alone."""
    n, rate, years = draw.whole(120, 9800), draw.whole(2, 19), draw.whole(3, 30)
    return draw.pick(
        (
            f"Calculate what {n} euros at {rate} percent a year become in {years} years, please.",
            f"Compute how many tiles of {rate} by {rate} cm cover a floor of {n} square metres.",
            f"Calculate the fuel for {n} km if the van takes {rate} litres per 100 km, with the "
            f"cost at {years} crowns a litre.",
            f"Please compute the monthly payment for a loan of {n} dollars over {years} years at "
            f"{rate} percent.",
        )
    )


def quick_fact(draw: Draw) -> str:
    """A short question."""
    n = draw.whole(2, 990)
    return draw.pick(
        (
            f"What is the capital of {draw.pick(COUNTRIES)}?",
            f"How high is {draw.pick(MOUNTAINS)}?",
            f"{n} miles in kilometres?",
            f"{n} F in Celsius?",
            f"Who wrote {draw.pick(BOOKS)}?",
            f"Time in {draw.pick(CITIES)} now?",
            f"Synonym for {draw.pick(WORDS)}?",
            f"Population of {draw.pick(COUNTRIES)}?",
            f"Is {n} a prime number?",
            draw.pick(FACTS),
        )
    )


def recommendation(draw: Draw) -> str:
    """At least 50 characters in fewer than 10 words: the schemes disagree."""
    good, place = draw.pick(GOODS), draw.pick(PLACES)
    return draw.pick(
        (
            f"Best {good} for {place}, below €{draw.whole(4, 60) * 10}?"
            if good.count(" ") < 2
            else f"Best {good} for {place}, €{draw.whole(4, 60) * 10}?",
            f"{good.capitalize()} for {place}: under ${draw.whole(4, 60) * 10}?",
        )
    )


def translation(draw: Draw) -> str:
    """A sentence without many spaces, or none."""
    text, more = draw.pick(FOREIGN)
    return text.format(n=draw.whole(2, 99)) + draw.pick(more)


def advice(draw: Draw) -> str:
    """An everyday question of ordinary length."""
    situation = draw.pick(SITUATIONS).format(n=draw.whole(2, 14), city=draw.pick(CITIES))
    ask = draw.pick(
        (
            "What would you do first, and why?",
            "Compare the two or three options that you see.",
            "How do I bring it up without sounding rude?",
            "Draft a friendly message of about eighty words.",
            "What am I overlooking here?",
        )
    )
    return f"{situation} {ask}"


def proof(draw: Draw) -> str:
    """Maths for the keyword scheme, general for the regex."""
    ask = draw.pick(
        (
            "Give a proof that {lemma}, at the level of a first-year course.",
            "I need a short proof that {lemma}. Avoid contradiction if you can.",
            "Where does the usual proof that {lemma} use that n is at least {n}?",
        )
    )
    return ask.format(lemma=draw.pick(LEMMAS), n=draw.whole(2, 9))


def everyday_solve(draw: Draw) -> str:
    """No maths, but "resolve", "dissolve" and "waterproof" hold a word of the keyword scheme."""
    n = draw.whole(2, 12)
    return draw.pick(
        (
            f"How do I resolve a quarrel with my {draw.pick(DISPUTES)} that has gone on for {n} "
            "weeks?",
            f"Will limescale dissolve if I leave vinegar in the kettle for {n} hours, or is there "
            "a better way?",
            f"Are waterproof trousers worth the money for {n} days of cycling around "
            f"{draw.pick(CITIES)} in October?",
        )
    )


def malfunction(draw: Draw) -> str:
    """No code, but the word holds "function"."""
    device = draw.pick(DEVICES)
    return draw.pick(
        (
            "My {d} has begun to malfunction after {n} years. Repair it or buy a new one?",
            "The {d} is functional again, but it hums for {n} minutes. Should that worry me?",
            "Is a multifunctional {d} worth {n}0 euros more than a plain one for two people?",
        )
    ).format(d=device, n=draw.whole(3, 15))


def summary(draw: Draw) -> str:
    """More than 100 words and 500 characters."""
    ask = draw.pick(
        (
            "Summarise the following notes in five bullet points.",
            "Turn these minutes into a message to the whole team.",
            "List every decision in the text below and who has to act on it.",
        )
    )
    sentences = draw.some(SENTENCES, draw.whole(10, 13))
    return f"{ask}\n\n" + " ".join(s.format(n=draw.whole(3, 29)) for s in sentences)


def table_digest(draw: Draw) -> str:
    """More than 500 characters, but few of them are spaces."""
    ask = draw.pick(
        (
            "Which line of this table looks wrong, and why?",
            "Say in three sentences what changed over the month.",
        )
    )
    rows = [
        f"2026-{draw.whole(1, 3):02d}-{draw.whole(1, 28):02d};{draw.pick(CITIES)};"
        f"{draw.pick(CSV_ITEMS)};{draw.whole(20, 990)};{draw.whole(100, 9900) / 100:.2f}"
        for _ in range(draw.whole(13, 18))
    ]
    return ask + "\ndate;site;item;count;unit_price_eur\n" + "\n".join(rows)


WRITERS: dict[str, Callable[[Draw], str]] = {
    writer.__name__: writer
    for writer in (
        code_fix,
        code_write,
        inline_code,
        everyday_class,
        equation,
        calculation,
        quick_fact,
        recommendation,
        translation,
        advice,
        proof,
        everyday_solve,
        malfunction,
        summary,
        table_digest,
    )
}
