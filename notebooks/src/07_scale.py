# %% [markdown]
# # 07 · What if the log does not fit on this machine?
#
# **Question.** The same analysis, on files that are larger than memory, and on a cluster: does the
# answer change, and what does one have to change in the code?
#
# **Data.** The generated sample (`data/README.md`), cut into files as a service would write them.
# It is small; how time and memory grow up to 10,000,000 traces is measured in
# `benchmarks/RESULTS.md`, and `docs/scaling.md` goes on from there.

# %% [markdown]
# The first cells load the names that this notebook uses, and write the sample's traces as eight
# Parquet files of several row groups, in a temporary folder.

# %%
import tempfile
from pathlib import Path

import pandas as pd

from jarvis_lab import LowerBoundRouterPolicy, class_scores, export_sft, local_client
from jarvis_lab import read_traces, sample_path, score_counts

pd.set_option("display.width", 120)

# %% [markdown]
# Rows stay in their order: the first file holds the oldest traces.

# %%
folder = Path(tempfile.mkdtemp())
traces = read_traces(sample_path("traces.db"))
size = -(-len(traces) // 8)
for place in range(8):
    part = traces.iloc[place * size : (place + 1) * size]
    part.to_parquet(folder / f"traces-{place}.parquet", row_group_size=250)
print(f"{len(traces):,} traces in {len(list(folder.glob('*.parquet')))} files")

# %% [markdown]
# ## Method
#
# Every score, interval and routing table is a function of one small table of counts and sums, and
# such tables add up. So a log is never loaded: it is read in its stored pieces (a row group of
# Parquet, a file of JSON Lines, 65,536 rows of a trace store), each piece is counted where there
# is time for it, and the small tables are added **in stored order**. Whoever counts the pieces,
# one thread or a hundred machines, the same numbers are added in the same order, and the result is
# the same to the last bit.
#
# ## Result: out of memory, without a cluster
#
# A glob is enough. At no time are more than a few blocks of 65,536 rows in memory.

# %%
# NBVAL_CHECK_OUTPUT
counts = score_counts(str(folder / "*.parquet"), workers=1)
print(f"{counts['n'].sum():,} traces became {len(counts)} rows")
print("two threads give the same bits:", counts.equals(score_counts(folder, workers=2)))

# %% [markdown]
# ## Result: on a cluster
#
# `local_client` starts a cluster of two processes on this machine. `client.dashboard_link` is the
# address of its dashboard, something like `http://127.0.0.1:<port>/status`: open it beside the
# notebook and watch the next cells.

# %%
client = local_client(workers=2)
print(client.dashboard_link)

# %% [markdown]
# The same call with `client=`: the workers read the files, and only the counts come back.

# %%
# NBVAL_CHECK_OUTPUT
on_cluster = score_counts(folder, client=client)
print("the cluster gives the same bits:", on_cluster.equals(counts))

# %% [markdown]
# What learns from counts learns on the cluster. The table is that of the traces in memory.

# %%
# NBVAL_CHECK_OUTPUT
policy = LowerBoundRouterPolicy().fit(folder, client=client)
print("the same table:", policy.policy_map == LowerBoundRouterPolicy().fit(traces).policy_map)
pd.Series(policy.policy_map, name="model")

# %% [markdown]
# A Dask DataFrame works too, with all that was done to it before. Its partitions end where it says,
# not where the files do, so the whole numbers are the same, and the sums to twelve digits.

# %%
# NBVAL_CHECK_OUTPUT
import dask.dataframe as dd

frame = dd.read_parquet(folder)
march = frame[frame["started_at"] < pd.Timestamp("2026-04-01", tz="UTC")]
scores = class_scores(march, by="regex", client=client)
scores.groupby("query_class")[["n", "successes"]].sum()

# %% [markdown]
# An export takes a cluster as well, a task for each file of scored runs. The workers read, decide,
# check and send; the one who called writes, so no half export ever has the name of a whole one.

# %%
# NBVAL_CHECK_OUTPUT
exports = [folder / "here.jsonl", folder / "cluster.jsonl"]
options = {"recorded_at": "2026-04-15T00:00:00Z", "progress": False}
export_sft(sample_path("lake"), output=exports[0], **options)
result = export_sft(sample_path("lake"), output=exports[1], client=client, **options)
print(result.records_exported, "samples")
print("the same bytes:", exports[0].read_bytes() == exports[1].read_bytes())

# %% [markdown]
# The cluster ends with its client.

# %%
client.close()

# %% [markdown]
# ## The same cells on a real cluster
#
# Only the line that makes the client changes:
#
# - a scheduler that runs somewhere: `client = distributed.Client("tcp://scheduler:8786")`;
# - Kubernetes, with the operator: `KubeCluster(image="...", n_workers=50).get_client()`, from
#   `dask_kubernetes.operator`;
# - Slurm: `SLURMCluster(cores=8, memory="32GB")` of `dask_jobqueue`, then `.scale(jobs=20)` and
#   `.get_client()`.
#
# Three things must hold. Every worker has this package in the same version, and what lies below it
# too (`client.get_versions(check=True)` compares that). Every worker sees the files under the same
# absolute path: a worker that does not is an error, not a file left out. And the pieces are many
# and of similar size: a hundred row groups for each worker rather than one.
#
# A worker that ends in the middle is replaced, and its pieces are read again. A piece that ends
# every worker that takes it (four, unless `distributed.scheduler.allowed-failures` says otherwise,
# and then as many again) is an error that names its file, and so is a damaged one. Ctrl-C takes
# back what has not begun.
#
# ## What this does not show
#
# - **That a cluster is faster.** Two processes share this machine, and the sample is small; the
#   figures are in `benchmarks/RESULTS.md`.
# - **A log that is being written to.** A store in use is read by the caller alone, with SQLite's
#   locks, because these hold on one machine only.
# - **Everything at scale.** `read_traces`, the comparison of policies on single traces, and the
#   review work in memory. Count on the cluster, then look at the rows that matter.
# - **The last bits of a Dask DataFrame.** They depend on where its partitions end.
#
# ## Try it
#
# - Kill one of the two processes while `score_counts` runs on a larger log
#   (`python benchmarks/parquet_maker.py 5000000 folder` makes one). What does the dashboard show?
# - Pass `by=("regex", "keyword")`: both schemes are counted in one read.
# - Damage a byte in the middle of one of the files and count again, here and on the cluster.
