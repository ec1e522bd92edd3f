"""Experts beside a shared one that learn from one batch after the other."""

from copy import copy

import numpy as np

from skmoe._naming import naming
from skmoe.experts._incremental_pools import make_incremental_regressor_pool
from skmoe.experts._pairs import Pairs, column, variance


class IncrementalSharedPool:
    """An incremental pool whose experts model what a shared expert leaves.

    A batch moves the shared expert towards what the experts leave of y, then the experts
    towards what it leaves; see :class:`SharedPool`.

    Parameters
    ----------
    shared : pool
        Incremental, of the shared expert alone.
    inner : pool
        Incremental, of the experts.
    """

    def __init__(self, shared, inner):
        self.shared, self.inner = shared, inner
        self.variances = None
        self.iteration = None

    @property
    def experts(self):
        """List of (name, estimator), without the shared one."""
        return self.inner.experts

    @property
    def n_experts(self):
        """Number of experts, without the shared one."""
        return self.inner.n_experts

    @property
    def n_first_passes(self):
        """As many as the slower of the two asks for."""
        return max(self.shared.n_first_passes, self.inner.n_first_passes)

    def partial_fit(self, X, y, weights, step):
        """As :meth:`NewtonPool.partial_fit`."""
        pairs = Pairs(weights)
        target, own = y, pairs.row_weights
        if self.variances is not None:
            left = column(y) - pairs.ask(self.inner, X)
            target, own = pairs.average(left, self.variances)
            own = own * (pairs.row_weights.sum() / own.sum())
        shared, inner = copy(self.shared), copy(self.inner)
        inner.iteration = self.iteration
        with self._naming():
            shared.partial_fit(X, target, column(own), step)
            rest = y - shared.predict(X)[:, 0]
        inner.partial_fit(X, rest, weights, step)
        errors = column(rest) - pairs.ask(inner, X)
        found = pairs.variances(errors, variance(y, pairs.row_weights))
        if self.variances is not None:
            found = (1.0 - step.rate) * self.variances + step.rate * found
        self.shared, self.inner, self.variances = shared, inner, found
        return self

    def _naming(self):
        kind = type(self.shared.experts[0][1]).__name__
        return naming(f"shared_expert ({kind})", self.iteration)

    def _ask_shared(self, X):
        with self._naming():
            return self.shared.predict(X)

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs])."""
        return self.inner.predict(X) + self._ask_shared(X)

    def predict_routed(self, X, routes):
        """Predictions of the pairs, of shape (n_samples, top_k[, n_outputs])."""
        return self.inner.predict_routed(X, routes) + self._ask_shared(X)

    def renewed(self, experts):
        """The same where these experts begin anew."""
        pool = copy(self)
        pool.inner = self.inner.renewed(experts)
        return pool

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    @property
    def shared_fitted(self):
        """The fitted shared expert."""
        return self.shared.estimators()[0]

    def estimators(self):
        """The fitted experts, without the shared one."""
        return self.inner.estimators()

    def resume_shared(self, X, y, weights, estimator, state=None):
        """Take over a fitted shared expert, before the others."""
        self.shared = copy(self.shared)
        self.shared.resume(X, y, weights, [estimator], state and state["shared"])

    def resume(self, X, y, weights, estimators, state=None):
        """Take over fitted experts."""
        state = state or {"inner": None, "variances": np.ones(self.n_experts)}
        self.inner = copy(self.inner)
        rest = y - self._ask_shared(X)[:, 0]
        self.inner.resume(X, rest, weights, estimators, state["inner"])
        self.variances = state["variances"]

    @property
    def state(self):
        """What estimators do not tell, as arrays."""
        return {
            "inner": self.inner.state,
            "shared": self.shared.state,
            "variances": self.variances,
        }


def make_incremental_shared_pool(shared, experts, X, y, **options):
    """Make an incremental pool of experts and a shared one.

    Parameters
    ----------
    shared : regressor
        Unfitted, with its seeds set.
    experts : list of (name, estimator)
        The other experts.
    X : array-like of shape (n_samples, n_features)
        The first rows, which tell what they are like.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    **options : dict
        ``random_state`` and ``n_jobs`` of :func:`make_incremental_regressor_pool`.

    Returns
    -------
    pool : incremental expert pool
        With ``partial_fit(X, y, weights, step)``.

    Raises
    ------
    ValueError
        If the shared expert or another cannot learn from batches.

    See Also
    --------
    SharedPool : For all rows at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.experts import make_incremental_shared_pool
    >>> pool = make_incremental_shared_pool(
    ...     LinearRegression(), [("expert0", LinearRegression())],
    ...     np.zeros((2, 1)), np.zeros(2),
    ...     random_state=np.random.RandomState(0), n_jobs=None,
    ... )
    >>> pool.n_experts
    1
    """
    try:
        alone = make_incremental_regressor_pool([("shared", shared)], X, y, **options)
    except ValueError:
        raise ValueError(
            f"shared_expert: {type(shared).__name__} has no partial_fit, so it cannot "
            "learn from batches; use LinearRegression, Ridge, SGDRegressor or "
            "MLPRegressor, or fit with solver='em'."
        ) from None
    return IncrementalSharedPool(
        alone, make_incremental_regressor_pool(experts, X, y - y.mean(axis=0), **options)
    )
