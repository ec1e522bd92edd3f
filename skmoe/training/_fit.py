"""Training from several starts."""

from copy import copy, deepcopy
from dataclasses import replace
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from skmoe.training._em import (
    Result,
    expectation_maximisation,
    hard_step,
    soft_step,
)
from skmoe.training._joint import is_solvable, joint_em
from skmoe.training._start import starting_responsibilities, strategy_of
from skmoe.training._stochastic import stochastic_em

# Rows that a joint solution begins with, at least; and for each column of an expert,
# whose coefficients must not be fitted to noise.
_SAMPLE_ROWS = 20_000
_ROWS_PER_COLUMN = 80
# The sample is worth its cost where there are so many times more rows.
_WORTH_A_SAMPLE = 3
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
    sample, summary = _first_rows(parts, data, summary, solver, random_state)
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_init)

    def run(number):
        start_state = np.random.RandomState(seeds[number])
        if isinstance(init, str):
            responsibilities = starting_responsibilities(
                strategy_of(init, number), summary, parts.pool.n_experts, start_state
            )
        else:
            responsibilities = init if sample.rows is None else init[sample.rows]
        # A copy of a pool is a snapshot.
        own = replace(parts, gate=deepcopy(parts.gate), pool=copy(parts.pool))
        with watch(number) as on_iteration:
            return _SOLVERS[solver](
                Result(own, responsibilities), data, sample, draws,
                max_iter=max_iter, tol=tol, on_iteration=on_iteration,
                random_state=start_state,
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
    earlier, parts, data, summary, draws, *, solver, max_iter, tol, random_state, watch
):
    """Train on from an earlier fit, whose objective is not undercut."""
    start = Result(parts, earlier.responsibilities)
    sample, _ = _first_rows(parts, data, summary, solver, random_state)
    with watch(0) as on_iteration:
        return _SOLVERS[solver](
            start, data, sample, draws, max_iter=max_iter, tol=tol,
            on_iteration=on_iteration, random_state=random_state, earlier=earlier,
        )  # fmt: skip


def _first_rows(parts, data, summary, solver, random_state):
    """The rows that a joint solution begins with, and their summary; or all."""
    n_rows = max(_SAMPLE_ROWS, _ROWS_PER_COLUMN * parts.pool.n_experts * data.X.shape[1])
    if solver != "em" or len(data.weights) < _WORTH_A_SAMPLE * n_rows:
        return data, summary
    if not is_solvable(parts, data):
        return data, summary
    rows = summary.sample(n_rows, random_state)
    return data.subset(rows), summary.subset(rows)


def _em(start, data, sample, draws, *, random_state, **options):
    if is_solvable(start.parts, data):
        return joint_em(start, data, sample, **options)
    return expectation_maximisation(
        start, data, e_step=soft_step, accelerate=True, **options
    )


def _hard_em(start, data, sample, draws, *, random_state, **options):
    return expectation_maximisation(
        start, data, e_step=hard_step, accelerate=False, **options
    )


def _stochastic_em(start, data, sample, draws, *, tol, **options):
    return stochastic_em(start, data, draws, **options)


_SOLVERS: dict = {"em": _em, "hard-em": _hard_em, "stochastic-em": _stochastic_em}

#: How each solver makes responsibilities and an objective of a fitted model.
E_STEPS = {"em": soft_step, "hard-em": hard_step, "stochastic-em": soft_step}
