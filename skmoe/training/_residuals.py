"""The last rows as they were predicted, from which dispersions follow."""

from dataclasses import dataclass, field, replace

import numpy as np

from skmoe._routes import Routes
from skmoe.likelihoods import fit_dispersion_of_pairs, smallest_floor

# Rows that are kept for each expert, of as many as it takes to know a variance to 5 %;
# at least, and at most, in all.
_ROWS_PER_EXPERT, _LEAST_ROWS, _MOST_CELLS = 1000, 8192, 2_000_000
# Dispersions are found anew when a part of what is kept is new.
_NEW_PART = 1 / 4


@dataclass(frozen=True)
class Residuals:
    """A window of the last rows: targets, predictions before learning, and shares.

    Parameters
    ----------
    n_experts : int
    most_rows : float
        No more rows are kept, however few that leaves an expert.
    batches : tuple of (y, prediction, weights, experts)
        ``experts`` are those that rows were sent to, or None where all were asked.
    n_new : int
        Rows since dispersions were found last.
    """

    n_experts: int
    most_rows: float = np.inf
    batches: tuple = field(default=())
    n_new: int = 0

    def followed_by(self, y, prediction, weights, routes):
        """The window after one batch more."""
        experts = None if routes is None else routes.experts
        kept = self.batches
        if kept and not _are_alike(kept[-1], weights, experts):
            kept = ()  # rows are sent to fewer experts now
        batches = (*kept, (y, prediction, weights, experts))
        n_rows = sum(len(batch[0]) for batch in batches)
        size = max(_ROWS_PER_EXPERT * self.n_experts, _LEAST_ROWS)
        size = min(size, _MOST_CELLS // prediction[0].size, self.most_rows)
        first = 0
        while n_rows - len(batches[first][0]) >= size:
            n_rows -= len(batches[first][0])
            first += 1
        return replace(self, batches=batches[first:], n_new=self.n_new + len(y))

    @property
    def is_due(self):
        """Whether dispersions are to be found anew."""
        return self.n_new >= _NEW_PART * sum(len(batch[0]) for batch in self.batches)

    def dispersion(self, likelihood, earlier):
        """Dispersions of all experts, and the window that knows they were found.

        Where rows are sent to some experts, one without weight keeps its ``earlier``
        dispersion; where all are asked, it is as uncertain as the target itself.
        """
        y, prediction, weights, experts = (
            None if part[0] is None else np.concatenate(part)
            for part in zip(*self.batches, strict=True)
        )
        window = replace(self, n_new=0)
        if experts is None:
            found = likelihood.fit_dispersion(y, prediction, weights)
            return found, window
        routes = Routes(experts, self.n_experts)
        floor = smallest_floor(likelihood, y, weights.sum(axis=1))
        found = fit_dispersion_of_pairs(
            likelihood, None, y, prediction, weights, routes, floor, earlier
        )
        return found, window


def _are_alike(batch, weights, experts):
    """Whether rows of a batch were sent to as many experts as others are."""
    same_number = batch[2].shape[1] == weights.shape[1]
    return same_number and (batch[3] is None) == (experts is None)
