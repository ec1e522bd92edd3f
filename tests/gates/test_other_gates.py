"""The constant gate, classifiers as gates, pipelines, and the ``gate`` parameter."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    SoftmaxGate,
    check_gate,
    fit_gate,
    gate_n_parameters,
    gate_penalty,
    joint_log_proba,
)


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_soft(rng, n_experts=3, n_samples=60):
    X = rng.normal(size=(n_samples, 2))
    return X, rng.dirichlet(np.full(n_experts, 0.5), size=n_samples)


def state(seed=0):
    return np.random.RandomState(seed)


# The constant gate


def test_constant_gate_is_the_weighted_mean(rng):
    X, shares = make_soft(rng)
    weights = rng.uniform(size=len(X))
    gate = ConstantGate().fit(X, shares, sample_weight=weights)
    expected = np.average(shares, axis=0, weights=weights)
    np.testing.assert_allclose(gate.prior_, expected)
    np.testing.assert_allclose(gate.predict_proba(X[:4]), np.tile(expected, (4, 1)))
    assert gate.n_parameters_ == 2
    assert gate_penalty(gate) == 0


def test_constant_gate_takes_anything_with_a_length():
    X = [["a", None], ["b", np.nan]]
    gate = ConstantGate().fit(X, [[1.0, 0.0], [1.0, 0.0]])
    log_proba = gate.predict_log_proba(X)
    assert np.isfinite(log_proba).all()
    np.testing.assert_allclose(np.exp(log_proba), [[1, 0], [1, 0]], atol=1e-12)


@pytest.mark.parametrize("gate", [ConstantGate(), ClassifierGate(GaussianNB())])
def test_responsibilities_are_checked(gate):
    X = [[0.0], [1.0]]
    with pytest.raises(ValueError, match="negative"):
        gate.fit(X, [[1.5, -0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match="3 rows, X has 2"):
        gate.fit(X, np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="NaN"):
        gate.fit(X, np.full((2, 2), np.nan))


# Classifiers as gates


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(tol=1e-10, max_iter=1000),
        GaussianNB(),
        DecisionTreeClassifier(max_leaf_nodes=4, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=1000)),
    ],
    ids=["logistic", "bayes", "tree", "pipeline"],
)
def test_a_classifier_sees_each_row_once_per_expert(rng, classifier):
    X, shares = make_soft(rng)
    shares = np.round(shares, 2)
    shares /= shares.sum(axis=1, keepdims=True)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    gate = ClassifierGate(classifier).fit(X, shares, sample_weight=weights)

    last = "logisticregression__" if isinstance(classifier, Pipeline) else ""
    used = shares.ravel() > 0
    reference = sklearn.clone(classifier).fit(
        np.repeat(X, 3, axis=0)[used],
        np.tile(np.arange(3), len(X))[used],
        **{f"{last}sample_weight": (shares * weights[:, None]).ravel()[used]},
    )
    expected = reference.predict_proba(X)
    np.testing.assert_allclose(gate.predict_proba(X), expected, atol=1e-6)
    assert not hasattr(classifier, "classes_")


def test_tiny_shares_are_not_worth_a_row():
    X = np.arange(8.0)[:, None]
    shares = np.tile([1 - 1e-4, 1e-4], (8, 1))
    shares[4:] = shares[4:, ::-1]
    gate = ClassifierGate(CountingBayes()).fit(X, shares)
    assert gate.classifier_.n_rows_ == 8


class CountingBayes(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        self.n_rows_ = len(X)
        return super().fit(X, y, sample_weight)


def test_classifier_weights_are_repeated_rows(rng):
    X, shares = make_soft(rng)
    counts = rng.integers(1, 4, size=len(X))
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    weighted = ClassifierGate(tree).fit(X, shares, sample_weight=counts)
    repeated = ClassifierGate(tree)
    repeated.fit(np.repeat(X, counts, axis=0), np.repeat(shares, counts, axis=0))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-9
    )


def test_an_expert_without_rows_keeps_its_column(rng):
    X, shares = make_soft(rng, n_experts=2)
    shares = np.column_stack([shares[:, 0], np.zeros(len(X)), shares[:, 1]])
    gate = ClassifierGate(GaussianNB()).fit(X, shares)
    proba = gate.predict_proba(X)
    assert proba.shape == (len(X), 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba[:, 1], 1e-10, rtol=1e-3)
    two = ClassifierGate(GaussianNB()).fit(X, shares[:, [0, 2]]).predict_proba(X)
    np.testing.assert_allclose(proba[:, [0, 2]], two, atol=1e-8)


def test_ruled_out_is_not_impossible():
    X = np.array([[0.0], [1.0]])
    gate = ClassifierGate(DecisionTreeClassifier(random_state=0)).fit(X, np.eye(2))
    log_proba = gate.predict_log_proba(X)
    assert np.isfinite(log_proba).all()
    np.testing.assert_allclose(np.exp(log_proba), np.eye(2), atol=1e-9)


def test_a_classifier_without_weights_is_refused(rng):
    X, shares = make_soft(rng)
    gate = ClassifierGate(KNeighborsClassifier())
    with pytest.raises(ValueError, match="KNeighborsClassifier accepts no sample_weight"):
        gate.fit(X, shares)
    with pytest.raises(ValueError, match="LinearDiscriminantAnalysis"):
        ClassifierGate(LinearDiscriminantAnalysis()).fit(X, shares)


def test_classifier_gate_takes_dataframes_and_counts_parameters(rng):
    pandas = pytest.importorskip("pandas")
    X, shares = make_soft(rng)
    frame = pandas.DataFrame(X, columns=["a", "b"])
    gate = ClassifierGate(LogisticRegression()).fit(frame, shares)
    assert list(gate.classifier_.feature_names_in_) == ["a", "b"]
    assert gate_n_parameters(gate) == 9
    gate = ClassifierGate(RandomForestClassifier(2, random_state=0)).fit(X, shares)
    assert gate_n_parameters(gate) is None


# Pipelines


@pytest.mark.parametrize("nested", [False, True])
def test_pipelines_are_gates(rng, nested):
    X, shares = make_soft(rng)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    last = make_pipeline(StandardScaler(), SoftmaxGate()) if nested else SoftmaxGate()
    gate = check_gate(make_pipeline(PolynomialFeatures(2), last), state())
    assert fit_gate(gate, X, shares, weights) is gate

    columns = PolynomialFeatures(2).fit_transform(X)
    reference = SoftmaxGate().fit(columns, shares, sample_weight=weights)
    expected = reference.predict_log_proba(columns)
    np.testing.assert_allclose(joint_log_proba(gate, X), expected, atol=1e-7)
    assert gate_n_parameters(gate) == reference.n_parameters_
    if not nested:
        assert gate_penalty(gate) == pytest.approx(reference.penalty_)


def test_penalty_of_a_nested_pipeline(rng):
    X, shares = make_soft(rng)
    inner = make_pipeline(StandardScaler(), SoftmaxGate(alpha=2.0))
    gate = make_pipeline(StandardScaler(), inner)
    fit_gate(gate, X, shares, np.ones(len(X)))
    assert gate_penalty(gate) == inner.steps[-1][1].penalty_ > 0


def test_a_pipeline_of_a_gate_alone(rng):
    X, shares = make_soft(rng)
    gate = check_gate(make_pipeline(SoftmaxGate()), state())
    fit_gate(gate, X, shares, np.ones(len(X)))
    expected = SoftmaxGate().fit(X, shares).predict_log_proba(X)
    np.testing.assert_allclose(joint_log_proba(gate, X), expected, atol=1e-9)


def test_pipeline_with_metadata_routing(rng):
    X, shares = make_soft(rng)
    weights = rng.uniform(0.1, 2.0, size=len(X))
    expected = SoftmaxGate().fit(X, shares, sample_weight=weights).predict_log_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        gate = SoftmaxGate().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, gate)
        fit_gate(pipeline, X, shares, weights)
        np.testing.assert_allclose(joint_log_proba(pipeline, X), expected, atol=1e-7)
        silent = make_pipeline(StandardScaler(), SoftmaxGate())
        with pytest.raises(ValueError, match="set_fit_request"):
            fit_gate(silent, X, shares, weights)


def test_gate_without_weights_is_refused(rng):
    X, shares = make_soft(rng)

    class Bare(ConstantGate):
        def fit(self, X, responsibilities):
            return super().fit(X, responsibilities)

    with pytest.raises(ValueError, match=r"Bare\.fit accepts no sample_weight"):
        fit_gate(Bare(), X, shares, np.ones(len(X)))


# The gate parameter


def test_check_gate_resolves():
    assert type(check_gate("softmax", state())) is SoftmaxGate
    assert type(check_gate("constant", state())) is ConstantGate
    given = SoftmaxGate(alpha=3.0).fit(*make_blobs_shares())
    gate = check_gate(given, state())
    assert gate is not given
    assert gate.alpha == 3.0
    assert not hasattr(gate, "coef_")
    forest = RandomForestClassifier(3)
    gate = check_gate(forest, state())
    assert type(gate) is ClassifierGate
    assert gate.classifier.random_state is not None
    assert forest.random_state is None
    gate = check_gate(ClassifierGate(forest), state())
    assert gate.classifier.random_state is not None
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    assert type(check_gate(pipeline, state())) is ClassifierGate


def make_blobs_shares():
    X, labels = make_blobs(30, centers=2, random_state=0)
    return X, np.eye(2)[labels]


@pytest.mark.parametrize(
    ("gate", "error", "match"),
    [
        ("soft-max", ValueError, r"'soft-max' is unknown.*constant.*softmax"),
        (SoftmaxGate, TypeError, r"pass an instance, SoftmaxGate\(\)"),
        (LinearRegression(), TypeError, "neither a gate"),
        (RidgeClassifier(), TypeError, "neither a gate"),
        (make_pipeline(StandardScaler()), TypeError, "neither a gate"),
        (None, TypeError, "neither a gate"),
        (3, TypeError, "neither a gate"),
    ],
)
def test_check_gate_errors(gate, error, match):
    with pytest.raises(error, match=match):
        check_gate(gate, state())
