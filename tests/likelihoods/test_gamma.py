"""Positive targets: the likelihood against scipy.stats, and a mixture."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import GammaRegressor, LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe._special import log_minus_digamma, log_peak
from skmoe.likelihoods import GammaLikelihood, check_likelihood


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def two_means(rng):
    """A mean that rises on one side with little spread, and falls on the other."""
    X = rng.uniform(-2, 2, size=(300, 2))
    right = X[:, 0] > 0
    mean = np.exp(np.where(right, 1 + 1.5 * X[:, 0], 1 - X[:, 0]))
    shape = np.where(right, 30.0, 3.0)
    return X, mean * rng.gamma(shape) / shape


def make_data(rng, n_samples=40, n_experts=3):
    prediction = np.exp(rng.normal(1.0, 1.0, size=(n_samples, n_experts)))
    dispersion = rng.uniform(0.05, 3.0, size=n_experts)
    return prediction[:, 0] * rng.gamma(2.0, 0.5, size=n_samples), prediction, dispersion


def of_scipy(prediction, dispersion):
    return stats.gamma(1 / dispersion, scale=prediction * dispersion)


def fit(X, y, n_experts=2, experts=None, **options):
    model = MixtureOfExpertsRegressor(
        experts, n_experts, likelihood="gamma", random_state=0, **options
    )
    return model.fit(X, y)


# The likelihood


def test_log_prob(rng):
    y, prediction, dispersion = make_data(rng)
    log_prob = GammaLikelihood().log_prob(y, prediction, dispersion)
    expected = of_scipy(prediction, dispersion).logpdf(y[:, None])
    np.testing.assert_allclose(log_prob, expected)


def test_slopes_of_log_prob(rng):
    """d log f / d mu = (y / mu - 1) / (phi mu), by a finite difference."""
    y, prediction, dispersion = make_data(rng)
    step = 1e-5 * prediction
    log_prob = GammaLikelihood().log_prob
    slope = log_prob(y, prediction + step, dispersion)
    slope -= log_prob(y, prediction - step, dispersion)
    expected = (y[:, None] / prediction - 1) / (dispersion * prediction)
    np.testing.assert_allclose(slope / (2 * step), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("phi", [1e-4, 0.3, 1.0, 2.5])
def test_density_integrates_to_one(phi):
    def density(u):
        y = np.exp([u])
        log_prob = GammaLikelihood().log_prob(y, np.array([[2.0]]), np.array([phi]))
        return np.exp(log_prob[0, 0] + u)

    center, width = np.log(2.0), 12 * np.sqrt(phi)
    total = quad(density, center - width - 40 * phi, center + width, limit=500)[0]
    assert total == pytest.approx(1)


def test_series_of_large_shapes_meet_the_functions():
    """Just below and above the shape from which on series are used."""
    below, above = np.array([100.0]), np.array([100.0 * (1 + 1e-13)])
    pairs = zip(log_minus_digamma(below), log_minus_digamma(above), strict=True)
    for exact, series in [*pairs, (log_peak(below), log_peak(above))]:
        np.testing.assert_allclose(series, exact, rtol=1e-11)


@pytest.mark.parametrize("phi", [1e-6, 1e-12])
def test_next_to_no_dispersion_is_a_normal_density(phi):
    z = np.linspace(-3, 3, 7)
    y, mean = 5.0 * (1 + np.sqrt(phi) * z), np.full((7, 1), 5.0)
    log_prob = GammaLikelihood().log_prob(y, mean, np.array([phi]))[:, 0]
    expected = stats.norm(0, 1).logpdf(z) - np.log(5 * np.sqrt(phi))
    np.testing.assert_allclose(log_prob, expected, atol=30 * np.sqrt(phi) + 1e-3)


def test_outside_and_at_the_edge_of_the_range():
    dispersion = np.array([0.5, 1.0, 2.0])
    y = np.array([-1.0, -np.inf, np.inf, np.nan, 0.0])
    log_prob = GammaLikelihood().log_prob(y, np.full((5, 3), 4.0), dispersion)
    np.testing.assert_array_equal(log_prob[:4], -np.inf)
    np.testing.assert_allclose(log_prob[4], [-np.inf, -np.log(4), np.inf])


def test_a_prediction_of_zero_is_an_underflow():
    y, prediction = np.array([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 2.0]])
    likelihood = GammaLikelihood()
    dispersion = likelihood.fit_dispersion(y, prediction, np.ones((2, 2)))
    assert np.isfinite(dispersion).all()
    assert np.isfinite(likelihood.log_prob(y, prediction, dispersion)).all()


def test_dispersion_is_the_most_likely(rng):
    y, prediction, _ = make_data(rng)
    prediction[:, 2] = y * np.exp(1e-2 * rng.normal(size=40))
    weights = rng.uniform(size=(40, 3))
    likelihood = GammaLikelihood()
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    assert dispersion.shape == (3,)
    assert likelihood.n_parameters(dispersion) == 3

    def values(dispersion):
        log_prob = likelihood.log_prob(y, prediction, dispersion)
        return np.einsum("nk,nk->k", weights, log_prob)

    for factor in [0.5, 0.9, 0.999, 1.001, 1.1, 2.0]:
        assert (values(dispersion * factor) < values(dispersion)).all()


@pytest.mark.parametrize("phi", [1e-5, 1e-2, 1.0, 30.0])
def test_dispersion_of_many_draws(phi):
    state = np.random.RandomState(0)
    y = 3.0 * state.standard_gamma(1 / phi, size=20_000) * phi
    y, mean = np.maximum(y, 1e-300), np.full((20_000, 1), 3.0)
    found = GammaLikelihood().fit_dispersion(y, mean, np.ones((20_000, 1)))
    assert found[0] == pytest.approx(phi, rel=0.05)


def test_an_exact_expert_has_a_millionth_of_the_targets_dispersion(rng):
    y, prediction, _ = make_data(rng)
    prediction[:, 0] = y
    weights = rng.uniform(size=(40, 3))
    fit_dispersion = GammaLikelihood().fit_dispersion
    dispersion = fit_dispersion(y, prediction, weights)
    pooled = weights.sum(axis=1, keepdims=True)
    mean = np.full((40, 1), np.average(y, weights=pooled[:, 0]))
    assert dispersion[0] == pytest.approx(1e-6 * fit_dispersion(y, mean, pooled)[0])
    # It has no unit.
    np.testing.assert_allclose(
        fit_dispersion(1e9 * y, 1e9 * prediction, weights), dispersion, rtol=1e-6
    )


def test_a_constant_target():
    y, likelihood = np.full(5, 7.0), GammaLikelihood()
    dispersion = likelihood.fit_dispersion(y, y[:, None], np.ones((5, 1)))
    assert 0 < dispersion[0] < 1e-20
    assert np.isfinite(likelihood.log_prob(y, y[:, None], dispersion)).all()


def test_an_expert_without_rows(rng):
    y, prediction, _ = make_data(rng)
    weights = np.column_stack([np.zeros(40), np.ones((40, 2))])
    fit_dispersion = GammaLikelihood().fit_dispersion
    of_target = fit_dispersion(y, np.full((40, 1), y.mean()), np.ones((40, 1)))
    dispersion = fit_dispersion(y, prediction, weights)
    assert dispersion[0] == pytest.approx(of_target[0])


def test_cdf_and_ppf(rng):
    y, prediction, dispersion = make_data(rng)
    likelihood, reference = GammaLikelihood(), of_scipy(prediction, dispersion)
    cdf = likelihood.cdf(y[:, None], prediction, dispersion)
    np.testing.assert_allclose(cdf, reference.cdf(y[:, None]))
    q = rng.uniform(size=(40, 1))
    ppf = likelihood.ppf(q, prediction, dispersion)
    np.testing.assert_allclose(ppf, reference.ppf(q))
    back = likelihood.cdf(ppf, prediction, dispersion)
    np.testing.assert_allclose(back, np.broadcast_to(q, back.shape))
    np.testing.assert_array_equal(likelihood.cdf(-1.0, prediction, dispersion), 0)
    np.testing.assert_array_equal(likelihood.ppf(1.0, prediction, dispersion), np.inf)


def test_moments_and_draws(rng):
    _, prediction, dispersion = make_data(rng, n_samples=1)
    likelihood, prediction = GammaLikelihood(), np.repeat(prediction, 40_000, axis=0)
    state = np.random.RandomState(rng.integers(2**31))
    draws = likelihood.rvs(prediction, dispersion, state)
    mean = likelihood.mean(prediction, dispersion)
    variance = likelihood.variance(prediction, dispersion)
    reference = of_scipy(prediction, dispersion)
    np.testing.assert_allclose(mean, reference.mean())
    np.testing.assert_allclose(variance, reference.var())
    error = 6 * np.sqrt(variance[0] / 40_000)
    assert (np.abs(draws.mean(axis=0) - mean[0]) < error).all()
    np.testing.assert_allclose(draws.var(axis=0), variance[0], rtol=0.15)


def test_negative_predictions_are_an_error():
    prediction, ones = np.array([[1.0, -0.25]]), np.ones(2)
    likelihood, y = GammaLikelihood(), np.ones(1)
    match = (
        r"likelihood='gamma' needs positive predictions, and one is -0.25 \(first in row "
        r"0\); use GammaRegressor or HistGradientBoostingRegressor\(loss='gamma'\)"
    )
    for method, arguments in [
        (likelihood.log_prob, (y, prediction, ones)),
        (likelihood.fit_dispersion, (y, prediction, np.ones((1, 2)))),
        (likelihood.mean, (prediction, ones)),
        (likelihood.variance, (prediction, ones)),
        (likelihood.cdf, (1.0, prediction, ones)),
        (likelihood.ppf, (0.5, prediction, ones)),
    ]:
        with pytest.raises(ValueError, match=match):
            method(*arguments)


# In a mixture


def test_one_expert_is_the_plain_expert(two_means):
    X, y = two_means
    model = fit(X, y, 1)
    plain = GammaRegressor(alpha=0, solver="newton-cholesky", tol=1e-10).fit(X, y)
    assert type(model.experts_[0]) is GammaRegressor
    np.testing.assert_allclose(model.experts_[0].coef_, plain.coef_, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-6)
    # A published estimate is that of maximum likelihood with this mean.
    shape, _, scale = stats.gamma.fit(y / plain.predict(X), floc=0)
    assert model.dispersion_[0] == pytest.approx(1 / shape, rel=1e-3)
    assert shape * scale == pytest.approx(1, rel=1e-6)


def test_two_regimes(two_means):
    X, y = two_means
    model = fit(X, y)
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()
    np.testing.assert_allclose(np.sort(model.dispersion_), [1 / 30, 1 / 3], rtol=0.35)
    density = model.predict_distribution(X)
    np.testing.assert_allclose(density.mean(), model.predict(X))
    np.testing.assert_allclose(density.logpdf(y), model.score_samples(X, y))
    low, high = density.interval(0.9)
    assert 0.84 < ((low <= y) & (y <= high)).mean() < 0.96


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units(two_means, factor):
    X, y = two_means
    model, other = fit(X, y), fit(X, factor * y)
    np.testing.assert_allclose(other.predict(X), factor * model.predict(X), rtol=1e-4)
    np.testing.assert_allclose(other.dispersion_, model.dispersion_, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_boosted_experts(two_means):
    X, y = two_means
    boosted = HistGradientBoostingRegressor(loss="gamma", max_iter=3)
    model = fit(X, y, experts=boosted, max_iter=3)
    assert np.isfinite(model.score_samples(X, y)).all()


# Bad input


@pytest.mark.parametrize("value", [0.0, -1.5])
def test_targets_that_are_not_positive(two_means, value):
    X, y = two_means
    model = fit(X, y)
    wrong = y.copy()
    wrong[[7, 9]] = value
    message = rf"y: likelihood='gamma' needs numbers above 0; row 7 holds {value:g}\."
    for method in [fit, model.score_samples, model.responsibilities, model.bic]:
        with pytest.raises(ValueError, match=message):
            method(X, wrong)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_several_outputs_are_refused(two_means, n_outputs):
    X, y = two_means
    shape = rf"y has shape \(300, {n_outputs}\); likelihood='gamma' takes a target of"
    with pytest.raises(ValueError, match=shape):
        fit(X, np.tile(y[:, None], n_outputs))


def test_experts_with_negative_predictions(two_means):
    X, y = two_means
    X = np.column_stack([X, np.abs(X[:, 0]) > 1.5])
    y = np.where(X[:, 2] > 0, 100.0, 1.0) * np.exp(X[:, 0])
    with pytest.raises(ValueError, match=r"use GammaRegressor or Hist.*as experts"):
        fit(X, y, 1, LinearRegression())


def test_the_name(rng):
    assert isinstance(check_likelihood("gamma"), GammaLikelihood)
