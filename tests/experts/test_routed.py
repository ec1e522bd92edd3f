"""Pools, and fitted experts, that are asked about routed pairs only."""

import numpy as np
import pandas as pd
import pytest
from routed_cases import (
    CASES,
    EMPTY,
    LINEAR,
    N_EXPERTS,
    N_SAMPLES,
    TOP_K,
    TREE,
    Case,
    random_routes,
)
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from skmoe._sklearn_compat import predict_unchecked, predicts_unchecked
from skmoe._validation import Rows
from skmoe.experts import (
    _linear_routed,
    _routed,
    predict_experts,
    predict_experts_proba,
    predict_experts_proba_routed,
    predict_experts_routed,
)


@pytest.fixture(params=CASES)
def case(request, rng):
    return Case(rng, *CASES[request.param])


@pytest.fixture(params=LINEAR)
def linear_case(request, rng):
    return Case(rng, *CASES[request.param])


def check_pairs(case, pool, X, routes):
    """Against the predictions of all experts, of a pool and as the facades ask."""
    expected = routes.of_pairs(pool.predict(X))
    answer = pool.predict_routed(X, routes)
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-12)
    names, estimators = [name for name, _ in case.experts], pool.estimators()
    if case.classes is None:
        n_outputs = case.y.shape[1] if case.y.ndim == 2 else None
        told = predict_experts(estimators, X, n_outputs, names)
        answer = predict_experts_routed(estimators, Rows(X), routes, n_outputs, names)
    else:
        told = predict_experts_proba(estimators, X, case.classes, names)
        answer = predict_experts_proba_routed(estimators, X, routes, case.classes, names)
    expected = routes.of_pairs(told)
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-12)


def test_pairs_are_predicted_as_among_all(case, rng):
    pool = case.fitted()
    check_pairs(case, pool, case.X, case.routes)
    check_pairs(case, pool, case.new, random_routes(rng, case.new.shape[0], top_k=3))


@pytest.mark.parametrize("times", [0, 1000])
def test_linear_experts_pair_by_pair_and_among_all(linear_case, monkeypatch, times):
    """A few rows at a time, whichever is faster."""
    monkeypatch.setattr(_linear_routed, "_WORTH_A_PAIR", times)
    monkeypatch.setattr(_linear_routed, "_CHUNK_CELLS", 100)
    case = linear_case
    check_pairs(case, case.fitted(), case.X, case.routes)


def test_trees_tell_just_the_same_numbers(rng, monkeypatch):
    """Though X is brought to their precision once, and not checked for each."""
    for name in ("tree", "tree of two outputs", "random tree", "tree of classes"):
        case = Case(rng, *CASES[name])
        pool = case.fitted()
        expected = case.routes.of_pairs(pool.predict(case.X))
        np.testing.assert_array_equal(pool.predict_routed(case.X, case.routes), expected)
    keywords, predict = [], DecisionTreeRegressor.predict

    def spy(tree, X, **given):
        keywords.append(given)
        return predict(tree, X, **given)

    monkeypatch.setattr(DecisionTreeRegressor, "predict", spy)
    case = Case(rng, TREE)
    case.fitted().predict_routed(case.X, case.routes)
    assert keywords == [{"check_input": False}] * (N_EXPERTS - 1)


def test_each_row_is_predicted_by_itself(case):
    pool = case.fitted()
    together = pool.predict_routed(case.X, case.routes)
    for row in (0, 17, N_SAMPLES - 1):
        X = case.X.tocsr()[[row]] if sparse.issparse(case.X) else case.X[row : row + 1]
        alone = pool.predict_routed(X, case.routes[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-10, atol=1e-12)


def test_copies_by_expert_are_those_at_once(case, monkeypatch):
    pool = case.fitted()
    expected = pool.predict_routed(case.X, case.routes)
    monkeypatch.setattr(_routed, "_MAX_CELLS", 0)
    np.testing.assert_array_equal(pool.predict_routed(case.X, case.routes), expected)


@pytest.mark.parametrize("threshold", [0.0, np.inf])
def test_threads_change_nothing(case, monkeypatch, threshold):
    expected = case.fitted().predict_routed(case.X, case.routes)
    monkeypatch.setattr(_routed, "_PARALLEL_SECONDS", threshold)
    answer = case.fitted(n_jobs=2).predict_routed(case.X, case.routes)
    np.testing.assert_array_equal(answer, expected)


def test_pieces_hold_all_experts_once_and_equal_rows(rng):
    groups = list(random_routes(rng, 1000).groups())
    for n_pieces in (1, 2, 4, 50):
        pieces = _routed._pieces(groups, n_pieces)
        assert [group for piece in pieces for group in piece] == groups
        assert all(pieces)
    two = _routed._pieces(groups, 2)
    sizes = [piece[-1][1].stop - piece[0][1].start for piece in two]
    assert max(sizes) < 2 * min(sizes)


class Counting(RegressorMixin, BaseEstimator):
    """Predicts the first column, and notes what it was asked."""

    def fit(self, X, y, sample_weight=None):
        self.asked_ = []
        self.n_rows_ = len(X)
        return self

    def predict(self, X):
        self.asked_.append(np.array(X))
        return X[:, 0]


def test_an_expert_is_asked_once_and_about_its_rows_alone(rng):
    case = Case(rng, Counting())
    pool = case.fitted()
    answer = pool.predict_routed(case.X, case.routes)
    np.testing.assert_array_equal(answer, np.stack([case.X[:, 0]] * TOP_K, axis=1))
    for k, estimator in enumerate(pool.estimators()):
        rows = np.flatnonzero((case.routes.experts == k).any(axis=1))
        if k == EMPTY:
            assert estimator.asked_ == []
        else:
            (asked,) = estimator.asked_
            np.testing.assert_array_equal(asked, case.X[rows])
            assert estimator.n_rows_ == len(rows)


class Failing(RegressorMixin, BaseEstimator):
    """Has no answer for a row that is marked."""

    def __init__(self, raises=False):
        self.raises = raises

    def fit(self, X, y, sample_weight=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        if self.raises and (X[:, 0] == 99.0).any():
            raise ZeroDivisionError("no answer")
        return np.where(X[:, 0] == 99.0, np.nan, X[:, 0])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_errors_name_the_expert_and_the_row(rng, n_jobs):
    case = Case(rng, Failing())
    pool = case.fitted(n_jobs=n_jobs)
    case.X[[100, 200], 0] = 99.0
    experts = case.routes.experts
    k = min(experts[100].min(), experts[200].min())
    row = 100 if k in experts[100] else 200
    with pytest.raises(ValueError, match=rf"'e{k}' \(Failing\).*\(first in row {row}\)"):
        pool.predict_routed(case.X, case.routes)
    # In a later chunk, rows have the numbers of the user's X.
    names = [name for name, _ in case.experts]
    with pytest.raises(ValueError, match=rf"first in row {1000 + row}\)"):
        predict_experts_routed(
            pool.estimators(), Rows(case.X, 1000), case.routes, None, names, None, n_jobs
        )
    pool = Case(rng, Failing(raises=True)).fitted(n_jobs=n_jobs)
    pool.iteration = 3
    with pytest.raises(
        RuntimeError, match=r"'e\d' \(Failing\) failed in iteration 3: no"
    ):
        pool.predict_routed(case.X, case.routes)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
def test_linear_experts_that_overflow_are_named(rng):
    case = Case(rng, LinearRegression())
    estimators, names = case.fitted().estimators(), [name for name, _ in case.experts]
    estimators[2].coef_ = np.full(3, 1e308)
    with pytest.raises(ValueError, match=r"'e2' \(LinearRegression\).*not finite"):
        predict_experts_routed(estimators, 100 * case.X, case.routes, None, names)
    case = Case(rng, LogisticRegression(), "classes")
    classes, estimators = case.classes, case.fitted().estimators()
    estimators[2].coef_ = np.full((3, 3), np.inf)
    with pytest.raises(ValueError, match=r"'e2' \(LogisticRegression\)"):
        predict_experts_proba_routed(estimators, case.X, case.routes, classes, names)
    case.X[5, 0] = np.nan
    with pytest.raises(ValueError, match=r"'e\d' \(LogisticRegression\).*NaN"):
        predict_experts_proba_routed(estimators, case.X, case.routes, classes, names)


def test_an_answer_of_another_length_is_an_error(rng):
    class Short(Failing):
        def predict(self, X):
            return np.zeros(1)

    case = Case(rng, Short())
    with pytest.raises(ValueError, match=r"'e0' \(Short\)"):
        case.fitted().predict_routed(case.X, case.routes)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_numbers_that_trees_cannot_hold_are_told_by_the_expert(rng):
    case = Case(rng, TREE)
    pool = case.fitted()
    for number in (np.inf, 1e300):
        case.X[7, 1] = number
        with pytest.raises(ValueError, match=r"'e\d' \(DecisionTreeRegressor\).*X cont"):
            pool.predict_routed(case.X, case.routes)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error"])
def test_boosting_without_checks_is_boosting(rng, loss):
    X = rng.standard_normal((300, 3))
    X[::9, 1] = np.nan
    y = np.exp(X[:, 0])
    boosting = HistGradientBoostingRegressor(max_iter=5, loss=loss).fit(X, y)
    assert predicts_unchecked(boosting, X)
    assert np.array_equal(predict_unchecked(boosting, X), boosting.predict(X))
    for other in (X[:, :2], X.astype(np.float32), X.tolist()):
        assert not predicts_unchecked(boosting, other)
    named = boosting.fit(pd.DataFrame(X, columns=list("abc")), y)
    assert not predicts_unchecked(named, X)
