"""Memory-mapped tables, of which no more is held than what is looked at."""

import mmap

import numpy as np

# A memory-mapped table of fewer cells is kept in standard units anyway.
_STREAMED_CELLS = 25_000_000


def is_large_map(X):
    """Whether X is a memory-mapped table that is better not held in memory."""
    return isinstance(X, np.memmap) and X.ndim == 2 and X.size > _STREAMED_CELLS


def release(rows):
    """Let go of the pages of memory-mapped rows, which are read again when asked for.

    Not of a private mapping (mode "c"): what was written to it would be lost.
    """
    if not isinstance(rows, np.memmap) or rows.mode == "c" or not rows.size:
        return
    mapped = rows._mmap
    if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    first = np.frombuffer(mapped, np.uint8, 1).__array_interface__["data"][0]
    begin = rows.__array_interface__["data"][0] - first
    reach = [(n - 1) * stride for n, stride in zip(rows.shape, rows.strides, strict=True)]
    end = begin + sum(step for step in reach if step > 0) + rows.itemsize
    begin += sum(step for step in reach if step < 0)
    begin -= begin % mmap.PAGESIZE
    mapped.madvise(mmap.MADV_DONTNEED, begin, end - begin)
