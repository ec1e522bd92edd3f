"""A design matrix in standard units, and the way back to the user's units."""

import numpy as np
from scipy.sparse import diags, hstack, issparse

_EPS = np.finfo(np.float64).eps


class Design:
    """Columns of X in standard units, after an intercept column.

    Numerical work happens in these units, so that a change of the user's units changes
    nothing but units. Sparse X is scaled but not centred; neither is X without an
    intercept, where centring would change the model.

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
    matrix : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    """

    def __init__(self, X, weights, fit_intercept=True):
        self.fit_intercept = fit_intercept
        probability = weights / weights.sum()
        if issparse(X):
            self._standardise_sparse(X, probability)
        else:
            self._standardise_dense(np.asarray(X, dtype=np.float64), probability)
        self.matrix = self.transform(X)

    def _standardise_dense(self, X, probability):
        mean = probability @ X
        scale = np.sqrt(probability @ (X - mean) ** 2)
        self.constant = scale <= 10 * _EPS * np.abs(mean)
        if self.fit_intercept:
            self.center = mean
            self.scale = np.where(self.constant, 1.0, scale)
        else:
            self._scale_only(mean, scale)

    def _standardise_sparse(self, X, probability):
        mean = probability @ X
        variance = probability @ X.multiply(X).tocsr() - mean**2
        scale = np.sqrt(np.maximum(variance, 0.0))
        self.constant = scale <= 1e-7 * np.abs(mean)
        self._scale_only(mean, scale)

    def _scale_only(self, mean, scale):
        """Without centring, a constant column is as large as its value."""
        self.center = np.zeros(mean.size)
        size = np.where(mean == 0, 1.0, np.abs(mean))
        self.scale = np.where(self.constant, size, scale)

    def transform(self, X):
        """The design matrix of other rows, in the same units."""
        if issparse(X):
            matrix = (X @ diags(1.0 / self.scale)).tocsr()
            if not self.fit_intercept:
                return matrix
            return hstack([np.ones((X.shape[0], 1)), matrix], format="csr")
        X = np.asarray(X, dtype=np.float64)
        if not self.fit_intercept:
            return X / self.scale
        matrix = np.empty((X.shape[0], X.shape[1] + 1))
        matrix[:, 0] = 1.0
        np.subtract(X, self.center, out=matrix[:, 1:])
        matrix[:, 1:] /= self.scale
        # What is left of a constant column is rounding, not information.
        matrix[:, 1:][:, self.constant] = 0.0
        return matrix

    @property
    def penalized(self):
        """One for each column but the intercept's, which is zero."""
        ones = np.ones(self.matrix.shape[1])
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
