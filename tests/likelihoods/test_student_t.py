"""Student's t against scipy.stats, brute force, and what it is for."""

import pickle

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GaussianLikelihood, LaplaceLikelihood, StudentTLikelihood


def make_data(rng, n_samples=50, n_experts=3):
    y = rng.normal(3.0, 2.0, size=n_samples)
    prediction = rng.normal(3.0, 2.0, size=(n_samples, n_experts))
    squared_scale = rng.uniform(0.2, 3.0, size=n_experts)
    return y, prediction, np.column_stack([squared_scale, rng.uniform(1, 20, n_experts)])


def of_scipy(prediction, dispersion):
    return stats.t(dispersion[:, 1], prediction, np.sqrt(dispersion[:, 0]))


def test_density_and_distribution_are_scipys(rng):
    y, prediction, dispersion = make_data(rng)
    reference, likelihood = of_scipy(prediction, dispersion), StudentTLikelihood()
    np.testing.assert_allclose(
        likelihood.log_prob(y, prediction, dispersion), reference.logpdf(y[:, None])
    )
    cdf = likelihood.cdf(y[:, None], prediction, dispersion)
    np.testing.assert_allclose(cdf, reference.cdf(y[:, None]))
    q = np.r_[0, 1e-9, rng.uniform(0.01, 0.99, size=47), 1][:, None]
    ppf = likelihood.ppf(q, prediction[:50], dispersion)
    np.testing.assert_allclose(ppf, reference.ppf(q), rtol=1e-6)
    back = likelihood.cdf(ppf, prediction, dispersion)
    np.testing.assert_allclose(back, np.broadcast_to(q, back.shape), rtol=1e-6)


def test_density_integrates_to_one_and_to_the_variance(rng):
    _, prediction, dispersion = make_data(rng, n_experts=1)
    dispersion[0, 1] = rng.uniform(3, 30)
    likelihood = StudentTLikelihood()
    mean = prediction[0, 0]

    def density(y):
        return np.exp(likelihood.log_prob(np.array([y]), prediction[:1], dispersion))[
            0, 0
        ]

    assert quad(density, -np.inf, np.inf)[0] == pytest.approx(1)
    second = quad(lambda r: r**2 * density(mean + r), -np.inf, np.inf, limit=200)[0]
    variance = likelihood.variance(prediction, dispersion)
    assert variance.shape == prediction.shape
    assert variance[0, 0] == pytest.approx(second, rel=1e-4)


def test_moments_where_there_are_none():
    dispersion = np.array([[4.0, 1.0], [4.0, 2.0], [4.0, 3.0]])
    prediction = np.zeros((2, 3))
    likelihood = StudentTLikelihood()
    np.testing.assert_array_equal(
        likelihood.variance(prediction, dispersion), [[np.inf, np.inf, 12.0]] * 2
    )
    weights = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    mixture = ConditionalMixture(weights, prediction, dispersion, likelihood)
    np.testing.assert_array_equal(mixture.std(), [np.inf, np.sqrt(12)])


def test_many_degrees_of_freedom_are_the_normal_density(rng):
    y, prediction, dispersion = make_data(rng)
    dispersion[:, 1] = 1e10
    np.testing.assert_allclose(
        StudentTLikelihood().log_prob(y, prediction, dispersion),
        GaussianLikelihood().log_prob(y, prediction, dispersion[:, 0]),
        rtol=1e-6,
    )


def test_draws(rng):
    prediction, dispersion = np.full((40_000, 1), 2.0), np.array([[4.0, 3.0]])
    state = np.random.RandomState(rng.integers(2**31))
    draws = StudentTLikelihood().rvs(prediction, dispersion, state)
    assert draws.shape == prediction.shape
    statistic = stats.kstest(draws[:, 0], stats.t(3, 2, 2).cdf).statistic
    assert statistic < 2.5 / np.sqrt(40_000)


@pytest.mark.parametrize("df", [None, 1.0, 4.0, 50.0])
@pytest.mark.parametrize("true_df", [1.2, 4.0, 1e6])
def test_no_dispersion_is_likelier(rng, df, true_df):
    prediction = rng.normal(size=(300, 2))
    noise = np.array([0.5, 20.0]) * stats.t(true_df).rvs((300, 2), random_state=rng)
    y = np.where(
        np.arange(300) % 2, (prediction + noise)[:, 0], (prediction + noise)[:, 1]
    )
    weights = rng.dirichlet(np.ones(2), size=300)
    likelihood = StudentTLikelihood(df)
    fitted = likelihood.fit_dispersion(y, prediction, weights)
    for k in range(2):

        def loss(point, k=k):
            scale, own = np.exp(point[0]), df or np.clip(np.exp(point[1]), 2.1, 200)
            log_prob = stats.t(own, prediction[:, k], scale).logpdf(y)
            return -weights[:, k] @ log_prob

        best = loss(
            0.5 * np.log(fitted[k, 0]) * np.array([1, 0])
            + np.log(fitted[k, 1]) * np.array([0, 1])
        )
        starts = [(s, d) for s in (-1.0, 2.0) for d in (1.0, 2.0, 4.0)]
        found = [
            minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6}).fun
            for start in starts
        ]
        assert best <= min(found) + 1e-6
    assert (fitted[:, 1] == df).all() if df else (fitted[:, 1] >= 2.1 - 1e-9).all()


def test_degrees_of_freedom_are_found(rng):
    noise = 3 * stats.t(5).rvs(20_000, random_state=rng)
    dispersion = StudentTLikelihood().fit_dispersion(
        noise, np.zeros((20_000, 1)), np.ones((20_000, 1))
    )
    assert dispersion[0, 1] == pytest.approx(5, rel=0.25)
    assert np.sqrt(dispersion[0, 0]) == pytest.approx(3, rel=0.06)


@pytest.mark.parametrize("seed", [1, 7, 9, 11])
def test_no_expert_waits_for_another(seed):
    """Whoever is found stays, while degrees of freedom of others are looked for."""
    rng = np.random.default_rng(seed)
    y, prediction = 1.5 * rng.standard_t(4, size=90), rng.normal(size=(90, 5))
    weights = rng.dirichlet(np.ones(5), size=90)
    likelihood = StudentTLikelihood(floor=0.01)
    together = likelihood.fit_dispersion(y, prediction, weights)
    for k in range(5):
        alone = likelihood.fit_dispersion(y, prediction[:, [k]], weights[:, [k]])
        np.testing.assert_allclose(alone[0], together[k], rtol=1e-9)


def test_weights_are_repeated_rows(rng):
    y, prediction, _ = make_data(rng)
    prediction[:, 0] = y
    shares = rng.dirichlet(np.ones(3), size=50)
    counts = rng.integers(0, 4, size=50)
    rows = np.repeat(np.arange(50), counts)
    fit = StudentTLikelihood().fit_dispersion
    weighted = fit(y, prediction, shares * counts[:, None])
    np.testing.assert_allclose(
        weighted, fit(y[rows], prediction[rows], shares[rows]), rtol=1e-5
    )
    # An expert that runs through its rows exactly is at the floor.
    assert weighted[0, 0] == pytest.approx(1e-6 * y[rows].var())


def test_units_and_experts_without_rows(rng):
    y, prediction, _ = make_data(rng)
    weights = rng.dirichlet(np.ones(3), size=50)
    fit = StudentTLikelihood().fit_dispersion
    base = fit(y, prediction, weights)
    scaled = fit(1e6 * y, 1e6 * prediction, weights)
    np.testing.assert_allclose(scaled, base * [1e12, 1], rtol=1e-5)
    weights[:, 1] = 0
    own = fit(
        y,
        np.full((50, 1), np.average(y, weights=weights.sum(axis=1))),
        weights.sum(axis=1, keepdims=True),
    )
    np.testing.assert_allclose(fit(y, prediction, weights)[1], own[0], rtol=1e-6)
    constant = fit(np.full(5, 7.0), np.full((5, 1), 7.0), np.ones((5, 1)))
    assert np.isfinite(constant).all()
    assert constant[0, 0] > 0


@pytest.mark.parametrize("df", [None, 1.5, 5.0])
def test_a_step_never_lowers_the_objective(rng, df, two_slopes, plain_steps):
    X, y = two_slopes()
    shares = rng.dirichlet(np.ones(2), size=len(y))
    bounds = plain_steps(X, y, StudentTLikelihood(df), LinearRegression(), shares)
    assert (np.diff(bounds) >= -1e-10).all()
    assert bounds[-1] > bounds[0] + 0.1


def test_one_expert_is_the_most_likely_line(rng, two_slopes):
    X, y = two_slopes(150)
    model = MixtureOfExpertsRegressor(
        n_experts=1, likelihood=StudentTLikelihood(3.0), tol=1e-12, max_iter=1000
    ).fit(X, y)

    def loss(point):
        return (
            -stats.t(3, point[0] + point[1] * X[:, 0], np.exp(point[2])).logpdf(y).sum()
        )

    coef = [model.experts_[0].intercept_, model.experts_[0].coef_[0]]
    start = [*coef, 0.5 * np.log(model.dispersion_[0, 0])]
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9})
    np.testing.assert_allclose(coef, found.x[:2], atol=1e-4)
    assert -found.fun / 150 == pytest.approx(model.lower_bound_, abs=1e-8)


def test_two_slopes_survive_gross_outliers(rng, two_slopes):
    X, y = two_slopes()
    slopes = {}
    for likelihood in ("gaussian", "student_t"):
        model = MixtureOfExpertsRegressor(
            n_experts=2, likelihood=likelihood, random_state=0, max_iter=500
        ).fit(X, y)
        assert (np.diff(model.lower_bounds_) >= 0).all()
        slopes[likelihood] = np.sort([expert.coef_[0] for expert in model.experts_])
    np.testing.assert_allclose(slopes["student_t"], [-2, 3], atol=0.15)
    assert np.abs(slopes["gaussian"] - [-2, 3]).max() > 0.3


def test_the_fitted_model(rng, two_slopes):
    X, y = two_slopes()
    model = MixtureOfExpertsRegressor(
        n_experts=2, likelihood="student_t", random_state=0, max_iter=500
    ).fit(X, y)
    assert model.dispersion_.shape == (2, 2)
    assert model.score_samples(X, y).shape == (400,)
    np.testing.assert_allclose(model.responsibilities(X, y).sum(axis=1), 1)
    _, std = model.predict(X, return_std=True)
    assert np.isfinite(std).all()
    density = model.predict_distribution(X[:6])
    low, high = density.interval(0.9)
    np.testing.assert_allclose(density.cdf(high) - density.cdf(low), 0.9)
    draws = density[2:4].rvs(20_000, random_state=0)
    inside = (draws > low[2:4, None]) & (draws < high[2:4, None])
    np.testing.assert_allclose(inside.mean(axis=1), 0.9, atol=0.02)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.score_samples(X, y), model.score_samples(X, y))
    # Two lines, a gate, two scales, two degrees of freedom.
    assert model._n_parameters("bic") == 4 + 2 + 4
    model.set_params(likelihood=StudentTLikelihood(4)).fit(X, y)
    assert model._n_parameters("bic") == 4 + 2 + 2


def test_one_wild_outlier_is_borne(two_slopes):
    X, y = two_slopes(size=3.0)
    y[0] = 1e9
    model = MixtureOfExpertsRegressor(
        n_experts=2, likelihood="student_t", random_state=0, max_iter=500
    ).fit(X, y)
    slopes = np.sort([expert.coef_[0] for expert in model.experts_])
    np.testing.assert_allclose(slopes, [-2, 3], atol=0.2)
    assert model.dispersion_floor_ < 1e-4


@pytest.mark.parametrize("likelihood", [StudentTLikelihood(), LaplaceLikelihood()])
def test_outliers_do_not_raise_the_floor(rng, likelihood):
    y, weights = rng.normal(size=201), np.ones(201)
    floor = likelihood.smallest_dispersion(y, weights)
    y[0] = 1e9
    assert likelihood.smallest_dispersion(y, weights) == pytest.approx(floor, rel=0.5)


def test_a_grid_is_seen_in_spite_of_outliers(rng):
    y = np.r_[np.rint(rng.normal(5, 1, size=300)), 1e5 + 0.3]
    likelihood = StudentTLikelihood()
    floor = likelihood.smallest_dispersion(y, np.ones(301))
    assert floor == pytest.approx(1 / 12)


def test_another_likelihood_is_not_warm_started(two_slopes):
    X, y = two_slopes()
    model = MixtureOfExpertsRegressor(
        n_experts=2, random_state=0, warm_start=True, max_iter=500
    )
    model.fit(X, y)
    for likelihood in ("student_t", GaussianLikelihood("tied")):
        model.set_params(likelihood=likelihood)
        with pytest.raises(ValueError, match="warm_start: the earlier fit has the like"):
            model.fit(X, y)
    model.set_params(likelihood=GaussianLikelihood(), tol=1e-5).fit(X, y)


@pytest.mark.parametrize("df", [0, -1.0, np.nan, np.inf, "auto"])
def test_wrong_degrees_of_freedom(rng, df, two_slopes):
    model = MixtureOfExpertsRegressor(likelihood=StudentTLikelihood(df))
    with pytest.raises(ValueError, match=r"df=.* of StudentTLikelihood must be a number"):
        model.fit(*two_slopes())


@pytest.mark.parametrize("name", ["student_t", "laplace"])
def test_one_output_only(rng, name, two_slopes):
    X, y = two_slopes()
    with pytest.raises(ValueError, match=f"likelihood='{name}' takes a target of shape"):
        MixtureOfExpertsRegressor(likelihood=name).fit(X, np.column_stack([y, y]))
