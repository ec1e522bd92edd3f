"""Acceleration of a fixed-point iteration on the simplex."""

import numpy as np
import pytest

from skmoe.training._anderson import Anderson


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def make_map(rng, n_samples=8, n_experts=3):
    """A linear contraction of rate 0.95 whose fixed point is in the simplex."""
    target = rng.dirichlet(np.full(n_experts, 5.0), size=n_samples)
    half = rng.normal(size=(n_samples, n_samples))
    basis = np.linalg.qr(half)[0]
    rates = np.linspace(0.5, 0.95, n_samples)
    contraction = basis * rates @ basis.T
    start = np.full_like(target, 1 / n_experts)
    return target, start, lambda r: target + contraction @ (r - target)


def iterate(step, start, propose, tol=1e-8, max_iter=1000):
    point = start
    for n_iter in range(max_iter):
        image = step(point)
        if np.abs(image - point).max() < tol:
            return image, n_iter
        point = propose(point, image)
    return point, max_iter


def test_a_linear_map_is_accelerated(rng):
    target, start, step = make_map(rng)
    weights = rng.uniform(0.5, 2.0, size=len(start))
    accelerator = Anderson(weights)
    fast, n_fast = iterate(step, start, lambda *pair: accelerator.propose(*pair)[0])
    slow, n_slow = iterate(step, start, lambda point, image: image)
    np.testing.assert_allclose(fast, target, atol=1e-6)
    np.testing.assert_allclose(slow, target, atol=1e-6)
    assert n_fast < 0.4 * n_slow


def test_one_direction_is_solved_at_once(rng):
    """With a single rate, two steps determine the fixed point."""
    target, start, _ = make_map(rng)
    accelerator = Anderson(np.ones(len(start)))
    first, plain = accelerator.propose(start, target + 0.9 * (start - target))
    assert plain
    second, plain = accelerator.propose(first, target + 0.9 * (first - target))
    assert not plain
    np.testing.assert_allclose(second, target, atol=1e-6)


def test_rows_of_no_weight_are_not_in_the_metric(rng):
    target, start, _ = make_map(rng)
    weights = np.ones(len(start))
    weights[0] = 0.0

    def step(r):
        image = target + 0.9 * (r - target)
        image[0] = rng.dirichlet(np.ones(3))
        return image

    accelerator = Anderson(weights)
    first, _ = accelerator.propose(start, step(start))
    second, _ = accelerator.propose(first, step(first))
    np.testing.assert_allclose(second[1:], target[1:], atol=1e-6)


def test_rows_stay_in_the_simplex(rng):
    accelerator = Anderson(np.ones(20))
    point = rng.dirichlet(np.full(4, 0.3), size=20)
    clipped = False
    for _ in range(30):
        image = rng.dirichlet(np.full(4, 0.3), size=20)
        point, plain = accelerator.propose(point, image)
        assert (point >= 0).all()
        np.testing.assert_allclose(point.sum(axis=1), 1)
        clipped |= not plain and bool((point == 0).any())
    assert clipped


def test_forgetting_starts_anew(rng):
    _, start, step = make_map(rng)
    accelerator = Anderson(np.ones(len(start)))
    image = step(start)
    accelerator.propose(start, image)
    accelerator.forget()
    proposal, plain = accelerator.propose(start, image)
    assert plain
    assert proposal is image


def test_a_standstill_is_no_division_by_zero(rng):
    _, start, _ = make_map(rng)
    accelerator = Anderson(np.ones(len(start)))
    for _ in range(3):
        proposal, _ = accelerator.propose(start, start)
    np.testing.assert_allclose(proposal, start)


def test_memory_is_bounded(rng):
    _, start, step = make_map(rng)
    accelerator = Anderson(np.ones(len(start)), memory=2)
    for _ in range(5):
        start, _ = accelerator.propose(start, step(start))
    assert len(accelerator.images) == len(accelerator.residuals) == 3
