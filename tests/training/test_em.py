"""The loop of E- and M-steps, seen from within."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from skmoe.experts import make_regressor_pool
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import Parts, Result, TrainingData
from skmoe.training._em import expectation_maximisation, hard_step, soft_step
from skmoe.training._revival import lost_experts, revive


def train(X, y, responsibilities, template, *, e_step=soft_step, accelerate=True, n=40):
    """The result, and (best objective, gain on the current one) of each iteration."""
    n_experts = responsibilities.shape[1]
    experts = [(f"expert{k}", template) for k in range(n_experts)]
    pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    data = TrainingData(X, y, np.ones(len(y)))
    gate = SoftmaxGate()
    data.bind(gate)
    start = Result(Parts(gate, pool, GaussianLikelihood()), responsibilities)
    history = []
    result = expectation_maximisation(
        start,
        data,
        e_step=e_step,
        accelerate=accelerate,
        max_iter=n,
        tol=1e-8,
        on_iteration=lambda _, bound, gain, so_far: history.append((bound, gain)),
    )
    return result, np.array(history)


@pytest.fixture
def overlapping(rng):
    """Regimes that overlap, and shares that say nothing."""
    X = rng.normal(size=(200, 2))
    left = rng.uniform(size=200) < 1 / (1 + np.exp(-2 * X[:, 0]))
    y = np.where(left, X[:, 0] + X[:, 1], -X[:, 0]) + 0.5 * rng.normal(size=200)
    return X, y, rng.dirichlet(np.ones(3), size=200)


@pytest.mark.parametrize("e_step", [soft_step, hard_step])
def test_a_step_of_em_raises_the_objective(overlapping, e_step):
    """Of itself: without acceleration there is nothing to take back."""
    _, history = train(*overlapping, LinearRegression(), e_step=e_step, accelerate=False)
    assert len(history) > 3
    assert np.all(history[:, 1] >= -1e-9)


@pytest.mark.parametrize(
    "template", [LinearRegression(), DecisionTreeRegressor(max_depth=3)]
)
def test_training_goes_on_from_the_best_alone(overlapping, template):
    """A gain is one on the best objective; what fell is taken back."""
    _, history = train(*overlapping, template)
    bounds, gains = history.T
    rise = np.where(gains[1:] > 0, gains[1:], 0.0)
    np.testing.assert_allclose(np.diff(bounds), rise, atol=1e-10)


def test_there_are_falls_to_take_back():
    """Or the test above would hold for nothing."""
    falls = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        y = np.where(rng.uniform(size=200) < 0.5, X[:, 0], -X[:, 0]) + rng.normal(
            size=200
        )
        _, history = train(X, y, rng.dirichlet(np.ones(3), size=200), LinearRegression())
        falls += np.sum(history[:, 1] < 0)
    assert falls > 0


def test_acceleration_needs_fewer_iterations(overlapping):
    slow, plain = train(*overlapping, LinearRegression(), accelerate=False, n=2000)
    fast, accelerated = train(*overlapping, LinearRegression(), n=2000)
    assert fast.converged
    assert slow.converged
    assert len(accelerated) < len(plain)


def test_a_lost_expert_gets_the_rows_that_nobody_explains():
    resp = np.tile([0.5, 0.5, 0.0], (60, 1))
    data = TrainingData(np.zeros((60, 1)), np.zeros(60), np.ones(60))
    log_joint = np.zeros((60, 3))
    log_joint[:7] = -100.0
    assert lost_experts(resp.mean(axis=0)) == {2}
    revived = revive(resp, log_joint, {2}, data)
    np.testing.assert_allclose(revived.sum(axis=1), 1.0)
    assert np.all(revived[:7, 2] > 0.8)
    # Half an even share: a sixth of the rows.
    assert np.sum(revived[:, 2] > 0.8) == pytest.approx(10, abs=1)
    assert lost_experts(revived.mean(axis=0)) == set()


def test_a_lost_expert_comes_back(rng):
    """Two lines cross; one expert has both of them to begin with."""
    X = rng.uniform(-1, 1, size=(300, 1))
    y = np.where(X[:, 0] > 0, 2.0, -3.0) * X[:, 0] + 0.05 * rng.normal(size=300)
    share = np.column_stack([np.full(300, 1 - 1e-6), np.full(300, 1e-6)])
    result, _ = train(X, y, share, LinearRegression(), n=200)
    assert result.lost == ()
    assert result.parts.dispersion.max() < 0.01
