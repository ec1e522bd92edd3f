"""Softmax regression on sparse targets."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.sparse import csr_array

import skmoe._softmax_of_pairs as module
from skmoe._design import Design
from skmoe._routes import Routes
from skmoe._softmax_of_pairs import PairsObjective, fit_softmax_to_pairs
from skmoe._softmax_regression import fit_softmax_regression


@pytest.fixture
def problem(rng):
    X = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 4))
    weights = rng.uniform(0.5, 2, size=300)
    experts = np.array([rng.permutation(6)[:2] for _ in range(300)])
    shares = rng.dirichlet([1, 1], size=300) * weights[:, None]
    return Design(X, weights), Routes(experts, 6).table(shares)


@pytest.mark.parametrize(
    ("slopes", "z_loss"), [(None, 0.0), (np.arange(6.0), 0.0), (-np.arange(6.0), 0.3)]
)
def test_gradient(problem, rng, slopes, z_loss, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_CELLS", 400)  # several chunks
    design, targets = problem
    objective = PairsObjective(design, targets, design.penalized, slopes, z_loss)
    coef = rng.standard_normal((6, 5))
    _, gradient = objective(coef)
    numeric = approx_fprime(
        coef.ravel(), lambda flat: objective(flat.reshape(6, 5))[0], 1e-6
    )
    assert np.allclose(gradient.ravel(), numeric, rtol=1e-4, atol=1e-3)


def test_value_is_what_it_says(problem, rng):
    design, targets = problem
    slopes, coef = rng.standard_normal(6), rng.standard_normal((6, 5))
    coef -= coef.mean(axis=0)
    objective = PairsObjective(design, targets, 0.7 * design.penalized, slopes, 0.2)
    logits = design.matrix @ coef.T
    total = np.log(np.exp(logits).sum(axis=1))
    proba = np.exp(logits - total[:, None])
    full, weights = targets.toarray(), targets.sum(axis=1)
    penalty = 0.35 * np.sum(coef[:, 1:] ** 2) + weights @ (proba @ slopes)
    penalty += 0.2 * weights @ (total - np.log(6)) ** 2
    value, _ = objective(coef)
    assert np.isclose(value, penalty - np.sum(full * np.log(proba)))
    assert np.isclose(objective.penalty, penalty)


def test_solution_is_that_of_newton(problem):
    design, targets = problem
    ridge = 0.1 * design.penalized
    objective = PairsObjective(design, targets, ridge)
    coef, _ = fit_softmax_to_pairs(objective, np.zeros((6, 5)), 1e-14, 500)
    free, _ = fit_softmax_regression(
        design.matrix,
        np.ascontiguousarray(targets.toarray().T),
        ridge=ridge,
        coupling=np.eye(5) - 1 / 6,
        start=np.zeros((5, 5)),
    )
    found = design.matrix @ (coef[:-1] - coef[-1]).T
    assert np.allclose(found, design.matrix @ free.T, atol=1e-3)


def test_uniform_logits_cost_nothing(problem):
    design, targets = problem
    objective = PairsObjective(design, csr_array(targets), design.penalized, None, 5.0)
    objective(np.zeros((6, 5)))
    assert np.isclose(objective.penalty, 0.0)
