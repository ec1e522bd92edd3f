"""The softmax gate's part of the joint log-likelihood."""

from copy import copy

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from skmoe._grams import weighted_grams
from skmoe._softmax_regression import add_coupled_ridge, softmax_information

# With more unknowns, the information is taken as one block for each expert.
_MAX_JOINT_UNKNOWNS = 1500
# Curvature of a direction without data, per unit of weight.
_FLAT = 1e-9


class SoftmaxTerms:
    """log g_k(x) and its derivatives; see ``skmoe.training`` for the protocol.

    The coefficients are those of all experts but the last, in standard units.

    Parameters
    ----------
    design : Design
    weights : ndarray of shape (n_samples,)
    n_experts : int
    alpha : float
        Strength of the L2 penalty on the slopes of all experts, which sum to zero.
    """

    def __init__(self, design, weights, n_experts, alpha):
        self.design = design
        self.weights = weights
        self.n_experts = n_experts
        self.shape = (n_experts - 1, design.n_columns)
        self.size = self.shape[0] * self.shape[1]
        self.lower = np.full(self.size, -np.inf)
        self.ridge = alpha * design.penalized
        self.coupling = np.eye(n_experts - 1) - 1.0 / n_experts

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        part = copy(self)
        part.design, part.weights = self.design.subset(rows), self.weights[rows]
        return part

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        self.coef = vector.reshape(self.shape)
        self.sums = np.zeros(self.shape)
        self.blocks = 0.0

    def log_prob(self, part):
        """log g_k of the rows of a slice, (n_experts, n_rows)."""
        self.part, self.rows = part, self.design.rows(part)
        logits = np.zeros((self.n_experts, self.rows.shape[0]))
        logits[:-1] = self.coef @ self.rows.T
        logits -= logits.max(axis=0)
        self.proba = np.exp(logits)
        total = self.proba.sum(axis=0)
        self.proba /= total
        logits -= np.log(total)
        return logits

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log g_k(x_i) for these rows."""
        excess = share[:-1] - self.proba[:-1] * self.weights[self.part]
        self.sums += excess @ self.rows

    def gradient(self):
        """What was collected."""
        return self.sums.ravel()

    def penalty(self):
        """The penalty and its gradient."""
        slope = (self.coupling @ self.coef) * self.ridge
        return 0.5 * np.vdot(slope, self.coef), slope.ravel()

    def collect_information(self, share):
        """Add the information of these rows."""
        weights, proba = self.weights[self.part], self.proba[:-1]
        if self.size > _MAX_JOINT_UNKNOWNS:
            self.blocks += weighted_grams(self.rows, proba * (1.0 - proba) * weights)
        else:
            self.blocks += softmax_information(self.rows, proba, weights)

    def preconditioner(self, total):
        """Solve with the information, scaled up to rows of the weight ``total``."""
        if self.size == 0:
            return np.copy
        blocks = self.blocks * (total / self.weights.sum())
        if blocks.ndim == 3:
            diagonal = np.diag(self.ridge) + _FLAT * total * np.eye(self.shape[1])
            inverse = np.linalg.inv(blocks + diagonal)
            return lambda g: (inverse @ g.reshape(*self.shape, 1)).ravel()
        add_coupled_ridge(blocks, self.coupling, self.ridge)
        matrix = blocks.reshape(self.size, self.size)
        matrix[np.diag_indices(self.size)] += _FLAT * total
        factor = cho_factor(matrix, lower=True, check_finite=False)
        return lambda g: cho_solve(factor, g, check_finite=False)

    def maximised(self, vector):
        """No closed form: the parameters as they are."""
        return vector
