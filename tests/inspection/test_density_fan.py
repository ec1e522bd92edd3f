"""The display of a predictive density along a feature."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import AxesImage
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import DensityFanDisplay, ExpertCurvesDisplay
from skmoe.likelihoods import GaussianLikelihood

Display = DensityFanDisplay
# Models whose densities are held in different ways.
KINDS = {
    "dense": {},
    "shared": {"shared_expert": Ridge()},
    "routed": {"n_experts": 3, "top_k": 2, "load_balancing": "bias"},
    "variances": {"likelihood": GaussianLikelihood(dispersion=LinearRegression())},
    "student": {"likelihood": "student_t"},
    "counts": {"likelihood": "poisson"},
    "gamma": {"likelihood": "gamma"},
}


def fitted(X, y, **parameters):
    model = MixtureOfExpertsRegressor(random_state=0, **{"n_experts": 2, **parameters})
    return model.fit(X, y)


@pytest.fixture(params=KINDS)
def any_kind(request, two_regimes):
    X, y = two_regimes
    if request.param in ("counts", "gamma"):
        y = np.exp(0.3 * y)
    if request.param == "counts":
        y = np.round(y)
    return fitted(X, y, **KINDS[request.param]), X, y


def rows_at(X, value, n_rows=None):
    """Rows with one value in the first column: typical, or those of the table."""
    rows = np.median(X, axis=0)[None] if n_rows is None else X[:n_rows].copy()
    rows[:, 0] = value
    return rows


def test_bands_are_central_intervals(any_kind):
    model, X, _ = any_kind
    display = Display.from_estimator(
        model, X, feature=0, levels=[0.5, 0.9], grid_resolution=5
    )
    assert display.levels == [0.9, 0.5]
    for i, value in enumerate(np.linspace(X[:, 0].min(), X[:, 0].max(), 5)):
        density = model.predict_distribution(rows_at(X, value))
        for k, level in enumerate(display.levels):
            interval = np.ravel(density.interval(level))
            np.testing.assert_allclose(display.quantiles[i, k], interval)
        np.testing.assert_allclose(display.mean[i], density.mean()[0])


def test_an_average_is_a_density_of_its_own(any_kind):
    model, X, _ = any_kind
    display = Display.from_estimator(
        model, X[:60], feature=0, kind="average", levels=0.8, grid_resolution=3
    )
    density = model.predict_distribution(rows_at(X, X[:60, 0].max(), 60))
    is_discrete = hasattr(model.likelihood_, "is_discrete")
    for q, quantile in zip((0.1, 0.9), display.quantiles[-1, 0], strict=True):
        reached = density.cdf(quantile).mean()
        if is_discrete:
            assert density.cdf(quantile - 1).mean() < q <= reached
        else:
            np.testing.assert_allclose(reached, q)
    np.testing.assert_allclose(display.mean[-1], density.mean().mean())
    height = display.heights[len(display.heights) // 3]
    own = density.pmf(height) if is_discrete else density.pdf(height)
    drawn = display.density[len(display.heights) // 3, -1]
    np.testing.assert_allclose(drawn, own.mean())


def test_a_fan_is_drawn_from_its_quantiles(two_regimes):
    X, y = two_regimes
    display = Display.from_estimator(fitted(X, y), X, y, feature=0, grid_resolution=20)
    for k, band in enumerate(display.bands_):
        corners = band.get_paths()[0].vertices
        for i in (0, 9, 19):
            drawn = corners[corners[:, 0] == display.grid[i], 1]
            np.testing.assert_allclose(
                [drawn.min(), drawn.max()], display.quantiles[i, k]
            )
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["mean", "95 %", "80 %", "50 %"]
    shades = [band.get_facecolor()[0, 0] for band in display.bands_]
    assert shades == sorted(shades, reverse=True)  # the middle is the darkest
    np.testing.assert_allclose(display.mean_line_.get_ydata(), display.mean)
    np.testing.assert_array_equal(
        display.points_.get_offsets(), np.column_stack([X[:, 0], y])
    )


def test_a_heat_map_shows_each_mode(rng):
    X = rng.uniform(-1, 1, size=(300, 1))
    y = rng.choice([-3.0, 3.0], 300) + 0.2 * rng.standard_normal(300)
    model = fitted(X, y, gate="constant")
    display = Display.from_estimator(model, X, y, feature=0, style="heat")
    assert isinstance(display.image_, AxesImage)
    drawn = np.asarray(display.image_.get_array())
    place = np.searchsorted(display.heights, 3.0)
    row = [[display.grid[40]]]
    density = model.predict_distribution(row).pdf(display.heights[place])
    np.testing.assert_allclose(drawn[place, 40], density[0])
    ridge = drawn[:, 40]
    modes = (ridge[1:-1] > ridge[:-2]) & (ridge[1:-1] > ridge[2:])
    assert modes.sum() == 2
    # All that is not rare is shown, and every row.
    step = display.heights[1] - display.heights[0]
    np.testing.assert_allclose(drawn.sum(axis=0) * step, 1.0, atol=0.03)
    assert display.heights[0] <= y.min() < y.max() <= display.heights[-1]
    assert display.colorbar_.ax.get_ylabel() == "density"
    assert not hasattr(display, "bands_")


def test_counts_have_probabilities(rng):
    X = rng.uniform(0, 3, size=(300, 1))
    y = rng.poisson(np.exp(X[:, 0]))
    model = fitted(X, y, n_experts=1, likelihood="poisson")
    display = Display.from_estimator(model, X, y, feature=0, style="heat")
    np.testing.assert_array_equal(display.heights, np.round(display.heights))
    density = model.predict_distribution([[display.grid[7]]])
    np.testing.assert_allclose(
        display.density[:, 7], [density.pmf(count)[0] for count in display.heights]
    )
    assert display.colorbar_.ax.get_ylabel() == "probability"
    display.plot(style="fan")
    corners = display.bands_[0].get_paths()[0].vertices[:, 1]
    low, high = display.quantiles[:, 0].T
    assert corners.min() == low.min() - 0.5
    assert corners.max() == high.max() + 0.5


def test_many_counts_are_not_all_asked_for(rng):
    X = rng.uniform(0, 1, size=(80, 1))
    y = rng.poisson(2000 + 4000 * X[:, 0])
    model = fitted(X, y, n_experts=1, likelihood="poisson")
    display = Display.from_estimator(model, X, feature=0, grid_resolution=3)
    assert 200 <= len(display.heights) < 450
    assert np.unique(np.diff(display.heights)).size == 1


@pytest.mark.parametrize("covariance", ["diag", "full"])
@pytest.mark.parametrize("kind", ["typical", "average"])
def test_one_of_several_outputs(two_regimes, covariance, kind):
    X, y = two_regimes
    Y = np.column_stack([X[:, 1] - y, y])
    model = fitted(X, Y, likelihood=GaussianLikelihood(covariance=covariance))
    display = Display.from_estimator(
        model, X, Y, feature=0, target=1, kind=kind, levels=0.9, grid_resolution=2
    )
    n_rows = None if kind == "typical" else len(X)
    X = X if n_rows is None else X[np.unique(np.linspace(0, 239, 200).astype(int))]
    rows = rows_at(X, X[:, 0].max(), n_rows)
    rows[:, 0] = display.grid[-1]
    draws = model.predict_distribution(rows).rvs(40_000 // len(rows), random_state=0)
    drawn = np.quantile(draws[..., 1], [0.05, 0.95])
    np.testing.assert_allclose(display.quantiles[-1, 0], drawn, atol=0.15)
    np.testing.assert_array_equal(display.points_.get_offsets()[:, 1], Y[:, 1])
    with pytest.raises(ValueError, match="y has 2 outputs; pass the number of one"):
        Display.from_estimator(model, X, feature=0)


@pytest.mark.parametrize("style", ["fan", "heat"])
def test_categories_side_by_side(rng, style):
    X = pd.DataFrame({"town": rng.choice(["a", "b", "c"], 200)})
    y = X["town"].map({"a": 0.0, "b": 2.0, "c": 5.0}) + rng.standard_normal(200)
    pipeline = make_pipeline(
        OneHotEncoder(sparse_output=False),
        MixtureOfExpertsRegressor(n_experts=1),
    ).fit(X, y)
    display = Display.from_estimator(pipeline, X, y, feature="town", style=style)
    names = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert names == ["a", "b", "c"]
    assert display.ax_.get_xlabel() == "town"
    if style == "fan":
        heights = [bar.get_height() for bar in display.bands_[0]]
        np.testing.assert_allclose(heights, np.ptp(display.quantiles[:, 0], axis=1))
        floors = [bar.get_y() for bar in display.bands_[0]]
        np.testing.assert_allclose(floors, display.quantiles[:, 0, 0])
    else:
        assert tuple(display.image_.get_extent()[:2]) == (-0.5, 2.5)
    x = np.ma.getdata(display.points_.get_offsets())[:, 0]
    np.testing.assert_array_equal(np.round(x), X["town"].map({"a": 0, "b": 1, "c": 2}))


def test_given_axes(two_regimes):
    X, y = two_regimes
    figure, ax = plt.subplots()
    display = Display.from_estimator(fitted(X, y), X, feature=1, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.points_ is None


def test_what_is_wrong_is_told(two_regimes, checkerboard):
    X, y = two_regimes
    model = fitted(X, y)
    classifier = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    with pytest.raises(
        TypeError, match="a class has no density; use ExpertCurvesDisplay"
    ):
        Display.from_estimator(classifier.fit(*checkerboard), X, feature=0)
    for wrong in ([], [0.5, 1.0], 95):
        with pytest.raises(ValueError, match=r"levels are .*between 0 and 1"):
            Display.from_estimator(model, X, feature=0, levels=wrong)
    with pytest.raises(ValueError, match="style is 'map'; use 'fan' or 'heat'"):
        Display.from_estimator(model, X, feature=0, style="map")
    with pytest.raises(ValueError, match="y has one output; leave it out"):
        Display.from_estimator(model, X, feature=0, target=1)


def test_heat_maps_side_by_side(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    display = Display.from_estimator(
        model, X, feature=0, style="heat", vmax=2.5, colorbar=False
    )
    assert display.image_.norm.vmax == 2.5
    assert display.colorbar_ is None
    assert len(display.figure_.axes) == 1
    display.plot(style="heat")
    assert display.image_.norm.vmax == display.density.max()


def test_a_missing_target_is_refused(two_regimes):
    X, y = two_regimes
    with pytest.raises(ValueError, match="y contains NaN"):
        Display.from_estimator(fitted(X, y), X, np.full(len(y), np.nan), feature=0)


def test_y_has_its_own_name(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    for display in (Display, ExpertCurvesDisplay):
        named = display.from_estimator(model, X, pd.Series(y, name="rent"), feature=0)
        assert named.ax_.get_ylabel() == "rent"
        assert display.from_estimator(model, X, y, feature=0).ax_.get_ylabel() == "y"
    both = pd.DataFrame({"rent": y, "heating": 2 * y})
    model = fitted(X, both)
    for display in (Display, ExpertCurvesDisplay):
        named = display.from_estimator(model, X, both, feature=0, target=1)
        assert named.ax_.get_ylabel() == "heating"
