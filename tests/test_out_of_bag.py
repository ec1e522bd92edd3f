"""Experts that are held out by their bags."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts._pool import EstimatorPool
from skmoe.training import RowDraws, RowSummary

NO_BETTER = "ignore:the held-out log-likelihood:UserWarning"
TREE = DecisionTreeRegressor(min_samples_leaf=10, random_state=0)


def regressor(experts=TREE, n_experts=2, **params):
    return MixtureOfExpertsRegressor(experts, n_experts, **{"random_state": 0, **params})


class CountedForest(RandomForestRegressor):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


def test_out_of_bag_predictions_take_the_place_of_folds(two_noises):
    X, y = two_noises()
    CountedForest.n_fits = 0
    model = regressor(CountedForest(50, oob_score=True, random_state=0), 2).fit(X, y)
    assert CountedForest.n_fits == 1 + 2 * (model.n_iter_ - 1) + 2
    plain = RandomForestRegressor(50, oob_score=True)
    plain.set_params(**model.experts_[0].get_params()).fit(X, y)
    alone = regressor(CountedForest(50, oob_score=True, random_state=0), 1).fit(X, y)
    variance = np.mean((y - plain.oob_prediction_) ** 2)
    assert alone.dispersion_[0] == pytest.approx(variance)


@pytest.mark.parametrize(
    "expert",
    [RandomForestRegressor(3, oob_score=True), BaggingRegressor(TREE, 3, oob_score=True)],
    ids=["forest", "bagging"],
)
@pytest.mark.filterwarnings(NO_BETTER)
def test_rows_in_all_bags_are_held_out_by_folds(two_noises, expert):
    """scikit-learn gives such rows a prediction of zero."""
    X, y = two_noises(200)
    y += 100.0
    model = regressor(clone(expert), 1).fit(X, y)
    plain = clone(expert).set_params(**model.experts_[0].get_params())
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        told = plain.fit(X, y).oob_prediction_
    assert (told == 0).any()
    assert model.dispersion_[0] < 5.0


def test_a_splitter_of_ones_own_is_not_overruled_by_bags(two_noises):
    X, y = two_noises(200)
    forest = RandomForestRegressor(20, oob_score=True)
    model = regressor(forest, 1, cv=KFold(4)).fit(X, y)
    plain = clone(forest).set_params(**model.experts_[0].get_params())
    plain.set_params(oob_score=False)
    variance = np.mean((y - cross_val_predict(plain, X, y, cv=KFold(4))) ** 2)
    assert model.dispersion_[0] == pytest.approx(variance)


def test_out_of_bag_probabilities(checkerboard):
    X, y = checkerboard
    for expert in (
        RandomForestClassifier(60, oob_score=True),
        BaggingClassifier(DecisionTreeClassifier(max_depth=4), 60, oob_score=True),
    ):
        alone = MixtureOfExpertsClassifier(expert, 1, random_state=0).fit(X, y)
        told = alone.experts_[0].oob_decision_function_[:, None]
        expected = alone.likelihood_.log_prob(np.searchsorted(alone.classes_, y), told)
        plain = clone(expert).set_params(**alone.experts_[0].get_params()).fit(X, y)
        np.testing.assert_array_equal(plain.oob_decision_function_, told[:, 0])
        assert alone.lower_bound_ == pytest.approx(expected.mean())


def test_out_of_bag_where_there_is_one_class(rng):
    X, y = rng.standard_normal((60, 2)), np.full(60, "only")
    forest = RandomForestClassifier(10, oob_score=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        model = MixtureOfExpertsClassifier(forest, 2, random_state=0).fit(X, y)
    assert model.lower_bound_ == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "expert",
    [DecisionTreeRegressor(), RandomForestRegressor(60, oob_score=True),
     KNeighborsRegressor(1)],
)  # fmt: skip
def test_an_expert_without_rows_does_not_see_those_held_out(rng, expert):
    X, y = rng.standard_normal((60, 2)), rng.standard_normal(60)
    folds = list(KFold(3).split(X))
    # The second has rows in the first test only, or none.
    for own in (np.arange(60) < 10, np.zeros(60, dtype=bool)):
        experts = [("a", expert), ("b", expert)]
        draw = RowDraws(RowSummary(X, y[:, None], np.ones(60))).steady
        pool = EstimatorPool(experts, draw=draw)
        weights = np.stack([~own, own], axis=1).astype(float)
        errors = pool.predict_held_out(X, y, weights, folds)[:, 1] - y
        assert np.abs(errors[own if own.any() else slice(None)]).min() > 1e-9
