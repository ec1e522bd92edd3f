"""Rows and their experts, as the fit of a shared expert sums over them."""

import numpy as np
from scipy.sparse import issparse

from skmoe._routes import Routes

# Least variance of an expert's errors, of that of y.
_SMALLEST_VARIANCE = 1e-6


class Pairs:
    """Weights of rows and experts, all of them or those that rows are sent to."""

    def __init__(self, weights):
        self.routes, self.n_experts = None, weights.shape[1]
        self.values = weights
        if issparse(weights):
            shape = (weights.shape[0], -1)
            self.routes = Routes(weights.indices.reshape(shape), self.n_experts)
            self.values = weights.data.reshape(shape)
        self.row_weights = self.values.sum(axis=1)

    def ask(self, pool, X):
        """What the pool's experts predict."""
        if self.routes is None:
            return pool.predict(X)
        return pool.predict_routed(X, self.routes)

    def variances(self, errors, whole):
        """Mean squared errors of each expert (n_experts,), none of them tiny."""
        squares = errors**2 if errors.ndim == 2 else (errors**2).sum(axis=2)
        sums, mass = self._by_expert(self.values * squares), self._by_expert(self.values)
        variances = np.where(mass > 0, sums / np.where(mass > 0, mass, 1.0), whole)
        return np.maximum(variances, _SMALLEST_VARIANCE * whole or 1.0)

    def _by_expert(self, values):
        if self.routes is None:
            return values.sum(axis=0)
        experts = self.routes.experts.ravel()
        return np.bincount(experts, values.ravel(), self.n_experts)

    def average(self, left, variances):
        """What experts leave, averaged by precision, and the rows' precision."""
        own = variances if self.routes is None else variances[self.routes.experts]
        precision = self.values / own
        total = precision.sum(axis=1)
        share = precision / np.where(total > 0, total, 1.0)[:, None]
        return np.einsum("nk,nk...->n...", share, left), total


def column(values):
    """Of rows, as of one expert that all rows have."""
    return values[:, None]


def variance(y, weights):
    share = weights / weights.sum()
    return float(np.sum(share @ (y - share @ y) ** 2))
