"""A density whose rows have experts of their own, against one of all experts."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmoe._mixture import ConditionalMixture
from skmoe._routes import Routes
from skmoe.likelihoods import (
    GammaLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    PoissonLikelihood,
    StudentTLikelihood,
)

N_SAMPLES, N_EXPERTS, TOP_K = 7, 6, 2


def spd(rng, n, m):
    root = rng.normal(size=(n, m, m + 2))
    return root @ np.swapaxes(root, 1, 2) / m


# Of each likelihood: itself, the number of outputs, and dispersions of all experts.
CASES = {
    "gaussian": lambda rng: (GaussianLikelihood(), (), rng.uniform(0.3, 2, N_EXPERTS)),
    "outputs": lambda rng: (
        GaussianLikelihood(),
        (3,),
        rng.uniform(0.3, 2.0, size=(N_EXPERTS, 3)),
    ),
    "full": lambda rng: (
        GaussianLikelihood(covariance="full"),
        (3,),
        spd(rng, N_EXPERTS, 3),
    ),
    "of-x": lambda rng: (
        GaussianLikelihood(LinearRegression()),
        (),
        rng.uniform(0.3, 2.0, size=(N_SAMPLES, N_EXPERTS)),
    ),
    "student-t": lambda rng: (
        StudentTLikelihood(),
        (),
        np.column_stack([rng.uniform(0.3, 2, N_EXPERTS), rng.uniform(2.1, 9, N_EXPERTS)]),
    ),
    "laplace": lambda rng: (LaplaceLikelihood(), (), rng.uniform(0.3, 2.0, N_EXPERTS)),
    "gamma": lambda rng: (GammaLikelihood(), (), rng.uniform(0.1, 1.5, N_EXPERTS)),
    "poisson": lambda rng: (PoissonLikelihood(), (), None),
}
ONE_OUTPUT = [name for name in CASES if name not in ("outputs", "full")]


class Both:
    """The same density twice, and targets at which to ask for it."""

    def __init__(self, name, rng):
        likelihood, outputs, dispersion = CASES[name](rng)
        order = np.argsort(rng.uniform(size=(N_SAMPLES, N_EXPERTS)), axis=1)
        # Draws are the same where experts come in the same order.
        self.routes = routes = Routes(np.sort(order[:, :TOP_K], axis=1), N_EXPERTS)
        weights = rng.dirichlet(np.ones(TOP_K), size=N_SAMPLES)
        prediction = rng.normal(0, 2, size=(N_SAMPLES, N_EXPERTS, *outputs))
        self.y = rng.normal(0, 2, size=(N_SAMPLES, *outputs))
        if name in ("gamma", "poisson"):
            prediction, self.y = np.exp(prediction), np.exp(self.y)
        if name == "poisson":
            self.y = np.floor(self.y)
        self.dense = ConditionalMixture(
            routes.spread(weights), prediction, dispersion, likelihood
        )
        of_pairs = dispersion
        if dispersion is not None:
            by_row = name == "of-x"
            of_pairs = (
                routes.of_pairs(dispersion) if by_row else dispersion[routes.experts]
            )
        self.pairs = ConditionalMixture(
            weights,
            routes.of_pairs(prediction),
            of_pairs,
            likelihood,
            experts=routes.experts,
        )

    def assert_same(self, method, *arguments, rtol=1e-12, **options):
        found = getattr(self.pairs, method)(*arguments, **options)
        expected = getattr(self.dense, method)(*arguments, **options)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=rtol)


@pytest.mark.parametrize("name", CASES)
def test_moments(rng, name):
    both = Both(name, rng)
    for method in ("mean", "var", "std", "cov"):
        both.assert_same(method, rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_densities(rng, name):
    both = Both(name, rng)
    for method in ("logpmf", "pmf") if name == "poisson" else ("logpdf", "pdf"):
        both.assert_same(method, both.y, rtol=1e-10)


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_distributions(rng, name):
    both = Both(name, rng)
    both.assert_same("cdf", both.y)
    both.assert_same("cdf_and_pdf", both.y)
    both.assert_same("ppf", [0.01, 0.3, 0.5, 0.99], rtol=1e-8)
    both.assert_same("interval", 0.9, rtol=1e-8)
    both.assert_same("crps", both.y, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [None, 5])
def test_draws(rng, name, size):
    both = Both(name, rng)
    both.assert_same("rvs", size, random_state=3)


@pytest.mark.parametrize("name", CASES)
def test_slices(rng, name):
    both = Both(name, rng)
    variance = both.pairs.var()
    density = both.pairs._log_density(both.y)
    chosen = np.array([True, False, True, False, False, True, True])
    for rows in [slice(1, 3), [4, 0, 4], chosen, slice(None, None, -2), [-1]]:
        part = both.pairs[rows]
        np.testing.assert_array_equal(part.experts, both.routes.experts[rows])
        np.testing.assert_allclose(part.var(), variance[rows])
        np.testing.assert_allclose(part._log_density(both.y[rows]), density[rows])
        np.testing.assert_allclose(part[:1].mean(), both.dense[rows].mean()[:1])
    assert both.pairs[-1].experts.shape == (1, TOP_K)
    assert both.dense[chosen].experts is None


def test_its_name(rng):
    both = Both("gaussian", rng)
    assert repr(both.pairs) == "<ConditionalMixture of 2 experts each for 7 rows>"
    assert repr(both.dense) == "<ConditionalMixture of 6 experts for 7 rows>"
