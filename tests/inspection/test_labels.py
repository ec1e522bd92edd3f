"""Where names, legends and points are put."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from skmoe.inspection._columns import Columns
from skmoe.inspection._labels import (
    emptiest_corner,
    innermost,
    inwards,
    label_curves,
    text_color,
)
from skmoe.inspection._points import places_of, strewn


def test_the_innermost_place_is_far_from_borders():
    region = np.zeros((20, 30), dtype=bool)
    region[2:5, :] = True
    region[5:14, 3:12] = True
    i, j = innermost(region)
    assert region[i - 4 : i + 5, j - 4 : j + 5].sum() > 70
    strip = np.zeros((3, 30), dtype=bool)
    strip[1, 10:20] = True
    i, j = innermost(strip, steps=[30, 1])
    assert i == 1
    assert j in (14, 15)


def test_text_can_be_read_on_its_background():
    assert text_color("#0072B2") == "white"
    assert text_color("black") == "white"
    assert text_color("#E69F00") == text_color("white") == "#333333"


def test_text_near_a_side_goes_inwards():
    assert [inwards(side) for side in (0.02, 0.5, 0.97)] == ["left", "center", "right"]


@pytest.mark.parametrize("slope", [-4.0, 0.0, 4.0])
def test_curves_are_named_where_they_are_apart(slope):
    grid = np.linspace(0, 1, 101)
    first = slope * grid
    second = first + np.where(grid > 0.5, 2.0, 0.0)
    _, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(-5, 7))
    curves = np.column_stack([first, second])
    weights = np.column_stack([np.ones(101), np.where(grid < 0.8, 1.0, 0.0)])
    labels = label_curves(
        ax, grid, curves, weights, first - 1.5, ["a", "b", "m"], ["k", "k", "k"]
    )
    assert [label.get_text() for label in labels] == ["a", "b", "m"]
    places = np.array([label.xy for label in labels])
    assert places[0, 0] > 0.5
    assert 0.5 < places[1, 0] < 0.8
    expected = {-4.0: "left", 0.0: "center", 4.0: "right"}[slope]
    assert labels[0].get_ha() == expected


def test_curves_that_are_alike_are_named_in_different_places():
    grid = np.linspace(0, 1, 101)
    _, ax = plt.subplots()
    same = np.full((101, 2), 0.5)
    labels = label_curves(ax, grid, same, np.ones((101, 2)), same[:, 0], "abm", "kkk")
    places = np.sort([label.xy[0] for label in labels])
    assert np.diff(places).min() > 0.15


def test_a_curve_outside_the_picture_is_not_named():
    grid = np.linspace(0, 1, 11)
    _, ax = plt.subplots()
    outside = np.full((11, 1), 9.0)
    labels = label_curves(ax, grid, outside, np.ones((11, 1)), 0.5 + 0 * grid, "am", "kk")
    assert [label.get_text() for label in labels] == ["m"]


def test_a_legend_goes_where_nothing_is():
    _, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    corners = {
        "upper right": (1, 1), "upper left": (0, 1),
        "lower right": (1, 0), "lower left": (0, 0),
    }  # fmt: skip
    for name in corners:
        others = np.array([place for other, place in corners.items() if other != name])
        assert emptiest_corner(ax, *others.T) == name


def test_rows_lie_at_their_category():
    frame = pd.DataFrame({"town": ["b", "a", None, "c"], "size": [1.0, np.nan, 3.0, 4.0]})
    frame["unit"] = pd.array(["m", None, "m", "s"], dtype="string")
    columns = Columns(frame, list(frame.columns))
    np.testing.assert_array_equal(places_of(columns, 0), [1, 0, np.nan, 2])
    np.testing.assert_array_equal(places_of(columns, 1), frame["size"])
    np.testing.assert_array_equal(places_of(columns, 2), [0, np.nan, 0, 1])
    places = np.repeat([0.0, 1.0, 2.0], 50)
    moved = strewn(places)
    np.testing.assert_array_equal(np.round(moved), places)
    assert np.unique(moved).size == 150
