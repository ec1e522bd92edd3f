"""One iteration in which rows are sent to experts, against one in which all are asked."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skmoe._routes import Routes
from skmoe.experts import make_regressor_pool
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.likelihoods import (
    GaussianLikelihood,
    LaplaceLikelihood,
    StudentTLikelihood,
)
from skmoe.training import Parts, Router, RowSummary, TrainingData, route
from skmoe.training._draws import RowDraws, noise
from skmoe.training._em import hard_step, soft_step
from skmoe.training._revival import revived_pairs
from skmoe.training._routed import Given, RoutedTrainer

LIKELIHOODS = [
    GaussianLikelihood(),
    GaussianLikelihood(dispersion="tied"),
    GaussianLikelihood(dispersion=LinearRegression()),
    LaplaceLikelihood(),
    StudentTLikelihood(df=5),
]


def make(rng, expert, likelihood, gate, n_experts=4):
    X = rng.standard_normal((200, 3))
    y = np.where(X[:, 0] > 0, X[:, 1], -X[:, 1]) + 0.3 * rng.standard_normal(200)
    weights = rng.uniform(0.5, 2.0, size=200)
    data = TrainingData(X, y, weights)
    data.bind(gate)
    experts = [(f"expert{k}", expert) for k in range(n_experts)]
    pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    router = Router(n_experts, n_experts)
    return Parts(gate, pool, likelihood, router=router), data


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
@pytest.mark.parametrize(
    "expert", [LinearRegression(), Ridge(), DecisionTreeRegressor(max_depth=2)], ids=str
)
@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()], ids=str)
def test_routed_to_all_is_dense(rng, expert, likelihood, gate):
    parts, data = make(rng, expert, likelihood, gate)
    responsibilities = rng.dirichlet(np.ones(4), size=200)
    trainer = RoutedTrainer(parts, data, rng.uniform(size=200), soft_step)
    given = Given.of_table(responsibilities, 4)
    step = trainer.step(None, given, 1, 4, 0.0)
    dense, _ = parts.maximise(data, responsibilities, 1)
    side, routes = step.sides[0], step.routing.routes
    dense.dispersion = step.dispersion
    # The sums run in another order, and a tree's split may be a matter of rounding.
    assert np.allclose(side.gate.predict_proba(data.X), dense.gate.predict_proba(data.X))
    assert np.allclose(side.pool.predict(data.X), dense.pool.predict(data.X))
    assert np.allclose(routes.spread(step.log_joint), dense.log_joint(data))
    log_likelihood, shares = step.log_likelihood, routes.spread(step.shares)
    peak = dense.log_joint(data).max(axis=1, keepdims=True)
    joint = np.exp(dense.log_joint(data) - peak)
    assert np.allclose(shares, joint / joint.sum(axis=1, keepdims=True))
    objective = data.weights @ log_likelihood - dense.penalty
    assert np.isclose(step.bound, objective / data.total)


def test_hard_shares_are_zero_or_one(rng):
    parts, data = make(rng, Ridge(), GaussianLikelihood(), SoftmaxGate())
    trainer = RoutedTrainer(parts, data, rng.uniform(size=200), hard_step)
    given = Given.of_table(rng.dirichlet(np.ones(4), size=200), 4)
    step = trainer.step(None, given, 1, 2, 0.0)
    assert set(np.unique(step.shares)) == {0.0, 1.0}
    assert np.array_equal(step.shares.sum(axis=1), np.ones(200))


def test_route_by_brute_force(rng):
    X, bias = rng.standard_normal((500, 3)), rng.standard_normal(20)
    gate = SoftmaxGate().fit(X, rng.dirichlet(np.ones(20), size=500))
    proba = gate.predict_proba(X)
    routing = route(gate, X, 20, 3, bias)
    for row in range(0, 500, 50):
        chosen = np.argsort(-(np.log(proba[row]) + bias))[:3]
        assert routing.routes.experts[row].tolist() == chosen.tolist()
        own = proba[row, chosen]
        assert np.allclose(np.exp(routing.log_gate[row]), own / own.sum())
    jitter = noise(rng.uniform(size=500), 20, 5.0)
    noisy = route(gate, X, 20, 3, None, jitter)
    assert (noisy.routes.experts != route(gate, X, 20, 3).routes.experts).any()


def test_closed_experts_get_no_rows_and_no_row_an_expert_twice(rng):
    X = rng.standard_normal((100, 3))
    gate = SoftmaxGate().fit(X, rng.dirichlet(np.ones(20), size=100))
    router = Router(20, 2).without(range(15))
    routes = router.route(gate, X, np.ones(100), rng.uniform(size=100), 8).routes
    assert [sorted(row) for row in routes.experts.tolist()] == [
        [15, 16, 17, 18, 19]
    ] * 100
    assert len(router.without(range(20)).open) == 2


def test_noise_is_even_and_depends_on_the_key(rng):
    keys = rng.uniform(size=2000)
    values = noise(keys, 5, 2.0)(slice(None))
    assert np.allclose(values.std(axis=0), 2.0, rtol=0.05)
    assert np.allclose(values.mean(axis=0), 0.0, atol=0.2)
    assert np.abs(np.corrcoef(values.T) - np.eye(5)).max() < 0.1
    assert np.array_equal(noise(keys, 5, 2.0)(np.array([7, 3])), values[[7, 3]])


def test_given_to_other_routes(rng):
    given = Given(Routes(np.array([[0, 1], [2, 1]]), 3), np.array([[0.8, 0.2], [1, 0]]))
    other = given.within(Routes(np.array([[1, 2], [2, 0]]), 3))
    assert np.allclose(other.shares, [[1, 0], [1, 0]], atol=1e-4)
    without = given.without({0})
    assert np.allclose(without.shares, [[0, 1], [1, 0]])
    assert np.allclose(given.without({2}).shares[1], 0.0)
    assert given.without(set()) is given


def test_drawn_rows_keep_their_weight(rng):
    X = rng.standard_normal((400, 2))
    weights = np.ones(400)
    draws = RowDraws(RowSummary(X, X[:, :1], weights))
    experts = np.array([rng.permutation(5)[:2] for _ in range(400)])
    given = Given(Routes(experts, 5), rng.dirichlet([1, 1], size=400))
    drawn = given.drawn(draws, weights, np.random.RandomState(0))
    assert np.allclose(drawn.shares, np.round(drawn.shares))
    for k in range(5):
        own = experts == k
        assert abs(drawn.shares[own].sum() - given.shares[own].sum()) <= 1.0


def test_revival_gives_the_worst_rows(rng):
    _, data = make(rng, Ridge(), GaussianLikelihood(), SoftmaxGate())
    experts = np.tile([0, 1], (200, 1))
    given = Given(Routes(experts, 4), np.tile([0.7, 0.3], (200, 1)))
    log_joint = rng.standard_normal((200, 2))
    routes, shares = revived_pairs(given, log_joint, {2, 3}, data)
    worst = log_joint.max(axis=1)
    for expert in (2, 3):
        own = (routes.experts == expert).any(axis=1)
        mass = data.weights[own].sum() / data.total
        assert abs(mass - 0.5 / 4) < 0.03
        assert np.all(shares[routes.experts == expert] > 0.8)
        assert worst[own].max() < np.quantile(worst, 0.4)
    assert np.allclose(shares.sum(axis=1), 1.0)
