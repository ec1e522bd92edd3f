"""Climbing functions whose tops are known."""

import numpy as np
import pytest

from skmoe.training._quasi_newton import climb

N = 6


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def go_on(*_):
    return False


def run(problem, start, *, max_iter=200, tol=1e-12, on_iteration=go_on):
    return climb(problem, start, max_iter=max_iter, tol=tol, on_iteration=on_iteration)


class Quadratic:
    """A concave quadratic, with any preconditioner."""

    def __init__(self, rng, preconditioner=None):
        half = rng.normal(size=(N, N))
        self.matrix = half @ half.T + np.eye(N)
        self.top, self.lower = rng.normal(size=N), np.full(N, -np.inf)
        inverse = np.linalg.inv(self.matrix)
        self.inverse = inverse if preconditioner is None else preconditioner
        self.n_refreshes, self.is_near = 0, False

    def evaluate(self, vector):
        gradient = self.matrix @ (self.top - vector)
        return -0.5 * (self.top - vector) @ gradient, gradient

    def preconditioner(self, vector):
        self.n_refreshes += 1
        return lambda gradient: self.inverse @ gradient


class Valley(Quadratic):
    """Rosenbrock's, upside down: curved, and not concave."""

    def __init__(self, rng):
        super().__init__(rng, preconditioner=1e-3 * np.eye(N))
        self.top = np.ones(N)

    def evaluate(self, vector):
        bend, off = vector[1:] - vector[:-1] ** 2, 1.0 - vector[:-1]
        gradient = np.zeros(N)
        gradient[1:] -= 200.0 * bend
        gradient[:-1] += 400.0 * bend * vector[:-1] + 2.0 * off
        return -100.0 * bend @ bend - off @ off, gradient


def test_the_inverse_as_preconditioner_is_newtons_step(rng):
    problem = Quadratic(rng)
    vector, values, converged = run(problem, rng.normal(size=N))
    np.testing.assert_allclose(vector, problem.top, atol=1e-6)
    assert converged
    assert len(values) <= 2


@pytest.mark.parametrize("size", [0.03, 1.0, 100.0])
def test_a_bad_preconditioner_still_leads_to_the_top(rng, size):
    half = rng.normal(size=(N, N))
    problem = Quadratic(rng, size * (half @ half.T + 0.1 * np.eye(N)))
    vector, _, converged = run(problem, rng.normal(size=N))
    assert converged
    np.testing.assert_allclose(vector, problem.top, atol=1e-4)


def test_steps_learn_from_one_another(rng):
    """A quadratic takes about as many steps as it has directions; an ascent, hundreds."""
    problem = Quadratic(rng, 0.05 * np.eye(N))
    problem.matrix = np.diag(np.logspace(0, 1.3, N))
    _, values, converged = run(problem, rng.normal(size=N), tol=1e-10)
    assert converged
    assert len(values) < 8 * N


def test_a_curved_valley(rng):
    problem = Valley(rng)
    vector, values, converged = run(problem, rng.normal(size=N))
    assert converged
    # It has a second, lower top.
    assert values[-1] > -1e-8 or abs(vector[0] + 1.0) < 0.1
    assert np.abs(problem.evaluate(vector)[1]).max() < 1e-3


@pytest.mark.parametrize("kind", [Quadratic, Valley])
def test_values_never_fall(rng, kind):
    problem, start = kind(rng), rng.normal(size=N)
    first, _ = problem.evaluate(start)
    _, values, _ = run(problem, start)
    assert (np.diff([first, *values]) >= 0).all()


def test_the_last_value_is_that_of_the_vector(rng):
    problem = Valley(rng)
    vector, values, _ = run(problem, rng.normal(size=N), max_iter=7)
    assert values[-1] == problem.evaluate(vector)[0]


def test_bounds_are_kept(rng):
    problem = Quadratic(rng)
    seen, evaluate = [], problem.evaluate
    problem.lower = problem.top - np.r_[-0.5, -0.5, np.full(N - 2, 50.0)]
    problem.evaluate = lambda vector: (seen.append(vector), evaluate(vector))[1]
    run(problem, problem.top - 5.0)
    assert (np.array(seen) >= problem.lower).all()


def test_the_top_within_bounds(rng):
    """On the bounds the gradient leads out, and elsewhere it vanishes."""
    problem = Quadratic(rng, np.eye(N) / 20)
    problem.lower = problem.top + np.r_[0.5, 0.5, np.full(N - 2, -50.0)]
    vector, _, converged = run(problem, problem.top + 1.0)
    gradient = problem.evaluate(vector)[1]
    held = vector == problem.lower
    assert converged
    np.testing.assert_allclose(gradient[~held], 0.0, atol=1e-4)
    assert (gradient[held] <= 0).all()
    assert held.any()


def test_a_start_outside_is_brought_in(rng):
    problem = Quadratic(rng)
    problem.lower = problem.top + 1.0
    vector, _, _ = run(problem, problem.top - 1.0, max_iter=1)
    assert (vector >= problem.lower).all()


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_values_that_are_none_are_survived(rng, value):
    """A step too far, where there is no value."""
    problem = Quadratic(rng, 2.0 * np.eye(N))
    start, evaluate = problem.top + 0.5 * rng.normal(size=N), problem.evaluate
    reach = np.linalg.norm(start - problem.top) * 1.5
    missed = []

    def bounded(vector):
        if np.linalg.norm(vector - problem.top) > reach:
            missed.append(vector)
            return value, np.full(N, value)
        return evaluate(vector)

    problem.evaluate = bounded
    vector, values, converged = run(problem, start)
    assert missed
    assert converged
    assert np.isfinite(values).all()
    np.testing.assert_allclose(vector, problem.top, atol=1e-4)


def test_a_callback_ends_it(rng):
    calls = []

    def stop(iteration, value, gain, vector):
        calls.append((iteration, value, gain))
        return iteration == 3

    _, values, converged = run(Valley(rng), rng.normal(size=N), on_iteration=stop)
    assert [iteration for iteration, _, _ in calls] == [1, 2, 3]
    assert [value for _, value, _ in calls] == values
    assert not converged


def test_gains_are_the_differences(rng):
    problem, start, gains = Valley(rng), rng.normal(size=N), []
    first, _ = problem.evaluate(start)
    _, values, _ = run(
        problem, start, on_iteration=lambda _, value, g, vector: gains.append(g)
    )
    np.testing.assert_allclose(gains, np.diff([first, *values]), atol=1e-12)


@pytest.mark.parametrize("max_iter", [1, 4])
def test_iterations_are_counted(rng, max_iter):
    _, values, converged = run(Valley(rng), rng.normal(size=N), max_iter=max_iter)
    assert len(values) == max_iter
    assert not converged


def test_the_top_is_recognised(rng):
    problem = Quadratic(rng)
    vector, values, converged = run(problem, problem.top.copy())
    np.testing.assert_array_equal(vector, problem.top)
    assert converged
    assert len(values) == 1


def test_a_looser_tolerance_ends_it_earlier(rng):
    start = rng.normal(size=N)
    loose, tight = (run(Valley(rng), start, tol=tol) for tol in (1e-1, 1e-10))
    assert len(loose[1]) < len(tight[1])
    assert loose[2]


def test_the_start_is_not_changed(rng):
    start = rng.normal(size=N)
    kept = start.copy()
    run(Quadratic(rng), start)
    np.testing.assert_array_equal(start, kept)


def test_the_preconditioner_is_made_anew_now_and_then(rng):
    problem = Valley(rng)
    _, values, _ = run(problem, rng.normal(size=N))
    assert 2 <= problem.n_refreshes < len(values) / 2


def test_a_fall_by_rounding_is_not_told(rng):
    """Values that rise, fall by their last digit, and then are none."""
    values = iter([0.5, 1.0, 1.0 - 4e-16])
    problem = Quadratic(rng, np.eye(N))
    gradients = np.full(N, 1e-9)
    problem.evaluate = lambda vector: (next(values, -np.inf), gradients)
    _, told, _ = run(problem, np.zeros(N), tol=0.0)
    assert (np.diff(told) >= 0).all()
