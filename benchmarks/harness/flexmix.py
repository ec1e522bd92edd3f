"""flexmix, the mixture package of R, from its own random start."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from harness.fits import Fit

_SCRIPT = Path(__file__).with_suffix(".R")


def fit(X, y, n_experts, seed=0, max_iter=200):
    """Fit with flexmix's defaults; reading the data is not timed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        names = [f"x{number}" for number in range(X.shape[1])] + ["y"]
        np.savetxt(
            file, np.column_stack([X, y]), delimiter=",", header=",".join(names),
            comments="",
        )  # fmt: skip
        command = ["Rscript", _SCRIPT, file, str(n_experts), str(seed), str(max_iter)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in run.stdout.splitlines() if line.startswith("RESULT"))
    seconds, reached, n_iter, n_left, converged = map(float, line.split()[1:])
    note = f"{n_iter:.0f} iterations" + ("" if converged else ", not converged")
    if n_left < n_experts:
        note += f", {n_left:.0f} experts left"
    return Fit(seconds, reached, note)
