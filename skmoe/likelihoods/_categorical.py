"""Class probabilities."""

import numpy as np
from sklearn.base import BaseEstimator

# A class that an expert rules out (a pure leaf) costs it dearly, but not infinitely.
_SMALLEST_PROBA = np.finfo(np.float64).eps


class CategoricalLikelihood(BaseEstimator):
    r"""Probability of the observed class, :math:`f_k(y \mid x) = p_k(y \mid x)`.

    The target is the class's number, a prediction the probabilities of all classes.
    There is no dispersion.
    """

    def log_prob(self, y, prediction, dispersion=None):
        """Log-probability of each row's class under each expert.

        Parameters
        ----------
        y : ndarray of int, of shape (n_samples,)
            Numbers of the classes.
        prediction : ndarray of shape (n_samples, n_experts, n_classes)
        dispersion : None

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
        """
        proba = np.take_along_axis(prediction, y[:, None, None], axis=2)[:, :, 0]
        return np.log(np.maximum(proba, _SMALLEST_PROBA))

    def fit_dispersion(self, y, prediction, weights):
        """There is none."""
        return None

    def mean(self, prediction, dispersion=None):
        """Class probabilities of each expert."""
        return prediction

    def n_parameters(self, dispersion=None):
        """There are none."""
        return 0
