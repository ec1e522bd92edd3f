"""A design matrix in standard units, and the way back to the user's units."""

from copy import copy
from functools import cached_property

import numpy as np
from scipy.sparse import diags, hstack, issparse

from skmoe._grams import (
    MAX_SHARED_COLUMNS,
    column_products,
    row_slices,
    unfolded,
    weighted_grams,
)

_EPS = np.finfo(np.float64).eps
_SPARSE_ARRAYS = ("indptr", "indices", "data")
# Of a sparse column's mean: its variance is a difference of squares.
_SPARSE_ROUNDING = 1e-7
# A design of fewer cells is made once and kept; a larger one a few rows at a time, again
# and again. Single precision is for those who are short of memory.
_KEPT_CELLS, _KEPT_SINGLE_CELLS = 25_000_000, 4_000_000
# Of so few cells, the products of columns are kept, too.
_KEPT_PRODUCTS = 2_500_000
# Cells of X that are worked on at a time.
_CHUNK_CELLS = 100_000


class Design:
    """Columns of X in standard units, after an intercept column.

    Numerical work happens in these units, so that a change of the user's units changes
    nothing but units. Sparse X is scaled but not centred; neither is X without an
    intercept, where centring would change the model.

    X itself is not copied: its rows are brought to standard units when they are asked
    for.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Finite numbers.
    weights : ndarray of shape (n_samples,)
        Weights of the mean and the standard deviation.
    fit_intercept : bool
        Whether there is an intercept column.

    Attributes
    ----------
    center, scale : ndarray of shape (n_features,)
    n_columns : int
        Features, and the intercept.
    """

    def __init__(self, X, weights, fit_intercept=True):
        self._hold(X, fit_intercept)
        probability = weights / weights.sum()
        moments = _sparse_moments if issparse(X) else column_moments
        self._set_units(*moments(X, probability))

    def _hold(self, X, fit_intercept):
        self.X = X
        self.fit_intercept = fit_intercept
        self.n_columns = X.shape[1] + fit_intercept
        #: Whether rows in standard units are kept where they are few. Those that are
        #: visited once for each step, a block after the other, are not.
        self.keeps = True
        self._last = self._last_products = (None, None)

    def _set_units(self, mean, scale):
        """From the mean and the standard deviation of each column of X."""
        rounding = _SPARSE_ROUNDING if issparse(self.X) else 10 * _EPS
        self.constant = scale <= rounding * np.abs(mean)
        if self.fit_intercept and not issparse(self.X):
            self.center = mean
            self.scale = np.where(self.constant, 1.0, scale)
        else:
            self._scale_only(mean, scale)

    def _scale_only(self, mean, scale):
        """Without centring, a constant column is as large as its value."""
        self.center = np.zeros(mean.size)
        size = np.where(mean == 0, 1.0, np.abs(mean))
        self.scale = np.where(self.constant, size, scale)

    @property
    def n_samples(self):
        """Number of rows."""
        return self.X.shape[0]

    @cached_property
    def matrix(self):
        """All rows in standard units, of shape (n_samples, n_columns)."""
        return self.transform(self.X)

    def rows(self, part):
        """The rows of the slice ``part`` in standard units."""
        single = self.X.dtype == np.float32
        limit = _KEPT_SINGLE_CELLS if single else _KEPT_CELLS
        is_small = self.keeps and self.n_samples * self.n_columns <= limit
        if "matrix" in vars(self) or is_small:
            return self.matrix[part]
        # Gate and experts that share a design ask for the same rows in turn.
        last, rows = self._last
        if last != part:
            rows = self.transform(self.X[part])
            self._last = (part, rows)
        return rows

    def grams(self, part, weights):
        """:func:`weighted_grams` of the rows of the slice ``part``.

        Gate, experts and what they share ask for those of the same rows in turn, and a
        small sample is asked again and again; so the products of columns are kept.
        """
        rows = self.rows(part)
        if issparse(rows) or self.n_columns > MAX_SHARED_COLUMNS:
            return weighted_grams(rows, weights)
        return unfolded(weights @ self._products(part, rows).T, self.n_columns)

    def _products(self, part, rows):
        n_products = self.n_columns * (self.n_columns + 1) // 2
        if self.keeps and self.n_samples * n_products <= _KEPT_PRODUCTS:
            return self._all_products[:, part]
        last, products = self._last_products
        if last != part:
            products = column_products(rows)
            self._last_products = (part, products)
        return products

    @cached_property
    def _all_products(self):
        return column_products(self.matrix)

    def holds(self, X):
        """Whether the rows are those of X, of which this may be another copy."""
        if self.X is X:
            return True
        if type(self.X) is not type(X) or self.X.shape != X.shape:
            return False
        if issparse(X):
            pairs = [(getattr(self.X, a), getattr(X, a)) for a in _SPARSE_ARRAYS]
            return all(np.array_equal(own, other) for own, other in pairs)
        parts = row_slices(len(X), _chunk_length(X))
        return all(np.array_equal(self.X[part], X[part]) for part in parts)

    def same_as(self, other):
        """Whether another design gives the same rows."""
        return (
            self.X is other.X
            and self.fit_intercept == other.fit_intercept
            and np.array_equal(self.center, other.center)
            and np.array_equal(self.scale, other.scale)
        )

    def subset(self, rows):
        """The design of some rows, in the same units."""
        return self.with_rows(self.X[rows])

    def with_rows(self, X):
        """The design of other rows, in the same units.

        A design without features looks at none of those of X.
        """
        part = copy(self)
        n_features = self.scale.size
        part.X = X if X.shape[1] == n_features else X[:, :n_features]
        return part

    @classmethod
    def of_units(cls, center, scale, fit_intercept):
        """A design without rows, to bring others to these units.

        Parameters
        ----------
        center, scale : ndarray of shape (n_features,)
        fit_intercept : bool

        Returns
        -------
        design : Design
        """
        design = cls.__new__(cls)  # there are no rows whose moments it would take
        design._hold(np.empty((0, len(scale))), fit_intercept)
        design.center, design.scale = center, scale
        return design.without_constants()

    def without_constants(self):
        """The same units for rows in which a column need not stay constant."""
        part = copy(self)
        part.constant = np.zeros(len(self.scale), dtype=bool)
        return part

    def in_units(self, mean, scale):
        """The same rows in the units that other moments of the columns give."""
        part = copy(self)
        if self.scale.size:
            part._set_units(mean, scale)
        return part

    def __getstate__(self):
        # A copy, here or in another process, makes what it keeps of its own rows.
        state = vars(self) | {"_last": (None, None), "_last_products": (None, None)}
        return {k: v for k, v in state.items() if k not in ("matrix", "_all_products")}

    def transform(self, X):
        """The design matrix of other rows, in the same units."""
        if issparse(X) and self.center.any():  # units are those of dense rows
            X = X.toarray()
        if issparse(X):
            matrix = (X @ diags(1.0 / self.scale)).tocsr()
            if not self.fit_intercept:
                return matrix
            return hstack([np.ones((X.shape[0], 1)), matrix], format="csr")
        # Column by column, as long loops are fast ones; and within reach of the cache.
        columns = np.empty((self.n_columns, X.shape[0]))
        slopes = columns[self.fit_intercept :]
        for part in row_slices(len(X), _chunk_length(X)):
            np.subtract(X[part].T, self.center[:, None], out=slopes[:, part])
            slopes[:, part] /= self.scale[:, None]
        if self.fit_intercept:
            columns[0] = 1.0
            # What is left of a constant column is rounding, not information.
            slopes[self.constant] = 0.0
        return columns.T

    @property
    def penalized(self):
        """One for each column but the intercept's, which is zero."""
        ones = np.ones(self.n_columns)
        if self.fit_intercept:
            ones[0] = 0.0
        return ones

    @property
    def column_scale(self):
        """The standard deviation of each column, the intercept's being one."""
        if self.fit_intercept:
            return np.concatenate([[1.0], self.scale])
        return self.scale

    def to_user(self, coef):
        """Split ``coef`` (..., n_columns) into slopes (..., d) and intercept (...)."""
        if not self.fit_intercept:
            return coef / self.scale, np.zeros(coef.shape[:-1])
        slopes = coef[..., 1:] / self.scale
        return slopes, coef[..., 0] - slopes @ self.center

    def from_user(self, slopes, intercept):
        """Inverse of :meth:`to_user`."""
        if not self.fit_intercept:
            return slopes * self.scale
        first = intercept + slopes @ self.center
        return np.concatenate([first[..., None], slopes * self.scale], axis=-1)


def _sparse_moments(X, probability):
    mean = probability @ X
    variance = probability @ X.multiply(X).tocsr() - mean**2
    return mean, np.sqrt(np.maximum(variance, 0.0))


def column_moments(X, probability):
    """Mean and standard deviation of the columns of a dense X, a few rows at a time."""
    parts = row_slices(len(X), _chunk_length(X))
    mean = sum(probability[part] @ X[part].astype(np.float64) for part in parts)
    variance = sum(
        probability[part] @ np.subtract(X[part], mean, dtype=np.float64) ** 2
        for part in parts
    )
    return mean, np.sqrt(variance)


def _chunk_length(X):
    return max(_CHUNK_CELLS // max(X.shape[1], 1), 1)
