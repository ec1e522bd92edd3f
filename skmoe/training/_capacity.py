"""Experts that take no more than a capacity each: the overflow goes to the next choice.

Deferred acceptance (Gale & Shapley 1962): rows propose to experts in the order of their
scores, and experts keep the rows that score highest. What comes of it depends on the
rows' content alone, not on their order.
"""

import numpy as np

from skmoe._grams import row_slices

# Choices of a row that are known at a time.
_N_CHOICES = 8
# Scores closer than this are ties: rounding must not decide who is kept.
_DECIMALS = 9
# Of a capacity, relative: the rounding of sums of weights.
_ROUNDING = 1e-9
_CHUNK_CELLS = 500_000


def capacity_of(weights, top_k, n_experts, factor):
    """The weight that an expert takes at most.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
    top_k : int
    n_experts : int
    factor : float
        How many times an even share it is.

    Returns
    -------
    capacity : float
        Where all weights but zeros are equal, a whole number of rows: rounded down, if
        all rows find a seat then. Never more than all weight there is.
    """
    total = weights.sum()
    capacity = factor * total * top_k / n_experts
    weights = weights[weights > 0]
    unit = weights.max()
    if weights.min() == unit:
        n_rows = np.floor(capacity / unit * (1 + _ROUNDING))
        if n_rows * n_experts < len(weights) * top_k:
            n_rows = np.ceil(capacity / unit)
        capacity = n_rows * unit
    return float(min(capacity, total))


def within_capacity(scores_of, weights, ties, n_experts, top_k, capacity):
    """Different experts for each row, none of which takes more than ``capacity``.

    Rows that find all room with experts that they have already take the place of others
    that have not. A row that is too heavy for what room is left goes where most is: that
    alone can exceed the capacity.

    Parameters
    ----------
    scores_of : callable
        From numbers of rows to their scores (n_rows, n_experts), finite, which may be
        overwritten. It is asked for some rows at a time.
    weights : ndarray of shape (n_samples,)
    ties : ndarray of shape (n_samples,)
        Numbers that follow from the rows' content: of rows with the same score, an expert
        keeps those where they are smaller.
    n_experts : int
    top_k : int
        Experts of each row.
    capacity : float
        The weight that an expert takes at most.

    Returns
    -------
    experts : ndarray of int, of shape (n_samples, top_k)
        In the order of their scores, the largest first.
    """
    seats = _Seats(scores_of, weights, ties, n_experts, top_k, capacity)
    seats.squeeze_in(np.flatnonzero(weights > seats.room[0] + seats.slack))
    _Proposals(seats).run()
    seats.exchange()
    seats.squeeze_in(np.flatnonzero(seats.n_free))
    return seats.in_order()


def _fitting(weights, room):
    """Which of some rows are kept: each in turn, if there is room left for it."""
    kept = np.zeros(len(weights), dtype=bool)
    left = np.arange(len(weights))
    while len(left):
        sums = np.cumsum(weights[left])
        n_kept = np.searchsorted(sums, room, side="right")
        kept[left[:n_kept]] = True
        room -= sums[n_kept - 1] if n_kept else 0.0
        left = left[n_kept + 1 :]
        left = left[weights[left] <= room]
    return kept


def _ascending(keys, ranks):
    """The order of keys; ranks decide where they are equal, which is rare."""
    order = np.argsort(keys)
    ordered = keys[order]
    tied = (ordered[1:] == ordered[:-1]).any()
    return np.lexsort((ranks, keys)) if tied else order


class _Seats:
    """The experts of each row, as far as they are known, and the room of each expert.

    Attributes
    ----------
    experts : ndarray of int, of shape (n_samples, top_k)
        In any order; -1 where there is none yet.
    scores : ndarray of shape (n_samples, top_k)
    n_free : ndarray of int, of shape (n_samples,)
        How many a row lacks.
    room : ndarray of shape (n_experts,)
        The weight that each expert can still take.
    slack : float
        A weight that is rounding.
    ranks : ndarray of int, of shape (n_samples,)
        Places of the rows in the order that decides ties.
    """

    def __init__(self, scores_of, weights, ties, n_experts, top_k, capacity):
        n_samples = len(weights)
        self.scores_of, self.weights = scores_of, weights
        self.ranks = np.empty(n_samples, dtype=np.intp)
        self.ranks[np.argsort(ties, kind="stable")] = np.arange(n_samples)
        self.experts = np.full((n_samples, top_k), -1)
        self.scores = np.full((n_samples, top_k), -np.inf)
        self.n_free = np.full(n_samples, top_k)
        self.room = np.full(n_experts, float(capacity))
        self.slack = _ROUNDING * capacity
        self.lightest = weights[weights > 0].min() - self.slack

    def scored(self, rows):
        """The rows a few at a time, with their scores, rounded.

        Yields
        ------
        rows : ndarray of int
        scores : ndarray of shape (n_rows, n_experts)
        """
        for part in row_slices(len(rows), max(_CHUNK_CELLS // len(self.room), 1)):
            scores = self.scores_of(rows[part])
            yield rows[part], np.round(scores, _DECIMALS, out=scores)

    def take(self, rows, expert, scores):
        """Seat rows with an expert that they do not have yet."""
        places = (self.experts[rows] < 0).argmax(axis=1)
        self.experts[rows, places] = expert
        self.scores[rows, places] = scores
        self.n_free[rows] -= 1
        self.room[expert] -= self.weights[rows].sum()

    def leave(self, rows, expert):
        """Free the seats that rows have with an expert."""
        places = (self.experts[rows] == expert).argmax(axis=1)
        self.experts[rows, places] = -1
        self.n_free[rows] += 1
        self.room[expert] += self.weights[rows].sum()

    def mask_own(self, rows, scores):
        """Put the scores of the experts that rows have already to -inf, in place."""
        own = self.experts[rows]
        places = np.nonzero(own >= 0)
        scores[places[0], own[places]] = -np.inf

    def squeeze_in(self, rows):
        """Seat rows where they fit, or else where most room is, the heaviest first."""
        order = _ascending(-self.weights[rows], self.ranks[rows])
        for part, scores in self.scored(rows[order]):
            self.mask_own(part, scores)
            for row, own in zip(part, scores, strict=True):
                for _ in range(self.n_free[row]):
                    room = np.where(own > -np.inf, self.room, -np.inf)
                    enough = min(self.weights[row], room.max()) - self.slack
                    best = np.where(room >= enough, own, -np.inf).argmax()
                    self.take(np.array([row]), best, own[best])
                    own[best] = -np.inf

    def exchange(self):
        """Seat rows in the place of others, which go to an expert with room.

        So are rows seated that would fit there, but are there already. Where all weights
        are equal, that seats all: an expert that a row has not has more rows than one
        with room, so it has some that can go there.
        """
        for target in np.argsort(-self.room, kind="stable"):
            closed = np.zeros(len(self.room), dtype=bool)
            while True:
                rows = self._kept_out(target)
                wishes, scores = self._wishes(rows, closed)
                if not (scores > -np.inf).any():
                    break
                for expert in np.unique(wishes[scores > -np.inf]):
                    part = (wishes == expert) & (scores > -np.inf)
                    n_seated = self._replace(expert, target, rows[part], scores[part])
                    closed[expert] = n_seated < part.sum()

    def _kept_out(self, target):
        """Rows that lack an expert and would fit with the target, but have it already."""
        rows = np.flatnonzero(self.n_free)
        rows = rows[self.weights[rows] <= self.room[target] + self.slack]
        return rows[(self.experts[rows] == target).any(axis=1)]

    def _wishes(self, rows, closed):
        """The best expert of each row, of those it does not have and that are not closed.

        Returns
        -------
        experts : ndarray of int, of shape (n_rows,)
        scores : ndarray of shape (n_rows,)
            -inf where there is none.
        """
        wishes, best = np.zeros(len(rows), dtype=np.intp), np.zeros(len(rows))
        n_before = 0
        for part, scores in self.scored(rows):
            self.mask_own(part, scores)
            scores[:, closed] = -np.inf
            places = slice(n_before, n_before + len(part))
            wishes[places], best[places] = scores.argmax(axis=1), scores.max(axis=1)
            n_before += len(part)
        return wishes, best

    def _replace(self, expert, target, rows, scores):
        """Seat rows with an expert, some of whose rows move on to the target.

        Those move that lose least, no more of them than needed.

        Returns
        -------
        n_seated : int
        """
        order = np.argsort(self.ranks[rows])
        can_move = (self.experts == expert).any(axis=1) & (self.weights > 0)
        movers = np.flatnonzero(can_move & (self.experts != target).all(axis=1))
        columns = [own[:, [expert, target]] for _, own in self.scored(movers)]
        here, there = np.concatenate([np.empty((0, 2)), *columns]).T
        cheapest = _ascending(here - there, self.ranks[movers])
        movers, there = movers[cheapest], there[cheapest]
        fits = _fitting(self.weights[movers], self.room[target] + self.slack)
        movers, there = movers[fits], there[fits]
        moved = np.cumsum(self.weights[movers])
        seated = np.cumsum(self.weights[rows[order]])
        room = self.room[expert] + self.slack
        n_seated = np.searchsorted(seated, room + moved.max(initial=0.0), side="right")
        if n_seated:
            order = order[:n_seated]
            lacking = seated[n_seated - 1] - room
            n_moved = np.searchsorted(moved, lacking) + 1 if lacking > 0 else 0
            self.leave(movers[:n_moved], expert)
            self.take(movers[:n_moved], target, there[:n_moved])
            self.take(rows[order], expert, scores[order])
        return n_seated

    def in_order(self):
        """The experts of each row, its largest score first."""
        order = np.lexsort((self.experts, -self.scores), axis=1)
        return np.take_along_axis(self.experts, order, axis=1)


class _Proposals:
    """Deferred acceptance: what rows ask for next, and whom experts have kept.

    An expert with no room for anyone has a *bar*, the worst row that it kept. Bars only
    rise, so a row can skip the experts whose bar it does not beat: most of them, where
    many rows want the same.
    """

    def __init__(self, seats):
        self.seats = seats
        n_samples, n_experts = len(seats.weights), len(seats.room)
        n_choices = min(_N_CHOICES, n_experts)
        # The next few choices of each row; -inf where there are no more.
        self.choices = np.zeros((n_samples, n_choices), np.min_scalar_type(n_experts - 1))
        self.choice_scores = np.full((n_samples, n_choices), np.inf)
        self.places = np.zeros(n_samples, dtype=np.intp)
        self.limits = seats.room + seats.slack
        self.bars = np.full(n_experts, -np.inf)
        self.bar_ranks = np.full(n_experts, -1)
        self.rows = [np.empty(0, dtype=np.intp) for _ in range(n_experts)]
        self.scores = [np.empty(0) for _ in range(n_experts)]

    def run(self):
        """Let rows propose until each has its seats or has asked everyone."""
        self._look_up(np.flatnonzero(self.seats.n_free))
        while True:
            rows = self._ready(np.flatnonzero(self.seats.n_free))
            if len(rows) == 0:
                return
            experts, scores = self._choice(rows, self.places[rows])
            self.places[rows] += 1
            order = np.argsort(experts, kind="stable")
            ends = np.cumsum(np.bincount(experts))
            for expert, part in enumerate(np.split(order, ends[:-1])):
                if len(part):
                    self._offer(expert, rows[part], scores[part])

    def _ready(self, rows):
        """Those of the rows that have an expert to ask; their places are put to it."""
        found = self._advance(rows)
        stuck = rows[~found]
        self._look_up(stuck[self.choice_scores[stuck, -1] > -np.inf])
        more = self._advance(stuck)
        return np.concatenate([rows[found], stuck[more]])

    def _advance(self, rows):
        """Skip the choices that would refuse; return whether one is left."""
        n_choices, asking = self.choices.shape[1], rows
        while len(asking):
            asking = asking[self.places[asking] < n_choices]
            places = self.places[asking]
            experts, scores = self._choice(asking, places)
            ranks, weights = self.seats.ranks[asking], self.seats.weights[asking]
            asking = asking[~self._welcome(experts, scores, ranks, weights)]
            self.places[asking] += 1
        return self.places[rows] < n_choices

    def _choice(self, rows, places):
        return self.choices[rows, places], self.choice_scores[rows, places]

    def _welcome(self, experts, scores, ranks, weights):
        """Whether rows beat the bars of experts; those of no weight fit anywhere."""
        bars = self.bars[experts]
        better = (scores > bars) | ((scores == bars) & (ranks < self.bar_ranks[experts]))
        return better | ((weights == 0) & (scores > -np.inf))

    def _look_up(self, rows):
        """Find the next choices of rows, after the last that they know of."""
        every = np.arange(len(self.seats.room))
        for part, scores in self.seats.scored(rows):
            last = self.choice_scores[part, -1][:, None]
            after = every > self.choices[part, -1][:, None]
            new = (scores < last) | ((scores == last) & after)
            ranks, weights = self.seats.ranks[part], self.seats.weights[part]
            new &= self._welcome(every, scores, ranks[:, None], weights[:, None])
            scores[~new] = -np.inf
            # Computed again among other rows, a score may be another by rounding.
            self.seats.mask_own(part, scores)
            all_of_part = np.arange(len(part))
            for place in range(self.choices.shape[1]):
                best = scores.argmax(axis=1)
                self.choices[part, place] = best
                self.choice_scores[part, place] = scores[all_of_part, best]
                scores[all_of_part, best] = -np.inf
            self.places[part] = 0

    def _offer(self, expert, rows, scores):
        """Let an expert keep the best of the rows that it has and that ask."""
        seats, n_own = self.seats, len(self.rows[expert])
        rows = np.concatenate([self.rows[expert], rows])
        scores = np.concatenate([self.scores[expert], scores])
        weights = seats.weights[rows]
        if weights.sum() <= self.limits[expert]:
            kept = np.arange(len(rows))
        else:
            order = _ascending(-scores, seats.ranks[rows])
            fits = _fitting(weights[order], self.limits[expert])
            kept, refused = order[fits], order[~fits]
            seats.leave(rows[refused[refused < n_own]], expert)
        new = kept[kept >= n_own]
        seats.take(rows[new], expert, scores[new])
        self.rows[expert], self.scores[expert] = rows[kept], scores[kept]
        if len(kept) < len(rows) and seats.room[expert] < seats.lightest:
            self._raise_bar(expert)

    def _raise_bar(self, expert):
        """Put the bar of an expert without room to the worst row that takes room."""
        heavy = np.flatnonzero(self.seats.weights[self.rows[expert]])
        if len(heavy):
            self.bars[expert] = self.scores[expert][heavy[-1]]
            self.bar_ranks[expert] = self.seats.ranks[self.rows[expert][heavy[-1]]]
        else:
            self.bars[expert] = np.inf
