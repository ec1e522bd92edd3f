"""Is a mixture of linear experts worth fitting, next to what a user would pick instead?

Default models, trained on four fifths of the rows and judged on the rest. The mixture
predicts a density. A point model is given the normal density with the standard deviation
of its own errors on the test rows, the best constant there is for it; a higher likelihood
is not to be had from it. NLL is the mean negative log-likelihood of a test row, in the
units of y.

    python benchmarks/run.py users_choice
"""

import warnings

import harness
import numpy as np
from harness import models
from sklearn.model_selection import train_test_split

# Experts for each of the shared data sets.
TABLES = {"cal_housing": 8, "2dplanes": 2, "power_plant": 4}


def negative_log_likelihood(model, X, y):
    """Of the test rows: the mixture's own, or a normal one's of the best width."""
    if hasattr(model, "score_samples"):
        return -model.score_samples(X, y).mean()
    return 0.5 * np.log(2 * np.pi * np.e * np.mean((y - model.predict(X)) ** 2))


def compare(report, title, X, y, n_experts):
    """One table: all models on one data set."""
    report.table(
        f"{title}: {len(X)} rows, {X.shape[1]} columns, {n_experts} experts",
        "model               ", "RMSE", "NLL", "fit s",
    )  # fmt: skip
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, random_state=0
    )
    for name, model in models.choices(n_experts, report).items():
        seconds, _ = harness.timing.timed(lambda m=model: m.fit(X_train, y_train))
        error = np.sqrt(np.mean((y_test - model.predict(X_test)) ** 2))
        nll = negative_log_likelihood(model, X_test, y_test)
        report.row(name, error, nll, seconds)


def main():
    """Data from a mixture of linear experts, and real data."""
    warnings.simplefilter("ignore")
    report = harness.Report(__doc__)
    n = 10_000 if harness.is_quick() else 100_000
    problem = harness.data.regression(n, 20, 8, 0)
    compare(report, "make_moe_regression", problem.X, problem.y, 8)
    report.note(f"truth: NLL {-problem.truth_log_likelihood:.4f} over all rows")
    for name, n_experts in TABLES.items():
        table = harness.data.shared_table(name)
        if table is None:
            report.note(f"{name}: skipped, {harness.data.MISSING}")
        else:
            compare(report, name, *table, n_experts)


if __name__ == "__main__":
    main()
