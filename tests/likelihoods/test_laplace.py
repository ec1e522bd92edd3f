"""Laplace's density against scipy.stats and median regression."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, QuantileRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.likelihoods import LaplaceLikelihood
from skmoe.likelihoods._residuals import within_fences


def make_data(rng, n_samples=50, n_experts=3):
    y = rng.normal(3.0, 2.0, size=n_samples)
    prediction = rng.normal(3.0, 2.0, size=(n_samples, n_experts))
    return y, prediction, rng.uniform(0.2, 3.0, size=n_experts)


def test_density_distribution_and_moments_are_scipys(rng):
    y, prediction, dispersion = make_data(rng)
    likelihood = LaplaceLikelihood()
    reference = stats.laplace(prediction, np.sqrt(dispersion))
    np.testing.assert_allclose(
        likelihood.log_prob(y, prediction, dispersion), reference.logpdf(y[:, None])
    )
    at = np.r_[-30.0, y[1:-1], 30.0][:, None]
    np.testing.assert_allclose(
        likelihood.cdf(at, prediction, dispersion), reference.cdf(at)
    )
    q = np.r_[0, 1e-12, 0.5, rng.uniform(0.01, 0.99, size=46), 1][:, None]
    ppf = likelihood.ppf(q, prediction, dispersion)
    np.testing.assert_allclose(ppf, reference.ppf(q))
    np.testing.assert_allclose(
        likelihood.variance(prediction, dispersion), reference.var()
    )
    np.testing.assert_array_equal(likelihood.mean(prediction, dispersion), prediction)
    assert likelihood.n_parameters(dispersion) == 3


def test_draws(rng):
    prediction, dispersion = np.full((40_000, 1), 2.0), np.array([9.0])
    state = np.random.RandomState(rng.integers(2**31))
    draws = LaplaceLikelihood().rvs(prediction, dispersion, state)
    statistic = stats.kstest(draws[:, 0], stats.laplace(2, 3).cdf).statistic
    assert statistic < 2.5 / np.sqrt(40_000)


def test_no_dispersion_is_likelier(rng):
    y, prediction, _ = make_data(rng)
    weights = rng.dirichlet(np.ones(3), size=50)
    likelihood = LaplaceLikelihood()
    fitted = likelihood.fit_dispersion(y, prediction, weights)

    def value(dispersion):
        return np.vdot(weights, likelihood.log_prob(y, prediction, dispersion))

    for k in range(3):
        for factor in [0.9, 0.999, 1.001, 1.1]:
            other = fitted.copy()
            other[k] *= factor
            assert value(other) < value(fitted)


def test_repeated_rows_floors_and_experts_without_rows(rng):
    y, prediction, _ = make_data(rng)
    prediction[:, 0] = y
    shares = rng.dirichlet(np.ones(3), size=50)
    counts = rng.integers(0, 4, size=50)
    rows = np.repeat(np.arange(50), counts)
    fit = LaplaceLikelihood().fit_dispersion
    weighted = fit(y, prediction, shares * counts[:, None])
    np.testing.assert_allclose(weighted, fit(y[rows], prediction[rows], shares[rows]))
    # Its standard deviation is a thousandth of that of y.
    assert 2 * weighted[0] == pytest.approx(1e-6 * y[rows].var())
    shares[:, 1] = 0
    row_weights = shares.sum(axis=1)
    errors = np.abs(y - np.average(y, weights=row_weights))
    expected = np.average(errors, weights=row_weights) ** 2
    assert fit(y, prediction, shares)[1] == pytest.approx(expected)


def test_a_step_never_lowers_the_objective(rng, two_slopes, plain_steps):
    X, y = two_slopes(size=5.0)
    shares = rng.dirichlet(np.ones(2), size=len(y))
    bounds = plain_steps(X, y, LaplaceLikelihood(), LinearRegression(), shares)
    assert (np.diff(bounds) >= -1e-8).all()
    assert bounds[-1] > bounds[0] + 0.1


def test_one_expert_comes_to_the_median_regression(rng, two_slopes):
    """Weighted means, step by step, to what a linear programme finds at once."""
    X, y = two_slopes(150)
    options = {"n_experts": 1, "tol": 1e-10, "max_iter": 3000}
    means = MixtureOfExpertsRegressor(likelihood="laplace", **options).fit(X, y)
    median = QuantileRegressor(alpha=0)
    medians = MixtureOfExpertsRegressor(
        median, likelihood=LaplaceLikelihood("absolute_error"), **options
    ).fit(X, y)
    best = median.fit(X, y)
    np.testing.assert_allclose(medians.predict(X), best.predict(X), atol=1e-6)
    errors = [np.abs(y - model.predict(X)).mean() for model in (means, best)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-5)
    assert means.lower_bound_ == pytest.approx(medians.lower_bound_, abs=1e-5)
    assert means.dispersion_[0] == pytest.approx(errors[1] ** 2, rel=1e-4)


def test_two_slopes_survive_gross_outliers(rng, two_slopes):
    X, y = two_slopes(size=6.0)
    slopes = {}
    for likelihood in ("gaussian", "laplace"):
        model = MixtureOfExpertsRegressor(
            n_experts=2, likelihood=likelihood, random_state=0, max_iter=500
        ).fit(X, y)
        assert (np.diff(model.lower_bounds_) >= 0).all()
        slopes[likelihood] = np.sort([expert.coef_[0] for expert in model.experts_])
    errors = {name: np.abs(found - [-2, 3]).max() for name, found in slopes.items()}
    assert errors["laplace"] < 0.4
    assert errors["laplace"] < errors["gaussian"]


def test_fences_pull_in_what_is_far_off(rng):
    y = np.r_[rng.normal(size=200), 1e3, -50.0]
    inside = within_fences(y, np.ones(202))
    np.testing.assert_array_equal(inside[:200], y[:200])
    assert np.abs(inside[200:]).max() < 8
    counts = rng.integers(0, 3, size=202)
    counts[200:] = 1
    rows = np.repeat(np.arange(202), counts)
    np.testing.assert_allclose(
        np.repeat(within_fences(y, counts), counts),
        within_fences(y[rows], np.ones(len(rows))),
    )
    spike = np.r_[np.zeros(90), rng.normal(size=10)]
    np.testing.assert_array_equal(within_fences(spike, np.ones(100)), spike)


@pytest.mark.parametrize("loss", ["mean", None, 1])
def test_wrong_loss(rng, loss, two_slopes):
    model = MixtureOfExpertsRegressor(likelihood=LaplaceLikelihood(loss))
    with pytest.raises(ValueError, match=r"expert_loss=.* of LaplaceLikelihood must be"):
        model.fit(*two_slopes())
