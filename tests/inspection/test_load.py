"""The display of loads."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay, ExpertLoadDisplay, expert_colors


@pytest.fixture
def fitted(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    return make_pipeline(StandardScaler(), model).fit(X, y), X, y


def test_bars_are_the_load(fitted):
    pipeline, X, y = fitted
    model, Z = pipeline[-1], pipeline[:-1].transform(X)
    for arguments, load in (
        ((), model.expert_load_),
        ((X,), model.predict_gate_proba(Z).mean(axis=0)),
        ((X, y), model.responsibilities(Z, y).mean(axis=0)),
    ):
        display = ExpertLoadDisplay.from_estimator(pipeline, *arguments)
        heights = [bar.get_height() for bar in display.bars_]
        np.testing.assert_allclose(heights, load)
        assert display.even_line_.get_ydata()[0] == 0.5
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["expert0", "expert1"]


def test_it_draws_on_given_axes_in_the_experts_colours(fitted):
    figure, ax = plt.subplots()
    display = ExpertLoadDisplay.from_estimator(fitted[0], ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    drawn = [plt.matplotlib.colors.to_hex(bar.get_facecolor()) for bar in display.bars_]
    assert drawn == [color.lower() for color in expert_colors(2)]


def test_names_of_many_experts_are_not_written():
    display = ExpertLoadDisplay(np.full(40, 1 / 40), expert_names=["e"] * 40).plot()
    assert display.ax_.get_xlabel() == "expert"
    assert len(set(expert_colors(40))) == 40


def test_sizes_of_rows_count(rng):
    X = rng.uniform(-2, 2, size=(200, 1))
    exposure = rng.uniform(0.2, 5.0, size=200)
    y = rng.poisson(np.exp(np.where(X[:, 0] > 0, 2.0, 0.0)) * exposure)
    model = MixtureOfExpertsRegressor(n_experts=2, likelihood="poisson", random_state=0)
    model.fit(X, y, exposure=exposure)
    display = ExpertLoadDisplay.from_estimator(model, X, y, exposure=exposure)
    load = model.responsibilities(X, y, exposure=exposure).mean(axis=0)
    np.testing.assert_allclose(display.load, load)
    curves = ExpertCurvesDisplay.from_estimator(model, X, y, feature=0, exposure=exposure)
    np.testing.assert_allclose(curves.points_.get_offsets()[:, 1], y / exposure)
    np.testing.assert_allclose(curves.rows[2].mean(axis=0), load)
