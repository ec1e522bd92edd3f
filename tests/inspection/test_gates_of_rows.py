"""What is told, and drawn, of a Gaussian gate and of a hierarchical one."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import GaussianGate, HierarchicalGate
from skmoe.inspection import (
    CoefficientsDisplay,
    GateDisplay,
    expert_report,
    export_text,
)
from skmoe.inspection._gate_trees import node_at, path_to
from skmoe.inspection._gates import describe_gate
from skmoe.inspection._gaussian_gates import log_odds_at_mean, places
from skmoe.inspection._lines import Style

STYLE = Style(max_features=2, decimals=1)
NAMES = ["age", "dose"]
EXPERTS = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def nested(rng):
    """Left and right are split, each in another direction."""
    X = rng.uniform(-2, 2, size=(400, 2))
    left = X[:, 0] < 0
    y = np.where(
        left,
        np.where(X[:, 1] < 0.5, 3 * X[:, 1], 6 - X[:, 1]),
        np.where(X[:, 0] < 1, -6 - X[:, 1], -9 * X[:, 0]),
    )
    return X, y + 0.1 * rng.standard_normal(400)


def fitted(gate, X, y):
    return MixtureOfExpertsRegressor(n_experts=4, gate=gate, random_state=0).fit(X, y)


def gaussian(rng, covariance_type="full", **params):
    """A gate of two groups of rows, whose moments are nearly known."""
    age = rng.normal(50, 5, size=500)
    first = np.column_stack([age, 0.2 * age + rng.normal(0, 0.5, size=500)])
    second = np.column_stack([rng.normal(20, 5, 500), rng.normal(0, 4, 500)])
    shares = np.repeat(np.eye(2), 500, axis=0)
    gate = GaussianGate(covariance_type, **params)
    return gate.fit(np.concatenate([first, second]), shares)


def test_rows_of_each_expert_in_words(rng):
    gate = gaussian(rng)
    first, second = places(gate, NAMES, STYLE)
    mean, deviation = gate.means_[0], np.sqrt(np.diagonal(gate.covariances_[0]))
    assert f"age {mean[0]:.1f} +/- {deviation[0]:.1f}" in first
    assert f"dose {mean[1]:.1f} +/- {deviation[1]:.1f}" in first
    assert first[2] in ("correlation +0.9 of dose and age",
                        "correlation +0.9 of age and dose")  # fmt: skip
    assert first[-1] == second[-1] == "(prior 0.5)"
    # The second group's columns say nothing of each other.
    assert len(second) == 3


def test_columns_that_differ_most_come_first(rng):
    gate = gaussian(rng)
    brief = Style(max_features=1, decimals=1)
    first, _ = places(gate, NAMES, brief)
    assert first[0].startswith("dose")  # its spread is small, too
    assert first[1] == "... and 1 more"


@pytest.mark.parametrize("shape", ["tied", "diag", "spherical"])
def test_spreads_of_all_shapes(rng, shape):
    gate = gaussian(rng, shape)
    told = places(gate, NAMES, STYLE)
    variances = {"tied": np.diagonal(gate.covariances_)}.get(shape, gate.covariances_)
    deviations = np.broadcast_to(np.sqrt(variances), (2, 2))
    for k in range(2):
        assert f"age {gate.means_[k, 0]:.1f} +/- {deviations[k, 0]:.1f}" in told[k]


def test_columns_without_variance_are_left_out(rng):
    X = np.column_stack([rng.normal(size=100), np.ones(100)])
    gate = GaussianGate().fit(X, np.repeat(np.eye(2), 50, axis=0))
    text = describe_gate(gate, NAMES, EXPERTS, STYLE)
    assert text.about.startswith("GaussianGate (full), where rows lie")
    assert not any("dose" in piece for rule in text.rules for piece in rule)
    assert (log_odds_at_mean(gate)[0][:, 1] == 0).all()


@pytest.mark.parametrize("shape", ["full", "tied", "diag", "spherical"])
def test_log_odds_are_the_gates_around_the_mean(rng, shape):
    gate = gaussian(rng, shape)
    mean = gate.weights_ @ gate.means_
    rows = mean + np.array([[0, 0], [1e-4, 0], [0, 1e-4]])
    log_proba = gate.predict_log_proba(rows)
    expected = log_proba - log_proba.mean(axis=1, keepdims=True)
    coef, intercept = log_odds_at_mean(gate)
    np.testing.assert_allclose(rows @ coef.T + intercept, expected, atol=1e-6)
    if shape == "tied":  # whose log-odds are linear everywhere
        log_proba = gate.predict_log_proba(10 * rows)
        expected = log_proba - log_proba.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(10 * rows @ coef.T + intercept, expected, atol=1e-6)


def test_tree_is_drawn_with_the_rule_of_each_node():
    gate = HierarchicalGate((2, 2)).fit(
        np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 1.0]]), np.eye(4)
    )
    for node, coef in zip(
        gate.nodes_, ([-1.0, 0.0], [0.0, -2.0], [0.5, -3.0]), strict=True
    ):
        node.coef_ = np.array([coef, np.negative(coef)])
        node.intercept_ = np.array([2.0, -2.0])
    text = describe_gate(gate, NAMES, EXPERTS, STYLE)
    assert text.about == (
        "HierarchicalGate, a tree of softmax gates: log-odds of the first branch"
    )
    assert text.drawing.splitlines() == [
        "|--- if -2.0 * age  (intercept 4.0)  > 0",
        "|   |--- if -4.0 * dose  (intercept 4.0)  > 0",
        "|   |   |--- a",
        "|   |--- else",
        "|   |   |--- b",
        "|--- else",
        "|   |--- if -6.0 * dose  +1.0 * age  (intercept 4.0)  > 0",
        "|   |   |--- c",
        "|   |--- else",
        "|   |   |--- d",
    ]


def test_nodes_of_several_branches_and_long_rules(rng):
    X = rng.uniform(size=(60, 12))
    names = [f"a_column_with_a_long_name_{j}" for j in range(12)]
    gate = HierarchicalGate((2, 3)).fit(X, rng.dirichlet(np.ones(6), size=60))
    text = describe_gate(gate, names, EXPERTS, Style(max_features=None, decimals=2))
    lines = text.drawing.splitlines()
    assert text.about.endswith("or of each against the average one")
    assert sum("if largest: " in line for line in lines) == 6
    assert [line[-1] for line in lines if line[:-1] == "|   |   |--- "] == EXPERTS
    assert max(map(len, lines)) <= 98  # and two for the indent of the report
    assert all(line.startswith("|") for line in lines)


def test_nodes_lie_where_the_paths_lead(rng):
    gate = HierarchicalGate((2, 3)).fit(
        rng.uniform(size=(60, 2)), rng.dirichlet(np.ones(6), size=60)
    )
    X = rng.uniform(size=(5, 2))
    for expert in range(6):
        first, second = path_to(gate, expert)
        log_proba = node_at(gate, ()).predict_log_proba(X)[:, first]
        log_proba += node_at(gate, (first,)).predict_log_proba(X)[:, second]
        np.testing.assert_allclose(log_proba, gate.predict_log_proba(X)[:, expert])


@pytest.mark.parametrize(
    ("gate", "in_text"),
    [
        (GaussianGate(), " +/- "),
        (HierarchicalGate((2, 2)), "|   |--- if "),
        (make_pipeline(StandardScaler(), HierarchicalGate((2, 2))), "|   |--- if "),
        (make_pipeline(StandardScaler(), GaussianGate()), " +/- "),
    ],
)
def test_all_that_is_shown_of_a_gate(nested, gate, in_text):
    X, y = nested
    model = fitted(gate, X, y)
    assert in_text in export_text(model, feature_names=NAMES)
    display = GateDisplay.from_estimator(model, X, [0, 1])
    np.testing.assert_allclose(display.gate.sum(axis=-1), 1.0)
    pytest.importorskip("pandas")
    report = expert_report(model, X, y)
    assert set(report["where"]).isdisjoint({"nowhere", "everywhere"})
    assert (report["precision"] > 0.8).all()


def test_coefficients_of_a_tree_are_those_on_the_paths(nested):
    X, y = nested
    model = fitted(HierarchicalGate((2, 2)), X, y)
    display = CoefficientsDisplay.from_estimator(
        model, part="gate", feature_names=NAMES, intercept=True
    )
    columns = dict(zip(display.feature_names, display.coefficients.T, strict=True))
    root, left, right = model.gate_.nodes_
    np.testing.assert_array_equal(columns["age at the root"], root.coef_[[0, 0, 1, 1], 0])
    np.testing.assert_array_equal(columns["dose at node 0"][:2], left.coef_[:, 1])
    np.testing.assert_array_equal(
        columns["(intercept) at node 1"], [np.nan, np.nan, *right.intercept_]
    )
    assert all(name.startswith("(intercept)") for name in display.feature_names[:3])
    assert display.quantity == ("change of log-odds against the average branch per unit")


def test_coefficients_of_a_gaussian_gate(nested):
    X, y = nested
    model = fitted(GaussianGate(), X, y)
    display = CoefficientsDisplay.from_estimator(
        model, X, part="gate", feature_names=NAMES
    )
    place = [NAMES.index(name) for name in display.feature_names]
    expected = (log_odds_at_mean(model.gate_)[0] * X.std(axis=0))[:, place]
    np.testing.assert_allclose(display.coefficients, expected)
    assert display.quantity == "change of log-odds at the mean row per standard deviation"
