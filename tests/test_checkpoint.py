"""Checkpoints: what is on the disk while a fit runs, and how it is gone on with."""

import os
import signal
import subprocess
import sys
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import (
    Checkpoint,
    MixtureOfExpertsClassifier,
    MixtureOfExpertsRegressor,
    _checkpoint,
)
from skmoe._sklearn_compat import HAS_CALLBACKS
from skmoe.training import _cross_fit

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Of experts that end with few rows, or that one alone is as good.
    pytest.mark.filterwarnings("ignore:experts.* ended with less"),
    pytest.mark.filterwarnings("ignore:the held-out log-likelihood"),
]
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn has callbacks from 1.9 on"
)

# Of an objective that is computed again from the same parameters.
ROUNDING = 1e-12
TREE, SHORT_TREE = DecisionTreeRegressor(max_depth=4), DecisionTreeClassifier(max_depth=3)
REGRESSORS = {
    "joint": {"init": "random"},
    "textbook": {"init": "random", "likelihood": "student_t"},
    "hard": {"init": "random", "solver": "hard-em"},
    "stochastic": {"init": "random", "solver": "stochastic-em"},
    "held out": {"experts": TREE},
    "held out, stochastic": {"experts": TREE, "solver": "stochastic-em"},
    "routed": {"top_k": 1, "n_experts": 5},
    "routed evenly": {"top_k": 2, "n_experts": 5, "load_balancing": "bias"},
    "routed, held out": {"experts": TREE, "top_k": 2, "n_experts": 5},
    "shared": {"experts": TREE, "shared_expert": Ridge()},
    "steps": {"solver": "gradient", "batch_size": 50},
    "steps, held out": {"solver": "gradient", "early_stopping": True},
}
CLASSIFIERS = {
    "joint": {"init": "random"},
    "hard": {"init": "k-plane", "solver": "hard-em"},
    "stochastic": {"init": "random", "solver": "stochastic-em"},
    "held out": {"experts": SHORT_TREE},
    "routed": {"top_k": 1, "n_experts": 5},
    "routed, held out": {"experts": SHORT_TREE, "top_k": 2, "n_experts": 5},
    "steps": {"solver": "gradient", "batch_size": 50},
}


class AfterIterations:
    """Does something after each iteration; set behind a checkpoint."""

    def __init__(self, do):
        self.do = do

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "iteration":
            self.do(context.task_id + 1)


def interrupt_at(number):
    def do(iteration):
        if iteration == number:
            raise KeyboardInterrupt

    return AfterIterations(do)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.joblib"


@pytest.fixture
def written(monkeypatch):
    """The models that are written, by the number of their iterations."""
    models = []

    def write(model, path):
        models.append(model)
        _write(model, path)

    _write = _checkpoint._write
    monkeypatch.setattr(_checkpoint, "_write", write)
    return models


def make(kind=None, maker=MixtureOfExpertsRegressor, **params):
    table = REGRESSORS if maker is MixtureOfExpertsRegressor else CLASSIFIERS
    given = {"n_experts": 3, "random_state": 0, **table.get(kind, {}), **params}
    return maker(**given)


# Resuming


def check_resumes(model, X, y, path, n_iter):
    whole = clone(model).fit(X, y)
    model.set_callbacks(Checkpoint(path, every=1), interrupt_at(n_iter))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "experts_")
    saved = joblib.load(path)
    assert saved.n_iter_ == n_iter
    assert not saved.converged_
    assert np.isfinite(saved.score(X, y))
    bound = saved.lower_bound_
    resumed = saved.set_params(warm_start=True).fit(X, y)
    assert resumed.lower_bound_ >= bound - ROUNDING
    return whole, resumed


@needs_callbacks
@pytest.mark.parametrize("kind", REGRESSORS)
def test_a_stopped_regressor_is_resumed(two_regimes, path, kind):
    check_resumes(make(kind), *two_regimes, path, 2)


@needs_callbacks
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_stopped_classifier_is_resumed(checkerboard, path, kind):
    model = make(kind, MixtureOfExpertsClassifier)
    check_resumes(model, *checkerboard, path, 2)


@needs_callbacks
@pytest.mark.parametrize("n_iter", [1, 6])
@pytest.mark.parametrize("kind", ["joint", "textbook"])
def test_resuming_ends_where_an_unstopped_fit_does(two_regimes, path, kind, n_iter):
    # Two regimes have one optimum next to a start that tells them apart.
    model = make(kind, n_experts=2, tol=1e-9, max_iter=500, init="k-plane")
    X, y = two_regimes
    whole, resumed = check_resumes(model, X, y, path, n_iter)
    assert resumed.lower_bound_ == pytest.approx(whole.lower_bound_, abs=1e-6)
    np.testing.assert_allclose(resumed.predict(X), whole.predict(X), atol=0.02)


@needs_callbacks
def test_iterations_are_counted_anew(two_regimes, path):
    X, y = two_regimes
    model = make("textbook", max_iter=8, tol=0)
    model.set_callbacks(Checkpoint(path, every=4)).fit(X, y)
    resumed = joblib.load(path).set_params(warm_start=True).fit(X, y)
    assert resumed.n_iter_ == 8
    assert resumed.lower_bound_ > model.lower_bound_


@needs_callbacks
def test_a_held_out_objective_is_known_again(two_regimes, path):
    X, y = two_regimes
    check_resumes(make("held out"), X, y, path, 3)
    saved = joblib.load(path)
    # The first round alone is no match for the third.
    first = clone(saved).set_params(max_iter=1).fit(X, y)
    assert first.lower_bound_ < saved.lower_bound_
    bound = saved.lower_bound_
    saved.set_params(warm_start=True, max_iter=1).fit(X, y)
    assert saved.lower_bound_ == bound


KILLED = """
import sys, time
import numpy as np
from skmoe import Checkpoint, MixtureOfExpertsRegressor

class Slow:
    def setup(self, estimator, context): pass
    def teardown(self, estimator, context): pass
    def on_fit_task_begin(self, estimator, context): pass
    def on_fit_task_end(self, estimator, context): time.sleep(0.1)

data = np.load(sys.argv[1])
model = MixtureOfExpertsRegressor(
    n_experts=2, random_state=0, init="k-plane", max_iter=500, tol=1e-9
)
model.set_callbacks(Checkpoint(sys.argv[2], every=2), Slow()).fit(data["X"], data["y"])
"""


@needs_callbacks
def test_a_killed_process_is_resumed(two_regimes, path, tmp_path):
    X, y = two_regimes
    np.savez(tmp_path / "data.npz", X=X, y=y)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "data.npz"), str(path)]
    )
    try:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None, "the fit ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (-getattr(signal, "SIGKILL", 9), 1)
    saved = joblib.load(path)
    bound = saved.lower_bound_
    assert not saved.converged_
    resumed = saved.set_params(warm_start=True).fit(X, y)
    whole = clone(saved).set_params(warm_start=False).fit(X, y)
    assert resumed.lower_bound_ >= bound - ROUNDING
    assert resumed.lower_bound_ == pytest.approx(whole.lower_bound_, abs=1e-6)


# What is written, and when


@needs_callbacks
@pytest.mark.parametrize("kind", ["joint", "held out", "routed"])
def test_the_last_file_is_the_fitted_model(two_regimes, path, kind):
    X, y = two_regimes
    model = make(kind).set_callbacks(Checkpoint(path)).fit(X, y)
    saved = joblib.load(path)
    assert not [name for name in vars(saved) if "callback" in name]
    assert saved.converged_ == model.converged_
    assert saved.n_iter_ == model.n_iter_
    np.testing.assert_array_equal(saved.lower_bounds_, model.lower_bounds_)
    np.testing.assert_array_equal(saved.predict(X), model.predict(X))
    assert os.listdir(path.parent) == [path.name]


@needs_callbacks
def test_it_is_written_every_so_many_iterations(two_regimes, path, written):
    model = make("textbook", max_iter=11, tol=0)
    model.set_callbacks(Checkpoint(path, every=4)).fit(*two_regimes)
    assert [model.n_iter_ for model in written] == [4, 8, 11]
    assert np.all(np.diff([model.lower_bound_ for model in written]) >= 0)


@needs_callbacks
def test_nothing_is_refitted_that_is_not_written(two_regimes, path, monkeypatch):
    calls, refitted = [], _cross_fit._refitted

    def counted(*args):
        calls.append(args)
        return refitted(*args)

    monkeypatch.setattr(_cross_fit, "_refitted", counted)
    for every, expected in ((50, 1), (2, 2)):
        calls.clear()
        model = make("held out", max_iter=3).set_callbacks(Checkpoint(path, every))
        model.fit(*two_regimes)
        assert len(calls) == expected


@needs_callbacks
def test_of_several_starts_the_best_is_on_the_disk(two_regimes, path, monkeypatch):
    X, y = two_regimes
    write, active, bounds = _checkpoint._write, [], []

    def slow(model, path):
        active.append(model)
        assert len(active) == 1, "two are written at a time"
        time.sleep(0.002)
        write(model, path)
        bounds.append(joblib.load(path).lower_bound_)
        active.pop()

    monkeypatch.setattr(_checkpoint, "_write", slow)
    # Slow enough that starts do run side by side.
    rest = AfterIterations(lambda _: time.sleep(0.002))
    model = make("textbook", init="random", n_init=4, n_jobs=2, max_iter=20)
    model.set_callbacks(Checkpoint(path, every=3), rest).fit(X, y)
    assert len(bounds) > 8
    assert np.all(np.diff(bounds) >= 0)
    saved = joblib.load(path)
    assert saved.lower_bound_ == model.lower_bound_
    assert len(saved.init_results_["n_iter"]) == 4


@needs_callbacks
@pytest.mark.parametrize("expert", [LinearRegression(), TREE])
def test_of_several_numbers_of_experts_the_best_is_on_the_disk(
    two_regimes, path, written, expert
):
    X, y = two_regimes
    model = make(experts=expert, n_experts="auto")
    model.set_callbacks(Checkpoint(path, every=1)).fit(X, y)
    # One more is not taken because it is likelier, but because it pays.
    numbers = [saved.n_experts_ for saved in written]
    assert numbers == sorted(numbers)
    assert numbers[-1] == model.n_experts_ > 1
    if expert is not TREE:
        bic = [saved.bic(X, y) for saved in written]
        # The gate's penalty is no part of it, but of what iterations raise.
        assert bic[-1] < min(bic) + 0.1
    resumed = joblib.load(path).set_params(warm_start=True).fit(X, y)
    assert resumed.n_experts_ == model.n_experts_


@needs_callbacks
def test_an_earlier_fit_leaves_nothing_in_the_file(two_regimes, path, written):
    X, y = two_regimes
    model = make("joint").fit(pd.DataFrame(X, columns=["a", "b"]), y)
    model.set_callbacks(Checkpoint(path, every=1)).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for saved in written:
            saved.predict(X)
            assert getattr(saved, "feature_names_in_", None) is None


@needs_callbacks
def test_a_pipelines_last_step_is_saved(two_regimes, path):
    X, y = two_regimes
    model = make("joint").set_callbacks(Checkpoint(path))
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    assert joblib.load(path).lower_bound_ == pipeline[-1].lower_bound_


# What may go wrong


@needs_callbacks
def test_a_crash_while_writing_leaves_the_last_file(two_regimes, path, monkeypatch):
    X, y = two_regimes
    numbers = []

    def dump(model, file):
        numbers.append(model.n_iter_)
        if len(numbers) == 3:
            file.write(b"half a model")
            raise KeyboardInterrupt
        return joblib_dump(model, file)

    joblib_dump = joblib.dump
    monkeypatch.setattr(_checkpoint.joblib, "dump", dump)
    model = make("textbook").set_callbacks(Checkpoint(path, every=2))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert joblib.load(path).n_iter_ == 4
    assert os.listdir(path.parent) == [path.name]


@needs_callbacks
@pytest.mark.skipif(os.name == "nt", reason="an open file stays where it is")
def test_who_reads_the_last_file_is_not_disturbed(two_regimes, path):
    readers = []

    def read(iteration):
        if iteration == 2:
            readers.append(path.open("rb"))

    model = make("textbook").set_callbacks(
        Checkpoint(path, every=2), AfterIterations(read)
    )
    model.fit(*two_regimes)
    with readers[0] as file:
        assert joblib.load(file).n_iter_ == 2


@needs_callbacks
@pytest.mark.parametrize("error", [OSError("No space left"), TypeError("cannot pickle")])
def test_a_file_that_cannot_be_written_does_not_end_the_fit(
    two_regimes, path, monkeypatch, error
):
    X, y = two_regimes
    path.write_bytes(b"written before")

    def dump(model, file):
        raise error

    monkeypatch.setattr(_checkpoint.joblib, "dump", dump)
    model = make("joint").set_callbacks(Checkpoint(path))
    with pytest.warns(RuntimeWarning, match=rf"model\.joblib.*{error}.*goes on"):
        model.fit(X, y)
    np.testing.assert_array_equal(model.predict(X), make("joint").fit(X, y).predict(X))
    assert path.read_bytes() == b"written before"
    assert os.listdir(path.parent) == [path.name]


@needs_callbacks
def test_paths_that_cannot_be_written_are_refused_at_once(two_regimes, tmp_path):
    model = make("joint").set_callbacks(Checkpoint(tmp_path / "none" / "model.joblib"))
    with pytest.raises(FileNotFoundError, match=r"no folder .*none'; create it"):
        model.fit(*two_regimes)
    with pytest.raises(NotADirectoryError, match="no path of a file"):
        model.set_callbacks(Checkpoint(tmp_path)).fit(*two_regimes)
    assert not hasattr(model, "experts_")


@needs_callbacks
def test_a_relative_path_is_meant_where_it_was_given(two_regimes, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    model = make("joint").set_callbacks(Checkpoint("model.joblib"))
    monkeypatch.chdir("elsewhere")
    model.fit(*two_regimes)
    assert (tmp_path / "model.joblib").exists()


@needs_callbacks
@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_links_and_modes_are_those_of_an_ordinary_file(two_regimes, path, tmp_path):
    path.symlink_to(tmp_path / "target.joblib")
    make("joint").set_callbacks(Checkpoint(path)).fit(*two_regimes)
    assert path.is_symlink()
    (tmp_path / "plain").write_bytes(b"")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@needs_callbacks
def test_a_search_is_refused(two_regimes, path):
    model = make("joint").set_callbacks(Checkpoint(path))
    search = GridSearchCV(model, {"n_experts": [1, 2]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"GridSearchCV fits many models.*best_est"):
        search.fit(*two_regimes)
    whole = GridSearchCV(make("joint"), {"n_experts": [1, 2]}, cv=2)
    with pytest.raises(TypeError, match="GridSearchCV is no mixture of experts"):
        whole.set_callbacks(Checkpoint(path)).fit(*two_regimes)
    assert not path.exists()


@needs_callbacks
@pytest.mark.parametrize("every", [0, -1, 2.5])
def test_iterations_are_whole_numbers(path, every):
    with pytest.raises(ValueError, match=f"every={every} is no number of iterations"):
        Checkpoint(path, every=every)


def test_without_callbacks_a_remedy_is_named(path, monkeypatch):
    monkeypatch.setattr(_checkpoint, "HAS_CALLBACKS", False)
    with pytest.raises(ImportError, match=r"scikit-learn >= 1\.9.*warm_start=True"):
        Checkpoint(path)
