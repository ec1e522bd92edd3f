"""The dispersion of negative binomial counts: where it is most likely."""

import numpy as np
from scipy.special import digamma, gammaln

from skmoe._roots import falling_roots

# A smaller dispersion cannot be told from a Poisson's; with a larger one, rows without
# any counts no longer tell how small their rate is.
SMALLEST_DISPERSION, LARGEST_DISPERSION = 1e-6, 1e3
# Of the logarithm of the dispersion; at the maximum, the likelihood falls by the square.
_TOLERANCE, _MAX_STEPS = 1e-8, 60


def log_rising(y, shape):
    """log Gamma(y + r) - log Gamma(r) - y log(r), zero where r is infinite."""
    # The difference of two large numbers, where r is large; there its series is used.
    large = shape > 1e5
    r = np.where(large, 1e5, shape)
    exact = gammaln(y + r) - gammaln(r) - y * np.log(r)
    ratio = y * (y - 1.0) / shape
    series = ratio / 2.0 - ratio * (2.0 * y - 1.0) / shape / 12.0
    near = large & (y < 1e-3 * shape)
    plain = gammaln(y + shape) - gammaln(shape) - y * np.log(shape)
    return np.where(near, series, np.where(large, plain, exact))


def slope_by_log_dispersion(y, rates, dispersion):
    """Derivative of the log-probability by the logarithm of the dispersion."""
    shape = 1.0 / dispersion
    spread = dispersion * rates
    # r (log1p(m / r) - (m - y) / (r + m) - digamma(y + r) + digamma(r))
    return shape * (np.log1p(spread) - _digamma_rise(y, shape)) - (rates - y) / (
        1.0 + spread
    )


def _digamma_rise(y, shape):
    """digamma(y + r) - digamma(r)."""
    large = shape > 1e5
    r = np.where(large, 1e5, shape)
    exact = digamma(y + r) - digamma(r)
    # Euler-Maclaurin of sum_j 1 / (r + j).
    ends = 1.0 / shape - 1.0 / (shape + y)
    series = np.log1p(y / shape) + ends / 2.0 + (1 / shape**2 - 1 / (shape + y) ** 2) / 12
    return np.where(large, series, exact)


def most_likely_log(y, rates, shares):
    """Maximise each expert's likelihood in the logarithm of its dispersion."""

    def slope(log_dispersion):
        values = slope_by_log_dispersion(y, rates, np.exp(log_dispersion))
        return np.einsum("nk,nk->k", shares, values)

    low = np.full(rates.shape[1], np.log(SMALLEST_DISPERSION))
    high = np.full(rates.shape[1], np.log(LARGEST_DISPERSION))
    at_low, at_high = slope(low), slope(high)
    end = np.where(at_low <= 0, low, high)
    return falling_roots(slope, low, high, at_low, at_high, end, _TOLERANCE, _MAX_STEPS)
