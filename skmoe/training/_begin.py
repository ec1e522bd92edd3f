"""From the first rows to a learner that goes on with the next ones."""

from dataclasses import replace

import numpy as np

from skmoe.training._arrangement import arranged
from skmoe.training._routed_fit import routed_start
from skmoe.training._start import starting_responsibilities, strategies_of

# Passes over the first rows, until one gains no more than this, in nats per row: of each
# of the starts that compete, and of the best.
_N_TRIAL, _N_PASSES, _GAIN = 6, 25, 1e-3


def begun(learner, batch, summary, init, numbers, random_state):
    """A learner that knows the first rows.

    Parameters
    ----------
    learner : Learner
        With unfitted parts.
    batch : Batch
    summary : RowSummary
        Of the same rows.
    init : {"auto", "k-plane", "k-means", "random"} or ndarray
        A strategy, or responsibilities (n_samples, n_experts).
    numbers : iterable of int
        Of the starts, which compete; they are not all of one kind.
    random_state : RandomState

    Returns
    -------
    learner : Learner
    score : float
        Mean log-likelihood of the rows.
    """
    if isinstance(init, str):
        rough = summary.holds_indicators
        kinds = [kind for n in numbers for kind in strategies_of(init, n, rough)]
        propose = starting_responsibilities
        if learner.parts.router is not None:
            propose = routed_start(learner.parts.router)
        starts = [
            propose(kind, summary, learner.n_experts, random_state) for kind in kinds
        ]
        gate = learner.parts.gate
        givens = [arranged(start, gate, batch.X, batch.weights) for start in starts]
    else:
        givens = [init]
    trials = [
        _settled(learner.begin(batch, given), batch, -np.inf, _N_TRIAL)
        for given in givens
    ]
    learner, score = max(trials, key=lambda trial: trial[1])
    return _settled(learner, batch, score, _N_PASSES)


def _settled(learner, batch, score, n_passes):
    """Passes over the same rows until they gain next to nothing."""
    router = learner.parts.router
    n_slots = None if router is None else router.n_slots
    for _ in range(n_passes):
        learner, log_likelihood = learner.learn(batch, rate=1.0, n_slots=n_slots)
        last, score = score, batch.weights @ log_likelihood / batch.total
        if router is not None:
            n_slots = max(n_slots - router.top_k, router.top_k)
        elif score - last < _GAIN:
            break
    return replace(learner, seen=batch.total), score
