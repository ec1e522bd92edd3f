"""The softmax regression against brute force."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp

from skmoe import _grams, _softmax_regression
from skmoe._design import Design
from skmoe._softmax_regression import _Problem, fit_softmax_regression


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_problem(rng, n_classes=3, n_samples=80, n_features=2):
    X = rng.normal(size=(n_samples, n_features))
    design = np.column_stack([np.ones(n_samples), X])
    targets = rng.dirichlet(np.full(n_classes, 0.7), size=n_samples).T
    targets *= rng.uniform(0.2, 2.0, size=n_samples)
    ridge = np.r_[0.0, rng.uniform(0.1, 1.0, size=n_features)]
    half = rng.normal(size=(n_classes - 1, n_classes - 1))
    coupling = half @ half.T + np.eye(n_classes - 1)
    return {"design": design, "targets": targets, "ridge": ridge, "coupling": coupling}


def zeros(problem):
    return np.zeros((len(problem["targets"]) - 1, problem["design"].shape[1]))


def objective(coef, design, targets, ridge, coupling):
    """The formula of the docstring, term by term."""
    logits = np.vstack([coef @ design.T, np.zeros(len(design))])
    total = -np.sum(targets * (logits - logsumexp(logits, axis=0)))
    for k in range(len(coef)):
        for m in range(len(coef)):
            total += 0.5 * coupling[k, m] * np.sum(ridge * coef[k] * coef[m])
    return total


def differences(function, coef, step=1e-5):
    """Central differences, one entry of ``coef`` at a time."""
    columns = []
    for index in np.ndindex(coef.shape):
        shift = np.zeros_like(coef)
        shift[index] = step
        columns.append((function(coef + shift) - function(coef - shift)) / (2 * step))
    return np.array(columns)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_derivatives(rng, n_classes):
    arguments = make_problem(rng, n_classes)
    problem = _Problem(**arguments)
    coef = rng.normal(size=(n_classes - 1, 3))

    def gradient(at):
        problem.value(at)
        return problem.gradient(at).ravel()

    assert problem.value(coef) == pytest.approx(objective(coef, **arguments))
    numeric = differences(lambda at: objective(at, **arguments), coef)
    np.testing.assert_allclose(gradient(coef), numeric, atol=1e-5)
    numeric = differences(gradient, coef)
    gradient(coef)
    np.testing.assert_allclose(problem.hessian(), numeric, atol=1e-5)


@pytest.mark.parametrize("kind", ["unbatched", "sparse"])
def test_hessian_branches(rng, kind, monkeypatch):
    arguments = make_problem(rng, 4)
    coef = rng.normal(size=(3, 3))
    hessians = []
    for variant in ["batched", kind]:
        if variant == "unbatched":
            monkeypatch.setattr(_grams, "_BATCH_CELLS", 0)
        if variant == "sparse":
            arguments["design"] = sparse.csr_matrix(arguments["design"])
        problem = _Problem(**arguments)
        problem.value(coef)
        problem.gradient(coef)
        hessians.append(problem.hessian())
    np.testing.assert_allclose(hessians[0], hessians[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_optimum_is_that_of_a_general_optimiser(rng, n_classes):
    problem = make_problem(rng, n_classes)
    start = zeros(problem)
    coef, n_iter = fit_softmax_regression(**problem, start=start)
    reference = minimize(
        lambda flat: objective(flat.reshape(start.shape), **problem),
        start.ravel(),
        method="BFGS",
        options={"gtol": 1e-5},
    )
    np.testing.assert_allclose(coef.ravel(), reference.x, atol=1e-4)
    assert objective(coef, **problem) <= reference.fun + 1e-9
    assert n_iter < 12


def test_a_far_start_ends_at_the_same_optimum(rng):
    problem = make_problem(rng)
    near, _ = fit_softmax_regression(**problem, start=zeros(problem))
    start = 30 * rng.normal(size=near.shape)
    far, _ = fit_softmax_regression(**problem, start=start)
    np.testing.assert_allclose(far, near, atol=1e-7)


def test_no_step_raises_the_objective(rng):
    """From a start that is too sure, where full Newton steps overshoot."""
    problem = make_problem(rng)
    logits = rng.normal(size=(3, 3)) @ problem["design"].T
    labels = (logits + 0.3 * rng.gumbel(size=logits.shape)).argmax(axis=0)
    problem["targets"] = np.eye(3)[:, labels]
    problem["ridge"] *= 1e-6
    start = 3 * fit_softmax_regression(**problem, start=zeros(problem))[0]
    values = [objective(start, **problem)]
    for max_iter in range(1, 9):
        coef, _ = fit_softmax_regression(**problem, start=start, max_iter=max_iter)
        values.append(objective(coef, **problem))
    assert (np.diff(values) <= 1e-9).all()


def test_max_iter_bounds_the_steps(rng):
    problem = make_problem(rng)
    start = zeros(problem)
    coef, n_iter = fit_softmax_regression(**problem, start=start, max_iter=1)
    assert n_iter == 1
    assert objective(coef, **problem) < objective(start, **problem)
    np.testing.assert_array_equal(start, 0)


def test_lbfgs_equals_newton(rng, monkeypatch):
    problem = make_problem(rng, n_features=4)
    newton, _ = fit_softmax_regression(**problem, start=zeros(problem))
    monkeypatch.setattr(_softmax_regression, "_MAX_NEWTON_UNKNOWNS", 1)
    monkeypatch.delattr(_softmax_regression, "_newton")
    lbfgs, _ = fit_softmax_regression(**problem, start=zeros(problem))
    np.testing.assert_allclose(lbfgs, newton, atol=1e-3)
    assert objective(lbfgs, **problem) - objective(newton, **problem) < 1e-5


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_equals_dense_in_the_users_units(rng, fit_intercept):
    n_samples, n_features = 120, 4
    X = rng.normal(2.0, [1.0, 5.0, 0.1, 30.0], size=(n_samples, n_features))
    X[rng.uniform(size=X.shape) < 0.5] = 0.0
    weights = rng.uniform(0.5, 2.0, size=n_samples)
    targets = rng.dirichlet(np.ones(3), size=n_samples).T * weights
    slopes, intercepts, matrices = [], [], []
    for container in [np.asarray, sparse.csr_matrix]:
        design = Design(container(X), weights, fit_intercept)
        coef, _ = fit_softmax_regression(
            design.matrix,
            targets,
            ridge=design.penalized,
            coupling=np.eye(2),
            start=np.zeros((2, design.matrix.shape[1])),
        )
        back = design.from_user(*design.to_user(coef))
        np.testing.assert_allclose(back, coef, atol=1e-10)
        slope, intercept = design.to_user(coef)
        slopes.append(slope)
        intercepts.append(intercept)
        matrices.append(design.matrix)
    assert sparse.issparse(matrices[1])
    np.testing.assert_array_equal(matrices[1].toarray() == 0, _no_centring(X, matrices))
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(intercepts[1], intercepts[0], rtol=1e-5, atol=1e-6)


def _no_centring(X, matrices):
    """Where zeros of X stay zeros."""
    n_intercepts = matrices[1].shape[1] - X.shape[1]
    return np.hstack([np.zeros((len(X), n_intercepts), dtype=bool), X == 0])


def test_design_is_standardised_by_the_weights(rng):
    X = rng.normal([3.0, -1e6], [1e-3, 1e5], size=(50, 2))
    counts = rng.integers(1, 4, size=50)
    matrix = Design(X, counts.astype(float)).matrix
    repeated = np.repeat(matrix, counts, axis=0)
    np.testing.assert_allclose(repeated[:, 1:].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(repeated[:, 1:].std(axis=0), 1)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("penalised", [False, True])
def test_useless_columns_change_nothing(rng, is_sparse, penalised):
    X = rng.normal(size=(100, 2))
    weights = np.ones(100)
    targets = rng.dirichlet(np.ones(3), size=100).T
    useless = np.column_stack([X, np.full(100, 1e7 / 3), np.zeros(100)])
    if not penalised:
        # A penalty shares slopes among collinear columns, so it tells them apart.
        useless = np.column_stack([useless, X[:, 0] - 2 * X[:, 1]])
    predictions = []
    for columns in [X, useless]:
        container = sparse.csr_matrix if is_sparse else np.asarray
        design = Design(container(columns), weights)
        coef, _ = fit_softmax_regression(
            design.matrix,
            targets,
            ridge=penalised * design.penalized,
            coupling=np.eye(2),
            start=np.zeros((2, design.matrix.shape[1])),
        )
        slopes, intercept = design.to_user(coef)
        assert np.isfinite(slopes).all()
        assert np.isfinite(intercept).all()
        if not is_sparse:
            np.testing.assert_array_equal(slopes[:, 2:4], 0)
        predictions.append(design.matrix @ coef.T)
    np.testing.assert_allclose(predictions[1], predictions[0], atol=1e-4)
