"""Normal errors around an expert's prediction."""

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator

_LOG_2PI = np.log(2 * np.pi)
# An expert that runs through its rows exactly has no variance of its own. Its standard
# deviation ends at a thousandth of the target's, or, for a constant target, at rounding.
_RELATIVE_FLOOR = 1e-6
_ROUNDING = 1e-14


class GaussianLikelihood(BaseEstimator):
    r"""Normal density with one variance per expert (and output).

    .. math:: f_k(y \mid x) = N(y;\ \mu_k(x),\ \sigma_k^2)

    The dispersion is the variance :math:`\sigma_k^2`, in squared units of y, estimated
    by maximum likelihood. It does not fall below a millionth of the variance of y, where
    the likelihood of a mixture would be unbounded. Several outputs are independent given
    the expert.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import GaussianLikelihood
    >>> y, prediction = np.array([0.0, 2.0]), np.array([[0.0, 1.0], [2.0, 1.0]])
    >>> likelihood = GaussianLikelihood()
    >>> dispersion = likelihood.fit_dispersion(y, prediction, np.full((2, 2), 0.5))
    >>> dispersion.round(3)
    array([0., 1.])
    >>> likelihood.log_prob(y, prediction, dispersion).round(2)
    array([[ 5.99, -1.42],
           [ 5.99, -1.42]])
    """

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        dispersion : ndarray of shape (n_experts[, n_outputs])

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
        """
        log_prob = (y[:, None] - prediction) ** 2
        log_prob /= -2.0 * dispersion
        log_prob -= 0.5 * (_LOG_2PI + np.log(dispersion))
        return log_prob.sum(axis=2) if log_prob.ndim == 3 else log_prob

    def fit_dispersion(self, y, prediction, weights):
        """Weighted mean squared residuals of each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        weights : ndarray of shape (n_samples, n_experts)

        Returns
        -------
        dispersion : ndarray of shape (n_experts[, n_outputs])
        """
        squares = (y[:, None] - prediction) ** 2
        mass = weights.sum(axis=0)
        mean, variance = _moments(y, weights.sum(axis=1))
        numerator = np.einsum("nk,nk...->k...", weights, squares)
        shape = (-1,) + (1,) * (squares.ndim - 2)
        # An expert without rows is as uncertain as the target itself.
        empty = mass <= np.finfo(np.float64).tiny
        mass = np.where(empty, 1.0, mass).reshape(shape)
        dispersion = np.where(empty.reshape(shape), variance, numerator / mass)
        return np.maximum(dispersion, _floor(mean, variance))

    def smallest_dispersion(self, y, weights):
        """The floor of the variances.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        weights : ndarray of shape (n_samples,)

        Returns
        -------
        floor : ndarray of shape () or (n_outputs,)
        """
        return _floor(*_moments(y, weights))

    def mean(self, prediction, dispersion):
        """Mean of each expert's density, of the shape of ``prediction``."""
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density, of the shape of ``prediction``."""
        return np.broadcast_to(dispersion, prediction.shape)

    def cdf(self, y, prediction, dispersion):
        """P(Y <= y) under each expert; y broadcasts against ``prediction``."""
        return ndtr((y - prediction) / np.sqrt(dispersion))

    def ppf(self, q, prediction, dispersion):
        """Quantile of each expert; q broadcasts against ``prediction``."""
        return prediction + ndtri(q) * np.sqrt(dispersion)

    def rvs(self, prediction, dispersion, random_state):
        """One draw for each entry of ``prediction``, from a RandomState."""
        noise = random_state.standard_normal(prediction.shape)
        return prediction + noise * np.sqrt(dispersion)

    def n_parameters(self, dispersion):
        """One variance per expert and output."""
        return np.size(dispersion)


def _moments(y, weights):
    """Mean and variance of the target."""
    mean = weights @ y / weights.sum()
    return mean, weights @ (y - mean) ** 2 / weights.sum()


def _floor(mean, variance):
    return _RELATIVE_FLOOR * variance + (_ROUNDING * (1.0 + np.abs(mean))) ** 2
