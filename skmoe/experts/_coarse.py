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

    def of(self, X, estimator):
        """X as ``estimator`` is to be fitted to it."""
        if not isinstance(estimator, _BINNING) or issparse(X):
            return X
        if X is not self._source:
            self._source, self._made = X, {}
        n_bins = estimator.max_bins
        if n_bins not in self._made:
            self._made[n_bins] = coarse(X, n_bins)
        return self._made[n_bins]


def coarse(X, n_values):
    """X with numeric columns of at most ``n_values`` distinct values.

    Parameters
    ----------
    X : ndarray or dataframe of shape (n_samples, n_features)
        Columns that are not numeric, or have few values, stay as they are, and so do
        dataframes other than those of pandas.
    n_values : int

    Returns
    -------
    X : ndarray or dataframe
        X itself where there is nothing to round.
    """
    if hasattr(X, "iloc"):
        rounded = {
            name: _rounded(X[name].to_numpy(), n_values)
            for name in X.columns
            if getattr(X[name].dtype, "kind", "O") in "iuf"
        }
        rounded = {name: column for name, column in rounded.items() if column is not None}
        return X.assign(**rounded) if rounded else X
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "iuf":
        return X
    columns = [_rounded(column, n_values) for column in X.T]
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
