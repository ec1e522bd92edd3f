"""The gate and the likelihood that the documentation shows keep the rules it tells."""

import ast
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the examples import it")
EXAMPLES = Path(__file__).parents[2] / "examples"
DISPERSION = np.array([0.1, 2.0])


def class_of(example, name):
    """A class of an example, without running the rest of it."""
    tree = ast.parse((EXAMPLES / example).read_text())
    kinds = (ast.Import, ast.ImportFrom, ast.ClassDef)
    tree.body = [node for node in tree.body if isinstance(node, kinds)]
    names: dict = {}
    exec(compile(tree, example, "exec"), names)
    return names[name]


@pytest.fixture
def gate():
    return class_of("plot_own_gate.py", "BinGate")(n_bins=5)


@pytest.fixture
def likelihood():
    return class_of("plot_own_likelihood.py", "NegativeBinomialLikelihood")()


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 1, 1], size=100)
    return rng.normal(size=(100, 2)), shares, rng.integers(0, 3, size=100)


def test_own_gate_takes_a_weight_of_two_for_a_row_twice(gate, rows):
    X, shares, counts = rows
    weighted = gate.fit(X, shares, counts).predict_log_proba(X)
    repeated = gate.fit(
        np.repeat(X, counts, axis=0), np.repeat(shares, counts, axis=0)
    ).predict_log_proba(X)
    np.testing.assert_allclose(weighted, repeated)


def test_own_gate_is_the_mean_share_of_a_bin(gate, rows):
    X, shares, _ = rows
    proba = np.exp(gate.fit(X, shares).predict_log_proba(X))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba.mean(axis=0), shares.mean(axis=0), atol=1e-3)


def test_own_likelihood_is_one_over_all_counts(likelihood):
    counts = np.arange(2000.0)
    rates = np.full((len(counts), 2), [3.0, 30.0])
    proba = np.exp(likelihood.log_prob(counts, rates, DISPERSION))
    np.testing.assert_allclose(proba.sum(axis=0), 1)
    np.testing.assert_allclose(counts @ proba, likelihood.mean(rates, DISPERSION)[0])
    variance = ((counts[:, None] - rates) ** 2 * proba).sum(axis=0)
    np.testing.assert_allclose(variance, likelihood.variance(rates, DISPERSION)[0])


def test_own_likelihood_finds_its_dispersions(likelihood):
    rates = np.full((20_000, 2), [3.0, 30.0])
    draws = likelihood.rvs(rates, DISPERSION, np.random.RandomState(0))
    found = [
        likelihood.fit_dispersion(draws[:, k], rates, np.ones((20_000, 2)))[k]
        for k in range(2)
    ]
    np.testing.assert_allclose(found, DISPERSION, rtol=0.1)


def test_own_likelihood_weighs_as_its_score_asks(likelihood):
    rate, y, step = np.array([[3.0, 30.0]]), np.array([10.0]), 1e-5
    up, down = (
        likelihood.log_prob(y, rate * np.exp(s), DISPERSION) for s in (step, -step)
    )
    of_a_poisson = (y[:, None] - rate) * likelihood.expert_weights(y, rate, DISPERSION)
    np.testing.assert_allclose((up - down) / (2 * step), of_a_poisson, rtol=1e-6)
