"""Experts beside a component whose answer is a constant."""

from copy import copy

import numpy as np
from sklearn.dummy import DummyRegressor


class PoolBesideConstant:
    """A pool with one more column, which predicts the same for all rows.

    Parameters
    ----------
    inner : pool
        Of the experts.
    constant : float
        What the last column predicts.
    """

    def __init__(self, inner, constant):
        self.inner, self.constant = inner, constant
        self.last = _constant_regressor(constant)
        self.iteration = None

    @property
    def n_experts(self):
        """Number of columns."""
        return self.inner.n_experts + 1

    @property
    def trusts_bags(self):
        """Whether experts are held out by their bags."""
        return self.inner.trusts_bags

    @trusts_bags.setter
    def trusts_bags(self, value):
        self.inner.trusts_bags = value

    def fit(self, X, y, weights):
        """Fit the experts; parameters as in other pools, with a column more."""
        inner = copy(self.inner)
        inner.iteration = self.iteration
        self.inner = inner.fit(X, y, weights[:, :-1])
        # After ``resume``, that of the rows that were fitted before.
        self.last = _constant_regressor(self.constant)
        return self

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        return PoolBesideConstant(self.inner.unfitted(rows), self.constant)

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts + 1)."""
        return self.with_constant(self.inner.predict(X))

    def with_constant(self, prediction):
        """Predictions of the experts with the last column."""
        last = self.last.predict(prediction)
        return np.concatenate([prediction, last[:, None]], axis=1)

    def predict_held_out(self, X, y, weights, folds, among=None):
        """Predictions for each row by experts that were not fitted to it.

        With the last column unless some experts are asked ``among`` all.
        """
        inner = copy(self.inner)
        inner.iteration = self.iteration
        prediction = inner.predict_held_out(X, y, weights[:, :-1], folds, among)
        return self.with_constant(prediction) if among is None else prediction

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted estimators, and the constant with them."""
        self.inner.resume(X, y, weights, estimators[:-1])
        self.last = estimators[-1]

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    def estimators(self):
        """The fitted estimators, the constant one last."""
        return [*self.inner.estimators(), self.last]


def _constant_regressor(constant):
    # An array, as scikit-learn asks of a constant when it dispatches to array libraries.
    model = DummyRegressor(strategy="constant", constant=np.array([constant]))
    return model.fit(np.zeros((1, 1)), [constant])
