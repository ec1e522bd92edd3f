"""Pools that are fitted with sparse weights, and copies of them for some rows."""

from copy import copy

import numpy as np
import pytest
from routed_cases import BOOSTING, CASES, EMPTY, LINEAR, N_EXPERTS, N_SAMPLES, Case
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import PoissonRegressor
from sklearn.neighbors import KNeighborsRegressor

from skmoe._routes import Routes
from skmoe.experts._columns import cut_small_shares
from skmoe.experts._pool import EstimatorPool
from skmoe.training import RowDraws, RowSummary


@pytest.fixture(params=CASES)
def case(request, rng):
    return Case(rng, *CASES[request.param])


@pytest.fixture(params=LINEAR)
def linear_case(request, rng):
    return Case(rng, *CASES[request.param])


@pytest.fixture(params=sorted(set(CASES) - set(LINEAR)))
def other_case(request, rng):
    return Case(rng, *CASES[request.param])


def test_sparse_weights_are_dense_ones(linear_case):
    pool = linear_case.fitted()
    dense = linear_case.fitted(linear_case.weights.toarray())
    for X in (linear_case.X, linear_case.new):
        np.testing.assert_allclose(
            pool.predict(X), dense.predict(X), rtol=1e-6, atol=1e-7
        )
    for one, other in zip(pool.estimators(), dense.estimators(), strict=True):
        one, other = (e[-1] if hasattr(e, "steps") else e for e in (one, other))
        np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(one.intercept_, other.intercept_, rtol=1e-6, atol=1e-7)


def test_an_expert_of_no_counts_is_as_low_as_with_dense_weights(rng):
    case = Case(rng, PoissonRegressor(alpha=0.0), "positive")
    case.y = 1e3 * np.round(case.y)
    case.y[(case.routes.experts == 0).any(axis=1)] = 0.0
    sparse_ones, dense = case.fitted(), case.fitted(case.weights.toarray())
    rates = sparse_ones.predict(case.X)[:, 0]
    np.testing.assert_allclose(rates, dense.predict(case.X)[:, 0], rtol=1e-6)
    assert 0 < rates.max() < 1e-6


def test_sparse_weights_fit_just_the_same_estimators(other_case):
    pool = other_case.fitted()
    dense = other_case.fitted(other_case.weights.toarray())
    X = other_case.new
    np.testing.assert_array_equal(pool.predict(X), dense.predict(X))


class Memory(RegressorMixin, BaseEstimator):
    """Keeps what it was fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.given_ = X, y, sample_weight
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_experts_are_given_the_same_rows_and_weights(rng):
    case = Case(rng, Memory())
    case.values[:40, 0] = 0.0
    case.values[40:80, 0] = 1e-5
    case.weights = case.routes.table(case.values)
    pools = case.fitted(), case.fitted(case.weights.toarray())
    for one, other in zip(*(pool.estimators() for pool in pools), strict=True):
        for first, second in zip(one.given_, other.given_, strict=True):
            if second is None:
                assert first is None
            else:
                np.testing.assert_array_equal(first, second)


def test_shares_are_cut_alike(rng):
    case = Case(rng, Memory())
    case.values[::3, 1] *= 1e-6
    table = case.routes.table(case.values)
    before = table.toarray()
    cut = cut_small_shares(table)
    np.testing.assert_array_equal(cut.toarray(), cut_small_shares(before))
    assert (cut.toarray() == 0).sum() > (before == 0).sum()
    np.testing.assert_array_equal(table.toarray(), before)


@pytest.mark.parametrize("some", [False, True])
def test_whole_rows_are_drawn_alike(rng, some):
    case = Case(rng, Memory())
    row_weights = rng.uniform(0.5, 2.0, size=N_SAMPLES)
    shares = case.values / case.values.sum(axis=1, keepdims=True)
    mass = case.routes.table(shares * row_weights[:, None])
    draws = RowDraws(RowSummary(case.X, case.y[:, None], row_weights))
    rows = np.sort(rng.permutation(N_SAMPLES)[:200]) if some else None
    part = mass[rows] if some else mass
    counts = draws.steady(part, rows=rows)
    np.testing.assert_array_equal(
        counts.toarray(), draws.steady(part.toarray(), rows=rows)
    )
    assert counts.sum() == pytest.approx(
        part.sum() * draws.draws_per_weight, abs=N_EXPERTS
    )
    if some:
        # In the order of all rows: as where the others have no weight.
        kept = np.zeros(N_SAMPLES)
        kept[rows] = 1.0
        full = draws.steady(mass.toarray() * kept[:, None])
        np.testing.assert_array_equal(counts.toarray(), full[rows])
    one, other = (
        draws.random(table, np.random.RandomState(0)) for table in (mass, mass.toarray())
    )
    np.testing.assert_array_equal(one.toarray(), other)


def test_an_expert_without_rows_stays_what_it_was(case):
    first = case.fitted()
    other = Routes((case.routes.experts + 1) % N_EXPERTS, N_EXPERTS)
    without = (EMPTY + 1) % N_EXPERTS
    before = first.predict(case.X)[:, without]
    pool = copy(first).fit(case.X, case.y, other.table(case.values + 0.1))
    after = pool.predict(case.X)
    np.testing.assert_allclose(after[:, without], before, rtol=1e-12)
    assert not np.allclose(after[:, EMPTY], first.predict(case.X)[:, EMPTY])


@pytest.mark.parametrize("name", [n for n in LINEAR if not n.startswith("pipeline")])
def test_it_does_so_in_other_units(rng, name):
    case = Case(rng, *CASES[name])
    pool = case.fitted()
    every = pool.predict(case.new)
    rows = np.arange(0, N_SAMPLES, 3)
    X = case.X.iloc[rows] if hasattr(case.X, "iloc") else case.X[rows]
    only = case.weights[rows].tolil()
    for k in range(1, N_EXPERTS):
        only[:, k] = 0.0
    pool.fit(X, case.y[rows], only.tocsr())
    again = pool.predict(case.new)
    np.testing.assert_allclose(again[:, 1:], every[:, 1:], rtol=1e-9, atol=1e-12)
    assert not np.allclose(again[:, 0], every[:, 0])


# Copies for held-out rows


def test_a_copy_is_a_snapshot(case):
    pool = case.fitted()
    before = pool.predict(case.X)
    rows = np.arange(150)
    X = case.X.iloc[rows] if hasattr(case.X, "iloc") else case.X[rows]
    for part in (copy(pool), pool.unfitted(rows)):
        part.fit(X, case.y[rows], case.weights[rows])
        other = case.pool().fit(X, case.y[rows], case.weights[rows])
        np.testing.assert_array_equal(pool.predict(case.X), before)
        # Nothing is left of what the pool knew of other rows, but for a start.
        asked = [k for k in range(N_EXPERTS) if k != EMPTY]
        found, expected = (p.predict(case.new)[:, asked] for p in (part, other))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found, expected = (p.predict(case.new) for p in (part, other))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_drawn_rows_of_a_part(rng):
    """Experts that take no weights, fitted to a part of the rows."""
    case = Case(rng, KNeighborsRegressor(1))
    draws = RowDraws(RowSummary(case.X, case.y[:, None], np.ones(N_SAMPLES)))
    pool = case.pool(draw=draws.steady)
    rows = np.sort(rng.permutation(N_SAMPLES)[:200])
    part = pool.unfitted(rows).fit(case.X[rows], case.y[rows], case.weights[rows])
    kept = np.zeros((N_SAMPLES, 1))
    kept[rows] = 1.0
    whole = pool.fit(case.X, case.y, case.weights.multiply(kept).tocsr())
    asked = [k for k in range(N_EXPERTS) if k != EMPTY]
    np.testing.assert_array_equal(
        part.predict(case.new)[:, asked], whole.predict(case.new)[:, asked]
    )


def test_rounded_tables_are_not_made_again_for_a_copy(rng):
    case = Case(rng, BOOSTING)
    pool = EstimatorPool(case.experts).fit(case.X, case.y, case.weights)
    tables = pool.tables
    part = copy(pool).fit(case.X[:200], case.y[:200], case.weights[:200])
    assert pool.fit(case.X, case.y, case.weights).tables is tables
    assert part.tables is not tables
