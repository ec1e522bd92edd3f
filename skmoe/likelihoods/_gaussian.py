"""Normal errors around an expert's prediction."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skmoe.likelihoods._covariance import raised, scatter_matrices
from skmoe.likelihoods._floors import (
    FloorOfBlocks,
    check_floor,
    moments,
    smallest_variance,
)
from skmoe.likelihoods._normal import NormalDensity
from skmoe.likelihoods._variance_model import (
    check_variance_regressor,
    fit_variance_models,
)

_CHOICES = {"dispersion": ("expert", "tied"), "covariance": ("diag", "full")}


def _depends_on_x(likelihood):
    """Whether variances are a regressor's to predict."""
    return hasattr(likelihood.dispersion, "fit")


class GaussianLikelihood(NormalDensity, BaseEstimator):
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

    See Also
    --------
    StudentTLikelihood : For targets with outliers.
    LaplaceLikelihood : The same, with a lighter tail.
    VarianceModel : Variances that depend on x.

    Notes
    -----
    The likelihood protocol is written down in :mod:`skmoe.likelihoods`. The density is
    :eq:`eq-gaussian`, its M-step :eq:`eq-dispersion`, the floor :eq:`eq-floor`.

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
        """Check that parameters are of their choices, and suit y.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If ``dispersion``, ``covariance`` or ``floor`` is none of its choices, or if a
            regressor of variances takes no ``sample_weight``, or y has several outputs
            then.
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
            The target; only its number of axes counts.

        Returns
        -------
        has_own : bool
            False where variances are shared, depend on x, or go with covariances.
        """
        return self.dispersion == "expert" and not self._is_full(y.ndim)

    @property
    def is_tied(self):
        """Whether all experts share one dispersion.

        Returns
        -------
        is_tied : bool
            True with ``dispersion="tied"``.
        """
        return isinstance(self.dispersion, str) and self.dispersion == "tied"

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Weighted mean squared residuals of each expert, or of all.

        With full covariance, also the mean products of two outputs' residuals. An expert
        without rows is as uncertain as the target itself.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            What each expert predicts, in units of y.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        floor : ndarray of shape () or (n_outputs,), default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts[, n_outputs]), or of shape \
                (n_experts, n_outputs, n_outputs) with full covariance
            Variances in squared units of y, none below the floor.
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
        """Fit a model of each expert's variance.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            What variances depend on.
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        floor : float, default=None
            As in :meth:`fit_dispersion`.

        Returns
        -------
        models : list of VarianceModel
            One for each expert.
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        return fit_variance_models(self.dispersion, X, y, prediction, weights, floor)

    @available_if(_depends_on_x)
    def dispersion_at(self, models, X):
        """Predict the variance of each row under each expert.

        Parameters
        ----------
        models : list of VarianceModel
            What :meth:`fit_dispersion_model` gave.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        dispersion : ndarray of shape (n_samples, n_experts)
            In squared units of y.
        """
        return np.column_stack([model.predict(X) for model in models])

    @available_if(_depends_on_x)
    def expert_weights(self, y, prediction, dispersion):
        """Precision of each row under each expert, one over its variance.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, before it is fitted again.
        dispersion : ndarray of shape (n_samples, n_experts)
            Variances of the rows.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts)
            What responsibilities are multiplied by when experts are fitted.
        """
        return 1.0 / dispersion

    def smallest_dispersion(self, y, weights):
        """Floor of the variances (:eq:`eq-floor`).

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target, of all rows.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        floor : ndarray of shape () or (n_outputs,)
            In squared units of y.
        """
        return smallest_variance(y, weights, self.floor)

    def floor_of_blocks(self, whole):
        """Floor of the variances where rows are in several places.

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

    def n_parameters(self, dispersion):
        """Number of variances, and covariances of two outputs, that were estimated.

        Parameters
        ----------
        dispersion : ndarray or list of VarianceModel
            What was fitted.

        Returns
        -------
        n_parameters : int or None
            Of all experts, for information criteria; None where models of variances do
            not tell.
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
