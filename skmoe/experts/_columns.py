"""Weights of rows and experts, dense or sparse, by expert."""

import numpy as np
from scipy.sparse import issparse

# A share of a row below this is cut: trees spend leaves on rows of no weight.
_SMALLEST_SHARE = 1e-3


class Columns:
    """For each expert, the rows that have weight and these weights.

    Parameters
    ----------
    weights : {ndarray, sparse array} of shape (n_samples, n_experts)
        Of a sparse one no more is looked at than what is stored.
    """

    def __init__(self, weights):
        # Within a column, the rows of the other format are in ascending order.
        self.weights = weights.tocsc() if issparse(weights) else weights

    def __getitem__(self, k):
        """Rows of expert k, ascending, and their weights; all are above zero."""
        if issparse(self.weights):
            own = slice(*self.weights.indptr[k : k + 2])
            rows, weights = self.weights.indices[own], self.weights.data[own]
            stored = weights > 0
            return rows[stored], weights[stored]
        rows = np.flatnonzero(self.weights[:, k] > 0)
        return rows, self.weights[rows, k]


def cut_small_shares(weights):
    """Set shares below a thousandth of a row to zero; rows keep their weight."""
    if issparse(weights):
        return _cut_stored(weights.tocsr())
    row_weights = weights.sum(axis=1, keepdims=True)
    kept = np.where(weights < _SMALLEST_SHARE * row_weights, 0.0, weights)
    kept_weights = kept.sum(axis=1, keepdims=True)
    return kept * (row_weights / np.where(kept_weights > 0, kept_weights, 1.0))


def _cut_stored(weights):
    """The same of a sparse array; what is cut stays stored, as a zero."""
    lengths, row_weights = np.diff(weights.indptr), weights.sum(axis=1)
    kept = weights.copy()
    small = weights.data < _SMALLEST_SHARE * np.repeat(row_weights, lengths)
    kept.data[small] = 0.0
    kept_weights = kept.sum(axis=1)
    factors = row_weights / np.where(kept_weights > 0, kept_weights, 1.0)
    kept.data *= np.repeat(factors, lengths)
    return kept
