# %% [markdown]
# # 06 · What would a policy be worth?
#
# **Question.** Today every query goes to one model. Somebody proposes a routing table. Would it
# answer more queries right, by how much, and can this log tell at all?
#
# **Data.** The generated sample (`data/README.md`). Its true success probabilities are known, so
# every estimate below can be held against the truth, which no log of your own allows. Two small
# simulations come from the same probabilities, with fixed seeds.

# %% [markdown]
# The first cells load the names that this notebook uses, the log, and the truth.

# %%
import numpy as np
import pandas as pd

from jarvis_lab import AlwaysPolicy, LowerBoundRouterPolicy, RouterPolicy, TraceDrivenPolicy
from jarvis_lab import apgr, class_regret, classify_queries, classify_query
from jarvis_lab import compare_policies, complete_values, exploration_plan
from jarvis_lab import logged_value, overlap, read_traces, routing_curve, sample_path
from jarvis_lab import plot_class_regret, plot_overlap, plot_policy_values
from jarvis_lab import plot_quality_cost, plot_routing_curve

# %% [markdown]
# `kinds` has the truth: how often each model succeeds on each kind of query, and how frequent the
# kind is. Of the log, the traces with an outcome count.

# %%
pd.set_option("display.width", 120)
log = read_traces(sample_path("traces.db"))
known = log.dropna(subset=["outcome"])
kinds = pd.read_csv(sample_path("truth_kinds.csv"))
print(f"{len(log):,} traces, {len(known):,} with an outcome")

# %% [markdown]
# ## Method
#
# A log of one model a query shows what *was* chosen, not what *would have been*. To say what
# another policy would earn, its choices have to be found in the log, class by class, and weighed as
# the policy would use them. That works under one condition: **inside a class, the log's choice of
# model did not depend on how hard the query was.** It is true of this sample. The last section
# shows what happens where it is not.
#
# ## Result: why replay misleads
#
# The obvious way is to take the traces that a model answered, and average. Beside it: the value that
# `compare_policies` gives, with its 95 % interval, and the truth.

# %%
# NBVAL_CHECK_OUTPUT
always = {model: AlwaysPolicy(model) for model in sorted(known["model"].unique())}
values = compare_policies(log, always).set_index("policy")
models = values.loc[list(always), ["value", "low", "high"]]
models.insert(0, "replay", (known["outcome"] == "success").groupby(known["model"]).mean())
hits = kinds["share"] * kinds["success_probability"]
models["truth"] = hits.groupby(kinds["model"]).sum()
models.sort_values("replay", ascending=False).round(3)

# %% [markdown]
# Replay puts `qwen2.5-coder:14b` above `llama3.1:70b`. The truth is the other way round, by 0.14.
# The coder was asked mostly about code, which it is good at; its mean says how it did on *its*
# queries, not how it would do on all of them. The values weigh every class by its share of the
# traffic. Five of the six intervals hold the truth; that of `llama3.2:3b` just misses it. About one
# in twenty is expected to.

# %% [markdown]
# ## Result: look at the overlap first
#
# Four proposals, written down by hand. A policy is a `RouterPolicy` that has `select_model`.

# %%
class Table(RouterPolicy):
    def __init__(self, table):
        self.table = table

    def select_model(self, context):
        return self.table.get(classify_query(context.query, by="regex"), "cirrus-large-2")


three = {"code": "qwen2.5-coder:14b", "math": "qwen3:8b", "short": "mistral-small:24b"}
specialists, lucky = Table(three), Table({**three, "long": "qwen3:8b"})
coder, newcomer = Table({"code": "qwen2.5-coder:14b"}), Table({"code": "nimbus-2"})

# %% [markdown]
# Before any value: has the log seen what the policy would do? These are the cells that `lucky`
# uses. On long queries, a tenth of the traffic, it goes to a model with 3 rewards, and the note says
# so.

# %%
# NBVAL_CHECK_OUTPUT
seen = overlap(log, lucky)
shown = ["query_class", "model", "traffic_share", "logged_share", "n", "covered", "note"]
seen.loc[seen["share"] > 0, shown].round(3).reset_index(drop=True)

# %% [markdown]
# The whole picture: how often the log used each model in each class, and how many rewards came of
# it. Frames mark where the policy would go; the dashed one has the note.

# %%
plot_overlap(seen)

# %% [markdown]
# ## Result: the value with its interval, and the difference with its own
#
# `today` is what the others are compared with. Three policies are added to any comparison: the best
# single model, the best one by its lower bound, and a model at random. `n_effective` says how many
# traces of the policy's own the log is worth: the fewer, the wider the interval.

# %%
# NBVAL_CHECK_OUTPUT
proposals = {
    "today": AlwaysPolicy("cirrus-large-2"),
    "coder": coder,
    "specialists": specialists,
    "lucky": lucky,
    "newcomer": newcomer,
}
values = compare_policies(log, proposals, reference="today")
shown = ["policy", "value", "low", "high", "diff", "diff_low", "diff_high", "n_effective"]
values[shown].round(3)

# %% [markdown]
# `best single` is worth 0.678 only. It is chosen by the plain mean in one half of the log and valued
# in the other, and one of the halves picks `qwen2.5-coder:14b`: replay's mistake again.
#
# The same drawn. The box is no interval: it says that the log cannot tell, and between which bounds
# the value lies, whatever the missing rewards would have been.

# %%
plot_policy_values(values, reference="today")

# %% [markdown]
# The intervals of `today` (to 0.827) and `specialists` (from 0.823) overlap. That does *not* mean
# that the log cannot tell them apart: on general and long queries both choose the same model, and
# what they share cancels. The difference has an interval of its own.

# %%
plot_policy_values(values, value="diff", reference="today")

# %% [markdown]
# `specialists` gains 0.050, and the interval (0.014 to 0.086) is above 0. That of `coder` just
# reaches 0: the log does not quite settle it. Now the truth, which a log of your own would not tell:

# %%
# NBVAL_CHECK_OUTPUT
def true_value(table):
    chosen = [table.get(name, "cirrus-large-2") for name in kinds["regex"]]
    return float(hits[kinds["model"] == chosen].sum())


tables = {"today": {}, "coder": coder.table, "specialists": three, "lucky": lucky.table}
truth = pd.Series({name: true_value(table) for name, table in tables.items()}, name="truth")
print((truth - truth["today"]).rename("gain").to_frame().assign(truth=truth).round(3))

# %% [markdown]
# Each interval holds its truth. But `lucky` shows the highest value of all, 0.860, and is worth less
# than `specialists`, 0.824 against 0.850: three lucky answers stand for a tenth of the traffic. An
# interval tells how far off one value may be; it does not protect from picking the highest of
# several. That is what the note in the overlap was for.

# %% [markdown]
# ## Result: a refusal, and what to do about it
#
# `newcomer` sends code to a model that the log never used. No formula can make up for that, so there
# is no number, but a reason and bounds.

# %%
# NBVAL_CHECK_OUTPUT
refused = values.set_index("policy").loc["newcomer"]
print(refused["status"])
print(f"bounds: {refused['bound_low']:.3f} to {refused['bound_high']:.3f}")

# %% [markdown]
# `exploration_plan` says what to log next: which class to send to which model, and how many rewards
# are needed, for an interval that is about 0.08 wide.

# %%
# NBVAL_CHECK_OUTPUT
exploration_plan(log, newcomer, width=0.08)

# %% [markdown]
# Fifty queries answer the question, because the rest of the policy is known from the log. Pick them
# at random among the queries about code; a person who picks picks easy ones.

# %% [markdown]
# ## Result: a table valued on the log that it was learned from
#
# The best mean of each class is partly luck, and the same luck then confirms the table. The sample's
# truth makes new logs: `draw` takes classes and models as often as they come in the sample.

# %%
truths = pd.read_csv(sample_path("truth_classes.csv")).query("scheme == 'regex'")
examples = {"code": "import os", "math": "solve it", "short": "hello", "long": "word " * 110}
examples["general"] = "word " * 20
cells = truths.assign(query=truths["query_class"].map(examples))


def draw(size, rng):
    weight = cells["share"] * cells["propensity"]
    drawn = cells.sample(size, replace=True, weights=weight, random_state=rng)
    right = rng.random(size) < drawn["success_probability"]
    return drawn.assign(outcome=np.where(right, "success", "failure"), query_id=range(size))

# %% [markdown]
# Fifty logs of 2,000 traces. From each, `TraceDrivenPolicy` learns a table. It is valued on the log
# itself (given fitted), and cross-fitted (given unfitted: each half of the log is routed by what the
# other half teaches). `worth` is the truth about the table, `worth_half` that of one learned from
# half of the log.

# %%
chances = cells.set_index(["query_class", "model"]).eval("share * success_probability")
rng, rows = np.random.default_rng(3), []
for _ in range(50):
    sample = draw(2000, rng).reset_index(drop=True)
    table, half = TraceDrivenPolicy().fit(sample), TraceDrivenPolicy().fit(sample[:1000])
    worth, less = (chances[list(t.policy_map.items())].sum() for t in (table, half))
    same, crossed = logged_value(sample, table), logged_value(sample, TraceDrivenPolicy())
    holds = same.low <= worth <= same.high
    rows.append((worth, same.value, holds, less, crossed.value))
claims = pd.DataFrame(rows, columns=["worth", "same_log", "holds", "worth_half", "cross_fitted"])

# %% [markdown]
# On average over the fifty logs:

# %%
# NBVAL_CHECK_OUTPUT
print(claims[["worth", "same_log", "worth_half", "cross_fitted"]].mean().round(3).to_string())
print(f"above the truth, same log: {(claims['same_log'] > claims['worth']).mean():.0%}")
print(f"intervals of the same log that hold it: {claims['holds'].mean():.0%}")

# %% [markdown]
# On the log that it was learned from, a table claims 0.858 and is worth 0.832; nine times in ten the
# claim is too high, and the 95 % intervals hold the truth in 84 % of the logs only. The
# cross-fitted value, 0.811, is that of what half of the log teaches (0.814). It is a little low for
# the table learned from everything, and does not flatter. So give `compare_policies` a policy
# unfitted; one that is fitted already is marked "not cross-fitted".

# %% [markdown]
# ## Result: where every model answered every query
#
# A benchmark has every model's answer to every query, so no answer has to be guessed from those to
# other queries. Here is one of 1,500 queries, from the same truth: the probabilities of each kind,
# and queries that are hard for all models alike. The cost of a class and model is its mean in the log.

# %%
from statistics import NormalDist

chance = kinds.pivot(index="kind", columns="model", values="success_probability")
about = kinds.drop_duplicates("kind").set_index("kind").loc[chance.index]
rng = np.random.default_rng(7)
kind = rng.choice(len(chance), 1500, p=about["share"] / about["share"].sum())
hard = 0.8 * rng.normal(size=(1500, 1)) + 0.6 * rng.normal(size=(1500, 6))
bars = np.vectorize(NormalDist().inv_cdf)(chance.to_numpy())
right = pd.DataFrame(hard < bars[kind], columns=chance.columns)

# %% [markdown]
# As a table of one row per query and model:

# %%
domain = classify_queries(log["query"], by="regex").rename("domain")
costs = log.groupby([domain, "model"])["cost_usd"].mean().reset_index()
right["domain"], right["query_id"] = about["regex"].to_numpy()[kind], range(1500)
bench = right.melt(["query_id", "domain"], var_name="model", value_name="correct")
bench = bench.merge(costs, on=["domain", "model"])
print(f"{len(bench):,} rows")

# %% [markdown]
# Policies are compared on the same queries, pair by pair. `n_differ` counts the queries on which
# only one of the two is right; McNemar's test looks at nothing else. A policy that can learn is
# cross-fitted again.

# %%
# NBVAL_CHECK_OUTPUT
ready = {model: AlwaysPolicy(model) for model in sorted(chance.columns)}
ready["table"] = LowerBoundRouterPolicy(by="domain", reward="correct")
settings = {"reward": "correct", "reference": "cirrus-large-2", "also": ["cost_usd"]}
paired = complete_values(bench, ready, **settings)
paired[["policy", "value", "diff", "diff_low", "diff_high", "n_differ", "cost_usd"]].round(5)

# %% [markdown]
# The cross-fitted table earns 0.061 more than `cirrus-large-2`, at 0.00075 against 0.00132 dollars
# a query. Drawn as quality against cost: steps join what nothing else beats at both. The oracle,
# which knows the answer before it asks, is shown and takes no part.

# %%
plot_quality_cost(paired, level=0.95)

# %% [markdown]
# Which class costs most, if everything goes to `cirrus-large-2`? A bar is the class's share of the
# traffic times what the best possible choice would add there.

# %%
# NBVAL_CHECK_OUTPUT
regret = class_regret(bench, AlwaysPolicy("cirrus-large-2"), by="domain", reward="correct")
regret[["query_class", "share", "value", "best_model", "best_value", "regret", "cost"]].round(3)

# %% [markdown]
# The filled part is what another single model for the class would win back. On general and long
# queries there is none, so only a finer choice than the class could help.

# %%
plot_class_regret(regret, level=0.95)

# %% [markdown]
# With two models the question is how many queries have to go to the dear one. A score ranks the
# queries; here it is the mean gap of the query's class in the log. Half of the area between the
# ends (APGR 0.5) is what random routing gets.

# %%
# NBVAL_CHECK_OUTPUT
means = (known["outcome"] == "success").groupby([domain[known.index], known["model"]]).mean()
gaps = means.unstack()["cirrus-large-2"] - means.unstack()["mistral-small:24b"]
bench["gap"] = bench["domain"].map(gaps)
pair = {"weak": "mistral-small:24b", "strong": "cirrus-large-2", "reward": "correct"}
print(gaps.round(3).to_string())
print(apgr(bench, "gap", **pair))

# %% [markdown]
# The curve rises above the strong model alone and then falls: the last queries to go up are short
# ones, on which the cheap model is better.

# %%
plot_routing_curve(routing_curve(bench, "gap", **pair), level=0.95)

# %% [markdown]
# ## What no log can show
#
# Now a log where the condition of the method does not hold. One class, two models. Half of the
# queries are hard, and somebody who can see that sends most hard ones to `strong`. The log does not
# record the difficulty.

# %%
# NBVAL_CHECK_OUTPUT
rng = np.random.default_rng(11)
hard = rng.random(4000) < 0.5
strong = rng.random(4000) < np.where(hard, 0.8, 0.2)
chance_right = np.where(strong, np.where(hard, 0.60, 0.95), np.where(hard, 0.30, 0.90))
hidden = pd.DataFrame({"query": "hello", "query_id": range(4000), "propensity": 0.5})
hidden["model"] = np.where(strong, "strong", "weak")
hidden["correct"] = rng.random(4000) < chance_right
print(f"truth: strong {(0.60 + 0.95) / 2:.3f}, weak {(0.30 + 0.90) / 2:.3f}")

# %% [markdown]
# What the log says of it, by three estimators: post-stratified (`value`), weighted by propensity
# (`snips`), and doubly robust (`dr`).

# %%
# NBVAL_CHECK_OUTPUT
pair = {"strong": AlwaysPolicy("strong"), "weak": AlwaysPolicy("weak")}
wrong = compare_policies(hidden, pair, reward="correct", reference="weak")
wrong.loc[:1, ["policy", "value", "low", "high", "diff", "snips", "dr", "status"]].round(3)

# %% [markdown]
# Every estimator says the same, with a narrow interval and the status `ok`, and every one has the
# sign wrong: it takes the model that got the hard queries for the worse one. The propensities look
# right too, because on average half went to each. Nothing in the log gives it away. What helps is
# to record what the choice looked at, and use it as the class:

# %%
# NBVAL_CHECK_OUTPUT
hidden["difficulty"] = np.where(hard, "hard", "easy")
settings = {"by": "difficulty", "propensity": None, "reward": "correct", "reference": "weak"}
better = compare_policies(hidden, pair, **settings)
better.loc[:1, ["policy", "value", "low", "high", "diff", "status"]].round(3)

# %% [markdown]
# ## What this does not show
#
# - **That your log meets the condition.** If a person, or a router that reads the query, chose the
#   model, it may not. Sending a small share of the traffic to a model drawn at random does.
# - **What the sample is too kind for.** Its outcomes are independent, its kinds never drift, and
#   outcomes are missing at random. Real logs repeat queries and change with the season.
# - **That a reward is what you want.** All values are means of the reward in the log.
# - **The value of a policy outside this traffic.** Classes are weighed by their share here.
#
# ## Try it
#
# - `compare_policies(log, proposals, reference="specialists")`: is `lucky` better than that?
# - `compare_policies(log, proposals, by="keyword")`: the classes of the other scheme. Inside them
#   the propensities differ from trace to trace, and are used.
# - `overlap(log, newcomer)`, and `plot_overlap` of it: how is the missing cell marked?
# - `exploration_plan(log, specialists, width=0.03)`: what would it take to halve the interval?
# - Put `read_traces("your.db")` in place of the sample. The truth is then yours to guess.
