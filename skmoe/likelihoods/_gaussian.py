"""Normal errors around an expert's prediction."""

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skmoe.likelihoods._covariance import (
    correlated,
    normal_log_prob,
    raised,
    scatter_matrices,
)
from skmoe.likelihoods._floors import (
    FloorOfBlocks,
    check_floor,
    moments,
    smallest_variance,
)
from skmoe.likelihoods._gaussian_crps import gaussian_mixture_crps
from skmoe.likelihoods._variance_model import (
    check_variance_regressor,
    fit_variance_models,
)

_LOG_2PI = np.log(2 * np.pi)
_CHOICES = {"dispersion": ("expert", "tied"), "covariance": ("diag", "full")}


def _depends_on_x(likelihood):
    """Whether variances are a regressor's to predict."""
    return hasattr(likelihood.dispersion, "fit")


class GaussianLikelihood(BaseEstimator):
    r"""Normal density with one variance per expert (and output).

    .. math:: f_k(y \mid x) = N(y;\ \mu_k(x),\ \sigma_k^2)

    The dispersion is the variance :math:`\sigma_k^2`, in squared units of y, estimated
    by maximum likelihood. It does not fall below a floor, as the likelihood of a mixture
    is unbounded otherwise.

    Parameters
    ----------
    dispersion : {"expert", "tied"} or regressor, default="expert"
        Whether each expert has a variance of its own, or all share one. With a regressor
        an expert's variance depends on x: a clone of it is fitted to the logarithms of
        the expert's squared errors, see :class:`VarianceModel`, and experts are fitted
        with weights that are inverse to the variances. The dispersion then is a list of
        these models. The step is not exactly one of maximum likelihood; training keeps
        the best model. This takes one output.
    covariance : {"diag", "full"}, default="diag"
        Whether several outputs are independent given the expert, or each expert has a
        covariance matrix. One output has a variance in either case.
    floor : "auto" or float, default="auto"
        Smallest standard deviation of an expert's errors, in units of y; of a covariance
        matrix, in any direction, outputs being measured by their floors. "auto" is a
        thousandth of the standard deviation of y. A target that was rounded, such as a
        mark or a count, lies on a grid of step h: its floor is at least
        :math:`h / \sqrt{12}`, what rounding alone leaves. With less, an expert that
        hits one value exactly would report a likelihood that means nothing. The floor
        in use is ``dispersion_floor_`` of the fitted regressor.

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
    >>> likelihood = GaussianLikelihood(dispersion="tied")
    >>> likelihood.fit_dispersion(y, prediction, np.full((2, 2), 0.5))
    array([0.5, 0.5])
    """

    def __init__(self, dispersion="expert", covariance="diag", floor="auto"):
        self.dispersion = dispersion
        self.covariance = covariance
        self.floor = floor

    def check_target(self, y):
        """Raise where a parameter is none of its choices, or does not suit y.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        if _depends_on_x(self):
            check_variance_regressor(self.dispersion, y)
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if name == "dispersion" and _depends_on_x(self):
                continue
            if not isinstance(value, str) or value not in known:
                raise ValueError(
                    f"{name}={value!r} of GaussianLikelihood must be one of {known}."
                )
        check_floor(self.floor)

    def has_own_variances(self, y):
        """Whether each expert, and each output of it, has a variance of its own.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self.dispersion == "expert" and not self._is_full(y.ndim)

    @property
    def is_tied(self):
        """Whether all experts share one dispersion."""
        return isinstance(self.dispersion, str) and self.dispersion == "tied"

    def _is_full(self, n_axes):
        """Whether targets with so many axes have covariance matrices."""
        return self.covariance == "full" and n_axes == 2

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        dispersion : ndarray of shape ([n_samples, ]n_experts[, n_outputs]), or of shape \
                ([n_samples, ]n_experts, n_outputs, n_outputs) with full covariance
            With an axis of rows where it depends on x or on where a row is sent.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
        """
        residuals = y[:, None] - prediction
        if self._is_full(y.ndim):
            return normal_log_prob(residuals, dispersion)
        log_prob = np.square(residuals, out=residuals)
        log_prob /= -2.0 * dispersion
        log_prob -= 0.5 * (_LOG_2PI + np.log(dispersion))
        return log_prob.sum(axis=2) if log_prob.ndim == 3 else log_prob

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Weighted mean squared residuals of each expert, or of all.

        With full covariance, also the mean products of two outputs' residuals. An expert
        without rows is as uncertain as the target itself.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        weights : ndarray of shape (n_samples, n_experts)
        floor : ndarray of shape () or (n_outputs,), default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts[, n_outputs]), or of shape \
                (n_experts, n_outputs, n_outputs) with full covariance
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        residuals = y[:, None] - prediction
        full = self._is_full(y.ndim)
        sums = scatter_matrices if full else _sums_of_squares
        numerator, mass = sums(residuals, weights), weights.sum(axis=0)
        if self.is_tied:
            numerator = np.broadcast_to(numerator.sum(axis=0), numerator.shape)
            mass = np.broadcast_to(mass.sum(), mass.shape)
        empty = mass <= np.finfo(np.float64).tiny
        shape = (-1,) + (1,) * (numerator.ndim - 1)
        dispersion = numerator / np.where(empty, 1.0, mass).reshape(shape)
        if empty.any():
            row_weights = weights.sum(axis=1, keepdims=True)
            errors = (y - moments(y, row_weights[:, 0])[0])[:, None]
            dispersion[empty] = sums(errors, row_weights) / row_weights.sum()
        return raised(dispersion, floor) if full else np.maximum(dispersion, floor)

    @available_if(_depends_on_x)
    def fit_dispersion_model(self, X, y, prediction, weights, floor=None):
        """Models of each expert's variance.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
        prediction : ndarray of shape (n_samples, n_experts)
        weights : ndarray of shape (n_samples, n_experts)
        floor : float, default=None
            As in :meth:`fit_dispersion`.

        Returns
        -------
        models : list of VarianceModel
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        return fit_variance_models(self.dispersion, X, y, prediction, weights, floor)

    @available_if(_depends_on_x)
    def dispersion_at(self, models, X):
        """Variances of each row under each expert.

        Parameters
        ----------
        models : list of VarianceModel
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)

        Returns
        -------
        dispersion : ndarray of shape (n_samples, n_experts)
        """
        return np.column_stack([model.predict(X) for model in models])

    @available_if(_depends_on_x)
    def expert_weights(self, y, prediction, dispersion):
        """One over the variances, of shape (n_samples, n_experts)."""
        return 1.0 / dispersion

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
        return smallest_variance(y, weights, self.floor)

    def floor_of_blocks(self, whole):
        """The same where rows are in several places.

        Parameters
        ----------
        whole : TargetStatistics
            Of all rows.

        Returns
        -------
        floor : object
            With ``part(y, weights)``, ``merged(part, part)`` and ``result(part)``: the
            floor, and the dispersion of an expert that predicts the mean.
        """
        return FloorOfBlocks(self.floor, whole)

    def mean(self, prediction, dispersion):
        """Mean of each expert's density, of the shape of ``prediction``."""
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density, of the shape of ``prediction``."""
        if self._is_full(prediction.ndim - 1):
            dispersion = np.diagonal(dispersion, axis1=-2, axis2=-1)
        return np.broadcast_to(dispersion, prediction.shape)

    def covariances(self, prediction, dispersion):
        """Covariances of each expert's outputs.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts, n_outputs)
        dispersion : ndarray
            As in :meth:`log_prob`.

        Returns
        -------
        covariances : ndarray of shape ([n_samples, ]n_experts, n_outputs, n_outputs)
        """
        if self._is_full(prediction.ndim - 1):
            return dispersion
        return dispersion[..., None] * np.eye(dispersion.shape[-1])

    def cdf(self, y, prediction, dispersion):
        """P(Y <= y) under each expert; y broadcasts against ``prediction``."""
        return ndtr((y - prediction) / np.sqrt(dispersion))

    def ppf(self, q, prediction, dispersion):
        """Quantile of each expert; q broadcasts against ``prediction``."""
        return prediction + ndtri(q) * np.sqrt(dispersion)

    def mixture_crps(self, y, weights, prediction, dispersion):
        """Continuous ranked probability score of each row's mixture.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        weights, prediction : ndarray of shape (n_samples, n_experts)
        dispersion : ndarray of shape ([n_samples, ]n_experts)

        Returns
        -------
        crps : ndarray of shape (n_samples,)
        """
        variances = np.broadcast_to(dispersion, prediction.shape)
        return gaussian_mixture_crps(y, weights, prediction, variances)

    def rvs(self, prediction, dispersion, random_state):
        """One draw for each entry of ``prediction``, from a RandomState."""
        noise = random_state.standard_normal(prediction.shape)
        if self._is_full(prediction.ndim - 1):
            return prediction + correlated(noise, dispersion)
        return prediction + noise * np.sqrt(dispersion)

    def n_parameters(self, dispersion):
        """Variances, and covariances of two outputs, that were estimated.

        Of models those that they tell of, or None.
        """
        if _depends_on_x(self):
            counts = [model.n_parameters_ for model in dispersion]
            return None if None in counts else sum(counts)
        if self.is_tied:
            dispersion = dispersion[:1]
        if dispersion.ndim == 3:
            n_experts, n_outputs, _ = dispersion.shape
            return n_experts * n_outputs * (n_outputs + 1) // 2
        return np.size(dispersion)


def _sums_of_squares(residuals, weights):
    return np.einsum("nk,nk...->k...", weights, residuals**2)
