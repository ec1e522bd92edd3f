"""The Gaussian gate: densities by scipy, moments by hand, an equal mixture."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._running import StepSize
from skmoe.gates import GaussianGate, check_gate, joint_log_proba

TYPES = ["full", "tied", "diag", "spherical"]


def draw(rng, n=80, n_experts=3):
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + [0.0, 5.0, -100.0]
    return X, rng.dirichlet(np.full(n_experts, 0.5), size=n), rng.uniform(0.2, 2, size=n)


def weighted_moments(X, weights):
    mean = weights @ X / weights.sum()
    return mean, (X - mean).T @ ((X - mean) * weights[:, None]) / weights.sum()


def expected_covariances(X, shares, weights, kind, prior):
    """Of each expert, in the user's units, by the formulas of the docstring."""
    overall = weighted_moments(X, weights)[1]
    masses = weights @ shares
    own = np.array([weighted_moments(X, weights * r)[1] for r in shares.T])
    if kind in ("diag", "spherical"):
        overall = np.diag(np.diag(overall))
        own = np.array([np.diag(np.diag(c)) for c in own])
    if kind == "spherical":
        means = [np.mean(np.diag(c) / np.diag(overall)) for c in own]
        own = np.array([mean * overall for mean in means])
    pulled = masses[:, None, None] * own + prior * overall
    if kind == "tied":
        pulled = pulled.sum(axis=0) / (masses.sum() + len(masses) * prior)
        return np.broadcast_to(pulled, own.shape)
    return pulled / (masses + prior)[:, None, None]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_moments_and_densities_by_hand(rng, kind, prior):
    X, shares, weights = draw(rng)
    gate = GaussianGate(kind, reg_covar=prior).fit(X, shares, weights)
    covariances = expected_covariances(X, shares, weights, kind, prior)
    means = np.array([weighted_moments(X, weights * r)[0] for r in shares.T])
    np.testing.assert_allclose(gate.means_, means)
    shown = gate.covariances_
    if kind == "tied":
        shown = np.broadcast_to(shown, covariances.shape)
    if shown.ndim == 2:
        shown = np.array([np.diag(c) for c in shown])
    np.testing.assert_allclose(shown, covariances, rtol=1e-6, atol=1e-9)
    priors = weights @ shares / weights.sum()
    log_joint = np.column_stack(
        [
            np.log(p) + multivariate_normal(m, c).logpdf(X)
            for p, m, c in zip(priors, means, covariances, strict=True)
        ]
    )
    np.testing.assert_allclose(gate.predict_joint_log_proba(X), log_joint, rtol=1e-6)
    total = np.exp(log_joint).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        gate.predict_proba(X), np.exp(log_joint) / total, rtol=1e-5
    )
    free = {"full": 18, "tied": 6, "diag": 9, "spherical": 3}[kind]
    assert gate.n_parameters_ == 2 + 9 + free


@pytest.mark.parametrize("kind", TYPES)
def test_no_other_covariance_has_a_higher_objective(rng, kind):
    X, shares, weights = draw(rng)
    gate = GaussianGate(kind, reg_covar=3.0).fit(X, shares, weights)
    bound = gate.bind(X, weights)

    def objective():
        log_joint = bound.joint_log_proba(gate)
        return np.sum(weights[:, None] * shares * log_joint) - gate.penalty_

    best, fitted = objective(), gate._state["covariances"]
    for _ in range(5):
        factor = 1 + 0.02 * rng.normal()
        gate._state["covariances"] = factor * fitted
        gate.penalty_ = gate._shape.penalty(factor * fitted, 3.0)
        assert objective() < best


@pytest.mark.parametrize("kind", TYPES)
def test_units_weights_and_order_change_nothing(rng, kind):
    X, shares, _ = draw(rng)
    counts = rng.integers(0, 3, size=len(X))
    shift, scale = rng.normal(size=3), np.array([1e-4, 1.0, 1e5])
    gate = GaussianGate(kind).fit(X, shares, counts)
    order = rng.permutation(np.repeat(np.arange(len(X)), counts))
    other = GaussianGate(kind).fit((X * scale + shift)[order], shares[order])
    moved = other.predict_joint_log_proba(X * scale + shift) + np.log(scale).sum()
    np.testing.assert_allclose(moved, gate.predict_joint_log_proba(X), atol=1e-6)
    assert other.penalty_ == pytest.approx(gate.penalty_)


@pytest.mark.parametrize("kind", TYPES)
def test_directions_without_variation_are_left_out(rng, kind):
    X, shares, _ = draw(rng)
    alone = GaussianGate(kind).fit(X, shares)
    wide = np.column_stack([X, np.full(len(X), 7.0)])
    np.testing.assert_allclose(
        GaussianGate(kind).fit(wide, shares).predict_joint_log_proba(wide),
        alone.predict_joint_log_proba(X),
        atol=1e-9,
    )
    if alone._shape.rotates:
        doubled = np.column_stack([X, X[:, 0] - X[:, 1]])
        gate = GaussianGate(kind).fit(doubled, shares)
        np.testing.assert_allclose(
            gate.predict_proba(doubled), alone.predict_proba(X), atol=1e-7
        )
        assert gate.n_parameters_ == alone.n_parameters_
    nothing = GaussianGate(kind).fit(np.ones((4, 2)), [[0.7, 0.3]] * 4)
    np.testing.assert_allclose(nothing.predict_proba([[1.0, 1.0]]), [[0.7, 0.3]])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_experts_with_few_rows_or_none_stay_finite(rng, kind, prior):
    X, _, _ = draw(rng)
    shares = np.zeros((len(X), 3))
    shares[:, 0] = 1.0
    shares[0] = [0.0, 1.0, 0.0]
    gate = GaussianGate(kind, reg_covar=prior).fit(X, shares)
    assert np.isfinite(gate.predict_joint_log_proba(X)).all()
    assert np.isfinite(gate.penalty_)
    proba = gate.with_least_share([2], X, 0.2).predict_proba(X)
    assert proba[:, 2].mean() > 0.01


def test_it_is_a_gaussian_mixture_of_x_and_y(rng):
    """With linear experts and full covariances, whose joint density is Gaussian, too."""
    X = np.vstack([rng.normal(size=(150, 2)), rng.normal(3, 0.5, size=(150, 2))])
    y = np.r_[X[:150] @ [1.0, 2.0], X[150:] @ [-1.0, 1.0]] + 0.3 * rng.normal(size=300)
    joint = np.column_stack([X, y])
    reference = GaussianMixture(
        2, tol=1e-10, max_iter=500, reg_covar=1e-9, random_state=0
    )
    reference.fit(joint)
    model = MixtureOfExpertsRegressor(
        n_experts=2,
        gate=GaussianGate(reg_covar=0.0),
        init=reference.predict_proba(joint),
        tol=1e-9,
        random_state=0,
    ).fit(X, y)
    both = model.score_samples(X, y) + model.score_samples(X)
    assert both.mean() == pytest.approx(reference.score(joint), abs=1e-6)
    assert model.lower_bound_ == pytest.approx(both.mean(), abs=1e-9)
    assert np.diff(model.lower_bounds_).min() >= 0
    # Parameters: the mixture of Gaussians has as many.
    assert model.bic(X, y) == pytest.approx(reference.bic(joint), abs=1e-2)
    assert model.aic(X, y) == pytest.approx(reference.aic(joint), abs=1e-2)
    resp = model.responsibilities(X, y)
    matched = [np.abs(resp - reference.predict_proba(joint)[:, o]).max()
               for o in ([0, 1], [1, 0])]  # fmt: skip
    assert min(matched) < 1e-3


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em", "gradient"])
def test_every_solver_and_routing(two_regimes, solver):
    X, y = two_regimes
    routed = {"top_k": 1}
    for params in ({}, routed):
        params = {"n_experts": 2, "random_state": 0, "gate": "gaussian", **params}
        model = MixtureOfExpertsRegressor(solver=solver, max_iter=300, **params)
        score = model.fit(X, y).score_samples(X, y).mean()
        assert score > MixtureOfExpertsRegressor(n_experts=1).fit(X, y).score_samples(
            X, y
        ).mean()  # fmt: skip


def test_rows_unlike_all_others_are_told(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, gate="gaussian", random_state=0)
    model.fit(X, y)
    assert (
        model.score_samples(np.array([[20.0, 20.0]])) < model.score_samples(X).min() - 5
    )


def test_classifier(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, gate="gaussian", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.75


@pytest.mark.parametrize("kind", TYPES)
def test_batches(rng, kind):
    X, shares, weights = draw(rng, n=400)
    whole = GaussianGate(kind).fit(X, shares, weights)
    once = GaussianGate(kind).partial_fit(
        X, shares, weights, step=StepSize(weights.sum(), 1.0, weights.sum())
    )
    np.testing.assert_allclose(once.predict_proba(X), whole.predict_proba(X), atol=1e-9)
    # Going on from a fit with its own rows leads nowhere, but for the pull.
    after = GaussianGate(kind, reg_covar=0.0).fit(X, shares, weights)
    before = after.predict_proba(X)
    after.partial_fit(X, shares, weights)
    np.testing.assert_allclose(after.predict_proba(X), before, atol=1e-6)
    stream = GaussianGate(kind)
    for part in np.split(np.arange(400), 8):
        stream.partial_fit(X[part], shares[part], weights[part])
    assert np.abs(stream.weights_ - whole.weights_).max() < 0.1
    assert stream.n_samples_seen_ == pytest.approx(weights.sum())
    with pytest.raises(ValueError, match="4 columns, but the gate knows 3 experts"):
        stream.partial_fit(X, np.full((400, 4), 0.25))


def test_a_stream_of_rows(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, gate="gaussian", random_state=0)
    for _ in range(3):
        for part in np.split(np.arange(240), 4):
            model.partial_fit(X[part], y[part])
    assert model.score(X, y) > 0.9


def test_pipelines_names_and_strings(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["a", "b"])
    gate = make_pipeline(StandardScaler(), GaussianGate("diag"))
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, random_state=0)
    model.fit(frame, y)
    log_joint = joint_log_proba(model.gate_, frame)
    np.testing.assert_allclose(
        model.score_samples(frame), np.log(np.exp(log_joint).sum(axis=1))
    )
    assert list(GaussianGate().fit(frame, [[0.5, 0.5]] * 240).feature_names_in_) == [
        "a",
        "b",
    ]
    assert isinstance(check_gate("gaussian", np.random.RandomState(0)), GaussianGate)


def test_warm_start_goes_on(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate="gaussian", warm_start=True, random_state=0
    )
    first = model.fit(X, y).lower_bound_
    assert model.fit(X, y).lower_bound_ >= first - 1e-12
    assert model.fit(X[:200], y[:200]).score(X, y) > 0.9


def test_bad_input(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(LinearRegression(), gate="gaussian", random_state=0)
    with pytest.raises(TypeError, match="X is sparse, and densities of its rows are not"):
        model.fit(csr_matrix(X), y)
    with pytest.raises(ValueError, match="covariance_type"):
        GaussianGate("round").fit(X, np.full((240, 2), 0.5))
    X = X.copy()
    X[3, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        GaussianGate().fit(X, np.full((240, 2), 0.5))
