"""How is a gate of one's own written?

A gate answers ``log g_k(x)`` and is fitted to responsibilities. This one cuts one column
at its quantiles and gives each bin its own probabilities. A region in the middle, which
no softmax of the column can make with two experts, is easy for it.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import GateMixin


class BinGate(GateMixin, BaseEstimator):
    """Gate with one row of probabilities for each bin of a column."""

    def __init__(self, column=0, n_bins=8):
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


if __name__ == "__main__":
    rng = np.random.RandomState(0)
    X = rng.uniform(-2, 2, size=(1000, 2))
    middle = np.abs(X[:, 0]) < 1
    y = np.where(middle, 3 * X[:, 1], -3 * X[:, 1]) + 0.3 * rng.standard_normal(1000)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

    scores = {}
    for gate in ("softmax", BinGate()):
        model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, random_state=0)
        model.fit(X_train, y_train)
        scores[str(gate)] = model.score_samples(X_test, y_test).mean()
        print(f"{gate!s:12} log-likelihood of test rows {scores[str(gate)]:6.3f}")
    assert scores["BinGate()"] > scores["softmax"] + 0.3
