"""The dispersion of negative binomial counts: where it is most likely."""

import numpy as np
from scipy.special import digamma, gammaln

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
    """Maximise each expert's likelihood in the logarithm of its dispersion.

    By bisection of the slope, and secants within the bracket (Illinois).
    """

    def slope(log_dispersion):
        values = slope_by_log_dispersion(y, rates, np.exp(log_dispersion))
        return np.einsum("nk,nk->k", shares, values)

    n_experts = rates.shape[1]
    low = np.full(n_experts, np.log(SMALLEST_DISPERSION))
    high = np.full(n_experts, np.log(LARGEST_DISPERSION))
    at_low, at_high = slope(low), slope(high)
    is_poisson = at_low <= 0
    is_largest = ~is_poisson & (at_high >= 0)
    last = np.zeros(n_experts)
    for _ in range(_MAX_STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = high - at_high * (high - low) / (at_high - at_low)
        inside = (secant > low) & (secant < high)
        middle = np.where(inside, secant, 0.5 * (low + high))
        value = slope(middle)
        rising = value > 0
        # An end that stays twice loses half its slope, so that it moves as well.
        at_high = np.where(rising & (last > 0), 0.5 * at_high, at_high)
        at_low = np.where(~rising & (last < 0), 0.5 * at_low, at_low)
        moved = np.where(rising, middle - low, high - middle)
        low, at_low = np.where(rising, middle, low), np.where(rising, value, at_low)
        high, at_high = np.where(rising, high, middle), np.where(rising, at_high, value)
        last = np.where(rising, 1.0, -1.0)
        settled = np.minimum(moved, high - low) <= _TOLERANCE
        if (settled | is_poisson | is_largest).all():
            break
    found = np.where(is_poisson, np.log(SMALLEST_DISPERSION), middle)
    return np.where(is_largest, np.log(LARGEST_DISPERSION), found)
