"""A bias that makes the load of experts even."""

import numpy as np
import pytest

from skmoe._routes import Routes, largest
from skmoe.training import _balance
from skmoe.training._balance import (
    _SoftLoad,
    balancing_bias,
    is_even,
    weakest_bias,
)


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def passes(monkeypatch):
    """Every pass over the rows after the first look, as it is made."""
    made = []

    class Counted(_SoftLoad):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(_balance, "_SoftLoad", Counted)
    return made


def variation_of(scores, weights, top_k):
    routes = Routes(largest(scores.copy(), top_k)[0], scores.shape[1])
    load = routes.load(weights)
    return load.std() / load.mean()


def noise(rng, n_samples, n_experts):
    return rng.normal(size=(n_samples, n_experts))


def offsets(rng, n_samples, n_experts):
    return noise(rng, n_samples, n_experts) + rng.uniform(-10, 10, n_experts)


def tiny(rng, n_samples, n_experts):
    return 1e-3 * offsets(rng, n_samples, n_experts)


def huge(rng, n_samples, n_experts):
    return 50 * offsets(rng, n_samples, n_experts)


def dominated(rng, n_samples, n_experts):
    scores = noise(rng, n_samples, n_experts)
    scores[:, 1] += 40
    return scores


def linear(rng, n_samples, n_experts):
    X = rng.normal(size=(n_samples, 5))
    return 3 * X @ rng.normal(size=(5, n_experts)) + 4 * rng.normal(size=n_experts)


def along_a_line(rng, n_samples, n_experts):
    """Each competes with its neighbours only, and most begin with no row at all."""
    x = rng.normal(size=(n_samples, 1))
    return -3 * (x - np.linspace(2, 6, n_experts)) ** 2


def regimes(rng, n_samples, n_experts):
    """Sure of the regime, all but indifferent within it."""
    regime = rng.integers(3, size=n_samples)
    certain = 50 * rng.normal(size=(3, n_experts))
    return certain[regime] + 0.1 * noise(rng, n_samples, n_experts)


KINDS = [offsets, tiny, huge, dominated, linear, along_a_line, regimes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_experts", [4, 16, 64])
@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_load_becomes_even(kind, n_experts, top_k, passes):
    rng = np.random.default_rng(n_experts + top_k)
    scores = kind(rng, 40 * n_experts, n_experts)
    weights = rng.uniform(0.5, 1.5, size=len(scores))
    bias = balancing_bias(scores, weights, top_k)
    assert variation_of(scores + bias, weights, top_k) <= 0.1
    assert abs(bias.sum()) <= 1e-9 * np.abs(scores).max()
    assert len(passes) <= 30


def test_load_of_many_experts_becomes_even(passes):
    rng = np.random.default_rng(0)
    scores = offsets(rng, 8000, 256)
    bias = balancing_bias(scores, np.ones(8000), 4)
    assert variation_of(scores + bias, np.ones(8000), 4) <= 0.1
    assert len(passes) <= 10


def test_scores_are_left_alone(rng):
    scores = offsets(rng, 300, 6)
    before = scores.copy()
    balancing_bias(scores, np.ones(300), 2)
    np.testing.assert_array_equal(scores, before)


def test_order_of_rows_does_not_matter(rng):
    scores, weights = linear(rng, 600, 8), rng.exponential(size=600)
    order = rng.permutation(600)
    bias = balancing_bias(scores, weights, 2)
    shuffled = balancing_bias(scores[order], weights[order], 2)
    assert np.abs(bias).max() > 1
    np.testing.assert_allclose(bias, shuffled, atol=1e-8)


def test_weight_is_a_row_repeated(rng):
    scores, counts = linear(rng, 600, 8), rng.integers(0, 4, size=600)
    bias = balancing_bias(scores, counts.astype(float), 2)
    repeated = np.repeat(scores, counts, axis=0)
    expected = balancing_bias(repeated, np.ones(len(repeated)), 2)
    assert np.abs(bias).max() > 1
    np.testing.assert_allclose(bias, expected, atol=1e-8)


def test_scale_and_constants_of_rows_do_not_matter(rng):
    scores, weights = linear(rng, 600, 8), np.ones(600)
    bias = balancing_bias(scores, weights, 2)
    scaled = balancing_bias(1024 * scores, weights, 2)
    np.testing.assert_allclose(scaled, 1024 * bias, atol=1e-6)
    moved = balancing_bias(scores + rng.normal(size=(600, 1)), weights, 2)
    np.testing.assert_allclose(moved, bias, atol=1e-8)


def test_chunks_add_up(rng, monkeypatch):
    scores, weights = linear(rng, 600, 8), rng.exponential(size=600)
    expected = balancing_bias(scores, weights, 2)
    monkeypatch.setattr(_balance, "_CHUNK_CELLS", 400)
    np.testing.assert_allclose(balancing_bias(scores, weights, 2), expected, atol=1e-8)


# Starts


def test_an_even_load_is_left_alone(rng, passes):
    scores, weights = noise(rng, 5000, 4), np.ones(5000)
    np.testing.assert_array_equal(balancing_bias(scores, weights, 2), np.zeros(4))
    scores = offsets(rng, 5000, 4)
    start = balancing_bias(scores, weights, 2)
    del passes[:]
    again = balancing_bias(scores, weights, 2, start + 7.0)
    np.testing.assert_allclose(again, start, atol=1e-9)
    assert not passes


def test_a_good_start_saves_passes(rng, passes):
    scores, weights = along_a_line(rng, 3000, 32), np.ones(3000)
    start = balancing_bias(scores, weights, 1)
    n_cold = len(passes)
    del passes[:]
    scores += 0.1 * rng.normal(size=32)
    bias = balancing_bias(scores, weights, 1, start)
    assert variation_of(scores + start, weights, 1) > 0.1
    assert variation_of(scores + bias, weights, 1) <= 0.1
    assert len(passes) < n_cold


def test_all_experts_for_each_row(rng):
    scores, start = offsets(rng, 50, 3), np.array([3.0, 0.0, 0.0])
    np.testing.assert_array_equal(balancing_bias(scores, np.ones(50), 3), np.zeros(3))
    np.testing.assert_allclose(
        balancing_bias(scores, np.ones(50), 3, start), [2.0, -1.0, -1.0]
    )


# What no bias makes even


def test_equal_scores_end_at_once(passes):
    bias = balancing_bias(np.full((500, 5), -np.log(5)), np.ones(500), 2)
    np.testing.assert_array_equal(bias, np.zeros(5))
    assert not passes


@pytest.mark.parametrize("rounding", [0.0, 1e-16])
def test_equal_rows_end(rng, passes, rounding):
    scores = np.tile(-rng.exponential(size=5), (500, 1))
    scores *= 1 + rounding * rng.normal(size=scores.shape)
    bias = balancing_bias(scores, np.ones(500), 2)
    np.testing.assert_array_equal(bias, np.zeros(5))
    assert len(passes) <= 25


def test_few_kinds_of_rows_are_shared_as_well_as_can_be():
    kinds = np.array([[3.0, 0.0], [1.0, 0.0]])
    scores, weights = np.repeat(kinds, [600, 400], axis=0), np.ones(1000)
    bias = balancing_bias(scores, weights, 1)
    np.testing.assert_array_equal(
        largest(scores + bias, 1)[0][:, 0], np.repeat([0, 1], [600, 400])
    )


def test_equal_rows_are_one_of_their_weight(rng):
    scores, weights = linear(rng, 100, 6), rng.exponential(size=300)
    copies = rng.permutation(np.tile(np.arange(100), 3))
    bias = balancing_bias(scores[copies], weights, 2)
    assert np.abs(bias).max() > 1
    expected = balancing_bias(scores, np.bincount(copies, weights), 2)
    np.testing.assert_allclose(bias, expected, atol=1e-8)


def test_few_rows_are_no_worse_than_before(rng):
    scores, weights = offsets(rng, 12, 16), np.ones(12)
    bias = balancing_bias(scores, weights, 2)
    before = variation_of(scores, weights, 2)
    assert variation_of(scores + bias, weights, 2) < before


# The smoothed load


@pytest.fixture(params=[1, 2, 3])
def top_k(request):
    return request.param


def soft(scores, bias, weights, top_k, temperature=0.7):
    return _SoftLoad(scores, bias, weights, top_k, temperature)


def test_soft_load_is_the_gradient_of_its_potential(rng, top_k):
    scores, bias = 2 * noise(rng, 40, 5), rng.normal(size=5)
    weights, step = rng.exponential(size=40), 1e-5
    here = soft(scores, bias, weights, top_k)
    np.testing.assert_allclose(here.load.sum(), top_k * weights.sum())
    hessian = (np.diag(here.moving) - here.exchange) / here.temperature
    for k in range(5):
        move = step * np.eye(5)[k]
        above = soft(scores, bias + move, weights, top_k)
        below = soft(scores, bias - move, weights, top_k)
        slope = (above.potential - below.potential) / (2 * step)
        np.testing.assert_allclose(slope, here.load[k], rtol=1e-6)
        change = (above.load - below.load) / (2 * step)
        np.testing.assert_allclose(change, hessian[k], atol=1e-2, rtol=1e-5)


def test_soft_load_is_the_load_when_it_is_cold(rng, top_k):
    scores, weights = noise(rng, 40, 5), rng.exponential(size=40)
    here = soft(scores, np.zeros(5), weights, top_k, temperature=1e-6)
    np.testing.assert_allclose(here.load, here.hard, rtol=1e-9)
    expected = Routes(largest(scores.copy(), top_k)[0], 5).load(weights)
    np.testing.assert_allclose(here.hard / here.hard.sum(), expected)


def test_soft_load_of_one_expert_is_a_softmax(rng):
    scores, weights = noise(rng, 40, 5), rng.exponential(size=40)
    shares = np.exp(scores / 0.7)
    expected = weights @ (shares / shares.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(soft(scores, np.zeros(5), weights, 1).load, expected)


def test_no_share_is_more_than_a_whole_row(rng):
    scores = np.array([[9.0, 8.0, 0.0, 0.5, 0.2]])
    here = soft(scores, np.zeros(5), np.ones(1), 3)
    np.testing.assert_array_equal(here.load[:2], 1.0)
    rest = np.exp(scores[0, 2:] / 0.7)
    np.testing.assert_allclose(here.load[2:], rest / rest.sum())


def test_no_more_of_a_bias_than_needed():
    rng = np.random.default_rng(0)
    scores, weights = rng.standard_normal((2000, 5)), np.ones(2000)
    assert not weakest_bias(scores, np.arange(5.0) - 2, weights, 1).any()
    scores += np.arange(5.0)
    bias = balancing_bias(scores, weights, 1)
    weak = weakest_bias(scores, bias, weights, 1)
    part = weak[0] / bias[0]
    assert np.allclose(weak, part * bias)
    assert 0 < part < 1
    loads = [
        Routes(largest(scores + factor * bias, 1)[0], 5).load(weights)
        for factor in (part, part - 1 / 32)
    ]
    assert is_even(loads[0])
    assert not is_even(loads[1])
