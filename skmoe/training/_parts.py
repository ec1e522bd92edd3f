"""The parts of a mixture of experts, and what EM does with them once."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from skmoe._naming import naming_gate
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import bind_gate, gate_penalty
from skmoe.likelihoods import dispersion_at, fit_dispersion, smallest_floor
from skmoe.training._joint_rows import JointRows


@dataclass
class TrainingData:
    """What does not change during training.

    ``target`` is y as the likelihood takes it: numbers, or the classes' numbers.
    ``bound_gate`` fits a gate to these rows. In a subset, ``rows`` are their numbers, of
    which ``n_distinct`` are not copies of others.
    """

    X: object
    target: np.ndarray
    weights: np.ndarray
    bound_gate: object = None
    rows: np.ndarray | None = None
    n_distinct: int | None = None
    #: Whether the rows themselves are somewhere else (``BlockData``).
    is_elsewhere = False

    def bind(self, gate):
        """Prepare the rows for being fitted by ``gate`` many times."""
        with naming_gate(gate):
            self.bound_gate = bind_gate(gate, self.X, self.weights)

    @property
    def total(self):
        """Sum of the weights."""
        return self.weights.sum()

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.weights)

    def expert_terms(self, pool, likelihood, design):
        """Bind the pool to the rows, and give its part of the log-likelihood."""
        pool.bind(self.X, self.weights, design)
        return pool.terms(self.target, self.weights, likelihood)

    def joint_rows(self, gate, experts):
        """The rows as the terms of gate and experts see them."""
        return JointRows(gate, experts, self.weights)

    def pool_of(self, sample, pool):
        """The pool bound to some of the rows, in the same units."""
        return pool.subset(sample.X, sample.rows)

    def floor(self, likelihood):
        """Of the dispersions, or None where the likelihood does not tell."""
        return smallest_floor(likelihood, self.target, self.weights)

    def subset(self, rows, n_distinct):
        """Some of the rows."""
        X = safe_indexing(self.X, rows)
        gate = self.bound_gate.subset(X, rows)
        target, weights = self.target[rows], self.weights[rows]
        return TrainingData(X, target, weights, gate, rows, n_distinct)


@dataclass
class Parts:
    """Gate, experts and dispersions (or their models); fitted or to be fitted.

    ``pooling`` is added to every responsibility when experts are fitted; with a
    ``router``, rows are sent to some of the experts only.
    """

    gate: object
    pool: object
    likelihood: object
    dispersion: object = None
    pooling: float = 0.0
    router: object = None

    @property
    def has_memory(self):
        """Whether the M-step depends on these parts, not on responsibilities alone."""
        return hasattr(self.likelihood, "expert_weights")

    def maximise(self, data, responsibilities, iteration):
        """The M-step: new parts fitted to ``responsibilities``, starting from these."""
        weights = data.weights[:, None] * responsibilities
        pool = copy(self.pool)
        pool.iteration = iteration
        pool.fit(data.X, data.target, self._expert_weights(data, weights))
        prediction = pool.predict(data.X)
        dispersion = fit_dispersion(
            self.likelihood, data.X, data.target, prediction, weights
        )
        with naming_gate(self.gate, iteration):
            gate = data.bound_gate.fit(self.gate, responsibilities)
        fitted = replace(self, gate=gate, pool=pool, dispersion=dispersion)
        return fitted, fitted._log_joint(data, prediction)

    def _expert_weights(self, data, weights):
        """The weights that experts are fitted with."""
        weights = self.pooled(weights, data)
        if self.dispersion is None or not self.has_memory:
            return weights
        prediction = self.pool.predict(data.X)
        dispersion = dispersion_at(self.likelihood, self.dispersion, data.X)
        return reweighted(self.likelihood, data.target, prediction, dispersion, weights)

    def pooled(self, weights, data):
        """Shares of the rows' weights, a little alike."""
        if not self.pooling:
            return weights
        return (weights + self.pooling * data.weights[:, None]) / (1.0 + self.pooling)

    def _log_joint(self, data, prediction):
        dispersion = dispersion_at(self.likelihood, self.dispersion, data.X)
        log_prob = self.likelihood.log_prob(data.target, prediction, dispersion)
        return data.bound_gate.joint_log_proba(self.gate) + log_prob

    def log_joint(self, data):
        """log g_k(x) + log f_k(y | x), of shape (n_samples, n_experts)."""
        return self._log_joint(data, self.pool.predict(data.X))

    @property
    def penalty(self):
        """What the gate's and the experts' objectives subtract."""
        return gate_penalty(self.gate) + self.pool.penalty


def reweighted(likelihood, target, prediction, dispersion, weights):
    """Weights times the likelihood's own; each expert keeps the sum of its weights.

    Parameters
    ----------
    likelihood : likelihood
        With ``expert_weights``.
    target : ndarray of shape (n_samples,)
    prediction : ndarray of shape (n_samples, n_experts)
    dispersion : ndarray
        Of the experts that made the prediction, at these rows.
    weights : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    weights : ndarray of shape (n_samples, n_experts)
    """
    factor = likelihood.expert_weights(target, prediction, dispersion)
    return keeping_mass(weights, factor)


def keeping_mass(weights, factor):
    """Weights times ``factor``, both (n_samples, n_experts), with the experts' sums."""
    product = weights * factor
    mass, own = weights.sum(axis=0), product.sum(axis=0)
    return product * np.where(own > 0, mass / np.where(own > 0, own, 1.0), 1.0)


def normalise(log_joint):
    """Log-likelihood of each row, and the responsibilities (the E-step)."""
    peak = log_joint.max(axis=1, keepdims=True)
    joint = np.exp(log_joint - peak)
    total = joint.sum(axis=1, keepdims=True)
    return (peak + np.log(total))[:, 0], joint / total
