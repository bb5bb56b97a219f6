"""The known truth behind the generated traces.

A query has a *kind*. The kind fixes the class that each scheme gives it, and with the model the
probability that the answer is a success. Which model was asked depends on the `regex` class
alone (``PROPENSITIES``), as in a store that was written while a router ran.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

CLASSES = ("code", "math", "short", "long", "general")


@dataclass(frozen=True)
class Model:
    """One model of the invented fleet."""

    name: str
    engine: str
    usd_per_1000_tokens: float
    tokens_per_second: float
    first_token_seconds: float
    verbosity: float


MODELS = (
    Model("llama3.2:3b", "ollama", 0.0002, 120.0, 0.12, 0.8),
    Model("qwen3:8b", "ollama", 0.0003, 85.0, 0.18, 1.9),
    Model("qwen2.5-coder:14b", "ollama", 0.0006, 55.0, 0.25, 1.0),
    Model("mistral-small:24b", "vllm", 0.0009, 48.0, 0.30, 0.9),
    Model("llama3.1:70b", "vllm", 0.0024, 22.0, 0.70, 1.0),
    Model("cirrus-large-2", "cloud", 0.0048, 75.0, 0.90, 1.0),
)
NAMES = tuple(model.name for model in MODELS)


@dataclass(frozen=True)
class Kind:
    """One kind of query: its class in both schemes, its share of the traffic, its truth."""

    name: str
    regex: str
    keyword: str
    share: float
    tokens: int
    success: tuple[float, ...]


# Columns of `success`: the models in the order of MODELS.
KINDS = (
    Kind("code_fix", "code", "code", 0.08, 420, (0.40, 0.56, 0.92, 0.60, 0.68, 0.74)),
    Kind("code_write", "code", "code", 0.08, 380, (0.44, 0.60, 0.93, 0.62, 0.70, 0.76)),
    Kind("inline_code", "code", "general", 0.04, 220, (0.48, 0.62, 0.86, 0.66, 0.74, 0.80)),
    Kind("everyday_class", "code", "code", 0.02, 160, (0.62, 0.68, 0.40, 0.78, 0.80, 0.86)),
    Kind("equation", "math", "math", 0.07, 300, (0.28, 0.85, 0.56, 0.54, 0.60, 0.70)),
    Kind("calculation", "math", "general", 0.08, 240, (0.32, 0.83, 0.60, 0.58, 0.62, 0.70)),
    Kind("quick_fact", "short", "short", 0.22, 60, (0.70, 0.76, 0.60, 0.90, 0.84, 0.82)),
    Kind("summary", "long", "long", 0.06, 320, (0.35, 0.55, 0.42, 0.60, 0.76, 0.84)),
    Kind("table_digest", "long", "general", 0.04, 340, (0.30, 0.58, 0.62, 0.56, 0.72, 0.78)),
    Kind("advice", "general", "general", 0.14, 280, (0.55, 0.66, 0.48, 0.72, 0.78, 0.83)),
    Kind("recommendation", "general", "short", 0.06, 200, (0.60, 0.66, 0.50, 0.76, 0.78, 0.80)),
    Kind("translation", "general", "short", 0.03, 120, (0.45, 0.72, 0.40, 0.74, 0.78, 0.84)),
    Kind("proof", "general", "math", 0.03, 460, (0.15, 0.62, 0.40, 0.44, 0.64, 0.76)),
    Kind("everyday_solve", "general", "math", 0.03, 200, (0.58, 0.66, 0.46, 0.76, 0.79, 0.84)),
    Kind("malfunction", "general", "code", 0.02, 220, (0.50, 0.62, 0.44, 0.72, 0.77, 0.82)),
)

# P(model | regex class), recorded with every trace.
PROPENSITIES = {
    "code": (0.10, 0.10, 0.35, 0.15, 0.20, 0.10),
    "math": (0.10, 0.50, 0.10, 0.10, 0.12, 0.08),
    "short": (0.25, 0.20, 0.05, 0.25, 0.15, 0.10),
    "long": (0.05, 0.012, 0.068, 0.17, 0.40, 0.30),
    "general": (0.15, 0.03, 0.05, 0.22, 0.30, 0.25),
}

OUTCOME_MISSING = 0.12
FEEDBACK_PRESENT = 0.35
FEEDBACK_NULL_FIRST = 1_000
FEEDBACK_MEAN = {True: 0.78, False: 0.32}
FEEDBACK_DEVIATION = 0.15


def class_share(name: str, scheme: str = "regex") -> float:
    """Share of the traffic in class ``name`` of ``scheme``."""
    return sum(kind.share for kind in KINDS if getattr(kind, scheme) == name)


def class_success(name: str, model: int, scheme: str = "regex") -> float:
    """Success probability of ``model`` on the traffic of class ``name``, if it got all of it."""
    members = [kind for kind in KINDS if getattr(kind, scheme) == name]
    return sum(kind.share * kind.success[model] for kind in members) / class_share(name, scheme)


def overall_success(model: int) -> float:
    """Success probability of ``model`` on all traffic."""
    return sum(kind.share * kind.success[model] for kind in KINDS)


def classes_csv() -> str:
    """Rows scheme, query_class, model, share, propensity, success_probability."""
    rows: list[tuple[object, ...]] = []
    for scheme in ("regex", "keyword"):
        for name in CLASSES:
            for index, model in enumerate(NAMES):
                propensity = PROPENSITIES[name][index] if scheme == "regex" else ""
                share = round(class_share(name, scheme), 6)
                truth = round(class_success(name, index, scheme), 6)
                rows.append((scheme, name, model, share, propensity, truth))
    header = ("scheme", "query_class", "model", "share", "propensity", "success_probability")
    return _csv(header, rows)


def kinds_csv() -> str:
    """Rows kind, regex, keyword, share, model, success_probability."""
    rows = [
        (kind.name, kind.regex, kind.keyword, kind.share, model, kind.success[index])
        for kind in KINDS
        for index, model in enumerate(NAMES)
    ]
    return _csv(("kind", "regex", "keyword", "share", "model", "success_probability"), rows)


def markdown_tables() -> str:
    """The tables of the README: truth per class, truth per kind, propensities."""
    head = ["| {} | " + " | ".join(f"`{name}`" for name in NAMES) + " |"]
    rule = "|---|" + "---|" * len(NAMES)
    lines = [head[0].format("regex class (share)"), rule]
    for name in CLASSES:
        cells = [f"{class_success(name, i):.3f}" for i in range(len(NAMES))]
        lines.append(_row(f"{name} ({class_share(name):.0%})", cells))
    lines.append(_row("all traffic", [f"{overall_success(i):.3f}" for i in range(len(NAMES))]))
    lines += ["", head[0].format("keyword class (share)"), rule]
    for name in CLASSES:
        cells = [f"{class_success(name, i, 'keyword'):.3f}" for i in range(len(NAMES))]
        lines.append(_row(f"{name} ({class_share(name, 'keyword'):.0%})", cells))
    lines += ["", head[0].format("kind: regex / keyword (share)"), rule]
    for kind in KINDS:
        label = f"{kind.name}: {kind.regex} / {kind.keyword} ({kind.share:.0%})"
        lines.append(_row(label, [f"{value:.2f}" for value in kind.success]))
    lines += ["", head[0].format("propensity by regex class"), rule]
    for name in CLASSES:
        lines.append(_row(name, [f"{value:g}" for value in PROPENSITIES[name]]))
    return "\n".join(lines)


def _row(label: str, cells: list[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"


def _csv(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
