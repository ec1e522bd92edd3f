"""Progress: printed lines, and scikit-learn's callbacks where it has them."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._sklearn_compat import HAS_CALLBACKS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn has callbacks from 1.9 on"
)


class Recorder:
    """Counts tasks by name, and stops a start after some iterations."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended, self.torn_down = [], [], 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)
        return self.stop_after is not None and len(self.ended) >= self.stop_after

    def teardown(self, estimator, context):
        self.torn_down += 1


def test_nothing_is_printed_unless_asked_for(two_regimes, capsys):
    X, y = two_regimes
    MixtureOfExpertsRegressor(random_state=0).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_verbose_prints_a_line_per_iteration(two_regimes, capsys):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_init=2, random_state=0, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.init_results_["n_iter"].sum()
    assert lines[0].startswith("start 1, iteration 1: lower bound")


@needs_callbacks
def test_callbacks_see_starts_and_iterations(two_regimes):
    X, y = two_regimes
    recorder = Recorder()
    model = MixtureOfExpertsRegressor(n_init=2, random_state=0).set_callbacks(recorder)
    model.fit(X, y)
    assert recorder.begun.count("start") == 2
    assert recorder.begun.count("iteration") == model.init_results_["n_iter"].sum()
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert recorder.torn_down == 1


@needs_callbacks
def test_a_callback_can_stop(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(init="random", random_state=0)
    model.set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert model.n_iter_ == 2
    assert not model.converged_


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error(two_regimes):
    X, y = two_regimes
    recorder = Recorder()
    model = MixtureOfExpertsRegressor(gate="softmax").set_callbacks(recorder)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X > 1.9, np.nan, X), y)
    model.fit(X, y)
    assert recorder.torn_down >= 1


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bars_through_a_grid_search(two_regimes, capsys, n_jobs):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    X, y = two_regimes
    search = GridSearchCV(
        MixtureOfExpertsRegressor(LinearRegression(), random_state=0, max_iter=5),
        {"n_experts": [1, 2]},
        cv=2,
        n_jobs=n_jobs,
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert search.best_params_ == {"n_experts": 2}
    assert "MixtureOfExpertsRegressor" in capsys.readouterr().out


@needs_callbacks
def test_a_progress_bar_of_a_classifier(checkerboard, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    model = MixtureOfExpertsClassifier(n_experts=2, n_init=2, n_jobs=2, random_state=0)
    model.set_callbacks(ProgressBar()).fit(*checkerboard)
    assert "MixtureOfExpertsClassifier" in capsys.readouterr().out
