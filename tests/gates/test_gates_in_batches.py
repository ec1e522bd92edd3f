"""Gates that learn from batches, against gates that are fitted to all rows."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import approx_fprime

import skmoe._running as running
import skmoe._softmax_steps as steps_module
from skmoe._design import Design
from skmoe._running import StepSize
from skmoe._softmax_of_pairs import PairsObjective
from skmoe.gates import ConstantGate, SoftmaxGate, gate_with_load_loss, step_gate


def make_soft(rng, n_experts=3, n_samples=3000):
    """Rows and soft targets that linear log-odds explain but for noise."""
    X = rng.normal([3.0, -200.0], [1.0, 50.0], size=(n_samples, 2))
    Z = (X - [3.0, -200.0]) / [1.0, 50.0]
    logits = 1.5 * Z @ rng.standard_normal((2, n_experts)) + 0.5 * np.arange(n_experts)
    logits += rng.gumbel(size=logits.shape)
    shares = np.exp(logits)
    return X, shares / shares.sum(axis=1, keepdims=True)


def learnt(gate, X, shares, weights=None, size=100):
    for first in range(0, len(shares), size):
        rows = slice(first, first + size)
        own = None if weights is None else weights[rows]
        gate.partial_fit(X[rows], shares[rows], own)
    return gate


def log_loss(gate, X, shares, weights=None):
    return -np.average((shares * gate.predict_log_proba(X)).sum(axis=1), weights=weights)


@pytest.mark.parametrize("n_experts", [2, 3, 5])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_batches_end_where_fit_ends(rng, n_experts, container):
    X, shares = make_soft(rng, n_experts)
    weights = rng.uniform(0.2, 3.0, size=len(X))
    gate = learnt(SoftmaxGate(), container(X), shares, weights)
    fitted = SoftmaxGate().fit(X, shares, weights)
    excess = log_loss(gate, X, shares, weights) - log_loss(fitted, X, shares, weights)
    assert excess < 0.01
    assert log_loss(gate, X, shares) < 0.95 * log_loss(
        ConstantGate().fit(X, shares), X, shares
    )
    assert np.allclose(gate.coef_.sum(axis=0), 0, atol=1e-10)
    assert gate.n_samples_seen_ == pytest.approx(weights.sum())
    assert gate.n_iter_ == 30
    assert gate.n_parameters_ == fitted.n_parameters_


@pytest.mark.parametrize("limits", [(0, 500), (0, 0)], ids=["by class", "diagonal"])
def test_other_information_ends_there_too(rng, limits, monkeypatch):
    monkeypatch.setattr(steps_module, "_MAX_JOINT", limits[0])
    monkeypatch.setattr(steps_module, "_MAX_COLUMNS", limits[1])
    X, shares = make_soft(rng)
    gate = learnt(SoftmaxGate(), X, shares)
    fitted = SoftmaxGate().fit(X, shares)
    assert log_loss(gate, X, shares) - log_loss(fitted, X, shares) < 0.01


@pytest.mark.parametrize("alpha", [0.0, 3.0, 1000.0])
def test_whole_steps_on_the_same_rows_are_newtons(rng, alpha):
    X, shares = make_soft(rng, n_samples=200)
    weights = rng.uniform(0.2, 3.0, size=200)
    step = StepSize(weights.sum(), 1.0, weights.sum())
    gate = SoftmaxGate(alpha=alpha)
    for _ in range(50):
        gate.partial_fit(X, shares, weights, step=step)
    fitted = SoftmaxGate(alpha=alpha).fit(X, shares, weights)
    assert np.allclose(gate.predict_proba(X), fitted.predict_proba(X), atol=1e-5)
    assert gate.penalty_ == pytest.approx(fitted.penalty_, rel=1e-3)


def test_the_first_step_is_newtons(rng, monkeypatch):
    monkeypatch.setattr(steps_module, "_LONGEST", np.inf)
    X, shares = make_soft(rng, 2, n_samples=400)
    gate = SoftmaxGate(alpha=0.0).partial_fit(X, shares)
    design = Design(X, np.ones(400)).matrix
    gradient = design.T @ (shares[:, 0] - 0.5)
    information = design.T @ design / 4 + np.eye(3)  # of one row, at most
    coef = np.linalg.solve(information, gradient)
    log_odds = np.diff(gate.predict_log_proba(X)[:, ::-1], axis=1)[:, 0]
    assert np.allclose(log_odds, design @ coef, atol=1e-6)


def test_information_is_averaged(rng):
    X, shares = make_soft(rng, 2, n_samples=300)
    gate, expected, rates = SoftmaxGate(), np.zeros((3, 3)), (1.0, 0.3, 0.5)
    design = Design(X[:100], np.ones(100))
    for rate, rows in zip(rates, np.split(np.arange(300), 3), strict=True):
        matrix, curvature = design.transform(X[rows]), 0.25
        if rate < 1:
            curvature = gate.predict_proba(X[rows]).prod(axis=1)
        own = matrix.T @ (matrix * np.reshape(curvature, (-1, 1))) / 100
        expected = (1 - rate) * expected + rate * own
        gate.partial_fit(X[rows], shares[rows], step=StepSize(100.0, rate))
        assert np.allclose(gate._steps["information"][0], expected)


def batch_of_pairs(rng, n_experts=4, n_samples=300):
    """Weighted rows, each with shares in two of the experts."""
    X = rng.standard_normal((n_samples, 3)) @ rng.standard_normal((3, 3))
    experts = np.array([rng.permutation(n_experts)[:2] for _ in X])
    shares = np.zeros((n_samples, n_experts))
    np.put_along_axis(shares, experts, rng.dirichlet([1, 1], size=n_samples), axis=1)
    return X, shares, rng.uniform(0.5, 2.0, size=n_samples)


OBJECTIVES = [(None, 0.0), (np.array([0.5, -1.0, 2.0, 0.0]), 0.0), (None, 0.7)]


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize(("slopes", "z_loss"), OBJECTIVES)
def test_sparse_targets_are_dense_ones(rng, container, slopes, z_loss):
    X, shares, weights = batch_of_pairs(rng)
    gates = []
    for targets in (shares, container(shares)):
        gate = SoftmaxGate(z_loss=z_loss)
        if slopes is not None:
            gate = gate.with_load_loss(slopes)
        gates.append(gate.partial_fit(X, targets, weights))
    assert np.allclose(gates[0].coef_, gates[1].coef_)


@pytest.mark.parametrize(("slopes", "z_loss"), OBJECTIVES)
@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_a_step_follows_the_gradient_of_the_objective(
    rng, monkeypatch, slopes, z_loss, alpha
):
    """With an information of one everywhere, a step is the gradient times the rate."""
    X, shares, weights = batch_of_pairs(rng)
    design, total = Design(X, weights), 2.5 * weights.sum()
    gate = SoftmaxGate(alpha=alpha, z_loss=z_loss)
    gate.partial_fit(X, shares[rng.permutation(len(X))], weights)
    before = design.from_user(gate.coef_, gate.intercept_)

    def steepest(gradient, information, rate, n_rows):
        assert information.shape == (1, 12, 12)
        return rate * gradient

    monkeypatch.setattr(steps_module, "newton_step", steepest)
    if slopes is not None:
        gate = gate_with_load_loss(gate, slopes)
    rate = 1e-3
    step = StepSize(weights.sum(), rate, total)
    gate = step_gate(gate, X, shares, weights, step)
    after = design.from_user(gate.coef_, gate.intercept_)
    targets = sparse.csr_array(shares * weights[:, None])
    ridge = alpha * design.penalized * weights.sum() / total
    objective = PairsObjective(design, targets, ridge, slopes, z_loss)

    def value(free):
        coef = np.vstack([free.reshape(3, 4), np.zeros(4)])
        return objective(coef - coef.mean(axis=0))[0] / weights.sum()

    start = before[:-1] - before[-1]
    numeric = -approx_fprime(start.ravel(), value, 1e-6)
    moved = (after[:-1] - after[-1] - start).ravel() / rate
    assert np.abs(numeric).max() > 0.01
    assert np.allclose(moved, numeric, atol=1e-4)


def test_the_load_loss_holds_for_one_step(rng):
    X, shares, weights = batch_of_pairs(rng)
    gate = SoftmaxGate().with_load_loss(np.arange(4.0)).partial_fit(X, shares, weights)
    assert not hasattr(gate, "_load_slopes")


# Before and after other fits


def test_learning_goes_on_from_a_fit(rng):
    X, shares = make_soft(rng)
    best = log_loss(SoftmaxGate().fit(X, shares), X, shares)
    after, alone = [], []
    for _ in range(10):
        rows = rng.integers(len(X), size=10)
        gate = SoftmaxGate().fit(X, shares).partial_fit(X[rows], shares[rows])
        assert gate.n_samples_seen_ == len(X) + 10
        after.append(log_loss(gate, X, shares) - best)
        alone.append(log_loss(SoftmaxGate().fit(X[rows], shares[rows]), X, shares) - best)
    assert 0 < np.mean(after) < 0.05 * np.mean(alone)


def test_a_fit_forgets_batches(rng):
    X, shares = make_soft(rng, n_samples=300)
    other = rng.standard_normal((300, 4))
    gate = learnt(SoftmaxGate(), X, shares).fit(other, shares[:, :2] + 1e-3)
    fitted = SoftmaxGate().fit(other, shares[:, :2] + 1e-3)
    assert gate.n_samples_seen_ == 300
    for one in (gate, fitted):
        one.partial_fit(other[:50], shares[:50, :2])
    assert np.allclose(gate.coef_, fitted.coef_, rtol=1e-5, atol=1e-8)


def test_constants_that_vary_later(rng):
    X, shares = make_soft(rng)
    X[:100, 1] = -200.0
    gate = learnt(SoftmaxGate(), X, shares)
    assert (gate.coef_[:, 1] != 0).all()
    gate = learnt(gate, X[100:], shares[100:])
    fitted = SoftmaxGate().fit(X[100:], shares[100:])
    assert log_loss(gate, X, shares) - log_loss(fitted, X, shares) < 0.02


@pytest.mark.parametrize("order", [("dense", "sparse"), ("sparse", "dense")])
def test_rows_may_be_sparse_or_dense(rng, order):
    X, shares = make_soft(rng)
    as_given = {"dense": np.asarray, "sparse": sparse.csr_matrix}
    gate = SoftmaxGate()
    for kind, rows in zip(order, (slice(0, 1500), slice(1500, None)), strict=True):
        learnt(gate, as_given[kind](X[rows]), shares[rows])
    fitted = SoftmaxGate().fit(X, shares)
    assert log_loss(gate, X, shares) - log_loss(fitted, X, shares) < 0.01


def test_weights_are_repeated_rows(rng, monkeypatch):
    monkeypatch.setattr(running, "_DAMPING_ROWS", 0.0)
    X, shares = make_soft(rng, n_samples=300)
    counts = rng.integers(1, 4, size=300)
    weighted = SoftmaxGate(alpha=2.0).partial_fit(X, shares, counts)
    repeated = SoftmaxGate(alpha=2.0)
    repeated.partial_fit(np.repeat(X, counts, axis=0), np.repeat(shares, counts, axis=0))
    assert np.allclose(weighted.coef_, repeated.coef_, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()], ids=str)
def test_one_expert(rng, gate):
    X = rng.standard_normal((20, 2))
    for _ in range(2):
        gate.partial_fit(X, np.ones((20, 1)))
    assert np.array_equal(gate.predict_proba(X), np.ones((20, 1)))
    assert gate.n_parameters_ == 0


def test_names_of_features_are_checked(rng):
    pandas = pytest.importorskip("pandas")
    X, shares = make_soft(rng, n_samples=100)
    gate = SoftmaxGate().partial_fit(pandas.DataFrame(X, columns=["a", "b"]), shares)
    assert list(gate.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        gate.partial_fit(pandas.DataFrame(X, columns=["a", "c"]), shares)


@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()], ids=str)
def test_another_number_of_experts_is_refused(rng, gate):
    X, shares = make_soft(rng, n_samples=100)
    gate.partial_fit(X, shares)
    with pytest.raises(ValueError, match="2 columns, but the gate knows 3 experts"):
        gate.partial_fit(X, shares[:, :2])


# The constant gate


def test_a_constant_gate_is_a_running_mean(rng):
    X, shares = make_soft(rng, n_samples=500)
    weights = rng.uniform(0.1, 2.0, size=500)
    gate, seen = ConstantGate(), 0.0
    for rows in np.split(np.arange(500), [50, 120, 400]):
        arriving = weights[rows].sum()
        step = StepSize(arriving, arriving / (seen + arriving))
        gate.partial_fit(
            X[rows], sparse.csr_array(shares[rows]), weights[rows], step=step
        )
        seen += arriving
    assert np.allclose(gate.prior_, weights @ shares / weights.sum())


def test_a_constant_gate_counts_rows(rng):
    X, shares = make_soft(rng, n_samples=500)
    gate = ConstantGate().fit(X[:400], shares[:400])
    gate.partial_fit(X[400:420], shares[400:420])
    first, last = shares[:400].mean(axis=0), shares[400:420].mean(axis=0)
    assert np.allclose(gate.prior_, first + 200 / 600 * (last - first))
    assert gate.n_samples_seen_ == 420
    assert gate.n_parameters_ == 2
