"""The main job on one log: `python notebooks/demo.py [traces]`, the bundled sample by default.

Prints the scores of each model on each kind of query, both original routing tables and where they
disagree, and leaves the notebooks that go further, run on the same log, as HTML.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pandas as pd
from build import HERE, ROOT, parse, run
from nbconvert import HTMLExporter

from jarvis_lab import (
    SFTRouterPolicy,
    TraceDrivenPolicy,
    class_scores,
    disagreements,
    routing_diff,
    sample_path,
    score_counts,
)

NOTEBOOKS = ("02_scores_per_class", "03_routing_comparison")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def show_scores(scores: pd.DataFrame) -> None:
    cells = scores.assign(
        cell=[
            "no reward" if n == 0 else f"{mean:.2f} [{low:.2f}, {high:.2f}] n={n}"
            for mean, low, high, n in zip(
                scores["reward_mean"],
                scores["reward_mean_low"],
                scores["reward_mean_high"],
                scores["n_reward"],
                strict=True,
            )
        ]
    )
    for query_class, rows in cells.groupby("query_class"):
        print(f"\n{query_class}")
        for row in rows.sort_values("reward_mean", ascending=False).itertuples():
            note = f"   ({row.note})" if row.note else ""
            print(f"  {row.model or '(no model)':<44} {row.cell}{note}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "traces", nargs="?", help="a trace store, JSONL, Parquet, CSV, folder, glob"
    )
    given = parser.parse_args().traces
    source = os.path.abspath(given) if given else str(sample_path("traces.db"))
    try:
        counts = score_counts(source, by=("regex", "keyword"))
    except (OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"Log: {given or 'the bundled sample (generated, see data/README.md)'}")
    if counts.empty:
        print("The log has no traces, so there is nothing to score.")
        return 0
    scores = {
        by: class_scores(counts[counts["scheme"] == by].drop(columns="scheme"))
        for by in ("regex", "keyword")
    }
    heading("Mean reward of each model on each kind of query (regex classes), 95 % interval")
    show_scores(scores["regex"])
    sft, learned = SFTRouterPolicy(), TraceDrivenPolicy(counts)
    sft.update(counts)
    learned.update_from_traces()
    for policy, by in ((sft, "keyword"), (learned, "regex")):
        heading(f"Routing table of {type(policy).__name__} ({by} classes)")
        table = routing_diff({}, policy, scores[by])[["query_class", "new", "new_score", "new_n"]]
        table.columns = ["query_class", "model", "reward_mean", "n"]
        print(table.round(3).to_string(index=False))
    heading("Where the two disagree, on this traffic")
    differing = disagreements(sft, learned, source)
    print(f"{differing['share'].sum():.1%} of the traces would go to different models:\n")
    columns = {"class_a": "SFT class", "class_b": "Trace class", "model_a": "SFTRouterPolicy"}
    columns |= {"model_b": "TraceDrivenPolicy", "n": "n", "share": "share"}
    print(differing[list(columns)].rename(columns=columns).round(3).to_string(index=False))
    write_notebooks(source if given else None)
    return 0


def write_notebooks(source: str | None) -> None:
    folder = ROOT / "demo"
    folder.mkdir(exist_ok=True)
    heading("Further")
    for name in NOTEBOOKS:
        notebook = parse(HERE / "src" / f"{name}.py")
        run(notebook, settings={"JARVIS_LAB_TRACES": source} if source else {})
        html, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
        target = folder / f"{name}.html"
        target.write_text(html, "utf-8")
        print(f"Executed notebook: {os.path.relpath(target, Path.cwd())}")


if __name__ == "__main__":
    sys.exit(main())
