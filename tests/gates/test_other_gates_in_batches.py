"""Classifiers and pipelines as gates that learn from batches."""

from copy import deepcopy

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe._incremental import takes_weights
from skmoe._running import StepSize
from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    SoftmaxGate,
    check_gate_learns,
    gate_with_least_share,
    joint_log_proba,
    step_gate,
)


def make_soft(rng, n_experts=3, n_samples=400):
    X = rng.standard_normal((n_samples, 2)) * [1.0, 20.0] + [5.0, -3.0]
    logits = (X - [5.0, -3.0]) / [1.0, 20.0] @ rng.standard_normal((2, n_experts))
    logits += rng.gumbel(size=logits.shape)
    shares = np.exp(2 * logits)
    return X, shares / shares.sum(axis=1, keepdims=True)


CLASSIFIERS = [
    SGDClassifier(loss="log_loss", random_state=0),
    GaussianNB(),
    MLPClassifier(hidden_layer_sizes=(4,), random_state=0),
    make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
]


@pytest.fixture(params=CLASSIFIERS, ids=str)
def classifier(request):
    if not takes_weights(request.param):
        pytest.skip("this scikit-learn's networks take no weights")
    return request.param


def test_a_classifier_learns_each_share_of_a_row(rng, classifier):
    X, shares = make_soft(rng)
    shares[:, 0] = np.where(shares[:, 0] < 0.01, 0.0, shares[:, 0])
    weights = rng.uniform(0.5, 2.0, size=400)
    gate, by_hand = ClassifierGate(classifier), deepcopy(classifier)
    for rows in np.split(np.arange(400), [150, 300]):
        gate.partial_fit(X[rows], shares[rows], weights[rows])
        row, expert = np.nonzero(shares[rows] >= 1e-3)
        own = shares[rows][row, expert] * weights[rows][row]
        learn_by_hand(by_hand, X[rows][row], expert, own, np.arange(3))
    assert np.allclose(gate.predict_proba(X), by_hand.predict_proba(X), atol=1e-8)
    assert gate.n_experts_ == 3


def learn_by_hand(classifier, X, y, weights, classes):
    if hasattr(classifier, "steps"):
        scaler, classifier = (step for _, step in classifier.steps)
        X = scaler.partial_fit(X).transform(X)
    classifier.partial_fit(X, y, sample_weight=weights, classes=classes)


def test_sparse_shares_are_dense_ones(rng, classifier):
    X, shares = make_soft(rng)
    shares[shares < 0.1] = 0.0
    gates = [
        ClassifierGate(classifier).partial_fit(X, targets)
        for targets in (shares, sparse.csr_array(shares))
    ]
    assert np.allclose(gates[0].predict_proba(X), gates[1].predict_proba(X))


def test_one_expert(rng, classifier):
    X, gate = rng.standard_normal((30, 2)), ClassifierGate(classifier)
    for _ in range(2):
        gate.partial_fit(X, np.ones((30, 1)))
    assert np.allclose(gate.predict_proba(X), 1.0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_expert_may_come_later(rng, classifier):
    X, shares = make_soft(rng)
    first = shares.copy()
    first[:, 2] = 0.0
    for begin in ("partial_fit", "fit"):
        gate = getattr(ClassifierGate(classifier), begin)(X, first)
        assert np.isfinite(gate.predict_log_proba(X)).all()
        for _ in range(5):
            gate.partial_fit(X, shares)
        assert (gate.predict_proba(X)[:, 2] > 0.01).any()
        with pytest.raises(ValueError, match="4 columns, but the gate knows 3 experts"):
            gate.partial_fit(X, np.full((400, 4), 0.25))


def test_one_that_had_all_rows_goes_on(rng, classifier):
    X, shares = make_soft(rng)
    gate = ClassifierGate(classifier).fit(X, np.eye(3)[[0] * 400])
    assert isinstance(gate.classifier_, DummyClassifier)
    gate.partial_fit(X, shares)
    assert (gate.predict_proba(X)[:, 1:] > 0.01).any(axis=0).all()


def test_learning_goes_on_from_a_fit(rng):
    X, shares = make_soft(rng)
    gate = ClassifierGate(GaussianNB()).fit(X[:300], shares[:300])
    gate.partial_fit(X[300:], shares[300:])
    whole = ClassifierGate(GaussianNB()).fit(X, shares)
    assert np.allclose(gate.predict_proba(X), whole.predict_proba(X), atol=1e-5)


# What is learnt by a copy


PIPELINES = {
    "scaled": make_pipeline(StandardScaler(), SoftmaxGate()),
    "nested": make_pipeline(
        "passthrough", make_pipeline(StandardScaler(), SoftmaxGate(alpha=1.0))
    ),
    "constant": make_pipeline(StandardScaler(), ConstantGate()),
    "classifier": make_pipeline(StandardScaler(), ClassifierGate(GaussianNB())),
    "alone": make_pipeline(SoftmaxGate()),
    "gate": SoftmaxGate(),
    "constant gate": ConstantGate(),
    "classifier gate": ClassifierGate(GaussianNB()),
}


def batches(rng, n_experts=3):
    X, shares = make_soft(rng, n_experts)
    for rows in np.split(np.arange(400), 4):
        yield X[rows], shares[rows], np.ones(100)


@pytest.mark.parametrize("gate", PIPELINES.values(), ids=PIPELINES)
def test_a_step_leaves_the_given_gate_as_it_is(rng, gate):
    X, _ = make_soft(rng)
    step = StepSize(100.0, 0.5, 400.0)
    fresh = gate
    for X_batch, own, weights in batches(rng):
        known = None if gate is fresh else joint_log_proba(gate, X)
        moved = step_gate(gate, X_batch, own, weights, step)
        if known is not None:
            assert np.array_equal(joint_log_proba(gate, X), known)
        assert not np.array_equal(joint_log_proba(moved, X), known)
        gate = moved
    assert type(gate) is type(fresh)
    with pytest.raises(Exception, match=r"not fitted|no attribute"):
        joint_log_proba(fresh, X)


@pytest.mark.parametrize("targets", [np.asarray, sparse.csr_array])
def test_steps_are_handed_through_a_pipeline(rng, targets):
    gate, piped = SoftmaxGate(), make_pipeline(make_pipeline(SoftmaxGate()))
    step = StepSize(200.0, 0.3, 1000.0)
    for X, shares, weights in batches(rng):
        gate.partial_fit(X, targets(shares), weights, step=step)
        piped = step_gate(piped, X, targets(shares), weights, step)
    assert np.allclose(joint_log_proba(gate, X), joint_log_proba(piped, X))


def test_transformers_learn_from_all_batches_if_they_can(rng):
    gate = make_pipeline(
        StandardScaler(), QuantileTransformer(n_quantiles=20), SoftmaxGate()
    )
    parts = list(batches(rng))
    for X, shares, weights in parts:
        gate = step_gate(gate, X, shares, weights, StepSize(100.0, 0.5))
    scaler, quantiles, last = (step for _, step in gate.steps)
    every = np.concatenate([X for X, _, _ in parts])
    assert np.allclose(scaler.mean_, every.mean(axis=0))
    first = StandardScaler().fit_transform(parts[0][0])
    expected = QuantileTransformer(n_quantiles=20).fit(first)
    assert np.allclose(quantiles.quantiles_, expected.quantiles_)
    rows = quantiles.transform(scaler.transform(every))
    assert np.allclose(joint_log_proba(gate, every), last.predict_log_proba(rows))


@pytest.mark.parametrize(
    "transformer",
    [
        FunctionTransformer(np.abs),
        ColumnTransformer([("first", StandardScaler(), [0])]),
        "passthrough",
    ],
    ids=["function", "columns", "passthrough"],
)
def test_other_transformers(rng, transformer):
    gate = make_pipeline(transformer, SoftmaxGate())
    X, shares = make_soft(rng)
    for own in np.split(np.arange(400), 4):
        gate = step_gate(gate, X[own], shares[own], np.ones(100), StepSize(100.0, 0.5))
    assert np.allclose(np.exp(joint_log_proba(gate, X)).sum(axis=1), 1.0)


class Unweighted(SGDClassifier):
    """Takes no weights."""

    def partial_fit(self, X, y, classes=None):
        return super().partial_fit(X, y, classes=classes)


def test_errors(rng):
    X, shares = make_soft(rng)
    tree = ClassifierGate(DecisionTreeClassifier())
    for gate in (tree, make_pipeline(StandardScaler(), tree)):
        with pytest.raises(ValueError, match=r"has no partial_fit.*softmax"):
            check_gate_learns(gate)
        with pytest.raises(ValueError, match=r"has no partial_fit.*solver='em'"):
            step_gate(gate, X, shares, np.ones(400), StepSize(400.0))
    with pytest.raises(AttributeError, match="partial_fit"):
        ClassifierGate(LogisticRegression()).partial_fit(X, shares)
    gate = ClassifierGate(Unweighted(loss="log_loss"))
    check_gate_learns(gate)
    with pytest.raises(ValueError, match="of Unweighted accepts no sample_weight"):
        gate.partial_fit(X, shares)


@pytest.mark.parametrize("kind", ["softmax", "constant", "pipeline"])
def test_an_expert_is_given_a_share_again(rng, kind):
    X, targets = make_soft(rng)[:2]
    gate = ConstantGate() if kind == "constant" else SoftmaxGate()
    gate = make_pipeline(StandardScaler(), gate) if kind == "pipeline" else gate
    last = gate[-1] if kind == "pipeline" else gate
    gate.fit(X, targets)
    if kind == "constant":
        last.prior_ = np.array([1e-30, 0.4, 0.6])
    else:
        last.intercept_ = last.intercept_ - np.array([60.0, 0.0, 0.0])
    before = np.exp(joint_log_proba(gate, X))
    assert before[:, 0].max() < 1e-9
    proba = np.exp(joint_log_proba(gate_with_least_share(gate, [0], X, 0.1), X))
    assert 0.03 < proba[:, 0].mean() < 0.2
    # Among the others, nothing changes; nor does one that has its share.
    np.testing.assert_allclose(proba[:, 1] / proba[:, 2], before[:, 1] / before[:, 2])
    same = np.exp(joint_log_proba(gate_with_least_share(gate, [2], X, 1e-6), X))
    np.testing.assert_allclose(same, before, atol=1e-12)
    np.testing.assert_array_equal(np.exp(joint_log_proba(gate, X)), before)


def test_a_gate_that_cannot_give_a_share_stays_what_it_is(rng):
    X, targets = make_soft(rng)[:2]
    gate = ClassifierGate(GaussianNB()).fit(X, targets)
    assert gate_with_least_share(gate, [0], X, 0.1) is gate
