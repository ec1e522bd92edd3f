"""Fits whose rows, or whose tasks, are on a Dask cluster of two worker processes."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

from skmoe import (
    MixtureOfExpertsClassifier,
    MixtureOfExpertsRegressor,
    _dask_blocks,
    _progress,
)
from skmoe.experts import _pool
from skmoe.training import _parallel

dask = pytest.importorskip("dask", reason="dask is an extra: skmoe[dask]")
distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
da = pytest.importorskip("dask.array", reason="needs dask.array")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, LENGTH = 6000, 700


@pytest.fixture(scope="module")
def client():
    """Two worker processes, with one thread each."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "20s"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client


@pytest.fixture(scope="module")
def rows():
    """Two regimes, one line in each."""
    rng = np.random.default_rng(0)
    X = rng.normal([5.0, 0.0], [1.0, 3.0], size=(N, 2))
    right = X[:, 0] + 0.3 * rng.normal(size=N) > 5.0
    y = np.where(right, X[:, 1], 1.0 - 2.0 * X[:, 1]) + 0.3 * rng.normal(size=N)
    return X, y


def on_cluster(*tables, length=LENGTH):
    return [da.from_array(table, chunks=(length, *table.shape[1:])) for table in tables]


def regressor(experts=None, n_experts=2, **params):
    return MixtureOfExpertsRegressor(experts, n_experts, random_state=0, **params)


def assert_same(one, other, rtol=1e-8):
    for a, b in zip(one.experts_, other.experts_, strict=True):
        np.testing.assert_allclose(b.coef_, a.coef_, rtol, rtol)
        np.testing.assert_allclose(b.intercept_, a.intercept_, rtol, rtol)
    np.testing.assert_allclose(other.gate_.coef_, one.gate_.coef_, rtol, rtol)
    np.testing.assert_allclose(other.expert_load_, one.expert_load_, rtol)
    assert other.lower_bound_ == pytest.approx(one.lower_bound_, rel=rtol)
    assert other.n_iter_ == one.n_iter_


# -- rows on the cluster ---------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")
@pytest.mark.parametrize("scheduler", ["distributed", "threads", "synchronous"])
def test_a_dask_array_gives_the_model_of_one_table(client, rows, scheduler):
    weights = np.random.default_rng(1).integers(0, 3, N).astype(float)
    whole = regressor().fit(*rows, weights)
    with dask.config.set(scheduler=scheduler):
        blocks = regressor().fit(*on_cluster(*rows, weights))
    assert_same(whole, blocks)
    assert blocks.dispersion_floor_ == pytest.approx(whole.dispersion_floor_, rel=1e-9)


def test_classes(client, rows):
    X, y = rows
    y = np.array(["low", "mid", "top"])[np.digitize(y, [-1.0, 2.0])]
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    whole = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    assert_same(whole, model.fit(*on_cluster(X, y)))
    assert model.classes_.tolist() == ["low", "mid", "top"]


def test_dataframes(client, rows):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(rows[0], columns=["age", "bmi"])
    whole = regressor().fit(frame, rows[1])
    both = dd.from_pandas(frame.assign(y=rows[1]), npartitions=5)
    model = regressor().fit(both[["age", "bmi"]], both["y"])
    assert_same(whole, model)
    assert list(model.feature_names_in_) == ["age", "bmi"]
    assert list(model.experts_[0].feature_names_in_) == ["age", "bmi"]


def test_other_chunks_than_those_of_X(client, rows):
    X, y = rows
    chunked = da.from_array(X, chunks=(900, 1)), da.from_array(y, chunks=1100)
    whole = regressor().fit(X, y)
    assert_same(whole, regressor().fit(*chunked))
    assert_same(whole, regressor().fit(chunked[0], y))  # y in memory


def test_few_rows_come_here(client, rows):
    X, y = rows[0][:200], rows[1][:200]
    assert_same(regressor().fit(X, y), regressor().fit(*on_cluster(X, y, length=90)))


def blocks_of_workers(client):
    held = client.has_what().values()
    return [{key for key in keys if str(key).startswith("RawBlock")} for keys in held]


def test_each_worker_holds_only_its_blocks(client, rows, monkeypatch):
    X, y = on_cluster(*rows)
    seen = []
    monkeypatch.setattr(
        _progress,
        "print",
        lambda _: seen.append(blocks_of_workers(client)),
        raising=False,
    )
    regressor(verbose=1, n_init=2).fit(X, y)
    assert len(seen) > 4
    for one, other in seen:
        assert one
        assert other
        assert not one & other
        assert len(one | other) == X.numblocks[0]
    assert seen[0] == seen[-1]
    until(lambda: blocks_of_workers(client) == [set(), set()])


def until(condition, seconds=10.0):
    """Wait for what the cluster does in its own time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
@pytest.mark.parametrize("delay", [0.0, 0.01])
def test_a_worker_that_is_killed_changes_nothing(client, rows, monkeypatch, delay):
    """After an iteration, or a little later, when the next sums are being made."""
    client.wait_for_workers(2)
    whole = regressor().fit(*rows)
    victim, told = next(iter(client.run(os.getpid).values())), []

    def after_an_iteration(line):
        told.append(line)
        if len(told) == 1:
            kill = threading.Timer(delay, os.kill, (victim, signal.SIGKILL))
            kill.start()
            if not delay:
                kill.join()

    monkeypatch.setattr(_progress, "print", after_an_iteration, raising=False)
    model = regressor(verbose=1).fit(*on_cluster(*rows))
    assert len(told) == model.n_iter_ > 1
    assert victim not in client.run(os.getpid).values()
    assert_same(whole, model)
    client.wait_for_workers(2, timeout=30)  # its nanny has started another


def test_what_needs_all_rows_is_named(client, rows):
    X, y = on_cluster(*rows)
    with pytest.raises(ValueError, match=r"Dask Array: .*experts=Ridge.* X.compute\(\)"):
        regressor(Ridge()).fit(X, y)


def test_an_error_names_the_partition(client, rows):
    X = rows[0].copy()
    X[2 * LENGTH + 1, 0] = np.nan
    with pytest.raises(ValueError, match="partition 2: Input X contains NaN"):
        regressor().fit(*on_cluster(X, rows[1]))


def test_partitions_that_do_not_fit_together(client, rows):
    X, y = on_cluster(*rows)
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.from_dask_array(X)
    with pytest.raises(ValueError, match="y has 8 partitions and X has 9"):
        regressor().fit(X, y[: N - 500])
    with pytest.raises(ValueError, match="y is in memory, and the lengths"):
        regressor().fit(frame, rows[1])
    with pytest.raises(ValueError, match="X has 6000, sample_weight has 5"):
        regressor().fit(X, y, np.ones(5))
    with pytest.raises(ValueError, match="3 axes"):
        regressor().fit(X[:, :, None], y)


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")
def test_blocks_are_computed_anew_without_a_cluster(rows):
    """Blocks may be more than fit in memory, so that they are not kept."""
    X, y = on_cluster(*rows)
    counted = []

    def count(block):
        counted.append(len(block))
        return block

    X = X.map_blocks(count, dtype=X.dtype, meta=np.empty((0, 2)))
    with dask.config.set(scheduler="synchronous"):
        assert _dask_blocks.DaskBlocks(X, y, None).client is None
        model = regressor().fit(X, y)
    assert len(counted) >= X.numblocks[0] * (3 + model.n_iter_)


# -- tasks on the cluster --------------------------------------------------------------

MODELS = {
    "restarts": (lambda: regressor(n_init=3, n_jobs=2)),
    "experts": (
        lambda: regressor(DecisionTreeRegressor(max_depth=2), max_iter=5, cv=None)
    ),
    "folds": (lambda: regressor(DecisionTreeRegressor(max_depth=2))),
    "routed": (
        lambda: regressor(DecisionTreeRegressor(max_depth=2), 4, top_k=2, n_init=2)
    ),
    "search": (
        lambda: GridSearchCV(regressor(LinearRegression()), {"n_experts": [1, 2]}, cv=2)
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:.*held-out log-likelihood.*:UserWarning")
@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
def test_joblib_carries_tasks_to_the_cluster(client, rows, name, monkeypatch):
    # Tasks that take no time are not sent at all.
    monkeypatch.setattr(_pool, "_PARALLEL_SECONDS", 0.0)
    monkeypatch.setattr(_parallel, "_PARALLEL_SECONDS", 0.0)
    client.wait_for_workers(2)
    X, y = rows[0][:1000], rows[1][:1000]
    expected = MODELS[name]().fit(X, y).predict(X)
    with joblib.parallel_config("dask", wait_for_workers_timeout=20):
        model = MODELS[name]().fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-10)


def test_restarts_do_run_on_the_cluster(client, rows, monkeypatch):
    """All but the first, which is timed."""
    monkeypatch.setattr(_parallel, "_PARALLEL_SECONDS", 0.0)
    X, y = rows
    before = sum(client.run(_n_executed).values())
    with joblib.parallel_config("dask"):
        regressor(n_init=3).fit(X, y)
    assert sum(client.run(_n_executed).values()) >= before + 2


def _n_executed(dask_worker):
    return dask_worker.state.executed_count
