"""Starts that several packages can go on from: responsibilities and their M-step."""

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_softmax, softmax

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate


@dataclass
class Start:
    """Responsibilities, and gate, experts and log standard deviations fitted to them.

    ``gate`` and ``experts`` have a row for each expert, the intercept first. ``charge``
    is what finding the start has taken, in seconds, where a run has to pay for it.
    """

    responsibilities: np.ndarray
    gate: np.ndarray
    experts: np.ndarray
    log_scale: np.ndarray
    charge: float = 0.0


def near_truth(problem, seed, amount=0.5):
    """Responsibilities of the truth with noise on all its coefficients."""
    X, y, truth = problem.X, problem.y, problem.truth
    rng = np.random.default_rng(seed)

    def shaken(coef, intercept):
        both = np.column_stack([intercept, coef])
        scale = amount * np.abs(both).mean()
        return both + scale * rng.standard_normal(both.shape)

    gate = shaken(truth.gate_coef, truth.gate_intercept)
    experts = shaken(truth.expert_coef, truth.expert_intercept)
    X1 = np.column_stack([np.ones(len(X)), X])
    residuals = y[:, None] - X1 @ experts.T
    # Unit errors: wide enough that no expert loses its rows.
    log_joint = log_softmax(X1 @ gate.T, axis=1) - 0.5 * residuals**2
    return _from_responsibilities(X, y, softmax(log_joint, axis=1))


def k_plane(X, y, n_experts, seed):
    """One plain start of skmoe, after one iteration; what it took is charged."""
    begin = time.perf_counter()
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, init="k-plane", max_iter=1, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    found = _from_responsibilities(X, y, model.responsibilities(X, y))
    return replace(found, charge=time.perf_counter() - begin)


def _from_responsibilities(X, y, responsibilities):
    """The M-step: a weighted regression for each expert, and a gate."""
    X1 = np.column_stack([np.ones(len(X)), X])
    experts, log_scale = [], []
    for weights in responsibilities.T:
        weighted = X1 * weights[:, None]
        coef = np.linalg.solve(X1.T @ weighted, weighted.T @ y)
        variance = weights @ (y - X1 @ coef) ** 2 / weights.sum()
        experts.append(coef)
        log_scale.append(0.5 * np.log(variance))
    gate = SoftmaxGate().fit(X, responsibilities)
    both = np.column_stack([gate.intercept_, gate.coef_])
    return Start(responsibilities, both, np.array(experts), np.array(log_scale))
