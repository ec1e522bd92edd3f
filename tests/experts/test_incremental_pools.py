"""Linear experts that learn from batches, against fits to all rows at once."""

from copy import copy

import numpy as np
import pytest
from batch_cases import LINEAR, N_CLASSES, incremental, learnt, make, named, pools, steps
from batch_cases import whole_step as whole
from scipy import sparse
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge
from sklearn.utils.validation import check_is_fitted

import skmoe._running as running
from skmoe._routes import Routes
from skmoe._running import StepSize
from skmoe.experts._newton import NewtonPool

KINDS = list(LINEAR)
LEAST_SQUARES = ["least squares", "no intercept", "ridge"]


@pytest.fixture
def undamped(monkeypatch):
    monkeypatch.setattr(running, "_DAMPING_ROWS", 0.0)


# Against the optimum


@pytest.mark.parametrize("kind", LEAST_SQUARES)
@pytest.mark.parametrize("n_outputs", [None, 1, 2])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_least_squares_of_batches_is_that_of_all_rows(
    rng, undamped, kind, n_outputs, container
):
    X, y, weights = make(rng, kind)
    if n_outputs:
        y = np.column_stack([y, y**2 + X[:, 0]])[:, :n_outputs]
    pool, fitted = pools(kind, container(X), y)
    fitted.fit(container(X), y, weights)
    assert isinstance(pool, NewtonPool)
    learnt(pool, container(X), y, weights, learning_rate=1.0, total=weights.sum())
    expected = fitted.predict(X)
    assert pool.predict(container(X)).shape == expected.shape
    assert np.allclose(pool.predict(container(X)), expected, rtol=1e-6, atol=1e-6)
    for own, other in zip(pool.estimators(), fitted.estimators(), strict=True):
        assert np.allclose(own.coef_, other.coef_, rtol=1e-5, atol=1e-7)
        assert np.allclose(own.intercept_, other.intercept_, rtol=1e-5, atol=1e-5)
        assert not hasattr(own, "singular_")  # which all rows of a fit have


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_whole_steps_on_the_same_rows_end_at_the_optimum(rng, undamped, kind, container):
    """Penalties have their part in gradient and information."""
    X, y, weights = make(rng, kind, n_samples=300)
    pool, fitted = pools(kind, container(X), y)
    fitted.fit(X, y, weights)
    for _ in range(200):
        pool.partial_fit(container(X), y, weights, whole(weights))
    assert np.allclose(pool.predict(X), fitted.predict(X), rtol=1e-4, atol=1e-4)
    assert pool.penalty == pytest.approx(fitted.penalty, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-4, 1e5])
def test_weights_are_relative_without_penalties(rng, kind, scale):
    X, y, weights = make(rng, kind, n_samples=300)
    if kind == "ridge" or kind in N_CLASSES:
        pytest.skip("a penalty is compared with weights")
    one, other = pools(kind, X, y)[0], pools(kind, X, y)[0]
    learnt(one, X, y, weights)
    learnt(other, X, y, scale * weights)
    assert np.allclose(one.predict(X), other.predict(X), rtol=1e-6, atol=1e-8)


def distance(kind, prediction, expected):
    """Root mean squared difference, in units of the spread of what is expected."""
    if kind in ("poisson", "gamma"):
        prediction, expected = np.log(prediction), np.log(expected)
    spread = expected.std() if kind not in N_CLASSES else 1.0
    return np.sqrt(np.mean((prediction - expected) ** 2)) / spread


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_batches_end_near_the_optimum(rng, kind, container):
    X, y, weights = make(rng, kind, n_samples=8000)
    pool, fitted = pools(kind, container(X), y)
    fitted.fit(X, y, weights)
    learnt(pool, container(X), y, weights)
    assert distance(kind, pool.predict(container(X)), fitted.predict(X)) < 0.2
    for own, other in zip(pool.estimators(), fitted.estimators(), strict=True):
        assert type(own) is type(other)
        gap = (own.coef_ - other.coef_) * X.std(axis=0)
        assert np.abs(gap).max() < 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_columns_that_are_constant_at_first(rng, undamped, kind, container):
    X, y, weights = make(rng, kind, n_samples=4000)
    X = np.column_stack([X, np.arange(4000) % 100 * (np.arange(4000) >= 100) / 50])
    X[:100, 0] = 2.0
    pool, fitted = pools(kind, container(X), y)
    fitted.fit(X, y, weights)
    if kind in LEAST_SQUARES:
        options = {"learning_rate": 1.0, "total": weights.sum()}
        learnt(pool, container(X), y, weights, **options)
        expected = fitted.predict(X)
        assert np.allclose(pool.predict(container(X)), expected, rtol=1e-3, atol=0.02)
    else:
        learnt(pool, container(X), y, weights)
        assert distance(kind, pool.predict(container(X)), fitted.predict(X)) < 0.3


# What is told of the experts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_estimators_predict_as_the_pool(rng, kind, container):
    X, y, weights = make(rng, kind, n_samples=400)
    pool, _ = pools(kind, container(X), y)
    prediction = learnt(pool, container(X), y, weights).predict(container(X))
    routed = pool.predict_routed(container(X), Routes(np.arange(400)[:, None] % 2, 2))
    for k, fitted in enumerate(pool.estimators()):
        check_is_fitted(fitted)
        ask = fitted.predict_proba if kind in N_CLASSES else fitted.predict
        assert np.allclose(ask(container(X)), prediction[:, k], rtol=1e-7, atol=1e-8)
        assert np.allclose(routed[k::2, 0], prediction[k::2, k])
        assert fitted.n_features_in_ == 3
        assert not hasattr(pool.experts[k][1], "coef_")


def test_estimators_know_their_features(rng):
    pandas = pytest.importorskip("pandas")
    X, y, weights = make(rng, n_samples=200)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    pool, _ = pools("least squares", frame, y)
    for rows, step in steps(weights):
        pool.partial_fit(frame[rows], y[rows], weights[rows], step)
    for fitted in pool.estimators():
        assert list(fitted.feature_names_in_) == ["a", "b", "c"]
        fitted.predict(frame)


# Between batches


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_a_snapshot(rng, kind):
    X, y, weights = make(rng, kind, n_samples=300)
    pool, _ = pools(kind, X, y)
    learnt(pool, X[:200], y[:200], weights[:200])
    earlier, known = copy(pool), pool.predict(X)
    state = {name: np.copy(value) for name, value in pool.state.items()}
    pool.partial_fit(X[200:], y[200:], weights[200:], StepSize(100.0, 0.5, 300.0))
    assert np.array_equal(earlier.predict(X), known)
    assert not np.allclose(pool.predict(X), known)
    for name, value in earlier.state.items():
        assert np.array_equal(value, state[name])


def split(weights):
    """Steps of the first and the last batches."""
    every = list(steps(weights))
    return every[: len(every) // 2], every[len(every) // 2 :]


def follow(pool, X, y, weights, these):
    for rows, step in these:
        pool.partial_fit(X[rows], y[rows], weights[rows], step)
    return pool


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_learning_goes_on_from_a_state(rng, kind, container):
    X, y, weights = make(rng, kind, n_samples=800)
    first, last = split(weights)
    X = container(X)
    pool = follow(pools(kind, X, y)[0], X, y, weights, first)
    classes = getattr(pool.inner, "classes", None)
    other = incremental(named(pool.estimators()), X, y, classes)
    now = last[0][0]
    rows = X[now], y[now], weights[now].sum(axis=1)
    other.resume(*rows, pool.estimators(), pool.state)
    assert np.allclose(other.predict(X), pool.predict(X), rtol=1e-8)
    for going_on in (pool, other):
        follow(going_on, X, y, weights, last)
    assert np.allclose(other.predict(X), pool.predict(X), rtol=1e-6, atol=1e-8)
    for own, going_on in zip(other.estimators(), pool.estimators(), strict=True):
        assert np.allclose(own.coef_, going_on.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_learning_goes_on_without_a_state(rng, kind):
    X, y, weights = make(rng, kind, n_samples=8000)
    _, last = split(weights)
    pool, fitted = pools(kind, X, y)
    estimators = fitted.fit(X[:4000], y[:4000], weights[:4000]).estimators()
    pool.resume(X[4000:4100], y[4000:4100], weights[4000:4100].sum(axis=1), estimators)
    assert np.allclose(pool.predict(X), fitted.predict(X), rtol=1e-6, atol=1e-8)
    follow(pool, X, y, weights, last[:1])
    assert distance(kind, pool.predict(X), fitted.predict(X)) < 0.2
    follow(pool, X, y, weights, last[1:])
    for k, estimator in enumerate(pool.estimators()):
        ask = estimator.predict_proba if kind in N_CLASSES else estimator.predict
        assert np.allclose(ask(X), pool.predict(X)[:, k], rtol=1e-7, atol=1e-8)
    every = pools(kind, X, y)[1].fit(X, y, weights)
    assert distance(kind, pool.predict(X), every.predict(X)) < 0.2


@pytest.mark.parametrize("kind", LEAST_SQUARES)
def test_who_is_renewed_learns_from_the_next_rows_alone(rng, undamped, kind):
    X, y, weights = make(rng, kind, n_samples=600)
    pool, fitted = pools(kind, X, y)
    learnt(pool, X[:300], y[:300], weights[:300])
    other, X, y, weights = copy(pool), X[300:], y[300:] + 5.0, weights[300:]
    fitted.fit(X, y, weights)
    total = weights.sum()
    # A ridge is relative to the rows that count: those of the batch.
    step = StepSize(total, 0.01, total)
    known = pool.information.copy()
    renewed = pool.renewed({1})
    assert np.array_equal(pool.information, known)
    for moved in (renewed, other):
        moved.partial_fit(X, y, weights, step)
    assert np.allclose(renewed.predict(X)[:, 0], other.predict(X)[:, 0])
    gaps = np.abs(renewed.predict(X) - fitted.predict(X)).max(axis=0)
    assert gaps[1] < (1e-6 if kind != "ridge" else 0.5 * gaps[0])
    assert gaps[0] > 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_information_is_averaged(rng, kind):
    X, y, weights = make(rng, kind, n_samples=300)
    pool = learnt(pools(kind, X, y)[0], X[:200], y[:200], weights[:200])
    known, batch, total = pool.information, slice(200, 300), weights[200:].sum()
    alone, moved = copy(pool), copy(pool)
    for other, rate in [(alone, 1.0), (moved, 0.3)]:
        step = StepSize(total, rate, weights.sum())
        other.partial_fit(X[batch], y[batch], weights[batch], step)
    assert not np.allclose(alone.information, known, rtol=1e-3)
    assert np.allclose(moved.information, 0.7 * known + 0.3 * alone.information)


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_weights_are_dense_ones(rng, kind):
    X, y, weights = make(rng, kind, n_samples=400)
    weights[np.arange(400), rng.integers(2, size=400)] = 0.0
    one = learnt(pools(kind, X, y)[0], X, y, weights)
    other = learnt(pools(kind, X, y)[0], X, y, sparse.csr_array(weights))
    assert np.allclose(one.predict(X), other.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_an_expert_without_rows_stays(rng, kind):
    X, y, weights = make(rng, kind, n_samples=400)
    if kind == "ridge" or kind in N_CLASSES:
        pytest.skip("a penalty shrinks it")
    pool = learnt(pools(kind, X, y)[0], X[:200], y[:200], weights[:200])
    known = pool.predict(X)
    weights[200:, 1] = 0.0
    learnt(pool, X[200:], y[200:], weights[200:])
    assert np.array_equal(pool.predict(X)[:, 1], known[:, 1])
    assert not np.allclose(pool.predict(X)[:, 0], known[:, 0])


@pytest.mark.parametrize("kind", ["poisson", "gamma"])
def test_wild_rows_do_no_harm(rng, kind):
    X, y, weights = make(rng, kind, n_samples=3000)
    pool, fitted = pools(kind, X, y)
    expected = fitted.fit(X, y, weights).predict(X)
    y[150] = 1e8
    learnt(pool, X, y, weights)
    gap = distance(kind, pool.predict(X), expected)
    assert gap < 0.7 * distance(kind, fitted.fit(X, y, weights).predict(X), expected)
    assert np.isfinite(pool.predict(1e6 * X)).all()


def test_no_counts_yet(rng):
    X, y, weights = make(rng, "poisson", n_samples=4000)
    y[:100] = 0.0
    pool, fitted = pools("poisson", X, y)
    learnt(pool, X, y, weights)
    assert (
        distance("poisson", pool.predict(X), fitted.fit(X, y, weights).predict(X)) < 0.3
    )


def test_bad_rows_are_those_of_an_expert(rng):
    X, y, weights = make(rng, n_samples=100)
    pool, _ = pools("least squares", X, y)
    pool.iteration = 3
    with pytest.raises(ValueError, match=r"'e0' \(LinearRegression\).*iteration 3.*NaN"):
        pool.partial_fit(X + np.nan, y, weights, whole(weights))


def test_one_kind_is_one_pool(rng):
    X, y, _ = make(rng, "poisson", n_samples=50)
    for kind in (
        [Ridge(1.0), Ridge(2.0)],
        [PoissonRegressor()] * 2,
        [LinearRegression()],
    ):
        assert isinstance(incremental(named(kind), X, y), NewtonPool)
