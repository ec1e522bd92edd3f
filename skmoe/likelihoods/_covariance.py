"""Covariances of several outputs: their density, their estimate, and draws."""

import numpy as np
from scipy.linalg import solve_triangular

_LOG_2PI = np.log(2 * np.pi)


def normal_log_prob(residuals, covariances):
    """Log-density of residuals of each expert.

    Parameters
    ----------
    residuals : ndarray of shape (n_samples, n_experts, n_outputs)
    covariances : ndarray of shape ([n_samples, ]n_experts, n_outputs, n_outputs)

    Returns
    -------
    log_prob : ndarray of shape (n_samples, n_experts)
    """
    factors = np.linalg.cholesky(covariances)
    diagonals = np.diagonal(factors, axis1=-2, axis2=-1)
    by_row = factors.ndim == 4
    measure = _squared_lengths_of_pairs if by_row else _squared_lengths
    log_prob = measure(factors, residuals)
    log_prob *= -0.5
    log_prob -= np.log(diagonals).sum(axis=-1) + 0.5 * residuals.shape[2] * _LOG_2PI
    return log_prob


def _squared_lengths(factors, residuals):
    """Of the residuals of each expert, measured by its covariances."""
    lengths = np.empty(residuals.shape[:2])
    for k, factor in enumerate(factors):
        white = solve_triangular(
            factor, residuals[:, k].T, lower=True, check_finite=False
        )
        lengths[:, k] = np.einsum("mn,mn->n", white, white)
    return lengths


def _squared_lengths_of_pairs(factors, residuals):
    """The same where each row and expert has a factor of its own.

    By forward substitution for all at once: a solver would visit them one by one.
    """
    white = np.empty_like(residuals)
    for m in range(residuals.shape[2]):
        known = np.einsum("nkj,nkj->nk", factors[..., m, :m], white[..., :m])
        white[..., m] = (residuals[..., m] - known) / factors[..., m, m]
    return np.einsum("nkm,nkm->nk", white, white)


def scatter_matrices(residuals, weights):
    """Weighted sums of the residuals' outer products, (n_experts, n_outputs, n_outputs).

    Parameters
    ----------
    residuals : ndarray of shape (n_samples, n_experts, n_outputs)
    weights : ndarray of shape (n_samples, n_experts)
    """
    return np.stack(
        [
            (residuals[:, k] * weights[:, k, None]).T @ residuals[:, k]
            for k in range(weights.shape[1])
        ]
    )


def raised(covariances, floor):
    r"""The most likely covariances whose variances in no direction are below the floor.

    Of all :math:`\Sigma \succeq D = \mathrm{diag}(d)`, the one that maximises
    :math:`-\log|\Sigma| - \mathrm{tr}(\Sigma^{-1} S)` is
    :math:`D^{1/2} U \max(\Lambda, 1) U^T D^{1/2}`, where :math:`U \Lambda U^T` is
    :math:`D^{-1/2} S D^{-1/2}`.

    Parameters
    ----------
    covariances : ndarray of shape (n_experts, n_outputs, n_outputs)
    floor : ndarray of shape (n_outputs,)
        Smallest variances.
    """
    scale = np.sqrt(floor)
    outer = np.outer(scale, scale)
    values, vectors = np.linalg.eigh(covariances / outer)
    if (values >= 1).all():
        return covariances
    clipped = vectors * np.maximum(values, 1.0)[:, None]
    return outer * (clipped @ np.swapaxes(vectors, 1, 2))


def correlated(noise, covariances):
    """Standard normal noise (..., n_outputs) with these covariances instead."""
    return np.einsum("...ij,...j->...i", np.linalg.cholesky(covariances), noise)
