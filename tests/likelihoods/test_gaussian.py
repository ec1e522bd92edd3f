"""Tied variances and full covariances, against scipy.stats and equivalent models."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GaussianLikelihood

CHOICES = [
    GaussianLikelihood(dispersion, covariance)
    for dispersion in ("expert", "tied")
    for covariance in ("diag", "full")
]


@pytest.fixture
def of_two(rng):
    """Targets of two outputs, what three experts predict, and shares."""
    y = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 2))
    prediction = rng.normal(size=(60, 3, 2))
    return y, prediction, rng.dirichlet(np.ones(3), size=60)


@pytest.fixture
def correlated_regimes(rng):
    """Two outputs whose errors go together on one side, and apart on the other."""
    X = rng.uniform(-2, 2, size=(300, 1))
    errors = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=300)
    errors[:, 1] *= np.where(X[:, 0] > 0, 1, -1)
    signal = np.column_stack([np.abs(X[:, 0]), X[:, 0]])
    return X, 3 * signal + 0.3 * errors


def value(likelihood, y, prediction, dispersion, weights):
    return np.vdot(weights, likelihood.log_prob(y, prediction, dispersion))


def test_full_log_prob_is_scipys(of_two, rng):
    y, prediction, weights = of_two
    likelihood = GaussianLikelihood(covariance="full")
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    assert dispersion.shape == (3, 2, 2)
    log_prob = likelihood.log_prob(y, prediction, dispersion)
    for i in range(0, 60, 7):
        for k in range(3):
            normal = stats.multivariate_normal(prediction[i, k], dispersion[k])
            assert log_prob[i, k] == pytest.approx(normal.logpdf(y[i]))


@pytest.mark.parametrize("likelihood", CHOICES)
@pytest.mark.parametrize("floor", [0.0, 0.8])
def test_no_dispersion_above_the_floor_is_likelier(of_two, rng, likelihood, floor):
    y, prediction, weights = of_two
    likelihood = GaussianLikelihood(likelihood.dispersion, likelihood.covariance, floor)
    fitted = likelihood.fit_dispersion(y, prediction, weights)
    best = value(likelihood, y, prediction, fitted, weights)
    tied, full = likelihood.dispersion == "tied", likelihood.covariance == "full"
    for _ in range(200):
        size = rng.choice([1e-3, 0.1, 1.0])
        noise = size * rng.normal(size=(1 if tied else 3, 2, 2))
        if full:
            other = fitted + noise @ noise.swapaxes(1, 2) + noise + noise.swapaxes(1, 2)
            values, vectors = np.linalg.eigh(other)
            values = np.maximum(values, max(floor**2, 1e-9))
            other = (vectors * values[:, None]) @ vectors.swapaxes(1, 2)
        else:
            other = np.maximum(fitted * np.exp(noise[:, 0]), floor**2)
        assert value(likelihood, y, prediction, other, weights) <= best + 1e-9


def test_a_binding_floor_holds_in_all_directions(of_two):
    y, prediction, weights = of_two
    y = np.column_stack([y[:, 0], 5 * y[:, 0]])
    prediction = np.zeros_like(prediction)
    likelihood = GaussianLikelihood(covariance="full")
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    floor = np.diag(likelihood.smallest_dispersion(y, weights.sum(axis=1)))
    assert np.linalg.eigvalsh(dispersion - floor).min() > -1e-9
    # In units of the floors, the direction without variance has just the floor.
    scale = np.sqrt(np.diag(floor))
    smallest = np.linalg.eigvalsh(dispersion / np.outer(scale, scale)).min(axis=1)
    np.testing.assert_allclose(smallest, 1, rtol=1e-6)


def test_a_tied_variance_is_the_mean_of_the_experts_own(of_two):
    y, prediction, weights = of_two
    mass = weights.sum(axis=0) / weights.sum()
    for covariance in ("diag", "full"):
        own = GaussianLikelihood("expert", covariance)
        tied = GaussianLikelihood("tied", covariance)
        expected = np.tensordot(mass, own.fit_dispersion(y, prediction, weights), axes=1)
        dispersion = tied.fit_dispersion(y, prediction, weights)
        for k in range(3):
            np.testing.assert_allclose(dispersion[k], expected)


@pytest.mark.parametrize("likelihood", CHOICES)
def test_repeated_rows_and_experts_without_any(of_two, rng, likelihood):
    y, prediction, weights = of_two
    counts = rng.integers(0, 4, size=60)
    rows = np.repeat(np.arange(60), counts)
    fit = likelihood.fit_dispersion
    np.testing.assert_allclose(
        fit(y, prediction, weights * counts[:, None]),
        fit(y[rows], prediction[rows], weights[rows]),
    )
    weights[:, 0] = 0.0
    dispersion = fit(y, prediction, weights)
    if likelihood.dispersion == "expert":
        full = likelihood.covariance == "full"
        row_weights = weights.sum(axis=1)
        expected = np.cov(y.T, aweights=row_weights, bias=True)
        np.testing.assert_allclose(dispersion[0], expected if full else np.diag(expected))
    else:
        np.testing.assert_array_equal(dispersion[0], dispersion[1])


@pytest.mark.parametrize(
    ("likelihood", "n_parameters"), zip(CHOICES, [6, 9, 2, 3], strict=True)
)
def test_number_of_parameters(of_two, likelihood, n_parameters):
    y, prediction, weights = of_two
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    assert likelihood.n_parameters(dispersion) == n_parameters


def test_one_output_has_a_variance(rng, two_regimes):
    y, prediction = rng.normal(size=30), rng.normal(size=(30, 2))
    weights = rng.dirichlet(np.ones(2), size=30)
    full, diag = GaussianLikelihood(covariance="full"), GaussianLikelihood()
    dispersion = full.fit_dispersion(y, prediction, weights)
    np.testing.assert_array_equal(dispersion, diag.fit_dispersion(y, prediction, weights))
    models = [
        MixtureOfExpertsRegressor(n_experts=2, likelihood=likelihood, random_state=0)
        for likelihood in (full, diag)
    ]
    bounds = [model.fit(*two_regimes).lower_bound_ for model in models]
    assert bounds[0] == bounds[1]


@pytest.mark.parametrize("tied", [False, True])
def test_the_mixture_of_full_covariances(of_two, rng, tied):
    y, prediction, weights = of_two
    likelihood = GaussianLikelihood("tied" if tied else "expert", "full")
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    mixture = ConditionalMixture(weights, prediction, dispersion, likelihood)[:4]
    components = [
        [stats.multivariate_normal(prediction[i, k], dispersion[k]) for k in range(3)]
        for i in range(4)
    ]
    density = [
        sum(w * c.pdf(y[i]) for w, c in zip(weights[i], components[i], strict=True))
        for i in range(4)
    ]
    np.testing.assert_allclose(mixture.pdf(y[:4]), density)
    np.testing.assert_allclose(
        mixture.var(), np.diagonal(mixture.cov(), axis1=1, axis2=2)
    )
    draws = mixture.rvs(40_000, random_state=int(rng.integers(2**31)))
    assert draws.shape == (4, 40_000, 2)
    for i in range(4):
        np.testing.assert_allclose(draws[i].mean(axis=0), mixture.mean()[i], atol=0.1)
        np.testing.assert_allclose(np.cov(draws[i].T), mixture.cov()[i], atol=0.2)
    assert mixture[2].rvs(random_state=0).shape == (1, 2)
    np.testing.assert_array_equal(
        mixture[[False, True, False, True]].cov()[0], mixture.cov()[1]
    )


def test_covariances_of_independent_outputs(of_two):
    """What couples them is that one expert answers for both."""
    y, prediction, weights = of_two
    diag, full = GaussianLikelihood(), GaussianLikelihood(covariance="full")
    dispersion = diag.fit_dispersion(y, prediction, weights)
    mixture = ConditionalMixture(weights, prediction, dispersion, diag)
    matrices = dispersion[:, :, None] * np.eye(2)
    same = ConditionalMixture(weights, prediction, matrices, full)
    np.testing.assert_allclose(mixture.cov(), same.cov())
    np.testing.assert_allclose(mixture.logpdf(y), same.logpdf(y))
    single = ConditionalMixture(weights, prediction[..., 0], dispersion[:, 0], diag)
    np.testing.assert_array_equal(single.cov(), single.var())


@pytest.mark.parametrize("likelihood", CHOICES)
def test_the_objective_never_falls(correlated_regimes, likelihood):
    X, y = correlated_regimes
    for floor in ("auto", 0.5):
        likelihood.set_params(floor=floor)
        model = MixtureOfExpertsRegressor(
            n_experts=2, likelihood=likelihood, max_iter=300, random_state=0
        ).fit(X, y)
        likelihood.set_params(floor="auto")
        assert model.converged_
        assert (np.diff(model.lower_bounds_) >= 0).all()
        mean = model.score_samples(X, y).mean()
        assert model.lower_bound_ == pytest.approx(mean, abs=1e-2)


def test_full_covariances_tell_how_errors_go_together(correlated_regimes):
    X, y = correlated_regimes
    full = MixtureOfExpertsRegressor(
        n_experts=2, likelihood=GaussianLikelihood(covariance="full"), random_state=0
    ).fit(X, y)
    diag = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    signs = np.sign(full.dispersion_[:, 0, 1])
    assert sorted(signs) == [-1, 1]
    assert full.lower_bound_ > diag.lower_bound_ + 0.5
    assert full.bic(X, y) < diag.bic(X, y)
    cov = full.predict_distribution(X).cov()
    correlation = cov[:, 0, 1] / np.sqrt(cov[:, 0, 0] * cov[:, 1, 1])
    assert correlation[X[:, 0] > 1].mean() > 0.7
    assert correlation[X[:, 0] < -1].mean() < -0.7
    _, std = full.predict(X, return_std=True)
    np.testing.assert_allclose(std**2, np.diagonal(cov, axis1=1, axis2=2))


def test_joint_solution_and_loop_agree_where_the_floor_binds(two_regimes):
    """A subclass has the same density, but takes the loop."""

    class Same(GaussianLikelihood):
        pass

    X, y = two_regimes
    bounds = []
    for kind in (GaussianLikelihood, Same):
        model = MixtureOfExpertsRegressor(
            n_experts=2, likelihood=kind(floor=0.3), max_iter=500, random_state=0
        ).fit(X, y)
        assert (np.diff(model.lower_bounds_) >= 0).all()
        assert model.dispersion_.min() == pytest.approx(0.09)
        assert model.dispersion_floor_ == pytest.approx(0.09)
        bounds.append(model.lower_bound_)
    assert bounds[0] == pytest.approx(bounds[1], abs=1e-4)


def test_marks_do_not_collapse(rng):
    """An expert that hits one mark exactly must not report a likelihood from nothing."""
    X = rng.normal(size=(400, 2))
    y = np.clip(np.rint(5.6 + 0.7 * X[:, 0] + 0.6 * rng.normal(size=400)), 3, 8)
    model = MixtureOfExpertsRegressor(n_experts=3, random_state=0, max_iter=300).fit(X, y)
    assert model.dispersion_floor_ == pytest.approx(1 / 12)
    assert model.dispersion_.min() >= (1 - 1e-9) / 12
    # A mark's probability is the density's integral over its interval. The density at
    # its middle must tell about the same.
    for floor, is_honest in [("auto", True), (1e-3 * y.std(), False)]:
        model.set_params(likelihood=GaussianLikelihood(floor=floor)).fit(X, y)
        density = model.predict_distribution(X)
        proba = density.cdf(y + 0.5) - density.cdf(y - 0.5)
        excess = model.score_samples(X, y).mean() - np.log(proba).mean()
        assert (excess < 0.2) == is_honest


def test_the_floor_is_reported(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0, max_iter=300)
    assert model.fit(X, y).dispersion_floor_ == pytest.approx(1e-6 * y.var(), rel=1e-6)
    model.fit(X, np.column_stack([y, 2 * y]))
    assert model.dispersion_floor_.shape == (2,)
    model.set_params(likelihood="poisson").fit(X, np.rint(np.abs(y)))
    assert model.dispersion_floor_ is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dispersion": "shared"}, r"dispersion='shared' of GaussianLikelihood must be"),
        ({"covariance": None}, r"covariance=None of GaussianLikelihood must be one of"),
        ({"floor": -0.1}, r"floor=-0.1 of the likelihood must be 'auto' or a number"),
    ],
)
def test_wrong_parameters(two_regimes, parameters, message):
    model = MixtureOfExpertsRegressor(likelihood=GaussianLikelihood(**parameters))
    with pytest.raises(ValueError, match=message):
        model.fit(*two_regimes)


def test_only_the_tied_are_tied():
    assert GaussianLikelihood("tied").is_tied
    assert GaussianLikelihood("tied", "full").is_tied
    assert not GaussianLikelihood().is_tied
    assert not GaussianLikelihood(LinearRegression()).is_tied
