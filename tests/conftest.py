"""Data that many tests share. Any seed must pass: pytest-randomly changes it."""

import numpy as np
import pytest


@pytest.fixture(params=[0, 1])
def rng(request):
    """A generator whose seed is part of the test's name."""
    return np.random.default_rng(request.param)


@pytest.fixture
def two_regimes(rng):
    """A hinge in the first of two columns, with another noise on each side."""
    X = rng.uniform(-2, 2, size=(240, 2))
    right = X[:, 0] > 0
    y = np.where(right, 3 * X[:, 0] + 1, -2 * X[:, 0] + X[:, 1])
    y += np.where(right, 0.2, 0.4) * rng.standard_normal(240)
    return X, y


@pytest.fixture
def checkerboard(rng):
    """Three classes, whose linear boundaries turn over in the middle."""
    X = rng.uniform(-2, 2, size=(300, 2))
    score = np.where(X[:, 0] > 0, X[:, 1], -X[:, 1]) + 0.3 * rng.standard_normal(300)
    return X, np.array(["low", "mid", "top"])[np.digitize(score, [-0.7, 0.7])]


@pytest.fixture
def two_noises(rng):
    """Draws rows of one curve, whose noise is ten times as large on the right."""

    def draw(n=600):
        X = rng.uniform(-2, 2, size=(n, 2))
        noise = np.where(X[:, 0] > 0, 1.0, 0.1)
        return X, np.sin(3 * X[:, 1]) + noise * rng.standard_normal(n)

    return draw
