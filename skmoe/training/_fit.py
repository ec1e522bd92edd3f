"""Training from several starts."""

from copy import deepcopy
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from skmoe.training._em import (
    Result,
    expectation_maximisation,
    hard_step,
    soft_step,
)
from skmoe.training._start import starting_responsibilities, strategy_of
from skmoe.training._stochastic import stochastic_em

# A shorter start is done before another thread has taken it up.
_PARALLEL_SECONDS = 0.02


def fit_starts(
    parts, data, summary, draws, *, solver, init, n_init, max_iter, tol, n_jobs,
    random_state, watch,
):  # fmt: skip
    """Train from ``n_init`` starts.

    Parameters
    ----------
    parts : Parts
        To be fitted.
    data : TrainingData
    summary : RowSummary
    draws : RowDraws
    solver : {"em", "hard-em", "stochastic-em"}
    init : str or ndarray of shape (n_samples, n_experts)
    n_init, max_iter : int
    tol : float
    n_jobs : int or None
    random_state : RandomState
    watch : callable
        ``watch(start)`` is a context manager that gives ``on_iteration``.

    Returns
    -------
    results : list of Result
        One for each start, in order.
    """
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_init)

    def run(number):
        start_state = np.random.RandomState(seeds[number])
        responsibilities = init
        if isinstance(init, str):
            responsibilities = starting_responsibilities(
                strategy_of(init, number), summary, parts.pool.n_experts, start_state
            )
        start = Result(deepcopy(parts), responsibilities)
        with watch(number) as on_iteration:
            return _SOLVERS[solver](
                start, data, draws, max_iter=max_iter, tol=tol,
                on_iteration=on_iteration, random_state=start_state,
            )  # fmt: skip

    began = perf_counter()
    first = run(0)
    if perf_counter() - began < _PARALLEL_SECONDS:
        n_jobs = 1
    rest = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(run)(number) for number in range(1, n_init)
    )
    return [first, *rest]


def continue_fit(
    earlier, parts, data, draws, *, solver, max_iter, tol, random_state, watch
):
    """Train on from an earlier fit, whose objective is not undercut."""
    start = Result(parts, earlier.responsibilities)
    with watch(0) as on_iteration:
        return _SOLVERS[solver](
            start, data, draws, max_iter=max_iter, tol=tol,
            on_iteration=on_iteration, random_state=random_state, earlier=earlier,
        )  # fmt: skip


def _em(start, data, draws, *, random_state, **options):
    return expectation_maximisation(
        start, data, e_step=soft_step, accelerate=True, **options
    )


def _hard_em(start, data, draws, *, random_state, **options):
    return expectation_maximisation(
        start, data, e_step=hard_step, accelerate=False, **options
    )


def _stochastic_em(start, data, draws, *, tol, **options):
    return stochastic_em(start, data, draws, **options)


_SOLVERS: dict = {"em": _em, "hard-em": _hard_em, "stochastic-em": _stochastic_em}

#: How each solver makes responsibilities and an objective of a fitted model.
E_STEPS = {"em": soft_step, "hard-em": hard_step, "stochastic-em": soft_step}
