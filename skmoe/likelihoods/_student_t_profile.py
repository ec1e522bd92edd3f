"""The most likely scales and degrees of freedom of t densities."""

import numpy as np
from scipy.special import betaln, digamma

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
    """Maximise the profile between the bounds: its slope's root, or an end.

    The root by regula falsi (Illinois) in log df, all experts at once.
    """
    n_experts = len(profile.mean_square)
    low = np.full(n_experts, np.log(_SMALLEST_DF))
    high = np.full(n_experts, np.log(_LARGEST_DF))
    value_high, slope_high = profile.evaluate(np.exp(high))
    value_low, slope_low = profile.evaluate(np.exp(low))
    ends = np.where(value_low > value_high, low, high)
    value_ends = np.maximum(value_low, value_high)
    bracketed = (slope_low > 0) & (slope_high < 0)
    if not bracketed.any():
        return np.exp(ends)
    last = np.zeros(n_experts)
    middle, done = ends, ~bracketed
    for _ in range(_MAX_STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = high - slope_high * (high - low) / (slope_high - slope_low)
        # What is found stays, however many steps other experts need.
        moves = ~done & (secant > low) & (secant < high)
        middle = np.where(moves, secant, middle)
        value, slope = profile.evaluate(np.exp(middle))
        rising = bracketed & (slope > 0)
        falling = bracketed & ~rising
        # An end that stays twice loses half its slope, so that it moves as well.
        slope_high = np.where(rising & (last > 0), 0.5 * slope_high, slope_high)
        slope_low = np.where(falling & (last < 0), 0.5 * slope_low, slope_low)
        moved = np.where(rising, middle - low, np.where(falling, high - middle, 0.0))
        low, slope_low = np.where(rising, middle, low), np.where(rising, slope, slope_low)
        high = np.where(falling, middle, high)
        slope_high = np.where(falling, slope, slope_high)
        last = np.where(rising, 1.0, -1.0)
        done |= np.minimum(moved, high - low) <= _DF_TOLERANCE
        if done.all():
            break
    return np.exp(np.where(bracketed & (value >= value_ends), middle, ends))
