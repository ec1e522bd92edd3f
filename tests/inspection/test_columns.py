"""Columns of tables, and made-up rows of the same kind."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse

from skmoe.inspection._along import Along
from skmoe.inspection._columns import Columns


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "size": [1, 2, 3, 4, 100],
            "price": [0.5, np.nan, 1.5, 2.5, 2.0],
            "town": pd.Categorical(
                ["b", "a", "b", None, "b"], categories=["c", "b", "a"]
            ),
            "name": ["x", "y", None, "x", "z"],
            "new": [True, False, True, True, False],
        }
    )


def columns_of(X):
    names = list(X.columns) if hasattr(X, "columns") else [f"x{j}" for j in range(3)]
    return Columns(X, names)


def test_a_column_is_found_by_name_and_number(frame):
    columns = columns_of(frame)
    assert columns.number_of("town") == 2
    assert columns.number_of(-1) == columns.number_of(4) == 4
    for wrong in ("towns", 5, -6, 1.0, None):
        with pytest.raises(
            ValueError, match=r"is no column of X; it has 'size', 'price'"
        ):
            columns.number_of(wrong)


def test_numbers_and_categories_are_told_apart(frame):
    columns = columns_of(frame)
    assert [columns.is_categorical(j) for j in range(5)] == [0, 0, 1, 1, 1]
    assert columns.categories(2) == ["a", "b"]
    assert columns.categories(3) == ["x", "y", "z"]
    assert columns.categories(4) == [False, True]
    np.testing.assert_array_equal(columns.grid(0, 3), [1.0, 50.5, 100.0])
    np.testing.assert_array_equal(columns.grid(1, 2), [0.5, 2.5])


def test_typical_values_are_medians_and_modes(frame):
    columns = columns_of(frame)
    assert [columns.typical(j) for j in range(5)] == [3.0, 1.75, "b", "x", True]


def test_made_up_frames_keep_types_and_categories(frame):
    columns = columns_of(frame)
    rows = columns.typical_rows({1: np.array([7.0, 8.0])})
    assert list(rows.columns) == list(frame.columns)
    assert list(rows["town"].dtype.categories) == ["c", "b", "a"]
    assert rows["new"].dtype == bool
    assert rows["price"].tolist() == [7.0, 8.0]
    assert rows["size"].tolist() == [3.0, 3.0]
    changed = columns.changed_rows(np.array([0, 4]), {2: ["a", "c"]})
    assert changed["town"].tolist() == ["a", "c"]
    assert changed["name"].tolist() == ["x", "z"]


def test_pandas_types_with_missing_values():
    X = pd.DataFrame({"n": pd.array([1, None, 5], dtype="Int64"), "s": ["a", "a", "b"]})
    X["s"] = X["s"].astype("string")
    columns = columns_of(X)
    assert columns.typical(0) == 3.0
    assert columns.typical_rows({0: np.ones(2)})["s"].tolist() == ["a", "a"]


def test_polars_frames_stay_polars_frames():
    pl = pytest.importorskip("polars", reason="needs polars")
    X = pl.DataFrame({"n": [1, 2, 3], "s": ["a", "b", "b"], "t": [True, True, False]})
    columns = columns_of(X)
    assert [columns.is_categorical(j) for j in range(3)] == [0, 1, 1]
    rows = columns.typical_rows({0: np.array([0.5, 1.5])})
    assert isinstance(rows, pl.DataFrame)
    assert rows["s"].to_list() == ["b", "b"]
    assert rows["n"].to_list() == [0.5, 1.5]


def test_sparse_and_object_arrays():
    dense = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 4.0], [5.0, 0.0, 0.0]])
    rows = columns_of(csr_matrix(dense)).typical_rows({1: np.array([9.0])})
    assert issparse(rows)
    np.testing.assert_array_equal(rows.toarray(), [[0.0, 9.0, 2.0]])
    mixed = np.array([[1, "a", 2.0], [3, "b", 4.0], [5, "b", 6.0]], dtype=object)
    columns = columns_of(mixed)
    assert [columns.is_categorical(j) for j in range(3)] == [0, 1, 0]
    assert columns.typical_rows({0: np.array([1.0])}).tolist() == [[1.0, "b", 4.0]]


def test_a_column_without_numbers_is_named():
    with pytest.raises(ValueError, match="column 'x1' of X has no number in it"):
        columns_of(np.array([[1.0, np.nan, 1.0]])).grid(1, 5)


def test_typical_and_average_answers_by_hand(rng):
    X = rng.normal(size=(30, 3))
    columns = columns_of(X)

    def answer(rows):
        return np.column_stack([rows[:, 0] * rows[:, 1] ** 2, rows.sum(axis=1)])

    typical = Along(columns, [0, 2], "typical", 4)
    values = typical.ask(answer)
    assert values.shape == (4, 4, 2)
    a, c = typical.grids[0][1], typical.grids[1][3]
    b = np.median(X[:, 1])
    np.testing.assert_allclose(values[1, 3], [a * b**2, a + b + c])

    average = Along(columns, [0, 2], "average", 4).ask(answer)
    changed = X.copy()
    changed[:, 0], changed[:, 2] = a, c
    np.testing.assert_allclose(average[1, 3], answer(changed).mean(axis=0))


def test_averages_in_chunks_are_the_same(rng, monkeypatch):
    columns = columns_of(rng.normal(size=(30, 3)))
    along = Along(columns, [1], "average", 7)
    whole = along.ask(lambda rows: rows[:, 1] * rows[:, 2])
    monkeypatch.setattr("skmoe.inspection._along._CHUNK", 60)
    np.testing.assert_allclose(along.ask(lambda rows: rows[:, 1] * rows[:, 2]), whole)


def test_another_kind_is_refused(frame):
    with pytest.raises(ValueError, match="use 'typical' or 'average'"):
        Along(columns_of(frame), [0], "mean", 5)


@pytest.mark.parametrize(
    ("feature", "hint"),
    [
        ("onehotencoder__town_b", "not of X: use 'town'"),
        ("town_b", "not of X: use 'town'"),
        ("pryce", "Did you mean 'price'"),
        ("zzz", "from 0 to 1.$"),
    ],
)
def test_what_may_have_been_meant(feature, hint):
    columns = Columns(np.zeros((2, 2)), ["town", "price"])
    with pytest.raises(ValueError, match=hint):
        columns.number_of(feature)
