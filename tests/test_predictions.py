"""Predictions: X is checked once, linear experts answer together, memory is bounded."""

import time

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDRegressor,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, _predictions
from skmoe._validation import Rows
from skmoe.experts import predict_experts, predict_experts_proba
from skmoe.experts._linear_predict import predict_linear, predict_linear_proba
from skmoe.gates import SoftmaxGate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CONTAINERS = {
    "float64": np.asarray,
    "fortran": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "integers": lambda X: np.round(10 * X).astype(int),
    "list": lambda X: X.tolist(),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "pandas": lambda X: pytest.importorskip("pandas").DataFrame(X, columns=["a", "b"]),
    "polars": lambda X: pytest.importorskip("polars").DataFrame(
        {"a": X[:, 0], "b": X[:, 1]}
    ),
}


def regressor(experts=None, n_experts=2, **params):
    params = {"random_state": 0, "max_iter": 5, **params}
    return MixtureOfExpertsRegressor(experts, n_experts, **params)


def classifier(experts=None, n_experts=2):
    return MixtureOfExpertsClassifier(experts, n_experts, random_state=0, max_iter=5)


def median_seconds(*functions, repeats=300):
    """Medians of interleaved timings."""
    seconds = np.empty((repeats, len(functions)))
    for row in seconds:
        for k, function in enumerate(functions):
            start = time.perf_counter()
            function()
            row[k] = time.perf_counter() - start
    return np.median(seconds, axis=0)


# -- all linear experts in one product -------------------------------------------------


@pytest.mark.parametrize(
    "template",
    [
        LinearRegression(),
        LinearRegression(fit_intercept=False),
        Ridge(),
        Ridge(fit_intercept=False),
        Lasso(0.01),
        ElasticNet(0.01),
        HuberRegressor(),
        QuantileRegressor(alpha=0.0),
        SGDRegressor(random_state=0),
        PoissonRegressor(),
        GammaRegressor(fit_intercept=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, np.float32])
def test_linear_regressors_answer_as_they_do_alone(rng, template, container):
    X, y = rng.normal(size=(40, 3)), rng.exponential(size=(40, 3)) + 0.1
    experts = [clone(template).fit(X, column) for column in y.T]
    rows = Rows(container(X))
    expected = np.stack([e.predict(rows.X) for e in experts], axis=1)
    together = predict_linear(experts, rows, None)
    # A float32 X makes a product of its own precision, and exp grows its rounding.
    np.testing.assert_allclose(together, expected, rtol=1e-5, atol=1e-6)
    if container is not np.float32:
        np.testing.assert_allclose(together, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", [LinearRegression, Ridge])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_several_outputs_in_one_product(rng, kind, fit_intercept, n_outputs):
    X, y = rng.normal(size=(40, 3)), rng.normal(size=(2, 40, n_outputs))
    experts = [kind(fit_intercept=fit_intercept).fit(X, columns) for columns in y]
    expected = np.stack([e.predict(X).reshape(40, n_outputs) for e in experts], axis=1)
    together = predict_linear(experts, Rows(X), n_outputs)
    np.testing.assert_allclose(together, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_logistic_regressions_answer_as_they_do_alone(
    rng, n_classes, fit_intercept, container
):
    X, classes = 20 * rng.normal(size=(60, 3)), np.array(["a", "b", "c"])[:n_classes]
    experts = [
        LogisticRegression(C=C, fit_intercept=fit_intercept).fit(
            X, np.concatenate([classes, rng.choice(classes, 60 - n_classes)])
        )
        for C in (0.1, 1.0, 1e3)
    ]
    rows = Rows(container(X))
    expected = np.stack([e.predict_proba(rows.X) for e in experts], axis=1)
    together = predict_linear_proba(experts, rows, classes)
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-12)


def test_other_experts_are_asked_themselves(rng):
    class Clipped(LinearRegression):
        def predict(self, X):
            return super().predict(X).clip(0)

    X, y = rng.normal(size=(40, 3)), rng.exponential(size=40)
    labels = np.arange(40) % 3
    line, rows = LinearRegression().fit(X, y), Rows(X)
    for other in (Clipped(), DecisionTreeRegressor(), PoissonRegressor()):
        experts = [line, other.fit(X, y)]
        assert predict_linear(experts, rows, None) is None
        expected = np.stack([e.predict(X) for e in experts], axis=1)
        np.testing.assert_array_equal(predict_experts(experts, X, None, "ab"), expected)
    logistic = LogisticRegression().fit(X, labels)
    few = LogisticRegression().fit(X[labels < 2], labels[labels < 2])
    for other in (few, DecisionTreeClassifier().fit(X, labels)):
        assert predict_linear_proba([logistic, other], rows, np.arange(3)) is None
        proba = predict_experts_proba([logistic, other], X, np.arange(3), "ab")
        known = other.predict_proba(X)
        np.testing.assert_array_equal(proba[:, 1, : known.shape[1]], known)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_versus_rest_is_no_softmax(rng, multi_class, n_classes):
    if "multi_class" not in LogisticRegression().get_params():
        pytest.skip("removed in scikit-learn 1.8")
    X, y = rng.normal(size=(40, 3)), np.arange(40) % n_classes
    expert = LogisticRegression(multi_class=multi_class).fit(X, y)
    proba = predict_experts_proba([expert, expert], X, np.arange(n_classes), "ab")
    np.testing.assert_allclose(proba[:, 1], expert.predict_proba(X), atol=1e-12)


# -- X is checked once -----------------------------------------------------------------


def refuse(*args, **kwargs):
    raise AssertionError("asked by itself")


def test_linear_parts_are_not_asked_one_by_one(two_regimes, monkeypatch):
    X, y = two_regimes
    labels = np.where(y > np.median(y), "up", "down")
    models = regressor().fit(X, y), classifier().fit(X, labels)
    monkeypatch.setattr(LinearRegression, "predict", refuse)
    monkeypatch.setattr(LogisticRegression, "predict_proba", refuse)
    monkeypatch.setattr(SoftmaxGate, "predict_log_proba", refuse)
    for model in models:
        for name in ("predict", "predict_gate_proba", "predict_experts"):
            assert len(getattr(model, name)(X[:1])) == 1


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_answered_as_by_the_parts(two_regimes, make, name):
    X, y = two_regimes
    given = CONTAINERS[name](X)
    model = make().fit(given, (y > np.median(y)) if make is classifier else y)
    ask = "predict_proba" if make is classifier else "predict"
    alone = np.stack([getattr(e, ask)(given) for e in model.experts_], axis=1)
    gate = np.exp(model.gate_.predict_log_proba(given))
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if name == "float32" else {"atol": 1e-11}
    np.testing.assert_allclose(model.predict_experts(given), alone, **tolerance)
    np.testing.assert_allclose(model.predict_gate_proba(given), gate, **tolerance)
    mixed = np.einsum("nk,nk...->n...", gate, alone)
    np.testing.assert_allclose(getattr(model, ask)(given), mixed, **tolerance)


def test_a_gate_that_answers_otherwise_is_asked_itself(two_regimes):
    class Bold(SoftmaxGate):
        def predict_log_proba(self, X):
            log_proba = super().predict_log_proba(X)
            return np.where(log_proba == log_proba.max(axis=1, keepdims=True), 0, -np.inf)

    model = regressor(gate=Bold()).fit(*two_regimes)
    assert set(model.predict_gate_proba(two_regimes[0]).ravel()) == {0.0, 1.0}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_what_cannot_be_predicted_is_named(two_regimes, value, container):
    X, y = two_regimes
    dense = X.copy()
    dense[3, 1] = value
    wrong = container(dense)
    what = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=f"Input X contains {what}"):
        regressor().fit(X, y).predict(wrong)
    model = regressor(gate="constant").fit(X, y)
    with pytest.raises(ValueError, match=rf"'expert0' \(LinearRegression\).*{what}"):
        model.predict(wrong)
    model = classifier().fit(X, y > 0)
    with pytest.raises(ValueError, match=f"Input X contains {what}"):
        model.predict_proba(wrong)


def test_huge_numbers_are_no_infinity(two_regimes):
    X, y = two_regimes
    model = regressor(gate="constant").fit(X, y)
    huge = np.full((9, 2), 1e308)
    assert Rows(huge).numbers is huge
    for expert in model.experts_:
        expert.coef_, expert.intercept_ = np.array([1.0, -1.0]), 0.0
    np.testing.assert_allclose(model.predict(huge), 0.0, atol=1e300)


@pytest.mark.parametrize("make", [regressor, classifier])
def test_features_are_those_of_the_fit(two_regimes, make):
    pandas = pytest.importorskip("pandas")
    X, y = two_regimes
    y = y > np.median(y) if make is classifier else y
    model = make().fit(X, y)
    with pytest.raises(ValueError, match=r"3 features.*expecting 2 features"):
        model.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="Expected 2D array"):
        model.predict(X[0])
    with pytest.raises(ValueError, match="0 sample"):
        model.predict(X[:0])
    frame = pandas.DataFrame(X, columns=["a", "b"])
    with pytest.warns(UserWarning, match="X has feature names, but MixtureOfExperts"):
        model.predict(frame)
    model.fit(frame, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names") as seen:
        model.predict(X)
    assert len(seen) == 1
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a"]])


def test_one_row_takes_no_longer_than_a_single_linear_model(rng):
    X = rng.normal(size=(200, 20))
    y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=200)
    row, single = X[:1], Ridge().fit(X, y)
    mixture = regressor(n_experts=8, init="random", max_iter=2).fit(X, y)
    ours, ridges = median_seconds(
        lambda: mixture.predict(row), lambda: single.predict(row)
    )
    # About half of it; the bound leaves room for a busy machine.
    assert ours < 2 * ridges


# -- in chunks -------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("expert", [None, DecisionTreeRegressor(max_depth=3)])
def test_chunks_change_nothing(two_regimes, monkeypatch, name, expert):
    X, y = two_regimes
    given = CONTAINERS[name](X)
    model = regressor(expert).fit(given, np.column_stack([y, -y]))
    expected = [*model.predict(given, return_std=True), model.predict_gate_proba(given)]
    monkeypatch.setattr(_predictions, "_CHUNK_CELLS", 100)
    chunked = [*model.predict(given, return_std=True), model.predict_gate_proba(given)]
    for one, other in zip(chunked, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.predict(given), expected[0], rtol=1e-6, atol=1e-9)


def test_chunks_of_a_classifier(checkerboard, monkeypatch):
    X, y = checkerboard
    model = classifier().fit(X, y)
    expected = model.predict_proba(X)
    sizes = []
    mix = model._mix_proba
    monkeypatch.setattr(_predictions, "_CHUNK_CELLS", 500)
    monkeypatch.setattr(
        model, "_mix_proba", lambda rows: sizes.append(len(rows.X)) or mix(rows)
    )
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-10)
    assert sizes == [84, 84, 84, 48]


def test_a_row_in_a_later_chunk_is_named_by_its_own_number(two_regimes, monkeypatch):
    X, y = two_regimes
    model = regressor(KNeighborsRegressor(1), gate="constant").fit(X, y)
    lost = X[100]
    monkeypatch.setattr(
        KNeighborsRegressor,
        "predict",
        lambda self, X: np.where((lost == X).all(axis=1), np.nan, 0.0),
    )
    monkeypatch.setattr(_predictions, "_CHUNK_CELLS", 50)
    with pytest.raises(ValueError, match=r"'expert0' .*not finite \(first in row 100\)"):
        model.predict(X)
