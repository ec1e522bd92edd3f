"""Training by steps on mini-batches, one epoch after the other."""

from copy import copy, deepcopy
from dataclasses import dataclass, replace

import numpy as np

from skmoe._grams import row_slices
from skmoe._memory_maps import is_large_map, release
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import gate_penalty
from skmoe.training._begin import begun
from skmoe.training._em import Result
from skmoe.training._learner import Batch, Learner, Pace
from skmoe.training._parallel import run_all
from skmoe.training._revival import lost_experts
from skmoe.training._start import n_start_rows

# Rows of a block that is read, and shuffled, at a time where X is mapped from a file.
_BLOCK_CELLS = 8_000_000
# What steps are divided by after an epoch without a gain. With 2 they are soon too short
# to go on along a ridge, which noise had only hidden.
_COOLING = 1.4
# Responsibilities that a start is made of.
_START_CELLS = 4_000_000
# Numbers of all experts that are held at a time.
_CHUNK_CELLS = 500_000


@dataclass(frozen=True)
class Schedule:
    """How long training goes on, and in what steps.

    Parameters
    ----------
    learning_rate, forgetting_rate : float
        See ``step_rate``.
    batch_size : int
    n_iter_no_change : int
        Epochs without a gain of ``tol`` after which training ends.
    held_out : Batch or None
        Rows that tell the gain, instead of those of training.
    """

    learning_rate: float
    forgetting_rate: float
    batch_size: int
    n_iter_no_change: int
    held_out: Batch | None = None


def gradient_starts(
    parts, data, summary, *, schedule, init, n_init, max_iter, tol, n_jobs, random_state,
    watch,
):  # fmt: skip
    """Train from ``n_init`` starts.

    Parameters
    ----------
    parts : Parts
        To be fitted, with an incremental pool.
    data : TrainingData
    summary : RowSummary
    schedule : Schedule
    init, n_init, max_iter, tol, n_jobs, random_state, watch
        As in :func:`fit_starts`; ``max_iter`` is a number of epochs.

    Returns
    -------
    results : list of Result
        One for each start, in order.
    """
    rows = first_rows(data, summary, parts.pool.n_experts, random_state)
    sample = rows_of(data, rows)
    of_sample = summary.subset(rows)
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_init)
    given = init if isinstance(init, str) else init[rows]

    def run(number):
        own_state = np.random.RandomState(seeds[number])
        learner = _learner(parts, data, schedule, own_state)
        learner, _ = begun(learner, sample, of_sample, given, [number], own_state)
        with watch(number) as told:
            told.result = run_epochs(
                learner, data, summary, schedule=schedule, max_iter=max_iter, tol=tol,
                on_iteration=told.on_iteration,
            )  # fmt: skip
        return told.result

    return run_all(run, n_init, n_jobs)


def continue_by_gradient(
    earlier, parts, data, summary, *, schedule, max_iter, tol, random_state, watch
):
    """Train on from an earlier fit, whose objective is not undercut."""
    learner = _learner(parts, data, schedule, random_state)
    # As many rows are known as there are, so that steps are small from the beginning.
    learner = replace(learner, seen=data.total, load=earlier.load)
    score, load = judge(learner, data, schedule)
    earlier = replace(earlier, lower_bound=score, load=load)
    with watch(0) as told:
        told.result = run_epochs(
            learner, data, summary, schedule=schedule, max_iter=max_iter, tol=tol,
            on_iteration=told.on_iteration, earlier=earlier,
        )  # fmt: skip
    return told.result


def _learner(parts, data, schedule, random_state):
    own = replace(parts, gate=deepcopy(parts.gate), pool=copy(parts.pool))
    pace = Pace(schedule.learning_rate, schedule.forgetting_rate, data.total)
    return Learner(own, pace, random_state).forgotten


def first_rows(data, summary, n_experts, random_state):
    """Numbers of as many rows as a start needs; of a file, they are drawn by number."""
    n_rows = len(data.weights)
    wanted = min(n_start_rows(summary, n_experts), _START_CELLS // n_experts)
    if is_large_map(data.X):
        return np.sort(random_state.permutation(n_rows)[:wanted])
    samples = summary.samples(wanted, np.inf, random_state)
    rows = samples[0] if samples else np.arange(n_rows)
    # In an order of their own, as some experts go through them one by one.
    return rows[summary.subset(rows).order]


def run_epochs(
    learner, data, summary, *, schedule, max_iter, tol, on_iteration, earlier=None
):
    """Go through the rows again and again, and keep the best state.

    Parameters
    ----------
    learner : Learner
    data : TrainingData
    summary : RowSummary
    schedule, max_iter, tol
        As in :func:`gradient_starts`.
    on_iteration : callable
        Called with the epoch, the best objective, its gain, and a function that gives
        the best state; true ends training.
    earlier : Result, optional
        A fit whose objective must not be undercut.

    Returns
    -------
    best : Result
    """
    race, known = _Race(schedule, tol, earlier), data.total
    for epoch in range(1, max_iter + 1):
        for rows in _epoch(data, summary, schedule.batch_size, learner.random_state):
            learner, _ = learner.learn(rows_of(data, rows))
        gain = race.enter(learner, *judge(learner, data, schedule))
        stop = on_iteration(epoch, race.best.lower_bound, gain, race.result)
        if stop or race.is_over:
            break
        # No more is known from rows that come again, so steps stay as long as they are;
        # where an epoch gains nothing, what is left is noise, and they are shortened.
        known *= _COOLING if race.n_vain else 1.0
        learner = replace(learner, seen=known)
    return race.result()


class _Race:
    """The best state so far, and whether it is worth while to go on.

    Parameters
    ----------
    schedule : Schedule
    tol : float
    earlier : Result or None
        Not to be undercut.
    """

    def __init__(self, schedule, tol, earlier):
        self.patience = schedule.n_iter_no_change
        self.is_held_out = schedule.held_out is not None
        self.tol = tol
        self.best = earlier or Result(None)
        self.bounds, self.scores = [], []
        self.reference, self.n_vain = self.best.lower_bound, 0

    def enter(self, learner, score, load):
        """Take part with the state after an epoch; the gain over the best so far."""
        gain = score - self.best.lower_bound
        if gain > 0 or self.best.parts is None:
            self.best = Result(learner.parts, load=load, lower_bound=score)
        self.bounds.append(self.best.lower_bound)
        self.scores.append(score)
        self.n_vain += 1
        if score > self.reference + self.tol:
            self.reference, self.n_vain = score, 0
        return gain

    @property
    def is_over(self):
        """Whether nothing more is expected."""
        return self.n_vain >= self.patience

    def result(self):
        """The best state, and how it was found."""
        return replace(
            self.best,
            lower_bounds=tuple(self.bounds),
            validation_scores=np.array(self.scores) if self.is_held_out else None,
            converged=self.is_over,
            lost=tuple(sorted(lost_experts(self.best.load))),
        )


def judge(learner, data, schedule):
    """The objective, and each expert's share of the rows.

    Parameters
    ----------
    learner : Learner
    data : TrainingData
    schedule : Schedule

    Returns
    -------
    score : float
        Mean log-likelihood of the rows, less penalties per unit of weight; or that of
        the rows that are held out.
    load : ndarray of shape (n_experts,)
    """
    parts, batch, penalty = learner.parts, schedule.held_out, 0.0
    if batch is None:
        batch = Batch(data.X, data.target, data.weights)
        penalty = (gate_penalty(parts.gate) + parts.pool.penalty) / data.total
    value, load = 0.0, 0.0
    for rows in row_slices(len(batch), _CHUNK_CELLS // learner.n_experts + 1):
        part = rows_of(batch, rows)
        log_likelihood, share = learner.score(part)
        value += part.weights @ log_likelihood
        load += part.total * share
        release(part.X)
    return value / batch.total - penalty, load / batch.total


def rows_of(data, rows):
    """Some rows as a :class:`Batch`."""
    return Batch(safe_indexing(data.X, rows), data.target[rows], data.weights[rows])


def _epoch(data, summary, batch_size, random_state):
    """Numbers of the rows of each batch, in an order drawn by the rows' content."""
    n_rows = len(data.weights)
    if is_large_map(data.X):
        yield from _of_blocks(data.X, batch_size, random_state)
        return
    order = np.argsort(summary.places(random_state), kind="stable")
    for part in row_slices(n_rows, batch_size):
        yield order[part]


def _of_blocks(X, batch_size, random_state):
    """The same for a file, which is read block by block."""
    n_rows, n_columns = X.shape
    blocks = row_slices(n_rows, max(_BLOCK_CELLS // n_columns, batch_size))
    for number in random_state.permutation(len(blocks)):
        block = blocks[number]
        order = block.start + random_state.permutation(len(X[block]))
        for part in row_slices(len(order), batch_size):
            yield np.sort(order[part])
        release(X[block])
