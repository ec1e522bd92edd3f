"""Optima of the log-likelihood that others have published or computed.

Natural-log totals over the rows, maximum likelihood: no penalty (``alpha=0``).
"""

import numpy as np
import pytest
from reference_fits import (
    assert_lines,
    coefficients,
    diabetes,
    fit,
    gate_against,
    load,
    on_columns,
    read,
)
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood

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


@pytest.mark.parametrize(
    ("name", "n_experts", "expert_columns", "gate_columns", "optimum"), CLASSIC
)
def test_classic(name, n_experts, expert_columns, gate_columns, optimum):
    X, y = load(name)
    model = fit(X, y, n_experts, expert_columns, gate_columns)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)


def test_co2_coefficients():
    X, y = load("co2")
    model = fit(X, y, 2, ["GNP"], None)
    order = assert_lines(model, [[1.415143, 0.676596], [8.678971, -0.023343]])
    sigma = np.sqrt(model.dispersion_[order])
    np.testing.assert_allclose(sigma, [0.8094, 2.0493], atol=1e-3)
    model = fit(X, y, 2, ["GNP"], ["GNP"])
    order = assert_lines(model, [[1.493051, 0.673001], [8.872417, -0.030150]])
    log_odds = gate_against(model, order[0], order[1:])
    np.testing.assert_allclose(log_odds, [[0.161363, 0.050134]], atol=1e-3)


@pytest.mark.parametrize(
    ("n_experts", "optimum"), [(2, -68.4396766788), (3, -64.7254215008)]
)
def test_co2_with_one_variance(n_experts, optimum):
    X, y = load("co2")
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts,
        gate=SoftmaxGate(alpha=0),
        likelihood=GaussianLikelihood(dispersion="tied"),
        n_init=8,
        random_state=0,
    ).fit(X, y)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)


def test_nregfix_coefficients():
    X, y = load("nregfix")
    model = fit(X, y, 3, ["x2", "x1"], ["w"])
    order = assert_lines(
        model,
        [
            [-7.640871, 4.651620, 9.936728],
            [0.993597, 5.288362, 9.892407],
            [2.870599, 5.101884, 0.133431],
        ],
    )
    log_sigma = np.log(model.dispersion_[order]) / 2
    np.testing.assert_allclose(log_sigma, [-0.020581, 0.037535, -0.101351], atol=1e-3)
    np.testing.assert_allclose(
        gate_against(model, order[2], order[[1, 0]]),
        [[2.029910, -4.417096], [0.673875, -2.496971]],
        atol=1e-3,
    )


@pytest.mark.parametrize(
    ("gate", "grouped", "optimum"),
    [
        (ConstantGate(), False, -642.5320137361),
        (SoftmaxGate(alpha=0), False, -642.0638796183),
        (ConstantGate(), True, -561.5536881590),
    ],
)
def test_npreg_parabolas(gate, grouped, optimum):
    X, y, others = read("npreg")
    parabola = make_pipeline(
        PolynomialFeatures(2, include_bias=False), LinearRegression()
    )
    model = MixtureOfExpertsRegressor(parabola, 2, gate=gate, n_init=3, random_state=0)
    groups = others["id2"] if grouped else None
    model.fit(X, y, groups=groups)
    found = model.score_samples(X, y, groups=groups).sum()
    assert found == pytest.approx(optimum, abs=1e-4)


@pytest.mark.parametrize(("n_experts", "published"), [(2, -1897.879), (3, -1856.609)])
def test_athletes(n_experts, published):
    """Five outputs that depend on one another; a larger family than the published."""
    X, _, _ = read("ais")
    Y = X[["RCC", "WCC", "Hc", "Hg", "Fe"]].to_numpy(dtype=float)
    X = X.assign(male=X["sex"] == "male")[["male", "BMI"]].astype(float)
    model = MixtureOfExpertsRegressor(
        on_columns(["male"], LinearRegression()),
        n_experts,
        gate=on_columns(["BMI"], SoftmaxGate(alpha=0)),
        likelihood=GaussianLikelihood(covariance="full"),
        n_init=2,
        random_state=0,
    ).fit(X, Y)
    assert model.score_samples(X, Y).sum() > published


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
