"""Errors that cost what they are long, around an expert's prediction."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skmoe.likelihoods._checks import check_one_output
from skmoe.likelihoods._floors import check_floor, smallest_variance
from skmoe.likelihoods._residuals import is_within_fences, own_residuals, within_fences

# Of the scale: a shorter residual weighs no more than this one. So a step may lower the
# mean log-likelihood by half of it times the share of such rows, and no more.
_SHORTEST = 1e-6
_LOSSES = ("squared_error", "absolute_error")


class LaplaceLikelihood(BaseEstimator):
    r"""Laplace's density: an error costs its length, not its square.

    .. math:: f_k(y \mid x) = \frac{1}{2 b_k} \exp(-|y - \mu_k(x)| / b_k)

    The dispersion is the squared scale :math:`b_k^2`, in squared units of y; the scale
    is the mean absolute error, and the variance :math:`2 b_k^2`. The target has one
    output.

    The most likely expert is a median regression. Experts that minimise squared errors
    come to it step by step: they are fitted with responsibilities divided by the length
    of the residual before the step, which never lowers the objective (Hunter and Lange
    2000).

    Parameters
    ----------
    expert_loss : {"squared_error", "absolute_error"}, default="squared_error"
        What experts minimise. Most regressors minimise squared errors;
        ``QuantileRegressor`` and ``HistGradientBoostingRegressor(loss="absolute_error")``
        absolute ones, and need no weights but responsibilities.
    floor : "auto" or float, default="auto"
        Smallest standard deviation, :math:`\sqrt{2}\, b_k`, in units of y; see
        :class:`GaussianLikelihood`.

    See Also
    --------
    StudentTLikelihood : With tails as heavy as the data have them.
    GaussianLikelihood : For errors without outliers.

    Notes
    -----
    The density is :eq:`eq-laplace`.

    References
    ----------
    .. [1] W. Song, W. Yao and Y. Xing (2014). Robust mixture regression model fitting by
       Laplace distribution. Computational Statistics and Data Analysis 71, 128-137.
    .. [2] D. R. Hunter and K. Lange (2000). Quantile regression via an MM algorithm.
       Journal of Computational and Graphical Statistics 9, 60-77.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import LaplaceLikelihood
    >>> y, prediction = np.array([-1.0, 0.0, 1.0, 6.0]), np.zeros((4, 1))
    >>> likelihood = LaplaceLikelihood()
    >>> dispersion = likelihood.fit_dispersion(y, prediction, np.ones((4, 1)))
    >>> dispersion
    array([4.])
    >>> likelihood.log_prob(y, prediction, dispersion)[:, 0].round(2)
    array([-1.89, -1.39, -1.89, -4.39])
    """

    def __init__(self, expert_loss="squared_error", floor="auto"):
        self.expert_loss = expert_loss
        self.floor = floor

    def check_target(self, y):
        """Check that y has one output, and parameters are of their choices.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs, or ``expert_loss`` or ``floor`` is none of its
            choices.
        """
        check_one_output(y, "laplace")
        check_floor(self.floor)
        if not isinstance(self.expert_loss, str) or self.expert_loss not in _LOSSES:
            raise ValueError(
                f"expert_loss={self.expert_loss!r} of LaplaceLikelihood must be one of "
                f"{_LOSSES}."
            )

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats.
        """
        scale = np.sqrt(dispersion)
        return -np.abs(y[:, None] - prediction) / scale - np.log(2 * scale)

    @available_if(lambda self: self.expert_loss == "squared_error")
    def expert_weights(self, y, prediction, dispersion):
        """Scale over the length of each row's residual under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, before it is fitted again.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts)
            What responsibilities are multiplied by when experts are fitted.
        """
        length = np.abs(y[:, None] - prediction) / np.sqrt(dispersion)
        return 1.0 / np.maximum(length, _SHORTEST)

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Squared weighted mean of each expert's absolute errors.

        An expert without rows is as uncertain as the target itself.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        floor : float, default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts,)
            Squared scales in squared units of y, none below the floor.
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        residuals, shares = own_residuals(y, prediction, weights)
        scale = np.einsum("nk,nk->k", shares, np.abs(residuals))
        return np.maximum(scale**2, floor)

    def start_rows(self, y, weights):
        """Choose the rows that a start is made of: those within Tukey's outer fences.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, or what experts alone leave of it.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        rows : ndarray of bool, of shape (n_samples,)
            Those no farther from the quartiles than three interquartile ranges.
        """
        return is_within_fences(y, weights)

    def start_target(self, y, weights):
        """Pull in outliers, for a start that knows squared errors only.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            No farther from the quartiles than three interquartile ranges.
        """
        return within_fences(y, weights)

    def smallest_dispersion(self, y, weights):
        """Floor of the squared scales; outliers do not raise it.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, of all rows.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        floor : float
            In squared units of y.
        """
        return 0.5 * smallest_variance(within_fences(y, weights), weights, self.floor)

    def mean(self, prediction, dispersion):
        """Mean of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            The predictions themselves.
        """
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density, twice the squared scale.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared units of y.
        """
        return np.broadcast_to(2.0 * dispersion, prediction.shape)

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        z = (y - prediction) / np.sqrt(dispersion)
        tail = 0.5 * np.exp(-np.abs(z))
        return np.where(z < 0, tail, 1.0 - tail)

    def ppf(self, q, prediction, dispersion):
        """Quantile function of each expert's density.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        ppf : ndarray
            In units of y, of the shape that q and ``prediction`` broadcast to.
        """
        q = np.asarray(q)
        with np.errstate(divide="ignore"):
            length = -np.log(2.0 * np.minimum(q, 1.0 - q))
        return prediction + np.where(q < 0.5, -length, length) * np.sqrt(dispersion)

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared scales, as :meth:`fit_dispersion` gives them.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            In units of y.
        """
        noise = random_state.laplace(size=prediction.shape)
        return prediction + noise * np.sqrt(dispersion)

    def n_parameters(self, dispersion):
        """Number of scales, one per expert.

        Parameters
        ----------
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            What was fitted.

        Returns
        -------
        n_parameters : int
            Of all experts, for information criteria.
        """
        return np.size(dispersion)
