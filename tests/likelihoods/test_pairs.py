"""Dispersions where each row is sent to some experts: against those of a dense call."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression

from skmoe._routes import Routes
from skmoe.likelihoods import (
    CategoricalLikelihood,
    GammaLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    PoissonLikelihood,
    StudentTLikelihood,
    dispersion_at,
    dispersion_of_pairs,
    fit_dispersion,
    fit_dispersion_of_pairs,
    smallest_floor,
)

N_SAMPLES, N_EXPERTS = 90, 5
# Of degrees of freedom, which are solved for: how far rounding carries.
T_TOLERANCE = 1e-9
# Of each likelihood, and how many outputs its target has; none for one column.
CASES = {
    "gaussian": (GaussianLikelihood(), ()),
    "outputs": (GaussianLikelihood(), (3,)),
    "full": (GaussianLikelihood(covariance="full"), (3,)),
    "tied": (GaussianLikelihood("tied"), ()),
    "tied-outputs": (GaussianLikelihood("tied"), (2,)),
    "tied-full": (GaussianLikelihood("tied", "full"), (2,)),
    "of-x": (GaussianLikelihood(LinearRegression()), ()),
    "student-t": (StudentTLikelihood(), ()),
    "t-with-four": (StudentTLikelihood(4.0), ()),
    "laplace": (LaplaceLikelihood(), ()),
    "gamma": (GammaLikelihood(), ()),
    "poisson": (PoissonLikelihood(), ()),
    "categorical": (CategoricalLikelihood(), (3,)),
}


class Case:
    """Targets, and predictions and weights of all experts."""

    def __init__(self, name, rng):
        self.likelihood, outputs = CASES[name]
        self.X = rng.normal(size=(N_SAMPLES, 2))
        shape = (N_SAMPLES, N_EXPERTS, *outputs)
        self.prediction = rng.normal(size=shape)
        self.y = 1.5 * rng.standard_t(4, size=(N_SAMPLES, *outputs))
        self.weights = rng.dirichlet(np.ones(N_EXPERTS), size=N_SAMPLES)
        self.weights[::7] *= 1e-9 ** rng.uniform(size=N_EXPERTS)
        if name in ("gamma", "poisson"):
            self.prediction, self.y = np.exp(self.prediction), np.exp(self.y)
        if name == "poisson":
            self.y = np.floor(self.y)
        if name == "categorical":
            self.prediction = np.exp(self.prediction)
            self.prediction /= self.prediction.sum(axis=2, keepdims=True)
            self.y = rng.integers(3, size=N_SAMPLES)

    @property
    def floor(self):
        return smallest_floor(self.likelihood, self.y, self.weights.sum(axis=1))

    def dense(self, routes):
        """Of a call in which experts have no weight in rows that are not sent there."""
        weights = routes.spread(routes.of_pairs(self.weights))
        return fit_dispersion(self.likelihood, self.X, self.y, self.prediction, weights)

    def at_pairs(self, routes, earlier=None, X=None):
        prediction, weights = map(routes.of_pairs, (self.prediction, self.weights))
        floor = smallest_floor(self.likelihood, self.y, weights.sum(axis=1))
        X = self.X if X is None else X
        return fit_dispersion_of_pairs(
            self.likelihood, X, self.y, prediction, weights, routes, floor, earlier
        )


@pytest.fixture(params=CASES)
def case(request, rng):
    return Case(request.param, rng)


@pytest.fixture(params=["all", "shuffled", "two", "one"])
def routes(request, rng):
    order = np.argsort(rng.uniform(size=(N_SAMPLES, N_EXPERTS)), axis=1)
    experts = {
        "all": np.tile(np.arange(N_EXPERTS), (N_SAMPLES, 1)),
        "shuffled": order,
        "two": order[:, :2],
        "one": order[:, :1],
    }
    return Routes(experts[request.param], N_EXPERTS)


def routes_without(rng, expert):
    others = np.delete(np.arange(N_EXPERTS), expert)
    return Routes(rng.permuted(np.tile(others, (N_SAMPLES, 1)), axis=1)[:, :2], N_EXPERTS)


def assert_same(found, expected, X):
    """Numbers, or models that say the same at X, or nothing."""
    if expected is None:
        assert found is None
        return
    if isinstance(expected, list):
        assert isinstance(found, list)
        found, expected = (
            np.stack([model.predict(X) for model in models])
            for models in (found, expected)
        )
    assert found.shape == expected.shape
    is_t = found.shape == (N_EXPERTS, 2)
    np.testing.assert_allclose(found, expected, rtol=T_TOLERANCE if is_t else 1e-12)


def test_dispersions_are_those_of_a_dense_call(case, routes):
    assert_same(case.at_pairs(routes), case.dense(routes), case.X)


def test_densities_are_those_of_a_dense_call(case, routes):
    likelihood = case.likelihood
    dispersion = case.dense(routes)
    everywhere = dispersion_at(likelihood, dispersion, case.X)
    of_pairs = dispersion_of_pairs(likelihood, dispersion, case.X, routes)
    prediction = routes.of_pairs(case.prediction)
    if dispersion is not None:
        assert of_pairs.shape[:2] == routes.experts.shape

    for name in ("log_prob", "expert_weights"):
        if hasattr(likelihood, name):
            method = getattr(likelihood, name)
            dense = method(case.y, case.prediction, everywhere)
            found = method(case.y, prediction, of_pairs)
            np.testing.assert_allclose(found, routes.of_pairs(dense), rtol=1e-12)
    for name in ("mean", "variance"):
        if hasattr(likelihood, name):
            method = getattr(likelihood, name)
            dense = method(case.prediction, everywhere)
            np.testing.assert_array_equal(
                method(prediction, of_pairs), routes.of_pairs(dense)
            )


def test_distributions_are_those_of_a_dense_call(case, routes):
    likelihood = case.likelihood
    if case.prediction.ndim == 3:
        pytest.skip("distribution functions are of one output")
    dispersion = case.dense(routes)
    everywhere = dispersion_at(likelihood, dispersion, case.X)
    of_pairs = dispersion_of_pairs(likelihood, dispersion, case.X, routes)
    prediction = routes.of_pairs(case.prediction)
    q = np.linspace(0.01, 0.99, N_SAMPLES)
    for method, argument in ((likelihood.cdf, case.y), (likelihood.ppf, q)):
        dense = method(argument[:, None], case.prediction, everywhere)
        found = method(argument[:, None], prediction, of_pairs)
        np.testing.assert_allclose(found, routes.of_pairs(dense), rtol=1e-10)


def test_draws_have_the_dispersions_of_the_pairs(case, routes):
    if not hasattr(case.likelihood, "rvs"):
        pytest.skip("draws of classes are the mixture's")
    dispersion = case.dense(routes)
    of_pairs = dispersion_of_pairs(case.likelihood, dispersion, case.X, routes)
    prediction = routes.of_pairs(case.prediction)
    draws = case.likelihood.rvs(prediction, of_pairs, np.random.RandomState(0))
    assert draws.shape == prediction.shape
    noise = np.random.RandomState(0)
    if isinstance(case.likelihood, GaussianLikelihood) and case.y.ndim == 2:
        matrices = case.likelihood.covariances(prediction, of_pairs)
        factors = np.linalg.cholesky(matrices)
        white = noise.standard_normal(prediction.shape)
        expected = prediction + (factors @ white[..., None])[..., 0]
        np.testing.assert_allclose(draws, expected)


@pytest.mark.parametrize("expert", [0, 2, N_EXPERTS - 1])
def test_an_expert_without_rows_is_as_uncertain_as_the_target(case, rng, expert):
    routes = routes_without(rng, expert)
    assert_same(case.at_pairs(routes), case.dense(routes), case.X)


def test_an_expert_without_weight_is_as_uncertain_as_the_target(case, routes):
    case.weights[:, 1] = 0.0
    assert_same(case.at_pairs(routes), case.dense(routes), case.X)


@pytest.mark.parametrize("name", ["gaussian", "full", "student-t", "laplace", "gamma"])
def test_next_to_no_weight_is_none(rng, routes, name):
    case = Case(name, rng)
    case.weights[:, 3] *= 1e-320
    assert (case.weights[:, 3] > 0).any()
    assert_same(case.at_pairs(routes), case.dense(routes), case.X)


def test_an_expert_without_weight_keeps_its_dispersion(case, rng):
    earlier = case.at_pairs(Routes(routes_without(rng, 1).experts, N_EXPERTS))
    routes = routes_without(rng, 3)
    case.weights[:, 0] = 0.0
    found, fresh = case.at_pairs(routes, earlier), case.at_pairs(routes)
    if earlier is None:
        assert found is None
    elif case.likelihood.__dict__.get("dispersion") == "tied":
        np.testing.assert_array_equal(found, fresh)  # it has rows all the same
    else:
        for k in range(N_EXPERTS):
            expected = earlier[k] if k in (0, 3) else fresh[k]
            other = fresh[k] if k in (0, 3) else earlier[k]
            if isinstance(found, list):
                assert (found[k] is earlier[k]) == (k in (0, 3))
            else:
                np.testing.assert_array_equal(found[k], expected)
                assert (found[k] != other).any()


@pytest.mark.parametrize("name", ["gaussian", "outputs", "full", "tied", "of-x"])
@pytest.mark.parametrize("kind", [pd.DataFrame, sparse.csr_array])
def test_x_may_be_any_table(rng, routes, name, kind):
    case = Case(name, rng)
    found = case.at_pairs(routes, X=kind(case.X))
    assert_same(found, case.dense(routes), kind(case.X))
    of_pairs = dispersion_of_pairs(case.likelihood, found, kind(case.X), routes)
    dense = dispersion_at(case.likelihood, found, case.X)
    if name == "of-x":
        np.testing.assert_allclose(of_pairs, routes.of_pairs(dense), rtol=1e-12)
    else:
        np.testing.assert_array_equal(of_pairs, dense[routes.experts])


# Floors


@pytest.mark.parametrize(
    "name", [n for n in CASES if n not in ("poisson", "categorical", "of-x")]
)
def test_a_floor_is_that_of_all_rows(rng, name):
    """An expert runs through its rows, which are far closer to each other than all."""
    case = Case(name, rng)
    case.y[:30] = 1 + 1e-3 * case.y[:30]
    case.prediction[:] = case.y[:, None]
    experts = np.repeat([[0], [1], [2]], 30, axis=0)
    case.weights[:] = 1.0
    found = case.at_pairs(Routes(experts, N_EXPERTS))[:3]
    floor = np.broadcast_to(case.floor, case.y.shape[1:])
    if name in ("full", "tied-full"):
        np.testing.assert_allclose(found, np.broadcast_to(np.diag(floor), found.shape))
    elif name in ("student-t", "t-with-four"):
        np.testing.assert_allclose(found[:, 0], floor)
    else:
        np.testing.assert_allclose(found, np.broadcast_to(floor, found.shape))
    few = case.likelihood.fit_dispersion(
        case.y[:30], case.prediction[:30, :1], np.ones((30, 1))
    )
    assert (few.ravel()[0] < 1e-3 * found.ravel()[0]).all()


def test_models_have_the_floor_of_all_rows(rng):
    case = Case("of-x", rng)
    case.y[:30] = 1 + 1e-3 * case.y[:30]
    experts = np.repeat([[0], [1], [2]], 30, axis=0)
    for model in case.at_pairs(Routes(experts, N_EXPERTS)):
        assert model.floor == pytest.approx(case.floor, rel=1)
    few = case.likelihood.fit_dispersion_model(
        case.X[:30], case.y[:30], case.prediction[:30, :1], np.ones((30, 1))
    )
    assert few[0].floor < 1e-3 * case.floor


def test_there_is_no_floor_where_a_likelihood_tells_of_none():
    assert smallest_floor(PoissonLikelihood(), np.arange(3.0), np.ones(3)) is None
    y = np.arange(3.0)
    expected = GaussianLikelihood().smallest_dispersion(y, np.ones(3))
    assert smallest_floor(GaussianLikelihood(), y, np.ones(3)) == expected


# Likelihoods of one's own


class Plain:
    """A mean absolute error, as the protocol asks for it and no more."""

    def fit_dispersion(self, y, prediction, weights):
        errors = np.abs(y[:, None] - prediction)
        mass = np.maximum(weights.sum(axis=0), 1e-12)
        return np.maximum((weights * errors).sum(axis=0) / mass, 1e-3)


class WithFloor(Plain):
    """Tells of a floor, and does not take one."""

    def smallest_dispersion(self, y, weights):
        return 0.25 * len(y)


class TakesFloor(WithFloor):
    """Takes it, too."""

    def fit_dispersion(self, y, prediction, weights, floor=None):
        return super().fit_dispersion(y, prediction, weights) + floor


class TakesAll(TakesFloor):
    def fit_dispersion(self, y, prediction, weights, **options):
        return super().fit_dispersion(y, prediction, weights, **options)


@pytest.mark.parametrize("kind", [Plain, WithFloor, TakesFloor, TakesAll])
def test_likelihoods_of_ones_own(rng, routes, kind):
    case = Case("gaussian", rng)
    case.likelihood = kind()
    found = case.at_pairs(routes)
    weights = routes.spread(routes.of_pairs(case.weights))
    expected = Plain().fit_dispersion(case.y, case.prediction, weights)
    if kind in (TakesFloor, TakesAll):
        expected += 0.25 * N_SAMPLES
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    without = case.at_pairs(routes_without(rng, 2))
    assert without.shape == (N_EXPERTS,)
    of_pairs = dispersion_of_pairs(case.likelihood, found, case.X, routes)
    np.testing.assert_array_equal(of_pairs, found[routes.experts])


def test_models_predict_their_own_rows_only(rng, routes):
    class Spy(GaussianLikelihood):
        def dispersion_at(self, models, X):
            seen.append((len(models), len(X)))
            return super().dispersion_at(models, X)

    seen = []
    case = Case("of-x", rng)
    models = case.dense(routes)
    likelihood = Spy(LinearRegression())
    dispersion_of_pairs(likelihood, models, case.X, routes)
    assert seen == [(1, count) for count in routes.counts]
