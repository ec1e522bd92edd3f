"""What a small fit and an import cost.

A default fit on 300 rows x 5 columns, alone and within ``cross_val_score``, and the time
to import skmoe once scikit-learn's linear models are there. Medians over repeats.

    OPENBLAS_NUM_THREADS=1 python benchmarks/overhead.py > benchmarks/results/overhead.txt
"""

import subprocess
import sys
import time
import warnings

import numpy as np
from sklearn.model_selection import cross_val_score

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_classification, make_moe_regression

N_REPEATS = 21


def milliseconds(function):
    """Median time of one call."""
    seconds = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return 1e3 * np.median(seconds)


def import_milliseconds():
    """Median times of importing scikit-learn's linear models, and then skmoe."""
    code = (
        "import time; a = time.perf_counter(); import sklearn.linear_model; "
        "b = time.perf_counter(); import skmoe; print(b - a, time.perf_counter() - b)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(N_REPEATS)
    ]
    return 1e3 * np.median(np.array(runs, dtype=float), axis=0)


def main():
    """Print one line for each figure."""
    warnings.simplefilter("ignore")
    for estimator, generate in [
        (MixtureOfExpertsRegressor, make_moe_regression),
        (MixtureOfExpertsClassifier, make_moe_classification),
    ]:
        X, y = generate(300, 5, random_state=0)
        model = estimator(random_state=0)
        name = estimator.__name__
        print(f"{name}: fit {milliseconds(lambda: model.fit(X, y)):.1f} ms")  # noqa: B023
        within = milliseconds(lambda: cross_val_score(model, X, y, cv=5)) / 5  # noqa: B023
        print(f"{name}: within cross_val_score {within:.1f} ms a fold")
    base, own = import_milliseconds()
    print(f"import: sklearn.linear_model {base:.0f} ms, then skmoe {own:.0f} ms")


if __name__ == "__main__":
    main()
