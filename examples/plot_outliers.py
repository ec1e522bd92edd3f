"""
What do a few wrong values do to an expert?
===========================================

With a normal likelihood, they drag its line away and blow up its noise. With Student's t,
an outlier pulls less the farther it lies.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay

# %%
# The data are generated: two lines that meet at zero, and one value in twenty that is far
# off, as where somebody forgot a decimal point.

rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, 300)
left = rng.random(300) < 1 / (1 + np.exp(4 * x))
y = np.where(left, -1.5 * x, 1 + 0.8 * x) + rng.normal(0, 0.35, 300)
wrong = rng.random(300) < 0.05
y[wrong] += rng.choice([-1, 1], wrong.sum()) * rng.uniform(6, 14, wrong.sum())
X = pd.DataFrame({"x": x})
print(f"{wrong.sum()} of {len(y)} values are wrong")

# %%
# The same mixture, with both likelihoods:

models = {
    likelihood: MixtureOfExpertsRegressor(
        n_experts=2, likelihood=likelihood, random_state=0
    ).fit(X, y)
    for likelihood in ("gaussian", "student_t")
}
titles = {"gaussian": "Normal errors", "student_t": "Student's t"}

fig, axes = plt.subplots(
    1, 2, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, (likelihood, model) in zip(axes, models.items(), strict=True):
    ExpertCurvesDisplay.from_estimator(model, X, y, feature="x", ax=ax)
    ax.set_title(titles[likelihood])
axes[1].set_ylabel("")
plt.show()

# %%
# Normal errors have room for the wrong values in one expert only: it takes almost all of
# them, its slope is far from the truth, and its noise is ten times what it should be. The
# t density needs no more than a heavier tail.

truth = [-1.5, 0.8]
slopes = pd.DataFrame(
    {
        titles[likelihood]: sorted(expert.coef_[0] for expert in model.experts_)
        for likelihood, model in models.items()
    },
    index=["slope on the left", "slope on the right"],
)
slopes.insert(0, "truth", truth)
slopes.round(2)

# %%
# Experts of ``"student_t"`` estimate how heavy their tails are. ``dispersion_`` holds the
# squared scale and the degrees of freedom of each: few of them mean heavy tails, and
# 200, the most there may be, are as good as normal.

for k, (square, df) in enumerate(models["student_t"].dispersion_):
    print(f"expert {k}: scale {square**0.5:.2f}, {df:.1f} degrees of freedom")

# %%
# How far is the mean from the truth, where nothing is wrong? The best that could be known
# is the mean of both lines, weighted by who is likely to answer.

grid = pd.DataFrame({"x": np.linspace(-3, 3, 200)})
share = 1 / (1 + np.exp(4 * grid["x"]))
mean = share * -1.5 * grid["x"] + (1 - share) * (1 + 0.8 * grid["x"])
for likelihood, model in models.items():
    error = np.sqrt(np.mean((model.predict(grid) - mean) ** 2))
    print(f"{titles[likelihood]:14} root mean squared error {error:.2f}")
