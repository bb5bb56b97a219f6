# %% [markdown]
# # 02 · How does each model do on each kind of query?
#
# **Question.** Which model is good at what, and how sure can one be of that?
#
# **Data.** The generated sample (`data/README.md`), whose true success probabilities are known; or
# the log at `JARVIS_LAB_TRACES`. The numbers quoted below are those of the sample.

# %% [markdown]
# The first cell finds the log and loads the names that this notebook uses.

# %%
import os

import pandas as pd

from jarvis_lab import class_scores, plot_class_scores, plot_score_heatmap
from jarvis_lab import sample_path, score_counts

source = os.environ.get("JARVIS_LAB_TRACES") or sample_path("traces.db")
pd.set_option("display.width", 120)

# %% [markdown]
# ## Method
#
# Each query gets a class: `code`, `math`, `short`, `long` or `general`, by one of the two schemes of
# the original policies (`regex` or `keyword`), by a column, or by a model of your own. Everything
# that is scored below is a function of one small table of counts, so the log is read only once.

# %%
# NBVAL_CHECK_OUTPUT
counts = score_counts(source, by=("regex", "keyword"))
print(f"{counts.loc[counts['scheme'] == 'regex', 'n'].sum():,} traces in {len(counts)} rows")
counts.groupby(["scheme", "query_class"])["n"].sum().unstack()

# %% [markdown]
# `class_scores` turns counts into scores. `success_rate` has Wilson's interval; `reward_mean` weighs
# outcome and feedback, of those that are there; the two composites are the originals', which count
# a missing outcome as a failure. `note` marks the rows that are not to be relied on.

# %%
# NBVAL_CHECK_OUTPUT
scores = class_scores(counts[counts["scheme"] == "regex"].drop(columns="scheme"))
shown = ["model", "n_outcome", "success_rate", "success_rate_low", "success_rate_high", "note"]
scores.loc[scores["query_class"] == "code", shown].round(3).reset_index(drop=True)

# %% [markdown]
# ## Result
#
# Points with their 95 % intervals. Hollow ones have a note.

# %%
plot_class_scores(scores)

# %% [markdown]
# The same numbers as a heatmap, which stays readable with many models.

# %%
plot_score_heatmap(scores)

# %% [markdown]
# The best mean of each class, its interval, and the runner-up. In `long` the highest mean rests on
# 3 traces: the row says so, and the interval shows how little they mean.

# %%
# NBVAL_CHECK_OUTPUT
ranked = scores.sort_values("reward_mean", ascending=False).groupby("query_class")
best = ranked.nth(0).sort_values("query_class").reset_index(drop=True)
best["runner_up"] = ranked.nth(1).sort_values("query_class")["model"].to_numpy()
names = ["query_class", "model", "n", "reward_mean", "reward_mean_low", "reward_mean_high"]
best[[*names, "runner_up", "note"]].round(3)

# %% [markdown]
# The sample's truth is known, so one can count how many of the 95 % intervals hold it. (On a log of
# your own there is no such file, and the cell says so.)

# %%
# NBVAL_CHECK_OUTPUT
truth = pd.read_csv(sample_path("truth_classes.csv")).query("scheme == 'regex'")
held = scores.merge(truth, on=["query_class", "model"])
inside = held["success_probability"].between(held["success_rate_low"], held["success_rate_high"])
if "JARVIS_LAB_TRACES" in os.environ:
    print("The truth of this log is not known.")
else:
    print(f"{inside.sum()} of {len(held)} intervals hold the true success probability")

# %% [markdown]
# ## What this does not show
#
# - Whether the classes are the right ones. Within a class one model may get the easier queries.
# - What a routing table would be worth: choosing the highest mean of each class rewards luck. The
#   intervals of two models that overlap say that the log does not know which is better.
#
# ## Try it
#
# - `class_scores(source, by="keyword")`, or `by="domain"` for a table with such a column.
# - `class_scores(source, outcome_weight=0, feedback_weight=1)` scores by feedback alone.
# - `plot_class_scores(class_scores(source, level=0.5))`
