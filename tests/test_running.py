"""Rates and steps of mini-batches, against sums over all rows."""

import numpy as np
import pytest

import skmoe._running as module
from skmoe._running import StepSize, averaged, newton_step, next_step, step_rate


@pytest.mark.parametrize("learning_rate", [0.2, 1.0, 10.0])
def test_rates_are_shares(learning_rate):
    seen = np.concatenate([[0.0], np.logspace(-3, 9, 50)])
    rates = np.array([step_rate(s, 100.0, learning_rate) for s in seen])
    assert ((rates > 0) & (rates <= 1)).all()
    assert (np.diff(rates) < 0).all()
    assert rates[0] == min(learning_rate, 1.0)


def test_a_rate_of_one_is_an_average_over_all_rows(rng):
    sizes, values = rng.integers(1, 50, size=20), rng.standard_normal(20)
    average, seen = None, 0.0
    for size, value in zip(sizes, values, strict=True):
        average = averaged(average, value, step_rate(seen, size, 1.0))
        seen += size
    assert np.isclose(average, sizes @ values / sizes.sum())


@pytest.mark.parametrize("forgetting_rate", [0.0, 1e-4])
def test_what_is_kept_hardly_depends_on_the_size_of_batches(forgetting_rate):
    def kept(n_batches):
        size, left = 1000.0 / n_batches, 1.0
        for number in range(n_batches):
            seen = 100_000.0 + number * size
            left *= 1.0 - step_rate(seen, size, 10.0, forgetting_rate)
        return left

    assert np.isclose(kept(1), kept(2), rtol=0.01)
    assert np.isclose(kept(1), kept(50), rtol=0.01)


def test_forgetting_is_the_least_rate():
    # Of each row, what is known loses a hundredth.
    assert np.isclose(step_rate(1e12, 30.0, 1.0, 0.01), 1 - 0.99**30)
    assert step_rate(0.0, 30.0, 1.0, 0.01) == 1.0


def test_a_part_counts_its_own_rows():
    class Part:
        pass

    part = Part()
    steps = [next_step(part, np.full(4, 2.5)) for _ in range(3)]
    assert part.n_samples_seen_ == 30.0
    assert [step.total for step in steps] == [10.0, 20.0, 30.0]
    assert [step.weight for step in steps] == [10.0] * 3
    assert steps[0] == StepSize(10.0, 1.0, 10.0)
    assert np.isclose(steps[1].rate, 100 / 110)


def regression(rng, n_blocks=3, n_rows=400, size=4):
    X = rng.standard_normal((n_rows, size)) @ rng.standard_normal((size, size))
    y = X @ rng.standard_normal(size) + rng.standard_normal(n_rows)
    return X, y, rng.uniform(0.1, 2.0, size=(n_blocks, n_rows))


def learned(X, y, weights, batches, learning_rate):
    """Coefficients of weighted least squares after steps on one batch after the other."""
    coef, information, seen = np.zeros((len(weights), X.shape[1], 1)), None, 0
    for rows in batches:
        rate = step_rate(seen, len(rows), learning_rate)
        shares = weights[:, rows] / len(rows)
        left = y[rows] - coef[:, :, 0] @ X[rows].T
        gradient = (shares * left) @ X[rows]
        now = np.einsum("kn,ni,nj->kij", shares, X[rows], X[rows])
        information = averaged(information, now, rate)
        coef = coef + newton_step(gradient[:, :, None], information, rate, len(rows))
        seen += len(rows)
    return coef[:, :, 0]


def least_squares(X, y, weights, ridge=0.0):
    gram = np.einsum("kn,ni,nj->kij", weights, X, X) + ridge * np.eye(X.shape[1])
    return np.linalg.solve(gram, ((weights * y) @ X)[:, :, None])[:, :, 0]


def batches_of(rng, n_rows):
    cuts = np.sort(rng.choice(np.arange(50, n_rows), 20, replace=False))
    return np.split(rng.permutation(n_rows), cuts)


def test_steps_of_rate_one_are_recursive_least_squares(rng, monkeypatch):
    monkeypatch.setattr(module, "_DAMPING_ROWS", 0.0)
    X, y, weights = regression(rng)
    found = learned(X, y, weights, batches_of(rng, 400), 1.0)
    assert np.allclose(found, least_squares(X, y, weights), rtol=1e-6, atol=1e-6)


def test_of_the_damping_next_to_nothing_is_left(rng):
    X, y, weights = regression(rng, n_rows=4000)
    found = learned(X, y, weights, batches_of(rng, 4000), 1.0)
    expected = least_squares(X, y, weights)
    one_row = np.abs(least_squares(X, y, weights, 1.0) - expected).max()
    assert np.abs(found - expected).max() < 3 * one_row


def test_one_step_is_a_fit_with_the_damping_of_one_row(rng):
    X, y, weights = regression(rng)
    found = learned(X, y, weights, [np.arange(400)], 1.0)
    assert np.allclose(found, least_squares(X, y, weights, 1.0), rtol=1e-6)


def test_a_diagonal_is_a_dense_matrix_without_the_rest(rng):
    diagonal = rng.uniform(0.1, 5.0, size=(3, 4))
    gradient = rng.standard_normal((3, 4, 2))
    dense = newton_step(gradient, diagonal[:, :, None] * np.eye(4), 0.3, 50)
    assert np.allclose(newton_step(gradient, diagonal, 0.3, 50), dense, rtol=1e-8)
    by_hand = 0.3 * gradient / (diagonal + 0.3 / 50)[:, :, None]
    assert np.allclose(dense, by_hand, rtol=1e-8)


def test_directions_without_data_stay(rng):
    X = rng.standard_normal((50, 2)) @ np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    information = (X.T @ X / 50)[None] * 1e20
    gradient = (X.T @ rng.standard_normal((50, 1)))[None] * 1e20
    step = newton_step(gradient, information, 1.0, 50)
    assert abs(step[0, :, 0] @ [1.0, 1.0, -1.0]) < 1e-3 * np.abs(step).max()
    assert np.isfinite(newton_step(0 * gradient, 0 * information, 1.0, 50)).all()
