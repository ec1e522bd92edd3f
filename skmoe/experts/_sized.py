"""Pools of experts for rows of different sizes: exposures, or numbers of trials.

A target has two columns then: what was counted, and the size.
"""

from copy import copy

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from skmoe._sklearn_compat import num_samples
from skmoe._validation import stacked_rows

#: Classes of a trial, by their numbers: a failure, and a success.
OUTCOMES = np.array([0, 1])


class _AroundPool:
    """What is the same for a pool around another one."""

    def __init__(self, inner):
        self.inner = inner
        self.iteration = None

    @property
    def experts(self):
        """Unfitted estimators, by name."""
        return self.inner.experts

    @property
    def n_experts(self):
        """Number of experts."""
        return self.inner.n_experts

    @property
    def trusts_bags(self):
        """Whether out-of-bag predictions are taken for those of held-out rows."""
        return self.inner.trusts_bags

    @trusts_bags.setter
    def trusts_bags(self, trusts):
        self.inner.trusts_bags = trusts

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    def estimators(self):
        """The fitted scikit-learn estimators."""
        return self.inner.estimators()

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        return self._around(self.inner.unfitted(rows))

    def _around(self, inner):
        pool = copy(self)
        pool.inner = inner
        return pool

    def _fresh_inner(self):
        inner = copy(self.inner)
        inner.iteration = self.iteration
        return inner


class RatePool(_AroundPool):
    """Experts that predict what there is per unit of a row's exposure.

    Parameters
    ----------
    inner : pool
        Of the experts.
    expert_target : callable
        From a target with sizes to the rates, and what multiplies their weights.
    """

    def __init__(self, inner, expert_target):
        super().__init__(inner)
        self.expert_target = expert_target

    def fit(self, X, target, weights):
        """Fit every expert; parameters as in other pools."""
        rates, factor = self.expert_target(target)
        weights = _times(weights, factor)
        self.inner = self._inner_for(X, weights).fit(X, rates, weights)
        return self

    def _inner_for(self, X, weights):
        return self._fresh_inner()

    def predict(self, X):
        """Rates of shape (n_samples, n_experts)."""
        return self.inner.predict(X)

    def predict_routed(self, X, routes):
        """The same of the pairs, of shape (n_samples, top_k)."""
        return self.inner.predict_routed(X, routes)

    def predict_held_out(self, X, target, weights, folds, among=None):
        """Rates of each row by experts that were not fitted to it."""
        rates, factor = self.expert_target(target)
        weights = _times(weights, factor)
        return self.inner.predict_held_out(X, rates, weights, folds, among)

    def resume(self, X, target, weights, estimators):
        """Take over the state of fitted experts."""
        rates, factor = self.expert_target(target)
        self.inner.resume(X, rates, weights * factor, estimators)


class RateTermsPool(RatePool):
    """The same, of experts that are solved together with the gate.

    Their columns keep the units that the rows have by their weights alone, as those of
    the gate and of the likelihood's derivatives do.
    """

    def _inner_for(self, X, weights):
        return self._fresh_inner().reweighted(X, weights)

    def resume(self, X, target, weights, estimators):
        """Take over the state of fitted experts."""
        rates, _ = self.expert_target(target)
        self.inner.resume(X, rates, weights, estimators)

    def bind(self, X, weights, design=None):
        """Prepare for many fits to X."""
        self.inner.bind(X, weights, design)

    def subset(self, X, rows):
        """A pool bound to some rows, which are X, in the same units."""
        return self._around(self.inner.subset(X, rows))

    def terms(self, target, weights, likelihood):
        """The experts' part of the log-likelihood."""
        return self.inner.terms(target, weights, likelihood)

    def parameters(self, terms, dispersion):
        """This pool's state as ``terms`` takes it."""
        return self.inner.parameters(terms, dispersion)

    def with_parameters(self, terms, vector, n_iter):
        """A pool with the state ``vector`` of ``terms``, and the dispersions."""
        inner, dispersion = self.inner.with_parameters(terms, vector, n_iter)
        return self._around(inner), dispersion


class SuccessPool(_AroundPool):
    """Classifiers that tell the probability of success.

    They are fitted to each row twice, as a success and as a failure, weighted by how
    often it was.

    Parameters
    ----------
    experts : list of (name, classifier)
    X : array-like of shape (n_samples, n_features)
    make_inner : callable
        ``make_inner(experts, X, y)`` is a pool of the classifiers, not yet fitted.
    """

    def __init__(self, experts, X, make_inner):
        self._rows = (X, stacked_rows([X, X]))
        super().__init__(make_inner(experts, self._rows[1], _outcomes(num_samples(X))))

    @property
    def trusts_bags(self):
        """Never: a bag may hold out a row's success, and not its failure."""
        return False

    @trusts_bags.setter
    def trusts_bags(self, trusts):
        self.inner.trusts_bags = False

    def _twice(self, X):
        """Rows twice, which are kept: pools know their rows again."""
        if self._rows[0] is not X:
            self._rows = (X, stacked_rows([X, X]))
        return self._rows[1]

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        both = np.concatenate([rows, rows + num_samples(self._rows[0])])
        return self._around(self.inner.unfitted(both))

    def fit(self, X, target, weights):
        """Fit every expert; parameters as in other pools."""
        rows, outcomes = self._twice(X), _outcomes(len(target))
        self.inner = self._fresh_inner().fit(
            rows, outcomes, _of_outcomes(target, weights)
        )
        return self

    def predict(self, X):
        """Probabilities of success, of shape (n_samples, n_experts)."""
        if X is not self._rows[0]:
            return self.inner.predict(X)[:, :, 1]
        return self.inner.predict(self._rows[1])[: num_samples(X), :, 1]

    def predict_routed(self, X, routes):
        """The same of the pairs, of shape (n_samples, top_k)."""
        return self.inner.predict_routed(X, routes)[:, :, 1]

    def predict_held_out(self, X, target, weights, folds, among=None):
        """Probabilities by experts that were not fitted to the row."""
        n_samples = len(target)
        both = [
            tuple(np.concatenate([part, part + n_samples]) for part in fold)
            for fold in folds
        ]
        answer = self.inner.predict_held_out(
            self._twice(X), _outcomes(n_samples), _of_outcomes(target, weights), both,
            among,
        )  # fmt: skip
        return answer[:n_samples, :, 1]

    def resume(self, X, target, weights, estimators):
        """Take over the state of fitted experts."""
        both = np.concatenate([weights, weights])
        self.inner.resume(self._twice(X), _outcomes(len(target)), both, estimators)


def _outcomes(n_samples):
    """Class numbers of rows that come twice: successes, then failures."""
    return np.repeat([1, 0], n_samples)


def _of_outcomes(target, weights):
    """Weights of successes, then of failures."""
    successes, failures = target[:, 0], target[:, 1] - target[:, 0]
    parts = [_times(weights, successes), _times(weights, failures)]
    # SciPy before 1.11 stacks sparse arrays to a matrix.
    return csr_array(vstack(parts)) if issparse(weights) else np.concatenate(parts)


def _times(weights, factor):
    """Weights of rows and experts times those of the rows."""
    if issparse(weights):
        return weights.multiply(factor[:, None]).tocsr()
    return weights * factor[:, None]
