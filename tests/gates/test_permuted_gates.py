"""Gates whose experts get other numbers."""

import pickle

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    GaussianGate,
    HierarchicalGate,
    SoftmaxGate,
    can_be_permuted,
    expert_tree,
    permuted_gate,
)

ORDER = np.array([3, 2, 0, 1])  # one that a tree of two by two allows
GATES = {
    "softmax": SoftmaxGate(),
    "constant": ConstantGate(),
    **{f"gaussian, {kind}": GaussianGate(kind) for kind in ("full", "tied", "diag")},
    "tree": ClassifierGate(DecisionTreeClassifier(max_depth=3)),
    "bayes": ClassifierGate(GaussianNB()),
    "hierarchical": HierarchicalGate((2, 2)),
    "pipeline": make_pipeline(StandardScaler(), SoftmaxGate()),
}
LEARNING = ["softmax", "constant", "gaussian, full", "gaussian, tied", "bayes"]


def rows(seed, n_samples=200):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 2))
    logits = X @ np.array([[2.0, -1.0, 0.5, 0.0], [0.0, 1.0, -2.0, 1.0]])
    shares = np.exp(logits + rng.normal(size=logits.shape))
    return X, shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", GATES)
def test_probabilities_change_places_and_nothing_else(name):
    gate, (X, shares) = GATES[name], rows(0)
    keyword = {"softmaxgate__sample_weight": None} if name == "pipeline" else {}
    gate = pickle.loads(pickle.dumps(gate)).fit(X, shares, **keyword)
    before = gate.predict_log_proba(X)
    permuted = pickle.loads(pickle.dumps(permuted_gate(gate, ORDER)))
    np.testing.assert_allclose(
        permuted.predict_log_proba(X), before[:, ORDER], atol=1e-13
    )
    np.testing.assert_array_equal(gate.predict_log_proba(X), before)
    back = permuted_gate(permuted, np.argsort(ORDER))
    np.testing.assert_allclose(back.predict_log_proba(X), before, atol=1e-13)


@pytest.mark.parametrize("name", [*LEARNING, "hierarchical"])
def test_steps_on_batches_after_it_are_the_same(name):
    first, second = rows(0), rows(1)
    gate = pickle.loads(pickle.dumps(GATES[name])).partial_fit(*first)
    permuted = permuted_gate(gate, ORDER)
    for _ in range(2):
        gate.partial_fit(*second)
        permuted.partial_fit(second[0], second[1][:, ORDER])
    # Permuted once more, on top of what the steps know of the first time.
    again = permuted_gate(permuted, np.argsort(ORDER))
    again.partial_fit(*first)
    gate.partial_fit(*first)
    np.testing.assert_allclose(
        again.predict_log_proba(first[0]), gate.predict_log_proba(first[0]), atol=1e-10
    )


def test_a_fit_after_it_starts_afresh():
    X, shares = rows(0)
    gate = permuted_gate(ClassifierGate(GaussianNB()).fit(X, shares), ORDER)
    refitted = gate.fit(X, shares).predict_proba(X)
    plain = ClassifierGate(GaussianNB()).fit(X, shares).predict_proba(X)
    np.testing.assert_array_equal(refitted, plain)


@pytest.mark.parametrize("branching", [(2, 2), (3, 2), (2, 3), (2, 2, 2)])
def test_a_tree_moves_branches_with_what_is_below_them(branching):
    n_experts = int(np.prod(branching))
    rng = np.random.default_rng(0)
    X, shares = rng.normal(size=(100, 2)), rng.dirichlet(np.ones(n_experts), size=100)
    gate = HierarchicalGate(branching).fit(X, shares)

    def shuffled(tree):
        if not isinstance(tree, tuple):
            return [tree]
        return [k for i in rng.permutation(len(tree)) for k in shuffled(tree[i])]

    for _ in range(5):
        order = np.array(shuffled(gate.expert_tree))
        permuted = gate.permuted(order)
        np.testing.assert_allclose(
            permuted.predict_proba(X), gate.predict_proba(X)[:, order], atol=1e-13
        )


def test_a_tree_names_the_order_that_it_does_not_allow():
    X, shares = rows(0)
    gate = HierarchicalGate((2, 2)).fit(X, shares)
    with pytest.raises(
        ValueError, match=r"\[0, 2, 1, 3\] is not one of the tree \(\(0, 1"
    ):
        gate.permuted(np.array([0, 2, 1, 3]))


def test_who_can_be_permuted():
    assert all(can_be_permuted(gate) for gate in GATES.values())
    assert not can_be_permuted(StandardScaler())
    assert expert_tree(make_pipeline(StandardScaler(), HierarchicalGate((2, 3))), 6) == (
        (0, 1, 2),
        (3, 4, 5),
    )
