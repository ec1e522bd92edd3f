"""Softmax gates and the rows that they are fitted to, again and again."""

from copy import copy

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import validate_data

from skmoe._design import Design
from skmoe._softmax_of_pairs import PairsObjective, fit_softmax_to_pairs
from skmoe._softmax_regression import fit_softmax_regression, log_softmax
from skmoe.gates._softmax_terms import SoftmaxTerms

# Responsibilities, and parameters, up to which sparse ones are better held with zeros.
_SMALL_CELLS, _SMALL_UNKNOWNS = 500_000, 200
# Of L-BFGS in one iteration of EM, which comes back.
_N_STEPS = 12


class BoundSoftmax:
    """Softmax gates and the rows that they are fitted to; see ``BoundGate``.

    Parameters
    ----------
    checker : SoftmaxGate
        An unfitted one, which takes note of the columns.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,)
    """

    def __init__(self, checker, X, weights):
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
