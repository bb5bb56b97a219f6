# %% [markdown]
# # 03 · What would happen if I switched?
#
# **Question.** Which routing table does this log support, what is it worth, and what would it change?
#
# **Data.** The generated sample (`data/README.md`), or the log at `JARVIS_LAB_TRACES`. The numbers
# quoted below are those of the sample.

# %% [markdown]
# The first cell finds the log and loads the names that this notebook uses.

# %%
import os

import pandas as pd

from jarvis_lab import RoutingExplorer, sample_path

source = os.environ.get("JARVIS_LAB_TRACES") or sample_path("traces.db")
pd.set_option("display.width", 160, "display.max_columns", 20)

# %% [markdown]
# ## Method
#
# Five policies learn from the same log. **SFT** and **learned** are the two originals: the highest
# score per class, of keywords and of regular expressions. **lower bound** starts from the best single
# model and leaves it only where the log supports that. **best single** and **random** are what any
# of them has to beat.
#
# A table that is valued on the traces it was learned from flatters itself, so each is learned on one
# half of the queries and valued on the other, both ways. Traces of each class are weighted as the
# policy would have used the models (post-stratification), and where the log has too few of them
# there is a refusal instead of a number.
#
# ## Result
#
# ### Live
#
# Move a control: scores, tables and changes follow at once, values a moment later. Everything that it
# does, a line of code can do, as the cells below show.

# %%
explorer = RoutingExplorer(source)
explorer

# %% [markdown]
# The plain-table twin, which reads what the controls made. First the tables side by side; each policy
# has its own classes here, so the same name need not mean the same queries.

# %%
# NBVAL_CHECK_OUTPUT
explorer.tables().drop(columns="random")

# %% [markdown]
# What each is worth, against the best single model. `diff` has an interval of its own: what two
# policies share cancels.

# %%
# NBVAL_CHECK_OUTPUT
columns = ["policy", "value", "low", "high", "diff", "diff_low", "diff_high", "status"]
explorer.values()[columns].round(3)

# %% [markdown]
# What the chosen table, `lower bound`, would change. Without a table of today (`current=`), it is held
# against the model that the log used most in each class.

# %%
# NBVAL_CHECK_OUTPUT
explorer.diff().round(3)

# %% [markdown]
# ### One lucky trace
#
# `learned` sends `long` to a model that answered 3 such queries: it holds the class's total against
# `min_samples`, not the model's own number. A tenth of its value above leans on these 3 traces. Such
# cells have a note, and a dashed frame on screen.

# %%
# NBVAL_CHECK_OUTPUT
scores = explorer.scores()
scores[scores["note"] != ""][["query_class", "model", "n_reward", "reward_mean", "note"]].round(3)

# %% [markdown]
# A cell can move the controls as well. With the same classes for all, a larger `min_samples` keeps
# that model out of `SFT`'s table, but not out of `learned`'s.

# %%
# NBVAL_CHECK_OUTPUT
explorer.set(scheme="regex", min_samples=30)
tables = explorer.tables()
tables[tables["differ"]].drop(columns="random").reset_index(drop=True)

# %% [markdown]
# ### When the log cannot say
#
# The time range has 50 steps. In the first 3, some policies rest on so few traces that there is no
# value, only bounds and the reason.

# %%
# NBVAL_CHECK_OUTPUT
explorer.set(scheme="original", min_samples=5, steps=(0, 3))
values = explorer.values()
refused = values[values["status"].str.startswith("refused")]
for row in refused.to_dict("records"):
    print(f"{row['policy']}: {row['bound_low']:.2f} to {row['bound_high']:.2f}; {row['status']}")

# %% [markdown]
# Back to where it began, so that the explorer above shows the whole log.

# %%
_ = explorer.set(steps=(0, 50))

# %% [markdown]
# ## What this does not show
#
# If the log's choice depended on how hard a query was inside a class, no estimator and no diagnostic
# can tell, and every value above is wrong by an amount that nothing here shows. A cross-fitted value
# is that of a table learned from a half of the log, so a little low for one learned from all of it.
#
# ## Try it
#
# - Choose `domain`-like columns of your own log as classes: text columns with 2 to 30 values are found,
#   others are given with `RoutingExplorer(source, by="team")`.
# - `RoutingExplorer(source, {"today": policy}, current=policy)` holds everything against your own.
# - `explorer.save("policy.json")` writes the chosen table; with `from jarvis_lab import load_policy`,
#   `load_policy("policy.json")` reads it again.
