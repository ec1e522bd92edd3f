"""Learning from a stream: the first rows, then one batch after the other."""

from dataclasses import dataclass, replace

import numpy as np

from skmoe._validation import stacked_rows
from skmoe.training._begin import begun
from skmoe.training._learner import Batch, Learner
from skmoe.training._rows import RowSummary
from skmoe.training._start import n_start_rows

# The first rows are kept until a start has as many as it needs, of so many numbers.
_MOST_CELLS = 4_000_000
# Growth of the rows from one start to the next.
_GROWTH = 10
# Starts that compete once they are all there: most of what a stream may come to is
# decided by the first rows.
_N_LAST_STARTS = 3


@dataclass(frozen=True)
class Stream:
    """A learner, and the first rows as long as they are too few for a good start.

    A start is made of the first batch, and again of all rows so far whenever they are
    ten times as many, and when they are enough; the better of it and of what was learnt
    by then is gone on with. Then the rows are let go.

    Parameters
    ----------
    fresh : Learner
        With unfitted parts.
    learner : Learner or None
    held : tuple of Batch, or None
        The first rows; None once they were enough.
    next_start : int
        Rows with which the next start is made.
    """

    fresh: Learner
    learner: Learner | None = None
    held: tuple | None = ()
    next_start: int = 0

    def followed_by(self, batch, first, random_state):
        """The stream after one batch more.

        Parameters
        ----------
        batch : Batch
        first : FirstRows
            How a start is made.
        random_state : RandomState

        Returns
        -------
        stream : Stream
        log_likelihood : ndarray of shape (n_samples,)
            Of the rows; before they were learnt from, but for the first batch.
        """
        stream = self
        if self.learner is None:
            log_likelihood = None
        else:
            learner = replace(self.learner, random_state=random_state)
            learner, log_likelihood = learner.learn(batch)
            stream = replace(self, learner=learner)
        if self.held is not None:
            stream = stream._restarted((*self.held, batch), first, random_state)
        if log_likelihood is None:
            log_likelihood, _ = stream.learner.score(batch)
        return stream, log_likelihood

    def _restarted(self, held, first, random_state):
        n_rows = sum(len(part) for part in held)
        if n_rows < self.next_start:
            return replace(self, held=held)
        rows = _joined(held)
        summary = first.summary(rows)
        enough = min(
            n_start_rows(summary, self.fresh.n_experts),
            _MOST_CELLS // max(rows.X.shape[1], self.fresh.n_experts),
        )
        is_enough = n_rows >= enough
        n_starts = max(first.n_init, _N_LAST_STARTS) if is_enough else first.n_init
        fresh = replace(self.fresh, random_state=random_state)
        candidates = [
            begun(fresh, rows, summary, first.init, range(n_starts), random_state)
        ]
        if self.learner is not None:
            log_likelihood, _ = self.learner.score(rows)
            score = rows.weights @ log_likelihood / rows.total
            candidates.append((self.learner, score))
        learner = max(candidates, key=lambda candidate: candidate[1])[0]
        if is_enough:
            return Stream(self.fresh, learner, None)
        return Stream(self.fresh, learner, (rows,), min(_GROWTH * n_rows, enough))


@dataclass(frozen=True)
class FirstRows:
    """How a start is made of the first rows.

    Parameters
    ----------
    init : {"auto", "k-plane", "k-means", "random"}
    n_init : int
    columns_of : callable
        From targets to columns that a start can be made of.
    least_variance : float
        See :class:`RowSummary`.
    """

    init: str
    n_init: int
    columns_of: object
    least_variance: float

    def summary(self, rows):
        """The summary of a batch."""
        columns = self.columns_of(rows.target, rows.weights)
        return RowSummary(rows.X, columns, rows.weights, self.least_variance)


def _joined(parts):
    """Batches as one."""
    if len(parts) == 1:
        return parts[0]
    target = np.concatenate([part.target for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    return Batch(stacked_rows([part.X for part in parts]), target, weights)
