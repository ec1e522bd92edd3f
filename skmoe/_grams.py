"""Weighted sums of products of columns: what every Newton step here is made of."""

from functools import lru_cache

import numpy as np
from scipy.sparse import issparse

# Below this many cells all row-weighted copies of the rows are made in one batch.
_BATCH_CELLS = 200_000
# Up to this many columns, their products are formed once for all sets of weights.
MAX_SHARED_COLUMNS = 64
_CHUNK_CELLS = 500_000


def row_slices(n_rows, length):
    """Slices of at most ``length`` rows that cover all of them."""
    return [slice(start, start + length) for start in range(0, n_rows, length)]


def weighted_grams(rows, weights):
    r"""Sums :math:`\sum_i c_{ji} x_i x_i^T`, one for each set j of weights.

    Parameters
    ----------
    rows : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    weights : ndarray of shape (n_sets, n_samples)
        Of either sign.

    Returns
    -------
    grams : ndarray of shape (n_sets, n_columns, n_columns)
    """
    if len(weights) == 0:
        return np.zeros((0, rows.shape[1], rows.shape[1]))
    if issparse(rows):
        grams = (rows.T @ rows.multiply(c[:, None]).tocsr() for c in weights)
        return np.stack([gram.toarray() for gram in grams])
    n_rows, n_columns = rows.shape
    if weights.size * n_columns <= _BATCH_CELLS:
        return np.matmul(rows.T * weights[:, None, :], rows)
    if n_columns > MAX_SHARED_COLUMNS:
        return np.stack([_one_gram(rows, c) for c in weights])
    n_products = n_columns * (n_columns + 1) // 2
    flat = np.zeros((len(weights), n_products))
    for part in row_slices(n_rows, max(_CHUNK_CELLS // n_products, 256)):
        flat += weights[:, part] @ column_products(rows[part]).T
    return unfolded(flat, n_columns)


def _one_gram(rows, weights):
    parts = row_slices(len(rows), max(_CHUNK_CELLS // rows.shape[1], 256))
    return sum((rows[part].T * weights[part]) @ rows[part] for part in parts)


def column_products(rows):
    """Products of all pairs of columns, (n_products, n_samples)."""
    columns = np.ascontiguousarray(rows.T)
    n_columns, n_rows = columns.shape
    products = np.empty((n_columns * (n_columns + 1) // 2, n_rows))
    first = 0
    for j in range(n_columns):
        last = first + n_columns - j
        np.multiply(columns[j:], columns[j], out=products[first:last])
        first = last
    return products


def unfolded(flat, n_columns):
    """Symmetric matrices from their upper triangles."""
    first, second = triangle(n_columns)
    full = np.empty((len(flat), n_columns, n_columns))
    full[:, first, second] = flat
    full[:, second, first] = flat
    return full


@lru_cache(maxsize=64)
def triangle(size):
    """Row and column numbers of an upper triangle, which small problems ask for often."""
    return np.triu_indices(size)
