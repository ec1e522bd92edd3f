"""Mixtures with a point mass at zero."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, gammaln
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor, Ridge

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inspection import export_text
from skmoe.likelihoods import PoissonLikelihood, ZeroInflatedLikelihood


@pytest.fixture
def counts(rng):
    """X, counts whose excess zeros depend on x, and which rows these are."""
    X = rng.normal(size=(600, 2))
    is_zero = rng.uniform(size=600) < expit(X @ [1.0, 0.5] - 0.5)
    return X, rng.poisson(np.exp(1.0 + X @ [0.4, -0.3])) * ~is_zero, is_zero


def mixture(likelihood=None, **params):
    likelihood = ZeroInflatedLikelihood() if likelihood is None else likelihood
    params = {"n_experts": 1, "random_state": 0, **params}
    return MixtureOfExpertsRegressor(likelihood=likelihood, **params)


def direct_fit(X, y, weights=None):
    """Zero-inflated Poisson regression, by BFGS from zero."""
    weights = np.ones(len(y)) if weights is None else weights
    Z = np.column_stack([np.ones(len(X)), X])

    def loss(vector):
        log_rate, logit = Z @ vector[: Z.shape[1]], Z @ vector[Z.shape[1] :]
        counted = y * log_rate - np.exp(log_rate) - gammaln(y + 1)
        joint = np.logaddexp(counted, np.where(y == 0, logit, -np.inf))
        return -(weights @ (joint - np.logaddexp(0, logit))) / weights.sum()

    found = minimize(loss, np.zeros(2 * Z.shape[1]), options={"gtol": 1e-8})
    return -found.fun, *np.split(found.x, 2)


def test_one_expert_is_zero_inflated_poisson_regression(counts):
    X, y, _ = counts
    bound, rate, logit = direct_fit(X, y)
    model = mixture(gate=SoftmaxGate(alpha=0.0)).fit(X, y)
    assert abs(model.score_samples(X, y).mean() - bound) < 1e-6
    expert, gate = model.experts_[0], model.gate_
    found = [expert.intercept_, *expert.coef_]
    np.testing.assert_allclose(found, rate, atol=2e-3)
    zero = np.append(gate.intercept_[1], gate.coef_[1])
    zero -= np.append(gate.intercept_[0], gate.coef_[0])
    np.testing.assert_allclose(zero, logit, atol=1e-2)


def test_weights_are_repeated_rows(counts, rng):
    X, y, _ = counts
    weights = rng.integers(0, 4, size=len(y)).astype(float)
    bound, _, _ = direct_fit(X, y, weights)
    model = mixture(gate=SoftmaxGate(alpha=0.0)).fit(X, y, sample_weight=weights)
    log_prob = model.score_samples(X, y)
    assert abs(weights @ log_prob / weights.sum() - bound) < 1e-6


def test_a_constant_gate_knows_one_share(rng):
    y = rng.poisson(3.0, size=4000) * (rng.uniform(size=4000) > 0.25)
    X = rng.uniform(size=(4000, 1))
    model = mixture(gate="constant").fit(X, y)
    gate = model.predict_gate_proba(X[:1])
    np.testing.assert_allclose(gate, [[0.75, 0.25]], atol=0.03)
    log_likelihood = model.score_samples(X, y).sum()
    # A slope and an intercept, and one share.
    np.testing.assert_allclose(model.aic(X, y), 2 * 3 - 2 * log_likelihood)


def test_zeros_that_are_certain_have_no_share_of_the_experts(counts):
    X, y, is_zero = counts
    model = mixture().fit(X, y)
    responsibilities = model.responsibilities(X, y)
    assert (responsibilities[y > 0, 1] == 0).all()
    mean_of_excess = responsibilities[is_zero, 1].mean()
    assert mean_of_excess > responsibilities[~is_zero & (y == 0), 1].mean()
    np.testing.assert_allclose(responsibilities[:, 1].mean(), is_zero.mean(), atol=0.05)


def test_the_component_is_the_last_column_of_everything(counts):
    X, y, _ = counts
    model = mixture(n_experts=2, init="k-plane").fit(X, y)
    assert model.n_experts_ == len(model.experts_) == 3
    assert model.dispersion_ is None
    assert model.inlier_mask_ is None
    np.testing.assert_array_equal(model.predict_experts(X)[:, 2], 0.0)
    gate, rates = model.predict_gate_proba(X), model.predict_experts(X)
    np.testing.assert_allclose(model.predict(X), (gate * rates).sum(axis=1))
    none = gate[:, 2] + (gate[:, :2] * np.exp(-rates[:, :2])).sum(axis=1)
    np.testing.assert_allclose(model.predict_distribution(X).pmf(0), none)


def test_it_beats_a_poisson_expert_alone(counts):
    X, y, _ = counts
    inflated, plain = mixture().fit(X, y), mixture("poisson").fit(X, y)
    assert inflated.bic(X, y) < plain.bic(X, y) - 50
    assert inflated.predict_distribution(X).crps(y).mean() < (
        plain.predict_distribution(X).crps(y).mean()
    )


def test_without_excess_zeros_the_point_mass_fades(rng):
    X = rng.uniform(size=(500, 1))
    y = 1.0 + rng.poisson(3.0, size=500)
    model = mixture(gate="constant").fit(X, y)  # a warning would be an error
    assert model.expert_load_[1] < 1e-6
    plain = mixture("poisson").fit(X, y)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-3)


def test_only_zeros(rng):
    X = rng.uniform(size=(50, 1))
    model = mixture().fit(X, np.zeros(50))
    np.testing.assert_allclose(model.predict(X), 0.0, atol=1e-3)


@pytest.mark.parametrize("solver", ["hard-em", "stochastic-em"])
def test_other_solvers(counts, solver):
    X, y, _ = counts
    model = mixture(solver=solver).fit(X, y)
    assert model.score_samples(X, y).mean() > (
        mixture("poisson").fit(X, y).score_samples(X, y).mean()
    )


def test_flexible_experts_are_held_out(counts):
    X, y, _ = counts
    trees = HistGradientBoostingRegressor(loss="poisson", max_iter=20, max_depth=2)
    model = mixture(experts=trees).fit(X, y)
    assert model.cross_fitted_
    assert model.lower_bound_ > mixture("poisson", experts=trees).fit(X, y).lower_bound_


def test_dispersions_of_a_negative_binomial_are_kept(rng):
    X = rng.uniform(size=(3000, 1))
    rate = np.exp(1.5) * rng.gamma(2.0, 0.5, size=3000)  # a dispersion of a half
    y = rng.poisson(rate) * (rng.uniform(size=3000) > 0.3)
    likelihood = ZeroInflatedLikelihood("negative_binomial")
    model = mixture(likelihood, gate="constant").fit(X, y)
    np.testing.assert_allclose(model.dispersion_, [0.5, 0.0], atol=0.12)
    np.testing.assert_allclose(model.expert_load_, [0.7, 0.3], atol=0.04)
    poisson = mixture(gate="constant").fit(X, y)
    assert model.bic(X, y) < poisson.bic(X, y)


def test_exposures_reach_the_experts(rng):
    X, exposure = rng.uniform(-1, 1, size=(800, 1)), rng.uniform(0.5, 5.0, size=800)
    y = rng.poisson(exposure * np.exp(0.5 + X[:, 0])) * (rng.uniform(size=800) > 0.3)
    Z = np.column_stack([np.ones(800), X])

    def loss(vector):
        log_mean = Z @ vector[:2] + np.log(exposure)
        counted = y * log_mean - np.exp(log_mean) - gammaln(y + 1)
        joint = np.logaddexp(counted, np.where(y == 0, vector[2], -np.inf))
        return -(joint - np.logaddexp(0, vector[2])).mean()

    direct = minimize(loss, np.zeros(3), options={"gtol": 1e-8})
    model = mixture(gate="constant").fit(X, y, exposure=exposure)
    found = model.score_samples(X, y, exposure=exposure).mean()
    assert abs(found + direct.fun) < 1e-6
    expert = model.experts_[0]
    coefficients = [expert.intercept_, *expert.coef_]
    np.testing.assert_allclose(coefficients, direct.x[:2], atol=2e-3)
    twice = model.predict(X, exposure=2 * exposure)
    np.testing.assert_allclose(twice, 2 * model.predict(X, exposure=exposure))


def test_rows_in_groups_are_zero_together(rng):
    groups = np.repeat(np.arange(150), 4)
    X = rng.uniform(-1, 1, size=(600, 1))
    is_zero = (rng.uniform(size=150) < 0.3)[groups]
    y = rng.poisson(np.exp(0.3 + X[:, 0])) * ~is_zero
    model = mixture(gate="constant").fit(X, y, groups=groups)
    shares = model.responsibilities(X, y, groups=groups)[:, 1]
    assert np.ptp(shares.reshape(150, 4), axis=1).max() < 1e-12
    assert (shares[is_zero] > 0.5).all()
    alone = mixture(gate="constant").fit(X, y).responsibilities(X, y)[:, 1]
    assert ((shares > 0.5) == is_zero).mean() > ((alone > 0.5) == is_zero).mean()


def test_a_prior_has_a_column_for_zeros(counts):
    X, y, is_zero = counts
    prior = np.full((600, 3), 1 / 3)
    prior[:100] = np.where(is_zero[:100, None], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0])
    model = mixture(n_experts=2, init="k-plane", max_iter=500)
    model.fit(X, y, responsibilities_prior=prior)
    assert model.n_experts_ == 3
    np.testing.assert_array_equal(model.predict_experts(X)[:, 2], 0.0)
    with pytest.raises(ValueError, match="has 2 columns, there are 3 experts"):
        mixture(n_experts=2).fit(X, y, responsibilities_prior=np.full((600, 2), 0.5))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"top_k": 1}, "top_k=1: every row may belong to the component"),
        ({"solver": "gradient"}, "is not learnt from batches; use solver='em'"),
        ({"shared_expert": Ridge()}, "shared_expert: .* predicts a constant"),
        ({"likelihood": ZeroInflatedLikelihood("gaussian")}, "is none of counts"),
        ({"likelihood": ZeroInflatedLikelihood(ZeroInflatedLikelihood())}, "of counts"),
        ({"likelihood": ZeroInflatedLikelihood("binomial")}, "with the trials as expos"),
    ],
)
def test_what_does_not_go_with_it_is_refused(counts, params, message):
    X, y, _ = counts
    with pytest.raises(ValueError, match=message):
        mixture(n_experts=2).set_params(**params).fit(X, y)


def test_targets_out_of_range_are_named(counts):
    X, y, _ = counts
    with pytest.raises(ValueError, match="integers from 0 on; row 3 holds -1"):
        mixture().fit(X, np.where(np.arange(600) == 3, -1, y))
    with pytest.raises(ValueError, match="takes a target of shape"):
        mixture().fit(X, np.column_stack([y, y]))


def test_the_default_expert_is_that_of_the_base(counts):
    X, y, _ = counts
    model = mixture(ZeroInflatedLikelihood(PoissonLikelihood())).fit(X, y)
    assert isinstance(model.experts_[0], PoissonRegressor)
    assert model.to_hard_router().predict(X[:3]).shape == (3,)


def test_text_knows_the_name(counts):
    X, y, _ = counts
    text = export_text(mixture().fit(X, y))
    assert "1 expert and zero, dense, ZeroInflatedLikelihood" in text
    assert "zero: a point mass at 0, " in text
