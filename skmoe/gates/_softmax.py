"""The softmax gate of Jacobs, Jordan, Nowlan & Hinton (1991)."""

import warnings
from copy import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from skmoe._sklearn_compat import Interval
from skmoe._softmax_regression import log_softmax
from skmoe.gates._bound_softmax import BoundSoftmax
from skmoe.gates._protocol import GateMixin, check_responsibilities
from skmoe.gates._softmax_batches import permuted_steps, step_on_batch

_FEW = 16
# A row is decided when every other expert has less than this share of it.
_DECIDED = 1e-6


class SoftmaxGate(GateMixin, BaseEstimator):
    r"""Gate whose log-odds are linear in x.

    .. math:: g_k(x) = \frac{\exp(c_k + v_k^T x)}{\sum_l \exp(c_l + v_l^T x)}

    Fitted by Newton's method with the exact Hessian on the columns in standard units,
    starting from its own last state. The objective is

    .. math:: \sum_{ik} w_i r_{ik} \log g_k(x_i) - \tfrac{\alpha}{2} \|V\|^2

    with :math:`V` the slopes in standard units, so units do not matter. Coefficients
    are reported in the user's units and sum to zero over the experts.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the L2 penalty, in units of log-likelihood. The default is too small
        to be seen on data that overlap, and keeps the slopes finite where regimes are
        separated. ``alpha=0`` gives maximum likelihood.
    max_iter : int, default=100
        Most Newton steps of one fit.
    tol : float, default=1e-10
        Expected gain of log-likelihood per row at which the steps end. Where
        ``responsibilities`` are sparse, or there is a ``z_loss``, steps are those of
        L-BFGS, and end where one gains less than the root of ``tol``.
    z_loss : float, default=0.0
        Strength of the router z-loss [2]_ (:eq:`eq-z-loss`), which keeps logits small:
        per row, the square of their log-sum-exp, when they are centred over the experts,
        less its smallest value. Literature takes 1e-3.

    Attributes
    ----------
    coef_ : ndarray of shape (n_experts, n_features)
        Slopes of the log-odds, per unit of each column.
    intercept_ : ndarray of shape (n_experts,)
        Log-odds where all columns are zero.
    n_iter_ : int
        Newton steps of the last fit.
    n_parameters_ : int
        ``(n_experts - 1) * (n_features + 1)``.
    penalty_ : float
        The penalty's value at the solution, in units of log-likelihood.
    n_samples_seen_ : float
        Weight of the rows that it was fitted to, and learnt from.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X was a dataframe whose columns have strings as names.

    See Also
    --------
    ClassifierGate : Gate made of any classifier.
    ConstantGate : Gate that does not look at X.

    Notes
    -----
    The gate is :eq:`eq-softmax-gate`, its fit :eq:`eq-gate-m-step`.

    References
    ----------
    .. [1] R. A. Jacobs, M. I. Jordan, S. J. Nowlan and G. E. Hinton (1991). Adaptive
       mixtures of local experts. Neural Computation 3, 79-87.
    .. [2] B. Zoph et al. (2022). ST-MoE: Designing stable and transferable sparse expert
       models. arXiv:2202.08906.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import SoftmaxGate
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> responsibilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    >>> gate = SoftmaxGate(alpha=0).fit(X, responsibilities)
    >>> gate.predict_proba([[1.5]]).round(3)
    array([[0.456, 0.544]])
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "z_loss": [Interval(Real, 0, None, closed="left")],
    }

    takes_sparse_targets = True

    def __init__(self, alpha=1e-2, *, max_iter=100, tol=1e-10, z_loss=0.0):
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.z_loss = z_loss

    def fit(self, X, responsibilities, sample_weight=None):
        """Fit the gate to soft targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : {array-like, sparse matrix} of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : SoftmaxGate
            The fitted gate.

        Raises
        ------
        ValueError
            If X has missing or infinite values, or if ``responsibilities`` are negative
            or have another number of rows than X.

        Warns
        -----
        ConvergenceWarning
            If the experts' regions are completely separated and ``alpha`` is zero.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        self.bind(X, weights).update(self, targets)
        return self

    def bind(self, X, weights):
        """Check and standardise X once, for many fits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        bound : BoundGate
            What fits gates to these rows, and may solve them together with experts.
        """
        return BoundSoftmax(SoftmaxGate(), X, weights)

    def partial_fit(self, X, responsibilities, sample_weight=None, *, step=None):
        """Take one step on a batch of rows (:eq:`eq-gradient-step`).

        The gradient is scaled by a running average of the information. The first batch
        decides on units; after ``fit``, coefficients are gone on from.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : {array-like, sparse matrix} of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.
        step : StepSize, default=None
            How far to go. None counts the rows so far: the last ones weigh most.

        Returns
        -------
        self : SoftmaxGate
            The gate, a step further.

        Raises
        ------
        ValueError
            If the batch has other columns, or another number of experts, than earlier
            ones.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        step_on_batch(self, X, targets, weights, step)
        return self

    def with_least_share(self, experts, X, share):
        """Copy the gate, and give experts at least a mean probability on rows.

        Parameters
        ----------
        experts : sequence of int
            Their numbers.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        share : float
            Of each, before those of all experts are scaled to sum to one.

        Returns
        -------
        gate : SoftmaxGate
            The copy, with other intercepts.
        """
        means = np.exp(self.predict_log_proba(X)).mean(axis=0)
        smallest = np.finfo(np.float64).tiny
        raised = np.zeros(len(means))
        raised[list(experts)] = np.log(share / np.maximum(means[list(experts)], smallest))
        raised = np.maximum(raised, 0.0)
        gate = copy(self)
        gate.intercept_ = self.intercept_ + raised - raised.mean()
        return gate

    def permuted(self, order):
        """Copy the gate, with its experts in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts, the first one to be the first.

        Returns
        -------
        gate : SoftmaxGate
            The copy.
        """
        gate = copy(self)
        gate.coef_, gate.intercept_ = self.coef_[order], self.intercept_[order]
        if hasattr(self, "_steps"):
            gate._steps = permuted_steps(self._steps, order)
        return gate

    def with_load_loss(self, slopes):
        """Copy the gate, with an objective that falls with busy experts' probability.

        Parameters
        ----------
        slopes : ndarray of shape (n_experts,)
            What a unit of each expert's probability costs, per unit of weight
            (:eq:`eq-load-loss`).

        Returns
        -------
        gate : SoftmaxGate
            The copy, whose next fit pays it.
        """
        gate = copy(self)
        gate._load_slopes = slopes
        return gate

    def _warn_if_separated(self, logits):
        proba = np.exp(log_softmax(logits.T))
        decided = (proba > 1 - _DECIDED).any(axis=1)
        if np.all(proba.max(axis=0) > 1 - _DECIDED) and decided.sum() > 1:
            warnings.warn(
                "SoftmaxGate: the experts' regions are completely separated, so with "
                "alpha=0 the likelihood has no finite maximum; the slopes reported are "
                "where the steps ended. Use alpha > 0 (the default is 0.01).",
                ConvergenceWarning,
                stacklevel=3,
            )

    def predict_log_proba(self, X):
        r"""Log gate probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            :math:`\log g_k(x)`.

        Raises
        ------
        NotFittedError, ValueError
            If the gate is not fitted yet, or X has other columns than in ``fit``.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return self.log_proba_of_numbers(X)

    def logits_of_numbers(self, X):
        """Linear predictors of finite numbers that need no checks.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_experts)
            Log-probabilities, up to a number of each row.
        """
        if len(self.coef_) > _FEW:
            return X @ self.coef_.T + self.intercept_
        # Rows last, as who looks for the largest of few goes over rows.
        return (self.coef_ @ X.T + self.intercept_[:, None]).T

    def log_proba_of_numbers(self, X):
        """Log gate probabilities of finite numbers that need no more checks.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            What :meth:`predict_log_proba` gives.
        """
        # Rows last: sums over the experts are fast then.
        logits = self.coef_ @ X.T + self.intercept_[:, None]
        return log_softmax(logits).T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
