"""What is left of y, and the rows that tell of each expert."""

import numpy as np

from skmoe.likelihoods._floors import moments

# Tukey's outer fences, in interquartile ranges from the quartiles.
_FENCE = 3.0


def own_residuals(y, prediction, weights):
    """Residuals of each expert, and each row's share in it.

    An expert without rows is as uncertain as the target itself: its residuals are those
    of y from its mean.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    prediction : ndarray of shape (n_samples, n_experts)
    weights : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    residuals : ndarray of shape (n_samples, n_experts)
    shares : ndarray of shape (n_samples, n_experts)
        Weights that sum to one for each expert.
    """
    residuals = y[:, None] - prediction
    mass = weights.sum(axis=0)
    empty = mass <= np.finfo(np.float64).tiny
    shares = weights / np.where(empty, 1.0, mass)
    if empty.any():
        row_weights = weights.sum(axis=1)
        residuals[:, empty] = (y - moments(y, row_weights)[0])[:, None]
        shares[:, empty] = (row_weights / row_weights.sum())[:, None]
    return residuals, shares


def within_fences(y, weights):
    """y with outliers pulled in to Tukey's outer fences.

    For what knows squares only: a start, and the floor of dispersions. Fences of a target
    on a grid lie on the grid.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    y : ndarray of shape (n_samples,)
    """
    low, high = _fences(y, weights)
    return np.clip(y, low, high) if low < high else y


def is_within_fences(y, weights):
    """Which rows are no outliers; those at a fence, to which they were pulled in, are.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    is_within : ndarray of bool, of shape (n_samples,)
    """
    low, high = _fences(y, weights)
    return (low < y) & (y < high) if low < high else np.ones(len(y), dtype=bool)


def _fences(y, weights):
    first, third = weighted_quantiles(y, weights, [0.25, 0.75])
    reach = _FENCE * (third - first)
    return first - reach, third + reach


def weighted_quantiles(values, weights, levels):
    """Quantiles of rows of which one of weight two is two rows; each is a value.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)
    levels : list of float
        Between zero and one.

    Returns
    -------
    quantiles : ndarray of shape (n_levels,)
    """
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order]) / weights.sum()
    # Shares are sums; one that is a rounding short of a quarter is a quarter.
    places = np.searchsorted(cumulated, np.asarray(levels) - 1e-9)
    return values[order[places]]
