"""Polynomials and splines before a softmax gate: borders that are not straight."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import GaussianGate, HierarchicalGate, SoftmaxGate

CURVED = [
    make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2, include_bias=False),
        SoftmaxGate(alpha=1.0),
    ),
    make_pipeline(SplineTransformer(5), SoftmaxGate(alpha=1.0)),
    make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2, include_bias=False),
        HierarchicalGate((2,), alpha=1.0),
    ),
]


@pytest.fixture
def parabola(rng):
    """Two regimes on both sides of a parabola, of which both lines see the border."""
    X = rng.uniform(-2, 2, size=(1200, 2))
    above = X[:, 1] > 1 - X[:, 0] ** 2
    y = np.where(above, 2 + X[:, 0], -2 - X[:, 0]) + rng.standard_normal(1200)
    return X, y, above


def fitted(gate, X, y):
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, tol=1e-5, random_state=0)
    return model.fit(X, y)


@pytest.mark.parametrize("gate", CURVED, ids=["polynomial", "splines", "tree"])
def test_a_curved_border_is_found(parabola, gate):
    X, y, above = parabola
    known, new = slice(0, 600), slice(600, None)
    straight = fitted("softmax", X[known], y[known])
    curved = fitted(gate, X[known], y[known])
    gain = curved.score_samples(X[new], y[new]) - straight.score_samples(X[new], y[new])
    assert gain.mean() > 0.08
    assert share_on_own_side(curved, X, above) > 0.9
    assert share_on_own_side(straight, X, above) < 0.86


def share_on_own_side(model, X, above):
    """How many rows are given to the expert of their side, whichever number it has."""
    share = np.mean(model.predict_gate_proba(X).argmax(axis=1) == above)
    return max(share, 1 - share)


def test_a_gaussian_gate_finds_an_island(rng):
    """Its borders are curved by themselves, where spreads differ."""
    inner = 0.5 * rng.standard_normal((600, 2))
    outer = 3.0 * rng.standard_normal((600, 2))
    X = np.concatenate([inner, outer])
    y = np.repeat([3.0, -3.0], 600) + X[:, 0] + rng.standard_normal(1200)
    order = rng.permutation(1200)
    X, y = X[order], y[order]
    gain = (
        fitted(GaussianGate(), X[:600], y[:600]).score_samples(X[600:], y[600:]).mean()
        - fitted("softmax", X[:600], y[:600]).score_samples(X[600:], y[600:]).mean()
    )
    assert gain > 0.1
