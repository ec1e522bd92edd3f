"""Positive numbers whose spread grows with an expert's prediction."""

import numpy as np
from scipy.special import gammainc, gammaincinv
from sklearn.base import BaseEstimator
from sklearn.linear_model import GammaRegressor

from skmoe._special import log_minus_digamma, log_peak
from skmoe.likelihoods._checks import check_positive, check_rows
from skmoe.likelihoods._sizes import ExposureMixin, exposed, sizes_of

# As for the Gaussian: the variation of an expert that runs through its rows exactly ends
# at a thousandth of the target's, or, for a constant target, at rounding.
_RELATIVE_FLOOR = 1e-6
_ROUNDING = 1e-14
# A prediction of zero is an underflow; its square must not be one.
_SMALLEST_MEAN = np.sqrt(np.finfo(np.float64).tiny)
# Of log(a) - digamma(a): an expert is nowhere near its rows.
_LARGEST_EXCESS = 1e100
_NEWTON_STEPS = 10


class GammaLikelihood(ExposureMixin, BaseEstimator):
    r"""Gamma density with one dispersion per expert.

    .. math:: f_k(y \mid x) = \frac{1}{y\,\Gamma(a_k)}
              \left(\frac{a_k y}{\mu_k(x)}\right)^{a_k} e^{-a_k y / \mu_k(x)},
              \qquad a_k = 1 / \phi_k

    A prediction is the mean :math:`\mu_k(x) > 0`. The dispersion :math:`\phi_k` is the
    squared coefficient of variation, so that the variance is :math:`\phi_k \mu_k^2`; it
    has no unit, and is estimated by maximum likelihood. It does not fall below a
    millionth of the dispersion of y itself, where the likelihood of a mixture would be
    unbounded. The target is one column of numbers above zero.

    Raises
    ------
    ValueError
        By its methods, if a prediction is negative. The message names experts that
        predict positive numbers.

    See Also
    --------
    PoissonLikelihood : For counts.
    GaussianLikelihood : For targets of either sign.

    Notes
    -----
    The density is :eq:`eq-gamma`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import GammaLikelihood
    >>> y, prediction = np.array([1.0, 3.0]), np.array([[1.0, 2.0], [3.0, 2.0]])
    >>> likelihood = GammaLikelihood()
    >>> dispersion = likelihood.fit_dispersion(y, prediction, np.full((2, 2), 0.5))
    >>> dispersion.round(3)
    array([0.   , 0.275])
    >>> likelihood.variance(prediction, dispersion).round(2)
    array([[0. , 1.1],
           [0. , 1.1]])
    """

    #: Whether y is positive, so that quantiles are looked for on a log scale.
    is_positive = True

    def default_expert(self):
        """Make what ``experts=None`` stands for.

        Returns
        -------
        expert : GammaRegressor
            Unfitted, without a penalty.
        """
        return GammaRegressor(alpha=0)

    def check_target(self, y):
        """Check that y is one column of positive numbers.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs, or a row that is not above 0; it is named.
        """
        check_rows(y, y > 0, "gamma", "numbers above 0")

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats; minus infinity for y below zero.
        """
        y, prediction = exposed(y, prediction)
        shape = 1.0 / dispersion
        means = _means(prediction)
        inside = np.isfinite(y) & (y > 0)
        log_y = np.log(np.where(inside, y, 1.0))[:, None]
        log_prob = -shape * _half_deviance(log_y - np.log(means))
        log_prob += log_peak(shape) - log_y
        log_prob[~inside] = -np.inf
        # At zero itself, a shape below one has a pole, and one of one its mode.
        at_zero = np.where(
            shape < 1, np.inf, np.where(shape > 1, -np.inf, -np.log(means))
        )
        return np.where((y == 0)[:, None], at_zero, log_prob)

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Most likely dispersion of each expert, given its means.

        An expert without rows is as uncertain as the target itself.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        floor : float, default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts,)
            Squared coefficients of variation, none below the floor.
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        y, prediction = exposed(y, prediction)
        log_y = np.log(y)
        excess = _half_deviance(log_y[:, None] - np.log(_means(prediction)))
        mass = weights.sum(axis=0)
        empty = mass <= np.finfo(np.float64).tiny
        own = np.einsum("nk,nk->k", weights, excess) / np.where(empty, 1.0, mass)
        if empty.any():  # an expert without rows is as uncertain as the target itself
            own[empty] = _excess_of_target(y, weights.sum(axis=1))
        return np.maximum(_dispersion(own), floor)

    def smallest_dispersion(self, y, weights):
        """Floor of the dispersions.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, of all rows.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        floor : float
            A millionth of the dispersion of y itself; it has no unit.
        """
        y, sizes = sizes_of(y)
        rates = y if sizes is None else y / sizes[:, 0]
        return _RELATIVE_FLOOR * _dispersion(_excess_of_target(rates, weights))

    def floor_of_blocks(self, whole):
        """Floor of the dispersions where rows are in several places.

        Parameters
        ----------
        whole : TargetStatistics
            Of all rows.

        Returns
        -------
        floor : object
            As that of :meth:`GaussianLikelihood.floor_of_blocks`.
        """
        return _FloorOfBlocks(whole)

    def expert_target(self, y):
        """What experts are fitted to, and what multiplies their weights.

        A gamma density per unit of exposure is one of the same shape.

        Parameters
        ----------
        y : ndarray of shape (n_samples, 2)
            Targets and exposures.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Per unit of exposure.
        factor : ndarray of shape (n_samples,)
            Ones.
        """
        return y[:, 0] / y[:, 1], np.ones(len(y))

    def mean(self, prediction, dispersion):
        """Mean of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            In units of y.
        """
        return _means(prediction)

    def variance(self, prediction, dispersion):
        """Variance of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared units of y.
        """
        return dispersion * _means(prediction) ** 2

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        shape = 1.0 / dispersion
        return gammainc(shape, shape * (np.maximum(y, 0.0) / _means(prediction)))

    def ppf(self, q, prediction, dispersion):
        """Quantile function of each expert's density.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        ppf : ndarray
            In units of y, of the shape that q and ``prediction`` broadcast to.
        """
        shape = 1.0 / dispersion
        return gammaincinv(shape, q) / shape * _means(prediction)

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Squared coefficients of variation, as :meth:`fit_dispersion` gives them.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            In units of y.
        """
        shape = 1.0 / np.broadcast_to(dispersion, prediction.shape)
        return random_state.standard_gamma(shape) / shape * _means(prediction)

    def n_parameters(self, dispersion):
        """Number of dispersions, one per expert.

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


class _FloorOfBlocks:
    """Dispersion of the target around its mean, and the floor that follows from it."""

    def __init__(self, whole):
        self.whole = whole

    def part(self, y, weights):
        return weights @ _half_deviance(np.log(y) - np.log(self.whole.mean))

    def merged(self, first, second):
        return first + second

    def result(self, excess):
        spread = _dispersion(excess / self.whole.total)
        return _RELATIVE_FLOOR * spread, spread


def _means(prediction):
    check_positive(
        prediction,
        "gamma",
        "GammaRegressor or HistGradientBoostingRegressor(loss='gamma')",
    )
    return np.maximum(prediction, _SMALLEST_MEAN)


def _half_deviance(log_ratio):
    """r - 1 - log(r), without cancellation where r = y / mean is near one."""
    return np.expm1(log_ratio) - log_ratio


def _excess_of_target(y, weights):
    """Mean of half the deviance of y from its own mean."""
    log_mean = np.log(weights @ y / weights.sum())
    return weights @ _half_deviance(np.log(y) - log_mean) / weights.sum()


def _dispersion(excess):
    """Solve log(a) - digamma(a) = excess for 1 / a, by Newton's method in log(a)."""
    excess = np.clip(excess, 0.5 * _ROUNDING**2, _LARGEST_EXCESS)
    # Right at both ends, and within a factor of two between them.
    shape = 0.5 * (1 / excess + 1 / (1 + excess))
    for _ in range(_NEWTON_STEPS):
        value, slope = log_minus_digamma(shape)
        shape = shape * np.exp(np.clip((excess - value) / slope, -1.0, 1.0))
    return 1 / shape
