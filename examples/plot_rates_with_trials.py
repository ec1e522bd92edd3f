"""
Is three out of four as good as 75 out of 100?
==============================================

A share says nothing of how many it is a share of. With ``likelihood="binomial"`` and
``trials=``, a row counts for as much as was tried, and bands fit the number of trials.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

# %%
# The data are generated: seeds that came up, out of those that were sown in a dish, by
# temperature. Warmth helps up to a point; beyond, it kills. Most dishes are small.

rng = np.random.default_rng(3)
temperature = rng.uniform(5, 40, 150)
sown = np.where(
    rng.random(150) < 0.7, rng.integers(2, 6, 150), rng.integers(40, 100, 150)
)


def share_of_seeds(temperature):
    """Probability that a seed comes up."""
    log_odds = np.minimum(0.25 * (temperature - 16), 0.9 * (32 - temperature))
    return 1 / (1 + np.exp(-log_odds))


came_up = rng.binomial(sown, share_of_seeds(temperature))
X = pd.DataFrame({"temperature": temperature})

# %%
# Two experts. Of a binomial likelihood they are classifiers, here the default, logistic
# regressions without penalty: each tells the probability that a seed comes up. Next to
# it, the same number of lines, fitted to the shares.

binomial = MixtureOfExpertsRegressor(n_experts=2, likelihood="binomial", random_state=0)
binomial.fit(X, came_up, trials=sown)
lines = MixtureOfExpertsRegressor(LinearRegression(), n_experts=2, random_state=0)
lines.fit(X, came_up / sown)

grid = pd.DataFrame({"temperature": np.linspace(5, 40, 300)})
fig, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained"
)
for ax, model, title in zip(
    axes, (binomial, lines), ("Successes of trials", "Lines through shares"), strict=True
):
    sizes = 3 + 1.2 * sown
    ax.scatter(temperature, came_up / sown, s=sizes, color="#8c8c8c", alpha=0.5, lw=0)
    asked = np.where(model.predict_gate_proba(grid) > 0.02, 1.0, np.nan)
    for k, color in zip((0, 1), expert_colors(2), strict=True):
        curve = model.predict_experts(grid)[:, k] * asked[:, k]
        ax.plot(grid, curve, color=color, lw=5, alpha=0.6, label=f"expert {k}")
    mean = model.predict(grid)
    ax.plot(grid, mean, color="#333333", ls="--", lw=2, label="mean")
    truth = share_of_seeds(grid["temperature"])
    ax.plot(grid, truth, color="#333333", lw=0.8, label="truth")
    error = np.sqrt(np.mean((mean - truth) ** 2))
    ax.set(xlabel="temperature", ylim=(-0.25, 1.35), title=f"{title}: error {error:.3f}")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("share that comes up")
axes[0].legend(frameon=False, ncol=2, loc="upper left")
plt.show()

# %%
# What will come up at 20 degrees? The probability of a seed is the same, but of four
# seeds anything between one and all may come up, of 100 seeds between two thirds and four
# fifths. The lines have no such thing: their noise is that of a dish of average size,
# whatever the dish, and reaches beyond one.

at_20 = pd.DataFrame({"temperature": [20.0, 20.0]})
seeds = np.array([4, 100])
low, high = binomial.predict_distribution(at_20, trials=seeds).interval(0.9)
line_low, line_high = lines.predict_distribution(at_20).interval(0.9)
pd.DataFrame(
    {
        "seeds": seeds,
        "mean": binomial.predict(at_20, trials=seeds).round(1),
        "low": low.astype(int),
        "high": high.astype(int),
        "low share": (low / seeds).round(2),
        "high share": (high / seeds).round(2),
        "low share by lines": line_low.round(2),
        "high share by lines": line_high.round(2),
    }
)

# %%
# The distribution of both, as probabilities of numbers of seeds:

density = binomial.predict_distribution(at_20, trials=seeds)
fig, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for ax, n_seeds, row in zip(axes, seeds, (density[:1], density[1:]), strict=True):
    numbers = np.arange(n_seeds + 1)
    ax.bar(numbers, [row.pmf([number])[0] for number in numbers], color="#56B4E9")
    ax.set(xlabel=f"seeds that come up, of {n_seeds}")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("probability")
plt.show()
