"""Hard routers: each row is answered by the one expert that the gate puts first."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted
from test_persistence import round_trip

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._hard_router import HardRouterClassifier, HardRouterRegressor
from skmoe.gates import SoftmaxGate
from skmoe.training import route

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]

TREE = DecisionTreeRegressor(max_depth=2)
REGRESSORS = {
    "linear": {"experts": None},
    "trees": {"experts": TREE, "cv": None},
    "two kinds": {"experts": [("line", Ridge()), ("tree", TREE)], "cv": None},
    "pipelines": {"experts": make_pipeline(StandardScaler(), LinearRegression())},
    "classifier gate": {"gate": DecisionTreeClassifier(max_depth=2)},
    "generative gate": {"gate": GaussianNB()},
    "gate pipeline": {"gate": make_pipeline(StandardScaler(), SoftmaxGate())},
    "constant gate": {"gate": "constant"},
    "poisson": {"likelihood": "poisson"},
    "sparse": {"top_k": 2, "n_experts": 4},
    "balanced": {"top_k": 1, "n_experts": 4, "load_balancing": "bias"},
    "shared": {"shared_expert": Ridge()},
    "shared tree": {"shared_expert": TREE, "top_k": 1, "cv": None},
}
CLASSIFIERS = {
    "logistic": {},
    "trees": {"experts": DecisionTreeClassifier(max_depth=2), "cv": None},
    "balanced": {"top_k": 2, "n_experts": 4, "load_balancing": "bias"},
}


def fitted(kind, X, y, **params):
    params = {"n_experts": 2, "random_state": 0, "max_iter": 5, **params}
    return kind(**params).fit(X, y)


@pytest.fixture
def linear(two_regimes):
    X, y = two_regimes
    return fitted(MixtureOfExpertsRegressor, X, y), X, y


def of_own_experts(model, X, method="predict"):
    """Answers by definition, row by row."""
    bias = model.routing_bias_
    own = route(model.gate_, X, model.n_experts_, 1, bias).routes.experts[:, 0]
    rows = [X[i : i + 1] for i in range(len(X))]
    answers = [
        getattr(model.experts_[k], method)(row)[0]
        for k, row in zip(own, rows, strict=True)
    ]
    return own, np.array(answers)


@pytest.mark.parametrize("name", REGRESSORS)
def test_answers_are_those_of_the_rows_own_experts(two_regimes, name):
    X, y = two_regimes
    if name == "poisson":
        y = np.round(np.abs(y))
    model = fitted(MixtureOfExpertsRegressor, X, y, **REGRESSORS[name])
    router = model.to_hard_router()
    own, expected = of_own_experts(model, X)
    if model.shared_expert_ is not None:
        expected = expected + model.shared_expert_.predict(X)
    np.testing.assert_array_equal(router.apply(X), own)
    np.testing.assert_allclose(router.predict(X), expected, rtol=1e-12, atol=1e-12)
    one_by_one = [router.predict(X[i : i + 1]).item() for i in range(len(X))]
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-12, atol=1e-12)
    assert [router.apply(X[i : i + 1]).item() for i in range(len(X))] == own.tolist()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classes_are_those_of_the_rows_own_experts(checkerboard, name):
    X, y = checkerboard
    model = fitted(MixtureOfExpertsClassifier, X, y, **CLASSIFIERS[name])
    router = model.to_hard_router()
    own, expected = of_own_experts(model, X, "predict_proba")
    np.testing.assert_array_equal(router.apply(X), own)
    np.testing.assert_allclose(router.predict_proba(X), expected, atol=1e-12)
    np.testing.assert_allclose(router.predict_proba(X[3:4])[0], expected[3], atol=1e-12)
    np.testing.assert_array_equal(
        router.predict(X), router.classes_[expected.argmax(axis=1)]
    )
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            router.predict_log_proba(X), np.log(router.predict_proba(X))
        )
    assert router.score(X, y) > 0.5


def test_the_bias_takes_part_in_the_choice(two_regimes):
    X, y = two_regimes
    params = REGRESSORS["balanced"]
    model = fitted(MixtureOfExpertsRegressor, X, y, **params)
    model.routing_bias_ = np.array([1e9, 0.0, 0.0, 0.0])
    router = model.to_hard_router()
    assert set(router.apply(X)) == {0}
    assert router.apply(X[:1]) == [0]


def test_of_one_expert_a_row_it_is_the_model_itself(two_regimes):
    X, y = two_regimes
    model = fitted(MixtureOfExpertsRegressor, X, y, top_k=1, n_experts=4)
    router = model.to_hard_router()
    np.testing.assert_allclose(router.predict(X), model.predict(X), rtol=1e-12)
    np.testing.assert_array_equal(router.apply(X), model.apply(X))


def test_several_outputs(two_regimes):
    X, y = two_regimes
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    for experts in (None, TREE):
        model = fitted(
            MixtureOfExpertsRegressor, X, Y,
            experts=experts, cv=None, shared_expert=LinearRegression(),
        )  # fmt: skip
        router = model.to_hard_router()
        expected = of_own_experts(model, X)[1] + model.shared_expert_.predict(X)
        np.testing.assert_allclose(router.predict(X), expected, atol=1e-12)
        np.testing.assert_allclose(router.predict(X[5:6]), expected[5:6], atol=1e-12)
        assert get_tags(router).target_tags.multi_output


def test_an_expert_that_knows_few_classes():
    X = np.linspace(-1, 1, 90)[:, None]
    y = np.digitize(X[:, 0], [-0.4, 0.3])
    model = fitted(
        MixtureOfExpertsClassifier, X, y, experts=RandomForestClassifier(3), cv=None,
        gate=DecisionTreeClassifier(max_depth=1),
        init=np.eye(2)[(X[:, 0] > -0.4).astype(int)], pooling=0.0,
    )  # fmt: skip
    proba = model.to_hard_router().predict_proba(X)
    assert proba.shape == (90, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    "container", [sparse.csr_array, sparse.csc_matrix, np.asfortranarray]
)
def test_other_containers(linear, container):
    model, X, _ = linear
    router = model.to_hard_router()
    np.testing.assert_allclose(router.predict(container(X)), router.predict(X))
    np.testing.assert_allclose(router.predict(container(X[:1])), router.predict(X[:1]))


def test_each_expert_is_asked_once_about_its_rows_only(two_regimes):
    X, y = two_regimes
    model = fitted(MixtureOfExpertsRegressor, X, y, experts=Counting(), cv=None)
    router = model.to_hard_router()
    own = router.apply(X)
    for expert in model.experts_:
        expert.seen = []
    router.predict(X)
    assert [expert.seen for expert in model.experts_] == [
        [n] for n in np.bincount(own, minlength=2).tolist()
    ]
    router.predict(X[:1])
    assert sum(len(expert.seen) for expert in model.experts_) == 3


class Counting(LinearRegression):
    """Remembers how many rows it was asked about."""

    def predict(self, X):
        self.seen = [*getattr(self, "seen", []), len(X)]
        return super().predict(X)


def test_names_of_features_are_asked_for(two_regimes):
    pd = pytest.importorskip("pandas")
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["age", "dose"])
    router = fitted(MixtureOfExpertsRegressor, frame, y).to_hard_router()
    assert router.feature_names_in_.tolist() == ["age", "dose"]
    assert router.predict(frame).shape == y.shape
    with pytest.raises(ValueError, match="feature names"):
        router.predict(frame.rename(columns={"dose": "other"}))


def test_the_number_of_features_is_checked(linear):
    model, X, _ = linear
    router = model.to_hard_router()
    assert router.n_features_in_ == 2
    assert not hasattr(router, "feature_names_in_")
    with pytest.raises(ValueError, match="3 features"):
        router.predict(np.column_stack([X, X[:, 0]]))


def test_what_it_says_of_itself(linear, checkerboard):
    model, _, _ = linear
    router = model.to_hard_router()
    assert is_regressor(router)
    assert not is_classifier(router)
    check_is_fitted(router)
    assert get_tags(router).input_tags.sparse == get_tags(model).input_tags.sparse
    classifier = fitted(MixtureOfExpertsClassifier, *checkerboard).to_hard_router()
    assert is_classifier(classifier)
    check_is_fitted(classifier)


def test_it_is_not_fitted_but_made(linear):
    model, X, y = linear
    router = model.to_hard_router()
    with pytest.raises(NotImplementedError, match="to_hard_router"):
        router.fit(X, y)
    for kind in (HardRouterRegressor, HardRouterClassifier):
        with pytest.raises(NotFittedError, match="to_hard_router"):
            kind().predict(X)
        with pytest.raises(NotFittedError):
            check_is_fitted(kind())
    with pytest.raises(NotFittedError):
        MixtureOfExpertsRegressor().to_hard_router()


def test_a_clone_is_itself(linear):
    model, X, _ = linear
    router = model.to_hard_router()
    np.testing.assert_array_equal(clone(router).predict(X), router.predict(X))


def test_it_shares_the_models_parts_until_that_is_fitted_again(linear):
    model, X, y = linear
    router = model.to_hard_router()
    assert router.gate_ is model.gate_
    assert all(a is b for a, b in zip(router.experts_, model.experts_, strict=True))
    before = router.predict(X)
    model.fit(X, -y)
    np.testing.assert_array_equal(router.predict(X), before)


def test_at_the_end_of_a_pipeline(two_regimes):
    X, y = two_regimes
    scaler = StandardScaler().fit(X)
    model = fitted(MixtureOfExpertsRegressor, scaler.transform(X), y)
    pipeline = make_pipeline(scaler, model.to_hard_router())
    expected = pipeline[-1].predict(scaler.transform(X))
    np.testing.assert_array_equal(pipeline.predict(X), expected)
    assert pipeline.score(X, y) > 0.8


@pytest.mark.parametrize("way", ["pickle", "skops", "deepcopy"])
def test_it_comes_back(linear, checkerboard, way):
    model, X, _ = linear
    router = model.to_hard_router()
    back = round_trip(router, way)
    np.testing.assert_array_equal(back.predict(X), router.predict(X))
    assert get_tags(back).input_tags == get_tags(router).input_tags
    X, y = checkerboard
    experts = LogisticRegression(C=0.1)
    router = fitted(
        MixtureOfExpertsClassifier, X, y, experts=experts, top_k=1, n_experts=4,
        load_balancing="bias",
    ).to_hard_router()  # fmt: skip
    back = round_trip(router, way)
    np.testing.assert_array_equal(back.predict_proba(X), router.predict_proba(X))
