"""Is a mixture better than k-means, and a model for each cluster?

The recipe by hand: k-means on the standardised columns, then a linear regression and a
variance for each cluster. It finds rows that look alike; a mixture finds rows that follow
one rule. Both have the same number of experts, and linear ones. Root mean squared error,
and negative log-likelihood of a test row in nats, over ten folds; the gain is the mean
difference of a row's log-likelihood, with its standard error.

    python benchmarks/run.py kmeans_per_cluster
"""

import harness
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, make_blobs, make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression


class RegressionPerCluster(RegressorMixin, BaseEstimator):
    """Linear regressions of the rows of k-means' clusters."""

    def __init__(self, n_clusters=3, random_state=None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the clusters, then a regression and a variance for each."""
        self.scaler_ = StandardScaler().fit(X)
        self.clusters_ = KMeans(self.n_clusters, random_state=self.random_state)
        labels = self.clusters_.fit_predict(self.scaler_.transform(X))
        self.lines_, self.variances_ = [], np.empty(self.n_clusters)
        for k in range(self.n_clusters):
            rows = labels == k
            line = LinearRegression().fit(X[rows], y[rows])
            self.lines_.append(line)
            self.variances_[k] = np.mean((y[rows] - line.predict(X[rows])) ** 2)
        return self

    def _mean_and_variance(self, X):
        labels = self.clusters_.predict(self.scaler_.transform(X))
        answers = np.column_stack([line.predict(X) for line in self.lines_])
        return answers[np.arange(len(X)), labels], self.variances_[labels]

    def predict(self, X):
        """Predict by the line of each row's cluster."""
        return self._mean_and_variance(X)[0]

    def score_samples(self, X, y):
        """Log-density of each row, normal around the line of its cluster."""
        mean, variance = self._mean_and_variance(X)
        return -0.5 * (np.log(2 * np.pi * variance) + (y - mean) ** 2 / variance)


def problems():
    """Name, X, y and number of experts."""
    diabetes = load_diabetes(scaled=False)
    columns = [diabetes.feature_names.index(name) for name in ("bmi", "bp", "s5")]
    yield "diabetes, bmi bp s5", diabetes.data[:, columns], diabetes.target, 2
    yield "diabetes, all columns", diabetes.data, diabetes.target, 2
    yield "make_moe_regression", *make_moe_regression(2000, 5, 3, random_state=0), 3
    yield "make_friedman1", *make_friedman1(2000, noise=1.0, random_state=0), 3
    yield "a line for each blob", *lines_of_blobs(2000, 3), 3


def lines_of_blobs(n_samples, n_blobs):
    """Clusters that are far apart, with a line and a noise for each."""
    X, labels = make_blobs(n_samples, 3, centers=n_blobs, random_state=0)
    rng = np.random.RandomState(0)
    slopes = rng.normal(size=(n_blobs, 3))
    y = np.einsum("nd,nd->n", X, slopes[labels])
    return X, y + (0.5 + 0.5 * labels) * rng.normal(size=n_samples)


def held_out(model, X, y):
    """Predictions and log-likelihoods of each row by a fit to other rows."""
    mean, log_likelihood = np.empty(len(y)), np.empty(len(y))
    for train, test in KFold(10, shuffle=True, random_state=0).split(X):
        model.fit(X[train], y[train])
        mean[test] = model.predict(X[test])
        log_likelihood[test] = model.score_samples(X[test], y[test])
    return np.sqrt(np.mean((y - mean) ** 2)), log_likelihood


def main():
    """One table, a line for each data set."""
    report = harness.Report(__doc__)
    report.table(
        "ten folds; gain: of the mixture over k-means, in nats per row",
        f"{'data':24} ", "K", "RMSE one", "k-means", "mixture",
        "NLL one", "k-means", "mixture", "gain", "its error",
    )  # fmt: skip
    for name, X, y, n_experts in problems():
        if harness.is_quick():
            X, y = X[:300], y[:300]
        models = [
            RegressionPerCluster(1, random_state=0),
            RegressionPerCluster(n_experts, random_state=0),
            MixtureOfExpertsRegressor(n_experts=n_experts, n_init=3, random_state=0),
        ]
        errors, scores = zip(*(held_out(model, X, y) for model in models), strict=True)
        gain = scores[2] - scores[1]
        report.row(
            f"{name:25}", n_experts, *errors, *(-score.mean() for score in scores),
            gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain)),
        )  # fmt: skip


if __name__ == "__main__":
    main()
