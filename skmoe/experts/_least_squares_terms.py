"""Linear experts with normal errors, as part of the joint log-likelihood."""

from copy import copy

import numpy as np
from scipy.sparse import hstack, issparse

from skmoe._blocks import Blocks
from skmoe._grams import weighted_grams
from skmoe._sums import SumsMixin

# In standard deviations of the target.
_LARGEST_LOG_SD = 30.0
_LOG_2PI = np.log(2 * np.pi)


class LeastSquaresTerms(SumsMixin):
    """log N(y; b_k'x, s_k^2) and its derivatives; see ``skmoe.training``.

    The parameters are the coefficients (n_experts, n_outputs, n_columns) and the
    logarithms of the standard deviations (n_experts, n_outputs), X and y in standard
    units.

    Parameters
    ----------
    pool : LeastSquaresPool
        Bound to X.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,)
    floor : ndarray of shape () or (n_outputs,)
        Smallest variance, in squared units of y.
    moments : tuple of ndarrays of shape (n_outputs,), optional
        Mean and standard deviation of y, where the rows are a part of all.
    """

    has_m_step = True
    _collects = ("coef_sums", "log_sd_sums", "moments", "mass")

    def __init__(self, pool, y, weights, floor, moments=None):
        self.design, self.solve = pool.design, pool.solve
        self.fit_intercept = pool.fit_intercept
        self.multi_output = y.ndim == 2
        self.y = y.reshape(len(y), -1)
        self.weights, self.total = weights, weights.sum()
        mean, scale = moments or target_moments(self.y, weights)
        self.scale = np.where(scale > 0, scale, 1.0)
        self.center = mean if pool.fit_intercept else np.zeros_like(mean)
        n_experts, n_outputs = pool.n_experts, self.y.shape[1]
        self.shape = (n_experts, n_outputs, self.design.n_columns)
        self.n_coef = n_experts * n_outputs * self.design.n_columns
        self.size = self.n_coef + n_experts * n_outputs
        self.lower = np.full(self.size, -np.inf)
        lowest = 0.5 * np.log(np.reshape(floor, -1)) - np.log(self.scale)
        self.lower[self.n_coef :] = np.tile(lowest, n_experts)

        self.gram = None
        self.n_numbers = n_experts * n_outputs

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        return self.with_rows(self.design.subset(rows), self.y[rows], self.weights[rows])

    def with_rows(self, design, y, weights):
        """The terms of other rows, in the same units."""
        part = copy(self)
        part.design, part.y = design, y[:, None] if y.ndim == 1 else y
        part.weights, part.total = weights, weights.sum()
        return part

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        self.coef = vector[: self.n_coef].reshape(self.shape)
        log_sd = self._log_sd(vector)
        self.precision = np.exp(-log_sd)
        offset = log_sd.sum(axis=1) + np.log(self.scale).sum()
        self.offset = (offset + 0.5 * _LOG_2PI * len(self.scale))[:, None]
        self.coef_sums = np.zeros(self.shape)
        self.log_sd_sums = np.zeros(self.shape[:2])
        self.moments, self.mass = 0.0, 0.0

    def log_prob(self, part):
        """log f_k of the rows of a slice, (n_experts, n_rows)."""
        self.part, self.rows = part, self.design.rows(part)
        self.target = ((self.y[part] - self.center) / self.scale).T
        flat = self.coef.reshape(-1, self.shape[2]) @ self.rows.T
        residual = self.target - flat.reshape(*self.shape[:2], -1)
        residual *= self.precision[:, :, None]
        self.residual = residual
        squares = np.einsum("kmc,kmc->kc", residual, residual)
        squares *= -0.5
        squares -= self.offset
        return squares

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log f_k(y_i | x_i) for these rows."""
        weighted = self.residual * share[:, None, :]
        self.log_sd_sums += np.einsum("kmc,kmc->km", weighted, self.residual)
        self.log_sd_sums -= share.sum(axis=1)[:, None]
        weighted *= self.precision[:, :, None]
        flat = weighted.reshape(-1, weighted.shape[2]) @ self.rows
        self.coef_sums += flat.reshape(self.shape)

    def gradient(self):
        """What was collected."""
        return np.concatenate([self.coef_sums.ravel(), self.log_sd_sums.ravel()])

    def penalty(self):
        """None."""
        return 0.0, 0.0

    def collect_information(self, share):
        """Add the moments of x and y, from which the M-step follows too."""
        n_rows = share.shape[1]
        weighted = self.target * share[:, None]
        cross = (weighted.reshape(-1, n_rows) @ self.rows).reshape(self.shape)
        squares = weighted @ self.target.T
        grams = self.design.grams(self.part, share)
        upper = np.concatenate([grams, cross.swapaxes(1, 2)], axis=2)
        lower = np.concatenate([cross, squares], axis=2)
        self.moments += np.concatenate([upper, lower], axis=1)
        self.mass += share.sum(axis=1)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        n_columns = self.shape[2]
        scale = total / self.total
        grams = self.moments[:, None, :n_columns, :n_columns] * scale
        grams = grams * self.precision[:, :, None, None] ** 2.0
        mass = np.repeat(2.0 * scale * self.mass, self.shape[1])
        return Blocks(grams.reshape(-1, n_columns, n_columns), mass)

    def scores(self):
        """Derivatives by the linear predictors, and the experts that they belong to."""
        scores = self.residual * self.precision[:, :, None]
        owners = np.repeat(np.arange(self.shape[0]), self.shape[1])
        return scores.reshape(len(owners), -1), owners

    def maximised(self, vector):
        """The M-step, from the moments of all rows."""
        n_columns = self.shape[2]
        coef, self.gram = self.solve(self.moments)
        coef = np.swapaxes(coef, 1, 2)
        cross = self.moments[:, n_columns:, :n_columns]
        fitted = coef @ self.moments[:, :n_columns, :n_columns]
        squares = np.einsum("kmm->km", self.moments[:, n_columns:, n_columns:])
        squares = squares + np.einsum("kmp,kmp->km", fitted - 2 * cross, coef)
        # An expert without rows keeps its variance; what is negative is rounding.
        empty = self.mass <= np.finfo(np.float64).tiny
        variances = np.maximum(squares, 0.0) / np.where(empty, 1.0, self.mass)[:, None]
        with np.errstate(divide="ignore"):
            log_sd = 0.5 * np.log(variances)
        kept = vector[self.n_coef :].reshape(self.shape[:2])
        log_sd = np.where(empty[:, None], kept, log_sd)
        return np.maximum(np.concatenate([coef.ravel(), log_sd.ravel()]), self.lower)

    def parameters(self, coef, dispersion):
        """From a pool's coefficients and variances."""
        coef = coef.reshape(*coef.shape[:2], -1).swapaxes(1, 2) / self.scale[:, None]
        if self.fit_intercept:
            coef[:, :, 0] -= self.center / self.scale
        variances = np.reshape(dispersion, self.shape[:2])
        log_sd = 0.5 * np.log(variances) - np.log(self.scale)
        return np.maximum(np.concatenate([coef.ravel(), log_sd.ravel()]), self.lower)

    def coefficients(self, vector):
        """To a pool's coefficients and variances."""
        coef = vector[: self.n_coef].reshape(self.shape) * self.scale[:, None]
        if self.fit_intercept:
            coef[:, :, 0] += self.center
        log_sd = self._log_sd(vector)
        return coef.swapaxes(1, 2), np.exp(2 * (log_sd + np.log(self.scale)))

    def _log_sd(self, vector):
        """Logarithms of the standard deviations, in units of the target's own.

        An expert that has lost its rows may become as vague as it likes.
        """
        log_sd = vector[self.n_coef :].reshape(self.shape[:2])
        return np.minimum(log_sd, _LARGEST_LOG_SD)


def target_moments(y, weights):
    """Mean and standard deviation of each output."""
    probability = weights / weights.sum()
    mean = probability @ y
    return mean, np.sqrt(probability @ (y - mean) ** 2)


def moments_of(rows, targets, weights):
    """X' diag(w_k) X of the columns of [rows, targets], for each expert."""
    if issparse(rows):
        return weighted_grams(hstack([rows, targets], format="csr"), weights)
    return weighted_grams(np.concatenate([rows, targets], axis=1), weights)
