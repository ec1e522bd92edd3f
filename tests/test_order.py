"""Clones of one expert are numbered by their load, whatever the start."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, HierarchicalGate
from skmoe.likelihoods import GaussianLikelihood

SHARES = np.array([0.5, 0.3, 0.2])
SLOPES = np.array([1.0, -2.0, 4.0])
LEVELS = np.array([4.0, 0.0, -4.0])


def three_lines(n_samples=400, seed=0):
    """Lines that are well apart, the second column saying which of them it is."""
    rng = np.random.default_rng(seed)
    own = rng.choice(3, size=n_samples, p=SHARES)
    X = np.column_stack(
        [rng.uniform(-1, 1, n_samples), own + rng.normal(0, 0.6, own.shape)]
    )
    y = LEVELS[own] + SLOPES[own] * X[:, 0] + rng.normal(0, 0.1, n_samples)
    return X, y


def slopes_of(model):
    return np.array([expert.coef_[0] for expert in model.experts_])


@pytest.mark.parametrize("gate", ["softmax", "constant", "gaussian", GaussianNB()])
@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em", "gradient"])
def test_largest_first_whatever_the_seed(gate, solver):
    X, y = three_lines()
    for seed in range(3):
        model = MixtureOfExpertsRegressor(
            gate=gate, solver=solver, n_init=2, random_state=seed
        ).fit(X, y)
        np.testing.assert_allclose(slopes_of(model), SLOPES, atol=0.2)
        np.testing.assert_array_equal(np.argsort(-model.expert_load_), range(3))
        shares = model.responsibilities(X, y).mean(axis=0)
        np.testing.assert_allclose(shares, model.expert_load_, atol=0.03)


@pytest.mark.parametrize("init", ["auto", "k-plane", "k-means", "random"])
@pytest.mark.parametrize("expert", [None, Ridge(1e-3)])
def test_whatever_the_start_the_order_of_rows_and_the_units(init, expert):
    X, y = three_lines()
    rows = np.random.default_rng(1).permutation(len(y))
    options = {"init": init, "n_init": 3, "random_state": 0}
    for X_seen, y_seen, unit in [(X, y, 1.0), (X[rows], y[rows], 1.0), (1e3 * X, y, 1e3)]:
        model = MixtureOfExpertsRegressor(expert, **options).fit(X_seen, y_seen)
        np.testing.assert_allclose(unit * slopes_of(model), SLOPES, atol=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"n_experts": "auto"},
        {"likelihood": GaussianLikelihood(dispersion=LinearRegression())},
        {"likelihood": "student_t"},
        {"gate": HierarchicalGate((3,))},
        {"shared_expert": Ridge(1e3)},
        {"top_k": 1},
        {"top_k": 2, "load_balancing": "bias", "experts": Ridge()},
        {"experts": SGDRegressor(random_state=0), "solver": "gradient"},
        {"experts": KNeighborsRegressor(20), "cv": 3},
        {"experts": RandomForestRegressor(5, min_samples_leaf=10, random_state=0)},
    ],
    ids=str,
)
def test_all_that_is_published_is_of_the_same_experts(options):
    X, y = three_lines()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixtureOfExpertsRegressor(random_state=0, **options).fit(X, y)
    assert (np.diff(model.expert_load_) <= 1e-5).all()
    each = np.stack([expert.predict(X) for expert in model.experts_], axis=1)
    np.testing.assert_allclose(model.predict_experts(X), each)
    if model.shared_expert_ is not None:
        each += model.shared_expert_.predict(X)[:, None]
    shares = model.responsibilities(X, y)
    if not model.cross_fitted_ and model.top_k_ == 3:
        np.testing.assert_allclose(shares.mean(axis=0), model.expert_load_, atol=0.02)
        errors = (shares * (y[:, None] - each) ** 2).sum(axis=0) / shares.sum(axis=0)
        if isinstance(model.dispersion_, np.ndarray) and model.dispersion_.ndim == 1:
            np.testing.assert_allclose(model.dispersion_, errors, rtol=0.2)
    mean_density = np.exp(model.score_samples(X, y)).mean()
    alone = np.exp(-0.5 * ((y - y.mean()) / y.std()) ** 2) / np.sqrt(2 * np.pi) / y.std()
    assert mean_density > 2 * alone.mean()


def test_bias_and_gate_are_those_of_the_experts():
    X, y = three_lines(1000)
    model = MixtureOfExpertsRegressor(
        Ridge(), n_experts=6, top_k=2, load_balancing="bias", random_state=0
    ).fit(X, y)
    sent = model.predict_gate_proba(X) > 0
    np.testing.assert_allclose(sent.mean(axis=0) / 2, model.expert_load_, atol=0.01)


def test_classifier():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(600, 2))
    score = np.where(X[:, 0] < -0.3, X[:, 1], -X[:, 1]) + rng.normal(0, 0.2, 600)
    y = np.where(score > 0, "b", "a")
    unfitted = MixtureOfExpertsClassifier(n_experts=2, n_init=3)
    for seed in range(3):
        model = clone(unfitted).set_params(random_state=seed).fit(X, y)
        assert model.experts_[0].coef_[0, 1] < 0 < model.experts_[1].coef_[0, 1]
        assert model.expert_load_[0] > model.expert_load_[1]


@pytest.mark.parametrize("expert", [None, Ridge(1e-3)])
@pytest.mark.parametrize("init", ["auto", "k-plane", "random"])
def test_equal_loads_are_told_apart_by_where_rows_lie(expert, init):
    X = np.linspace(-1, 1, 101)[:, None]
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(101)
        model = MixtureOfExpertsRegressor(
            expert, n_experts=2, init=init, random_state=seed
        ).fit(X[rows], np.abs(X[rows, 0]))
        np.testing.assert_allclose(slopes_of(model), [-1, 1], atol=0.05)


def test_equal_loads_and_the_same_rows_are_told_apart_by_slopes():
    X = np.tile(np.linspace(-1, 1, 60), 2)[:, None]
    y = np.repeat([2.0, -2.0], 60) * X[:, 0]
    for seed in range(4):
        model = MixtureOfExpertsRegressor(
            n_experts=2, gate="constant", init="random", n_init=5, random_state=seed
        ).fit(X, y)
        np.testing.assert_allclose(slopes_of(model), [-2, 2], atol=0.05)


def test_a_tree_orders_branches_within_its_nodes():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, size=(800, 1))
    # Left to right, shares of 0.1, 0.15, 0.45 and 0.3.
    own = np.searchsorted([0.1, 0.25, 0.7], X[:, 0])
    y = np.array([0.0, 6.0, -6.0, 12.0])[own] + rng.normal(0, 0.2, 800)
    for seed in range(3):
        model = MixtureOfExpertsRegressor(
            Ridge(1e3), n_experts=4, gate=HierarchicalGate((2, 2)), random_state=seed
        ).fit(X, y)
        load = model.expert_load_.reshape(2, 2)
        assert (np.diff(load.sum(axis=1)) < 0).all()
        assert (np.diff(load, axis=1) < 0).all()
        shares = model.responsibilities(X, y)
        np.testing.assert_allclose(shares.mean(axis=0), model.expert_load_, atol=1e-3)


class StubbornGate(ConstantGate):
    """A gate whose experts keep their numbers."""

    permuted = property()


@pytest.mark.parametrize("case", ["list", "array", "gate"])
def test_who_keeps_another_order(case):
    X, y = three_lines()
    rows = np.argmin(np.abs(y[:, None] - LEVELS[::-1] - X[:, :1] * SLOPES[::-1]), axis=1)
    given = 0.9 * np.eye(3)[rows] + 0.1 / 3
    experts, init, gate = None, given, "constant"
    if case == "list":
        experts = [("small", Ridge(1e-3)), ("b", Ridge(1e-3)), ("a", Ridge(1e-3))]
    if case == "gate":
        gate = StubbornGate()
    model = MixtureOfExpertsRegressor(experts, gate=gate, init=init).fit(X, y)
    np.testing.assert_allclose(slopes_of(model), SLOPES[::-1], atol=0.2)


def test_a_list_keeps_its_order_from_a_named_start():
    X, y = three_lines()
    named = [("flat", Ridge(1e6)), ("line", LinearRegression())]
    for seed in range(3):
        model = MixtureOfExpertsRegressor(named, random_state=seed).fit(X, y)
        assert [type(expert) for expert in model.experts_] == [Ridge, LinearRegression]


def test_later_fits_keep_the_order():
    X, y = three_lines()
    model = MixtureOfExpertsRegressor(warm_start=True, random_state=0).fit(X, y)
    is_largest = model.responsibilities(X, y)[:, 0] > 0.5
    fewer = np.flatnonzero(~is_largest | (np.arange(len(y)) % 4 == 0))
    model.fit(X[fewer], y[fewer])
    assert model.expert_load_.argmax() != 0
    np.testing.assert_allclose(slopes_of(model), SLOPES, atol=0.2)
    for _ in range(3):
        model.partial_fit(X[fewer], y[fewer])
    np.testing.assert_allclose(slopes_of(model), SLOPES, atol=0.2)


@pytest.mark.parametrize(
    ("solver", "seed"), [("hard-em", 0), ("stochastic-em", 0), ("em", 0)]
)
def test_a_warning_names_the_published_numbers(solver, seed):
    rng = np.random.default_rng(0)
    X = np.linspace(-1, 1, 60)[:, None]
    y = np.repeat([0.0, 5.0], 30) + 1e-2 * rng.normal(size=60)
    model = MixtureOfExpertsRegressor(
        DummyRegressor(), n_experts=5, init="random", solver=solver, random_state=seed
    )
    with pytest.warns(UserWarning, match="ended with less") as told:
        model.fit(X, y)
    text = " ".join(str(warning.message) for warning in told)
    lost = model.expert_load_ < 0.01 / 5
    assert [f"'expert{k}'" in text for k in range(5)] == lost.tolist()
    assert lost[-1]
    assert not lost[0]


def test_a_prior_keeps_the_order_of_its_columns():
    X, y = three_lines()
    errors = np.abs(y[:, None] - LEVELS[::-1] - X[:, :1] * SLOPES[::-1])
    prior = np.where(
        np.arange(len(y))[:, None] < 60, np.eye(3)[errors.argmin(axis=1)], 1 / 3
    )
    model = MixtureOfExpertsRegressor(random_state=0)
    model.fit(X, y, responsibilities_prior=prior)
    np.testing.assert_allclose(slopes_of(model), SLOPES[::-1], atol=0.2)


def test_groups_with_equal_loads_are_told_apart_by_where_rows_lie():
    X, groups = np.linspace(-1, 1, 100)[:, None], np.repeat(np.arange(20), 5)
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(100)
        model = MixtureOfExpertsRegressor(n_experts=2, random_state=seed)
        model.fit(X[rows], np.abs(X[rows, 0]), groups=groups[rows])
        np.testing.assert_allclose(slopes_of(model), [-1, 1], atol=0.05)
