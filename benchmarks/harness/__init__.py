"""What the benchmarks share: data with known truth, peers, clocks and reports.

Scripts import it before NumPy, because it holds every library to one thread.
"""

import os

os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

from harness import data, fits, peers, timing
from harness.report import Report, is_quick, results_file

__all__ = ["Report", "data", "fits", "is_quick", "peers", "results_file", "timing"]
