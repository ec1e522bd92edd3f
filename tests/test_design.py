"""Rows in standard units: all of them, a few at a time, some, and samples of them."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor, _design
from skmoe._design import Design, column_moments
from skmoe.experts import make_regressor_pool
from skmoe.training import RowSummary
from skmoe.training._start import n_start_rows, starting_responsibilities

N_ROWS = 60
PART = slice(20, 37)


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=[True, False], ids=["kept", "not kept"])
def is_kept(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(_design, "_KEPT_CELLS", 0)
        monkeypatch.setattr(_design, "_KEPT_SINGLE_CELLS", 0)
        monkeypatch.setattr(_design, "_CHUNK_CELLS", 24)
    return request.param


@pytest.fixture(params=["dense", "float32", "integers", "sparse"])
def container(request):
    return {
        "dense": np.asarray,
        "float32": lambda X: X.astype(np.float32),
        "integers": lambda X: np.round(X).astype(int),
        "sparse": sparse.csr_matrix,
    }[request.param]


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"])
def fit_intercept(request):
    return request.param


def make_X(rng, n_rows=N_ROWS):
    """Columns of several sizes, the last of them constant."""
    X = rng.normal([2.0, -30.0, 0.0], [1.0, 5.0, 10.0], size=(n_rows, 3))
    return np.column_stack([X, np.full(n_rows, 1e5 / 3)])


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)


def make_design(rng, container, fit_intercept):
    weights = rng.uniform(0.5, 2.0, size=N_ROWS)
    X = container(make_X(rng))
    return Design(X, weights, fit_intercept), X, weights


def test_rows_are_those_of_the_transform(rng, container, fit_intercept, is_kept):
    design, X, _ = make_design(rng, container, fit_intercept)
    expected = dense(design.transform(X[PART]))
    np.testing.assert_array_equal(dense(design.rows(PART)), expected)


def test_rows_are_those_that_are_asked_for(rng, container, is_kept):
    design, X, _ = make_design(rng, container, True)
    whole = dense(design.transform(X))
    for part in [PART, PART, slice(0, 5), PART]:
        np.testing.assert_array_equal(dense(design.rows(part)), whole[part])


def test_a_large_design_is_not_kept(rng, container, is_kept):
    design, _, _ = make_design(rng, container, True)
    design.rows(PART)
    assert ("matrix" in vars(design)) is is_kept


def test_a_subset_keeps_its_units(rng, container, fit_intercept, is_kept):
    design, X, _ = make_design(rng, container, fit_intercept)
    design.rows(slice(0, 25))  # which are others in the subset
    rows = rng.permutation(N_ROWS)[:25]
    part = design.subset(rows)
    expected = dense(design.transform(X[rows]))
    np.testing.assert_array_equal(dense(part.rows(slice(0, 25))), expected)
    np.testing.assert_array_equal(dense(part.matrix), expected)
    assert part.n_samples == 25


def test_the_whole_is_not_changed_by_a_subset(rng, container, is_kept):
    design, X, _ = make_design(rng, container, True)
    design.subset(np.arange(3)).rows(slice(0, 3))
    expected = dense(design.transform(X[:3]))
    np.testing.assert_array_equal(dense(design.rows(slice(0, 3))), expected)
    assert design.n_samples == N_ROWS


def test_a_pipelines_subset_has_its_units(rng):
    X, y = make_X(rng), rng.normal(size=N_ROWS)
    experts = [("a", make_pipeline(StandardScaler(), LinearRegression()))]
    pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    pool.bind(X, np.ones(N_ROWS))
    part = pool.subset(X[:25], np.arange(25))
    np.testing.assert_array_equal(part.inner.design.matrix, pool.inner.design.matrix[:25])


def test_columns_are_in_standard_units(rng, is_kept):
    design, _, weights = make_design(rng, np.asarray, True)
    mean = weights @ design.matrix / weights.sum()
    variance = weights @ (design.matrix - mean) ** 2 / weights.sum()
    np.testing.assert_allclose(mean, [1, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(variance, [0, 1, 1, 1, 0], atol=1e-12)
    assert not design.matrix[:, 4].any()


def test_sparse_columns_are_scaled_alone(rng):
    design, X, weights = make_design(rng, sparse.csr_matrix, True)
    _, scale = column_moments(X.toarray(), weights / weights.sum())
    np.testing.assert_allclose(design.scale[:3], scale[:3])
    assert not design.center.any()


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_without_an_intercept_a_constant_column_is_one(rng, kind):
    design, _, _ = make_design(rng, kind, False)
    np.testing.assert_allclose(dense(design.matrix)[:, 3], 1.0)


def test_a_linear_predictor_is_the_same_in_both_units(rng, container, fit_intercept):
    design, X, _ = make_design(rng, container, fit_intercept)
    coef = rng.normal(size=(2, design.n_columns))
    if fit_intercept:  # what a constant column says is the intercept's
        coef[:, -1] = 0.0
    slopes, intercept = design.to_user(coef)
    expected = dense(X) @ slopes.T + intercept
    np.testing.assert_allclose(dense(design.matrix) @ coef.T, expected, atol=1e-10)


def test_units_are_taken_back(rng, container, fit_intercept):
    design, _, _ = make_design(rng, container, fit_intercept)
    coef = rng.normal(size=(2, design.n_columns))
    np.testing.assert_allclose(design.from_user(*design.to_user(coef)), coef)


def test_a_design_is_the_same_as_one_of_the_same_rows(rng, container, fit_intercept):
    design, X, weights = make_design(rng, container, fit_intercept)
    assert design.same_as(Design(X, weights, fit_intercept))


def test_a_design_differs_by_its_intercept(rng, container):
    design, X, weights = make_design(rng, container, True)
    assert not design.same_as(Design(X, weights, False))


def test_a_design_differs_by_its_weights(rng, container):
    design, X, weights = make_design(rng, container, True)
    assert not design.same_as(Design(X, weights**2))


def test_a_design_differs_by_its_rows(rng):
    design, X, weights = make_design(rng, np.asarray, True)
    assert not design.same_as(Design(X.copy(), weights))


def test_moments_a_few_rows_at_a_time(rng, is_kept):
    X, weights = make_X(rng), rng.uniform(size=N_ROWS)
    probability = weights / weights.sum()
    mean, scale = column_moments(X, probability)
    expected = np.sqrt(probability @ (X - probability @ X) ** 2)
    np.testing.assert_allclose(mean, probability @ X)
    np.testing.assert_allclose(scale, expected, atol=1e-9)


def test_moments_far_from_zero(rng):
    """As large as float32 holds apart."""
    X = rng.integers(0, 2, size=(N_ROWS, 2)).astype(np.float32) + np.float32(2**22)
    _, scale = column_moments(X, np.full(N_ROWS, 1 / N_ROWS))
    np.testing.assert_allclose(scale, X.astype(np.float64).std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_table_is_not_copied(monkeypatch, dtype):
    monkeypatch.setattr(_design, "_KEPT_CELLS", 0)
    monkeypatch.setattr(_design, "_KEPT_SINGLE_CELLS", 0)
    X = np.random.default_rng(0).normal(size=(50_000, 20)).astype(dtype)
    weights = np.ones(len(X))
    tracemalloc.start()
    try:
        design = Design(X, weights)
        for first in range(0, len(X), 1000):
            design.rows(slice(first, first + 1000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert design.X is X
    assert peak < 0.5 * X.size * 8


def test_standard_units_are_float64(rng):
    design, _, _ = make_design(rng, lambda X: X.astype(np.float32), True)
    assert design.rows(PART).dtype == np.float64


def test_float32_gives_nearly_the_same_model(rng):
    X = rng.normal([5.0, 0.0], [1.0, 20.0], size=(300, 2)).astype(np.float32)
    y = np.abs(X[:, 0] - 5.0) + 0.2 * rng.normal(size=300)
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    expected = model.fit(X.astype(np.float64), y).predict(X.astype(np.float64))
    np.testing.assert_allclose(model.fit(X, y).predict(X), expected, atol=1e-3)


# Samples of rows, by their content


CONTAINERS = {"dense": np.asarray, "objects": lambda X: X.astype(object)}


@pytest.fixture(params=["dense", "objects", "sparse", "missing"])
def table(request, rng):
    X = make_X(rng, 2000)
    if request.param == "missing":
        X[rng.uniform(size=X.shape) < 0.1] = np.nan
    if request.param == "sparse":
        return sparse.csr_matrix(X)
    return CONTAINERS.get(request.param, np.asarray)(X)


def samples_of(X, y, weights, seed=0):
    random_state = np.random.RandomState(seed)
    return RowSummary(X, y, weights).samples(100, 4, random_state)


def test_samples_are_nested_and_grow(rng, table):
    samples = samples_of(table, rng.normal(size=(2000, 1)), np.ones(2000))
    assert [len(rows) for rows in samples] == [100 * 4**k for k in range(len(samples))]
    assert len(samples) > 1
    assert all(set(a) <= set(b) for a, b in pairwise(samples))


def test_rows_that_differ_in_their_target_are_not_copies(rng):
    samples = samples_of(np.ones((2000, 2)), rng.normal(size=(2000, 1)), np.ones(2000))
    assert [len(rows) for rows in samples[:2]] == [100, 400]


def test_few_rows_have_no_samples(rng):
    assert samples_of(make_X(rng, 120), rng.normal(size=(120, 1)), np.ones(120)) == []


def test_samples_do_not_depend_on_the_order(rng, table):
    y, order = rng.normal(size=(2000, 1)), rng.permutation(2000)
    first = samples_of(table, y, np.ones(2000))
    second = samples_of(table[order], y[order], np.ones(2000))
    for rows, others in zip(first, second, strict=True):
        np.testing.assert_array_equal(np.sort(order[others]), rows)


def test_all_copies_of_a_row_come_along(rng, table):
    y, counts = rng.normal(size=(2000, 1)), rng.integers(1, 4, size=2000)
    origin = np.repeat(np.arange(2000), counts)
    weighted = samples_of(table, y, counts.astype(float))
    repeated = samples_of(table[origin], y[origin], np.ones(len(origin)))
    for rows, others in zip(weighted, repeated, strict=True):
        np.testing.assert_array_equal(origin[others], np.repeat(rows, counts[rows]))


def test_other_random_states_sample_other_rows(rng, table):
    y, weights = rng.normal(size=(2000, 1)), np.ones(2000)
    first, second = (samples_of(table, y, weights, seed)[0] for seed in (0, 1))
    assert len(np.intersect1d(first, second)) < 60


def test_samples_are_like_the_whole(rng, table):
    """Of every kind of rows there are some, wherever they lie."""
    y = rng.normal(size=(2000, 1))
    rows = samples_of(table, y, np.ones(2000))[0]
    assert abs(y[rows].mean()) < 0.35
    assert y[rows].std() == pytest.approx(1.0, abs=0.25)


def test_a_start_on_a_sample_knows_weights_as_repeated_rows(rng):
    X, counts = rng.normal(size=(4000, 2)), rng.integers(1, 4, size=4000)
    y, origin = rng.normal(size=(4000, 1)), np.repeat(np.arange(4000), counts)
    tables = [(X, y, counts.astype(float)), (X[origin], y[origin], np.ones(len(origin)))]
    starts = []
    for table in tables:
        summary = RowSummary(*table)
        size = n_start_rows(summary, 2)
        rows = summary.samples(size, 4, np.random.RandomState(0))[0]
        random_state = np.random.RandomState(1)
        start = starting_responsibilities("auto", summary.subset(rows), 2, random_state)
        starts.append(np.repeat(start, table[2][rows].astype(int), axis=0))
    np.testing.assert_allclose(*starts, atol=1e-6)
