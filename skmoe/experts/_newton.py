"""Linear experts that learn from one batch after the other, all in one array."""

from copy import copy

import numpy as np
from scipy.sparse import issparse

from skmoe._design import Design
from skmoe._sklearn_compat import safe_indexing


class NewtonPool:
    """Experts of a closed-form pool, moved by steps on batches.

    A step of the coefficients is the gradient of the batch, scaled by a running average
    of the experts' information (see ``skmoe._running``). Units are those of the first
    rows.

    Parameters
    ----------
    inner : ClosedFormPool
        Whose experts these are. It has ``stepped(rows, y, weights, information, step)``
        -> coefficients and information, from averages per unit of weight.

    Attributes
    ----------
    information : ndarray or None
        Its running average; the first axis is one of experts, or divides into these.
    """

    #: Whole steps on the first rows, whose shares are given: more than one, as those of
    #: a gate, or of experts with a link, are no solution.
    n_first_passes = 4

    def __init__(self, inner):
        self.inner = inner
        self.information = None
        self.iteration = None
        self._resumed = None
        self._last = (None, None)

    @property
    def experts(self):
        """List of (name, estimator)."""
        return self.inner.experts

    @property
    def n_experts(self):
        """Number of experts."""
        return self.inner.n_experts

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    def partial_fit(self, X, y, weights, step):
        """Move every expert.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        weights : {ndarray, sparse array} of shape (n_samples, n_experts)
        step : StepSize

        Returns
        -------
        self : NewtonPool
        """
        weights = weights.toarray() if issparse(weights) else weights
        inner = copy(self.inner)
        inner.iteration = self.iteration
        if inner.coef is None:
            inner.bind(X, np.ones(X.shape[0]))
            self._let_go(inner)
            inner.coef = inner.fresh_coef(y)
        self.inner, self._resumed = inner, None
        inner.coef, self.information = inner.stepped(
            self._rows(X), y, weights / step.weight, self.information, step
        )
        return self

    @staticmethod
    def _let_go(inner):
        """Keep names and units of the first rows, not the rows."""
        if inner._source is not None and inner._source.shape[0]:
            nothing = slice(0)
            inner._source = safe_indexing(inner._source, nothing)
            inner.design = inner.design.subset(nothing).without_constants()
        inner._resumed = inner._total = None

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        return self.inner._predict(self._rows(X))

    def predict_routed(self, X, routes):
        """The same of the routed pairs only: (n_samples, top_k[, ...])."""
        return self.inner._predict_routed(self._rows(X), routes)

    def _rows(self, X):
        """X in standard units; that of a batch is asked for twice."""
        last, rows = self._last
        if last is not X:
            rows = self.inner.design.transform(self.inner._check(X))
            self._last = (X, rows)
        return rows

    def renewed(self, experts):
        """The same where these experts forget how sure they are of what they know."""
        pool = copy(self)
        if self.information is not None:
            by_expert = self.information.reshape(self.n_experts, -1).copy()
            by_expert[list(experts)] = 0.0
            pool.information = by_expert.reshape(self.information.shape)
        return pool

    def estimators(self):
        """The fitted scikit-learn estimators."""
        if self._resumed is not None:
            return self._resumed
        return self.inner.without_details().estimators()

    # -- between calls of partial_fit ---------------------------------------------------

    def resume(self, X, y, weights, estimators, state=None):
        """Take over fitted estimators, and what :attr:`state` was, if it is known."""
        inner = copy(self.inner)
        if state is None:
            inner.resume(X, y, weights, estimators)
            self._let_go(inner)
        else:
            units = Design.of_units(state["center"], state["scale"], inner.fit_intercept)
            inner.design, inner._source = units, safe_indexing(X, slice(0))
            inner.coef = np.stack([inner._coef_of(units, e) for e in estimators])
            self.information = state["information"]
        self.inner, self._resumed = inner, list(estimators)
        self._last = (None, None)

    @property
    def state(self):
        """What estimators do not tell, as arrays."""
        design = self.inner.design
        return {
            "center": design.center,
            "scale": design.scale,
            "information": self.information,
        }
