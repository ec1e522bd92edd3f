"""A shared expert that always answers."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
    pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning"),
]


@pytest.fixture
def wavy(rng):
    """A curve that all rows share, and a level of each of four regimes."""
    X = rng.uniform(-2, 2, size=(800, 2))
    level = np.array([0.0, 3.0, -3.0, 6.0])[np.floor(X[:, 0]).astype(int) + 2]
    y = np.sin(4 * X[:, 1]) * 3 + level + 0.2 * rng.standard_normal(800)
    return X, y


def model(**params):
    params = {"n_experts": 4, "random_state": 0, "max_iter": 30, **params}
    return MixtureOfExpertsRegressor(**params)


@pytest.mark.parametrize("top_k", [None, 1, 2])
def test_predictions_add_up(wavy, top_k):
    X, y = wavy
    tree = DecisionTreeRegressor(max_depth=5)
    fitted = model(shared_expert=tree, top_k=top_k, cv=None).fit(X, y)
    weights, experts = fitted.predict_gate_proba(X), fitted.predict_experts(X)
    mean = fitted.shared_expert_.predict(X) + np.einsum("nk,nk->n", weights, experts)
    assert np.allclose(fitted.predict(X), mean)
    assert np.allclose(fitted.predict_distribution(X).mean(), mean)
    assert np.allclose(fitted.experts_[2].predict(X), experts[:, 2])


@pytest.mark.parametrize("top_k", [None, 1])
@pytest.mark.parametrize("cv", [None, 3])
def test_experts_model_what_it_leaves(wavy, top_k, cv):
    X, y = wavy
    test_X, test_y = X[600:], y[600:]
    kwargs = {"top_k": top_k, "cv": cv}
    alone = model(experts=Ridge(), **kwargs).fit(X[:600], y[:600])
    shared = model(
        experts=Ridge(),
        shared_expert=DecisionTreeRegressor(max_depth=6, min_samples_leaf=5),
        **kwargs,
    ).fit(X[:600], y[:600])
    assert shared.score(test_X, test_y) > alone.score(test_X, test_y) + 0.1


def test_one_expert_beside_it_is_backfitting(wavy):
    # Linear beside linear is linear regression.
    X, y = wavy
    fitted = model(n_experts=1, shared_expert=LinearRegression()).fit(X, y)
    plain = LinearRegression().fit(X, y)
    assert np.allclose(fitted.predict(X), plain.predict(X), atol=1e-6)


def test_objective_does_not_fall_where_all_is_linear(wavy):
    X, y = wavy
    fitted = model(shared_expert=LinearRegression(), max_iter=60).fit(X, y)
    assert np.all(np.diff(fitted.lower_bounds_) >= -1e-9)


def test_weights_and_several_outputs(wavy, rng):
    X, y = wavy
    weights = rng.integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    params = {"shared_expert": Ridge(alpha=3.0), "max_iter": 8}
    weighted = model(**params).fit(X, y, sample_weight=weights)
    repeated = model(**params).fit(X[rows], y[rows])
    assert np.allclose(weighted.predict(X), repeated.predict(X), atol=1e-5)
    second = 2 * X[:, 0] + rng.standard_normal(800)
    both = np.column_stack([y, second])
    two = model(shared_expert=Ridge(), top_k=2).fit(X, both)
    assert two.predict(X).shape == (800, 2)
    assert two.score(X, both) > Ridge().fit(X, both).score(X, both) + 0.1


def test_warm_start_goes_on(wavy):
    X, y = wavy
    fitted = model(shared_expert=Ridge(), max_iter=4, warm_start=True).fit(X, y)
    before = fitted.lower_bound_
    assert fitted.set_params(max_iter=20).fit(X, y).lower_bound_ >= before


def test_in_a_grid(wavy):
    X, y = wavy
    grid = {"shared_expert__max_iter": [2, 10], "top_k": [1, None]}
    boosting = HistGradientBoostingRegressor(max_leaf_nodes=6)
    search = GridSearchCV(
        model(experts=Ridge(), shared_expert=boosting, cv=None, max_iter=8), grid, cv=2
    )
    assert search.fit(X, y).best_params_["shared_expert__max_iter"] == 10


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"shared_expert": KNeighborsRegressor()}, ValueError, "no sample_weight"),
        ({"shared_expert": "ridge"}, TypeError, "shared_expert: 'ridge' is no regressor"),
        ({"shared_expert": Ridge}, TypeError, "pass an instance"),
        (
            {"shared_expert": Ridge(), "likelihood": "gamma"},
            ValueError,
            "shared_expert.*likelihood='gaussian'",
        ),
    ],
)
def test_errors_name_it(wavy, params, error, message):
    X, y = wavy
    with pytest.raises(error, match=message):
        model(**params).fit(X, np.exp(y))


def test_a_classifier_has_none():
    with pytest.raises(TypeError, match="shared_expert"):
        MixtureOfExpertsClassifier(shared_expert=Ridge())
    assert "no ``shared_expert``" in MixtureOfExpertsClassifier.__doc__
