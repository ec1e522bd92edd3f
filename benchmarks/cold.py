"""Does a default fit reach the truth's likelihood, and how long does it take?

A default mixture of eight linear experts on 100,000 rows of 20 columns, from no start at
all, against scikit-learn's Gaussian mixture of [X, y]; and the same on ten times the
rows. The truth's own mean log-likelihood is known; the gap to it is given per row, and is
negative where the fit is above. ``make_moe_regression`` draws float64 and the shared
generator float32 data, and each model is given what was drawn.

    python benchmarks/run.py cold
"""

import harness
import numpy as np

D, K = 20, 8
WITHIN = 1e-3


def race(report, name, generate, n, seeds):
    """Ten seeds of one generator: the gaps, and the times as shares of the peer's."""
    report.table(
        f"{name}, n={n}, d={D}, K={K}",
        "seed", "truth", "skmoe s", "skmoe gap", "iterations", "GM s", "GM gap", "ratio",
    )  # fmt: skip
    gaps, ratios = [], []
    for seed in seeds:
        problem = generate(n, D, K, seed)
        ours = harness.fits.skmoe(problem.X, problem.y, K, seed)
        peer = harness.fits.gaussian_mixture(problem.X, problem.y, K, seed)
        truth = problem.truth_log_likelihood
        gaps.append(truth - ours.log_likelihood)
        ratios.append(ours.seconds / peer.seconds)
        report.row(
            seed, truth, ours.seconds, gaps[-1], ours.model.n_iter_,
            peer.seconds, truth - peer.log_likelihood, ratios[-1],
        )  # fmt: skip
    hits = np.mean(np.array(gaps) <= WITHIN)
    report.verdict(f"{name}: share of seeds within 1e-3 of the truth", hits, at_least=0.9)
    report.note(f"time ratios from {min(ratios):.2f} to {max(ratios):.2f}")
    report.verdict(
        f"{name}: time over GaussianMixture's, median", np.median(ratios), at_most=0.7
    )


def growth(report, n, seeds):
    """Ten times the rows: the time, as a multiple."""
    report.table(
        f"make_moe_regression, ten times the rows, d={D}, K={K}",
        "seed", "n", "seconds", "10 n", "seconds", "gap", "multiple",
    )  # fmt: skip
    multiples = []
    for seed in seeds:
        large = harness.data.regression(10 * n, D, K, seed)
        # By turns, small before and after large.
        small = harness.data.regression(n, D, K, seed)
        before = harness.fits.skmoe(small.X, small.y, K, seed).seconds
        fit = harness.fits.skmoe(large.X, large.y, K, seed)
        after = harness.fits.skmoe(small.X, small.y, K, seed).seconds
        seconds = (before + after) / 2
        multiples.append(fit.seconds / seconds)
        gap = large.truth_log_likelihood - fit.log_likelihood
        report.row(seed, n, seconds, 10 * n, fit.seconds, gap, multiples[-1])
    report.verdict("time at 10 n over time at n", np.median(multiples), at_most=2.5)


def main():
    """Two generators, and ten times the rows."""
    report = harness.Report(__doc__)
    quick = harness.is_quick()
    n, seeds = (20_000, range(2)) if quick else (100_000, range(10))
    race(report, "make_moe_regression", harness.data.regression, n, seeds)
    if harness.data.shared_module("gen_moe.py") is None:
        report.note(f"gen_moe: skipped, {harness.data.MISSING}")
    else:
        race(report, "gen_moe", harness.data.shared_regression, n, seeds)
    growth(report, n, seeds[:1] if quick else seeds[:3])


if __name__ == "__main__":
    main()
