"""Normal densities whose variances, or covariances, are known."""

import numpy as np
from scipy.special import ndtr, ndtri

from skmoe.likelihoods._covariance import correlated, normal_log_prob
from skmoe.likelihoods._gaussian_crps import gaussian_mixture_crps

_LOG_2PI = np.log(2 * np.pi)


class NormalDensity:
    """What follows from predictions and dispersions of normal experts.

    ``covariance`` is "full" where several outputs depend on one another.
    """

    def _is_full(self, n_axes):
        """Whether targets with so many axes have covariance matrices."""
        return self.covariance == "full" and n_axes == 2

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs]), or of shape \
                ([n_samples, ]n_experts, n_outputs, n_outputs) with full covariance
            Variances; with an axis of rows where they depend on x or on where a row is
            sent.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats, summed over the outputs.
        """
        residuals = y[:, None] - prediction
        if self._is_full(y.ndim):
            return normal_log_prob(residuals, dispersion)
        log_prob = np.square(residuals, out=residuals)
        log_prob /= -2.0 * dispersion
        log_prob -= 0.5 * (_LOG_2PI + np.log(dispersion))
        return log_prob.sum(axis=2) if log_prob.ndim == 3 else log_prob

    def mean(self, prediction, dispersion):
        """Mean of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs])
            Variances, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts[, n_outputs])
            The predictions themselves.
        """
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs])
            Variances, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts[, n_outputs])
            In squared units of y.
        """
        if self._is_full(prediction.ndim - 1):
            dispersion = np.diagonal(dispersion, axis1=-2, axis2=-1)
        return np.broadcast_to(dispersion, prediction.shape)

    def covariances(self, prediction, dispersion):
        """Compute the covariances of each expert's outputs.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts, n_outputs)
            What each expert predicts, in units of y.
        dispersion : ndarray
            As in :meth:`log_prob`.

        Returns
        -------
        covariances : ndarray of shape ([n_samples, ]n_experts, n_outputs, n_outputs)
            In units of one output times those of the other.
        """
        if self._is_full(prediction.ndim - 1):
            return dispersion
        return dispersion[..., None] * np.eye(dispersion.shape[-1])

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs])
            Variances, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        return ndtr((y - prediction) / np.sqrt(dispersion))

    def ppf(self, q, prediction, dispersion):
        """Quantile function of each expert's density.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs])
            Variances, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        ppf : ndarray
            In units of y, of the shape that q and ``prediction`` broadcast to.
        """
        return prediction + ndtri(q) * np.sqrt(dispersion)

    def mixture_crps(self, y, weights, prediction, dispersion):
        """Compute the continuous ranked probability score of each row's mixture.

        In closed form (:eq:`eq-crps`).

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        weights : ndarray of shape (n_samples, n_experts)
            Gate probabilities.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Variances.

        Returns
        -------
        crps : ndarray of shape (n_samples,)
            In units of y; lower is better.
        """
        variances = np.broadcast_to(dispersion, prediction.shape)
        return gaussian_mixture_crps(y, weights, prediction, variances)

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs])
            Variances, as :meth:`fit_dispersion` gives them.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts[, n_outputs])
            In units of y.
        """
        noise = random_state.standard_normal(prediction.shape)
        if self._is_full(prediction.ndim - 1):
            return prediction + correlated(noise, dispersion)
        return prediction + noise * np.sqrt(dispersion)
