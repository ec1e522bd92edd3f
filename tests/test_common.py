"""scikit-learn's own checks: no expected failure."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

INSTANCES = [
    MixtureOfExpertsRegressor(),
    MixtureOfExpertsClassifier(),
    MixtureOfExpertsRegressor(
        n_experts=2, gate=LogisticRegression(solver="newton-cholesky", tol=1e-12)
    ),
    MixtureOfExpertsRegressor(Ridge(), n_experts=2, solver="hard-em"),
    MixtureOfExpertsRegressor(
        [("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]
    ),
    MixtureOfExpertsClassifier(
        [
            # Weights equal repeated rows to 1e-7 only where a solver goes that far.
            ("linear", LogisticRegression(solver="newton-cholesky", tol=1e-12)),
            ("bayes", BernoulliNB()),
        ],
    ),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
@parametrize_with_checks(INSTANCES)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
