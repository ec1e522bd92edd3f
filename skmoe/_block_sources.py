"""Rows in blocks: a list of them, or a memory-mapped file.

A source has ``name`` and ``in_memory`` (for errors: what X is, and how it would be
brought into memory), ``meta`` (a table of the kind of a block), ``n_features``,
``y_shape`` (of a row of y), and ``reduce(function, merge)``: apply a function to each
:class:`RawBlock`, where it is, and merge the results in pairs. At the end, ``close()``.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from skmoe._grams import row_slices
from skmoe._memory_maps import release
from skmoe._sklearn_compat import num_samples

# Of a memory-mapped table that are looked at before their pages are let go.
_BLOCK_BYTES = 32_000_000


@dataclass
class RawBlock:
    """Rows as the user gives them; ``weights`` is None where there are none."""

    number: int
    name: str
    X: object
    y: object
    weights: object = None


def is_list_of_blocks(X):
    """Whether X is a list of tables."""
    is_list = isinstance(X, (list, tuple)) and len(X) > 0
    return is_list and all(len(getattr(block, "shape", ())) == 2 for block in X)


class ListBlocks:
    """A list of tables, and lists of as many targets and weights."""

    name = "X is a list of row blocks"
    in_memory = "concatenate the blocks"

    def __init__(self, X, y, sample_weight):
        self.X, self.meta, self.n_features = list(X), X[0], X[0].shape[1]
        self.y = self._checked("y", y)
        self.weights = [None] * len(self.X)
        if sample_weight is not None:
            self.weights = self._checked("sample_weight", sample_weight)
        self.y_shape = np.shape(self.y[0])[1:]

    def _checked(self, name, blocks):
        is_list = isinstance(blocks, (list, tuple)) and all(map(np.ndim, blocks))
        if not is_list or len(blocks) != len(self.X):
            raise ValueError(
                f"{name}: X is a list of {len(self.X)} row blocks, so {name} has to be a "
                f"list of {len(self.X)}, one for each."
            )
        return list(blocks)

    def close(self):
        """Nothing is to be let go."""

    def reduce(self, function, merge):
        """Apply ``function`` to each block, and merge the results."""
        rows = enumerate(zip(self.X, self.y, self.weights, strict=True))
        blocks = (RawBlock(k, f"block {k}", *block) for k, block in rows)
        return reduce(merge, map(function, blocks))


class MappedBlocks:
    """A memory-mapped table, whose pages are let go when they have been looked at."""

    name = "X is a memory-mapped array"
    in_memory = None

    def __init__(self, X, y, sample_weight):
        self.table = (X, y, sample_weight)
        self.X, self.meta, self.n_features = X, X, X.shape[1]
        self.y = y if isinstance(y, np.ndarray) else np.asarray(y)
        self.weights = sample_weight
        if sample_weight is not None and np.ndim(sample_weight) == 0:
            self.weights = np.full(len(X), sample_weight)
        self.y_shape = self.y.shape[1:]
        for name, values in (("y", self.y), ("sample_weight", self.weights)):
            if values is not None and num_samples(values) != len(X):
                raise ValueError(
                    "Found input variables with inconsistent numbers of samples: "
                    f"X has {len(X)}, {name} has {num_samples(values)}."
                )
        row_bytes = max(X.shape[1] * X.itemsize, 1)
        self.parts = row_slices(len(X), max(_BLOCK_BYTES // row_bytes, 1))

    def close(self):
        """Nothing is to be let go."""

    def reduce(self, function, merge):
        """Apply ``function`` to each block, and merge the results."""
        results = (self._ask(number, function) for number in range(len(self.parts)))
        return reduce(merge, results)

    def _ask(self, number, function):
        part = self.parts[number]
        tables = [self.X[part], self.y[part]]
        if self.weights is not None:
            tables.append(self.weights[part])
        name = f"rows {part.start} to {min(part.stop, len(self.X)) - 1}"
        result = function(RawBlock(number, name, *map(np.asarray, tables)))
        for table in tables:
            release(table)
        return result
