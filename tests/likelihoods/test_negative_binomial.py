"""Overdispersed counts: the likelihood against scipy.stats, and mixtures of it."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe._overdispersion import (
    LARGEST_DISPERSION,
    SMALLEST_DISPERSION,
    slope_by_log_dispersion,
)
from skmoe.likelihoods import (
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    check_likelihood,
)

LIKELIHOOD = NegativeBinomialLikelihood()


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def two_rates(rng):
    """A rate that rises on one side and is constant on the other, dispersions apart."""
    X = rng.uniform(-2, 2, size=(400, 2))
    right = X[:, 0] > 0
    rate = np.exp(np.where(right, 0.5 + 1.5 * X[:, 0], 2.0))
    dispersion = np.where(right, 0.2, 1.5)
    return X, rng.poisson(rate * rng.gamma(1 / dispersion) * dispersion).astype(float)


def make_data(rng, n_samples=40, n_experts=3):
    prediction = np.exp(rng.normal(1.0, 1.5, size=(n_samples, n_experts)))
    dispersion = np.exp(rng.normal(size=n_experts))
    return (
        LIKELIHOOD.rvs(prediction, dispersion, np.random.RandomState(0))[:, 0],
        prediction,
        dispersion,
    )


def reference(prediction, dispersion):
    return stats.nbinom(1 / dispersion, 1 / (1 + dispersion * prediction))


def fit(X, y, n_experts=2, experts=None, sample_weight=None, **options):
    options = {"random_state": 0, **options}
    model = MixtureOfExpertsRegressor(
        experts, n_experts, likelihood="negative_binomial", **options
    )
    return model.fit(X, y, sample_weight)


# The likelihood


def test_log_prob_and_moments(rng):
    y, prediction, dispersion = make_data(rng)
    expected = reference(prediction, dispersion)
    found = LIKELIHOOD.log_prob(y, prediction, dispersion)
    np.testing.assert_allclose(found, expected.logpmf(y[:, None]), rtol=1e-9)
    np.testing.assert_array_equal(LIKELIHOOD.mean(prediction, dispersion), prediction)
    np.testing.assert_allclose(
        LIKELIHOOD.variance(prediction, dispersion), expected.var()
    )


@pytest.mark.parametrize("dispersion", [1e-6, 3e-6, 1e-5, 1.1e-5, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("rate", [1e-8, 0.3, 40.0, 1e4, 1e6])
def test_log_prob_at_both_ends(rng, dispersion, rate):
    """Its ratio of two gamma functions is a sum of logarithms, for integers."""
    y = np.unique(rng.poisson(rate, size=3)).astype(float)
    y = y[y < 1e5]
    rising = [np.log1p(dispersion * np.arange(count)).sum() for count in y]
    expected = stats.poisson(rate).logpmf(y) + rate + np.array(rising)
    expected -= (y + 1 / dispersion) * np.log1p(dispersion * rate)
    found = LIKELIHOOD.log_prob(y, np.full((len(y), 1), rate), np.array([dispersion]))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-7, atol=1e-7)


def test_the_smallest_dispersion_is_a_poisson(rng):
    _, prediction, _ = make_data(rng)
    y = rng.poisson(prediction[:, 0]).astype(float)
    smallest = np.full(3, SMALLEST_DISPERSION)
    np.testing.assert_allclose(
        LIKELIHOOD.log_prob(y, prediction, smallest),
        PoissonLikelihood().log_prob(y, prediction),
        atol=1e-6 * (1 + y.max() ** 2 + prediction.max() ** 2),
    )


@pytest.mark.parametrize("y", [-1.0, 0.5, -0.5, np.inf, -np.inf, np.nan])
def test_what_is_no_count_has_no_probability(y):
    y = np.array([y, 2.0])
    log_prob = LIKELIHOOD.log_prob(y, np.full((2, 2), 3.0), np.array([0.5, 1.0]))
    np.testing.assert_array_equal(log_prob[0], -np.inf)
    assert np.isfinite(log_prob[1]).all()


def test_a_rate_of_zero_makes_counts_unlikely_but_not_impossible():
    y, zero = np.array([0.0, 3.0]), np.zeros((2, 1))
    log_prob = LIKELIHOOD.log_prob(y, zero, np.array([1.0]))[:, 0]
    assert log_prob[0] == pytest.approx(0, abs=1e-12)
    assert -200 < log_prob[1] < -50


# Old SciPy's own distribution does.
@pytest.mark.filterwarnings("ignore:divide by zero encountered in _nbinom")
def test_cdf_and_ppf(rng):
    y, prediction, dispersion = make_data(rng)
    expected = reference(prediction, dispersion)
    at = y[:, None] + rng.uniform(-1, 1, size=(40, 1))
    np.testing.assert_allclose(
        LIKELIHOOD.cdf(at, prediction, dispersion), expected.cdf(at), rtol=1e-8
    )
    for value, probability in [(-0.1, 0.0), (np.inf, 1.0)]:
        found = LIKELIHOOD.cdf(value, prediction, dispersion)
        np.testing.assert_array_equal(found, probability)
    for q in [*rng.uniform(size=5), 0.5]:
        np.testing.assert_array_equal(
            LIKELIHOOD.ppf(q, prediction, dispersion), expected.ppf(q)
        )
    for q, count in [(0.0, -1.0), (1.0, np.inf)]:
        found = LIKELIHOOD.ppf(q, prediction, dispersion)
        np.testing.assert_array_equal(found, count)


@pytest.mark.parametrize("dispersion", [1e-6, 0.01, 1.0, 100.0, 1e3])
@pytest.mark.parametrize("rate", [1e-20, 1e-3, 0.7, 30.0, 1e4, 1e9])
def test_ppf_is_the_smallest_count(rate, dispersion):
    rates, dispersion = np.full((1, 1), rate), np.array([dispersion])
    for q in [1e-9, 0.01, 0.5, 0.99, 1 - 1e-9]:
        count = LIKELIHOOD.ppf(q, rates, dispersion)
        assert LIKELIHOOD.cdf(count, rates, dispersion) >= q
        below = np.minimum(count - 1, np.nextafter(count, -1))
        assert LIKELIHOOD.cdf(below, rates, dispersion) < q


def test_draws(rng):
    prediction = np.tile([2.0, 30.0], (40_000, 1))
    dispersion = np.array([1.5, 0.2])
    state = np.random.RandomState(rng.integers(2**31))
    draws = LIKELIHOOD.rvs(prediction, dispersion, state)
    assert draws.dtype == np.float64
    variance = LIKELIHOOD.variance(prediction, dispersion)[0]
    error = 5 * np.sqrt(variance / 40_000)
    assert (np.abs(draws.mean(axis=0) - prediction[0]) < error).all()
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.1)


# Dispersions


def test_slope_by_the_dispersion(rng):
    y, prediction, dispersion = make_data(rng)
    step = 1e-5
    up, down = dispersion * np.exp(step), dispersion * np.exp(-step)
    numeric = LIKELIHOOD.log_prob(y, prediction, up)
    numeric -= LIKELIHOOD.log_prob(y, prediction, down)
    slope = slope_by_log_dispersion(y[:, None], prediction, dispersion)
    np.testing.assert_allclose(slope, numeric / (2 * step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dispersion", [2e-6, 0.9e-5, 1.1e-5, 1e-4])
def test_slope_by_a_small_dispersion(dispersion):
    """The sum of (y - m)^2 - y, times half the dispersion, at first order."""
    y, rates = np.array([[0.0], [3.0], [12.0]]), np.full((3, 1), 5.0)
    slope = slope_by_log_dispersion(y, rates, dispersion)
    expected = dispersion * ((y - rates) ** 2 - y) / 2
    np.testing.assert_allclose(slope, expected, atol=300 * dispersion**2 + 3e-10)


def test_dispersions_are_the_most_likely(rng):
    y, prediction, _ = make_data(rng, n_samples=200)
    weights = rng.dirichlet(np.ones(3), size=200)
    found = LIKELIHOOD.fit_dispersion(y, prediction, weights)
    assert found.shape == (3,)
    for k in range(3):

        def loss(log_dispersion, k=k):
            dispersion = np.exp(log_dispersion)
            logs = LIKELIHOOD.log_prob(y, prediction[:, [k]], np.array([dispersion]))
            return -weights[:, k] @ logs[:, 0]

        best = minimize_scalar(loss, bounds=(-13.5, 6.9), method="bounded")
        assert loss(np.log(found[k])) <= best.fun + 1e-7 * abs(best.fun)


def test_counts_that_vary_too_little_are_poisson(rng):
    prediction = np.full((50, 2), 5.0)
    y = np.tile([4.0, 5.0, 6.0, 5.0, 5.0], 10)
    found = LIKELIHOOD.fit_dispersion(y, prediction, np.full((50, 2), 0.5))
    np.testing.assert_allclose(found, SMALLEST_DISPERSION)


@pytest.mark.parametrize("y", [np.zeros(10), np.r_[np.zeros(9), 1e6]])
def test_dispersions_of_odd_counts(y):
    for rate in [1e-12, 1.0, 1e5]:
        prediction = np.full((10, 1), rate)
        found = LIKELIHOOD.fit_dispersion(y, prediction, np.ones((10, 1)))
        assert SMALLEST_DISPERSION <= found[0] <= LARGEST_DISPERSION
        assert np.isfinite(LIKELIHOOD.log_prob(y, prediction, found)).all()


def test_an_expert_without_rows_is_as_uncertain_as_the_target(rng):
    y, prediction, _ = make_data(rng)
    weights = np.ones((40, 3))
    weights[:, 1] = 0.0
    found = LIKELIHOOD.fit_dispersion(y, prediction, weights)
    alone = np.full((40, 1), y.mean())
    expected = LIKELIHOOD.fit_dispersion(y, alone, np.ones((40, 1)))
    np.testing.assert_allclose(found[1], expected[0])


def test_there_is_a_dispersion_for_each_expert():
    assert isinstance(check_likelihood("negative_binomial"), NegativeBinomialLikelihood)
    assert LIKELIHOOD.n_parameters(np.ones(4)) == 4


def test_negative_predictions_are_an_error():
    prediction = np.array([[1.0, 2.0], [3.0, -0.25]])
    with pytest.raises(ValueError, match=r"needs positive predictions, and one is -0.25"):
        LIKELIHOOD.mean(prediction, np.ones(2))


# In a mixture


def test_one_expert_is_the_regression(rng):
    """Against a direct optimiser of coefficients and dispersion."""
    X = rng.normal(size=(300, 2))
    y = rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(1 + 0.5 * X[:, 0])), 300)

    def loss(vector):
        rate, dispersion = np.exp(vector[0] + X @ vector[1:3]), np.exp(vector[3])
        return -reference(rate, dispersion).logpmf(y).sum()

    best = minimize(loss, [1.0, 0.0, 0.0, 0.0], tol=1e-10)
    model = fit(X, y, 1)
    expert = model.experts_[0]
    assert type(expert) is PoissonRegressor
    np.testing.assert_allclose(
        [expert.intercept_, *expert.coef_, *np.log(model.dispersion_)], best.x, atol=1e-3
    )
    assert model.score_samples(X, y).sum() == pytest.approx(-best.fun, abs=1e-5)
    # Three coefficients and a dispersion.
    assert model.aic(X, y) == pytest.approx(2 * 4 + 2 * best.fun, abs=1e-4)


def test_two_regimes(two_rates):
    X, y = two_rates
    model = fit(X, y)
    assert model.converged_
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()
    assert model.score_samples(X, y).sum() > fit(X, y, 1).score_samples(X, y).sum() + 30
    np.testing.assert_allclose(np.sort(model.dispersion_), [0.2, 1.5], atol=0.5)


def test_solved_together_as_by_plain_steps(two_rates):
    """Steps of EM, with experts in a pipeline that nothing is known of."""

    class Opaque(PoissonRegressor):
        """Fitted as any estimator."""

    X, y = two_rates
    together = fit(X, y, tol=1e-10, max_iter=1000)
    shares = together.responsibilities(X, y)
    opaque = Opaque(alpha=0, solver="newton-cholesky", tol=1e-10)
    steps = fit(X, y, experts=opaque, init=shares, cv=None, tol=1e-10, max_iter=1000)
    assert steps.lower_bound_ == pytest.approx(together.lower_bound_, abs=1e-7)
    np.testing.assert_allclose(steps.dispersion_, together.dispersion_, rtol=1e-2)


def test_plain_steps_rise(two_rates, plain_steps):
    X, y = two_rates
    sides = np.column_stack([X[:, 0] < 0.5, X[:, 0] >= 0.5]) * 0.8 + 0.1
    bounds = plain_steps(X, y, LIKELIHOOD, PoissonRegressor(alpha=0), sides)
    assert (np.diff(bounds) >= -1e-6).all()
    assert bounds[-1] > bounds[0]


def test_weights_are_repeated_rows(two_rates, rng):
    X, y = two_rates
    counts = rng.integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    options = {"tol": 1e-9, "max_iter": 500}
    np.testing.assert_allclose(
        fit(X, y, sample_weight=counts, **options).predict(X),
        fit(X[rows], y[rows], **options).predict(X),
        rtol=1e-3,
    )


@pytest.mark.parametrize("solver", ["hard-em", "stochastic-em"])
def test_other_solvers(two_rates, solver):
    X, y = two_rates
    one, em = fit(X, y, 1), fit(X, y)
    model = fit(X, y, solver=solver)
    gain = model.score_samples(X, y).sum() - one.score_samples(X, y).sum()
    assert gain > 0.4 * (em.score_samples(X, y).sum() - one.score_samples(X, y).sum())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_in_batches(two_rates):
    X, y = two_rates
    em = fit(X, y).score_samples(X, y).mean()
    model = fit(X, y, solver="gradient", max_iter=50)
    assert model.score_samples(X, y).mean() > em - 0.05
    model = fit(X, y)
    model.partial_fit(X[:100], y[:100])
    assert model.score_samples(X, y).mean() > em - 0.05


def test_rows_in_blocks(two_rates):
    X, y = two_rates
    blocks = fit([X[:150], X[150:]], [y[:150], y[150:]])
    np.testing.assert_allclose(blocks.predict(X), fit(X, y).predict(X), rtol=1e-4)


def test_a_pipeline_is_solved_together_too(two_rates):
    X, y = two_rates
    steps = make_pipeline(StandardScaler(), PoissonRegressor(alpha=0))
    model = fit(X, y, experts=steps)
    assert model.lower_bound_ == pytest.approx(fit(X, y).lower_bound_, abs=1e-6)


def test_flexible_experts(two_rates):
    X, y = two_rates
    trees = HistGradientBoostingRegressor(loss="poisson", max_iter=15, max_depth=2)
    model = fit(X, y, experts=trees)
    assert model.cross_fitted_
    poisson = MixtureOfExpertsRegressor(
        trees, 2, likelihood="poisson", random_state=0
    ).fit(X, y)
    assert model.lower_bound_ > poisson.lower_bound_ + 0.3


@pytest.mark.filterwarnings("ignore:experts.*ended with less")  # one is enough
def test_all_counts_zero(rng):
    X = rng.uniform(1, 2, size=(30, 2))
    model = fit(X, np.zeros(30))
    assert (model.predict(X) < 1e-4).all()
    np.testing.assert_allclose(model.score_samples(X, np.zeros(30)), 0, atol=1e-4)


def test_equal_counts(rng):
    X = rng.normal(size=(40, 2))
    model = fit(X, np.full(40, 3.0), 1)
    np.testing.assert_allclose(model.predict(X), 3.0)
    np.testing.assert_allclose(model.dispersion_, SMALLEST_DISPERSION)


def test_targets_that_are_no_counts(two_rates):
    X, y = two_rates
    wrong = y.copy()
    wrong[[4, 9]] = -2.0
    message = "y: likelihood='negative_binomial' needs counts, .*; row 4 holds -2"
    for method in [fit, fit(X, y).score_samples]:
        with pytest.raises(ValueError, match=message):
            method(X, wrong)


def test_experts_with_negative_predictions(two_rates):
    X, y = two_rates
    with pytest.raises(ValueError, match=r"use PoissonRegressor or Hist.*as experts"):
        fit(X, y * (X[:, 0] > 0), 1, LinearRegression())
