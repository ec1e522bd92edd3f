"""What an expert's rows are like: means and most frequent values of the main columns."""

import numpy as np
from scipy.sparse import issparse

from skmoe.inspection._columns import category_codes


def profiles(columns, shares, max_features):
    """Means, or most frequent values, in each expert's rows.

    Columns whose means differ most among the experts, in units of their standard
    deviation, come first. A category counts as a column of zeros and ones.

    Parameters
    ----------
    columns : Columns
    shares : ndarray of shape (n_samples, n_experts)
        Of each expert in the weight of each row.
    max_features : int or None
        How many columns are told; None for all.

    Returns
    -------
    told : list of (str, list of length n_experts)
    """
    if issparse(columns.X) and not np.isnan(columns.X.data).any():
        means, spreads = _sparse_means(columns.X, shares)
        order = np.argsort(-spreads, kind="stable")[:max_features]
        return [(f"mean {columns.names[j]}", means[j]) for j in order]
    found = []
    for j, name in enumerate(columns.names):
        values = columns.values(j)
        if values.dtype == object:
            told, spread = most_frequent(values, shares)
            found.append((f"most frequent {name}", told, spread))
        else:
            told, spread = _means(values, shares)
            found.append((f"mean {name}", told, spread))
    order = np.argsort([-spread for *_, spread in found], kind="stable")[:max_features]
    return [found[j][:2] for j in order]


def most_frequent(values, shares):
    """The most frequent category in each expert's rows, with its share of these.

    Parameters
    ----------
    values : ndarray of object of shape (n_samples,)
    shares : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    told : list of str
    spread : float
        Largest difference among the experts in the share of a category, in units of the
        standard deviation of its indicator.
    """
    categories, codes = category_codes(values)
    mass = np.array([np.bincount(codes, own, len(categories)) for own in shares.T])
    overall = mass.sum(axis=0) / mass.sum()
    within = _divided(mass, mass.sum(axis=1, keepdims=True))
    spreads = _range(within) / np.sqrt(np.maximum(overall * (1 - overall), 1e-300))
    told = ["" if np.isnan(own).any() else _with_share(categories, own) for own in within]
    return told, spreads[overall < 1].max(initial=0.0)


def _with_share(categories, own):
    best = int(np.argmax(own))
    name = "missing" if categories[best] is None else categories[best]
    return f"{name} ({100 * own[best]:.0f} %)"


def _means(values, shares):
    known = np.isfinite(values)
    shares, values = shares[known], values[known]
    means = _divided(values @ shares, shares.sum(axis=0))
    weights = shares.sum(axis=1)
    if weights.sum() == 0:
        return means, 0.0
    deviation = np.sqrt(np.cov(values, aweights=weights, ddof=0))
    return means, float(_divided(_range(means), deviation, 0.0))


def _sparse_means(X, shares):
    weights = shares.sum(axis=1)
    total = weights.sum()
    means = _divided(X.T @ shares, shares.sum(axis=0))
    mean = X.T @ weights / total
    variance = X.multiply(X).T @ weights / total - mean**2
    deviation = np.sqrt(np.maximum(variance, 0))
    return means, _divided(_range(means.T), deviation, 0.0)


def _divided(values, by, otherwise=np.nan):
    """A quotient that is ``otherwise`` where the divisor is zero."""
    values, by = np.broadcast_arrays(np.asarray(values, dtype=float), by)
    return np.divide(values, by, where=by > 0, out=np.full(values.shape, otherwise))


def _range(values):
    """Largest less smallest over experts, those without rows left out."""
    known = ~np.isnan(values).all(axis=tuple(range(1, values.ndim)))
    return np.ptp(values[known], axis=0) if known.any() else np.zeros(values.shape[1:])
