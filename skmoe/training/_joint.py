"""Gate and experts solved together, where both tell their derivatives.

What the textbook loop of E- and M-steps climbs slowly, the penalised log-likelihood

    sum_i w_i log sum_k exp(log g_k(x_i) + log f_k(y_i | x_i)) - penalties,

is climbed by L-BFGS whose preconditioner is the information of the complete data, that
is, by EM steps that learn from one another: first on a sample of the rows, where most of
the way is cheap, then on all. Rows are visited a few thousand at a time.
"""

from copy import copy
from dataclasses import replace
from itertools import pairwise

from skmoe._threads import limited_threads
from skmoe.training._em import Result
from skmoe.training._joint_problem import JointProblem
from skmoe.training._parts import normalise
from skmoe.training._quasi_newton import climb
from skmoe.training._revival import lost_experts, revive

# Of the tolerance, and steps, with which a fit to few rows ends.
_EXACT, _EXACT_STEPS = 1e-9, 8
# Of each of several starts.
_TRIAL_TOLERANCE, _TRIAL_STEPS = 1e-3, 30
# Of the objective, relative: what another order of the rows may change.
_ROUNDING = 1e-14
# Of a gate that is fitted to a start; it is climbed from at once.
_START_TOLERANCE = 1e-2
# Of what an optimum on a sample is worth: it is no use to come closer to it.
_ROUGH = 0.03


def joint_terms(parts, data):
    """The experts' part of the log-likelihood; None if it is not solved jointly.

    It binds the pool to the rows.
    """
    if not (hasattr(data.bound_gate, "terms") and hasattr(parts.pool, "terms")):
        return None
    if parts.pooling:
        return None
    if data.bound_gate.terms(parts.gate, parts.pool.n_experts) is None:
        return None
    design = getattr(data.bound_gate, "design", None)
    return data.expert_terms(parts.pool, parts.likelihood, design)


def joint_problem(parts, data):
    """The objective of all parameters together, where :func:`joint_terms` are some."""
    return JointProblem(parts, data, joint_terms(parts, data))


def joint_em(starts, data, terms, samples, *, max_iter, tol, on_iteration, earlier=None):
    """Maximise the likelihood of gate and experts together.

    Parameters
    ----------
    starts : list of Result
        Parts, the same in each, and responsibilities of the first sample's rows to fit
        them to; with ``earlier``, fitted parts. Of several, the best is gone on from.
    data : TrainingData
    terms : object
        What :func:`joint_terms` gives.
    samples : list of TrainingData
        Some of the rows, then more; may be empty.
    max_iter, tol, on_iteration
        As in ``expectation_maximisation``. Only iterations on all rows are told.
    earlier : Result, optional
        A fit to go on from.

    Returns
    -------
    best : Result
    """
    told = {"max_iter": max_iter, "tol": tol, "on_iteration": on_iteration}
    untold = {**told, "on_iteration": lambda *_: False}
    with limited_threads(0):
        problem = JointProblem(starts[0].parts, data, terms)
        levels = [*(problem.subset(sample) for sample in samples), problem]
        vector, above = _first_vector(levels, starts, earlier, untold)
        for below, level in pairwise(levels):
            level.take_information_from(below)
        for level in above[:-1]:
            rough = max(tol, _ROUGH * len(vector) / level.data.n_distinct)
            vector, _, _ = _settle(level, vector, {**untold, "tol": rough})
            above[-1].is_near = True
        told["on_iteration"] = _Told(problem, on_iteration, earlier)
        reached = _settle(problem, vector, told)
        if problem.is_cheap:
            problem.is_near = True
            reached = _to_the_top(problem, *reached, told)
        return _not_below(earlier, _finish(problem, *reached))


def _not_below(earlier, best):
    """The best result, or the earlier fit if that is better."""
    if earlier is None or best.lower_bound >= earlier.lower_bound:
        return best
    kept = (max(bound, earlier.lower_bound) for bound in best.lower_bounds)
    return replace(earlier, lower_bounds=tuple(kept), converged=best.converged)


class _Told:
    """Passes on the iterations on all rows, and keeps the highest vector so far.

    Parameters
    ----------
    problem : JointProblem
    on_iteration : callable
        As in :func:`joint_em`.
    earlier : Result or None
    """

    def __init__(self, problem, on_iteration, earlier):
        self.problem, self.on_iteration, self.earlier = problem, on_iteration, earlier
        self.vector, self.values = None, []

    def __call__(self, iteration, value, gain, vector):
        # One of several climbs may have begun below the top of the last.
        if not self.values or value >= self.values[-1]:
            self.vector = vector
        self.values.append(max([value, *self.values[-1:]]))
        return self.on_iteration(iteration, value, gain, self._so_far)

    def _so_far(self):
        best = _finish(self.problem, self.vector, self.values, False)
        return _not_below(self.earlier, best)


def joint_start(starts, data, terms, samples, *, max_iter, tol):
    """Gate and experts solved together on the first sample alone.

    Parameters
    ----------
    starts, data, terms, samples, max_iter, tol
        As in :func:`joint_em`.

    Returns
    -------
    parts : Parts
    """
    untold = {"max_iter": max_iter, "tol": tol, "on_iteration": lambda *_: False}
    with limited_threads(0):
        problem = JointProblem(starts[0].parts, data, terms)
        first = problem.subset(samples[0]) if samples else problem
        vector, _ = _first_vector([first], starts, None, untold)
        vector, values, _ = _settle(first, vector, untold)
        return first.parts_at(vector, len(values))


def _to_the_top(problem, vector, values, converged, options):
    """Where rows are few, the optimum itself costs no more than a few steps."""
    exact = {
        "tol": _EXACT * options["tol"],
        "max_iter": _EXACT_STEPS,
        "on_iteration": lambda *_: False,
    }
    while converged:
        vector, above, _ = climb(problem, vector, **exact)
        gain, n_left = above[-1] - values[-1], options["max_iter"] - len(values)
        if gain <= options["tol"] or n_left <= 0:
            return vector, [*values[:-1], max(above[-1], values[-1])], converged
        # It was a saddle. The way goes on behind it.
        vector, more, converged = climb(
            problem, vector, **{**options, "max_iter": n_left}
        )
        values = [*values, *more]
    return vector, values, converged


def _first_vector(levels, starts, earlier, options):
    """Where to climb from, and the levels to climb on."""
    if earlier is not None:
        levels[-1].is_near = True
        return levels[-1].vector_of(starts[0].parts), levels[-1:]
    first = levels[0]
    if len(starts) == 1:
        rough = replace(first.parts, gate=_loose(first.parts.gate))
        fitted, _ = rough.maximise(first.data, starts[0].responsibilities, 1)
        return first.vector_of(fitted), levels
    # Of several, what is highest after a few steps.
    options = {**options, "tol": _TRIAL_TOLERANCE, "max_iter": _TRIAL_STEPS}
    climbs = [
        climb(first, first.stepped(start.responsibilities), **options) for start in starts
    ]
    best = max(climbs, key=lambda climbed: climbed[1][-1])
    return best[0], levels[1:] or levels


def _loose(gate):
    """A copy of the gate that fits responsibilities no closer than a start needs."""
    gate = copy(gate)
    if hasattr(gate, "tol"):
        gate.tol = max(gate.tol, _START_TOLERANCE)
    return gate


def _settle(problem, vector, options):
    """Climb, and once more if an expert has lost its rows."""
    vector = problem.admissible(vector)
    vector, values, converged = climb(problem, vector, **options)
    lost = lost_experts(problem.load(vector))
    n_left = options["max_iter"] - len(values)
    if not lost or n_left <= 0 or not converged:
        return vector, values, converged
    at_hand = problem.at_hand
    fitted, data = at_hand.parts_at(vector, len(values)), at_hand.data
    log_joint = fitted.log_joint(data)
    revived = revive(normalise(log_joint)[1], log_joint, lost, data)
    fitted, _ = fitted.maximise(data, revived, len(values))
    again, more, converged = climb(
        problem, at_hand.vector_of(fitted), **{**options, "max_iter": n_left}
    )
    if more[-1] > values[-1]:
        vector = again
    values += [max(value, values[-1]) for value in more]
    return vector, values, converged


def _finish(problem, vector, values, converged):
    """End with the M-step of the experts, and tell what was reached."""
    value = values[-1]
    if problem.experts.has_m_step:
        last = problem.maximised(vector)
        # Of many rows, what it would still gain is less than it would cost to know.
        if problem.is_cheap or not converged:
            vector, value = _higher(problem, last, vector, value)
    load = problem.load(vector)
    return Result(
        problem.parts_at(vector, len(values)),
        lower_bound=value,
        lower_bounds=(*values[:-1], value),
        converged=converged,
        load=load,
        lost=tuple(sorted(lost_experts(load))),
    )


def _higher(problem, last, vector, value):
    """The last vector with its value, or the one before if that is higher."""
    last_value, _ = problem.evaluate(last)
    # At the top rounding is not to choose, as it depends on the order of the rows.
    if last_value >= value - _ROUNDING * abs(value):
        return last, max(last_value, value)
    return vector, value
