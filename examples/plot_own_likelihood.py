"""
How do I write a likelihood of my own?
======================================

A likelihood says how an expert's answer is scored. One of your own is a class of a few
one-line methods, mostly calls of scipy.stats. Here: the negative binomial, for counts
that spread more than a Poisson's, as if skmoe had no ``likelihood="negative_binomial"``.
"""

# %%
# The likelihood
# --------------
# A prediction is an expert's rate :math:`\mu`, of shape (n_samples, n_experts); the
# dispersion :math:`\alpha` has one number for each expert. A count's variance is
# :math:`\mu + \alpha \mu^2`.
#
# Experts are Poisson regressions, for which a large count says more about its rate than
# it does here. ``expert_weights`` puts that right.

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom
from sklearn.base import BaseEstimator
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors


class NegativeBinomialLikelihood(BaseEstimator):
    """Counts around an expert's rate, of variance rate + dispersion * rate ** 2."""

    is_discrete = True

    def default_expert(self):
        return PoissonRegressor(alpha=0)

    def _density(self, rate, dispersion):
        return nbinom(1 / dispersion, 1 / (1 + dispersion * rate))

    def log_prob(self, y, prediction, dispersion):
        return self._density(prediction, dispersion).logpmf(y[:, None])

    def fit_dispersion(self, y, prediction, weights):
        def loss(log_dispersion, k):
            density = self._density(prediction[:, k], np.exp(log_dispersion))
            return -weights[:, k] @ density.logpmf(y)

        found = [
            minimize_scalar(loss, bounds=(-7, 3), args=(k,), method="bounded").x
            for k in range(prediction.shape[1])
        ]
        return np.exp(found)

    def expert_weights(self, y, prediction, dispersion):
        return 1 / (1 + dispersion * prediction)

    def mean(self, prediction, dispersion):
        return prediction

    def variance(self, prediction, dispersion):
        return prediction + dispersion * prediction**2

    def cdf(self, y, prediction, dispersion):
        return self._density(prediction, dispersion).cdf(y)

    def ppf(self, q, prediction, dispersion):
        return self._density(prediction, dispersion).ppf(q)

    def rvs(self, prediction, dispersion, random_state):
        return self._density(prediction, dispersion).rvs(random_state=random_state)

    def n_parameters(self, dispersion):
        return np.size(dispersion)


# %%
# Does it pay?
# ------------
# Counts whose log-rate rises, and falls on the other side, with a spread to match. Both
# are judged by held-out rows.

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(1500, 1))
rate = np.exp(3.6 - np.abs(1.2 * X[:, 0]))
y = rng.poisson(rate * rng.gamma(4, 1 / 4, size=len(X))).astype(float)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

likelihoods = {"Poisson": "poisson", "negative binomial": NegativeBinomialLikelihood()}
models = {}
for name, likelihood in likelihoods.items():
    model = MixtureOfExpertsRegressor(n_experts=2, likelihood=likelihood, random_state=0)
    models[name] = model.fit(X_train, y_train)
    low, high = model.predict_distribution(X_test).interval(0.9)
    inside = np.mean((low <= y_test) & (y_test <= high))
    log_likelihood = model.score_samples(X_test, y_test).mean()
    print(f"{name:18} log-likelihood {log_likelihood:.2f}, {inside:.0%} in 90 % bands")
print("dispersions (truth: 0.25)", models["negative binomial"].dispersion_.round(2))

# %%
# All that is asked of a density works with it, such as intervals, samples and scores.
# Lines are the experts, where the gate asks them. Those of the Poisson are bent to
# explain what is only noise; the other's are the truth's.

grid = np.linspace(-2, 2, 200)[:, None]
fig, axes = plt.subplots(1, 2, figsize=(7, 3.6), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    low, high = model.predict_distribution(grid).interval(0.9)
    ax.fill_between(grid[:, 0], low, high, step="mid", color="#8c8c8c", alpha=0.35, lw=0)
    ax.plot(X_test, y_test, ".", color="#333333", ms=3, alpha=0.5)
    asked = np.where(model.predict_gate_proba(grid) > 0.05, 1, np.nan)
    curves = model.predict_experts(grid) * asked
    for curve, color in zip(curves.T, expert_colors(2), strict=True):
        ax.plot(grid[:, 0], curve, color=color, lw=2.5)
    ax.set(xlabel="x", xlim=(-2, 2), title=name)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set(ylabel="count", ylim=(0, 70))
axes[0].text(-1.9, 66, "lines: the experts\nband: 90 % of counts", va="top")
plt.show()
