"""Who reaches the best likelihood first?

The same model fitted by skmoe, by L-BFGS in torch (float64, all rows at once), by flexmix
and by cgmm. "To target" is when a run was first within 1e-6 of the best log-likelihood
that any run reached, relative; a run that ends elsewhere never is. From no start, torch
goes on from skmoe's "k-plane" after one iteration, which it pays for, and from the
weights that ``torch.nn.Linear`` would draw. The same start is the truth with noise on its
coefficients: skmoe is given its responsibilities, torch the gate and the experts fitted
to them, free of charge. skmoe is "tight" with tol=1e-8. Verdicts are on medians over the
seeds. The runs of the first seed are kept for the plot.

    python benchmarks/run.py rivals
"""

import json
from functools import partial

import harness
import numpy as np
from harness import fits, flexmix, start

TARGET = 1e-6
# Ends skmoe well within the target; the default's end is shown as well.
TIGHT = 1e-8
COLUMNS = (
    "run                       ", "seed", "seconds", "to target", "log-likelihood", "gap"
)  # fmt: skip


def torch_runs(problem, begins, seed, from_scratch):
    """Runs of torch by name, and why there are none."""
    absence = harness.peers.absence("torch")
    if absence:
        return {}, absence
    from harness import torch_mixture

    X, y = problem.X, problem.y
    runs = {
        f"torch, {name}": partial(torch_mixture.fit, X, y, begin)
        for name, begin in begins.items()
    }
    if from_scratch:
        n_experts = len(next(iter(begins.values())).gate)
        runs["torch, random weights"] = partial(
            torch_mixture.fit_from_scratch, X, y, n_experts, seed
        )
    return runs, None


def small_runs(problem, K, seed, skip_slow):
    """All packages, at a size that all can do; and why some are not there."""
    X, y = problem.X, problem.y
    near = start.near_truth(problem, seed)
    begins = {"k-plane": start.k_plane(X, y, K, seed), "same start": near}
    theirs, absence = torch_runs(problem, begins, seed, from_scratch=True)
    runs = {
        "skmoe": partial(fits.skmoe, X, y, K, seed),
        "skmoe, tight": partial(fits.skmoe, X, y, K, seed, tol=TIGHT),
        "skmoe, same start": partial(
            fits.skmoe, X, y, K, seed, tol=TIGHT, init=near.responsibilities
        ),
    } | theirs
    absences = {
        "torch": absence,
        "flexmix": harness.peers.flexmix_absence(),
        "cgmm": harness.peers.absence("cgmm"),
    }
    if absences["flexmix"] is None:
        runs["flexmix"] = partial(flexmix.fit, X, y, K, seed)
    if absences["cgmm"] is None and not skip_slow:
        runs["cgmm"] = partial(fits.cgmm, X, y, K, seed)
    return runs, absences


def large_runs(problem, K, seed, skip_slow):
    """skmoe and torch from one start, and skmoe from none."""
    near = start.near_truth(problem, seed)
    theirs, absence = torch_runs(problem, {"same start": near}, seed, from_scratch=False)
    X, y = problem.X, problem.y
    runs = {
        "skmoe, same start": partial(
            fits.skmoe, X, y, K, seed, tol=TIGHT, init=near.responsibilities
        ),
        "skmoe": partial(fits.skmoe, X, y, K, seed),
    }
    return runs | theirs, {"torch": absence}


def race(report, make_runs, n, d, K, seeds):
    """Run all for each seed; tables of seconds and of what was reached.

    Returns
    -------
    results : list of dict of str to (Fit, seconds to target)
    """
    report.table(f"n={n}, d={d}, K={K}", *COLUMNS)
    results, absences = [], {}
    for seed in seeds:
        problem = harness.data.regression(n, d, K, seed)
        # cgmm takes long, and does not vary much.
        runs, absences = make_runs(problem, K, seed, seed != seeds[0])
        found = {name: run() for name, run in runs.items()}
        best = max(fit.log_likelihood for fit in found.values())
        target = best - TARGET * abs(best)
        results.append({})
        for name, fit in found.items():
            trace = [*fit.trace, (fit.seconds, fit.log_likelihood)]
            reached = harness.timing.first_time(trace, target)
            results[-1][name] = fit, reached
            report.row(
                name, seed, fit.seconds, reached, f"{fit.log_likelihood:14.8f}",
                best - fit.log_likelihood, fit.note,
            )  # fmt: skip
    for name, reason in absences.items():
        if reason:
            report.note(f"{name}: {reason}")
    return results


def whole_ratio(theirs, ours):
    """Their seconds over ours to the end; nothing if ours ended at a worse optimum."""
    (theirs, _), (ours, _) = theirs, ours
    least = theirs.log_likelihood - TARGET * abs(theirs.log_likelihood)
    return theirs.seconds / ours.seconds if ours.log_likelihood >= least else 0.0


def target_ratio(theirs, ours):
    """Their seconds to the target over ours; infinite where only they miss it."""
    (_, theirs), (_, ours) = theirs, ours
    if np.isnan(ours):
        return 0.0
    return np.inf if np.isnan(theirs) else theirs / ours


def median_ratio(results, ratio, theirs, ours):
    """Median of a ratio over the seeds, or that the peer is absent."""
    if theirs not in results[0]:
        return f"{theirs} is absent"
    return float(np.median([ratio(found[theirs], found[ours]) for found in results]))


def traces(results):
    """The runs of the first seed as (seconds, gap), for the plot."""
    best = max(fit.log_likelihood for fit, _ in results[0].values())
    return {
        name: [(seconds, best - value) for seconds, value in fit.trace]
        for name, (fit, _) in results[0].items()
        if fit.trace
    }


def main():
    """A small race of all, and a large one with torch."""
    report = harness.Report(__doc__)
    quick = harness.is_quick()
    if harness.peers.flexmix_absence() is None:
        report.note(harness.peers.flexmix_version())
    small = race(report, small_runs, *(2_000, 5, 3) if quick else (10_000, 10, 4),
                 range(1 if quick else 5))  # fmt: skip
    report.verdict(
        "flexmix's time over skmoe's, from no start",
        median_ratio(small, whole_ratio, "flexmix", "skmoe"), at_least=20,
    )  # fmt: skip
    for theirs, ours in [
        ("torch, k-plane", "skmoe, tight"),
        ("torch, random weights", "skmoe, tight"),
        ("torch, same start", "skmoe, same start"),
    ]:
        measured = median_ratio(small, target_ratio, theirs, ours)
        report.verdict(f"{theirs}: time to target over skmoe's", measured, at_least=1)
    large = race(report, large_runs, *(10_000, 10, 4) if quick else (100_000, 20, 8),
                 range(1 if quick else 3))  # fmt: skip
    report.verdict(
        "torch, same start: time to target over skmoe's",
        median_ratio(large, target_ratio, "torch, same start", "skmoe, same start"),
        at_least=20,
    )  # fmt: skip
    file = harness.results_file("rivals.json")
    if file is not None:
        file.write_text(json.dumps({"small": traces(small), "large": traces(large)}))


if __name__ == "__main__":
    main()
