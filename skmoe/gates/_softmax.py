"""The softmax gate of Jacobs, Jordan, Nowlan & Hinton (1991)."""

import warnings
from copy import copy
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from skmoe._design import Design
from skmoe._sklearn_compat import Interval
from skmoe._softmax_of_pairs import PairsObjective, fit_softmax_to_pairs
from skmoe._softmax_regression import fit_softmax_regression, log_softmax
from skmoe.gates._protocol import GateMixin, check_responsibilities
from skmoe.gates._softmax_batches import step_on_batch
from skmoe.gates._softmax_terms import SoftmaxTerms

_FEW = 16
# Responsibilities, and parameters, up to which sparse ones are better held with zeros.
_SMALL_CELLS, _SMALL_UNKNOWNS = 500_000, 200
# Of L-BFGS in one iteration of EM, which comes back.
_N_STEPS = 12
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
        Strength of the router z-loss [2]_, which keeps logits small: per row, the square
        of their log-sum-exp, when they are centred over the experts, less its smallest
        value. Literature takes 1e-3.

    Attributes
    ----------
    coef_ : ndarray of shape (n_experts, n_features)
        Slopes of the log-odds, per unit of each column.
    intercept_ : ndarray of shape (n_experts,)
    n_iter_ : int
        Newton steps of the last fit.
    n_parameters_ : int
        ``(n_experts - 1) * (n_features + 1)``.
    penalty_ : float
        The penalty's value at the solution, in units of log-likelihood.
    n_samples_seen_ : float
        Weight of the rows that it was fitted to, and learnt from.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

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
        responsibilities : {array-like, sparse matrix} of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : SoftmaxGate
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        self.bind(X, weights).update(self, targets)
        return self

    def bind(self, X, weights):
        """Check and standardise X once, for many fits."""
        return _BoundSoftmax(self, X, weights)

    def partial_fit(self, X, responsibilities, sample_weight=None, *, step=None):
        """Take one step on a batch of rows.

        The gradient is scaled by a running average of the information. The first batch
        decides on units; after ``fit``, coefficients are gone on from.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        responsibilities : {array-like, sparse matrix} of shape (n_samples, n_experts)
        sample_weight : array-like of shape (n_samples,), default=None
        step : StepSize, default=None
            How far to go. None counts the rows so far: the last ones weigh most.

        Returns
        -------
        self : SoftmaxGate
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        step_on_batch(self, X, targets, weights, step)
        return self

    def with_least_share(self, experts, X, share):
        """A copy that gives experts at least a mean probability on rows.

        Parameters
        ----------
        experts : sequence of int
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        share : float
            Of each, before those of all experts are scaled to sum to one.

        Returns
        -------
        gate : SoftmaxGate
        """
        means = np.exp(self.predict_log_proba(X)).mean(axis=0)
        smallest = np.finfo(np.float64).tiny
        raised = np.zeros(len(means))
        raised[list(experts)] = np.log(share / np.maximum(means[list(experts)], smallest))
        raised = np.maximum(raised, 0.0)
        gate = copy(self)
        gate.intercept_ = self.intercept_ + raised - raised.mean()
        return gate

    def with_load_loss(self, slopes):
        """A copy whose objective also falls with the probability of busy experts.

        Parameters
        ----------
        slopes : ndarray of shape (n_experts,)
            What a unit of each expert's probability costs, per unit of weight.

        Returns
        -------
        gate : SoftmaxGate
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
        """Log gate probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return self.log_proba_of_numbers(X)

    def logits_of_numbers(self, X):
        """Logits of finite numbers that need no checks, (n_samples, n_experts)."""
        if len(self.coef_) > _FEW:
            return X @ self.coef_.T + self.intercept_
        # Rows last, as who looks for the largest of few goes over rows.
        return (self.coef_ @ X.T + self.intercept_[:, None]).T

    def log_proba_of_numbers(self, X):
        """:meth:`predict_log_proba` of finite numbers that need no more checks."""
        # Rows last: sums over the experts are fast then.
        logits = self.coef_ @ X.T + self.intercept_[:, None]
        return log_softmax(logits).T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _BoundSoftmax:
    """Softmax gates and the rows that they are fitted to; see ``BoundGate``."""

    def __init__(self, gate, X, weights):
        checker = SoftmaxGate()
        X = validate_data(checker, X, accept_sparse="csr", dtype=(np.float64, np.float32))
        # What X is made of, which each fitted gate takes over.
        names = ("n_features_in_", "feature_names_in_")
        self.features = {k: v for k, v in vars(checker).items() if k in names}
        self.design = Design(X, weights)
        self.weights = weights

    def subset(self, X, rows):
        """The same for some rows, in the same units."""
        part = copy(self)
        part.design, part.weights = self.design.subset(rows), self.weights[rows]
        return part

    def with_rows(self, X, weights):
        """The same for other rows, in the same units."""
        part = copy(self)
        part.design, part.weights = self.design.with_rows(X), weights
        return part

    def in_units(self, mean, scale):
        """The same rows in the units that these moments of the columns give."""
        part = copy(self)
        part.design = self.design.in_units(mean, scale)
        return part

    def fit(self, gate, responsibilities):
        """A fitted copy of ``gate``, which starts from its state."""
        gate = copy(gate)
        self.update(gate, responsibilities, _N_STEPS)
        return gate

    def update(self, gate, responsibilities, max_steps=None):
        """Fit ``gate`` itself, by binding new attributes.

        With ``max_steps``, L-BFGS makes no more steps: it will go on from there.
        """
        n_experts = responsibilities.shape[1]
        slopes = vars(gate).pop("_load_slopes", None)
        if issparse(responsibilities) and self._is_small(n_experts):
            responsibilities = responsibilities.toarray()
        if issparse(responsibilities) or slopes is not None or gate.z_loss:
            max_steps = max_steps or gate.max_iter
            targets = csr_array(responsibilities)
            self._update_in_chunks(gate, targets, slopes, max_steps)
            return
        coef, n_iter = fit_softmax_regression(
            self.design.matrix,
            np.ascontiguousarray(responsibilities.T * self.weights),
            ridge=gate.alpha * self.design.penalized,
            # A penalty on all K coefficient vectors, which sum to zero.
            coupling=np.eye(n_experts - 1) - 1.0 / n_experts,
            start=self._start(gate, n_experts),
            tol=gate.tol,
            max_iter=gate.max_iter,
        )
        self._set(gate, _centred(coef), n_iter)

    def _is_small(self, n_experts):
        """Whether Newton's steps, which end at the maximum, cost next to nothing."""
        n_unknowns = (n_experts - 1) * self.design.n_columns
        cells = self.design.n_samples * n_experts
        return cells <= _SMALL_CELLS and n_unknowns <= _SMALL_UNKNOWNS

    def _update_in_chunks(self, gate, targets, slopes, max_steps):
        targets = targets.multiply(self.weights[:, None]).tocsr()
        ridge = gate.alpha * self.design.penalized
        objective = PairsObjective(self.design, targets, ridge, slopes, gate.z_loss)
        start = _centred(self._start(gate, targets.shape[1]))
        coef, n_iter = fit_softmax_to_pairs(
            objective, start, np.sqrt(gate.tol), min(max_steps, gate.max_iter)
        )
        coef -= coef.mean(axis=0)
        self._set(gate, coef, n_iter)
        if slopes is not None or gate.z_loss:
            objective(coef)
            gate.penalty_ = objective.penalty

    def _set(self, gate, coef, n_iter):
        """Give ``gate`` coefficients that sum to zero over the experts."""
        slopes, intercept = self.design.to_user(coef)
        for name in ("feature_names_in_", "_steps"):  # as of other rows
            vars(gate).pop(name, None)
        vars(gate).update(
            self.features,
            n_samples_seen_=float(self.weights.sum()),
            coef_=slopes,
            intercept_=intercept,
            n_iter_=n_iter,
            n_parameters_=coef[:-1].size,
            penalty_=0.5 * gate.alpha * np.sum(coef**2 * self.design.penalized),
        )
        if gate.alpha == 0:
            gate._warn_if_separated(self._logits(gate))

    def _start(self, gate, n_experts):
        """The last state in standard units, or zero."""
        if getattr(gate, "coef_", np.empty(0)).shape[:1] != (n_experts,):
            return np.zeros((n_experts - 1, self.design.n_columns))
        coef = self.design.from_user(gate.coef_, gate.intercept_)
        return coef[:-1] - coef[-1]

    def _logits(self, gate):
        coef = self.design.from_user(gate.coef_, gate.intercept_)
        return self.design.matrix @ coef.T

    def joint_log_proba(self, gate):
        """Log gate probabilities of these rows."""
        return log_softmax(self._logits(gate).T).T

    def terms(self, gate, n_experts):
        """The gate's part of the log-likelihood, for solving it with the experts."""
        if gate.z_loss:
            return None
        return SoftmaxTerms(self.design, self.weights, n_experts, gate.alpha)

    def parameters(self, gate, terms):
        """The parameters of a fitted gate, as ``terms`` takes them."""
        return self._start(gate, terms.n_experts).ravel()

    def with_parameters(self, gate, terms, vector, n_iter):
        """A copy of ``gate`` with these parameters."""
        gate = copy(gate)
        self._set(gate, _centred(vector.reshape(terms.shape)), n_iter)
        return gate


def _centred(free):
    """Coefficients against the last expert, of all and summing to zero."""
    coef = np.vstack([free, np.zeros(free.shape[1])])
    return coef - coef.mean(axis=0)
