"""Counts: the likelihood against scipy.stats, and a mixture of Poisson regressions."""

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.likelihoods import PoissonLikelihood, check_likelihood


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def two_rates(rng):
    """A rate that rises on one side and is constant on the other."""
    X = rng.uniform(-2, 2, size=(300, 2))
    log_rate = np.where(X[:, 0] > 0, 0.5 + 1.5 * X[:, 0], 1.5)
    return X, rng.poisson(np.exp(log_rate)).astype(float)


def make_data(rng, n_samples=40, n_experts=3):
    prediction = np.exp(rng.normal(1.0, 1.5, size=(n_samples, n_experts)))
    return rng.poisson(prediction[:, 0]).astype(float), prediction


def fit(X, y, n_experts=2, experts=None, **options):
    model = MixtureOfExpertsRegressor(
        experts, n_experts, likelihood="poisson", random_state=0, **options
    )
    return model.fit(X, y)


# The likelihood


def test_log_prob(rng):
    y, prediction = make_data(rng)
    log_prob = PoissonLikelihood().log_prob(y, prediction)
    np.testing.assert_allclose(log_prob, stats.poisson(prediction).logpmf(y[:, None]))


def test_slope_of_log_prob(rng):
    """d log f / d mu = y / mu - 1, by a finite difference."""
    y, prediction = make_data(rng)
    step = 1e-5 * prediction
    log_prob = PoissonLikelihood().log_prob
    slope = log_prob(y, prediction + step) - log_prob(y, prediction - step)
    expected = y[:, None] / prediction - 1
    np.testing.assert_allclose(slope / (2 * step), expected, atol=1e-5)


def test_probabilities_sum_to_one(rng):
    _, prediction = make_data(rng, n_samples=1)
    counts = np.arange(3000.0)
    log_prob = PoissonLikelihood().log_prob(counts, np.repeat(prediction, 3000, axis=0))
    np.testing.assert_allclose(np.exp(log_prob).sum(axis=0), 1)


@pytest.mark.parametrize("y", [-1.0, 0.5, -0.5, np.inf, -np.inf, np.nan])
def test_what_is_no_count_has_no_probability(y):
    log_prob = PoissonLikelihood().log_prob(np.array([y, 2.0]), np.full((2, 2), 3.0))
    np.testing.assert_array_equal(log_prob[0], -np.inf)
    assert np.isfinite(log_prob[1]).all()


def test_a_rate_of_zero_makes_counts_unlikely_but_not_impossible():
    y, zero = np.array([0.0, 3.0]), np.zeros((2, 1))
    log_prob = PoissonLikelihood().log_prob(y, zero)[:, 0]
    assert log_prob[0] == pytest.approx(0, abs=1e-12)
    assert -200 < log_prob[1] < -50


def test_cdf_and_ppf(rng):
    y, prediction = make_data(rng)
    likelihood, reference = PoissonLikelihood(), stats.poisson(prediction)
    at = y[:, None] + rng.uniform(-1, 1, size=(40, 1))
    np.testing.assert_allclose(likelihood.cdf(at, prediction), reference.cdf(at))
    for q in [0.0, 1e-12, *rng.uniform(size=5), 0.5, 1 - 1e-9, 1.0]:
        np.testing.assert_array_equal(likelihood.ppf(q, prediction), reference.ppf(q))
    # Where the cdf jumps to q, the count at which it jumps.
    rates = prediction[:, :1]
    back = likelihood.ppf(likelihood.cdf(y[:, None], rates), rates)
    np.testing.assert_array_equal(back[:, 0], y)


@pytest.mark.parametrize("rate", [1e-20, 1e-3, 0.7, 30.0, 1e4, 1e9, 1e14, 1e20])
def test_ppf_is_the_smallest_count(rate):
    likelihood, rates = PoissonLikelihood(), np.full((1, 1), rate)
    for q in [1e-9, 0.01, 0.5, 0.99, 1 - 1e-9]:
        count = likelihood.ppf(q, rates)
        assert likelihood.cdf(count, rates) >= q
        below = np.minimum(count - 1, np.nextafter(count, -1))
        assert likelihood.cdf(below, rates) < q


def test_moments_and_draws(rng):
    _, prediction = make_data(rng, n_samples=1)
    likelihood, prediction = PoissonLikelihood(), np.repeat(prediction, 20_000, axis=0)
    state = np.random.RandomState(rng.integers(2**31))
    draws = likelihood.rvs(prediction, None, state)
    assert draws.shape == prediction.shape
    assert draws.dtype == np.float64
    np.testing.assert_array_equal(likelihood.mean(prediction), prediction)
    np.testing.assert_array_equal(likelihood.variance(prediction), prediction)
    error = 6 * np.sqrt(prediction[0] / 20_000)
    assert (np.abs(draws.mean(axis=0) - prediction[0]) < error).all()
    np.testing.assert_allclose(draws.var(axis=0), prediction[0], rtol=0.15)


def test_there_is_no_dispersion(rng):
    y, prediction = make_data(rng)
    likelihood = check_likelihood("poisson")
    assert isinstance(likelihood, PoissonLikelihood)
    assert likelihood.fit_dispersion(y, prediction, np.ones_like(prediction)) is None
    assert likelihood.n_parameters(None) == 0


def test_negative_predictions_are_an_error():
    prediction = np.array([[1.0, 2.0], [3.0, -0.25]])
    likelihood, y = PoissonLikelihood(), np.ones(2)
    match = (
        r"likelihood='poisson' needs positive predictions, and one is -0.25 \(first in "
        r"row 1\); use PoissonRegressor or HistGradientBoostingRegressor"
        r"\(loss='poisson'\) as experts"
    )
    for method, arguments in [
        (likelihood.log_prob, (y, prediction)),
        (likelihood.mean, (prediction,)),
        (likelihood.variance, (prediction,)),
        (likelihood.cdf, (1.0, prediction)),
        (likelihood.ppf, (0.5, prediction)),
    ]:
        with pytest.raises(ValueError, match=match):
            method(*arguments)


# In a mixture


def test_one_expert_is_the_plain_expert(two_rates):
    X, y = two_rates
    model = fit(X, y, 1)
    plain = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-10).fit(X, y)
    assert type(model.experts_[0]) is PoissonRegressor
    assert model.experts_[0].alpha == 0
    np.testing.assert_allclose(model.experts_[0].coef_, plain.coef_, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-6)
    expected = stats.poisson(plain.predict(X)).logpmf(y)
    np.testing.assert_allclose(model.score_samples(X, y), expected, rtol=1e-6)
    assert model.dispersion_ is None
    # Three coefficients of the expert, and nothing of one gate.
    assert model.aic(X, y) == pytest.approx(2 * 3 - 2 * expected.sum())


def test_two_regimes_of_counts(two_rates):
    X, y = two_rates
    model = fit(X, y)
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()
    one = fit(X, y, 1)
    assert model.score_samples(X, y).sum() > one.score_samples(X, y).sum() + 50
    density = model.predict_distribution(X)
    np.testing.assert_allclose(density.mean(), model.predict(X))
    np.testing.assert_allclose(density.logpmf(y), model.score_samples(X, y))
    low, high = density.interval(0.9)
    assert ((low <= y) & (y <= high)).mean() > 0.85
    _, std = model.predict(X, return_std=True)
    assert (std**2 >= model.predict(X) - 1e-9).all()


def test_weights_are_repeated_rows(two_rates, rng):
    X, y = two_rates
    counts = rng.integers(0, 3, size=len(y))
    weighted = MixtureOfExpertsRegressor(
        n_experts=2, likelihood="poisson", random_state=0
    )
    weighted.fit(X, y, sample_weight=counts)
    repeated = fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-5)


def test_warm_start(two_rates):
    X, y = two_rates
    model = fit(X, y, warm_start=True)
    earlier = model.lower_bound_
    assert model.fit(X, y).lower_bound_ >= earlier - 1e-13


@pytest.mark.parametrize(
    "expert",
    [
        DecisionTreeRegressor(max_depth=3, criterion="poisson"),
        HistGradientBoostingRegressor(loss="poisson", max_iter=3),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning")
def test_other_experts(two_rates, expert):
    X, y = two_rates
    y[X[:, 0] < -1] = 0.0  # leaves full of zeros
    model = fit(X, y, experts=expert, max_iter=3)
    assert np.isfinite(model.score_samples(X, y)).all()
    assert np.isfinite(model.score_samples(X, y + 3)).all()


@pytest.mark.filterwarnings("ignore:experts.*ended with less")  # one is enough
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_all_counts_zero(rng, fit_intercept):
    X = rng.uniform(1, 2, size=(30, 2))
    expert = PoissonRegressor(alpha=0, fit_intercept=fit_intercept)
    model = fit(X, np.zeros(30), experts=expert)
    assert (model.predict(X) < 1e-7).all()
    np.testing.assert_allclose(model.score_samples(X, np.zeros(30)), 0, atol=1e-7)
    assert np.isfinite(model.score_samples(X, np.ones(30))).all()


def test_no_expert_predicts_what_is_out_of_all_proportion(rng):
    """Not even where it has no share: here where a closed day's expert is not asked."""
    X = rng.normal(size=(400, 3))
    closed = X[:, 2] < -1
    y = np.where(closed, 0.0, rng.poisson(np.exp(3 + X[:, 0])))
    model = fit(X, y, n_experts=3)
    assert model.predict_experts(X).max() <= np.exp(7) * y.max() * (1 + 1e-9)


# Bad input


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-2.0, "integers from 0 on; row 4 holds -2"),
        (1.5, "integers from 0 on; row 4 holds 1.5"),
    ],
)
def test_targets_that_are_no_counts(two_rates, value, message):
    X, y = two_rates
    model = fit(X, y)
    wrong = y.copy()
    wrong[[4, 9]] = value
    message = rf"y: likelihood='poisson' needs counts, {message}\."
    for method in [fit, model.score_samples, model.responsibilities, model.bic]:
        with pytest.raises(ValueError, match=message):
            method(X, wrong)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_several_outputs_are_refused(two_rates, n_outputs):
    X, y = two_rates
    shape = rf"y has shape \(300, {n_outputs}\); likelihood='poisson' takes a target of"
    with pytest.raises(ValueError, match=shape):
        fit(X, np.tile(y[:, None], n_outputs))


def test_experts_with_negative_predictions(two_rates):
    X, y = two_rates
    with pytest.raises(ValueError, match=r"use PoissonRegressor or Hist.*as experts"):
        fit(X, y, 1, LinearRegression())


def test_an_unknown_likelihood_is_told_by_fit_alone(two_rates):
    model = MixtureOfExpertsRegressor(likelihood="poison")
    assert "poison" in repr(model)
    model.__sklearn_tags__()
    with pytest.raises(ValueError, match="likelihood: 'poison' is unknown"):
        model.fit(*two_rates)
