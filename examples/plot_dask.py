"""
Can it be fitted where the rows are, on a Dask cluster?
=======================================================

Rows stay on the workers. In each round a worker is sent the parameters, adds up sums over
its blocks, and returns those. The model is that of a fit in memory.
"""

# %%
# Rows that are made on the workers
# ---------------------------------
# A block of rows is a day's, read by whichever worker has it. Here "read" means drawn;
# with real data it is ``da.from_zarr(...)`` or ``dask.dataframe.read_parquet(...)``.

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, get_task_stream

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

N_DAYS, N_ROWS, N_COLUMNS = 20, 20_000, 10


def read_day(number):
    rng = np.random.default_rng(number)
    X = rng.normal(size=(N_ROWS, N_COLUMNS))
    left = X[:, 0] + 0.3 * rng.normal(size=N_ROWS) < 0
    y = np.where(left, X[:, 1], 2 - 3 * X[:, 1]) + 0.3 * rng.normal(size=N_ROWS)
    return np.column_stack([X, y])


shape = (N_ROWS, N_COLUMNS + 1)
days = [dask.delayed(read_day)(number) for number in range(N_DAYS)]
rows = da.concatenate([da.from_delayed(day, shape, float) for day in days])
X, y = rows[:, :-1], rows[:, -1]

# %%
# A cluster
# ---------
# Two workers within this process, so that the example runs anywhere. A real cluster
# differs in one line, ``Client("tcp://scheduler:8786")``, and needs skmoe on its workers.

model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
with (
    Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as client,
    get_task_stream(client) as stream,
):
    model.fit(X, y)

# %%
# These rows fit in memory, too. A fit to them there gives the same model:

in_memory = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
in_memory.fit(X.compute(), y.compute())
coefs, coefs_in_memory = (
    np.array([expert.coef_ for expert in m.experts_]) for m in (model, in_memory)
)
print(f"largest difference of a coefficient: {abs(coefs - coefs_in_memory).max():.0e}")

# %%
# What the workers did
# --------------------
# First they read their days; then each round of the fit is one task for each worker. What
# comes back from such a task are sums, and in one early round some rows to start from.
# Neither grows with the number of rows.

rounds = [task for task in stream.data if "ask" in str(task["key"])]
returned = max(task["nbytes"] for task in rounds)
print(f"rows: {rows.nbytes / 1e6:.0f} MB; a task returns at most {returned / 1e6:.1f} MB")

workers = sorted({task["worker"] for task in stream.data})
began = min(task["startstops"][0]["start"] for task in stream.data)
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
for task in stream.data:
    color = expert_colors(1)[0] if task in rounds else "#8c8c8c"
    for span in task["startstops"]:
        length = span["stop"] - span["start"]
        ax.barh(
            f"worker {1 + workers.index(task['worker'])}", length,
            left=span["start"] - began, height=0.6, color=color,
        )  # fmt: skip
ax.bar(0, 0, color="#8c8c8c", label="reading rows")
ax.bar(0, 0, color=expert_colors(1)[0], label="a round of the fit")
ax.set(xlabel="seconds", xlim=(0, None))
ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
