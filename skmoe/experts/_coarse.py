"""Tables for boosting that bins: columns of no more distinct values than bins.

Given weights, scikit-learn's histogram boosting takes weighted percentiles of each
column, which costs several times what the trees do. A column of few distinct values needs
none. So columns are rounded to quantiles of their distinct values. The thresholds that
boosting chooses from lie in the middle between these, just where the rounding has its
steps: a tree that was fitted to rounded columns treats any number as what it is rounded
to, and can be asked about X as it is.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

_BINNING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


class CoarseTables:
    """Remembers what the last table was rounded to."""

    def __init__(self):
        self._source, self._made = None, {}

    def bound_to(self, X):
        """Tables of X: these, or new ones, as a copy of a pool may hold these still."""
        if X is self._source:
            return self
        tables = CoarseTables()
        tables._source = X
        return tables

    def of(self, X, estimator):
        """X as ``estimator`` is to be fitted to it."""
        if not isinstance(estimator, _BINNING) or issparse(X):
            return X
        if X is not self._source:
            self._source, self._made = X, {}
        n_bins, kept = estimator.max_bins, _categories(estimator)
        if (n_bins, kept) not in self._made:
            self._made[n_bins, kept] = coarse(X, n_bins, kept)
        return self._made[n_bins, kept]


def _categories(estimator):
    """Numbers or names of the columns that boosting is told to be categorical.

    A category rounded to another would be that one, and too many of them no error.
    """
    given = estimator.categorical_features
    if given is None or isinstance(given, str):  # by their dtype, so they are not numeric
        return ()
    given = np.asarray(given)
    given = np.flatnonzero(given) if given.dtype == bool else given
    return tuple(given.tolist())


def coarse(X, n_values, kept=()):
    """X with numeric columns of at most ``n_values`` distinct values.

    Parameters
    ----------
    X : ndarray or dataframe of shape (n_samples, n_features)
        Columns that are not numeric, or have few values, stay as they are, and so do
        dataframes other than those of pandas.
    n_values : int
    kept : sequence of int or str
        Numbers or names of columns that stay as they are, too.

    Returns
    -------
    X : ndarray or dataframe
        X itself where there is nothing to round.
    """
    if hasattr(X, "iloc"):
        rounded = {
            name: _rounded(X[name].to_numpy(), n_values)
            for place, name in enumerate(X.columns)
            if name not in kept
            and place not in kept
            and getattr(X[name].dtype, "kind", "O") in "iuf"
        }
        rounded = {name: column for name, column in rounded.items() if column is not None}
        # Not by ``assign``, which takes names that are strings only.
        X = X.copy(deep=False) if rounded else X
        for name, column in rounded.items():
            X[name] = column
        return X
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "iuf":
        return X
    columns = [
        None if place in kept else _rounded(column, n_values)
        for place, column in enumerate(X.T)
    ]
    if all(column is None for column in columns):
        return X
    pairs = zip(columns, X.T, strict=True)
    return np.stack([old if new is None else new for new, old in pairs], axis=1)


def _rounded(column, n_values):
    """The column rounded to ``n_values`` of its values; None if it has no more."""
    finite = np.isfinite(column)
    distinct = np.unique(column[finite]).astype(np.float64)
    if len(distinct) <= n_values:
        return None
    places = np.linspace(0, len(distinct) - 1, n_values).round().astype(np.intp)
    values = distinct[places]
    steps = 0.5 * (values[1:] + values[:-1])
    rounded = column.astype(np.float64)
    rounded[finite] = values[np.searchsorted(steps, column[finite])]
    return rounded
