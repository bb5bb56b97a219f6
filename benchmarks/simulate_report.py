"""The tables of benchmarks/SIMULATIONS.md."""

from __future__ import annotations

import platform

import numpy as np
import pandas as pd
from simulate_coverage import BOUNDS, FEWEST_SHOWN, HALF
from simulate_lower_bound import RANDOM

_KEYS = ["population", "logging", "N", "table"]
_WEIGHTED = ("SNIPS, known", "SNIPS, estimated", "DR, known", "DR, estimated")
_FAILING = ("replay", "direct", "Wald")
_LOGGINGS = {
    "uniform": "uniform",
    "favourite": "a favourite",
    "dirichlet": "Dirichlet(1)",
    "as logged": "as its own log",
}


def report(found: dict[str, list[dict]], settings) -> str:
    """The whole page."""
    tables = {part: pd.DataFrame(rows) for part, rows in found.items()}
    coverage = tables["coverage"]
    parts = [
        _head(settings),
        _coverage(coverage, settings),
        _weighted(coverage),
        _overlap(tables["overlap"]),
        _failing(coverage),
        _learned(tables["learned"]),
        _gains(tables["gain"]),
    ]
    return "\n\n".join(parts) + "\n"


def _head(settings) -> str:
    return f"""# What the intervals and the policies promise, simulated

Written by `make simulate` with seed {settings.seed}, {settings.repetitions:,} logs per setting \
and {settings.loggings} drawn loggings per skewed setting; Python {platform.python_version()}, \
NumPy {np.__version__}. The same seed gives the same tables. A small seeded version of each \
stands in `tests/test_simulations.py`.

**Outcomes.** BFCL: 1,700 function calls in 12 categories, the real outcomes of 6 and of 12 of \
its 71 models. MMLU: 14,037 questions, two models, in its 4 domain groups and in its 57 domains. \
Generated sample: the written-down truth of `data/`. Each log is drawn as a table of counts from \
the classes' shares, the logging's probabilities and the true success rates.

**Logging.** *Uniform*. *A favourite*: half of each class goes to one model, drawn per class, and \
half is spread evenly over all. *Dirichlet(1)*: each class has its own random probabilities, some \
next to 0.

**Policies.** The *best* model *per class*, the *best single* model, and *mixed*: half best per \
class, half spread over all models."""


def _coverage(rows: pd.DataFrame, settings) -> str:
    table = []
    for keys, group in rows.groupby(_KEYS, sort=False):
        row = dict(zip(("outcomes", "logging", "N", "policy"), keys, strict=True))
        row["logging"] = _LOGGINGS[row["logging"]]
        row["value"] = _spread(group["value"])
        row["difference"] = _spread(group["difference"])
        row["width"] = _mean(group["width"], "{:.3f}")
        row["refused"] = _mean(group["refused"], "{:.1%}")
        table.append(row)
    uniform = rows[(rows["N"] == 2000) & (rows["logging"] == "uniform")]
    return f"""## How often the 95 % interval holds the truth

Coverage of the policy's value and of its difference from the best single model, among the logs \
whose value is not refused; the mean over the drawn loggings, and the lowest and highest of them. \
A setting in which fewer than {FEWEST_SHOWN:.0%} of the logs show a value has no coverage (-); nor \
has a difference of a policy from itself. With {settings.repetitions:,} logs a coverage of 95 % \
has a standard error of {np.sqrt(0.95 * 0.05 / settings.repetitions):.1%}. Propensities depend on \
the class alone here; then the value is the same whether they are known or estimated.

{_sentence(rows, "value", "value")}

{_sentence(rows, "difference", "difference")}

With 2,000 uniformly logged traces at most {uniform["refused"].max():.2%} of the values are refused.

{_markdown(table)}

Coverage above {BOUNDS[1]:.1%} comes from logs in which up to a tenth of the policy's traffic lies \
in cells with no trace or one: the interval counts such a cell as a single reward, which is wider \
than its error is likely to be. Above a tenth the value is refused. A difference is too wide in \
the same way where the two tables differ in a few small classes only, as the best per class of \
the 57 domains does from the best single model (3 domains, 4 % of the traffic)."""


def _sentence(rows: pd.DataFrame, column: str, noun: str) -> str:
    shown = rows[column].dropna()
    low, high = (shown < BOUNDS[0]).sum(), (shown > BOUNDS[1]).sum()
    kinds = rows.loc[shown.index][shown > BOUNDS[1]].groupby("logging", sort=False).size()
    where = ", ".join(f"{count} {_LOGGINGS[kind]}" for kind, count in kinds.items())
    return (
        f"Of {len(shown)} settings with a {noun}, each logging counted, {len(shown) - low - high} "
        f"cover {BOUNDS[0]:.1%} to {BOUNDS[1]:.1%}, {low} less and {high} more"
        f"{f' ({where})' if where else ''}; the lowest {shown.min():.1%}, the highest "
        f"{shown.max():.1%}."
    )


def _weighted(rows: pd.DataFrame) -> str:
    table = []
    for (population, logging), group in rows.groupby(["population", "logging"], sort=False):
        row = {"outcomes": population, "logging": _LOGGINGS[logging]}
        row |= {name: _spread(group[name]) for name in ("value", *_WEIGHTED)}
        table.append(row)
    return f"""## The weighted estimators beside it

Coverage of the post-stratified value, and of SNIPS and the doubly robust value with known \
propensities and with the models' shares in each class in their place; mean, lowest and highest \
over both N, the three policies and the drawn loggings. All settings together: SNIPS \
{_pair(rows, "SNIPS")}, doubly robust {_pair(rows, "DR")}; the lowest of them \
{rows[list(_WEIGHTED)].min().min():.1%}, that of the post-stratified value \
{rows["value"].min():.1%}.

{_markdown(table)}"""


def _pair(rows: pd.DataFrame, method: str) -> str:
    known, estimated = (rows[f"{method}, {how}"].mean() for how in ("known", "estimated"))
    return f"{known:.1%} known and {estimated:.1%} estimated"


def _overlap(rows: pd.DataFrame) -> str:
    half = rows.loc[rows["never"] == HALF, "refused"].min()
    refused = "always refused" if half == 1 else f"refused in at least {half:.1%} of the logs"
    table = [
        {
            "outcomes": row["population"],
            "never logged in": row["never"],
            "their share": f"{row['share']:.1%}",
            "N": row["N"],
            "refused": f"{row['refused']:.1%}",
            "value": _percent(row["value"]),
        }
        for row in rows.to_dict("records")
    ]
    return f"""## Where the log never used the policy's model

The policy takes the best model per class, and the log, uniform otherwise, never used it in half \
of the classes, or in one class of about 5 %. Half of the classes: {refused}. One class below a \
tenth of the traffic is valued at what the log says of the class and of the policy elsewhere, and \
the interval is widened for it; no log can check that guess.

{_markdown(table)}"""


def _failing(rows: pd.DataFrame) -> str:
    table = []
    chosen = rows[(rows["table"] == "best per class") & (rows["logging"] != "as logged")]
    for keys, group in chosen.groupby(["population", "logging", "N"], sort=False):
        row = dict(zip(("outcomes", "logging", "N"), keys, strict=True))
        row["logging"] = _LOGGINGS[row["logging"]]
        row |= {name: _mean(group[name], "{:.1%}") for name in ("value", *_FAILING)}
        table.append(row)
    return f"""## What fails

Coverage of the same truth, best per class, by what is often used in place of the interval \
(*value*). *Replay*: the mean of the traces that the policy agrees with, ± 1.96 standard errors. \
*Direct*: the mean of rewards that a model of them predicts, with the spread of the predictions. \
*Wald*: the post-stratified value ± 1.96 standard errors of its cells.

{_markdown(table)}"""


def _learned(rows: pd.DataFrame) -> str:
    table = []
    for keys, group in rows.groupby(["population", "logging", "N"], sort=False):
        row = dict(zip(("outcomes", "logging", "N"), keys, strict=True))
        row["logging"] = _LOGGINGS[row["logging"]]
        for way, part in group.groupby("way", sort=False):
            row[way] = _percent(part["value"].iloc[0])
            error = part["error"].iloc[0]
            row[way] += "" if np.isnan(error) else f" ({error * 100:+.1f})"
        table.append(row)
    way = rows.dropna(subset="value").groupby("way")["value"]
    fitted, same = way.get_group("cross-fitted"), way.get_group("same log")
    return f"""## A table learned on the log that values it

The table takes the model with the highest mean in each class. Coverage of its true value, and in \
brackets the mean error in points: valued on the log it was learned from, on the other half of \
it, and cross-fitted in halves (the truth is then the mean of both halves' tables). Same log: \
{same.min():.1%} to {same.max():.1%}; cross-fitted: {fitted.min():.1%} to {fitted.max():.1%}. \
*Difference* is the cross-fitted table less the cross-fitted best single model, and *lower bound* \
the table of LowerBoundRouterPolicy. Where most logs are refused, as with 500 traces of 12 models, \
those that are not have learned what they happen to know best, which flatters it.

{_markdown(table)}"""


def _gains(rows: pd.DataFrame) -> str:
    number = rows["outcomes"].str.extract(rf"^{RANDOM} (\d+)$")[0].astype(float)
    table = []
    for name, group in rows[~(number > 10)].groupby("outcomes", sort=False):
        for row in group.to_dict("records"):
            error = f"{row['gain']:+.2f} ± {row['error']:.2f}"
            table.append(
                {"outcomes": name, "N": row["N"], "logs": f"{row['runs']:,}", "gain": error}
                | {"worse by > 0.5": f"{row['worse']:.1%}", "base alone": f"{row['base']:+.2f}"}
                | {"best per class": f"{row['greedy']:+.2f}"}
            )
    many = []
    for size, group in rows[number.notna()].groupby("N"):
        gain = group["gain"]
        low, middle, high = gain.quantile([0.05, 0.5, 0.95])
        many.append(
            {"N": size, "lowest": f"{gain.min():+.2f}", "5 %": f"{low:+.2f}"}
            | {"median": f"{middle:+.2f}", "95 %": f"{high:+.2f}", "highest": f"{gain.max():+.2f}"}
            | {"below -0.1": f"{(gain < -0.1).sum()} of {len(gain)}"}
        )
    return f"""## What LowerBoundRouterPolicy gains

Mean gain in points, ± its standard error, of its table over the model with the highest mean among \
those with at least 5 traces in the log. Half of the queries are logged, one model for each of N \
traces, with weights from Dirichlet(1) drawn for every log; the other half judges. *Base alone*: \
the single model that the table starts from. *Best per class*: the highest mean in each class, \
with no caution.

{_markdown(table)}

A hundred random sets of eight of BFCL's models, the ten above among them:

{_markdown(many)}

The gain is large where models differ by class. Where one model is best everywhere, every switch \
is a loss, and caution keeps it small; with two models, one of them rarely logged, the cautious \
base sometimes stays with the worse one."""


def _spread(values: pd.Series) -> str:
    shown = values.dropna()
    if shown.empty:
        return "-"
    if len(shown) == 1:
        return _percent(shown.iloc[0])
    return f"{shown.mean():.1%} ({shown.min():.1%} to {shown.max():.1%})"


def _mean(values: pd.Series, form: str) -> str:
    shown = values.dropna()
    return "-" if shown.empty else form.format(shown.mean())


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1%}"


def _markdown(rows: list[dict]) -> str:
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row.get(n, "-")) for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
