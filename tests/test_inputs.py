"""Containers and kinds of data: what gate and experts take, the mixture takes."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ClassifierGate, SoftmaxGate

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]


def regressor(experts=None, n_experts=2, **params):
    return MixtureOfExpertsRegressor(experts, n_experts, random_state=0, **params)


def boosting(cls=HistGradientBoostingRegressor):
    return cls(max_iter=5, categorical_features="from_dtype")


@pytest.fixture
def table(two_regimes):
    """A dataframe with a category that moves y, and missing numbers."""
    pd = pytest.importorskip("pandas")
    X, y = two_regimes
    color = np.array(["red", "green", "blue"])[np.arange(len(y)) % 3]
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "color": pd.Categorical(color)})
    frame.loc[::17, "b"] = np.nan
    return frame, y + 2.0 * (color == "red")


# -- dataframes ------------------------------------------------------------------------


def test_categories_and_missing_values_reach_experts_and_gate(table):
    X, y = table
    gate = boosting(HistGradientBoostingClassifier)
    model = regressor(boosting(), gate=gate, max_iter=5).fit(X, y)
    assert model.score(X, y) > 0.5
    assert list(model.feature_names_in_) == ["a", "b", "color"]
    assert list(model.experts_[0].feature_names_in_) == ["a", "b", "color"]
    assert model.experts_[0].is_categorical_.tolist() == [False, False, True]


def test_gate_and_experts_have_columns_of_their_own(table):
    X, y = table
    encode = make_column_transformer((OneHotEncoder(), ["color"]), ("passthrough", ["a"]))
    gate = make_pipeline(make_column_transformer(("passthrough", ["a"])), SoftmaxGate())
    model = regressor(make_pipeline(encode, Ridge()), gate=gate).fit(X, y)
    assert model.gate_[-1].coef_.shape == (2, 1)
    assert model.experts_[0][-1].coef_.shape == (4,)
    assert model.score(X, y) > 0.8


def test_a_category_that_the_gate_cannot_take_is_named(table):
    with pytest.raises(ValueError, match="gate: SoftmaxGate failed"):
        regressor(boosting()).fit(*table)


def test_plain_dataframes_of_pandas_and_polars_are_as_good_as_arrays(two_regimes):
    X, y = two_regimes
    expected = regressor().fit(X, y).predict(X)
    for library in ("pandas", "polars"):
        module = pytest.importorskip(library)
        frame = module.DataFrame({"a": X[:, 0], "b": X[:, 1]})
        model = regressor().fit(frame, module.Series(y))
        np.testing.assert_allclose(model.predict(frame), expected, atol=1e-6)
        assert list(model.experts_[0].feature_names_in_) == ["a", "b"]
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[["b", "a"]])


def test_set_output_gives_gate_probabilities_names(two_regimes):
    pytest.importorskip("pandas")
    X, y = two_regimes
    model = regressor().set_output(transform="pandas").fit(X, y)
    frame = model.transform(X)
    assert list(frame.columns) == list(model.get_feature_names_out())
    np.testing.assert_array_equal(frame.to_numpy(), model.predict_gate_proba(X))


# -- sparse, several outputs -----------------------------------------------------------


@pytest.mark.parametrize(
    "container", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array]
)
def test_sparse_is_as_good_as_dense(two_regimes, container):
    X, y = two_regimes
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    dense = regressor(tol=1e-9).fit(X, y)
    thin = regressor(tol=1e-9).fit(container(X), y)
    np.testing.assert_allclose(thin.predict(container(X)), dense.predict(X), atol=0.02)
    labels = (y > np.median(y)).astype(int)
    model = MixtureOfExpertsClassifier(n_experts=2).fit(container(X), labels)
    assert model.score(container(X), labels) > 0.8


def test_sparse_trees(two_regimes):
    X, y = two_regimes
    model = regressor(DecisionTreeRegressor(max_depth=3)).fit(sparse.csr_array(X), y)
    assert model.score(sparse.csr_array(X), y) > 0.8


@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=4)])
def test_several_outputs(two_regimes, experts):
    X, y = two_regimes
    both = np.column_stack([y, 100 * X[:, 1] + y])
    model = regressor(experts).fit(X, both)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == both.shape
    assert model.predict_experts(X).shape == (len(y), 2, 2)
    assert model.dispersion_.shape == (2, 2)
    assert model.score(X, both) > 0.7
    draws = model.predict_distribution(X[:3]).rvs(size=4, random_state=0)
    assert draws.shape == (3, 4, 2)


def test_one_column_of_targets_stays_a_column(two_regimes):
    X, y = two_regimes
    flat = regressor().fit(X, y)
    column = regressor().fit(X, y[:, None])
    assert column.predict(X).shape == (len(y), 1)
    np.testing.assert_allclose(column.predict(X)[:, 0], flat.predict(X), atol=1e-6)


# -- kinds of experts and gates --------------------------------------------------------


@pytest.mark.parametrize(
    "expert",
    [
        KNeighborsRegressor(5),
        GaussianProcessRegressor(alpha=0.1),
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=20),
        make_pipeline(StandardScaler(), KNeighborsRegressor(5)),
        make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Ridge())),
    ],
    ids=lambda expert: type(expert).__name__,
)
@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
@pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning")
def test_experts_with_and_without_weights(two_regimes, expert, solver):
    X, y = two_regimes
    model = regressor(expert, solver=solver, max_iter=3).fit(X, y)
    again = regressor(expert, solver=solver, max_iter=3).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert np.isfinite(model.score_samples(X, y)).all()


def test_drawn_rows_follow_the_responsibilities(two_regimes):
    """A neighbours expert sees as many rows as its share of them."""
    X, y = two_regimes
    model = regressor(KNeighborsRegressor(5), cv=None, max_iter=1).fit(X, y)
    seen = [expert.n_samples_fit_ for expert in model.experts_]
    assert sum(seen) == pytest.approx(len(y), abs=2)


@pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning")
def test_experts_of_different_kinds(two_regimes):
    X, y = two_regimes
    experts = [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3))]
    model = regressor(experts)
    model.fit(X, y)
    assert [type(e) for e in model.experts_] == [LinearRegression, DecisionTreeRegressor]
    assert model.predict_gate_proba(X).shape == (len(y), 2)


@pytest.mark.parametrize(
    "gate",
    [
        RandomForestClassifier(10, max_depth=3),
        ClassifierGate(DecisionTreeClassifier(max_depth=2)),
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), SoftmaxGate(alpha=0.1)),
    ],
    ids=lambda gate: type(gate).__name__,
)
def test_gates(two_regimes, gate):
    X, y = two_regimes
    model = regressor(gate=gate, max_iter=10).fit(X, y)
    np.testing.assert_allclose(model.predict_gate_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.8
    np.testing.assert_array_equal(
        model.apply(X), model.predict_gate_proba(X).argmax(axis=1)
    )


def test_classes_that_an_expert_never_saw(checkerboard):
    """The rarest class lives in one corner; the experts there alone know it."""
    X, y = checkerboard
    corner = (X[:, 0] > 1.2) & (X[:, 1] > 1.2)
    y = np.where(corner, "zzz", y)
    init = np.column_stack([X[:, 0] > 0, X[:, 0] <= 0]).astype(float)
    model = MixtureOfExpertsClassifier(
        DecisionTreeClassifier(max_depth=3), 2, init=init, solver="hard-em", cv=None
    ).fit(X, y)
    assert list(model.classes_) == sorted(set(y))
    proba = model.predict_experts(X)
    assert proba.shape == (len(y), 2, len(model.classes_))
    np.testing.assert_allclose(proba.sum(axis=2), 1.0)
    fewer = [len(expert.classes_) for expert in model.experts_]
    assert min(fewer) < len(model.classes_)
    assert model.score(X, y) > 0.7


def test_neighbours_as_classifiers(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(KNeighborsClassifier(7), 2, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.6


def test_integer_and_boolean_classes(checkerboard):
    X, y = checkerboard
    for labels in (np.where(y == "top", 7, -3), y == "top"):
        model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, labels)
        assert model.predict(X).dtype == labels.dtype
        assert model.score(X, labels) > 0.8


# -- scikit-learn's machinery ----------------------------------------------------------


def test_metadata_routing(two_regimes):
    X, y = two_regimes
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        silent = make_pipeline(scaler, Ridge())
        spoken = make_pipeline(scaler, Ridge().set_fit_request(sample_weight=True))
        assert regressor(spoken).fit(X, y).score(X, y) > 0.8
        with pytest.raises(ValueError, match=r"set_fit_request\(sample_weight=True\)"):
            regressor(silent).fit(X, y)
        outer = make_pipeline(scaler, regressor().set_fit_request(sample_weight=True))
        outer.fit(X, y, sample_weight=np.ones(len(y)))


def test_tags_come_from_gate_and_experts():
    plain = get_tags(LinearRegression()).input_tags
    assert get_tags(regressor()).input_tags.sparse == plain.sparse
    assert not get_tags(regressor()).input_tags.allow_nan
    boosted = regressor(boosting(), gate="constant")
    assert get_tags(boosted).input_tags.allow_nan
    assert not get_tags(boosted).input_tags.sparse
    assert not get_tags(boosted).target_tags.multi_output
    assert get_tags(regressor(experts="nonsense")).input_tags is not None


def test_the_documentation_link_of_the_representation():
    link = regressor()._get_doc_link()
    assert link.endswith("skmoe.MixtureOfExpertsRegressor.html")
    assert link in regressor()._repr_html_()


def test_score_samples_without_y_is_what_the_gate_knows_of_x(two_regimes):
    X, y = two_regimes
    np.testing.assert_allclose(regressor().fit(X, y).score_samples(X), 0.0, atol=1e-12)


def test_information_criteria(two_regimes):
    X, y = two_regimes
    model = regressor().fit(X, y)
    n_parameters = 2 * 3 + 2 + 3  # two planes, two variances, one line of log-odds
    total = model.score_samples(X, y).sum()
    assert model.aic(X, y) == pytest.approx(2 * n_parameters - 2 * total)
    assert model.bic(X, y) == pytest.approx(n_parameters * np.log(len(y)) - 2 * total)
    assert model.icl(X, y) > model.bic(X, y)
    # The right number of experts has the lowest BIC.
    bics = [regressor(n_experts=k).fit(X, y).bic(X, y) for k in (1, 2, 4)]
    assert np.argmin(bics) == 1
