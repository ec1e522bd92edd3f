"""Block-diagonal matrices and their solutions."""

import numpy as np
import pytest
from scipy.linalg import block_diag

from skmoe._blocks import Blocks, dense_solver


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def positive(rng, *shape):
    half = rng.normal(size=(*shape, shape[-1]))
    return half @ half.swapaxes(-1, -2) + np.eye(shape[-1])


@pytest.fixture
def blocks(rng):
    return Blocks(positive(rng, 3, 2), rng.uniform(0.5, 2.0, size=4))


def test_the_whole_matrix(blocks):
    expected = block_diag(*blocks.blocks, *blocks.diagonal[:, None, None])
    np.testing.assert_array_equal(blocks.dense(), expected)


def test_the_whole_matrix_without_a_diagonal(rng):
    first, second = positive(rng, 2, 3)
    dense = Blocks(np.stack([first, second])).dense()
    np.testing.assert_array_equal(dense, block_diag(first, second))


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_a_solution(rng, blocks, least):
    right = rng.normal(size=10)
    system = blocks.dense() + least * np.eye(10)
    solution = blocks.solver(least)(right)
    np.testing.assert_allclose(system @ solution, right, atol=1e-9)


def test_a_solution_without_a_diagonal(rng):
    blocks, right = Blocks(positive(rng, 2, 3)), rng.normal(size=6)
    solution = blocks.solver(0.0)(right)
    np.testing.assert_allclose(blocks.dense() @ solution, right, atol=1e-9)


def test_no_block_at_all():
    """A gate of one expert has no parameters."""
    assert Blocks(np.empty((1, 0, 0))).solver(1e-9)(np.empty(0)).shape == (0,)


def test_a_direction_without_data_gets_no_infinite_step():
    blocks = Blocks(np.array([[[4.0, 0.0], [0.0, 0.0]]]), [0.0])
    solution = blocks.solver(1e-6)(np.array([4.0, 0.0, 0.0]))
    np.testing.assert_allclose(solution, [1.0, 0.0, 0.0], atol=1e-6)


def test_a_singular_block_is_solved(rng):
    column = rng.normal(size=(3, 1))
    solution = Blocks((column @ column.T)[None]).solver(1e-9)(column[:, 0])
    np.testing.assert_allclose(column[:, 0] @ solution, 1.0, rtol=1e-5)


def test_a_block_of_zeros_has_a_finite_solution():
    solution = Blocks(np.zeros((2, 2, 2))).solver(1e-9)(np.zeros(4))
    np.testing.assert_array_equal(solution, np.zeros(4))


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_a_dense_solution(rng, least):
    matrix, right = positive(rng, 5), rng.normal(size=5)
    solution = dense_solver(matrix, least)(right)
    np.testing.assert_allclose((matrix + least * np.eye(5)) @ solution, right, atol=1e-9)


def test_a_dense_matrix_stays_as_it_is(rng):
    matrix = positive(rng, 3)
    kept = matrix.copy()
    dense_solver(matrix, 0.3)(np.ones(3))
    np.testing.assert_array_equal(matrix, kept)


def test_an_indefinite_matrix_has_no_solver():
    assert dense_solver(np.diag([1.0, -1.0]), 1e-9) is None
