"""
Do all starts end at the same place?
====================================

No: training ends at a local optimum, and which one depends on the start. Twenty starts
show how much that matters, and what a good one is worth.
"""

# %%
# Eight regimes. Twenty starts from random responsibilities, and twenty by
# ``init="auto"``, the default: twelve of these are the best of twenty short runs each,
# and eight are plain starts, for variety. What counts is the objective, the mean
# log-likelihood of the rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.inspection import ConvergenceDisplay

X, y = make_moe_regression(1000, 6, 8, gate_scale=20, noise=0.3, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
models = {
    init: MixtureOfExpertsRegressor(n_experts=8, init=init, n_init=20, random_state=0)
    for init in ("random", "auto")
}
print("objective   worst   median     best   starts that reach it")
for init, model in models.items():
    ends = model.fit(X_train, y_train).init_results_["lower_bound"]
    reached = np.mean(ends > ends.max() - 0.01)
    print(
        f"{init:9}{ends.min():8.2f}{np.median(ends):9.2f}{ends.max():9.2f}{reached:23.0%}"
    )

# %%
# What does the best of several starts gain on rows that it has not seen, over the first?

for init, model in models.items():
    best = model.score_samples(X_test, y_test).mean()
    first = clone(model).set_params(n_init=1).fit(X_train, y_train)
    first = first.score_samples(X_test, y_test).mean()
    print(f"{init:9} log-likelihood, best of 20: {best:.2f}, first: {first:.2f}")

# %%
# Each line is a start. Plateaus are optima of their own, from which no step leads
# upwards. Where starts disagree, as here, a few more than one are well spent;
# where all agree, one is enough.

fig, axes = plt.subplots(1, 2, figsize=(7, 3.8), sharey=True, layout="constrained")
for ax, (init, model) in zip(axes, models.items(), strict=True):
    ConvergenceDisplay.from_estimator(model, ax=ax)
    ax.set_title(f'init="{init}", n_init=20')
    ax.label_outer()
plt.show()
