"""Expectation-maximisation (Jordan & Jacobs 1994), soft and hard."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from skmoe.training._anderson import Anderson
from skmoe.training._parts import normalise

# A fall of the objective below this, relative, is rounding.
_ROUNDING = 1e-12
# An accelerated run may pause before it goes on; this many iterations tell a pause
# from the end.
_PATIENCE = 5


@dataclass
class Result:
    """What one start led to: the best parts, and how it went.

    ``lower_bound`` is the objective per unit of weight; ``lower_bounds`` its best value
    after each iteration. ``load`` is each expert's share of the weight, ``lost`` are the
    experts left with next to none. ``held_out`` is the log-likelihood of each row by fits
    to other rows, where training was so; ``gate_entropy`` is the mean entropy of the
    weights of the experts that rows are sent to, where they are.
    ``validation_scores`` are those of rows that training was stopped by.
    """

    parts: object
    responsibilities: np.ndarray | None = None
    load: np.ndarray | None = None
    lower_bound: float = -np.inf
    lower_bounds: tuple = ()
    converged: bool = False
    lost: tuple = ()
    held_out: np.ndarray | None = None
    gate_entropy: float | None = None
    validation_scores: np.ndarray | None = None


def soft_step(log_joint, weights):
    """E-step: log-likelihood and responsibilities."""
    log_likelihood, responsibilities = normalise(log_joint)
    return weights @ log_likelihood, responsibilities


def hard_step(log_joint, weights):
    """Classification E-step (Celeux & Govaert 1992): each row to its likeliest expert."""
    labels = log_joint.argmax(axis=1)
    return weights @ log_joint.max(axis=1), np.eye(log_joint.shape[1])[labels]


def evaluate(parts, log_joint, data, e_step):
    """The parts with their objective and the responsibilities that follow from them."""
    value, responsibilities = data.expect(log_joint, e_step)
    load = data.weights @ responsibilities / data.total
    value = (value - parts.penalty) / data.total
    return Result(parts, responsibilities, load, value)


def expectation_maximisation(
    start, data, *, e_step, accelerate, max_iter, tol, on_iteration, earlier=None
):
    """Alternate E- and M-steps until the objective no longer rises.

    Parameters
    ----------
    start : Result
        Parts to fit, and the responsibilities to fit them to first.
    data : TrainingData
    e_step : {soft_step, hard_step}
    accelerate : bool
        Whether to extrapolate the responsibilities. A step that lowers the objective is
        taken back and done without, so that the objective never falls.
    max_iter : int
    tol : float
        A gain below this over the last five iterations, per unit of weight, ends them.
    on_iteration : callable
        Called with the iteration, the objective, its gain and a function that gives the
        best result so far; true ends training.
    earlier : Result, optional
        A fit whose objective must not be undercut (warm start).

    Returns
    -------
    best : Result
    """
    point = start.responsibilities
    current = replace(start, load=data.weights @ point / data.total)
    best = current if earlier is None else earlier
    current = replace(current, lower_bound=best.lower_bound)
    accelerator = Anderson(data.weights)
    plain, converged = True, False
    revived, bounds = set(), []
    since = 0
    for iteration in range(1, max_iter + 1):
        parts, log_joint = current.parts.maximise(data, point, iteration)
        trial = evaluate(parts, log_joint, data, e_step)
        gain = trial.lower_bound - current.lower_bound
        rises = gain >= -_ROUNDING * abs(trial.lower_bound)
        fixed = not parts.has_memory and np.array_equal(trial.responsibilities, point)
        if rises:
            current = trial
            best = max(best, current, key=lambda result: result.lower_bound)
        bounds.append(best.lower_bound)
        so_far = partial(ended, best, bounds)
        stop = on_iteration(iteration, best.lower_bound, gain, so_far)
        settled = iteration - since >= _PATIENCE and (
            bounds[-1] - bounds[-_PATIENCE] < tol
        )
        # Experts that do not maximise the likelihood may lower it in a plain step; there
        # is nothing to gain from them then.
        converged = fixed or settled or (plain and not rises)
        lost = current.parts.lost(current.load) - revived
        if lost and rises and not stop:
            revived |= lost
            point = data.revived(current.responsibilities, log_joint, lost)
            current = replace(current, lower_bound=-np.inf)
            accelerator.forget()
            plain, converged, since = True, False, iteration
            continue
        if converged or stop:
            break
        if not rises:
            accelerator.forget()
            point, plain = current.responsibilities, True
        elif accelerate:
            point, plain = accelerator.propose(point, current.responsibilities)
        else:
            point = current.responsibilities
    return ended(best, bounds, bool(converged))


def ended(best, bounds, converged=False):
    """The best result, and how the iterations went."""
    lost = tuple(sorted(best.parts.lost(best.load)))
    return replace(best, lower_bounds=tuple(bounds), converged=converged, lost=lost)
