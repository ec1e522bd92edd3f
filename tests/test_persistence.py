"""Fitted models are plain arrays and public classes."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import skmoe
from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood, NoiseLikelihood, ZeroInflatedLikelihood

REGRESSORS = [
    MixtureOfExpertsRegressor(n_experts=2),
    MixtureOfExpertsRegressor(n_experts=2, gate="constant"),
    MixtureOfExpertsRegressor(n_experts=2, likelihood="laplace", tol=0.1),
    MixtureOfExpertsRegressor(n_experts=2, likelihood="student_t"),
    MixtureOfExpertsRegressor(
        n_experts=2, likelihood=GaussianLikelihood(LinearRegression()), tol=0.1
    ),
    MixtureOfExpertsRegressor(n_experts=2, likelihood=NoiseLikelihood(), tol=0.1),
    MixtureOfExpertsRegressor(n_experts=2, gate=LogisticRegression()),
    MixtureOfExpertsRegressor(
        [("line", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))],
        gate=make_pipeline(StandardScaler(), SoftmaxGate()),
    ),
]


@pytest.mark.parametrize("model", REGRESSORS)
@pytest.mark.parametrize("way", ["pickle", "skops", "deepcopy"])
def test_regressors_come_back(two_regimes, model, way):
    X, y = two_regimes
    model = copy.deepcopy(model).set_params(random_state=0, max_iter=20).fit(X, y)
    back = round_trip(model, way)
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    np.testing.assert_array_equal(back.score_samples(X, y), model.score_samples(X, y))
    assert back.bic(X, y) == model.bic(X, y)
    for told in (back.init_results_["lower_bounds"], model.init_results_["lower_bounds"]):
        np.testing.assert_array_equal(told, [model.lower_bounds_])


@pytest.mark.parametrize("way", ["pickle", "skops"])
def test_zero_inflated_counts_come_back(two_regimes, way):
    X, y = two_regimes
    counts = np.maximum(np.floor(y), 0.0)
    model = MixtureOfExpertsRegressor(n_experts=1, likelihood=ZeroInflatedLikelihood())
    back = round_trip(model.fit(X, counts), way)
    np.testing.assert_array_equal(
        back.predict_distribution(X).pmf(counts),
        model.predict_distribution(X).pmf(counts),
    )


@pytest.mark.parametrize("way", ["pickle", "skops"])
def test_classifiers_come_back(checkerboard, way):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    back = round_trip(model, way)
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))


def round_trip(model, way):
    if way == "deepcopy":
        return copy.deepcopy(model)
    if way == "pickle":
        return pickle.loads(pickle.dumps(model))
    skops_io = pytest.importorskip("skops.io")
    data = skops_io.dumps(model)
    untrusted = skops_io.get_untrusted_types(data=data)
    # Trees and losses of scikit-learn are for it and skops to settle.
    own = {name for name in untrusted if not name.startswith("sklearn.")}
    assert own <= set(skmoe.TRUSTED_TYPES)
    return skops_io.loads(data, trusted=untrusted)


def test_trusted_types_exist():
    for name in skmoe.TRUSTED_TYPES:
        module, _, attribute = name.rpartition(".")
        __import__(module)
        assert isinstance(getattr(sys.modules[module], attribute), type)


def test_importing_loads_nothing_that_is_optional():
    optional = ("matplotlib", "pandas", "polars", "rich")
    report = f"print([name for name in {optional} if name in sys.modules])"
    code = f"import sys, skmoe; {report}"
    plain = f"import sys, sklearn.linear_model; {report}"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, check=True
        ).stdout
        for text in (code, plain)
    ]
    assert outputs[0] == outputs[1]
