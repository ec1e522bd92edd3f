"""Pipelines fitted together against pipelines fitted one by one."""

import pickle
from copy import copy

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import check_experts, make_classifier_pool, make_regressor_pool
from skmoe.experts._pipeline import PipelinePool
from skmoe.experts._pool import ClassifierPool, EstimatorPool
from skmoe.gates import SoftmaxGate

OPTIONS = {"draw": np.ceil, "n_jobs": None}
LABELS = np.array(["no", "perhaps", "yes"])


def make_data(rng, n_samples=80):
    X = rng.normal([2.0, -30.0, 0.0], [1.0, 5.0, 0.1], size=(n_samples, 3))
    y = X @ [1.0, 0.3, 5.0] + X[:, 0] ** 2 + rng.normal(size=n_samples)
    weights = rng.dirichlet(np.ones(2), size=n_samples)
    return X, y, weights * rng.uniform(0.5, 2.0, size=(n_samples, 1))


def make_table(rng):
    """A dataframe with a category, and missing numbers."""
    pandas = pytest.importorskip("pandas")
    X, y, weights = make_data(rng)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    frame["color"] = pandas.Categorical(rng.choice(["red", "green", "blue"], len(y)))
    frame.loc[::7, "b"] = np.nan
    return frame, y + (frame["color"] == "red").to_numpy(), weights


def named(*estimators):
    return [(f"e{k}", clone(estimator)) for k, estimator in enumerate(estimators)]


def regressors(experts, X, y):
    return make_regressor_pool(experts, X, y, **OPTIONS)


def scaled_ridges(X, y, weights):
    expert = make_pipeline(StandardScaler(), Ridge())
    return expert, regressors(named(expert, expert), X, y).fit(X, y, weights)


def columns():
    return make_column_transformer(
        (OneHotEncoder(), ["color"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]),
    )


class Counting(TransformerMixin, BaseEstimator):
    """Counts what it is asked, and keeps the target it saw last."""

    fits = transforms = 0
    target = None

    def fit(self, X, y=None):
        Counting.fits += 1
        Counting.target = y
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        Counting.transforms += 1
        return X - self.mean_


class Failing(TransformerMixin, BaseEstimator):
    def __init__(self, when="fit"):
        self.when = when

    def fit(self, X, y=None):
        if self.when == "fit":
            raise KeyError("no luck")
        return self

    def transform(self, X):
        if len(X) < 5:
            raise KeyError("too few")
        return X


class CrossFitting(Counting):
    """As ``TargetEncoder``, gives other values to the rows it is fitted to."""

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X) + np.arange(len(X))[:, None]


class Dropping(Counting):
    def transform(self, X):
        return X[1:]


# -- the same pipelines ----------------------------------------------------------------


@pytest.mark.parametrize("n_outputs", [None, 1, 2])
@pytest.mark.parametrize("last", [LinearRegression(), Ridge(2.0), "ridges"])
@pytest.mark.parametrize(
    "transformers",
    [
        [StandardScaler()],
        [StandardScaler(), "passthrough", PolynomialFeatures(2)],
        [SplineTransformer(3)],
        [PCA(2)],
        [SimpleImputer(), FunctionTransformer(sparse.csr_matrix, accept_sparse=True)],
        [StandardScaler().set_output(transform="pandas")],
        ["passthrough"],
        [],
    ],
    ids=str,
)
def test_regressors_are_those_fitted_alone(rng, transformers, last, n_outputs):
    X, y, weights = make_data(rng)
    if n_outputs is not None:
        y = np.column_stack([y, X[:, 1]])[:, :n_outputs]
    pytest.importorskip("pandas")
    lasts = [Ridge(0.1), Ridge(5.0)] if last == "ridges" else [last] * 2
    experts = named(*[make_pipeline(*transformers, one) for one in lasts])
    pool = regressors(experts, X, y)
    assert type(pool) is PipelinePool
    assert pool.fit(X, y, weights).n_experts == 2
    new = make_data(rng)[0]
    # scikit-learn's solvers for sparse X iterate, and end earlier.
    atol = 1e-2 if sparse.issparse(pool.transformed(X)) else 1e-7
    for k, fitted in enumerate(pool.estimators()):
        template = experts[k][1]
        keyword = f"{template.steps[-1][0]}__sample_weight"
        alone = clone(template).fit(X, y, **{keyword: weights[:, k]})
        assert type(fitted) is Pipeline
        assert fitted.get_params().keys() == alone.get_params().keys()
        for rows in (X, new):
            expected = alone.predict(rows).reshape(len(rows), *y.shape[1:])
            together = pool.predict(rows)[:, k]
            np.testing.assert_allclose(together, expected, atol=atol)
            own = fitted.predict(rows).reshape(expected.shape)
            np.testing.assert_allclose(own, together, atol=1e-7)
    assert pool.penalty == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_are_those_fitted_alone(rng, n_classes):
    X, y, weights = make_data(rng)
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    classes = LABELS[:n_classes]
    experts = named(
        *[make_pipeline(StandardScaler(), LogisticRegression(C=C)) for C in (0.5, 2.0)]
    )
    pool = make_classifier_pool(experts, X, y, classes, **OPTIONS)
    assert type(pool) is PipelinePool
    pool.fit(X, y, weights)
    penalty = 0.0
    for k, fitted in enumerate(pool.estimators()):
        alone = clone(experts[k][1])
        alone[-1].set_params(solver="newton-cholesky", tol=1e-9)
        alone.fit(X, classes[y], logisticregression__sample_weight=weights[:, k])
        np.testing.assert_array_equal(fitted.classes_, classes)
        expected = alone.predict_proba(X)
        np.testing.assert_allclose(pool.predict(X)[:, k], expected, atol=1e-6)
        np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-6)
        penalty += 0.5 * np.sum(alone[-1].coef_ ** 2) / alone[-1].C
    assert pool.penalty == pytest.approx(penalty, rel=1e-5)


@pytest.mark.parametrize("sparse_output", [True, False])
def test_tables_with_categories_and_missing_values(rng, sparse_output):
    X, y, weights = make_table(rng)
    head = columns().set_params(
        onehotencoder__sparse_output=sparse_output, sparse_threshold=1.0
    )
    expert = make_pipeline(head, Ridge())
    pool = regressors(named(expert, expert), X, y).fit(X, y, weights)
    assert type(pool) is PipelinePool
    assert sparse.issparse(pool.transformed(X)) == sparse_output
    for k, fitted in enumerate(pool.estimators()):
        alone = clone(expert).fit(X, y, ridge__sample_weight=weights[:, k])
        assert list(fitted.feature_names_in_) == ["a", "b", "c", "color"]
        np.testing.assert_allclose(fitted.predict(X), alone.predict(X), atol=1e-7)
        np.testing.assert_allclose(pool.predict(X[:5])[:, k], alone.predict(X[:5]))


def test_transformers_that_look_at_y_are_given_the_labels(rng):
    X, y, weights = make_data(rng)
    X, y = np.round(X), (y > y.mean()).astype(int)
    encoder = OneHotEncoder(handle_unknown="ignore")
    experts = named(make_pipeline(Counting(), encoder, LogisticRegression()))
    pool = make_classifier_pool(experts, X, y, LABELS[:2], **OPTIONS)
    np.testing.assert_array_equal(Counting.target, LABELS[y])
    # Fewer rows have fewer categories: coefficients do not go on from the last ones.
    pool.fit(X, y, weights[:, :1]).fit(X[:50], y[:50], weights[:50, :1])
    np.testing.assert_array_equal(Counting.target, LABELS[y[:50]])


# -- once ------------------------------------------------------------------------------


def test_transformers_are_fitted_once_and_rows_transformed_once(rng):
    X, y, weights = make_data(rng)
    Counting.fits = Counting.transforms = 0
    pool = regressors(named(*[make_pipeline(Counting(), Ridge())] * 2), X, y)
    for start in (copy(pool), copy(pool)):
        for _ in range(3):
            start.fit(X, y, weights).predict(X)
    assert Counting.fits == 1
    assert Counting.transforms == 2  # One is the comparison with fit_transform.
    pool.transformed(X[:3])
    assert Counting.transforms == 3
    assert pool.transformed(X) is pool.transformed(X)


def test_other_rows_are_learned_afresh(rng):
    X, y, weights = make_data(rng)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    expert = make_pipeline(encoder, Ridge())
    X = np.round(X)
    pool = regressors(named(expert, expert), X, y).fit(X, y, weights)
    half, count = X[:40], weights[:40]
    pool.fit(half, y[:40], count)
    for k, fitted in enumerate(pool.estimators()):
        alone = clone(expert).fit(half, y[:40], ridge__sample_weight=count[:, k])
        np.testing.assert_allclose(fitted.predict(X), alone.predict(X), atol=1e-7)
        np.testing.assert_allclose(pool.predict(X)[:, k], alone.predict(X), atol=1e-7)


def test_a_copy_is_a_snapshot(rng):
    X, y, weights = make_data(rng)
    pool = scaled_ridges(X, y, weights)[1]
    snapshot, expected = copy(pool), pool.predict(X)
    pool.fit(X, y, weights[:, ::-1])
    np.testing.assert_array_equal(snapshot.predict(X), expected)
    assert np.abs(pool.predict(X) - expected).max() > 1e-6


def test_fitted_pipelines_share_nothing(rng):
    X, y, weights = make_data(rng)
    expert, pool = scaled_ridges(X, y, weights)
    first, second = pool.estimators()
    expected = second.predict(X)
    first.fit(X * 100, y)
    np.testing.assert_array_equal(second.predict(X), expected)
    assert not hasattr(expert[0], "mean_")


def test_resume(rng):
    X, y, weights = make_data(rng)
    expert, pool = scaled_ridges(X, y, weights)
    later = X + 1.0
    other = regressors(named(expert, expert), later, y)
    other.resume(later, y, weights.sum(axis=1), pool.estimators())
    np.testing.assert_allclose(other.predict(later), pool.predict(later), atol=1e-9)
    scaler = other.fit(later, y, weights).estimators()[0][0]
    np.testing.assert_array_equal(scaler.mean_, X.mean(axis=0))
    for earlier in (
        [LinearRegression().fit(X, y)] * 2,
        [clone(expert).fit(X, y), clone(expert).fit(X[:50], y[:50])],
    ):
        with pytest.raises(ValueError, match=r"warm_start: the earlier .*transformers"):
            other.resume(X, y, weights.sum(axis=1), earlier)


# -- what is not taken -----------------------------------------------------------------


@pytest.mark.parametrize(
    "pipelines",
    [
        [make_pipeline(StandardScaler(), DecisionTreeRegressor())] * 2,
        [make_pipeline(StandardScaler(), Ridge()), Ridge()],
        [make_pipeline(StandardScaler(with_mean=c), Ridge()) for c in (True, False)],
        [make_pipeline(StandardScaler(), Ridge()), make_pipeline(Ridge())],
        [make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Ridge()))] * 2,
        [make_pipeline(FunctionTransformer(lambda X: X), Ridge())] * 2,
        [make_pipeline(PolynomialFeatures(20), Ridge())] * 2,
        [make_pipeline(FunctionTransformer(np.ndarray.tolist), Ridge())] * 2,
        [make_pipeline(CrossFitting(), Ridge())] * 2,
        [make_pipeline(Dropping(), Ridge())] * 2,
        [make_pipeline(PCA(random_state=k), Ridge()) for k in range(2)],
        [Pipeline([("s", StandardScaler()), ("r", Ridge())], transform_input=["X_v"])],
    ],
    ids=lambda pipelines: str(pipelines[0])[:60],
)
def test_others_are_fitted_one_by_one(rng, pipelines):
    X, y, _ = make_data(rng)
    assert type(regressors(named(*pipelines), X, y)) is EstimatorPool


def test_transformers_are_not_fitted_for_nothing(rng):
    X, y, _ = make_data(rng)
    Counting.fits = 0
    tree = make_pipeline(Counting(), DecisionTreeRegressor())
    assert type(regressors(named(tree, tree), X, y)) is EstimatorPool
    assert Counting.fits == 0


def test_seeds_make_transformers_differ(rng):
    X, y, _ = make_data(rng)
    state = np.random.RandomState(0)
    binned = make_pipeline(KBinsDiscretizer(subsample=50), Ridge())
    if "quantile_method" in binned[0].get_params():
        binned.set_params(kbinsdiscretizer__quantile_method="averaged_inverted_cdf")
    experts = check_experts(binned, 2, LinearRegression(), state)
    assert type(regressors(experts, X, y)) is EstimatorPool
    fixed = clone(binned).set_params(kbinsdiscretizer__random_state=0)
    experts = check_experts(fixed, 2, LinearRegression(), state)
    assert type(regressors(experts, X, y)) is PipelinePool


def test_routed_weights_are_not_guessed(rng):
    X, y, _ = make_data(rng)
    with config_context(enable_metadata_routing=True):
        steps = StandardScaler(), Ridge()
        steps = [step.set_fit_request(sample_weight=True) for step in steps]
        assert type(regressors(named(make_pipeline(*steps)), X, y)) is EstimatorPool


def test_one_class_has_nothing_to_solve(rng):
    X, y = make_data(rng)[0], np.zeros(80, dtype=int)
    experts = named(make_pipeline(StandardScaler(), LogisticRegression()))
    pool = make_classifier_pool(experts, X, y, LABELS[:1], **OPTIONS)
    assert type(pool) is ClassifierPool


def test_a_failing_transformer_is_named_with_its_expert(rng):
    X, y, weights = make_data(rng)
    match = r"experts: 'e0' \(Pipeline\) failed: 'no luck'"
    with pytest.raises(RuntimeError, match=match) as error:
        regressors(named(make_pipeline(Failing(), Ridge())), X, y)
    assert type(error.value.__cause__) is KeyError
    pool = regressors(named(make_pipeline(Failing("transform"), Ridge())), X, y)
    pool.iteration = 3
    pool.fit(X, y, weights[:, :1])
    with pytest.raises(RuntimeError, match=r"'e0' \(Pipeline\).*iteration 3: 'too few'"):
        pool.predict(X[:2])
    missing = X.copy()
    missing[2, 1] = np.nan
    pool = regressors(named(make_pipeline(StandardScaler(), Ridge())), missing, y)
    with pytest.raises(ValueError, match=r"experts: 'e0' \(Ridge\) .*contains NaN"):
        pool.fit(missing, y, weights[:, :1])


# -- in a mixture ----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mixtures_of_pipelines(two_regimes):
    X, y = two_regimes
    scaled = make_pipeline(StandardScaler(), LinearRegression())
    plain, model = (
        MixtureOfExpertsRegressor(expert, 2, n_init=2, random_state=0).fit(X, y)
        for expert in (None, scaled)
    )
    np.testing.assert_allclose(model.predict(X), plain.predict(X), atol=0.02)
    assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-5)
    assert model.bic(X, y) == pytest.approx(plain.bic(X, y), abs=0.01)
    loaded = pickle.loads(pickle.dumps(model))
    for k, expert in enumerate(loaded.experts_):
        assert type(expert) is Pipeline
        np.testing.assert_allclose(expert.predict(X), model.predict_experts(X)[:, k])
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    earlier = model.lower_bound_
    model.set_params(warm_start=True).fit(X, y)
    assert model.lower_bound_ >= earlier - 1e-12


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
def test_mixtures_of_classifying_pipelines_on_tables(rng):
    X, y, _ = make_table(rng)
    y = y > y.mean()
    expert = make_pipeline(columns(), LogisticRegression())
    numbers = make_column_transformer((SimpleImputer(), ["a", "b"]))
    gate = make_pipeline(numbers, StandardScaler(), SoftmaxGate())
    model = MixtureOfExpertsClassifier(expert, 2, gate=gate, random_state=0, max_iter=10)
    assert model.fit(X, y).score(X, y) > 0.7
    assert all(type(expert) is Pipeline for expert in model.experts_)
    alone = np.stack([expert.predict_proba(X) for expert in model.experts_], axis=1)
    np.testing.assert_allclose(model.predict_experts(X), alone)
