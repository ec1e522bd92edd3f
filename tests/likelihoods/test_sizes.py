"""Likelihoods of rows with exposures: means are in proportion to them."""

import numpy as np
import pytest
from scipy import stats

from skmoe.likelihoods import (
    GammaLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    with_sizes,
)

LIKELIHOODS = [PoissonLikelihood(), NegativeBinomialLikelihood(), GammaLikelihood()]


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=LIKELIHOODS, ids=lambda likelihood: type(likelihood).__name__)
def likelihood(request):
    return request.param


def make_data(rng, n_samples=60, n_experts=2):
    rates = np.exp(rng.normal(size=(n_samples, n_experts)))
    exposure = rng.uniform(0.2, 5.0, size=n_samples)
    y = 1.0 + rng.poisson(rates[:, 0] * exposure)
    return y, rates, exposure, rng.uniform(size=(n_samples, n_experts))


def test_a_second_column_is_an_exposure(rng, likelihood):
    y, rates, exposure, weights = make_data(rng)
    target = with_sizes(y, exposure)
    dispersion = likelihood.fit_dispersion(target, rates, weights)
    means, same = likelihood.sized(rates, dispersion, exposure)
    np.testing.assert_allclose(means, rates * exposure[:, None])
    assert same is dispersion
    np.testing.assert_allclose(
        likelihood.log_prob(target, rates, dispersion),
        likelihood.log_prob(y, means, dispersion),
    )
    if dispersion is not None:
        expected = likelihood.fit_dispersion(y, means, weights)
        np.testing.assert_allclose(dispersion, expected, rtol=1e-6)


def test_poisson_with_exposure_against_scipy(rng):
    y, rates, exposure, _ = make_data(rng)
    found = PoissonLikelihood().log_prob(with_sizes(y, exposure), rates)
    expected = stats.poisson(rates * exposure[:, None]).logpmf(y[:, None])
    np.testing.assert_allclose(found, expected)


def test_gamma_with_exposure_against_scipy(rng):
    y, rates, exposure, _ = make_data(rng)
    found = GammaLikelihood().log_prob(with_sizes(y, exposure), rates, np.full(2, 0.5))
    expected = stats.gamma(2.0, scale=rates * exposure[:, None] / 2).logpdf(y[:, None])
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_what_experts_are_fitted_to(rng, name):
    """Weighted deviances of its targets have the gradient of the log-likelihood."""
    likelihood = {"poisson": PoissonLikelihood(), "gamma": GammaLikelihood()}[name]
    y, rates, exposure, _ = make_data(rng, n_experts=1)
    target, factor = likelihood.expert_target(with_sizes(y, exposure))
    dispersion = None if name == "poisson" else np.ones(1)

    def log_prob(factor):
        return likelihood.log_prob(with_sizes(y, exposure), rates * factor, dispersion)

    numeric = (log_prob(1 + 1e-6) - log_prob(1 - 1e-6))[:, 0] / 2e-6
    slope = target - rates[:, 0]  # of the Poisson's half deviance by the log-rate
    if name == "gamma":
        slope /= rates[:, 0]
    np.testing.assert_allclose(numeric, factor * slope, rtol=1e-5, atol=1e-7)
