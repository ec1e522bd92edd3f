"""Does a stream, seen once in batches, end near the truth; how fast, in what memory?

Rows of a mixture of linear experts with a known truth lie in files, from which batches
of 1024 are read in a fresh process and given to ``partial_fit``, once and once more. The
gap is what the truth's log-likelihood per row is above the model's, on all rows. Rows per
second are those of ``partial_fit`` alone, starts included, by the wall and by the seconds
of its one core; these are fewer where others use the machine. Memory is the peak above
what the process held when all was imported; pages of the files, which the kernel may take
back at any time, are let go after each batch.

    python benchmarks/run.py streaming
"""

import json
import mmap
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import harness
import numpy as np
from harness.memory import MEGABYTE, forget_peak, peak, resident
from sklearn.utils import gen_batches

from skmoe import MixtureOfExpertsRegressor

D, K, BATCH, N_PASSES = 20, 8, 1024, 2


def opened(folder):
    """X and y, mapped from their files."""
    return [np.load(folder / f"{name}.npy", mmap_mode="r") for name in "Xy"]


def let_go(*arrays):
    """Tell the kernel that the pages of mapped arrays are not needed."""
    for array in arrays:
        array._mmap.madvise(mmap.MADV_DONTNEED)


def measure(folder):
    """In the child: one pass after the other; print what came of each as JSON."""
    X, y = opened(folder)
    model = MixtureOfExpertsRegressor(n_experts=K, random_state=0)
    forget_peak()
    before, seconds, core = resident(), 0.0, 0.0
    for _ in range(N_PASSES):
        for part in gen_batches(len(X), BATCH):
            batch = np.array(X[part]), np.array(y[part])
            began = process_time()
            taken, _ = harness.timing.timed(lambda b=batch: model.partial_fit(*b))
            seconds, core = seconds + taken, core + process_time() - began
            let_go(X, y)
        above = peak() - before
        total = 0.0
        for part in gen_batches(len(X), 50_000):
            total += model.score_samples(np.array(X[part]), y[part]).sum()
        print(json.dumps([total / len(X), seconds, core, above]), flush=True)


def in_a_child(problem):
    """Log-likelihood, seconds (wall, core) and bytes after each pass."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", problem.X)
        np.save(Path(folder) / "y.npy", problem.y)
        command = [sys.executable, __file__, "--child", folder]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def problems(n):
    """The shared problem, where it is there, and others."""
    shared = harness.data.shared_regression(n, D, K, 0)
    if shared is not None:
        yield "shared generator, seed 0", shared
    for seed in range(1 if harness.is_quick() else 5):
        yield f"make_moe_regression, {seed}", harness.data.regression(n, D, K, seed)


def main():
    """A row for each problem and pass."""
    if "--child" in sys.argv:
        measure(Path(sys.argv[-1]))
        return
    report = harness.Report(__doc__)
    n = 50_000 if harness.is_quick() else 1_000_000
    report.table(
        f"n={n}, d={D}, K={K}, batches of {BATCH}; megabytes (1e6 bytes)",
        "problem                  ", "pass", "gap", "rows/s", "core's", "peak MB",
    )  # fmt: skip
    gaps, speeds, peaks = {1: [], 2: []}, [], []
    for name, problem in problems(n):
        for number, reached in enumerate(in_a_child(problem), 1):
            log_likelihood, seconds, core, above = reached
            gap = problem.truth_log_likelihood - log_likelihood
            speed = number * n / core
            report.row(name, number, gap, number * n / seconds, speed, above / MEGABYTE)
            gaps[number].append(gap)
            speeds.append(speed)
            peaks.append(above / MEGABYTE)
    report.verdict("gap after one pass, first problem", gaps[1][0], at_most=0.02)
    report.verdict("gap after two passes, first problem", gaps[2][0], at_most=0.01)
    report.verdict("gap after one pass, the largest", max(gaps[1]), at_most=0.02)
    report.verdict("gap after two passes, the largest", max(gaps[2]), at_most=0.01)
    report.verdict(
        "rows per second of a core, median", float(np.median(speeds)), at_least=1e5
    )
    report.verdict("peak above the import, MB", max(peaks), at_most=300)


if __name__ == "__main__":
    main()
