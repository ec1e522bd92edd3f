"""EM in which each row knows few of many experts.

An E-step asks only the experts that rows are sent to, an M-step fits each expert to its
own rows, and the gate learns where rows should be sent next. As the choice of experts is
no part of the maximisation, the objective may fall; the best parts are kept.

Were rows sent to their final number of experts from the start, they would never meet the
others. So they are sent to more at first, with a little noise, and then to fewer.
"""

from dataclasses import dataclass, replace

from skmoe.training._em import Result
from skmoe.training._revival import revived_pairs
from skmoe.training._routed import Given, RoutedTrainer, Step

# For each expert that a row will have, how many it has at first, and for how long.
_STAGES = ((4, 1), (3, 2), (2, 4))
_HELD_OUT_STAGES = ((4, 1), (2, 1))
# Of the scores, while there are more.
_JITTER = 0.5
# Iterations without a better objective after which the best is returned.
_PATIENCE, _HELD_OUT_PATIENCE = 10, 3
# Rounds on held-out rows with the final number of experts.
_MAX_ROUNDS = 8


def routed_em(start, trainer, *, redraw, max_iter, tol, on_iteration, earlier=None):
    """Alternate E- and M-steps; return the best iteration.

    Parameters
    ----------
    start : Given
        What to fit first.
    trainer : RoutedTrainer
    redraw : callable
        What is made of a :class:`Given` before it is fitted.
    max_iter : int
    tol : float
        A gain below this is none.
    on_iteration : callable
        As in ``expectation_maximisation``.
    earlier : Result, optional
        A fit whose objective must not be undercut.

    Returns
    -------
    best : Result
        ``lower_bounds`` has the objective of each iteration as it was, also of those in
        which rows were sent to more experts.
    """
    router, data = trainer.parts.router, trainer.data
    slots = _numbers_of_experts(trainer, earlier is not None)
    patience = _HELD_OUT_PATIENCE if trainer.is_held_out else _PATIENCE
    if trainer.is_held_out:
        max_iter = min(max_iter, len(slots) + _MAX_ROUNDS)
    given, step, best = trainer.first(start), None, None
    highest = float("-inf") if earlier is None else earlier.lower_bound
    bounds, revived, n_without, converged = [], set(), 0, False
    for iteration in range(1, max_iter + 1):
        is_early = iteration <= len(slots) and iteration < max_iter
        n_slots = slots[iteration - 1] if is_early else router.top_k
        step = trainer.step(
            step, redraw(given), iteration, n_slots, _JITTER if is_early else 0.0
        )
        gain = step.bound - (bounds[-1] if bounds else highest)
        bounds.append(step.bound)
        # A capacity, or a balanced load, leaves none without rows.
        starved = set() if router.is_even else step.starved
        # What is fitted to a handful of rows looks better than it is.
        if not (is_early or starved):
            n_without = 0 if step.bound > highest + tol else n_without + 1
            if best is None or step.bound > best.bound:
                best = step
            highest = max(highest, step.bound)
        reached = _Reached(trainer, step if best is None else best, earlier, bounds)
        stop = on_iteration(iteration, step.bound, gain, reached.result)
        converged = n_without >= patience
        if converged or stop:
            break
        # Whoever was revived, and has lost its rows again, gets none any more.
        step = step.without(starved & revived)
        given, new = step.next_given, starved - revived
        if new:
            revived |= new
            given = Given(*revived_pairs(given, step.log_joint, new, data))
            n_without = 0
    reached = _Reached(trainer, step if best is None else best, earlier, bounds)
    return reached.result(bool(converged))


@dataclass
class _Reached:
    """The best iteration; an earlier fit may be better."""

    trainer: RoutedTrainer
    step: Step
    earlier: Result | None
    bounds: list

    def result(self, converged=False):
        """Fitted parts, and how training went."""
        trainer, step, earlier = self.trainer, self.step, self.earlier
        bounds = tuple(self.bounds)
        if step.routing.routes.top_k > trainer.parts.router.top_k:
            # Stopped early on, its objective is that of more experts.
            step = trainer.settled(step)
        if earlier is not None and earlier.lower_bound >= step.bound:
            return replace(earlier, lower_bounds=bounds, converged=converged)
        return replace(
            trainer.finished(step, len(bounds)),
            lower_bounds=bounds,
            converged=converged or trainer.is_held_out,
        )


def _numbers_of_experts(trainer, is_continued):
    """How many experts a row has in each of the first iterations."""
    router = trainer.parts.router
    if is_continued or router.capacity_factor is not None:
        return []
    stages = _HELD_OUT_STAGES if trainer.is_held_out else _STAGES
    return [
        min(times * router.top_k, router.n_experts)
        for times, length in stages
        for _ in range(length)
    ]
