"""Special functions that SciPy has not, or not without cancellation."""

import numpy as np
from scipy.special import digamma, gammaln, polygamma

# Shapes above this are left to asymptotic series, which cancel nothing.
_LARGE_SHAPE = 100.0


def log_peak(shape):
    """a log(a) - a - log Gamma(a)."""
    large = shape > _LARGE_SHAPE
    a = np.where(large, _LARGE_SHAPE, shape)
    exact = a * np.log(a) - a - gammaln(a)
    a = np.where(large, shape, _LARGE_SHAPE)
    stirling = 0.5 * np.log(a / (2 * np.pi)) - 1 / (12 * a) + 1 / (360 * a**3)
    return np.where(large, stirling, exact)


def log_minus_digamma(shape):
    """log(a) - digamma(a), and its derivative by log(a)."""
    large = shape > _LARGE_SHAPE
    a = np.where(large, _LARGE_SHAPE, shape)
    exact = np.log(a) - digamma(a), 1 - a * polygamma(1, a)
    a = np.where(large, shape, _LARGE_SHAPE)
    series = (
        1 / (2 * a) + 1 / (12 * a**2) - 1 / (120 * a**4),
        -1 / (2 * a) - 1 / (6 * a**2) + 1 / (30 * a**4),
    )
    return np.where(large, series, exact)


def smallest_integers(reached, low, high):
    """Smallest integers in (low, high] from which on ``reached`` holds, by bisection.

    Parameters
    ----------
    reached : callable
        From integers, as floats, to truth values; holds at ``high``, but not at ``low``.
    low, high : ndarray

    Returns
    -------
    integers : ndarray of float
    """
    while True:
        middle = np.floor(0.5 * (low + high))
        # Beyond 2**53, neighbours have no number between them.
        between = (middle > low) & (middle < high)
        if not between.any():
            return high
        holds = reached(middle)
        high = np.where(between & holds, middle, high)
        low = np.where(between & ~holds, middle, low)
