"""How much memory and time does a fit to a memory-mapped file take?

Rows of known truth are written to a file, a block at a time, and fitted from there in a
process of its own. The peak is the kernel's high water mark (VmHWM), with all that is
loaded and with the pages of the file that are mapped at the time. A file of at most four
gigabytes is read into memory as well, for comparison.

    python benchmarks/larger_than_memory.py --gigabytes 20 --folder /tmp
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import numpy as np
from harness.memory import peak

D, K, LENGTH = 20, 8, 250_000
ROW_BYTES = 8 * (D + 1)
GIGABYTE = 1e9
# More is not read into memory for comparison.
COMPARED = 4.0


def write(folder, n):
    """Write n rows; the mean log-likelihood that the truth gives them."""
    lengths = [min(LENGTH, n - start) for start in range(0, n, LENGTH)]
    total = 0.0
    with (
        open(folder / "X.npy", "wb") as X_file,
        open(folder / "y.npy", "wb") as y_file,
    ):
        write_header(X_file, (n, D))
        write_header(y_file, (n,))
        for problem in harness.data.regression_blocks(lengths, D, K, seed=0):
            problem.X.tofile(X_file)
            problem.y.tofile(y_file)
            total += len(problem.y) * problem.truth_log_likelihood
    return total / n


def write_header(file, shape):
    """Begin a .npy file of float64; its rows follow block by block."""
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()


def measure(folder, mode):
    """In the child: fit, and print what it took as JSON."""
    X = np.load(folder / "X.npy", mmap_mode=mode)
    y = np.load(folder / "y.npy", mmap_mode=mode)
    model = harness.fits.MixtureOfExpertsRegressor(n_experts=K, random_state=0)
    seconds, _ = harness.timing.timed(lambda: model.fit(X, y))
    coef = [expert.coef_.tolist() for expert in model.experts_]
    print(json.dumps([peak(), seconds, model.lower_bound_, model.n_iter_, coef]))


def in_a_child(folder, mode):
    """Peak in bytes, seconds, objective, iterations and coefficients of a fit."""
    command = [sys.executable, __file__, "--child", mode or "read", "--folder", folder]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    """One row for each way to have the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--child", choices=["r", "read"])
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments.folder, "r" if arguments.child == "r" else None)
        return
    report = harness.Report(__doc__)
    size = 0.3 if harness.is_quick() else arguments.gigabytes
    n = int(size * GIGABYTE / ROW_BYTES)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        seconds, truth = harness.timing.timed(lambda: write(Path(folder), n))
        report.table(
            f"n={n}, d={D}, K={K}, float64: {size:g} GB (1e9 bytes), written in "
            f"{seconds:.0f} s; peak resident in GB",
            "file      ", "peak", "seconds", "iterations", "gap",
        )  # fmt: skip
        modes = {"mapped": "r"} | ({"in memory": None} if size <= COMPARED else {})
        found = {}
        for name, mode in modes.items():
            found[name] = in_a_child(folder, mode)
            above, seconds, reached, n_iter, _ = found[name]
            report.row(name, above / GIGABYTE, seconds, n_iter, truth - reached)
    report.verdict(
        "peak of the mapped file, GB", found["mapped"][0] / GIGABYTE, at_most=2
    )
    report.verdict("gap", truth - found["mapped"][2], at_most=0)
    if len(found) == 2:
        mapped, read = (np.array(found[name][-1]) for name in modes)
        apart = float(np.abs(mapped - read).max())
        report.verdict("largest difference of a coefficient", apart, at_most=1e-8)


if __name__ == "__main__":
    main()
