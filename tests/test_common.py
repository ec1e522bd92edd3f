"""scikit-learn's own checks: no expected failure."""

import pytest
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import BernoulliNB
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

INSTANCES = [
    MixtureOfExpertsRegressor(),
    MixtureOfExpertsClassifier(),
    MixtureOfExpertsRegressor(n_experts=2, gate=BernoulliNB()),
    MixtureOfExpertsRegressor(Ridge(), n_experts=2, solver="hard-em"),
    MixtureOfExpertsRegressor(
        [
            # With its default, a sparse fit is good to three digits only.
            ("linear", Ridge(solver="lsqr", tol=1e-13)),
            ("tree", DecisionTreeRegressor(max_depth=2)),
        ]
    ),
    # Weights equal repeated rows to 1e-7 only where the experts go that far.
    MixtureOfExpertsClassifier(
        [("smooth", BernoulliNB()), ("raw", BernoulliNB(alpha=1e-3))]
    ),
    MixtureOfExpertsRegressor(n_experts=3, top_k=2),
    MixtureOfExpertsClassifier(n_experts=3, top_k=1, max_iter=12),
    MixtureOfExpertsRegressor(Ridge(), n_experts=2, top_k=1, shared_expert=Ridge()),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:experts.* ended with less:UserWarning")
@pytest.mark.filterwarnings("ignore:the held-out log-likelihood:UserWarning")
@parametrize_with_checks(INSTANCES)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
