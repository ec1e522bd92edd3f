"""Variances that depend on x: the model of one, and mixtures with them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GaussianLikelihood, VarianceModel


@pytest.fixture
def fanning(rng):
    """Two slopes, and noise that grows in the second column."""
    X = rng.uniform(-2, 2, size=(800, 2))
    y = np.where(X[:, 0] > 0, 3 * X[:, 0] + 1, -2 * X[:, 0])
    return X, y + 0.2 * np.exp(0.8 * X[:, 1]) * rng.standard_normal(800)


def fit_fanning(fanning, dispersion=None, **parameters):
    likelihood = GaussianLikelihood(dispersion or LinearRegression())
    model = MixtureOfExpertsRegressor(
        n_experts=2, likelihood=likelihood, random_state=0, **parameters
    )
    return model.fit(*fanning)


def test_the_variance_is_found(rng):
    X = rng.uniform(-1, 1, size=(20_000, 1))
    errors = np.exp(0.5 + 1.5 * X[:, 0]) * rng.standard_normal(20_000)
    model = VarianceModel(LinearRegression()).fit(X, errors**2)
    assert model.regressor_.coef_[0] == pytest.approx(3.0, abs=0.15)
    assert np.log(model.predict([[0.0]])[0]) == pytest.approx(1.0, abs=0.1)
    # What is corrected is the mean logarithm of a squared normal number.
    assert model.offset_ == pytest.approx(1.27, abs=0.1)
    assert model.n_parameters_ == 2


def test_standardised_squares_have_the_mean_one(rng):
    X, errors = rng.normal(size=(300, 2)), rng.standard_t(3, size=300)
    errors[::3] = 0.0
    weights = rng.uniform(size=300)
    for regressor in (LinearRegression(), DecisionTreeRegressor(max_depth=3)):
        model = VarianceModel(regressor).fit(X, errors**2, weights)
        ratios = errors**2 / model.predict(X)
        assert np.average(ratios, weights=weights) == pytest.approx(1)


def test_predictions_keep_within_bounds(rng):
    X = rng.uniform(-1, 1, size=(200, 1))
    errors = np.exp(2 * X[:, 0]) * rng.standard_normal(200)
    model = VarianceModel(LinearRegression(), floor=0.25).fit(X, errors**2)
    near, far = model.predict([[-1e4], [1e4]])
    assert near == pytest.approx(0.25)
    assert far == pytest.approx(1e6 * np.mean(errors**2))
    exact = VarianceModel(LinearRegression(), floor=0.25).fit(X, np.zeros(200))
    np.testing.assert_allclose(exact.predict(X), 0.25)


def test_weights_are_repeated_rows(rng):
    X, squares = rng.normal(size=(60, 1)), rng.gamma(1.0, size=60)
    counts = rng.integers(1, 4, size=60)
    weighted = VarianceModel(LinearRegression()).fit(X, squares, counts.astype(float))
    rows = np.repeat(np.arange(60), counts)
    repeated = VarianceModel(LinearRegression()).fit(X[rows], squares[rows])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X))


def test_the_mixture_finds_slopes_and_variances(fanning):
    X, y = fanning
    model = fit_fanning(fanning)
    slopes = sorted(expert.coef_[0] for expert in model.experts_)
    np.testing.assert_allclose(slopes, [-2, 3], atol=0.1)
    for variance in model.dispersion_:
        np.testing.assert_allclose(variance.regressor_.coef_, [0, 1.6], atol=0.4)
    constant = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    assert model.score_samples(X, y).mean() > constant.score_samples(X, y).mean() + 0.2
    _, std = model.predict(X, return_std=True)
    truth = 0.2 * np.exp(0.8 * X[:, 1])
    inner = np.abs(X[:, 0]) > 0.5
    assert np.corrcoef(np.log(std[inner]), np.log(truth[inner]))[0, 1] > 0.9
    assert (np.diff(model.lower_bounds_) >= 0).all()
    assert model.lower_bound_ == pytest.approx(model.lower_bounds_[-1])


def test_one_expert_is_weighted_least_squares(rng):
    """At the end, the line has the weights that its own variances ask for."""
    X = rng.uniform(-2, 2, size=(400, 2))
    y = 1 + 2 * X[:, 0] + np.exp(1.2 * X[:, 1]) * rng.standard_normal(400)
    likelihood = GaussianLikelihood(LinearRegression())
    model = MixtureOfExpertsRegressor(
        n_experts=1, likelihood=likelihood, tol=1e-12, max_iter=200
    ).fit(X, y)
    weights = 1 / model.dispersion_[0].predict(X)
    line = LinearRegression().fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.experts_[0].coef_, line.coef_, atol=1e-2)
    assert np.abs(line.coef_ - LinearRegression().fit(X, y).coef_).max() > 0.04


def test_what_follows_from_a_fit(fanning):
    X, y = fanning
    model = fit_fanning(fanning)
    variances = np.column_stack([m.predict(X) for m in model.dispersion_])
    normal = stats.norm(model.predict_experts(X), np.sqrt(variances))
    joint = model.predict_gate_proba(X) * normal.pdf(y[:, None])
    np.testing.assert_allclose(model.score_samples(X, y), np.log(joint.sum(axis=1)))
    np.testing.assert_allclose(
        model.responsibilities(X, y),
        joint / joint.sum(axis=1, keepdims=True),
        atol=1e-12,
    )
    density = model.predict_distribution(X)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(density.std(), std)
    np.testing.assert_allclose(density.pdf(y), joint.sum(axis=1))
    for rows in (slice(3, 9), [4, 0], X[:, 0] > 1, -1):
        part = density[rows]
        np.testing.assert_allclose(part.std(), np.atleast_1d(std[rows]))
        np.testing.assert_allclose(part.mean(), np.atleast_1d(mean[rows]))
    quantiles = density.ppf([0.1, 0.9])
    np.testing.assert_allclose(density.cdf(quantiles[:, 1]), 0.9)
    draws = density[:4].rvs(20_000, random_state=0)
    np.testing.assert_allclose(draws.std(axis=1), std[:4], rtol=0.1)
    # Two lines and a gate of two slopes, and two models of a variance.
    assert model._n_parameters("bic") == 6 + 3 + 6
    assert np.isfinite(model.bic(X, y))


def test_the_score_is_that_of_single_rows(fanning):
    X, y = fanning
    density = fit_fanning(fanning).predict_distribution(X[:5])
    whole = density.crps(y[:5])
    for i in range(5):
        single = ConditionalMixture(
            density.weights[[i]],
            density.prediction[[i]],
            density.dispersion[i],
            GaussianLikelihood(),
        )
        assert single.crps(y[i])[0] == pytest.approx(whole[i])


def test_other_regressors_and_dataframes(fanning):
    X, y = fanning
    table = pd.DataFrame(X, columns=["a", "b"])
    for regressor in (
        DecisionTreeRegressor(max_depth=2),
        HistGradientBoostingRegressor(max_iter=5),
    ):
        model = fit_fanning((table, y), regressor)
        _, std = model.predict(table, return_std=True)
        noisy = table["b"] > 0.8
        assert std[noisy].mean() > 1.5 * std[~noisy].mean()
        again = clone(model).fit(table, y)
        np.testing.assert_array_equal(
            again.score_samples(table, y), model.score_samples(table, y)
        )
    message = r"bic: likelihood_ \(GaussianLikelihood\) does not tell its number"
    with pytest.raises(ValueError, match=message):
        model.bic(table, y)


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
def test_solvers_and_warm_starts(fanning, solver):
    X, y = fanning
    model = fit_fanning(fanning, solver=solver, tol=1e-4)
    bound = model.lower_bound_
    model.set_params(warm_start=True).fit(X, y)
    assert model.lower_bound_ >= bound - 1e-12


def test_an_expert_without_rows_is_as_uncertain_as_y(fanning):
    X, y = fanning
    likelihood = GaussianLikelihood(LinearRegression())
    weights = np.column_stack([np.zeros(800), np.ones(800)])
    models = likelihood.fit_dispersion_model(X, y, np.zeros((800, 2)), weights)
    variances = likelihood.dispersion_at(models, X)
    ratios = (y - y.mean()) ** 2 / variances[:, 0]
    assert ratios.mean() == pytest.approx(1)


def test_capabilities_are_those_of_the_parameters():
    for name in ("fit_dispersion_model", "dispersion_at", "expert_weights"):
        assert hasattr(GaussianLikelihood(LinearRegression()), name)
        assert not hasattr(GaussianLikelihood(), name)


@pytest.mark.parametrize(
    ("dispersion", "message"),
    [
        (
            LogisticRegression(),
            r"dispersion=LogisticRegression\(\) of .* is no regressor",
        ),
        (LinearRegression, r"of GaussianLikelihood is no regressor; use 'expert'"),
        (KNeighborsRegressor(), r"KNeighborsRegressor takes no sample_weight in fit"),
    ],
)
def test_wrong_regressors(fanning, dispersion, message):
    with pytest.raises(ValueError, match=message):
        fit_fanning(fanning, dispersion)


def test_several_outputs_and_failures(fanning):
    X, y = fanning
    with pytest.raises(ValueError, match=r"takes a target of shape \(n_samples,\)"):
        fit_fanning((X, np.column_stack([y, y])))

    class Failing(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            raise ValueError("no")

    message = r"likelihood: dispersion \(Failing\) failed: no"
    with pytest.raises(ValueError, match=message):
        fit_fanning(fanning, Failing())
