"""Estimators that learn from one batch after the other."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmoe
from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood

SGD = SGDRegressor(penalty=None, learning_rate="constant", eta0=0.02)


def regressor(*args, **kwargs):
    return MixtureOfExpertsRegressor(
        *args, **{"n_experts": 2, "random_state": 0, **kwargs}
    )


@pytest.fixture
def hinge(rng):
    """A long stream of a hinge in the first column."""
    return draw_hinge(rng, 4000)


def draw_hinge(rng, n_rows, shift=0.0):
    X = rng.uniform(-2, 2, size=(n_rows, 2))
    slope = np.where(X[:, 0] > 0, 3.0, -2.0)
    return X, slope * X[:, 0] + X[:, 1] + shift + 0.2 * rng.standard_normal(n_rows)


def stream(model, X, y, size=100, **kwargs):
    for first in range(0, len(y), size):
        part = slice(first, first + size)
        model.partial_fit(X[part], y[part], **kwargs)
    return model


def test_a_stream_ends_where_em_ends(hinge):
    X, y = hinge
    by_em = regressor().fit(X, y)
    model = stream(regressor(), X, y)
    gap = by_em.score_samples(X, y).mean() - model.score_samples(X, y).mean()
    assert gap < 0.01
    assert model.n_iter_ == 40
    assert len(model.lower_bounds_) == 40
    assert model.n_samples_seen_ == len(y)
    assert not model.cross_fitted_


def test_the_truth_is_found():
    X, y, truth = make_moe_regression(
        n_samples=20_000, n_experts=4, n_features=5, random_state=0, return_truth=True
    )
    model = stream(regressor(n_experts=4), X, y, 500)
    assert truth.logpdf.mean() - model.score_samples(X, y).mean() < 0.02


def test_what_is_told_is_of_rows_not_learnt_from_yet(hinge):
    X, y = hinge
    model = stream(regressor(), X[:3900], y[:3900])
    before = model.score_samples(X[3900:], y[3900:]).mean()
    model.partial_fit(X[3900:], y[3900:])
    assert np.isclose(model.lower_bounds_[-1], before)
    assert model.lower_bound_ == model.lower_bounds_[-1]


@pytest.mark.parametrize("size", [10, 37, 1000])
def test_the_size_of_batches_matters_little(hinge, size):
    X, y = hinge
    model = stream(regressor(), X, y, size)
    assert model.score_samples(X, y).mean() > -0.6


@pytest.mark.parametrize(
    "expert",
    [
        SGD,
        Ridge(),
        make_pipeline(StandardScaler(), SGD),
        make_pipeline(StandardScaler(), LinearRegression()),
        MLPRegressor(hidden_layer_sizes=(10,), learning_rate_init=0.01),
    ],
    ids=["sgd", "ridge", "pipeline", "solved pipeline", "network"],
)
def test_experts(hinge, expert):
    X, y = hinge
    mixture = stream(regressor(expert), X, y)
    alone = stream(regressor(expert, n_experts=1), X, y)
    gain = mixture.score_samples(X, y).mean() - alone.score_samples(X, y).mean()
    # Networks of older versions take no weights, and learn from fewer rows.
    assert gain > (0.1 if isinstance(expert, MLPRegressor) else 0.3)
    answers = [each.predict(X) for each in mixture.experts_]
    np.testing.assert_allclose(mixture.predict_experts(X), np.column_stack(answers))


def test_classes_are_told_first(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    some = y != "top"
    model.partial_fit(X[some], y[some], classes=["low", "mid", "top"])
    assert model.predict_proba(X).shape == (len(X), 3)
    model.partial_fit(X, y)
    with pytest.raises(ValueError, match="row 1 has the class 'new', which was not"):
        model.partial_fit(X[:2], ["low", "new"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, y, classes=["low", "mid"])
    model.partial_fit(X, y, classes=["top", "mid", "low"])
    assert list(model.classes_) == ["low", "mid", "top"]


@pytest.mark.parametrize("expert", [None, SGDClassifier(loss="log_loss")])
def test_a_stream_of_classes(rng, expert):
    X = rng.uniform(-2, 2, size=(6000, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    model = MixtureOfExpertsClassifier(expert, n_experts=2, random_state=0)
    stream(model, X, y, 200, classes=["other", "same"])
    assert model.score(X, y) > 0.9


def test_one_class_first(rng):
    X = rng.uniform(-2, 2, size=(400, 2))
    y = (X[:, 1] > 0).astype(int)
    order = np.argsort(y, kind="stable")
    for expert in (None, SGDClassifier(loss="log_loss")):
        model = MixtureOfExpertsClassifier(expert, n_experts=2, random_state=0)
        model.partial_fit(X[order[:50]], y[order[:50]], classes=[0, 1])
        assert (model.predict(X) == 0).all()
        stream(model, X, y, 50)
        assert model.score(X, y) > 0.8


def test_weights(hinge, rng):
    X, y = hinge
    weights = rng.integers(0, 3, size=1000).astype(float)
    repeated = np.repeat(np.arange(1000), weights.astype(int))
    weighted, plain = regressor(), regressor()
    weighted.partial_fit(X[:1000], y[:1000], sample_weight=weights)
    plain.partial_fit(X[repeated], y[repeated])
    assert weighted.n_samples_seen_ == plain.n_samples_seen_
    for model, sample_weight in ((weighted, weights), (plain, None)):
        rows = slice(0, 1000) if sample_weight is not None else repeated
        model.partial_fit(X[rows], y[rows], sample_weight=sample_weight)
    np.testing.assert_allclose(weighted.predict(X), plain.predict(X), atol=0.02)


def test_features_are_checked(hinge):
    X, y = hinge
    frame = pd.DataFrame(X[:200], columns=["a", "b"])
    model = regressor().partial_fit(frame, y[:200])
    model.partial_fit(frame, y[:200])
    assert list(model.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[["b", "a"]], y[:200])
    with pytest.raises(ValueError, match="outputs"):
        model.partial_fit(frame, np.column_stack([y, y])[:200])
    model = regressor().partial_fit(X[:200], y[:200])
    with pytest.raises(ValueError, match="X has 1 features"):
        model.partial_fit(X[:200, :1], y[:200])


@pytest.mark.parametrize("kind", ["sparse", "pandas", "polars"])
def test_kinds_of_X(hinge, kind):
    X, y = hinge
    make = csr_array if kind == "sparse" else pytest.importorskip(kind).DataFrame
    X, y = X[:1000], y[:1000]
    model = regressor()
    for first in range(0, 1000, 100):  # short batches are kept, and put together
        part = slice(first, first + 100)
        model.partial_fit(make(X[part]), y[part])
    assert model.score(make(X), y) > 0.9


def test_after_fit_the_model_is_gone_on_from(hinge):
    X, y = hinge
    model = regressor().fit(X, y)
    before, bounds = model.predict(X), len(model.lower_bounds_)
    model.partial_fit(X[:100], y[:100])
    assert np.abs(model.predict(X) - before).max() < 0.5
    assert len(model.lower_bounds_) == bounds + 1
    assert model.n_samples_seen_ == len(y) + 100
    stream(model, X, y)
    assert model.score_samples(X, y).mean() > regressor().fit(X, y).lower_bound_ - 0.01


def test_fit_begins_anew_after_a_stream(hinge):
    X, y = hinge
    model = stream(regressor(), X[:500], y[:500])
    model.fit(X, y)
    np.testing.assert_array_equal(model.predict(X), regressor().fit(X, y).predict(X))
    assert not hasattr(model, "_stream_state")


@pytest.mark.parametrize("way", ["pickle", "deepcopy", "skops"])
@pytest.mark.parametrize("n_before", [300, 3000])
def test_a_stream_goes_on_elsewhere(hinge, way, n_before):
    X, y = hinge
    model = stream(regressor(top_k=1, n_experts=3), X[:n_before], y[:n_before])
    if way == "pickle":
        back = pickle.loads(pickle.dumps(model))
    elif way == "deepcopy":
        back = copy.deepcopy(model)
    else:
        skops_io = pytest.importorskip("skops.io")
        data = skops_io.dumps(model)
        trusted = skops_io.get_untrusted_types(data=data)
        assert set(trusted) <= set(skmoe.TRUSTED_TYPES)
        back = skops_io.loads(data, trusted=trusted)
    for each in (model, back):
        stream(each, X[n_before:], y[n_before:])
    np.testing.assert_array_equal(back.predict(X), model.predict(X))


def test_a_bad_batch_changes_nothing(hinge):
    X, y = hinge
    for expert in (None, SGD):
        model = stream(regressor(expert), X[:1000], y[:1000])
        before, n_iter = model.predict(X), model.n_iter_
        bad = X[:100].copy()
        bad[7, 0] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            model.partial_fit(bad, y[:100])
        np.testing.assert_array_equal(model.predict(X), before)
        assert model.n_iter_ == n_iter
        stream(model, X[:200], y[:200])


def test_the_same_state_gives_the_same_model(hinge):
    X, y = hinge
    one = stream(regressor(SGD, top_k=1), X, y)
    other = stream(clone(one), X, y)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


# -- drift, and experts that die --------------------------------------------------------


def test_a_forgetting_rate_follows_drift(rng):
    models = {rate: regressor(forgetting_rate=rate) for rate in (0.0, 5e-3)}
    X, y = draw_hinge(rng, 8000)
    later, moved = draw_hinge(rng, 800, shift=10.0)
    for model in models.values():
        stream(stream(model, X, y), later, moved)
    errors = {r: np.mean((m.predict(later) - moved) ** 2) for r, m in models.items()}
    assert errors[5e-3] < 0.5
    assert errors[5e-3] < 0.1 * errors[0.0]


@pytest.mark.parametrize("expert", [None, SGD])
def test_a_dead_expert_is_revived(rng, expert):
    X, y = draw_hinge(rng, 9000)
    left = X[:, 0] < 0
    model = stream(regressor(expert), X[left], y[left])
    stream(model, X[left], y[left])
    stream(model, X, y)
    stream(model, X, y)
    assert model.expert_load_.min() > 0.2
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("gate", ["softmax", "constant"])
def test_an_expert_that_the_gate_has_ruled_out_comes_back(rng, gate):
    X, y = draw_hinge(rng, 6000)
    model = stream(regressor(gate=gate), X[:3000], y[:3000])
    if gate == "softmax":
        model.gate_.intercept_ = model.gate_.intercept_ - [60.0, 0.0]
    else:
        model.gate_.prior_ = np.array([1e-30, 1.0])
    stream(model, X[3000:], y[3000:])
    assert model.expert_load_.min() > 0.2


# -- what is refused ------------------------------------------------------------------


def test_what_a_first_batch_cannot_tell(hinge):
    X, y = hinge
    with pytest.raises(ValueError, match="n_experts='auto' is found on all rows"):
        regressor(n_experts="auto").partial_fit(X, y)
    with pytest.raises(ValueError, match="init: responsibilities are those of all"):
        regressor(init=np.full((len(y), 2), 0.5)).partial_fit(X, y)
    with pytest.raises(ValueError, match="n_experts=2 is larger than the 1 rows"):
        regressor().partial_fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        regressor().partial_fit(X, None)


@pytest.mark.parametrize(
    ("model", "part"),
    [
        (regressor(HistGradientBoostingRegressor()), "experts: 'expert0' .HistGradient"),
        (regressor(gate=RandomForestClassifier()), "gate: RandomForestClassifier"),
        (
            regressor(likelihood=GaussianLikelihood(LinearRegression())),
            "likelihood: GaussianLikelihood",
        ),
    ],
)
def test_models_that_learn_from_no_batches(model, part):
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        model.partial_fit([[0.0]], [0.0])
    assert part.replace(".Hist", "(Hist") in str(caught.value.__cause__)


def test_gates_in_pipelines(hinge):
    X, y = hinge
    gate = make_pipeline(StandardScaler(), SoftmaxGate())
    assert stream(regressor(gate=gate), X, y).score(X, y) > 0.9


def test_a_shared_expert(hinge):
    X, y = hinge
    model = stream(regressor(shared_expert=Ridge()), X, y)
    assert model.score(X, y) > 0.95
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(X[:100], y[:100])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_the_parameters_are_those_of_the_user(hinge):
    X, y = hinge
    model = stream(regressor(SGD), X[:500], y[:500])
    assert clone(model).get_params()["experts"].get_params() == SGD.get_params()
    assert not hasattr(SGD, "coef_")
