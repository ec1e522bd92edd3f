"""Successes of trials: the likelihood against scipy.stats."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from skmoe.likelihoods import BinomialLikelihood, check_likelihood, with_sizes

LIKELIHOOD = BinomialLikelihood()


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_data(rng, n_samples=40, n_experts=3):
    prediction = rng.beta(1.0, 1.0, size=(n_samples, n_experts))
    sizes = rng.integers(1, 30, size=n_samples).astype(float)
    y = rng.binomial(sizes.astype(int), prediction[:, 0]).astype(float)
    _, trials = LIKELIHOOD.sized(prediction, None, sizes)
    return y, prediction, trials


def test_log_prob(rng):
    y, prediction, trials = make_data(rng)
    expected = stats.binom(trials, prediction).logpmf(y[:, None])
    np.testing.assert_allclose(LIKELIHOOD.log_prob(y, prediction, trials), expected)
    target = with_sizes(y, trials[:, 0])
    np.testing.assert_allclose(LIKELIHOOD.log_prob(target, prediction), expected)


def test_one_trial_without_sizes(rng):
    _, prediction, _ = make_data(rng)
    y = rng.integers(0, 2, size=40).astype(float)
    expected = np.log(np.where(y[:, None] == 1, prediction, 1 - prediction))
    np.testing.assert_allclose(LIKELIHOOD.log_prob(y, prediction), expected)
    np.testing.assert_array_equal(LIKELIHOOD.mean(prediction), prediction)


@pytest.mark.parametrize("y", [-1.0, 0.5, 5.0, np.inf, np.nan])
def test_what_cannot_be_has_no_probability(y):
    log_prob = LIKELIHOOD.log_prob(
        np.array([y, 2.0]), np.full((2, 2), 0.3), np.full((2, 2), 4.0)
    )
    np.testing.assert_array_equal(log_prob[0], -np.inf)
    assert np.isfinite(log_prob[1]).all()


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_an_expert_that_is_sure_may_be_wrong(sure):
    y, trials = np.array([0.0, 2.0, 4.0]), np.full((3, 1), 4.0)
    log_prob = LIKELIHOOD.log_prob(y, np.full((3, 1), sure), trials)
    assert log_prob.max() == pytest.approx(0, abs=1e-12)
    assert np.isfinite(log_prob).all()


def test_moments_cdf_and_ppf(rng):
    y, prediction, trials = make_data(rng)
    expected = stats.binom(trials, prediction)
    np.testing.assert_allclose(LIKELIHOOD.mean(prediction, trials), expected.mean())
    np.testing.assert_allclose(LIKELIHOOD.variance(prediction, trials), expected.var())
    at = y[:, None] + rng.uniform(-1, 1, size=(40, 1))
    found = LIKELIHOOD.cdf(at, prediction, trials)
    np.testing.assert_allclose(found, expected.cdf(at), atol=1e-12)
    for q in [0.0, *rng.uniform(size=5), 0.5, 1.0]:
        found = LIKELIHOOD.ppf(q, prediction, trials)
        np.testing.assert_array_equal(found, expected.ppf(q))


@pytest.mark.parametrize("p", [0.0, 1e-12, 0.3, 1.0])
@pytest.mark.parametrize("n", [1.0, 7.0, 1e6])
def test_ppf_is_the_smallest_number(p, n):
    p, n = np.full((1, 1), p), np.full((1, 1), n)
    for q in [1e-9, 0.01, 0.5, 0.99, 1 - 1e-9]:
        count = LIKELIHOOD.ppf(q, p, n)
        assert 0 <= count <= n
        assert LIKELIHOOD.cdf(count, p, n) >= q
        assert LIKELIHOOD.cdf(count - 1, p, n) < q


def test_draws(rng):
    prediction, trials = np.full((20_000, 1), 0.3), np.full((20_000, 1), 8.0)
    draws = LIKELIHOOD.rvs(prediction, trials, np.random.RandomState(0))
    assert draws.dtype == np.float64
    assert draws.mean() == pytest.approx(2.4, abs=0.05)
    assert draws.var() == pytest.approx(1.68, rel=0.05)
    assert (
        LIKELIHOOD.rvs(np.ones((5, 1)), trials[:5], np.random.RandomState(0)) == 8
    ).all()


def test_experts_are_fitted_to_shares(rng):
    y, _, trials = make_data(rng)
    share, factor = LIKELIHOOD.expert_target(with_sizes(y, trials[:, 0]))
    np.testing.assert_allclose(share * factor, y)
    np.testing.assert_array_equal(factor, trials[:, 0])


def test_there_is_no_dispersion(rng):
    y, prediction, _ = make_data(rng)
    assert isinstance(check_likelihood("binomial"), BinomialLikelihood)
    assert LIKELIHOOD.fit_dispersion(y, prediction, np.ones_like(prediction)) is None
    assert LIKELIHOOD.n_parameters(None) == 0
    assert isinstance(LIKELIHOOD.default_expert(), LogisticRegression)


def test_more_successes_than_trials():
    y, trials = np.array([1.0, 2.0, 3.0, 9.0]), np.array([1.0, 2.0, 2.0, 2.0])
    with pytest.raises(ValueError, match="as many successes as trials; row 2 holds 3 of"):
        LIKELIHOOD.check_sized_target(y, trials)
    LIKELIHOOD.check_sized_target(y[:2], trials[:2])


def test_trials_are_whole():
    with pytest.raises(ValueError, match=r"trials: row 1 holds 2.5; pass whole numbers"):
        LIKELIHOOD.check_sizes(np.array([1.0, 2.5]))


@pytest.mark.parametrize("value", [-1.0, 0.5])
def test_targets_that_are_no_numbers_of_successes(value):
    message = (
        f"likelihood='binomial' needs numbers of successes, .* row 1 holds {value:g}"
    )
    with pytest.raises(ValueError, match=message):
        LIKELIHOOD.check_target(np.array([1.0, value]))
