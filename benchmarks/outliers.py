"""Do two lines survive gross outliers?

Two lines, one row in ten (or three) anywhere far from both: twenty fits with one default
start for each likelihood. A fit *keeps* its slopes if both are within five per cent.
Noise components also tell which rows are outliers: ``found`` is the share of the
outliers that are, ``false`` the share of the other rows that are called so.

    python benchmarks/outliers.py > benchmarks/results/outliers.txt
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmoe import MixtureOfExpertsRegressor
from skmoe.likelihoods import NoiseLikelihood

N_SEEDS = 20
N_SAMPLES = 500
SLOPES = np.array([-2.0, 3.0])
LIKELIHOODS = {
    "gaussian": "gaussian",
    "laplace": "laplace",
    "student_t": "student_t",
    "noise, gaussian": NoiseLikelihood(),
    "noise, laplace": NoiseLikelihood("laplace"),
    "noise, student_t": NoiseLikelihood("student_t"),
}


def hinge(rng):
    """A line on each side of zero."""
    X = rng.uniform(-2, 2, size=(N_SAMPLES, 1))
    return X, np.where(X[:, 0] > 0, 3 * X[:, 0] + 1, -2 * X[:, 0])


def crossing(rng):
    """Two lines for the same x, which cross."""
    X = rng.uniform(-2, 2, size=(N_SAMPLES, 1))
    return X, np.where(rng.uniform(size=N_SAMPLES) < 0.5, 3 * X[:, 0], -2 * X[:, 0])


def both_sides(rng):
    """Far above and far below."""
    return rng.uniform(10, 40, N_SAMPLES) * rng.choice([-1, 1], N_SAMPLES)


def one_side(rng):
    """Far above."""
    return rng.uniform(15, 40, N_SAMPLES)


PROBLEMS = {
    "hinge, 10 %": (hinge, both_sides, 0.1),
    "crossing, 10 %": (crossing, both_sides, 0.1),
    "hinge, above": (hinge, one_side, 0.1),
    "hinge, 30 %": (hinge, both_sides, 0.3),
}


def problem(name, seed):
    """Rows, and which are outliers."""
    lines, outliers, share = PROBLEMS[name]
    rng = np.random.default_rng(seed)
    X, y = lines(rng)
    y = y + 0.2 * rng.standard_normal(N_SAMPLES)
    is_outlier = rng.permutation(N_SAMPLES) < share * N_SAMPLES
    return X, np.where(is_outlier, outliers(rng), y), is_outlier


def measure(name, likelihood):
    """Fits that keep their slopes, shares of rows, and seconds, for all seeds."""
    kept, found, false, seconds = [], [], [], []
    for seed in range(N_SEEDS):
        X, y, is_outlier = problem(name, seed)
        model = MixtureOfExpertsRegressor(
            n_experts=2, likelihood=likelihood, random_state=seed
        )
        start = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - start)
        slopes = np.sort([model.experts_[k].coef_.item() for k in range(2)])
        kept.append((np.abs(slopes / SLOPES - 1) < 0.05).all())
        if model.inlier_mask_ is not None:
            found.append((~model.inlier_mask_)[is_outlier].mean())
            false.append((~model.inlier_mask_)[~is_outlier].mean())
    return sum(kept), found, false, np.median(seconds)


def main():
    """Print one row for each problem and likelihood."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", "experts.* ended with less")
    print(
        f"{'problem':15} {'likelihood':17} {'kept':>6} {'found':>6} {'least':>6} "
        f"{'false':>6} {'most':>6} {'seconds':>8}"
    )
    for name in PROBLEMS:
        for label, likelihood in LIKELIHOODS.items():
            kept, found, false, seconds = measure(name, likelihood)
            shares = " " * 27
            if found:
                shares = (
                    f"{np.mean(found):6.3f} {min(found):6.3f} {np.mean(false):6.3f} "
                    f"{max(false):6.3f}"
                )
            print(
                f"{name:15} {label:17} {kept:3d}/{N_SEEDS} {shares} {seconds:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
