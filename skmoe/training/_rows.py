"""Rows in an order, and drawn in a way, that depends on their content alone.

Starting points and draws must not depend on the order of the rows, and must treat a row
of weight two as two rows. So rows are put in a canonical order, duplicates become
neighbours, and draws take quantiles of the cumulated weights in that order.
"""

from functools import cached_property

import numpy as np
from scipy.sparse import issparse

from skmoe._design import column_moments
from skmoe._grams import row_slices
from skmoe._sklearn_compat import safe_indexing
from skmoe.training._draws import RowDraws
from skmoe.training._short_runs import ShortRuns

# More columns than this add cost to a start, not quality.
MAX_COLUMNS = 50
_MAX_CATEGORIES = 10
# Keys closer than this are ties: rounding must not decide an order.
_DECIMALS = 9
# Of what an expert alone leaves, in standard deviations: it may come from a Gram matrix.
_REST_DECIMALS = 6
# So many turns to a unit: rows next to each other land anywhere. Keys keep more decimals
# than an order needs, so that a million rows still differ.
_SCATTER, _KEY_DECIMALS = 1e3, 11
# Folds need keys that are not next to each other either: on a grid of x they would follow
# a pattern. Rows that differ by less than this are one row, for them.
_FOLD_DECIMALS = 7
# A sample is worth its cost where there are so many times more rows.
WORTH_A_SAMPLE = 2.8
# Nor is it to fill the memory, where rows are on disk: from here on, more rows would save
# one step or two over all of them.
_MAX_SAMPLE_CELLS = 25_000_000
_CHUNK_CELLS = 500_000
# Distinct rows from which on places are shared by chance; and where samples of them may
# end, within a factor of two.
_MANY, _ENDS = 1_100_000, 32


class RowSummary:
    """Numbers that describe each row, in standard units, when they are asked for.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Missing values stand at the mean; a category is described by indicators.
    target : ndarray of shape (n_samples, n_targets)
        The target, or indicators of the classes.
    weights : ndarray of shape (n_samples,)
    least_variance : float
        Of a target in standard units, below which a start does not trust a fit. A linear
        fit of a class's indicator is exact where there is one class only, which says
        nothing about regimes; so classes ask for more than 1.

    Attributes
    ----------
    features : ndarray of shape (n_samples, n_columns)
    target : ndarray of shape (n_samples, n_targets)
    weights : ndarray of shape (n_samples,)
    order : ndarray of shape (n_samples,)
    """

    #: What makes short runs on these rows.
    runs = ShortRuns

    def __init__(self, X, target, weights, least_variance=1e-3):
        self.X, self.raw_target = X, target
        self.weights = weights
        self.least_variance = least_variance

    @cached_property
    def features(self):
        """Columns of X in standard units."""
        return _standardise(_numeric_columns(self.X, self.weights), self.weights)

    @cached_property
    def target(self):
        """The target in standard units."""
        return _standardise(self.raw_target, self.weights)

    @property
    def holds_indicators(self):
        """Whether the target is indicators, of which linear fits are a rough picture."""
        return self.least_variance > 1

    @property
    def draws(self):
        """Draws of whole rows, by their content."""
        return RowDraws(self)

    @property
    def n_columns(self):
        """Columns of the features and the target, as far as they are used."""
        return min(self.X.shape[1], MAX_COLUMNS) + self.raw_target.shape[1]

    @cached_property
    def order(self):
        """The canonical order."""
        return self._canonical_order()

    def _canonical_order(self):
        """By distance from the centre: neither sign nor unit of a column matters."""
        columns = np.concatenate([self.target, self.features], axis=1)
        keys = np.concatenate(
            [np.einsum("ij,ij->i", columns, columns)[:, None], columns], axis=1
        )
        keys = np.round(keys, _DECIMALS)
        order = np.argsort(keys[:, 0], kind="stable")
        distances = keys[order, 0]
        # The columns only order what is equally far out, which is rare.
        tied = (distances[1:] == distances[:-1]).any()
        return np.lexsort(keys.T[::-1]) if tied else order

    def samples(self, smallest, growth, random_state):
        """Numbers of the rows of nested samples, each ``growth`` times the last.

        Of distinct rows, drawn by their content, all copies: so a row of weight two is
        two rows here, too. The largest sample is well below all rows.
        """
        offset = random_state.uniform()
        if len(self.weights) < smallest * WORTH_A_SAMPLE:
            return []
        places = self._places(offset)
        distinct = np.unique(places)
        sizes = sample_sizes(smallest, growth, self.X.shape[1], len(distinct))
        return [np.flatnonzero(places <= last_place(distinct, size)) for size in sizes]

    def thinned(self, n_rows, random_state):
        """At most ``n_rows`` distinct rows, drawn in the same way."""
        offset = random_state.uniform()
        if n_rows >= len(self.weights):
            return self
        places = self._places(offset)
        last = np.unique(places)[:n_rows][-1]
        rows = self.order[places[self.order] <= last]
        part = RowSummary(None, None, self.weights[rows], self.least_variance)
        part.features, part.target = self.features[rows], self.target[rows]
        part.order = np.arange(len(rows))
        return part

    def folds(self, n_folds, random_state, strata=None):
        """The fold of each row, drawn by its content; copies of a row are together.

        Parameters
        ----------
        n_folds : int
        random_state : RandomState
        strata : ndarray of shape (n_samples,), optional
            Labels, each of which is spread over all folds.

        Returns
        -------
        folds : ndarray of int, of shape (n_samples,)
        """
        keys = np.round(self._keys(), _FOLD_DECIMALS) * 10.0**_FOLD_DECIMALS
        seed = random_state.randint(np.iinfo(np.int32).max)
        places = hashed(keys.round().astype(np.int64), seed)
        strata = np.zeros(len(places), dtype=np.intp) if strata is None else strata
        folds, n_before = np.empty(len(places), dtype=np.intp), 0
        for label in np.unique(strata):
            rows = np.flatnonzero(strata == label)
            distinct, ranks = np.unique(places[rows], return_inverse=True)
            # Where the last label has ended, this one begins: folds are of one size.
            folds[rows] = (ranks.ravel() + n_before) % n_folds
            n_before += len(distinct)
        return folds

    def n_distinct(self):
        """Number of rows that are no copies of others."""
        return len(np.unique(self._keys()))

    def around(self, center):
        """The summary of what ``center`` (n_samples, n_targets) leaves of the target.

        Where nothing is left, of the target itself.
        """
        _, scale = column_moments(self.raw_target, self.weights / self.weights.sum())
        scale = np.where(scale > 0, scale, 1.0)
        # Where nothing is left, rounding is not to look like something.
        rest = np.round((self.raw_target - center) / scale, _REST_DECIMALS) * scale
        if not rest.any():
            return self
        return RowSummary(self.X, rest, self.weights, self.least_variance)

    def places(self, random_state):
        """Numbers in [0, 1) that follow from the rows' content, by chance."""
        return self._places(random_state.uniform())

    def _places(self, offset):
        """Numbers in [0, 1) that follow from the rows' content in no simple way."""
        return places_of(self._keys(), offset)

    def _keys(self):
        """One number for each row that only equal rows are likely to share."""
        if not issparse(self.X) and getattr(self.X, "dtype", np.dtype("O")).kind in "fiu":
            keys = _mixed(self.X, self.weights)
        else:
            keys = np.full(len(self.weights), np.nan)
        if not np.isfinite(keys).all():  # no plain table, or one with missing values
            keys = _mixed(self.features, self.weights)
        keys += _mixed(self.raw_target, self.weights)
        return rounded_keys(keys)

    def subset(self, rows):
        """The summary of some rows by themselves."""
        X = safe_indexing(self.X, rows)
        target, weights = self.raw_target[rows], self.weights[rows]
        return RowSummary(X, target, weights, self.least_variance)


def sample_sizes(smallest, growth, n_features, n_distinct):
    """Of the nested samples of so many distinct rows."""
    sizes, size = [], smallest
    while size * WORTH_A_SAMPLE <= n_distinct:
        if sizes and size * n_features > _MAX_SAMPLE_CELLS:
            break
        sizes.append(size)
        size *= growth
    return sizes


def last_place(distinct, size):
    """Where a sample of about ``size`` of the distinct places ends.

    Among millions of rows, some share a place by chance, and rounding errors of the keys
    decide which. So the sample of many ends at a round number, which they do not move.
    """
    last = distinct[size - 1]
    if size < _MANY * last:
        return last
    mantissa, exponent = np.frexp(last)
    return np.ldexp(np.ceil(_ENDS * mantissa) / _ENDS, exponent)


def places_of(keys, offset):
    """Numbers in [0, 1) that follow from the keys in no simple way."""
    return (_SCATTER * keys + offset) % 1.0


def rounded_keys(keys):
    """Keys without the digits that rounding errors have changed."""
    return np.round(keys, _KEY_DECIMALS)


def _mixed(columns, weights):
    return mixed_columns(columns, *column_moments(columns, weights / weights.sum()))


def mixed_columns(columns, mean, scale):
    """One combination of the columns in standard units, a few rows at a time."""
    # No two columns alike, so that an exchange of their values is another number.
    constant = _is_constant(mean, scale)
    mixture = np.sqrt(2.0 + np.arange(len(mean))) / np.where(constant, np.inf, scale)
    parts = row_slices(len(columns), max(_CHUNK_CELLS // max(len(mean), 1), 1))
    keys = [
        np.subtract(columns[part], mean, dtype=np.float64) @ mixture for part in parts
    ]
    return np.concatenate([np.empty(0), *keys])


def hashed(numbers, seed):
    """Numbers without any pattern that follow from integers and a seed.

    The mixing steps are those of SplitMix64 (Steele, Lea & Flood 2014).

    Parameters
    ----------
    numbers : ndarray of int64
    seed : int

    Returns
    -------
    hashed : ndarray of uint64
    """
    z = numbers.astype(np.uint64)
    for salt in (seed, 0):
        z = z + np.uint64(salt) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return z


def _is_constant(mean, scale):
    """Whether what a column varies by is rounding."""
    return scale <= 1e-12 * np.abs(mean)


def _standardise(columns, weights):
    probability = weights / weights.sum()
    mean = probability @ columns
    centered = columns - mean
    scale = np.sqrt(probability @ centered**2)
    constant = _is_constant(mean, scale)
    centered /= np.where(constant, 1.0, scale)
    centered[:, constant] = 0.0
    return centered


def _numeric_columns(X, weights):
    """X as finite float64, whatever its container and types."""
    if issparse(X):
        # The most populated columns: a choice that no unit changes.
        X = X.tocsc()
        populated = np.argsort(-np.diff(X.indptr), kind="stable")[:MAX_COLUMNS]
        return X[:, np.sort(populated)].toarray().astype(np.float64)
    if hasattr(X, "columns"):
        blocks = [_column_block(X[name], weights) for name in X.columns]
    else:
        array = np.asarray(X)
        plain = array.dtype.kind in "biuf"
        blocks = [array] if plain else [_column_block(c, weights) for c in array.T]
    blocks.append(np.empty((len(weights), 0)))  # X may have no column at all
    columns = np.concatenate(blocks, axis=1)[:, :MAX_COLUMNS].astype(np.float64)
    finite = np.isfinite(columns)
    if finite.all():
        return columns
    known = np.where(finite, columns, 0.0)
    mass = np.maximum(weights @ finite, np.finfo(np.float64).tiny)
    return np.where(finite, columns, weights @ known / mass)


def _column_block(column, weights):
    """One column as a float column, or as indicators of its commonest values."""
    values = np.asarray(column)
    try:
        return values.astype(np.float64)[:, None]
    except (TypeError, ValueError):
        _, codes = np.unique(values.astype(str), return_inverse=True)
        mass = np.bincount(codes.ravel(), weights=weights)
        common = np.sort(np.argsort(-mass, kind="stable")[:_MAX_CATEGORIES])
        return (codes.reshape(-1, 1) == common).astype(np.float64)
