"""Make the generated sample: a trace store, a lake and two runs of review candidates.

Nothing in it was measured: no model was asked, and every query, answer, outcome and time is
drawn from the known truth in ``sample/truth.py``. Run it from anywhere; it needs NumPy only::

    python data/make_sample.py              # writes into the folder of this file
    python data/make_sample.py --out FOLDER
    python data/make_sample.py --tables     # prints the tables of the README

The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sample.candidates import write_candidates
from sample.lake import write_lake
from sample.traces import write_traces
from sample.truth import classes_csv, kinds_csv, markdown_tables

SEED = 20260511


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description="Make the generated sample of jarvis_lab.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to fill")
    parser.add_argument("--seed", type=int, default=SEED, help=f"default {SEED}")
    parser.add_argument("--tables", action="store_true", help="print the truth as Markdown")
    arguments = parser.parse_args()
    if arguments.tables:
        print(markdown_tables())
        return
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_traces(out / "traces.db", arguments.seed)
    write_lake(out / "lake", arguments.seed)
    write_candidates(out / "bench_results", arguments.seed)
    for name, text in (("truth_classes.csv", classes_csv()), ("truth_kinds.csv", kinds_csv())):
        (out / name).write_bytes(text.encode())


if __name__ == "__main__":
    main()
