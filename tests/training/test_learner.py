"""One step on a batch, against the mixture's log-likelihood and its derivatives."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import logsumexp
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor

import skmoe._softmax_steps as softmax_steps
from skmoe.experts import (
    _glm,
    _least_squares,
    make_incremental_classifier_pool,
    make_incremental_regressor_pool,
)
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.likelihoods import (
    CategoricalLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    PoissonLikelihood,
    StudentTLikelihood,
)
from skmoe.training import Batch, Learner, Pace, Parts, Router
from skmoe.training import _learner as module

KINDS = {
    "gaussian": (LinearRegression(), GaussianLikelihood()),
    "poisson": (PoissonRegressor(alpha=0.0), PoissonLikelihood()),
    "classes": (LogisticRegression(C=1e12), CategoricalLikelihood()),
}


def make_batch(rng, kind="gaussian", n_samples=200):
    X = rng.standard_normal((n_samples, 2))
    y = np.where(X[:, 0] > 0, X[:, 1], -X[:, 1]) + 0.5 * rng.standard_normal(n_samples)
    if kind == "poisson":
        y = rng.poisson(np.exp(0.5 * y)).astype(float)
    if kind == "classes":
        y = np.digitize(y, [-0.5, 0.5])
    return Batch(X, y, rng.uniform(0.5, 2.0, size=n_samples))


def make_learner(batch, kind="gaussian", n_experts=3, gate=None, seed=0, **options):
    expert, likelihood = KINDS[kind]
    likelihood = options.pop("likelihood", likelihood)
    experts = [(f"e{k}", expert) for k in range(n_experts)]
    state = np.random.RandomState(seed)
    common = {"random_state": state, "n_jobs": None}
    if kind == "classes":
        pool = make_incremental_classifier_pool(experts, batch.X, np.arange(3), **common)
    else:
        pool = make_incremental_regressor_pool(experts, batch.X, batch.target, **common)
    parts = Parts(gate or SoftmaxGate(alpha=0.0), pool, likelihood, **options)
    return Learner(parts, Pace(), state).forgotten


def begun(rng, batch, kind="gaussian", n_experts=3, **options):
    learner = make_learner(batch, kind, n_experts, **options)
    given = rng.dirichlet(np.ones(n_experts), size=len(batch))
    if learner.parts.router is not None:
        return learner.begin(batch, module.Given.of_table(given, 2))
    return learner.begin(batch, given)


def experts_log_prob(learner, batch):
    """log g_k(x) and log f_k(y | x), each (n_samples, n_experts)."""
    parts = learner.parts
    answer = parts.pool.predict(batch.X)
    log_prob = parts.likelihood.log_prob(batch.target, answer, parts.dispersion)
    return parts.gate.predict_log_proba(batch.X), log_prob


def log_likelihood(learner, batch):
    return logsumexp(sum(experts_log_prob(learner, batch)), axis=1)


# The direction of a step


def with_gate(learner, free):
    gate = deepcopy(learner.parts.gate)
    coef = np.vstack([free.reshape(-1, 3), np.zeros(3)])
    gate.intercept_, gate.coef_ = coef[:, 0], coef[:, 1:]
    return replace(learner, parts=replace(learner.parts, gate=gate))


def gate_parameters(learner):
    gate = learner.parts.gate
    coef = np.column_stack([gate.intercept_, gate.coef_])
    return (coef[:-1] - coef[-1]).ravel()


def with_experts(learner, flat):
    pool = deepcopy(learner.parts.pool)
    pool.inner.coef = flat.reshape(pool.inner.coef.shape)
    return replace(learner, parts=replace(learner.parts, pool=pool))


def steepest(gradient, information, rate, n_rows):
    return rate * gradient


@pytest.fixture
def unscaled(monkeypatch):
    """Steps are gradients times the rate."""
    for place in (softmax_steps, _least_squares, _glm):
        monkeypatch.setattr(place, "newton_step", steepest)


def in_units_of_one(learner):
    """The gate's units are those of X, so that its parameters are what is moved."""
    gate = learner.parts.gate
    gate._steps = {"center": np.zeros(2), "scale": np.ones(2), "information": None}
    return learner


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_follows_the_gradient_of_the_log_likelihood(rng, unscaled, kind):
    batch, other = make_batch(rng, kind), make_batch(rng, kind)
    learner = in_units_of_one(begun(rng, batch, kind))
    rate = 1e-4
    moved, values = learner.learn(other, rate=rate)
    assert np.allclose(values, log_likelihood(learner, other))
    cases = [
        (with_gate, gate_parameters(learner), gate_parameters(moved)),
        (with_experts, coefficients(learner), coefficients(moved)),
    ]
    for change, before, after in cases:

        def value(flat, change=change):
            return np.average(
                log_likelihood(change(learner, flat), other), weights=other.weights
            )

        assert np.isclose(value(before), np.average(values, weights=other.weights))
        numeric = approx_fprime(before, value, 1e-6)
        assert np.abs(numeric).max() > 1e-3
        direction = (after - before) / rate
        if kind == "gaussian" and change is with_experts:
            # In units of the experts' variances, which least squares leaves out.
            variances = np.repeat(learner.parts.dispersion, 3)
            direction = direction / variances
        assert np.allclose(direction, numeric, atol=2e-4, rtol=1e-3)


def coefficients(learner):
    return learner.parts.pool.inner.coef.ravel().copy()


@pytest.mark.parametrize("kind", KINDS)
def test_steps_climb(rng, kind):
    batch = make_batch(rng, kind, 400)
    learner = begun(rng, batch, kind)
    values = []
    for _ in range(60):
        learner, own = learner.learn(batch, rate=0.3)
        values.append(np.average(own, weights=batch.weights))
    assert values[-1] > values[0] + 0.02
    assert min(np.diff(values)[5:]) > -2e-3
    assert learner.seen == 0.0


# What a step leaves


@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()], ids=str)
@pytest.mark.parametrize(
    "router", [None, Router(3, 2, "bias"), Router(3, 2, "auxiliary")]
)
def test_a_learner_is_never_changed(rng, gate, router):
    if router is not None and isinstance(gate, ConstantGate):
        gate = SoftmaxGate(z_loss=0.01)
    batch, other = make_batch(rng), make_batch(rng)
    learner = begun(rng, batch, gate=gate, router=router)
    learner, _ = learner.learn(batch)
    known = deepcopy(learner)
    before = learner.score(other)
    moved, _ = learner.learn(other)
    moved.learn(batch)
    for value, earlier in zip(learner.score(other), before, strict=True):
        assert np.array_equal(value, earlier)
    assert not np.allclose(moved.score(other)[0], before[0])
    assert (learner.seen, learner.iteration) == (known.seen, known.iteration)
    assert np.array_equal(learner.load, known.load)
    assert len(learner.residuals.batches) == len(known.residuals.batches)
    information = learner.parts.pool.information
    assert np.array_equal(information, known.parts.pool.information)
    assert not hasattr(gate, "coef_")
    assert router is None or router.balance is None


def test_rows_are_counted(rng):
    first, second = make_batch(rng), make_batch(rng, n_samples=50)
    learner = begun(rng, first)
    for batch in (first, second):
        learner, _ = learner.learn(batch)
    assert np.isclose(learner.seen, first.total + second.total)
    assert learner.iteration == 2
    pace = Pace(10.0, 0.0)
    step = pace.step(first.total, second.total)
    assert np.isclose(step.total, learner.seen)
    assert step.weight == second.total
    assert np.isclose(step.rate, 10 * second.total / (first.total + 10 * second.total))
    assert replace(pace, total=99.0).step(5.0, 1.0).total == 99.0


def test_the_load_is_averaged(rng):
    batch, other = make_batch(rng), make_batch(rng)
    learner = begun(rng, batch)
    gate, prob = experts_log_prob(learner, other)
    joint = np.exp(gate + prob)
    shares = joint / joint.sum(axis=1, keepdims=True)
    own = other.weights @ shares / other.total
    moved, _ = learner.learn(other, rate=0.2)
    assert np.allclose(moved.load, 0.8 * learner.load + 0.2 * own)
    slow, _ = learner.learn(other, rate=1e-6)
    assert np.allclose(slow.load, 0.95 * learner.load + 0.05 * own)
    assert np.allclose(learner.score(other)[1], own)


@pytest.mark.parametrize(
    "likelihood", [GaussianLikelihood(), GaussianLikelihood("tied"), StudentTLikelihood()]
)
def test_dispersions_are_those_of_predictions_before_learning(rng, likelihood):
    batch, other = make_batch(rng), make_batch(rng, n_samples=300)
    learner = begun(rng, batch, likelihood=likelihood)
    answer = learner.parts.pool.predict(other.X)
    joint = sum(experts_log_prob(learner, other))
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    first = learner.residuals.batches[0]
    moved, _ = learner.learn(other)
    y = np.concatenate([first[0], other.target])
    predictions = np.concatenate([first[1], answer])
    weights = np.concatenate([first[2], other.weights[:, None] * shares])
    expected = likelihood.fit_dispersion(y, predictions, weights)
    assert np.allclose(moved.parts.dispersion, expected)


# Likelihoods with weights of their own


@pytest.mark.parametrize("likelihood", [LaplaceLikelihood(), StudentTLikelihood(df=3.0)])
@pytest.mark.parametrize("router", [None, Router(3, 3)])
def test_experts_are_weighted_as_the_likelihood_asks(rng, likelihood, router):
    batch, other = make_batch(rng), make_batch(rng)
    other.target[:5] += 50.0
    learner = begun(rng, batch, likelihood=likelihood, router=router)
    answer, dispersion = learner.parts.pool.predict(other.X), learner.parts.dispersion
    joint = sum(experts_log_prob(learner, other))
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    mass = other.weights[:, None] * shares
    factor = likelihood.expert_weights(other.target, answer, dispersion)
    weights = mass * factor * (mass.sum(axis=0) / (mass * factor).sum(axis=0))
    pool = deepcopy(learner.parts.pool)
    step = module.StepSize(other.total, 0.4, other.total)
    pool.partial_fit(other.X, other.target, weights, step)
    moved, _ = learner.learn(other, rate=0.4)
    assert np.allclose(moved.parts.pool.predict(other.X), pool.predict(other.X))
    plain = deepcopy(learner.parts.pool)
    plain.partial_fit(other.X, other.target, mass, step)
    assert not np.allclose(plain.predict(other.X), pool.predict(other.X), rtol=1e-2)


# Experts without rows


@pytest.mark.parametrize("router", [None, Router(3, 2)])
def test_a_dead_expert_is_given_rows_that_nobody_explains(rng, router):
    batch = make_batch(rng, n_samples=400)
    learner = begun(rng, batch, router=router)
    batch.target[:60] += 8.0
    gate = learner.parts.gate
    gate.intercept_ = gate.intercept_ - [0.0, 0.0, 12.0]
    learner = replace(learner, load=np.array([0.5, 0.499, 0.001]))
    values, load = learner.score(batch)
    assert load[2] < 1e-3
    worst = np.arange(60)  # about a sixth of the rows, which it is given
    assert values[worst].mean() < values.mean() - 10.0

    def errors(of):
        return (batch.target - of.parts.pool.predict(batch.X)[:, 2])[worst] ** 2

    moved, _ = learner.learn(batch, rate=0.05)
    assert errors(moved).mean() < 0.2 * errors(learner).mean()
    assert np.isclose(moved.load[2], 1 / 3)
    # Of what it knew of others' rows, nothing is left.
    information = moved.parts.pool.information
    assert 0 < information[2].max() < 0.1 * information[0].max()
    probability = moved.parts.gate.predict_proba(batch.X)[:, 2].mean()
    assert probability > gate.predict_proba(batch.X)[:, 2].mean()
    alive = replace(learner, load=np.full(3, 1 / 3))
    untouched, _ = alive.learn(batch, rate=0.05)
    assert errors(untouched).mean() > 0.5 * errors(learner).mean()


# Rows that are sent to some experts


def test_a_bias_evens_the_load(rng):
    batch = make_batch(rng, n_samples=1000)
    variation = {}
    for balancing in (None, "bias"):
        state = np.random.default_rng(0)
        learner = begun(state, batch, router=Router(3, 1, balancing), n_experts=3)
        gate = learner.parts.gate
        gate.coef_ = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, -2.0]])
        gate.intercept_ = np.array([1.5, 0.0, -1.5])
        loads = []
        for _ in range(60):
            learner, _ = learner.learn(batch, rate=1e-6)
            loads.append(learner.score(batch)[1])
        variation[balancing] = np.std(loads[-1]) * 3
    assert variation["bias"] < 0.3 < variation[None]
    balance = learner.parts.router.balance
    assert np.isclose(balance.sum(), 0.0)
    assert balance[2] > balance[0]


def test_a_bias_moves_by_the_excess():
    router = Router(4, 1, "bias")
    load = np.array([0.7, 0.1, 0.1, 0.1])
    moved = module._nudged(router, load).balance
    expected = -module._BIAS_STEP * np.array([1.0, -0.6, -0.6, -0.6])
    assert np.allclose(moved, expected - expected.mean())
    again = module._nudged(module._nudged(router, load), load).balance
    assert np.allclose(again, 2 * moved)
    even = np.full(4, 0.25)
    assert module._nudged(router, even) is router
    assert module._nudged(Router(4, 1), load).balance is None


def test_the_auxiliary_loss_reaches_the_gate(rng):
    batch = make_batch(rng, n_samples=1000)
    loads = {}
    for strength in (0.0, 5.0):
        state = np.random.default_rng(1)
        router = Router(3, 1, "auxiliary", auxiliary_strength=strength)
        learner = begun(state, batch, router=router)
        for _ in range(20):
            learner, _ = learner.learn(batch, rate=0.3)
        loads[strength] = learner.parts.gate.predict_proba(batch.X).mean(axis=0)
    assert np.ptp(loads[5.0]) < np.ptp(loads[0.0])


def test_all_slots_ask_all_experts(rng):
    batch, other = make_batch(rng), make_batch(rng)
    one = begun(rng, batch)
    one = one.forgotten
    two = replace(one, parts=replace(one.parts, router=Router(3, 3)))
    assert np.allclose(one.score(other)[0], two.score(other)[0])
    for routed, dense in zip(two.learn(other), one.learn(other), strict=True):
        if isinstance(dense, np.ndarray):
            assert np.allclose(routed, dense)
        else:
            assert np.allclose(routed.score(other)[0], dense.score(other)[0])


def test_n_slots_is_for_the_beginning(rng):
    batch = make_batch(rng)
    learner = begun(rng, batch, router=Router(3, 1))
    wide, _ = learner.learn(batch, n_slots=2)
    assert wide.residuals.batches[-1][3].shape == (200, 2)
    narrow, _ = wide.learn(batch)
    assert [part[3].shape for part in narrow.residuals.batches] == [(200, 1)]


def test_who_was_revived_rests_longer_each_time(rng, monkeypatch):
    batch = make_batch(rng, n_samples=40)
    learner = begun(rng, batch, n_experts=2)
    monkeypatch.setattr(module, "lost_experts", lambda load: {1})
    revived = []
    for iteration in range(1, 400):
        moved, _ = learner.learn(batch)
        if moved.load[1] == 0.5:  # as if it had an even share
            revived.append(iteration)
        learner = moved
    assert np.diff(revived).tolist() == [50, 100, 200]
    np.testing.assert_array_equal(learner.rests[:, 0], [0, 50])
