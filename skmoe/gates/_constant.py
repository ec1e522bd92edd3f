"""A gate that does not look at X: a mixture of regressions."""

from copy import copy

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skmoe._design import Design
from skmoe._running import averaged, next_step
from skmoe._sklearn_compat import num_samples
from skmoe.gates._bound import BoundGate
from skmoe.gates._protocol import GateMixin, check_n_experts, check_responsibilities
from skmoe.gates._softmax_terms import SoftmaxTerms


class ConstantGate(GateMixin, BaseEstimator):
    r"""Gate with the same probabilities for every row, :math:`g_k(x) = \pi_k`.

    The model is then a finite mixture of regressions (DeSarbo & Cron 1988).

    Attributes
    ----------
    prior_ : ndarray of shape (n_experts,)
        The weighted mean of the responsibilities.
    n_parameters_ : int
        ``n_experts - 1``.
    n_samples_seen_ : float
        Weight of the rows that it was fitted to, and learnt from.

    See Also
    --------
    SoftmaxGate : Gate that depends on X.

    Notes
    -----
    The gate is :eq:`eq-constant-gate`.

    References
    ----------
    .. [1] W. S. DeSarbo and W. L. Cron (1988). A maximum likelihood methodology for
       clusterwise linear regression. Journal of Classification 5, 249-282.

    Examples
    --------
    >>> from skmoe.gates import ConstantGate
    >>> gate = ConstantGate().fit([[0.0], [1.0]], [[0.8, 0.2], [0.6, 0.4]])
    >>> gate.prior_.round(3)
    array([0.7, 0.3])
    """

    takes_sparse_targets = True
    looks_at_rows = False

    def fit(self, X, responsibilities, sample_weight=None):
        """Average the responsibilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : ConstantGate
            The fitted gate.

        Raises
        ------
        ValueError
            If ``responsibilities`` are negative or have another number of rows than X.
        """
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        self.prior_ = _mean(targets, weights)
        self.n_parameters_ = self.prior_.size - 1
        self.n_samples_seen_ = float(weights.sum())
        return self

    def partial_fit(self, X, responsibilities, sample_weight=None, *, step=None):
        """Move the average towards that of a batch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.
        step : StepSize, default=None
            How far to go. None counts the rows so far: the last ones weigh most.

        Returns
        -------
        self : ConstantGate
            The gate, a step further.

        Raises
        ------
        ValueError
            If the batch has another number of experts than earlier ones.
        """
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        earlier = getattr(self, "prior_", None)
        check_n_experts(targets.shape[1], None if earlier is None else len(earlier))
        step = step or next_step(self, weights)
        self.prior_ = averaged(earlier, _mean(targets, weights), step.rate)
        self.n_parameters_ = self.prior_.size - 1
        return self

    def with_least_share(self, experts, X, share):
        """Copy the gate, and give experts at least a share.

        Parameters
        ----------
        experts : sequence of int
            Their numbers.
        X : array-like of shape (n_samples, n_features)
            Not used.
        share : float
            Of each, before those of all experts are scaled to sum to one.

        Returns
        -------
        gate : ConstantGate
            The copy, with other probabilities.
        """
        gate = copy(self)
        gate.prior_ = self.prior_.copy()
        gate.prior_[list(experts)] = np.maximum(self.prior_[list(experts)], share)
        gate.prior_ /= gate.prior_.sum()
        return gate

    def permuted(self, order):
        """Copy the gate, with its experts in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts, the first one to be the first.

        Returns
        -------
        gate : ConstantGate
            The copy.
        """
        gate = copy(self)
        gate.prior_ = self.prior_[order]
        return gate

    def bind(self, X, weights):
        """Prepare for many fits to the same rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        bound : BoundGate
            What fits gates to these rows, and may solve them together with experts.
        """
        return _BoundConstant(X, weights)

    def predict_log_proba(self, X):
        r"""Log gate probabilities, the same for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            :math:`\log \pi_k`.

        Raises
        ------
        NotFittedError
            If the gate is not fitted yet.
        """
        check_is_fitted(self)
        # An expert that lost all its rows has log-probability -inf only in theory.
        log_prior = np.log(np.maximum(self.prior_, np.finfo(np.float64).tiny))
        return np.tile(log_prior, (num_samples(X), 1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _mean(targets, weights):
    """The weighted mean of the targets, as probabilities."""
    mass = weights @ targets
    return mass / mass.sum()


class _BoundConstant(BoundGate):
    """Constant gates and the rows that they are fitted to."""

    def with_rows(self, X, weights):
        """The same for other rows."""
        return _BoundConstant(X, weights)

    def in_units(self, mean, scale):
        """The same: there are no units."""
        return self

    def terms(self, gate, n_experts):
        """Those of a softmax gate that has an intercept alone."""
        design = Design(np.empty((len(self.weights), 0)), self.weights)
        return SoftmaxTerms(design, self.weights, n_experts, alpha=0.0)

    def parameters(self, gate, terms):
        """Log-odds against the last expert."""
        log_prior = gate.predict_log_proba(np.empty((1, 0)))[0]
        return log_prior[:-1] - log_prior[-1]

    def with_parameters(self, gate, terms, vector, n_iter):
        """A copy of ``gate`` with these log-odds."""
        gate = copy(gate)
        gate.prior_ = softmax(np.append(vector, 0.0))
        gate.n_parameters_ = vector.size
        return gate
