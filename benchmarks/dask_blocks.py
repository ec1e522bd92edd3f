"""Do two workers, each with its blocks, find the model of a fit in memory, and when?

Rows are read on the workers of a local cluster of two processes, one thread each, and
stay there; the model is fitted to them, and to the same rows in memory, by turns.

    python benchmarks/run.py dask_blocks
"""

import tempfile
from pathlib import Path

import harness
import numpy as np
from harness.memory import peak

D, K, LENGTH = 20, 8, 100_000
MEGABYTE = 1e6


def read(folder, name, start, stop):
    """Some rows of a file, in memory."""
    table = np.load(Path(folder) / f"{name}.npy", mmap_mode="r")
    return np.array(table[start:stop])


def on_workers(folder, n):
    """X and y as Dask arrays, whose blocks the workers read."""
    import dask.array as da
    from dask import delayed

    def table(name, shape):
        blocks = [
            da.from_delayed(
                delayed(read)(folder, name, start, min(start + LENGTH, n)),
                (min(LENGTH, n - start), *shape),
                np.float64,
            )
            for start in range(0, n, LENGTH)
        ]
        return da.concatenate(blocks)

    return table("X", (D,)), table("y", ())


class Watch:
    """A scikit-learn callback that notes which blocks each worker holds."""

    def __init__(self, client):
        self.client, self.held = client, []

    def setup(self, estimator, context):
        """Called before the fit."""

    def on_fit_task_begin(self, estimator, context):
        """Called before each task."""

    def on_fit_task_end(self, estimator, context):
        """Called after each task; nothing is to stop."""
        if context.task_name == "iteration":
            held = self.client.has_what().values()
            blocks = [{k for k in keys if str(k).startswith("RawBlock")} for keys in held]
            self.held.append(blocks)
        return False

    def teardown(self, estimator, context):
        """Called after the fit."""


def model():
    """What is fitted in both ways."""
    return harness.fits.MixtureOfExpertsRegressor(n_experts=K, random_state=0)


def distance(one, other):
    """Largest differences of coefficients, of experts and gate, and of dispersions."""
    pairs = [
        (np.array([e.coef_ for e in one.experts_]), [e.coef_ for e in other.experts_]),
        (one.gate_.coef_, other.gate_.coef_),
        (one.dispersion_, other.dispersion_),
    ]
    return [float(np.abs(np.subtract(a, b)).max()) for a, b in pairs]


def measure(report, client, problem, folder):
    """Three fits of each kind by turns, and what the workers held."""
    n = len(problem.y)
    X, y = on_workers(folder, n)
    watch, seconds = Watch(client), {"in memory": [], "two workers": []}
    for repeat in range(1 if harness.is_quick() else 3):
        taken, whole = harness.timing.timed(lambda: model().fit(problem.X, problem.y))
        seconds["in memory"].append(taken)
        blocks = model()
        if repeat == 0 and hasattr(blocks, "set_callbacks"):
            blocks.set_callbacks(watch)
        taken, _ = harness.timing.timed(lambda: blocks.fit(X, y))  # noqa: B023
        seconds["two workers"].append(taken)
    report.table(f"n={n}, d={D}, K={K}", "rows       ", "seconds", "iterations", "gap")
    for name, fitted in (("in memory", whole), ("two workers", blocks)):
        gap = problem.truth_log_likelihood - fitted.lower_bound_
        report.row(name, float(np.median(seconds[name])), fitted.n_iter_, gap)
    report.note(
        "Of the workers, the reading of the rows is counted, too; median of three."
    )
    apart = distance(whole, blocks)
    for name, value in zip(("experts", "gate", "dispersions"), apart, strict=True):
        report.verdict(f"largest difference, {name}", value, at_most=1e-8)
    peaks = client.run(peak).values()
    report.table(
        "blocks that each worker holds, and its peak resident memory",
        "worker",
        "blocks",
        "peak, MB",
    )
    for number, (held, most) in enumerate(zip(watch.held[-1], peaks, strict=True)):
        report.row(number, len(held), most / MEGABYTE)
    n_blocks, n_held = X.numblocks[0], sum(map(len, watch.held[-1]))
    shared = max(len(one & other) for one, other in watch.held)
    report.verdict("blocks that are held, over blocks", n_held / n_blocks, at_most=1)
    report.verdict("blocks that both workers held, at most", shared, at_most=0)


def main():
    """Start the cluster, and measure."""
    report = harness.Report(__doc__)
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        report.verdict("coefficients", "dask[distributed] is not there", at_most=1e-8)
        return
    problem = harness.data.regression(
        200_000 if harness.is_quick() else 2_000_000, D, K, 0
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        np.save(Path(folder) / "X.npy", problem.X)
        np.save(Path(folder) / "y.npy", problem.y)
        measure(report, client, problem, folder)


if __name__ == "__main__":
    main()
