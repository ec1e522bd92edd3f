"""Optima of the log-likelihood that others have published or computed.

Natural-log totals over the rows, maximum likelihood: no penalty (``alpha=0``).
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, SoftmaxGate


def on_columns(columns, last):
    return make_pipeline(make_column_transformer(("passthrough", columns)), last)


def fit(X, y, n_experts, expert_columns, gate_columns, n_init=8):
    """A maximum-likelihood fit; without gate columns the gate is constant."""
    gate = ConstantGate()
    if gate_columns is not None:
        gate = on_columns(gate_columns, SoftmaxGate(alpha=0))
    model = MixtureOfExpertsRegressor(
        on_columns(expert_columns, LinearRegression()),
        n_experts,
        gate=gate,
        n_init=n_init,
        random_state=0,
    )
    return model.fit(X, y)


def coefficients(model):
    """Rows of (intercept, slopes) of the experts."""
    lines = [expert[-1] for expert in model.experts_]
    return np.array([[line.intercept_, *line.coef_] for line in lines])


def diabetes():
    data = load_diabetes(scaled=False)
    columns = [data.feature_names.index(name) for name in ("bmi", "bp", "s5")]
    return data.data[:, columns], data.target


# Computed from 60 random starts of a direct optimiser; checked with flexmix 2.3-18.


def test_diabetes_two_experts():
    X, y = diabetes()
    model = fit(X, y, 2, [0, 1], [2], n_init=2)
    assert model.score_samples(X, y).sum() == pytest.approx(-2367.9129689, abs=1e-4)
    order = np.argsort(model.dispersion_)
    np.testing.assert_allclose(
        coefficients(model)[order],
        [[-6.653682, 2.760818, 0.235307], [-114.105729, 7.321592, 1.115447]],
        rtol=0.02,  # shares below a thousandth are cut, and the optimum is flat
    )
    sigma = np.sqrt(model.dispersion_[order])
    np.testing.assert_allclose(sigma, [26.12178, 49.664306], rtol=2e-3)
    gate = model.gate_[-1]
    log_odds = [np.diff(gate.intercept_[order])[0], np.diff(gate.coef_[order, 0])[0]]
    np.testing.assert_allclose(log_odds, [-13.743317, 3.118482], rtol=0.01)
    # Three coefficients and a variance for each expert, two parameters of the gate.
    bic = (2 * 4 + 2) * np.log(len(y)) + 2 * 2367.9129689
    assert model.bic(X, y) == pytest.approx(bic, abs=1e-3)


def test_diabetes_three_experts():
    """Hard: 7 of 100 random starts of the direct optimiser end here."""
    X, y = diabetes()
    model = fit(X, y, 3, [0, 1], [2], n_init=10)
    assert model.score_samples(X, y).sum() == pytest.approx(-2357.4786113, abs=1e-4)
    sigma = np.sort(np.sqrt(model.dispersion_))
    np.testing.assert_allclose(sigma, [13.608318, 25.503, 47.308937], rtol=5e-3)


def test_iris():
    data = load_iris().data
    X, y = data[:, [2, 0]], data[:, 3]
    model = fit(X, y, 2, [0], [1], n_init=2)
    assert model.score_samples(X, y).sum() == pytest.approx(51.0119850, abs=1e-4)
    order = np.argsort(model.dispersion_)
    np.testing.assert_allclose(
        coefficients(model)[order],
        [[-0.260738, 0.356244], [-0.468074, 0.475226]],
        rtol=0.02,
    )


# Data that are not shipped with scikit-learn: published by flexmix, mixtools and
# meteorits, and polished until the gradient vanished.

CLASSIC = [
    ("co2", 2, ["GNP"], None, -66.9397677928),
    ("co2", 2, ["GNP"], ["GNP"], -66.2965550159),
    ("nregfix", 3, ["x2", "x1"], ["w"], -399.3961788932),
    ("nodata_ethanol", 2, ["NO"], None, 122.0384),
    ("nodata_ethanol", 2, ["NO"], ["NO"], 123.6205907487),
]


def load(name, target=None):
    """X and y of a data set; ``target`` names another column than the usual one."""
    folder = os.environ.get("SKMOE_DATA")
    if folder is None:
        pytest.skip("SKMOE_DATA does not name the folder of the data sets")
    pytest.importorskip("pandas")
    spec = importlib.util.spec_from_file_location("load", Path(folder) / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    X, y, _, others = module.load(name)
    y = y if target is None else others[target]
    return X, y.to_numpy(dtype=float)


@pytest.mark.parametrize(
    ("name", "n_experts", "expert_columns", "gate_columns", "optimum"), CLASSIC
)
def test_classic(name, n_experts, expert_columns, gate_columns, optimum):
    X, y = load(name)
    model = fit(X, y, n_experts, expert_columns, gate_columns)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)


@pytest.mark.parametrize(
    ("gate", "optimum"), [(None, -642.5320137361), ("x", -642.0638796183)]
)
def test_npreg_parabolas(gate, optimum):
    X, y = load("npreg")
    parabola = make_pipeline(
        PolynomialFeatures(2, include_bias=False), LinearRegression()
    )
    model = MixtureOfExpertsRegressor(
        parabola,
        2,
        gate=ConstantGate() if gate is None else SoftmaxGate(alpha=0),
        n_init=8,
        random_state=0,
    ).fit(X, y)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)


# Counts. Where gate and experts have columns of their own, the experts are pipelines.


def fit_counts(X, y, n_experts, expert_columns=None, gate_columns=None, n_init=3):
    """A maximum-likelihood fit; experts without columns of their own take all."""
    gate, expert = ConstantGate(), PoissonRegressor(alpha=0)
    if gate_columns is not None:
        gate = on_columns(gate_columns, SoftmaxGate(alpha=0))
    if expert_columns is not None:
        tight = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-8)
        expert = on_columns(expert_columns, tight)
    model = MixtureOfExpertsRegressor(
        expert,
        n_experts,
        gate=gate,
        likelihood="poisson",
        n_init=n_init,
        random_state=0,
    )
    return model.fit(X, y)


def test_diabetes_counts_two_experts():
    X, y = diabetes()
    model = fit_counts(X[:, :1], y, 2)
    assert model.score_samples(X[:, :1], y).sum() == pytest.approx(
        -3507.0639684, abs=1e-4
    )
    order = np.argsort([expert.intercept_ for expert in model.experts_])
    lines = [(expert.intercept_, expert.coef_[0]) for expert in model.experts_]
    expected = [[3.114888, 0.054981], [4.325727, 0.037760]]
    np.testing.assert_allclose(np.array(lines)[order], expected, atol=1e-4)
    prior = model.predict_gate_proba(X[:1, :1])[0, order]
    np.testing.assert_allclose(prior, [0.523934, 0.476066], atol=1e-4)


def test_diabetes_counts_three_experts():
    X, y = diabetes()
    model = fit_counts(X, y, 3, [0], [2])
    assert model.score_samples(X, y).sum() == pytest.approx(-2758.0235498, abs=1e-4)
    lines = coefficients(model)
    expected = [[3.155535, 0.042589], [3.599491, 0.048880], [4.528293, 0.032929]]
    np.testing.assert_allclose(lines[np.argsort(lines[:, 0])], expected, atol=2e-3)


@pytest.mark.parametrize(
    ("n_experts", "optimum"), [(1, -316.691463), (2, -218.490769), (3, -197.6750214303)]
)
def test_patent(n_experts, optimum):
    X, y = load("patent")
    model = fit_counts(X, y, n_experts, ["lgRD"], ["RDS"])
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)
    if n_experts == 3:
        lines = coefficients(model)
        expected = [[-2.646899, 1.588645], [0.506366, 0.880085], [1.961958, 0.671929]]
        np.testing.assert_allclose(lines[np.argsort(lines[:, 0])], expected, rtol=0.01)


def test_npreg_counts():
    X, y = load("npreg", "yp")
    model = fit_counts(X, y, 2)
    assert model.score_samples(X, y).sum() == pytest.approx(-440.6402943197, abs=1e-4)


@pytest.mark.parametrize(
    ("expert_columns", "gate_columns", "optimum"),
    [
        (["kid5", "mar", "ment"], ["fem"], -1565.9962562086),
        (None, None, -1561.070871),
    ],
)
def test_biochemists(expert_columns, gate_columns, optimum):
    X, y = load("biochemists")
    X = X.assign(fem=X["fem"] == "Women", mar=X["mar"] == "Married").astype(float)
    model = fit_counts(X, y, 2, expert_columns, gate_columns)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)


def test_fabricfault():
    """Faults by the logarithm of the length."""
    X, y = load("fabricfault")
    model = fit_counts(np.log(X), y, 2)
    assert model.score_samples(np.log(X), y).sum() == pytest.approx(-84.8882, abs=1e-4)


@pytest.mark.filterwarnings("ignore:SoftmaxGate. the experts' regions")
def test_temperature_anomalies():
    """The gate becomes a step: no finite optimum, but one to come close to."""
    X, y = load("tempanomalies")
    model = fit(X, y, 2, ["Year"], ["Year"])
    assert 102.70 <= model.score_samples(X, y).sum() <= 102.9431
    assert np.isfinite(model.gate_[-1].coef_).all()


def test_two_planes():
    """Two linear regimes: the oracle has RMSE 0.9971 and NLL 1.4161, ridge RMSE 2.38."""
    X, y = load("2dplanes")
    X = X.to_numpy(dtype=float)
    found = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
        model.fit(X[train], y[train])
        error = np.sqrt(np.mean((model.predict(X[test]) - y[test]) ** 2))
        found.append((error, -model.score_samples(X[test], y[test]).mean()))
    rmse, nll = np.mean(found, axis=0)
    assert rmse < 1.0
    assert nll < 1.42
