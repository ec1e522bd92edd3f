"""Logistic experts as part of the joint log-likelihood."""

from copy import copy
from functools import partial

import numpy as np

from skmoe._blocks import Blocks
from skmoe._softmax_regression import softmax_information
from skmoe._sums import SumsMixin

# With more unknowns of an expert, each class has a block of its own.
_MAX_JOINT_UNKNOWNS = 600
_LARGEST_LOGIT = 700.0  # still has an exponential


class LogisticTerms(SumsMixin):
    """log p_k(y | x) and its derivatives; see ``skmoe.training``.

    The parameters are the coefficients of all classes but the last, of shape
    (n_experts, n_classes - 1, n_columns), X in standard units.

    Parameters
    ----------
    pool : LogisticPool
        Bound to X.
    y : ndarray of int, of shape (n_samples,)
        Numbers of the classes.
    weights : ndarray of shape (n_samples,)
    """

    #: There is no closed form of the M-step.
    has_m_step = False
    _collects = ("sums", "blocks")

    def __init__(self, pool, y, weights):
        self.design, self.weights, self.total = pool.design, weights, weights.sum()
        self.y = self._coded(y)
        self.n_classes = len(pool.classes)
        self.shape = (pool.n_experts, self.n_classes - 1, self.design.n_columns)
        self.size = int(np.prod(self.shape))
        self.lower = np.full(self.size, -np.inf)
        self.n_numbers = pool.n_experts * self.n_classes
        self.ridge, self.coupling = pool.ridge, pool.coupling

    @staticmethod
    def _coded(y):
        return y

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        part = copy(self)
        part.design, part.y = self.design.subset(rows), self.y[rows]
        part.weights = self.weights[rows]
        part.total = part.weights.sum()
        return part

    def with_rows(self, design, y, weights):
        """The terms of other rows, in the same units."""
        part = copy(self)
        part.design, part.y = design, self._coded(y)
        part.weights, part.total = weights, weights.sum()
        return part

    def neutral(self):
        """Parameters of experts that know nothing."""
        return np.zeros(self.size)

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        self.coef = vector.reshape(self.shape)
        self.sums = np.zeros(self.shape)
        self.blocks = 0.0

    def log_prob(self, part):
        """log p_k of the rows' classes, (n_experts, n_rows)."""
        self.part = part
        self.rows, self.classes = self.design.rows(part), self.y[part]
        n_experts, n_free, n_columns = self.shape
        logits = np.zeros((n_experts, self.n_classes, len(self.classes)))
        flat = self.coef.reshape(-1, n_columns) @ self.rows.T
        logits[:, :-1] = flat.reshape(n_experts, n_free, -1)
        logits -= logits.max(axis=1, keepdims=True)
        self.proba = np.exp(logits)
        total = self.proba.sum(axis=1)
        self.proba /= total[:, None]
        n_rows = len(self.classes)
        places = self.classes * n_rows + np.arange(n_rows)
        log_prob = np.take(logits.reshape(n_experts, -1), places, axis=1)
        log_prob -= np.log(total)
        return log_prob

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log p_k(y_i | x_i) for these rows."""
        scores, owners = self.scores()
        scores *= share[owners]
        self.sums += (scores @ self.rows).reshape(self.shape)

    def gradient(self):
        """What was collected."""
        return self.sums.ravel()

    def penalty(self):
        """The penalties of all experts and their gradient."""
        slope = (self.coupling @ self.coef) * self.ridge[:, None]
        return 0.5 * np.vdot(slope, self.coef), slope.ravel()

    def collect_information(self, share):
        """Add the information of these rows."""
        proba = self.proba[:, :-1]
        n_experts, n_free, n_columns = self.shape
        grams = partial(self.design.grams, self.part)
        if n_free * n_columns > _MAX_JOINT_UNKNOWNS:
            curvature = proba * (1.0 - proba) * share[:, None]
            self.blocks += grams(curvature.reshape(-1, share.shape[1]))
        else:
            information = softmax_information(grams, proba, share)
            self.blocks += information.reshape(n_experts, n_free * n_columns, -1)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        blocks = self.blocks * (total / self.total)
        per_block = blocks.shape[1] // self.shape[2]
        coupling = self.coupling if per_block > 1 else self.coupling[:1, :1]
        ridge = [np.kron(coupling, np.diag(one)) for one in self.ridge]
        blocks += np.repeat(ridge, len(blocks) // len(ridge), axis=0)
        return Blocks(blocks)

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        n_experts, n_free, _ = self.shape
        scores = (self.classes == np.arange(n_free)[:, None]) - self.proba[:, :-1]
        owners = np.repeat(np.arange(n_experts), n_free)
        return scores.reshape(n_experts * n_free, -1), owners

    def maximised(self, vector):
        """No closed form: the parameters as they are."""
        return vector


class BinaryTerms(LogisticTerms):
    """The terms of two classes, with one exponential for each row and expert."""

    @staticmethod
    def _coded(y):
        """Signs: the coefficients are those of the first class."""
        return 1.0 - 2.0 * y

    def log_prob(self, part):
        """log p_k of the rows' classes, (n_experts, n_rows)."""
        self.part = part
        self.rows, self.signs = self.design.rows(part), self.y[part]
        against = self.coef[:, 0] @ self.rows.T
        against *= -self.signs
        np.minimum(against, _LARGEST_LOGIT, out=against)
        np.exp(against, out=against)
        against += 1.0
        self.correct = 1.0 / against
        return -np.log(against)

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        return self.signs * (1.0 - self.correct), np.arange(len(self.correct))

    def collect_information(self, share):
        """Add the information of these rows."""
        curvature = self.correct * (1.0 - self.correct) * share
        self.blocks += self.design.grams(self.part, curvature)
