"""Poisson regressions under a negative binomial likelihood, in the joint likelihood."""

import numpy as np
from scipy.special import gammaln

from skmoe._blocks import Blocks
from skmoe._overdispersion import (
    LARGEST_DISPERSION,
    SMALLEST_DISPERSION,
    log_rising,
    slope_by_log_dispersion,
)
from skmoe.experts._glm_terms import PoissonTerms
from skmoe.likelihoods import NegativeBinomialLikelihood


class NegativeBinomialTerms(PoissonTerms):
    """log of the negative binomial probability and its derivatives.

    After the coefficients of the log-means follow the logarithms of the dispersions.
    """

    n_shapes = 1
    _collects = ("sums", "blocks", "mass", "shape_sums", "shape_squares")

    def __init__(self, pool, y, weights, whole=None):
        super().__init__(pool, y, weights, whole)
        self.lower[self.n_coef :] = np.log(SMALLEST_DISPERSION)

    @classmethod
    def of(cls, pool, y, weights, whole=None):
        """The terms of these rows, or None where they are a part of all rows."""
        return None if whole is not None else cls(pool, y, weights)

    @staticmethod
    def _constant(y):
        return -gammaln(y + 1.0)

    def neutral(self):
        """Parameters of experts that predict the mean, and spread as the target does."""
        coef = super().neutral()
        rate = np.exp(self.center)
        prediction = np.full((len(self.weights), 1), rate)
        dispersion = NegativeBinomialLikelihood().fit_dispersion(
            self.given, prediction, self.weights[:, None]
        )
        return np.append(coef, np.repeat(np.log(dispersion), self.shape[0]))

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        super().begin(vector)
        self.dispersion = self._dispersion(vector)[:, None]
        self.shape_sums, self.shape_squares = 0.0, 0.0

    def _dispersion(self, vector):
        # An expert that has lost its rows may become as vague as it likes.
        return np.exp(np.minimum(vector[self.n_coef :], np.log(LARGEST_DISPERSION)))

    def log_prob(self, part):
        """log f_k of the rows of a slice, (n_experts, n_rows)."""
        log_poisson = super().log_prob(part)
        spread = self.dispersion * self.rate
        self.excess = 1.0 / (1.0 + spread)
        # What is not as for the Poisson: rates vary.
        shape = 1.0 / self.dispersion
        log_poisson += self.rate + log_rising(self.target, shape)
        log_poisson -= (self.target + shape) * np.log1p(spread)
        return log_poisson

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        return (self.target - self.rate) * self.excess, np.arange(len(self.rate))

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log f_k(y_i | x_i) for these rows."""
        super().collect(share)
        slopes = slope_by_log_dispersion(self.target, self.rate, self.dispersion)
        self.shape_sums += np.einsum("kc,kc->k", share, slopes)

    def gradient(self):
        """What was collected."""
        return np.concatenate([self.sums.ravel(), self.shape_sums])

    def collect_information(self, share):
        """Add the information of these rows; of dispersions, by their scores' squares."""
        curvature = share * self.rate * self.excess
        self.blocks += self.design.grams(self.part, curvature)
        slopes = slope_by_log_dispersion(self.target, self.rate, self.dispersion)
        self.shape_squares += np.einsum("kc,kc->k", share, slopes**2)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        scale = total / self.total
        return Blocks(self.blocks * scale, self.shape_squares * scale)

    def parameters(self, coef, dispersion):
        """From a pool's coefficients and dispersions."""
        return np.concatenate([coef.ravel(), np.log(dispersion)])

    def coefficients(self, vector):
        """To a pool's coefficients and dispersions."""
        coef = vector[: self.n_coef].reshape(self.shape)
        return coef, self._dispersion(vector)
