"""Training data whose rows are in blocks: on disk, or on other machines.

Only the rows of the samples that a fit begins with come here, and sums over all rows.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils import check_array

from skmoe._sums import add_nested
from skmoe.training._block_rows import BlockRows
from skmoe.training._parts import TrainingData
from skmoe.training._rows import (
    MAX_COLUMNS,
    WORTH_A_SAMPLE,
    RowSummary,
    last_place,
    mixed_columns,
    places_of,
    rounded_keys,
    sample_sizes,
)

# Of the rows that a sample is expected to need, so many are asked for.
_MARGIN = 1.5


class FewDistinctRowsError(Exception):
    """Rows are many, but most are copies of others: nothing can be sampled."""


@dataclass
class Block:
    """Rows with weight, as they are looked at in their place."""

    number: int
    X: object
    target: np.ndarray
    weights: np.ndarray


@dataclass
class Blocks:
    """All blocks of a source, as a reader gives them.

    Parameters
    ----------
    source : object
        ``reduce(function, merge)`` applies the function to each raw block, in its
        place, and merges the results in pairs.
    reader : callable
        ``reader(function, raw)`` brings a raw block into the form of a :class:`Block`,
        and returns what the function says of it.
    """

    source: object
    reader: object

    def merge(self, function, merge):
        """Apply ``function`` to each block, and merge the results."""
        return self.source.reduce(partial(self.reader, function), merge)

    def add_up(self, function):
        """The sum of what ``function`` says of each block: numbers, arrays, tuples."""
        return self.merge(function, add_nested)


class BlockData(TrainingData):
    """Rows that stand in for those in blocks: of the same shape, in the same units.

    Parameters
    ----------
    blocks : Blocks
    census : Census
        Of all rows.
    X, target : array-like
        A few rows without content, which tell names and shapes.
    whole : TargetStatistics or None
        Of the target of all rows.
    """

    is_elsewhere = True

    def __init__(self, blocks, census, X, target, whole):
        super().__init__(X, target, np.ones(len(target)))
        self.blocks, self.census, self.whole = blocks, census, whole
        self.X_checked = check_array(X, accept_sparse="csr", dtype=np.float64)
        self.gathered = None

    @property
    def total(self):
        """Sum of the weights of all rows."""
        return self.census.columns.mass

    @property
    def n_samples(self):
        """Number of all rows."""
        return self.census.n_samples

    @property
    def units(self):
        """Mean and standard deviation of each column."""
        return self.census.columns.mean, self.census.columns.scale

    def bind(self, gate):
        """Prepare for being fitted by ``gate``, in the units of all rows."""
        super().bind(gate)
        if hasattr(self.bound_gate, "in_units"):
            self.bound_gate = self.bound_gate.in_units(*self.units)

    def expert_terms(self, pool, likelihood, design):
        """Bind the pool, in the units of all rows, and give its terms; or None."""
        if not hasattr(pool, "in_units"):
            return None
        pool.bind(self.X, self.weights, design)
        pool.in_units(*self.units)
        return pool.terms(self.target, self.weights, likelihood, self.whole)

    def joint_rows(self, gate, experts):
        """The rows as the terms of gate and experts see them."""
        return BlockRows(gate, experts, self)

    def pool_of(self, sample, pool):
        """The pool bound to rows that have been brought here, in the same units."""
        return pool.with_rows(sample.X, sample.weights)

    def floor(self, likelihood):
        """Of the dispersions, or None where the likelihood does not tell."""
        return None if self.whole is None else self.whole.floor

    def subset(self, rows, n_distinct):
        """Some of the rows that have been gathered."""
        block = self.gathered
        X, target, weights = block.X, block.target, block.weights
        if len(rows) < len(weights):  # the largest sample is all of them
            X, target, weights = X[rows], target[rows], weights[rows]
        gate = self.bound_gate.with_rows(X, weights)
        return TrainingData(X, target, weights, gate, rows, n_distinct)


class BlockSummary(RowSummary):
    """Draws samples of rows in blocks, the same as it would of rows in memory.

    Parameters
    ----------
    data : BlockData
    target : object
        The kind of target; ``columns(target)`` are the columns that describe it.
    is_table : bool
        Whether X is a dataframe, of which a summary knows the first columns.
    least_variance : float
        See ``RowSummary``.
    """

    def __init__(self, data, target, is_table, least_variance):
        super().__init__(
            data.X, target.columns(data.target), data.weights, least_variance
        )
        self.data, self.kind = data, target
        census = data.census
        if issparse(data.X):
            order = np.argsort(-census.populated, kind="stable")
            self.chosen = np.sort(order[:MAX_COLUMNS])
        else:
            n_columns = data.X.shape[1]
            self.chosen = slice(MAX_COLUMNS if is_table else n_columns)

    def samples(self, smallest, growth, random_state):
        """Numbers, among the gathered rows, of the rows of nested samples."""
        data, offset = self.data, random_state.uniform()
        sizes = partial(sample_sizes, smallest, growth, data.X.shape[1])
        most = sizes(data.n_samples)
        if not most:
            raise FewDistinctRowsError
        place = self.place(offset)
        distinct = self._smallest_places(place, int(most[-1] * WORTH_A_SAMPLE) + 1)
        kept = sizes(len(distinct))
        if not kept:
            raise FewDistinctRowsError
        lasts = [last_place(distinct, size) for size in kept]
        gather = partial(_gather, place, lasts[-1])
        found = data.blocks.merge(gather, _union)
        data.gathered, places = _joined([found[number] for number in sorted(found)])
        return [np.flatnonzero(places <= last) for last in lasts]

    def place(self, offset):
        """A function that gives the places of the rows of a block."""
        return _Places(offset, self.kind, self.data.census, self.chosen)

    def _smallest_places(self, place, limit):
        """At most ``limit`` of the smallest distinct places, in order."""
        data = self.data
        # Distinct rows are spread evenly, so this is nearly always enough.
        last = min(_MARGIN * limit / data.n_samples, 1.0)
        for highest in (last, 1.0):
            find = partial(_distinct, place, highest, limit)
            found = data.blocks.merge(find, partial(_merge_distinct, limit))
            if len(found) == limit or last == 1.0:
                break
        return found

    def subset(self, rows):
        """The summary of some of the gathered rows by themselves."""
        block = self.data.gathered
        columns = self.kind.columns(block.target[rows])
        return RowSummary(
            block.X[rows], columns, block.weights[rows], self.least_variance
        )


class _Places:
    """Places of the rows of a block: see ``RowSummary``, whose numbers they are."""

    def __init__(self, offset, target, census, chosen):
        self.offset, self.target, self.chosen = offset, target, chosen
        columns, outputs = census.columns, census.target.moments
        self.features = columns.mean[chosen], columns.scale[chosen]
        self.outputs = outputs.mean, outputs.scale

    def __call__(self, block):
        X = block.X[:, self.chosen]
        X = X.toarray() if issparse(X) else X
        keys = mixed_columns(X, *self.features)
        keys += mixed_columns(self.target.columns(block.target), *self.outputs)
        return places_of(rounded_keys(keys), self.offset)


def _distinct(place, highest, limit, block):
    places = place(block)
    return np.unique(places[places <= highest])[:limit]


def _merge_distinct(limit, first, second):
    return np.union1d(first, second)[:limit]


def _gather(place, last, block):
    """Rows up to a place, and their places, by the number of the block."""
    places = place(block)
    rows = np.flatnonzero(places <= last)
    part = Block(block.number, block.X[rows], block.target[rows], block.weights[rows])
    return {block.number: (part, places[rows])}


def _union(first, second):
    return first | second


def _joined(parts):
    blocks, places = zip(*parts, strict=True)
    return joined_blocks(blocks), np.concatenate(places)


def joined_blocks(blocks):
    """The rows of several blocks in one."""
    tables = [block.X for block in blocks]
    X = vstack(tables).tocsr() if issparse(tables[0]) else np.concatenate(tables)
    target = np.concatenate([block.target for block in blocks])
    return Block(0, X, target, np.concatenate([block.weights for block in blocks]))


def without_copies(place, block):
    """The distinct rows of a block, with the weight of all their copies."""
    _, first, codes = np.unique(place(block), return_index=True, return_inverse=True)
    weights = np.bincount(codes.ravel(), block.weights, minlength=len(first))
    part = Block(block.number, block.X[first], block.target[first], weights)
    return {block.number: part}
