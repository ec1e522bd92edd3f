"""Densities against data whose density is known."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.metrics import coverage, pit_values


@pytest.fixture
def known_truth(rng):
    seed = int(rng.integers(1000))
    return make_moe_regression(9000, 4, 3, random_state=seed)


@pytest.mark.parametrize(
    ("expert", "n_experts", "n_train"),
    [(None, 3, 6000), (DecisionTreeRegressor(min_samples_leaf=20), 3, 6000)],
    ids=["linear", "cross-fitted trees"],
)
def test_fitted_densities_are_calibrated(known_truth, expert, n_experts, n_train):
    X, y = known_truth
    model = MixtureOfExpertsRegressor(expert, n_experts, random_state=0)
    model.fit(X[:n_train], y[:n_train])
    density, y_test = model.predict_distribution(X[n_train:]), y[n_train:]
    statistic = kstest(pit_values(y_test, density), "uniform").statistic
    # Of 3000 rows, chance exceeds 0.036 once in a thousand times; trees are but close to
    # the truth.
    assert statistic < (0.036 if expert is None else 0.06)
    for confidence in (0.5, 0.9):
        error = np.sqrt(confidence * (1 - confidence) / len(y_test))
        slack = 4 * error + (0.0 if expert is None else 0.03)
        assert abs(coverage(y_test, density, confidence) - confidence) < slack
