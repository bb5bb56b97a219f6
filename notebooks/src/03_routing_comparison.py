# %% [markdown]
# # 03 · Two routing tables from one log
#
# **Question.** What do the two original policies learn from this log, and where do they disagree?
#
# **Data.** The generated sample (`data/README.md`), or the log at `JARVIS_LAB_TRACES`. The numbers
# quoted below are those of the sample.

# %% [markdown]
# The first cell finds the log and loads the names that this notebook uses.

# %%
import os

import pandas as pd

from jarvis_lab import RoutingExplorer, SFTRouterPolicy, TraceDrivenPolicy, class_scores
from jarvis_lab import disagreements, routing_diff, sample_path, score_counts

source = os.environ.get("JARVIS_LAB_TRACES") or sample_path("traces.db")
pd.set_option("display.width", 140)

# %% [markdown]
# ## Method
#
# `SFTRouterPolicy` sorts queries by keywords and takes, per class, the model with the highest mean
# composite among those with at least `min_samples` traces. `TraceDrivenPolicy` sorts by regular
# expressions and holds the *class's* total against `min_samples`. Both learn from the same counts.

# %%
# NBVAL_CHECK_OUTPUT
counts = score_counts(source, by=("regex", "keyword"))
sft, learned = SFTRouterPolicy(), TraceDrivenPolicy(counts)
print("SFTRouterPolicy:", sft.update(counts)["updated"])
print("TraceDrivenPolicy:", learned.update_from_traces()["updated"])

# %% [markdown]
# ## Result
#
# What each would route to, with the mean reward and its number behind it. `TraceDrivenPolicy` sends
# `long` to a model that answered 3 such queries: the fault that its documentation names.

# %%
# NBVAL_CHECK_OUTPUT
tables = []
for policy, by in ((sft, "keyword"), (learned, "regex")):
    scores = class_scores(counts[counts["scheme"] == by].drop(columns="scheme"))
    table = routing_diff({}, policy, scores).drop(columns=["old", "old_score", "old_n"])
    tables.append(table.assign(policy=type(policy).__name__))
pd.concat(tables).set_index(["policy", "query_class"]).round(3)

# %% [markdown]
# Where they disagree, on this traffic. The same query may be in different classes for the two.

# %%
# NBVAL_CHECK_OUTPUT
differing = disagreements(sft, learned, source)
print(f"They disagree on {differing['share'].sum():.1%} of the traffic.")
differing.drop(columns="example").round(3)

# %% [markdown]
# ### Live
#
# The same with controls: the scheme of both policies, `min_samples`, and which models may be chosen.
# Tables and disagreements follow. Everything it does, a line of code can do, as the cell below it
# shows.

# %%
explorer = RoutingExplorer(source)
explorer

# %% [markdown]
# The plain-table twin: move the controls from code, and read what they made. With regular
# expressions for both, `min_samples` keeps the model with 3 traces out of `SFTRouterPolicy`'s table,
# even at 30, but not out of `TraceDrivenPolicy`'s.

# %%
# NBVAL_CHECK_OUTPUT
explorer.set(scheme="regex", min_samples=30)
explorer.tables().round(3)

# %% [markdown]
# And the disagreements that are left.

# %%
# NBVAL_CHECK_OUTPUT
explorer.disagreements().drop(columns="example").round(3)

# %% [markdown]
# ## What this does not show
#
# What either table is worth. A table that is valued on the log it was learned from flatters itself,
# and a log of one model a query cannot simply be replayed. Both policies also count a missing
# outcome as a failure and know nothing of how sure they can be.
#
# ## Try it
#
# - `from jarvis_lab import save_policy`, then `save_policy(learned, "policy.json")` writes a file
#   whose `policy_map` OpenJarvis can take over.
# - `routing_diff(old, new, scores)` shows what a new table would change.
# - `learned.route(["import os", "hello"])` routes queries of your own.
