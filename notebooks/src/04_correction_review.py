# %% [markdown]
# # 04 · What did the models get wrong, and what should they have said?
#
# **Question.** A benchmark left a pile of answers that its scorer did not like. Which of them are
# really wrong, what is the right answer, and how does a correction survive until it is trained on?
#
# **Data.** The generated sample (`data/README.md`): two benchmark runs with failed answers. No
# model was asked. For real work set `JARVIS_LAB_REVIEW` to a folder that keeps the decisions, and
# `JARVIS_LAB_BENCH_RESULTS` to the folder of your runs (`{run_id}/sft_candidates.jsonl`), before
# starting Jupyter. Without them everything here goes to a temporary folder. The numbers quoted
# below are those of the sample.

# %% [markdown]
# The first cell finds the runs and the folder for the decisions.

# %%
import os
import tempfile

from jarvis_lab import ReviewPanel, ReviewQueue, discover_runs, sample_path

bench_results = os.environ.get("JARVIS_LAB_BENCH_RESULTS") or sample_path("bench_results")
folder = os.environ.get("JARVIS_LAB_REVIEW") or tempfile.mkdtemp()

# %% [markdown]
# One row per run, the newest first. The older run has 40 answers to review and one line that was
# cut off; such a line is counted and left where it is.

# %%
# NBVAL_CHECK_OUTPUT
runs = discover_runs(bench_results)
print(runs.drop(columns="path").to_string(index=False))

# %% [markdown]
# ## Method
#
# A `ReviewQueue` is a folder. Importing copies the answers once and never changes them; every
# decision is one line in a journal, on disk before the screen says "saved". Importing the same run
# again imports nothing. Four of the 65 answers came with a decision, so 61 wait.

# %%
# NBVAL_CHECK_OUTPUT
queue = ReviewQueue(folder)
results = [queue.import_run(run, bench_results=bench_results) for run in sorted(runs["run_id"])]
print(sum(r.imported + r.skipped for r in results), "answers,", queue.pending_count(), "to review")

# %% [markdown]
# The panel shows one answer at a time. The editor starts from what the model said, and the
# difference stands beneath it. *Save correction* takes your text, *Approve* says that the model was
# right and the scorer wrong. Discarding and flagging ask once more; *Undo* goes back as far as you
# like. A draft is kept while you type. This needs a running kernel; in a stored notebook the table
# below takes its place.

# %%
panel = ReviewPanel(queue)
panel

# %% [markdown]
# The same queue as a table: the six answers with the lowest scores.

# %%
# NBVAL_CHECK_OUTPUT
worst = queue.pending(per_page=6, order="quality")
columns = ["id", "model_name", "task_name", "quality_score", "failure_reason"]
print(worst[columns].to_string(index=False))

# %% [markdown]
# ### The same by code
#
# Whatever the panel does, a line of code does too. From here on the notebook works on a queue of
# its own in a temporary folder, so that trying things out never touches your decisions.

# %%
practice = ReviewQueue(tempfile.mkdtemp(), reviewer="reader")
for run in ("2026-04-06-091500", "2026-04-13-140230"):
    practice.import_run(run, bench_results=sample_path("bench_results"))

# %% [markdown]
# The first answer subtracts wrongly: 44 × 6 = 264, less 7 broken glasses is 257.

# %%
# NBVAL_CHECK_OUTPUT
first = practice.get("2026-04-06-091500-000")
print(first.prompt_messages[-1]["content"], first.model_response, sep="\n→ ")
fixed = practice.correct(first.id, "257", failure_category="wrong_answer", note="44 × 6 − 7")
print(fixed)

# %% [markdown]
# Where the scorer compared text with text, the model may have been right. The sample marks those
# answers itself (`scoring_artifact`); in real data this is what the reviewer finds out. Here there
# are 7 of them, and approving makes each its own training target.

# %%
# NBVAL_CHECK_OUTPUT
waiting = practice.pending(per_page=100)
artifacts = waiting[waiting["failure_category"] == "scoring_artifact"]
for item_id in artifacts["id"]:
    practice.approve(item_id, failure_category="scoring_artifact")
print(len(artifacts), "approved,", practice.pending_count(), "left")

# %% [markdown]
# Undo and redo are entries of the journal as well; nothing is erased.

# %%
# NBVAL_CHECK_OUTPUT
invented = practice.pending(order="quality")["id"][0]
practice.discard(invented, note="the prize does not exist")
print(practice.undo())
print(practice.redo())
print(practice.history(invented)[["reviewer", "action", "in_force"]].to_string())

# %% [markdown]
# ## Result
#
# ### Where the queue stands
#
# Counts by status, and what the decisions say went wrong.

# %%
# NBVAL_CHECK_OUTPUT
stats = practice.stats()
for key in ("total", "by_status", "by_failure_category", "export_ready"):
    print(f"{key}: {stats[key]}")

# %% [markdown]
# ### Two reviewers
#
# A second reviewer opens the same folder and sees the first answer differently. Neither is refused;
# the item is in conflict and is not exported until one of the two decisions is undone.

# %%
# NBVAL_CHECK_OUTPUT
second = ReviewQueue(practice.folder, reviewer="second")
second.edit(first.id, "257 glasses")
print(practice.conflicts()[["id", "reviewer", "action", "text"]].to_string(index=False))
second.undo(first.id, reviewer="second")
print(len(practice.conflicts()), "conflicts left")

# %% [markdown]
# ### What may be trained on
#
# The corrections and approved answers become training rows behind a firewall: a text that a model
# got wrong is never a target, nor an earlier turn of a conversation. 9 rows are written here, and
# every other candidate stands in `excluded()` with its reason: 52 are not decided yet, and one came
# with the status approved but without a text.

# %%
# NBVAL_CHECK_OUTPUT
from jarvis_lab import export_corrections

result = export_corrections(practice, practice.folder / "corrections.jsonl")
print(result.rows_exported, "rows,", result.approved_as_is, "of them approved as they were")
print(result.excluded()["reason"].value_counts().to_string())

# %% [markdown]
# ## What this does not show
#
# - The answers are generated and easy to judge. How long a real review takes, and how often two
#   people agree, has to be measured on your own answers: `queue.agreement()` gives the agreement
#   and Cohen's κ with their n.
# - A reviewed answer is one person's opinion. The queue keeps who said what and shows where two
#   disagree; it does not know who is right.
# - Failed answers are not a sample of all answers. Scores and routing tables come from the traces
#   (notebooks 02 and 03), not from here.
#
# ## Try it
#
# - Correct three answers in the panel, run `queue.stats()`, then restart the kernel and run the
#   notebook again with `JARVIS_LAB_REVIEW` set: the decisions are there.
# - `queue.pending(order="value")` puts first what would change a routing table most.
# - Give the panel another export: `ReviewPanel(queue, export=lambda q: q.stats())`.
