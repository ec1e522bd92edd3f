"""
Do old machines fail more often, or have they just run less?
============================================================

Counts of failures say little as long as some machines were watched for a week and others
for a year. With ``exposure=``, experts predict what happens per hour.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

# %%
# The data are generated: failures of 800 machines. Their rate is that of a bathtub: new
# ones fail while they are run in, old ones because they wear out. But old ones are hardly
# used, and some machines are just better than others.

rng = np.random.default_rng(0)
age = rng.uniform(0, 10, 800)
hours = 6 * np.exp(-0.3 * age) * rng.lognormal(0, 0.7, 800)  # in thousands


def failure_rate(age):
    """Failures per 1000 hours."""
    return np.maximum(3 * np.exp(-0.55 * age), 0.02 * np.exp(0.55 * age))


quality = rng.gamma(3, 1 / 3, 800)
failures = rng.poisson(failure_rate(age) * hours * quality)
X = pd.DataFrame({"age": age})
X_train, X_test, y_train, y_test, hours_train, hours_test = train_test_split(
    X, failures, hours, random_state=0
)

# %%
# Two experts, with the hours and without. With them, a mean is in proportion to the
# hours; without, old machines look far better than new ones.

model = MixtureOfExpertsRegressor(
    n_experts=2, likelihood="negative_binomial", random_state=0
)
model.fit(X_train, y_train, exposure=hours_train)
blind = MixtureOfExpertsRegressor(
    n_experts=2, likelihood="negative_binomial", random_state=0
)
blind.fit(X_train, y_train)

grid = pd.DataFrame({"age": np.linspace(0, 10, 200)})
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.scatter(X_train["age"], y_train, s=8, color="#8c8c8c", alpha=0.6)
left.plot(grid, blind.predict(grid), color="#333333", ls="--", lw=2, label="mean")
left.set(ylim=(0, 25), ylabel="failures", title="Without the hours")
sizes = 3 + 12 * np.sqrt(hours_train)
right.scatter(
    X_train["age"], y_train / hours_train, s=sizes, color="#8c8c8c", alpha=0.35, lw=0
)
for k, color in zip((0, 1), expert_colors(2), strict=True):
    rate = model.predict_experts(grid)[:, k]
    right.plot(grid, rate, color=color, lw=5, alpha=0.6, label=f"expert {k}")
right.plot(grid, model.predict(grid), color="#333333", ls="--", lw=2, label="mean")
right.plot(grid, failure_rate(grid["age"]), color="#333333", lw=0.8, label="truth")
right.set(ylim=(0, 8), ylabel="failures per 1000 hours", title="With the hours")
for ax in (left, right):
    ax.set(xlabel="age in years", xlim=(0, 10))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
plt.show()

# %%
# Each expert is a ``PoissonRegressor``: a year multiplies its rate by a factor.

pd.DataFrame(
    {
        "rate when new": [np.exp(expert.intercept_) for expert in model.experts_],
        "factor per year": [np.exp(expert.coef_[0]) for expert in model.experts_],
        "dispersion": model.dispersion_,
    },
    index=[f"expert {k}" for k in range(2)],
).round(2)

# %%
# The dispersion is what makes a negative binomial of a Poisson: machines of the same age
# differ, so that counts vary more than their mean. Machines that were held out tell which
# is right, and whether two experts are better than one. They need their hours as well.

rows = {}
for likelihood in ("poisson", "negative_binomial"):
    for n_experts in (1, 2, 3):
        candidate = MixtureOfExpertsRegressor(
            n_experts=n_experts, likelihood=likelihood, random_state=0
        ).fit(X_train, y_train, exposure=hours_train)
        score = candidate.score_samples(X_test, y_test, exposure=hours_test).mean()
        rows[likelihood, n_experts] = {"log-likelihood per machine": score}
pd.DataFrame(rows).T.rename_axis(["likelihood", "experts"]).round(3)

# %%
# What is to be expected of a machine of nine years? In 200 hours perhaps nothing, in 2000
# hours almost surely something: probabilities of 0, 1, 2, ... failures.

counts = np.arange(15)
plans = [0.2, 2.0]
density = model.predict_distribution(pd.DataFrame({"age": [9.0, 9.0]}), exposure=plans)
fig, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True, layout="constrained")
for ax, plan, row in zip(axes, plans, (density[:1], density[1:]), strict=True):
    ax.bar(counts, [row.pmf([count])[0] for count in counts], color="#56B4E9")
    ax.set(xlabel="failures", xticks=counts[::2], title=f"{1000 * plan:.0f} hours")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("probability")
plt.show()
