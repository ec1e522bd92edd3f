"""Weighted sums of products of columns, in every way they are formed."""

import numpy as np
import pytest
from scipy import sparse

from skmoe import _grams
from skmoe._grams import row_slices, weighted_grams

N_ROWS, N_COLUMNS, N_SETS = 700, 5, 3


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=["batch", "shared", "many columns", "csr", "csc"])
def branch(request, monkeypatch):
    """A container, with the limits set so that one branch is taken."""
    if request.param in ("shared", "many columns"):
        monkeypatch.setattr(_grams, "_BATCH_CELLS", 0)
        # Chunks of 256 rows, so that there are three of them.
        monkeypatch.setattr(_grams, "_CHUNK_CELLS", 1)
    if request.param == "many columns":
        monkeypatch.setattr(_grams, "MAX_SHARED_COLUMNS", N_COLUMNS - 1)
    containers = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}
    return containers.get(request.param, np.asarray)


def brute_force(rows, weights):
    return np.einsum("ji,ip,iq->jpq", weights, rows, rows)


def make_rows(rng, n_columns=N_COLUMNS):
    rows = rng.normal(size=(N_ROWS, n_columns))
    rows[rng.uniform(size=rows.shape) < 0.3] = 0.0
    return rows


def test_each_branch_is_the_sum(rng, branch):
    rows, weights = make_rows(rng), rng.uniform(size=(N_SETS, N_ROWS))
    grams = weighted_grams(branch(rows), weights)
    np.testing.assert_allclose(grams, brute_force(rows, weights), rtol=1e-11, atol=1e-10)


def test_weights_may_be_negative(rng, branch):
    rows, weights = make_rows(rng), rng.normal(size=(N_SETS, N_ROWS))
    grams = weighted_grams(branch(rows), weights)
    np.testing.assert_allclose(grams, brute_force(rows, weights), rtol=1e-11, atol=1e-10)


def test_the_sums_are_dense_and_symmetric(rng, branch):
    grams = weighted_grams(branch(make_rows(rng)), rng.normal(size=(N_SETS, N_ROWS)))
    assert isinstance(grams, np.ndarray)
    np.testing.assert_allclose(grams, grams.swapaxes(1, 2), atol=1e-11)


def test_one_column(rng, branch):
    rows, weights = make_rows(rng, 1), rng.normal(size=(1, N_ROWS))
    grams = weighted_grams(branch(rows), weights)
    np.testing.assert_allclose(grams, brute_force(rows, weights), atol=1e-10)


def test_one_row(rng, branch):
    rows, weights = rng.normal(size=(1, N_COLUMNS)), rng.normal(size=(N_SETS, 1))
    grams = weighted_grams(branch(rows), weights)
    np.testing.assert_allclose(grams, brute_force(rows, weights), atol=1e-12)


def test_no_set_of_weights(rng, branch):
    """As a gate of one expert has it."""
    grams = weighted_grams(branch(make_rows(rng)), np.empty((0, N_ROWS)))
    assert grams.shape == (0, N_COLUMNS, N_COLUMNS)


def test_the_rows_may_lie_in_memory_in_any_way(rng, branch):
    rows, weights = make_rows(rng), rng.normal(size=(N_SETS, N_ROWS))
    grams = weighted_grams(branch(np.asfortranarray(rows)), weights)
    np.testing.assert_allclose(grams, brute_force(rows, weights), atol=1e-10)


def test_the_arguments_stay_as_they_are(rng, branch):
    rows, weights = make_rows(rng), rng.normal(size=(N_SETS, N_ROWS))
    kept = rows.copy(), weights.copy()
    weighted_grams(branch(rows), weights)
    np.testing.assert_array_equal(rows, kept[0])
    np.testing.assert_array_equal(weights, kept[1])


@pytest.mark.parametrize(("n_rows", "length"), [(10, 3), (9, 3), (2, 5), (1, 1)])
def test_slices_cover_all_rows_once(n_rows, length):
    parts = [np.arange(n_rows)[part] for part in row_slices(n_rows, length)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(n_rows))


def test_slices_have_at_most_so_many_rows():
    lengths = [len(np.arange(10)[part]) for part in row_slices(10, 4)]
    assert lengths == [4, 4, 2]


def test_there_is_no_slice_of_no_rows():
    assert row_slices(0, 4) == []
