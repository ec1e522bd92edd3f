"""Experts with ``partial_fit``, each of which learns from its rows of a batch."""

from copy import copy
from functools import partial

import numpy as np
from joblib import Parallel, delayed

from skmoe._incremental import advanced, drawn_rows, takes_weights
from skmoe._naming import naming_expert
from skmoe._sklearn_compat import safe_indexing
from skmoe.experts._ask import predict_experts, predict_experts_proba
from skmoe.experts._columns import Columns, cut_small_shares
from skmoe.experts._routed import predict_experts_proba_routed, predict_experts_routed


class PartialFitPool:
    """Experts that learn by their own ``partial_fit``.

    Parameters
    ----------
    experts : list of (name, estimator)
        Unfitted, with their seeds set.
    n_outputs : int or None
        None for a target of shape (n_samples,).
    random_state : RandomState
        Draws rows for experts that take no weights.
    n_jobs : int or None
    classes : ndarray of shape (n_classes,), optional
        Of classifiers; ``y`` holds their numbers.

    Attributes
    ----------
    fitted : list of estimators
    """

    #: Passes over the first rows, whose shares are given.
    n_first_passes = 10

    def __init__(self, experts, *, n_outputs, random_state, n_jobs, classes=None):
        self.experts = experts
        self.names = [name for name, _ in experts]
        self.n_outputs, self.classes = n_outputs, classes
        self.random_state, self.n_jobs = random_state, n_jobs
        self.weighted = [takes_weights(estimator) for _, estimator in experts]
        self.fitted = [None] * len(experts)
        self.iteration = None
        self.penalty = 0.0

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts)

    def partial_fit(self, X, y, weights, step):
        """Let every expert learn from its rows; parameters as in :class:`NewtonPool`.

        Rates are the experts' own. One that has no row of the batch stays what it was.
        """
        columns = Columns(cut_small_shares(weights))
        labels = y if self.classes is None else self.classes[y]
        scale = len(y) / step.weight
        self.fitted = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(self._advance)(k, X, labels, *self._share(k, columns, len(y), scale))
            for k in range(self.n_experts)
        )
        return self

    def _share(self, k, columns, n_rows, scale):
        """Rows of expert k, and their weights or None."""
        rows, weights = columns[k]
        if not self.weighted[k]:
            rows = rows[drawn_rows(weights * scale, self.random_state)]
        if not rows.size and self.fitted[k] is None:
            rows, weights = np.arange(n_rows), np.ones(n_rows)
        return rows, weights if self.weighted[k] else None

    def _advance(self, k, X, y, rows, weights):
        (name, template), earlier = self.experts[k], self.fitted[k]
        if not rows.size:
            return earlier
        # Rows that are weighted are different ones, in their order.
        is_all = weights is not None and len(rows) == len(y)
        with naming_expert(name, template, self.iteration):
            X_rows = X if is_all else safe_indexing(X, rows)
            return advanced(template, earlier, X_rows, y[rows], weights, self.classes)

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        if self.classes is None:
            ask = partial(predict_experts, n_outputs=self.n_outputs)
        else:
            ask = partial(predict_experts_proba, classes=self.classes)
        return ask(self.fitted, X, names=self.names, iteration=self.iteration)

    def predict_routed(self, X, routes):
        """The same of the routed pairs only: (n_samples, top_k[, ...])."""
        if self.classes is None:
            ask = partial(predict_experts_routed, n_outputs=self.n_outputs)
        else:
            ask = partial(predict_experts_proba_routed, classes=self.classes)
        return ask(
            self.fitted, X, routes, names=self.names, iteration=self.iteration,
            n_jobs=self.n_jobs,
        )  # fmt: skip

    def renewed(self, experts):
        """The same where these experts begin anew."""
        pool = copy(self)
        pool.fitted = [
            None if k in experts else expert for k, expert in enumerate(self.fitted)
        ]
        return pool

    def estimators(self):
        """The fitted scikit-learn estimators."""
        return self.fitted

    def resume(self, X, y, weights, estimators, state=None):
        """Take over fitted estimators, which tell all there is to know."""
        self.fitted = list(estimators)

    state = None
