"""Roots of several functions at once, each within a bracket of its own."""

import numpy as np


def falling_roots(function, low, high, at_low, at_high, other, tolerance, max_steps):
    """Where functions fall through zero, by regula falsi (Illinois).

    Parameters
    ----------
    function : callable
        From numbers of shape (n_functions,) to the values there. It is last asked about
        what is returned.
    low, high : ndarray of shape (n_functions,)
        Where to look.
    at_low, at_high : ndarray of shape (n_functions,)
        Values at these ends.
    other : ndarray of shape (n_functions,)
        What stands for the root where ends do not have one between them.
    tolerance : float
        Width of a step, or of a bracket, at which a root is found.
    max_steps : int

    Returns
    -------
    roots : ndarray of shape (n_functions,)
    """
    bracketed = (at_low > 0) & (at_high < 0)
    middle, done = other, ~bracketed
    last = np.zeros(len(low))
    for _ in range(max_steps):
        if done.all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = high - at_high * (high - low) / (at_high - at_low)
        inside = (secant > low) & (secant < high)
        # What is found stays, however many steps others need.
        moved = np.where(inside, secant, 0.5 * (low + high))
        middle = np.where(done, middle, moved)
        value = function(middle)
        rising, falling = ~done & (value > 0), ~done & (value <= 0)
        # An end that stays twice loses half its value, so that it moves as well.
        at_high = np.where(rising & (last > 0), 0.5 * at_high, at_high)
        at_low = np.where(falling & (last < 0), 0.5 * at_low, at_low)
        step = np.where(rising, middle - low, high - middle)
        low, at_low = np.where(rising, middle, low), np.where(rising, value, at_low)
        high = np.where(falling, middle, high)
        at_high = np.where(falling, value, at_high)
        last = np.where(rising, 1.0, -1.0)
        done |= np.minimum(step, high - low) <= tolerance
    return middle
