"""Rootograms of responsibilities."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import ResponsibilitiesDisplay, expert_colors
from skmoe.inspection._colors import NEUTRAL

SHARES = np.array(
    [[1.0, 0.0], [1.0, 0.0], [1 - 1e-5, 1e-5], [0.98, 0.02], [0.6, 0.4], [0.3, 0.7]]
)


def heights(bars):
    return [bar.get_height() for bar in bars]


def display_of(**params):
    return ResponsibilitiesDisplay(SHARES, expert_names=["a", "b"]).plot(**params)


def test_bars_count_rows_with_more_than_next_to_nothing():
    display = display_of(bins=4)
    assert heights(display.bars_[0]) == [0, 1, 1, 4]
    assert heights(display.bars_[1]) == [1, 1, 1, 0]
    assert [panel.texts[0].get_text() for panel in display.ax_] == ["5 of 6", "1 of 3"]
    assert heights(display_of(bins=4, eps=1e-6).bars_[1]) == [2, 1, 1, 0]
    assert display.marked_bars_ is None


def test_panels_have_the_experts_names_and_colours_and_one_root_scale():
    display = display_of()
    for panel, name, color, bars in zip(
        display.ax_, ["a", "b"], expert_colors(2), display.bars_, strict=True
    ):
        assert panel.get_title() == name
        assert to_hex(bars[0].get_facecolor()) == color.lower()
        assert panel.get_ylim() == display.ax_[0].get_ylim()
        np.testing.assert_allclose(
            panel.get_yaxis().get_transform().transform([0.0, 4.0, 9.0]), [0, 2, 3]
        )


def test_the_rows_of_one_expert_can_be_marked():
    for mark in (1, "b"):
        display = display_of(bins=4, mark=mark)
        assert heights(display.marked_bars_[0]) == [0, 1, 0, 0]
        assert heights(display.marked_bars_[1]) == [0, 0, 1, 0]
        assert heights(display.bars_[0]) == [0, 1, 1, 4]
        marked = to_hex(display.marked_bars_[0][0].get_facecolor())
        assert marked == expert_colors(2)[1].lower()
        for bars in display.bars_:
            assert to_hex(bars[0].get_facecolor()) == NEUTRAL.lower()
    for mark in ("c", 2, -1):
        with pytest.raises(
            ValueError, match=r"mark=.* is no expert; use one of \['a', 'b'"
        ):
            display_of(mark=mark)


def test_it_is_of_the_rows_that_are_given(two_regimes, checkerboard):
    for model, (X, y) in (
        (MixtureOfExpertsRegressor(n_experts=2, random_state=0), two_regimes),
        (MixtureOfExpertsClassifier(n_experts=2, random_state=0), checkerboard),
    ):
        model.fit(X, y)
        display = ResponsibilitiesDisplay.from_estimator(model, X[:50], y[:50], bins=3)
        np.testing.assert_array_equal(
            display.responsibilities, model.responsibilities(X[:50], y[:50])
        )
        assert display.expert_names == ["expert0", "expert1"]
        assert len(display.bars_[0]) == 3


def test_an_expert_that_is_not_asked_has_no_rows(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, top_k=1, random_state=0).fit(X, y)
    display = ResponsibilitiesDisplay.from_estimator(model, X, y)
    for k, panel in enumerate(display.ax_):
        n_rows = np.sum(model.apply(X) == k)
        assert panel.texts[0].get_text() == f"{n_rows} of {n_rows}"
    alone = np.column_stack([np.ones(4), np.zeros(4)])
    display = ResponsibilitiesDisplay(alone, expert_names=["a", "b"]).plot()
    assert display.ax_[1].texts[0].get_text() == "no rows"


def test_axes_are_divided():
    figure, axes = plt.subplots(1, 2)
    display = display_of(ax=axes[1])
    assert display.figure_ is figure
    assert display.bounding_ax_ is axes[1]
    assert not axes[1].axison
    left = axes[1].get_position().x0
    assert all(panel.get_position().x0 >= left - 1e-9 for panel in display.ax_)
    with pytest.raises(ValueError, match="ax: only axes of a grid can be divided"):
        display_of(ax=figure.add_axes([0.1, 0.1, 0.5, 0.5]))


def test_many_panels_are_in_rows():
    even = np.full((3, 6), 1 / 6)
    display = ResponsibilitiesDisplay(even, expert_names=list("abcdef")).plot()
    rows = [panel.get_subplotspec().rowspan.start for panel in display.ax_]
    assert rows == [0, 0, 0, 1, 1, 1]
    assert [bool(panel.get_ylabel()) for panel in display.ax_] == [True, False, False] * 2
    assert [bool(panel.get_xlabel()) for panel in display.ax_] == [False] * 3 + [True] * 3
