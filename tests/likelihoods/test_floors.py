"""The smallest variance, and the grid of a rounded target."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmoe.likelihoods import (
    GammaLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    StudentTLikelihood,
)
from skmoe.likelihoods._floors import grid_step, smallest_variance


def of_rows(y, **options):
    return smallest_variance(y, np.ones(len(y)), **options)


def marks(rng, n_samples=300):
    """Marks from 3 to 8, as wines get them."""
    return np.clip(np.rint(rng.normal(5.6, 0.8, size=n_samples)), 3, 8)


def test_a_rounded_target_has_the_floor_of_rounding(rng):
    """Uniform errors within half a step have a twelfth of its square as variance."""
    assert of_rows(marks(rng)) == pytest.approx(1 / 12)
    rounding = rng.uniform(-0.5, 0.5, size=100_000)
    assert rounding.var() == pytest.approx(1 / 12, rel=0.02)


@pytest.mark.parametrize("step", [0.1, 0.25, 1 / 3, 7.0, 1e-8, 1e8])
@pytest.mark.parametrize("offset", [0.0, 0.7, -1234.5])
def test_steps_are_found_in_any_unit(rng, step, offset):
    y = step * (marks(rng) + offset)
    assert grid_step(y, np.ones(len(y))) == pytest.approx(step, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_of_the_numbers_themselves_does_no_harm(rng, dtype):
    y = (0.1 * rng.integers(0, 30, size=800)).astype(dtype).astype(float)
    y[::2] = np.where(y[::2] > 0, np.nextafter(y[::2], 10), 0)
    assert grid_step(y, np.ones(800)) == pytest.approx(0.1, rel=1e-5)


def test_gaps_in_the_grid_are_allowed(rng):
    y = rng.choice([0.0, 1.0, 2.0, 7.0, 40.0], size=100)
    assert grid_step(y, np.ones(100)) == 1.0


def test_a_continuous_target_is_not_touched(rng):
    for y in (
        rng.normal(size=500),
        np.repeat(rng.normal(size=20), 50),
        np.where(rng.uniform(size=500) < 0.9, 0.0, rng.gamma(2.0, size=500)),
        np.where(rng.uniform(size=500) < 0.9, 0.0, rng.gamma(2.0, size=500)).round(4),
        np.repeat([1.0, 2.0, 3.7], 40),
        np.abs(np.linspace(-1, 1, 101)),
        np.arange(30.0),
        np.full(50, 3.0),
        rng.standard_t(1.5, size=2000),
    ):
        relative = 1e-6 * y.var() + (1e-14 * (1 + abs(y.mean()))) ** 2
        assert of_rows(y) == pytest.approx(relative)


def test_a_fine_grid_is_not_above_the_relative_floor(rng):
    y = rng.normal(size=5000).round(3)
    assert of_rows(y) == pytest.approx(1e-6 * y.var(), rel=1e-6)


def test_a_long_column_is_looked_at_in_full(rng):
    """The first rows are a grid, and the later ones are not."""
    y = np.r_[np.tile(np.arange(5.0), 400), rng.normal(size=50)]
    assert grid_step(y, np.ones(len(y)), at_least=0.01) == 0
    constant_first = np.r_[np.full(2000, 2.0), np.tile(np.arange(5.0), 400)]
    assert grid_step(constant_first, np.ones(4000), at_least=0.01) == 1


def test_weights_are_repeated_rows(rng):
    y = np.arange(12.0)
    counts = rng.integers(20, 40, size=12)
    counts[3] = 0
    repeated = np.repeat(y, counts)
    expected = smallest_variance(y, counts.astype(float))
    np.testing.assert_allclose(of_rows(repeated), expected)
    assert expected == pytest.approx(1 / 12)


@pytest.mark.parametrize("factor", [1e-9, -3.0, 1e9])
def test_units(rng, factor):
    for y in (marks(rng), rng.normal(size=100)):
        shifted = factor * y + 2 * factor
        np.testing.assert_allclose(of_rows(shifted), factor**2 * of_rows(y), rtol=1e-3)


def test_a_floor_is_never_above_the_variance_of_y():
    y = np.r_[np.zeros(990), np.ones(10)]
    assert of_rows(y) == pytest.approx(y.var())
    assert y.var() < 1 / 12


def test_each_output_has_its_own_grid(rng):
    y = np.column_stack([marks(rng), rng.normal(size=300), 10 * marks(rng)])
    floor = of_rows(y)
    np.testing.assert_allclose(floor, [1 / 12, 1e-6 * y[:, 1].var(), 100 / 12], rtol=1e-6)


def test_a_floor_of_ones_own_is_a_standard_deviation(rng):
    assert of_rows(marks(rng), floor=0.5) == 0.25
    assert 0 < of_rows(marks(rng), floor=0) < 1e-20
    np.testing.assert_array_equal(of_rows(rng.normal(size=(9, 2)), floor=2), [4, 4])


@pytest.mark.parametrize("floor", [-1.0, np.nan, np.inf, "Auto", None, [0.1], True])
def test_wrong_floors(floor):
    with pytest.raises(ValueError, match=r"floor=.* of the likelihood must be 'auto' or"):
        GaussianLikelihood(floor=floor).check_target(np.zeros(3))


@pytest.mark.parametrize(
    "likelihood",
    [
        GaussianLikelihood(),
        GaussianLikelihood("tied"),
        StudentTLikelihood(),
        StudentTLikelihood(3.0),
        LaplaceLikelihood(),
        GammaLikelihood(),
    ],
    ids=repr,
)
def test_a_floor_that_is_given_takes_the_place_of_that_of_the_rows(rng, likelihood):
    y = rng.gamma(2.0, size=60)
    exact, weights = y[:, None], np.ones((60, 1))
    own = likelihood.smallest_dispersion(y, weights[:, 0])
    for floor in (1e-3 * own, own, 1e3 * own):
        found = likelihood.fit_dispersion(y, exact, weights, floor=floor)
        assert found.ravel()[0] == pytest.approx(floor)
    found = likelihood.fit_dispersion(y, exact, weights)
    assert found.ravel()[0] == pytest.approx(own)


def test_floors_of_several_outputs_that_are_given(rng):
    y, weights, floor = rng.normal(size=(60, 2)), np.ones((60, 1)), np.array([0.1, 2.0])
    found = GaussianLikelihood().fit_dispersion(y, y[:, None], weights, floor=floor)
    np.testing.assert_array_equal(found, [floor])
    full = GaussianLikelihood(covariance="full")
    found = full.fit_dispersion(y, y[:, None], weights, floor=floor)
    np.testing.assert_allclose(found, [np.diag(floor)])


def test_models_have_the_floor_that_is_given(rng):
    X, y, weights = rng.normal(size=(60, 1)), rng.normal(size=60), np.ones((60, 1))
    likelihood = GaussianLikelihood(LinearRegression())
    for floor in (None, 0.3):
        models = likelihood.fit_dispersion_model(X, y, y[:, None], weights, floor=floor)
        expected = likelihood.smallest_dispersion(y, weights[:, 0])
        assert models[0].floor == pytest.approx(expected if floor is None else floor)
