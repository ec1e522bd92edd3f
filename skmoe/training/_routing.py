"""Routing: the few experts that each row is sent to.

A row is sent to the experts of its largest gate probabilities, and the probabilities of
these are scaled up to one; no other expert is asked about the row, or fitted to it
(Shazeer et al. 2017). A *bias* of each expert may take part in the choice, but in nothing
else (DeepSeek-AI 2024).
"""

from dataclasses import dataclass, replace

import numpy as np

from skmoe._routes import Routes, largest
from skmoe._sklearn_compat import safe_indexing
from skmoe._softmax_regression import log_softmax
from skmoe._validation import Rows
from skmoe.gates import gate_scores, has_fast_scores
from skmoe.training._balance import balancing_bias, weakest_bias
from skmoe.training._capacity import capacity_of, within_capacity
from skmoe.training._draws import noise

# Scores that are held at a time: within reach of the cache where a call costs nothing.
_FAST_CELLS, _FAST_ROWS, _CHUNK_CELLS = 131_072, 4096, 2_000_000
# Scores that a balance is found on.
_BALANCED_CELLS = 4_000_000
# Of a start: an expert without any may have to take the row.
_LEAST_SHARE = 1e-12
# Parameters of linear experts that are solved together with a gate to start from.
_DENSE_UNKNOWNS = 1_500


@dataclass
class Routing:
    """Where rows are sent, and what the gate says of it.

    ``log_gate`` (n_samples, top_k) are the log-probabilities, which sum to one over the
    row's own experts; ``log_evidence`` is log p(x) of a generative gate.
    """

    routes: Routes
    log_gate: np.ndarray
    log_evidence: object = 0.0

    @classmethod
    def of_scores(cls, experts, scores, n_experts, log_evidence=0.0):
        """Of the chosen experts and their scores, both (n_samples, top_k)."""
        if scores.shape[1] == 1:
            log_gate = np.zeros(scores.shape)
        else:
            log_gate = log_softmax(scores.T).T
        return cls(Routes(experts, n_experts), log_gate, log_evidence)


def route(gate, X, n_experts, top_k, bias=None, jitter=None):
    """Send each row to the experts of its ``top_k`` largest scores.

    Parameters
    ----------
    gate : gate
    X : array-like of shape (n_samples, n_features), or Rows
    n_experts, top_k : int
    bias : ndarray of shape (n_experts,), optional
        Added to the scores for the choice alone.
    jitter : callable, optional
        ``jitter(part)`` gives what is added in the same way, (n_rows, n_experts), for a
        slice of rows.

    Returns
    -------
    routing : Routing
    """
    if has_fast_scores(gate):
        size = min(_FAST_CELLS // n_experts + 1, _FAST_ROWS)
    else:
        size = _CHUNK_CELLS // n_experts + 1
    parts = []
    for rows in Rows.of(X).chunks(size):
        scores, log_evidence = gate_scores(gate, rows)
        choice = scores
        if bias is not None:
            choice = scores + bias
        if jitter is not None:
            choice = choice + jitter(slice(rows.first, rows.first + len(scores)))
        experts, values = largest(choice, top_k)
        if choice is not scores:
            values = np.take_along_axis(scores, experts, axis=1)
        parts.append(Routing.of_scores(experts, values, n_experts, log_evidence))
    return _joined(parts)


def _joined(parts):
    """Routings of one chunk of rows after the other, as one."""
    if len(parts) == 1:
        return parts[0]
    evidence = 0.0
    if any(np.ndim(part.log_evidence) for part in parts):
        evidence = np.concatenate([part.log_evidence for part in parts])
    # As the parts have it, place after place.
    experts = np.concatenate([part.routes.experts.T for part in parts], axis=1)
    log_gate = np.concatenate([part.log_gate.T for part in parts], axis=1)
    routes = Routes(experts.T, parts[0].routes.n_experts)
    return Routing(routes, log_gate.T, evidence)


@dataclass
class Router:
    """How rows are sent to experts while training.

    Parameters
    ----------
    n_experts, top_k : int
    load_balancing : {None, "bias", "auxiliary"}
    auxiliary_strength : float
    capacity_factor : float or None
    balance : ndarray of shape (n_experts,) or None
        What the last routing has been balanced with.
    closed : tuple of int
        Experts that no row is sent to any more.
    """

    n_experts: int
    top_k: int
    load_balancing: str | None = None
    auxiliary_strength: float = 0.01
    capacity_factor: float | None = None
    balance: np.ndarray | None = None
    closed: tuple = ()

    @property
    def bias(self):
        """What is added to scores for the choice of experts, or None."""
        if not self.closed:
            return self.balance
        bias = np.zeros(self.n_experts) if self.balance is None else self.balance.copy()
        bias[list(self.closed)] = -np.inf
        return bias

    @property
    def is_even(self):
        """Whether every expert is sent rows, whatever the gate says."""
        return self.load_balancing == "bias" or self.capacity_factor is not None

    @property
    def open(self):
        """Numbers of the experts that rows are sent to."""
        return np.setdiff1d(np.arange(self.n_experts), self.closed)

    def resume(self, bias):
        """Take over the bias of an earlier fit."""
        if bias is None:
            return
        self.balance = np.where(np.isneginf(bias), 0.0, bias)
        if not self.is_even:
            self.closed = tuple(np.flatnonzero(np.isneginf(bias)).tolist())

    def permuted(self, order):
        """The same with the experts in another order: the first of ``order`` first."""
        balance = None if self.balance is None else self.balance[order]
        closed = tuple(sorted(np.argsort(order)[list(self.closed)].tolist()))
        return replace(self, balance=balance, closed=closed)

    def without(self, experts):
        """The same with more experts closed; enough of them stay open."""
        n_left = len(self.open) - self.top_k
        closed = sorted(set(experts) - set(self.closed))[: max(n_left, 0)]
        return replace(self, closed=(*self.closed, *closed))

    @property
    def n_slots(self):
        """Experts of a row in the first iteration."""
        if self.capacity_factor is not None:  # which is not to be exceeded at any time
            return self.top_k
        return min(4 * self.top_k, self.n_experts)

    def allows_dense(self, n_features):
        """Whether a mixture that asks all experts is cheap enough to start from."""
        return self.n_experts * (n_features + 1) <= _DENSE_UNKNOWNS

    def balanced(self, gate, X, weights, keys):
        """The same router with the bias that evens out the load of ``gate``.

        Parameters
        ----------
        gate : gate
        X : array-like of shape (n_samples, n_features)
        weights : ndarray of shape (n_samples,)
        keys : ndarray of shape (n_samples,)
            Numbers in [0, 1) that follow from the rows' content.
        """
        if self.load_balancing != "bias":
            return self
        kept = self._kept(keys)
        weights = weights[kept]
        scores, _ = gate_scores(gate, Rows(safe_indexing(X, kept)))
        scores = scores[:, self.open]
        start = None if self.balance is None else self.balance[self.open]
        found = balancing_bias(scores, weights, self.top_k, start)
        balance = np.zeros(self.n_experts)
        balance[self.open] = weakest_bias(scores, found, weights, self.top_k)
        return replace(self, balance=balance)

    def balanced_shares(self, routes, shares, weights, keys):
        """Shares (n_samples, n_slots) of a start, evened out among the experts.

        From experts of one size, the gate comes to need less of a bias.
        """
        scores = np.log(np.maximum(shares, _LEAST_SHARE))
        part = self._kept(keys)
        table = np.full((len(weights[part]), self.n_experts), np.log(_LEAST_SHARE) - 1.0)
        np.put_along_axis(table, routes.experts[part], scores[part], axis=1)
        bias = balancing_bias(table, weights[part], self.top_k)
        return np.exp(log_softmax((scores + bias[routes.experts]).T).T)

    def _kept(self, keys):
        """The rows, by their content, that a balance is found on."""
        share = _BALANCED_CELLS / (len(keys) * self.n_experts)
        if share >= 1:
            return slice(None)
        return np.flatnonzero(keys <= np.quantile(keys, share))

    def route(self, gate, X, weights, keys, n_slots, jitter=0.0):
        """Send rows to ``n_slots`` experts each, within the capacity of each expert.

        To fewer, where fewer are open: no row is sent to an expert twice.
        """
        n_slots = min(n_slots, len(self.open))
        noisy = noise(keys, self.n_experts, jitter) if jitter else None
        if self.capacity_factor is None:
            return route(gate, X, self.n_experts, n_slots, self.bias, noisy)
        return self._route_within_capacity(gate, X, weights, keys, n_slots, noisy)

    def _route_within_capacity(self, gate, X, weights, keys, n_slots, noisy):
        capacity = capacity_of(weights, n_slots, self.n_experts, self.capacity_factor)

        def scores_of(rows):
            scores, _ = gate_scores(gate, Rows(safe_indexing(X, rows)))
            scores = scores if self.bias is None else scores + self.bias
            return scores if noisy is None else scores + noisy(rows)

        experts = within_capacity(
            scores_of, weights, keys, self.n_experts, n_slots, capacity
        )
        parts = []
        for rows in Rows(X).chunks(_CHUNK_CELLS // self.n_experts + 1):
            scores, log_evidence = gate_scores(gate, rows)
            own = experts[rows.first : rows.first + len(scores)]
            values = np.take_along_axis(scores, own, axis=1)
            parts.append(Routing.of_scores(own, values, self.n_experts, log_evidence))
        return _joined(parts)
