"""The parts of a mixture of experts, and what EM does with them once."""

from copy import copy, deepcopy
from dataclasses import dataclass

import numpy as np

from skmoe.gates import fit_gate, gate_penalty, joint_log_proba


@dataclass
class TrainingData:
    """What does not change during training.

    ``target`` is y as the likelihood takes it: numbers, or the classes' numbers.
    """

    X: object
    target: np.ndarray
    weights: np.ndarray

    @property
    def total(self):
        """Sum of the weights."""
        return self.weights.sum()


@dataclass
class Parts:
    """Gate, experts and dispersions; fitted or to be fitted."""

    gate: object
    pool: object
    likelihood: object
    dispersion: object = None

    def maximise(self, data, responsibilities, iteration):
        """The M-step: new parts fitted to ``responsibilities``, starting from these."""
        weights = data.weights[:, None] * responsibilities
        pool = copy(self.pool)
        pool.iteration = iteration
        pool.fit(data.X, data.target, weights)
        prediction = pool.predict(data.X)
        dispersion = self.likelihood.fit_dispersion(data.target, prediction, weights)
        gate = self._fit_gate(data, responsibilities, iteration)
        fitted = Parts(gate, pool, self.likelihood, dispersion)
        return fitted, fitted._log_joint(data, prediction)

    def _fit_gate(self, data, responsibilities, iteration):
        gate = deepcopy(self.gate)
        try:
            return fit_gate(gate, data.X, responsibilities, data.weights)
        except Exception as error:
            kind = type(error) if type(error) in (ValueError, TypeError) else RuntimeError
            raise kind(
                f"gate: {type(gate).__name__} failed in iteration {iteration}: {error}"
            ) from error

    def _log_joint(self, data, prediction):
        log_prob = self.likelihood.log_prob(data.target, prediction, self.dispersion)
        return joint_log_proba(self.gate, data.X) + log_prob

    def log_joint(self, data):
        """log g_k(x) + log f_k(y | x), of shape (n_samples, n_experts)."""
        return self._log_joint(data, self.pool.predict(data.X))

    @property
    def penalty(self):
        """What the gate's and the experts' objectives subtract."""
        return gate_penalty(self.gate) + self.pool.penalty


def normalise(log_joint):
    """Log-likelihood of each row, and the responsibilities (the E-step)."""
    peak = log_joint.max(axis=1, keepdims=True)
    joint = np.exp(log_joint - peak)
    total = joint.sum(axis=1, keepdims=True)
    return (peak + np.log(total))[:, 0], joint / total
