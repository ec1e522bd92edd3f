"""
Which rows are outliers?
========================

A component for noise, besides the experts, tells: it has a density that is the same over
the whole range of the target, and takes the rows that no expert explains.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import GateDisplay, expert_colors, export_text
from skmoe.likelihoods import NoiseLikelihood

# %%
# The data are generated: two lines, and one value in five that has nothing to do with
# either. The sensor that measured them fails more often when it is hot, on the right.

rng = np.random.default_rng(3)
x = rng.uniform(-3, 3, 600)
left = rng.random(600) < 1 / (1 + np.exp(4 * x))
y = np.where(left, -1.5 * x, 1 + 0.8 * x) + rng.normal(0, 0.35, 600)
wrong = rng.random(600) < 0.1 + 0.3 * (x > 1)
y[wrong] = rng.uniform(-15, 20, wrong.sum())
X = pd.DataFrame({"x": x})

# %%
# Two experts and, last, the noise. ``inlier_mask_`` tells which rows are more likely an
# expert's than noise.

model = MixtureOfExpertsRegressor(
    n_experts=2, likelihood=NoiseLikelihood(), random_state=0
).fit(X, y)
inliers = model.inlier_mask_

colors, grid = expert_colors(3), pd.DataFrame({"x": np.linspace(-3, 3, 200)})
lines, expert = model.predict_experts(grid), model.responsibilities(X, y).argmax(axis=1)
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for k in range(2):
    own = inliers & (expert == k)
    ax.scatter(x[own], y[own], s=12, color=colors[k], label=f"expert {k}")
    ax.plot(grid["x"], lines[:, k], color=colors[k])
ax.scatter(x[~inliers], y[~inliers], s=18, marker="x", color="#8c8c8c", label="noise")
ax.set(xlabel="x", ylabel="y")
fig.legend(frameon=False, loc="outside upper center", ncols=3)
plt.show()

# %%
# How good is the list? Some of the wrong values lie on a line by chance, and nobody could
# tell.

table = pd.crosstab(
    pd.Series(np.where(wrong, "wrong", "right"), name="value"),
    pd.Series(np.where(inliers, "an expert's", "noise"), name="called"),
)
table

# %%
# The share of noise is the gate's to learn, as that of any expert. Here it has found that
# the sensor fails on the right.

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
GateDisplay.from_estimator(model, X, "x", ax=ax)
plt.show()

# %%
# The experts do not know of the noise: their slopes are near -1.5 and 0.8, and their
# errors near 0.35.

print(export_text(model))

# %%
# ``predict`` gives the mean of the whole density, noise included. For the mean of what
# is no noise, take the experts with their gate probabilities, scaled up to one.

gate = model.predict_gate_proba(grid)[:, :2]
mean = (gate * lines[:, :2]).sum(axis=1) / gate.sum(axis=1)
share = 1 / (1 + np.exp(4 * grid["x"]))
truth = share * -1.5 * grid["x"] + (1 - share) * (1 + 0.8 * grid["x"])
plain = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
for name, found in (("without noise", plain.predict(grid)), ("with noise", mean)):
    print(
        f"{name:14} root mean squared error {np.sqrt(np.mean((found - truth) ** 2)):.2f}"
    )
