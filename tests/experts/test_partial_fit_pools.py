"""Experts that learn by their own partial_fit, and pools of several kinds."""

from copy import copy, deepcopy

import numpy as np
import pytest
from batch_cases import MIXED, incremental, learnt, make, named, steps
from batch_cases import whole_step as whole
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe._incremental import drawn_rows, takes_weights
from skmoe._routes import Routes
from skmoe._running import StepSize
from skmoe.experts import check_learns
from skmoe.experts._columns import cut_small_shares
from skmoe.experts._incremental_groups import GroupedPool, PipelineOfOne
from skmoe.experts._newton import NewtonPool
from skmoe.experts._partial_fit import PartialFitPool

REGRESSORS = [
    SGDRegressor(random_state=0),
    MLPRegressor(hidden_layer_sizes=(3,), random_state=0),
    make_pipeline(StandardScaler(), SGDRegressor(random_state=0)),
]
CLASSIFIERS = [
    SGDClassifier(loss="log_loss", random_state=0),
    GaussianNB(),
    MLPClassifier(hidden_layer_sizes=(3,), random_state=0),
]


def weighted(estimators):
    """Those that take weights in the scikit-learn at hand."""
    return [estimator for estimator in estimators if takes_weights(estimator)]


def small_rows(rng, n_samples=400, n_experts=2):
    X, y, weights = make(rng, n_samples=n_samples, n_experts=n_experts)
    return (X - [2.0, -300.0, 0.0]) / [1.0, 50.0, 0.1], y, weights


def by_hand(template, X, y, weights, classes=None):
    """A clone that has learnt from batches of its rows."""
    fitted, keywords = deepcopy(template), {} if classes is None else {"classes": classes}
    for rows, _ in steps(weights):
        own = cut_small_shares(weights[rows])
        for estimator, share in zip([fitted], [own[:, 0]], strict=True):
            kept = share > 0
            X_rows, last = X[rows][kept], estimator
            if hasattr(estimator, "steps"):
                X_rows = estimator[0].partial_fit(X_rows).transform(X_rows)
                last = estimator[-1]
            last.partial_fit(X_rows, y[rows][kept], sample_weight=share[kept], **keywords)
    return fitted


@pytest.mark.parametrize("template", weighted(REGRESSORS), ids=str)
def test_regressors_learn_with_their_weights(rng, template):
    X, y, weights = small_rows(rng)
    weights[::7, 0] = 0.0
    pool = learnt(incremental(named([template] * 2), X, y), X, y, weights)
    assert isinstance(pool, PartialFitPool)
    expected = by_hand(template, X, y, weights).predict(X)
    assert np.allclose(pool.predict(X)[:, 0], expected)
    assert not np.allclose(pool.predict(X)[:, 1], expected)
    routed = pool.predict_routed(X, Routes(np.zeros((400, 1), dtype=int), 2))
    assert np.allclose(routed[:, 0], expected)


@pytest.mark.parametrize("template", weighted(CLASSIFIERS), ids=str)
def test_classifiers_know_all_classes_from_the_first_batch(rng, template):
    X, y, weights = small_rows(rng)
    labels, numbers = np.array(["a", "b", "c"]), np.digitize(y, [-0.5, 1.0])
    numbers[:100] = np.minimum(numbers[:100], 1)
    pool = incremental(named([template] * 2), X, numbers, labels)
    pool = learnt(pool, X[:100], numbers[:100], weights[:100])
    assert pool.predict(X).shape == (400, 2, 3)
    routed = pool.predict_routed(X, Routes(np.ones((400, 1), dtype=int), 2))
    assert np.allclose(routed[:, 0], pool.predict(X)[:, 1])
    learnt(pool, X[100:], numbers[100:], weights[100:])
    fitted = by_hand(template, X, labels[numbers], weights, labels)
    assert np.allclose(pool.predict(X)[:, 0], fitted.predict_proba(X))
    assert pool.estimators()[0].classes_.tolist() == ["a", "b", "c"]


class Counting(RegressorMixin, BaseEstimator):
    """Takes no weights; counts how often each row was learnt from."""

    def partial_fit(self, X, y):
        self.n_batches_ = getattr(self, "n_batches_", 0) + 1
        self.counts_ = getattr(self, "counts_", 0) + np.bincount(
            X[:, 0].astype(int), minlength=100
        )
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Weighing(Counting):
    """The same with weights."""

    def partial_fit(self, X, y, sample_weight=None):
        return super().partial_fit(X, y)


@pytest.mark.parametrize("beside", [Counting(), LinearRegression()], ids=str)
def test_rows_are_drawn_by_responsibility(rng, beside):
    """In expectation, and in units in which a row of mean weight is one row."""
    X, y = np.arange(100.0)[:, None], rng.standard_normal(100)
    weights = 7.0 * rng.dirichlet([1, 1], size=100) * rng.uniform(0.5, 2, size=(100, 1))
    weights[:20, 0] = 0.0
    pool = incremental(named([Counting(), beside]), X, y, seed=rng.integers(1000))
    for _ in range(400):
        pool.partial_fit(X, y, weights, whole(weights))
    expected = weights[:, 0] / weights.sum(axis=1).mean()
    counts = pool.estimators()[0].counts_ / 400
    assert np.allclose(counts, expected, atol=0.12)
    assert counts.sum() == pytest.approx(expected.sum(), rel=0.03)
    assert (counts[:20] == 0).all()


def test_drawn_rows(rng):
    weights = np.array([0.0, 2.0, 0.3, 1.7])
    state = np.random.RandomState(rng.integers(1000))
    drawn = [np.bincount(drawn_rows(weights, state), minlength=4) for _ in range(2000)]
    assert np.allclose(np.mean(drawn, axis=0), weights, atol=0.06)
    assert np.ptp(drawn, axis=0).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("template", [Counting(), Weighing()], ids=str)
def test_an_expert_without_rows_stays_what_it_is(rng, template):
    X, y = np.arange(100.0)[:, None], np.zeros(100)
    weights = np.column_stack([np.ones(100), np.zeros(100)])
    pool = incremental(named([template] * 2), X, y)
    pool.partial_fit(X, y, weights, whole(weights))
    # Of its first batch it is given all rows, as it must be able to answer.
    assert pool.estimators()[1].counts_.tolist() == [1] * 100
    known = pool.estimators()
    pool.partial_fit(X, y, weights, whole(weights))
    assert pool.estimators()[1] is known[1]
    assert pool.estimators()[0].n_batches_ == 2
    assert known[0].n_batches_ == 1


def test_who_is_renewed_begins_anew(rng):
    X, y, weights = small_rows(rng)
    pool = learnt(incremental(named(MIXED["partial_fit"]), X, y), X, y, weights)
    renewed = pool.renewed({1})
    for moved in (pool, renewed):
        moved.partial_fit(X[:100], y[:100], weights[:100], whole(weights[:100]))
    fresh = by_hand(MIXED["partial_fit"][1], X[:100], y[:100], weights[:100, ::-1])
    assert np.allclose(renewed.predict(X)[:, 1], fresh.predict(X))
    assert np.allclose(renewed.predict(X)[:, 0], pool.predict(X)[:, 0])


@pytest.mark.parametrize("kind", [*MIXED, "unweighted"])
def test_threads_and_sparse_weights_do_not_matter(rng, kind):
    X, y, weights = small_rows(rng)
    experts = named(MIXED.get(kind, [Plain(random_state=0), Plain(random_state=1)]))
    weights[np.arange(400), rng.integers(2, size=400)] = 0.0
    predictions = [
        learnt(incremental(experts, X, y, n_jobs=n_jobs), X, y, given).predict(X)
        for n_jobs, given in [
            (None, weights),
            (2, weights),
            (1, sparse.csr_array(weights)),
        ]
    ]
    assert np.allclose(predictions[0], predictions[1])
    assert np.allclose(predictions[0], predictions[2])


class Plain(SGDRegressor):
    """Takes no weights."""

    def partial_fit(self, X, y):
        return super().partial_fit(X, y)


# Pools of several kinds


@pytest.mark.parametrize("kind", MIXED)
def test_a_copy_is_a_snapshot(rng, kind):
    X, y, weights = small_rows(rng)
    pool = learnt(incremental(named(MIXED[kind]), X, y), X, y, weights)
    earlier, known = copy(pool), pool.predict(X)
    estimators = pool.estimators()
    renewed = pool.renewed({0})
    for moved in (pool, renewed):
        moved.partial_fit(X, 1 - y, weights, StepSize(weights.sum(), 0.5))
        assert not np.allclose(moved.predict(X), known)
    assert np.array_equal(earlier.predict(X), known)
    for k, estimator in enumerate(estimators):
        assert np.allclose(estimator.predict(X), known[:, k])


@pytest.mark.parametrize("kind", MIXED)
@pytest.mark.parametrize("knows", [True, False])
def test_learning_goes_on_from_estimators(rng, kind, knows):
    X, y, weights = small_rows(rng, n_samples=1000)
    pool = incremental(named(MIXED[kind]), X, y)
    learnt(pool, X[:500], y[:500], weights[:500])
    other = incremental(named(pool.estimators()), X, y)
    rows = X[500:600], y[500:600], weights[500:600].sum(axis=1)
    other.resume(*rows, pool.estimators(), pool.state if knows else None)
    assert np.allclose(other.predict(X), pool.predict(X))
    for rows, step in list(steps(weights))[5:]:
        for moved in (pool, other):
            moved.partial_fit(X[rows], y[rows], weights[rows], step)
    gap = np.abs(other.predict(X) - pool.predict(X)).max()
    assert gap < (1e-8 if knows else 0.5)


def test_a_grouped_pool_is_its_groups(rng):
    X, y, weights = small_rows(rng, n_experts=3)
    experts = [SGDRegressor(random_state=0), LinearRegression(), SGDRegressor(alpha=1.0)]
    experts[2].set_params(random_state=1)
    pool = learnt(incremental(named(experts), X, y), X, y, weights)
    assert isinstance(pool, GroupedPool)
    linear = incremental(named(experts[1:2]), X, y)
    for rows, step in steps(weights):
        linear.partial_fit(X[rows], y[rows], weights[rows][:, [1]], step)
    prediction = pool.predict(X)
    assert [type(e) for e in pool.estimators()] == [type(e) for e in experts]
    for k, estimator in enumerate(pool.estimators()):
        assert np.allclose(estimator.predict(X), prediction[:, k])
    assert np.allclose(pool.estimators()[1].coef_, linear.estimators()[0].coef_)
    assert np.allclose(prediction[:, 1], linear.predict(X)[:, 0])
    routes = Routes(np.array([[2, 0]] * 400), 3)
    assert np.allclose(pool.predict_routed(X, routes), prediction[:, [2, 0]])
    assert pool.n_experts == 3
    assert pool.penalty == 0.0


def test_penalties_of_groups_add_up(rng):
    X, y, weights = small_rows(rng)
    numbers, classes = (y > 0).astype(int), np.array([0, 1])
    experts = [
        LogisticRegression(C=0.1),
        make_pipeline(StandardScaler(), LogisticRegression(C=0.2)),
    ]
    pool = incremental(named(experts), X, numbers, classes)
    learnt(pool, X, numbers, weights)
    fitted, piped = pool.estimators()
    expected = np.sum(fitted.coef_**2) / 0.2 + np.sum(piped[-1].coef_ ** 2) / 0.4
    assert pool.penalty == pytest.approx(expected)


def test_who_is_renewed_is_one_of_its_group(rng):
    X, y, weights = small_rows(rng)
    pool = learnt(incremental(named(MIXED["pipelines"]), X, y), X, y, weights)
    states, known = pool.renewed({1}).state, pool.state
    assert np.array_equal(states[0]["information"], known[0]["information"])
    assert np.array_equal(states[1]["information"], 0.0 * known[1]["information"])


# Pipelines


PIPELINES = {
    "scaler": make_pipeline(StandardScaler(), Ridge()),
    "fitted once": make_pipeline(QuantileTransformer(n_quantiles=20), Ridge()),
    "passthrough": make_pipeline("passthrough", Ridge()),
    "nested": make_pipeline(
        StandardScaler(), make_pipeline(PolynomialFeatures(), Ridge())
    ),
    "last alone": make_pipeline(Ridge()),
}


@pytest.mark.parametrize("template", PIPELINES.values(), ids=PIPELINES)
def test_a_pipeline_is_its_last_step_on_what_comes_before(rng, template):
    X, y, weights = small_rows(rng, n_samples=2000, n_experts=1)
    pool = incremental([("one", template)], X, y)
    assert isinstance(pool, PipelineOfOne)
    learnt(pool, X, y, weights)
    (fitted,) = pool.estimators()
    assert type(fitted) is type(template)
    assert np.allclose(fitted.predict(X), pool.predict(X)[:, 0])
    routed = pool.predict_routed(X, Routes(np.zeros((2000, 1), dtype=int), 1))
    assert np.array_equal(routed, pool.predict(X))
    whole_fit = deepcopy(template).fit(X, y).predict(X)
    assert np.corrcoef(whole_fit, fitted.predict(X))[0, 1] > 0.9


def test_transformers_learn_from_the_batches(rng):
    X, y, weights = small_rows(rng)
    template = make_pipeline(
        StandardScaler(), QuantileTransformer(n_quantiles=9), Ridge()
    )
    pool = learnt(incremental(named([template] * 2), X, y), X, y, weights)
    first = StandardScaler().fit_transform(X[:100])
    expected = QuantileTransformer(n_quantiles=9).fit(first).quantiles_
    for fitted in pool.estimators():
        assert np.allclose(fitted[0].mean_, X.mean(axis=0))
        assert np.allclose(fitted[1].quantiles_, expected)


# Errors


class Failing(ClassifierMixin, RegressorMixin, BaseEstimator):
    def partial_fit(self, X, y, sample_weight=None):
        raise KeyError("boom")


@pytest.mark.parametrize(
    "template",
    [Failing(), make_pipeline(StandardScaler(), Failing())],
    ids=str,
)
def test_errors_name_expert_and_batch(rng, template):
    X, y, weights = small_rows(rng)
    pool = incremental([("good", SGDRegressor()), ("bad", template)], X, y)
    pool.iteration = 7
    with pytest.raises(RuntimeError, match=r"experts: 'bad' .*iteration 7.*boom"):
        learnt(pool, X, y, weights)


def test_errors_of_linear_pipelines_name_them_too(rng):
    X, y, weights = small_rows(rng)
    pool = incremental([("odd", make_pipeline("passthrough", Ridge()))], X, y)
    pool.iteration = 2
    with pytest.raises(ValueError, match=r"'odd' .*in iteration 2.*NaN"):
        pool.partial_fit(X + np.nan, y, weights[:, :1], whole(weights[:, :1]))


@pytest.mark.parametrize(
    "template",
    [
        DecisionTreeRegressor(),
        RandomForestRegressor(),
        make_pipeline(StandardScaler(), DecisionTreeRegressor()),
        Ridge(positive=True),
    ],
    ids=str,
)
def test_experts_without_partial_fit_are_refused(rng, template):
    X, y, _ = small_rows(rng)
    match = r"experts: 'e1' \(\w+\) has no partial_fit.*SGDRegressor.*solver='em'"
    with pytest.raises(ValueError, match=match):
        incremental(named([LinearRegression(), template]), X, y)
    with pytest.raises(ValueError, match=match):
        check_learns("e1", template)
    with pytest.raises(ValueError, match=match.replace("e1", "e0")):
        incremental(named([DecisionTreeClassifier()] * 2), X, y > 0, np.array([0, 1]))


def test_linear_experts_of_other_rows_are_refused(rng):
    """Without partial_fit, they learn in closed form or not at all."""
    X, y, _ = small_rows(rng)
    match = r"experts: 'e0' \(\w+\).* numbers in at most 500 columns.*SGDRegressor"
    for rows, target, template in [
        (np.zeros((5, 501)), y[:5], LinearRegression()),
        (X.astype(object), y, Ridge()),
        (X, y - 100.0, PoissonRegressor()),
        (X, y - 100.0, make_pipeline(StandardScaler(), PoissonRegressor())),
    ]:
        with pytest.raises(ValueError, match=match):
            incremental(named([template]), rows, target)


def test_kinds_of_pools(rng):
    X, y, _ = small_rows(rng)
    kinds = {kind: type(incremental(named(MIXED[kind]), X, y)) for kind in MIXED}
    assert kinds == {
        "newton": NewtonPool,
        "partial_fit": PartialFitPool,
        "grouped": GroupedPool,
        "pipelines": GroupedPool,
    }
