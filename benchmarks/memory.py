"""How much memory does a fit need beyond its data?

Peak resident memory during a default fit, less what was resident just before it, in a
process of its own. The data are read from a file there and a small fit has been run, so
neither libraries nor the drawing of the data count. The peak is the kernel's own high
water mark (VmHWM), set back just before the fit; no sampling can miss it.

    python benchmarks/run.py memory
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import numpy as np
from harness.memory import MEGABYTE, forget_peak, peak, resident

D, K = 20, 8


def measure(folder):
    """In the child: fit, and print what it took as JSON."""
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    harness.fits.skmoe(X[:2000], y[:2000], K)
    forget_peak()
    before = resident()
    model = harness.fits.MixtureOfExpertsRegressor(n_experts=K, random_state=0)
    seconds, _ = harness.timing.timed(lambda: model.fit(X, y))
    above = peak() - before
    reached = float(model.score_samples(X, y).mean())
    print(json.dumps([above, seconds, reached]))


def in_a_child(X, y):
    """Peak in bytes, seconds and log-likelihood of a fit in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        np.save(Path(folder) / "y.npy", y)
        command = [sys.executable, __file__, "--child", folder]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    """One row for each dtype."""
    if "--child" in sys.argv:
        measure(Path(sys.argv[-1]))
        return
    report = harness.Report(__doc__)
    n = 100_000 if harness.is_quick() else 1_000_000
    problem = harness.data.regression(n, D, K, 0)
    report.table(
        f"n={n}, d={D}, K={K}; megabytes (1e6 bytes)",
        "dtype    ", "input", "peak above", "bound", "seconds", "gap",
    )  # fmt: skip
    shares = {}
    for dtype in (np.float64, np.float32):
        X, y = problem.X.astype(dtype), problem.y.astype(dtype)
        above, seconds, reached = in_a_child(X, y)
        size = (X.nbytes + y.nbytes) / MEGABYTE
        bound = 1.5 * size + 200
        shares[dtype.__name__] = above / MEGABYTE / bound
        gap = problem.truth_log_likelihood - reached
        report.row(dtype.__name__, size, above / MEGABYTE, bound, seconds, gap)
    for name, share in shares.items():
        statement = f"{name}: peak above the input, over 1.5 x input + 200 MB"
        report.verdict(statement, share, at_most=1.0)


if __name__ == "__main__":
    main()
