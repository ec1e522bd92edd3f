"""From a start to a model whose rows are sent to a few experts each."""

from dataclasses import replace

from skmoe._routes import Routes
from skmoe.training._joint import joint_start
from skmoe.training._routed import Given, RoutedTrainer
from skmoe.training._routed_em import routed_em
from skmoe.training._start import starting_pairs


def routed_start(router):
    """A function that proposes what to fit first; see ``starting_responsibilities``."""

    def propose(init, summary, n_experts, random_state):
        experts, shares = starting_pairs(
            init, summary, n_experts, router.n_slots, random_state
        )
        return Given(Routes(experts, n_experts), shares)

    return propose


def routed_solution(
    starts, data, draws, *, e_step, keys, terms, samples, folds, is_drawn, random_state,
    max_iter, tol, on_iteration, earlier=None,
):  # fmt: skip
    """Train from a start.

    Parameters
    ----------
    starts : list of Result
        Parts, and what is :class:`Given` first; with ``terms``, responsibilities of the
        rows of the first sample; with ``earlier``, fitted parts.
    data : TrainingData
    draws : RowDraws
    e_step : {soft_step, hard_step}
    keys : ndarray of shape (n_samples,)
        Numbers in [0, 1) that follow from the rows' content.
    terms : object or None
        As in ``joint_em``: then a mixture that asks all experts is solved first, on a
        sample.
    samples : list of TrainingData
    folds : list of (train, test) or None
    is_drawn : bool
        Whether rows are drawn by their shares before experts are fitted.
    random_state : RandomState
    max_iter, tol, on_iteration, earlier
        As in ``routed_em``.

    Returns
    -------
    best : Result
    """
    parts, given = starts[0].parts, starts[0].responsibilities
    if terms is not None:
        dense = [replace(start, parts=replace(parts, router=None)) for start in starts]
        solved = joint_start(dense, data, terms, samples, max_iter=max_iter, tol=tol)
        parts = replace(parts, gate=solved.gate, pool=solved.pool)
    trainer = RoutedTrainer(parts, data, keys, e_step, folds)
    if terms is not None:
        given = trainer.given_of(solved, parts.router.n_slots)
    elif earlier is not None:
        given = trainer.given_of(parts, parts.router.top_k)

    def redraw(given):
        if not is_drawn:
            return given
        return given.drawn(draws, data.weights, random_state)

    return routed_em(
        given, trainer, redraw=redraw, max_iter=max_iter, tol=tol,
        on_iteration=on_iteration, earlier=earlier,
    )  # fmt: skip


def evaluate_routed(parts, data, keys, e_step):
    """Fitted parts with their objective, as ``evaluate`` does where all are asked."""
    return RoutedTrainer(parts, data, keys, e_step).evaluated(parts)
