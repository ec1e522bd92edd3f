"""
A stream whose regimes drift
============================

Rows come in batches, and no batch is kept: ``partial_fit`` takes a step of gate and
experts with each. Half way, one of the regimes changes. A model that forgets follows; one
that counts all rows alike is slow to. What is plotted is the mean log-likelihood of each
batch *before* it was learnt from, so it is as honest as a test set.

The cells can be run one by one, or all at once as a script, which takes some seconds and
draws ``stream.png``.
"""

import matplotlib.pyplot as plt
import numpy as np

from skmoe import MixtureOfExpertsRegressor

# %%
# A stream
# --------
# Two regimes, left and right of zero, with lines of their own. After 150 of 300 batches
# the right one falls where it rose.

N_BATCHES, CHANGE, N_ROWS = 300, 150, 200
rng = np.random.default_rng(0)


def batches():
    for number in range(N_BATCHES):
        X = rng.uniform(-2, 2, size=(N_ROWS, 2))
        slope = 3.0 if number < CHANGE else -3.0
        y = np.where(X[:, 0] > 0, slope * X[:, 0], -X[:, 0] + X[:, 1])
        yield X, y + 0.3 * rng.standard_normal(N_ROWS)


# %%
# Two models
# ----------
# With ``learning_rate_init=1`` a row counts as much as any other. A ``forgetting_rate``
# of 0.1 % means that after 1000 rows a third is left of what was known, and after 5000
# next to nothing.

models = {
    "all rows count alike": MixtureOfExpertsRegressor(
        n_experts=2, learning_rate_init=1, random_state=0
    ),
    "forgetting_rate=0.001": MixtureOfExpertsRegressor(
        n_experts=2, learning_rate_init=1, forgetting_rate=1e-3, random_state=0
    ),
}
for X, y in batches():
    for model in models.values():
        model.partial_fit(X, y)

for name, model in models.items():
    bounds = model.lower_bounds_
    print(
        f"{name}: {bounds[CHANGE - 50 : CHANGE].mean():.2f} before the change, ", end=""
    )
    print(
        f"{bounds[CHANGE : CHANGE + 50].mean():.2f} in the 50 batches after it, ", end=""
    )
    print(f"{bounds[-50:].mean():.2f} in the last 50")

# %%
# How they did
# ------------

best = -0.5 * np.log(2 * np.pi * np.e * 0.3**2)
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for name, model in models.items():
    axes.plot(model.lower_bounds_, label=name, linewidth=1.5)
axes.axhline(best, color="black", linewidth=0.8, linestyle=":", label="the truth")
axes.set(
    xlabel="batch of 200 rows",
    ylabel="log-likelihood per row, before learning",
    ylim=(-6, 0.3),
    title="A regime changes after batch 150",
)
axes.legend(frameon=False, loc="lower right")
figure.savefig("stream.png", dpi=150)
