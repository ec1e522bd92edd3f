"""How does the time of a fit grow with rows, columns and experts?

Default fits over a range of each, the others held at n=100,000, d=20, K=8; peers on the
way along n, each up to a size that takes minutes. The gap is the truth's mean
log-likelihood less the one reached. The rows go to a CSV file for the plot.

    python benchmarks/run.py scaling
"""

import csv
from functools import partial

import harness
from harness import fits, flexmix, start

N, D, K = 100_000, 20, 8
# Largest number of rows that a peer is given.
LIMITS = {"GaussianMixture": 10**6, "torch": 10**5, "flexmix": 10**4, "cgmm": 3000}
FIELDS = ("sweep", "n", "d", "K", "model", "seconds", "log_likelihood", "truth")


def sweeps(quick):
    """Name of what varies, and the sizes."""
    if quick:
        yield "n", [(n, 5, 3) for n in (1_000, 3_000, 10_000)]
        yield "d", [(10_000, d, 3) for d in (5, 20)]
        yield "K", [(10_000, 5, K) for K in (2, 4)]
        return
    rows = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    yield "n", [(n, D, K) for n in rows]
    yield "d", [(N, d, K) for d in (5, 10, 20, 50, 100)]
    yield "K", [(N, D, n_experts) for n_experts in (2, 4, 8, 16, 32)]


def torch_fit(X, y, n_experts):
    """torch from a plain start of skmoe, whose time counts."""
    from harness import torch_mixture

    return torch_mixture.fit(X, y, start.k_plane(X, y, n_experts, 0))


def peers(report):
    """Fits of the peers that are there, by name."""
    reasons = {
        "GaussianMixture": None,
        "torch": harness.peers.absence("torch"),
        "flexmix": harness.peers.flexmix_absence(),
        "cgmm": harness.peers.absence("cgmm"),
    }
    for name, reason in reasons.items():
        if reason:
            report.note(f"{name}: {reason}")
    found = [fits.gaussian_mixture, torch_fit, flexmix.fit, fits.cgmm]
    return {
        name: fit
        for (name, reason), fit in zip(reasons.items(), found, strict=True)
        if reason is None
    }


def runs_for(problem, n_experts, sweep, others):
    """What is fitted at one size: skmoe always, peers along n up to their limits."""
    X, y = problem.X, problem.y
    runs = {"skmoe": partial(fits.skmoe, X, y, n_experts)}
    if sweep == "n":
        runs |= {
            name: partial(fit, X, y, n_experts)
            for name, fit in others.items()
            if len(X) <= LIMITS[name]
        }
    return runs


def main():
    """A table for each sweep, and the CSV file."""
    report = harness.Report(__doc__)
    others = peers(report)
    lines = []
    for sweep, sizes in sweeps(harness.is_quick()):
        report.table(
            f"along {sweep}", "n", "d", "K", "model          ", "seconds", "gap", "note"
        )
        for n, d, n_experts in sizes:
            problem = harness.data.regression(n, d, n_experts, 0)
            truth = problem.truth_log_likelihood
            for name, run in runs_for(problem, n_experts, sweep, others).items():
                fit = run()
                gap = truth - fit.log_likelihood
                report.row(n, d, n_experts, name, fit.seconds, gap, fit.note)
                lines.append(
                    (sweep, n, d, n_experts, name, fit.seconds, fit.log_likelihood, truth)
                )
    file = harness.results_file("scaling.csv")
    if file is not None:
        with file.open("w", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerows([FIELDS, *lines])


if __name__ == "__main__":
    main()
