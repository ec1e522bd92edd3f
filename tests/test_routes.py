"""Which experts each row is sent to."""

import numpy as np
import pytest

from skmoe._routes import Routes, largest


@pytest.fixture
def routes(rng):
    experts = np.array([rng.permutation(7)[:3] for _ in range(50)])
    experts[experts == 4] = 5  # nobody is sent to expert 4
    experts = np.array([row if len(set(row)) == 3 else [0, 1, 2] for row in experts])
    return Routes(experts, 7)


def test_groups_hold_each_pair_once(routes):
    seen = []
    for expert, part in routes.groups():
        pairs, rows = routes.pairs[part], routes.rows[part]
        assert np.all(routes.experts.ravel()[pairs] == expert)
        assert np.array_equal(rows, np.flatnonzero((routes.experts == expert).any(1)))
        assert len(rows) == routes.counts[expert]
        seen.extend(pairs)
    assert sorted(seen) == list(range(150))
    assert routes.counts[4] == 0


def test_load_is_a_share_of_the_weight(routes, rng):
    weights = rng.uniform(1, 2, size=50)
    mass = [weights[(routes.experts == k).any(axis=1)].sum() for k in range(7)]
    assert np.allclose(routes.load(weights), np.array(mass) / (3 * weights.sum()))


def test_tables_and_back(routes, rng):
    values = rng.standard_normal((50, 3))
    full = np.zeros((50, 7))
    for row, expert, value in zip(
        np.repeat(np.arange(50), 3), routes.experts.ravel(), values.ravel(), strict=True
    ):
        full[row, expert] = value
    assert np.array_equal(routes.table(values).toarray(), full)
    assert np.array_equal(routes.spread(values), full)
    assert np.array_equal(routes.of_pairs(full), values)
    ascending = routes.table(values).tocsc().tocsr()
    assert np.array_equal(routes.values_of(ascending), values)
    assert np.array_equal(routes[10:20].experts, routes.experts[10:20])


@pytest.mark.parametrize("n_experts", [2, 5, 16, 17, 60])
@pytest.mark.parametrize("top_k", [1, 2, 3, 9])
@pytest.mark.parametrize("tied", [False, True])
def test_largest(n_experts, top_k, tied, rng):
    top_k = min(top_k, n_experts)
    scores = rng.standard_normal((200, n_experts))
    scores = np.round(scores) if tied else scores
    experts, values = largest(scores.copy(), top_k)
    assert np.array_equal(values, -np.sort(-scores, axis=1)[:, :top_k])
    assert np.array_equal(values, np.take_along_axis(scores, experts, axis=1))
    assert all(len(set(row)) == top_k for row in experts.tolist())
