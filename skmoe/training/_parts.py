"""The parts of a mixture of experts, and what EM does with them once."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from skmoe._group_table import Groups
from skmoe._naming import naming_gate
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import bind_gate, gate_penalty, joint_log_proba
from skmoe.likelihoods import (
    component_of,
    dispersion_at,
    fit_dispersion,
    smallest_floor,
)
from skmoe.training._joint_rows import JointRows
from skmoe.training._prior import matched_to_prior, weighted_by_prior
from skmoe.training._revival import lost_experts, revive


@dataclass
class TrainingData:
    """What does not change during training.

    ``target`` is y as the likelihood takes it: numbers, or the classes' numbers.
    ``bound_gate`` fits a gate to these rows. In a subset, ``rows`` are their numbers, of
    which ``n_distinct`` are not copies of others. ``log_prior`` (n_samples, n_experts)
    is what is known of the rows' experts beforehand, up to a number for each row.
    ``present`` tells which rows of the user's table these are, those that have weight.
    """

    X: object
    target: np.ndarray
    weights: np.ndarray
    bound_gate: object = None
    rows: np.ndarray | None = None
    n_distinct: int | None = None
    log_prior: np.ndarray | None = None
    present: np.ndarray | None = None
    #: Rows that come from one expert together (``GroupedData``).
    groups: Groups | None = None
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

    @property
    def is_plain(self):
        """Whether each row stands for itself, and nothing is known of its expert."""
        return self.groups is None and self.log_prior is None

    def joint(self, log_gate, log_prob):
        """log g_k(x) + log f_k(y | x), and what is known of k beforehand."""
        if self.log_prior is not None:
            log_gate = log_gate + self.log_prior
        return log_gate + log_prob

    def expect(self, log_joint, e_step):
        """E-step: the objective's sum over the rows, and their responsibilities."""
        return e_step(log_joint, self.weights)

    def log_likelihood(self, log_joint):
        """Of what is independent of each other: the rows."""
        return normalise(log_joint)[0]

    @property
    def unit_weights(self):
        """Weights of what :meth:`log_likelihood` tells."""
        return self.weights

    def revived(self, responsibilities, log_joint, lost):
        """Responsibilities that give experts who lost their rows a second chance."""
        return self.allowed(revive(responsibilities, log_joint, lost, self))

    def allowed(self, responsibilities):
        """Responsibilities as far as what is known beforehand allows them."""
        if self.log_prior is None:
            return responsibilities
        return weighted_by_prior(responsibilities, self.log_prior)

    def started(self, responsibilities, n_experts):
        """A start, whose experts have numbers that say nothing, on these rows.

        A component besides the ``n_experts`` has a number that is known.
        """
        if self.log_prior is not None:
            responsibilities = responsibilities.copy()
            responsibilities[:, :n_experts] = matched_to_prior(
                responsibilities[:, :n_experts], self.log_prior[:, :n_experts],
                self.weights,
            )  # fmt: skip
        return self.allowed(responsibilities)

    def fold_gate(self, gate, train, test):
        """A gate that is fitted to some rows, and asked about others."""
        X, X_test = safe_indexing(self.X, train), safe_indexing(self.X, test)
        return FoldGate(gate, X, self.weights[train], train, X_test)

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


class FoldGate:
    """A gate that knows some rows only; it goes on from its last state.

    Parameters
    ----------
    gate : gate
    X : array-like of shape (n_train, n_features)
    weights : ndarray of shape (n_train,)
    train : ndarray of int, of shape (n_train,)
        Numbers of these rows in a table of responsibilities.
    X_test : array-like of shape (n_test, n_features)
        Rows that it is asked about.
    """

    def __init__(self, gate, X, weights, train, X_test):
        self.gate, self.train, self.X_test = gate, train, X_test
        with naming_gate(gate):
            self.bound = bind_gate(gate, X, weights)

    def fitted_log_proba(self, responsibilities, iteration):
        """Fit, and give what the E-step adds for the rows it is asked about."""
        with naming_gate(self.gate, iteration):
            self.gate = self.bound.fit(self.gate, responsibilities[self.train])
            return joint_log_proba(self.gate, self.X_test)


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

    @property
    def n_own(self):
        """Number of experts, without a component of the likelihood's own."""
        return self.pool.n_experts - (component_of(self.likelihood) is not None)

    def lost(self, load):
        """Numbers of the experts that have lost their rows, as a set.

        A component besides them is none: data need not have excess zeros, or outliers.
        """
        return lost_experts(load[: self.n_own])

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
        return data.joint(data.bound_gate.joint_log_proba(self.gate), log_prob)

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
