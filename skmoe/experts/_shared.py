"""Experts beside one that answers for every row (Dai et al. 2024).

A prediction is that of the shared expert plus that of an expert of the pool:

    mu_k(x) = s(x) + e_k(x)

Both are fitted by backfitting within the M-step: s to what the experts leave of y, each
row weighted by how sure its experts are of it, then the experts to what s leaves.
"""

from copy import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_regressor

from skmoe._fitting import clone_seeded, weight_keyword
from skmoe._naming import naming
from skmoe._routes import Routes
from skmoe._sklearn_compat import safe_indexing

# EM goes on from the last sweep, so few are enough.
_N_SWEEPS = 2
# Least variance of an expert's errors, of that of y.
_SMALLEST_VARIANCE = 1e-6


class SharedPool:
    """A pool whose experts model what a shared expert leaves.

    Parameters
    ----------
    shared : regressor
        Unfitted, with its seeds set.
    experts : list of (name, estimator)
    make_inner : callable
        ``make_inner(experts)`` is a pool of them, not yet fitted.

    Attributes
    ----------
    inner : pool
        Of the experts.
    shared_fitted : regressor or None
    """

    def __init__(self, shared, experts, make_inner):
        self.shared, self.experts, self.make_inner = shared, experts, make_inner
        self.inner = make_inner(experts)
        self.keyword = weight_keyword(shared)
        self.shared_fitted = None
        self.variances = None
        self.n_outputs = None
        self.iteration = None
        self.trusts_bags = True

    @property
    def n_experts(self):
        """Number of experts, without the shared one."""
        return len(self.experts)

    def fit(self, X, y, weights):
        """Fit the shared expert and the experts; parameters as in other pools."""
        pairs = Pairs(weights)
        self.n_outputs = y.shape[1] if y.ndim == 2 else None
        inner = copy(self.inner)
        inner.iteration = self.iteration
        answer = None if self.shared_fitted is None else pairs.ask(inner, X)
        for _ in range(_N_SWEEPS):
            self._fit_shared(X, y, answer, pairs)
            rest = y - self._ask_shared(X)
            inner.fit(X, rest, weights)
            answer = pairs.ask(inner, X)
            errors = column(rest) - answer
            self.variances = pairs.variances(errors, variance(y, pairs.row_weights))
        self.inner = inner
        return self

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        pool = copy(self)
        pool.inner = self.inner.unfitted(rows)
        pool.shared_fitted = pool.variances = None
        return pool

    def _fit_shared(self, X, y, answer, pairs):
        target, weights = y, pairs.row_weights
        if answer is not None:
            target, weights = pairs.average(column(y) - answer, self.variances)
            # In units in which they sum to what the rows weigh.
            weights *= pairs.row_weights.sum() / weights.sum()
        rows = np.flatnonzero(weights > 0)
        X_rows = X if len(rows) == len(y) else safe_indexing(X, rows)
        with self._naming():
            self.shared_fitted = clone(self.shared).fit(
                X_rows, target[rows], **{self.keyword: weights[rows]}
            )

    def _ask_shared(self, X):
        with self._naming():
            return ask_shared(self.shared_fitted, X, self.n_outputs)

    def _naming(self):
        kind = type(self.shared).__name__
        return naming(f"shared_expert ({kind})", self.iteration)

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs])."""
        return self.inner.predict(X) + column(self._ask_shared(X))

    def predict_routed(self, X, routes):
        """Predictions of the pairs, of shape (n_samples, top_k[, n_outputs])."""
        return self.inner.predict_routed(X, routes) + column(self._ask_shared(X))

    def predict_held_out(self, X, y, weights, folds, among=None):
        """Predictions for each row by experts that were not fitted to it.

        As those of :meth:`EstimatorPool.predict_held_out`, in a fit for each fold.
        """
        among = list(range(self.n_experts) if among is None else among)
        prediction = None
        for train, test in folds:
            experts = [self.experts[k] for k in among]
            pool = SharedPool(self.shared, experts, self.make_inner)
            pool.iteration = self.iteration
            pool.fit(safe_indexing(X, train), y[train], weights[train][:, among])
            answer = pool.predict(safe_indexing(X, test))
            if prediction is None:
                prediction = np.empty((len(y), *answer.shape[1:]))
            prediction[test] = answer
        return prediction

    def resume_shared(self, X, y, weights, estimator):
        """Take over a fitted shared expert, before the others."""
        self.shared_fitted = estimator

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted experts."""
        self.n_outputs = y.shape[1] if y.ndim == 2 else None
        self.inner.resume(X, y - self._ask_shared(X), weights, estimators)
        self.variances = np.ones(self.n_experts)

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    def estimators(self):
        """The fitted experts, without the shared one."""
        return self.inner.estimators()


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


def ask_shared(shared, X, n_outputs):
    """What a fitted shared expert predicts: (n_samples,) or (n_samples, n_outputs)."""
    prediction = np.asarray(shared.predict(X), dtype=np.float64)
    prediction = prediction.reshape(-1 if n_outputs is None else (-1, n_outputs))
    if not np.isfinite(prediction).all():
        raise ValueError("its prediction is not finite.")
    return prediction


def check_shared_expert(shared, random_state):
    """A seeded clone of the ``shared_expert``, which takes weights; None without.

    Parameters
    ----------
    shared : regressor or None
    random_state : RandomState
        Fills open ``random_state`` parameters.
    """
    if shared is None:
        return None
    if isinstance(shared, type) or not hasattr(shared, "fit") or not is_regressor(shared):
        raise TypeError(f"shared_expert: {shared!r} is no regressor; pass an instance.")
    if weight_keyword(shared) is None:
        raise ValueError(
            f"shared_expert: {type(shared).__name__} accepts no sample_weight, which "
            "each row's precision is; use a regressor that does."
        )
    return clone_seeded(shared, random_state)


def column(values):
    """Of rows, as of one expert that all rows have."""
    return values[:, None]


def variance(y, weights):
    share = weights / weights.sum()
    return float(np.sum(share @ (y - share @ y) ** 2))
