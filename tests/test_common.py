"""scikit-learn's own checks: no expected failure."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import column_or_1d
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.likelihoods import NoiseLikelihood


class OfCounts(MixtureOfExpertsRegressor):
    """Takes the numbers that the checks have as targets for one column of counts."""

    def _check_range(self, y, likelihood):
        y = np.round(np.abs(column_or_1d(y, warn=True)))
        y = np.minimum(y, 1) if self.likelihood == "binomial" else y
        return super()._check_range(y, likelihood)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # of other targets
        return tags


INSTANCES = [
    OfCounts(n_experts=2, likelihood="poisson"),
    OfCounts(n_experts=2, likelihood="negative_binomial"),
    OfCounts(LogisticRegression(solver="newton-cholesky"), 2, likelihood="binomial"),
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
    MixtureOfExpertsRegressor(n_experts=2, likelihood=NoiseLikelihood()),
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
