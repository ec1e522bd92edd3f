"""
How do I write a gate of my own?
================================

A gate says who is asked. One of your own is a class with two methods, here of twenty
lines. It finds a region in the middle of a column, which a softmax with two experts
cannot.
"""

# %%
# The gate
# --------
# ``fit`` is given responsibilities, how much each expert has to do with each row, and
# ``predict_log_proba`` answers with the logarithms of the gate's probabilities.
# :class:`~skmoe.gates.GateMixin` adds the rest.
#
# This gate cuts one column at its quantiles, and gives each bin its own probabilities.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import GateMixin
from skmoe.inspection import expert_colors


class BinGate(GateMixin, BaseEstimator):
    """Gate with one row of probabilities for each bin of a column."""

    def __init__(self, column=0, n_bins=16):
        self.column = column
        self.n_bins = n_bins

    def fit(self, X, responsibilities, sample_weight=None):
        """Average the responsibilities of each bin: the maximum of the likelihood."""
        values = np.asarray(X)[:, self.column]
        responsibilities = np.asarray(responsibilities)
        weights = np.ones(len(values)) if sample_weight is None else sample_weight
        # Quantiles of the weights, so that a weight of two is a row twice.
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) / np.sum(weights)
        cuts = np.searchsorted(reached, np.arange(1, self.n_bins) / self.n_bins - 1e-9)
        self.edges_ = np.unique(values[order][cuts])
        members = np.eye(len(self.edges_) + 1)[self._bins(X)] * weights[:, None]
        # A hundredth of a row for each expert keeps the logarithms finite.
        mass = members.T @ responsibilities + 0.01
        self.log_proba_ = np.log(mass / mass.sum(axis=1, keepdims=True))
        self.n_parameters_ = mass.shape[0] * (mass.shape[1] - 1)
        return self

    def _bins(self, X):
        return np.searchsorted(self.edges_, np.asarray(X)[:, self.column])

    def predict_log_proba(self, X):
        """Log gate probabilities, of shape (n_samples, n_experts)."""
        return self.log_proba_[self._bins(X)]


# %%
# Does it pay?
# ------------
# The slope of the second column is 3 where the first is between -1 and 1, and -3
# elsewhere. With two experts, the log-odds of a softmax are a straight line in the first
# column, so it has one border, and the truth has two.

rng = np.random.RandomState(0)
X = rng.uniform(-2, 2, size=(1000, 2))
middle = np.abs(X[:, 0]) < 1
y = np.where(middle, 3 * X[:, 1], -3 * X[:, 1]) + 0.3 * rng.standard_normal(1000)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

models = {
    name: MixtureOfExpertsRegressor(n_experts=2, gate=gate, random_state=0)
    for name, gate in {"softmax": "softmax", "BinGate()": BinGate()}.items()
}
for name, model in models.items():
    model.fit(X_train, y_train)
    log_likelihood = model.score_samples(X_test, y_test).mean()
    r2 = model.score(X_test, y_test)
    print(f"{name:10} log-likelihood per test row {log_likelihood:6.2f}   R2 {r2:.2f}")

# %%
# What each gate says of the first column, next to the truth. Whichever of the two experts
# has the slope of 3 is orange. The softmax finds the two lines, but not where they hold,
# so its mean, halfway between the two, predicts nothing.

grid = np.column_stack([np.linspace(-2, 2, 400), np.zeros(400)])
blue, orange = expert_colors(2)
fig, axes = plt.subplots(1, 2, figsize=(7, 3.4), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    rising = int(np.argmax([expert.coef_[1] for expert in model.experts_]))
    proba = model.predict_gate_proba(grid)[:, rising]
    ax.stackplot(grid[:, 0], proba, 1 - proba, colors=[orange, blue], alpha=0.75)
    ax.vlines([-1, 1], 0, 1, color="#333333", ls="--", lw=1.2)
    ax.set(xlabel="first column", xlim=(-2, 2), ylim=(0, 1), title=f"gate={name}")
axes[0].set_ylabel("gate probability")
for place, slope in {-1.5: -3, 0: 3, 1.5: -3}.items():
    axes[1].text(place, 0.5, f"slope {slope}", ha="center", color="white", weight="bold")
axes[0].text(-0.93, 0.92, "borders of the truth")
plt.show()
