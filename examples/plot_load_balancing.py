"""
Does every expert get its share of the work?
============================================

Not by itself: with ``top_k``, some experts are sent many rows and others few.
``load_balancing="bias"`` evens it out. Whether that costs accuracy depends on the data.
"""

# %%
# Two tables. In the first, a surface has no regimes: eight small trees share it out
# somehow, and rows crowd around its middle. The second has eight regimes, lines that hold
# in regions of different size. Each row is sent to one expert (``top_k=1``). If experts
# are computed side by side, the busiest one sets the time.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.inspection import ExpertLoadDisplay, expert_colors

rng = np.random.default_rng(0)
X = rng.standard_normal((6000, 2))
u, v = X.T
y = (
    3 * (1 - u) ** 2 * np.exp(-(u**2) - (v + 1) ** 2)
    - 10 * (u / 5 - u**3 - v**5) * np.exp(-(u**2) - v**2)
    - np.exp(-((u + 1) ** 2) - v**2) / 3
    + 0.2 * rng.standard_normal(len(X))
)
regimes = make_moe_regression(
    4000, 6, 8, n_gate_features=2, gate_scale=100, noise=(0.2, 0.4), random_state=0
)
tables = {
    "surface": (DecisionTreeRegressor(max_depth=5, min_samples_leaf=5), X, y),
    "regimes": (LinearRegression(), *regimes),
}

# %%
# Off and on
# ----------
# The bias is a number for each expert that is added to the gate's log-probabilities for
# the choice of experts alone. It is found while training, and no larger than
# keeps the coefficient of variation of the loads at 0.23.

models = {}
print("table    load_balancing   loads, % of the rows            R2   log-likelihood")
for table, (expert, X, y) in tables.items():
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1 / 3, random_state=0
    )
    for balancing in (None, "bias"):
        model = models[table, balancing] = MixtureOfExpertsRegressor(
            expert, n_experts=8, top_k=1, load_balancing=balancing, random_state=0
        ).fit(X_train, y_train)
        loads = " ".join(f"{100 * load:2.0f}" for load in np.sort(model.expert_load_))
        r2 = model.score(X_test, y_test)
        log_likelihood = model.score_samples(X_test, y_test).mean()
        print(f"{table:8} {balancing!s:16} {loads} {r2:10.3f} {log_likelihood:16.2f}")

# %%
# On the surface, balance is free: its regions were arbitrary to begin with. Where regimes
# are real and differ in size it costs accuracy, as rows are sent to experts that know
# less of them; the default, None, is for these.
#
# Above, the expert of each row of the surface; below, how many rows it is sent.

fig, axes = plt.subplots(
    2, 2, figsize=(7, 5.2), height_ratios=(2, 1), layout="constrained"
)
surface, colors = tables["surface"][1], np.array(expert_colors(8))
for (above, below), balancing in zip(axes.T, (None, "bias"), strict=True):
    model = models["surface", balancing]
    experts = model.predict_gate_proba(surface).argmax(axis=1)
    above.scatter(*surface.T, s=4, c=colors[experts], linewidths=0)
    above.set(title=f"load_balancing={balancing!r}", xticks=[], yticks=[], aspect="equal")
    above.set(xlim=(-3, 3), ylim=(-2.6, 2.6))
    above.axis("off")
    ExpertLoadDisplay.from_estimator(model, ax=below)
    below.set(ylim=(0, 0.3))
axes[1, 1].set_ylabel("")
plt.show()
