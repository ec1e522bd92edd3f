"""The map of who is sent where."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import RoutingDisplay, expert_colors

pd = pytest.importorskip("pandas")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]


def regressor(X, y, **params):
    params = {"n_experts": 4, "random_state": 0, "max_iter": 5, **params}
    return MixtureOfExpertsRegressor(Ridge(), **params).fit(X, y)


@pytest.fixture
def table(two_regimes):
    """A feature of each kind, with gaps; three numbers are equal to zero or one."""
    X, y = two_regimes
    frame = pd.DataFrame({"dose": X[:, 0], "flag": (X[:, 1] > 0) * 1.0})
    frame["port"] = np.array(["S", "C", "Q"])[np.digitize(X[:, 1], [-1, 1])]
    frame.loc[::9, "dose"] = np.nan
    frame.loc[::7, "port"] = None
    columns = make_column_transformer(
        (SimpleImputer(), ["dose", "flag"]), (OneHotEncoder(), ["port"])
    )
    mixture = MixtureOfExpertsRegressor(
        Ridge(), n_experts=4, top_k=2, load_balancing="bias", random_state=0, max_iter=5
    )
    return make_pipeline(columns, mixture).fit(frame, y), frame


def drawn(display):
    cells = [mesh.get_array().ravel() for mesh in display.meshes_]
    return np.ma.filled(np.ma.vstack(cells), np.nan)


@pytest.mark.parametrize("params", [{}, {"top_k": 2, "load_balancing": "bias"}])
def test_cells_are_mean_weights_of_bins(two_regimes, params):
    X, y = two_regimes
    model = regressor(X, y, **params)
    display = RoutingDisplay.from_estimator(model, X, feature=0, bins=7)
    weights = model.predict_gate_proba(X)
    edges = np.linspace(X[:, 0].min(), X[:, 0].max(), 8)
    for b, (low, high) in enumerate(pairwise(edges)):
        inside = (X[:, 0] >= low) & ((X[:, 0] < high) | (b == 6) & (X[:, 0] <= high))
        expected = weights[inside].mean(axis=0)
        np.testing.assert_allclose(drawn(display)[:, b], expected, atol=1e-12)
        np.testing.assert_allclose(display.sent[:, b], (weights[inside] > 0).mean(axis=0))
    assert display.ax_.get_xlabel() == "x0"


def test_what_rows_are_sent_to_is_outlined(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, top_k=2)
    display = RoutingDisplay.from_estimator(model, X, feature=0, bins=5)
    edges = display.bins.edges
    for k, outline in enumerate(display.outlines_):
        covered = np.zeros(5, bool)
        for path in outline.get_paths():
            (low, bottom), (high, top) = path.vertices.min(axis=0), path.vertices.max(0)
            assert bottom < k < top
            covered |= (edges[:-1] >= low - 1e-9) & (edges[1:] <= high + 1e-9)
        np.testing.assert_array_equal(covered, display.sent[k] >= 0.5)
    assert "2 of 4" in display.ax_.get_legend().get_texts()[0].get_text()
    dense = RoutingDisplay.from_estimator(regressor(X, y), X, feature=0)
    assert dense.outlines_ is None
    assert dense.ax_.get_legend() is None
    assert dense.colorbar_.ax.get_ylabel() == "mean gate probability"


def test_rows_are_in_the_order_of_their_first_expert(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, top_k=2)
    display = RoutingDisplay.from_estimator(model, X)
    weights = drawn(display).T  # fewer rows than columns of the picture
    first = weights.argmax(axis=1)
    assert len(weights) == len(X)
    assert (np.diff(first) >= 0).all()
    np.testing.assert_array_equal(np.bincount(first), np.bincount(model.apply(X)))
    second = np.argsort(weights, axis=1)[:, -2]
    has_two = (weights > 0).sum(axis=1) == 2
    assert (np.diff((first * 4 + second)[has_two]) >= 0).all()


def test_many_rows_are_averaged(two_regimes):
    X, y = two_regimes
    model = regressor(X, y)
    many = np.repeat(X, 10, axis=0)
    display = RoutingDisplay.from_estimator(model, many)
    assert drawn(display).shape == (4, 300)
    np.testing.assert_allclose(
        drawn(display).mean(axis=1), model.predict_gate_proba(X).mean(axis=0)
    )
    assert display.bins.edges[-1] == 2400


def test_categories_and_what_is_missing_have_bins(table):
    pipeline, frame = table
    weights = pipeline[-1].predict_gate_proba(pipeline[:-1].transform(frame))

    def labels(display):
        return [label.get_text() for label in display.ax_.get_xticklabels()]

    display = RoutingDisplay.from_estimator(pipeline, frame, feature="port")
    assert set(labels(display)[:3]) == {"S", "C", "Q"}
    assert labels(display)[3] == "missing"
    for b, name in enumerate(labels(display)):
        rows = frame["port"].isna() if name == "missing" else frame["port"] == name
        expected = weights[rows.to_numpy()].mean(axis=0)
        np.testing.assert_allclose(drawn(display)[:, b], expected)
    display = RoutingDisplay.from_estimator(pipeline, frame, feature="flag")
    assert labels(display) == ["0", "1"]
    display = RoutingDisplay.from_estimator(pipeline, frame, feature="dose", bins=6)
    assert labels(display)[-1] == "missing"
    rows = frame["dose"].isna().to_numpy()
    np.testing.assert_allclose(drawn(display)[:, -1], weights[rows].mean(axis=0))
    display = RoutingDisplay.from_estimator(pipeline, frame, feature="port", bins=2)
    assert labels(display)[1:] == ["others", "missing"]


def test_bins_without_rows_are_grey(two_regimes):
    X, y = two_regimes
    far = np.append(X, [[10.0, 0.0]], axis=0)
    display = RoutingDisplay.from_estimator(regressor(X, y), far, feature=0)
    assert np.isnan(display.weights[:, 15]).all()
    assert np.isnan(drawn(display)[:, 15]).all()
    grey = plt.matplotlib.colors.to_hex(display.meshes_[0].cmap.get_bad())
    assert grey == "#eeeeee"


def test_it_draws_on_given_axes_in_the_experts_colours(two_regimes):
    X, y = two_regimes
    figure, ax = plt.subplots()
    display = RoutingDisplay.from_estimator(regressor(X, y), X, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    full = [plt.matplotlib.colors.to_hex(mesh.cmap(1.0)) for mesh in display.meshes_]
    assert full == [color.lower() for color in expert_colors(4)]


def test_wrong_arguments(two_regimes):
    X, y = two_regimes
    model = regressor(X, y)
    with pytest.raises(ValueError, match="'dose' is no column of X; it has 'x0', 'x1'"):
        RoutingDisplay.from_estimator(model, X, feature="dose")
    with pytest.raises(ValueError, match="bins is 1; pass an integer"):
        RoutingDisplay.from_estimator(model, X, feature=0, bins=1)
