"""A number for each expert that, added to the scores, shares the rows out evenly.

It decides which experts a row is sent to, and nothing else: balancing without an
auxiliary loss (Wang et al. 2024).
"""

import numpy as np

from skmoe._grams import row_slices
from skmoe._routes import Routes, largest

# Coefficient of variation of a load that is even enough.
_EVEN = 0.1
# Of one that is even enough, and how often a bias is halved towards it.
_EVEN_ENOUGH, _N_HALVINGS = 0.23, 6
# Passes in all; passes in a row at one temperature that find no load more even.
_MAX_PASSES, _PATIENCE = 40, 10
# The first temperature, in mean distances of a row's largest score from its mean.
_FIRST_TEMPERATURE = 0.3
# It falls to so much where the soft load is so even: by itself, and next to the load.
_COOLING, _SOFT_EVEN, _SOFTER = 0.25, 0.3, 0.5
# Damping of the steps: the first, the least, and what success and failure make of it.
_FIRST_DAMPING, _LEAST_DAMPING, _SUCCESS, _FAILURE = 0.05, 1e-3, 1 / 3, 10.0
# So many temperatures above others, an expert has a row for sure.
_SURE = 600.0
# Of scores, relative.
_ROUNDING = 1e-9
_CHUNK_CELLS = 500_000


def balancing_bias(scores, weights, top_k, start=None):
    """The bias of the scores with which the experts' load is even.

    The load is a step function of the bias, so it is smoothed: at a temperature, each row
    is shared among experts, as in entropic optimal transport, and the bias of an even
    soft load minimises a convex function. Newton's steps on the logarithms of the load
    find it, then the temperature falls. With little damping, they know that a row which
    one expert loses goes to its neighbour; fully damped, they are Sinkhorn's, which are
    safe, but slow where experts compete with few others.

    A bias cannot part equal rows: where these are many, the load is as even as was found.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_experts)
        Log-probabilities of the gate, finite, up to a constant for each row.
    weights : ndarray of shape (n_samples,)
    top_k : int
        Experts of each row.
    start : ndarray of shape (n_experts,), optional
        A bias to begin with.

    Returns
    -------
    bias : ndarray of shape (n_experts,)
        Sums to zero. Of those met, the one with the most even load.
    """
    n_experts = scores.shape[1]
    bias = np.zeros(n_experts) if start is None else start - start.mean()
    load, distance = _first_look(scores, bias, weights, top_k)
    best, lowest = bias, _variation(load)
    if lowest <= _EVEN:
        return best
    scores, weights = _distinct(scores, weights)
    least = _ROUNDING * max(scores.max(), -scores.min(), np.abs(bias).max())
    temperature = _FIRST_TEMPERATURE * distance
    search, n_vain = _Newton(weights.sum() * top_k / n_experts), 0
    for _ in range(_MAX_PASSES):
        if lowest <= _EVEN or n_vain > _PATIENCE or temperature <= least:
            break
        here = _SoftLoad(scores, bias, weights, top_k, temperature)
        variation, n_vain = _variation(here.hard), n_vain + 1
        if variation < lowest:
            best, lowest, n_vain = bias, variation, 0
        bias = search.step(here)
        if _variation(here.load) < min(_SOFT_EVEN, _SOFTER * variation):
            temperature, n_vain = temperature * _COOLING, 0
            search.forget()
    return best


def weakest_bias(scores, bias, weights, top_k):
    """The smallest part of a bias that is enough for a load that is even enough.

    A bias sends rows where the gate would not, so there is no use in more of it.

    Parameters
    ----------
    scores, weights, top_k
        As in :func:`balancing_bias`.
    bias : ndarray of shape (n_experts,)

    Returns
    -------
    bias : ndarray of shape (n_experts,)
    """
    if is_even(_first_look(scores, 0.0 * bias, weights, top_k)[0]):
        return 0.0 * bias
    low, high = 0.0, 1.0
    for _ in range(_N_HALVINGS):
        middle = 0.5 * (low + high)
        load, _ = _first_look(scores, middle * bias, weights, top_k)
        low, high = (low, middle) if is_even(load) else (middle, high)
    return high * bias


def is_even(load):
    """Whether the coefficient of variation is small enough for users."""
    return _variation(load) <= _EVEN_ENOUGH


def _variation(load):
    return load.std() / load.mean()


def _first_look(scores, bias, weights, top_k):
    """The load, and the mean distance of a row's largest score from its mean."""
    experts, distances = [], []
    for part in _parts(scores):
        biased = scores[part] + bias
        distances.append(biased.max(axis=1) - biased.mean(axis=1))
        experts.append(largest(biased, top_k)[0])
    load = Routes(np.concatenate(experts), len(bias)).load(weights)
    return load, np.average(np.concatenate(distances), weights=weights)


def _distinct(scores, weights):
    """Equal rows as one of their weight, where that halves them: the leaves of a tree."""
    # Of no two experts alike: hardly any rows but equal ones have the same.
    keys = scores @ np.sqrt(2.0 + np.arange(scores.shape[1]))
    keys = np.round(keys / max(np.abs(keys).max(), np.finfo(np.float64).tiny), 11)
    _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
    if 2 * len(firsts) > len(keys):
        return scores, weights
    return scores[firsts], np.bincount(groups.ravel(), weights)


def _parts(scores):
    return row_slices(len(scores), max(_CHUNK_CELLS // scores.shape[1], 1))


class _Newton:
    """Damped steps to the least potential of a bias that sums to zero.

    Parameters
    ----------
    share : float
        The weight that an expert should have.
    """

    def __init__(self, share):
        self.share = share
        self.damping = _FIRST_DAMPING
        self.last = None

    def forget(self):
        """Go on from the next point, whatever it is: the temperature is another."""
        self.last = None

    def step(self, here):
        """The next bias: from ``here``, or from the last point if that was better.

        Parameters
        ----------
        here : _SoftLoad

        Returns
        -------
        bias : ndarray of shape (n_experts,)
        """
        worse = self.last is not None and here.potential > self.last.potential
        if worse and self.damping < 1:
            self.damping = min(self.damping * _FAILURE, 1.0)
        else:
            self.damping = max(self.damping * _SUCCESS, _LEAST_DAMPING)
            self.last = here
        base = self.last
        load = np.maximum(base.load, np.finfo(np.float64).tiny)
        moving = base.moving / load
        matrix = (self.damping - 1) * base.exchange / load[:, None]
        matrix[np.diag_indices_from(matrix)] += moving + self.damping * (1 - moving)
        lack = np.log(self.share) - np.log(load)
        bias = base.bias + base.temperature * np.linalg.solve(matrix, lack)
        return bias - bias.mean()


class _SoftLoad:
    """What experts get of rows that are shared by their scores, at a temperature.

    The shares p of a row maximise p @ scores + temperature * entropy, where each is at
    most 1, and their sum is ``top_k``: the largest are 1, of experts that are *sure* of
    the row, the rest are proportional to exp(score / temperature).

    Attributes
    ----------
    hard : ndarray of shape (n_experts,)
        Weight of the rows sent to each expert.
    load : ndarray of shape (n_experts,)
        Soft weight of each expert.
    moving : ndarray of shape (n_experts,)
        The part of it that is not sure.
    exchange : ndarray of shape (n_experts, n_experts)
        What goes from one to another if the bias of one rises, times the temperature.
    potential : float
        Sum of the rows' maxima, convex in the bias: its gradient is ``load``, and its
        Hessian, times the temperature, ``diag(moving) - exchange``.
    """

    def __init__(self, scores, bias, weights, top_k, temperature):
        n_experts = len(bias)
        self.bias, self.temperature = bias, temperature
        self.hard, self.load = np.zeros(n_experts), np.zeros(n_experts)
        self.exchange, self.potential = np.zeros((n_experts, n_experts)), 0.0
        for part in _parts(scores):
            self._add(scores[part] + bias, weights[part], top_k)
        self.moving = self.exchange.sum(axis=1)
        self.load += self.moving

    def _add(self, biased, weights, top_k):
        """Add the shares of some rows, whose scores are overwritten."""
        n_experts = biased.shape[1]
        experts, _ = largest(biased.copy(), top_k)
        values = np.take_along_axis(biased, experts, axis=1)
        least = values[:, -1:]
        biased -= least
        np.minimum(biased, 0.0, out=biased)
        biased /= self.temperature
        shares = np.exp(biased, out=biased)
        # In temperatures, above the least of those chosen.
        heights = np.minimum((values - least) / self.temperature, _SURE)
        np.put_along_axis(shares, experts, 0.0, axis=1)
        rest = shares.sum(axis=1)
        levels, n_sure = _levels(heights, rest)
        places = np.arange(top_k)
        sure = places < n_sure[:, None]
        shares *= np.exp(-levels)[:, None]
        chosen = np.where(sure, 0.0, np.exp(heights - levels[:, None]))
        np.put_along_axis(shares, experts, chosen, axis=1)

        every = np.repeat(weights[:, None], top_k, axis=1)
        self.hard += np.bincount(experts.ravel(), every.ravel(), n_experts)
        self.load += np.bincount(experts[sure], every[sure], n_experts)
        n_unsure = top_k - n_sure
        maxima = (levels * self.temperature + least[:, 0]) * n_unsure
        self.potential += weights @ (maxima + np.where(sure, values, 0.0).sum(axis=1))
        shares *= np.sqrt(weights / n_unsure)[:, None]
        self.exchange += shares.T @ shares


def _levels(heights, rest):
    """Where shares are 1, and how many are sure.

    Parameters
    ----------
    heights : ndarray of shape (n_samples, top_k)
        The scores chosen, in temperatures above the least of them, the largest first.
    rest : ndarray of shape (n_samples,)
        Sum of the exponentials of all others.

    Returns
    -------
    levels : ndarray of shape (n_samples,)
    n_sure : ndarray of int, of shape (n_samples,)
    """
    top_k = heights.shape[1]
    levels, n_sure = np.zeros(len(heights)), np.zeros(len(heights), dtype=np.intp)
    for place in reversed(range(top_k)):
        rest = rest + np.exp(heights[:, place])
        level = np.log(rest / (top_k - place))
        # If none but those before it are sure, is this one not?
        right = heights[:, place] <= level + _ROUNDING
        levels[right], n_sure[right] = level[right], place
    return levels, n_sure
