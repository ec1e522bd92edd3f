"""A block-diagonal symmetric matrix: the information of parts that are independent."""

import numpy as np
from scipy.linalg import LinAlgError, block_diag, cho_factor, cho_solve

# Of the largest curvature in a block: keeps the smallest from being rounding alone.
_ROUNDING = 1e-12


class Blocks:
    """Equal blocks along the diagonal, and then a diagonal.

    Parameters
    ----------
    blocks : ndarray of shape (n_blocks, size, size)
        Positive semi-definite.
    diagonal : ndarray of shape (n_single,)
    """

    def __init__(self, blocks, diagonal=()):
        self.blocks = blocks
        self.diagonal = np.asarray(diagonal, dtype=np.float64)
        self.n_blocked = blocks.shape[0] * blocks.shape[1]

    def dense(self):
        """The whole matrix."""
        return block_diag(*self.blocks, np.diag(self.diagonal))

    def solver(self, least):
        """A function that solves with the matrix, ``least`` added to its diagonal."""
        largest = np.einsum("bii->bi", self.blocks).max(axis=1, initial=0.0)
        ridge = least + _ROUNDING * largest[:, None, None]
        inverse = np.linalg.inv(self.blocks + ridge * np.eye(self.blocks.shape[1]))
        scale = 1.0 / (self.diagonal + least)

        def solve(right):
            columns = right[: self.n_blocked].reshape(*inverse.shape[:2], 1)
            solved = np.matmul(inverse, columns).ravel()
            return np.concatenate([solved, scale * right[self.n_blocked :]])

        return solve


def dense_solver(matrix, least):
    """The same of one matrix, or None if it is not positive definite."""
    matrix = matrix + least * np.eye(len(matrix))
    try:
        factor = cho_factor(matrix, lower=True, check_finite=False)
    except LinAlgError:
        return None
    return lambda right: cho_solve(factor, right, check_finite=False)
