"""Poisson and gamma experts, with a log link, as part of the joint log-likelihood."""

from copy import copy

import numpy as np
from scipy.special import gammaln

from skmoe._blocks import Blocks
from skmoe._special import log_minus_digamma, log_peak
from skmoe._sums import SumsMixin
from skmoe.likelihoods import GammaLikelihood

# A rate below this is as good as zero, and one above it has no exponential.
_SMALLEST_LOG, _LARGEST_LOG = np.log(np.finfo(np.float64).eps), 700.0
# On the log scale, so far below the mean and above the largest target, no expert may
# predict any row, also where it has no share in it: it will be asked about such rows.
_FARTHEST_BELOW, _FARTHEST_ABOVE = 40.0, 7.0
_LARGEST_LOG_DISPERSION = 30.0


class PoissonTerms(SumsMixin):
    """log of the Poisson probability and its derivatives; see ``skmoe.training``.

    The parameters are the coefficients (n_experts, n_columns) of the log-rates, X in
    standard units.

    Parameters
    ----------
    pool : GlmPool
        Bound to X.
    y : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)
    whole : TargetStatistics, optional
        Of all rows, where these are a part of them.
    """

    #: There is no closed form of the M-step.
    has_m_step = False
    #: Parameters of an expert beside its coefficients.
    n_shapes = 0
    _collects: tuple = ("sums", "blocks", "mass")

    def __init__(self, pool, y, weights, whole=None):
        self.design, self.weights = pool.design, weights
        self.total = weights.sum()
        self._take(y)
        self.shape = (pool.n_experts, self.design.n_columns)
        self.n_coef = self.shape[0] * self.shape[1]
        self.size = self.n_coef + self.n_shapes * pool.n_experts
        self.lower = np.full(self.size, -np.inf)
        self.n_numbers = pool.n_experts
        mean, largest = _mean_rate(y, weights), _rates(y).max()
        if whole is not None:
            mean, largest = whole.mean, whole.largest
        self.center = np.log(mean or 1.0)
        self.lowest = self.center - _FARTHEST_BELOW
        self.highest = np.log(largest or 1.0) + _FARTHEST_ABOVE

    def _take(self, target):
        """Hold the target, and the logarithms of its exposures where it has them."""
        self.given = target
        self.y, self.log_exposure = target, None
        if target.ndim == 2:
            self.y, self.log_exposure = target[:, 0], np.log(target[:, 1])
        self.constant = self._constant(self.y)

    @classmethod
    def of(cls, pool, y, weights, whole=None):
        """The terms of these rows, or None where they cannot be a part of all rows."""
        return cls(pool, y, weights, whole)

    @staticmethod
    def _constant(y):
        """What of the log-likelihood depends on y alone."""
        return -gammaln(y + 1.0)

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        weights = self.weights[rows]
        return self.with_rows(self.design.subset(rows), self.given[rows], weights)

    def with_rows(self, design, y, weights):
        """The terms of other rows, in the same units."""
        part = copy(self)
        part.design = design
        part._take(y)
        part.weights, part.total = weights, weights.sum()
        return part

    def neutral(self):
        """Parameters of experts that predict the mean."""
        coef = np.zeros(self.shape)
        if self.design.fit_intercept:
            coef[:, 0] = self.center
        return coef.ravel()

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        self.coef = vector[: self.n_coef].reshape(self.shape)
        self.sums = np.zeros(self.shape)
        self.blocks, self.mass = 0.0, 0.0

    def log_prob(self, part):
        """log f_k of the rows of a slice, (n_experts, n_rows)."""
        self.part, self.rows = part, self.design.rows(part)
        self.target = self.y[part]
        logs = np.clip(self._log_means(), _SMALLEST_LOG, _LARGEST_LOG)
        self.rate = np.exp(logs)
        logs *= self.target
        logs -= self.rate
        logs += self.constant[part]
        return logs

    def _log_means(self):
        """Logarithms of the predictions; none at all where one goes too far."""
        logs = self.coef @ self.rows.T
        if logs.min() < self.lowest or logs.max() > self.highest:
            logs[:] = np.nan
        if self.log_exposure is not None:
            logs += self.log_exposure[self.part]
        return logs

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        return self.target - self.rate, np.arange(len(self.rate))

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log f_k(y_i | x_i) for these rows."""
        scores, _ = self.scores()
        scores *= share
        self.sums += scores @ self.rows

    def gradient(self):
        """What was collected."""
        return self.sums.ravel()

    def penalty(self):
        """None."""
        return 0.0, 0.0

    def collect_information(self, share):
        """Add the information of these rows."""
        self.blocks += self.design.grams(self.part, share * self.rate)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        return Blocks(self.blocks * (total / self.total))

    def parameters(self, coef, dispersion):
        """From a pool's coefficients."""
        return coef.ravel()

    def coefficients(self, vector):
        """To a pool's coefficients and dispersions; there are none."""
        return vector[: self.n_coef].reshape(self.shape), None


class GammaTerms(PoissonTerms):
    """log of the gamma density and its derivatives.

    After the coefficients of the log-means follow the logarithms of the dispersions.
    """

    n_shapes = 1
    _collects = ("sums", "blocks", "mass", "shape_sums")

    def __init__(self, pool, y, weights, whole=None):
        super().__init__(pool, y, weights, whole)
        if whole is None:
            floor = GammaLikelihood().smallest_dispersion(y, weights)
            self.spread = None
        else:
            floor, self.spread = whole.floor, whole.spread
        self.lower[self.n_coef :] = np.log(floor)

    def with_rows(self, design, y, weights):
        """The terms of other rows, in the same units."""
        part = super().with_rows(design, y, weights)
        part.spread = None
        return part

    @staticmethod
    def _constant(y):
        return -np.log(y)

    def neutral(self):
        """Parameters of experts that predict the mean, and spread as the target does."""
        if self.spread is not None:
            dispersion = np.full(self.shape[0], self.spread)
        else:
            weights = np.tile(self.weights[:, None], self.shape[0])
            prediction = np.full(weights.shape, _mean_rate(self.given, self.weights))
            dispersion = GammaLikelihood().fit_dispersion(self.given, prediction, weights)
        return np.concatenate([super().neutral(), np.log(dispersion)])

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        super().begin(vector)
        # An expert that has lost its rows may become as vague as it likes.
        log_dispersion = np.minimum(vector[self.n_coef :], _LARGEST_LOG_DISPERSION)
        self.precision = np.exp(-log_dispersion)
        self.peak = log_peak(self.precision)[:, None]
        self.slack, self.slope = log_minus_digamma(self.precision)
        self.shape_sums = 0.0

    def log_prob(self, part):
        """log f_k of the rows of a slice, (n_experts, n_rows)."""
        self.part, self.rows = part, self.design.rows(part)
        # The constant is -log(y).
        logs = -self.constant[part] - self._log_means()
        np.clip(logs, -_LARGEST_LOG, _LARGEST_LOG, out=logs)
        self.excess = np.expm1(logs)
        self.deviance = self.excess - logs
        return self.peak + self.constant[part] - self.precision[:, None] * self.deviance

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        return self.precision[:, None] * self.excess, np.arange(len(self.precision))

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log f_k(y_i | x_i) for these rows."""
        super().collect(share)
        deviances = np.einsum("kc,kc->k", share, self.deviance)
        self.shape_sums += self.precision * (deviances - self.slack * share.sum(axis=1))

    def gradient(self):
        """What was collected."""
        return np.concatenate([self.sums.ravel(), self.shape_sums])

    def collect_information(self, share):
        """Add the information of these rows."""
        curvature = share * self.precision[:, None]
        self.blocks += self.design.grams(self.part, curvature)
        self.mass += share.sum(axis=1)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        scale = total / self.total
        shapes = -self.precision * self.slope * self.mass
        return Blocks(self.blocks * scale, shapes * scale)

    def parameters(self, coef, dispersion):
        """From a pool's coefficients and dispersions."""
        return np.concatenate([coef.ravel(), np.log(dispersion)])

    def coefficients(self, vector):
        """To a pool's coefficients and dispersions."""
        coef = vector[: self.n_coef].reshape(self.shape)
        log_dispersion = np.minimum(vector[self.n_coef :], _LARGEST_LOG_DISPERSION)
        return coef, np.exp(log_dispersion)


def _rates(target):
    """A target per unit of exposure."""
    return target if target.ndim == 1 else target[:, 0] / target[:, 1]


def _mean_rate(target, weights):
    if target.ndim == 1:
        return weights @ target / weights.sum()
    return weights @ target[:, 0] / (weights @ target[:, 1])
