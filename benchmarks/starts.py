"""How often does a start end at the best known optimum?

Twenty single default starts, and twenty fits with ``n_init=5``, on each of seven
problems. A fit hits when its mean log-likelihood is within 1e-3 per row of the best
known. The problems are in ``problems.py``, next to the folder that the environment
variable SKMOE_DATA names.

    SKMOE_DATA=... python benchmarks/starts.py > benchmarks/results/starts.txt
"""

import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmoe import MixtureOfExpertsRegressor

N_FITS = 20


def gaps(X, y, n_experts, best, n_init):
    """Best known less reached mean log-likelihood, and the seconds, of each fit."""
    result, seconds = [], []
    for seed in range(N_FITS):
        # Another block of seeds for several starts, or they would share the first one.
        model = MixtureOfExpertsRegressor(
            n_experts=n_experts, n_init=n_init, random_state=seed + 1000 * (n_init > 1)
        )
        start = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - start)
        result.append(best - model.score_samples(X, y).mean())
    return np.array(result), np.array(seconds)


def main():
    """Print one row for each problem, and the shares over all of them."""
    folder = os.environ.get("SKMOE_DATA")
    if folder is None:
        sys.exit("SKMOE_DATA is not set, so the problems cannot be found.")
    sys.path.insert(0, str(Path(folder).parent))
    import problems

    warnings.simplefilter("ignore", ConvergenceWarning)
    shares = {1: [], 5: []}
    print(f"{'problem':8} {'n_init':>6} {'hits':>6} {'median gap':>11} {'seconds':>8}")
    for name in problems.names():
        X, y, n_experts, best = problems.load(name)
        for n_init, found in shares.items():
            gap, seconds = gaps(X, y, n_experts, best, n_init)
            hits = np.mean(gap < 1e-3)
            found.append(hits)
            print(
                f"{name:8} {n_init:6d} {hits:6.2f} {np.median(gap):11.6f} "
                f"{np.median(seconds):8.2f}",
                flush=True,
            )
    for n_init, found in shares.items():
        print(f"all      {n_init:6d} {np.mean(found):6.3f}")


if __name__ == "__main__":
    main()
