"""Preconditioned L-BFGS that never goes down."""

from collections import deque

import numpy as np

_MEMORY = 12
_MAX_TRIALS = 12
# Of a step in any parameter: units are standard ones, or those of a logarithm.
_LONGEST = 30.0
# Armijo's share of the gain that the slope promises.
_SUFFICIENT = 1e-4
_BACKTRACK = 0.4
# A fall by so much, relative, is one of the sum's last digits.
_ROUNDING = 1e-15
# Iterations at which the preconditioner is made anew, far from the top and near it, and
# every so many of them.
_REFRESHES = {False: (3, 10), True: (10,)}
_REFRESH_PERIOD = 25
# A step that promises less than this share of ``tol`` is not worth taking; where steps
# promise more than they bring, less than it in so many of them tells the end.
_NEGLIGIBLE, _PATIENCE = 0.5, 5


def climb(problem, vector, *, max_iter, tol, on_iteration):
    """Maximise ``problem`` from ``vector`` (Nocedal & Wright 2006, algorithm 7.4).

    Where no steps are remembered, the direction is the preconditioned gradient: with the
    information of the complete data that is the step of EM.

    Parameters
    ----------
    problem : object
        ``evaluate(vector)`` -> value, gradient; ``preconditioner(vector)`` -> a function
        of a gradient; ``lower``, the bounds of a vector from below; ``is_near``, whether
        the start is known to be next to the top.
    vector : ndarray
    max_iter : int
    tol : float
        What a climb may stay below the top, roughly.
    on_iteration : callable
        Called with the iteration, the value, its gain and the vector; true ends the
        climb.

    Returns
    -------
    vector : ndarray
    values : list of float
        After each iteration; they never fall.
    converged : bool
    """
    vector = np.maximum(vector, problem.lower)
    value, gradient = problem.evaluate(vector)
    gradient = _free(problem, vector, gradient)
    precondition = problem.preconditioner(vector)
    steps, values = deque(maxlen=_MEMORY), []
    for iteration in range(1, max_iter + 1):
        refreshes = _REFRESHES[problem.is_near]
        if iteration in refreshes or iteration % _REFRESH_PERIOD == 0:
            precondition = problem.preconditioner(vector)
        direction = _direction(gradient, steps, precondition)
        if gradient @ direction <= 0:
            steps.clear()
            direction = precondition(gradient)
        direction *= min(1.0, _LONGEST / max(np.abs(direction).max(initial=0.0), 1.0))
        expected = 0.5 * gradient @ direction
        trial = None
        if expected > _NEGLIGIBLE * tol:
            trial = _search(problem, vector, value, gradient, direction)
        if trial is None:
            values.append(max([value, *values[-1:]]))
            converged = expected <= _NEGLIGIBLE * tol or not steps
            if on_iteration(iteration, value, 0.0, vector) or converged:
                return vector, values, True
            steps.clear()
            continue
        new, new_value, new_gradient = trial
        new_gradient = _free(problem, new, new_gradient)
        _remember(steps, new - vector, gradient - new_gradient)
        gain = new_value - value
        vector, value, gradient = new, new_value, new_gradient
        values.append(max([value, *values[-1:]]))
        stop = on_iteration(iteration, value, gain, vector)
        settled = len(values) >= _PATIENCE and (
            values[-1] - values[-_PATIENCE] < _NEGLIGIBLE * tol
        )
        if stop or settled:
            return vector, values, settled
    return vector, values, False


def _free(problem, vector, gradient):
    """The gradient without what leads out of the bounds."""
    return np.where((vector <= problem.lower) & (gradient < 0), 0.0, gradient)


def _direction(gradient, steps, precondition):
    """The two loops of L-BFGS around the preconditioner."""
    direction = gradient.copy()
    factors = []
    for step, change, curvature in reversed(steps):
        factor = step @ direction / curvature
        direction -= factor * change
        factors.append(factor)
    direction = precondition(direction)
    for (step, change, curvature), factor in zip(steps, reversed(factors), strict=True):
        direction += step * (factor - change @ direction / curvature)
    return direction


def _remember(steps, step, change):
    curvature = step @ change
    if curvature > 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
        steps.append((step, change, curvature))


def _search(problem, vector, value, gradient, direction):
    """Shorten the step until it gains enough; None if it never does."""
    size = 1.0
    for _ in range(_MAX_TRIALS):
        trial = np.maximum(vector + size * direction, problem.lower)
        trial_value, trial_gradient = problem.evaluate(trial)
        wanted = _SUFFICIENT * (gradient @ (trial - vector))
        if trial_value >= value + max(wanted, 0.0) - _ROUNDING * abs(value):
            return trial, trial_value, trial_gradient
        size *= _BACKTRACK
    return None
