"""Data with gross outliers, and steps of EM seen one by one."""

import numpy as np
import pytest

from skmoe.experts import make_regressor_pool
from skmoe.gates import SoftmaxGate
from skmoe.training import Parts, TrainingData, evaluate
from skmoe.training._em import soft_step


@pytest.fixture
def two_slopes(rng):
    """``two_slopes(n_samples, size)``: slopes of -2 and 3, one row in ten far off."""
    return lambda n_samples=400, size=30.0: make_two_slopes(rng, n_samples, size)


@pytest.fixture
def plain_steps():
    """:func:`bounds_of_plain_steps`."""
    return bounds_of_plain_steps


def make_two_slopes(rng, n_samples, size):
    X = rng.uniform(-2, 2, size=(n_samples, 1))
    y = np.where(X[:, 0] > 0, 3 * X[:, 0] + 1, -2 * X[:, 0])
    y += 0.2 * rng.standard_normal(n_samples)
    far = rng.permutation(n_samples)[: n_samples // 10]
    y[far] += rng.choice([-1, 1], len(far)) * size * rng.uniform(0.2, 1.0, len(far))
    return X, y


def bounds_of_plain_steps(X, y, likelihood, template, responsibilities, n_steps=60):
    """The objective after each step, nothing being taken back."""
    n_experts = responsibilities.shape[1]
    experts = [(f"expert{k}", template) for k in range(n_experts)]
    pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    data = TrainingData(X, y, np.ones(len(y)))
    gate = SoftmaxGate()
    data.bind(gate)
    parts, bounds = Parts(gate, pool, likelihood), []
    for iteration in range(n_steps):
        parts, log_joint = parts.maximise(data, responsibilities, iteration)
        result = evaluate(parts, log_joint, data, soft_step)
        responsibilities = result.responsibilities
        bounds.append(result.lower_bound)
    return np.array(bounds)
