"""Rows whose experts are known in part: ``responsibilities_prior=``."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

SOLVERS = ["em", "hard-em", "stochastic-em"]


def regressor(n_experts=2, **params):
    return MixtureOfExpertsRegressor(
        n_experts=n_experts, **{"random_state": 0, "max_iter": 1000, **params}
    )


@pytest.fixture
def crossing(rng):
    """Two lines that cross, and which of them each row is from."""
    X, kinds = rng.uniform(-1, 1, (300, 1)), rng.integers(0, 2, 300)
    y = np.where(kinds == 0, 2 * X[:, 0], -2 * X[:, 0])
    return X, y + 0.7 * rng.standard_normal(300), kinds


def nothing_known(n_samples=300, n_experts=2):
    return np.full((n_samples, n_experts), 1 / n_experts)


def log_likelihood(model, X, y, prior):
    """By definition; what is likeliest beforehand counts as one."""
    known = prior / prior.max(axis=1, keepdims=True)
    density = norm(model.predict_experts(X), np.sqrt(model.dispersion_)).pdf(y[:, None])
    return np.log((known * model.predict_gate_proba(X) * density).sum(axis=1))


@pytest.mark.parametrize("gate", ["softmax", "constant"])
def test_objective(crossing, rng, gate):
    X, y, _ = crossing
    prior = rng.dirichlet([1.0, 1.0], 300)
    model = regressor(gate=gate).fit(X, y, responsibilities_prior=prior)
    penalty = getattr(model.gate_, "penalty_", 0.0) / 300
    expected = log_likelihood(model, X, y, prior).mean() - penalty
    assert model.lower_bound_ == pytest.approx(expected)
    assert np.all(np.diff(model.lower_bounds_) >= 0)


def test_plain_steps_of_em_raise_the_objective(crossing, rng):
    X, y, _ = crossing
    prior, shares = rng.dirichlet([1.0, 1.0], 300), rng.dirichlet([1.0, 1.0], 300)
    values = []
    for _ in range(10):
        model = regressor(gate="constant", init=shares, max_iter=1)
        with pytest.warns(ConvergenceWarning, match="raise max_iter"):
            model.fit(X, y, responsibilities_prior=prior)
        values.append(log_likelihood(model, X, y, prior).sum())
        joint = np.log(prior) + np.log(model.predict_gate_proba(X))
        joint += norm(model.predict_experts(X), np.sqrt(model.dispersion_)).logpdf(
            y[:, None]
        )
        shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    assert np.all(np.diff(values) >= -1e-9)


def test_rows_of_which_nothing_is_known(crossing):
    X, y, _ = crossing
    plain = regressor(tol=1e-9).fit(X, y)
    model = regressor(tol=1e-9).fit(X, y, responsibilities_prior=nothing_known())
    assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_of_which_all_is_known(crossing, solver):
    """Experts are fitted to their own rows, in one step."""
    X, y, kinds = crossing
    prior = np.eye(2)[kinds]
    model = regressor(solver=solver, gate="constant")
    model.fit(X, y, responsibilities_prior=prior)
    for k, expert in enumerate(model.experts_):
        own = kinds == k
        line = LinearRegression().fit(X[own], y[own])
        np.testing.assert_allclose(expert.coef_, line.coef_)
    np.testing.assert_allclose(model.gate_.prior_, prior.mean(axis=0))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_few_known_rows_number_the_experts(crossing, solver):
    X, y, kinds = crossing
    for flip in (False, True):
        truth = 1 - kinds if flip else kinds
        prior = nothing_known()
        prior[:20] = np.eye(2)[truth[:20]]
        model = regressor(solver=solver, gate="constant")
        model.fit(X, y, responsibilities_prior=prior)
        rises = [expert.coef_[0] > 0 for expert in model.experts_]
        assert rises == ([False, True] if flip else [True, False])


def test_zero_excludes(crossing):
    X, y, _ = crossing
    prior = np.tile([0.5, 0.5, 0.0], (300, 1))
    prior[:30] = [0.0, 0.0, 1.0]
    model = regressor(3, gate="constant").fit(X, y, responsibilities_prior=prior)
    line = LinearRegression().fit(X[:30], y[:30])
    np.testing.assert_allclose(model.experts_[2].coef_, line.coef_)
    assert model.expert_load_[2] == pytest.approx(0.1)


def test_with_weights_of_zero_and_groups(crossing):
    X, y, kinds = crossing
    groups = np.arange(300) // 3
    prior = nothing_known()
    prior[:60] = np.eye(2)[kinds[::3][:20].repeat(3)]
    weights = np.ones(300)
    weights[::7] = 0
    kept = weights > 0
    model = regressor().fit(X, y, weights, groups=groups, responsibilities_prior=prior)
    same = regressor().fit(
        X[kept], y[kept], groups=groups[kept], responsibilities_prior=prior[kept]
    )
    assert model.lower_bound_ == pytest.approx(same.lower_bound_)
    prior[1] = [0.5, 0.5]
    with pytest.raises(ValueError, match="row 1 differs from the first row of its group"):
        model.fit(X, y, groups=groups, responsibilities_prior=prior)


@pytest.mark.filterwarnings("ignore:the held-out log-likelihood")
def test_with_rows_held_out(crossing):
    """Two trees cannot tell the lines apart by x; the known rows do."""
    X, y, kinds = crossing
    prior = np.eye(2)[kinds] * 0.98 + 0.01
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    model = MixtureOfExpertsRegressor(
        tree, 2, gate="constant", pooling=0.0, random_state=0
    )
    model.fit(X, y, responsibilities_prior=prior)
    assert model.cross_fitted_
    grid = np.linspace(-1, 1, 50)
    rising, falling = np.polyfit(grid, model.predict_experts(grid[:, None]), 1)[0]
    assert rising > 1
    assert falling < -1


def test_classification(rng):
    X, kinds = rng.uniform(-1, 1, (300, 1)), rng.integers(0, 2, 300)
    y = (X[:, 0] > 0) ^ (kinds == 1)
    prior = np.eye(2)[kinds] * 0.9 + 0.05
    model = MixtureOfExpertsClassifier(n_experts=2, gate="constant", random_state=0)
    model.fit(X, y, responsibilities_prior=prior)
    proba = model.predict_experts([[0.9]])[0, :, 1]
    assert proba[0] > 0.9
    assert proba[1] < 0.1


def bad(row, values):
    prior = nothing_known()
    prior[row] = values
    return prior


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (bad(7, [0.5, 0.6]), r"responsibilities_prior: row 7 has the sum 1\.1"),
        (bad(3, [-0.5, 1.5]), "responsibilities_prior: row 3 has a negative value"),
        (bad(5, [0.0, 0.0]), "responsibilities_prior: row 5 has the sum 0"),
        (nothing_known(299), "responsibilities_prior has 299 rows, X has 300"),
        (nothing_known(300, 3), "responsibilities_prior has 3 columns, there are 2"),
        (bad(0, np.nan), "responsibilities_prior contains NaN"),
    ],
)
def test_bad_priors(crossing, prior, message):
    X, y, _ = crossing
    with pytest.raises(ValueError, match=message):
        regressor().fit(X, y, responsibilities_prior=prior)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solver": "gradient"}, "responsibilities_prior: solver='gradient'"),
        ({"top_k": 1}, "responsibilities_prior: top_k"),
        ({"n_experts": "auto"}, "n_experts='auto': responsibilities_prior has a fixed"),
    ],
)
def test_what_priors_do_not_go_with(crossing, params, message):
    X, y, _ = crossing
    with pytest.raises(ValueError, match=message):
        regressor(**params).fit(X, y, responsibilities_prior=nothing_known())
