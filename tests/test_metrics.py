"""Metrics of a predictive density against their definitions, and scorers in use."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GaussianLikelihood, PoissonLikelihood
from skmoe.metrics import (
    coverage,
    crps,
    neg_crps_scorer,
    neg_log_likelihood,
    neg_log_likelihood_scorer,
    pit_values,
)

SCORERS = [neg_log_likelihood_scorer, neg_crps_scorer]


def gaussian(rng, n_samples=4000, std=1.0):
    weights = rng.dirichlet(np.ones(2), size=n_samples)
    prediction = rng.normal(0, 3, size=(n_samples, 2))
    return ConditionalMixture(
        weights, prediction, np.full(2, std**2), GaussianLikelihood()
    )


def poisson(rng, n_samples=4000):
    weights = rng.dirichlet(np.ones(2), size=n_samples)
    rates = rng.gamma(2.0, size=(n_samples, 2))
    return ConditionalMixture(weights, rates, None, PoissonLikelihood())


@pytest.mark.parametrize("make", [gaussian, poisson])
def test_metrics_are_weighted_means(rng, make):
    density = make(rng, 50)
    y = density.rvs(random_state=0)
    weights = rng.uniform(size=50)
    log_density = density.logpmf(y) if make is poisson else density.logpdf(y)
    for metric, values in [
        (neg_log_likelihood, -log_density),
        (crps, density.crps(y)),
    ]:
        assert metric(y, density) == pytest.approx(values.mean())
        expected = np.average(values, weights=weights)
        assert metric(y, density, weights) == pytest.approx(expected)
        assert metric(pd.Series(y), density) == metric(list(y), density)
        counts = rng.integers(1, 4, size=50)
        rows = np.repeat(np.arange(50), counts)
        repeated = metric(y[rows], density[rows])
        assert metric(y, density, counts) == pytest.approx(repeated)


def test_of_one_normal_density(rng):
    density = ConditionalMixture(
        np.ones((3, 1)), np.zeros((3, 1)), np.array([4.0]), GaussianLikelihood()
    )
    y = np.array([-1.0, 0.5, 3.0])
    expected = -stats.norm(0, 2).logpdf(y).mean()
    assert neg_log_likelihood(y, density) == pytest.approx(expected)
    z = y / 2
    closed = 2 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z))
    closed -= 2 / np.sqrt(np.pi)
    assert crps(y, density) == pytest.approx(closed.mean())


@pytest.mark.parametrize("make", [gaussian, poisson])
def test_pit_values_are_uniform_where_the_density_is_right(rng, make):
    density = make(rng)
    y = density.rvs(random_state=int(rng.integers(2**31)))
    pit = pit_values(y, density, random_state=int(rng.integers(2**31)))
    assert pit.shape == (4000,)
    assert stats.kstest(pit, "uniform").statistic < 2.5 / np.sqrt(4000)
    np.testing.assert_array_equal(
        pit_values(y, density, random_state=3), pit_values(y, density, random_state=3)
    )


def test_pit_values_tell_what_is_wrong(rng):
    density = gaussian(rng)
    y = density.rvs(random_state=0)
    wide, narrow = (
        ConditionalMixture(
            density.weights, density.prediction, np.full(2, v), density.likelihood
        )
        for v in (25.0, 0.01)
    )
    ends = [np.mean(np.abs(pit_values(y, d) - 0.5) > 0.45) for d in (wide, narrow)]
    assert ends[0] < 0.05 < 0.15 < ends[1]
    assert crps(y, density) < min(crps(y, wide), crps(y, narrow))


@pytest.mark.parametrize("make", [gaussian, poisson])
def test_coverage_is_that_of_the_interval(rng, make):
    density = make(rng, 2000)
    y = density.rvs(random_state=int(rng.integers(2**31)))
    weights = rng.uniform(size=2000)
    for confidence in (0.0, 0.3, 0.8, 0.95, 1.0):
        low, high = density.interval(confidence)
        inside = (y >= low) & (y <= high)
        found = coverage(y, density, confidence)
        # At the median itself, rounding decides.
        assert found == pytest.approx(inside.mean(), abs=1e-9)
        assert coverage(y, density, confidence, weights) == pytest.approx(
            np.average(inside, weights=weights), abs=1e-9
        )
    nominal = np.array([0.5, 0.9])
    error = coverage(y, density, nominal) - nominal
    assert error.shape == (2,)
    assert (error > -0.05).all()
    if make is gaussian:
        assert (error < 0.05).all()


@pytest.mark.parametrize("confidence", [-0.1, 1.5, np.nan, [[0.5]]])
def test_wrong_confidence(rng, confidence):
    density = gaussian(rng, 3)
    with pytest.raises(ValueError, match=r"confidence=.* must be a number, or a list"):
        coverage(np.zeros(3), density, confidence)


def test_y_of_other_rows_is_refused(rng):
    density = gaussian(rng, 3)
    for metric in (neg_log_likelihood, crps, pit_values, coverage):
        with pytest.raises(ValueError, match=r"y_true has shape \(2,\), and the density"):
            metric(np.zeros(2), density)
    column = np.array([[0.1], [0.2], [0.3]])
    assert crps(column, density) == crps(column[:, 0], density)


def test_several_outputs(two_regimes):
    X, y = two_regimes
    Y = np.column_stack([y, -2 * y])
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, Y)
    density = model.predict_distribution(X)
    expected = -model.score_samples(X, Y).mean()
    assert neg_log_likelihood(Y, density) == pytest.approx(expected)
    assert neg_log_likelihood_scorer(model, X, Y) == pytest.approx(-expected)


@pytest.mark.parametrize("scorer", SCORERS)
def test_scorers_are_the_metrics_with_the_sign_turned(two_regimes, rng, scorer):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    density, weights = model.predict_distribution(X), rng.uniform(size=len(y))
    metric = {neg_crps_scorer: crps}.get(scorer, neg_log_likelihood)
    assert scorer(model, X, y) == pytest.approx(-metric(y, density))
    expected = -metric(y, density, weights)
    assert scorer(model, X, y, sample_weight=weights) == pytest.approx(expected)


@pytest.mark.parametrize("scorer", SCORERS)
def test_scorers_reach_through_pipelines_and_searches(two_regimes, scorer):
    X, y = two_regimes
    table = pd.DataFrame(X, columns=["a", "b"])
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(table, y)
    Z = pipeline[0].transform(table)
    expected = scorer(pipeline[-1], Z, y)
    assert scorer(pipeline, table, y) == expected
    assert scorer(make_pipeline(model).fit(X, y), X, y) == scorer(model, X, y)
    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), model))
    assert scorer(nested.fit(X, y), X, y) == pytest.approx(expected, rel=1e-6)
    search = GridSearchCV(
        pipeline, {"mixtureofexpertsregressor__n_experts": [1, 2]}, scoring=scorer, cv=3
    ).fit(table, y)
    assert search.best_params_ == {"mixtureofexpertsregressor__n_experts": 2}
    assert scorer(search, table, y) == pytest.approx(expected)
    assert search.score(table, y) == pytest.approx(expected)
    scores = cross_val_score(pipeline, table, y, scoring=scorer, cv=3)
    assert np.isfinite(scores).all()


def test_classifiers_are_scored_by_their_likelihood(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    proba = pipeline.predict_proba(X)
    own = proba[np.arange(len(y)), np.searchsorted(pipeline.classes_, y)]
    assert neg_log_likelihood_scorer(pipeline, X, y) == pytest.approx(np.log(own).mean())
    with pytest.raises(TypeError, match="MixtureOfExpertsClassifier, which has no"):
        neg_crps_scorer(pipeline, X, y)


@pytest.mark.parametrize("scorer", SCORERS)
def test_other_estimators_are_refused(two_regimes, scorer):
    X, y = two_regimes
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(X, y)
    message = r"\(Pipeline\) ends in LinearRegression, which has no .*: this scorer is"
    with pytest.raises(TypeError, match=message):
        scorer(pipeline, X, y)
