"""The predictive density against quadrature."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq

from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GammaLikelihood, GaussianLikelihood, PoissonLikelihood


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_mixture(rng, n_samples=5, n_experts=3, shape=(), spread=3.0):
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    prediction = rng.normal(0, spread, size=(n_samples, n_experts, *shape))
    dispersion = rng.uniform(0.3, 2.0, size=(n_experts, *shape))
    return ConditionalMixture(weights, prediction, dispersion, GaussianLikelihood())


def of_one_row(weights, means, stds):
    return ConditionalMixture(
        np.atleast_2d(weights),
        np.atleast_2d(np.asarray(means, dtype=float)),
        np.square(stds),
        GaussianLikelihood(),
    )


def density(mixture, row):
    """The density of one row, from its definition."""
    components = stats.norm(mixture.prediction[row], np.sqrt(mixture.dispersion))
    return lambda y: mixture.weights[row] @ components.pdf(y)


def integral(function, mixture, row, upper=40.0):
    points = [p for p in np.sort(mixture.prediction[row]) if -40 < p < upper]
    return quad(function, -40, upper, points=points, limit=500)[0]


def test_moments_and_densities(rng):
    mixture = make_mixture(rng)
    mean, variance, std = mixture.mean(), mixture.var(), mixture.std()
    at = rng.normal(size=5)
    pdf, cdf = mixture.pdf(at), mixture.cdf(at)
    np.testing.assert_allclose(mixture.logpdf(at), np.log(pdf))
    for i in range(5):
        p = density(mixture, i)
        first = integral(lambda y, p=p: y * p(y), mixture, i)
        second = integral(lambda y, p=p, m=first: (y - m) ** 2 * p(y), mixture, i)
        assert mean[i] == pytest.approx(first, abs=1e-7)
        assert variance[i] == pytest.approx(second)
        assert std[i] == pytest.approx(np.sqrt(second))
        assert pdf[i] == pytest.approx(p(at[i]))
        assert cdf[i] == pytest.approx(integral(p, mixture, i, at[i]), abs=1e-7)
        own = integral(lambda y, i=i: mixture[i].pdf(y)[0], mixture, i)
        assert own == pytest.approx(1)


def test_a_number_stands_for_all_rows(rng):
    mixture = make_mixture(rng)
    for method in [mixture.pdf, mixture.logpdf, mixture.cdf]:
        np.testing.assert_array_equal(method(0.3), method(np.full(5, 0.3)))


def test_the_density_underflows_without_a_warning():
    mixture = of_one_row([0.0, 1.0], [0.0, 1e4], [1.0, 1.0])
    assert mixture.pdf(0.0) == 0
    assert mixture.logpdf(0.0)[0] == pytest.approx(stats.norm(1e4).logpdf(0.0))


@pytest.mark.parametrize("spread", [0.0, 3.0, 1e3])
def test_quantiles_invert_the_distribution(rng, spread):
    mixture = make_mixture(rng, spread=spread)
    q = np.r_[1e-9, 1e-3, rng.uniform(size=5), 0.5, 0.999]
    quantiles = mixture.ppf(q)
    assert quantiles.shape == (5, len(q))
    for column, value in zip(quantiles.T, q, strict=True):
        np.testing.assert_allclose(mixture.cdf(column), value, rtol=1e-6, atol=1e-12)
        np.testing.assert_array_equal(mixture.ppf(value), column)
    order = np.argsort(q)
    assert (np.diff(quantiles[:, order], axis=1) >= 0).all()


@pytest.mark.parametrize("weight", [1e-300, 1e-12, 1e-3, 0.5])
@pytest.mark.parametrize("q", [1e-6, 0.25, 0.4999, 0.75, 0.9999])
def test_quantiles_of_distant_modes(weight, q):
    mixture = of_one_row([weight, 1 - weight], [-1e4, 1e4], [0.01, 1.0])
    expected = brentq(lambda y: mixture.cdf(y)[0] - q, -2e4, 2e4, xtol=1e-12)
    if weight == 0.5:
        expected = (
            stats.norm(-1e4, 0.01).ppf(2 * q)
            if q < 0.5
            else stats.norm(1e4, 1).ppf(2 * q - 1)
        )
    assert mixture.ppf(q)[0] == pytest.approx(expected, rel=1e-9)


def test_the_median_between_two_modes_lies_between_them():
    mixture = of_one_row([0.5, 0.5], [-100, 100], [1, 1])
    assert -95 < mixture.ppf(0.5)[0] < 95
    assert mixture.cdf(mixture.ppf(0.5))[0] == pytest.approx(0.5)


def test_extreme_probabilities(rng):
    mixture = make_mixture(rng)
    np.testing.assert_array_equal(mixture.ppf(0), np.full(5, -np.inf))
    np.testing.assert_array_equal(mixture.ppf(1.0), np.full(5, np.inf))
    assert mixture.ppf([]).shape == (5, 0)
    some = mixture.ppf([0, 0.5, 1])
    np.testing.assert_array_equal(
        np.isfinite(some), np.tile([False, True, False], (5, 1))
    )


def test_a_component_without_weight_plays_no_part():
    mixture = of_one_row([0.0, 1.0], [1e8, 2.0], [1e6, 3.0])
    reference = stats.norm(2, 3)
    q = np.array([0.001, 0.3, 0.5, 0.999])
    np.testing.assert_allclose(mixture.ppf(q)[0], reference.ppf(q))
    mixture = of_one_row([0.5, 0.5, 0.0], [-100, 100, 1e100], [1, 1, 1])
    assert mixture.ppf(0.25)[0] == pytest.approx(-100)
    assert mixture.ppf(0.75)[0] == pytest.approx(100)


@pytest.mark.parametrize("factor", [1e-15, 1e-9, 1e9])
def test_quantiles_follow_the_unit_of_y(rng, factor):
    mixture = make_mixture(rng)
    other = ConditionalMixture(
        mixture.weights,
        mixture.prediction * factor,
        mixture.dispersion * factor**2,
        mixture.likelihood,
    )
    q = np.array([0.01, 0.3, 0.77])
    np.testing.assert_allclose(
        other.ppf(q) / factor, mixture.ppf(q), rtol=1e-7, atol=1e-8
    )


def test_interval(rng):
    mixture = make_mixture(rng)
    low, high = mixture.interval(0.8)
    np.testing.assert_allclose(mixture.cdf(low), 0.1)
    np.testing.assert_allclose(mixture.cdf(high), 0.9)


@pytest.mark.parametrize("q", [-0.1, 1.1, np.nan, [0.5, 2.0], [[0.5]]])
def test_wrong_probabilities(rng, q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        make_mixture(rng).ppf(q)


def test_wrong_confidence(rng):
    with pytest.raises(ValueError, match="between 0 and 1"):
        make_mixture(rng).interval(1.2)


def test_draws(rng):
    mixture = of_one_row([0.2, 0.0, 0.8], [-50.0, 0.0, 50.0], [1.0, 1.0, 4.0])
    draws = mixture.rvs(20_000, random_state=int(rng.integers(2**31)))
    assert draws.shape == (1, 20_000)
    assert (np.abs(draws) > 20).all()
    assert (draws < 0).mean() == pytest.approx(0.2, abs=0.02)
    assert draws[draws < 0].std() == pytest.approx(1, abs=0.1)
    assert draws[draws > 0].std() == pytest.approx(4, abs=0.2)
    assert draws[draws > 0].mean() == pytest.approx(50, abs=0.3)


@pytest.mark.parametrize("shape", [(), (2,)])
def test_shapes_of_draws(rng, shape):
    mixture = make_mixture(rng, shape=shape)
    assert mixture.rvs(random_state=0).shape == (5, *shape)
    assert mixture.rvs(4, random_state=0).shape == (5, 4, *shape)
    np.testing.assert_array_equal(
        mixture.rvs(3, random_state=7), mixture.rvs(3, random_state=7)
    )


def test_slices(rng):
    mixture = make_mixture(rng)
    mean = mixture.mean()
    assert len(mixture) == 5
    chosen = np.array([True, False, True, False, False])
    for rows in [slice(1, 3), [4, 0], chosen, slice(None, None, -2)]:
        np.testing.assert_array_equal(mixture[rows].mean(), mean[rows])
    np.testing.assert_array_equal(mixture[pd.Series(chosen)].mean(), mean[chosen])
    np.testing.assert_array_equal(mixture[-1].mean(), mean[-1:])
    assert "3 experts for 2 rows" in repr(mixture[chosen])
    with pytest.raises(IndexError):
        mixture[5]


def test_several_outputs(rng):
    mixture = make_mixture(rng, shape=(2,))
    assert mixture.mean().shape == mixture.std().shape == (5, 2)
    for m in range(2):
        single = ConditionalMixture(
            mixture.weights,
            mixture.prediction[..., m],
            mixture.dispersion[:, m],
            mixture.likelihood,
        )
        np.testing.assert_allclose(mixture.mean()[:, m], single.mean())
        np.testing.assert_allclose(mixture.var()[:, m], single.var())
    y = rng.normal(size=(5, 2))
    components = stats.norm(mixture.prediction, np.sqrt(mixture.dispersion))
    joint = components.pdf(y[:, None]).prod(axis=2)
    np.testing.assert_allclose(mixture.pdf(y), (mixture.weights * joint).sum(axis=1))
    for method, argument in [("cdf", 0.0), ("ppf", 0.5)]:
        with pytest.raises(
            ValueError, match=f"{method} is defined for a target with one"
        ):
            getattr(mixture, method)(argument)


@pytest.mark.parametrize("far", [1e200, -1e200, np.inf, -np.inf])
def test_far_from_all_experts(rng, far):
    mixture = make_mixture(rng)
    np.testing.assert_array_equal(mixture.logpdf(far), -np.inf)
    np.testing.assert_array_equal(mixture.pdf(far), 0.0)
    np.testing.assert_allclose(mixture.cdf(far), float(far > 0))


# Counts


def make_counts(rng, n_samples=6, n_experts=3, scale=1.5):
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    weights[0] = np.eye(n_experts)[0]
    prediction = np.exp(rng.normal(1.0, scale, size=(n_samples, n_experts)))
    return ConditionalMixture(weights, prediction, None, PoissonLikelihood())


def test_moments_and_probabilities_of_counts(rng):
    mixture = make_counts(rng)
    counts = np.arange(3000)
    components = stats.poisson(mixture.prediction[:, :, None])
    pmf = np.einsum("nk,nkc->nc", mixture.weights, components.pmf(counts))
    np.testing.assert_allclose(pmf.sum(axis=1), 1)
    np.testing.assert_allclose(mixture.mean(), pmf @ counts)
    variance = (pmf * (counts - mixture.mean()[:, None]) ** 2).sum(axis=1)
    np.testing.assert_allclose(mixture.var(), variance)
    np.testing.assert_allclose(mixture.std(), np.sqrt(variance))
    for count in [0, 1, 7]:
        np.testing.assert_allclose(mixture.pmf(count), pmf[:, count])
        np.testing.assert_allclose(mixture.logpmf(count), np.log(pmf[:, count]))
        expected = pmf[:, : count + 1].sum(axis=1)
        for y in [count, count + 0.7]:
            np.testing.assert_allclose(mixture.cdf(y), expected)
    for y in [-1, 0.5, np.inf]:
        np.testing.assert_array_equal(mixture.pmf(y), 0)
    np.testing.assert_array_equal(mixture.cdf(-0.5), 0)


@pytest.mark.parametrize("scale", [0.0, 1.5, 3.0])
def test_quantiles_of_counts_are_the_smallest_ones(rng, scale):
    mixture = make_counts(rng, scale=scale)
    cdf = np.stack([mixture.cdf(count) for count in range(3000)], axis=1)
    inside = cdf[np.arange(6), rng.integers(0, 20, size=6)]  # where it jumps
    inside = inside[inside < 1 - 1e-9]
    for q in [1e-9, *rng.uniform(size=8), 0.5, 1 - 1e-9, *inside]:
        np.testing.assert_array_equal(mixture.ppf(q), (cdf >= q).argmax(axis=1))


def test_one_expert_for_counts_is_scipys(rng):
    rates = np.exp(rng.normal(1.0, 2.0, size=8))
    mixture = ConditionalMixture(
        np.ones((8, 1)), rates[:, None], None, PoissonLikelihood()
    )
    reference = stats.poisson(rates)
    q = np.r_[0.0, 1e-12, rng.uniform(size=10), 0.5, 1 - 1e-12, 1.0]
    np.testing.assert_array_equal(mixture.ppf(q), reference.ppf(q[:, None]).T)
    low, high = mixture.interval(0.9)
    np.testing.assert_array_equal(low, reference.ppf((1 - 0.9) / 2))
    np.testing.assert_array_equal(high, reference.ppf(1 - (1 - 0.9) / 2))
    np.testing.assert_allclose(mixture.logpmf(3), reference.logpmf(3))


def test_a_component_without_weight_plays_no_part_in_counts():
    mixture = ConditionalMixture(
        np.array([[0.0, 1.0]]), np.array([[1e9, 2.0]]), None, PoissonLikelihood()
    )
    q = np.array([0.001, 0.3, 0.5, 0.999])
    np.testing.assert_array_equal(mixture.ppf(q)[0], stats.poisson(2).ppf(q))


def test_distant_modes_of_counts():
    mixture = ConditionalMixture(
        np.array([[0.5, 0.5]]), np.array([[2.0, 1e8]]), None, PoissonLikelihood()
    )
    assert mixture.ppf(0.25)[0] == stats.poisson(2).median()
    assert mixture.ppf(0.75)[0] == stats.poisson(1e8).median()


def test_draws_of_counts(rng):
    mixture = make_counts(rng)
    draws = mixture.rvs(20_000, random_state=int(rng.integers(2**31)))
    assert draws.shape == (6, 20_000)
    assert (draws == np.floor(draws)).all()
    error = 6 * mixture.std() / np.sqrt(20_000)
    assert (np.abs(draws.mean(axis=1) - mixture.mean()) < error).all()
    np.testing.assert_allclose(draws.var(axis=1), mixture.var(), rtol=0.15)
    assert mixture[1:3].rvs(random_state=0).shape == (2,)


def test_probabilities_and_densities_are_not_mixed_up(rng):
    counts, numbers = make_counts(rng), make_mixture(rng)
    for method in [counts.pdf, counts.logpdf]:
        with pytest.raises(ValueError, match="counts have no density; use logpmf or pmf"):
            method(1.0)
    for method in [numbers.pmf, numbers.logpmf]:
        with pytest.raises(ValueError, match="is continuous; use logpdf or pdf"):
            method(1.0)


# Positive targets


def make_positive(rng, n_samples=6, n_experts=3, low=0.05, high=2.5):
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    prediction = np.exp(rng.normal(1.0, 1.5, size=(n_samples, n_experts)))
    dispersion = rng.uniform(low, high, size=n_experts)
    return ConditionalMixture(weights, prediction, dispersion, GammaLikelihood())


def test_moments_and_densities_of_positive_targets(rng):
    mixture = make_positive(rng)
    at = np.exp(rng.normal(1.0, 1.0, size=6))
    shape = 1 / mixture.dispersion
    for i in range(6):
        one = mixture[i]

        def moment(u, power, one=one):
            y = np.exp(u)
            return one.pdf(y)[0] * y ** (power + 1)

        total, first, second = (
            quad(moment, -60, 8, args=(p,), limit=500, points=[0.0])[0] for p in range(3)
        )
        assert total == pytest.approx(1)
        assert one.mean()[0] == pytest.approx(first)
        assert one.var()[0] == pytest.approx(second - first**2)
        below = quad(moment, -60, np.log(at[i]), args=(0,), limit=500)[0]
        assert mixture.cdf(at)[i] == pytest.approx(below)
        components = stats.gamma(shape, scale=mixture.prediction[i] / shape)
        pdf = mixture.weights[i] @ components.pdf(at[i])
        assert mixture.pdf(at)[i] == pytest.approx(pdf)
    for y in [-1.0, np.inf]:
        np.testing.assert_array_equal(mixture.pdf(y), 0)
    np.testing.assert_array_equal(mixture.cdf(-1.0), 0)


@pytest.mark.parametrize(("low", "high"), [(0.05, 2.5), (1e-6, 1e-3), (5.0, 50.0)])
def test_quantiles_of_positive_targets(rng, low, high):
    mixture = make_positive(rng, low=low, high=high)
    q = np.r_[1e-6, 0.01, rng.uniform(size=5), 0.5, 0.999]
    quantiles = mixture.ppf(q)
    for column, value in zip(quantiles.T, q, strict=True):
        there = column > 1e-300  # below, a float is too coarse
        cdf = mixture.cdf(column)
        np.testing.assert_allclose(cdf[there], value, rtol=1e-6)
        assert (cdf[~there] >= value).all()
    assert (np.diff(quantiles[:, np.argsort(q)], axis=1) >= 0).all()
    np.testing.assert_array_equal(mixture.ppf(0.0), 0)
    np.testing.assert_array_equal(mixture.ppf(1.0), np.inf)
    np.testing.assert_allclose(mixture.cdf(mixture.interval(0.8)[1]), 0.9)


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_quantiles_of_positive_targets_follow_the_unit(rng, factor):
    mixture = make_positive(rng)
    other = ConditionalMixture(
        mixture.weights,
        mixture.prediction * factor,
        mixture.dispersion,
        GammaLikelihood(),
    )
    q = np.array([0.01, 0.3, 0.77])
    np.testing.assert_allclose(other.ppf(q) / factor, mixture.ppf(q), rtol=1e-7)


def test_one_expert_for_positive_targets_is_scipys(rng):
    means, phi = np.exp(rng.normal(size=8)), rng.uniform(0.1, 3.0)
    mixture = ConditionalMixture(
        np.ones((8, 1)), means[:, None], np.array([phi]), GammaLikelihood()
    )
    reference = stats.gamma(1 / phi, scale=means * phi)
    q = np.r_[1e-6, rng.uniform(size=10)]
    np.testing.assert_allclose(mixture.ppf(q), reference.ppf(q[:, None]).T)
    np.testing.assert_allclose(mixture.cdf(0.7), reference.cdf(0.7))


def test_draws_of_positive_targets(rng):
    mixture = make_positive(rng, high=1.0)
    draws = mixture.rvs(40_000, random_state=int(rng.integers(2**31)))
    assert (draws > 0).all()
    error = 6 * mixture.std() / np.sqrt(40_000)
    assert (np.abs(draws.mean(axis=1) - mixture.mean()) < error).all()
    np.testing.assert_allclose(draws.var(axis=1), mixture.var(), rtol=0.2)


@pytest.mark.parametrize("covariance", ["diag", "full"])
@pytest.mark.parametrize("is_routed", [False, True])
def test_marginals(rng, covariance, is_routed):
    """The other output integrated out of the joint density, on a grid."""
    roots = rng.uniform(0.3, 1.0, size=(3, 2, 2))
    dispersion = roots @ np.swapaxes(roots, 1, 2) + 0.3 * np.eye(2)
    if covariance == "diag":
        dispersion = np.diagonal(dispersion, axis1=1, axis2=2)
    experts = np.array([[2, 0]]) if is_routed else None
    n_columns = 2 if is_routed else 3
    mixture = ConditionalMixture(
        rng.dirichlet(np.ones(n_columns), size=1),
        rng.normal(size=(1, n_columns, 2)),
        dispersion[experts] if is_routed else dispersion,
        GaussianLikelihood(covariance=covariance),
        experts,
    )
    grid = np.linspace(-15, 15, 3001)
    for output in (0, 1):
        marginal = mixture.marginal(output)
        assert marginal.mean() == pytest.approx(mixture.mean()[:, output])
        assert marginal.var() == pytest.approx(mixture.var()[:, output])
        for at in (-0.5, 1.0):
            points = np.insert(grid[:, None], output, at, axis=1)
            joint = mixture[np.zeros(len(grid), dtype=int)].pdf(points)
            assert marginal.pdf(at) == pytest.approx(np.sum(joint) * 0.01)
        assert marginal.cdf(marginal.ppf(0.3)) == pytest.approx(0.3)
    with pytest.raises(ValueError, match=r"output=2: the density has 2 outputs"):
        mixture.marginal(2)


def test_the_marginal_of_one_output_is_the_density(rng):
    mixture = make_mixture(rng)
    assert mixture.marginal(0) is mixture
    with pytest.raises(ValueError, match=r"output=1: the density has 1 output, "):
        mixture.marginal(1)
    column = make_mixture(rng, shape=(1,)).marginal(0)
    assert column.ppf([0.1, 0.9]).shape == (5, 2)
