"""Draws of whole rows, and noise, that depend on the rows' content alone.

A draw takes quantiles of the cumulated weights in the canonical order of the rows, so a
row of weight two is treated as two rows.
"""

from itertools import pairwise

import numpy as np
from scipy.sparse import issparse

# Ticks closer than this are ties: rounding must not decide on a draw.
_DECIMALS = 9
# The fractional parts of a key's large multiples are noise.
_SCATTER = 1e3


def noise(keys, n_experts, scale):
    """Noise of rows and experts that depends on the rows' content alone.

    Parameters
    ----------
    keys : ndarray of shape (n_samples,)
        Numbers in [0, 1) that follow from the content.
    n_experts : int
    scale : float
        Standard deviation.

    Returns
    -------
    of_rows : callable
        From row numbers, or a slice, to noise of shape (n_rows, n_experts).
    """
    # The fractional parts of a number's large multiples are evenly spread.
    multiples = _SCATTER * np.sqrt(2.0 + np.arange(n_experts))
    width = np.sqrt(12.0) * scale

    def of_rows(rows):
        spread = keys[rows, None] * multiples
        spread -= np.floor(spread)
        spread -= 0.5
        spread *= width
        return spread

    return of_rows


def systematic_counts(mass, order, n_draws, offset):
    """How often each row is drawn, by systematic sampling proportional to ``mass``.

    Parameters
    ----------
    mass : ndarray of shape (n_samples,)
    order : ndarray of shape (n_samples,)
        The order in which mass is cumulated.
    n_draws : int
    offset : float in [0, 1)

    Returns
    -------
    counts : ndarray of int, of shape (n_samples,)
        Sums to ``n_draws`` up to one; each within one of its expectation.
    """
    cumulated = np.cumsum(mass[order])
    # Rounded, so that the rounding of a sum cannot move a draw to the next row.
    ticks = np.round(cumulated * (n_draws / cumulated[-1]), _DECIMALS)
    passed = np.floor(ticks + offset)
    counts = np.empty(len(mass), dtype=np.intp)
    counts[order] = np.diff(passed, prepend=np.floor(offset))
    return counts


class RowDraws:
    """Whole rows in place of shares of rows, for who takes no weights.

    Parameters
    ----------
    summary : RowSummary
    """

    def __init__(self, summary):
        self.summary = summary
        weights = summary.weights
        # As many draws as repeated rows would give, and weights of any scale allow.
        self.n_draws = max(round(weights.sum()), len(weights))
        self.draws_per_weight = self.n_draws / weights.sum()

    def steady(self, mass, rows=None):
        """Counts (n_samples, n_experts) that depend on ``mass`` alone.

        Parameters
        ----------
        mass : {ndarray, sparse array} of shape (n_samples, n_experts)
            The counts are of the same kind.
        rows : ndarray of int, optional
            Numbers of the rows of ``mass``, where these are not all.
        """
        n_experts = mass.shape[1]
        # Offsets of their own, so that equal shares are not the same rows.
        offsets = (np.arange(n_experts) + 0.5) / n_experts
        order = self.summary.order
        if rows is not None:
            order = np.argsort(_places_in(order)[rows], kind="stable")
        return self._counts(mass, order, offsets)

    def random(self, mass, random_state):
        """Weights of random rows, which sum to what ``mass`` sums to.

        The rows are cumulated along a random direction, so that a draw depends on
        nothing but their content and ``random_state``.
        """
        summary = self.summary
        columns = np.concatenate([summary.features, summary.target], axis=1)
        direction = random_state.standard_normal(columns.shape[1])
        keys = np.round((columns @ direction)[summary.order], _DECIMALS)
        order = summary.order[np.argsort(keys, kind="stable")]
        offsets = random_state.uniform(size=mass.shape[1])
        return self._counts(mass, order, offsets) / self.draws_per_weight

    def _counts(self, mass, order, offsets):
        if issparse(mass):
            return self._sparse_counts(mass, order, offsets)
        counts = np.zeros(mass.shape, dtype=np.intp)
        for k, total in enumerate(mass.sum(axis=0)):
            n_draws = round(total * self.draws_per_weight)
            if n_draws > 0:
                counts[:, k] = systematic_counts(mass[:, k], order, n_draws, offsets[k])
        return counts

    def _sparse_counts(self, mass, order, offsets):
        """The same, with no more work for an expert than it has rows."""
        mass, places = mass.tocsc(), _places_in(order)
        counts = np.zeros(mass.nnz, dtype=np.intp)
        for k, (start, end) in enumerate(pairwise(mass.indptr)):
            own = mass.data[start:end]
            # Row by row, as the sum of a dense table, so that halves are rounded alike.
            total = np.cumsum(own)[-1] if own.size else 0.0
            n_draws = round(total * self.draws_per_weight)
            if n_draws > 0:
                own_order = np.argsort(places[mass.indices[start:end]])
                counts[start:end] = systematic_counts(own, own_order, n_draws, offsets[k])
        return type(mass)((counts, mass.indices, mass.indptr), shape=mass.shape).tocsr()


def _places_in(order):
    """The place of each row in an order of all rows."""
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    return places


def draw_by_weight(mass, order, uniforms):
    """Rows at the quantiles ``uniforms`` of each row of ``mass`` (n_draws, n_samples)."""
    cumulated = np.cumsum(mass[:, order], axis=1)
    wanted = uniforms * cumulated[:, -1]
    return order[(cumulated <= wanted[:, None]).sum(axis=1).clip(max=len(order) - 1)]
