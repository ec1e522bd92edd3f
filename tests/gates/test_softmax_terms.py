"""What softmax and constant gates tell of the likelihood, against differences of it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._grams import row_slices
from skmoe.gates import ConstantGate, SoftmaxGate, _softmax_terms

N_ROWS = 80
GATES = [SoftmaxGate(alpha=0), SoftmaxGate(alpha=3.0), ConstantGate()]


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=[np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def container(request):
    return request.param


@pytest.fixture(params=GATES, ids=["softmax", "ridge", "constant"])
def gate(request):
    return request.param


@pytest.fixture(params=[1, 2, 4])
def n_experts(request):
    return request.param


class Case:
    """Terms of a gate, with shares of the rows and a vector to look at."""

    def __init__(self, rng, gate, n_experts=3, container=np.asarray):
        X = rng.normal([2.0, 0.0], [1.0, 30.0], size=(N_ROWS, 2))
        self.X, self.gate = container(X), gate
        self.weights = rng.uniform(0.5, 2.0, N_ROWS)
        self.share = rng.dirichlet(np.ones(n_experts), size=N_ROWS).T * self.weights
        self.bound = gate.bind(self.X, self.weights)
        self.terms = self.bound.terms(gate, n_experts)
        self.vector = 0.5 * rng.normal(size=self.terms.size)

    def log_prob(self, vector):
        self.terms.begin(vector)
        parts = [self.terms.log_prob(part) for part in row_slices(N_ROWS, 30)]
        return np.concatenate(parts, axis=1)

    def value(self, vector):
        return np.sum(self.share * self.log_prob(vector))

    def gradient(self, vector):
        return gradient_of(self.terms, vector, self.share)

    def slope(self, vector):
        return self.gradient(vector) - self.terms.penalty()[1]

    def information(self, vector):
        self.terms.begin(vector)
        for part in row_slices(N_ROWS, 30):
            self.terms.log_prob(part)
            self.terms.collect_information(self.share[:, part])
        return self.terms.information(self.weights.sum()).dense()


def gradient_of(terms, vector, share):
    terms.begin(vector)
    for part in row_slices(share.shape[1], 30):
        terms.log_prob(part)
        terms.collect(share[:, part])
    return terms.gradient().copy()


def differences(function, vector, step=1e-5):
    shifts = step * np.eye(vector.size)
    steps = [function(vector + s) - function(vector - s) for s in shifts]
    return np.array(steps) / (2 * step)


def test_the_gradient(rng, gate, n_experts, container):
    case = Case(rng, gate, n_experts, container)
    numeric = differences(case.value, case.vector)
    np.testing.assert_allclose(case.gradient(case.vector), numeric, atol=1e-6)


def test_information_is_the_hessian(rng, gate, n_experts, container):
    case = Case(rng, gate, n_experts, container)
    numeric = -differences(case.slope, case.vector).reshape(2 * [case.terms.size])
    np.testing.assert_allclose(case.information(case.vector), numeric, atol=1e-5)


def test_one_block_for_each_expert(rng, gate, container, monkeypatch):
    """Of many unknowns, the information is the rows' diagonal blocks, and a ridge."""
    case = Case(rng, gate, 3, container)
    case.terms.ridge = 0.0 * case.terms.ridge
    whole = case.information(case.vector)
    monkeypatch.setattr(_softmax_terms, "_MAX_JOINT_UNKNOWNS", 0)
    owners = np.arange(case.terms.size) // case.terms.shape[1]
    expected = np.where(owners[:, None] == owners, whole, 0.0)
    np.testing.assert_allclose(case.information(case.vector), expected, atol=1e-9)


def test_the_ridge_of_blocks_is_no_less_than_the_penaltys(rng, monkeypatch):
    """So that no step goes too far."""
    case = Case(rng, GATES[1])
    whole = case.information(case.vector)
    monkeypatch.setattr(_softmax_terms, "_MAX_JOINT_UNKNOWNS", 0)
    blocks = case.information(case.vector)
    assert (np.diag(blocks) >= np.diag(whole) - 1e-9).all()


def test_log_prob_is_the_gates(rng, gate, n_experts, container):
    case = Case(rng, gate, n_experts, container)
    fitted = case.bound.with_parameters(gate, case.terms, case.vector, 1)
    expected = fitted.predict_joint_log_proba(case.X).T
    np.testing.assert_allclose(case.log_prob(case.vector), expected, atol=1e-9)


def test_probabilities_sum_to_one(rng, gate, n_experts):
    case = Case(rng, gate, n_experts)
    log_prob = case.log_prob(5000 * case.vector)
    np.testing.assert_allclose(np.exp(log_prob).sum(axis=0), 1.0)


def test_parameters_go_to_a_gate_and_back(rng, gate, n_experts, container):
    case = Case(rng, gate, n_experts, container)
    fitted = case.bound.with_parameters(gate, case.terms, case.vector, 1)
    back = case.bound.parameters(fitted, case.terms)
    np.testing.assert_allclose(back, case.vector, rtol=1e-9, atol=1e-11)


def test_a_fitted_gate_is_at_the_top(rng, gate, n_experts, container):
    """So M-step and derivatives are of one objective."""
    case = Case(rng, gate, n_experts, container)
    fitted = case.bound.fit(gate, (case.share / case.weights).T)
    vector = case.bound.parameters(fitted, case.terms)
    np.testing.assert_allclose(case.slope(vector) / N_ROWS, 0.0, atol=1e-5)


def test_a_gate_tells_its_size(rng, gate, n_experts):
    case = Case(rng, gate, n_experts)
    fitted = case.bound.with_parameters(gate, case.terms, case.vector, 1)
    assert fitted.n_parameters_ == case.terms.size


def test_the_template_is_not_changed(rng, gate):
    case, before = Case(rng, gate), dict(vars(gate))
    case.bound.with_parameters(gate, case.terms, case.vector, 1)
    assert vars(gate) == before


def test_the_penalty_is_the_gates(rng, gate, n_experts, container):
    case = Case(rng, gate, n_experts, container)
    fitted = case.bound.with_parameters(gate, case.terms, case.vector, 1)
    case.terms.begin(case.vector)
    expected = getattr(fitted, "penalty_", 0.0)
    assert case.terms.penalty()[0] == pytest.approx(expected)


def test_the_penaltys_gradient(rng, gate, n_experts):
    case = Case(rng, gate, n_experts)

    def penalty(vector):
        case.terms.begin(vector)
        return case.terms.penalty()

    numeric = differences(lambda vector: penalty(vector)[0], case.vector)
    np.testing.assert_allclose(penalty(case.vector)[1], numeric, atol=1e-7)


def test_scores_make_the_gradient(rng, gate, n_experts):
    """But for what all of a row's shares have in common, the gate's own share."""
    case = Case(rng, gate, n_experts)
    proba = np.exp(case.log_prob(case.vector))
    case.terms.begin(case.vector)
    case.terms.log_prob(slice(None))
    scores, owners = case.terms.scores()
    excess = (case.share - case.weights * proba)[owners]
    gradient = (scores * excess) @ case.terms.rows
    np.testing.assert_allclose(gradient.ravel(), case.gradient(case.vector), atol=1e-9)


def test_subsets_add_up(rng, gate, container):
    case = Case(rng, gate, container=container)
    rows = rng.permutation(N_ROWS)
    gradients = [
        gradient_of(case.terms.subset(part), case.vector, case.share[:, part])
        for part in (rows[:20], rows[20:])
    ]
    whole = case.gradient(case.vector)
    np.testing.assert_allclose(np.sum(gradients, axis=0), whole, atol=1e-9)


def test_a_bound_gates_subset_has_the_same_units(rng, gate, container):
    case = Case(rng, gate, container=container)
    rows = rng.permutation(N_ROWS)[:20]
    fitted = case.bound.with_parameters(gate, case.terms, case.vector, 1)
    part = case.bound.subset(case.X[rows], rows)
    np.testing.assert_allclose(
        part.joint_log_proba(fitted), case.bound.joint_log_proba(fitted)[rows], atol=1e-12
    )
    np.testing.assert_array_equal(part.weights, case.weights[rows])


def test_information_is_scaled_up(rng, gate, container):
    """That of the rows, as the penalty is not theirs."""
    case = Case(rng, gate, container=container)
    penalty = case.terms.ridge.copy()
    case.terms.ridge = 0.0 * penalty
    once = case.information(case.vector)
    twice = case.terms.information(2 * case.weights.sum()).dense()
    np.testing.assert_allclose(twice, 2 * once)


def test_a_subset_stands_for_the_whole(rng, gate):
    """Scaled up, one copy of the rows tells as much as both."""
    case = Case(rng, gate)
    case.terms.ridge = 0.0 * case.terms.ridge
    whole = case.information(case.vector)
    case.terms = case.terms.subset(np.repeat(np.arange(N_ROWS), 2))
    case.terms.begin(case.vector)
    case.terms.log_prob(slice(None))
    case.terms.collect_information(np.repeat(case.share, 2, axis=1))
    half = case.terms.information(case.weights.sum()).dense()
    np.testing.assert_allclose(half, whole, rtol=1e-9, atol=1e-9)


def test_a_constant_gate_with_an_empty_expert(rng):
    gate = ConstantGate().fit(np.zeros((2, 1)), [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    case = Case(rng, gate)
    vector = case.bound.parameters(gate, case.terms)
    assert np.isfinite(vector).all()
    proba = np.exp(case.log_prob(vector)[:, 0])
    np.testing.assert_allclose(proba, [0.75, 0.25, 0.0], atol=1e-12)


@pytest.mark.parametrize("expert", [LinearRegression(), PoissonRegressor(alpha=0)])
def test_one_regressor_is_itself(rng, gate, container, expert):
    X = rng.normal(size=(N_ROWS, 2))
    y, weights = rng.poisson(np.exp(X[:, 0])), rng.uniform(0.5, 2.0, N_ROWS)
    likelihood = "gaussian" if isinstance(expert, LinearRegression) else "poisson"
    model = MixtureOfExpertsRegressor(expert, 1, gate=gate, likelihood=likelihood)
    model.fit(container(X), y, sample_weight=weights)
    if likelihood == "poisson":
        expert = PoissonRegressor(alpha=0, tol=1e-7, solver="newton-cholesky")
    expected = expert.fit(X, y, sample_weight=weights).predict(X)
    np.testing.assert_allclose(model.predict(container(X)), expected, 1e-5, 1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_classifier_is_itself(rng, gate, container, n_classes):
    X = rng.normal(size=(N_ROWS, 2))
    y, weights = rng.integers(0, n_classes, N_ROWS), rng.uniform(0.5, 2.0, N_ROWS)
    expert = LogisticRegression(tol=1e-8)
    model = MixtureOfExpertsClassifier(expert, 1, gate=gate)
    model.fit(container(X), y, sample_weight=weights)
    expected = expert.fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(container(X)), expected, atol=1e-5)
