"""The display of gate probabilities."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import GateDisplay, expert_colors
from skmoe.inspection._gate_drawing import draw_regions


@pytest.fixture
def fitted(two_regimes):
    X, y = two_regimes
    return MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y), X


@pytest.fixture
def towns(rng):
    """A pipeline on a table whose regimes are those of a town, from some age on."""
    X = pd.DataFrame(
        {
            "age": rng.uniform(0, 80, 300),
            "town": rng.choice(["Ghent", "Leeds", "Porto"], 300),
            "fuel": pd.Categorical(rng.choice(["gas", "oil"], 300)),
        }
    )
    steep = (X["town"] == "Ghent") & (X["age"] > 40)
    y = np.where(steep, 100 - 3 * X["age"], X["age"]) + rng.standard_normal(300)
    X.loc[5, "town"] = None
    table = make_column_transformer(
        (StandardScaler(), ["age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["town", "fuel"]),
    )
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    return make_pipeline(table, model).fit(X, y), X


def labels_of(display):
    return {text.get_text(): text.xy for text in display.ax_.texts}


def proba(pipeline, X):
    return pipeline[-1].predict_gate_proba(pipeline[:-1].transform(X))


def test_areas_are_the_gate_at_typical_rows(fitted):
    model, X = fitted
    display = GateDisplay.from_estimator(model, X, 0, grid_resolution=30)
    grid = np.linspace(X[:, 0].min(), X[:, 0].max(), 30)
    rows = np.column_stack([grid, np.full(30, np.median(X[:, 1]))])
    gate = model.predict_gate_proba(rows)
    for k, area in enumerate(display.areas_):
        tops = area.get_paths()[0].vertices
        drawn = [tops[tops[:, 0] == x, 1].max() for x in grid]
        np.testing.assert_allclose(drawn, gate[:, : k + 1].sum(axis=1))
        assert to_hex(area.get_facecolor()[0]).upper() == expert_colors(2)[k]
    assert display.ax_.get_xlabel() == "x0"


def test_averages_are_over_rows(fitted):
    model, X = fitted
    display = GateDisplay.from_estimator(model, X, [1], kind="average", grid_resolution=3)
    rows = X[np.unique(np.linspace(0, 239, 200).astype(int))].copy()
    rows[:, 1] = X[:, 1].max()
    np.testing.assert_allclose(
        display.gate[-1], model.predict_gate_proba(rows).mean(axis=0)
    )


def test_each_expert_is_named_where_it_leads(fitted):
    model, X = fitted
    for features in (0, [0, 1]):
        labels = labels_of(GateDisplay.from_estimator(model, X, features))
        assert set(labels) == {"expert0", "expert1"}
        for k, name in enumerate(["expert0", "expert1"]):
            assert model.apply([[labels[name][0], 0.0]]) == k


def test_regions_are_blended_and_borders_are_ties(fitted):
    model, X = fitted
    display = GateDisplay.from_estimator(model, X, [0, 1], grid_resolution=40)
    across, up = display.grids
    pixel = display.image_.get_array()[7, 20]  # rows of an image go up
    gate = model.predict_gate_proba([[across[20], up[7]]])[0]
    colors = np.array([to_rgb(color) for color in expert_colors(2)])
    np.testing.assert_allclose(pixel, 0.2 + 0.8 * gate @ colors, atol=1e-6)
    for border in display.borders_:
        places = np.concatenate(border.allsegs[0])
        assert len(places) > 20
        np.testing.assert_allclose(model.predict_gate_proba(places), 0.5, atol=0.05)
    left, right, low, high = display.image_.get_extent()
    assert left < across[0] < across[-1] < right
    assert low < up[0] < up[-1] < high
    assert display.ax_.get_xlim() == (across[0], across[-1])


def test_one_category_after_the_other(towns):
    pipeline, X = towns
    display = GateDisplay.from_estimator(pipeline, X, "town")
    rows = pd.DataFrame(
        {
            "age": X["age"].median(),
            "town": ["Ghent", "Leeds", "Porto"],
            "fuel": X["fuel"].mode()[0],
        }
    )
    heights = np.array([[bar.get_height() for bar in own] for own in display.bars_])
    np.testing.assert_allclose(heights.T, proba(pipeline, rows), atol=1e-12)
    names = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert names == ["Ghent", "Leeds", "Porto"]


@pytest.mark.parametrize("features", [["age", "town"], ["town", "age"]])
def test_strips_of_a_category_change_where_the_leader_does(towns, features):
    pipeline, X = towns
    display = GateDisplay.from_estimator(pipeline, X, features)
    axis = features.index("age")
    along = display.grids[axis]
    step, places = along[1] - along[0], []
    for border in display.borders_:
        if hasattr(border, "get_segments"):
            places += [segment[:, axis] for segment in border.get_segments()]
    gate = display.gate if axis else display.gate.swapaxes(0, 1)
    changes = [np.flatnonzero(np.diff(strip.argmax(axis=1))) for strip in gate]
    expected = np.concatenate([along[own] + step / 2 for own in changes])
    assert len(expected) >= 1
    np.testing.assert_allclose(places, np.repeat(expected[:, None], 2, axis=1))


def test_cells_of_two_categories_tell_who_leads(towns):
    pipeline, X = towns
    display = GateDisplay.from_estimator(pipeline, X, ["town", "fuel"])
    texts = [text.get_text().split("\n") for text in display.ax_.texts]
    assert len(texts) == 6
    gate = display.gate.reshape(6, 2)
    for (name, share), own in zip(texts, gate, strict=True):
        assert name == f"expert{own.argmax()}"
        assert share == f"{own.max():.0%}"


def test_rows_are_drawn_when_asked_for(fitted, towns):
    model, X = fitted
    assert GateDisplay.from_estimator(model, X, [0, 1]).points_ is None
    display = GateDisplay.from_estimator(model, X, [1, 0], show_rows=True)
    np.testing.assert_array_equal(display.points_.get_offsets(), X[:, [1, 0]])
    ticks = GateDisplay.from_estimator(model, X, 1, show_rows=True).points_
    np.testing.assert_array_equal(ticks.get_offsets()[:, 0], X[:, 1])
    pipeline, table = towns
    cells = GateDisplay.from_estimator(pipeline, table, ["town", "fuel"], show_rows=True)
    x, y = np.ma.getdata(cells.points_.get_offsets()).T
    known = np.flatnonzero(table["town"].notna())
    numbers = table["town"][known].map({"Ghent": 0, "Leeds": 1, "Porto": 2})
    np.testing.assert_array_equal(np.round(x[known]), numbers)
    assert np.isnan(x[5])
    moves = x[known] - np.round(x[known]), y[known] - np.round(y[known])
    assert abs(np.corrcoef(moves)[0, 1]) < 0.5  # not along a diagonal


def test_one_expert_and_many(fitted, two_regimes):
    X, y = two_regimes
    alone = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    assert GateDisplay.from_estimator(alone, X, [0, 1]).borders_ == []
    gate = np.full((5, 4, 13), 0.5 / 12)
    gate[..., 0] = 0.5
    names = [f"e{k}" for k in range(13)]
    grids = [np.arange(5.0), np.arange(4.0)]
    many = GateDisplay(gate, grids, feature_names=["a", "b"], expert_names=names).plot()
    assert labels_of(many) == {}
    some = GateDisplay(
        gate[:, 0], grids[:1], feature_names=["a"], expert_names=names
    ).plot()
    assert labels_of(some) == {}


def test_experts_that_never_lead_are_not_named():
    gate = np.zeros((10, 10, 3))
    gate[:5, :, 0], gate[5:, :, 1] = 1.0, 1.0
    _, ax = plt.subplots()
    grids = [np.arange(10.0), np.arange(10.0)]
    draw_regions(ax, grids, [False, False], gate, ["a", "b", "c"], expert_colors(3))
    assert [text.get_text() for text in ax.texts] == ["a", "b"]


def test_given_axes_and_a_classifier(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    figure, ax = plt.subplots()
    display = GateDisplay.from_estimator(model, X, [0, 1], ax=ax, colors=["k", "w"])
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert np.ptp(display.image_.get_array(), axis=-1).max() < 1e-12  # shades of grey


@pytest.mark.parametrize("features", [[], [0, 1, 0], [1, -1]])
def test_other_numbers_of_features_are_refused(fitted, features):
    with pytest.raises(ValueError, match="pass one column of X, or a list of two"):
        GateDisplay.from_estimator(*fitted, features)


def test_unknown_and_constant_columns_are_named(fitted):
    model, X = fitted
    with pytest.raises(ValueError, match="'agee' is no column of X"):
        GateDisplay.from_estimator(model, X, "agee")
    constant = np.column_stack([X[:, 0], np.ones(len(X))])
    with pytest.raises(ValueError, match="'x1' of X has one value only"):
        GateDisplay.from_estimator(model, constant, 1)
    with pytest.raises(ValueError, match="grid_resolution is 1; use 2 or more"):
        GateDisplay.from_estimator(model, X, 0, grid_resolution=1)
