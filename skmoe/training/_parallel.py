"""Several starts, side by side where one takes long enough."""

from time import perf_counter

from joblib import Parallel, delayed

# A shorter start is done before another thread has taken it up.
_PARALLEL_SECONDS = 0.02


def run_all(run, n_starts, n_jobs):
    """Results of ``run(number)`` for all numbers of starts, in order."""
    began = perf_counter()
    result = run(0)
    if perf_counter() - began < _PARALLEL_SECONDS:
        n_jobs = 1
    more = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(run)(number) for number in range(1, n_starts)
    )
    return [result, *more]
