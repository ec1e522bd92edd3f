"""Class probabilities."""

import numpy as np
from sklearn.base import BaseEstimator

# A class that an expert rules out (a pure leaf) costs it dearly, but not infinitely.
_SMALLEST_PROBA = np.finfo(np.float64).eps


class CategoricalLikelihood(BaseEstimator):
    r"""Probability of the observed class, :math:`f_k(y \mid x) = p_k(y \mid x)`.

    The target is the class's number, a prediction the probabilities of all classes.
    There is no dispersion.

    See Also
    --------
    skmoe.MixtureOfExpertsClassifier : Whose likelihood it is.

    Notes
    -----
    The probability is :eq:`eq-categorical`. A class that an expert rules out counts as
    one of probability 2.2e-16.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import CategoricalLikelihood
    >>> proba = np.array([[[0.9, 0.1], [0.2, 0.8]]])  # of two experts
    >>> CategoricalLikelihood().log_prob(np.array([1]), proba).round(2)
    array([[-2.3 , -0.22]])
    """

    def log_prob(self, y, prediction, dispersion=None):
        """Log-probability of each row's class under each expert.

        Parameters
        ----------
        y : ndarray of int, of shape (n_samples,)
            Numbers of the classes.
        prediction : ndarray of shape (n_samples, n_experts, n_classes)
            Class probabilities of each expert.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats.
        """
        proba = np.take_along_axis(prediction, y[:, None, None], axis=2)[:, :, 0]
        return np.log(np.maximum(proba, _SMALLEST_PROBA))

    def fit_dispersion(self, y, prediction, weights):
        """Fit nothing: there is no dispersion.

        Parameters
        ----------
        y : ndarray of int, of shape (n_samples,)
            Not used.
        prediction : ndarray of shape (n_samples, n_experts, n_classes)
            Not used.
        weights : ndarray of shape (n_samples, n_experts)
            Not used.

        Returns
        -------
        dispersion : None
            There is none.
        """
        return None

    def mean(self, prediction, dispersion=None):
        """Class probabilities of each expert.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts, n_classes)
            Class probabilities of each expert.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts, n_classes)
            The predictions themselves.
        """
        return prediction

    def n_parameters(self, dispersion=None):
        """Number of parameters besides the experts' own: none.

        Parameters
        ----------
        dispersion : None, default=None
            There is none.

        Returns
        -------
        n_parameters : int
            Zero.
        """
        return 0
