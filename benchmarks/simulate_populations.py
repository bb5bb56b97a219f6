"""What the simulations draw from: classes of queries with the true success rate of each model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
SIX = (
    *("claude-3-5-sonnet-20240620", "gpt-4-0125-preview", "gpt-4o-mini-2024-07-18"),
    *("mistral-large-2407-FC-Any", "claude-3-haiku-20240307", "gpt-3.5-turbo-0125"),
)
EIGHT = (
    *("claude-3-5-sonnet-20240620", "gpt-4-0125-preview", "gpt-4o-mini-2024-07-18"),
    *("gpt-4o-2024-08-06-FC", "mistral-large-2407-FC-Any"),
    *("NousResearch_Hermes-2-Theta-Llama-3-70B", "claude-3-haiku-20240307"),
    "gpt-3.5-turbo-0125",
)
#: MMLU's own four groups of its subjects; "other" has the rest.
_GROUPS = {
    "humanities": (
        *("formal_logic", "high_school_european_history", "high_school_us_history"),
        *("high_school_world_history", "international_law", "jurisprudence", "logical_fallacies"),
        *("moral_disputes", "moral_scenarios", "philosophy", "prehistory", "professional_law"),
        "world_religions",
    ),
    "social sciences": (
        *("econometrics", "high_school_geography", "high_school_government_and_politics"),
        *("high_school_macroeconomics", "high_school_microeconomics", "high_school_psychology"),
        *("human_sexuality", "professional_psychology", "public_relations", "security_studies"),
        *("sociology", "us_foreign_policy"),
    ),
    "other": (
        *("anatomy", "business_ethics", "clinical_knowledge", "college_medicine", "global_facts"),
        *("human_aging", "management", "marketing", "medical_genetics", "miscellaneous"),
        *("nutrition", "professional_accounting", "professional_medicine", "virology"),
    ),
}
_GROUP_OF = {subject: group for group, subjects in _GROUPS.items() for subject in subjects}
REAL_FILES = ("bfcl_2024_08_11.parquet", "routellm_mmlu.parquet")


@dataclass(frozen=True)
class Population:
    """``truth`` is the success rate, class × model; ``shares`` those of the classes."""

    name: str
    truth: np.ndarray
    shares: np.ndarray
    logging: np.ndarray | None = None  # how its own log chose models, where it has one


def rng_of(seed: int, *names: object) -> np.random.Generator:
    """A generator that depends on the seed and the names alone, not on what ran before."""
    return np.random.default_rng([seed, *(crc32(str(name).encode()) for name in names)])


def missing_files(folder: Path) -> str:
    """What to say if the real outcomes are not there; else nothing."""
    absent = [name for name in REAL_FILES if not (folder / name).is_file()]
    if not absent:
        return ""
    return (
        f"{folder} has no {' and no '.join(absent)}. The simulations draw from these real "
        "outcomes: name their folder, as in make simulate DATA=folder"
    )


def function_calls(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "bfcl_2024_08_11.parquet")


def mmlu(folder: Path) -> pd.DataFrame:
    """With the group of each subject."""
    table = pd.read_parquet(folder / "routellm_mmlu.parquet")
    return table.assign(group=table["domain"].map(_GROUP_OF).fillna("STEM"))


def generated() -> Population:
    """The regex classes of the generated sample, whose truth is written down beside it."""
    truth = pd.read_csv(ROOT / "data" / "truth_classes.csv")
    truth = truth[truth["scheme"] == "regex"]
    wide = truth.pivot(index="query_class", columns="model")
    shares = wide["share"].to_numpy()[:, 0]
    chosen = wide["propensity"].to_numpy()
    return Population(
        "generated sample, 5 classes, 6 models",
        wide["success_probability"].to_numpy(),
        shares / shares.sum(),
        chosen / chosen.sum(1, keepdims=True),
    )


def real_populations(folder: Path) -> list[Population]:
    calls, questions = function_calls(folder), mmlu(folder)
    twelve = [*SIX, *[m for m in sorted(calls["model"].unique()) if m not in SIX][::11][:6]]
    both = sorted(questions["model"].unique())
    return [
        _population("BFCL, 12 categories, 6 models", calls, "category", SIX),
        _population("BFCL, 12 categories, 12 models", calls, "category", twelve),
        _population("MMLU, 4 domain groups, 2 models", questions, "group", both),
        _population("MMLU, 57 domains, 2 models", questions, "domain", both),
    ]


def _population(name: str, outcomes: pd.DataFrame, by: str, models) -> Population:
    chosen = outcomes[outcomes["model"].isin(list(models))]
    truth = chosen.groupby([by, "model"], observed=True)["correct"].mean().unstack()
    sizes = chosen[by].value_counts()[truth.index].to_numpy(dtype=float)
    return Population(name, truth.to_numpy(), sizes / sizes.sum())


def logging_weights(kind: str, population: Population, rng: np.random.Generator) -> np.ndarray:
    """Probability with which the log chose each model, class × model."""
    classes, models = population.truth.shape
    if kind == "uniform":
        return np.full((classes, models), 1 / models)
    if kind == "as logged":
        return population.logging
    if kind == "favourite":
        favourite = np.eye(models)[rng.integers(models, size=classes)]
        return (favourite + 1 / models) / 2
    return rng.dirichlet(np.ones(models), size=classes)


def fixed_tables(population: Population) -> dict[str, np.ndarray]:
    """Name → probability of each model in each class."""
    truth, one = population.truth, np.eye(population.truth.shape[1])
    best = one[truth.argmax(1)]
    return {
        "best per class": best,
        "best single": one[np.full(len(truth), (population.shares @ truth).argmax())],
        "mixed": (best + np.full(truth.shape, 1 / truth.shape[1])) / 2,
    }


def drawn_counts(
    rng: np.random.Generator,
    population: Population,
    logging: np.ndarray,
    size: int,
    repetitions: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Traces and successes of many logs, repetition × class × model."""
    chance = (population.shares[:, None] * logging).ravel()
    n = rng.multinomial(size, chance, size=repetitions).reshape(-1, *population.truth.shape)
    return n, rng.binomial(n, population.truth)
