"""One BLAS thread where work is small."""

from contextlib import nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

# Cells of X times experts below which BLAS threads cost more than they bring.
_SMALL = 5_000_000


@cache
def _controller():
    # Looking for the loaded libraries takes milliseconds, so it is done once.
    return ThreadpoolController()


def limited_threads(n_cells):
    """A context with one BLAS thread if ``n_cells`` is small."""
    if n_cells > _SMALL:
        return nullcontext()
    return _controller().limit(limits=1, user_api="blas")
