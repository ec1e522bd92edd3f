"""Likelihoods against scipy.stats."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from skmoe.likelihoods import (
    CategoricalLikelihood,
    GaussianLikelihood,
    check_likelihood,
)


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_data(rng, shape=(), n_samples=40, n_experts=3):
    y = rng.normal(3.0, 2.0, size=(n_samples, *shape))
    prediction = rng.normal(3.0, 2.0, size=(n_samples, n_experts, *shape))
    dispersion = rng.uniform(0.2, 3.0, size=(n_experts, *shape))
    return y, prediction, dispersion


def test_gaussian_log_prob(rng):
    y, prediction, dispersion = make_data(rng)
    log_prob = GaussianLikelihood().log_prob(y, prediction, dispersion)
    assert log_prob.shape == (40, 3)
    for k in range(3):
        reference = stats.norm(prediction[:, k], np.sqrt(dispersion[k]))
        np.testing.assert_allclose(log_prob[:, k], reference.logpdf(y))


def test_gaussian_outputs_are_independent(rng):
    y, prediction, dispersion = make_data(rng, shape=(2,))
    log_prob = GaussianLikelihood().log_prob(y, prediction, dispersion)
    single = GaussianLikelihood()
    parts = [
        single.log_prob(y[:, m], prediction[..., m], dispersion[:, m]) for m in range(2)
    ]
    np.testing.assert_allclose(log_prob, parts[0] + parts[1])


def test_gaussian_density_integrates_to_one(rng):
    mean, variance = rng.normal(), rng.uniform(0.5, 2.0)

    def density(y):
        arguments = np.array([y]), np.array([[mean]]), np.array([variance])
        return np.exp(GaussianLikelihood().log_prob(*arguments))[0, 0]

    assert quad(density, mean - 20, mean + 20)[0] == pytest.approx(1)


@pytest.mark.parametrize("shape", [(), (2,)])
def test_gaussian_dispersion_is_the_most_likely(rng, shape):
    y, prediction, _ = make_data(rng, shape)
    weights = rng.uniform(size=(40, 3))
    likelihood = GaussianLikelihood()
    dispersion = likelihood.fit_dispersion(y, prediction, weights)
    assert dispersion.shape == (3, *shape)

    def value(dispersion):
        return np.vdot(weights, likelihood.log_prob(y, prediction, dispersion))

    best = value(dispersion)
    for index in np.ndindex(dispersion.shape):
        for factor in [0.9, 0.999, 1.001, 1.1]:
            other = dispersion.copy()
            other[index] *= factor
            assert value(other) < best


def test_gaussian_dispersion_of_repeated_rows(rng):
    y, prediction, _ = make_data(rng)
    prediction[:, 0] = y
    shares = rng.dirichlet(np.ones(3), size=40)
    counts = rng.integers(0, 4, size=40)
    fit = GaussianLikelihood().fit_dispersion
    weighted = fit(y, prediction, shares * counts[:, None])
    rows = np.repeat(np.arange(40), counts)
    repeated = fit(y[rows], prediction[rows], shares[rows])
    np.testing.assert_allclose(weighted, repeated)
    # An exact expert has a millionth of the variance of y.
    assert weighted[0] == pytest.approx(1e-6 * y[rows].var())


def test_gaussian_floor_of_a_constant_target():
    y, prediction = np.full(5, 7.0), np.full((5, 1), 7.0)
    likelihood = GaussianLikelihood()
    dispersion = likelihood.fit_dispersion(y, prediction, np.ones((5, 1)))
    assert 0 < dispersion[0] < 1e-20
    assert np.isfinite(likelihood.log_prob(y, prediction, dispersion)).all()


@pytest.mark.parametrize("shape", [(), (2,)])
def test_gaussian_expert_without_rows(rng, shape):
    y, prediction, _ = make_data(rng, shape)
    weights = np.column_stack([np.zeros(40), np.ones((40, 2))])
    dispersion = GaussianLikelihood().fit_dispersion(y, prediction, weights)
    np.testing.assert_allclose(dispersion[0], y.var(axis=0))


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_gaussian_units(rng, factor):
    y, prediction, _ = make_data(rng)
    prediction[:, 0] = y
    weights = rng.uniform(size=(40, 3))
    fit = GaussianLikelihood().fit_dispersion
    np.testing.assert_allclose(
        fit(factor * y, factor * prediction, weights),
        factor**2 * fit(y, prediction, weights),
        rtol=1e-3,
    )


def test_gaussian_cdf_and_ppf(rng):
    y, prediction, dispersion = make_data(rng)
    likelihood, std = GaussianLikelihood(), np.sqrt(dispersion)
    cdf = likelihood.cdf(y[:, None], prediction, dispersion)
    reference = stats.norm(prediction, std)
    np.testing.assert_allclose(cdf, reference.cdf(y[:, None]))
    q = rng.uniform(0.01, 0.99, size=(40, 1))
    ppf = likelihood.ppf(q, prediction, dispersion)
    np.testing.assert_allclose(ppf, reference.ppf(q))
    back = likelihood.cdf(ppf, prediction, dispersion)
    np.testing.assert_allclose(back, np.broadcast_to(q, back.shape))


@pytest.mark.parametrize("shape", [(), (2,)])
def test_gaussian_moments_and_draws(rng, shape):
    _, prediction, dispersion = make_data(rng, shape, n_samples=1)
    prediction = np.repeat(prediction, 20_000, axis=0)
    likelihood = GaussianLikelihood()
    state = np.random.RandomState(rng.integers(2**31))
    draws = likelihood.rvs(prediction, dispersion, state)
    assert draws.shape == prediction.shape
    mean = likelihood.mean(prediction, dispersion)
    variance = likelihood.variance(prediction, dispersion)
    assert variance.shape == prediction.shape
    error = 6 * np.sqrt(dispersion / 20_000)
    assert (np.abs(draws.mean(axis=0) - mean[0]) < error).all()
    np.testing.assert_allclose(draws.var(axis=0), variance[0], rtol=0.1)
    assert likelihood.n_parameters(dispersion) == dispersion.size


def test_categorical():
    prediction = np.array([[[0.2, 0.8], [1.0, 0.0]], [[0.5, 0.5], [0.3, 0.7]]])
    likelihood = CategoricalLikelihood()
    log_prob = likelihood.log_prob(np.array([1, 0]), prediction)
    expected = np.log([[0.8, np.finfo(float).eps], [0.5, 0.3]])
    np.testing.assert_allclose(log_prob, expected)
    total = sum(np.exp(likelihood.log_prob(np.full(2, c), prediction)) for c in range(2))
    np.testing.assert_allclose(total, 1)
    assert (
        likelihood.fit_dispersion(np.array([1, 0]), prediction, np.ones((2, 2))) is None
    )
    assert likelihood.n_parameters() == 0
    np.testing.assert_array_equal(likelihood.mean(prediction), prediction)


def test_check_likelihood():
    assert isinstance(check_likelihood("gaussian"), GaussianLikelihood)
    given = GaussianLikelihood()
    assert check_likelihood(given) is given
    for wrong in ["cauchy", GaussianLikelihood, None, 3]:
        known = r"is unknown; use one of \['binomial', 'gamma', .*'student_t'\]"
        with pytest.raises(ValueError, match=known):
            check_likelihood(wrong)
