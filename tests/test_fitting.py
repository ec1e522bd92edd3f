"""How weights find their way, and how parameters are counted."""

import numpy as np
import pytest
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe._fitting import clone_seeded, n_parameters, weight_keyword


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_data(rng):
    X = rng.normal(size=(40, 2))
    y = X @ rng.normal(size=2) + rng.normal(size=40)
    return X, y, rng.uniform(0.1, 3.0, size=40)


def inner(make=Ridge):
    return make_pipeline(PolynomialFeatures(2), make())


@pytest.mark.parametrize(
    ("estimator", "keyword"),
    [
        (Ridge(), "sample_weight"),
        (KNeighborsRegressor(), None),
        (inner(), "ridge__sample_weight"),
        (inner(KNeighborsRegressor), None),
        (
            make_pipeline(StandardScaler(), inner()),
            "pipeline__ridge__sample_weight",
        ),
        (TransformedTargetRegressor(Ridge()), "sample_weight"),
        (TransformedTargetRegressor(inner()), "ridge__sample_weight"),
        (TransformedTargetRegressor(KNeighborsRegressor()), None),
        (GridSearchCV(Ridge(), {"alpha": [1.0]}), "sample_weight"),
        (GridSearchCV(inner(), {"ridge__alpha": [1.0]}), "ridge__sample_weight"),
        (GridSearchCV(KNeighborsRegressor(), {"n_neighbors": [2]}), None),
        (
            make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [1.0]})),
            "gridsearchcv__sample_weight",
        ),
    ],
    ids=str,
)
def test_weights_reach_the_last_step(rng, estimator, keyword):
    assert weight_keyword(estimator) == keyword
    if keyword is None:
        return
    X, y, weights = make_data(rng)
    fitted = sklearn.clone(estimator).fit(X, y, **{keyword: weights})
    columns = StandardScaler().fit_transform(X) if "Scaler" in str(estimator) else X
    if "Polynomial" in str(estimator):
        columns = PolynomialFeatures(2).fit_transform(columns)
    expected = Ridge().fit(columns, y, sample_weight=weights).predict(columns)
    np.testing.assert_allclose(fitted.predict(X), expected)


def requested(cls=Ridge):
    return cls().set_fit_request(sample_weight=True)


def silent_scaler():
    return StandardScaler().set_fit_request(sample_weight=False)


def test_routing_with_requests(rng):
    X, y, weights = make_data(rng)
    columns = StandardScaler().fit_transform(X)
    expected = Ridge().fit(columns, y, sample_weight=weights).predict(columns)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(silent_scaler(), requested())
        nested = make_pipeline(silent_scaler(), make_pipeline(requested()))
        scorer = make_scorer(r2_score).set_score_request(sample_weight=True)
        search = GridSearchCV(pipeline, {"ridge__alpha": [1.0]}, scoring=scorer)
        for estimator in [pipeline, nested, search]:
            keyword = weight_keyword(estimator)
            assert keyword == "sample_weight"
            estimator.fit(X, y, **{keyword: weights})
            np.testing.assert_allclose(estimator.predict(X), expected)
        assert weight_keyword(Ridge()) == "sample_weight"


def test_routing_without_requests():
    with sklearn.config_context(enable_metadata_routing=True):
        unset = make_pipeline(StandardScaler(), Ridge())
        refused = make_pipeline(Ridge().set_fit_request(sample_weight=False))
        nested = make_pipeline(StandardScaler(), unset)
        search = GridSearchCV(unset, {"ridge__alpha": [1.0]})
        for estimator in [unset, refused, nested, search]:
            with pytest.raises(ValueError, match=r"'ridge'.*set_fit_request"):
                weight_keyword(estimator)
        assert weight_keyword(make_pipeline(KNeighborsRegressor())) is None


def test_routing_to_the_last_step_is_what_counts():
    """Weights that reach a scaler alone would leave the model without them."""
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        last = Ridge().set_fit_request(sample_weight=False)
        with pytest.raises(ValueError, match="set_fit_request"):
            weight_keyword(make_pipeline(scaler, last))


def test_clone_seeded():
    tree = DecisionTreeRegressor(max_depth=2)
    fixed = DecisionTreeRegressor(random_state=5)
    state = np.random.RandomState(0)
    first, second = (clone_seeded(tree, state) for _ in range(2))
    assert first.random_state != second.random_state
    assert (first.max_depth, tree.random_state) == (2, None)
    again = clone_seeded(tree, np.random.RandomState(0))
    assert again.random_state == first.random_state
    assert clone_seeded(fixed, state).random_state == 5
    nested = clone_seeded(make_pipeline(StandardScaler(), tree), state)
    assert nested.steps[-1][1].random_state is not None
    plain = Ridge(random_state=3)
    assert clone_seeded(plain, state) is not plain


def test_a_clone_without_open_seeds_draws_nothing():
    state = np.random.RandomState(0)
    clone_seeded(LinearRegression(), state)
    assert state.randint(1000) == np.random.RandomState(0).randint(1000)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LinearRegression(), 3),
        (LinearRegression(fit_intercept=False), 2),
        (Ridge(fit_intercept=False), 2),
        (LogisticRegression(), 3),
        (inner(), 7),
        (make_pipeline(StandardScaler(), inner()), 7),
        (DummyRegressor(), 1),
        (DummyClassifier(), 1),
        (GaussianNB(), 9),
        (DecisionTreeRegressor(max_leaf_nodes=3), 3),
        (DecisionTreeClassifier(max_leaf_nodes=3), 3),
        (RandomForestRegressor(2), None),
        (KNeighborsRegressor(), None),
    ],
    ids=str,
)
def test_n_parameters(rng, estimator, expected):
    X, y, _ = make_data(rng)
    target = y > np.median(y) if sklearn.base.is_classifier(estimator) else y
    assert n_parameters(estimator.fit(X, target)) == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_n_parameters_of_several_outputs_and_networks(rng):
    X, y, _ = make_data(rng)
    two = np.column_stack([y, -(y**2)])
    assert n_parameters(LinearRegression().fit(X, two)) == 6
    assert n_parameters(LinearRegression(fit_intercept=False).fit(X, two)) == 4
    assert n_parameters(DecisionTreeRegressor(max_leaf_nodes=3).fit(X, two)) == 6
    assert n_parameters(DummyRegressor().fit(X, two)) == 2
    network = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3)
    assert n_parameters(network.fit(X, y)) == 2 * 4 + 4 + 4 + 1
