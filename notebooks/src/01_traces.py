# %% [markdown]
# # 01 · What is in the log?
#
# **Question.** Before any score: which traces are there, which models answered, what is missing,
# and is there anything in the log that a score should not be built on?
#
# **Data.** The generated sample (`data/README.md`), a trace store in the schema of OpenJarvis. No
# model was asked. For your own log set `JARVIS_LAB_TRACES` to its path before starting Jupyter: a
# trace store, JSONL, Parquet, CSV, a folder or a glob of these. The numbers quoted below are those
# of the sample.

# %% [markdown]
# The first cell finds the log and loads the names that this notebook uses.

# %%
import os

import pandas as pd

from jarvis_lab import read_steps, read_traces, sample_path

source = os.environ.get("JARVIS_LAB_TRACES") or sample_path("traces.db")
pd.set_option("display.max_columns", 30)

# %% [markdown]
# ## Method
#
# `read_traces` gives one row per trace, oldest first, whatever the source. The store is opened
# read-only; nothing is written, and it may be in use.

# %%
# NBVAL_CHECK_OUTPUT
traces = read_traces(source)
print(f"{len(traces):,} traces of {traces['model'].nunique()} models,",
      f"{traces['started_at'].min():%Y-%m-%d} to {traces['started_at'].max():%Y-%m-%d}")

# %% [markdown]
# The columns are the store's own. Times are UTC timestamps, and facts that live in the JSON of
# `metadata` (`cost_usd`, `propensity`, `query_id`) come out as columns.

# %%
# NBVAL_CHECK_OUTPUT
print(traces.dtypes.to_string())

# %% [markdown]
# A few rows, with the long texts cut.

# %%
columns = ["started_at", "model", "query", "outcome", "feedback", "total_latency_seconds"]
traces[columns].head(4).assign(query=traces["query"].str.slice(0, 50) + "…")

# %% [markdown]
# ## Result
#
# ### What is missing
#
# An outcome that is missing is not a failure, and a feedback that is missing is not a 0.5, although
# both of the original routing policies read them so. Here 12.7 % of the traces have no outcome, and
# 72.0 % no feedback.

# %%
# NBVAL_CHECK_OUTPUT
missing = traces[["outcome", "feedback", "total_latency_seconds", "cost_usd"]].isna()
print(missing.mean().map("{:.1%}".format).to_string())

# %% [markdown]
# ### Who answered what
#
# One row per model: how often it was asked, how often it succeeded where the outcome is known, and
# what it cost. The dearest model costs 41 times as much per trace as the cheapest.

# %%
# NBVAL_CHECK_OUTPUT
known = traces.assign(success=traces["outcome"].eq("success").where(traces["outcome"].notna()))
by_model = known.groupby("model").agg(
    traces=("model", "size"), success_rate=("success", "mean"),
    cost_mean_usd=("cost_usd", "mean"), latency_median_seconds=("total_latency_seconds", "median"),
)
dearest, cheapest = by_model["cost_mean_usd"].max(), by_model["cost_mean_usd"].min()
print(f"The dearest model costs {dearest / cheapest:.0f} times as much as the cheapest.")
by_model.astype({"success_rate": float}).round(
    {"success_rate": 3, "cost_mean_usd": 6, "latency_median_seconds": 2}
)

# %% [markdown]
# ### Traffic over time
#
# A gap or a jump here would mean that the log mixes two deployments, and that a table learned from
# all of it describes neither.

# %%
import matplotlib.pyplot as plt

daily = traces.groupby([traces["started_at"].dt.floor("D").dt.tz_localize(None), "model"]).size()
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
daily.unstack(fill_value=0).rolling(3, min_periods=1).mean().plot(ax=ax, linewidth=1.6)
ax.set(xlabel="", ylabel="traces a day (3-day mean)", title="Traffic by model")
ax.spines[["top", "right"]].set_visible(False)
_ = ax.legend(title=None, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.12))

# %% [markdown]
# ### What the agent did
#
# `read_steps` gives one row per step of a trace.

# %%
# NBVAL_CHECK_OUTPUT
steps = read_steps(source, columns=["trace_id", "step_type", "duration_seconds"])
steps.groupby("step_type")["duration_seconds"].agg(["size", "median"]).round(3)

# %% [markdown]
# ## What this does not show
#
# Which model is better: the models did not answer the same queries, so the success rates above
# compare unlike with unlike. Notebook 02 scores them per kind of query. The log also cannot say
# whether an outcome was judged rightly.
#
# ## Try it
#
# - `read_traces(source, since="2026-04-01", columns=["model", "outcome", "metadata"])`
# - `read_traces("logs/*.jsonl.zst", on_bad_lines=bad.append)` with `bad = []` collects each line
#   that cannot be read, with its file, number and reason.
# - `read_traces(source, limit=100)` keeps the newest hundred.
