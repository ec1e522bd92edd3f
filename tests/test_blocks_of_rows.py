"""Rows in blocks, in a list or a memory-mapped file: the model of a fit in memory."""

import mmap
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import (
    MixtureOfExpertsClassifier,
    MixtureOfExpertsRegressor,
    _block_sources,
    _memory_maps,
)
from skmoe._sklearn_compat import HAS_CALLBACKS
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import RowSummary, _joint, _joint_problem, _joint_rows, _rows
from skmoe.training._census import Moments
from skmoe.training._rows import last_place

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N = 4000
CENTERS, SCALES = np.array([5.0, 0.0, -1.0]), np.array([1.0, 20.0, 0.1])
CLASSES = ("two classes", "three classes")
MODELS = {
    "line": {},
    "two lines": {},
    "counts": {"likelihood": "poisson"},
    "sizes": {"likelihood": "gamma"},
    "two classes": {},
    "three classes": {},
    "no intercept": {"experts": LinearRegression(fit_intercept=False)},
    "constant gate": {"gate": "constant"},
}


def make_rows(kind, n=N, seed=0):
    """X and y of two regimes."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    X = CENTERS + SCALES * z
    slope = np.where(z[:, 0] > 0.3 * rng.normal(size=n), z[:, 1], 1.0 - 2.0 * z[:, 1])
    if kind == "counts":
        return X, rng.poisson(np.exp(0.5 * slope)).astype(float)
    if kind == "sizes":
        return X, rng.gamma(3.0, np.exp(0.5 * slope))
    if kind in CLASSES:
        cuts = [0.0] if kind == "two classes" else [-1.0, 1.0]
        codes = np.digitize(slope + 0.3 * rng.logistic(size=n), cuts)
        return X, np.array(["low", "mid", "top"])[codes]
    if kind == "two lines":
        slope = np.column_stack([slope, z[:, 2] - slope])
    return X, slope + 0.3 * rng.normal(size=slope.shape)


def model_of(kind, **params):
    is_class = kind in CLASSES
    cls = MixtureOfExpertsClassifier if is_class else MixtureOfExpertsRegressor
    return cls(**{"n_experts": 2, "random_state": 0} | MODELS[kind] | params)


def split(table, cuts=(500, 500, 1700)):
    """Four blocks of different lengths, the second without rows."""
    edges = [0, *cuts, table.shape[0]]
    return [table[a:b] for a, b in pairwise(edges)]


def assert_close(one, other, rtol):
    np.testing.assert_allclose(one, other, rtol, rtol * np.abs(other).max())


def assert_same(one, other, rtol=1e-8):
    """Coefficients, dispersions, loads and bounds are the same."""
    for a, b in zip(one.experts_, other.experts_, strict=True):
        assert_close(b.coef_ * SCALES, a.coef_ * SCALES, rtol)
        assert_close(b.intercept_, a.intercept_, rtol)
    if hasattr(one.gate_, "coef_"):
        assert_close(other.gate_.coef_ * SCALES, one.gate_.coef_ * SCALES, rtol)
    if one.dispersion_ is not None:
        np.testing.assert_allclose(other.dispersion_, one.dispersion_, rtol)
    np.testing.assert_allclose(other.expert_load_, one.expert_load_, rtol)
    np.testing.assert_allclose(other.lower_bounds_, one.lower_bounds_, rtol)
    assert other.n_iter_ == one.n_iter_
    assert other.converged_ == one.converged_


def assert_bound_is_of_the_model(model, X, y, weights=None):
    """By predictions alone: the mean log-likelihood, less the penalties."""
    penalty = getattr(model.gate_, "penalty_", 0.0)
    if hasattr(model, "classes_"):
        squares = [np.sum(expert.coef_**2) for expert in model.experts_]
        per_class = 0.5 if len(model.classes_) > 1 else 0.0
        penalty += per_class * sum(squares)
    total = len(X) if weights is None else weights.sum()
    mean = np.average(model.score_samples(X, y), weights=weights)
    assert model.lower_bound_ == pytest.approx(mean - penalty / total, rel=1e-9)


@pytest.mark.parametrize("kind", MODELS)
def test_a_list_of_blocks_gives_the_model_of_one_table(kind):
    X, y = make_rows(kind)
    whole = model_of(kind).fit(X, y)
    blocks = model_of(kind).fit(split(X), split(y))
    assert_same(whole, blocks)
    assert_bound_is_of_the_model(blocks, X, y)
    assert blocks.n_features_in_ == 3
    assert blocks.experts_[0].n_features_in_ == 3
    assert (blocks.predict(X) == whole.predict(X)).mean() > 0.999 or kind not in CLASSES


# -- what a model is fitted to ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["line", "counts", "sizes", "three classes"])
def test_restarts_and_many_rows(kind, monkeypatch):
    """With so little information allowed, a sample estimates it, as for many rows."""
    monkeypatch.setattr(_joint_problem, "_MAX_INFORMATION", 20_000)
    X, y = make_rows(kind)
    whole = model_of(kind, n_init=3).fit(X, y)
    blocks = model_of(kind, n_init=3, n_jobs=2).fit(split(X), split(y))
    assert_same(whole, blocks)
    assert len(blocks.init_results_["lower_bound"]) == 3


@pytest.mark.parametrize("kind", ["line", "two classes"])
def test_samples_are_those_of_memory_and_limited_in_the_same_way(kind, monkeypatch):
    X, y = make_rows(kind, n=60_000)
    lengths = []

    def count(summary, *args):
        found = samples(summary, *args)
        lengths.append(len(found))
        return found

    samples = RowSummary.samples
    monkeypatch.setattr(RowSummary, "samples", count)
    whole = model_of(kind).fit(X, y)
    assert_same(whole, model_of(kind).fit(split(X), split(y)))
    monkeypatch.setattr(_rows, "_MAX_SAMPLE_CELLS", 5000)
    whole = model_of(kind).fit(X, y)
    assert lengths == [2, 1]
    assert_same(whole, model_of(kind).fit(split(X), split(y)))


@pytest.mark.parametrize("kind", MODELS)
def test_a_row_without_weight_is_not_there(kind):
    X, y = make_rows(kind)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(X))
    weights[::7] = 0.0
    weights[600:1700] = 0.0
    whole = model_of(kind).fit(X, y, weights)
    blocks = model_of(kind).fit(split(X), split(y), split(weights))
    assert_same(whole, blocks)
    there = weights > 0
    assert_bound_is_of_the_model(blocks, X[there], y[there], weights[there])


def test_a_weight_of_two_is_a_row_twice():
    X, y = make_rows("line")
    weights = np.random.default_rng(1).integers(1, 4, len(X))
    repeated = np.repeat(X, weights, axis=0), np.repeat(y, weights)
    weighted = model_of("line", tol=1e-10).fit(split(X), split(y), split(weights))
    twice = model_of("line", tol=1e-10).fit(split(repeated[0]), split(repeated[1]))
    assert twice.lower_bound_ == pytest.approx(weighted.lower_bound_, abs=1e-9)
    np.testing.assert_allclose(twice.predict(X), weighted.predict(X), rtol=1e-3)


@pytest.mark.parametrize("kind", ["line", "counts", "two classes"])
def test_few_rows_are_fitted_in_memory(kind):
    X, y = make_rows(kind, n=300)
    cuts = (100, 100, 250)
    blocks = model_of(kind).fit(split(X, cuts), split(y, cuts))
    assert_same(model_of(kind).fit(X, y), blocks, 1e-12)


@pytest.mark.parametrize("kind", ["line", "three classes"])
def test_many_copies_of_few_rows(kind):
    X, y = (np.tile(values[:300].T, 20).T for values in make_rows(kind))
    weights = np.full(len(X), 0.5)
    whole = model_of(kind, tol=1e-10).fit(X, y, weights)
    blocks = model_of(kind, tol=1e-10).fit(split(X), split(y), split(weights))
    assert blocks.lower_bound_ == pytest.approx(whole.lower_bound_, abs=1e-9)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn has callbacks from 1.9 on")
@pytest.mark.parametrize("n_distinct", [100, 300, N])
def test_callbacks_see_one_fit(n_distinct):
    """Few rows, or many copies of few, are fitted in memory in the end."""
    seen = []

    class Watch:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            seen.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            return False

        def teardown(self, estimator, context):
            pass

    n_copies = 1 if n_distinct == 100 else 20
    X, y = (np.tile(values[:n_distinct].T, n_copies).T for values in make_rows("line"))
    model = model_of("line").set_callbacks(Watch()).fit(split(X, ()), split(y, ()))
    assert seen.count("fit") == 1
    assert seen.count("start") == 1
    assert seen.count("iteration") == model.n_iter_


def test_copies_in_several_blocks():
    """Most rows twice, in different blocks: samples hold all copies."""
    X, y = make_rows("line")
    X, y = np.concatenate([X, X[500:]]), np.concatenate([y, y[500:]])
    whole = model_of("line").fit(X, y)
    assert_same(whole, model_of("line").fit(split(X), split(y)))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("kind", ["line", "two classes", "counts"])
def test_sparse_blocks(kind, container):
    X, y = make_rows(kind)
    X = (X - CENTERS) * (np.random.default_rng(1).uniform(size=X.shape) < 0.7)
    whole = model_of(kind).fit(container(X), y)
    blocks = [container(block) for block in split(X)]
    assert_same(whole, model_of(kind).fit(blocks, split(y)))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_numbers(dtype):
    X, y = make_rows("line")
    X, y = X.astype(dtype), y.astype(np.float32)
    assert_same(model_of("line").fit(X, y), model_of("line").fit(split(X), split(y)))


def frames(library, X):
    names = ["height", "weight", "age"]
    return library.DataFrame(dict(zip(names, X.T, strict=True)))


@pytest.mark.parametrize("name", ["pandas", "polars"])
@pytest.mark.parametrize("n", [300, N])
def test_dataframes(name, n):
    library = pytest.importorskip(name)
    X, y = make_rows("line", n=n)
    cuts = (100, 200)
    whole = model_of("line").fit(frames(library, X), y)
    blocks = [frames(library, block) for block in split(X, cuts)]
    model = model_of("line").fit(blocks, [library.Series(v) for v in split(y, cuts)])
    assert_same(whole, model)
    assert list(model.feature_names_in_) == ["height", "weight", "age"]
    assert list(model.experts_[0].feature_names_in_) == ["height", "weight", "age"]
    assert list(model.gate_.feature_names_in_) == ["height", "weight", "age"]
    model.predict(frames(library, X[:5]))


# -- dispersions -----------------------------------------------------------------------


@pytest.mark.parametrize("floor", ["auto", 0.5])
@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_floor_of_the_variances(floor, step, n_outputs):
    X, y = make_rows("line" if n_outputs == 1 else "two lines")
    if step:
        y = step * np.round(y / step)
    params = {"likelihood": GaussianLikelihood(floor=floor)}
    whole = model_of("line", **params).fit(X, y)
    blocks = model_of("line", **params).fit(split(X), split(y))
    np.testing.assert_allclose(blocks.dispersion_floor_, whole.dispersion_floor_, 1e-9)
    assert np.shape(blocks.dispersion_floor_) == np.shape(whole.dispersion_floor_)
    assert_same(whole, blocks)
    if floor == "auto":
        grid = step**2 / 12
        assert np.all(blocks.dispersion_floor_ > grid) == (step == 0) or np.allclose(
            blocks.dispersion_floor_, grid
        )


@pytest.mark.parametrize("kind", MODELS)
def test_bounds_and_plain_experts_are_those_of_all_rows(kind, monkeypatch):
    """Of the variances, where experts may go, and where they come from."""
    problems = []
    finish = _joint._finish

    def keep(problem, *reached):
        problems.append(problem)
        return finish(problem, *reached)

    monkeypatch.setattr(_joint, "_finish", keep)
    X, y = make_rows(kind)
    model_of(kind).fit(X, y)
    model_of(kind).fit(split(X), split(y))
    whole, blocks = problems
    np.testing.assert_allclose(blocks.lower, whole.lower, rtol=1e-9)
    if not whole.experts.has_m_step:
        neutral = whole.experts.neutral()
        np.testing.assert_allclose(blocks.experts.neutral(), neutral, rtol=1e-9)


def test_the_floor_of_gamma():
    X, y = make_rows("sizes")
    whole = model_of("sizes").fit(X, y)
    blocks = model_of("sizes").fit(split(X), split(y))
    assert blocks.dispersion_floor_ == pytest.approx(whole.dispersion_floor_, rel=1e-9)


# -- training --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_warm_start_goes_on(kind):
    X, y = make_rows(kind)
    more, more_y = make_rows(kind, n=6000, seed=1)
    whole = model_of(kind, warm_start=True, max_iter=2).fit(X, y)
    blocks = model_of(kind, warm_start=True, max_iter=2).fit(split(X), split(y))
    first = blocks.lower_bound_
    whole.set_params(max_iter=100).fit(X, y)
    blocks.set_params(max_iter=100).fit(split(X), split(y))
    assert blocks.lower_bound_ >= first
    assert_same(whole, blocks)
    whole.fit(more, more_y)
    blocks.fit(split(more), split(more_y))
    assert_same(whole, blocks)


def test_warm_start_after_a_fit_in_memory_keeps_what_cannot_be_raised():
    X, y = make_rows("line")
    model = model_of("line", warm_start=True, tol=1e-12).fit(X, y)
    first = model.lower_bound_
    model.fit(split(X), split(y))
    assert model.lower_bound_ == pytest.approx(first, abs=1e-12)
    assert model.lower_bound_ >= first - 1e-14


def test_an_expert_without_rows_gets_those_explained_worst(monkeypatch):
    """It is revived with the rows that are here, and all rows are climbed again."""
    X, y = make_rows("line")
    lost, calls = _joint.lost_experts, []

    def lose_one(load):
        calls.append(load)
        return {1} if len(calls) == last else lost(load)

    last = np.inf
    monkeypatch.setattr(_joint, "lost_experts", lose_one)
    expected = model_of("line", tol=1e-9).fit(split(X), split(y))
    last, calls = len(calls) - 1, []
    model = model_of("line", tol=1e-9).fit(split(X), split(y))
    assert len(calls) == last + 1
    assert model.n_iter_ > expected.n_iter_
    assert model.lower_bound_ == pytest.approx(expected.lower_bound_, abs=1e-8)


def test_no_copy_of_a_block_is_kept(monkeypatch):
    """Of all rows in standard units there is never more than a few at a time."""
    kept = []
    likelihood = _joint_rows.JointRows.likelihood

    def look(rows, vector):
        answer = likelihood(rows, vector)
        kept.append((rows.n_samples, "matrix" in vars(rows.gate.design)))
        return answer

    monkeypatch.setattr(_joint_rows.JointRows, "likelihood", look)
    X, y = make_rows("line", n=6000)
    model_of("line").fit(split(X), split(y))
    assert (4300, False) in kept
    assert (4300, True) not in kept
    assert (1000, True) in kept  # the sample, which is visited again and again


def test_verbose_prints_a_line_per_iteration(capsys):
    X, y = make_rows("line")
    model = model_of("line", verbose=1).fit(split(X), split(y))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_


def test_a_fit_that_does_not_converge_warns(recwarn):
    X, y = make_rows("counts")
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model_of("counts", max_iter=1).fit(split(X), split(y))


def test_a_gate_without_penalty_on_separated_experts_warns():
    X, y = make_rows("line")
    X[:, 0] += np.where(X[:, 0] > 5, 3.0, -3.0)
    y = np.where(X[:, 0] > 5, X[:, 1] + 500.0, -X[:, 1] - 500.0)
    model = model_of("line", gate=SoftmaxGate(alpha=0.0), max_iter=30)
    with pytest.warns(ConvergenceWarning, match="separated"):
        model.fit(split(X), split(y))


@pytest.mark.parametrize("n_copies", [1, 20])
@pytest.mark.parametrize("kind", ["line", "two classes"])
def test_a_random_state_is_used_up_alike(kind, n_copies):
    """Also where it is drawn from in vain, as there are few rows but in copies."""
    X, y = (np.tile(v[: N // n_copies].T, n_copies).T for v in make_rows(kind))
    one, other = np.random.RandomState(3), np.random.RandomState(3)
    whole = model_of(kind, random_state=one, tol=1e-10).fit(X, y)
    blocks = model_of(kind, random_state=other, tol=1e-10).fit(split(X), split(y))
    assert blocks.lower_bound_ == pytest.approx(whole.lower_bound_, abs=1e-9)
    assert one.uniform() == other.uniform()


# -- what cannot be fitted in blocks ---------------------------------------------------


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"solver": "hard-em"}, "solver='hard-em'"),
        ({"cv": 3}, "cv=3"),
        ({"pooling": 0.3}, "pooling=0.3"),
        ({"top_k": 1}, "top_k=1"),
        ({"init": np.full((N, 2), 0.5)}, "init holds responsibilities"),
        ({"n_experts": "auto"}, "n_experts='auto'"),
        ({"shared_expert": LinearRegression()}, "shared_expert"),
        ({"experts": RandomForestRegressor()}, "experts=RandomForestRegressor"),
        ({"experts": Ridge()}, "experts=Ridge"),
        ({"experts": make_pipeline(StandardScaler(), LinearRegression())}, "pipelines"),
        ({"experts": GammaRegressor(alpha=0)}, "experts=GammaRegressor"),
        ({"experts": GammaRegressor(), "likelihood": "gamma"}, "experts=GammaRegressor"),
        ({"gate": LogisticRegression()}, "gate=ClassifierGate"),
        ({"gate": SoftmaxGate(z_loss=1.0)}, "gate=SoftmaxGate"),
        ({"likelihood": "student_t"}, "StudentTLikelihood"),
        ({"likelihood": GaussianLikelihood(dispersion="tied")}, "GaussianLikelihood"),
    ],
)
def test_what_needs_all_rows_is_named(params, named):
    X, y = make_rows("line")
    with pytest.raises(ValueError, match="X is a list of row blocks: ") as caught:
        model_of("line", **params).fit(split(X), split(y))
    assert named in str(caught.value)
    assert "concatenate the blocks" in str(caught.value)


def spoilt(values, row, value):
    values = values.copy()
    values[row] = value
    return values


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "line",
            lambda X, y: (spoilt(X, 600, np.nan), y),
            "block 2: Input X contains NaN",
        ),
        ("line", lambda X, y: (X, spoilt(y, 1800, np.inf)), "block 3: .*y contains inf"),
        (
            "counts",
            lambda X, y: (X, spoilt(y, 505, -1.0)),
            "block 2: y: .*row 5 holds -1",
        ),
        ("sizes", lambda X, y: (X, spoilt(y, 0, 0.0)), "block 0: y: .*row 0 holds 0"),
        ("two classes", lambda X, y: (X, np.full(N, "a")), "y: all rows .* 'a'"),
    ],
)
def test_bad_values_are_named_with_their_block(kind, change, message):
    X, y = change(*make_rows(kind))
    with pytest.raises(ValueError, match=message):
        model_of(kind).fit(split(X), split(y))


def test_blocks_that_do_not_fit_together():
    X, y = make_rows("line")
    blocks, targets = split(X), split(y)
    fit = model_of("line").fit
    with pytest.raises(ValueError, match=r"y: X is a list of 4 .* list of 4"):
        fit(blocks, y)
    with pytest.raises(ValueError, match=r"sample_weight: X is a list of 4"):
        fit(blocks, targets, targets[:3])
    with pytest.raises(ValueError, match=r"block 3: X has 2 features, not 3"):
        fit([*blocks[:3], blocks[3][:, :2]], targets)
    with pytest.raises(ValueError, match=r"block 0: .*\[500, 499, 499\]"):
        fit(blocks, [targets[0][1:], *targets[1:]])
    with pytest.raises(ValueError, match=r"block 0: y has \(1,\) outputs|block 3: y has"):
        fit(blocks, [*targets[:3], targets[3][:, None]])
    with pytest.raises(ValueError, match="block 2: sample_weight: row 0 holds -1"):
        fit(blocks, targets, split(np.where(np.arange(N) == 500, -1.0, 1.0)))
    with pytest.raises(ValueError, match="all weights are zero"):
        fit(blocks, targets, split(np.zeros(N)))


def test_dataframes_with_other_columns():
    library = pytest.importorskip("pandas")
    X, y = make_rows("line")
    blocks = [frames(library, block) for block in split(X)]
    blocks[2] = blocks[2].rename(columns={"age": "years"})
    with pytest.raises(ValueError, match="block 2: X: the columns are not those"):
        model_of("line").fit(blocks, split(y))


def test_an_earlier_fit_stays_usable():
    X, y = make_rows("line")
    model = model_of("line").fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(split(spoilt(X, 600, np.nan)), split(y))
    np.testing.assert_array_equal(model.predict(X), expected)


# -- memory-mapped files ---------------------------------------------------------------


@pytest.fixture
def streamed(monkeypatch):
    """Small tables are streamed, too, in blocks of 500 rows."""
    monkeypatch.setattr(_memory_maps, "_STREAMED_CELLS", 1000)
    monkeypatch.setattr(_block_sources, "_BLOCK_BYTES", 500 * 3 * 8)


def mapped(folder, values, mode="r", order="C"):
    path = folder / f"values{len(list(folder.iterdir()))}"
    table = np.memmap(path, values.dtype, "w+", shape=values.shape, order=order)
    table[:] = values
    table.flush()
    return np.memmap(path, values.dtype, mode, shape=values.shape, order=order)


@pytest.mark.parametrize("kind", ["line", "two lines", "counts", "three classes"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_mapped_file_is_streamed(tmp_path, streamed, kind, order, monkeypatch):
    X, y = make_rows(kind)
    released = []
    release = _block_sources.release
    monkeypatch.setattr(
        _block_sources,
        "release",
        lambda rows: released.append(len(rows)) or release(rows),
    )
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(X))
    model = model_of(kind).fit(
        mapped(tmp_path, X, order=order), mapped(tmp_path, y), mapped(tmp_path, weights)
    )
    assert max(released) == 500
    assert sum(released) >= 3 * 5 * N  # X, y and weights, in five passes or more
    assert_same(model_of(kind).fit(X, y, weights), model)


def test_target_and_weights_may_be_in_memory(tmp_path, streamed):
    X, y = make_rows("line")
    model = model_of("line").fit(mapped(tmp_path, X), y.tolist(), 2.0)
    assert_same(model_of("line").fit(X, y, np.full(N, 2.0)), model)
    with pytest.raises(ValueError, match="X has 4000, y has 3999"):
        model.fit(mapped(tmp_path, X), y[1:])


def test_a_model_that_needs_all_rows_gets_the_mapped_table(tmp_path, streamed):
    X, y = make_rows("line")
    for params in ({"experts": Ridge()}, {"solver": "hard-em"}):
        expected = model_of("line", **params).fit(X, y)
        model = model_of("line", **params).fit(mapped(tmp_path, X), y)
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))


def test_an_error_names_the_rows_of_a_mapped_table(tmp_path, streamed):
    X, y = make_rows("line")
    with pytest.raises(ValueError, match="rows 1000 to 1499: Input X contains NaN"):
        model_of("line").fit(mapped(tmp_path, spoilt(X, 1200, np.nan)), y)


def test_what_was_written_to_a_private_mapping_is_kept(tmp_path, streamed):
    X, y = make_rows("line")
    table = mapped(tmp_path, np.zeros_like(X), mode="c")
    table[:] = X
    assert_same(model_of("line").fit(X, y), model_of("line").fit(table, y))
    np.testing.assert_array_equal(table, X)


def resident_pages(table):
    """Bytes of a mapped table that are in this process's memory."""
    start = table.__array_interface__["data"][0]
    lines = Path("/proc/self/smaps").read_text().splitlines()
    inside = False
    for line in lines:
        if "-" in line.split()[0] and not line.split()[0].endswith(":"):
            first, last = (int(edge, 16) for edge in line.split()[0].split("-"))
            inside = first <= start < last
        elif inside and line.startswith("Rss:"):
            return 1024 * int(line.split()[1])
    raise AssertionError("the table is not mapped")


@pytest.mark.skipif(
    not Path("/proc/self/smaps").exists() or not hasattr(mmap, "MADV_DONTNEED"),
    reason="asks Linux which pages are in memory",
)
def test_pages_that_have_been_looked_at_are_let_go(tmp_path):
    table = mapped(tmp_path, np.ones((100_000, 4)))
    assert table[:50_000].sum() == 200_000
    assert resident_pages(table) > 1_000_000
    _block_sources.release(table[:50_000])
    assert resident_pages(table) < 200_000
    assert table[:50_000].sum() == 200_000  # they are read again


def test_samples_of_many_rows_end_at_round_numbers():
    """One place more or less below the end, as rounding makes them, changes nothing."""
    places = np.arange(1, 3_000_001) / 3e6
    for size in (1000, 12_000, 900_000):
        ends = {last_place(places, size + change) for change in (-1, 0, 1)}
        assert len(ends) == 1
        assert size / 3e6 <= ends.pop() <= 1.07 * size / 3e6
    assert last_place(places[::3], 1000) == places[::3][999]


# -- the numbers that all rows share ---------------------------------------------------


def test_moments_of_parts_are_those_of_the_whole(rng):
    columns = rng.normal([1e6, 0.0, 1e-6], [1.0, 1e3, 1e-9], size=(1000, 3))
    weights = rng.uniform(size=1000) * (rng.uniform(size=1000) > 0.3)
    weights[:100] = 0.0
    parts = zip(np.array_split(columns, 10), np.array_split(weights, 10), strict=True)
    total = reduce(Moments.merged, (Moments.of(*part) for part in parts))
    mean = np.average(columns, axis=0, weights=weights)
    variance = np.average((columns - mean) ** 2, axis=0, weights=weights)
    assert total.mass == pytest.approx(weights.sum(), rel=1e-14)
    np.testing.assert_allclose(total.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(total.scale, np.sqrt(variance), rtol=1e-10)


def test_sums_over_blocks_are_those_over_all_rows():
    """In the true units, the objective at any vector, its gradient and information."""
    X, y = make_rows("line")
    model = model_of("line")
    seen = []
    evaluate = _joint_problem.JointProblem.evaluate

    def keep(problem, vector):
        answer = evaluate(problem, vector)
        seen.append((vector, *answer))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_joint_problem.JointProblem, "evaluate", keep)
        model.fit(X, y)
        n_whole = len(seen)
        model.fit(split(X), split(y))
    assert len(seen) == 2 * n_whole
    for one, other in zip(seen[:n_whole], seen[n_whole:], strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-10)
