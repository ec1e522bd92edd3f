"""Maximum-likelihood fits of published models, and the data that they are of."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline

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


def coefficients(model):
    """Rows of (intercept, slopes) of the experts."""
    lines = [expert[-1] for expert in model.experts_]
    return np.array([[line.intercept_, *line.coef_] for line in lines])


def assert_lines(model, expected, atol=1e-3):
    """The experts' coefficients, in the order of their intercepts."""
    lines = coefficients(model)
    np.testing.assert_allclose(lines[np.argsort(lines[:, 0])], expected, atol=atol)
    return np.argsort(lines[:, 0])


def gate_against(model, expert, others):
    """Rows of (intercept, slope) of a gate's log-odds of experts against another."""
    gate = model.gate_[-1]
    rows = np.column_stack([gate.intercept_, gate.coef_])
    return rows[others] - rows[expert]


def diabetes():
    data = load_diabetes(scaled=False)
    columns = [data.feature_names.index(name) for name in ("bmi", "bp", "s5")]
    return data.data[:, columns], data.target


def read(name):
    """X, y and the other columns of a data set."""
    folder = os.environ.get("SKMOE_DATA")
    if folder is None:
        pytest.skip("SKMOE_DATA does not name the folder of the data sets")
    pytest.importorskip("pandas")
    spec = importlib.util.spec_from_file_location("load", Path(folder) / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    X, y, _, others = module.load(name)
    return X, y, others


def load(name, target=None):
    """X and y of a data set; ``target`` names another column than the usual one."""
    X, y, others = read(name)
    y = y if target is None else others[target]
    return X, y.to_numpy(dtype=float)
