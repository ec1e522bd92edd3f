"""How often does one default start end at the optimum of a published mixture?

Fifty seeds for each set; published rates of flexmix are for a single random start. The
sets come with R packages, not with this one: they are below the folder that the
environment variable SKMOE_DATA names, which has a ``load.py`` that reads them.

    SKMOE_DATA=... python benchmarks/classical_starts.py
"""

import os
import sys
import time
import warnings

import numpy as np
from harness.report import Report
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate

N_SEEDS = 50
# Experts, columns of experts and gate, likelihood, the best log-likelihood known, and how
# often one start of flexmix finds it.
SETS = {
    "patent": (PoissonRegressor(alpha=0), ["lgRD"], ["RDS"], "poisson", -197.6750, 0.58),
    "nregfix": (LinearRegression(), ["x2", "x1"], ["w"], "gaussian", -399.3962, 0.82),
}


def on_columns(columns, last):
    return make_pipeline(make_column_transformer(("passthrough", columns)), last)


def reached(X, y, expert, expert_columns, gate_columns, likelihood):
    """Log-likelihood of each seed's fit, and the seconds that it took."""
    found, seconds = [], []
    for seed in range(N_SEEDS):
        model = MixtureOfExpertsRegressor(
            on_columns(expert_columns, expert),
            n_experts=3,
            gate=on_columns(gate_columns, SoftmaxGate(alpha=0)),
            likelihood=likelihood,
            random_state=seed,
        )
        start = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - start)
        found.append(model.score_samples(X, y).sum())
    return np.array(found), np.array(seconds)


def main():
    """Print one row for each set."""
    folder = os.environ.get("SKMOE_DATA")
    if folder is None:
        sys.exit("SKMOE_DATA is not set, so the sets cannot be found.")
    sys.path.insert(0, folder)
    from load import load

    warnings.simplefilter("ignore", ConvergenceWarning)
    report = Report(__doc__)
    report.table(
        f"{N_SEEDS} seeds, n_init=1, three experts",
        "set      ", "hits", "flexmix", "worst gap", "seconds",
    )  # fmt: skip
    verdicts = []
    for name, (*parts, best, rival) in SETS.items():
        X, y, *_ = load(name)
        found, seconds = reached(X, y, *parts)
        hits = np.mean(found > best - 1e-3)
        report.row(name, hits, rival, best - found.min(), np.median(seconds))
        verdicts.append((f"{name}: share of seeds at the optimum", hits))
    report.note("")
    for statement, hits in verdicts:
        report.verdict(statement, hits, at_least=0.9)


if __name__ == "__main__":
    main()
