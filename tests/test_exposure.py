"""Rows of different exposures: counts and sizes per unit of time, area or people."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import GammaRegressor, PoissonRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_persistence import round_trip

from skmoe import Checkpoint, MixtureOfExpertsRegressor
from skmoe._sklearn_compat import HAS_CALLBACKS
from skmoe.gates import SoftmaxGate
from skmoe.metrics import crps, neg_crps_scorer, neg_log_likelihood_scorer

LIKELIHOODS = ["poisson", "negative_binomial", "gamma"]
TIGHT = {"tol": 1e-10, "max_iter": 1000}


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=LIKELIHOODS)
def likelihood(request):
    return request.param


@pytest.fixture
def visits(rng, likelihood):
    """X, y and exposure of two regimes, whose rates differ tenfold."""
    return make_visits(rng, likelihood)


def make_visits(rng, likelihood, n_samples=400):
    X = rng.uniform(-2, 2, size=(n_samples, 2))
    rate = np.exp(np.where(X[:, 0] > 0, 2.0 + 0.5 * X[:, 1], -0.3 - 0.5 * X[:, 1]))
    exposure = rng.choice([0.25, 1.0, 2.0, 12.0], size=n_samples)
    mean = rate * exposure
    if likelihood == "gamma":
        return X, mean * rng.gamma(4.0, 0.25, size=n_samples), exposure
    if likelihood == "negative_binomial":
        mean = mean * rng.gamma(2.0, 0.5, size=n_samples)
    return X, rng.poisson(mean).astype(float), exposure


def make(likelihood, n_experts=2, experts=None, **options):
    options = {"random_state": 0, **options}
    return MixtureOfExpertsRegressor(experts, n_experts, likelihood=likelihood, **options)


# What an exposure is


@pytest.mark.parametrize("likelihood", ["poisson", "gamma"])
def test_one_expert_is_a_regression_of_rates(rng, likelihood):
    X, y, exposure = make_visits(rng, likelihood)
    kind = {"poisson": PoissonRegressor, "gamma": GammaRegressor}[likelihood]
    plain = kind(alpha=0, solver="newton-cholesky", tol=1e-10)
    plain.fit(
        X, y / exposure, sample_weight=exposure if likelihood == "poisson" else None
    )
    model = make(likelihood, 1).fit(X, y, exposure=exposure)
    np.testing.assert_allclose(model.experts_[0].coef_, plain.coef_, rtol=1e-5)
    expected = plain.predict(X) * exposure
    np.testing.assert_allclose(model.predict(X, exposure=exposure), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-5)


def test_an_exposure_is_an_offset(visits, likelihood):
    """A column log(exposure), whose coefficient is free, explains no more of note."""
    X, y, exposure = visits
    model = make(likelihood, 1).fit(X, y, exposure=exposure)
    wide = np.column_stack([X, np.log(exposure)])
    free = make(likelihood, 1).fit(wide, y)
    assert free.experts_[0].coef_[2] == pytest.approx(1.0, abs=0.2)
    np.testing.assert_allclose(
        model.score_samples(X, y, exposure=exposure).mean(),
        free.score_samples(wide, y).mean(),
        atol=0.02,
    )


def test_exposures_of_one_are_none(visits, likelihood):
    X, y, _ = visits
    y = np.maximum(y, 0.01) if likelihood == "gamma" else y
    ones = np.ones(len(y))
    model = make(likelihood, **TIGHT).fit(X, y, exposure=ones)
    plain = make(likelihood, **TIGHT).fit(X, y)
    assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-8)
    np.testing.assert_allclose(
        model.predict(X, exposure=ones), plain.predict(X), rtol=1e-3
    )


@pytest.mark.parametrize("unit", [1 / 365, 1000.0])
def test_the_unit_of_exposure_does_not_matter(visits, likelihood, unit):
    X, y, exposure = visits
    model = make(likelihood, **TIGHT).fit(X, y, exposure=exposure)
    other = make(likelihood, **TIGHT).fit(X, y, exposure=unit * exposure)
    assert model.lower_bound_ == pytest.approx(other.lower_bound_, abs=1e-6)
    np.testing.assert_allclose(
        model.predict(X, exposure=exposure),
        other.predict(X, exposure=unit * exposure),
        rtol=2e-3,
    )


def test_a_row_is_as_its_parts(rng):
    """Counts of a week are sums of those of its days, for one expert."""
    X = rng.normal(size=(60, 2))
    days = rng.poisson(np.exp(0.3 * X[:, [0]]), size=(60, 7)).astype(float)
    weeks = make("poisson", 1).fit(X, days.sum(axis=1), exposure=np.full(60, 7.0))
    split = make("poisson", 1).fit(np.repeat(X, 7, axis=0), days.ravel())
    np.testing.assert_allclose(weeks.predict(X), split.predict(X), rtol=1e-6)


def test_two_regimes_are_found(rng):
    X, y, exposure = make_visits(rng, "poisson", 2000)
    model = make("poisson").fit(X, y, exposure=exposure)
    lines = [[e.intercept_, e.coef_[1]] for e in model.experts_]
    np.testing.assert_allclose(sorted(lines), [[-0.3, -0.5], [2.0, 0.5]], atol=0.12)


# Training


def test_the_objective_rises_to_the_likelihood(visits, likelihood):
    X, y, exposure = visits
    model = make(likelihood, gate=SoftmaxGate(alpha=1e-6)).fit(X, y, exposure=exposure)
    assert model.converged_
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()
    found = model.score_samples(X, y, exposure=exposure).mean()
    assert model.lower_bound_ == pytest.approx(found, abs=2e-3)


def test_solved_together_as_by_plain_steps(visits, likelihood):
    class Opaque(GammaRegressor if likelihood == "gamma" else PoissonRegressor):
        """Fitted as any estimator."""

    X, y, exposure = visits
    together = make(likelihood, **TIGHT).fit(X, y, exposure=exposure)
    shares = together.responsibilities(X, y, exposure=exposure)
    opaque = Opaque(alpha=0, solver="newton-cholesky", tol=1e-10)
    steps = make(likelihood, 2, opaque, init=shares, cv=None, **TIGHT)
    steps.fit(X, y, exposure=exposure)
    assert steps.lower_bound_ == pytest.approx(together.lower_bound_, abs=1e-6)
    np.testing.assert_allclose(
        steps.predict(X, exposure=exposure),
        together.predict(X, exposure=exposure),
        rtol=0.02,
    )


def test_weights_are_repeated_rows(visits, rng, likelihood):
    X, y, exposure = visits
    counts = rng.integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    weighted = make(likelihood, **TIGHT).fit(X, y, counts, exposure=exposure)
    repeated = make(likelihood, **TIGHT).fit(X[rows], y[rows], exposure=exposure[rows])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-3)


@pytest.mark.parametrize("solver", ["hard-em", "stochastic-em"])
def test_other_solvers(visits, likelihood, solver):
    X, y, exposure = visits
    model = make(likelihood, solver=solver).fit(X, y, exposure=exposure)
    em = make(likelihood).fit(X, y, exposure=exposure)
    one = make(likelihood, 1).fit(X, y, exposure=exposure)
    reached, best, least = (
        m.score_samples(X, y, exposure=exposure).mean() for m in (model, em, one)
    )
    assert reached - least > 0.4 * (best - least)


@pytest.mark.filterwarnings("ignore:experts.*ended with less")  # two are enough
@pytest.mark.parametrize("top_k", [1, 2])
def test_routed_rows(visits, likelihood, top_k):
    X, y, exposure = visits
    model = make(likelihood, 3, top_k=top_k).fit(X, y, exposure=exposure)
    one = make(likelihood, 1).fit(X, y, exposure=exposure)
    gain = model.score_samples(X, y, exposure=exposure).mean()
    assert gain > one.score_samples(X, y, exposure=exposure).mean() + 0.1
    density = model.predict_distribution(X, exposure=exposure)
    np.testing.assert_allclose(density.mean(), model.predict(X, exposure=exposure))


def test_linear_experts_on_folds(visits, likelihood):
    X, y, exposure = visits
    kind = GammaRegressor if likelihood == "gamma" else PoissonRegressor
    for expert in (None, make_pipeline(StandardScaler(), kind(alpha=0))):
        model = make(likelihood, 2, expert, cv=3).fit(X, y, exposure=exposure)
        assert model.cross_fitted_
        found = model.score_samples(X, y, exposure=exposure).mean()
        assert model.lower_bound_ == pytest.approx(found, abs=0.15)


def test_flexible_experts(visits, likelihood):
    X, y, exposure = visits
    loss = "gamma" if likelihood == "gamma" else "poisson"
    trees = HistGradientBoostingRegressor(loss=loss, max_iter=20, max_depth=2)
    model = make(likelihood, 2, trees).fit(X, y, exposure=exposure)
    assert model.cross_fitted_
    rate = np.exp(np.where(X[:, 0] > 0, 2.0 + 0.5 * X[:, 1], -0.3 - 0.5 * X[:, 1]))
    error = np.log(model.predict(X, exposure=exposure) / (rate * exposure))
    assert np.sqrt(np.mean(error**2)) < 0.5


def test_pipelines_dataframes_and_sparse_rows(visits, likelihood):
    X, y, exposure = visits
    plain = make(likelihood, **TIGHT).fit(X, y, exposure=exposure)
    kind = GammaRegressor if likelihood == "gamma" else PoissonRegressor
    steps = make_pipeline(StandardScaler(), kind(alpha=0))
    frame = pd.DataFrame(X, columns=["a", "b"], index=np.arange(len(y))[::-1])
    series = pd.Series(exposure, index=frame.index)
    rows = sparse.csr_matrix(X)
    for expert, given, sizes in [
        (steps, X, exposure), (None, frame, series), (None, rows, exposure.tolist()),
    ]:  # fmt: skip
        model = make(likelihood, 2, expert, **TIGHT).fit(given, y, exposure=sizes)
        assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-7)
        np.testing.assert_allclose(
            model.predict(given, exposure=sizes),
            plain.predict(X, exposure=exposure),
            rtol=5e-3,
        )


def test_warm_start(visits, likelihood):
    X, y, exposure = visits
    model = make(likelihood, warm_start=True).fit(X, y, exposure=exposure)
    earlier = model.lower_bound_
    assert model.fit(X, y, exposure=exposure).lower_bound_ >= earlier - 1e-9
    assert model.n_iter_ <= 5


def test_the_number_of_experts(rng):
    X, y, exposure = make_visits(rng, "poisson", 1000)
    model = make("poisson", "auto").fit(X, y, exposure=exposure)
    assert model.n_experts_ == 2


def test_rows_of_no_weight_are_left_out(visits, likelihood):
    X, y, exposure = visits
    weights = np.r_[np.zeros(50), np.ones(len(y) - 50)]
    model = make(likelihood).fit(X, y, weights, exposure=exposure)
    rest = make(likelihood).fit(X[50:], y[50:], exposure=exposure[50:])
    np.testing.assert_allclose(model.predict(X), rest.predict(X))


def test_groups(rng):
    X, y, exposure = make_visits(rng, "poisson", 300)
    groups = np.repeat(np.arange(60), 5)
    X[:, 0] = X[::5, 0].repeat(5)
    model = make("poisson").fit(X, y, exposure=exposure, groups=groups)
    shares = model.responsibilities(X, y, groups, exposure=exposure)
    np.testing.assert_array_equal(shares[::5].repeat(5, axis=0), shares)
    total = model.score_samples(X, y, groups, exposure=exposure).sum()
    assert total == pytest.approx(model.lower_bound_ * len(y), rel=0.05)


# Predictions


def test_the_density_is_that_of_the_exposure(rng):
    X, y, exposure = make_visits(rng, "poisson")
    model = make("poisson").fit(X, y, exposure=exposure)
    density = model.predict_distribution(X, exposure=exposure)
    gate = model.predict_gate_proba(X)
    means = model.predict_experts(X) * exposure[:, None]
    parts = stats.poisson(means)
    mean = (gate * means).sum(axis=1)
    np.testing.assert_allclose(density.mean(), mean)
    second = (gate * (means + means**2)).sum(axis=1)
    np.testing.assert_allclose(density.var(), second - mean**2)
    pmf = (gate * parts.pmf(y[:, None])).sum(axis=1)
    np.testing.assert_allclose(density.pmf(y), pmf)
    np.testing.assert_allclose(model.score_samples(X, y, exposure=exposure), np.log(pmf))
    cdf = (gate * parts.cdf(y[:, None])).sum(axis=1)
    np.testing.assert_allclose(density.cdf(y), cdf)
    median = density.ppf(0.5)
    assert (density.cdf(median) >= 0.5).all()
    assert (density.cdf(median - 1) < 0.5).all()
    low, high = density.interval(0.9)
    assert ((low <= y) & (y <= high)).mean() > 0.85
    draws = density.rvs(size=2000, random_state=0)
    error = 6 * density.std() / np.sqrt(2000)
    assert (np.abs(draws.mean(axis=1) - density.mean()) < error).all()
    grid = np.arange(1500.0)
    steps = (gate[0] * stats.poisson(means[0]).cdf(grid[:, None])).sum(axis=1)
    expected = np.sum((steps - (grid >= y[0])) ** 2)
    assert density[:1].crps(y[:1])[0] == pytest.approx(expected, rel=1e-3)
    assert crps(y, density) == pytest.approx(density.crps(y).mean())
    shares = gate * parts.pmf(y[:, None]) / pmf[:, None]
    found = model.responsibilities(X, y, exposure=exposure)
    np.testing.assert_allclose(found, shares)


def test_moments_draws_and_criteria(visits, likelihood):
    X, y, exposure = visits
    model = make(likelihood).fit(X, y, exposure=exposure)
    mean, std = model.predict(X, return_std=True, exposure=exposure)
    density = model.predict_distribution(X, exposure=exposure)
    np.testing.assert_allclose(mean, density.mean())
    np.testing.assert_allclose(std, density.std())
    np.testing.assert_array_equal(
        model.sample(X, random_state=3, exposure=exposure), density.rvs(random_state=3)
    )
    total = model.score_samples(X, y, exposure=exposure).sum()
    n_shapes = 0 if likelihood == "poisson" else 2
    n_parameters = 6 + n_shapes + 3
    assert model.aic(X, y, exposure=exposure) == pytest.approx(
        2 * n_parameters - 2 * total
    )
    assert model.bic(X, y, exposure=exposure) == pytest.approx(
        np.log(len(y)) * n_parameters - 2 * total
    )
    assert model.icl(X, y, exposure=exposure) >= model.bic(X, y, exposure=exposure)
    variance = ((y - y.mean()) ** 2).sum()
    expected = 1 - ((y - mean) ** 2).sum() / variance
    assert model.score(X, y, exposure=exposure) == pytest.approx(expected)


@pytest.mark.parametrize("way", ["pickle", "skops", "deepcopy"])
def test_persistence(visits, likelihood, way):
    X, y, exposure = visits
    model = make(likelihood).fit(X, y, exposure=exposure)
    back = round_trip(model, way)
    np.testing.assert_array_equal(
        back.score_samples(X, y, exposure=exposure),
        model.score_samples(X, y, exposure=exposure),
    )


@pytest.mark.skipif(not HAS_CALLBACKS, reason="there are no callbacks")
def test_callbacks_are_given_the_target_alone(rng, tmp_path):
    from sklearn.callback import ScoringMonitor

    X, y, exposure = make_visits(rng, "poisson")
    path = tmp_path / "model.skops"
    monitor = ScoringMonitor(scoring="neg_mean_squared_error")
    model = make("poisson").set_callbacks(monitor, Checkpoint(path, every=1))
    model.fit(X, y, exposure=exposure)
    assert path.exists()
    assert len(monitor.get_logs().data) > 0


# Metadata


def test_exposures_are_routed_by_scikit_learn(rng):
    X, y, exposure = make_visits(rng, "poisson")
    with config_context(enable_metadata_routing=True):
        model = make("poisson").set_fit_request(exposure=True)
        model.set_score_request(exposure=True)
        search = GridSearchCV(model, {"n_experts": [1, 2]}, cv=3)
        search.fit(X, y, exposure=exposure)
        assert search.best_params_ == {"n_experts": 2}
        for scorer in (neg_log_likelihood_scorer, neg_crps_scorer):
            search.set_params(scoring=scorer).fit(X, y, exposure=exposure)
            own = scorer(search, X, y, exposure=exposure)
            assert search.score(X, y, exposure=exposure) == pytest.approx(own)
            assert search.best_score_ > scorer(search, X, y) + 0.5
        found = cross_validate(
            model, X, y, params={"exposure": exposure}, return_estimator=True
        )
        folds = np.array_split(np.arange(len(y)), 5)
        for fold, fitted, score in zip(
            folds, found["estimator"], found["test_score"], strict=True
        ):
            own = fitted.score(X[fold], y[fold], exposure=exposure[fold])
            assert score == pytest.approx(own)
        steps = make_pipeline(
            StandardScaler(),
            make("poisson")
            .set_fit_request(exposure=True)
            .set_predict_request(exposure=True),
        ).fit(X, y, exposure=exposure)
        plain = make("poisson").fit(
            StandardScaler().fit_transform(X), y, exposure=exposure
        )
        np.testing.assert_allclose(
            steps.predict(X, exposure=exposure),
            plain.predict(StandardScaler().fit_transform(X), exposure=exposure),
        )


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e[:-1], r"exposure has shape \(399,\), X has 400 rows; pass one"),
        (lambda e: e[:, None], r"exposure has shape \(400, 1\), X has 400 rows"),
        (lambda e: np.where(np.arange(400) == 7, 0, e), "exposure: row 7 holds 0; pass"),
        (lambda e: np.where(np.arange(400) > 5, -2, e), "exposure: row 6 holds -2; pass"),
        (lambda e: np.where(np.arange(400) == 3, np.nan, e), "contains NaN"),
        (lambda e: np.where(np.arange(400) == 3, np.inf, e), "contains infinity"),
    ],
)
def test_exposures_that_cannot_be(rng, change, message):
    X, y, exposure = make_visits(rng, "poisson")
    model = make("poisson").fit(X, y, exposure=exposure)
    with pytest.raises(ValueError, match=message):
        make("poisson").fit(X, y, exposure=change(exposure))
    with pytest.raises(ValueError, match=message):
        model.predict(X, exposure=change(exposure))
    with pytest.raises(ValueError, match=message):
        model.score_samples(X, y, exposure=change(exposure))


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t", "laplace", "binomial"])
def test_likelihoods_without_exposures(rng, likelihood):
    X, y, exposure = make_visits(rng, "poisson")
    y = (y > 3).astype(float)
    message = (
        "exposure: .*Likelihood takes no exposure; it goes with likelihood='poisson'"
    )
    with pytest.raises(ValueError, match=message):
        make(likelihood).fit(X, y, exposure=exposure)
    model = make(likelihood).fit(X, y)
    for method in (model.predict, model.predict_distribution, model.sample):
        with pytest.raises(ValueError, match=message):
            method(X, exposure=exposure)


def test_unknown_sizes(rng):
    X, y, exposure = make_visits(rng, "poisson")
    model = make("poisson").fit(X, y, exposure=exposure)
    for method in (model.score_samples, model.responsibilities, model.bic, model.icl):
        with pytest.raises(TypeError, match="unexpected keyword argument 'expsure'"):
            method(X, y, expsure=exposure)
    with pytest.raises(ValueError, match=r"trials: .* takes no trials; it goes with"):
        model.predict(X, trials=exposure)


def test_what_takes_no_exposures(rng):
    X, y, exposure = make_visits(rng, "poisson")
    with pytest.raises(
        ValueError, match=r"exposure: solver='gradient' .*use solver='em'"
    ):
        make("poisson", solver="gradient").fit(X, y, exposure=exposure)
    blocks = [X[:200], X[200:]], [y[:200], y[200:]]
    with pytest.raises(ValueError, match=r"exposure: .*pass X as one table in memory"):
        make("poisson").fit(*blocks, exposure=exposure)


def test_targets_are_checked_before_they_are_divided(rng):
    X, y, exposure = make_visits(rng, "poisson")
    y[4] += 0.5
    with pytest.raises(ValueError, match=f"needs counts, .*; row 4 holds {y[4]:g}"):
        make("poisson").fit(X, y, exposure=exposure)
    y[6] = 0.0
    with pytest.raises(ValueError, match=r"likelihood='gamma' .*; row . holds 0"):
        make("gamma").fit(X, y, exposure=exposure)
