"""The continuous ranked probability score against its definitions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from skmoe import MixtureOfExpertsRegressor
from skmoe._crps import mixture_crps
from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import (
    GammaLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    PoissonLikelihood,
    StudentTLikelihood,
)

KINDS = ["gaussian", "laplace", "student_t", "gamma", "poisson"]


def make_mixture(kind, rng, n_samples=6, n_experts=3):
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    prediction = rng.normal(0, 3, size=(n_samples, n_experts))
    dispersion = rng.uniform(0.05, 4.0, size=n_experts)
    if kind == "gaussian":
        return ConditionalMixture(weights, prediction, dispersion, GaussianLikelihood())
    if kind == "laplace":
        return ConditionalMixture(weights, prediction, dispersion, LaplaceLikelihood())
    if kind == "student_t":
        both = np.column_stack([dispersion, rng.uniform(2.1, 9.0, n_experts)])
        return ConditionalMixture(weights, prediction, both, StudentTLikelihood())
    means = np.exp(prediction / 2)
    if kind == "gamma":
        return ConditionalMixture(weights, means, dispersion, GammaLikelihood())
    return ConditionalMixture(weights, means, None, PoissonLikelihood())


def by_definition(mixture, row, y):
    """The integral, with the components' quantiles as stations."""
    one = mixture[row]
    levels = [1e-13, 1e-8, 1e-4, 1e-2, 0.2, 0.5, 0.8, 0.99, 1 - 1e-4, 1 - 1e-8]
    points = {y}
    for level in levels:
        ppf = one.likelihood.ppf(level, one.prediction, one.dispersion)
        points |= set(ppf.ravel().tolist())
    points = sorted(points)
    total = 0.0
    for left, right in pairwise(points):
        step = float(left >= y)
        total += quad(
            lambda z, step=step: (one.cdf(z)[0] - step) ** 2, left, right,
            epsabs=1e-11, epsrel=1e-9, limit=200,
        )[0]  # fmt: skip
    return total


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "student_t", "gamma"])
def test_it_is_its_definition(rng, kind):
    mixture = make_mixture(kind, rng)
    y = mixture.rvs(random_state=int(rng.integers(2**31)))
    y[0] += 5 * mixture.std()[0]
    crps = mixture.crps(y)
    expected = [by_definition(mixture, i, y[i]) for i in range(6)]
    np.testing.assert_allclose(crps, expected, rtol=1e-6, atol=1e-7)


def test_of_counts_it_is_a_sum(rng):
    mixture = make_mixture("poisson", rng)
    mixture.prediction[2] = [100.0, 900.0, 3.0]
    counts = np.arange(2000.0)
    cdf = np.stack([mixture.cdf(np.full(6, count)) for count in counts], axis=1)
    for y in (0.0, 3.0, 1500.0):
        steps = (counts >= y).astype(float)
        expected = ((cdf - steps) ** 2).sum(axis=1)
        np.testing.assert_allclose(mixture.crps(y), expected, rtol=1e-9)
    # Between counts, and below them all, it is the integral.
    halfway = 0.5 * (mixture.crps(2.0) + mixture.crps(3.0))
    np.testing.assert_allclose(mixture.crps(2.5), halfway)
    np.testing.assert_allclose(mixture.crps(-4.0), mixture.crps(0.0) + 4)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_half_a_mean_distance_less_than_another(rng, kind):
    """E|Y - y| - E|Y - Y'| / 2, from draws."""
    mixture = make_mixture(kind, rng)
    y = mixture.rvs(random_state=int(rng.integers(2**31)))
    draws = mixture.rvs(40_000, random_state=int(rng.integers(2**31)))
    distances = np.abs(draws - y[:, None])
    expected = distances.mean(axis=1)
    expected -= 0.5 * np.abs(draws[:, ::2] - draws[:, 1::2]).mean(axis=1)
    error = 8 * distances.std(axis=1) / 200
    assert (np.abs(mixture.crps(y) - expected) < error).all()


def test_quadrature_gives_the_closed_form(rng):
    class NoClosedForm(GaussianLikelihood):
        mixture_crps = property()

    mixture = make_mixture("gaussian", rng, n_samples=300)
    mixture.weights[::7, 1] = 0.0
    mixture.weights /= mixture.weights.sum(axis=1, keepdims=True)
    mixture.prediction[::7, 1] = 1e6
    y = rng.normal(0, 6, size=300)
    y[0] = 1e4
    other = ConditionalMixture(
        mixture.weights, mixture.prediction, mixture.dispersion, NoClosedForm()
    )
    assert not hasattr(other.likelihood, "mixture_crps")
    np.testing.assert_allclose(other.crps(y), mixture.crps(y), rtol=1e-8, atol=1e-8)


def test_quadrature_of_narrow_and_wide(rng):
    """Components whose widths and places are far apart."""
    dispersion = np.array([1e-12, 1e4, 1.0])
    mixture = ConditionalMixture(
        np.tile([0.3, 0.3, 0.4], (3, 1)),
        np.tile([0.0, 10.0, 1e3], (3, 1)),
        np.column_stack([dispersion, [3.0, 30.0, 2.2]]),
        StudentTLikelihood(),
    )
    y = np.array([0.0, -40.0, 2e3])
    expected = [by_definition(mixture, i, y[i]) for i in range(3)]
    np.testing.assert_allclose(mixture.crps(y), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_independent_and_chunks_do_not_matter(rng, kind, monkeypatch):
    mixture = make_mixture(kind, rng, n_samples=7)
    y = mixture.rvs(random_state=0)
    whole = mixture.crps(y)
    monkeypatch.setattr("skmoe._crps._CHUNK_CELLS", 1)
    np.testing.assert_allclose(mixture_crps(mixture, y), whole, rtol=1e-12)
    chosen = np.array([True, False, True, True, False, False, True])
    np.testing.assert_allclose(mixture[chosen].crps(y[chosen]), whole[chosen])
    np.testing.assert_allclose(mixture[-1].crps(y[-1]), whole[-1:])
    assert mixture[:0].crps(np.zeros(0)).shape == (0,)


def test_a_narrow_density_costs_the_absolute_error(rng):
    y, means = rng.normal(size=5), rng.normal(size=(5, 1))
    mixture = ConditionalMixture(
        np.ones((5, 1)), means, np.array([1e-20]), GaussianLikelihood()
    )
    np.testing.assert_allclose(mixture.crps(y), np.abs(y - means[:, 0]), rtol=1e-6)


def test_several_outputs_have_none(rng):
    mixture = ConditionalMixture(
        np.ones((2, 1)), np.zeros((2, 1, 3)), np.ones((1, 3)), GaussianLikelihood()
    )
    with pytest.raises(ValueError, match="crps is defined for a target with one output"):
        mixture.crps(np.zeros((2, 3)))


@pytest.mark.parametrize("kind", KINDS)
def test_quantiles_of_all_likelihoods_invert_the_distribution(rng, kind):
    mixture = make_mixture(kind, rng, n_samples=40)
    q = np.r_[1e-6, rng.uniform(size=4), 0.5, 1 - 1e-6]
    quantiles = mixture.ppf(q)
    for column, value in zip(quantiles.T, q, strict=True):
        np.testing.assert_array_equal(mixture.ppf(value), column)
        if kind == "poisson":
            assert (mixture.cdf(column) >= value).all()
            assert (mixture.cdf(column - 1) < value).all()
        else:
            np.testing.assert_allclose(mixture.cdf(column), value, rtol=1e-7)
    np.testing.assert_array_equal(mixture[5:7].ppf(q), quantiles[5:7])


def test_cdf_and_pdf(rng):
    mixture = make_mixture("gamma", rng)
    cdf, pdf = mixture.cdf_and_pdf(np.full(6, 0.7))
    np.testing.assert_allclose(cdf, mixture.cdf(0.7))
    np.testing.assert_allclose(pdf, mixture.pdf(0.7))


def test_sample_draws_a_y_for_each_row(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    rows = np.tile([[1.0, 0.5]], (20_000, 1))
    draws = model.sample(rows, random_state=0)
    assert draws.shape == (20_000,)
    mean, std = model.predict(rows[:1], return_std=True)
    assert draws.mean() == pytest.approx(mean[0], abs=6 * std[0] / np.sqrt(20_000))
    assert draws.std() == pytest.approx(std[0], rel=0.05)
    np.testing.assert_array_equal(draws, model.sample(rows, random_state=0))
    both = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    both.fit(X, np.column_stack([y, -y]))
    assert both.sample(X[:3]).shape == (3, 2)
