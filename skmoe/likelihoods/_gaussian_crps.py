"""The continuous ranked probability score of a mixture of normal densities."""

from itertools import combinations

import numpy as np
from scipy.special import ndtr

_SQRT_2PI = np.sqrt(2 * np.pi)


def gaussian_mixture_crps(y, weights, means, variances):
    r"""CRPS of each row in closed form (Grimit et al. 2006, equation 5).

    .. math:: \sum_k w_k A(y - \mu_k, \sigma_k^2) - \tfrac12 \sum_{jk} w_j w_k
              A(\mu_j - \mu_k, \sigma_j^2 + \sigma_k^2)

    where :math:`A(m, s^2) = E|Z|` for a normal Z of mean m and variance s^2.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    weights, means, variances : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    crps : ndarray of shape (n_samples,)

    References
    ----------
    .. [1] E. P. Grimit, T. Gneiting, V. J. Berrocal and N. A. Johnson (2006). The
       continuous ranked probability score for circular variables and its application to
       mesoscale forecast ensemble verification. Quarterly Journal of the Royal
       Meteorological Society 132, 2925-2942.
    """
    crps = np.zeros(len(y))
    n_experts = weights.shape[1]
    # Columns one by one: no array of all pairs of experts is made.
    for k in range(n_experts):
        own = 2.0 * np.sqrt(2.0 * variances[:, k]) / _SQRT_2PI
        far = _mean_distance(y - means[:, k], variances[:, k])
        crps += weights[:, k] * (far - 0.5 * weights[:, k] * own)
    for j, k in combinations(range(n_experts), 2):
        apart = _mean_distance(
            means[:, j] - means[:, k], variances[:, j] + variances[:, k]
        )
        crps -= weights[:, j] * weights[:, k] * apart
    return crps


def _mean_distance(mean, variance):
    std = np.sqrt(variance)
    z = mean / std
    with np.errstate(over="ignore"):
        density = np.exp(-0.5 * z * z) / _SQRT_2PI
    return 2.0 * std * density + mean * (2.0 * ndtr(z) - 1.0)
