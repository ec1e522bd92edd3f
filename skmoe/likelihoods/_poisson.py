"""Counts around an expert's rate."""

import numpy as np
from scipy.special import gammaln, pdtr, xlogy
from sklearn.base import BaseEstimator
from sklearn.linear_model import PoissonRegressor

from skmoe._special import smallest_integers
from skmoe.likelihoods._checks import check_positive, check_rows
from skmoe.likelihoods._sizes import ExposureMixin, exposed

# A tree's leaf full of zeros, or an underflow, makes a count unlikely, not impossible.
_SMALLEST_RATE = np.finfo(np.float64).eps
# Standard deviations from the rate beyond which no quantile lies, in double precision.
_FAR = 40.0


class PoissonLikelihood(ExposureMixin, BaseEstimator):
    r"""Poisson probability of a count.

    .. math:: f_k(y \mid x) = \frac{\mu_k(x)^y e^{-\mu_k(x)}}{y!}

    A prediction is the rate :math:`\mu_k(x) > 0`; there is no dispersion. The target is
    one column of integers from 0 on.

    Raises
    ------
    ValueError
        By its methods, if a prediction is negative. The message names experts that
        predict positive numbers.

    See Also
    --------
    GammaLikelihood : For positive numbers that are no counts.

    Notes
    -----
    The probability is :eq:`eq-poisson`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import PoissonLikelihood
    >>> likelihood = PoissonLikelihood()
    >>> likelihood.log_prob(np.array([0.0, 2.0]), np.array([[1.0, 2.0]] * 2)).round(2)
    array([[-1.  , -2.  ],
           [-1.69, -1.31]])
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
        check_rows(
            y, (y >= 0) & (y == np.floor(y)), "poisson", "counts, integers from 0 on"
        )

    def log_prob(self, y, prediction, dispersion=None):
        """Log-probability of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Counts.
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats; minus infinity for what is no count.
        """
        y, prediction = exposed(y, prediction)
        rates = _rates(prediction)
        counts = np.isfinite(y) & (y >= 0) & (y == np.floor(y))
        y = np.where(counts, y, 0.0)[:, None]
        log_prob = xlogy(y, rates)
        log_prob -= rates
        log_prob -= gammaln(y + 1)
        log_prob[~counts] = -np.inf
        return log_prob

    def fit_dispersion(self, y, prediction, weights):
        """Fit nothing: there is no dispersion.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Not used.
        prediction : ndarray of shape (n_samples, n_experts)
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
        """Mean of each expert's distribution, its rate.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            In counts.
        """
        return _rates(prediction)

    def variance(self, prediction, dispersion=None):
        """Variance of each expert's distribution, which is its mean.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared counts.
        """
        return _rates(prediction)

    def cdf(self, y, prediction, dispersion=None):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        rates = _rates(prediction)
        return np.where(y >= 0, pdtr(np.maximum(y, 0.0), rates), 0.0)

    def ppf(self, q, prediction, dispersion=None):
        """Smallest count with cdf >= q under each expert.

        As in scipy.stats, -1 where q is zero.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.

        Returns
        -------
        ppf : ndarray
            Counts, of the shape that q and ``prediction`` broadcast to.
        """
        q, rates = np.broadcast_arrays(q, _rates(prediction))
        reach = _FAR * (np.sqrt(rates) + 1.0)
        low = np.maximum(np.floor(rates - reach), -1.0)
        counts = smallest_integers(
            lambda y: pdtr(np.maximum(y, 0.0), rates) >= q, low, np.ceil(rates + reach)
        )
        return np.where(q <= 0, -1.0, np.where(q >= 1, np.inf, counts))

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Rates, above zero.
        dispersion : None, default=None
            There is none.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            Counts, as floats.
        """
        return random_state.poisson(_rates(prediction)).astype(np.float64)

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


def _rates(prediction):
    check_positive(
        prediction,
        "poisson",
        "PoissonRegressor or HistGradientBoostingRegressor(loss='poisson')",
    )
    return np.maximum(prediction, _SMALLEST_RATE)
