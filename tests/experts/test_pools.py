"""Pools against the scikit-learn estimators that they stand for."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from skmoe.experts import (
    _pool,
    check_experts,
    make_classifier_pool,
    make_regressor_pool,
    predict_experts,
    predict_experts_proba,
)
from skmoe.experts._least_squares import LeastSquaresPool, RidgePool
from skmoe.experts._logistic import LogisticPool
from skmoe.experts._pool import ClassifierPool, EstimatorPool, cut_small_shares


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_data(rng, n_outputs=None, n_experts=2, n_samples=60):
    X = rng.normal([2.0, -300.0, 0.0], [1.0, 50.0, 1e-3], size=(n_samples, 3))
    slopes = rng.normal(size=(3, n_outputs or 1)) / [[1.0], [50.0], [1e-3]]
    y = 5.0 + X @ slopes + rng.normal(size=(n_samples, n_outputs or 1))
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    weights *= rng.uniform(0.5, 2.0, size=(n_samples, 1))
    return X, y if n_outputs else y[:, 0], weights


def make_classes(rng, n_classes, n_samples=90):
    X, _, weights = make_data(rng, n_samples=n_samples)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    logits = Z @ rng.normal(size=(3, n_classes)) + rng.gumbel(size=(n_samples, n_classes))
    y = logits.argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y, weights


def named(*estimators):
    return [(f"e{k}", estimator) for k, estimator in enumerate(estimators)]


def whole_rows(weights):
    return np.round(weights).astype(int)


def least_squares_cases():
    for fit_intercept in [True, False]:
        for n_outputs in [None, 1, 2]:
            yield (
                LeastSquaresPool,
                [LinearRegression(fit_intercept=fit_intercept)] * 2,
                (n_outputs),
            )
            ridges = [Ridge(a, fit_intercept=fit_intercept) for a in (0.1, 20.0)]
            yield RidgePool, ridges, n_outputs


# Linear pools


@pytest.mark.parametrize(("kind", "templates", "n_outputs"), least_squares_cases())
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_least_squares_is_scikit_learns(rng, kind, templates, n_outputs, container):
    X, y, weights = make_data(rng, n_outputs)
    new = make_data(rng)[0]
    assert kind.supports(templates, container(X), y)
    pool = kind(named(*templates)).fit(container(X), y, weights)
    predictions = pool.predict(container(X)), pool.predict(container(new))
    for k, (fitted, template) in enumerate(
        zip(pool.estimators(), templates, strict=True)
    ):
        reference = clone(template).fit(X, y, sample_weight=weights[:, k])
        assert type(fitted) is type(reference)
        assert fitted.get_params() == template.get_params()
        if n_outputs != 1:  # A ridge drops a single output's axis, the pool keeps it.
            assert np.shape(fitted.coef_) == np.shape(reference.coef_)
            assert np.shape(fitted.intercept_) == np.shape(reference.intercept_)
        slopes = np.reshape(reference.coef_, fitted.coef_.shape)
        np.testing.assert_allclose(fitted.coef_, slopes, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(fitted.intercept_, reference.intercept_, rtol=1e-6)
        for columns, prediction in zip([X, new], predictions, strict=True):
            expected = reference.predict(columns).reshape(len(columns), *y.shape[1:])
            np.testing.assert_allclose(prediction[:, k], expected, rtol=1e-6, atol=1e-7)
            own = fitted.predict(container(columns))
            np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-7)
    assert pool.penalty == 0


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_logistic_is_scikit_learns(rng, n_classes, fit_intercept, container):
    X, y, weights = make_classes(rng, n_classes)
    X = X / [1.0, 100.0, 1e-3]
    templates = [
        LogisticRegression(C=C, fit_intercept=fit_intercept) for C in (0.5, 10.0)
    ]
    labels = np.array(["a", "b", "c"])[:n_classes]
    assert LogisticPool.supports(templates, container(X), y)
    pool = LogisticPool(named(*templates), classes=labels)
    pool.fit(container(X), y, weights)
    penalty, estimators = 0.0, pool.estimators()
    for k, (fitted, template) in enumerate(zip(estimators, templates, strict=True)):
        reference = clone(template).set_params(solver="newton-cholesky", tol=1e-9)
        reference.fit(X, labels[y], sample_weight=weights[:, k])
        assert type(fitted) is LogisticRegression
        assert fitted.coef_.shape == reference.coef_.shape
        np.testing.assert_array_equal(fitted.classes_, labels)
        np.testing.assert_allclose(fitted.coef_, reference.coef_, atol=1e-6)
        np.testing.assert_allclose(fitted.intercept_, reference.intercept_, atol=1e-6)
        expected = reference.predict_proba(X)
        np.testing.assert_allclose(pool.predict(container(X))[:, k], expected, atol=1e-7)
        np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-7)
        assert fitted.n_iter_.shape == (1,)
        penalty += 0.5 * np.sum(reference.coef_**2) / template.C
    assert pool.penalty == pytest.approx(penalty, rel=1e-5)


def linear_pools(y_classes):
    yield LeastSquaresPool(named(LinearRegression(), LinearRegression()))
    yield RidgePool(named(Ridge(0.1), Ridge(2.0)))
    experts = named(LogisticRegression(), LogisticRegression())
    yield LogisticPool(experts, classes=np.arange(y_classes))


def test_pools_resume_where_estimators_ended(rng):
    X, y, weights = make_classes(rng, 3)
    for pool in linear_pools(3):
        prediction = pool.fit(X, y, weights).predict(X)
        other = type(pool)(pool.experts, **_classes(pool))
        other.resume(X, y, weights.sum(axis=1), pool.estimators())
        np.testing.assert_allclose(other.predict(X), prediction, rtol=1e-6, atol=1e-8)


def _classes(pool):
    return {"classes": pool.classes} if hasattr(pool, "classes") else {}


def test_each_fit_depends_on_its_own_weights_alone(rng):
    """Columns that are constant among the rows of one fit are not in the next."""
    X, y, weights = make_classes(rng, 2)
    X = X / [1.0, 100.0, 1e-3]
    X[:, 2] = np.arange(len(X)) < 20
    without = weights * (X[:, 2] == 0)[:, None]
    for pool in linear_pools(2):
        fresh = type(pool)(pool.experts, **_classes(pool)).fit(X, y, weights)
        again = pool.fit(X, y, without).fit(X, y, weights)
        np.testing.assert_allclose(again.predict(X), fresh.predict(X), atol=1e-5)


def test_estimators_know_their_features(rng):
    pandas = pytest.importorskip("pandas")
    X, y, weights = make_classes(rng, 2)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    for pool in linear_pools(2):
        for fitted in pool.fit(frame, y, weights).estimators():
            check_is_fitted(fitted)
            assert fitted.n_features_in_ == 3
            assert list(fitted.feature_names_in_) == ["a", "b", "c"]
            fitted.predict(frame)
        assert not hasattr(pool.experts[0][1], "coef_")


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_useless_columns(rng, fit_intercept):
    X, y, weights = make_data(rng)
    X /= [1.0, 50.0, 1e-3]
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.full(len(X), 1e7)])
    template = LinearRegression(fit_intercept=fit_intercept)
    pool = LeastSquaresPool(named(template, template)).fit(X, y, weights)
    for k, fitted in enumerate(pool.estimators()):
        basis = np.column_stack([X[:, :3], np.ones(len(X))])
        root = np.sqrt(weights[:, k])
        coef = np.linalg.lstsq(basis * root[:, None], y * root, rcond=None)[0]
        assert np.isfinite(fitted.coef_).all()
        np.testing.assert_allclose(fitted.predict(X), basis @ coef, atol=1e-5)
        np.testing.assert_allclose(pool.predict(X)[:, k], basis @ coef, atol=1e-5)
        assert fitted.rank_ == 4 - fit_intercept


def test_an_expert_without_rows_stays_finite(rng):
    X, y, weights = make_classes(rng, 2)
    weights[:, 0] = 0.0
    for pool in linear_pools(2):
        assert np.isfinite(pool.fit(X, y, weights).predict(X)).all()


@pytest.mark.parametrize(
    ("pool", "templates"),
    [
        (LeastSquaresPool, [LinearRegression(positive=True)]),
        (LeastSquaresPool, [Lasso()]),
        (LeastSquaresPool, [LinearRegression(), Ridge()]),
        (LeastSquaresPool, [LinearRegression(), LinearRegression(fit_intercept=False)]),
        (RidgePool, [Ridge(positive=True)]),
        (RidgePool, [Ridge(alpha=[1.0, 2.0])]),
        (RidgePool, [Ridge(solver="sag")]),
        (LogisticPool, [LogisticRegression(penalty="l1", solver="saga")]),
        (LogisticPool, [LogisticRegression(l1_ratio=1.0, solver="saga")]),
        (LogisticPool, [LogisticRegression(class_weight="balanced")]),
        (LogisticPool, [LogisticRegression(solver="liblinear")]),
    ],
)
def test_supports_refuses_other_problems(pool, templates):
    X, y = np.eye(4), np.arange(4) % 2
    assert not pool.supports(templates, X, y)
    assert pool.supports([pool.estimator_class()], X, y)
    assert not pool.supports([pool.estimator_class()], X.astype(object), y)
    assert not pool.supports([pool.estimator_class()], np.zeros((4, 501)), y)


def test_subclasses_and_single_classes_are_not_supported():
    class Mine(LinearRegression):
        pass

    assert not LeastSquaresPool.supports([Mine()], np.eye(3), np.arange(3))
    assert not LogisticPool.supports([LogisticRegression()], np.eye(3), np.ones(3))


def test_the_fastest_exact_pool_is_chosen(rng):
    X, y, _ = make_data(rng)
    options = {"draw": whole_rows, "n_jobs": None}

    def regressors(*estimators, target=y):
        return make_regressor_pool(named(*estimators), X, target, **options)

    def classifiers(*estimators):
        labels = (y > y.mean()).astype(int)
        classes = np.array([0, 1])
        return make_classifier_pool(named(*estimators), X, labels, classes, **options)

    assert type(regressors(LinearRegression(), LinearRegression())) is LeastSquaresPool
    assert type(regressors(Ridge(), Ridge(2.0))) is RidgePool
    assert type(regressors(Ridge(), LinearRegression())) is EstimatorPool
    pool = regressors(DecisionTreeRegressor(), target=np.column_stack([y, y]))
    assert pool.n_outputs == 2
    assert (
        type(classifiers(LogisticRegression(), LogisticRegression(C=2))) is LogisticPool
    )
    assert type(classifiers(LogisticRegression(), GaussianNB())) is ClassifierPool


# Pools of any estimators


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps what it is fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weights_ = X, y, sample_weight
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Unweighted(Recorder):
    def fit(self, X, y):
        return super().fit(X, y)


class Failing(Recorder):
    def fit(self, X, y, sample_weight=None):
        raise KeyError("boom")


class Undefined(Recorder):
    def predict(self, X):
        return np.where(np.arange(len(X)) == 3, np.nan, 0.0)


def test_small_shares_are_cut_and_rows_keep_their_weight():
    weights = np.array([[2.0, 0.001, 2.0], [0.5, 0.0006, 0.0], [0.0, 0.0, 0.0]])
    expected = np.array([[2.0005, 0.0, 2.0005], [0.4994 + 6e-4, 0.0006, 0.0], [0, 0, 0]])
    np.testing.assert_allclose(cut_small_shares(weights), expected, rtol=2e-12)


def test_each_expert_gets_the_rows_it_has_a_share_in(rng):
    X, y, weights = make_data(rng)
    weights = np.maximum(weights, 0.01)
    weights[:10, 0], weights[10:15, 1] = 1e-6, 0.0
    pool = EstimatorPool(named(Recorder(), Recorder())).fit(X, y, weights)
    kept = cut_small_shares(weights)
    for k, fitted in enumerate(pool.estimators()):
        rows = kept[:, k] > 0
        np.testing.assert_array_equal(fitted.X_, X[rows])
        np.testing.assert_array_equal(fitted.y_, y[rows])
        np.testing.assert_allclose(fitted.weights_, kept[rows, k])
    assert len(pool.estimators()[0].y_) == len(y) - 10


def test_experts_without_weights_get_drawn_rows(rng):
    X, y, weights = make_data(rng)
    counts = rng.integers(0, 3, size=weights.shape)
    seen = []

    def draw(given):
        seen.append(given)
        return counts

    pool = EstimatorPool(named(Unweighted(), Recorder()), draw=draw).fit(X, y, weights)
    first, second = pool.estimators()
    np.testing.assert_array_equal(first.X_, np.repeat(X, counts[:, 0], axis=0))
    np.testing.assert_array_equal(first.y_, np.repeat(y, counts[:, 0]))
    np.testing.assert_allclose(seen[0], cut_small_shares(weights))
    used = cut_small_shares(weights)[:, 1]
    np.testing.assert_allclose(second.weights_, used[used > 0])


def test_estimators_are_fitted_alone(rng):
    X, y, weights = make_data(rng, n_experts=3)
    weights = np.maximum(weights, 0.05)
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), Ridge(3.0))
    pool = EstimatorPool(named(tree, pipeline, DummyRegressor())).fit(X, y, weights)
    expected = [
        clone(tree).fit(X, y, sample_weight=weights[:, 0]).predict(X),
        clone(pipeline).fit(X, y, ridge__sample_weight=weights[:, 1]).predict(X),
        np.full(len(y), np.average(y, weights=weights[:, 2])),
    ]
    np.testing.assert_allclose(pool.predict(X), np.stack(expected, axis=1))
    named_alike = predict_experts(pool.fitted, X, None, list("abc"))
    np.testing.assert_array_equal(named_alike, pool.predict(X))
    assert pool.penalty == 0


def test_multi_output_experts(rng):
    X, y, weights = make_data(rng, n_outputs=1)
    knn = KNeighborsRegressor(2)
    pool = EstimatorPool(named(knn, Lasso()), n_outputs=1, draw=np.ceil)
    assert pool.fit(X, y, weights).predict(X).shape == (len(X), 2, 1)


def test_an_expert_that_lost_its_rows_stays_as_it_was(rng):
    X, y, weights = make_data(rng)
    lost = np.column_stack([weights.sum(axis=1), np.zeros(len(y))])
    pool = EstimatorPool(named(Recorder(), Recorder())).fit(X, y, weights)
    earlier = pool.estimators()
    later = pool.fit(X, y, lost).estimators()
    assert later[1] is earlier[1]
    assert later[0] is not earlier[0]
    fresh = EstimatorPool(named(Recorder(), Recorder())).fit(X, y, lost)
    assert len(fresh.estimators()[1].y_) == len(y)


def test_threads_change_nothing(rng, monkeypatch):
    monkeypatch.setattr(_pool, "_PARALLEL_SECONDS", -1.0)
    X, y, weights = make_data(rng, n_experts=3)
    trees = named(*[DecisionTreeRegressor(max_features=1, random_state=k) for k in "012"])
    trees = [(name, tree.set_params(random_state=7)) for name, tree in trees]
    one, two = (EstimatorPool(trees, n_jobs=n).fit(X, y, weights) for n in (1, 2))
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


@pytest.mark.parametrize("position", [0, 1])
def test_a_failing_expert_is_named(rng, position):
    X, y, weights = make_data(rng)
    experts = [Recorder(), Recorder()]
    experts[position] = Failing()
    pool = EstimatorPool(named(*experts))
    pool.iteration = 7
    match = rf"experts: 'e{position}' \(Failing\) failed in iteration 7: 'boom'"
    with pytest.raises(RuntimeError, match=match) as error:
        pool.fit(X, y, weights)
    assert type(error.value.__cause__) is KeyError


def test_a_prediction_that_is_not_finite_is_named(rng):
    X, y, weights = make_data(rng)
    pool = EstimatorPool(named(Recorder(), Undefined()))
    pool.iteration = 3
    pool.fit(X, y, weights)
    with pytest.raises(
        ValueError, match=r"'e1' \(Undefined\).*not finite.*row 3"
    ) as error:
        pool.predict(X)
    assert isinstance(error.value.__cause__, ValueError)
    assert "in iteration 3" in str(error.value)


def test_linear_pools_name_the_expert(rng):
    X, y, weights = make_data(rng)
    X[0, 0] = np.nan
    pool = LeastSquaresPool(named(LinearRegression()))
    pool.iteration = 2
    with pytest.raises(ValueError, match=r"'e0' \(LinearRegression\).*iteration 2.*NaN"):
        pool.fit(X, y, weights)


# Pools of classifiers


class Reversed(ClassifierMixin, BaseEstimator):
    """Knows its classes in descending order."""

    def fit(self, X, y, sample_weight=None):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.classes_, self.share_ = self.classes_[::-1], counts[::-1] / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))


def test_classes_are_aligned(rng):
    X, y, _ = make_classes(rng, 3)
    classes = np.array(["x", "y", "z"])
    weights = np.column_stack([y != 1, y == 1, np.ones(len(y))]).astype(float)
    pool = ClassifierPool(
        named(GaussianNB(), GaussianNB(), Reversed()), classes=classes, draw=whole_rows
    )
    proba = pool.fit(X, y, weights).predict(X)
    assert proba.shape == (len(y), 3, 3)
    np.testing.assert_allclose(proba.sum(axis=2), 1)
    two = GaussianNB().fit(X[y != 1], y[y != 1]).predict_proba(X)
    np.testing.assert_allclose(proba[:, 0, [0, 2]], two, atol=1e-6)
    np.testing.assert_array_equal(proba[:, 0, 1], 0)
    assert type(pool.estimators()[1]) is DummyClassifier
    np.testing.assert_array_equal(proba[:, 1], np.tile([0, 1, 0], (len(y), 1)))
    np.testing.assert_allclose(proba[0, 2], np.bincount(y) / len(y))
    np.testing.assert_array_equal(
        predict_experts_proba(pool.estimators(), X, classes, list("abc")), proba
    )
    assert set(pool.estimators()[0].classes_) == {"x", "z"}


def test_an_expert_with_zeros_only_needs_no_regressor_that_takes_them(rng):
    X = rng.uniform(size=(60, 2))
    y = np.where(X[:, 0] > 0.5, 1.0 + rng.poisson(3, size=60), 0.0)
    counts = DecisionTreeRegressor(criterion="poisson", max_depth=2)
    with pytest.raises(ValueError, match="Sum of y is not positive"):
        clone(counts).fit(X[y == 0], y[y == 0])
    pool = EstimatorPool(named(counts, counts))
    weights = np.column_stack([y > 0, y == 0]).astype(float)
    prediction = pool.fit(X, y, weights).predict(X)
    assert (prediction[:, 0] >= 1).all()
    assert type(pool.estimators()[1]) is DummyRegressor
    np.testing.assert_array_equal(prediction[:, 1], 0)


def test_classifiers_without_weights_get_drawn_rows(rng):
    X, y, weights = make_classes(rng, 2)
    counts = rng.integers(1, 3, size=weights.shape)
    knn = KNeighborsClassifier(3)
    pool = ClassifierPool(
        named(knn, knn), classes=np.array([0, 1]), draw=lambda weights: counts
    )
    proba = pool.fit(X, y, weights).predict(X)
    for k in range(2):
        rows = np.repeat(np.arange(len(y)), counts[:, k])
        expected = clone(knn).fit(X[rows], y[rows]).predict_proba(X)
        np.testing.assert_allclose(proba[:, k], expected)


# The experts parameter


def test_check_experts_clones_and_seeds():
    state = np.random.RandomState(0)
    tree = DecisionTreeRegressor(max_depth=2)
    experts = check_experts(tree, 3, LinearRegression(), state)
    assert [name for name, _ in experts] == ["expert0", "expert1", "expert2"]
    assert len({expert.random_state for _, expert in experts}) == 3
    assert tree.random_state is None
    assert all(expert.max_depth == 2 for _, expert in experts)
    default = check_experts(None, 2, DecisionTreeClassifier(max_depth=1), state)
    assert [type(expert) for _, expert in default] == [DecisionTreeClassifier] * 2
    given = check_experts([("a", Ridge()), ("b", tree)], 9, LinearRegression(), state)
    assert [name for name, _ in given] == ["a", "b"]


@pytest.mark.parametrize(
    ("experts", "default", "error", "match"),
    [
        ([], Ridge(), ValueError, "at least one"),
        ([Ridge()], Ridge(), ValueError, r"\(name, estimator\) tuples"),
        ([("a", Ridge()), ("a", Ridge())], Ridge(), ValueError, "'a' is used more"),
        ([("a__b", Ridge())], Ridge(), ValueError, "must not contain '__'"),
        (Ridge, Ridge(), TypeError, r"pass an instance, Ridge\(\)"),
        ("ridge", Ridge(), TypeError, "'expert0' .*is no estimator"),
        ([("a", 3)], Ridge(), TypeError, r"'a' \(3\) is no estimator"),
        (GaussianNB(), Ridge(), ValueError, r"\(GaussianNB\) is no regressor"),
        (StandardScaler(), Ridge(), ValueError, "is no regressor"),
        (Ridge(), GaussianNB(), ValueError, r"\(Ridge\) is no classifier"),
        (LinearSVC(), GaussianNB(), ValueError, "no predict_proba"),
        (RidgeClassifier(), GaussianNB(), ValueError, "no predict_proba"),
    ],
)
def test_check_experts_errors(experts, default, error, match):
    with pytest.raises(error, match=match):
        check_experts(experts, 2, default, np.random.RandomState(0))
