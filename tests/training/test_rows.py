"""Orders and draws that depend on nothing but the rows' content."""

import numpy as np
import pytest
from scipy import sparse

from skmoe.training._draws import RowDraws, draw_by_weight, systematic_counts
from skmoe.training._rows import RowSummary


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_rows(rng, n_samples=50):
    X = rng.normal(size=(n_samples, 3))
    return X, rng.normal(size=(n_samples, 1)), np.ones(n_samples)


def repeat(counts, *arrays):
    return [np.repeat(array, counts, axis=0) for array in arrays]


# Systematic sampling


def test_counts_are_within_one_of_their_expectation(rng):
    mass = rng.exponential(size=80) * (rng.uniform(size=80) < 0.8)
    order = rng.permutation(80)
    expected = 30 * mass / mass.sum()
    for offset in [0.0, rng.uniform(), 0.999]:
        counts = systematic_counts(mass, order, 30, offset)
        assert abs(counts.sum() - 30) <= 1
        assert (np.abs(counts - expected) < 1 + 1e-6).all()
        assert not counts[mass == 0].any()


def test_counts_are_right_on_average(rng):
    mass, order = rng.exponential(size=12), rng.permutation(12)
    offsets = (np.arange(2000) + 0.5) / 2000
    counts = [systematic_counts(mass, order, 5, offset) for offset in offsets]
    np.testing.assert_allclose(np.mean(counts, axis=0), 5 * mass / mass.sum(), atol=1e-2)


def test_counts_follow_the_order():
    mass = np.array([1.0, 1.0, 1.0, 1.0])
    counts = systematic_counts(mass, np.array([2, 0, 3, 1]), 2, 0.0)
    np.testing.assert_array_equal(counts, [1, 1, 0, 0])


def test_draw_by_weight(rng):
    order = rng.permutation(6)
    mass = rng.uniform(0.1, 1.0, size=6)
    mass[order[2]] = 0.0
    uniforms = (np.arange(5000) + 0.5) / 5000
    rows = draw_by_weight(np.tile(mass, (5000, 1)), order, uniforms)
    frequencies = np.bincount(rows, minlength=6) / 5000
    np.testing.assert_allclose(frequencies, mass / mass.sum(), atol=1e-3)
    # Low quantiles come first in the order.
    assert rows[0] == order[0]
    assert rows[-1] == order[-1]


# Summaries


def test_the_order_depends_on_content_alone(rng):
    X, y, weights = make_rows(rng)
    order = RowSummary(X, y, weights).order
    assert sorted(order) == list(range(50))
    shuffled = rng.permutation(50)
    other = RowSummary(X[shuffled], y[shuffled], weights)
    np.testing.assert_array_equal(shuffled[other.order], order)
    for units in [[-1.0, 1.0, 1.0], [1e-8, 1.0, -1e9], [3.0, 7.0, 0.1]]:
        changed = RowSummary(X * units + np.abs(units), -2 * y + 1, 5 * weights)
        np.testing.assert_array_equal(changed.order, order)


def test_duplicates_are_neighbours(rng):
    X, y, weights = make_rows(rng)
    X = np.round(X)
    X, y = np.repeat(X, 3, axis=0), np.repeat(y, 3, axis=0)
    shuffled = rng.permutation(150)
    summary = RowSummary(X[shuffled], y[shuffled], np.repeat(weights, 3))
    origin = (np.arange(150) // 3)[shuffled][summary.order].reshape(50, 3)
    assert (origin == origin[:, :1]).all()


def test_columns_are_standardised_by_weight(rng):
    X, y, _ = make_rows(rng)
    counts = rng.integers(1, 4, size=50)
    X = np.column_stack([X * [1.0, 1e8, 1e-8] + [5.0, 0.0, 0.0], np.full(50, 7.7)])
    summary = RowSummary(X, y, counts.astype(float))
    features, target = repeat(counts, summary.features, summary.target)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(features.std(axis=0), [1, 1, 1, 0])
    np.testing.assert_allclose(target.std(axis=0), 1)


@pytest.mark.parametrize("kind", ["numbers", "missing", "categories", "sparse"])
def test_integer_weights_are_repeated_rows(rng, kind):
    X, y, _ = make_rows(rng)
    # The rarer value of two, without weights, is the commoner with them.
    X[:, 0] = np.arange(50) < 20
    counts = np.where(X[:, 0] == 1, 3, 1)
    if kind == "missing":
        X[rng.uniform(size=X.shape) < 0.2] = np.nan
    if kind == "categories":
        X = np.column_stack([np.where(X[:, 0] == 1, "a", "b"), X[:, 1]]).astype(object)
    rows = np.repeat(np.arange(50), counts)
    container = sparse.csr_matrix if kind == "sparse" else np.asarray
    weighted = RowSummary(container(X), y, counts.astype(float))
    repeated = RowSummary(container(X[rows]), y[rows], np.ones(len(rows)))
    np.testing.assert_allclose(weighted.features[rows], repeated.features, atol=1e-9)
    np.testing.assert_array_equal(rows[repeated.order], np.repeat(
        weighted.order, counts[weighted.order]
    ))  # fmt: skip


def test_dataframes(rng):
    pandas = pytest.importorskip("pandas")
    kinds = np.array(["red", "green", "blue"])[rng.integers(0, 3, size=50)]
    number = rng.normal(size=50)
    number[7] = np.nan
    frame = pandas.DataFrame(
        {"number": number, "kind": pandas.Categorical(kinds), "flag": kinds == "red"}
    )
    summary = RowSummary(frame, rng.normal(size=(50, 1)), np.ones(50))
    assert summary.features.shape == (50, 1 + 3 + 1)
    assert np.isfinite(summary.features).all()
    assert summary.features[7, 0] == pytest.approx(0, abs=1e-12)
    # Indicators tell the categories apart, and nothing else.
    indicators = np.unique(np.round(summary.features[:, 1:4], 6), axis=0)
    assert len(indicators) == len(np.unique(kinds))


def test_sparse_equals_dense(rng):
    X, y, weights = make_rows(rng)
    X[rng.uniform(size=X.shape) < 0.5] = 0
    dense = RowSummary(X, y, weights)
    for container in [sparse.csr_matrix, sparse.csc_matrix]:
        np.testing.assert_allclose(
            RowSummary(container(X), y, weights).features, dense.features
        )


def test_wide_data_are_cut(rng):
    X = rng.normal(size=(20, 80))
    X[:, :40] *= np.eye(20)[:, :1]
    y, weights = rng.normal(size=(20, 1)), np.ones(20)
    assert RowSummary(X, y, weights).features.shape == (20, 50)
    cut = RowSummary(sparse.csr_matrix(X), y, weights).features
    assert cut.shape == (20, 50)
    # The most populated columns stay.
    full = RowSummary(X[:, 40:], y, weights).features
    np.testing.assert_allclose(cut[:, -40:], full)


def test_thinned(rng):
    X, y, weights = make_rows(rng)
    weights = rng.uniform(0.5, 2.0, size=50)
    summary = RowSummary(X, y, weights)
    assert summary.thinned(50, np.random.RandomState(0)) is summary
    thin = summary.thinned(20, np.random.RandomState(0))
    assert len(thin.weights) == len(thin.features) == len(thin.target) == 20
    np.testing.assert_array_equal(thin.order, np.arange(20))
    for features, target, weight in zip(
        thin.features, thin.target, thin.weights, strict=True
    ):
        row = np.flatnonzero((summary.features == features).all(axis=1))
        assert weight == weights[row]
        np.testing.assert_array_equal(target, summary.target[row[0]])


def test_thinned_rows_keep_their_copies(rng):
    X, y, counts = make_rows(rng)
    counts = rng.integers(1, 4, size=50)
    weighted = RowSummary(X, y, counts.astype(float))
    repeated = RowSummary(*repeat(counts, X, y), np.ones(counts.sum()))
    one = weighted.thinned(20, np.random.RandomState(0))
    other = repeated.thinned(20, np.random.RandomState(0))
    rows = np.repeat(np.arange(20), one.weights.astype(int))
    np.testing.assert_allclose(one.features[rows], other.features, atol=1e-12)


# Draws of whole rows


@pytest.mark.parametrize("method", ["steady", "random"])
def test_draws_of_weighted_rows_are_draws_of_repeated_rows(rng, method):
    X, y, _ = make_rows(rng)
    counts = rng.integers(1, 5, size=50)
    shares = rng.dirichlet(np.ones(3), size=50)
    rows = rng.permutation(np.repeat(np.arange(50), counts))
    weighted = RowDraws(RowSummary(X, y, counts.astype(float)))
    repeated = RowDraws(RowSummary(X[rows], y[rows], np.ones(len(rows))))
    drawn = []
    for draws, mass in [
        (weighted, shares * counts[:, None]),
        (repeated, shares[rows]),
    ]:
        state = [np.random.RandomState(4)] if method == "random" else []
        drawn.append(getattr(draws, method)(mass, *state))
    merged = np.stack(
        [np.bincount(rows, weights=column) for column in drawn[1].T], axis=1
    )
    np.testing.assert_allclose(drawn[0], merged)


def test_draws_have_the_experts_mass(rng):
    X, y, _ = make_rows(rng)
    weights = rng.uniform(0.01, 0.02, size=50)
    draws = RowDraws(RowSummary(X, y, weights))
    mass = rng.dirichlet(np.ones(3), size=50) * weights[:, None]
    mass[:, 2] = 0.0
    steady = draws.steady(mass)
    expected = 50 * mass / weights.sum()
    assert steady.dtype.kind == "i"
    assert (np.abs(steady.sum(axis=0) - expected.sum(axis=0)) <= 1.5).all()
    assert (np.abs(steady - expected) <= 1.5).all()
    assert not steady[:, 2].any()
    np.testing.assert_array_equal(steady, draws.steady(mass))
    random = draws.random(mass, np.random.RandomState(0))
    np.testing.assert_allclose(
        random.sum(axis=0), mass.sum(axis=0), atol=1.6 * weights.sum() / 50
    )
    other = draws.random(mass, np.random.RandomState(1))
    assert not np.array_equal(random, other)


def test_equal_experts_get_different_rows(rng):
    X, y, weights = make_rows(rng)
    steady = RowDraws(RowSummary(X, y, weights)).steady(np.full((50, 2), 0.5))
    assert not np.array_equal(steady[:, 0], steady[:, 1])
