"""Counts that vary more than their rate explains."""

import numpy as np
from scipy.special import betainc, gammaln, xlogy
from sklearn.base import BaseEstimator
from sklearn.linear_model import PoissonRegressor

from skmoe._overdispersion import log_rising, most_likely_log
from skmoe._special import smallest_integers
from skmoe.likelihoods._checks import check_positive, check_rows
from skmoe.likelihoods._sizes import ExposureMixin, exposed

_SMALLEST_RATE = np.finfo(np.float64).eps
# Standard deviations from the rate beyond which no quantile lies, in double precision,
# where tails are those of an exponential.
_FAR = 800.0


class NegativeBinomialLikelihood(ExposureMixin, BaseEstimator):
    r"""Negative binomial probability of a count: a Poisson whose rate varies.

    .. math:: f_k(y \mid x) = \frac{\Gamma(y + r_k)}{\Gamma(r_k)\, y!}
              \left(\frac{r_k}{r_k + \mu_k}\right)^{r_k}
              \left(\frac{\mu_k}{r_k + \mu_k}\right)^y, \qquad r_k = 1 / \phi_k

    A prediction is the mean :math:`\mu_k(x) > 0`; the dispersion :math:`\phi_k` is that
    of :math:`\mathrm{Var}(y) = \mu_k + \phi_k \mu_k^2` ("NB2" [1]_), and the most likely
    one given the means, at least a millionth: that is a Poisson's. The target is one
    column of integers from 0 on.

    ``PoissonRegressor`` experts without penalty are solved together with the gate and
    the dispersions. All others are fitted with responsibilities times
    :math:`1 / (1 + \phi_k \mu_k)`, the variance that they take for granted over the one
    there is, at predictions before the step; where that settles, a Poisson loss is as
    good as the likelihood itself.

    See Also
    --------
    PoissonLikelihood : Without a dispersion.

    Notes
    -----
    The probability is :eq:`eq-negative-binomial`.

    References
    ----------
    .. [1] A. C. Cameron and P. K. Trivedi (2013). Regression analysis of count data, 2nd
       edition, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import NegativeBinomialLikelihood
    >>> likelihood = NegativeBinomialLikelihood()
    >>> y, rates = np.array([0.0, 0.0, 1.0, 7.0]), np.full((4, 1), 2.0)
    >>> dispersion = likelihood.fit_dispersion(y, rates, np.ones((4, 1)))
    >>> dispersion.round(2)
    array([2.71])
    >>> likelihood.variance(rates[:1], dispersion).round(2)
    array([[12.82]])
    """

    #: Whether y has probabilities (``pmf``) instead of a density (``pdf``).
    is_discrete = True

    def default_expert(self):
        """Make what ``experts=None`` stands for.

        Returns
        -------
        expert : PoissonRegressor
            Unfitted, without a penalty.
        """
        return PoissonRegressor(alpha=0)

    def check_target(self, y):
        """Check that y is one column of counts.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs, or a row that is no integer from 0 on; it is named.
        """
        valid = (y >= 0) & (y == np.floor(y))
        check_rows(y, valid, "negative_binomial", "counts, integers from 0 on")

    def log_prob(self, y, prediction, dispersion):
        """Log-probability of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, 2)
            Counts and, while a model is trained, exposures.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats; minus infinity for what is no count.
        """
        y, prediction = exposed(y, prediction)
        rates = _rates(prediction)
        counts = np.isfinite(y) & (y >= 0) & (y == np.floor(y))
        y = np.where(counts, y, 0.0)[:, None]
        shape = 1.0 / dispersion
        log_prob = log_rising(y, shape) - gammaln(y + 1.0)
        log_prob += xlogy(y, rates)
        log_prob -= (y + shape) * np.log1p(dispersion * rates)
        log_prob[~counts] = -np.inf
        return log_prob

    def expert_weights(self, y, prediction, dispersion):
        """Tell how much less certain a row is than a Poisson's.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, 2)
            Counts, and exposures; only these are looked at.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts)
            The variance of a Poisson over that of each expert.
        """
        _, prediction = exposed(y, prediction)
        return 1.0 / (1.0 + dispersion * _rates(prediction))

    def fit_dispersion(self, y, prediction, weights):
        """Find the most likely dispersion of each expert, given its means.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, 2)
            Counts and, while a model is trained, exposures.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        weights : ndarray of shape (n_samples, n_experts)
            How much each row counts for each expert.

        Returns
        -------
        dispersion : ndarray of shape (n_experts,)
            At least a millionth, at most a thousand.
        """
        y, prediction = exposed(y, prediction)
        rates = _rates(prediction)
        mass = weights.sum(axis=0)
        empty = mass <= np.finfo(np.float64).tiny
        shares = weights / np.where(empty, 1.0, mass)
        if empty.any():  # an expert without rows is as uncertain as the target itself
            rows = weights.sum(axis=1) / weights.sum()
            shares = np.where(empty, rows[:, None], shares)
            rates = np.where(empty, max(rows @ y, _SMALLEST_RATE), rates)
        return np.exp(most_likely_log(y[:, None], rates, shares))

    def mean(self, prediction, dispersion):
        """Mean of each expert's distribution, its prediction.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Not used.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            In counts.
        """
        return _rates(prediction)

    def variance(self, prediction, dispersion):
        """Variance of each expert's distribution.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared counts.
        """
        rates = _rates(prediction)
        return rates + dispersion * rates**2

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        rates = _rates(prediction)
        return _cdf(y, rates, np.broadcast_to(dispersion, rates.shape))

    def ppf(self, q, prediction, dispersion):
        """Smallest count with cdf >= q under each expert.

        As in scipy.stats, -1 where q is zero.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        ppf : ndarray
            Counts, of the shape that q and ``prediction`` broadcast to.
        """
        rates = _rates(prediction)
        q, rates, dispersion = np.broadcast_arrays(q, rates, dispersion)
        spread = np.sqrt(rates + dispersion * rates**2)
        high = np.ceil(rates + _FAR * (spread + 1.0) * (1.0 + dispersion))
        counts = smallest_integers(
            lambda y: _cdf(y, rates, dispersion) >= q, np.full(q.shape, -1.0), high
        )
        return np.where(q <= 0, -1.0, np.where(q >= 1, np.inf, counts))

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Means, above zero.
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            Counts, as floats.
        """
        rates = _rates(prediction)
        shape = 1.0 / np.broadcast_to(dispersion, rates.shape)
        own = random_state.standard_gamma(shape) / shape * rates
        return random_state.poisson(own).astype(np.float64)

    def n_parameters(self, dispersion):
        """Number of parameters besides the experts' own: a dispersion each.

        Parameters
        ----------
        dispersion : ndarray of shape ([n_samples, ]n_experts)
            Of each expert.

        Returns
        -------
        n_parameters : int
            As many as there are experts.
        """
        return np.size(dispersion)


def _rates(prediction):
    check_positive(
        prediction, "negative_binomial",
        "PoissonRegressor or HistGradientBoostingRegressor(loss='poisson')",
    )  # fmt: skip
    return np.maximum(prediction, _SMALLEST_RATE)


def _cdf(y, rates, dispersion):
    shape, spread = 1.0 / dispersion, dispersion * rates
    below = np.floor(np.maximum(y, 0.0))
    with np.errstate(invalid="ignore"):
        values = betainc(shape, below + 1.0, 1.0 / (1.0 + spread))
    return np.where(y >= 0, np.where(np.isinf(y), 1.0, values), 0.0)
