"""Laws of mixtures with one component besides the experts, against scipy.stats."""

import numpy as np
import pytest
from scipy import integrate, stats

from skmoe import ConditionalMixture
from skmoe.likelihoods import (
    GaussianLikelihood,
    NegativeBinomialLikelihood,
    NoiseLikelihood,
    PoissonLikelihood,
    ZeroInflatedLikelihood,
    likelihood_of_experts,
)

WEIGHTS = np.array([[0.5, 0.2, 0.3], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]])
# The range of noise is from -9 to 15.
MIDDLE, WIDTH = 3.0, 24.0
UNIFORM = stats.uniform(MIDDLE - WIDTH / 2, WIDTH)
PREDICTION = np.array([[1.0, 5.0, MIDDLE], [0.0, -2.0, MIDDLE], [2.0, 2.0, MIDDLE]])
NOISY = {
    "gaussian": (
        [[0.25], [4.0], [WIDTH**2 / 12]],
        lambda mean, dispersion: stats.norm(mean, np.sqrt(dispersion[0])),
    ),
    "student_t": (
        [[0.25, 3.0], [4.0, 20.0], [WIDTH**2 / 12, np.inf]],
        lambda mean, dispersion: stats.t(dispersion[1], mean, np.sqrt(dispersion[0])),
    ),
    "laplace": (
        [[0.25], [4.0], [WIDTH**2 / 12]],
        lambda mean, dispersion: stats.laplace(mean, np.sqrt(dispersion[0])),
    ),
}
RATES = np.array([[1.0, 5.0, 0.0], [0.3, 2.0, 0.0], [2.0, 2.0, 0.0]])
ZERO = stats.rv_discrete(values=([0], [1.0]))
COUNTS = np.array([0.0, 3.0, 0.0])


def noisy_mixture(name):
    dispersion, law = NOISY[name]
    density = ConditionalMixture(
        WEIGHTS, PREDICTION, np.squeeze(dispersion), NoiseLikelihood(name)
    )
    laws = [
        [*(law(m, d) for m, d in zip(row, dispersion[:2], strict=False)), UNIFORM]
        for row in PREDICTION
    ]
    return density, laws


def negative_binomial(rate):
    return stats.nbinom(1 / 0.5, 1 / (1 + 0.5 * rate))


COUNTED = {
    "poisson": (PoissonLikelihood(), None, stats.poisson),
    "negative_binomial": (
        NegativeBinomialLikelihood(),
        np.array([0.5, 0.5, 0.0]),
        negative_binomial,
    ),
}


def zero_inflated_mixture(name):
    base, dispersion, law = COUNTED[name]
    density = ConditionalMixture(WEIGHTS, RATES, dispersion, ZeroInflatedLikelihood(base))
    return density, [[law(row[0]), law(row[1]), ZERO] for row in RATES]


def expected(laws, ask):
    """What a function of laws gives on average."""
    values = [[ask(law) for law in row] for row in laws]
    return (WEIGHTS * np.array(values, dtype=float)).sum(axis=1)


def check_moments(density, laws):
    mean = expected(laws, lambda law: law.mean())
    second = expected(laws, lambda law: law.var() + law.mean() ** 2)
    np.testing.assert_allclose(density.mean(), mean, rtol=1e-12)
    np.testing.assert_allclose(density.var(), second - mean**2, rtol=1e-12)


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("y", [-9.5, -9.0, 0.3, 4.0, 15.0, 15.5])
def test_noise_has_the_law_of_its_parts(name, y):
    density, laws = noisy_mixture(name)
    pdf, cdf = expected(laws, lambda d: d.pdf(y)), expected(laws, lambda d: d.cdf(y))
    np.testing.assert_allclose(density.pdf(y), pdf, rtol=1e-12)
    np.testing.assert_allclose(density.cdf(y), cdf, rtol=1e-12, atol=1e-15)
    check_moments(density, laws)


@pytest.mark.parametrize("name", NOISY)
def test_quantiles_with_noise_invert_the_distribution_function(name):
    density, _ = noisy_mixture(name)
    for q in (1e-3, 0.2, 0.5, 0.97):
        np.testing.assert_allclose(density.cdf(density.ppf(q)), q, rtol=1e-9)
    np.testing.assert_allclose(density.ppf(0.0), [-np.inf, -np.inf, -9.0])
    np.testing.assert_allclose(density.ppf(1.0), [np.inf, np.inf, 15.0])


@pytest.mark.parametrize("name", NOISY)
def test_crps_with_noise_is_its_integral(name):
    density, laws = noisy_mixture(name)
    y = np.array([2.0, -4.0, 20.0])

    def of_row(row):
        def square(z):
            cdf = WEIGHTS[row] @ [law.cdf(z) for law in laws[row]]
            return (cdf - (z >= y[row])) ** 2

        points = [-9.0, 15.0, y[row], *PREDICTION[row]]
        return integrate.quad(square, -400, 400, points=points, limit=800)[0]

    np.testing.assert_allclose(density.crps(y), [of_row(i) for i in range(3)], rtol=2e-5)


@pytest.mark.parametrize("name", NOISY)
def test_draws_with_noise_follow_the_law(name):
    density, _ = noisy_mixture(name)
    draws = density.rvs(4000, random_state=0)
    for row in range(3):
        levels = density[np.full(4000, row)].cdf(draws[row])
        assert stats.kstest(levels, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("y", [0.0, 1.0, 2.0, 6.0])
def test_zero_inflation_has_the_law_of_its_parts(name, y):
    density, laws = zero_inflated_mixture(name)
    pmf, cdf = expected(laws, lambda d: d.pmf(y)), expected(laws, lambda d: d.cdf(y))
    np.testing.assert_allclose(density.pmf(y), pmf, rtol=1e-12)
    np.testing.assert_allclose(density.cdf(y), cdf, rtol=1e-12)
    check_moments(density, laws)
    assert (density.pmf(y + 0.5) == 0).all()
    assert (density.cdf(-0.5) == 0).all()


@pytest.mark.parametrize("name", COUNTED)
def test_quantiles_of_zero_inflated_counts_are_the_smallest(name):
    density, _ = zero_inflated_mixture(name)
    for q in (0.05, 0.35, 0.5, 0.9, 0.999):
        counts = density.ppf(q)
        assert (density.cdf(counts) >= q - 1e-12).all()
        assert (density.cdf(counts - 1) < q).all()
    np.testing.assert_array_equal(density.ppf(0.0), -1.0)
    np.testing.assert_array_equal(density.ppf(1.0), [np.inf, np.inf, 0.0])


@pytest.mark.parametrize("name", COUNTED)
def test_crps_of_zero_inflated_counts_is_its_sum(name):
    density, laws = zero_inflated_mixture(name)
    counts = np.arange(400)
    cdf = np.einsum(
        "nk,nkc->nc", WEIGHTS, [[law.cdf(counts) for law in row] for row in laws]
    )
    sums = ((cdf - (counts >= COUNTS[:, None])) ** 2).sum(axis=1)
    np.testing.assert_allclose(density.crps(COUNTS), sums, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", COUNTED)
def test_draws_of_zero_inflated_counts_follow_the_law(name):
    density, _ = zero_inflated_mixture(name)
    draws = density.rvs(20000, random_state=0)
    for count in range(4):
        found = (draws == count).mean(axis=1)
        np.testing.assert_allclose(found, density.pmf(count), atol=0.015)


@pytest.mark.parametrize(
    "likelihood", [NoiseLikelihood(), NoiseLikelihood("student_t")], ids=repr
)
def test_draws_of_all_columns_have_the_variances_that_are_told(likelihood):
    y = np.linspace(-9.0, 15.0, 50)
    prediction = np.tile([1.0, 2.0, MIDDLE], (20000, 1))
    weights = np.tile([0.5, 0.3, 0.2], (50, 1))
    dispersion = likelihood.fit_dispersion(y, prediction[:50], weights)
    draws = likelihood.rvs(prediction, dispersion, np.random.RandomState(0))
    told = likelihood.variance(prediction[:1], dispersion)[0]
    np.testing.assert_allclose(draws.var(axis=0), told, rtol=0.06)
    np.testing.assert_allclose(told[-1], WIDTH**2 / 12)


def test_the_last_dispersion_is_the_variance_of_the_range():
    y, weights = np.array([-9.0, 0.0, 1.0, 15.0]), np.full((4, 2), 0.5)
    prediction = np.column_stack([np.zeros(4), np.full(4, MIDDLE)])
    likelihood = NoiseLikelihood()
    assert likelihood.component_prediction(y) == MIDDLE
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    experts = GaussianLikelihood().fit_dispersion(y, prediction[:, :1], weights[:, :1])
    np.testing.assert_allclose(dispersion, [experts[0], WIDTH**2 / 12])
    assert likelihood.n_parameters(dispersion) == 1
    # Both ends are inside, a little further is not.
    log_prob = likelihood.log_prob(y, prediction, dispersion)[:, 1]
    np.testing.assert_allclose(log_prob, -np.log(WIDTH))
    outside = likelihood.log_prob(y * 1.001, prediction, dispersion)[[0, 3], 1]
    assert np.isneginf(outside).all()


def test_experts_without_rows_are_as_uncertain_as_the_target():
    y, weights = np.array([-1.0, 1.0, -1.0, 1.0]), np.tile([0.0, 0.0, 1.0], (4, 1))
    dispersion = NoiseLikelihood().fit_dispersion(y, np.zeros((4, 3)), weights)
    np.testing.assert_allclose(dispersion, [1.0, 1.0, 4 / 12])


def test_outliers_do_not_raise_the_floor():
    y = np.append(np.linspace(-1, 1, 101), [1e6, -1e6])
    weights = np.ones(103)
    base = likelihood_of_experts(NoiseLikelihood())
    assert NoiseLikelihood().smallest_dispersion(y, weights) < 1e-4
    assert base.smallest_dispersion(y, weights) > 1e4
