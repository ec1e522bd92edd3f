"""The most likely scales and degrees of freedom of t densities."""

import numpy as np
from scipy.special import betaln, digamma

from skmoe._roots import falling_roots

# Estimated degrees of freedom end just above two, so that every density has a variance,
# and where one can no longer tell the density from a normal one.
_SMALLEST_DF, _LARGEST_DF = 2.1, 200.0
# Of the logarithms of degrees of freedom and of squared scales. At the maximum, an error
# of the first lowers the likelihood by its square.
_DF_TOLERANCE, _SCALE_TOLERANCE = 1e-6, 1e-11
_MAX_STEPS = 100


class Profile:
    """Likelihood of each expert's residuals as a function of the degrees of freedom.

    Parameters
    ----------
    squares : ndarray of shape (n_experts, n_samples)
        Squared residuals.
    shares : ndarray of shape (n_experts, n_samples)
        Weights that sum to one for each expert.
    floor : float
        Smallest squared scale.
    """

    def __init__(self, squares, shares, floor):
        self.squares = np.ascontiguousarray(squares)
        self.shares = np.ascontiguousarray(shares)
        self.floor = float(floor)
        self.mean_square = self._average(squares)
        self.log_scale = np.log(np.maximum(self.mean_square, self.floor))

    def _average(self, values):
        return np.einsum("kn,kn->k", self.shares, values)

    def squared_scale(self, df):
        """Most likely squared scale, by Newton's method within a bracket.

        It solves sum_i w_i ((df + 1) r_i^2 / (df s^2 + r_i^2) - 1) = 0, whose left side
        falls with s, for log s^2, from the solution that was found last.
        """
        low = np.full(len(df), np.log(self.floor))
        high = np.log1p(1 / df) + np.log(np.maximum(self.mean_square, self.floor))
        z = np.clip(self.log_scale, low, high)
        untested = np.full(len(df), True)  # whether it is the floor
        for _ in range(_MAX_STEPS):
            part = self.squares / ((df * np.exp(z))[:, None] + self.squares)
            score = (df + 1) * self._average(part) - 1
            slope = (df + 1) * self._average(part * (1 - part))
            low, high = np.where(score > 0, z, low), np.where(score > 0, high, z)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = z + score / slope
            inside = (step >= low) & (step <= high)
            to_floor = untested & (step < low)
            untested &= ~to_floor
            moved = np.where(inside, step, 0.5 * (low + high))
            moved = np.where(to_floor, low, moved)
            change, z = np.abs(moved - z).max(), moved
            if change <= _SCALE_TOLERANCE:
                break
        self.log_scale = z
        return np.exp(z)

    def evaluate(self, df):
        """Mean log-likelihood at the most likely scale, and its slope by log df."""
        squared_scale = self.squared_scale(df)
        ratio = self.squares / (df * squared_scale)[:, None]
        log_tail = self._average(np.log1p(ratio))
        part = self._average(ratio / (1 + ratio))
        value = -0.5 * (df + 1) * log_tail - 0.5 * np.log(df * squared_scale)
        value -= betaln(0.5, 0.5 * df)
        slope = digamma(0.5 * (df + 1)) - digamma(0.5 * df) - 1 / df
        slope += (df + 1) / df * part - log_tail
        return value, 0.5 * df * slope


def most_likely_df(profile):
    """Maximise the profile between the bounds: its slope's root in log df, or an end."""
    n_experts = len(profile.mean_square)
    low = np.full(n_experts, np.log(_SMALLEST_DF))
    high = np.full(n_experts, np.log(_LARGEST_DF))
    value_high, slope_high = profile.evaluate(np.exp(high))
    value_low, slope_low = profile.evaluate(np.exp(low))
    ends = np.where(value_low > value_high, low, high)
    value = value_ends = np.maximum(value_low, value_high)

    def slope(log_df):
        nonlocal value
        value, slope = profile.evaluate(np.exp(log_df))
        return slope

    roots = falling_roots(
        slope, low, high, slope_low, slope_high, ends, _DF_TOLERANCE, _MAX_STEPS
    )
    return np.exp(np.where(value >= value_ends, roots, ends))
