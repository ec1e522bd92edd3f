"""Derivatives of softmax regressions on a batch, against differences and brute force."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import approx_fprime
from scipy.special import log_softmax

import skmoe._softmax_steps as module
from skmoe._softmax_steps import SoftmaxSteps, shortened, with_penalty


@pytest.fixture
def problem(rng):
    """Rows, coefficients of two models of four classes, targets and weights."""
    rows = rng.standard_normal((60, 3))
    coef = rng.standard_normal((2, 3, 3))
    targets = rng.dirichlet(np.ones(4), size=(2, 60)).swapaxes(1, 2)
    return rows, coef, targets, rng.uniform(0.5, 2.0, size=(2, 60))


def log_proba(rows, coef):
    """Of one model, (n_classes, n_samples)."""
    free = coef.reshape(-1, rows.shape[1]) @ rows.T
    return log_softmax(np.vstack([free, np.zeros(rows.shape[0])]), axis=0)


def log_likelihood(rows, coef, targets, weights):
    return np.sum(weights * targets * log_proba(rows, coef))


def test_probabilities(problem):
    rows, coef, _, _ = problem
    steps = SoftmaxSteps(rows, coef)
    for own, proba in zip(coef, steps.proba, strict=True):
        assert np.allclose(np.log(proba), log_proba(rows, own))


def test_gradient_against_differences(problem):
    rows, coef, targets, weights = problem
    steps = SoftmaxSteps(rows, coef)
    excess = (targets - steps.proba)[:, :-1] * weights[:, None]
    for k, gradient in enumerate(steps.gradient(excess)):
        numeric = approx_fprime(
            coef[k].ravel(),
            lambda flat, k=k: log_likelihood(rows, flat, targets[k], weights[k]),
            1e-6,
        )
        assert np.allclose(gradient.ravel(), numeric, atol=1e-3)


def numeric_information(rows, coef, targets, weights, h=1e-4):
    """Minus the Hessian of the log-likelihood, by differences of its values."""
    flat, size = coef.ravel(), coef.size
    hessian = np.zeros((size, size))
    for i, j in np.ndindex(size, size):
        for sign, a, b in [(1, h, h), (-1, h, -h), (-1, -h, h), (1, -h, -h)]:
            moved = flat + a * np.eye(size)[i] + b * np.eye(size)[j]
            hessian[i, j] += sign * log_likelihood(rows, moved, targets, weights)
    return -hessian / (4 * h**2)


def test_joint_information_against_differences(problem):
    rows, coef, targets, weights = problem
    information = SoftmaxSteps(rows, coef).information(weights)
    assert information.shape == (2, 9, 9)
    for k, own in enumerate(information):
        numeric = numeric_information(rows, coef[k], targets[k], weights[k])
        assert np.allclose(own, numeric, atol=1e-3)


def test_information_by_class_bounds_the_joint_one(problem, monkeypatch):
    rows, coef, _, weights = problem
    steps = SoftmaxSteps(rows, coef)
    joint = steps.information(weights)
    monkeypatch.setattr(module, "_MAX_JOINT", 8)
    by_class = steps.information(weights).reshape(2, 3, 3, 3)
    for k in range(2):
        bound = np.zeros((3, 3, 3, 3))
        for c in range(3):
            share = weights[k] * steps.proba[k, c]
            expected = (rows * share[:, None]).T @ rows
            assert np.allclose(by_class[k, c], expected)
            bound[c, :, c] = by_class[k, c]
        excess = bound.reshape(9, 9) - joint[k]
        assert np.linalg.eigvalsh(excess).min() > -1e-9
    monkeypatch.setattr(module, "_MAX_COLUMNS", 2)
    diagonal = steps.information(weights)
    assert diagonal.shape == (6, 3)
    assert np.allclose(diagonal, np.einsum("kcii->kci", by_class).reshape(6, 3))


LIMITS = {"joint": (400, 500), "by class": (0, 500), "diagonal": (0, 0)}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_is_dense(problem, monkeypatch, rng, limits, container):
    monkeypatch.setattr(module, "_MAX_JOINT", limits[0])
    monkeypatch.setattr(module, "_MAX_COLUMNS", limits[1])
    rows, coef, targets, weights = problem
    rows = rows * (rng.uniform(size=rows.shape) < 0.5)
    moves = []
    for given in (rows, container(rows)):
        steps = SoftmaxSteps(given, coef)
        gradient = steps.gradient((targets - steps.proba)[:, :-1] * weights[:, None])
        information = steps.information(weights)
        assert type(information) is np.ndarray
        moves.append(steps.step(gradient, information, 0.7))
    assert moves[0].shape == coef.shape
    assert np.allclose(*moves)


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_steps_climb_to_the_maximum(problem, monkeypatch, limits):
    monkeypatch.setattr(module, "_MAX_JOINT", limits[0])
    monkeypatch.setattr(module, "_MAX_COLUMNS", limits[1])
    rows, coef, targets, weights = problem
    weights /= weights.sum(axis=1, keepdims=True)
    for _ in range(300 if limits[1] else 3000):
        steps = SoftmaxSteps(rows, coef)
        gradient = steps.gradient((targets - steps.proba)[:, :-1] * weights[:, None])
        coef = coef + steps.step(gradient, steps.information(weights), 1.0)
    assert np.abs(gradient).max() < 1e-4


def test_a_penalty_is_added_to_the_diagonal(rng):
    curvature = rng.uniform(size=(2, 3, 4))
    dense = with_penalty(np.zeros((2, 12, 12)), curvature)
    assert np.array_equal(dense, [np.diag(own.ravel()) for own in curvature])
    by_class = with_penalty(np.ones((6, 4, 4)), curvature)
    own = curvature.reshape(6, 4)
    assert np.allclose(by_class - 1.0, own[:, :, None] * np.eye(4))
    assert np.allclose(with_penalty(np.ones((6, 4)), curvature), 1.0 + own)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_no_predictor_is_moved_further(rng, container):
    rows = container(rng.standard_normal((50, 3)))
    step = (
        rng.standard_normal((4, 2, 3)) * np.array([1e-3, 1.0, 30.0, 0.0])[:, None, None]
    )
    factors = shortened(rows, step, 2.0)
    for own, factor in zip(step, factors, strict=True):
        farthest = np.abs(rows @ own.T).max()
        assert np.isclose(factor, 1.0 if farthest <= 2 else 2.0 / farthest)
    assert factors[0] == factors[3] == 1.0


def test_steps_are_shortened(problem):
    rows, coef, targets, weights = problem
    steps = SoftmaxSteps(rows, coef)
    gradient = steps.gradient((targets - steps.proba)[:, :-1] * weights[:, None])
    move = steps.step(1e6 * gradient, steps.information(weights), 1.0)
    for own in move:
        assert np.isclose(np.abs(rows @ own.T).max(), module._LONGEST)
