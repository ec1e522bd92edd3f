"""What does a mixture of logistic experts cost, next to one logistic regression?

Four logistic experts on 100,000 rows of 20 columns, against scikit-learn's
LogisticRegression with its defaults on the same rows. Log-loss is on the training rows,
whose log-loss under the model they are drawn from is the truth's.

    python benchmarks/run.py classification
"""

import warnings

import harness
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skmoe import MixtureOfExpertsClassifier

D, K = 20, 4


def fitted(model, problem):
    """Seconds of a fit, and the log-loss it reached."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, _ = harness.timing.timed(lambda: model.fit(problem.X, problem.y))
    return seconds, log_loss(problem.y, model.predict_proba(problem.X))


def main():
    """A row for each seed and number of classes."""
    report = harness.Report(__doc__)
    n, seeds = (10_000, range(1)) if harness.is_quick() else (100_000, range(3))
    report.table(
        f"n={n}, d={D}, K={K}",
        "classes", "seed", "truth", "skmoe", "skmoe s", "logistic", "logistic s", "ratio",
    )  # fmt: skip
    ratios = {2: [], 4: []}
    for n_classes, found in ratios.items():
        for seed in seeds:
            problem = harness.data.classification(n, D, K, seed, n_classes)
            # The quick one on both sides of the slow one.
            before, _ = fitted(LogisticRegression(), problem)
            model = MixtureOfExpertsClassifier(n_experts=K, random_state=seed)
            ours, reached = fitted(model, problem)
            after, peer = fitted(LogisticRegression(), problem)
            found.append(ours / ((before + after) / 2))
            truth = -problem.truth_log_likelihood
            report.row(
                n_classes, seed, truth, reached, ours, peer, (before + after) / 2,
                found[-1],
            )  # fmt: skip
    for n_classes, found in ratios.items():
        statement = f"{n_classes} classes: time over LogisticRegression's, median"
        report.verdict(statement, np.median(found), at_most=10)


if __name__ == "__main__":
    main()
