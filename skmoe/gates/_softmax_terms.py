"""The softmax gate's part of the joint log-likelihood."""

from copy import copy
from functools import partial

import numpy as np

from skmoe._blocks import Blocks
from skmoe._softmax_regression import add_coupled_ridge, softmax_information
from skmoe._sums import SumsMixin

# With more unknowns, the information is taken as one block for each expert.
_MAX_JOINT_UNKNOWNS = 1500


class SoftmaxTerms(SumsMixin):
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

    _collects = ("sums", "blocks")

    def __init__(self, design, weights, n_experts, alpha):
        self.design = design
        self.weights, self.total = weights, weights.sum()
        self.n_experts = n_experts
        self.shape = (n_experts - 1, design.n_columns)
        self.size = self.shape[0] * self.shape[1]
        self.lower = np.full(self.size, -np.inf)
        self.ridge = alpha * design.penalized
        self.coupling = np.eye(n_experts - 1) - 1.0 / n_experts

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        return self.with_rows(self.design.subset(rows), self.weights[rows])

    def with_rows(self, design, weights):
        """The terms of other rows, in the same units."""
        part = copy(self)
        part.design, part.weights, part.total = design, weights, weights.sum()
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
        excess = share[:-1] - self.proba[:-1] * self._mass(share)
        self.sums += excess @ self.rows

    def _mass(self, share):
        """What comes to this gate of each row of the last slice."""
        return self.weights[self.part]

    def gradient(self):
        """What was collected."""
        return self.sums.ravel()

    def penalty(self):
        """The penalty and its gradient."""
        slope = (self.coupling @ self.coef) * self.ridge
        return 0.5 * np.vdot(slope, self.coef), slope.ravel()

    def collect_information(self, share):
        """Add the information of these rows."""
        weights, proba = self._mass(share), self.proba[:-1]
        if self.size > _MAX_JOINT_UNKNOWNS:
            curvature = proba * (1.0 - proba) * weights
            self.blocks += self.design.grams(self.part, curvature)
        else:
            grams = partial(self.design.grams, self.part)
            self.blocks += softmax_information(grams, proba, weights)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        blocks = self.blocks * (total / self.total)
        if blocks.ndim == 3:
            return Blocks(blocks + np.diag(self.ridge))
        add_coupled_ridge(blocks, self.coupling, self.ridge)
        return Blocks(blocks.reshape(1, self.size, self.size))

    def scores(self):
        """Derivatives by the logits, but for what they share; and whose they are."""
        return np.ones_like(self.proba[:-1]), np.arange(self.n_experts - 1)
