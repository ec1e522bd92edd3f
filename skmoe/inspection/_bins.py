"""Rows in bins: of a feature, or in the order of their first expert."""

from dataclasses import dataclass

import numpy as np

from skmoe.inspection._columns import category_codes

# Columns of a picture that rows in their order are averaged in.
_MAX_COLUMNS = 300


@dataclass
class Bins:
    """The bin of each row, and where bins are drawn.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        The bin of each row.
    edges : ndarray of shape (n_bins + 1,)
        Where bins end, on the axis.
    ticks : dict of float to str
        Names of places on the axis: of all bins, or of that for what is missing.
    is_numeric : bool
        Whether the axis is one of numbers besides.
    """

    codes: np.ndarray
    edges: np.ndarray
    ticks: dict
    is_numeric: bool = False

    def averages(self, values):
        """Means of the rows of each bin, NaN of one without rows.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        means : ndarray of shape (n_columns, n_bins)
        """
        n_bins = len(self.edges) - 1
        counts = np.bincount(self.codes, minlength=n_bins)
        sums = np.array([np.bincount(self.codes, own, n_bins) for own in values.T])
        return np.divide(sums, counts, where=counts > 0, out=np.full(sums.shape, np.nan))


def bins_of_feature(values, n_bins):
    """Bins of even width, or one for each of a few values; what is missing has its own.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Numbers, or objects that are categories.
    n_bins : int

    Returns
    -------
    bins : Bins
    """
    if values.dtype == object:
        return _of_categories(values, n_bins)
    known = ~np.isnan(values)
    distinct = np.unique(values[known])
    if len(distinct) <= n_bins:
        codes = np.searchsorted(distinct, values)
        return _named(codes, [f"{value:g}" for value in distinct], known)
    finite = distinct[np.isfinite(distinct)]
    edges = np.linspace(finite[0], finite[-1], n_bins + 1)
    codes = np.searchsorted(edges[1:-1], values, side="right")
    if known.all():
        return Bins(codes, edges, {}, is_numeric=True)
    width = edges[1] - edges[0]
    edges = np.append(edges, edges[-1] + width)
    codes[~known] = n_bins
    return Bins(codes, edges, {edges[-1] - width / 2: "missing"}, is_numeric=True)


def _of_categories(values, n_bins):
    """The most frequent categories, and the others together."""
    categories, codes = category_codes(values)
    known = np.array([category is not None for category in categories])
    places = np.cumsum(known) - 1
    names = [str(category) for category in categories if category is not None]
    if len(names) > n_bins:
        names = [*names[: n_bins - 1], "others"]
    codes, known = np.minimum(places, len(names) - 1)[codes], known[codes]
    return _named(codes, names, known)


def _named(codes, names, known):
    """Bins that have names, and one of what is missing, if anything is."""
    if not known.all():
        codes, names = np.where(known, codes, len(names)), [*names, "missing"]
    edges = np.arange(len(names) + 1) - 0.5
    return Bins(codes, edges, dict(enumerate(names)))


def bins_of_rows(weights):
    """Rows in the order of their first two experts, and of their weight, in even parts.

    Parameters
    ----------
    weights : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    bins : Bins
    """
    n_samples = len(weights)
    second, first = np.argsort(weights, axis=1, kind="stable")[:, -2:].T[[0, -1]]
    order = np.lexsort((-weights.max(axis=1), second, first))
    n_bins = min(n_samples, _MAX_COLUMNS)
    codes = np.empty(n_samples, dtype=int)
    codes[order] = np.arange(n_samples) * n_bins // n_samples
    ends = np.append(0, np.cumsum(np.bincount(codes, minlength=n_bins)))
    return Bins(codes, ends.astype(float), {}, is_numeric=True)
