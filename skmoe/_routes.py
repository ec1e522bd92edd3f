"""Which experts each row is sent to."""

from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

# Up to so many experts of a row, passes that take the largest that is left are faster
# than a partition of all.
_MAX_PASSES = 8
# Of no more than this many, passes over the experts, for all rows at once, are faster
# than over the experts of each row.
_FEW = 16


class Routes:
    """The experts that each row is sent to, and the rows of each expert.

    What is known of a row and an expert it is sent to, a *pair*, is held in arrays of
    shape (n_samples, top_k, ...): in memory of the order of rows times ``top_k``.

    Parameters
    ----------
    experts : ndarray of int, of shape (n_samples, top_k)
        Their numbers, different ones in each row.
    n_experts : int
        How many experts there are.
    """

    def __init__(self, experts, n_experts):
        # Numbers of up to 16 bits are sorted by radix, in a tenth of the time.
        self.experts = experts.astype(np.min_scalar_type(n_experts - 1), copy=False)
        self.n_experts = n_experts

    def __len__(self):
        return len(self.experts)

    def __getitem__(self, rows):
        return Routes(self.experts[rows], self.n_experts)

    @property
    def top_k(self):
        """Experts of each row."""
        return self.experts.shape[1]

    @cached_property
    def pairs(self):
        """Numbers of the pairs, row by row, in the order of their experts."""
        return np.argsort(self.experts, axis=None, kind="stable")

    @cached_property
    def rows(self):
        """The row of each of these pairs; ascending for each expert."""
        return self.pairs if self.top_k == 1 else self.pairs // self.top_k

    @cached_property
    def counts(self):
        """Rows of each expert, of shape (n_experts,)."""
        return np.bincount(self.experts.ravel(), minlength=self.n_experts)

    def groups(self):
        """The experts that have rows: each with the slice of ``pairs`` that is its own.

        Yields
        ------
        expert : int
        part : slice
        """
        ends = np.cumsum(self.counts)
        for k in np.flatnonzero(self.counts):
            yield int(k), slice(int(ends[k] - self.counts[k]), int(ends[k]))

    def load(self, weights):
        """Share of the pairs' weight that goes to each expert.

        Parameters
        ----------
        weights : ndarray of shape (n_samples,)

        Returns
        -------
        load : ndarray of shape (n_experts,)
        """
        mass = np.bincount(
            self.experts.ravel(), np.repeat(weights, self.top_k), self.n_experts
        )
        return mass / mass.sum()

    def table(self, values):
        """Values of the pairs as a sparse table of all rows and experts.

        Parameters
        ----------
        values : ndarray of shape (n_samples, top_k)

        Returns
        -------
        table : csr_array of shape (n_samples, n_experts)
        """
        starts = np.arange(0, self.experts.size + 1, self.top_k)
        entries = values.ravel(), self.experts.ravel().astype(np.int32), starts
        return csr_array(entries, shape=(len(self), self.n_experts))

    def values_of(self, table):
        """The inverse of :meth:`table`, where zeros are stored as well.

        Parameters
        ----------
        table : csr_array of shape (n_samples, n_experts)
            With the experts of each row in ascending order.

        Returns
        -------
        values : ndarray of shape (n_samples, top_k)
        """
        ranks = np.argsort(np.argsort(self.experts, axis=1), axis=1)
        values = table.data.reshape(self.experts.shape)
        return np.take_along_axis(values, ranks, axis=1)

    def spread(self, values):
        """The same with all zeros: an ndarray of shape (n_samples, n_experts, ...)."""
        full = np.zeros((len(self), self.n_experts, *values.shape[2:]))
        full[np.arange(len(self))[:, None], self.experts] = values
        return full

    def of_pairs(self, values):
        """Of each row's values for all experts, those of the experts it is sent to.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_experts, ...)

        Returns
        -------
        values : ndarray of shape (n_samples, top_k, ...)
        """
        return values[np.arange(len(self))[:, None], self.experts]


def largest(scores, top_k):
    """The ``top_k`` largest scores of each row, the largest first.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_experts)
        Overwritten.
    top_k : int

    Returns
    -------
    experts : ndarray of int, of shape (n_samples, top_k)
    values : ndarray of shape (n_samples, top_k)
        Their scores.
    """
    if scores.shape[1] <= _FEW and top_k <= 2:
        found = _largest_of_few(np.ascontiguousarray(scores.T), top_k)
        if found is not None:
            return found
    if top_k > _MAX_PASSES:
        chosen = np.argpartition(scores, -top_k, axis=1)[:, -top_k:]
        order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1)
        experts = np.take_along_axis(chosen, order, axis=1)
        return experts, np.take_along_axis(scores, experts, axis=1)
    # A place after the other, as sums over the places are fast then.
    experts = np.empty((top_k, len(scores)), dtype=np.intp)
    values = np.empty((top_k, len(scores)))
    every = np.arange(len(scores))
    for place, best in enumerate(experts):
        scores.argmax(axis=1, out=best)
        values[place] = scores[every, best]
        if place < top_k - 1:
            scores[every, best] = -np.inf
    return experts.T, values.T


def _largest_of_few(scores, top_k):
    """The one or two largest of scores (n_experts, n_samples); None if some are equal.

    One pass over the experts for the values, and one for who has them: no branches.
    """
    values = np.full((2, scores.shape[1]), -np.inf)
    first, second = values
    for own in scores:
        np.maximum(second, np.minimum(first, own), out=second)
        np.maximum(first, own, out=first)
    values = values[:top_k]
    experts = np.zeros(values.shape, dtype=np.uint8)
    n_equal = np.zeros(values.shape, dtype=np.uint8)
    for k, own in enumerate(scores):
        is_own = (own == values).view(np.uint8)
        n_equal += is_own
        is_own *= np.uint8(k)
        experts += is_own
    return (experts.T, values.T) if (n_equal == 1).all() else None
