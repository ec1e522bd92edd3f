"""What must always hold of a mixture of experts, whatever it is made of."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, SoftmaxGate

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]


def regressor(**params):
    return MixtureOfExpertsRegressor(**{"n_experts": 2, "random_state": 0, **params})


def classifier(**params):
    return MixtureOfExpertsClassifier(**{"n_experts": 2, "random_state": 0, **params})


# -- the objective ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"n_experts": 3},
        {"n_experts": 3, "experts": Ridge(alpha=5.0)},
        {"n_experts": 3, "experts": make_pipeline(StandardScaler(), LinearRegression())},
        {"gate": "constant", "init": "random"},
        {"experts": DecisionTreeRegressor(max_depth=3), "cv": None},
        {"solver": "hard-em", "init": "random"},
    ],
)
def test_objective_never_falls(two_regimes, params):
    X, y = two_regimes
    model = regressor(**params).fit(X, y)
    bounds = model.lower_bounds_
    assert len(bounds) == model.n_iter_
    assert np.all(np.diff(bounds) >= -1e-10)
    assert bounds[-1] == model.lower_bound_


def test_objective_never_falls_in_classification(checkerboard):
    X, y = checkerboard
    model = classifier(n_experts=3, init="random").fit(X, y)
    assert np.all(np.diff(model.lower_bounds_) >= -1e-10)


@pytest.mark.parametrize("gate", ["softmax", "constant", SoftmaxGate(alpha=0.5)])
def test_lower_bound_is_the_objective_of_what_is_returned(two_regimes, rng, gate):
    X, y = two_regimes
    weights = rng.uniform(0.1, 3, size=len(y))
    model = regressor(gate=gate).fit(X, y, sample_weight=weights)
    penalty = 0.0
    if gate != "constant":
        scale = np.sqrt(np.cov(X.T, aweights=weights, ddof=0).diagonal())
        penalty = 0.5 * model.gate_.alpha * np.sum((model.gate_.coef_ * scale) ** 2)
    value = (weights @ model.score_samples(X, y) - penalty) / weights.sum()
    assert model.lower_bound_ == pytest.approx(value, abs=1e-10)


def test_lower_bound_counts_the_penalty_of_logistic_experts(checkerboard):
    X, y = checkerboard
    model = classifier(experts=LogisticRegression(C=0.1)).fit(X, y)
    scale = X.std(axis=0)
    penalty = 0.5 * model.gate_.alpha * np.sum((model.gate_.coef_ * scale) ** 2)
    penalty += sum(0.5 / 0.1 * np.sum(expert.coef_**2) for expert in model.experts_)
    value = model.score_samples(X, y).mean() - penalty / len(y)
    assert model.lower_bound_ == pytest.approx(value, abs=1e-10)


def test_a_fixed_point_of_em(two_regimes):
    """Gate, experts and dispersions solve the M-step of their own responsibilities."""
    X, y = two_regimes
    model = regressor(tol=1e-12, max_iter=1000).fit(X, y)
    resp = model.responsibilities(X, y)
    for k, expert in enumerate(model.experts_):
        again = LinearRegression().fit(X, y, sample_weight=resp[:, k])
        np.testing.assert_allclose(expert.coef_, again.coef_, atol=1e-4)
        variance = np.average((y - again.predict(X)) ** 2, weights=resp[:, k])
        assert model.dispersion_[k] == pytest.approx(variance, rel=1e-4)
    gate = SoftmaxGate().fit(X, resp)
    np.testing.assert_allclose(model.gate_.coef_, gate.coef_, rtol=1e-3, atol=1e-3)


# -- equivalent models -----------------------------------------------------------------


@pytest.mark.parametrize(
    "expert", [LinearRegression(), DecisionTreeRegressor(max_depth=3)]
)
@pytest.mark.parametrize("solver", ["em", "hard-em"])
def test_one_expert_is_the_plain_expert(two_regimes, rng, expert, solver):
    X, y = two_regimes
    weights = rng.uniform(0.1, 3, size=len(y))
    model = regressor(experts=expert, n_experts=1, solver=solver, cv=None)
    model.fit(X, y, sample_weight=weights)
    plain = clone(expert).set_params(**model.experts_[0].get_params())
    plain.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-9)
    variance = np.average((y - plain.predict(X)) ** 2, weights=weights)
    assert model.dispersion_[0] == pytest.approx(variance)


def test_one_expert_is_the_plain_classifier(checkerboard):
    X, y = checkerboard
    model = classifier(n_experts=1).fit(X, y)
    plain = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X), plain.predict_proba(X), rtol=1e-5, atol=1e-8
    )


def test_constant_gate_is_a_mixture_of_regressions(two_regimes):
    """One EM step by hand, from the model's own parameters, changes nothing."""
    X, y = two_regimes
    model = regressor(gate="constant", tol=1e-13, max_iter=2000).fit(X, y)
    means = np.column_stack([expert.predict(X) for expert in model.experts_])
    density = np.exp(-0.5 * (y[:, None] - means) ** 2 / model.dispersion_)
    joint = model.gate_.prior_ * density / np.sqrt(2 * np.pi * model.dispersion_)
    np.testing.assert_allclose(model.score_samples(X, y), np.log(joint.sum(axis=1)))
    resp = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.gate_.prior_, resp.mean(axis=0), atol=1e-5)
    again = regressor(gate=ConstantGate(), tol=1e-13, max_iter=2000).fit(X, y)
    assert again.lower_bound_ == model.lower_bound_


class OneByOne(LinearRegression):
    """What no pool but the general one knows how to fit."""


def test_the_joint_solution_and_scikit_learn_in_a_loop_find_the_same(two_regimes):
    X, y = two_regimes
    fast = regressor(tol=1e-10, max_iter=500).fit(X, y)
    slow = regressor(experts=OneByOne(), tol=1e-10, max_iter=500).fit(X, y)
    assert fast.lower_bound_ == pytest.approx(slow.lower_bound_, abs=1e-5)
    np.testing.assert_allclose(fast.predict(X), slow.predict(X), atol=0.02)


def test_experts_answer_for_themselves(two_regimes, checkerboard):
    X, y = two_regimes
    model = regressor().fit(X, y)
    for k, expert in enumerate(model.experts_):
        assert isinstance(expert, LinearRegression)
        np.testing.assert_allclose(
            expert.predict(X), model.predict_experts(X)[:, k], rtol=1e-12, atol=1e-13
        )
    X, y = checkerboard
    model = classifier().fit(X, y)
    for k, expert in enumerate(model.experts_):
        assert isinstance(expert, LogisticRegression)
        np.testing.assert_allclose(
            expert.predict_proba(X), model.predict_experts(X)[:, k], rtol=1e-12
        )


# -- weights, rows, units --------------------------------------------------------------

WEIGHTED = [
    {},
    {"gate": "constant"},
    {"solver": "hard-em"},
    {"solver": "stochastic-em", "max_iter": 5},
    {"init": "k-means"},
    {"init": "random"},
    {"init": "k-plane"},
    {"experts": make_pipeline(StandardScaler(), Ridge())},
    # One step from the start: an optimum that all starts lead to would hide a difference.
    {"n_experts": 5, "max_iter": 1},
    {"n_experts": 5, "max_iter": 1, "init": "random"},
    {"n_experts": 5, "max_iter": 1, "init": "k-means"},
]


@pytest.mark.parametrize("params", WEIGHTED)
def test_integer_weights_equal_repeated_rows(two_regimes, rng, params):
    X, y = two_regimes
    weights = rng.integers(0, 4, size=len(y))
    if "experts" in params:
        weights = np.maximum(weights, 1)  # the scaler takes no weights
        params = {"experts": make_pipeline(Ridge())}
    weighted = regressor(**params).fit(X, y, sample_weight=weights)
    repeated = regressor(**params).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(
        weighted.predict(X), repeated.predict(X), rtol=1e-6, atol=1e-6
    )


def test_integer_weights_equal_repeated_rows_for_experts_without_weights(
    two_regimes, rng
):
    X, y = two_regimes
    weights = rng.integers(1, 4, size=len(y))
    params = {"experts": KNeighborsRegressor(5), "max_iter": 3}
    weighted = regressor(**params).fit(X, y, sample_weight=weights)
    repeated = regressor(**params).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-6)
    np.testing.assert_allclose(weighted.expert_load_, repeated.expert_load_, rtol=1e-6)


def test_weight_zero_is_an_absent_row(two_regimes, rng):
    X, y = two_regimes
    weights = rng.integers(0, 2, size=len(y)).astype(float)
    # A row of weight zero may hold anything that can be compared.
    y_wild = np.where(weights > 0, y, 1e6)
    weighted = regressor().fit(X, y_wild, sample_weight=weights)
    absent = regressor().fit(X[weights > 0], y[weights > 0])
    np.testing.assert_allclose(weighted.predict(X), absent.predict(X), rtol=1e-9)


def test_the_scale_of_weights_is_exact(two_regimes, rng):
    """Half weights are twice as many rows of a quarter each."""
    X, y = two_regimes
    weights = rng.uniform(0.2, 2, size=len(y))
    split = rng.uniform(0.2, 0.8, size=len(y))
    whole = regressor().fit(X, y, sample_weight=weights)
    parts = regressor().fit(
        np.vstack([X, X]),
        np.concatenate([y, y]),
        sample_weight=np.concatenate([weights * split, weights * (1 - split)]),
    )
    np.testing.assert_allclose(whole.predict(X), parts.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("params", WEIGHTED)
def test_the_order_of_rows_does_not_matter(two_regimes, rng, params):
    X, y = two_regimes
    order = rng.permutation(len(y))
    model = regressor(**params).fit(X, y)
    shuffled = regressor(**params).fit(X[order], y[order])
    np.testing.assert_allclose(
        model.predict(X), shuffled.predict(X), rtol=1e-6, atol=1e-6
    )


def test_units_do_not_matter(two_regimes):
    X, y = two_regimes
    model = regressor().fit(X, y)
    scale, shift = np.array([1000.0, -0.01]), np.array([-5000.0, 3.0])
    other = regressor().fit(X * scale + shift, 50.0 - 20.0 * y)
    back = (50.0 - other.predict(X * scale + shift)) / 20.0
    np.testing.assert_allclose(model.predict(X), back, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.dispersion_, 400.0 * model.dispersion_, rtol=1e-4)
    np.testing.assert_allclose(
        other.gate_.coef_ * scale, model.gate_.coef_, rtol=1e-3, atol=1e-3
    )
    assert other.lower_bound_ == pytest.approx(model.lower_bound_ - np.log(20.0))


@pytest.mark.parametrize(
    "experts", [None, RandomForestRegressor(n_estimators=10, max_depth=3)]
)
def test_jobs_and_seeds(two_regimes, experts):
    X, y = two_regimes
    params = {"experts": experts, "n_init": 2, "max_iter": 5}
    one = regressor(**params).fit(X, y)
    two = regressor(n_jobs=2, **params).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert one.init_results_["lower_bound"].shape == (2,)
    assert one.lower_bound_ == one.init_results_["lower_bound"].max()


def test_starts_differ_and_the_best_is_kept(two_regimes):
    X, y = two_regimes
    model = regressor(n_experts=4, init="random", n_init=6).fit(X, y)
    bounds = model.init_results_["lower_bound"]
    assert len(np.unique(bounds.round(6))) > 1
    assert model.lower_bound_ == bounds.max()


# -- going on --------------------------------------------------------------------------


def test_warm_start_never_lowers_the_objective(two_regimes):
    X, y = two_regimes
    model = regressor(n_experts=3, max_iter=2, init="random", warm_start=True)
    bounds = [model.fit(X, y).lower_bound_ for _ in range(25)]
    assert np.all(np.diff(bounds) >= -1e-12)
    assert bounds[-1] > bounds[0]


def test_warm_start_never_lowers_the_objective_of_a_classifier(checkerboard):
    X, y = checkerboard
    model = classifier(max_iter=1, init="random", warm_start=True)
    bounds = [model.fit(X, y).lower_bound_ for _ in range(8)]
    assert np.all(np.diff(bounds) >= -1e-12)


def test_warm_start_keeps_the_earlier_fit_where_a_refit_is_worse(two_regimes):
    """Trees that split at random are another each time, and often a worse one."""
    X, y = two_regimes
    expert = DecisionTreeRegressor(max_depth=2, splitter="random")
    model = MixtureOfExpertsRegressor(expert, 2, cv=None, max_iter=1, warm_start=True)
    bounds = [model.set_params(random_state=i).fit(X, y).lower_bound_ for i in range(15)]
    assert np.all(np.diff(bounds) >= -1e-12)
    assert np.any(np.diff(bounds) == 0)
    assert model.score_samples(X, y).mean() >= bounds[-1]


def test_warm_start_refuses_another_target_or_kind_of_expert(two_regimes):
    X, y = two_regimes
    tree = DecisionTreeRegressor(max_depth=2)
    model = regressor(experts=tree, n_experts=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start: .* outputs None, this one 2"):
        model.fit(X, np.stack([y, y], axis=1))
    model.set_params(experts=LinearRegression())
    with pytest.raises(ValueError, match="warm_start: the earlier expert 'expert0' is a"):
        model.fit(X, y)
    labels = np.where(y > 0, "a", "b")
    model = classifier(warm_start=True).fit(X, labels)
    with pytest.raises(ValueError, match=r"warm_start: .* classes \['a' 'b'\], this"):
        model.fit(X, np.where(X[:, 1] > 0, "c", labels))


def test_warm_start_refuses_another_number_of_experts(two_regimes):
    X, y = two_regimes
    model = regressor(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start: the earlier fit has"):
        model.set_params(n_experts=3).fit(X, y)


class Interrupting(LinearRegression):
    """Is interrupted where it meets a target above 1e3."""

    def fit(self, X, y, sample_weight=None):
        if np.max(y) > 1e3:
            raise KeyboardInterrupt
        return super().fit(X, y, sample_weight)


def test_an_interrupted_fit_leaves_the_earlier_one(two_regimes):
    X, y = two_regimes
    model = regressor(experts=Interrupting()).fit(X, y)
    before, state = model.predict(X), pickle.dumps(model)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :1], y + 1e4)
    np.testing.assert_array_equal(model.predict(X), before)
    assert pickle.dumps(model) == state


# -- the predictive density ------------------------------------------------------------


def test_predict_is_the_mean_of_the_density(two_regimes):
    X, y = two_regimes
    model = regressor().fit(X, y)
    density = model.predict_distribution(X)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, density.mean())
    np.testing.assert_allclose(std, density.std())
    by_hand = np.sum(model.predict_gate_proba(X) * model.predict_experts(X), axis=1)
    np.testing.assert_allclose(mean, by_hand)
    np.testing.assert_allclose(density.logpdf(y), model.score_samples(X, y))


def test_density_integrates_to_one_and_cdf_inverts_ppf(two_regimes):
    X, y = two_regimes
    density = regressor().fit(X, y).predict_distribution(X[:5])
    grid = np.linspace(-40, 40, 40001)
    values = np.array([density.pdf(point) for point in grid])
    np.testing.assert_allclose(values.sum(axis=0) * (grid[1] - grid[0]), 1, atol=1e-6)
    for q in (0.001, 0.3, 0.5, 0.99):
        np.testing.assert_allclose(density.cdf(density.ppf(q)), q, atol=1e-9)


def test_coverage_on_known_truth(rng):
    from skmoe.datasets import make_moe_regression

    X, y = make_moe_regression(4000, 3, 3, random_state=int(rng.integers(1000)))
    model = regressor(n_experts=3).fit(X[:2000], y[:2000])
    low, high = model.predict_distribution(X[2000:]).interval(0.9)
    inside = np.mean((low < y[2000:]) & (y[2000:] < high))
    assert 0.86 < inside < 0.94


# -- in scikit-learn's hands -----------------------------------------------------------


def test_grid_search_reaches_into_experts_and_gate(two_regimes):
    X, y = two_regimes
    model = make_pipeline(
        StandardScaler(), regressor(experts=Ridge(), gate=SoftmaxGate(), max_iter=10)
    )
    grid = {
        "mixtureofexpertsregressor__experts__alpha": [0.1, 1e4],
        "mixtureofexpertsregressor__gate__alpha": [0.01, 1.0],
        "mixtureofexpertsregressor__n_experts": [1, 2],
    }
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    best = search.best_params_
    assert best["mixtureofexpertsregressor__experts__alpha"] == 0.1
    assert best["mixtureofexpertsregressor__n_experts"] == 2
    assert search.best_score_ > 0.8


def test_parameters_of_a_list(two_regimes):
    X, y = two_regimes
    model = regressor(experts=[("linear", Ridge()), ("tree", DecisionTreeRegressor())])
    model.set_params(linear__alpha=3.0, tree=DecisionTreeRegressor(max_depth=1))
    copy = clone(model)
    assert copy.get_params()["linear__alpha"] == 3.0
    assert copy.fit(X, y).experts_[1].get_depth() == 1
    assert cross_val_score(copy, X, y).min() > 0.3
