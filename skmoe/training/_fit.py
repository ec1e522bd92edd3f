"""Training from several starts."""

from copy import copy, deepcopy
from dataclasses import replace
from functools import partial

import numpy as np

from skmoe.likelihoods import likelihood_of_experts
from skmoe.training._arrangement import arranged
from skmoe.training._cross_fit import cross_fitted_em
from skmoe.training._em import (
    Result,
    expectation_maximisation,
    hard_step,
    soft_step,
)
from skmoe.training._joint import joint_em, joint_terms
from skmoe.training._parallel import run_all
from skmoe.training._routed import Given
from skmoe.training._routed_fit import routed_solution, routed_start
from skmoe.training._start import (
    n_start_rows,
    starting_responsibilities,
    strategies_of,
)
from skmoe.training._start_rows import start_of_some
from skmoe.training._stochastic import stochastic_em

# A joint solution goes on with so many times the rows that it has come to the top of:
# each iteration there gains about one factor of four, so smaller steps do not pay.
_GROWTH = 12


def fit_starts(
    parts, data, summary, draws, *, solver, init, n_init, max_iter, tol, n_jobs,
    random_state, watch, cross=None,
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
        ``watch(start)`` is a context manager that gives what to tell of the start:
        ``on_iteration`` is called, and ``result`` is set.
    cross : CrossFitting, optional
        How rows are held out, if they are.

    Returns
    -------
    results : list of Result
        One for each start, in order.
    """
    terms = _terms(parts, data, solver, cross)
    rough = terms is not None and not terms.has_m_step
    rough = rough or (cross is not None and summary.holds_indicators)
    samples = [] if terms is None else _samples(parts, data, summary, rough, random_state)
    solve = _solution(solver, terms, samples, cross, parts, summary, random_state)
    first = samples[0] if samples else data
    summary = summary.subset(first.rows) if samples else summary
    rest = summary if cross is None else _what_is_left(summary, parts, cross)
    n_experts = parts.n_own
    is_routed = parts.router is not None and terms is None
    propose = routed_start(parts.router) if is_routed else starting_responsibilities
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_init)

    def proposed(kind, start_state):
        seen = rest if kind == "auto" else summary

        def of_rows(some):
            return propose(kind, some, n_experts, start_state)

        if is_routed:
            given = of_rows(seen)
        else:
            given = start_of_some(
                parts.likelihood, of_rows, seen, first.target, n_experts
            )
        if n_experts < parts.pool.n_experts:  # the component is to stay the last
            return given
        return arranged(given, parts.gate, first.X, first.weights)

    def run(number):
        start_state = np.random.RandomState(seeds[number])
        if isinstance(init, str):
            kinds = strategies_of(init, number, rough)
            # Rounds on held-out rows are too dear for several starts to compete.
            kinds = kinds if cross is None else kinds[:1]
            proposals = [proposed(kind, start_state) for kind in kinds]
            if not data.is_plain:
                proposals = [data.started(given, n_experts) for given in proposals]
        else:
            proposals = [init[first.rows] if samples else data.allowed(init)]
            if is_routed:
                proposals = [Given.of_table(init, parts.router.n_slots)]
        # A copy of a pool is a snapshot.
        own = replace(parts, gate=deepcopy(parts.gate), pool=copy(parts.pool))
        with watch(number) as told:
            told.result = solve(
                [Result(own, responsibilities) for responsibilities in proposals],
                data, draws, max_iter=max_iter, tol=tol, on_iteration=told.on_iteration,
                random_state=start_state,
            )  # fmt: skip
        return told.result

    if data.is_elsewhere:  # blocks are looked at side by side, not starts
        return [run(number) for number in range(n_init)]
    return run_all(run, n_init, n_jobs)


def continue_fit(
    earlier, parts, data, summary, draws, *, solver, max_iter, tol, random_state, watch,
    cross=None,
):  # fmt: skip
    """Train on from an earlier fit, whose objective is not undercut."""
    start = Result(parts, earlier.responsibilities)
    terms = None if parts.router is not None else _terms(parts, data, solver, cross)
    samples = [] if terms is None else _samples(parts, data, summary, False, random_state)
    solve = _solution(solver, terms, samples, cross, parts, summary, random_state)
    with watch(0) as told:
        told.result = solve(
            [start], data, draws, max_iter=max_iter, tol=tol,
            on_iteration=told.on_iteration, random_state=random_state, earlier=earlier,
        )  # fmt: skip
    return told.result


def _terms(parts, data, solver, cross):
    """The experts' part of the log-likelihood where it is solved jointly."""
    if solver != "em" or cross is not None or not data.is_plain:
        return None
    if parts.router is not None and not parts.router.allows_dense(data.X.shape[1]):
        return None
    return joint_terms(parts, data)


def _solution(solver, terms, samples, cross, parts, summary, random_state):
    """The loop of ``solver``, or the joint solution where there is one."""
    if parts.router is not None:
        keys = summary.places(random_state)
        return partial(
            routed_solution, e_step=E_STEPS[solver], keys=keys, terms=terms,
            samples=samples, folds=None if cross is None else cross.folds,
            is_drawn=solver == "stochastic-em",
        )  # fmt: skip
    if cross is not None:
        return partial(_cross_fitted, cross=cross, solver=solver)
    if terms is None:
        return _SOLVERS[solver]
    return partial(_joint_em, terms=terms, samples=samples)


def _what_is_left(summary, parts, cross):
    """The rows with what experts alone leave of their target."""
    likelihood = likelihood_of_experts(parts.likelihood)
    mean = likelihood.mean(cross.alone, None).mean(axis=1)
    return summary.around(mean.reshape(summary.raw_target.shape))


def _samples(parts, data, summary, rough, random_state):
    """The rows that a joint solution begins with, and goes on with; or none."""
    smallest = n_start_rows(summary, parts.pool.n_experts)
    smallest = smallest // 2 if rough else smallest
    samples = summary.samples(smallest, _GROWTH, random_state)
    return [
        data.subset(rows, smallest * _GROWTH**level) for level, rows in enumerate(samples)
    ]


def _cross_fitted(starts, data, draws, *, solver, random_state, **options):
    def redraw(responsibilities):
        if solver != "stochastic-em":
            return responsibilities
        mass = data.weights[:, None] * responsibilities
        return draws.random(mass, random_state) / data.weights[:, None]

    return cross_fitted_em(
        starts[0], data, e_step=E_STEPS[solver], redraw=redraw, **options
    )


def _joint_em(starts, data, draws, *, random_state, **options):
    return joint_em(starts, data, **options)


def _em(starts, data, draws, *, random_state, **options):
    return expectation_maximisation(
        starts[0], data, e_step=soft_step, accelerate=True, **options
    )


def _hard_em(starts, data, draws, *, random_state, **options):
    return expectation_maximisation(
        starts[0], data, e_step=hard_step, accelerate=False, **options
    )


def _stochastic_em(starts, data, draws, *, tol, **options):
    return stochastic_em(starts[0], data, draws, **options)


_SOLVERS: dict = {"em": _em, "hard-em": _hard_em, "stochastic-em": _stochastic_em}

#: How each solver makes responsibilities and an objective of a fitted model.
E_STEPS = {
    "em": soft_step,
    "hard-em": hard_step,
    "stochastic-em": soft_step,
    "gradient": soft_step,
}
