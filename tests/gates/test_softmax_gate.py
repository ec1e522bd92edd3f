"""The softmax gate against scikit-learn, and its invariances."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

from skmoe._sklearn_compat import InvalidParameterError
from skmoe.gates import SoftmaxGate


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_soft(rng, n_experts=3, n_samples=90, n_features=2):
    X = rng.normal(3.0, 2.0, size=(n_samples, n_features))
    return X, rng.dirichlet(np.full(n_experts, 0.7), size=n_samples)


def make_labels(rng, n_experts, n_samples=120):
    X = rng.normal([1.0, -50.0], [0.5, 20.0], size=(n_samples, 2))
    slopes = rng.normal(size=(n_experts, 2))
    logits = (X - X.mean(axis=0)) / X.std(axis=0) @ slopes.T
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    labels[:n_experts] = np.arange(n_experts)
    return X, labels


@pytest.mark.parametrize("n_experts", [2, 3])
@pytest.mark.parametrize("alpha", [0.01, 3.0])
def test_hard_labels_are_logistic_regression(rng, n_experts, alpha):
    X, labels = make_labels(rng, n_experts)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    gate = SoftmaxGate(alpha=alpha)
    gate.fit(X, np.eye(n_experts)[labels], sample_weight=weights)

    mean = np.average(X, axis=0, weights=weights)
    std = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    # Two experts have two vectors v / 2 and -v / 2, scikit-learn has one v.
    C = 2 / alpha if n_experts == 2 else 1 / alpha
    reference = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-9)
    reference.fit((X - mean) / std, labels, sample_weight=weights)
    expected = reference.predict_proba((X - mean) / std)
    np.testing.assert_allclose(gate.predict_proba(X), expected, atol=1e-7)
    slopes = reference.coef_
    if n_experts == 2:
        slopes = np.vstack([-slopes, slopes]) / 2
    np.testing.assert_allclose(gate.coef_ * std, slopes, atol=1e-6)


def test_predictions_follow_from_the_coefficients(rng):
    X, shares = make_soft(rng)
    gate = SoftmaxGate(alpha=0.5).fit(X, shares)
    odds = np.exp(X @ gate.coef_.T + gate.intercept_)
    proba = odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gate.predict_proba(X), proba)
    np.testing.assert_allclose(gate.predict_log_proba(X), np.log(proba), atol=1e-12)
    np.testing.assert_array_equal(
        gate.predict_joint_log_proba(X), gate.predict_log_proba(X)
    )
    np.testing.assert_allclose(gate.coef_.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(gate.intercept_.sum(), 0, atol=1e-10)
    penalty = 0.5 * 0.5 * np.sum((gate.coef_ * X.std(axis=0)) ** 2)
    assert gate.penalty_ == pytest.approx(penalty)
    assert gate.n_parameters_ == 2 * 3
    assert gate.n_features_in_ == 2


def test_moments_match_without_penalty(rng):
    """The score equations of the likelihood, with soft targets and weights."""
    X, shares = make_soft(rng)
    weights = rng.uniform(0.1, 3.0, size=len(X))
    gate = SoftmaxGate(alpha=0).fit(X, shares, sample_weight=weights)
    excess = weights[:, None] * (gate.predict_proba(X) - shares)
    np.testing.assert_allclose(excess.sum(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(X.T @ excess, 0, atol=1e-4)
    assert gate.penalty_ == 0


@pytest.mark.parametrize("scale", [1e-6, -3.0, 1e12])
def test_units_are_only_units(rng, scale):
    X, shares = make_soft(rng)
    units, shift = np.array([scale, 1.0]), np.array([5 * scale, -7.0])
    gate = SoftmaxGate(alpha=1.0).fit(X, shares)
    other = SoftmaxGate(alpha=1.0).fit(X * units + shift, shares)
    np.testing.assert_allclose(
        other.predict_proba(X * units + shift), gate.predict_proba(X), atol=1e-6
    )
    np.testing.assert_allclose(other.coef_ * units, gate.coef_, atol=1e-5)
    assert other.penalty_ == pytest.approx(gate.penalty_, rel=1e-4)


@pytest.mark.parametrize("alpha", [0, 1.0])
def test_weights_are_repeated_rows(rng, alpha):
    X, shares = make_soft(rng)
    counts = rng.integers(0, 4, size=len(X))
    weighted = SoftmaxGate(alpha=alpha).fit(X, shares, sample_weight=counts)
    repeated = SoftmaxGate(alpha=alpha)
    repeated.fit(np.repeat(X, counts, axis=0), np.repeat(shares, counts, axis=0))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-5)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_equals_dense(rng, container):
    X, shares = make_soft(rng)
    X[rng.uniform(size=X.shape) < 0.6] = 0.0
    dense = SoftmaxGate(alpha=1.0).fit(X, shares)
    other = SoftmaxGate(alpha=1.0).fit(container(X), shares)
    np.testing.assert_allclose(other.coef_, dense.coef_, atol=1e-6)
    np.testing.assert_allclose(
        other.predict_proba(container(X)), dense.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("n_experts", [2, 3])
def test_complete_separation(rng, n_experts):
    X = np.repeat(np.arange(n_experts) * 10.0, 20)[:, None]
    X = X + rng.uniform(size=X.shape)
    shares = np.repeat(np.eye(n_experts), 20, axis=0)

    gate = SoftmaxGate().fit(X, shares)
    assert np.abs(gate.coef_).max() < 100
    assert (gate.predict_proba(X).argmax(axis=1) == shares.argmax(axis=1)).all()

    gate = SoftmaxGate(alpha=0)
    with pytest.warns(ConvergenceWarning, match="Use alpha > 0"):
        gate.fit(X, shares)
    assert np.isfinite(gate.coef_).all()
    assert np.isfinite(gate.predict_log_proba(X)).all()
    np.testing.assert_allclose(gate.predict_proba(X), shares, atol=1e-5)


def test_no_warning_where_the_regions_overlap(rng):
    X, labels = make_labels(rng, 2)
    labels[X[:, 0].argmax()] = labels[X[:, 0].argmin()] = 1
    SoftmaxGate(alpha=0).fit(X, np.eye(2)[labels] * 0.98 + 0.01)


def test_a_second_fit_starts_from_the_first(rng):
    X, labels = make_labels(rng, 3)
    shares = np.eye(3)[labels]
    gate = SoftmaxGate().fit(X, shares)
    cold, coef = gate.n_iter_, gate.coef_.copy()
    assert gate.fit(X, shares).n_iter_ <= 2 < cold
    np.testing.assert_allclose(gate.coef_, coef, rtol=1e-6, atol=1e-9)

    # Another number of experts, or a clone, starts anew.
    other = gate.fit(X, np.eye(4)[labels] * 0.9 + 0.025)
    assert other.coef_.shape == (4, 2)
    assert not hasattr(clone(gate), "coef_")


@pytest.mark.parametrize("alpha", [0, 1e-4, 1e-2])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_decided_state_is_no_trap(rng, alpha):
    X = rng.normal(size=(120, 2))
    separated = np.eye(3)[(X @ rng.normal(size=(2, 3))).argmax(axis=1)]
    shares = rng.dirichlet(np.ones(3), size=120)
    cold = SoftmaxGate(alpha=alpha).fit(X, shares)
    warm = SoftmaxGate(alpha=alpha).fit(X, separated).fit(X, shares)
    np.testing.assert_allclose(
        warm.predict_log_proba(X), cold.predict_log_proba(X), atol=1e-5
    )


def test_one_expert_answers_all(rng):
    X = rng.normal(size=(20, 2))
    gate = SoftmaxGate().fit(X, np.ones((20, 1)))
    np.testing.assert_array_equal(gate.predict_proba(X), 1)
    assert gate.n_parameters_ == 0


def test_an_expert_without_rows_stays_finite(rng):
    X, shares = make_soft(rng)
    shares[:, 2] = 0.0
    gate = SoftmaxGate().fit(X, shares)
    assert np.isfinite(gate.coef_).all()
    proba = gate.predict_proba(X)
    assert proba[:, 2].max() < 1e-6
    pair = SoftmaxGate().fit(X, shares[:, :2]).predict_proba(X)
    mass = shares.sum(axis=1, keepdims=True)
    assert mass.min() > 0
    np.testing.assert_allclose(proba[:, :2], pair, atol=2e-3)


def test_feature_names(rng):
    pandas = pytest.importorskip("pandas")
    X, shares = make_soft(rng)
    gate = SoftmaxGate().fit(pandas.DataFrame(X, columns=["a", "b"]), shares)
    assert list(gate.feature_names_in_) == ["a", "b"]


def test_errors():
    X = np.arange(6.0).reshape(3, 2)
    shares = np.full((3, 2), 0.5)
    gate = SoftmaxGate()
    with pytest.raises(NotFittedError):
        gate.predict_proba(X)
    with pytest.raises(ValueError, match="responsibilities has negative"):
        gate.fit(X, shares - 0.6)
    with pytest.raises(ValueError, match="responsibilities has 2 rows, X has 3"):
        gate.fit(X, shares[:2])
    with pytest.raises(ValueError, match="responsibilities contains NaN"):
        gate.fit(X, np.where(np.eye(3, 2) > 0, np.nan, shares))
    with pytest.raises(ValueError, match="contains NaN"):
        gate.fit(np.where(X == 0, np.nan, X), shares)
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        gate.fit(X, shares, sample_weight=[1.0, 2.0])
    with pytest.raises(InvalidParameterError, match="alpha"):
        SoftmaxGate(alpha=-1).fit(X, shares)
    gate.fit(X, shares)
    with pytest.raises(ValueError, match="expecting 2 features"):
        gate.predict_proba(X[:, :1])
