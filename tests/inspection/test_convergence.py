"""The display of how training went."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import ConvergenceDisplay


def regressor(**params):
    return MixtureOfExpertsRegressor(
        **{"n_experts": 3, "init": "random", "random_state": 0, **params}
    )


def legend(display):
    box = display.ax_.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def test_every_start_is_a_line(two_regimes):
    X, y = two_regimes
    pipeline = make_pipeline(StandardScaler(), regressor(n_init=4)).fit(X, y)
    display = ConvergenceDisplay.from_estimator(pipeline)
    results = pipeline[-1].init_results_
    for line, end, bounds in zip(
        display.lines_, display.ends_, results["lower_bounds"], strict=True
    ):
        np.testing.assert_array_equal(line.get_ydata(), bounds)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(len(bounds)) + 1)
        assert (end.get_xdata()[0], end.get_ydata()[0]) == (len(bounds), bounds[-1])
    strong = [line.get_alpha() for line in display.lines_]
    assert np.argmax(strong) == results["lower_bound"].argmax()
    assert strong.count(1.0) == 1
    assert legend(display) == ["best start", "3 other starts"]
    assert display.validation_line_ is None


@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_a_start_that_has_not_converged_ends_in_an_open_point(two_regimes):
    X, y = two_regimes
    display = ConvergenceDisplay.from_estimator(regressor(max_iter=3).fit(X, y))
    assert display.ends_[0].get_markerfacecolor() == "white"
    assert legend(display) == ["training", "did not converge"]
    display = ConvergenceDisplay.from_estimator(regressor().fit(X, y))
    assert display.ends_[0].get_markerfacecolor() != "white"
    assert legend(display) == []


def test_rows_held_out_are_shown(two_regimes):
    X, y = two_regimes
    model = regressor(solver="gradient", early_stopping=True, batch_size=50).fit(X, y)
    display = ConvergenceDisplay.from_estimator(model)
    np.testing.assert_array_equal(
        display.validation_line_.get_ydata(), model.validation_scores_
    )
    assert display.ax_.get_xlabel() == "epoch"
    assert display.ax_.get_ylabel() == "held-out log-likelihood per row"
    assert legend(display) == ["training", "rows held out, each epoch"]


@pytest.mark.filterwarnings("ignore:the held-out")
def test_what_is_shown_is_named(two_regimes, checkerboard):
    X, y = two_regimes
    tree = regressor(experts=DecisionTreeRegressor(max_depth=2)).fit(X, y)
    streamed = regressor().partial_fit(X, y).partial_fit(X, y)
    told = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(*checkerboard)
    for model, label in (
        (tree, ("iteration", "held-out log-likelihood per row")),
        (streamed, ("batch", "log-likelihood per row of the next batch")),
        (told, ("iteration", "objective per row")),
    ):
        ax = ConvergenceDisplay.from_estimator(model).ax_
        assert (ax.get_xlabel(), ax.get_ylabel()) == label


def test_a_stream_is_one_line_that_ends_full(two_regimes):
    X, y = two_regimes
    model = regressor()
    for start in range(0, 200, 40):
        model.partial_fit(X[start : start + 40], y[start : start + 40])
    display = ConvergenceDisplay.from_estimator(model)
    assert len(display.lines_[0].get_xdata()) == 5
    assert display.ends_[0].get_markerfacecolor() != "white"
    assert legend(display) == []


def test_first_iterations_are_cut_off_but_no_end():
    fast = np.r_[np.full(20, -np.inf), -1e6, -500.0, np.linspace(-2, -1, 50)]
    bottom, top = ConvergenceDisplay([fast], best=0).plot().ax_.get_ylim()
    assert -4 < bottom < -2
    assert top > -1
    poor = np.full(5, -40.0)
    assert ConvergenceDisplay([fast, poor], best=0).plot().ax_.get_ylim()[0] < -40
    # All alike, or one only: matplotlib's own limits.
    bottom, top = ConvergenceDisplay([poor], best=0).plot().ax_.get_ylim()
    assert bottom < -40 < top


def test_gaps_are_on_a_logarithmic_scale():
    bounds = [np.array([-3.0, -2.0, -1.0]), np.array([-5.0, -1.5])]
    figure, ax = plt.subplots()
    display = ConvergenceDisplay(bounds, best=0).plot(ax=ax, style="gap", color="red")
    assert (display.ax_, display.figure_) == (ax, figure)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [2.0, 1.0, np.nan])
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), [4.0, 0.5])
    assert display.ends_[0].get_xdata()[0] == 2  # the last that can be drawn
    assert display.lines_[0].get_color() == "red"
    assert ax.get_yscale() == "log"
    with pytest.raises(ValueError, match=r"style='log' must be one of"):
        display.plot(style="log")
