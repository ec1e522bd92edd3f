"""Experts that take no more than their capacity."""

import numpy as np
import pytest

from skmoe._routes import largest
from skmoe.training import _capacity
from skmoe.training._capacity import _Seats, capacity_of, within_capacity


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def assign(scores, weights, ties, top_k, capacity):
    def scores_of(rows):
        return scores[rows]

    return within_capacity(scores_of, weights, ties, scores.shape[1], top_k, capacity)


def load_of(experts, weights, n_experts):
    return np.bincount(experts.ravel(), np.repeat(weights, experts.shape[1]), n_experts)


def check_seats(experts, scores):
    """Different experts in each row, in the order of its scores."""
    assert experts.min() >= 0
    assert (np.diff(np.sort(experts, axis=1), axis=1) > 0).all()
    assert (np.diff(np.take_along_axis(scores, experts, axis=1), axis=1) <= 0).all()


def random_case(rng):
    n_experts = rng.integers(1, 13)
    top_k = rng.integers(1, n_experts + 1)
    scores = rng.normal(size=(rng.integers(1, 40), n_experts))
    kind = rng.integers(4)
    if kind == 0:  # all rows want the same two
        scores[:, :2] += 10
    elif kind == 1:  # many ties
        scores = np.round(scores)
    elif kind == 2:  # all rows are equal
        scores[:] = scores[0]
    return scores, top_k


def one_by_one(scores, ties, top_k, capacity):
    """Deferred acceptance, one row after the other; a set of experts for each row."""
    n_samples, n_experts = scores.shape
    wishes = [list(np.argsort(-row, kind="stable")) for row in scores]
    held = [[] for _ in range(n_experts)]
    free = [row for row in range(n_samples) for _ in range(top_k)]
    while free:
        row = free.pop()
        if not wishes[row]:
            continue
        expert = wishes[row].pop(0)
        held[expert].append(row)
        if len(held[expert]) > capacity:
            worst = min(held[expert], key=lambda i: (scores[i, expert], -ties[i]))
            held[expert].remove(worst)
            free.append(worst)
    return [{k for k in range(n_experts) if row in held[k]} for row in range(n_samples)]


# Equal weights


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5])
def test_no_expert_takes_more_than_its_capacity(factor):
    rng = np.random.default_rng(5)
    for _ in range(200):
        scores, top_k = random_case(rng)
        n_samples, n_experts = scores.shape
        weights = np.full(n_samples, rng.choice([1.0, 0.3]))
        capacity = capacity_of(weights, top_k, n_experts, factor)
        experts = assign(scores, weights, rng.permutation(n_samples), top_k, capacity)
        check_seats(experts, scores)
        load = load_of(experts, weights, n_experts)
        assert load.max() <= capacity * (1 + 1e-9)


def test_it_is_deferred_acceptance():
    rng, n_with_all = np.random.default_rng(6), 0
    for _ in range(200):
        scores, top_k = random_case(rng)
        n_samples, n_experts = scores.shape
        ties = rng.permutation(n_samples)
        capacity = capacity_of(np.ones(n_samples), top_k, n_experts, 1.1)
        experts = assign(scores, np.ones(n_samples), ties, top_k, capacity)
        expected = one_by_one(scores, ties, top_k, capacity)
        if all(len(own) == top_k for own in expected):
            n_with_all += 1
            assert [set(own.tolist()) for own in experts] == expected
    assert n_with_all > 100


def test_nobody_is_envious_with_reason(rng):
    scores = rng.normal(size=(60, 7)) + np.linspace(0, 3, 7)
    ties, weights = rng.permutation(60), np.ones(60)
    for factor in [1.0, 1.2]:
        capacity = capacity_of(weights, 1, 7, factor)
        experts = assign(scores, weights, ties, 1, capacity)[:, 0]
        own = scores[np.arange(60), experts]
        for row in range(60):
            for k in np.flatnonzero(scores[row] > own[row]):
                held = scores[experts == k, k]
                assert len(held) == capacity
                assert held.min() > scores[row, k]


def test_lists_of_choices_are_looked_up_again(rng, monkeypatch):
    scores = rng.normal(size=(50, 9)) + np.linspace(0, 5, 9)
    ties, weights = rng.permutation(50), np.ones(50)
    for top_k in [1, 3, 9]:
        capacity = capacity_of(weights, top_k, 9, 1.1)
        monkeypatch.setattr(_capacity, "_N_CHOICES", 9)
        expected = assign(scores, weights, ties, top_k, capacity)
        monkeypatch.setattr(_capacity, "_N_CHOICES", 2)
        monkeypatch.setattr(_capacity, "_CHUNK_CELLS", 50)
        experts = assign(scores, weights, ties, top_k, capacity)
        np.testing.assert_array_equal(experts, expected)


def test_few_scores_are_asked_for_at_a_time(rng, monkeypatch):
    monkeypatch.setattr(_capacity, "_CHUNK_CELLS", 50)
    scores, asked = rng.normal(size=(50, 5)), []

    def scores_of(rows):
        asked.append(len(rows))
        return scores[rows]

    within_capacity(scores_of, np.ones(50), np.arange(50), 5, 2, 20)
    assert max(asked) <= 10


def test_a_generous_capacity_gives_each_row_what_it_wants(rng):
    scores = rng.normal(size=(80, 12)) + np.linspace(0, 3, 12)
    for top_k in [1, 2, 10, 12]:
        weights = rng.exponential(size=80)
        experts = assign(scores, weights, np.arange(80), top_k, weights.sum())
        np.testing.assert_array_equal(experts, largest(scores.copy(), top_k)[0])


@pytest.mark.parametrize("kind", ["equal", "unequal", "equal rows"])
def test_order_of_rows_does_not_matter(rng, kind):
    for top_k in [1, 2, 3]:
        scores = np.round(rng.normal(size=(60, 5)), 1) + np.linspace(0, 2, 5)
        if kind == "equal rows":
            scores[:] = scores[0]
        weights = rng.lognormal(size=60) if kind == "unequal" else np.ones(60)
        ties = rng.uniform(size=60)
        order = rng.permutation(60)
        capacity = capacity_of(weights, top_k, 5, 1.0)
        experts = assign(scores, weights, ties, top_k, capacity)
        shuffled = assign(scores[order], weights[order], ties[order], top_k, capacity)
        np.testing.assert_array_equal(experts[order], shuffled)


def test_ties_decide_between_equal_scores():
    scores, ties = np.tile([1.0, 0.0], (6, 1)), np.array([5, 0, 4, 1, 3, 2])
    experts = assign(scores, np.ones(6), ties, 1, 3)
    np.testing.assert_array_equal(experts[:, 0], ties >= 3)


def test_rounding_does_not_decide(rng):
    scores = np.full((40, 3), -np.log(3)) + 1e-14 * rng.normal(size=(40, 3))
    ties = rng.permutation(40)
    experts = assign(scores, np.ones(40), ties, 1, 20)
    np.testing.assert_array_equal(experts[:, 0], ties >= 20)


def test_noisy_scores_do_not_seat_a_row_twice(rng):
    """Computed again, a score may be another by rounding."""
    scores = rng.normal(size=(60, 12)) + np.linspace(0, 2, 12)

    def scores_of(rows):
        return scores[rows] + 1e-6 * rng.normal(size=(len(rows), 12))

    experts = within_capacity(scores_of, np.ones(60), np.arange(60), 12, 10, 50)
    assert (np.diff(np.sort(experts, axis=1), axis=1) > 0).all()
    assert (load_of(experts, np.ones(60), 12) <= 50).all()


def test_rows_give_way_to_those_that_lack_an_expert():
    """The last two rows find room with the last expert only, which takes them once."""
    scores = np.tile([2.0, 1.0, 0.0], (6, 1))
    scores[1, 2] = 0.9  # it loses least
    scores[2, 2] = 0.8
    experts = assign(scores, np.ones(6), np.arange(6), 2, 4)
    np.testing.assert_array_equal(load_of(experts, np.ones(6), 3), [4, 4, 4])
    np.testing.assert_array_equal(experts[[1, 2]], [[1, 2], [1, 2]])
    np.testing.assert_array_equal(experts[[4, 5]], [[0, 2], [0, 2]])


# Weights


def test_capacity_is_one_of_weight(rng):
    for _ in range(50):
        weights = rng.integers(1, 4, size=60).astype(float)
        scores = rng.normal(size=(60, 5))
        scores[:, :2] += 10
        for top_k in [1, 2]:
            capacity = capacity_of(weights, top_k, 5, 1.5)
            experts = assign(scores, weights, np.arange(60), top_k, capacity)
            check_seats(experts, scores)
            assert load_of(experts, weights, 5).max() <= capacity


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_little_is_too_heavy_for_what_room_is_left(rng, top_k):
    for _ in range(10):
        weights = rng.uniform(0.5, 1.5, size=200)
        scores = rng.normal(size=(200, 5)) + np.linspace(0, 9, 5)
        capacity = capacity_of(weights, top_k, 5, 1.0)
        experts = assign(scores, weights, np.arange(200), top_k, capacity)
        check_seats(experts, scores)
        assert load_of(experts, weights, 5).max() <= capacity + 1.5


def test_heavy_rows_are_seated_too(rng):
    for _ in range(20):
        weights = rng.pareto(0.7, size=40)
        scores = np.round(rng.normal(size=(40, 5)), 1)
        capacity = capacity_of(weights, 2, 5, 1.0)
        experts = assign(scores, weights, np.arange(40), 2, capacity)
        check_seats(experts, scores)
        load = load_of(experts, weights, 5)
        assert load.max() <= capacity + weights.max()


def test_light_rows_fill_what_room_heavy_ones_leave():
    scores = np.array([[9.0, 0.0], [8.0, 0.0], [7.0, 0.0], [6.0, 0.0]])
    experts = assign(scores, np.array([3.0, 2.0, 1.0, 1.0]), np.arange(4), 1, 4.0)
    np.testing.assert_array_equal(experts[:, 0], [0, 1, 0, 1])


def test_a_refusal_for_weight_closes_no_door():
    """The last row comes to the first expert after it has refused a heavy one."""
    scores = np.array(
        [[9.0, 0.0, 0.0], [8.0, 0.0, 1.0], [0.0, 9.0, 0.0], [1.0, 8.0, 0.0]]
    )
    experts = assign(scores, np.array([3.0, 2.0, 4.0, 1.0]), np.arange(4), 1, 4.0)
    np.testing.assert_array_equal(experts[:, 0], [0, 2, 1, 0])


def squeezed_in(rows, weights):
    scores = np.tile([9.0, 8.0, 0.0], (2, 1))
    seats = _Seats(lambda rows: scores[rows], weights, np.arange(2), 3, 2, 5.0)
    seats.room = np.array([1.0, 3.0, 5.0])
    seats.squeeze_in(np.array(rows))
    return seats


def test_a_row_is_squeezed_in_where_it_fits_or_most_room_is():
    weights = np.array([6.0, 2.0])
    seats = squeezed_in([1], weights)
    np.testing.assert_array_equal(seats.experts, [[-1, -1], [1, 2]])
    np.testing.assert_array_equal(seats.room, [1, 1, 3])
    seats = squeezed_in([0], weights)
    np.testing.assert_array_equal(seats.experts, [[2, 1], [-1, -1]])
    np.testing.assert_array_equal(seats.room, [1, -3, -1])


def test_the_heaviest_row_is_squeezed_in_first():
    seats = squeezed_in([1, 0], np.array([6.0, 2.0]))
    np.testing.assert_array_equal(seats.experts, [[2, 1], [0, 2]])


def test_a_row_too_heavy_for_any_expert_goes_first():
    scores = np.array([[9.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    experts = assign(scores, np.array([1.0, 5.0, 1.0]), np.arange(3), 1, 4.0)
    np.testing.assert_array_equal(experts[:, 0], [1, 0, 1])


def test_a_row_without_weight_takes_no_room(rng):
    scores = rng.normal(size=(60, 4)) + np.linspace(0, 4, 4)
    weights = (rng.uniform(size=60) < 0.5).astype(float)
    used = weights > 0
    for top_k in [1, 2]:
        capacity = capacity_of(weights, top_k, 4, 1.0)
        experts = assign(scores, weights, np.arange(60), top_k, capacity)
        expected = assign(
            scores[used], weights[used], np.arange(60)[used], top_k, capacity
        )
        np.testing.assert_array_equal(experts[used], expected)
        np.testing.assert_array_equal(experts[~used], largest(scores[~used], top_k)[0])


# The capacity


@pytest.mark.parametrize(
    ("n_samples", "top_k", "n_experts", "factor", "expected"),
    [
        (100, 1, 10, 1.0, 10),
        (100, 1, 10, 1.1, 11),
        (100, 2, 8, 1.25, 31),  # 31.25: rounded down
        (10, 1, 3, 1.0, 4),  # three rows each would leave one without a seat
        (10, 1, 3, 1.1, 4),
        (5, 4, 4, 1.0, 5),
        (5, 4, 4, 3.0, 5),  # no more than there is
        (7, 2, 3, 2.0, 7),
    ],
)
def test_capacity_of_equal_weights(n_samples, top_k, n_experts, factor, expected):
    for unit in [1.0, 0.1, 3.7]:
        weights = np.concatenate([np.full(n_samples, unit), np.zeros(3)])
        capacity = capacity_of(weights, top_k, n_experts, factor)
        np.testing.assert_allclose(capacity, expected * unit)


def test_capacity_of_unequal_weights(rng):
    weights = rng.exponential(size=20)
    total = weights.sum()
    np.testing.assert_allclose(capacity_of(weights, 2, 8, 1.2), 0.3 * total)
    np.testing.assert_allclose(capacity_of(weights, 2, 3, 2.0), total)
