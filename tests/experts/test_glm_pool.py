"""Poisson and gamma regressions together, against scikit-learn's one by one."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import PoissonRegressor, TweedieRegressor
from sklearn.linear_model._glm._newton_solver import NewtonCholeskySolver

from skmoe import MixtureOfExpertsRegressor
from skmoe.experts import _glm, make_regressor_pool
from skmoe.experts._glm import GammaPool, PoissonPool
from skmoe.experts._pool import EstimatorPool

POOLS = [PoissonPool, GammaPool]


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_data(rng, pool, n_samples=80, n_experts=2):
    X = rng.normal([2.0, -300.0, 0.0], [1.0, 50.0, 1e-3], size=(n_samples, 3))
    slopes = rng.normal(0, 0.5, size=3) / [1.0, 50.0, 1e-3]
    mean = np.exp(1.5 + (X - [2.0, -300.0, 0.0]) @ slopes)
    y = mean * rng.gamma(3.0, 1 / 3, size=n_samples)
    if pool is PoissonPool:
        y = rng.poisson(y).astype(float)
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    return X, y, weights * rng.uniform(0.5, 2.0, size=(n_samples, 1))


def named(*estimators):
    return [(f"e{k}", estimator) for k, estimator in enumerate(estimators)]


def objective(expert, X, y, weights):
    """scikit-learn's, for slopes and an intercept."""

    def value(coef, intercept):
        logs = X @ coef + intercept
        if type(expert) is PoissonRegressor:
            losses = np.exp(logs) - y * logs
        else:
            losses = logs + y * np.exp(-logs)
        return np.average(losses, weights=weights) + 0.5 * expert.alpha * coef @ coef

    return value


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_the_fits_are_scikit_learns(rng, kind, fit_intercept, alpha, container):
    X, y, weights = make_data(rng, kind)
    if not fit_intercept or alpha:  # units that scikit-learn's solver can bear
        X = (X - [0.0, -300.0, 0.0]) / [1.0, 50.0, 1e-3]
    templates = [
        kind.estimator_class(alpha=alpha * (k + 1), fit_intercept=fit_intercept)
        for k in range(2)
    ]
    assert kind.supports(templates, container(X), y)
    pool = kind(named(*templates)).fit(container(X), y, weights)
    assert pool.penalty == 0
    new = make_data(rng, kind)[0] if fit_intercept and not alpha else X[:20]
    predictions = pool.predict(container(X)), pool.predict(container(new))
    estimators = pool.estimators()
    for k, (fitted, template) in enumerate(zip(estimators, templates, strict=True)):
        # In standard units, where its Newton solver gets to the end.
        reference = clone(template).set_params(solver="newton-cholesky", tol=1e-12)
        center, scale = np.zeros(3), np.ones(3)
        if fit_intercept and not alpha:
            center, scale = X.mean(axis=0), X.std(axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is nothing left to gain
            reference.fit((X - center) / scale, y, sample_weight=weights[:, k])
        intercept = reference.intercept_ - reference.coef_ / scale @ center
        assert type(fitted) is type(template)
        assert fitted.get_params() == template.get_params()
        assert isinstance(fitted.n_iter_, int)
        assert np.shape(fitted.intercept_) == ()
        slopes = fitted.coef_ * scale
        np.testing.assert_allclose(slopes, reference.coef_, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(fitted.intercept_, intercept, rtol=1e-6, atol=1e-6)
        for columns, prediction in zip([X, new], predictions, strict=True):
            expected = reference.predict((columns - center) / scale)
            np.testing.assert_allclose(prediction[:, k], expected, rtol=1e-6)
            np.testing.assert_allclose(fitted.predict(container(columns)), expected, 1e-6)


@pytest.mark.parametrize("kind", POOLS)
def test_no_direction_leads_down(rng, kind):
    """Finite differences of scikit-learn's objective vanish, in the user's units."""
    X, y, weights = make_data(rng, kind)
    X = (X - [0.0, -300.0, 0.0]) / [1.0, 50.0, 1e-3]
    templates = [kind.estimator_class(alpha=alpha) for alpha in (0.02, 1.0)]
    pool = kind(named(*templates)).fit(X, y, weights)
    for k, fitted in enumerate(pool.estimators()):
        value = objective(fitted, X, y, weights[:, k])
        for direction in np.eye(4):
            step = 1e-4 * direction
            ahead = value(fitted.coef_ + step[1:], fitted.intercept_ + step[0])
            behind = value(fitted.coef_ - step[1:], fitted.intercept_ - step[0])
            assert abs(ahead - behind) / 2e-4 < 1e-6


@pytest.mark.parametrize("kind", POOLS)
def test_weights(rng, kind):
    X, y, _ = make_data(rng, kind)
    counts = rng.integers(0, 3, size=len(y))
    expert = named(kind.estimator_class(alpha=0.1))
    once = kind(expert).fit(X, y, counts[:, None].astype(float)).estimators()[0]
    rows = np.repeat(np.arange(len(y)), counts)
    twice = kind(expert).fit(X[rows], y[rows], np.full((len(rows), 1), 7.0))
    np.testing.assert_allclose(once.coef_, twice.estimators()[0].coef_, rtol=1e-7)


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_chunks_change_nothing(rng, kind, container, monkeypatch):
    X, y, weights = make_data(rng, kind, n_samples=900)
    whole = kind(named(*[kind.estimator_class(alpha=0)] * 2))
    whole.fit(container(X), y, weights)
    monkeypatch.setattr(_glm, "_CHUNK_CELLS", 1)
    parts = kind(named(*[kind.estimator_class(alpha=0)] * 2))
    parts.fit(container(X), y, weights)
    np.testing.assert_allclose(parts.coef, whole.coef, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", POOLS)
def test_each_expert_goes_on_from_its_last_coefficients(rng, kind):
    X, y, weights = make_data(rng, kind)
    experts = named(*[kind.estimator_class(alpha=0)] * 2)
    pool = kind(experts).fit(X, y, weights)
    first, steps = pool.coef, pool.n_iter
    pool.fit(X, y, weights)
    assert (steps > 2).all()
    assert (pool.n_iter <= 1).all()
    np.testing.assert_allclose(pool.coef, first, rtol=1e-7, atol=1e-9)
    other = kind(experts)
    other.resume(X, y, weights.sum(axis=1), pool.estimators())
    np.testing.assert_allclose(other.predict(X), pool.predict(X))
    assert other.estimators() == other._resumed
    assert (other.fit(X, y, weights).n_iter <= 1).all()


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("far", [1e3, -1e3])
def test_a_last_state_that_overflows_is_left(rng, kind, far):
    X, y, weights = make_data(rng, kind)
    pool = kind(named(*[kind.estimator_class(alpha=0)] * 2)).fit(X, y, weights)
    expected = pool.coef
    pool.coef = expected + far
    np.testing.assert_allclose(pool.fit(X, y, weights).coef, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", POOLS)
def test_steps_that_overflow_are_halved(kind):
    """From a rate of one, the first step to exp(40) would go to exp(exp(40))."""
    X = np.column_stack([np.ones(50), np.linspace(-1, 1, 50)])
    y = np.round(np.exp(40 + X[:, 1]))
    expert = kind.estimator_class(alpha=0, fit_intercept=False)
    pool = kind(named(expert)).fit(X, y, np.ones((50, 1)))
    np.testing.assert_allclose(pool.estimators()[0].coef_, [40, 1], rtol=1e-6)


@pytest.mark.parametrize("kind", POOLS)
def test_no_row_is_predicted_to_overflow(rng, kind):
    """Not even one that an expert has no share in: a fit must predict its own rows."""
    X = np.append(rng.uniform(0, 1, size=50), 1e4)[:, None]
    y = np.append(np.round(np.exp(5 + 2 * X[:50, 0])), 1.0)
    weights = np.column_stack([np.append(np.ones(50), 0.0), np.append(np.zeros(50), 1.0)])
    pool = kind(named(*[kind.estimator_class(alpha=0)] * 2)).fit(X, y, weights)
    assert (pool.predict(X) < 1e140).all()
    for k, fitted in enumerate(pool.estimators()):
        np.testing.assert_allclose(fitted.predict(X), pool.predict(X)[:, k])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_expert_whose_counts_are_zero_stops_at_a_floor(rng, fit_intercept):
    X, y, weights = make_data(rng, PoissonPool)
    X = np.abs(X)
    zero = rng.uniform(size=len(y)) < 0.4
    y = np.where(zero, 0.0, y + 1)
    weights = np.column_stack([zero, ~zero]).astype(float)
    expert = PoissonRegressor(alpha=0, fit_intercept=fit_intercept)
    pool = PoissonPool(named(expert, expert)).fit(X, y, weights)
    for _ in range(60):
        pool.fit(X, y, weights)
    logs = np.log(pool.predict(X)[:, 0] / y.mean())
    assert (logs[zero] < -15).all()
    assert np.average(logs[zero]) > -60
    if fit_intercept:
        np.testing.assert_allclose(logs, -25, atol=2)
    alone = PoissonPool(named(expert)).fit(X, y, weights[:, 1:]).predict(X)
    np.testing.assert_allclose(pool.predict(X)[:, 1], alone[:, 0], rtol=1e-6)
    assert np.isfinite(pool.estimators()[0].predict(X)).all()


def test_no_counts_at_all(rng):
    X, y, weights = make_data(rng, PoissonPool)
    pool = PoissonPool(named(*[PoissonRegressor(alpha=0)] * 2))
    prediction = pool.fit(X, 0 * y, weights).predict(X)
    assert (prediction < 1e-9).all()


@pytest.mark.parametrize("kind", POOLS)
def test_an_expert_without_rows_stays_finite(rng, kind):
    X, y, weights = make_data(rng, kind)
    weights[:, 0] = 0.0
    for alpha in [0.0, 1.0]:
        pool = kind(named(*[kind.estimator_class(alpha=alpha)] * 2))
        assert np.isfinite(pool.fit(X, y, weights).predict(X)).all()


@pytest.mark.parametrize("kind", POOLS)
def test_useless_columns(rng, kind):
    X, y, weights = make_data(rng, kind)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    useful = kind(named(*[kind.estimator_class(alpha=0)] * 2)).fit(Z, y, weights)
    Z = np.column_stack([Z, Z[:, 0] + Z[:, 1], np.full(len(Z), 1e7)])
    pool = kind(named(*[kind.estimator_class(alpha=0)] * 2)).fit(Z, y, weights)
    np.testing.assert_allclose(pool.predict(Z), useful.predict(Z[:, :3]), rtol=1e-6)
    assert all(np.isfinite(expert.coef_).all() for expert in pool.estimators())


@pytest.mark.parametrize("kind", POOLS)
def test_estimators_know_their_features(rng, kind):
    pandas = pytest.importorskip("pandas")
    X, y, weights = make_data(rng, kind)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    pool = kind(named(*[kind.estimator_class()] * 2)).fit(frame, y, weights)
    for k, fitted in enumerate(pool.estimators()):
        assert list(fitted.feature_names_in_) == ["a", "b", "c"]
        assert fitted.n_features_in_ == 3
        np.testing.assert_allclose(fitted.predict(frame), pool.predict(frame)[:, k])
        assert fitted.score(frame, y) <= 1
    assert not hasattr(pool.experts[0][1], "coef_")


@pytest.mark.parametrize("kind", POOLS)
def test_supports(rng, kind):
    X, y, _ = make_data(rng, kind)
    plain = kind.estimator_class()
    other = next(pool for pool in POOLS if pool is not kind).estimator_class()
    assert kind.supports([plain, kind.estimator_class(solver="newton-cholesky")], X, y)
    for estimators in [
        [other],
        [plain, other],
        [TweedieRegressor(power=1)],
        [kind.estimator_class(solver=NewtonCholeskySolver)],
        [plain, kind.estimator_class(fit_intercept=False)],
        [kind.estimator_class(alpha=-1.0)],
        [kind.estimator_class(alpha="much")],
    ]:
        assert not kind.supports(estimators, X, y)
    assert not kind.supports([plain], X, np.column_stack([y, y]))
    assert not kind.supports([plain], X, y - y.max())
    assert not kind.supports([plain], X.astype(object), y)
    options = {"draw": None, "n_jobs": None}
    chosen = make_regressor_pool(named(plain, plain), X, y, **options)
    assert type(chosen) is kind
    mixed = make_regressor_pool(named(plain, other), X, y, **options)
    assert type(mixed) is EstimatorPool


@pytest.mark.parametrize("kind", POOLS)
def test_targets_out_of_range_are_told_by_the_expert(rng, kind):
    X, y, _ = make_data(rng, kind)
    model = MixtureOfExpertsRegressor(kind.estimator_class(), 2)
    with pytest.raises(ValueError, match=r"'expert0'.*out of the valid range"):
        model.fit(X, y - y.max())


@pytest.mark.parametrize("kind", POOLS)
def test_missing_values_are_told_by_the_expert(rng, kind):
    X, y, weights = make_data(rng, kind)
    X[0, 0] = np.nan
    pool = kind(named(kind.estimator_class()))
    pool.iteration = 2
    name = kind.estimator_class.__name__
    with pytest.raises(ValueError, match=rf"'e0' \({name}\).*iteration 2.*NaN"):
        pool.fit(X, y, weights)
