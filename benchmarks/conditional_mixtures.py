"""Is it better to fit p(y | x), or p(x, y) and then to condition on x?

A joint Gaussian mixture of [X, y], conditioned on x, is a mixture of linear experts as
well, with a gate made of Gaussian densities of x. It is fitted to the rows of X, too, so
that its components also go where x is, whatever y does. Here cgmm's, and its own mixture
of experts, next to skmoe, all by default with the same number of components; "hidden" has
ten columns of heavy-tailed noise besides. Negative log-likelihood of a test row in nats,
root mean squared error, and seconds for all five folds.

    python benchmarks/run.py conditional_mixtures
"""

import harness
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression


def problems():
    """Name, X, y and number of experts."""
    data = load_diabetes(scaled=False)
    columns = [data.feature_names.index(name) for name in ("bmi", "bp", "s5")]
    yield "diabetes, bmi bp s5", data.data[:, columns], data.target, 2
    X, y = make_moe_regression(1000, 5, 3, random_state=0)
    yield "make_moe_regression", X, y, 3
    noise = np.random.RandomState(0).standard_t(3, size=(len(X), 10))
    yield "the same, hidden", np.hstack([X, noise]), y, 3


def makers(n_experts):
    """Name, a function that makes a model, and the name of its log-likelihood."""
    options = {"random_state": 0}
    yield (
        "skmoe",
        lambda: MixtureOfExpertsRegressor(n_experts=n_experts, **options),
        "score_samples",
    )
    if harness.peers.absence("cgmm") is None:
        import cgmm

        joint, experts = cgmm.ConditionalGMMRegressor, cgmm.MixtureOfExpertsRegressor
        yield "cgmm, joint", lambda: joint(n_experts, **options), "log_prob"
        yield "cgmm, experts", lambda: experts(n_experts, **options), "log_prob"


def held_out(make, scorer, X, y):
    """Log-likelihood and error of rows by fits to other rows, and the seconds."""
    mean, log_likelihood, seconds = np.empty(len(y)), np.empty(len(y)), 0.0
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        own, model = harness.timing.timed(lambda rows=train: make().fit(X[rows], y[rows]))
        seconds += own
        mean[test] = np.ravel(model.predict(X[test]))
        log_likelihood[test] = np.ravel(getattr(model, scorer)(X[test], y[test]))
    return -log_likelihood.mean(), np.sqrt(np.mean((y - mean) ** 2)), seconds


def main():
    """One table, a line for each data set and model."""
    report = harness.Report(__doc__)
    report.table(
        "five folds", f"{'data':20} ", f"{'model':14} ", "K", "NLL", "RMSE", "seconds"
    )
    absence = harness.peers.absence("cgmm")
    if absence:
        report.note(f"cgmm: {absence}")
    for name, X, y, n_experts in problems():
        if harness.is_quick():
            X, y = X[:200], y[:200]
        for kind, make, scorer in makers(n_experts):
            found = held_out(make, scorer, X, y)
            report.row(f"{name:21}", f"{kind:15}", n_experts, *found)


if __name__ == "__main__":
    main()
