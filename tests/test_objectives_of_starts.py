"""``init_results_["lower_bounds"]``: how every start has gone."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*did not converge", "ignore:.*no better than", "ignore:experts. .*ended with"
)


def regressor(**params):
    defaults = {"n_experts": 2, "n_init": 2, "max_iter": 6, "random_state": 0}
    return MixtureOfExpertsRegressor(**{**defaults, **params})


def check_objectives(model, n_starts):
    """All starts are there, and the best is the one that was kept."""
    results = model.init_results_
    bounds = results["lower_bounds"]
    assert [len(own) for own in bounds] == results["n_iter"].tolist()
    assert len(bounds) == n_starts
    best = bounds[results["lower_bound"].argmax()]
    np.testing.assert_array_equal(best, model.lower_bounds_)
    return bounds


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_jobs": 2, "init": "random", "n_init": 3},
        {"experts": Ridge()},
        {"experts": Ridge(), "solver": "hard-em"},
        {"solver": "stochastic-em", "experts": Ridge()},
        {"experts": DecisionTreeRegressor(max_depth=2), "max_iter": 3},
        {"solver": "gradient"},
        {"solver": "gradient", "early_stopping": True},
        {"top_k": 1, "n_experts": 3},
        {"n_experts": "auto"},
    ],
    ids=str,
)
def test_every_solver_tells(two_regimes, params):
    X, y = two_regimes
    model = regressor(**params).fit(X, y)
    bounds = check_objectives(model, model.n_init)
    assert all(np.isfinite(own).all() for own in bounds)
    # Starts differ, so that it is each one's own that is told.
    assert not np.array_equal(bounds[0], bounds[1])


def test_a_start_ends_at_its_bound(two_regimes):
    X, y = two_regimes
    model = regressor(init="random", n_init=4, n_experts=3, max_iter=100).fit(X, y)
    ends = [bounds[-1] for bounds in model.init_results_["lower_bounds"]]
    np.testing.assert_allclose(ends, model.init_results_["lower_bound"])


def test_a_classifier_tells(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_init=2, max_iter=3, random_state=0)
    check_objectives(model.fit(X, y), 2)


def test_blocks_of_rows_tell_what_one_table_does(two_regimes):
    X, y = two_regimes
    whole = regressor().fit(X, y)
    blocks = regressor().fit([X[:100], X[100:]], [y[:100], y[100:]])
    for one, other in zip(
        check_objectives(whole, 2), check_objectives(blocks, 2), strict=True
    ):
        np.testing.assert_allclose(other, one, rtol=1e-8)


def test_what_goes_on_is_one_start(two_regimes):
    X, y = two_regimes
    model = regressor(warm_start=True).fit(X, y)
    check_objectives(model.fit(X, y), 1)
    n_before = model.n_iter_
    model.partial_fit(X, y).partial_fit(X, y)
    (bounds,) = check_objectives(model, 1)
    assert len(bounds) == n_before + 2
