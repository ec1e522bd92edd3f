"""As many experts as pay, and what is said of those that do not."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe._criteria import gain_is_clear
from skmoe.gates import ConstantGate

NO_BETTER = "ignore:the held-out log-likelihood:UserWarning"
TREE = DecisionTreeRegressor(min_samples_leaf=10, random_state=0)


def regressor(experts=TREE, n_experts=2, **params):
    return MixtureOfExpertsRegressor(experts, n_experts, **{"random_state": 0, **params})


def test_as_many_linear_experts_as_there_are_lines(rng):
    X = rng.uniform(-3, 3, size=(500, 1))
    y = 3 * np.abs(X[:, 0]) + 0.2 * rng.standard_normal(500)
    model = MixtureOfExpertsRegressor(n_experts="auto", random_state=0).fit(X, y)
    assert model.n_experts_ == len(model.experts_) == 2
    assert not model.cross_fitted_
    line = MixtureOfExpertsRegressor(n_experts="auto", random_state=0)
    line.fit(X, X[:, 0] + 0.2 * rng.standard_normal(500))
    assert line.n_experts_ == 1


def test_flexible_experts_are_added_while_held_out_rows_gain(two_noises, rng):
    X, y = two_noises()
    model = regressor(n_experts="auto").fit(X, y)
    assert model.n_experts_ >= 2
    stump = DecisionTreeRegressor(max_depth=1)
    step = 2.0 * (X[:, 0] > 0) + 0.5 * rng.standard_normal(len(y))
    assert regressor(stump, n_experts="auto").fit(X, step).n_experts_ == 1


def test_a_gain_is_clear_beyond_two_standard_errors(rng):
    noise = rng.standard_normal(50)
    weights = rng.integers(1, 5, size=50).astype(float)
    repeated = np.repeat(noise, weights.astype(int))
    error = repeated.std(ddof=1) / np.sqrt(len(repeated))
    for factor, is_clear in ((1.999, False), (2.001, True)):
        gain = noise - repeated.mean() + factor * error
        assert gain_is_clear(3.0 + gain, np.full(50, 3.0), weights) is is_clear


def test_auto_needs_something_to_compare_by(two_regimes):
    X, y = two_regimes
    with pytest.raises(ValueError, match="n_experts='auto', without cross-fitting"):
        regressor(KNeighborsRegressor(), "auto", cv=None).fit(X, y)
    with pytest.raises(ValueError, match="n_experts='auto': responsibilities in init"):
        regressor(n_experts="auto", init=np.full((240, 2), 0.5)).fit(X, y)


def test_no_gain_is_told_with_both_numbers(rng):
    X = rng.uniform(-1, 1, size=(200, 2))
    y = X[:, 0] + 0.1 * rng.standard_normal(200)
    tree = DecisionTreeRegressor(max_depth=2, random_state=0)
    init = np.column_stack([X[:, 1] > 0, X[:, 1] <= 0]).astype(float)
    weights = rng.uniform(0.5, 2, size=200)
    alone = regressor(tree, 1).fit(X, y, weights)
    model = regressor(tree, init=init, gate=Wrong())
    with pytest.warns(
        UserWarning, match="no better than that of 'expert0' alone"
    ) as told:
        model.fit(X, y, weights)
    assert f"{model.lower_bound_:.4f}" in str(told[0].message)
    assert f"{alone.lower_bound_:.4f}" in str(told[0].message)


class Wrong(ConstantGate):
    """Sends two thirds to nobody."""

    def predict_log_proba(self, X):
        return super().predict_log_proba(X) - np.log(3)
