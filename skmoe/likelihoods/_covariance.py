"""Covariances of several outputs: their density, their estimate, and draws."""

import numpy as np
from scipy.linalg import solve_triangular

_LOG_2PI = np.log(2 * np.pi)


def normal_log_prob(residuals, covariances):
    """Log-density of residuals of each expert.

    Parameters
    ----------
    residuals : ndarray of shape (n_samples, n_experts, n_outputs)
    covariances : ndarray of shape (n_experts, n_outputs, n_outputs)

    Returns
    -------
    log_prob : ndarray of shape (n_samples, n_experts)
    """
    n_samples, n_experts, n_outputs = residuals.shape
    log_prob = np.empty((n_samples, n_experts))
    for k, factor in enumerate(np.linalg.cholesky(covariances)):
        white = solve_triangular(
            factor, residuals[:, k].T, lower=True, check_finite=False
        )
        half_log_det = np.log(np.diagonal(factor)).sum()
        log_prob[:, k] = -0.5 * np.einsum("mn,mn->n", white, white) - half_log_det
    log_prob -= 0.5 * n_outputs * _LOG_2PI
    return log_prob


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
