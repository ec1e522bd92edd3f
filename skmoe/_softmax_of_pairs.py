"""Softmax regression on sparse targets, a few rows at a time.

With many classes of which each row has a share in a few, neither the table of all
probabilities nor a Hessian fits in memory. Rows are visited in chunks that stay in the
cache, and L-BFGS climbs in coordinates in which the curvature is about the same in all
directions.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from skmoe._grams import row_slices, weighted_grams

# Logits that are held at a time.
_CHUNK_CELLS = 131_072
# Above this many columns their common curvature costs more than it saves.
_MAX_WHITENED_COLUMNS = 500
# Of the largest curvature: directions without data are left alone.
_RIDGE = 1e-6
# Least share of an expert that its coordinates are scaled by.
_LEAST_SHARE = 1e-4


class PairsObjective:
    r"""Penalised cross-entropy of sparse targets.

    .. math:: -\sum_{ik} t_{ik} \log g_{ik} + \tfrac12 \sum_{kj} \rho_j v_{kj}^2
              + \sum_i w_i \sum_k s_k g_{ik} + z \sum_i w_i c_i^2

    with :math:`g_i = \mathrm{softmax}(V x_i)` and :math:`w_i = \sum_k t_{ik}`. The third
    term is linear in the probabilities, as the load loss of Fedus et al. (2022) is; in
    the last, the z-loss of Zoph et al. (2022), :math:`c_i` is the log-sum-exp of logits
    that are centred over the classes, less its smallest value :math:`\log K`.

    Parameters
    ----------
    design : Design
    targets : csr_array of shape (n_samples, n_classes)
    ridge : ndarray of shape (n_columns,)
        :math:`\rho`.
    slopes : ndarray of shape (n_classes,), optional
        :math:`s`.
    z_loss : float
        :math:`z`.
    """

    def __init__(self, design, targets, ridge, slopes=None, z_loss=0.0):
        self.design, self.ridge, self.z_loss = design, ridge, z_loss
        self.slopes = slopes
        self.indptr, self.classes = targets.indptr, targets.indices
        self.shares = targets.data
        self.weights = np.asarray(targets.sum(axis=1)).ravel()
        self.total = self.weights.sum()
        self.n_classes = targets.shape[1]
        self.parts = row_slices(targets.shape[0], _CHUNK_CELLS // self.n_classes + 1)

    def __call__(self, coef):
        """Value and gradient at ``coef`` of shape (n_classes, n_columns)."""
        self.penalty = 0.5 * np.sum(self.ridge * coef**2)
        value, gradient = 0.0, self.ridge * coef
        for part in self.parts:
            rows = self.design.rows(part)
            own, slope = self._of_rows(part, rows @ coef.T)
            value += own
            gradient += (rows.T @ slope).T
        return value + self.penalty, gradient

    def _of_rows(self, part, logits):
        """Cross-entropy of some rows, and its gradient by the logits (which is them)."""
        first, last = (
            self.indptr[part.start],
            self.indptr[min(part.stop, len(self.weights))],
        )
        classes, shares = self.classes[first:last], self.shares[first:last]
        counts = np.diff(self.indptr[part.start : part.stop + 1])
        pairs = np.repeat(np.arange(len(counts)), counts), classes
        weights = self.weights[part]
        mean = logits.mean(axis=1) if self.z_loss else None
        peak = logits.max(axis=1)
        value = -(shares @ logits[pairs])
        logits -= peak[:, None]
        proba = np.exp(logits, out=logits)
        total = proba.sum(axis=1)
        log_total = peak + np.log(total)
        value += weights @ log_total
        proba *= (1.0 / total)[:, None]
        factor = weights
        if self.z_loss:
            excess = log_total - mean - np.log(self.n_classes)
            self.penalty += self.z_loss * (weights @ excess**2)
            pull = 2.0 * self.z_loss * weights * excess
            factor = weights + pull
        if self.slopes is None:
            slope = np.multiply(proba, factor[:, None], out=proba)
        else:
            average = proba @ self.slopes
            self.penalty += weights @ average
            slope = proba * (
                factor[:, None] + weights[:, None] * (self.slopes - average[:, None])
            )
        if self.z_loss:
            slope -= (pull / self.n_classes)[:, None]
        slope[pairs] -= shares
        return value, slope


def fit_softmax_to_pairs(objective, start, tol, max_iter):
    """Minimise a :class:`PairsObjective`.

    Parameters
    ----------
    objective : PairsObjective
    start : ndarray of shape (n_classes, n_columns)
    tol : float
        Gain per unit of weight in a step at which to stop.
    max_iter : int

    Returns
    -------
    coef : ndarray of shape (n_classes, n_columns)
    n_iter : int
    """
    factor = _curvature(objective)
    share = np.bincount(objective.classes, objective.shares, objective.n_classes)
    share = np.maximum(share / objective.total, _LEAST_SHARE)
    scale = np.sqrt(share * np.maximum(1.0 - share, _LEAST_SHARE))[:, None]

    def to_coef(flat):
        coordinates = flat.reshape(start.shape) / scale
        return solve_triangular(factor, coordinates.T, check_finite=False).T

    def value_and_gradient(flat):
        value, gradient = objective(to_coef(flat))
        gradient = solve_triangular(factor, gradient.T, trans="T", check_finite=False).T
        return value / objective.total, (gradient / scale).ravel() / objective.total

    result = minimize(
        value_and_gradient,
        ((factor @ start.T).T * scale).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "ftol": tol, "gtol": 1e-3 * np.sqrt(tol)},
    )
    return to_coef(result.x), result.nit


def _curvature(objective):
    """Upper Cholesky factor of the curvature that all classes have in common."""
    n_columns = objective.design.n_columns
    if n_columns > _MAX_WHITENED_COLUMNS:
        return np.eye(n_columns)
    gram = sum(
        weighted_grams(objective.design.rows(part), objective.weights[None, part])[0]
        for part in row_slices(len(objective.weights), 20_000)
    )
    gram = (gram + np.diag(objective.ridge)) / objective.total
    least = _RIDGE * max(np.diagonal(gram).max(initial=0.0), 1.0)
    return cholesky(gram + least * np.eye(n_columns), check_finite=False)
