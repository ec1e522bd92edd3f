"""Do steps on mini-batches end where EM ends, and do they train other experts?

First table: linear experts by EM and by steps on batches, from the same random states,
on data in memory: the mean log-likelihood per row of both, each the best of three starts.
Second table: experts that learn by their own ``partial_fit``, one alone and mixtures of
them, trained by steps on batches; the mean negative log-likelihood of held-out rows over
three folds. Columns (and y, in regression) are in standard units.

    python benchmarks/run.py gradient
"""

import warnings

import harness
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import LabelEncoder, StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

LINEAR = {"kin8nm": 4, "cal_housing": 6, "power_plant": 4, "2dplanes": 2, "energy": 3}
REGRESSION, CLASSIFICATION = ("kin8nm", "cal_housing"), ("pendigits", "satimage")
N_EXPERTS = (1, 2, 4)


def standard(X, y):
    """Columns in standard units, missing values at the mean; y too, if it is numbers."""
    X = np.where(np.isfinite(X), X, np.nanmean(X, axis=0))
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def against_em(report):
    """Linear experts by both ways; the largest difference."""
    report.table(
        "linear experts, mean log-likelihood per row, y in standard units",
        "data          ", "rows", "K", "EM", "steps", "difference", "EM s", "steps s",
    )  # fmt: skip
    largest = 0.0
    tables = {name: (harness.data.shared_table(name), k) for name, k in LINEAR.items()}
    n = 10_000 if harness.is_quick() else 100_000
    problem = harness.data.regression(n, 10, 5, 0)
    tables["make_moe"] = ((problem.X, problem.y), 5)
    for name, (table, n_experts) in tables.items():
        if table is None:
            report.note(f"{name}: skipped, {harness.data.MISSING}")
            continue
        X, y = standard(*table)
        rows, models = [], {}
        for solver in ("em", "gradient"):
            model = MixtureOfExpertsRegressor(
                n_experts=n_experts, solver=solver, n_init=3, random_state=0
            )
            seconds, _ = harness.timing.timed(lambda m=model, X=X, y=y: m.fit(X, y))
            models[solver] = float(model.score_samples(X, y).mean())
            rows.append(seconds)
        by_em, by_steps = models["em"], models["gradient"]
        report.row(name, len(y), n_experts, by_em, by_steps, by_steps - by_em, *rows)
        largest = max(largest, by_em - by_steps)
    report.verdict("EM above steps on batches, nats per row", largest, at_most=0.01)


def folds(X, y, is_classification):
    """Three pairs of training and test rows."""
    kind = StratifiedKFold if is_classification else KFold
    return kind(3, shuffle=True, random_state=0).split(X, y)


def other_experts(report):
    """Networks and SGD, alone and as experts."""
    report.table(
        "negative log-likelihood of held-out rows, three folds",
        "data          ", "expert             ", "K", "NLL", "seconds",
    )  # fmt: skip
    names = REGRESSION + CLASSIFICATION
    for name in names[:1] if harness.is_quick() else names:
        is_classification = name in CLASSIFICATION
        table = table_of(name, is_classification)
        if table is None:
            report.note(f"{name}: skipped, {harness.data.MISSING}")
            continue
        X, y = table
        scores = {}
        for n_experts in N_EXPERTS:
            values, total = [], 0.0
            for train, test in folds(X, y, is_classification):
                model = make(n_experts, is_classification)
                seconds, _ = harness.timing.timed(
                    lambda m=model, rows=train, X=X, y=y: m.fit(X[rows], y[rows])
                )
                values.append(-model.score_samples(X[test], y[test]).mean())
                total += seconds
            scores[n_experts] = float(np.mean(values))
            kind = "SGDClassifier" if is_classification else "MLPRegressor"
            report.row(name, kind, n_experts, scores[n_experts], total / 3)
        best = min(value for k, value in scores.items() if k > 1)
        report.verdict(
            f"{name}: best mixture's NLL below the expert's", scores[1] - best, at_least=0
        )


def table_of(name, is_classification):
    """X and y in standard units, or None."""
    loader = harness.data.shared_module("data/load.py")
    if loader is None:
        return None
    X, y, _, _ = loader.load(name)
    X = X.to_numpy(dtype=float)
    if is_classification:
        codes = LabelEncoder().fit_transform(y)
        return standard(X, np.arange(len(X)))[0], codes
    return standard(X, y.to_numpy(dtype=float))


def make(n_experts, is_classification):
    """A mixture that is trained by steps on batches."""
    options = {"solver": "gradient", "n_experts": n_experts, "random_state": 0}
    if is_classification:
        expert = SGDClassifier(loss="log_loss", alpha=1e-3)
        return MixtureOfExpertsClassifier(expert, max_iter=30, **options)
    expert = MLPRegressor(hidden_layer_sizes=(50,))
    return MixtureOfExpertsRegressor(
        expert, early_stopping=True, n_iter_no_change=10, **options
    )


def main():
    """Both tables."""
    warnings.simplefilter("ignore")
    report = harness.Report(__doc__)
    against_em(report)
    other_experts(report)


if __name__ == "__main__":
    main()
