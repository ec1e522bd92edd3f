"""A tree of softmax gates: products along paths, separate nodes, and joint training."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._grams import row_slices
from skmoe._running import StepSize
from skmoe.gates import HierarchicalGate, SoftmaxGate, expert_order
from skmoe.gates._tree import _n_splits

BRANCHINGS = [(2, 2), (3, 2), (2, 3), (2, 2, 2), (4,)]


def draw(rng, n_experts, n=120):
    X = rng.normal([0.0, 50.0], [1.0, 20.0], size=(n, 2))
    shares = rng.dirichlet(np.full(n_experts, 0.4), size=n)
    return X, shares, rng.uniform(0.2, 2.0, size=n)


def nested(rng, n=2000):
    """Four lines: the first column decides between pairs, the second within them."""
    X = rng.uniform(-2, 2, size=(n, 2))
    side, half = X[:, 0] > 0, np.where(X[:, 0] > 0, X[:, 1] > 0.8, X[:, 1] > -0.8)
    slopes = np.array([[3.0, -2.0], [-3.0, 1.0]])[side.astype(int), half.astype(int)]
    levels = np.array([[0.0, 4.0], [-4.0, 2.0]])[side.astype(int), half.astype(int)]
    y = levels + slopes * X[:, 0] + 0.2 * rng.standard_normal(n)
    return X, y, 2 * side + half


@pytest.mark.parametrize("branching", BRANCHINGS)
def test_probabilities_are_products_along_paths(rng, branching):
    X, shares, weights = draw(rng, int(np.prod(branching)))
    gate = HierarchicalGate(branching).fit(X, shares, weights)
    expected = []
    for path in itertools.product(*map(range, branching)):
        log_proba, first, number = 0.0, 0, 0
        for level, branch in enumerate(path):
            node = gate.nodes_[first + number]
            log_proba = log_proba + node.predict_log_proba(X)[:, branch]
            first += int(np.prod(branching[:level]))
            number = number * branching[level] + branch
        expected.append(log_proba)
    np.testing.assert_allclose(gate.predict_log_proba(X), np.transpose(expected))
    np.testing.assert_allclose(gate.predict_proba(X).sum(axis=1), 1.0)
    bound = gate.bind(X, weights)
    np.testing.assert_allclose(bound.joint_log_proba(gate), np.transpose(expected))
    leaves = int(np.prod(branching))
    assert gate.n_parameters_ == (leaves - 1) * 3


def test_nodes_are_weighted_softmax_regressions(rng):
    X, shares, weights = draw(rng, 6)
    gate = HierarchicalGate((2, 3), alpha=0).fit(X, shares, weights)
    left, right = shares[:, :3].sum(axis=1), shares[:, 3:].sum(axis=1)
    root = SoftmaxGate(0).fit(X, np.column_stack([left, right]), weights)
    np.testing.assert_allclose(gate.nodes_[0].coef_, root.coef_, rtol=1e-5)
    for node, mass, own in ((1, left, shares[:, :3]), (2, right, shares[:, 3:])):
        alone = SoftmaxGate(0).fit(X, own / mass[:, None], weights * mass)
        np.testing.assert_allclose(gate.nodes_[node].coef_, alone.coef_, rtol=1e-4)


def test_one_level_is_a_softmax_gate(rng):
    X, shares, weights = draw(rng, 4)
    tree = HierarchicalGate((4,)).fit(X, shares, weights)
    flat = SoftmaxGate().fit(X, shares, weights)
    np.testing.assert_allclose(tree.predict_proba(X), flat.predict_proba(X), atol=1e-8)
    assert tree.penalty_ == pytest.approx(flat.penalty_)


@pytest.mark.parametrize("branching", [(2, 2), (3, 2)])
@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_terms_by_differences(rng, branching, alpha):
    n_experts = int(np.prod(branching))
    X, shares, weights = draw(rng, n_experts)
    gate = HierarchicalGate(branching, alpha=alpha)
    terms = gate.bind(X, weights).terms(gate, n_experts)
    vector = 0.5 * rng.normal(size=terms.size)
    share = shares.T * weights

    def visit(vector, collect):
        terms.begin(vector)
        value = 0.0
        for part in row_slices(len(X), 50):
            value += np.sum(share[:, part] * terms.log_prob(part))
            collect(share[:, part])
        return value

    def value(vector):
        return visit(vector, lambda share: None)

    def gradient(vector):
        visit(vector, terms.collect)
        return terms.gradient().copy()

    def differences(function):
        steps = 1e-5 * np.eye(vector.size)
        ends = [(function(vector + s), function(vector - s)) for s in steps]
        return np.array([(up - down) / 2e-5 for up, down in ends])

    np.testing.assert_allclose(gradient(vector), differences(value), rtol=1e-5, atol=1e-6)
    visit(vector, terms.collect_information)
    information = terms.information(weights.sum()).dense()

    def slope(vector):
        terms.begin(vector)
        return terms.penalty()[1]

    hessian = differences(slope) - differences(gradient)
    np.testing.assert_allclose(information, hessian, rtol=1e-4, atol=1e-4)


def test_joint_training_ends_where_em_ends(rng):
    X, y, _ = nested(rng, 600)
    params = {"n_experts": 4, "gate": HierarchicalGate(), "random_state": 0}
    joint = MixtureOfExpertsRegressor(**params).fit(X, y)
    # An expert that offers no terms makes for plain EM.
    em = MixtureOfExpertsRegressor(
        Ridge(1e-9), init=joint.responsibilities(X, y), tol=1e-9, **params
    ).fit(X, y)
    assert joint.lower_bound_ == pytest.approx(em.lower_bound_, abs=1e-5)
    assert np.diff(em.lower_bounds_).min() >= 0


def test_the_tree_of_a_nested_generator_is_found(rng):
    X, y, truth = nested(rng)
    model = MixtureOfExpertsRegressor(
        n_experts=4, gate=HierarchicalGate((2, 2)), random_state=0
    ).fit(X, y)
    found = model.apply(X)
    pairs = {
        frozenset(np.bincount(truth[found // 2 == side]).argsort()[-2:])
        for side in (0, 1)
    }
    assert pairs == {frozenset({0, 1}), frozenset({2, 3})}
    root = model.gate_.nodes_[0].coef_[0]
    assert abs(root[0]) > 10 * abs(root[1])
    agreement = max(
        np.mean(np.array(names)[found] == truth)
        for names in itertools.permutations(range(4))
    )
    assert agreement > 0.97
    flat = MixtureOfExpertsRegressor(n_experts=4, random_state=0).fit(X, y)
    assert model.score_samples(X, y).mean() > flat.score_samples(X, y).mean() - 1e-3


def test_the_best_order_is_the_best_of_all(rng):
    X, shares, weights = draw(rng, 4)

    def objective(order):
        gate = HierarchicalGate().fit(X, shares[:, order], weights)
        return np.sum(weights[:, None] * shares[:, order] * gate.predict_log_proba(X))

    best = max(objective(list(order)) for order in itertools.permutations(range(4)))
    order = HierarchicalGate().expert_order(X, shares, weights)
    assert objective(order) == pytest.approx(best, rel=1e-4)


def test_of_many_experts_neighbours_are_alike(rng):
    centers = rng.permutation(64)
    rows = np.repeat(centers, 5)[:, None] + 0.1 * rng.normal(size=(320, 1))
    shares = np.repeat(np.eye(64), 5, axis=0)
    order = HierarchicalGate((2,) * 6).expert_order(rows, shares, np.ones(320))
    ordered = centers[order]
    assert list(ordered) in (list(range(64)), list(range(64))[::-1])


@pytest.mark.parametrize(
    ("branching", "n_splits"),
    [((2, 2), 3 + 6), ((4,), 1), ((2, 3), 10 + 20), ((2, 2, 2), 35 + 70 * 3 + 28)],
)
def test_splits_are_counted(branching, n_splits):
    assert _n_splits(branching) == n_splits


def test_order_of_rows_weights_and_units(rng):
    X, y, _ = nested(rng, 500)
    counts = rng.integers(0, 3, size=500)
    params = {"n_experts": 4, "gate": HierarchicalGate(), "random_state": 0}
    model = MixtureOfExpertsRegressor(**params).fit(X, y, counts)
    order = rng.permutation(np.repeat(np.arange(500), counts))
    other = MixtureOfExpertsRegressor(**params).fit((X * [100.0, 1e-3])[order], y[order])
    assert other.lower_bound_ == pytest.approx(model.lower_bound_, abs=1e-6)


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em", "gradient"])
@pytest.mark.parametrize("top_k", [None, 2])
def test_every_solver_and_routing(solver, top_k):
    X, y, _ = nested(np.random.default_rng(0), 1000)
    model = MixtureOfExpertsRegressor(
        n_experts=4, gate=HierarchicalGate(), solver=solver, top_k=top_k,
        max_iter=300, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert model.score(X, y) > 0.9


def test_flexible_experts_and_classes(rng, checkerboard):
    X, y, _ = nested(rng, 500)
    tree = DecisionTreeRegressor(max_depth=2, min_samples_leaf=10)
    model = MixtureOfExpertsRegressor(
        tree, n_experts=4, gate=HierarchicalGate(), random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.6
    X, y = checkerboard
    classifier = MixtureOfExpertsClassifier(
        n_experts=4, gate=HierarchicalGate(), random_state=0
    )
    assert classifier.fit(X, y).score(X, y) > 0.8


def test_pipelines_and_sparse_rows(rng):
    X, y, _ = nested(rng, 500)
    params = {"n_experts": 4, "random_state": 0}
    gate = make_pipeline(StandardScaler(), HierarchicalGate())
    frame = pd.DataFrame(X, columns=["a", "b"])
    piped = MixtureOfExpertsRegressor(gate=gate, **params).fit(frame, y)
    plain = MixtureOfExpertsRegressor(gate=HierarchicalGate(), **params)
    assert piped.score(frame, y) > 0.9
    assert plain.fit(csr_matrix(X), y).score(csr_matrix(X), y) > 0.9
    shares = rng.dirichlet(np.ones(4), size=500)
    order = expert_order(gate, frame, shares, np.ones(500))
    assert sorted(order) == [0, 1, 2, 3]
    named = HierarchicalGate().fit(frame, shares)
    assert list(named.feature_names_in_) == ["a", "b"]


def test_wide_rows_have_an_order(rng):
    X = rng.normal(size=(80, 40))
    shares = np.repeat(np.eye(4), 20, axis=0)
    X[:40, :5] += 5
    order = HierarchicalGate().expert_order(X, shares[:, [0, 2, 1, 3]], np.ones(80))
    assert {frozenset(order[:2]), frozenset(order[2:])} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }


def test_batches(rng):
    X, shares, weights = draw(rng, 4, n=400)
    gate = HierarchicalGate()
    whole = HierarchicalGate().fit(X, shares, weights)
    for _ in range(60):
        gate.partial_fit(X, shares, weights, step=StepSize(weights.sum(), 1.0, 400.0))
    np.testing.assert_allclose(gate.predict_proba(X), whole.predict_proba(X), atol=1e-3)
    hard = np.eye(4)[np.zeros(400, dtype=int)]
    assert np.isfinite(HierarchicalGate().partial_fit(X, hard).predict_log_proba(X)).all()
    X, y, _ = nested(rng, 1000)
    model = MixtureOfExpertsRegressor(n_experts=4, gate=gate, random_state=0)
    for part in np.split(np.arange(1000), 5):
        model.partial_fit(X[part], y[part])
    assert model.score(X, y) > 0.85


def test_rows_in_blocks(rng):
    X, y, _ = nested(rng, 3000)
    params = {"n_experts": 4, "gate": HierarchicalGate(), "random_state": 0}
    blocks = MixtureOfExpertsRegressor(**params).fit(np.split(X, 3), np.split(y, 3))
    memory = MixtureOfExpertsRegressor(**params).fit(X, y)
    assert blocks.lower_bound_ == pytest.approx(memory.lower_bound_, abs=1e-6)


def test_warm_start(rng):
    X, y, _ = nested(rng, 500)
    model = MixtureOfExpertsRegressor(
        n_experts=4, gate=HierarchicalGate(), warm_start=True, random_state=0
    )
    first = model.fit(X, y).lower_bound_
    assert model.fit(X, y).lower_bound_ >= first - 1e-9


def test_a_tree_that_does_not_fit_is_refused(rng):
    X, y, _ = nested(rng, 200)
    model = MixtureOfExpertsRegressor(n_experts=3, gate=HierarchicalGate((2, 2)))
    with pytest.raises(
        ValueError, match=r"2 x 2 = 4 leaves, and there are 3 experts; set"
    ):
        model.fit(X, y)
    for wrong in ((), (1, 4), (2.0, 2)):
        with pytest.raises(ValueError, match="integers of two or more"):
            HierarchicalGate(wrong).fit(X, np.full((200, 4), 0.25))
    with pytest.raises(ValueError, match="branching"):
        HierarchicalGate(4).fit(X, np.full((200, 4), 0.25))
