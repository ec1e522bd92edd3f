"""Progress: printed lines, and scikit-learn's callbacks where it has them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._sklearn_compat import HAS_CALLBACKS
from skmoe.gates import SoftmaxGate

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


class Asker(Recorder):
    """Keeps the models that it is given, by their tasks."""

    def __init__(self):
        super().__init__()
        self.models, self.rows = [], []

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.models.append((context.task_name, fitted_estimator))
        self.rows.append((X, y, metadata))
        super().on_fit_task_end(estimator, context)

    def of(self, name):
        return [model for task, model in self.models if task == name]


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


@needs_callbacks
@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_a_fitted_estimator_is_the_model_as_if_the_fit_had_stopped(
    two_regimes, likelihood
):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(
        likelihood=likelihood, init="random", random_state=0, max_iter=6
    )
    asker = Asker()
    model.set_callbacks(asker).fit(X, y)
    for n_iter, fitted in enumerate(asker.of("iteration"), start=1):
        stopped = clone(model).set_params(max_iter=n_iter).set_callbacks().fit(X, y)
        assert fitted.n_iter_ == n_iter
        assert not fitted.converged_
        assert fitted.lower_bound_ == pytest.approx(stopped.lower_bound_, rel=1e-9)
        np.testing.assert_allclose(fitted.predict(X), stopped.predict(X), rtol=1e-6)
    for fitted in asker.of("start") + asker.of("fit"):
        np.testing.assert_array_equal(fitted.predict(X), model.predict(X))


@needs_callbacks
@pytest.mark.parametrize(
    "params",
    [
        {"n_init": 2, "n_jobs": 2},
        {"experts": Ridge()},
        {"experts": DecisionTreeRegressor(max_depth=3), "random_state": 1},
        {"solver": "stochastic-em"},
        {"solver": "hard-em"},
        {"top_k": 1},
        {"n_experts": "auto"},
    ],
)
def test_being_asked_changes_nothing(two_regimes, params):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(**{"init": "random", "random_state": 0, **params})
    plain = clone(model).fit(X, y)
    asker = Asker()
    model.set_callbacks(asker).fit(X, y)
    assert all(asked is not None for _, asked in asker.models)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    np.testing.assert_array_equal(model.lower_bounds_, plain.lower_bounds_)


@needs_callbacks
def test_callbacks_are_shown_the_rows_that_are_fitted(checkerboard):
    X, labels = checkerboard
    weights = np.arange(len(labels)) % 3
    asker = Asker()
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).set_callbacks(asker)
    model.fit(X, labels, sample_weight=weights)
    for shown, y, metadata in asker.rows:
        np.testing.assert_array_equal(shown, X[weights > 0])
        np.testing.assert_array_equal(y, labels[weights > 0])
        np.testing.assert_array_equal(metadata["sample_weight"], weights[weights > 0])


@needs_callbacks
def test_a_callback_can_do_without_the_model(two_regimes):
    class Choosy(Asker):
        def wants_fitted(self, context):
            return context.task_name == "iteration" and context.task_id == 1

    asker = Choosy()
    model = MixtureOfExpertsRegressor(random_state=0, init="random")
    model.set_callbacks(asker).fit(*two_regimes)
    given = [fitted is not None for fitted in asker.of("iteration")]
    assert given[:3] == [False, True, False]
    assert sum(given) == 1
    assert asker.of("start") == [None]


@needs_callbacks
def test_scores_are_monitored(two_regimes):
    from sklearn.callback import ScoringMonitor

    X, y = two_regimes
    monitor = ScoringMonitor(scoring="r2")
    model = MixtureOfExpertsRegressor(random_state=0, init="random", n_init=2)
    model.set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    assert len(rows) == model.init_results_["n_iter"].sum() + 3
    last = {row["task_name"]: row["r2"] for row in rows}
    assert last["fit"] == pytest.approx(model.score(X, y))


@needs_callbacks
@pytest.mark.filterwarnings("ignore:experts.* ended with less")
@pytest.mark.parametrize("stop_after", [1, 3])
def test_stopped_early_a_routed_fit_tells_its_own_objective(two_regimes, stop_after):
    # In these iterations rows are sent to more experts than in the end.
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(
        n_experts=6, top_k=1, gate=SoftmaxGate(alpha=0), random_state=0
    )
    model.set_callbacks(Recorder(stop_after=stop_after)).fit(X, y)
    assert model.n_iter_ == stop_after
    assert model.lower_bound_ == pytest.approx(model.score_samples(X, y).mean())


@needs_callbacks
@pytest.mark.parametrize(
    "params",
    [
        {"likelihood": "student_t"},
        {"solver": "stochastic-em"},
        {"experts": DecisionTreeRegressor(max_depth=3)},
        {"top_k": 1, "n_experts": 4},
    ],
)
@pytest.mark.filterwarnings("ignore:experts.* ended with less")
@pytest.mark.filterwarnings("ignore:the held-out log-likelihood")
def test_after_a_warm_start_no_model_is_worse_than_the_earlier(two_regimes, params):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(random_state=0, warm_start=True, **params)
    model.fit(X, y)
    bound, asker = model.lower_bound_, Asker()
    # The first rounds on held-out rows are worse than the last.
    model.set_params(max_iter=1).set_callbacks(asker).fit(X, y)
    # Of the same parameters, computed again, the last digit may differ.
    assert all(asked.lower_bound_ >= bound - 1e-12 for _, asked in asker.models)
