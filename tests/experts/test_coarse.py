"""Columns rounded for boosting that bins."""

from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from skmoe.experts._coarse import CoarseTables, coarse


def test_few_values_stay_as_they_are(rng):
    X = rng.integers(0, 50, size=(300, 3)).astype(float)
    assert coarse(X, 255) is X
    assert coarse(X[:200], 255).shape == (200, 3)


def test_values_are_rounded_to_the_nearest_of_as_many_as_asked(rng):
    X = rng.standard_normal((1000, 2))
    X[:5, 1] = np.nan
    rounded = coarse(X, 20)
    for old, new in zip(X.T, rounded.T, strict=True):
        known = np.isfinite(old)
        np.testing.assert_array_equal(np.isnan(new), ~known)
        values = np.unique(new[known])
        assert len(values) == 20
        assert set(values) <= set(old[known])
        nearest = np.abs(old[known, None] - values).min(axis=1)
        np.testing.assert_allclose(np.abs(old[known] - new[known]), nearest)


def test_repeated_rows_change_nothing(rng):
    X = rng.standard_normal((600, 2))
    repeats = rng.integers(1, 4, size=600)
    repeated = coarse(X.repeat(repeats, axis=0), 30)
    np.testing.assert_array_equal(coarse(X, 30).repeat(repeats, axis=0), repeated)


def test_a_tree_treats_a_number_as_what_it_is_rounded_to(rng):
    """So boosting that was fitted to rounded columns is asked about X as it is."""
    X = rng.standard_normal((2000, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    rounded = coarse(X, 255)
    model = HistGradientBoostingRegressor(max_iter=20).fit(rounded, y)
    np.testing.assert_array_equal(model.predict(X), model.predict(rounded))
    plain = HistGradientBoostingRegressor(max_iter=20).fit(X, y)
    assert abs(model.score(X, y) - plain.score(X, y)) < 0.02


def test_dataframes_keep_names_categories_and_texts(rng):
    X = pd.DataFrame(
        {
            "x": rng.standard_normal(400),
            "kind": pd.Categorical(rng.choice(["a", "b"], 400)),
            "few": rng.integers(0, 3, 400),
        }
    )
    rounded = coarse(X, 50)
    assert list(rounded.columns) == ["x", "kind", "few"]
    assert rounded["x"].nunique() == 50
    pd.testing.assert_frame_equal(rounded[["kind", "few"]], X[["kind", "few"]])
    assert coarse(X[["kind"]], 50)["kind"].dtype == "category"


def test_columns_may_have_numbers_for_names(rng):
    X = rng.standard_normal((400, 2))
    table = pd.DataFrame(X)
    np.testing.assert_array_equal(coarse(table, 50), coarse(X, 50))
    np.testing.assert_array_equal(table, X)


@pytest.mark.parametrize("as_table", [False, True])
def test_categories_are_not_rounded(rng, as_table):
    X = np.stack([np.arange(400.0) % 300, rng.standard_normal(400)], axis=1)
    X = pd.DataFrame(X, columns=["kind", "x"]) if as_table else X
    kinds = [[0], [True, False], *([["kind"]] if as_table else [])]
    for kind in kinds:
        boosting = HistGradientBoostingRegressor(categorical_features=kind)
        rounded = np.asarray(CoarseTables().of(X, boosting))
        np.testing.assert_array_equal(rounded[:, 0], np.asarray(X)[:, 0])
        assert len(np.unique(rounded[:, 1])) == 255
    tables = CoarseTables()
    tables.of(X, boosting)
    plain = np.asarray(tables.of(X, HistGradientBoostingRegressor()))
    assert len(np.unique(plain[:, 0])) == 255


def test_only_boosting_that_bins_is_given_them(rng):
    X, tables = rng.standard_normal((400, 2)), CoarseTables()
    assert tables.of(X, LinearRegression()) is X
    boosting = HistGradientBoostingRegressor(max_bins=100)
    rounded = tables.of(X, boosting)
    assert len(np.unique(rounded[:, 0])) == 100
    assert tables.of(X, boosting) is rounded
    assert tables.of(X.copy(), boosting) is not rounded
    sparse = csr_array(X)
    assert tables.of(sparse, boosting) is sparse


@pytest.mark.parametrize("n_rows", [20_000])
def test_weights_cost_boosting_next_to_nothing(rng, n_rows):
    """scikit-learn 1.9 takes weighted percentiles; 1.6 bins without weights."""
    X = rng.standard_normal((n_rows, 5))
    y, weights = X[:, 0], rng.uniform(0.1, 1, n_rows)
    model = HistGradientBoostingRegressor(max_iter=2, early_stopping=False)

    def seconds(X):
        begin = perf_counter()
        model.fit(X, y, sample_weight=weights)
        return perf_counter() - begin

    rounded = coarse(X, 255)
    slow, quick = (min(seconds(table) for _ in range(3)) for table in (X, rounded))
    assert quick < 1.5 * slow
