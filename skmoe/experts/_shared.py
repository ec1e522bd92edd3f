"""Experts beside one that answers for every row (Dai et al. 2024).

A prediction is that of the shared expert plus that of an expert of the pool:

    mu_k(x) = s(x) + e_k(x)

Both are fitted by backfitting within the M-step: s to what the experts leave of y, each
row weighted by how sure its experts are of it, then the experts to what s leaves.
"""

from copy import copy

import numpy as np
from sklearn.base import clone, is_regressor

from skmoe._fitting import clone_seeded, weight_keyword
from skmoe._naming import naming
from skmoe._sklearn_compat import safe_indexing
from skmoe.experts._pairs import Pairs, column, variance

# EM goes on from the last sweep, so few are enough.
_N_SWEEPS = 2


class SharedPool:
    """A pool whose experts model what a shared expert leaves (:eq:`eq-shared-expert`).

    Both are fitted by backfitting, with two sweeps in each M-step.

    Parameters
    ----------
    shared : regressor
        Unfitted, with its seeds set.
    experts : list of (name, estimator)
        The other experts.
    make_inner : callable
        ``make_inner(experts)`` is a pool of them, not yet fitted.

    Attributes
    ----------
    inner : expert pool
        Of the experts.
    shared_fitted : regressor or None
        The fitted shared expert.

    See Also
    --------
    make_incremental_shared_pool : The same for rows that come in batches.

    References
    ----------
    .. [1] D. Dai et al. (2024). DeepSeekMoE: towards ultimate expert specialization in
       mixture-of-experts language models. ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.experts import SharedPool, make_regressor_pool
    >>> X, y = np.arange(4.0)[:, None], np.array([5.0, 6.0, 7.0, 8.0])
    >>> def make_inner(experts):
    ...     return make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    >>> experts = [("expert0", LinearRegression())]
    >>> pool = SharedPool(DummyRegressor(), experts, make_inner)
    >>> pool = pool.fit(X, y, np.ones((4, 1)))
    >>> pool.shared_fitted.constant_.ravel(), pool.estimators()[0].coef_.round(2)
    (array([6.5]), array([1.]))
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
        """Number of experts, without the shared one.

        Returns
        -------
        n_experts : int
            How many there are.
        """
        return len(self.experts)

    def fit(self, X, y, weights):
        """Fit the shared expert and the experts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as the experts take them.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        weights : {ndarray, sparse array} of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.

        Returns
        -------
        self : SharedPool
            The fitted pool.

        Raises
        ------
        Exception
            What an expert raises, with its name and the iteration.
        """
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
        """Make an unfitted pool of the same experts, for fits to some rows.

        Parameters
        ----------
        rows : ndarray of int
            Their numbers in the training data.

        Returns
        -------
        pool : SharedPool
            Not yet fitted.
        """
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
        """Predict with each expert, and add the shared one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            In units of y.
        """
        return self.inner.predict(X) + column(self._ask_shared(X))

    def predict_routed(self, X, routes):
        """Predict with the experts that each row is sent to, and add the shared one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        routes : Routes
            Which experts each row is sent to.

        Returns
        -------
        prediction : ndarray of shape (n_samples, top_k[, n_outputs])
            In units of y.
        """
        return self.inner.predict_routed(X, routes) + column(self._ask_shared(X))

    def predict_held_out(self, X, y, weights, folds, among=None):
        """Predict each row with experts that were not fitted to it.

        There is a fit for each fold, which is not kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as the experts take them.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        folds : list of (train, test)
            Numbers of rows; each row is in one test.
        among : list of int, default=None
            Numbers of the experts to ask; None for all.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_asked[, n_outputs])
            In units of y.
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
        """Take over a fitted shared expert, before the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Not used.
        y : ndarray of shape (n_samples,)
            Not used.
        weights : ndarray of shape (n_samples, n_experts)
            Not used.
        estimator : regressor
            The fitted shared expert.
        """
        self.shared_fitted = estimator

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted experts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, as the experts take them.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        estimators : list of estimators
            The fitted experts, without the shared one.
        """
        self.n_outputs = y.shape[1] if y.ndim == 2 else None
        self.inner.resume(X, y - self._ask_shared(X), weights, estimators)
        self.variances = np.ones(self.n_experts)

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood.

        Returns
        -------
        penalty : float
            In units of log-likelihood.
        """
        return self.inner.penalty

    def estimators(self):
        """Return the fitted experts, without the shared one.

        Returns
        -------
        estimators : list of estimators
            In the order of ``experts``.
        """
        return self.inner.estimators()


def ask_shared(shared, X, n_outputs):
    """Ask a fitted shared expert.

    Parameters
    ----------
    shared : regressor
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows to predict.
    n_outputs : int or None
        None for a target of shape (n_samples,).

    Returns
    -------
    prediction : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        In units of y.

    Raises
    ------
    ValueError
        If a prediction is not finite.

    See Also
    --------
    SharedPool : What fits it.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from skmoe.experts import ask_shared
    >>> shared = DummyRegressor().fit([[0.0], [0.0]], [1.0, 3.0])
    >>> ask_shared(shared, [[0.0]], None)
    array([2.])
    """
    prediction = np.asarray(shared.predict(X), dtype=np.float64)
    prediction = prediction.reshape(-1 if n_outputs is None else (-1, n_outputs))
    if not np.isfinite(prediction).all():
        raise ValueError("its prediction is not finite.")
    return prediction


def check_shared_expert(shared, random_state):
    """Return a seeded clone of the ``shared_expert``, which takes weights; None without.

    Parameters
    ----------
    shared : regressor or None
        The parameter.
    random_state : RandomState
        Fills open ``random_state`` parameters.

    Returns
    -------
    shared : regressor or None
        Unfitted.

    Raises
    ------
    TypeError
        If it is a class, or no regressor.
    ValueError
        If its ``fit`` takes no ``sample_weight``.

    See Also
    --------
    SharedPool : What fits it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.experts import check_shared_expert
    >>> check_shared_expert(LinearRegression(), np.random.RandomState(0))
    LinearRegression()
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
