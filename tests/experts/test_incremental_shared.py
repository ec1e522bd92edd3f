"""A shared expert that learns from batches, beside others."""

from copy import copy

import numpy as np
import pytest
from batch_cases import named, steps
from scipy import sparse
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe._routes import Routes
from skmoe.experts import make_incremental_shared_pool

SHARED = {
    "ridge": Ridge(),
    "sgd": SGDRegressor(random_state=0),
    "pipeline": make_pipeline(PolynomialFeatures(2), Ridge()),
}


def additive(rng, n_samples=6000, n_outputs=None):
    """What all rows have in common, and what a regime has by itself."""
    X = rng.uniform(-1, 1, size=(n_samples, 3))
    regime = (X[:, 2] > 0).astype(int)
    common = 2.0 * X[:, 0] - X[:, 1]
    own = np.where(regime, 3.0, -3.0) * X[:, 2]
    y = common + own + 0.1 * rng.standard_normal(n_samples)
    if n_outputs:
        y = np.column_stack([y, 2.0 - y])
    return X, y, np.eye(2)[regime] * 0.98 + 0.01


def make_pool(X, y, shared=SHARED["ridge"], experts=None, seed=0):
    experts = named(experts or [LinearRegression(), LinearRegression()])
    state = np.random.RandomState(seed)
    return make_incremental_shared_pool(
        shared, experts, X, y, random_state=state, n_jobs=None
    )


def follow(pool, X, y, weights, these=None):
    for rows, step in these or steps(weights):
        pool.partial_fit(X[rows], y[rows], weights[rows], step)
    return pool


@pytest.mark.parametrize("shared", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("n_outputs", [None, 2])
def test_a_prediction_is_a_sum(rng, shared, n_outputs):
    X, y, weights = additive(rng, 500, n_outputs)
    if n_outputs and isinstance(shared, SGDRegressor):
        pytest.skip("it takes one output")
    pool = follow(make_pool(X, y, shared), X, y, weights)
    common = pool.shared_fitted.predict(X)
    expected = np.stack([common + e.predict(X) for e in pool.estimators()], axis=1)
    assert np.allclose(pool.predict(X), expected)
    routes = Routes(np.arange(500)[:, None] % 2, 2)
    assert np.allclose(pool.predict_routed(X, routes), routes.of_pairs(expected))
    assert pool.n_experts == 2
    assert [name for name, _ in pool.experts] == ["e0", "e1"]


@pytest.mark.parametrize("shared", SHARED.values(), ids=SHARED)
def test_batches_end_near_the_truth(rng, shared):
    X, y, weights = additive(rng)
    pool = follow(make_pool(X, y, shared), X, y, weights)
    squares = (y[:, None] - pool.predict(X)) ** 2
    # Noise is 0.01 of it, that of y is above 2.
    assert squares[weights > 0.5].mean() < 0.05
    expected = (weights * squares).sum(axis=0) / weights.sum(axis=0)
    assert np.allclose(pool.variances, expected, rtol=0.3)


def test_what_is_common_is_learnt_by_the_shared_expert(rng):
    """Where experts are constants, slopes are the shared expert's alone."""
    X, y, weights = additive(rng)
    y = y - np.where(X[:, 2] > 0, 3.0, -3.0) * (X[:, 2] - 1.0)
    weights = np.round(weights)
    constant = make_pipeline(PolynomialFeatures(0), LinearRegression(fit_intercept=False))
    pool = follow(make_pool(X, y, Ridge(), [constant] * 2), X, y, weights)
    assert np.allclose(pool.shared_fitted.coef_, [2.0, -1.0, 0.0], atol=0.35)
    apart = np.diff(pool.predict(X), axis=1)
    assert np.allclose(apart, 6.0, atol=0.7)


def test_one_step_by_hand(rng):
    """First the shared expert, by precision; then the others, on what it leaves."""
    X, y, weights = additive(rng, 300)
    weights *= rng.uniform(0.5, 2.0, size=(300, 1))
    (first, step), (rows, other) = list(steps(weights, size=150))
    pool = follow(make_pool(X, y), X, y, weights, [(first, step)])
    shared, inner, variances = copy(pool.shared), copy(pool.inner), pool.variances
    X, y, weights = X[rows], y[rows], weights[rows]
    precision = weights / variances
    own = precision.sum(axis=1)
    left = (precision * (y[:, None] - inner.predict(X))).sum(axis=1) / own
    own *= weights.sum() / own.sum()
    shared.partial_fit(X, left, own[:, None], other)
    rest = y - shared.predict(X)[:, 0]
    inner.partial_fit(X, rest, weights, other)
    pool.partial_fit(X, y, weights, other)
    assert np.allclose(pool.shared.predict(X), shared.predict(X))
    assert np.allclose(pool.inner.predict(X), inner.predict(X))
    squares = weights * (rest[:, None] - inner.predict(X)) ** 2
    found = squares.sum(axis=0) / weights.sum(axis=0)
    expected = (1 - other.rate) * variances + other.rate * found
    assert np.allclose(pool.variances, expected)


def test_sparse_weights_are_dense_ones(rng):
    X, y, weights = additive(rng, 500)
    weights = np.where(weights > 0.5, 1.0, 0.0)
    one = follow(make_pool(X, y), X, y, weights)
    # The other expert of a row is stored, with no weight.
    experts = np.tile([0, 1], (500, 1))
    table = Routes(experts, 2).table(weights)
    other = follow(make_pool(X, y), X, y, sparse.csr_array(table))
    assert np.allclose(one.predict(X), other.predict(X))


def test_a_copy_is_a_snapshot(rng):
    X, y, weights = additive(rng, 500)
    pool = follow(make_pool(X, y), X, y, weights)
    earlier, known, variances = copy(pool), pool.predict(X), pool.variances.copy()
    follow(pool, X, -y, weights)
    assert np.array_equal(earlier.predict(X), known)
    assert np.array_equal(earlier.variances, variances)
    assert not np.allclose(pool.predict(X), known)
    renewed = earlier.renewed({0})
    assert not renewed.inner.information[0].any()
    assert earlier.inner.information[0].any()
    follow(renewed, X, -y, weights, list(steps(weights))[1:2])
    assert np.array_equal(earlier.predict(X), known)


@pytest.mark.parametrize("shared", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("knows", [True, False])
def test_learning_goes_on_from_estimators(rng, shared, knows):
    X, y, weights = additive(rng, 2000)
    every = list(steps(weights))
    pool = follow(make_pool(X, y, shared), X, y, weights, every[:10])
    other = make_pool(X, y, pool.shared_fitted, pool.estimators())
    rows = X[1000:1100], y[1000:1100], weights[1000:1100].sum(axis=1)
    state = pool.state if knows else None
    other.resume_shared(*rows, pool.shared_fitted, state)
    other.resume(*rows, pool.estimators(), state)
    assert np.allclose(other.predict(X), pool.predict(X))
    for moved in (pool, other):
        follow(moved, X, y, weights, every[10:])
    gap = np.abs(other.predict(X) - pool.predict(X)).max()
    assert gap < (1e-8 if knows else 0.5)


class Failing(SGDRegressor):
    def partial_fit(self, X, y, sample_weight=None):
        raise ValueError("boom")


def test_errors(rng):
    X, y, weights = additive(rng, 200)
    match = r"shared_expert: DecisionTreeRegressor has no partial_fit.*solver='em'"
    with pytest.raises(ValueError, match=match):
        make_pool(X, y, DecisionTreeRegressor())
    with pytest.raises(ValueError, match=r"experts: 'e0' \(PoissonRegressor\).*target"):
        make_pool(X, np.exp(y), Ridge(), [PoissonRegressor()] * 2)
    pool = make_pool(X, y, Ridge(), [Failing(), Failing()])
    pool.iteration = 5
    with pytest.raises(ValueError, match=r"'e[01]' \(Failing\).*iteration 5.*boom"):
        follow(pool, X, y, weights)
    pool = make_pool(X, y, make_pipeline(StandardScaler(), SGDRegressor()))
    pool.iteration = 4
    with pytest.raises(ValueError, match=r"shared_expert \(Pipeline\).*iteration 4.*NaN"):
        follow(pool, X, y + np.nan, weights)
