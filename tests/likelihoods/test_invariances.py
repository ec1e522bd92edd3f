"""What holds for a fit with any likelihood: rows, weights, units and draws."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe.likelihoods import GaussianLikelihood, NoiseLikelihood, StudentTLikelihood

LIKELIHOODS = {
    "student_t": "student_t",
    "t with four": StudentTLikelihood(4.0),
    "laplace": "laplace",
    "tied": GaussianLikelihood("tied"),
    "of x": GaussianLikelihood(LinearRegression()),
    "noise": NoiseLikelihood(),
    "noise and t": NoiseLikelihood("student_t"),
}


@pytest.fixture(params=LIKELIHOODS, ids=lambda name: name.replace(" ", "_"))
def likelihood(request):
    return LIKELIHOODS[request.param]


def log_density(likelihood, X, y, weights=None, at=None):
    model = MixtureOfExpertsRegressor(
        n_experts=2, likelihood=likelihood, random_state=0, max_iter=1000, tol=1e-9
    ).fit(X, y, weights)
    return model.score_samples(*at)


def test_integer_weights_are_repeated_rows(two_regimes, rng, likelihood):
    X, y = two_regimes
    counts = rng.integers(0, 4, size=len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    np.testing.assert_allclose(
        log_density(likelihood, X, y, counts, at=(X, y)),
        log_density(likelihood, X[rows], y[rows], at=(X, y)),
        atol=1e-3,
    )


def test_the_order_of_rows_does_not_matter(two_regimes, rng, likelihood):
    X, y = two_regimes
    order = rng.permutation(len(y))
    np.testing.assert_allclose(
        log_density(likelihood, X, y, at=(X, y)),
        log_density(likelihood, X[order], y[order], at=(X, y)),
        atol=1e-3,
    )


@pytest.mark.parametrize("factor", [1e-6, -1e3])
def test_units_do_not_matter(two_regimes, likelihood, factor):
    X, y = two_regimes
    scaled = factor * y + 5 * factor
    np.testing.assert_allclose(
        log_density(likelihood, X, y, at=(X, y)),
        log_density(likelihood, X, scaled, at=(X, scaled)) + np.log(abs(factor)),
        atol=1e-3,
    )
