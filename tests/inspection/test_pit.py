"""Probability integral transforms, as a histogram and as a curve."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binom, kstest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import PITDisplay
from skmoe.likelihoods import GaussianLikelihood
from skmoe.metrics import pit_values


def regressor(**params):
    return MixtureOfExpertsRegressor(**{"n_experts": 2, "random_state": 0, **params})


def heights(display):
    return np.array([bar.get_height() for bar in display.bars_])


def band(display):
    """Lowest and highest of the band."""
    places = display.band_.get_paths()[0].vertices[:, 1]
    return places.min(), places.max()


def is_dark(display):
    lightness = [np.mean(bar.get_facecolor()[:3]) for bar in display.bars_]
    return np.array(lightness) < 0.5


def test_bars_are_the_density_of_the_transforms(two_regimes):
    X, y = two_regimes
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(X, y)
    display = PITDisplay.from_estimator(pipeline, X, y, bins=8)
    pit = pit_values(y, pipeline[-1].predict_distribution(pipeline[:-1].transform(X)))
    expected, _ = np.histogram(pit, bins=8, range=(0, 1), density=True)
    np.testing.assert_allclose(heights(display), expected)
    assert display.uniform_line_.get_ydata()[0] == 1.0
    assert display.line_ is None


def test_transforms_of_zero_and_one_are_in_the_outer_bars():
    display = PITDisplay(np.array([0.0, 0.0, 0.3, 1.0])).plot(bins=2)
    assert heights(display).tolist() == [1.5, 0.5]


def test_the_band_is_what_chance_allows_of_a_bar():
    pit = (np.arange(400) + 0.5) / 400
    display = PITDisplay(pit).plot(bins=10, confidence=0.9)
    np.testing.assert_allclose(
        band(display), binom.ppf([0.05, 0.95], 400, 0.1) * 10 / 400
    )
    assert not is_dark(display).any()
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["calibrated", "90% of what chance allows"]
    narrow = PITDisplay(np.where(pit < 0.5, pit / 4, 1 - pit / 4)).plot(bins=10)
    assert is_dark(narrow)[[0, -1]].all()


def test_the_curve_and_its_band_are_those_of_a_test_of_uniformity(rng):
    pit = rng.uniform(size=50) ** 1.5
    figure, ax = plt.subplots()
    display = PITDisplay(pit).plot(ax=ax, style="curve", color="red")
    assert (display.ax_, display.figure_) == (ax, figure)
    assert display.bars_ is None
    places, excess = display.line_.get_data()
    np.testing.assert_allclose(
        excess, [np.mean(pit <= place) - place for place in places], atol=1e-12
    )
    low, high = band(display)
    assert low == -high
    # Massart's bound is just above the exact quantile.
    exact = kstest(pit, "uniform").statistic
    assert high == pytest.approx(np.sqrt(np.log(40) / 100))
    assert np.abs(excess).max() == pytest.approx(exact, abs=0.03)


def test_counts_are_spread_without_draws(rng):
    X = rng.uniform(-1, 1, size=(300, 1))
    y = rng.poisson(np.exp(1 + X[:, 0])).astype(float)
    model = regressor(n_experts=1, likelihood="poisson").fit(X, y)
    display = PITDisplay.from_estimator(model, X, y, bins=10)
    density = model.predict_distribution(X)
    draws = [pit_values(y, density, random_state=seed) for seed in range(1000)]
    counts, _ = np.histogram(draws, bins=10, range=(0, 1), density=True)
    np.testing.assert_allclose(heights(display), counts, atol=0.03)
    assert heights(display).sum() == pytest.approx(10)
    curve = PITDisplay.from_estimator(model, X, y, style="curve").line_
    assert curve.get_ydata()[[0, -1]] == pytest.approx([0, 0], abs=1e-12)


def test_a_count_that_was_certain_is_a_jump():
    display = PITDisplay(np.array([1.0, 0.5]), np.array([1.0, 0.5])).plot(bins=4)
    assert heights(display).tolist() == [0.0, 2.0, 0.0, 2.0]


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_one_of_several_outputs(two_regimes, covariance):
    X, y = two_regimes
    likelihood = GaussianLikelihood(covariance=covariance)
    Y = np.column_stack([y, X @ [1.0, -1.0] + np.sin(50 * y)])
    model = regressor(likelihood=likelihood).fit(X, Y)
    display = PITDisplay.from_estimator(model, X, Y, target=1)
    marginal = model.predict_distribution(X).marginal(1)
    np.testing.assert_array_equal(display.upper, marginal.cdf(Y[:, 1]))
    with pytest.raises(ValueError, match="target: y has 2 outputs; say which"):
        PITDisplay.from_estimator(model, X, Y)
    with pytest.raises(ValueError, match=r"target=2 is no output; .* from 0 to 1"):
        PITDisplay.from_estimator(model, X, Y, target=2)


def test_what_has_no_transforms_is_refused(two_regimes, checkerboard):
    classifier = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    with pytest.raises(TypeError, match=r"sklearn\.calibration\.CalibrationDisplay"):
        PITDisplay.from_estimator(classifier.fit(*checkerboard), *checkerboard)
    X, y = two_regimes
    model = regressor().fit(X, y)
    with pytest.raises(ValueError, match="y has 10 rows and 1 columns; the density"):
        PITDisplay.from_estimator(model, X, y[:10])
    with pytest.raises(ValueError, match=r"style='ecdf' must be one of"):
        PITDisplay.from_estimator(model, X, y, style="ecdf")


@pytest.mark.parametrize("style", ["histogram", "curve"])
def test_a_legend_leaves_narrow_axes_their_width(two_regimes, style):
    X, y = two_regimes
    model = regressor().fit(X, y)
    figure, panels = plt.subplots(1, 3, figsize=(6, 3), layout="constrained")
    for ax in panels:  # a layout that collapses warns
        PITDisplay.from_estimator(model, X, y, style=style, ax=ax)
    figure.canvas.draw()
    assert panels[0].get_window_extent().width > 0.15 * figure.bbox.width


def test_a_missing_target_is_refused(two_regimes):
    X, y = two_regimes
    model = regressor().fit(X, y)
    with pytest.raises(ValueError, match="y contains NaN"):
        PITDisplay.from_estimator(model, X, np.where(y > y.mean(), np.nan, y))
