"""The display of the experts' curves."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay, expert_colors
from skmoe.likelihoods import GaussianLikelihood

Display = ExpertCurvesDisplay


def fitted(X, y, **parameters):
    model = MixtureOfExpertsRegressor(random_state=0, **{"n_experts": 2, **parameters})
    return model.fit(X, y)


def typical(X, j, n_points):
    """Rows along column ``j``, the others at their medians."""
    rows = np.tile(np.median(X, axis=0), (n_points, 1))
    rows[:, j] = np.linspace(X[:, j].min(), X[:, j].max(), n_points)
    return rows


def test_curves_bands_and_mean_are_the_models(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    display = Display.from_estimator(
        model, X, feature=0, interval=0.8, grid_resolution=20
    )
    rows = typical(X, 0, 20)
    curves, gate = model.predict_experts(rows), model.predict_gate_proba(rows)
    half = norm.ppf(0.9) * np.sqrt(model.dispersion_)
    for k, line in enumerate(display.lines_):
        segments = line.get_segments()
        np.testing.assert_allclose(segments[3][0], [rows[3, 0], curves[3, k]])
        color, opacity = line.get_colors()[5][:3], line.get_colors()[:, 3]
        np.testing.assert_allclose(color, to_rgb(expert_colors(2)[k]))
        middles = (gate[1:, k] + gate[:-1, k]) / 2
        np.testing.assert_allclose(opacity, 0.1 + 0.9 * middles)
        outline = display.bands_[k].get_clip_path().get_fully_transformed_path()
        corners = display.ax_.transData.inverted().transform(outline.vertices)
        np.testing.assert_allclose(corners[:20, 1], curves[:, k] - half[k])
        np.testing.assert_allclose(corners[20:, 1], (curves[:, k] + half[k])[::-1])
        alpha = display.bands_[k].get_array()[0, :, 3]
        np.testing.assert_allclose(alpha, 0.22 * gate[:, k], atol=1e-6)
    np.testing.assert_allclose(display.mean_line_.get_ydata(), model.predict(rows))
    assert display.mean_line_.is_dashed()


def test_rows_have_the_colours_of_their_experts(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    display = Display.from_estimator(model, X, y, feature="x1")
    np.testing.assert_array_equal(
        display.points_.get_offsets(), np.column_stack([X[:, 1], y])
    )
    colors = np.array([to_rgb(color) for color in expert_colors(2)])
    blends = model.responsibilities(X, y) @ colors
    np.testing.assert_allclose(display.points_.get_facecolors()[:, :3], blends)


def test_what_no_row_is_asked_about_takes_no_room(two_regimes):
    X, y = two_regimes
    display = Display.from_estimator(fitted(X, y), X, feature=0, interval=None)
    assert display.bands_ == []
    low, high = display.ax_.get_ylim()
    seen = display.curves[display.gate > 0.02]
    room = 0.06 * np.ptp(np.append(seen, display.mean))
    assert seen.min() - room < low <= seen.min()
    assert high < seen.max() + room
    assert display.curves.min() < low - 1  # a line that goes on


def test_names_are_where_the_gate_asks(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    display = Display.from_estimator(model, X, feature=0)
    labels = {text.get_text(): text.xy for text in display.ax_.texts}
    assert set(labels) == {"expert0", "expert1", "mixture"}
    for k in range(2):
        x, height = labels[f"expert{k}"]
        row = [[x, np.median(X[:, 1])]]
        assert model.apply(row) == k
        np.testing.assert_allclose(height, model.predict_experts(row)[0, k])


@pytest.mark.parametrize(
    "parameters",
    [
        {"shared_expert": Ridge()},
        {"likelihood": "laplace"},
        {"likelihood": "student_t"},
        {"likelihood": GaussianLikelihood(dispersion=LinearRegression())},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_each_band_is_of_the_experts_own_density(two_regimes, parameters):
    X, y = two_regimes
    model = fitted(X, y, **parameters)
    display = Display.from_estimator(model, X, feature=0, grid_resolution=7)
    density = model.predict_distribution(typical(X, 0, 7))
    for k in range(2):
        density.weights = np.tile(np.eye(2)[k], (7, 1))
        np.testing.assert_allclose(display.curves[:, k], density.mean())
        np.testing.assert_allclose(display.low[:, k], density.ppf(0.05))
        np.testing.assert_allclose(display.high[:, k], density.ppf(0.95))


@pytest.mark.parametrize("top_k", [1, 2])
def test_experts_that_are_not_asked_have_no_curve(two_regimes, top_k):
    X, y = two_regimes
    model = fitted(X, y, n_experts=3, top_k=top_k, load_balancing="bias")
    rows = typical(X, 0, 50)
    display = Display.from_estimator(model, X, feature=0, grid_resolution=50)
    gate, curves = model.predict_gate_proba(rows), model.predict_experts(rows)
    np.testing.assert_allclose(display.gate, gate)
    np.testing.assert_array_equal(np.isnan(display.curves), gate == 0)
    np.testing.assert_allclose(display.curves[gate > 0], curves[gate > 0])
    half = norm.ppf(0.95) * np.sqrt(model.dispersion_)
    expected = np.where(gate > 0, curves + half, np.nan)
    np.testing.assert_allclose(display.high, expected)
    n_seen = [band is not None for band in display.bands_]
    assert n_seen == (gate.max(axis=0) > 0.02).tolist()


def test_averages_are_over_the_rows_that_ask(two_regimes):
    X, y = two_regimes
    model = fitted(X[:100], y[:100], n_experts=3, top_k=1, load_balancing="bias")
    display = Display.from_estimator(
        model, X[:100], feature=1, kind="average", grid_resolution=3
    )
    rows = X[:100].copy()
    rows[:, 1] = rows[:, 1].max()
    asked = model.predict_gate_proba(rows) > 0
    curves = np.where(asked, model.predict_experts(rows), np.nan)
    assert asked.any(axis=0).all()
    np.testing.assert_allclose(display.curves[-1], np.nanmean(curves, axis=0))
    np.testing.assert_allclose(display.mean[-1], model.predict(rows).mean())


def test_probabilities_of_a_class(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    display = Display.from_estimator(
        model, X, y, feature=1, target="top", grid_resolution=9
    )
    rows = typical(X, 1, 9)
    np.testing.assert_allclose(display.curves, model.predict_experts(rows)[..., 2])
    np.testing.assert_allclose(display.mean, model.predict_proba(rows)[:, 2])
    assert display.ax_.get_ylabel() == "probability of top"
    places = display.points_.get_offsets()[:, 1]
    assert (places > 1).tolist() == (y == "top").tolist()
    assert (places < 0).tolist() == (y != "top").tolist()
    low, high = display.ax_.get_ylim()
    assert low < places.min() < 0 < 1 < places.max() < high
    with pytest.raises(ValueError, match=r"target is None; pass one of the classes"):
        Display.from_estimator(model, X, feature=1)
    two = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y == "top")
    display = Display.from_estimator(two, X, feature=1, grid_resolution=9)
    np.testing.assert_allclose(display.curves, two.predict_experts(rows)[..., 1])


def test_averages_of_a_class_are_over_the_rows_that_ask(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, top_k=1, random_state=0)
    model.fit(X[:100], y[:100] == "top")
    display = Display.from_estimator(
        model, X[:100], feature=1, kind="average", grid_resolution=3
    )
    rows = X[:100].copy()
    rows[:, 1] = rows[:, 1].max()
    asked = model.predict_gate_proba(rows) > 0
    curves = np.where(asked, model.predict_experts(rows)[..., 1], np.nan)
    np.testing.assert_allclose(display.curves[-1], np.nanmean(curves, axis=0))


@pytest.mark.parametrize("covariance", ["diag", "full"])
@pytest.mark.parametrize("top_k", [None, 1])
def test_one_of_several_outputs(two_regimes, covariance, top_k):
    X, y = two_regimes
    Y = np.column_stack([X[:, 1] - y, y])
    likelihood = GaussianLikelihood(covariance=covariance)
    model = fitted(X, Y, likelihood=likelihood, top_k=top_k)
    display = Display.from_estimator(model, X, Y, feature=0, target=1, grid_resolution=11)
    rows = typical(X, 0, 11)
    variances = model.dispersion_
    own = variances[:, 1, 1] if covariance == "full" else variances[:, 1]
    asked = display.gate > 0
    curves = model.predict_experts(rows)[..., 1]
    low = curves + norm.ppf(0.05) * np.sqrt(own)
    np.testing.assert_allclose(display.curves[asked], curves[asked])
    np.testing.assert_allclose(display.low[asked], low[asked])
    np.testing.assert_allclose(display.mean, model.predict(rows)[:, 1])
    np.testing.assert_array_equal(display.points_.get_offsets()[:, 1], Y[:, 1])
    assert display.ax_.get_ylabel() == "y[1]"
    for wrong in (None, 2, -1, "y"):
        with pytest.raises(ValueError, match="y has 2 outputs; pass the number of one"):
            Display.from_estimator(model, X, feature=0, target=wrong)


def test_categories_have_points_with_error_bars(rng):
    X = pd.DataFrame(
        {"town": rng.choice(["a", "b", "c"], 200), "size": rng.uniform(size=200)}
    )
    y = np.where(X["town"] == "a", 3 * X["size"], 1 - X["size"])
    y += 0.1 * rng.standard_normal(200)
    X.loc[0, "town"] = None
    encoder = OneHotEncoder(sparse_output=False)
    pipeline = make_pipeline(
        encoder, StandardScaler(), fitted(np.zeros((9, 1)), np.arange(9.0))
    )
    table = X[["town"]]
    pipeline.fit(table, y)
    display = Display.from_estimator(pipeline, table, y, feature="town")
    Z = pipeline[:-1].transform(pd.DataFrame({"town": ["a", "b", "c"]}))
    curves = pipeline[-1].predict_experts(Z)
    for k in range(2):
        offsets = display.lines_[k].get_offsets()
        np.testing.assert_allclose(offsets[:, 1], curves[:, k])
        np.testing.assert_array_equal(np.round(offsets[:, 0]), [0, 1, 2])
        bars = np.array(display.bands_[k].get_segments())
        np.testing.assert_allclose(bars[:, :, 1].mean(axis=1), curves[:, k])
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["expert0", "expert1", "mixture"]
    assert np.isnan(np.ma.getdata(display.points_.get_offsets())[0, 0])


def test_one_expert_many_and_given_axes(two_regimes):
    X, y = two_regimes
    figure, ax = plt.subplots()
    display = Display.from_estimator(fitted(X, y, n_experts=1), X, feature=0, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    grid, many = np.arange(5.0), np.tile(np.arange(13.0), (5, 1))
    display = Display(
        grid,
        np.full((5, 13), 1 / 13),
        many,
        grid,
        feature_name="x",
        target_name="y",
        expert_names=["e"] * 13,
    ).plot()
    assert len(display.lines_) == 13
    assert len(display.ax_.texts) == 0


def test_what_is_wrong_is_told(two_regimes):
    X, y = two_regimes
    model = fitted(X, y)
    with pytest.raises(ValueError, match="y has one output; leave it out"):
        Display.from_estimator(model, X, feature=0, target=1)
    with pytest.raises(ValueError, match="'x7' is no column of X"):
        Display.from_estimator(model, X, feature="x7")
    for wrong in (0, 1, 90):
        with pytest.raises(ValueError, match=r"interval is .*between 0 and 1"):
            Display.from_estimator(model, X, feature=0, interval=wrong)
