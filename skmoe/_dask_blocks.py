"""Rows in the blocks of a Dask collection, which are looked at where they live.

Dask is not imported before a Dask collection has been passed. All goes through
``dask.compute``, so through whatever client or scheduler the user has chosen.
"""

from functools import reduce

import numpy as np

from skmoe._block_sources import RawBlock


def is_dask(table):
    """Whether a table is a Dask array or dataframe."""
    return hasattr(table, "__dask_graph__") and hasattr(table, "to_delayed")


class DaskBlocks:
    """The row blocks of a Dask array or dataframe.

    On a distributed cluster they are computed once and stay where they are. A worker is
    sent one task for all its blocks, so that there is nothing another could steal, and
    keep a copy of. With a scheduler on this machine, blocks are computed anew for each
    pass: they may be more than fit in memory.

    Parameters
    ----------
    X, y : Dask array or dataframe
        ``y`` may be an array in memory where the chunks of X are known.
    sample_weight : Dask array or series, array-like or None
    """

    in_memory = "pass X.compute() and y.compute()"

    def __init__(self, X, y, sample_weight):
        import dask

        self.name = f"X is a Dask {type(X).__name__}"
        if len(X.shape) != 2:
            raise ValueError(
                f"X: a Dask collection of {len(X.shape)} axes; pass a table."
            )
        self.meta, self.n_features = X._meta, X.shape[1]
        lengths = X.chunks[0] if hasattr(X, "chunks") else None
        X = _partitions(X)
        parts = [X, _split_as("y", y, X, lengths)]
        if sample_weight is not None:
            parts.append(_split_as("sample_weight", sample_weight, X, lengths))
        self.y_shape = _row_shape(y)
        raw = dask.delayed(RawBlock, pure=False)
        blocks = enumerate(zip(*parts, strict=True))
        self.blocks = [raw(k, f"partition {k}", *block) for k, block in blocks]
        self.client = _client()
        if self.client is not None:
            # X, y and weights of a block are one object, so they stay together.
            self.blocks = list(dask.persist(*self.blocks))

    def close(self):
        """Let workers forget the blocks, unless the user holds them."""
        self.blocks = []

    def reduce(self, function, merge):
        """Apply ``function`` to each block, and merge the results."""
        import dask

        ask = dask.delayed(_ask, pure=False)
        groups = [[block] for block in self.blocks]
        if self.client is not None:
            groups = self._by_owner()
        answers = dask.compute(*(ask(function, merge, group) for group in groups))
        return reduce(merge, answers)

    def _by_owner(self):
        """The blocks of each thread of each worker."""
        from distributed import futures_of, wait

        futures = futures_of(self.blocks)
        wait(futures)
        owners = self.client.who_has(futures)
        groups: dict = {}
        for block, future in zip(self.blocks, futures, strict=True):
            # One that has just been lost will be made again, wherever.
            groups.setdefault(next(iter(owners.get(future.key, ())), None), []).append(
                block
            )
        n_threads = self.client.nthreads()
        threads = [(blocks, n_threads.get(owner, 1)) for owner, blocks in groups.items()]
        return [
            blocks[first::n]
            for blocks, n in threads
            for first in range(min(n, len(blocks)))
        ]


def _ask(function, merge, blocks):
    return reduce(merge, map(function, blocks))


def _client():
    """The distributed client that ``dask.compute`` would use, or None."""
    from dask.base import get_scheduler

    owner = getattr(get_scheduler(), "__self__", None)
    return owner if hasattr(owner, "who_has") else None


def _partitions(table):
    """Blocks of whole rows, as a list of delayed objects."""
    if hasattr(table, "rechunk") and table.ndim == 2:
        table = table.rechunk({1: -1})
    return np.ravel(table.to_delayed()).tolist()


def _split_as(name, values, X, lengths):
    """Values of the rows of each block."""
    if values is None:
        raise ValueError(f"{name} is None.")
    if is_dask(values):
        if lengths is not None and hasattr(values, "rechunk"):
            known = np.isfinite([*lengths, *values.chunks[0]]).all()
            if known and sum(lengths) == sum(values.chunks[0]):
                values = values.rechunk({0: lengths})
        parts = _partitions(values)
        if len(parts) != len(X):
            raise ValueError(
                f"{name} has {len(parts)} partitions and X has {len(X)}; split both in "
                "the same way (rechunk, or repartition)."
            )
        return parts
    if lengths is None or not np.isfinite(lengths).all():
        raise ValueError(
            f"{name} is in memory, and the lengths of the partitions of X are not known; "
            "pass a Dask collection that is split as X is."
        )
    values = np.asarray(values)
    if values.ndim == 0:
        values = np.full(sum(lengths), values)
    if len(values) != sum(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {sum(lengths)}, {name} has {len(values)}."
        )
    return np.split(values, np.cumsum(lengths)[:-1])


def _row_shape(values):
    shape = values.shape if hasattr(values, "shape") else np.shape(values)
    return tuple(shape[1:])
