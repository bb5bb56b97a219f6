# %% [markdown]
# # 05 · What may I train on?
#
# **Question.** A fleet leaves two kinds of material behind that look like training data: answers
# that a scorer accepted, and answers that a person corrected. Both stand beside failed answers,
# often of the same model to the same prompt. Which rows may go into a training file, where did
# every other row go, and can somebody else check the file later?
#
# **Data.** The generated sample (`data/README.md`): a small lake, or the one at `JARVIS_LAB_LAKE`,
# and two benchmark runs whose answers wait for review. Nothing in it is real, and some of it is
# broken on purpose. The samples of the lake go into a temporary folder, or into the one at
# `JARVIS_LAB_EXPORTS`.

# %% [markdown]
# The first cells load the names that this notebook uses and choose the folders.

# %%
from jarvis_lab import (
    ReviewQueue,
    clean_rows,
    correction_rows,
    export_corrections,
    export_sft,
    plot_export_balance,
    sample_path,
    verify_export,
)

# %% [markdown]
# The review below is a rehearsal, so its decisions, and what is exported of them, always go into a
# temporary folder.

# %%
import os
import re
import tempfile
from pathlib import Path

import pandas as pd

lake = os.environ.get("JARVIS_LAB_LAKE") or sample_path("lake")
out = Path(os.environ.get("JARVIS_LAB_EXPORTS") or tempfile.mkdtemp())
folder = Path(tempfile.mkdtemp())
pd.set_option("display.width", 140)

# %% [markdown]
# ## Method
#
# Two exports, each behind a firewall that denies by default.
#
# - **Distillation** goes from the scored runs: a run whose category is anything but `accepted`
#   or `partially_accepted`, in any file of the lake, is blocked; then it needs evidence with a
#   text and a role that does work.
# - **Corrections** go from the review queue and look at *who wrote the target*. What a reviewer
#   wrote may be exported, what a model answered may not, unless a reviewer approved it and
#   nobody disagrees. That also holds for the same text in other case or spacing, and for a
#   failed answer that stands in the prompt as an earlier turn.
#
# Both read the bytes back from the disk and check them again before the file takes its name.

# %% [markdown]
# ## Result: from the lake
#
# One call. `recorded_at` is written into every sample, so that the same lake gives the same bytes.

# %%
recorded_at = "2026-04-15T00:00:00Z"
distilled = export_sft(lake, recorded_at=recorded_at, output=out / "sft.jsonl", progress=False)
distilled

# %% [markdown]
# Every record that was read was exported, quarantined by the firewall, or cannot be made into an
# instruction.

# %%
# NBVAL_CHECK_OUTPUT
print(f"{distilled.records_read} records read, {distilled.records_exported} exported")
print(distilled.quarantine_summary)

# %% [markdown]
# Where each record went that is not in the file:

# %%
# NBVAL_CHECK_OUTPUT
print(distilled.excluded().groupby("reason").size().to_string())

# %% [markdown]
# The table behind these counts has a row per record, with file and line.

# %%
distilled.excluded().head(8)

# %% [markdown]
# ## Result: from corrections
#
# A review queue, and two reviewers. In practice people decide in the panel of the notebook on
# correction review; here a few rules stand in for them, so that the notebook says the same on
# every machine.

# %%
queue = ReviewQueue(folder, reviewer="ana")
for run in sorted(sample_path("bench_results").iterdir()):
    queue.import_run(run)
second = ReviewQueue(folder, reviewer="bea")
waiting = queue.to_frame().query("status == 'needs_review'").set_index("id")
print(f"{len(waiting)} answers wait for review")

# %% [markdown]
# Ana approves what the scorer got wrong, and corrects what has a known answer. Twice she means
# well and goes wrong: she corrects a conversation in which a failed answer stands as an earlier
# turn, and once she saves the model's own answer with nothing changed but the capitals.

# %%
for item, row in waiting.iterrows():
    expected = re.search(r"expected (\d+), got", str(row["failure_reason"]))
    if row["failure_category"] == "scoring_artifact":
        queue.approve(item)
    elif expected:
        queue.correct(item, f"{expected[1]} glasses")
    elif row["failure_reason"] == "kept the wrong answer":
        queue.correct(item, "No, that was wrong. I will count again.")
slip = waiting.query("failure_category == 'style_violation'").iloc[0]
slip = queue.correct(slip.name, slip["model_response"].upper())

# %% [markdown]
# Bea discards two of the items that Ana corrected. Two people who disagree make a conflict.

# %%
wrong = waiting.query("failure_category == 'wrong_answer'").index
for item in wrong[1:3]:
    second.discard(item)
queue = ReviewQueue(folder, reviewer="ana")
print(f"{queue.to_frame()['conflict'].sum()} conflicts")

# %% [markdown]
# The export takes the *whole* queue: an answer that is not there cannot be blocked.

# %%
corrections = export_corrections(queue, folder / "corrections.jsonl", split=0.2)
corrections

# %% [markdown]
# Of the rows left out, those whose status says `approved` are what a filter on the status alone
# would have put into the training file.

# %%
# NBVAL_CHECK_OUTPUT
print(f"{corrections.rows_exported} of {corrections.rows_read} candidates written")
print(f"{corrections.approved_but_left_out} approved and left out")
print(corrections.reasons().to_string(index=False))

# %% [markdown]
# The excluded table names the candidate whose answer a row matched. The blank target is a row
# that came as `approved` with the benchmark's files, but without a text.

# %%
# NBVAL_CHECK_OUTPUT
left_out = corrections.excluded()
print(left_out[left_out["status"] == "approved"][["id", "reason", "matched_id"]].to_string())

# %% [markdown]
# ## Is the set balanced?
#
# A training set teaches what it has most of. Rows of the distilled set by source class, model,
# category and length of the response:

# %%
figure = plot_export_balance(distilled.balance())

# %% [markdown]
# And of the corrections:

# %%
figure = plot_export_balance(corrections.balance())

# %% [markdown]
# ## Hygiene
#
# Before training, look for what does not belong twice, and for what you want to measure with.
# `correction_rows` are the rows that pass the firewall; each step says what it dropped and beside
# which row. Here a benchmark happens to ask the last of these questions, in capitals.

# %%
# NBVAL_CHECK_OUTPUT
rows = correction_rows(queue)
question = rows["prompt_messages"].iloc[-1][-1]["content"]
steps = clean_rows(rows, evaluation=pd.DataFrame({"query": [question.upper()]}))
print(*steps, sep="\n")
clean = export_corrections(queue, folder / "clean.jsonl", split=0.2, hygiene=steps)
print(clean)

# %% [markdown]
# ## Can somebody check it later?
#
# Beside every file lies a manifest with the settings, the counts and a hash of each file.
# `verify_export` works them out again. One changed byte is noticed.

# %%
# NBVAL_CHECK_OUTPUT
train = clean.files["train"]
print(bool(verify_export(out / "sft.jsonl")), bool(verify_export(train)))
train.write_bytes(train.read_bytes().replace(b"glasses", b"Glasses", 1))
print(*(problem.split(" has ")[0] for problem in verify_export(train).problems), "changed")

# %% [markdown]
# The files hold training keys alone, so HF `datasets` and TRL read them as they are. What else is
# known of a row stands in the sidecar, line by line.

# %%
# NBVAL_CHECK_OUTPUT
print(*sorted(path.name for path in folder.glob("corrections.*")), sep="\n")
print(corrections.files["train"].read_text().splitlines()[0][:74])

# %% [markdown]
# ## What this does not show
#
# - **That the targets are right.** The firewall knows who wrote a text and who approved it, not
#   whether it is true. A wrong correction passes.
# - **That a rejected answer cannot come back in other words.** Texts are compared after Unicode
#   normalisation, case folding and white-space collapse. A failed answer with one word changed is
#   another text.
# - **That the set is large or varied enough** to train on. The sample is generated, and small.
# - **That a benchmark is clean.** Contamination is looked for by equality, runs of 13 words and
#   containment. A paraphrase or a translation is not found.
# - **Which rows help.** That needs a training run and a held-out set; the split by prompt keeps
#   the two apart, and adding rows later moves none.

# %% [markdown]
# ## Try it
#
# - Export as `format="prompt_completion"`, `"sharegpt"` or `"alpaca"`. Which rows can Alpaca not
#   hold, and what does `excluded()` say of them?
# - Undo one of Bea's decisions (`second.undo()`), open the queue again and export. Which row
#   appears?
# - `from jarvis_lab import export_preferences`, then
#   `export_preferences(queue, folder / "pairs.jsonl")` writes pairs of a correction and the answer
#   it corrects. Why do the approved answers make none?
# - Point `export_sft` at your own lake with `dry_run=True`: it writes nothing and shows where every
#   record would go.
