"""Estimators whose rows are sent to a few of the experts."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
    pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning"),
]

TREE = DecisionTreeRegressor(max_depth=3)
SCALED = make_pipeline(StandardScaler(), LinearRegression())


@pytest.fixture
def waves(rng):
    """Six regimes along the first column, on a common slope of the second."""
    X = rng.uniform(-3, 3, size=(900, 2))
    regime = np.floor(X[:, 0]).astype(int)
    slopes = np.array([3.0, -3.0, 2.0, -2.0, 4.0, -4.0])[regime + 3]
    return X, slopes * (X[:, 0] - regime) + X[:, 1] + 0.1 * rng.standard_normal(900)


@pytest.fixture
def labels(waves):
    """Three classes that depend on the regime."""
    X, y = waves
    return X, np.array(["a", "b", "c"])[np.digitize(y, [-1.0, 1.0])]


class Recorder(LinearRegression):
    """A regression that remembers which rows it was fitted to and asked about."""

    fitted: list = []
    asked: list = []

    def fit(self, X, y, sample_weight=None):
        self.fitted.append(len(X))
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        self.asked.append(len(X))
        return super().predict(X)


def model(**params):
    params = {"n_experts": 6, "top_k": 2, "random_state": 0, "max_iter": 15, **params}
    return MixtureOfExpertsRegressor(**params)


# -- what is sparse about it -----------------------------------------------------------


@pytest.mark.parametrize("top_k", [1, 2, 3])
@pytest.mark.parametrize("expert", [None, TREE, SCALED], ids=["linear", "tree", "pipe"])
def test_weights_are_those_of_the_selected_experts(waves, top_k, expert):
    X, y = waves
    fitted = model(experts=expert, top_k=top_k).fit(X, y)
    weights = fitted.predict_gate_proba(X)
    assert np.all((weights > 0).sum(axis=1) <= top_k)
    assert np.allclose(weights.sum(axis=1), 1.0)
    scores = fitted.gate_.predict_log_proba(X)
    if fitted.routing_bias_ is not None:
        scores[:, np.isneginf(fitted.routing_bias_)] = -np.inf
    kept = scores >= np.sort(scores, axis=1)[:, [-top_k]]
    expected = np.where(kept, np.exp(scores), 0.0)
    assert np.allclose(weights, expected / expected.sum(axis=1, keepdims=True))
    mean = np.einsum("nk,nk->n", weights, fitted.predict_experts(X))
    assert np.allclose(fitted.predict(X), mean)
    assert np.array_equal(fitted.apply(X), weights.argmax(axis=1))
    assert fitted.top_k_ == top_k


def test_top_k_of_all_experts_is_dense(waves, labels):
    X, y = waves
    dense, all_of_them = model(top_k=None).fit(X, y), model(top_k=6).fit(X, y)
    assert np.array_equal(dense.predict(X), all_of_them.predict(X))
    assert dense.lower_bound_ == all_of_them.lower_bound_
    X, y = labels
    kwargs = {"n_experts": 3, "random_state": 0, "max_iter": 10}
    dense = MixtureOfExpertsClassifier(**kwargs).fit(X, y)
    all_of_them = MixtureOfExpertsClassifier(top_k=3, **kwargs).fit(X, y)
    assert np.array_equal(dense.predict_proba(X), all_of_them.predict_proba(X))


def test_no_expert_sees_rows_that_are_not_its_own(waves):
    X, y = waves
    Recorder.fitted.clear()
    fitted = model(experts=Recorder(), top_k=1, cv=None).fit(X, y)
    # Rows have four experts in the first iteration, and one in the last ones.
    assert max(Recorder.fitted[-6:]) < len(X)
    assert sum(Recorder.fitted[-6:]) <= len(X)
    for ask in (fitted.predict, lambda X: fitted.predict_distribution(X).std()):
        Recorder.asked.clear()
        ask(X)
        assert sum(Recorder.asked) == len(X)
        assert len(Recorder.asked) <= 6
    Recorder.asked.clear()
    fitted.score_samples(X, y)
    assert sum(Recorder.asked) == len(X)


def test_density_follows_from_the_pairs(waves):
    X, y = waves
    fitted = model().fit(X, y)
    density = fitted.predict_distribution(X[:40])
    assert density.weights.shape == (40, 2)
    assert np.allclose(density.mean(), fitted.predict(X[:40]))
    mean, std = fitted.predict(X[:40], return_std=True)
    assert np.allclose(std, density.std())
    assert np.allclose(fitted.score_samples(X[:40], y[:40]), density.logpdf(y[:40]))
    assert np.allclose(density.cdf(density.ppf(0.3)), 0.3)
    area, _ = quad(lambda value: density[0].pdf(value)[0], -60, 60, points=mean[:1])
    assert np.isclose(area, 1.0, atol=1e-6)
    shares = fitted.responsibilities(X, y)
    assert np.all((shares > 0).sum(axis=1) <= 2)
    assert np.allclose(shares.sum(axis=1), 1.0)


def test_objective_is_that_of_the_returned_parameters(waves):
    X, y = waves
    fitted = model(max_iter=40).fit(X, y)
    objective = fitted.score_samples(X, y).mean() - fitted.gate_.penalty_ / len(y)
    assert np.isclose(fitted.lower_bound_, objective)
    # It is the highest of those with the final number of experts.
    assert fitted.lower_bound_ == fitted.lower_bounds_[7:].max()
    assert 0 <= fitted.gate_entropy_ <= np.log(2)


# -- with every part -------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
@pytest.mark.parametrize("expert", [None, TREE], ids=["linear", "tree"])
def test_solvers_learn_the_regimes(waves, solver, expert):
    X, y = waves
    alone = clone(expert or LinearRegression()).fit(X, y)
    fitted = model(experts=expert, solver=solver).fit(X, y)
    error = np.mean((fitted.predict(X) - y) ** 2)
    assert error < 0.5 * np.mean((alone.predict(X) - y) ** 2)


@pytest.mark.parametrize(
    "gate",
    [
        "constant",
        SoftmaxGate(z_loss=1e-3),
        make_pipeline(StandardScaler(), SoftmaxGate()),
        DecisionTreeClassifier(max_depth=4),
        GaussianNB(),
    ],
    ids=["constant", "z-loss", "pipeline", "tree", "bayes"],
)
def test_gates(waves, gate):
    X, y = waves
    fitted = model(gate=gate).fit(X, y)
    weights = fitted.predict_gate_proba(X)
    assert np.all((weights > 0).sum(axis=1) == 2)
    assert np.isclose(fitted.expert_load_.sum(), 1.0)
    assert np.isfinite(fitted.score_samples(X, y)).all()


@pytest.mark.parametrize("likelihood", ["laplace", "student_t", "poisson", "gamma"])
def test_likelihoods(waves, likelihood):
    X, y = waves
    y = np.round(np.exp(0.3 * y)) if likelihood == "poisson" else y
    y = np.exp(0.3 * y) if likelihood == "gamma" else y
    fitted = model(likelihood=likelihood, n_experts=4).fit(X, y)
    single = model(likelihood=likelihood, n_experts=1, top_k=1).fit(X, y)
    assert fitted.score_samples(X, y).mean() > single.score_samples(X, y).mean() + 0.01
    assert np.allclose(fitted.predict_distribution(X).mean(), fitted.predict(X))


def test_several_outputs(waves):
    X, y = waves
    fitted = model().fit(X, np.column_stack([y, -2 * y]))
    predicted = fitted.predict(X)
    assert predicted.shape == (900, 2)
    assert np.mean((predicted[:, 0] - y) ** 2) < 0.5 * np.var(y - X[:, 1])
    assert fitted.predict_distribution(X).cov().shape == (900, 2, 2)


def test_classifier(labels):
    X, y = labels
    fitted = MixtureOfExpertsClassifier(
        n_experts=6, top_k=2, random_state=0, max_iter=20
    ).fit(X, y)
    assert fitted.score(X, y) > LogisticRegression().fit(X, y).score(X, y) + 0.1
    weights, experts = fitted.predict_gate_proba(X), fitted.predict_experts(X)
    assert np.all((weights > 0).sum(axis=1) <= 2)
    expected = np.einsum("nk,nkc->nc", weights, experts)
    assert np.allclose(fitted.predict_proba(X), expected)


def test_classes_that_an_expert_does_not_know(labels):
    X, y = labels
    # On the left there is no "c".
    y = np.where(X[:, 0] < 0, np.where(y == "c", "a", y), y)
    tree = DecisionTreeClassifier(max_depth=3)
    init = np.eye(2)[(X[:, 0] > 0).astype(int)]
    fitted = MixtureOfExpertsClassifier(
        tree, n_experts=2, top_k=1, random_state=0, cv=None, max_iter=5, init=init
    ).fit(X, y)
    assert any(len(expert.classes_) < 3 for expert in fitted.experts_)
    proba = fitted.predict_proba(X)
    assert proba.shape == (900, 3)
    assert np.allclose(proba.sum(axis=1), 1.0)


def test_tables_of_any_kind(waves):
    X, y = waves
    plain = model().fit(X, y)
    frame = pd.DataFrame(X, columns=["a", "b"])
    assert np.allclose(model().fit(frame, y).predict(frame), plain.predict(X))
    sparse = model(max_iter=8).fit(csr_array(X), y)
    assert np.isfinite(sparse.predict(csr_array(X))).all()
    X = X.copy()
    X[::7, 1] = np.nan
    boosting = HistGradientBoostingRegressor(max_iter=5)
    gate = DecisionTreeClassifier(max_depth=3)
    missing = model(experts=boosting, gate=gate, n_experts=3).fit(X, y)
    assert np.isfinite(missing.predict(X)).all()


def test_experts_that_take_no_weights(waves):
    X, y = waves
    fitted = model(experts=KNeighborsRegressor(), n_experts=4).fit(X, y)
    again = model(experts=KNeighborsRegressor(), n_experts=4).fit(X, y)
    assert np.array_equal(fitted.predict(X), again.predict(X))


def test_number_of_experts_is_found(waves):
    X, y = waves
    fitted = model(n_experts="auto", max_iter=30).fit(X, y)
    assert fitted.n_experts_ > 2
    assert fitted.top_k_ == 2


def test_start_from_responsibilities(waves):
    X, y = waves
    regime = np.floor(X[:, 0]).astype(int) + 3
    for expert in (LinearRegression(), TREE):
        fitted = model(experts=expert, init=np.eye(6)[regime], max_iter=30).fit(X, y)
        assert np.mean(fitted.apply(X) == regime) > 0.8


def test_warm_start_never_lowers_the_objective(waves):
    X, y = waves
    for expert in (None, TREE):
        fitted = model(experts=expert, max_iter=9, warm_start=True).fit(X, y)
        before = fitted.lower_bound_
        fitted.set_params(max_iter=20).fit(X, y)
        assert fitted.lower_bound_ >= before


# -- invariances -----------------------------------------------------------------------


# No trees: which of two splits is better may be a matter of rounding.
@pytest.mark.parametrize(
    ("expert", "cv"),
    [(None, None), (Ridge(), None), (Recorder(), None), (Recorder(), 3)],
    ids=["ols", "ridge", "any", "held out"],
)
def test_order_of_rows_and_jobs_do_not_matter(waves, expert, cv, rng):
    X, y = waves
    params = {"experts": expert, "cv": cv, "max_iter": 10}
    fitted = model(**params).fit(X, y)
    order = rng.permutation(len(y))
    permuted = model(n_jobs=2, **params).fit(X[order], y[order])
    assert np.allclose(fitted.predict(X), permuted.predict(X), atol=1e-6)


def test_a_weight_of_two_is_a_row_twice(waves, rng):
    X, y = waves
    weights = rng.integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    for balancing in (None, "bias", "auxiliary"):
        params = {"load_balancing": balancing, "max_iter": 10}
        weighted = model(**params).fit(X, y, sample_weight=weights)
        repeated = model(**params).fit(X[rows], y[rows])
        assert np.allclose(weighted.predict(X), repeated.predict(X), atol=1e-5)


def test_units_do_not_matter(waves):
    X, y = waves
    fitted = model(max_iter=10).fit(X, y)
    scaled = model(max_iter=10).fit(X * [100.0, 0.01] + [5.0, -7.0], 10 * y + 3)
    expected = 10 * fitted.predict(X) + 3
    predicted = scaled.predict(X * [100.0, 0.01] + [5.0, -7.0])
    assert np.allclose(predicted, expected, atol=1e-4)


# -- balance ---------------------------------------------------------------------------


@pytest.fixture
def lopsided(rng):
    """Nine of ten rows are of one regime."""
    X = rng.uniform(0, 1, size=(1500, 2))
    y = np.where(X[:, 0] < 0.9, X[:, 1], 5 - 3 * X[:, 1])
    return X, y + 0.1 * rng.standard_normal(1500)


def variation(fitted):
    return fitted.expert_load_.std() / fitted.expert_load_.mean()


@pytest.mark.parametrize("expert", [None, TREE], ids=["linear", "tree"])
def test_bias_evens_out_the_load(lopsided, expert):
    X, y = lopsided
    plain = model(experts=expert).fit(X, y)
    balanced = model(experts=expert, load_balancing="bias").fit(X, y)
    assert variation(balanced) <= 0.25 < variation(plain)
    sent = (balanced.predict_gate_proba(X) > 0).mean(axis=0) / 2
    assert np.allclose(sent, balanced.expert_load_, atol=0.01)
    assert balanced.routing_bias_.shape == (6,)


def test_bias_takes_no_part_in_weights(lopsided):
    X, y = lopsided
    fitted = model(load_balancing="bias").fit(X, y)
    weights, proba = fitted.predict_gate_proba(X), fitted.gate_.predict_proba(X)
    expected = np.where(weights > 0, proba, 0.0)
    assert np.allclose(weights, expected / expected.sum(axis=1, keepdims=True))
    scores = np.log(proba) + fitted.routing_bias_
    assert np.array_equal(weights > 0, scores >= np.sort(scores, axis=1)[:, [-2]])


def test_auxiliary_loss_evens_out_the_load(lopsided):
    X, y = lopsided
    weak = model(load_balancing="auxiliary", auxiliary_strength=0.0).fit(X, y)
    strong = model(load_balancing="auxiliary", auxiliary_strength=1.0).fit(X, y)
    assert variation(strong) < variation(weak)


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("expert", [None, TREE], ids=["linear", "tree"])
def test_capacity_is_never_exceeded(lopsided, top_k, expert, monkeypatch):
    from skmoe.training._routing import Router

    X, y = lopsided
    largest, route = [], Router.route

    def recording(self, gate, X, weights, *args, **kwargs):
        routing = route(self, gate, X, weights, *args, **kwargs)
        room = 1.1 * len(weights) * top_k / 6
        largest.append(routing.routes.counts.max() / room)
        return routing

    monkeypatch.setattr(Router, "route", recording)
    fitted = model(experts=expert, top_k=top_k, capacity_factor=1.1).fit(X, y)
    assert len(largest) > 2
    assert max(largest) <= 1.0
    assert fitted.expert_load_.max() <= 1.1 / 6


def test_experts_without_rows_are_named(lopsided):
    X, y = lopsided
    with pytest.warns(UserWarning, match=r"expert.*load_balancing='bias'"):
        fitted = model(top_k=1, n_experts=12, max_iter=40).fit(X, y)
    closed = np.isneginf(fitted.routing_bias_)
    assert closed.any()
    assert not np.isin(fitted.apply(X), np.flatnonzero(closed)).any()


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"top_k": 7}, "top_k=7 is larger than the number of experts, 6"),
        ({"top_k": None, "load_balancing": "bias"}, "load_balancing='bias'.*set top_k"),
        ({"top_k": None, "capacity_factor": 1.5}, "capacity_factor=1.5.*set top_k"),
        ({"top_k": 0}, "top_k"),
        ({"capacity_factor": 0.5}, "capacity_factor"),
        ({"load_balancing": "both"}, "load_balancing"),
        ({"load_balancing": "auxiliary", "gate": "constant"}, "use gate='softmax'"),
    ],
)
def test_errors_name_the_parameter(waves, params, message):
    with pytest.raises(ValueError, match=message):
        model(**params).fit(*waves)
