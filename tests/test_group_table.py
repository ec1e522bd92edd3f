"""Groups of rows, and what a gate sees of them."""

import numpy as np
import pytest
from scipy.sparse import csr_array, issparse

from skmoe._group_table import Groups

NAMES = np.array(["b", "a", "b", "b", "c"])
WEIGHTS = np.array([1.0, 2.0, 3.0, 1.0, 1.0])


@pytest.fixture
def groups():
    return Groups.of(NAMES, np.zeros((5, 1)))


def test_groups_are_numbered_as_they_come(groups):
    np.testing.assert_array_equal(groups.codes, [0, 1, 0, 0, 2])
    np.testing.assert_array_equal(groups.first, [0, 1, 4])
    np.testing.assert_array_equal(groups.sizes, [3, 1, 1])
    assert groups.name_of(3) == "b"


def test_names_of_any_kind(groups):
    for names in (["b", 1, "b", "b", (2, 3)], [2.5, 0.0, 2.5, 2.5, 1.0]):
        codes = Groups.of(_objects(names), np.zeros((5, 1))).codes
        np.testing.assert_array_equal(codes, groups.codes)


def _objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def test_sums_and_shares(groups):
    values = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(groups.sums(values), [[10, 13], [2, 3], [8, 9]])
    np.testing.assert_array_equal(groups.sums(WEIGHTS), [5, 2, 1])
    shared = groups.shared_out(np.array([6.0, 1.0, 2.0]))
    np.testing.assert_array_equal(shared, [2, 1, 2, 2, 2])


def test_subset_forgets_groups_without_rows(groups):
    part = groups.subset(np.array([2, 3, 4]))
    np.testing.assert_array_equal(part.codes, [0, 0, 1])
    assert part.name_of(2) == "c"


def test_split_groups_have_a_name(groups):
    assert groups.split_by(np.array([0, 2, 3])) is None
    assert groups.split_by(np.array([1, 3])) == "b"


def test_means_by_weight_of_what_is_known(groups):
    X = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, np.nan], [7.0, 9.0], [4.0, 0.1]])
    table = groups.table(X, WEIGHTS)
    expected = [[(1 + 9 + 7) / 5, 7.0], [2.0, np.nan], [4.0, 0.1]]
    np.testing.assert_allclose(table, expected)


def test_what_is_constant_stays_exactly_so(groups):
    values = np.array([0.1, 0.3, 0.1, 0.1, 0.7])[:, None]
    table = groups.table(values, np.array([1.0, 2.0, 0.3, 0.7, 1.0]))
    np.testing.assert_array_equal(table, values[groups.first])


def test_sparse_tables(groups):
    X = np.array([[0.0, 5.0], [2.0, 0.0], [3.0, 0.0], [0.0, 9.0], [4.0, 0.1]])
    table = groups.table(csr_array(X), WEIGHTS)
    assert issparse(table)
    np.testing.assert_allclose(table.toarray(), groups.table(X, WEIGHTS))


def test_arrays_of_objects(groups):
    X = np.array([["x", 1], ["y", 2], ["x", 3], ["x", 7], ["z", 4]], dtype=object)
    table = groups.table(X, WEIGHTS)
    assert table[:, 0].tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(table[:, 1].astype(float), [3.4, 2, 4])
    X[3, 0] = "y"
    with pytest.raises(ValueError, match=r"column 0 of X .* group 'b' .row 3: 'y' after"):
        groups.table(X, WEIGHTS)


def test_frames_keep_what_is_constant_as_it_is(groups):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(
        {
            "count": [1, 2, 1, 1, 4],
            "age": pandas.array([1, 2, None, 7, 4], dtype="Int64"),
            "kind": pandas.Categorical(["x", None, "x", "x", "z"]),
        }
    )
    table = groups.table(X, WEIGHTS)
    assert table["count"].tolist() == [1, 2, 4]
    assert table["count"].dtype == X["count"].dtype
    assert table["kind"].dtype == X["kind"].dtype
    np.testing.assert_allclose(table["age"].astype(float), [4, 2, 4])
    assert X["age"][3] == 7  # the user's own table is left alone


def test_categories_of_numbers_have_no_mean(groups):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"kind": pandas.Categorical([1, 2, 1, 3, 4])})
    with pytest.raises(ValueError, match="'kind' of X is not of numbers"):
        groups.table(X, WEIGHTS)


def test_missing_names_of_pandas():
    pandas = pytest.importorskip("pandas")
    names = pandas.Series(["a", None, "b"], dtype="string")
    with pytest.raises(ValueError, match="the value of row 1 is missing"):
        Groups.of(names, np.zeros((3, 1)))
