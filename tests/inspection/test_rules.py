"""Where an expert rules, in words."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skmoe.inspection._columns import Columns
from skmoe.inspection._ranks import ranked
from skmoe.inspection._rules import find_rule


def rule(X, is_own, names=("a", "b"), weights=None):
    table, heads = ranked(Columns(X, list(names)))
    weights = np.ones(X.shape[0]) if weights is None else weights
    return find_rule(table, heads, is_own, weights)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e12])
def test_bounds_are_short_numbers(rng, unit):
    X = rng.uniform(0, 1, (5000, 2)) * unit
    is_own = X[:, 1] + 0.1 * unit * rng.standard_normal(5000) > 0.3333 * unit
    told = rule(X, is_own)
    name, sign, bound = told.words.split()
    assert (name, sign) == ("b", ">")
    assert float(bound) == pytest.approx(0.3333 * unit, rel=0.3)
    assert float(bound) == float(f"{float(bound):.2g}")
    holds = X[:, 1] > float(bound)
    assert told.covers == pytest.approx(holds[is_own].mean())
    assert told.precision == pytest.approx(is_own[holds].mean())


def test_an_interval_is_one_condition(rng):
    X = rng.uniform(0, 100, (600, 2))
    told = rule(X, (X[:, 0] > 30) & (X[:, 0] <= 60))
    low, first, name, second, high = told.words.split()
    assert (first, name, second) == ("<", "a", "<=")
    assert float(low) == pytest.approx(30, abs=1)
    assert float(high) == pytest.approx(60, abs=1)


def test_values_that_are_few_are_named():
    X = np.column_stack([np.tile([1.0, 2.0, 3.0], 40), np.arange(120.0)])
    assert rule(X, X[:, 0] == 2).words == "a = 2"
    assert rule(X, X[:, 0] > 1).words == "a > 1"
    assert rule(X, X[:, 0] != 2).words == "all but a = 2"


def test_categories():
    X = np.array([["x", "u"], ["y", "v"], ["z", "u"], [None, "v"]] * 10, dtype=object)
    first, second = X.T
    assert rule(X, first == "x").words == "a = x"
    assert rule(X, first != "x").words == "a != x"
    assert rule(X, np.equal(first, None)).words == "a is missing"
    assert rule(X, ~np.equal(first, None)).words == "a is known"
    assert rule(X, second == "v").words == "b = v"
    assert rule(X, second == "u").words == "b = u"


def test_numbers_that_are_missing():
    values = np.tile(np.append(np.arange(20.0), np.full(5, np.nan)), 4)
    X = np.column_stack([values, np.zeros(100)])
    missing = np.isnan(values)
    assert rule(X, missing).words == "a is missing"
    assert rule(X, ~missing).words == "a is known"
    assert rule(X, values > 9).words == "a > 9"
    assert rule(X, missing | (values > 9)).words == "(a > 9 or missing)"


def test_all_but_a_corner(rng):
    X = rng.uniform(0, 1, (500, 2))
    told = rule(X, ~((X[:, 0] > 0.5) & (X[:, 1] > 0.5)))
    assert told.words.startswith("all but (")
    assert " and " in told.words
    assert min(told.covers, told.precision) > 0.98


def test_where_nothing_tells(rng):
    X = np.zeros((60, 2))
    told = rule(X, rng.random(60) < 0.5)
    assert told.words == "no short rule"
    assert np.isnan([told.covers, told.precision]).all()
    assert rule(X, np.ones(60, bool)).words == "everywhere"
    assert rule(X, np.zeros(60, bool)).words == "nowhere"


def test_shares_are_by_weight(rng):
    X = rng.integers(0, 10, (200, 2)).astype(float)
    is_own = X[:, 0] + rng.normal(size=200) > 4
    weights = rng.integers(0, 3, 200).astype(float)
    told = rule(X, is_own, weights=weights)
    name, sign, bound = told.words.split()
    assert (name, sign) == ("a", ">")
    held = weights * (X[:, 0] > float(bound))
    assert told.covers == pytest.approx(held @ is_own / (weights @ is_own))
    assert told.precision == pytest.approx(held @ is_own / held.sum())


def test_sparse_columns_are_ranked_around_zero(rng):
    X = np.where(rng.random((200, 2)) < 0.6, 0.0, rng.normal(size=(200, 2)))
    for is_own in (X[:, 0] > 0, X[:, 0] < -0.5, X[:, 1] == 0):
        assert rule(X, is_own) == rule(csr_matrix(X), is_own)


def test_numbers_that_are_huge(rng):
    X = np.array([[-np.inf, 1e300], [-1e308, 1.0], [1e308, 2.0], [np.inf, 3.0]] * 5)
    assert rule(X, X[:, 0] > 0).words.startswith("a > ")
    assert rule(X, X[:, 1] > 10).words == "b = 1e+300"
